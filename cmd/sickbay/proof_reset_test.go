package main

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"

	"sickbay/demo/prom"
	"sickbay/health"
	"sickbay/triage"
)

// TestAProofCountsOverACounterReset: a rollback starts processes anew, and their counters
// begin at zero. What is proved is counted by PromQL's rate and is neither negative nor
// counted twice.
func TestAProofCountsOverACounterReset(t *testing.T) {
	const (
		every, window  = 5 * time.Second, 30 * time.Second
		perSecond      = 10.0
		before, after  = 10 * time.Minute, 4 * time.Minute
		illAt, wellNow = 0.08, 0.01
	)
	begin := storyTime.Truncate(time.Minute)
	act, now := begin.Add(before), begin.Add(before+after)
	store := prom.NewStore(time.Hour)
	ok, bad := store.Series(map[string]string{"__name__": "x_total", "status": "ok"}), store.Series(map[string]string{"__name__": "x_total", "status": "error"})
	good, failed := 1e6, 1e5 // as after days
	for at := begin.Add(-time.Minute); !at.After(now); at = at.Add(every) {
		share := illAt
		if at.After(act) {
			share = wellNow
		}
		if at.Equal(act.Add(every)) {
			good, failed = 0, 0 // the new process
		}
		good, failed = good+perSecond*every.Seconds()*(1-share), failed+perSecond*every.Seconds()*share
		for ref, v := range map[prom.Ref]float64{ok: good, bad: failed} {
			if err := store.Append(ref, at.UnixMilli(), v); err != nil {
				t.Fatal(err)
			}
		}
	}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute})
	asked := func(expr string) []health.Point {
		q, err := engine.NewRangeQuery(context.Background(), store, nil, expr, begin, now, every)
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		m, err := q.Exec(context.Background()).Matrix()
		if err != nil || len(m) != 1 {
			t.Fatalf("%s: %d series, %v", expr, len(m), err)
		}
		var out []health.Point
		for _, p := range m[0].Floats {
			out = append(out, health.Point{T: p.T, V: p.F})
		}
		return out
	}
	limit := health.Limit{Warn: health.Num(.02), Critical: health.Num(.05)}
	service := func(to time.Time) health.Service {
		s := health.Service{Name: "chat", Status: health.Critical, Since: begin.Add(time.Minute)}
		for id, expr := range map[string]string{"traffic": `sum(rate(x_total[30s]))`, "errors": `sum(rate(x_total{status="error"}[30s])) / sum(rate(x_total[30s]))`} {
			sig := health.Signal{ID: id, Title: id, State: health.Fresh, Bad: health.Up}
			for _, p := range asked(expr) {
				if !p.Time().After(to) {
					sig.Series, sig.Value, sig.At = append(sig.Series, p), p.V, p.Time()
				}
			}
			if id == "errors" {
				sig.Limit, sig.Status = limit, health.Critical
			}
			s.Signals = append(s.Signals, sig)
		}
		return s
	}
	ill := service(act)
	symptoms := triage.Count(ill, triage.Symptoms(ill), window, act)
	readings := triage.Readings(service(now), act, window, symptoms)
	if len(readings) != 1 || readings[0].Proof == nil {
		t.Fatalf("nothing was counted: %+v", readings)
	}
	p := readings[0].Proof
	counted := p.After.To.Sub(p.After.From).Seconds() * perSecond
	if !p.Verified() || math.Abs(p.Before.Share()-illAt) > .005 || math.Abs(p.After.Share()-wellNow) > .005 || math.Abs(p.After.N-counted) > counted/10 {
		t.Errorf("before %.3f, after %.3f of %.0f requests (there were %.0f), verified %v", p.Before.Share(), p.After.Share(), p.After.N, counted, p.Verified())
	}
}
