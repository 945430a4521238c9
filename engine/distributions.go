package engine

import (
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"sickbay/drift"
	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// A comparison is one distribution of one service, not yet judged.
type comparison struct {
	health.Drift
	ref, cur drift.Cells
}

// compareAll evaluates every distribution at a moment. The levels are decided over
// all of them together, so that a hundred comparisons do not find what one would
// not.
func (e *Engine) compareAll(m moment, services []health.Service) {
	at := map[string]int{}
	for i, s := range services {
		at[s.Name] = i
	}
	var all []comparison
	for _, a := range e.asked {
		for _, f := range a.found {
			for _, d := range f.Pack.Distributions {
				all = append(all, e.compare(a, f, d, m)...)
			}
			for _, x := range f.Pack.Exported {
				for _, d := range e.exported(a, f, x, m) {
					if i, ok := at[d.Service]; ok {
						services[i].Drift = append(services[i].Drift, d)
					}
				}
			}
		}
	}
	results := make([]drift.Result, len(all))
	for i, c := range all {
		results[i] = drift.Compare(c.ref, c.cur)
	}
	levels := drift.Levels(results, drift.Options{})
	for i, c := range all {
		if j, ok := at[c.Service]; ok {
			services[j].Drift = append(services[j].Drift, worded(c, results[i], levels[i]))
		}
	}
	for i := range services {
		sortDrift(services[i].Drift)
	}
}

// compare splits the answers for one distribution by service and feature.
func (e *Engine) compare(a *asked, f packs.Found, d packs.Distribution, m moment) []comparison {
	expr := e.expand(d.Query, f, 0)
	cur, ref := e.facts[factKey{a.state.Name, expr, m, 0}], e.facts[factKey{a.state.Name, expr, m, e.o.DriftBack}]
	if cur == nil || ref == nil || cur.at.IsZero() || ref.at.IsZero() {
		return nil // not answered yet
	}
	type group struct{ service, feature string }
	split := func(series []sources.Series) map[group][]sources.Series {
		parts := map[group][]sources.Series{}
		for _, s := range series {
			if name := e.serviceOf(s.Labels[f.By]); name != "" {
				g := group{name, s.Labels[d.Feature]}
				parts[g] = append(parts[g], s)
			}
		}
		return parts
	}
	now, before := split(cur.series), split(ref.series)
	var all []comparison
	for g, series := range now {
		c := comparison{cur: cells(series, d), ref: cells(before[g], d)}
		c.Service, c.Signal, c.Feature, c.Kind, c.Query = g.service, d.Signal, g.feature, d.Kind, expr
		c.Against = "the " + health.Span(e.o.DriftSpan) + " that ended " + health.Span(e.o.DriftBack) + " earlier"
		all = append(all, c)
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		return a.Service+"\xff"+a.Feature < b.Service+"\xff"+b.Feature
	})
	return all
}

// serviceOf is the name under which a label value is shown.
func (e *Engine) serviceOf(label string) string {
	for _, o := range e.o.Services {
		for _, m := range o.Match {
			if m == label {
				return o.Name
			}
		}
	}
	return label
}

// cells makes one distribution of the series of one service.
func cells(series []sources.Series, d packs.Distribution) drift.Cells {
	if d.Kind == "histogram" {
		cumulative := map[string]float64{}
		for _, s := range series {
			cumulative[s.Labels["le"]] += lastValue(s)
		}
		c, _ := drift.FromBuckets(cumulative) // what is no histogram is compared as nothing: "no data"
		return c
	}
	counts := map[string]float64{}
	var c drift.Cells
	for _, s := range series {
		l := s.Labels[d.Label]
		if _, seen := counts[l]; !seen {
			c.Labels = append(c.Labels, l)
		}
		counts[l] += lastValue(s)
	}
	sort.Strings(c.Labels)
	for _, l := range c.Labels {
		c.Counts = append(c.Counts, counts[l])
	}
	return c
}

func lastValue(s sources.Series) float64 {
	if len(s.Points) == 0 || math.IsNaN(s.Points[len(s.Points)-1].V) {
		return 0
	}
	return max(s.Points[len(s.Points)-1].V, 0)
}

// worded turns numbers into what is shown.
func worded(c comparison, r drift.Result, level drift.Level) health.Drift {
	d := c.Drift
	d.Level, d.NRef, d.NCur = string(level), r.NRef, r.NCur
	if r.State == drift.OK || r.State == drift.Insufficient {
		d.PSIAdj, d.Low, d.High = health.Num(r.PSIAdj), health.Num(r.Low), health.Num(r.High)
		d.Gap, d.P = health.Num(r.Gap), health.Num(r.P)
		d.Detectable = health.Num(drift.Detectable(r.NRef, r.NCur))
	}
	for _, s := range r.Shares {
		d.Cells, d.Ref, d.Cur = append(d.Cells, label(s)), append(d.Ref, s.Ref), append(d.Cur, s.Cur)
	}
	switch level {
	case drift.LevelOK, drift.LevelSmall:
		d.Status = health.OK
	case drift.LevelWarn:
		d.Status = health.Warn
	case drift.LevelCritical:
		d.Status = health.Critical
	}
	return d
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

// exported are scores of other tools: shown with tool and method, never judged.
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
		v := s.Points[len(s.Points)-1].V
		all = append(all, health.Drift{
			Service: name, Signal: x.Signal, Feature: s.Labels[x.Feature], Kind: "exported", Level: "exported",
			Tool: strings.TrimSpace(orLiteral(s.Labels, x.Tool) + " " + orLiteral(s.Labels, x.Method)), Score: health.Num(v), Query: expr,
		})
	}
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

func sortDrift(ds []health.Drift) {
	sort.SliceStable(ds, func(i, j int) bool {
		a, b := ds[i], ds[j]
		if a.Status != b.Status {
			return a.Status.Worse(b.Status)
		}
		return orZero(a.PSIAdj) > orZero(b.PSIAdj)
	})
}

func orZero(p *float64) float64 {
	if p == nil {
		return -1
	}
	return *p
}

// driftSince keeps when a level began, from one judgement to the next. What was ill
// at the first look began before it, nobody knows when.
func driftSince(services, before []health.Service, now time.Time) {
	type name struct{ service, signal, feature string }
	known := map[name]health.Drift{}
	for _, s := range before {
		for _, d := range s.Drift {
			known[name{s.Name, d.Signal, d.Feature}] = d
		}
	}
	for _, s := range services {
		for j := range s.Drift {
			d := &s.Drift[j]
			old, seen := known[name{s.Name, d.Signal, d.Feature}]
			switch {
			case !moved(*d) || !seen:
			case moved(old):
				d.Since = old.Since
			case old.Level == string(drift.LevelOK) || old.Level == string(drift.LevelSmall):
				d.Since = now
			}
		}
	}
}

func moved(d health.Drift) bool { return d.Status == health.Warn || d.Status == health.Critical }
