package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

// A rowKey is one query over windows that lie a step apart: one question brings all
// of them for all services.
type rowKey struct {
	source, expr string
	at           moment        // at which is looked; zero: now, and where end is set
	step         time.Duration // from the end of one window to that of the next
	n            int           // windows before the newest, or with it where end is set
	end          time.Time     // of the newest; zero: the one that is compared now
}

// moves says whether the row ends with the window that is compared now. Of the
// others nothing ever changes.
func (k rowKey) moves() bool { return k.end.IsZero() }

// A row is what is known of a rowKey.
type row struct {
	end      time.Time // of the newest window; zero: nothing was answered
	series   []sources.Series
	warnings []string
	err      error
	tried    time.Time
	used     time.Time
	n        int // windows before the newest, or with it, that were asked for
	fewer    int // how many are asked for since all were too many; 0: all

	groups groups
}

func (e *Engine) row(k rowKey, now time.Time) *row {
	r := e.rows[k]
	if r == nil {
		r = &row{}
		e.rows[k] = r
	}
	r.used = now
	return r
}

// windows is how many windows a row is asked for.
func (k rowKey) windows(r *row) int {
	if r.fewer > 0 {
		return min(k.n, r.fewer)
	}
	return k.n
}

// ends lists when the windows of a row end, newest first; a row that moves begins
// with the one that is compared.
func (k rowKey) ends(r *row) []time.Time {
	var all []time.Time
	for i := range r.n {
		if k.moves() {
			i++
		}
		all = append(all, r.end.Add(-time.Duration(i)*k.step))
	}
	return all
}

// askRow adds the question for a row unless it is answered: once where nothing
// changes, and else when the window that is compared has moved on by its length. The
// earlier ones then are still those of the same time of day.
func (e *Engine) askRow(qs []question, a *asked, k rowKey, end time.Time) []question {
	now := e.o.Now()
	r := e.row(k, now)
	switch {
	case !k.moves() && !r.end.IsZero() && (r.tried.Sub(k.end) >= late || now.Sub(k.end) < late):
		return qs // what was asked right after its end is asked once more
	case k.moves() && !r.end.IsZero() && end.Sub(r.end) < e.o.DriftSpan && !end.Before(r.end):
		return qs
	case now.Sub(r.tried) < e.o.Refresh/2 || r.err != nil && now.Sub(r.tried) < driftEvery:
		return qs // a heavy question is not put again and again
	}
	if !k.moves() {
		end = k.end
	}
	from := end.Add(-time.Duration(k.windows(r)) * k.step)
	if !k.moves() {
		from = from.Add(k.step)
	}
	return append(qs, question{what: aRow, to: a, row: k, expr: k.expr, span: span{from, end}, again: !r.end.IsZero(), retry: r.err != nil, past: true, feeds: looks, each: a.shifts})
}

// windows asks for all windows of a row at once. A server that moves the times of a
// range to multiples of its step (the query frontend of Thanos does, that of Mimir
// where it is told to) would answer for other hours: it is asked for one window after
// the other.
func (q question) windows(ctx context.Context) (got sources.Answer, shifts bool, err error) {
	source := q.to.source.(sources.Metrics)
	if q.span.from.Equal(q.span.to) {
		got, err = source.Instant(ctx, q.expr, q.span.to)
		return got, false, err
	}
	if !q.each {
		got, err = source.Range(ctx, q.expr, q.span.from, q.span.to, q.row.step)
		if err != nil || !moved(got.Series, q.span, q.row.step) {
			return got, false, err
		}
	}
	got.Series = nil
	for t := q.span.to; !t.Before(q.span.from); t = t.Add(-q.row.step) {
		one, err := source.Instant(ctx, q.expr, t)
		if err != nil {
			return got, true, err
		}
		one.Series = append(got.Series, one.Series...)
		one.Bytes += got.Bytes
		got = one
	}
	return got, true, nil
}

// moved says whether points lie at other times than were asked for.
func moved(series []sources.Series, asked span, step time.Duration) bool {
	off := func(t int64) bool { return (t-asked.from.UnixMilli())%step.Milliseconds() != 0 }
	for _, s := range series {
		for _, p := range s.Points {
			return off(p.T)
		}
		for _, h := range s.Histograms {
			return off(h.T)
		}
	}
	return false
}

// tooHeavy says whether a server that is well could not answer this: it reads more
// samples than the server is ready to, or takes longer than it may.
func tooHeavy(a answer) bool {
	switch {
	case a.q.to.down || errors.Is(a.err, sources.ErrBusy):
		return false
	case !errors.Is(a.err, sources.ErrRefused):
		return true
	}
	said := strings.ToLower(a.err.Error())
	return slices.ContainsFunc(tooMany, func(words string) bool { return strings.Contains(said, words) })
}

// tooMany is how Prometheus and its kin say that a question is too large.
var tooMany = []string{"too many samples", "exceeded series", "max-samples", "maxsamples", "too many points", "limit"}

// learnRow takes what came back for a row. A server that finds it too large is asked
// for fewer windows from then on.
func (e *Engine) learnRow(a answer, now time.Time) {
	r := e.row(a.q.row, now)
	r.tried, a.q.to.shifts = now, a.q.to.shifts || a.shifts
	if r.err = a.err; a.err != nil {
		if n := a.q.row.windows(r); n > 1 && tooHeavy(a) {
			if r.fewer = 1; n > fewWindows {
				r.fewer = fewWindows
			}
			r.tried, r.err = time.Time{}, nil // not tried like this yet
		}
		return
	}
	r.end, r.n, r.series, r.groups, r.warnings = a.q.span.to, a.q.row.windows(r), a.got.Series, nil, a.got.Warnings
	if !a.q.row.moves() {
		return
	}
	k := factKey{a.q.row.source, a.q.row.expr, a.q.row.at, 0}
	if f := e.fact(k, now); f.at.Before(r.end) { // its newest window is what is compared
		f.series, f.byValue, f.groups, f.warnings, f.err, f.at, f.tried = ending(r.series, r.end), nil, nil, r.warnings, nil, r.end, now
	}
}

// ending keeps of every series what it says of one time.
func ending(series []sources.Series, end time.Time) []sources.Series {
	t := end.UnixMilli()
	var kept []sources.Series
	for _, s := range series {
		one := sources.Series{Labels: s.Labels}
		for _, p := range s.Points {
			if p.T == t {
				one.Points = []health.Point{p}
			}
		}
		for _, h := range s.Histograms {
			if h.T == t {
				one.Histograms = []sources.Histogram{h}
			}
		}
		if len(one.Points)+len(one.Histograms) > 0 {
			kept = append(kept, one)
		}
	}
	return kept
}

// viewsOf lists at what moment's comparisons somebody looks, the verdict's first.
func (w wishes) viewsOf(m moment) []viewKey {
	all := []viewKey{{at: m}}
	for lens := range w.lenses {
		if v := (viewKey{lens.At, lens.Against}); lens.At.Equal(m) && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b viewKey) int { return cmp.Compare(a.against, b.against) })
	return all
}

// compared gives a lens the comparisons it asks for. What its services are called,
// ill or well, stays: a verdict never depends on what somebody compares with.
func (e *Engine) compared(lens health.Lens, services []health.Service, w wishes) []health.Service {
	opened := false
	for o := range w.drift {
		opened = opened || o.Lens == lens
	}
	v := viewKey{lens.At, lens.Against}
	if lens.Against == "" && !opened {
		return services
	}
	own := slices.Clone(services)
	for i := range own {
		own[i].Drift = slices.Clone(own[i].Drift)
	}
	if lens.Against != "" {
		other := slices.Clone(services)
		if e.drifts(v, other); len(e.drifting[v].subjects) > 0 {
			own = other // until then what is known is better than nothing: each row says what it is against
		}
	}
	e.wantOpened(w)
	e.open(lens, own, w)
	return own
}

// unsettled says whether something is still asked without which a level, or since when
// it is so, is not what it will be. Who does not answer is not waited for.
func (e *Engine) unsettled(v viewKey) bool {
	c := e.drifting[v]
	if c == nil {
		return false
	}
	down := map[string]bool{}
	for _, a := range e.asked {
		down[a.state.Name] = a.down
	}
	for k := range c.waiting {
		if !down[k.source] {
			return true
		}
	}
	if c.asked != nil {
		for k := range c.asked.ends {
			if !down[k.source] {
				return true
			}
		}
	}
	for k := range c.frames {
		if fr := e.frames[k]; !down[k.source] && (fr == nil || fr.at.IsZero() && fr.err == nil) {
			return true
		}
	}
	return false
}

// driftEveryNow is how long the newest window of a distribution is good.
func (e *Engine) driftEveryNow() time.Duration {
	return min(driftEvery, max(e.o.DriftSpan/8, e.o.Refresh))
}

// driftQuestions asks for what the comparisons of a moment need: first the windows
// everybody shares, then what turned out to be wanted besides.
func (e *Engine) driftQuestions(a *asked, w wishes, m moment) []question {
	var qs []question
	every := e.driftEveryNow()
	end := e.endOf(m, every)
	for _, v := range w.viewsOf(m) {
		lead, shared := e.lead(v)
		for _, d := range e.watchedBy(a, m) {
			first := true // nothing is on its way that brings the newest window
			if k := lead.row(d, m); shared {
				before := len(qs)
				qs = e.askRow(qs, a, k, end)
				r := e.rows[k]
				first = len(qs) == before && (!r.end.IsZero() || r.err != nil)
			}
			if first && v.against == "" {
				qs = e.askDrift(qs, a, factKey{a.state.Name, d.expr, m, 0}, end, every, looks)
			}
		}
		if c := e.drifting[v]; c != nil {
			qs = e.wantedBesides(qs, a, c, end)
		}
	}
	for _, f := range e.foundAt(a, m) {
		for _, x := range f.Pack.Exported {
			qs = e.askDrift(qs, a, factKey{a.state.Name, e.expand(x.Query, f, 0), m, 0}, e.endOf(m, e.o.Refresh), e.o.Refresh, details)
		}
	}
	return qs
}

// askDrift is askFact for what drift is made of.
func (e *Engine) askDrift(qs []question, a *asked, k factKey, at time.Time, every time.Duration, f feed) []question {
	n := len(qs)
	qs = e.askFact(qs, a, k, at, every)
	for i := range qs[n:] {
		qs[n+i].feeds = f
	}
	return qs
}

// wantedBesides asks a source for what comparing found missing.
func (e *Engine) wantedBesides(qs []question, a *asked, c *comparisons, end time.Time) []question {
	for k := range c.rows {
		if k.source == a.state.Name {
			qs = e.askRow(qs, a, k, end)
		}
	}
	for k, w := range c.facts {
		if k.source == a.state.Name {
			qs = e.askDrift(qs, a, k, w.at, e.o.Refresh, w.feeds)
		}
	}
	for k, want := range c.frames {
		if k.source == a.state.Name {
			n := len(qs)
			qs = e.askRange(qs, a, k, want, 0, e.o.Now())
			e.frame(k, e.o.Now()).keep(want.from)
			for i := range qs[n:] {
				qs[n+i].feeds = details
			}
		}
	}
	return qs
}
