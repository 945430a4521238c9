package engine

import (
	"slices"
	"time"

	"sickbay/health"
	"sickbay/triage"
)

// Versions that nobody announced: what a service runs is read off its metrics'
// labels and its log, and what was not there before is a change.

// A watchman remembers what was seen, and of which answers.
type watchman struct {
	triage.Sightings
	heard map[factKey]time.Time
}

// lookAtRecords takes note of the versions that logged requests carry.
func (e *Engine) lookAtRecords(more []health.Request) {
	for i := range more {
		e.watchman.Look("log", more[i].Service, more[i].At, more[i].Lineage)
	}
}

// lookAtLabels takes note of the versions in answers that are new.
func (e *Engine) lookAtLabels() {
	if e.watchman.heard == nil {
		e.watchman.heard = map[factKey]time.Time{}
	}
	for _, a := range e.asked {
		for _, f := range a.found {
			for _, v := range f.Pack.Versions {
				key := factKey{a.state.Name, e.expand(v.Query, f, 0), moment{}, 0}
				fa := e.facts[key]
				if fa == nil || fa.at.IsZero() || !fa.at.After(e.watchman.heard[key]) {
					continue
				}
				e.watchman.heard[key] = fa.at
				for _, s := range fa.series {
					var l health.Lineage
					if field := versionField(&l, v.What); field != nil && lastValue(s) > 0 {
						*field = s.Labels[v.Label]
						e.watchman.Look(key.source+" "+key.expr, e.serviceOf(s.Labels[f.By]), fa.at, l)
					}
				}
			}
		}
	}
}

// known are the changes of a time, newest first: those that somebody recorded, and
// the versions that were seen for the first time, each once whoever tells of it.
func (e *Engine) known(from, to time.Time) []health.Change {
	all := e.changes.between(from, to)
	seen := e.watchman.Changes(e.changes.between(from.Add(-changesBack), to.Add(time.Hour)))
	for _, c := range slices.Backward(seen) {
		if !c.At.Before(from) && !c.At.After(to) {
			all = append(all, c)
		}
	}
	for i := range all {
		all[i].Service = e.serviceOf(all[i].Service)
	}
	slices.SortStableFunc(all, func(a, b health.Change) int { return b.At.Compare(a.At) })
	return triage.Merged(all)
}
