package tui

import (
	"slices"
	"time"

	"sickbay/health"
	"sickbay/tui/pane"
)

// opener says what enter does on the selected row of a pane. The row is there:
// id is its id. The answer "" means it was opened.
type opener func(s State, sc scene, id string) (State, string)

// openers are the panes whose rows open something. Every other pane explains.
var openers = map[string]opener{
	"services": func(s State, _ scene, id string) (State, string) {
		s.View.Service = id
		return s.goTo("service"), ""
	},
	"failures": func(s State, sc scene, id string) (State, string) {
		f, _ := sc.snap.Failure(id)
		if len(f.Requests) == 0 {
			return s, "no request of this failure is known: its lines carry no request id"
		}
		s.View.Failure = id
		s = s.with("failures", func(p *pane.State) { p.Selected = id })
		return s.showRequest(f.Requests[0]), ""
	},
	"incommon": func(s State, _ scene, id string) (State, string) {
		if s.View.Having == id {
			id = "" // once more, and all are listed again
		}
		s.View.Having = id
		return s, ""
	},
	"examples": func(s State, _ scene, id string) (State, string) { return s.showRequest(id), "" },
	"suspects": func(s State, sc scene, id string) (State, string) {
		return s.showChange(sc, id)
	},
	"changes": func(s State, sc scene, id string) (State, string) {
		for _, c := range sc.snap.Changes {
			if c.ID == id {
				return s.showService(sc, c.Service)
			}
		}
		return s, "nothing to open here"
	},
	"alerts": func(s State, sc scene, id string) (State, string) {
		return s.showAlarmed(sc, id)
	},
	"drift": func(s State, sc scene, _ string) (State, string) { return s.openComparison(sc), "" },
	"charts": func(s State, _ scene, _ string) (State, string) {
		return s.with("charts", func(p *pane.State) { p.Large = !p.Large }), ""
	},
}

// showRequest opens one request, and remembers it as the selected example.
func (s State) showRequest(id string) State {
	s = s.with("examples", func(p *pane.State) { p.Selected = id })
	s = s.with("request", func(p *pane.State) { p.Offset = 0 })
	s = s.goTo("request")
	s.View.Request, s.View.Beside = id, ""
	return s
}

func (s State) showService(sc scene, name string) (State, string) {
	if _, ok := sc.snap.Service(name); !ok {
		return s, "it names no service that sickbay knows"
	}
	s = s.goTo("service")
	s.View.Service = name
	return s, ""
}

// showChange opens the timeline on the change a suspect is.
func (s State) showChange(sc scene, id string) (State, string) {
	ids, _ := s.with("changes", func(p *pane.State) { p.Filter = "" }).items(sc, "changes")
	if !slices.Contains(ids, id) {
		return s, "this suspect is no change: nothing to open"
	}
	s = s.with("changes", func(p *pane.State) { p.Selected, p.Filter = id, "" })
	return s.goTo("changes"), ""
}

func cannotOpen(s State, sc scene) string {
	name := s.focused()
	if o, ok := openers[name]; ok {
		id := s.selected(sc, name)
		if id == "" {
			return "nothing to open here"
		}
		_, why := o(s, sc, id)
		return why
	}
	return nothingToExplain(s, sc)
}

func open(s State, sc scene) (State, Effect) {
	name := s.focused()
	if o, ok := openers[name]; ok {
		s, _ = o(s, sc, s.selected(sc, name))
		return s, Effect{}
	}
	return explain(s, sc)
}

// — requests —

// failingRequest is the request that i opens: the selected example, the newest of
// the selected failure, or the one that tells most of what ails the service.
func failingRequest(s State, sc scene) (failure, request string) {
	if s.focused() == "examples" {
		return s.View.Failure, s.selected(sc, "examples")
	}
	if s.View.Screen == "failures" || s.focused() == "failures" {
		if f, ok := sc.snap.Failure(s.View.Failure); ok && len(f.Requests) > 0 {
			return f.ID, f.Requests[0]
		}
		return "", ""
	}
	return tellingRequest(sc.snap, s.View.Service)
}

// tellingRequest is, of the failing requests of a service, the newest one of the
// failure that has grown most and that shares what this failure's requests share. One
// that ran what is suspected comes before all that did not: a service that is ill has
// ordinary failures as well.
func tellingRequest(snap *health.Snapshot, service string) (failure, request string) {
	suspected := suspectedOf(snap, service)
	best := [3]int{-1}
	for _, f := range snap.Failures {
		if f.Service != service {
			continue
		}
		for _, id := range f.Requests {
			r := snap.Requests[id]
			if now := [3]int{one(r.Has(suspected)), f.Count - f.Before, one(typical(f, r))}; slices.Compare(now[:], best[:]) > 0 {
				best, failure, request = now, f.ID, id
			}
		}
	}
	return failure, request
}

// suspectedOf is the property of requests that the first suspect of a service
// changed; without a value: none is known.
func suspectedOf(snap *health.Snapshot, service string) health.Field {
	v, _ := snap.Service(service)
	if len(v.Suspects) == 0 || v.Suspects[0].To == "" {
		return health.Field{}
	}
	x := v.Suspects[0]
	f := health.Field{Name: x.Kind + "_version", Value: x.To}
	if x.Kind == "deploy" {
		f.Name = "build_version"
	}
	for _, c := range snap.Changes {
		if c.ID == x.Change && c.Dim != "" {
			f.Name = c.Dim
		}
	}
	return f
}

// typical says whether a request has what those of its failure have in common.
func typical(f health.Failure, r health.Request) bool {
	for _, s := range f.Shared[:min(1, len(f.Shared))] {
		for _, field := range s.Fields {
			if !r.Has(field) {
				return false
			}
		}
	}
	return true
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func noRequest(s State, sc scene) string {
	if s.early(sc) && s.Paused == nil {
		return ""
	}
	if _, id := failingRequest(s, sc); id == "" {
		if s.View.Service == "" {
			return "no failing request is known"
		}
		return "no failing request of " + s.View.Service + " is known"
	}
	return ""
}

// early says whether what i would open is still to come: the log is being read, and
// the newest failures stand at its end.
func (s State) early(sc scene) bool { return sc.snap.Reading && s.focused() != "examples" }

func openRequest(s State, sc scene) (State, Effect) {
	if s.early(sc) && s.Paused == nil {
		s.Awaits = s.View.Screen
		return s.say("logs are still being read: the request opens when they are"), Effect{}
	}
	failure, id := failingRequest(s, sc)
	s.View.Failure = failure
	return s.showRequest(id), Effect{}
}

// opened opens the request that i was pressed for too early, if the viewer has
// stayed where it was pressed.
func (s State) opened(sc scene) State {
	if s.Awaits == "" || s.early(sc) {
		return s
	}
	here := s.Awaits == s.View.Screen
	s.Awaits, s.Message = "", Message{}
	if why := noRequest(s, sc); here && why != "" {
		return s.refuse(why)
	}
	if here {
		s, _ = openRequest(s, sc)
	}
	return s
}

// siblings are the requests that n and p walk through, newest first.
func siblings(s State, sc scene) (ids []string, at int) {
	f, ok := sc.snap.Failure(s.View.Failure)
	if !ok || !slices.Contains(f.Requests, s.View.Request) {
		if r, known := sc.snap.Requests[s.View.Request]; known {
			f, _ = sc.snap.Failure(r.Group)
		}
	}
	return f.Requests, slices.Index(f.Requests, s.View.Request)
}

func noNeighbour(by int) func(State, scene) string {
	return func(s State, sc scene) string {
		ids, at := siblings(s, sc)
		switch {
		case at < 0:
			return "this request belongs to no failure that is known"
		case at+by < 0:
			return "this is the newest of this failure"
		case at+by >= len(ids):
			return "this is the oldest of this failure that is known"
		}
		return ""
	}
}

func neighbour(by int) deed {
	return func(s State, sc scene) (State, Effect) {
		ids, at := siblings(s, sc)
		s.View.Request, s.View.Beside = ids[at+by], ""
		s = s.with("examples", func(p *pane.State) { p.Selected = ids[at+by] })
		return s.with("request", func(p *pane.State) { p.Offset = 0 }), Effect{}
	}
}

// goodOne is the request of the same service that did not fail and is closest in
// time to the one that is open.
func goodOne(s State, sc scene) (health.Request, bool) {
	bad, ok := sc.snap.Requests[s.View.Request]
	if !ok {
		return health.Request{}, false
	}
	var best health.Request
	var found bool
	for _, r := range sc.snap.Requests {
		if r.Failed || r.Service != bad.Service || r.ID == bad.ID {
			continue
		}
		a, b := apart(r.At, bad.At), apart(best.At, bad.At)
		if !found || a < b || a == b && r.ID < best.ID {
			best, found = r, true
		}
	}
	return best, found
}

func apart(a, b time.Time) time.Duration { return a.Sub(b).Abs() }

func noGoodOne(s State, sc scene) string {
	if s.View.Beside != "" {
		return ""
	}
	if _, ok := goodOne(s, sc); !ok {
		return "no similar request that went well is known"
	}
	return ""
}

func beside(s State, sc scene) (State, Effect) {
	if s.View.Beside != "" {
		s.View.Beside = ""
		return s, Effect{}
	}
	good, _ := goodOne(s, sc)
	s.View.Beside = good.ID
	return s, Effect{}
}

// showAlarmed opens the service of the alert with an id, at the signal it is about.
func (s State) showAlarmed(sc scene, id string) (State, string) {
	for _, a := range sc.snap.Alerts {
		if pane.AlertID(a) != id {
			continue
		}
		if v, ok := sc.snap.Service(a.Service); ok {
			if sig, ok := v.About(a.Expr); ok {
				s = s.with("charts", func(p *pane.State) { p.Selected = sig.ID })
			}
		}
		return s.showService(sc, a.Service)
	}
	return s, "the alert is gone"
}
