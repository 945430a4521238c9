package engine

import (
	"maps"
	"math"
	"slices"
	"sort"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// A frameKey is one query at one resolution: whoever wants any part of it shares
// what is known.
type frameKey struct {
	source string
	expr   string
	step   time.Duration
	past   moment // the stretch of the past it lies in; zero: now, and what was shortly before
}

// stretch tells whose frame a lens shares: what reaches back from now is one frame,
// and the clock set far back has others, or the two would take each other's points.
func (e *Engine) stretch(lens health.Lens) moment {
	if lens.At.IsZero() || e.o.Now().Sub(lens.At) < lens.Window {
		return moment{}
	}
	return lens.At.Truncate(lens.Window) // all that share it hold this very time, so they touch
}

// A frame is what is known of one range query: an unbroken span of time for
// which the answer was given, and the newest error if there was one since.
type frame struct {
	from, to time.Time // both inclusive, multiples of step; zero: nothing known
	series   map[string]*line
	warnings []string
	err      error
	at       time.Time // of the newest good answer
	tried    time.Time
	used     time.Time
	reach    time.Duration // how much is asked for at once; zero: all of it
	dug      time.Time     // when what was before was asked for and not given
	oldest   time.Time     // from when on it was wanted since it was trimmed; zero: by nobody

	by      string             // the label that byValue is an index of
	byValue map[string][]*line // made when first wanted; nil: series came or went since
}

// A line is one series of a frame.
type line struct {
	labels map[string]string
	points []health.Point // ascending
}

// A span is a stretch of time, both ends inclusive.
type span struct{ from, to time.Time }

// gaps returns the parts of want that are not known yet, in the order in which they are
// asked for: the newest part, then what was before. What was known but does not touch
// want is of no use. Of a frame that knows nothing the newest part is as long as newest
// says; zero: all of it.
func (f *frame) gaps(want span, step, newest time.Duration) []span {
	var all []span
	if f.to.IsZero() || want.from.After(f.to.Add(step)) || want.to.Before(f.from.Add(-step)) {
		return append(all, want.newest(newest).newest(f.reach.Truncate(step)))
	}
	if want.to.After(f.to) {
		all = append(all, span{f.to.Add(step), want.to})
	}
	if want.from.Before(f.from) {
		all = append(all, span{want.from, f.from.Add(-step)}.newest(f.reach.Truncate(step)))
	}
	return all
}

// newest is the end of a span, at most so long; zero: all of it.
func (s span) newest(d time.Duration) span {
	if from := s.to.Add(-d); d > 0 && from.After(s.from) {
		s.from = from
	}
	return s
}

// shortest is the least that is worth a question.
const shortest = 5 * time.Minute

// refused notes that a stretch was not given. An hour of many services may be more
// than a server computes within the deadline: it is asked for in halves.
func (f *frame) refused(s span) { f.reach = max(s.to.Sub(s.from)/2, shortest) }

// late is how long after its time a value may still change: a scrape takes a while,
// a recording rule, a remote write and VictoriaMetrics' newest points take longer.
const late = 30 * time.Second

// again makes a tail begin a little earlier, with what may have changed since.
func (f *frame) again(gap span, step time.Duration) span {
	if from := gap.from.Add(-late).Truncate(step); gap.from.Equal(f.to.Add(step)) && !from.Before(f.from) {
		gap.from = from
	}
	return gap
}

// merge adds an answer for a span. A span that does not touch what is known
// replaces it.
func (f *frame) merge(got span, step time.Duration, a sources.Answer, now time.Time) {
	touches := !f.to.IsZero() && !got.from.After(f.to.Add(step)) && !got.to.Before(f.from.Add(-step))
	if !touches {
		f.from, f.to, f.series, f.byValue = got.from, got.to, map[string]*line{}, nil
	}
	if got.from.Before(f.from) {
		f.from = got.from
	}
	if got.to.After(f.to) {
		f.to = got.to
	}
	for _, s := range a.Series {
		key := s.ID()
		l := f.series[key]
		if l == nil {
			l = &line{labels: s.Labels}
			f.series[key], f.byValue = l, nil
		}
		l.add(s.Points)
	}
	if f.at = now; !got.to.Before(f.to) { // of the past nobody wants to know how it was answered
		f.warnings, f.err = a.Warnings, nil
	}
}

// add puts points in; equal times are replaced, so that overlap does no harm. The
// old slice is never written to: snapshots still hold it.
func (l *line) add(ps []health.Point) {
	if len(ps) == 0 {
		return
	}
	head := l.points[:sort.Search(len(l.points), func(i int) bool { return l.points[i].T >= ps[0].T })]
	rest := l.points[len(head):]
	for len(rest) > 0 && len(ps) > 0 && same(rest[0], ps[0]) { // most of an overlap is what was known
		head, rest, ps = l.points[:len(head)+1], rest[1:], ps[1:]
	}
	if len(ps) == 0 {
		return
	}
	tail := rest[sort.Search(len(rest), func(i int) bool { return rest[i].T > ps[len(ps)-1].T }):]
	if len(rest) == 0 && cap(l.points)-len(l.points) >= len(ps) {
		l.points = append(l.points, ps...) // beyond what any snapshot can see
		return
	}
	merged := make([]health.Point, 0, len(head)+len(ps)+len(tail)+64)
	l.points = append(append(append(merged, head...), ps...), tail...)
}

func same(a, b health.Point) bool {
	return a.T == b.T && math.Float64bits(a.V) == math.Float64bits(b.V)
}

// keep says that somebody wants a frame from a time on. It is trimmed to what all
// want together, or those of a short window would throw away what others fetch.
func (f *frame) keep(from time.Time) {
	if f.oldest.IsZero() || from.Before(f.oldest) {
		f.oldest = from
	}
}

// trim forgets what is older than from.
func (f *frame) trim(from time.Time) {
	if !f.from.Before(from) {
		return
	}
	f.from = from
	for key, l := range f.series {
		i := sort.Search(len(l.points), func(i int) bool { return l.points[i].T >= from.UnixMilli() })
		if l.points = l.points[i:]; len(l.points) == 0 {
			delete(f.series, key)
			f.byValue = nil
		}
	}
}

// about lists the series whose label has a value, without looking at the others.
func (f *frame) about(by, value string) []*line {
	if f.byValue == nil || f.by != by {
		f.by, f.byValue = by, make(map[string][]*line, len(f.series))
		for _, key := range slices.Sorted(maps.Keys(f.series)) {
			l := f.series[key]
			f.byValue[l.labels[by]] = append(f.byValue[l.labels[by]], l)
		}
	}
	return f.byValue[value]
}

// between returns the points from..to without copying.
func between(ps []health.Point, from, to time.Time) []health.Point {
	first, last := from.UnixMilli(), to.UnixMilli()
	lo := sort.Search(len(ps), func(i int) bool { return ps[i].T >= first })
	hi := sort.Search(len(ps), func(i int) bool { return ps[i].T > last })
	return ps[lo:hi:hi]
}

// A factKey is one instant query for one purpose.
type factKey struct {
	source string
	expr   string
	at     moment        // zero: the live one, asked again and again
	back   time.Duration // how long before the moment
}

// A fact is the newest answer to an instant query.
type fact struct {
	series   []sources.Series
	warnings []string
	err      error
	at       time.Time // the time it speaks of; zero: never answered
	tried    time.Time
	used     time.Time

	by      string // as in a frame
	byValue map[string][]sources.Series
	groups  groups
	found   []packs.Found // if it was asked what there is
}

// about lists the series whose label has a value.
func (f *fact) about(by, value string) []sources.Series {
	if f.byValue == nil || f.by != by {
		f.by, f.byValue = by, make(map[string][]sources.Series, len(f.series))
		for _, s := range f.series {
			f.byValue[s.Labels[by]] = append(f.byValue[s.Labels[by]], s)
		}
	}
	return f.byValue[value]
}

// forget drops what nobody has used for a while.
func (e *Engine) forget(now time.Time) {
	const keep = 10 * time.Minute
	for k, f := range e.frames {
		if now.Sub(f.used) > keep {
			delete(e.frames, k)
		}
		f.trim(f.oldest)
		f.oldest = time.Time{}
	}
	for k, f := range e.facts {
		if now.Sub(f.used) > keep {
			delete(e.facts, k)
		}
	}
	for k, r := range e.rows {
		if now.Sub(r.used) > keep {
			delete(e.rows, k)
		}
	}
	for v, c := range e.drifting {
		if now.Sub(c.used) > keep {
			delete(e.drifting, v)
		}
	}
	for m, j := range e.views {
		if !m.IsZero() && now.Sub(j.used) > keep {
			delete(e.views, m)
		}
	}
}
