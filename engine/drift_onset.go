package engine

import (
	"math"
	"slices"
	"sort"
	"strconv"
	"time"

	"sickbay/drift"
	"sickbay/health"
	"sickbay/packs"
	"sickbay/triage"
)

const (
	mostOnsets = 6             // series asked for because of what moved, at once
	lookBack   = 2 * time.Hour // a day has seasons, which look like onsets from further away
	mostBack   = oneDay
	onsetSteps = 240 // points of such a series, about
)

// An onsetQuery is the series of one subject in which an onset is looked for.
type onsetQuery struct {
	now, before frameKey // before: the same hours of the day before
	want        span
}

// onsetQuery is the distribution of every step, of one service. Steps do not
// overlap: what a rate smears over its range would look like a ramp.
func (e *Engine) onsetQuery(v viewKey, s *subject, back time.Duration) onsetQuery {
	step := stepOf(back)
	for _, longer := range steps {
		if step = longer; step >= e.rate && step >= back/onsetSteps {
			break
		}
	}
	expr := packs.Expand(s.w.d.Query, s.w.f.By, max(e.rate, step), step)
	if s.native {
		expr = "histogram_sum(" + expr + ") / histogram_count(" + expr + ")"
	}
	expr = s.w.narrowed(expr, s.service)
	if s.w.d.Feature != "" {
		expr = packs.Narrow(expr, s.w.d.Feature+"="+strconv.Quote(s.feature))
	}
	end := e.endOf(v.at, step)
	lens := health.Lens{Window: back, At: v.at}
	q := onsetQuery{want: span{end.Add(-back).Truncate(step), end}}
	q.now = frameKey{s.w.a.state.Name, expr, step, e.stretch(lens)}
	q.before = frameKey{s.w.a.state.Name, expr, step, end.Add(-oneDay).Truncate(back)}
	return q
}

func (s span) earlier(by time.Duration) span { return span{s.from.Add(-by), s.to.Add(-by)} }

// findOnset asks for the series of a subject, and says since when it is different as
// soon as they are there.
func (e *Engine) findOnset(v viewKey, c *comparisons, s *subject) {
	q := e.onsetQuery(v, s, lookBack)
	c.frames[q.now] = q.want
	if o, found := e.onset(s, q); found && o.End.IsZero() && s.ill() {
		c.since[s.key()] = onsetNote{o.At, true}
	}
}

// onset looks for a change in the share of the cell, or up to the bound, that moved
// most, and in the mean. The stronger of both counts.
func (e *Engine) onset(s *subject, q onsetQuery) (health.Onset, bool) {
	fr := e.frames[q.now]
	if fr == nil || fr.at.IsZero() {
		return health.Onset{}, false
	}
	now := s.measure(fr, q.want, q.now.step)
	var before []course
	if fr := e.frames[q.before]; fr != nil && !fr.at.IsZero() {
		before = s.measure(fr, q.want.earlier(oneDay), q.now.step)
	}
	var best health.Onset
	for i, m := range now {
		var reference []float64
		if before != nil && before[i].whole() {
			reference = before[i].values
		}
		values, skip := m.values, 0
		if short := len(values) - int(lookBack/q.now.step) - 1; reference == nil && short > 0 {
			values, skip = values[short:], short
		}
		o, found := triage.FindOnset(values, reference)
		if !found || o.Score <= best.Score {
			continue
		}
		at := func(i int) time.Time { return q.want.from.Add(time.Duration(i+skip) * q.now.step).UTC() }
		best = health.Onset{At: at(o.At), Kind: o.Kind, Score: o.Score, Step: q.now.step, Up: o.Direction == m.up || o.Kind == "spread"}
		if o.End >= 0 {
			best.End = at(o.End)
		}
	}
	return best, !best.At.IsZero()
}

// A course is one property of a distribution over time. Holes are NaN.
type course struct {
	values []float64
	up     int // direction in which the distribution rises
}

// whole says that there are hardly any holes.
func (c course) whole() bool {
	holes := 0
	for _, v := range c.values {
		if math.IsNaN(v) {
			holes++
		}
	}
	return holes*5 <= len(c.values)
}

// measure reads courses off the series of a frame, always the same ones of one
// subject.
func (s *subject) measure(fr *frame, want span, step time.Duration) []course {
	n := int(want.to.Sub(want.from)/step) + 1
	at := func(of map[string][]float64, name string, l *line) {
		if of[name] == nil {
			of[name] = make([]float64, n)
			for i := range of[name] {
				of[name][i] = math.NaN()
			}
		}
		for _, p := range l.points {
			if i := int((p.T - want.from.UnixMilli()) / step.Milliseconds()); p.T >= want.from.UnixMilli() && i < n && !math.IsNaN(p.V) {
				if old := &of[name][i]; math.IsNaN(*old) {
					*old = p.V
				} else {
					*old += p.V
				}
			}
		}
	}
	series := map[string][]float64{}
	for _, l := range fr.series {
		switch {
		case s.native:
			at(series, "", l)
		case s.w.d.Kind == "histogram":
			at(series, l.labels["le"], l)
		default:
			at(series, l.labels[s.w.d.Label], l)
		}
	}
	switch {
	case s.native:
		return []course{{orHoles(series[""], n), 1}}
	case s.w.d.Kind == "histogram":
		return s.ofBuckets(series, n)
	}
	return []course{s.ofCategory(series, n)}
}

func orHoles(values []float64, n int) []float64 {
	if values == nil {
		values = slices.Repeat([]float64{math.NaN()}, n)
	}
	return values
}

// ofCategory is the share of the category that moved most.
func (s *subject) ofCategory(series map[string][]float64, n int) course {
	most, moved := "", -1.0
	for _, share := range s.verdict.Result.Shares {
		if d := math.Abs(share.Cur - share.Ref); d > moved {
			most, moved = share.Label, d
		}
	}
	c := course{make([]float64, n), 1}
	for i := range c.values {
		all, own := 0.0, 0.0
		for name, values := range series {
			if v := values[i]; v > 0 {
				if all += v; name == most || name == "" && most == noCategory {
					own += v
				}
			}
		}
		c.values[i] = own / all // without any it is no number: a hole
	}
	return c
}

// ofBuckets is the share up to the bound at which both distributions differ most,
// and the mean with every bucket at its middle.
func (s *subject) ofBuckets(series map[string][]float64, n int) []course {
	type edge struct {
		bound  float64
		values []float64
	}
	var edges []edge
	for le, values := range series {
		if b, err := strconv.ParseFloat(le, 64); err == nil && !math.IsNaN(b) {
			edges = append(edges, edge{b, values})
		}
	}
	sort.Slice(edges, func(i, j int) bool { return edges[i].bound < edges[j].bound })
	split := widest(s.verdict.Result.Shares)
	below, mean := course{make([]float64, n), -1}, course{make([]float64, n), 1}
	for i := range n {
		var under, upTo, sum, lower float64
		for k, e := range edges {
			v := max(under, e.values[i]) // holes lift nothing
			if math.IsNaN(v) {
				v = under
			}
			middle := (lower + e.bound) / 2
			if k == 0 && e.bound <= 0 {
				middle = e.bound
			}
			if math.IsInf(e.bound, 1) {
				middle = lower
			}
			sum += (v - under) * middle
			if e.bound <= split {
				upTo = v
			}
			under, lower = v, e.bound
		}
		below.values[i], mean.values[i] = upTo/under, sum/under // nothing was observed: no number, a hole
	}
	return []course{below, mean}
}

// widest is the bound at which two distributions are furthest apart.
func widest(shares []drift.Share) float64 {
	split, most, gap := math.Inf(1), -1.0, 0.0
	for _, s := range shares {
		gap += s.Cur - s.Ref
		if math.Abs(gap) > most && !math.IsInf(s.Upper, 1) {
			split, most = s.Upper, math.Abs(gap)
		}
	}
	return split
}
