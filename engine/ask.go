package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// asked is a source that answers questions, and how it has been lately.
type asked struct {
	source   sources.Source
	state    health.SourceState
	found    []packs.Found
	looked   time.Time     // newest discovery that was answered
	recalled bool          // what there was before was asked for, and answered or too much
	every    time.Duration // between two scrapes, as found; 0: not known
	shifts   bool          // it moves the times of a range to multiples of its step
	paced    bool          // the scrape interval was asked for and answered, or failed

	down  bool      // the newest answer was no answer: one question is enough until it is back
	good  time.Time // newest answer that was one
	tried bool      // any question has come back since start
	busy  int       // answers this round that asked for mercy
	until time.Time // it wants to be left alone until then
	last  map[what]time.Time

	out   int           // questions on their way
	dug   int           // of them, those for what was long ago
	owed  bool          // something fell due while others were on their way
	heard bool          // an answer came this beat
	since time.Time     // there has been a question on its way since, but for those for what was long ago
	took  time.Duration // longest such time that an answer ended this beat
}

func newAsked(s sources.Source) *asked {
	return &asked{source: s, state: describe(s), last: map[what]time.Time{}}
}

func (a *asked) beat() { a.busy, a.heard, a.took = 0, false, 0 }

// sent notes that a question goes out.
func (a *asked) sent(q question, now time.Time) {
	if a.out == a.dug {
		a.since = now
	}
	a.out++
	if q.past {
		a.dug++
	}
	a.last[q.what], a.owed = now, false
}

// back notes that a question has come back.
func (a *asked) back(q question, now time.Time) {
	a.out--
	a.tried, a.heard = true, true
	if q.past { // what is seldom asked says nothing of how often to ask
		a.dug--
		return
	}
	a.took = max(a.took, now.Sub(a.since))
}

// busyFor is how long the source needed for what it was asked last, or needs already.
func (a *asked) busyFor(now time.Time) time.Duration {
	if a.out > a.dug {
		return max(a.took, now.Sub(a.since))
	}
	return a.took
}

func describe(s sources.Source) health.SourceState {
	st := health.SourceState{Name: s.Name()}
	if about, ok := s.(sources.About); ok {
		st.Kind, st.Where = about.About()
	}
	return st
}

func describeLog(s sources.Source) health.SourceState {
	st := describe(s)
	st.Log = true
	return st
}

// What is asked of a source.
type what int

const (
	aRange what = iota
	aFact
	aDiscovery
	aRecollection
	someAlerts
	someSilences
	someChanges
	aVersion
	anInterval
	aRow
)

// A question is one thing asked of one source.
type question struct {
	what  what
	to    *asked
	frame frameKey
	span  span
	fact  factKey
	row   rowKey
	at    time.Time
	expr  string
	past  bool // the span is what was before all that is known
	again bool // it was answered before, for another time
	retry bool // it failed before
	feeds feed // what is made anew with its answer
	each  bool // the windows of a row are asked for one by one
}

// A feed is what of drift an answer changes.
type feed uint8

const (
	nothing feed = iota
	looks        // what is compared
	details      // what is told of it
)

// key makes equal questions one.
func (q question) key() string {
	switch q.what {
	case aRange:
		return fmt.Sprint("r", q.frame)
	case aFact:
		return fmt.Sprint("f", q.fact)
	case aRow:
		return fmt.Sprint("w", q.row)
	}
	return fmt.Sprint(q.what, q.to.state.Name)
}

// An answer is what came back for a question.
type answer struct {
	q        question
	got      sources.Answer
	alerts   []health.Alert
	silences []health.Silence
	changes  []health.Change
	version  string
	shifts   bool // the source moves the times of a range
	took     time.Duration
	err      error
}

// ask runs in a goroutine of its own: the source's deadline ends it.
func (e *Engine) ask(ctx context.Context, q question) {
	a := answer{q: q}
	begin := e.o.Now()
	switch q.what {
	case aRange:
		a.got, a.err = q.to.source.(sources.Metrics).Range(ctx, q.frame.expr, q.span.from, q.span.to, q.frame.step)
	case aFact, aDiscovery, aRecollection, anInterval:
		a.got, a.err = q.to.source.(sources.Metrics).Instant(ctx, q.expr, q.at)
	case aRow:
		a.got, a.shifts, a.err = q.windows(ctx)
	case someAlerts:
		a.alerts, a.err = q.to.source.(sources.Alerts).Alerts(ctx)
	case someSilences:
		a.silences, a.err = q.to.source.(sources.Silencer).Silences(ctx)
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
	a.got.Warnings = e.maskedAll(a.got.Warnings)
	e.note(a, now)
	switch a.q.feeds {
	case looks:
		e.driftHeard++
	case details:
		e.detailHeard++
	}
	switch a.q.what {
	case aRow:
		e.learnRow(a, now)
	case aRange:
		e.learnRange(a, now)
	case aFact:
		f := e.fact(a.q.fact, now)
		f.tried, f.err = now, a.err
		if a.err == nil {
			f.series, f.byValue, f.groups, f.found, f.warnings, f.at = a.got.Series, nil, nil, nil, a.got.Warnings, a.q.at
		}
	case aDiscovery:
		if a.err == nil {
			a.q.to.discovered(packs.Discover(e.o.Packs, presences(a.got.Series)))
			a.q.to.looked = now
		}
	case aRecollection:
		if a.q.to.recalled = a.err == nil || tooHeavy(a); a.err == nil {
			a.q.to.discovered(packs.Discover(e.o.Packs, presences(a.got.Series)))
		}
	case anInterval:
		e.learnInterval(a)
	case someAlerts:
		if a.err == nil {
			e.learnAlerts(a, now)
		}
	case someSilences:
		if a.err == nil {
			e.learnSilences(a)
		}
	case someChanges:
		for i := range a.changes {
			a.changes[i].Text = e.masked(a.changes[i].Text)
		}
		e.changes.add(a.changes) // a feed with one bad line still tells the others
	case aVersion:
		if a.err == nil {
			a.q.to.state.Version = health.Clean(a.version)
		}
	}
}

// learnRange takes a stretch of a range.
func (e *Engine) learnRange(a answer, now time.Time) {
	f := e.frame(a.q.frame, now)
	switch {
	case a.err == nil:
		f.merge(a.q.span, a.q.frame.step, a.got, now)
	case a.q.past: // the newest values are none the worse
		f.refused(a.q.span)
		f.dug = now
		return
	default:
		if f.err = a.err; !a.q.again {
			f.refused(a.q.span)
		}
	}
	f.tried = now
}

// learnInterval takes the scrape interval. A young series has too few samples and
// looks slower than it is: the interval only ever becomes shorter, and one that did is
// asked for again soon.
func (e *Engine) learnInterval(a answer) {
	asking := slices.ContainsFunc(e.asked, func(a *asked) bool { return a.paced })
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
		a.q.to.last[anInterval] = e.o.Now().Add(time.Minute - intervalEvery)
		e.rate = e.o.Rate
		for _, each := range e.asked {
			e.rate = max(e.rate, packs.RateFor(each.every))
		}
		if e.scraped == 0 && !asking || found < e.scraped { // longer steps would fetch everything anew
			e.scraped = found
		}
	}
}

// note writes down how the source behaved.
func (e *Engine) note(a answer, now time.Time) {
	to, st := a.q.to, &a.q.to.state
	st.Asked++
	to.back(a.q, now)
	e.load.RoundTook = max(e.load.RoundTook, to.took)
	if u, ok := to.source.(sources.Used); ok {
		use := u.Usage()
		st.PerMinute, st.PerMinuteMax, st.Cut, st.Note = use.PerMinute, use.PerMinuteMax, use.Cut, use.Note
	}
	if a.err != nil {
		if a.q.what == aVersion && !to.traces() {
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
		st.OK, st.Error = false, e.masked(a.err.Error())
		busy := errors.Is(a.err, sources.ErrBusy)
		if busy {
			to.busy++
		}
		// If others were answered since it was asked, it is the question, not the server;
		// and an hour may be too much for any.
		alive := !to.good.Before(now.Add(-a.took))
		if busy || !a.q.past {
			to.down = busy || !alive && !errors.Is(a.err, sources.ErrRefused)
		}
		return
	}
	st.OK, st.Error, st.At, st.Took = true, "", now, a.took
	to.down, to.good = false, now
	st.Bytes += a.got.Bytes
	e.load.Bytes += a.got.Bytes
	for _, s := range a.got.Series {
		e.load.Samples += len(s.Points)
	}
	switch a.q.what {
	case aRange, aFact, aDiscovery, aRecollection, anInterval: // the others do not say
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
