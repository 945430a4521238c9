package tui

import (
	"fmt"
	"slices"
	"strings"

	"sickbay/health"
	"sickbay/tui/pane"
)

// onDrift are the views where comparisons are looked at.
var onDrift = []string{"drift"}

// referenceKey and baselineKey are what can be chosen there.
func referenceKey() Key {
	return Key{Name: "reference", Binding: bind("compare with another reference: days, week, earlier, deployment, baseline", "r"), Group: "Looking",
		Views: onDrift, Foot: "reference", Why: nothingCompared, Do: nextReference}
}

func baselineKey() Key {
	return Key{Name: "baseline", Binding: bind("make what is looked at the baseline of the service", "b"), Group: "Acting",
		Views: onDrift, Foot: "baseline", Why: cannotPin, Do: pinBaseline}
}

// references are what r goes through, in this order: the config's own first.
var references = []struct {
	of          health.Reference
	name, words string // name is what is typed behind :reference
}{
	{"", "configured", "what the config says"},
	{health.SameHour, "days", "the same hour of earlier days"},
	{health.LastWeek, "week", "the same hour of the same day of earlier weeks"},
	{health.Earlier, "earlier", "windows a fixed time earlier"},
	{health.Deployment, "deployment", "the window before the last deployment"},
	{health.Baseline, "baseline", "the baseline somebody pinned"},
}

func nothingCompared(_ State, sc scene) string {
	if len(pane.Drifts(sc.snap)) == 0 {
		return "nothing is compared here: no distribution is measured"
	}
	return ""
}

func nextReference(s State, _ scene) (State, Effect) {
	i := 0
	for j, r := range references {
		if r.of == s.View.Against {
			i = j + 1
		}
	}
	return s.against(i % len(references)), Effect{}
}

// against chooses a reference. Verdicts do not change with it: they are made with
// the config's.
func (s State) against(i int) State {
	r := references[i]
	s.View.Against, s.Paused = r.of, nil
	return s.say("reference " + r.name + ": now is compared with " + r.words)
}

func referenceNames(State, scene) []string {
	var names []string
	for _, r := range references {
		names = append(names, r.name)
	}
	return names
}

func runReference(s State, sc scene, arg string) (State, Effect) {
	i := slices.Index(referenceNames(s, sc), arg)
	if i < 0 {
		return s.refuse(fmt.Sprintf("no reference %q: %s", health.Clean(arg), strings.Join(referenceNames(s, sc), " "))), Effect{}
	}
	return openView(s, sc, "drift").against(i), Effect{}
}

// comparison is the comparison that is looked at.
func (s State) comparison(sc scene) (pane.DriftRow, bool) {
	for _, r := range pane.Drifts(sc.snap) {
		if r.Of.Name == s.View.Service && pane.DriftID(*r.Drift) == s.View.Drift {
			return r, true
		}
	}
	return pane.DriftRow{}, false
}

// cannotPin says why nothing can become the baseline. It needs no --write: nothing
// but sickbay's own memory changes.
func cannotPin(s State, sc scene) string {
	switch r, ok := s.comparison(sc); {
	case !ok:
		return "no comparison is selected"
	case r.Kind == "exported":
		return "this score is computed elsewhere: there is no distribution to make a baseline of"
	case r.NCur == 0:
		return "nothing is measured at this time that could be a baseline"
	}
	return ""
}

// pinBaseline orders that the window on the screen is the baseline of its service:
// of the past where the clock is set back, and as it was when the viewer paused.
func pinBaseline(s State, _ scene) (State, Effect) {
	order := health.Order{Do: health.DoBaseline, Plan: health.Plan{Service: s.View.Service, At: s.View.At}}
	if s.Paused != nil {
		order.Plan.At = s.Paused.At
	}
	return s, Effect{Order: &order}
}

// pinned is the ward's answer to pinBaseline.
func (s State) pinned(order health.Order, err error) State {
	if err != nil {
		return s.refuse("no baseline was set: " + err.Error())
	}
	of := "now"
	if at := order.Plan.At; !at.IsZero() {
		of = at.UTC().Format("Jan 2 15:04") + " UTC"
	}
	return s.say(fmt.Sprintf("the baseline of %s is the window up to %s; :reference baseline compares with it", order.Plan.Service, of))
}

// settledDrift follows the selected row: its service and its key are what the other
// pane shows and what the ward is asked for. Where no row was ever selected it is
// the first of the service one comes from.
func (s State) settledDrift(sc scene) State {
	ids, i := s.items(sc, "drift")
	if i < 0 {
		s.View.Drift = ""
		return s
	}
	if s.Panes["drift"].Selected == "" {
		if first := slices.IndexFunc(ids, isOf(s.View.Service)); first >= 0 {
			i = first
			s = s.with("drift", func(p *pane.State) { p.Selected = ids[i] })
		}
	}
	before := s.View
	s.View.Service, s.View.Drift = pane.SplitDrift(ids[i])
	if s.View != before && s.Panes["driftdetail"].Offset != 0 {
		s = s.with("driftdetail", func(p *pane.State) { p.Offset = 0 })
	}
	return s
}

func isOf(service string) func(id string) bool {
	return func(id string) bool {
		of, _ := pane.SplitDrift(id)
		return of == service
	}
}

// selectDriftOf selects the worst comparison of a service, unless one of its
// comparisons is selected already.
func (s State) selectDriftOf(sc scene, service string) State {
	if isOf(service)(s.selected(sc, "drift")) && s.Panes["drift"].Selected != "" {
		return s
	}
	ids, _ := s.items(sc, "drift")
	if i := slices.IndexFunc(ids, isOf(service)); i >= 0 {
		return s.with("drift", func(p *pane.State) { p.Selected = ids[i] })
	}
	if _, known := sc.snap.Service(service); known && len(ids) > 0 {
		return s.say("no distribution of " + service + " is compared: these are the others")
	}
	return s
}

// openComparison goes to the detail of the selected row, and gives it the whole
// view where it does not fit below the list.
func (s State) openComparison(sc scene) State {
	s = s.focus("driftdetail").with("driftdetail", func(p *pane.State) { p.Offset = 0 })
	w, h := s.room(sc, "driftdetail")
	if k, ok := pane.Get("driftdetail"); ok && k.Lines(s.input(sc, k.Name, true), w) > h {
		s.View.Zoom = true
	}
	return s
}

// wanted is what the drift view adds to an interest.
func (s State) wantedDrift(i health.Interest) health.Interest {
	i.Against = s.View.Against
	if key, own := pane.DriftKey(s.View.Drift); own {
		i.Service, i.Drift = s.View.Service, key
	}
	return i
}

// copiedDrift is a comparison as one line.
func (s State) copiedDrift(sc scene) string {
	r, ok := s.comparison(sc)
	if !ok {
		return ""
	}
	text := fmt.Sprintf("%s %s: %s", r.Of.Name, r.What(), r.Sentences()[0])
	if r.PSIAdj != nil {
		text += fmt.Sprintf(", PSI %s (%s), %s then/now", r.Shift(), r.Interval(), r.Counted())
	}
	if r.Moved() && !r.Since.IsZero() {
		text += ", since " + r.Since.UTC().Format("2006-01-02T15:04:05Z")
	}
	return text
}
