package engine

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// slow is a fake that needs a while for what is longer than a few minutes, and may
// refuse it.
type slow struct {
	*fake
	takes  atomic.Int64 // nanoseconds, for every range that is long
	refuse atomic.Int64 // nanoseconds: longer ranges of the first signal are refused
	young  atomic.Int64 // nanoseconds, for every range that is short
	hangs  atomic.Bool  // on the number of replicas
	slower atomic.Int64 // nanoseconds, for everything
	long   atomic.Int64 // long ranges it works on
	most   atomic.Int64 // of them at once
}

func newSlow(takes time.Duration) *slow {
	s := &slow{fake: &fake{name: "main", every: 15, value: func(string, time.Time) (float64, bool) { return 0.001, true }}}
	s.takes.Store(int64(takes))
	return s
}

func (s *slow) Range(ctx context.Context, expr string, start, end time.Time, step time.Duration) (sources.Answer, error) {
	time.Sleep(time.Duration(s.slower.Load()))
	long := end.Sub(start) > firstLook && strings.HasPrefix(expr, "errors")
	if long {
		s.most.Store(max(s.most.Load(), s.long.Add(1)))
		defer s.long.Add(-1)
		time.Sleep(time.Millisecond)
	}
	if most := time.Duration(s.refuse.Load()); long && strings.HasPrefix(expr, "errors by") && most > 0 && end.Sub(start) > most {
		_ = s.enter(ctx, "refused")
		return sources.Answer{}, errors.New("main: 422: too many samples")
	}
	if s.hangs.Load() && strings.HasPrefix(expr, "count by") {
		time.Sleep(3 * time.Second)
		return sources.Answer{}, errors.New("main: no answer in time")
	}
	if long {
		time.Sleep(time.Duration(s.takes.Load()))
	} else {
		time.Sleep(time.Duration(s.young.Load()))
	}
	return s.fake.Range(ctx, expr, start, end, step)
}

// inSlowWard runs a test with an engine on a slow server.
func inSlowWard(t *testing.T, takes time.Duration, test func(ward, *slow)) {
	var s *slow
	inWard(t, func() sources.Source { s = newSlow(takes); return s }, func(w ward) {
		w.fake.says(func(string, time.Time) (float64, bool) { return 0, false }) // the other one knows nothing
		w.fake.set(func(f *fake) { f.err = sources.ErrMissing })
		test(w, s)
	})
}

func TestTheNewestValuesAreThereLongBeforeTheHourIs(t *testing.T) {
	inSlowWard(t, 45*time.Second, func(w ward, s *slow) {
		v := w.Join()
		w.later(2 * time.Second)
		sig := w.signal(v, "chat", "errors")
		if sig.State != health.Fresh || len(sig.Series) != 21 || !v.Snapshot().Asking {
			t.Errorf("after two seconds errors is %v with %d points, asking %v", sig.State, len(sig.Series), v.Snapshot().Asking)
		}
		if c, _ := v.Snapshot().Service("chat"); c.Status != health.OK {
			t.Errorf("after two seconds chat is %v", c.Status)
		}
		w.later(time.Minute)
		if sig := w.signal(v, "chat", "errors"); len(sig.Series) < 240 || v.Snapshot().Asking {
			t.Errorf("after a minute it has %d points, asking %v", len(sig.Series), v.Snapshot().Asking)
		}
	})
}

// TestAnHourOfManySignalsLeavesRoomForWhatSomebodyWantsNow: a few at a time are asked
// for, each only once until all have been, and what was refused comes after them.
func TestAnHourOfManySignalsLeavesRoomForWhatSomebodyWantsNow(t *testing.T) {
	s := newSlow(8 * time.Second)
	pack := onePack()
	for _, id := range packs.IDs()[:12] {
		pack[0].Signals = append(pack[0].Signals, packs.Signal{ID: id, Query: "errors of " + id + " by ($by)"})
	}
	inWardOf(t, Options{Packs: pack}, func() []sources.Source { return []sources.Source{s} }, func(w ward) {
		s.refuse.Store(int64(40 * time.Minute))
		v := w.Join()
		for v.Snapshot().Asking {
			<-v.Changed()
		}
		if most := s.most.Load(); most != pastAtOnce {
			t.Errorf("%d hours were asked for at once", most)
		}
		w.later(3 * time.Minute)
		times := map[string]int{} // by signal, until the one whose hour was refused is asked for again
		for _, q := range s.log() {
			if q == "refused" {
				q = "range errors by"
			}
			if times[first(q)]++; times["range errors by"] > 2 {
				break
			}
		}
		for _, id := range packs.IDs()[:12] {
			if n := times["range errors of "+id]; n < 2 {
				t.Errorf("%s was asked for %d times, not twice, before the signal whose hour was refused was asked for again", id, n)
			}
		}
		c, _ := v.Snapshot().Service("chat")
		for _, sig := range c.Signals {
			if len(sig.Series) < 240 || sig.State != health.Fresh {
				t.Errorf("%s has %d points and is %v", sig.ID, len(sig.Series), sig.State)
			}
		}
	})
}

// first is which signal a question was about.
func first(question string) string {
	words := strings.Fields(question)
	if len(words) > 3 && words[2] == "of" {
		return strings.Join(words[:4], " ")
	}
	return strings.Join(words[:min(len(words), 3)], " ")
}

// TestAnswersThatKeepComingAreShown: each would wait for the next.
func TestAnswersThatKeepComingAreShown(t *testing.T) {
	inSlowWard(t, 0, func(w ward, s *slow) {
		v := w.Join()
		w.later(time.Minute)
		seen := v.Snapshot().Version
		go func() {
			for n := range 30 {
				w.batches <- batch{from: &tail{caught: n%2 == 0}, Batch: sources.Batch{CaughtUp: true}}
				time.Sleep(300 * time.Millisecond)
			}
		}()
		w.later(9 * time.Second)
		if n := v.Snapshot().Version - seen; n < 4 {
			t.Errorf("in nine seconds of answers %d pictures were shown", n)
		}
	})
}

// TestAServerIsAskedTheSameHoweverLongItNeedsForTheFirstHour: until the first round
// is whole nothing that it has answered is asked again.
func TestAServerIsAskedTheSameHoweverLongItNeedsForTheFirstHour(t *testing.T) {
	asked := map[time.Duration]int{}
	for _, takes := range []time.Duration{time.Second, 45 * time.Second} {
		inSlowWard(t, takes, func(w ward, s *slow) {
			s.young.Store(int64(takes / 2)) // longer than a step: there is a newer one when the hour is asked for
			v := w.Join()
			for v.Snapshot().Asking {
				<-v.Changed()
			}
			if n := len(w.signal(v, "chat", "errors").Series); n < 237 {
				t.Errorf("%v: when all is said to be there it has %d points", takes, n)
			}
			asked[takes] = v.Snapshot().Load.Queries
			before := len(s.log())
			s.young.Store(0)
			w.later(20 * time.Second)
			if n := len(s.log()) - before; n > 8 {
				t.Errorf("%v: after the first round it was asked %d times in two refreshes", takes, n)
			}
			w.later(2 * time.Minute) // one that was slow is asked less often at first
			if n := len(s.log()) - before; n < 8 {
				t.Errorf("%v: after the first round it was asked only %d times in two minutes", takes, n)
			}
		})
	}
	if asked[time.Second] != asked[45*time.Second] {
		t.Errorf("questions until all was there: %v", asked)
	}
}

// shifting is a slow server with a distribution that moved: what it was before is only
// asked once that is seen.
type shifting struct{ *slow }

func (s shifting) Instant(ctx context.Context, expr string, at time.Time) (sources.Answer, error) {
	time.Sleep(time.Duration(s.young.Load()))
	return ailing{s.fake}.Instant(ctx, expr, at)
}

func (s shifting) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) (sources.Answer, error) {
	if !strings.HasPrefix(expr, "buckets") {
		return s.slow.Range(ctx, expr, from, to, step)
	}
	time.Sleep(2 * time.Duration(s.takes.Load())) // the last that comes
	return ailing{s.fake}.Range(ctx, expr, from, to, step)
}

// TestNothingIsAskedTwiceBeforeEverythingWasAskedOnce: what the first answers make
// possible to ask belongs to the first round, and the beat waits for that too.
func TestNothingIsAskedTwiceBeforeEverythingWasAskedOnce(t *testing.T) {
	asked := map[time.Duration]int{}
	for _, takes := range []time.Duration{100 * time.Millisecond, 45 * time.Second} {
		s := shifting{newSlow(takes)}
		s.young.Store(int64(takes / 2))
		pack := onePack()
		pack[0].Distributions = []packs.Distribution{{Signal: "answer length", Kind: "histogram", Query: "buckets by ($by)"}}
		inWardOf(t, Options{Packs: pack}, func() []sources.Source { return []sources.Source{s} }, func(w ward) {
			v := w.Join()
			for v.Snapshot().Asking {
				<-v.Changed()
			}
			asked[takes] = v.Snapshot().Load.Queries
			w.later(30 * time.Second)
			if n := counted(s.log(), "range errors"); n < 3 {
				t.Errorf("%v: after the first round there was no second: errors was asked for %d times", takes, n)
			}
		})
	}
	if asked[100*time.Millisecond] != asked[45*time.Second] {
		t.Errorf("questions until all was there: %v", asked)
	}
}

func TestAnHourThatAServerRefusesComesInPieces(t *testing.T) {
	inSlowWard(t, 0, func(w ward, s *slow) {
		s.refuse.Store(int64(20 * time.Minute))
		v := w.Join()
		w.later(3 * time.Minute)
		if sig := w.signal(v, "chat", "errors"); len(sig.Series) < 240 || sig.State != health.Fresh || sig.Note != "" {
			t.Errorf("after three minutes it has %d points and is %v %q\n%s", len(sig.Series), sig.State, sig.Note, strings.Join(s.log(), "\n"))
		}
		if n := counted(s.log(), "refused"); n > 4 {
			t.Errorf("it refused %d times", n)
		}
	})
}

// TestAQuestionThatIsTooMuchIsNoOutage: one that fails while others are answered does
// not keep these from being asked.
func TestAQuestionThatIsTooMuchIsNoOutage(t *testing.T) {
	inSlowWard(t, 0, func(w ward, s *slow) {
		s.hangs.Store(true)
		v := w.Join()
		for v.Snapshot().Asking {
			<-v.Changed()
		}
		if sig := w.signal(v, "chat", "errors"); len(sig.Series) < 240 || sig.State != health.Fresh {
			t.Errorf("when all is said to be there it has %d points and is %v\n%s", len(sig.Series), sig.State, strings.Join(s.log(), "\n"))
		}
	})
}

// TestARefreshThatWasSlowedDownBecomesAsFastAsItWas: also when somebody looks around
// in the meantime, who is answered long after the first answer of a beat.
func TestARefreshThatWasSlowedDownBecomesAsFastAsItWas(t *testing.T) {
	inSlowWard(t, 0, func(w ward, s *slow) {
		v := w.Join()
		w.later(time.Minute)
		s.slower.Store(int64(40 * time.Second))
		w.later(10 * time.Minute)
		if l := v.Snapshot().Load; l.Refresh < 40*time.Second || !strings.HasPrefix(l.RefreshWhy, "main needs ") {
			t.Fatalf("refresh is %v because %q", l.Refresh, l.RefreshWhy)
		}
		s.slower.Store(0)
		for i := range 200 { // 20 minutes
			v.Want(health.Interest{Service: []string{"chat", "fraud"}[i%2]})
			w.later(6 * time.Second)
		}
		if l := v.Snapshot().Load; l.Refresh != 10*time.Second || l.RefreshWhy != "" {
			t.Errorf("long after it was fast again refresh is %v because %q", l.Refresh, l.RefreshWhy)
		}
	})
}

// skewed is a fake whose clock may be wrong.
type skewed struct {
	*fake
	by time.Duration
}

func (s *skewed) Range(ctx context.Context, expr string, start, end time.Time, step time.Duration) (sources.Answer, error) {
	a, err := s.fake.Range(ctx, expr, start, end, step)
	s.set(func(*fake) { a.Skew = s.by })
	return a, err
}

func (s *skewed) Instant(ctx context.Context, expr string, at time.Time) (sources.Answer, error) {
	a, err := s.fake.Instant(ctx, expr, at)
	s.set(func(*fake) { a.Skew = s.by })
	return a, err
}

func TestAClockThatIsRightAgainIsNotCalledWrong(t *testing.T) {
	second := &skewed{&fake{name: "askew", value: func(string, time.Time) (float64, bool) { return 0.001, true }}, 7 * time.Second}
	inWard(t, func() sources.Source { return second }, func(w ward) {
		v := w.Join()
		w.later(time.Minute)
		if got := v.Snapshot().Sources[1].Skew; got != 7*time.Second {
			t.Fatalf("its clock is %v ahead", got)
		}
		second.set(func(*fake) { second.by = 0 })
		w.later(time.Minute)
		if got := v.Snapshot().Sources[1].Skew; got != 0 {
			t.Errorf("a minute after it was set right it is called %v ahead", got)
		}
	})
}
