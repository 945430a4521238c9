package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

// tracer is a source of traces that answers what the test says.
type tracer struct {
	name string

	mu    sync.Mutex
	asked []string
	has   func(id string) (health.Trace, error)
	hang  bool
	gone  bool // it does not say who it is
	most  int  // at once
	out   int
}

func (t *tracer) Name() string                { return t.name }
func (t *tracer) Close() error                { return nil }
func (t *tracer) About() (kind, where string) { return "fake", "nowhere" }

func (t *tracer) Version(context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return "", errors.New(t.name + ": cannot be reached")
	}
	return "", nil
}

func (t *tracer) Trace(ctx context.Context, id string) (health.Trace, error) {
	t.mu.Lock()
	t.asked = append(t.asked, id)
	t.out++
	t.most = max(t.most, t.out)
	has, hang := t.has, t.hang
	t.mu.Unlock()
	defer func() { t.mu.Lock(); t.out--; t.mu.Unlock() }()
	if hang {
		<-ctx.Done()
		return health.Trace{}, ctx.Err()
	}
	return has(id)
}

func (t *tracer) times() int { t.mu.Lock(); defer t.mu.Unlock(); return len(t.asked) }

func (t *tracer) atOnce() int { t.mu.Lock(); defer t.mu.Unlock(); return t.most }

func (t *tracer) says(has func(id string) (health.Trace, error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.has = has
}

func nobodyHasIt(string) (health.Trace, error) { return health.Trace{}, sources.ErrNotFound }

func spans(source string, ids ...string) func(string) (health.Trace, error) {
	return func(id string) (health.Trace, error) {
		t := health.Trace{ID: id, Source: source, State: health.TraceFound, Link: "https://ui.example/" + id}
		for i, s := range ids {
			t.Spans = append(t.Spans, health.TraceSpan{ID: s, Name: s, Kind: health.SpanTool, Tool: "look", Start: time.Unix(int64(i), 0), Duration: time.Second})
		}
		return t, nil
	}
}

// traceWard is an engine with requests in its log and some tracing systems.
func traceWard(t *testing.T, tracers []*tracer, n int, test func(ward, *Viewer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "main", value: func(string, time.Time) (float64, bool) { return 0.001, true }}
		s := stream{make(chan sources.Batch, 1)}
		all := []sources.Source{f, s}
		for _, tr := range tracers {
			all = append(all, tr)
		}
		link, err := health.NewLinkTemplate("https://logs.example/?id={request_id}&from={from_ms}")
		if err != nil {
			t.Fatal(err)
		}
		e := New(Options{Sources: all, Packs: onePack(), Services: []Override{{Name: "fraud", Match: []string{"fraud"}, Link: link}}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); e.Run(ctx) }()
		var b sources.Batch
		for i := range n {
			b.Requests = append(b.Requests, health.Request{ID: fmt.Sprintf("r%d", i), Service: "chat", At: time.Now().Add(-time.Hour), Trace: fmt.Sprintf("%032x", i+1)})
		}
		b.Requests = append(b.Requests, health.Request{ID: "bare", Service: "fraud", At: time.UnixMilli(1e12)})
		b.CaughtUp = true
		s.batches <- b
		w := ward{e, f, t}
		v := w.Join()
		w.later(2 * time.Second)
		test(w, v)
		cancel()
		<-done
	})
}

func open(v *Viewer, id string) { v.Want(health.Interest{Request: id}) }

func traceOf(v *Viewer, i int) health.Trace { return v.Snapshot().Traces[fmt.Sprintf("%032x", i+1)] }

func TestTheTraceOfAnOpenRequestIsLookedUpEverywhere(t *testing.T) {
	a, b := &tracer{name: "a", has: spans("a", "s1", "s2")}, &tracer{name: "b", has: spans("b", "s2", "s3")}
	c := &tracer{name: "c", has: func(string) (health.Trace, error) { return health.Trace{}, errors.New("c: 500 internal server error") }}
	d := &tracer{name: "d", has: nobodyHasIt}
	traceWard(t, []*tracer{a, b, c, d}, 3, func(w ward, v *Viewer) {
		if a.times() != 0 || len(v.Snapshot().Traces) != 0 {
			t.Errorf("asked %d times with nothing open", a.times())
		}
		open(v, "r0")
		w.later(time.Second)
		got := traceOf(v, 0)
		var names []string
		for _, s := range got.Spans {
			names = append(names, s.ID)
		}
		if got.State != health.TraceFound || strings.Join(names, " ") != "s1 s2 s3" && strings.Join(names, " ") != "s2 s1 s3" || got.Source != "a, b" || got.Note != "c: 500 internal server error" {
			t.Errorf("%s %v of %q: %s", got.State, names, got.Source, got.Note)
		}
		r := v.Snapshot().Requests["r0"]
		if len(r.Tools) != 3 || r.Link != got.Link || r.Link == "" {
			t.Errorf("the request has %d calls and the link %q", len(r.Tools), r.Link)
		}
		for _, s := range v.Snapshot().Sources {
			if s.Name == "c" && s.OK || s.Name == "d" && !s.OK || s.Name == "a" && (!s.OK || s.Asked < 1) {
				t.Errorf("%+v", s)
			}
		}
		w.later(5 * time.Minute)
		if a.times() != 1 {
			t.Errorf("an old trace that was found was asked for %d times", a.times())
		}
	})
}

func TestOneLookAtARequestHasItsTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "main", value: func(string, time.Time) (float64, bool) { return 0.001, true }}
		s := stream{make(chan sources.Batch, 1)}
		s.batches <- sources.Batch{Requests: []health.Request{{ID: "r0", Service: "chat", At: time.Now(), Trace: fmt.Sprintf("%032x", 1)}}, CaughtUp: true}
		slow := &tracer{name: "slow", has: func(id string) (health.Trace, error) {
			time.Sleep(3 * time.Second)
			return spans("slow", "s1")(id)
		}}
		e := New(Options{Sources: []sources.Source{f, s, slow}, Packs: onePack()})
		snap := e.Round(t.Context(), health.Interest{Request: "r0"})
		if tr := snap.Traces[fmt.Sprintf("%032x", 1)]; tr.State != health.TraceFound || len(tr.Spans) != 1 {
			t.Errorf("the trace is %+v", tr)
		}
		if n := slow.times(); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
	})
}

func TestWhatIsKnownOfATraceIsSaidInWords(t *testing.T) {
	a := &tracer{name: "a", hang: true}
	b := &tracer{name: "b", has: nobodyHasIt}
	traceWard(t, []*tracer{a, b}, 3, func(w ward, v *Viewer) {
		open(v, "r0")
		w.later(time.Second)
		if got := traceOf(v, 0); got.State != health.TraceAsking || got.Note != "asking a for it…" {
			t.Errorf("%s: %s", got.State, got.Note)
		}
		before := v.Snapshot().Version
		w.later(20 * time.Second)
		if v.Snapshot().Version == before {
			t.Error("a tracing system that hangs holds everything up")
		}
		w.later(15 * time.Second)
		if got := traceOf(v, 0); got.State != health.TraceFailed || got.Note != "a: did not find it within 30s" {
			t.Errorf("%s: %s", got.State, got.Note)
		}
		a.mu.Lock()
		a.hang = false
		a.mu.Unlock()
		a.says(nobodyHasIt)
		open(v, "r1")
		w.later(time.Second)
		if got := traceOf(v, 1); got.State != health.TraceMissing || !strings.HasPrefix(got.Note, "not found in a, b: it was not sampled") {
			t.Errorf("%s: %s", got.State, got.Note)
		}
		n := b.times()
		b.says(spans("b", "late"))
		w.later(40 * time.Second)
		if got := traceOf(v, 1); got.State != health.TraceFound || len(got.Spans) != 1 || b.times() != n+1 {
			t.Errorf("%s after %d more questions", got.State, b.times()-n)
		}
		b.says(func(string) (health.Trace, error) { return health.Trace{}, errors.New("b: gone") })
		w.later(time.Minute)
		if got := traceOf(v, 1); got.State != health.TraceFound {
			t.Errorf("a failure removed a trace: %s", got.State)
		}
	})
}

func TestATraceNobodyHasIsAskedForLessAndLess(t *testing.T) {
	a := &tracer{name: "a", has: nobodyHasIt}
	traceWard(t, []*tracer{a}, 1, func(w ward, v *Viewer) {
		open(v, "r0")
		w.later(time.Hour)
		if n := a.times(); n < 10 || n > 25 {
			t.Errorf("asked %d times in an hour", n)
		}
	})
}

func TestFewTracesAreHeldAndFewLookedUpAtOnce(t *testing.T) {
	a := &tracer{name: "a", has: spans("a", "s")}
	traceWard(t, []*tracer{a}, 200, func(w ward, v *Viewer) {
		for i := range 100 {
			open(v, fmt.Sprintf("r%d", i))
			w.later(50 * time.Millisecond)
		}
		w.later(time.Minute)
		if n := len(w.lookups); n > maxTraces || n == 0 {
			t.Errorf("%d traces are held", n)
		}
		a.mu.Lock()
		a.hang = true
		a.mu.Unlock()
		for i := 100; i < 150; i++ {
			another := w.Join()
			open(another, fmt.Sprintf("r%d", i))
		}
		w.later(20 * time.Second)
		if n := a.atOnce(); n > maxLookups {
			t.Errorf("%d questions at once", n)
		}
		w.later(10 * time.Minute)
		if n := a.times(); n < 150 {
			t.Errorf("only %d were asked for in the end", n)
		}
	})
}

func TestARequestWithoutTraceHasTheLinkOfItsService(t *testing.T) {
	traceWard(t, nil, 1, func(w ward, v *Viewer) {
		open(v, "bare")
		w.later(time.Second)
		if got := v.Snapshot().Requests["bare"].Link; got != "https://logs.example/?id=bare&from=999999700000" {
			t.Errorf("the link is %q", got)
		}
		if len(v.Snapshot().Traces) != 0 {
			t.Error("it has a trace")
		}
	})
}

func TestWhatTheDetectorsFindReachesTheVerdict(t *testing.T) {
	inWard(t, func() sources.Source { return stream{make(chan sources.Batch, 1)} }, func(w ward) {
		v := w.Join()
		var b sources.Batch
		for i := range 60 {
			r := health.Request{ID: fmt.Sprintf("r%d", i), Service: "chat", At: time.Now().Add(-time.Duration(60-i) * 5 * time.Second)}
			for range 5 * (i % 2) {
				r.Tools = append(r.Tools, health.ToolCall{Name: "look_up", Arguments: "1"})
			}
			for k := range 4 * (1 - i%2) {
				r.Tools = append(r.Tools, health.ToolCall{Name: "look_up", Arguments: fmt.Sprint(k)})
			}
			b.Requests = append(b.Requests, r)
		}
		b.CaughtUp = true
		w.tails[0].source.(stream).batches <- b
		w.later(15 * time.Second)
		s, _ := v.Snapshot().Service("chat")
		if s.Status != health.Critical || len(s.Findings) != 1 || s.Findings[0].Rule != "detector" || !strings.Contains(s.Findings[0].Text, "look_up x5, same arguments") {
			t.Errorf("%v: %+v", s.Status, s.Findings)
		}
		if other, _ := v.Snapshot().Service("fraud"); other.Status != health.OK {
			t.Errorf("fraud is %v: %+v", other.Status, other.Findings)
		}
	})
}

// TestAfterARollbackTheDetectorsLookAtWhatCameSince: what was ill before it does not
// keep the service ill, what is ill again does, and a rollback of long ago changes nothing.
func TestAfterARollbackTheDetectorsLookAtWhatCameSince(t *testing.T) {
	for _, c := range []struct {
		name    string
		applied time.Duration // before now; 0: no rollback
		ill     bool          // after it as well
		want    health.Status
	}{
		{"no rollback", 0, true, health.Critical},
		{"it helped", 2 * time.Minute, false, health.OK},
		{"it did not", 2 * time.Minute, true, health.Critical},
		{"long ago", time.Hour, true, health.Critical},
	} {
		desk := &undone{}
		inWardOf(t, Options{Packs: onePack(), Desk: desk}, func() []sources.Source {
			if c.applied > 0 {
				desk.op = health.Rollback{ID: "op-1", Service: "chat", State: health.OpRecovered, Applied: time.Now().Add(-c.applied)}
			}
			return []sources.Source{&fake{name: "main", value: func(string, time.Time) (float64, bool) { return 0.001, true }}, stream{make(chan sources.Batch, 1)}}
		}, func(w ward) {
			v := w.Join()
			b := sources.Batch{CaughtUp: true}
			for i := range 120 {
				r := health.Request{ID: fmt.Sprintf("r%d", i), Service: "chat", At: time.Now().Add(-time.Duration(120-i) * 3 * time.Second)}
				circles := i%2 == 1 && (c.ill || r.At.Before(desk.op.Applied))
				for k := range 5 {
					argument := fmt.Sprint(k)
					if circles {
						argument = "1"
					}
					r.Tools = append(r.Tools, health.ToolCall{Name: "look_up", Arguments: argument})
				}
				b.Requests = append(b.Requests, r)
			}
			w.tails[0].source.(stream).batches <- b
			w.later(15 * time.Second)
			if s, _ := v.Snapshot().Service("chat"); s.Status != c.want {
				t.Errorf("%s: %v: %+v", c.name, s.Status, s.Findings)
			}
		})
	}
}

// undone is a desk that has done one thing.
type undone struct {
	noted
	op health.Rollback
}

func (u *undone) Operations() []health.Rollback { return []health.Rollback{u.op} }

func TestATracingSystemThatIsNotThereIsShownBeforeItIsNeeded(t *testing.T) {
	a := &tracer{name: "a", has: nobodyHasIt, gone: true}
	traceWard(t, []*tracer{a}, 1, func(w ward, v *Viewer) {
		state := func() health.SourceState {
			for _, s := range v.Snapshot().Sources {
				if s.Name == "a" {
					return s
				}
			}
			return health.SourceState{}
		}
		if s := state(); s.OK || s.Error != "a: cannot be reached" {
			t.Errorf("%+v", s)
		}
		a.mu.Lock()
		a.gone = false
		a.mu.Unlock()
		w.later(2 * time.Minute)
		if s := state(); !s.OK || s.Error != "" {
			t.Errorf("two minutes after it is back: %+v", s)
		}
	})
}
