package engine

import (
	"strings"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// How often things that seldom change are asked for.
const (
	discoveryEvery = time.Minute
	versionEvery   = 10 * time.Minute // of the server itself
	driftEvery     = time.Minute
	missingFor     = time.Hour // what a server does not have is not asked for again
	intervalEvery  = 15 * time.Minute
	tiesEvery      = time.Minute
)

// missing lists every question that is due and not out already. A source that
// does not answer is asked one thing only, to see whether it is back. What was asked
// before is asked again when everything else was, and has come back, and only if again
// says so: a slow server is not asked for the next step while it works on the first
// hour, nor between that and what turned out to be wanted besides.
func (e *Engine) missing(w wishes, again bool) []question {
	if w.idle {
		return nil
	}
	var all []question
	for _, a := range e.asked {
		if e.o.Now().Before(a.until) {
			continue
		}
		var mine, repeated []question
		for _, q := range e.questions(a, w) {
			switch {
			case e.inflight[q.key()]:
			case q.again || q.retry:
				repeated = append(repeated, q)
			default:
				mine = append(mine, q)
			}
		}
		switch free := a.out == 0 && len(mine) == 0; {
		case again && free:
			mine = repeated
		case len(repeated) > 0:
			a.owed = true
		}
		if a.down && len(mine) > 0 {
			if a.out > 0 || a.heard { // asked once this beat already
				continue
			}
			mine = mine[:1]
		}
		all = append(all, mine...)
	}
	return all
}

// questions lists what a source should be asked for the wishes, whether or not it
// is out already.
func (e *Engine) questions(a *asked, w wishes) []question {
	var qs []question
	now := e.o.Now()
	if _, ok := a.source.(sources.About); ok && a.state.Version == "" && a.due(aVersion, a.versionEvery(), now) {
		qs = append(qs, question{what: aVersion, to: a, again: a.asked(aVersion)})
	}
	if _, ok := a.source.(sources.Changes); ok && a.due(someChanges, e.o.Refresh/2, now) {
		qs = append(qs, question{what: someChanges, to: a, at: now.Add(-changesBack), again: a.asked(someChanges)})
	}
	if _, ok := a.source.(sources.Alerts); ok && w.moments[moment{}] && a.due(someAlerts, e.o.Refresh/2, now) {
		qs = append(qs, question{what: someAlerts, to: a, again: a.asked(someAlerts)})
	}
	if _, ok := a.source.(sources.Silencer); ok && a.due(someSilences, e.o.Refresh/2, now) {
		qs = append(qs, question{what: someSilences, to: a, again: a.asked(someSilences)})
	}
	if _, ok := a.source.(sources.Metrics); !ok {
		return qs
	}
	qs = append(qs, e.discoveryQuestions(a, w, now)...)
	if found, at := e.foundFirst(a, w, now); len(found) > 0 && a.due(anInterval, intervalEvery, now) {
		qs = append(qs, question{what: anInterval, to: a, expr: packs.IntervalQuery(found), at: at, again: a.asked(anInterval)})
	}
	if !a.paced {
		return qs // how long a rate has to be is not known yet
	}
	for m := range w.moments {
		qs = append(qs, e.momentQuestions(a, w, m, now)...)
	}
	for lens := range w.lenses {
		if lens.Window != e.o.Base && w.moments[lens.At] {
			qs = append(qs, e.signalQuestions(a, w, lens, now)...)
		}
	}
	return qs
}

// due says whether something was not asked for a while.
func (a *asked) due(w what, every time.Duration, now time.Time) bool {
	return now.Sub(a.last[w]) >= every
}

// asked says whether something was asked for before.
func (a *asked) asked(w what) bool { return !a.last[w].IsZero() }

// momentQuestions is everything a judgement of one moment needs.
func (e *Engine) momentQuestions(a *asked, w wishes, m moment, now time.Time) []question {
	qs := e.signalQuestions(a, w, health.Lens{Window: e.o.Base, At: m}, now)
	qs = append(qs, e.replicaQuestions(a, w, m, now)...)
	at := e.endOf(m, e.o.Refresh)
	seldom := 3 * e.o.Refresh // what the services run
	if e.proving() {          // somebody waits for the version to change
		seldom = e.o.Refresh
	}
	for _, f := range e.foundAt(a, m) {
		for _, t := range append(f.Pack.Calls[:len(f.Pack.Calls):len(f.Pack.Calls)], f.Pack.Serves...) {
			qs = e.askFact(qs, a, factKey{a.state.Name, e.expand(t.Query, f, 0), m, 0}, e.endOf(m, tiesEvery), tiesEvery)
		}
		for _, v := range f.Pack.Versions {
			qs = e.askFact(qs, a, factKey{a.state.Name, e.expand(v.Query, f, 0), m, 0}, e.endOf(m, seldom), seldom)
		}
	}
	qs = append(qs, e.driftQuestions(a, w, m)...)
	if !m.IsZero() {
		qs = e.askFact(qs, a, factKey{a.state.Name, pastAlerts, m, 0}, at, 0)
	}
	return append(qs, e.historyQuestions(a, m, now)...)
}

// pastAlerts is what Prometheus remembers of its alerts.
const pastAlerts = `ALERTS`

// askFact adds an instant query unless its answer for that time is known, or was
// tried within this beat.
func (e *Engine) askFact(qs []question, a *asked, k factKey, at time.Time, every time.Duration) []question {
	now := e.o.Now()
	f := e.fact(k, now)
	if f.err == nil && !f.at.Before(at) && !f.at.IsZero() {
		return qs
	}
	if f.err != nil {
		every = 0 // what failed is due with the next beat, however seldom it is asked
	}
	if now.Sub(f.tried) < max(every, e.o.Refresh)/2 {
		return qs
	}
	return append(qs, question{what: aFact, to: a, fact: k, expr: k.expr, at: at, again: !f.at.IsZero(), retry: f.err != nil})
}

// signalQuestions asks for the tail that is missing of every signal.
func (e *Engine) signalQuestions(a *asked, w wishes, lens health.Lens, now time.Time) []question {
	var qs []question
	step := e.step(lens.Window)
	end := e.endOf(lens.At, step)
	want := span{end.Add(-lens.Window).Truncate(step), end}
	for _, f := range e.foundAt(a, lens.At) {
		for _, s := range f.Pack.Signals {
			if !e.wanted(s, w) {
				continue
			}
			k := frameKey{a.state.Name, e.expand(s.Query, f, step), step, e.stretch(lens)}
			newest := time.Duration(0)
			if lens.Window == e.o.Base && !s.Detail { // what is judged is wanted sooner than what was before
				newest = firstLook
			}
			qs = e.askRange(qs, a, k, want, newest, now)
			e.frame(k, now).keep(want.from.Add(-lens.Window)) // room to step the clock back
		}
	}
	return qs
}

// firstLook is how much is asked for first of what is judged: enough for a verdict,
// little enough to be there at once however many services there are.
const firstLook = 5 * time.Minute

// pastAtOnce is how many questions for what was long ago are on their way to a source
// at the same time: an hour of many services is work, and who turns to something else
// must not wait behind all of it.
const pastAtOnce = 4

// askRange adds the parts of a range that are missing, unless they were tried within
// this beat. They are asked for one after the other.
func (e *Engine) askRange(qs []question, a *asked, k frameKey, want span, newest time.Duration, now time.Time) []question {
	f := e.frame(k, now)
	gaps := f.gaps(want, k.step, newest)
	if len(gaps) == 0 {
		f.reach = 0
	}
	for _, gap := range gaps {
		q := question{what: aRange, to: a, frame: k, span: f.again(gap, k.step)}
		tried := f.dug
		if q.past = !f.to.IsZero() && gap.to.Equal(f.from.Add(-k.step)); q.past {
			q.again = f.reach > 0 // what was refused waits until everything else was answered
		} else {
			q.again, q.retry = !f.at.IsZero(), f.err != nil
			if tried = f.tried; f.err == nil {
				tried = time.Time{}
			}
		}
		if now.Sub(tried) >= e.o.Refresh/2 {
			qs = append(qs, q)
		}
	}
	return qs
}

// wanted says whether a signal is asked for now. What is not is not shown either:
// it would only grow old.
func (e *Engine) wanted(s packs.Signal, w wishes) bool { return !s.Detail || w.detail || e.judged(s) }

// judged says whether somebody set a limit or an objective for a signal: then it is always asked,
// so that a verdict never depends on what is on the screen.
func (e *Engine) judged(s packs.Signal) bool {
	if s.Warn != nil || s.Critical != nil {
		return true
	}
	if d, ok := packs.Lookup(s.ID); ok && d.Why != "" {
		return true
	}
	for _, o := range e.o.Services {
		_, limited := o.Limits[s.ID]
		_, promised := o.Objectives[s.ID]
		if limited || promised {
			return true
		}
	}
	return false
}

// expand fills a template. A rate is never taken over less than a step, or what
// happened between two points would be seen by nobody.
func (e *Engine) expand(query string, f packs.Found, step time.Duration) string {
	t := template{query, f.By, max(e.rate, step)}
	expr, done := e.expanded[t]
	if !done {
		expr = packs.Expand(query, t.by, t.rate, e.o.DriftSpan)
		e.expanded[t] = expr
	}
	return expr
}

// A template is a query of a pack and what decides how it is sent.
type template struct {
	query, by string
	rate      time.Duration
}

// endOf is the newest multiple of step that is not in the future of a moment.
func (e *Engine) endOf(m moment, step time.Duration) time.Time {
	if m.IsZero() {
		m = e.o.Now()
	}
	return m.Truncate(step)
}

// cutPlan takes "service/target@version" apart.
func cutPlan(key string) (target, to string, versioned bool) {
	target, to, versioned = strings.Cut(key, "@")
	return target, to, versioned
}
