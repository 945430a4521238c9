package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// asked is a source that answers questions, and how it has been lately.
type asked struct {
	source sources.Source
	state  health.SourceState
	found  []packs.Found
	looked time.Time     // newest discovery that was answered
	every  time.Duration // between two scrapes, as found; 0: not known
	paced  bool          // the scrape interval was asked for and answered, or failed

	down  bool      // the newest answer was no answer: one question is enough until it is back
	tried bool      // any question has come back since start
	busy  int       // answers this round that asked for mercy
	until time.Time // it wants to be left alone until then
	out   int       // questions on their way
	last  map[what]time.Time
	first time.Time
	took  time.Duration // first question to last answer of the newest round
}

func newAsked(s sources.Source) *asked {
	return &asked{source: s, state: describe(s), last: map[what]time.Time{}}
}

func (a *asked) beat() { a.busy, a.first, a.took = 0, time.Time{}, 0 }

func describe(s sources.Source) health.SourceState {
	st := health.SourceState{Name: s.Name()}
	if about, ok := s.(sources.About); ok {
		st.Kind, st.Where = about.About()
	}
	return st
}

// What is asked of a source.
type what int

const (
	aRange what = iota
	aFact
	aDiscovery
	someAlerts
	someChanges
	aVersion
	anInterval
)

// A question is one thing asked of one source.
type question struct {
	what  what
	to    *asked
	frame frameKey
	span  span
	fact  factKey
	at    time.Time
	expr  string
}

// key makes equal questions one.
func (q question) key() string {
	switch q.what {
	case aRange:
		return fmt.Sprint("r", q.frame)
	case aFact:
		return fmt.Sprint("f", q.fact)
	}
	return fmt.Sprint(q.what, q.to.state.Name)
}

// An answer is what came back for a question.
type answer struct {
	q       question
	got     sources.Answer
	alerts  []health.Alert
	changes []health.Change
	version string
	took    time.Duration
	err     error
}

// ask runs in a goroutine of its own: the source's deadline ends it.
func (e *Engine) ask(ctx context.Context, q question) {
	a := answer{q: q}
	begin := e.o.Now()
	switch q.what {
	case aRange:
		a.got, a.err = q.to.source.(sources.Metrics).Range(ctx, q.frame.expr, q.span.from, q.span.to, q.frame.step)
	case aFact, aDiscovery, anInterval:
		a.got, a.err = q.to.source.(sources.Metrics).Instant(ctx, q.expr, q.at)
	case someAlerts:
		a.alerts, a.err = q.to.source.(sources.Alerts).Alerts(ctx)
	case someChanges:
		a.changes, a.err = q.to.source.(sources.Changes).Changes(ctx, q.at)
	case aVersion:
		a.version, a.err = q.to.source.(sources.About).Version(ctx)
	}
	a.took = e.o.Now().Sub(begin)
	select {
	case e.answers <- a:
	case <-ctx.Done():
	}
}

// take merges one answer into what is known. A failure never removes data.
func (e *Engine) take(a answer) {
	delete(e.inflight, a.q.key())
	e.dirty = true
	now := e.o.Now()
	e.note(a, now)
	switch a.q.what {
	case aRange:
		f := e.frame(a.q.frame, now)
		f.tried = now
		if f.err = a.err; a.err == nil {
			f.merge(a.q.span, a.q.frame.step, a.got, now)
		}
	case aFact:
		f := e.fact(a.q.fact, now)
		f.tried, f.err = now, a.err
		if a.err == nil {
			f.series, f.byValue, f.warnings, f.at = a.got.Series, nil, a.got.Warnings, a.q.at
		}
	case aDiscovery:
		if a.err == nil {
			e.discovered(a.q.to, a.got, now)
		}
	case anInterval:
		e.learnInterval(a)
	case someAlerts:
		if a.err == nil {
			e.changes.alerts = a.alerts
		}
	case someChanges:
		e.changes.add(a.changes) // a feed with one bad line still tells the others
	case aVersion:
		if a.err == nil {
			a.q.to.state.Version = health.Clean(a.version)
		}
	}
}

// learnInterval takes the scrape interval. A young series has too few samples and
// looks slower than it is: the interval only ever becomes shorter.
func (e *Engine) learnInterval(a answer) {
	a.q.to.paced = true
	if a.err != nil {
		a.q.to.last[anInterval] = e.o.Now().Add(time.Minute - intervalEvery) // soon again
	}
	if a.err != nil || len(a.got.Series) != 1 {
		return
	}
	found := packs.Interval(lastValue(a.got.Series[0]))
	if found > 0 && (a.q.to.every == 0 || found < a.q.to.every) {
		a.q.to.every = found
		e.rate = e.o.Rate
		for _, each := range e.asked {
			e.rate = max(e.rate, packs.RateFor(each.every))
		}
	}
}

// note writes down how the source behaved.
func (e *Engine) note(a answer, now time.Time) {
	to, st := a.q.to, &a.q.to.state
	to.out--
	st.Asked++
	to.tried = true
	if to.first.IsZero() {
		to.first = now.Add(-a.took)
	}
	to.took = now.Sub(to.first)
	e.load.RoundTook = max(e.load.RoundTook, to.took)
	if u, ok := to.source.(sources.Used); ok {
		use := u.Usage()
		st.PerMinute, st.PerMinuteMax, st.Cut, st.Note = use.PerMinute, use.PerMinuteMax, use.Cut, use.Note
	}
	if a.err != nil {
		if a.q.what == aVersion {
			return // a server that does not say who it is works all the same
		}
		if errors.Is(a.err, sources.ErrMissing) { // so does one that has no alerts
			to.last[a.q.what] = now.Add(missingFor)
			return
		}
		if busy := (*sources.Busy)(nil); errors.As(a.err, &busy) {
			to.until = now.Add(busy.After)
		}
		st.Failed++
		st.OK, st.Error = false, a.err.Error()
		to.down = !errors.Is(a.err, sources.ErrRefused)
		if errors.Is(a.err, sources.ErrBusy) {
			to.busy++
		}
		return
	}
	st.OK, st.Error, st.At, st.Took = true, "", now, a.took
	to.down = false
	st.Bytes += a.got.Bytes
	e.load.Bytes += a.got.Bytes
	for _, s := range a.got.Series {
		e.load.Samples += len(s.Points)
	}
	if a.got.Skew != 0 {
		st.Skew = a.got.Skew
	}
	st.Warnings = a.got.Warnings
}

func (e *Engine) frame(k frameKey, now time.Time) *frame {
	f := e.frames[k]
	if f == nil {
		f = &frame{series: map[string]*line{}}
		e.frames[k] = f
	}
	f.used = now
	return f
}

func (e *Engine) fact(k factKey, now time.Time) *fact {
	f := e.facts[k]
	if f == nil {
		f = &fact{}
		e.facts[k] = f
	}
	f.used = now
	return f
}

// planned is what came of looking at a rollback.
type planned struct {
	key string
	health.Planned
}

// considerPlans makes the plans somebody considers and drops the others. A plan is
// made once: it dies on the screen rather than change under the reader's eyes.
func (e *Engine) considerPlans(ctx context.Context, started *sync.WaitGroup, w wishes) {
	for key := range e.planning {
		if !w.plans[key] {
			delete(e.planning, key)
		}
	}
	for key := range w.plans {
		if _, asked := e.planning[key]; asked || e.o.Desk == nil {
			continue
		}
		e.planning[key] = health.Planned{Asking: true}
		target, to, _ := cutPlan(key)
		symptoms := e.symptoms(target)
		started.Go(func() {
			p := planned{key: key}
			plan, err := e.o.Desk.Plan(ctx, target, to, symptoms)
			if p.Plan = plan; err != nil {
				p.Err = err.Error()
			}
			select {
			case e.plans <- p:
			case <-ctx.Done():
			}
		})
	}
}
