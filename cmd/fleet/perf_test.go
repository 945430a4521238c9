package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestPromisesAreHeldAgainstTheFigures(t *testing.T) {
	good := func(services, queries, samples int) figures {
		return figures{services: services, seen: services, refreshes: 6, step: 15 * time.Second, first: cost{queries: 90, samples: 1000 * services}, later: cost{queries: queries, samples: samples}}
	}
	for name, c := range map[string]struct {
		large  func(*figures)
		broken string // empty: all is held
	}{
		"all is held":            {func(*figures) {}, ""},
		"the first queries grow": {func(f *figures) { f.first.queries++ }, "grows with services: 90 for 50"},
		"the later queries grow": {func(f *figures) { f.later.queries = 80 }, "a refresh grows with services"},
		"too much is fetched":    {func(f *figures) { f.later.samples = f.full()/20 + 1 }, "more than 1/20"},
		"a service is not shown": {func(f *figures) { f.seen-- }, "499 of 500"},
		"nothing was seen":       {func(f *figures) { f.refreshes = 0 }, "no whole refresh"},
	} {
		small, large := good(50, 60, 500), good(500, 60, 5_000)
		c.large(&large)
		err := hold([]figures{small, large})
		if c.broken == "" && err != nil || c.broken != "" && (err == nil || !strings.Contains(err.Error(), c.broken)) {
			t.Errorf("%s: %v, want %q", name, err, c.broken)
		}
	}
}

func TestABeatIsWhatWasAskedBetweenTwoRefreshes(t *testing.T) {
	w := &watch{refresh: 10 * time.Second, beats: map[int64]cost{}}
	begin := noon.Add(3 * time.Second)
	for i, c := range []cost{{100, 9_000, 5_000}, {160, 50, 5_100}, {220, 70, 5_300}, {300, 90, 5_600}} {
		w.beats[noon.Add(time.Duration(i)*w.refresh).Unix()] = c
	}
	average, most, n := w.between(begin, noon.Add(35*time.Second))
	if want := (cost{60, 60, 150}); n != 2 || average != want || most != (cost{60, 70, 200}) {
		t.Errorf("%d beats of %+v, at most %+v", n, average, most)
	}
	if c := w.sofar(); c != (cost{300, 9_210, 5_600}) {
		t.Errorf("so far %+v", c)
	}
}

func TestAProcessKnowsWhatItCosts(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here: nothing is measured on this system")
	}
	before, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < 100*time.Millisecond; {
	}
	after, err := cpuOf(os.Getpid())
	if err != nil || after <= before {
		t.Errorf("a tenth of a second of work counted as %v: %v", after-before, err)
	}
	if rss, err := residentOf(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("%d bytes of memory: %v", rss, err)
	}
	if _, err := cpuOf(-1); err == nil {
		t.Error("a process that is not there has costs")
	}
}
