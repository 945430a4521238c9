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

// A call is one service calling another, as a trace showed it.
type call struct{ caller, called string }

// maxCalls bounds what is remembered of traces: names come from outside.
const maxCalls = 2000

// lookAtTrace takes note of who called whom in a trace that somebody opened.
func (e *Engine) lookAtTrace(t health.Trace) {
	of := make(map[string]string, len(t.Spans))
	for _, s := range t.Spans {
		of[s.ID] = s.Service
	}
	for _, s := range t.Spans {
		c := call{e.serviceOf(of[s.Parent]), e.serviceOf(s.Service)}
		if c.caller != "" && c.called != "" && c.caller != c.called && len(e.called) < maxCalls {
			e.called[c] = true
		}
	}
}

// tie finds out which service leans on which: where one calls what another serves, or
// another by its name (a graph made of all traces), where a trace that was opened shows
// it, and where the user says so.
func (e *Engine) tie(services []health.Service, m moment) {
	calls, serves := e.handles(m)
	at := map[string]int{}
	for i, s := range services {
		at[s.Name] = i
	}
	join := func(caller, called string) {
		i, known := at[caller]
		j, knownToo := at[called]
		if known && knownToo && i != j {
			services[i].Calls = appendNew(services[i].Calls, called)
			services[j].CalledBy = appendNew(services[j].CalledBy, caller)
		}
	}
	for h, callers := range calls {
		for _, caller := range callers {
			if h.what == "service" { // called by its own name
				join(caller, e.serviceOf(h.name))
				continue
			}
			for _, served := range serves[h] {
				join(caller, served)
			}
		}
	}
	for c := range e.called {
		join(c.caller, c.called)
	}
	for _, o := range e.o.Services {
		for _, other := range o.DependsOn {
			join(o.Name, other)
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
		for _, f := range e.foundAt(a, m) {
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
