package tui

import (
	"fmt"
	"slices"
	"time"

	"sickbay/health"
	"sickbay/tui/pane"
)

// A deed is what a key does.
type deed = func(State, scene) (State, Effect)

// openView opens a view on what is selected. In the failures view the selection
// goes to the service one comes from, unless one of its failures has it already.
func openView(s State, sc scene, screen string) State {
	if s.View.Screen == screen {
		return s
	}
	service := s.View.Service
	s = s.goTo(screen)
	if screen == "failures" {
		s = s.selectFailureOf(sc, service)
	}
	if screen == "drift" {
		s = s.selectDriftOf(sc, service)
	}
	if screen == "changes" {
		s = s.selectChangeOf(sc, service)
	}
	return s
}

// selectChangeOf goes to what is suspected of a service, else to its newest change,
// unless one of its changes is selected already.
func (s State) selectChangeOf(sc scene, service string) State {
	ids, _ := s.items(sc, "changes")
	of := map[string]string{}
	for _, c := range sc.snap.Changes {
		of[c.ID] = c.Service
	}
	if of[s.selected(sc, "changes")] == service {
		return s
	}
	v, _ := sc.snap.Service(service)
	at := slices.IndexFunc(ids, func(id string) bool { return of[id] == service })
	if len(v.Suspects) > 0 && v.Suspects[0].RuledOut == "" && slices.Contains(ids, v.Suspects[0].Change) {
		at = slices.Index(ids, v.Suspects[0].Change)
	}
	return s.with("changes", func(p *pane.State) {
		if p.Selected = ""; at >= 0 {
			p.Selected = ids[at]
		}
	})
}

func (s State) selectFailureOf(sc scene, service string) State {
	ids, _ := s.items(sc, "failures")
	if f, ok := sc.snap.Failure(s.selected(sc, "failures")); ok && f.Service == service {
		return s
	}
	for _, id := range ids {
		if f, ok := sc.snap.Failure(id); ok && f.Service == service {
			return s.with("failures", func(p *pane.State) { p.Selected = id })
		}
	}
	return s
}

func toView(screen string) deed {
	return func(s State, sc scene) (State, Effect) { return openView(s, sc, screen), Effect{} }
}

func onePane(s State, _ scene) string {
	if len(panesOf(s.View.Screen)) == 1 {
		return "this view is one pane"
	}
	return ""
}

func nextPane(by int) deed {
	return func(s State, _ scene) (State, Effect) {
		panes := panesOf(s.View.Screen)
		return s.focus(panes[(s.Focus+by+len(panes))%len(panes)]), Effect{}
	}
}

func toggleZoom(s State, _ scene) (State, Effect) {
	s.View.Zoom = !s.View.Zoom
	return s, Effect{}
}

// back undoes the last thing that changed what is shown: what lies beside, the
// enlargement, the filter of the pane, the view.
func back(s State, _ scene) (State, Effect) {
	name := s.focused()
	switch {
	case s.View.Beside != "":
		s.View.Beside = ""
	case name == "driftdetail": // back to the list it was opened from
		s.View.Zoom, s.Focus = false, 0
	case s.View.Zoom:
		s.View.Zoom = false
	case s.Panes[name].Large:
		s = s.with(name, func(p *pane.State) { p.Large = false })
	case s.Panes[name].Filter != "":
		s = s.with(name, func(p *pane.State) { p.Filter = "" })
	case len(s.Back) > 0:
		s = s.returned()
	case s.View.Screen != screens[0].Name:
		s.View.Screen, s.Focus, s.Lower = screens[0].Name, 0, 0
	case s.Op != "":
		s.Op = ""
	case s.Focus != 0:
		s.Focus = 0
	default:
		s = s.say("this is the first view: " + s.keyOf("quit") + " quits")
	}
	return s, Effect{}
}

// keyOf is the key an action is bound to, for sentences.
func (s State) keyOf(action string) string {
	if k, ok := s.Keys.named(action, s.View.Screen); ok && len(k.Binding.Keys()) > 0 {
		return printed(k.Binding.Keys()[0])
	}
	return ":" + action
}

func moving(m motion) deed {
	return func(s State, sc scene) (State, Effect) { return s.move(sc, m), Effect{} }
}

// — time —

func alreadyLive(s State, _ scene) string {
	if s.View.At.IsZero() && s.Paused == nil {
		return "already live"
	}
	return ""
}

// stepping sets the clock by a part of the window. Times are cut to the step, so
// that two viewers who step ask the same questions.
func stepping(direction, part int) deed {
	return func(s State, sc scene) (State, Effect) {
		step := s.View.Window / time.Duration(part)
		at := s.View.At
		if at.IsZero() {
			at = sc.snap.At
		}
		if at.IsZero() {
			at = sc.now
		}
		cut := s.View.Window / 12
		to := at.Truncate(cut).Add(time.Duration(direction) * step)
		s.Paused = nil
		s.View.At = to.UTC()
		if !to.Before(sc.now) {
			s.View.At = time.Time{}
		}
		return s, Effect{}
	}
}

func live(s State, _ scene) (State, Effect) {
	s.View.At, s.Paused = time.Time{}, nil
	return s, Effect{}
}

func widen(by int) deed {
	return func(s State, _ scene) (State, Effect) {
		i := slices.IndexFunc(windows, func(w time.Duration) bool { return w >= s.View.Window })
		if i < 0 {
			i = len(windows) - 1
		}
		if by < 0 || windows[i] == s.View.Window {
			i = (i + by + len(windows)) % len(windows)
		}
		s.View.Window, s.Paused = windows[i], nil
		return s, Effect{}
	}
}

func pause(s State, sc scene) (State, Effect) {
	if s.Paused != nil {
		s.Paused = nil
		return s, Effect{}
	}
	s.Paused = sc.snap
	return s.say("paused: what you see stays as it is; " + s.keyOf("pause") + " goes on"), Effect{}
}

// — filter, order, explanation —

func nothingToFilter(s State, _ scene) string {
	if k, ok := pane.Get(s.focused()); !ok || k.Items == nil && !k.Search {
		return "this pane has no rows to filter: " + s.keyOf("pane") + " goes to another"
	}
	return ""
}

func startFilter(s State, _ scene) (State, Effect) {
	before := s.Panes[s.focused()].Filter
	s.Prompt = Prompt{Kind: promptFilter, Text: before, Before: before}
	return s, Effect{}
}

func oneOrder(s State, _ scene) string {
	if k, ok := pane.Get(s.focused()); !ok || len(k.Sorts) < 2 {
		return "this pane has one order"
	}
	return ""
}

func nextOrder(s State, _ scene) (State, Effect) {
	k, _ := pane.Get(s.focused())
	var order string
	s = s.with(k.Name, func(p *pane.State) {
		p.Sort = (p.Sort + 1) % len(k.Sorts)
		order = k.Sorts[p.Sort]
	})
	return s.say("ordered by " + order), Effect{}
}

func nothingToExplain(s State, sc scene) string {
	k, ok := pane.Get(s.focused())
	if !ok || k.Explain == nil || len(k.Explain(s.input(sc, k.Name, true))) == 0 {
		return "nothing to explain here"
	}
	return ""
}

func explain(s State, sc scene) (State, Effect) {
	s.Sheet = Sheet{Kind: sheetExplain}
	if k, ok := pane.Get(s.focused()); ok && k.Explained != nil {
		s.Sheet.Of = k.Explained(s.input(sc, k.Name, true))
	}
	return s, Effect{}
}

func help(s State, _ scene) (State, Effect) {
	s.Sheet = Sheet{Kind: sheetHelp}
	return s, Effect{}
}

// — acting —

func startNote(s State, _ scene) (State, Effect) {
	s.Prompt = Prompt{Kind: promptNote}
	return s, Effect{}
}

func startCommand(s State, _ scene) (State, Effect) {
	s.Prompt = Prompt{Kind: promptCommand}
	return s, Effect{}
}

func quit(s State, _ scene) (State, Effect) { return s, Effect{Quit: true} }

// cannotWrite says why nothing can be done now, whatever it is.
func cannotWrite(s State, sc scene) string {
	if !s.Write || !sc.snap.Write {
		return "read-only: start sickbay with --write"
	}
	if s.Paused != nil {
		return "paused, so this may be old: " + s.keyOf("pause") + " goes on"
	}
	if !s.View.At.IsZero() {
		return "this is the past: " + s.keyOf("live") + " is live again"
	}
	return ""
}

// cannotRollBack says why nothing of the service can be taken back now.
func cannotRollBack(s State, sc scene) string {
	if why := cannotWrite(s, sc); why != "" {
		return why
	}
	service, ok := sc.snap.Service(s.View.Service)
	if !ok {
		return "no service is selected"
	}
	return blocked(sc.snap, service)
}

// blocked is why no target of a service can be used now; "": one can.
func blocked(snap *health.Snapshot, service health.Service) string {
	if len(service.Targets) == 0 {
		if what := noChange(service); what != "" {
			return service.Name + ": no [[rollback]] names it, and suspected is " + what
		}
		return service.Name + " has nothing to roll back: no [[rollback]] of the config names it"
	}
	why := ""
	for _, t := range service.Targets {
		switch op, running := underWay(snap, t.Name); {
		case running:
			why = fmt.Sprintf("%s is being rolled back by %s: %s", t.Name, op.Whose(), op.State)
		case notChosen(t) != "":
			why = t.Name + ": " + notChosen(t)
		default:
			return ""
		}
	}
	return why
}

// noChange is the first suspect where it is nothing that was deployed, so that going
// back cannot take it away; "": it is a change, or there is none.
func noChange(service health.Service) string {
	if len(service.Suspects) == 0 || service.Suspects[0].RuledOut != "" {
		return ""
	}
	switch first := service.Suspects[0]; first.Kind {
	case "load", "external":
		return first.What()
	}
	return ""
}

// underWay finds the operation on a target that has not ended.
func underWay(snap *health.Snapshot, target string) (health.Rollback, bool) {
	for _, op := range snap.Rollbacks {
		if op.Target == target && !op.State.Ended() {
			return op, true
		}
	}
	return health.Rollback{}, false
}

func startRollback(s State, sc scene) (State, Effect) {
	service, _ := sc.snap.Service(s.View.Service)
	s.Confirm = newConfirm(sc, service)
	return s, Effect{}
}
