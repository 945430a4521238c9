package triage

import (
	"slices"
	"strings"

	"sickbay/health"
)

// Merged makes one change of what several sources say of it: the same kind of the
// same service, to the same version, about the same time. Who knows its time best
// tells it, the others add what is missing. Newest first, in and out.
func Merged(changes []health.Change) []health.Change {
	type thing struct{ service, kind, to string }
	at := map[thing][]int{} // in all
	all := make([]health.Change, 0, len(changes))
next:
	for _, c := range changes {
		key := thing{c.Service, c.Kind, plainVersion(c.To)}
		for _, i := range at[key] {
			if c.To != "" && sameChange(all[i], c) {
				all[i] = merged(all[i], c)
				continue next
			}
		}
		at[key] = append(at[key], len(all))
		all = append(all, c)
	}
	if len(all) < len(changes) {
		slices.SortStableFunc(all, func(a, b health.Change) int { return b.At.Compare(a.At) })
	}
	return all
}

// sameChange says whether two sources speak of one: a source does not repeat itself.
func sameChange(a, b health.Change) bool {
	return !slices.Contains(strings.Split(a.Source, ", "), b.Source) &&
		a.At.Sub(b.At).Abs() <= a.Uncertain+b.Uncertain+rolloutMax+clockSlack
}

// merged is the one of two whose time is known best, with what only the other says.
func merged(a, b health.Change) health.Change {
	told := a.Source + ", " + b.Source
	if b.Uncertain < a.Uncertain || b.Uncertain == a.Uncertain && b.At.Before(a.At) {
		a, b = b, a
	}
	for _, field := range [...]struct{ to, from *string }{{&a.From, &b.From}, {&a.Text, &b.Text}, {&a.URL, &b.URL}, {&a.Dim, &b.Dim}} {
		if *field.to == "" {
			*field.to = *field.from
		}
	}
	a.Source = told
	return a
}
