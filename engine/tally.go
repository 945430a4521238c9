package engine

import (
	"sync"
	"time"

	"sickbay/health"
)

// A tallies counts logged requests and the failing ones, by service and stretches
// of tallyStep. It is written by Run and read by the rollback room's goroutine.
type tallies struct {
	mu      sync.Mutex
	by      map[string]map[int64]tallied
	cleaned time.Time
}

type tallied struct{ n, bad float64 }

// How finely requests are counted, and how far back: what the proof of a rollback
// looks at, and some.
const (
	tallyStep = 5 * time.Second
	tallyKeep = 2 * time.Hour
)

func (t *tallies) add(more []health.Request, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by = map[string]map[int64]tallied{}
	}
	step := int64(tallyStep / time.Second)
	for i := range more {
		r := &more[i]
		if r.Service == "" || now.Sub(r.At) > tallyKeep || r.At.Sub(now) > time.Minute {
			continue
		}
		cells := t.by[r.Service]
		if cells == nil {
			cells = map[int64]tallied{}
			t.by[r.Service] = cells
		}
		at := r.At.Unix() / step
		c := cells[at]
		c.n++
		if r.Failed {
			c.bad++
		}
		cells[at] = c
	}
	if now.Sub(t.cleaned) >= time.Minute {
		t.cleaned = now
		t.forget(now.Add(-tallyKeep).Unix() / step)
	}
}

func (t *tallies) forget(older int64) {
	for name, cells := range t.by {
		for at := range cells {
			if at < older {
				delete(cells, at)
			}
		}
		if len(cells) == 0 {
			delete(t.by, name)
		}
	}
}

// count is what was logged within [from, to) under any of names, in whole steps.
func (t *tallies) count(names map[string]bool, from, to time.Time) health.Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	step := int64(tallyStep / time.Second)
	first, end := (from.Unix()+step-1)/step, to.Unix()/step
	sum := health.Tally{From: from, To: to}
	for name := range names {
		cells := t.by[name]
		for at := first; at < end && len(cells) > 0; at++ {
			sum.N, sum.Bad = sum.N+cells[at].n, sum.Bad+cells[at].bad
		}
	}
	return sum
}
