package tui

import (
	"maps"
	"slices"
	"time"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/pane"
)

// A State is what one viewer looks at and what the keyboard is in the middle of.
// It is plain data: a key makes a new State and changes no old one, so a key can
// be tested as a value, and two viewers never share one.
type State struct {
	Name  string // of what is looked at, for the header: "demo"
	Write bool   // this viewer may act, if the ward allows it as well
	Keys  Keys

	View   pane.View
	Panes  map[string]pane.State // by kind of pane; copied on write
	Focus  int                   // index into the panes of the view
	Lower  int                   // the pane last focused below the first, where only one fits
	Back   []place               // where esc goes, the last first; copied on write
	Paused *health.Snapshot      // what was there when the viewer paused; nil: the newest

	Message Message // instead of the key line, until the next key
	Awaits  string  // the view in which i waits for the log, until the next key
	Prompt  Prompt
	Sheet   Sheet
	Confirm Confirm
	Redact  *health.Redactor // what masks secrets; nil: the standard one
	Op      string           // the operation this viewer ordered, until its end was acknowledged
}

// A place is what esc restores. The clock, the window and filters stay as they are.
type place struct {
	View         pane.View
	Focus, Lower int
}

// deepest is how many places are remembered.
const deepest = 50

// A Message is one line that answers the last key.
type Message struct {
	Text string
	Role themes.Role
}

// An Effect is what a key asks for that a State cannot do. The zero value is
// nothing.
type Effect struct {
	Quit    bool
	Suspend bool
	Copy    string // to the clipboard; clean
	Theme   string
	Order   *health.Order
}

// A scene is all a key or a picture may know besides the State.
type scene struct {
	snap   *health.Snapshot
	look   *themes.Look
	redact *health.Redactor
	w, h   int
	now    time.Time
}

// windows are the steps of t and T.
var windows = []time.Duration{
	5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
}

// NewState is where a viewer starts.
func NewState(v pane.View) State {
	if v.Screen == "" {
		v.Screen = screens[0].Name
	}
	if v.Window == 0 {
		v.Window = time.Hour
	}
	if v.Content == "" {
		v.Content = "hidden"
	}
	s := State{View: v, Keys: defaultKeys()}
	if v.Service != "" {
		s = s.with("services", func(p *pane.State) { p.Selected = v.Service })
	}
	if v.Failure != "" {
		s = s.with("failures", func(p *pane.State) { p.Selected = v.Failure })
	}
	return s
}

// Interest is what the ward has to find out for this State.
func (s State) Interest() health.Interest {
	i := health.Interest{
		Lens:   health.Lens{Window: s.View.Window, At: s.View.At},
		Hidden: s.Paused != nil && s.View.Screen != "request",
	}
	if s.View.Screen == "service" { // only there its detail is drawn
		i.Service = s.View.Service
	}
	if s.View.Screen == "request" {
		i.Request = s.View.Request
	}
	if s.View.Screen == "drift" {
		i = s.wantedDrift(i)
	}
	if s.Sheet.Kind == sheetExplain {
		i.Traced = s.Sheet.Of
	}
	if s.Confirm.Open {
		i.Plan = s.Confirm.wanted()
	}
	return i
}

// shown is the snapshot this State looks at when the newest is given.
func (s State) shown(newest *health.Snapshot) *health.Snapshot {
	if s.Paused != nil {
		return s.Paused
	}
	return newest
}

// learned puts a request that was opened during a pause into what is shown: it was
// asked for, while everything else stays as it was.
func (s State) learned(newest *health.Snapshot) State {
	if s.Paused == nil || s.View.Screen != "request" {
		return s
	}
	r, ok := newest.Requests[s.View.Request]
	t, traced := newest.Traces[r.Trace]
	_, known := s.Paused.Requests[s.View.Request]
	had := s.Paused.Traces[r.Trace]
	if !ok || known && (!traced || had.State == t.State && had.Note == t.Note && len(had.Spans) == len(t.Spans)) {
		return s
	}
	paused := *s.Paused
	paused.Requests = with(paused.Requests, s.View.Request, r)
	if traced {
		paused.Traces = with(paused.Traces, r.Trace, t)
	}
	s.Paused = &paused
	return s
}

// with is a copy of a map in which one thing is different.
func with[V any](m map[string]V, key string, v V) map[string]V {
	if m = maps.Clone(m); m == nil {
		m = map[string]V{}
	}
	m[key] = v
	return m
}

// focused names the pane that has the focus.
func (s State) focused() string {
	panes := panesOf(s.View.Screen)
	return panes[min(max(s.Focus, 0), len(panes)-1)]
}

// with changes what one pane remembers.
func (s State) with(name string, change func(*pane.State)) State {
	p := s.Panes[name]
	change(&p)
	s.Panes = maps.Clone(s.Panes)
	if s.Panes == nil {
		s.Panes = map[string]pane.State{}
	}
	s.Panes[name] = p
	return s
}

// input is what a pane is told.
func (s State) input(sc scene, name string, focus bool) pane.Input {
	return pane.Input{
		Snap: sc.snap, View: s.View, State: s.Panes[name], Look: sc.look,
		Now: clock(sc.snap, s.View, sc.now), Focus: focus, Redact: s.Redact, Alone: name == "why" && !s.shows(sc, "suspects"),
	}
}

// shows says whether a pane is on the screen; how many rows each fills plays no part.
func (s State) shows(sc scene, name string) bool {
	a := Arrangement{Screen: s.View.Screen, W: sc.w, H: sc.h - chrome, Focus: s.Focus, Lower: s.Lower, Zoom: s.View.Zoom}
	return slices.ContainsFunc(Arrange(a), func(b Box) bool { return b.Pane == name })
}

// clock is what ages are told by. It moves with each snapshot and each minute and
// not in between, so that an idle second draws nothing. Where the clock is set
// back, everything is told as of then.
func clock(snap *health.Snapshot, v pane.View, now time.Time) time.Time {
	if !v.At.IsZero() {
		return v.At
	}
	if minute := now.Truncate(time.Minute); minute.After(snap.At) {
		return minute
	}
	return snap.At
}

// items are the rows of a pane that can be selected, and which of them is.
// Selection follows the id: where the row went, or the first if it is gone.
func (s State) items(sc scene, name string) (ids []string, selected int) {
	k, ok := pane.Get(name)
	if !ok || k.Items == nil {
		return nil, -1
	}
	ids = k.Items(s.input(sc, name, false))
	if len(ids) == 0 {
		return nil, -1
	}
	return ids, max(0, slices.Index(ids, s.Panes[name].Selected))
}

// selected is the id of the selected row of a pane, "" if there is none.
func (s State) selected(sc scene, name string) string {
	if ids, i := s.items(sc, name); i >= 0 {
		return ids[i]
	}
	return ""
}

// settled fills in what follows from the selections: which service, failure and
// drift row the other panes show. Nothing selected yet means the first row, and
// the first row is the worst.
func (s State) settled(sc scene) State {
	switch s.View.Screen {
	case "overview":
		s.View.Service = s.selected(sc, "services")
		s.View.Failure = s.selected(sc, "failures")
	case "failures":
		s.View.Failure = s.selected(sc, "failures")
		if f, ok := sc.snap.Failure(s.View.Failure); ok && s.Panes["failures"].Selected == f.ID {
			if _, ok := sc.snap.Service(f.Service); ok {
				s.View.Service = f.Service
			}
		}
	case "drift":
		s = s.settledDrift(sc)
	case "changes":
		s = s.settledChange(sc)
	case "alerts":
		s.View.Alert = s.selected(sc, "alerts")
		if a, ok := s.alert(sc); ok { // its requests, its rollback
			if _, ok := sc.snap.Service(a.Service); ok {
				s.View.Service = a.Service
			}
		}
	}
	if s.View.Service == "" && len(sc.snap.Services) > 0 {
		s.View.Service = sc.snap.Services[0].Name
	}
	if s.Confirm.Open {
		s.Confirm = s.Confirm.adopt(sc)
	}
	return s.opened(sc)
}

// settledChange makes keys be about the service that a change is of, where the
// selection was moved to it.
func (s State) settledChange(sc scene) State {
	id := s.selected(sc, "changes")
	for _, c := range sc.snap.Changes {
		if c.ID != id || s.Panes["changes"].Selected == "" {
			continue
		}
		if _, ok := sc.snap.Service(c.Service); ok {
			s.View.Service = c.Service
		}
	}
	return s
}

// goTo opens a view and remembers where esc has to go.
func (s State) goTo(screen string) State {
	if s.View.Screen == screen {
		return s
	}
	s = s.remember()
	if s.View.Screen == "overview" && s.View.Service != "" {
		// What was looked at is what one comes back to, even if something else
		// has become worse meanwhile.
		service := s.View.Service
		s = s.with("services", func(p *pane.State) { p.Selected = service })
	}
	s.View.Screen, s.View.Zoom, s.View.Beside = screen, false, ""
	s.Focus, s.Lower = 0, 0
	return s
}

// remember makes the present place the one esc returns to.
func (s State) remember() State {
	back := s.Back
	if len(back) >= deepest {
		back = back[1:]
	}
	s.Back = append(slices.Clip(back), place{s.View, s.Focus, s.Lower})
	return s
}

// returned goes back to where one came from.
func (s State) returned() State {
	last := s.Back[len(s.Back)-1]
	s.Back = s.Back[:len(s.Back)-1]
	last.View.Window, last.View.At, last.View.Content = s.View.Window, s.View.At, s.View.Content
	last.View.Against = s.View.Against
	s.View, s.Focus, s.Lower = last.View, last.Focus, last.Lower
	return s
}

// focus moves the focus to a pane of the view, by name.
func (s State) focus(name string) State {
	if i := slices.Index(panesOf(s.View.Screen), name); i >= 0 {
		s.Focus = i
		if i > 0 {
			s.Lower = i
		}
	}
	return s
}

// say answers a key with a line.
func (s State) say(text string) State {
	s.Message = Message{s.Redact.Redact(text), themes.Text}
	return s
}

// refuse says why a key did nothing.
func (s State) refuse(why string) State {
	s.Message = Message{s.Redact.Redact(why), themes.Warn}
	return s
}

// arrangement is how the panes lie in a scene.
func (s State) arrangement(sc scene) Arrangement {
	a := Arrangement{
		Screen: s.View.Screen, W: sc.w, H: sc.h - chrome,
		Focus: s.Focus, Lower: s.Lower, Zoom: s.View.Zoom,
	}
	if sc.snap.Asking {
		return a // nobody knows yet how much there will be
	}
	for i, name := range panesOf(a.Screen) {
		if k, ok := pane.Get(name); ok && k.Extent != nil && slices.Contains(fitted, name) {
			a.Rows[i] = k.Extent(s.input(sc, name, false), sc.w, a.H).Rows
			if !slices.Contains(bare, name) {
				a.Rows[i]++
			}
		}
	}
	return a
}

// fitted are the panes that leave to others the rows they have nothing for. They
// lie above others over the whole width.
var fitted = []string{"services", "drift", "alerts", "failures", "changes", "incommon"}
