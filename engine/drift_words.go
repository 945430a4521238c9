package engine

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"sickbay/drift"
	"sickbay/health"
	"sickbay/packs"
)

// putIntoWords makes the lists that are shown of what was found.
func (e *Engine) putIntoWords(v viewKey, c *comparisons, services []health.Service) {
	c.lists, c.frames = map[string][]health.Drift{}, map[frameKey]span{}
	for _, s := range c.ranked() {
		if s.ill() && len(c.frames) < mostOnsets {
			e.findOnset(v, c, s)
		}
		c.lists[s.service] = append(c.lists[s.service], e.worded(v, c, s))
	}
	for k := range c.frames {
		if e.frames[k] == nil {
			e.wake() // it is asked at once, not with the next beat
		}
	}
	for _, a := range e.asked {
		for _, f := range e.foundAt(a, v.at) {
			for _, x := range f.Pack.Exported {
				for _, d := range e.exported(a, f, x, v.at) {
					c.lists[d.Service] = append(c.lists[d.Service], d)
				}
			}
		}
	}
}

// ranked lists the subjects, worst first.
func (c *comparisons) ranked() []*subject {
	all := make([]*subject, 0, len(c.subjects))
	for _, s := range c.subjects {
		all = append(all, s)
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if ra, rb := a.rank(), b.rank(); ra != rb {
			return ra < rb
		}
		if ea, eb := a.effect(), b.effect(); ea != eb {
			return ea > eb
		}
		return a.key() < b.key()
	})
	return all
}

// levels in the order in which they deserve attention.
var levels = []drift.Level{
	drift.LevelCritical, drift.LevelWarn, drift.LevelPending, drift.LevelSmall, drift.Level(drift.NoCurrent), drift.LevelOK,
}

func (s *subject) rank() int {
	if i := slices.Index(levels, s.verdict.Level); i >= 0 {
		return i
	}
	return len(levels)
}

// effect is how large the difference is, in units of what makes it critical.
func (s *subject) effect() float64 {
	r := s.verdict.Result
	effect := max(r.PSIAdj/drift.PSICritical, r.Gap/drift.GapCritical)
	for _, rate := range s.verdict.Rates {
		if rate.Level == drift.LevelWarn || rate.Level == drift.LevelCritical {
			effect = max(effect, 1)
		}
	}
	if math.IsNaN(effect) {
		return 0
	}
	return effect
}

// worded turns a subject into what is shown.
func (e *Engine) worded(v viewKey, c *comparisons, s *subject) health.Drift {
	r, verdict := s.verdict.Result, s.verdict
	d := health.Drift{
		Service: s.service, Signal: s.signal, Feature: s.feature, Kind: s.w.d.Kind, Query: s.w.expr,
		Level: string(verdict.Level), NRef: r.NRef, NCur: r.NCur, Trend: c.trends[s.key()], Since: c.since[s.key()].at,
	}
	if r.State == drift.OK || r.State == drift.Insufficient {
		d.PSIAdj, d.Low, d.High = health.Num(r.PSIAdj), health.Num(r.Low), health.Num(r.High)
		d.Gap, d.P = health.Num(r.Gap), health.Num(verdict.Adjusted)
		d.Detectable, d.Band = health.Num(verdict.Detectable), health.Num(verdict.Band.Limit)
	}
	for _, share := range r.Shares {
		d.Cells, d.Ref, d.Cur = append(d.Cells, label(share)), append(d.Ref, share.Ref), append(d.Cur, share.Cur)
	}
	switch verdict.Level {
	case drift.LevelOK, drift.LevelSmall:
		d.Status = health.OK
	case drift.LevelWarn, drift.LevelCritical:
		d.Status = health.Warn // a distribution that moved harms nobody by itself
	}
	k, back := s.known()
	d.Against = s.ref.words(e.o.DriftSpan, k, back)
	if s.missing != "" {
		d.Against += " (" + s.missing + ")"
	}
	d.Note = strings.Join(e.notes(v, s), "; ")
	return d
}

// known is in how many earlier windows anything is held, and how long before the
// newest the first of them ended.
func (s *subject) known() (k int, back time.Duration) {
	for i, w := range s.earlier {
		if total(w) > 0 {
			if k++; k == 1 {
				back = s.end.Sub(s.ends[i])
			}
		}
	}
	return k, back
}

// notes is what has to be kept in mind of a comparison.
func (e *Engine) notes(v viewKey, s *subject) []string {
	var notes []string
	add := func(yes bool, format string, args ...any) {
		if yes {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	for _, r := range s.verdict.Rates {
		alarming := r.Level == drift.LevelWarn || r.Level == drift.LevelCritical
		add(alarming && math.IsInf(r.Ratio, 1), "%s never came before, now in %s", r.Label, health.Format(health.Ratio, r.Cur))
		add(alarming && !math.IsInf(r.Ratio, 1), "%s %.1f times as often: %s → %s", r.Label, r.Ratio, health.Format(health.Ratio, r.Ref), health.Format(health.Ratio, r.Cur))
	}
	for i, w := range s.verdict.Windows {
		add(w.Odd, "the window of %s is left out: it is unlike all others", s.ends[i].UTC().Format("Jan 2 15:04"))
	}
	add(s.verdict.Clearing, "it is back already, and has to stay so for %s", health.Span(e.hold()))
	add(s.verdict.Band.Inside && s.verdict.Now == drift.LevelSmall, "ordinary windows differ as much")
	add(s.verdict.Coarse && !s.ill(), "more than half lies in one cell: much can hide in it")
	add(s.turned, "a classic histogram has become a native one: only the bounds both have are compared")
	add(s.short, "windows of %.0f scrapes: counts corrected for what increase() adds", e.o.DriftSpan.Seconds()/s.w.a.every.Seconds())
	if n := e.restarts(v, s); n > 0 {
		add(n == 1, "one restart in this window: buckets may lean to the larger values")
		add(n > 1, "%d restarts in this window: buckets may lean to the larger values", n)
	}
	if len(s.warnings) > 0 {
		notes = append(notes, s.warnings[0])
	}
	return notes
}

// label names a cell by its category, or by the upper bound of its bucket.
func label(s drift.Share) string {
	switch {
	case s.Label != "" || math.IsNaN(s.Upper):
		return s.Label
	case math.IsInf(s.Upper, 1):
		return "> " + strconv.FormatFloat(s.Lower, 'g', 4, 64)
	}
	return "≤ " + strconv.FormatFloat(s.Upper, 'g', 4, 64)
}

// restartsKey is the question how often the counters of a classic histogram began
// anew: its buckets do not all fall then, and those that do not are counted short.
func (e *Engine) restartsKey(v viewKey, s *subject) (factKey, bool) {
	expr := strings.ReplaceAll(s.w.expr, "increase(", "resets(")
	classic := s.w.d.Kind == "histogram" && !s.native && expr != s.w.expr
	return factKey{s.w.a.state.Name, expr, v.at, 0}, classic
}

// wantRestarts asks for the restarts within the window of what seems to have moved.
func (e *Engine) wantRestarts(v viewKey, c *comparisons, s *subject) {
	if k, asked := e.restartsKey(v, s); asked {
		c.facts[k] = wantedFact{e.endOf(v.at, max(e.driftEveryNow(), e.hold())), details}
	}
}

func (e *Engine) restarts(v viewKey, s *subject) int {
	k, asked := e.restartsKey(v, s)
	fa := e.facts[k]
	if !asked || fa == nil {
		return 0
	}
	most := 0.0
	for _, series := range e.byGroup(s.w, fa.series, &fa.groups)[s.group] {
		most = max(most, lastValue(series)) // all buckets of a process restart together
	}
	return int(math.Round(most))
}

// exported are scores of other tools: shown with tool, method and base, never judged.
func (e *Engine) exported(a *asked, f packs.Found, x packs.Exported, m moment) []health.Drift {
	expr := e.expand(x.Query, f, 0)
	fa := e.facts[factKey{a.state.Name, expr, m, 0}]
	if fa == nil {
		return nil
	}
	var all []health.Drift
	for _, s := range fa.series {
		name := e.serviceOf(s.Labels[f.By])
		if name == "" || len(s.Points) == 0 {
			continue
		}
		tool, method := orLiteral(s.Labels, x.Tool), orLiteral(s.Labels, x.Method)
		words := []string{tool, method, orLiteral(s.Labels, x.Base)}
		if x.Base == "" {
			words[2] = packs.Base(tool, method)
		}
		all = append(all, health.Drift{
			Service: name, Signal: x.Signal, Feature: s.Labels[x.Feature], Kind: "exported", Level: "exported",
			Tool:  strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " "),
			Score: health.Num(s.Points[len(s.Points)-1].V), Query: expr,
		})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Key()+all[i].Tool < all[j].Key()+all[j].Tool })
	return all
}

// orLiteral is the value of a label, or the words themselves when no label is
// called that.
func orLiteral(labels map[string]string, word string) string {
	if v, ok := labels[word]; ok {
		return v
	}
	return word
}
