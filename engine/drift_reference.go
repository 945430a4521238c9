package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sickbay/health"
	"sickbay/packs"
)

// How many windows a comparison is held against, at most.
const (
	manyWindows = 7 // days of a week, or what lies shortly before
	manyWeeks   = 4 // more is seldom held, and four make a band
	fewWindows  = 4 // where a server finds many too many
)

const (
	oneDay  = 24 * time.Hour
	oneWeek = 7 * oneDay
)

// A reference is one choice of windows to compare the newest with. They are all as
// long as that.
type reference struct {
	kind    health.Reference
	step    time.Duration // from one to the next
	n       int
	end     time.Time // of the newest of them; zero: they lie 1, 2, … n steps before what is compared
	service string    // who alone has it; "": everybody
	change  string    // deployment it lies before, in words
}

// references lists what the distributions of a service are held against at a
// moment, best first. Where nothing is held of the first, the next is taken:
// somebody who asked for earlier days and has a server that was set up this morning
// would rather see the hour before than nothing.
func (e *Engine) references(v viewKey, service string, end time.Time) []reference {
	against := v.against
	var rs []reference
	if against == "" {
		if r, ok := e.before(service, end.Add(-e.o.DriftSpan), end); ok {
			rs = append(rs, r)
		}
		against = e.o.DriftAgainst
	}
	if p, ok := e.pinned(service); against == health.Baseline && ok {
		return []reference{{kind: health.Baseline, step: e.o.DriftSpan, n: 1, end: p, service: service}} // what was pinned, or nothing
	}
	if against == health.Deployment {
		if r, ok := e.before(service, end.Add(-changesBack), end); ok {
			rs = append(rs, r)
		}
	}
	return append(rs, e.periodic(against)...)
}

// periodic lists the references everybody has.
func (e *Engine) periodic(against health.Reference) []reference {
	days := reference{kind: health.SameHour, step: oneDay, n: manyWindows}
	hours := reference{kind: health.Earlier, step: max(time.Hour, e.o.DriftSpan), n: manyWindows}
	just := reference{kind: health.Earlier, step: e.o.DriftSpan, n: manyWindows}
	switch against {
	case health.Earlier:
		hours.step = cmp.Or(e.o.DriftBack, hours.step)
		return slices.Compact([]reference{hours, just})
	case health.LastWeek:
		weeks := reference{kind: health.LastWeek, step: oneWeek, n: manyWeeks}
		return slices.Compact([]reference{weeks, days, hours, just})
	}
	return slices.Compact([]reference{days, hours, just})
}

// lead is what is asked first for everybody, together with the newest window. It is
// false where everybody has a reference of his own.
func (e *Engine) lead(v viewKey) (reference, bool) {
	against := cmp.Or(v.against, e.o.DriftAgainst)
	if against == health.Deployment || against == health.Baseline {
		return reference{}, false
	}
	return e.periodic(against)[0], true
}

// before is the time before the newest deployment of a service within a span of
// time: as many windows, one after the other, as there are since the one before it.
// Going back to what ran before is no deployment: the time before that is the ill one.
func (e *Engine) before(service string, from, to time.Time) (reference, bool) {
	all := e.deployments(service, to)
	if len(all) == 0 || all[0].At.Before(from) {
		return reference{}, false
	}
	newest, w := all[0], e.o.DriftSpan
	r := reference{
		kind: health.Deployment, step: w, n: manyWindows, service: service,
		end: newest.At.Add(-newest.Uncertain).Truncate(time.Second), change: briefly(newest),
	}
	if len(all) > 1 {
		r.n = min(max(int(r.end.Sub(all[1].At)/w), 1), r.n)
	}
	return r, true
}

// deployments are the changes of a service until a time, newest first, without those
// that took another one back and those that were taken back.
func (e *Engine) deployments(service string, to time.Time) []health.Change {
	type slot struct{ kind, version string }
	undone := map[slot]bool{}
	var kept []health.Change
	labels := e.labelsOf(service)
	for _, c := range e.changes.between(to.Add(-changesBack), to) { // newest first
		switch {
		case !labels[c.Service]:
		case undone[slot{c.Kind, c.To}]: // it was taken back later
			delete(undone, slot{c.Kind, c.To})
		case c.Kind == "rollback" || e.wentBack(c):
			undone[slot{c.Kind, c.From}] = true
		default:
			kept = append(kept, c)
		}
	}
	return kept
}

// wentBack says whether a change only takes back the one before it.
func (e *Engine) wentBack(c health.Change) bool {
	if c.To == "" {
		return false
	}
	for _, o := range e.changes.between(c.At.Add(-changesBack), c.At) { // newest first
		if o.ID != c.ID && o.Service == c.Service && o.Kind == c.Kind {
			return o.From == c.To && o.To == c.From
		}
	}
	return false
}

// briefly is "prompt v31 → v32".
func briefly(c health.Change) string {
	switch {
	case c.From != "" && c.To != "":
		return c.Kind + " " + c.From + " → " + c.To
	case c.To != "":
		return c.Kind + " " + c.To
	}
	return cmp.Or(c.Kind, "a change")
}

// row is where the answer about a reference is kept.
func (r reference) row(w watched, m moment) rowKey {
	k := rowKey{source: w.a.state.Name, expr: w.expr, at: m, step: r.step, n: r.n, end: r.end}
	if !r.end.IsZero() { // what never changes is the same from wherever one looks
		k.at = moment{}
	}
	if r.service != "" {
		k.expr = w.narrowed(w.expr, r.service)
	}
	return k
}

// words says what a comparison is held against: k windows as long as w of which
// anything is held, the newest of which ended back ago.
func (r reference) words(w time.Duration, k int, back time.Duration) string {
	span, all := health.Span(w), health.Span(time.Duration(max(k, 1))*w)
	steps := max(int((back+r.step/2)/r.step), 1)
	switch {
	case r.kind == health.Baseline:
		return "the " + span + " pinned at " + r.end.UTC().Format("2006-01-02 15:04")
	case r.kind == health.Deployment:
		return "the " + all + " before " + r.change + " at " + r.end.UTC().Format("15:04")
	case r.kind == health.SameHour && k <= 1:
		return "the same " + span + " of " + ago(steps, "yesterday", "days")
	case r.kind == health.SameHour:
		return fmt.Sprintf("the same %s of %d earlier days", span, k)
	case r.kind == health.LastWeek && k <= 1:
		return "the same " + span + " of " + ago(steps, "last week", "weeks")
	case r.kind == health.LastWeek:
		return fmt.Sprintf("the same %s of %d earlier weeks", span, k)
	case r.step == w:
		return "the " + all + " before"
	case k <= 1:
		return "the " + span + " that ended " + health.Span(time.Duration(steps)*r.step) + " earlier"
	}
	return fmt.Sprintf("%d times %s, %s apart", k, span, health.Span(r.step))
}

func ago(n int, last, plural string) string {
	if n > 1 {
		return strconv.Itoa(n) + " " + plural + " ago"
	}
	return last
}

// A watched distribution is one a pack has at a source.
type watched struct {
	a    *asked
	f    packs.Found
	d    packs.Distribution
	expr string // as sent
	e    *Engine
}

// watchedBy lists the distributions a source has at a moment.
func (e *Engine) watchedBy(a *asked, m moment) []watched {
	var all []watched
	for _, f := range e.foundAt(a, m) {
		for _, d := range f.Pack.Distributions {
			all = append(all, watched{a, f, d, e.expand(d.Query, f, 0), e})
		}
	}
	return all
}

// narrowed asks a query for one service only.
func (w watched) narrowed(expr, service string) string {
	return packs.Narrow(expr, w.f.By+oneOf(w.e.matches(service)))
}

// matches are the label values of a service, sorted: one query is one text.
func (e *Engine) matches(service string) []string {
	for _, o := range e.o.Services {
		if o.Name == service {
			return slices.Sorted(slices.Values(append(slices.Clone(o.Match), service)))
		}
	}
	return []string{service}
}
