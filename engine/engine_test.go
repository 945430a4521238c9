package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

// ward is an engine on a fake, running in a bubble where time is free.
type ward struct {
	*Engine
	fake *fake
	t    *testing.T
}

// inWard runs a test with an engine that started at a full minute.
func inWard(t *testing.T, more func() sources.Source, test func(ward)) {
	t.Helper()
	f := &fake{name: "main", value: func(string, time.Time) (float64, bool) { return 0.001, true }}
	both := func() []sources.Source {
		if more == nil {
			return []sources.Source{f}
		}
		return []sources.Source{f, more()}
	}
	inWardOf(t, Options{Packs: onePack()}, both, func(w ward) { w.fake = f; test(w) })
}

// inWardOf runs a test with an engine on sources that are made inside the bubble.
func inWardOf(t *testing.T, o Options, open func() []sources.Source, test func(ward)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Sources = open()
		e := New(o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); e.Run(ctx) }()
		test(ward{Engine: e, t: t})
		cancel()
		<-done
	})
}

// later lets time pass until everything has come to rest.
func (w ward) later(d time.Duration) { time.Sleep(d); synctest.Wait() }

func (w ward) signal(v *Viewer, service, id string) health.Signal {
	s, ok := v.Snapshot().Service(service)
	if !ok {
		w.t.Fatalf("%s is not in the snapshot", service)
	}
	return s.Signal(id)
}

func TestAViewerSeesServicesWithinOneRound(t *testing.T) {
	inWard(t, nil, func(w ward) {
		v := w.Join()
		if s := v.Snapshot(); !s.Asking || len(s.Services) != 0 {
			t.Errorf("before any answer: asking %v with %d services", s.Asking, len(s.Services))
		}
		w.later(time.Second)
		if s := v.Snapshot(); s.Asking || len(s.Services) != 2 {
			t.Fatalf("asking %v with %d services", s.Asking, len(s.Services))
		}
		if sig := w.signal(v, "chat", "errors"); sig.State != health.Fresh || sig.Value != 0.001 {
			t.Errorf("errors is %v %v", sig.State, sig.Value)
		}
	})
}

func TestFiveHundredViewersCostWhatOneCosts(t *testing.T) {
	inWard(t, nil, func(w ward) {
		w.Join()
		w.later(61 * time.Second)
		alone := len(w.fake.log())
		for range 499 {
			w.Join()
		}
		w.later(60 * time.Second)
		if together := len(w.fake.log()) - alone; together > alone {
			t.Errorf("500 viewers asked %d times in a minute, one asked %d times", together, alone)
		}
	})
}

func TestAfterTheFirstRoundOnlyTheTailIsFetched(t *testing.T) {
	inWard(t, nil, func(w ward) {
		w.Join()
		w.later(time.Second)
		first := w.fake.fetched()
		w.later(10 * time.Second)
		if tail := w.fake.fetched() - first; tail == 0 || tail*20 > first {
			t.Errorf("the second round fetched %d samples, the first %d", tail, first)
		}
	})
}

func TestNothingIsAskedBeforeANewStepExists(t *testing.T) {
	inWard(t, nil, func(w ward) {
		v := w.Join()
		v.Want(health.Interest{Lens: health.Lens{Window: 6 * time.Hour}})
		w.later(time.Second)
		before := counted(w.fake.log(), "range errors")
		v.Want(health.Interest{Lens: health.Lens{Window: 6 * time.Hour}, Service: "chat"})
		v.Want(health.Interest{Lens: health.Lens{Window: 6 * time.Hour}})
		w.later(time.Second)
		if after := counted(w.fake.log(), "range errors"); after != before {
			t.Errorf("asked %d times more within a step", after-before)
		}
	})
}

func TestDetailIsOnlyAskedForWhileAServiceIsOpen(t *testing.T) {
	inWard(t, nil, func(w ward) {
		v := w.Join()
		w.later(30 * time.Second)
		if n := counted(w.fake.log(), "range tokens"); n != 0 {
			t.Errorf("asked %d times with nothing open", n)
		}
		v.Want(health.Interest{Service: "chat"})
		w.later(time.Second)
		if n := counted(w.fake.log(), "range tokens"); n != 1 {
			t.Errorf("asked %d times with a service open", n)
		}
	})
}

func TestWhatIsNoLongerAskedForIsNotCalledMissing(t *testing.T) {
	inWard(t, nil, func(w ward) {
		v := w.Join()
		v.Want(health.Interest{Service: "chat"})
		w.later(time.Minute)
		if sig := w.signal(v, "chat", "tokens_in"); sig.State != health.Fresh {
			t.Fatalf("with the service open tokens are %v", sig.State)
		}
		v.Want(health.Interest{})
		w.later(5 * time.Minute)
		s, _ := v.Snapshot().Service("chat")
		if sig := s.Signal("tokens_in"); sig.State != health.Absent || s.Status != health.OK {
			t.Errorf("minutes after it was closed tokens are %v and the service is %v", sig.State, s.Status)
		}
	})
}

func TestAPausedViewerCostsNothing(t *testing.T) {
	inWard(t, nil, func(w ward) {
		v := w.Join()
		w.later(time.Second)
		v.Want(health.Interest{Hidden: true})
		w.later(time.Second)
		before := len(w.fake.log())
		w.later(5 * time.Minute)
		if asked := len(w.fake.log()) - before; asked != 0 {
			t.Errorf("%d questions while paused", asked)
		}
	})
}

func TestAnErrorKeepsTheLastValuesAndSaysHowOldTheyAre(t *testing.T) {
	inWard(t, nil, func(w ward) {
		v := w.Join()
		w.later(time.Second)
		w.fake.set(func(f *fake) { f.err = errors.New("main: connection refused") })
		w.later(2 * time.Minute)
		sig := w.signal(v, "chat", "errors")
		if sig.State != health.Stale || sig.Value != 0.001 || sig.Note == "" {
			t.Errorf("errors is %v %v, note %q", sig.State, sig.Value, sig.Note)
		}
		if age := v.Snapshot().At.Sub(sig.At); age < time.Minute {
			t.Errorf("its age is %v", age)
		}
		if src := v.Snapshot().Sources[0]; src.OK || src.Error == "" {
			t.Errorf("the source says %v %q", src.OK, src.Error)
		}
		if s, _ := v.Snapshot().Service("chat"); s.Status == health.OK {
			t.Error("a service without fresh data is ok")
		}
	})
}

func TestASourceThatIsDownIsAskedOneThingABeatAndEverythingWhenItIsBack(t *testing.T) {
	inWard(t, nil, func(w ward) {
		v := w.Join()
		w.later(time.Second)
		w.fake.set(func(f *fake) { f.err = errors.New("main: connection refused") })
		w.later(30 * time.Second)
		before := len(w.fake.log())
		w.later(time.Minute)
		if n := len(w.fake.log()) - before; n < 3 || n > 7 {
			t.Errorf("a source that is down was asked %d times in a minute", n)
		}
		w.fake.set(func(f *fake) { f.err = nil })
		w.later(11 * time.Second)
		if sig := w.signal(v, "chat", "errors"); sig.State != health.Fresh {
			t.Errorf("one refresh after the return errors is %v", sig.State)
		}
	})
}

func TestAHungSourceDelaysNobodyElse(t *testing.T) {
	slow := func() sources.Source { return &fake{name: "slow", hang: true} }
	inWard(t, slow, func(w ward) {
		v := w.Join()
		w.later(2 * time.Second)
		if sig := w.signal(v, "chat", "errors"); sig.State != health.Fresh {
			t.Errorf("errors is %v while another source hangs", sig.State)
		}
	})
}

func TestTheVerdictDoesNotDependOnTheWindowLookedAt(t *testing.T) {
	inWard(t, nil, func(w ward) {
		w.fake.says(func(service string, _ time.Time) (float64, bool) {
			return map[string]float64{"chat": 0.5, "fraud": 0.001}[service], true
		})
		long, short := w.Join(), w.Join()
		long.Want(health.Interest{Lens: health.Lens{Window: 24 * time.Hour}})
		short.Want(health.Interest{Lens: health.Lens{Window: 5 * time.Minute}})
		w.later(time.Second)
		for name, v := range map[string]*Viewer{"24h": long, "5m": short} {
			if s, _ := v.Snapshot().Service("chat"); s.Status != health.Critical {
				t.Errorf("through %s chat is %v", name, s.Status)
			}
			if s, _ := v.Snapshot().Service("fraud"); s.Status != health.OK {
				t.Errorf("through %s fraud is %v", name, s.Status)
			}
		}
		if a, b := w.signal(long, "chat", "errors").Series, w.signal(short, "chat", "errors").Series; len(a) <= len(b) {
			t.Errorf("24h shows %d points, 5m %d", len(a), len(b))
		}
	})
}

func TestTheClockCanBeSteppedBack(t *testing.T) {
	inWard(t, nil, func(w ward) {
		start := time.Now()
		w.fake.says(func(_ string, t time.Time) (float64, bool) {
			if t.Before(start.Add(-30 * time.Minute)) {
				return 0.001, true
			}
			return 0.5, true
		})
		v := w.Join()
		w.later(time.Second)
		if s, _ := v.Snapshot().Service("chat"); s.Status != health.Critical {
			t.Fatalf("now chat is %v", s.Status)
		}
		then := start.Add(-40 * time.Minute).Truncate(time.Minute)
		v.Want(health.Interest{Lens: health.Lens{Window: time.Hour, At: then}})
		w.later(time.Second)
		s := v.Snapshot()
		if s.Live || !s.At.Equal(then) {
			t.Errorf("live %v at %v, want %v", s.Live, s.At, then)
		}
		if c, _ := s.Service("chat"); c.Status != health.OK {
			t.Errorf("forty minutes ago chat is %v", c.Status)
		}
	})
}

func TestAServiceThatStopsReportingIsShownAsGoneNotDropped(t *testing.T) {
	inWard(t, nil, func(w ward) {
		end := time.Now().Add(time.Minute)
		w.fake.says(func(service string, t time.Time) (float64, bool) { return 0.001, service != "fraud" || t.Before(end) })
		v := w.Join()
		w.later(5 * time.Minute)
		s, ok := v.Snapshot().Service("fraud")
		if !ok || s.Gone.IsZero() || s.Status == health.OK {
			t.Errorf("there %v, gone since %v, status %v", ok, s.Gone, s.Status)
		}
		if c, _ := v.Snapshot().Service("chat"); !c.Gone.IsZero() {
			t.Error("chat is shown as gone")
		}
	})
}

func TestLogRecordsBecomeFailuresAndCanBeOpened(t *testing.T) {
	var logs stream
	follow := func() sources.Source { logs = stream{make(chan sources.Batch)}; return logs }
	inWard(t, follow, func(w ward) {
		now := time.Now()
		var records []health.Request
		for i, failed := range []bool{true, false, true} {
			records = append(records, health.Request{
				ID: string(rune('a' + i)), Service: "chat", At: now.Add(-time.Duration(i) * time.Minute),
				Failed: failed, Error: "timeout", Message: "upstream timed out after 30 s",
			})
		}
		v := w.Join()
		w.later(time.Second)
		if s := v.Snapshot(); !s.Asking || !s.Reading {
			t.Error("done before the log was read to its end")
		}
		v.Want(health.Interest{Request: "b"})
		w.later(time.Second)
		if r := v.Snapshot().Requests["b"]; r.Missing != "not found yet: logs are still being read" {
			t.Errorf("before the logs were read of b is said: %q", r.Missing)
		}
		logs.batches <- sources.Batch{Requests: records, Lines: 3, CaughtUp: true}
		w.later(11 * time.Second)
		s := v.Snapshot()
		if len(s.Failures) != 1 || s.Failures[0].Count != 2 {
			t.Fatalf("failures %+v", s.Failures)
		}
		v.Want(health.Interest{Request: "b"})
		w.later(time.Second)
		if r := v.Snapshot().Requests["b"]; r.Service != "chat" || r.Failed || r.Missing != "" || v.Snapshot().Reading {
			t.Errorf("opened %+v", r)
		}
		v.Want(health.Interest{Request: "zz"})
		w.later(time.Second)
		if r := v.Snapshot().Requests["zz"]; r.ID != "zz" || r.Missing != "no record with this id is held" {
			t.Errorf("of a request that is not held is said: %+v", r)
		}
	})
}

func TestASnapshotNeverChangesOncePublished(t *testing.T) {
	inWard(t, nil, func(w ward) {
		v := w.Join()
		w.later(time.Second)
		s := v.Snapshot()
		series := s.Services[0].Signals[0].Series
		before := append([]health.Point(nil), series...)
		w.later(5 * time.Minute)
		for i := range series {
			if series[i] != before[i] {
				t.Fatalf("point %d changed from %v to %v", i, before[i], series[i])
			}
		}
	})
}

func TestARoundEndsWhenEverythingHasAnsweredOrFailedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		broken error
		hang   bool
		within time.Duration
	}{
		"all is well": {nil, false, time.Second},
		"refused":     {errors.New("main: connection refused"), false, time.Second},
		"hung":        {nil, true, 11 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{name: "main", err: c.broken, hang: c.hang, value: func(string, time.Time) (float64, bool) { return 0, true }}
			begin := time.Now()
			s := New(Options{Sources: []sources.Source{f}, Packs: onePack()}).Round(t.Context(), health.Interest{})
			if took := time.Since(begin); took > c.within {
				t.Errorf("%s: a round took %v", name, took)
			}
			if sick := c.broken != nil || c.hang; sick != (s.Worst() == health.Unknown) || s.Asking {
				t.Errorf("%s: worst is %v, asking %v", name, s.Worst(), s.Asking)
			}
		})
	}
}

func TestLeavingStopsTheQuestions(t *testing.T) {
	inWard(t, nil, func(w ward) {
		v := w.Join()
		w.later(time.Second)
		v.Leave()
		w.later(time.Second)
		before := len(w.fake.log())
		w.later(5 * time.Minute)
		if n := len(w.fake.log()) - before; n != 0 {
			t.Errorf("%d questions for nobody", n)
		}
	})
}
