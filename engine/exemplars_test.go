package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// remembering is a metrics server that keeps exemplars.
type remembering struct {
	*fake
	has []sources.Exemplar
	err error
}

func (r *remembering) Exemplars(_ context.Context, expr string, from, to time.Time) ([]sources.Exemplar, error) {
	r.set(func(f *fake) { f.asked = append(f.asked, fmt.Sprintf("exemplars %s over %s", expr, to.Sub(from))) })
	return r.has, r.err
}

// TestTheSlowestTracedRequestsAreLookedUpWhileSomebodyAsks: of the service that is
// meant, each trace once, by the id of their record where one is held.
func TestTheSlowestTracedRequestsAreLookedUpWhileSomebodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		id := func(n int) string { return fmt.Sprintf("%032x", n) }
		of := func(service, metric string, value float64, trace int) sources.Exemplar {
			return sources.Exemplar{Labels: map[string]string{"service": service, "__name__": metric}, At: now.Add(-time.Minute), Value: value, Trace: id(trace)}
		}
		server := &remembering{fake: &fake{name: "main", value: func(string, time.Time) (float64, bool) { return 0.001, true }}, has: []sources.Exemplar{
			of("chat", "x_seconds_bucket", 1, 1), of("chat", "x_seconds_bucket", 8, 2), of("chat", "x_seconds_bucket", 7, 2), of("chat", "x_milliseconds_bucket", 9000, 3), of("fraud", "x_seconds_bucket", 99, 4),
		}}
		s := stream{make(chan sources.Batch, 1)}
		s.batches <- sources.Batch{Requests: []health.Request{{ID: "req-2", Service: "chat", At: now.Add(-70 * time.Second), Trace: strings.ToUpper(id(2))}}, CaughtUp: true}
		pack := onePack()
		pack[0].Signals = append(pack[0].Signals, packs.Signal{ID: "latency_p95", Query: "latency by ($by)"})
		tempo := &tracer{name: "tempo", has: spans("tempo", "s1")}
		e := New(Options{Sources: []sources.Source{server, s, tempo}, Packs: pack})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); e.Run(ctx) }()
		v := e.Join()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := counted(server.log(), "exemplars"); n != 0 {
			t.Errorf("asked %d times while nobody wants it", n)
		}

		of95 := health.Named{Service: "chat", Signal: "latency_p95"}
		v.Want(health.Interest{Traced: of95})
		time.Sleep(time.Second)
		synctest.Wait()
		var got []string
		for _, x := range v.Snapshot().Exemplars[of95].Slowest {
			got = append(got, fmt.Sprint(x.Value, " ", x.Request))
		}
		if want := []string{"9 trace:" + id(3), "8 req-2", "1 trace:" + id(1)}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the slowest are %q, want %q; asked: %q", got, want, server.log())
		}

		v.Want(health.Interest{Request: "trace:" + id(3)})
		time.Sleep(time.Second)
		synctest.Wait()
		if r := v.Snapshot().Requests["trace:"+id(3)]; r.Trace != id(3) || r.At.IsZero() || r.Missing != "" || v.Snapshot().Traces[id(3)].State != health.TraceFound {
			t.Errorf("what has only a trace is opened as %+v", r)
		}
		tempo.says(nobodyHasIt)
		v.Want(health.Interest{Request: "trace:" + id(9)})
		time.Sleep(time.Second)
		synctest.Wait()
		if r := v.Snapshot().Requests["trace:"+id(9)]; !strings.Contains(r.Missing, "not found in tempo") {
			t.Errorf("of a trace nobody has is said %q", r.Missing)
		}

		server.err = errors.New("main: 500")
		before := counted(server.log(), "exemplars")
		v.Want(health.Interest{Traced: of95})
		time.Sleep(time.Minute)
		synctest.Wait()
		if x := v.Snapshot().Exemplars[of95]; len(x.Slowest) != 3 || x.Note != "main: 500" {
			t.Errorf("after a failure: %+v", x)
		}
		if n := counted(server.log(), "exemplars") - before; n < 1 || n > 5 {
			t.Errorf("asked %d times within a minute", n)
		}
		server.err = sources.ErrMissing
		v.Want(health.Interest{Traced: health.Named{Service: "fraud", Signal: "errors"}})
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(v.Snapshot().Exemplars); n != 0 {
			t.Errorf("a share has %d slowest requests", n)
		}
		cancel()
		<-done
	})
}
