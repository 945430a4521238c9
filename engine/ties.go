package engine

import (
	"slices"
	"sort"

	"sickbay/health"
	"sickbay/packs"
)

// A handle is a name under which one side of a tie knows the other: the model a
// server serves, the collection an index lies in, the pod that holds a GPU.
type handle struct{ what, name string }

// tie finds out which service leans on which: where one calls what another serves, and
// where the user says so.
func (e *Engine) tie(services []health.Service, m moment) {
	calls, serves := e.handles(m)
	at := map[string]int{}
	for i, s := range services {
		at[s.Name] = i
	}
	for h, callers := range calls {
		for _, caller := range callers {
			for _, served := range serves[h] {
				i, known := at[caller]
				j, knownToo := at[served]
				if known && knownToo && i != j {
					services[i].Calls = appendNew(services[i].Calls, served)
					services[j].CalledBy = appendNew(services[j].CalledBy, caller)
				}
			}
		}
	}
	for _, o := range e.o.Services {
		for _, other := range o.DependsOn {
			i, known := at[o.Name]
			j, knownToo := at[other]
			if known && knownToo && i != j {
				services[i].Calls = appendNew(services[i].Calls, other)
				services[j].CalledBy = appendNew(services[j].CalledBy, o.Name)
			}
		}
	}
	for i := range services {
		sort.Strings(services[i].Calls)
		sort.Strings(services[i].CalledBy)
	}
}

func appendNew(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

// handles reads both ends of all ties: the names of the services at each handle.
func (e *Engine) handles(m moment) (calls, serves map[handle][]string) {
	calls, serves = map[handle][]string{}, map[handle][]string{}
	for _, a := range e.asked {
		for _, f := range a.found {
			e.handlesOf(a, f, f.Pack.Calls, m, calls)
			e.handlesOf(a, f, f.Pack.Serves, m, serves)
		}
	}
	return calls, serves
}

func (e *Engine) handlesOf(a *asked, f packs.Found, ties []packs.Tie, m moment, into map[handle][]string) {
	for _, t := range ties {
		fa := e.facts[factKey{a.state.Name, e.expand(t.Query, f, 0), m, 0}]
		if fa == nil {
			continue
		}
		for _, s := range fa.series {
			h := handle{t.What, s.Labels[t.Label]}
			if name := e.serviceOf(s.Labels[f.By]); name != "" && h.name != "" {
				into[h] = appendNew(into[h], name)
			}
		}
	}
}
