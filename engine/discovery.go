package engine

import (
	"slices"
	"sort"
	"time"

	"sickbay/packs"
	"sickbay/sources"
)

// discoveryQuestions asks what a source has: now, again and again; once what it had
// within the window, so that who fell silent shortly before we came is missed; and what
// it had at every moment somebody set the clock to.
func (e *Engine) discoveryQuestions(a *asked, w wishes, now time.Time) []question {
	var qs []question
	if now.Sub(a.looked) >= discoveryEvery && a.due(aDiscovery, e.o.Refresh/2, now) {
		qs = append(qs, question{what: aDiscovery, to: a, expr: packs.DetectQuery(e.o.Packs, 0), at: now, again: a.asked(aDiscovery)})
	}
	if !a.looked.IsZero() && !a.recalled && w.moments[moment{}] && a.due(aRecollection, discoveryEvery, now) {
		qs = append(qs, question{what: aRecollection, to: a, expr: packs.DetectQuery(e.o.Packs, e.o.Base), at: now, past: true, again: a.asked(aRecollection)})
	}
	for m := range w.moments {
		if !m.IsZero() {
			qs = e.askFact(qs, a, e.discovery(a, m), m, 0)
		}
	}
	return qs
}

// discovery is the question what a source had up to a moment.
func (e *Engine) discovery(a *asked, m moment) factKey {
	t := template{query: "what there was"}
	expr, made := e.expanded[t]
	if !made {
		expr = packs.DetectQuery(e.o.Packs, e.o.Base)
		e.expanded[t] = expr
	}
	return factKey{a.state.Name, expr, m, 0}
}

// foundAt is what a source had at a moment. What it has now is what is known of a past
// that it does not tell of.
func (e *Engine) foundAt(a *asked, m moment) []packs.Found {
	if m.IsZero() {
		return a.found
	}
	f := e.facts[e.discovery(a, m)]
	switch {
	case f == nil || f.at.IsZero() && f.err == nil:
		return nil // not answered yet
	case f.at.IsZero():
		return a.found
	case f.found == nil:
		f.found = packs.Discover(e.o.Packs, presences(f.series))
	}
	return f.found
}

// foundFirst is what a source has now, or had at a moment somebody looks at.
func (e *Engine) foundFirst(a *asked, w wishes, now time.Time) ([]packs.Found, time.Time) {
	for m := range w.moments {
		if found := e.foundAt(a, m); len(a.found) == 0 && len(found) > 0 {
			return found, m
		}
	}
	return a.found, now
}

func presences(all []sources.Series) []packs.Presence {
	seen := make([]packs.Presence, 0, len(all))
	for _, s := range all {
		seen = append(seen, packs.Presence{Metric: s.Labels["__name__"], Labels: s.Labels, Series: int(lastValue(s))})
	}
	return seen
}

// discovered takes what a source has and joins it with what it had: a service
// that is gone is shown as gone, not dropped.
func (a *asked) discovered(found []packs.Found) {
	for _, old := range a.found {
		i := slices.IndexFunc(found, func(f packs.Found) bool { return f.Pack == old.Pack && f.By == old.By })
		if i < 0 {
			found = append(found, old)
			continue
		}
		for _, name := range old.Services {
			if !slices.Contains(found[i].Services, name) {
				found[i].Services = append(found[i].Services, name)
			}
		}
		sort.Strings(found[i].Services)
	}
	a.found = found
}
