package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"sickbay/health"
)

// A Viewer is one reader of snapshots: a terminal, or one picture printed.
type Viewer struct {
	e        *Engine
	snap     atomic.Pointer[health.Snapshot]
	want     atomic.Pointer[health.Interest]
	detailed atomic.Pointer[health.Snapshot] // newest that has all of what is compared and open
	changed  chan struct{}
}

// Join adds a viewer that looks at the base window, live.
func (e *Engine) Join() *Viewer {
	v := &Viewer{e: e, changed: make(chan struct{}, 1)}
	v.want.Store(&health.Interest{Lens: health.Lens{Window: e.o.Base}})
	v.snap.Store(&health.Snapshot{At: e.o.Now(), Window: e.o.Base, Live: true, Asking: true, Write: e.o.Write})
	e.mu.Lock()
	e.viewers[v] = true
	e.mu.Unlock()
	e.wake()
	return v
}

// Snapshot is never nil and never blocks.
func (v *Viewer) Snapshot() *health.Snapshot { return v.snap.Load() }

// Changed says "look again"; said twice is said once.
func (v *Viewer) Changed() <-chan struct{} { return v.changed }

// Want replaces what the viewer looks at. It returns at once.
func (v *Viewer) Want(i health.Interest) {
	if i.Window <= 0 {
		i.Window = v.e.o.Base
	}
	if old := v.want.Swap(&i); old == nil || *old != i {
		v.e.wake()
	}
}

// Submit asks for something to be done. The answer is the operation's id, or why
// nothing was done.
func (v *Viewer) Submit(o health.Order) (string, error) {
	if o.Do == health.DoBaseline {
		return "", v.e.pin(o)
	}
	if o.Do == health.DoSilence || o.Do == health.DoExpire {
		defer v.e.wake()
		return v.e.silence(o)
	}
	if v.e.o.Desk == nil {
		return "", errors.New("nothing was done: there is no journal to write it to")
	}
	return v.e.o.Desk.Submit(o)
}

// Leave ends the viewer; its channel stays silent from now on.
func (v *Viewer) Leave() {
	v.e.mu.Lock()
	delete(v.e.viewers, v)
	v.e.mu.Unlock()
	v.e.wake()
}

func (e *Engine) wake() {
	select {
	case e.poke <- struct{}{}:
	default:
	}
}

func (v *Viewer) show(s *health.Snapshot) {
	if v.snap.Swap(s) == s {
		return
	}
	select {
	case v.changed <- struct{}{}:
	default:
	}
}

// watchers returns the viewers as they are now.
func (e *Engine) watchers() []*Viewer {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]*Viewer, 0, len(e.viewers))
	for v := range e.viewers {
		all = append(all, v)
	}
	return all
}

// Round runs the engine until everything an interest needs was asked and has
// answered or failed once, or ctx ended, and returns what is known then.
func (e *Engine) Round(ctx context.Context, i health.Interest) *health.Snapshot {
	v := e.Join()
	defer v.Leave()
	v.Want(i)
	lens := *v.want.Load()
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); e.Run(running) }()
	defer func() { stop(); <-done }()
	for {
		s := v.Snapshot()
		whole := !s.Asking && s.Window == lens.Window && s.Live == lens.At.IsZero() && answered(s, i) && v.detailed.Load() == s
		if whole && e.isOpen(s, i.Request) {
			return s
		}
		if whole {
			e.wake() // the record came after it was asked for: its trace was not looked up yet
		}
		select {
		case <-v.Changed():
		case <-ctx.Done():
			return v.Snapshot()
		}
	}
}

func answered(s *health.Snapshot, i health.Interest) bool {
	p, asked := s.Plans[i.Plan]
	return i.Plan == "" || asked && !p.Asking
}

// isOpen says whether nothing more will be known soon of the request that is open:
// its line was read, and everybody has said what he has of its trace.
func (e *Engine) isOpen(s *health.Snapshot, id string) bool {
	r, there := s.Requests[id]
	if !there || r.Trace == "" || !e.canTrace() {
		return !r.Reading
	}
	t, sought := s.Traces[r.Trace]
	return !r.Reading && sought && t.State != health.TraceAsking
}

// everything as Interest.Service asks for the detail of all services, as a
// document does.
const everything = "*"

// wishes is the union of all interests, and what the engine needs for itself.
type wishes struct {
	lenses    map[health.Lens]bool
	moments   map[moment]bool
	detail    bool
	services  map[string]bool // whose replicas are wanted
	drift     map[openedDrift]bool
	exemplars map[exemplified]bool
	open      map[string]bool
	plans     map[string]bool
	idle      bool // nobody looks and nothing is being proved
}

func (e *Engine) wishes() wishes {
	w := wishes{
		lenses: map[health.Lens]bool{}, moments: map[moment]bool{},
		open: map[string]bool{}, plans: map[string]bool{}, services: map[string]bool{},
		drift: map[openedDrift]bool{}, exemplars: map[exemplified]bool{}, idle: true,
	}
	for _, v := range e.watchers() {
		i := *v.want.Load()
		w.lenses[i.Lens] = true
		w.open[i.Request] = true
		w.plans[i.Plan] = true
		w.detail = w.detail || i.Service != ""
		w.services[i.Service] = true
		if !i.Hidden {
			w.idle = false
			w.moments[i.At] = true
			if i.Traced.Signal != "" {
				w.exemplars[exemplified{i.Lens, i.Traced}] = true
			}
			if i.Drift != "" {
				w.drift[openedDrift{i.Lens, i.Service, i.Drift}] = true
			}
		}
	}
	delete(w.open, "")
	delete(w.services, "")
	delete(w.services, everything)
	delete(w.plans, "")
	if e.proving() { // a rollback is watched whether or not somebody looks
		w.idle = false
		w.moments[moment{}] = true
	}
	return w
}

func (e *Engine) proving() bool {
	if e.o.Desk == nil {
		return false
	}
	for _, op := range e.o.Desk.Operations() {
		if !op.State.Ended() {
			return true
		}
	}
	return false
}

// steps are the distances between points that a window may have.
var steps = []time.Duration{
	5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
	5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 6 * time.Hour,
}

// finest is the step that suits a usual scrape interval. More than that is not waited
// for a new sample, however seldom somebody scrapes.
const finest = 15 * time.Second

// step is the distance between the points of a window: no shorter than what lies
// between two scrapes, or points would be fetched that say what the last one said.
func (e *Engine) step(window time.Duration) time.Duration {
	step := stepOf(window)
	for _, s := range steps {
		if s <= min(e.scraped, finest) {
			step = max(step, s)
		}
	}
	return step
}

// stepOf gives a window at most 360 points, whatever the terminal's width, so
// that viewers share.
func stepOf(window time.Duration) time.Duration {
	for _, s := range steps {
		if window <= 360*s {
			return s
		}
	}
	return 24 * time.Hour
}
