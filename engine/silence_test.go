package engine

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// ailing is a fake that has alerts, and a distribution that moved.
type ailing struct{ *fake }

func (a ailing) Alerts(ctx context.Context) ([]health.Alert, error) {
	if err := a.enter(ctx, "alerts"); err != nil {
		return nil, err
	}
	return []health.Alert{{Name: "Slow of " + a.name, Service: "chat", State: "firing", Severity: "page", Source: a.name}}, nil
}

func (a ailing) Instant(ctx context.Context, expr string, at time.Time) (sources.Answer, error) {
	got, err := a.fake.Instant(ctx, expr, at)
	if err != nil || !strings.HasPrefix(expr, "buckets") {
		return got, err
	}
	counts := []float64{800, 900, 1000} // once nearly all were short
	if time.Since(at) < 30*time.Minute {
		counts = []float64{50, 100, 1000}
	}
	for i, le := range []string{"0.1", "1", "+Inf"} {
		got.Series = append(got.Series, sources.Series{
			Labels: map[string]string{"service": "chat", "le": le}, Points: []health.Point{{T: at.UnixMilli(), V: counts[i]}},
		})
	}
	return got, nil
}

func (a ailing) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) (sources.Answer, error) {
	if !strings.HasPrefix(expr, "buckets") {
		return a.fake.Range(ctx, expr, from, to, step)
	}
	var all sources.Answer
	for t := from; !t.After(to); t = t.Add(step) {
		got, err := a.Instant(ctx, expr, t)
		if err != nil {
			return all, err
		}
		all.Series = append(all.Series, got.Series...)
	}
	return all, nil
}

// TestWhatIsLeftOfASilentSourceMakesNoVerdict: drift and alerts of before an outage
// would call a service ill that nobody sees, and less ill than it was.
func TestWhatIsLeftOfASilentSourceMakesNoVerdict(t *testing.T) {
	f := &fake{name: "main", value: func(service string, _ time.Time) (float64, bool) {
		return map[string]float64{"chat": 0.5, "fraud": 0.001}[service], true
	}}
	pack := onePack()
	pack[0].Distributions = []packs.Distribution{{Signal: "answer length", Kind: "histogram", Query: "buckets by ($by)"}}
	inWardOf(t, Options{Packs: pack}, func() []sources.Source { return []sources.Source{ailing{f}} }, func(w ward) {
		v := w.Join()
		chat := func() health.Service { s, _ := v.Snapshot().Service("chat"); return s }
		rules := func() string {
			var all []string
			for _, f := range chat().Findings {
				all = append(all, f.Rule)
			}
			return strings.Join(all, " ")
		}
		w.later(3 * time.Minute)
		if s := chat(); s.Status != health.Critical || rules() != "limit drift alert" || len(s.Drift) != 1 {
			t.Fatalf("chat is %v by %q with %+v", s.Status, rules(), s.Drift)
		}
		level, psi := chat().Drift[0].Level, *chat().Drift[0].PSIAdj
		f.set(func(f *fake) { f.err = errors.New("main: connection refused") })
		for n := range 60 {
			w.later(2 * time.Second)
			if s := chat(); s.Status != health.Critical && s.Status != health.Unknown {
				t.Fatalf("%d s into an outage chat is %v by %q", 2*n, s.Status, rules())
			}
		}
		if s := chat(); s.Status != health.Unknown || rules() != "stale" {
			t.Errorf("in an outage chat is %v by %q", s.Status, rules())
		}
		d := chat().Drift[0]
		if d.Level != staleLevel || d.PSIAdj == nil || *d.PSIAdj != psi || !strings.Contains(d.Note, "connection refused") {
			t.Errorf("its drift is %+v", d)
		}
		if len(v.Snapshot().Alerts) != 1 {
			t.Error("the alerts that were known are gone")
		}
		f.set(func(f *fake) { f.err = nil })
		w.later(11 * time.Second)
		if s := chat(); s.Status != health.Critical || rules() != "limit drift alert" || s.Drift[0].Level != level {
			t.Errorf("one refresh after it chat is %v by %q, its drift %q", s.Status, rules(), s.Drift[0].Level)
		}
	})
}

func TestAlertsOfSeveralSourcesStandBesideEachOther(t *testing.T) {
	value := func(string, time.Time) (float64, bool) { return 0.001, true }
	two := func() []sources.Source {
		return []sources.Source{ailing{&fake{name: "east", value: value}}, ailing{&fake{name: "west", value: value}}}
	}
	o := Options{Packs: onePack(), Services: []Override{{Name: "support", Match: []string{"chat"}}}}
	inWardOf(t, o, two, func(w ward) {
		v := w.Join()
		for n := range 12 {
			w.later(5 * time.Second)
			var got []string
			for _, a := range v.Snapshot().Alerts {
				got = append(got, a.Name+" at "+a.Service)
			}
			if all := strings.Join(got, ", "); all != "Slow of east at support, Slow of west at support" {
				t.Fatalf("look %s: %q", strconv.Itoa(n), all)
			}
		}
		if s, _ := v.Snapshot().Service("support"); s.Status != health.Warn {
			t.Errorf("with two alerts that name it by its label support is %v", s.Status)
		}
	})
}

// TestAnAlertThatIsIgnoredIsShownAndJudgesNothing: the config says so of one service.
func TestAnAlertThatIsIgnoredIsShownAndJudgesNothing(t *testing.T) {
	value := func(string, time.Time) (float64, bool) { return 0.001, true }
	one := func() []sources.Source { return []sources.Source{ailing{&fake{name: "east", value: value}}} }
	o := Options{Packs: onePack(), Services: []Override{{Name: "support", Match: []string{"chat"}, Ignore: []string{"alert", "drift"}}}}
	inWardOf(t, o, one, func(w ward) {
		v := w.Join()
		w.later(30 * time.Second)
		if s, _ := v.Snapshot().Service("support"); s.Status != health.OK || len(v.Snapshot().Alerts) != 1 {
			t.Errorf("support is %v with %d alerts: %+v", s.Status, len(v.Snapshot().Alerts), s.Findings)
		}
	})
}

// TestARefreshLongerThanAStepMakesNothingOld: with a refresh of a minute values are up
// to a minute old, and none the worse.
func TestARefreshLongerThanAStepMakesNothingOld(t *testing.T) {
	f := &fake{name: "main", value: func(string, time.Time) (float64, bool) { return 0.001, true }}
	inWardOf(t, Options{Packs: onePack(), Refresh: time.Minute}, func() []sources.Source { return []sources.Source{f} }, func(w ward) {
		v := w.Join()
		w.later(time.Minute)
		for range 60 {
			w.batches <- batch{from: &tail{}, Batch: sources.Batch{CaughtUp: true}} // so that there is something to show
			w.later(5 * time.Second)
			if sig := w.signal(v, "chat", "errors"); sig.State != health.Fresh {
				t.Fatalf("%v old, errors is %v", v.Snapshot().At.Sub(sig.At), sig.State)
			}
		}
	})
}
