package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

// TestSoak lives through random faults for as long as SICKBAY_SOAK says ("30m"),
// with five viewers that come, look around and leave. Nothing that is old may be
// called fresh, and neither goroutines nor memory may grow. Times are real: here
// nobody moves the clock.
func TestSoak(t *testing.T) {
	span, err := time.ParseDuration(os.Getenv("SICKBAY_SOAK"))
	if err != nil {
		t.Skip("set SICKBAY_SOAK=30m to soak")
	}
	s := newSoak(t)
	s.calm(t)
	goroutines, heap := s.settled(0), heapInUse()
	t.Logf("at the start: %d goroutines, %.1f MB heap", goroutines, heap)

	played, worst, began := map[string]int{}, 0.0, time.Now()
	next := began.Add(time.Minute)
	for n := 1; time.Since(began) < span; n++ {
		f := s.faults[rand.IntN(len(s.faults))]
		played[f.name]++
		f.begin(s.scene)
		s.watch(t, 500*time.Millisecond+rand.N(25*time.Second))
		f.end(s.scene)
		s.calm(t)
		worst = max(worst, heapInUse())
		if time.Now().After(next) {
			next = next.Add(time.Minute)
			snap := s.look()
			t.Logf("%v: %d faults, %d looks, %d questions, %d goroutines, heap %.1f MB, oldest called fresh %v, longest to be well %v, longest look %v",
				time.Since(began).Round(time.Second), n, s.looks, snap.Load.Queries, runtime.NumGoroutine(), heapInUse(),
				s.oldest.Round(time.Millisecond), s.longest.Round(time.Millisecond), time.Duration(s.slow.Load()).Round(time.Microsecond))
		}
		if t.Failed() {
			break
		}
	}
	s.calm(t)
	snap := s.look()
	t.Logf("%v: played %v", time.Since(began).Round(time.Second), played)
	t.Logf("%d looks, %d questions, %d series held; oldest value called fresh %v; longest from the end of a fault to all well %v; longest look %v; heap %.1f MB at the start, %.1f at most, %.1f now; goroutines %d and %d",
		s.looks, snap.Load.Queries, snap.Load.SeriesCached, s.oldest, s.longest, time.Duration(s.slow.Load()), heap, worst, heapInUse(), goroutines, s.settled(goroutines))
	if now := s.settled(goroutines); now > goroutines {
		buf := make([]byte, 1<<16)
		t.Errorf("%d goroutines, were %d\n%s", now, goroutines, buf[:runtime.Stack(buf, true)])
	}
	if now := heapInUse(); now > heap+8 {
		t.Errorf("%.1f MB of heap, were %.1f", now, heap)
	}
}

// settled counts goroutines when nobody is asked and no connection is held: it
// looks for a few seconds until there are no more than wanted.
func (s *soak) settled(wanted int) int {
	least := runtime.NumGoroutine()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && least > wanted; time.Sleep(10 * time.Millisecond) {
		_ = s.source.Close() // gives back idle connections, no more
		least = min(least, runtime.NumGoroutine())
	}
	return least
}

// heapInUse is what the heap holds after a collection, in MB.
func heapInUse() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}

// A soak is a scene without end.
type soak struct {
	*scene
	faults  []fault
	e       *Engine
	source  sources.Source
	looks   int
	oldest  time.Duration // of what was called fresh
	longest time.Duration // from the end of a fault until all was well
	others  []*Viewer
	wants   atomic.Int64
}

const soakRefresh = time.Second

func newSoak(t *testing.T) *soak {
	s := &soak{scene: &scene{dir: t.TempDir(), patient: &patient{t: t}}}
	s.m = newMonitor(t, time.Now, nil)
	writeToken(t, s.dir, "first")
	s.source = s.m.open(s.m.url(), fmt.Sprintf("timeout = %q\nauthorization = { credentials_file = %q }", faultTimeout, s.dir+"/token"))
	s.e = New(Options{Sources: []sources.Source{s.source}, Packs: onePack(), Base: 10 * time.Minute, Refresh: soakRefresh})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	s.v = s.e.Join()
	for _, f := range faults() {
		switch f.name {
		case "its certificate expires", "its name is not known": // need a server of their own
			continue
		case "the token is changed": // so that it can be played again
			f.end = func(s *scene) { s.token("second"); s.m.set(nil) }
		}
		s.faults = append(s.faults, f)
	}
	s.faults = append(s.faults, slowness(), warnings(), flapping())
	return s
}

// calm waits until all is well again.
func (s *soak) calm(t *testing.T) {
	began := time.Now()
	for !well(s.look()) {
		s.watch(t, 20*time.Millisecond)
		if time.Since(began) > 3*time.Minute {
			t.Fatalf("it is not well %v after the fault ended:\n%s", time.Since(began), inShort(s.look()))
		}
	}
	s.longest = max(s.longest, time.Since(began))
}

// watch looks again and again, and lets the others look around.
func (s *soak) watch(t *testing.T, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end) && !t.Failed(); {
		s.honest(t)
		s.wander()
		select {
		case <-s.v.Changed():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// honest holds what is called fresh to what the server really told, and when.
func (s *soak) honest(t *testing.T) {
	told := s.m.newest()
	snap := s.look()
	s.looks++
	for _, v := range snap.Services {
		for _, sig := range v.Signals {
			at := sig.At.UnixMilli()
			if sig.State.HasValue() && sig.Value != truth(at) {
				t.Errorf("%s: %v of %v is none that the server told", v.Name, sig.Value, sig.At)
			}
			if sig.State != health.Fresh {
				continue
			}
			// The newest point is up to a step old when it is asked for, called fresh
			// for two more, and looked at until the next publication.
			age := time.Since(sig.At)
			s.oldest = max(s.oldest, age)
			if limit := 3*snap.Step + soakRefresh + faultSlack; age > limit || at > max(told, s.m.newest()) {
				t.Errorf("%s: a value of %v ago is called fresh; the server's newest is of %v\n%s", v.Name, age, time.UnixMilli(told), inShort(snap))
			}
		}
	}
}

// wander lets other viewers come, look elsewhere and leave.
func (s *soak) wander() {
	switch n := s.wants.Add(1); {
	case len(s.others) < 4:
		s.others = append(s.others, s.e.Join())
	case n%50 == 0:
		v := s.others[rand.IntN(len(s.others))]
		windows := []time.Duration{5 * time.Minute, time.Hour, 6 * time.Hour}
		i := health.Interest{Lens: health.Lens{Window: windows[rand.IntN(len(windows))]}, Hidden: rand.IntN(4) == 0}
		if rand.IntN(3) == 0 {
			i.At = time.Now().Add(-rand.N(time.Hour)).Truncate(time.Minute)
		}
		if rand.IntN(2) == 0 {
			i.Service = "chat"
		}
		v.Want(i)
	case n%1000 == 0:
		s.others[0].Leave()
		s.others = s.others[1:]
	}
}
