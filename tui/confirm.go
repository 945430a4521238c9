package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// quiet is how long the keyboard must rest before the dialog listens, so that a
// key meant for something else does nothing in it; at most ceiling after it
// opened, so that a held key cannot keep it deaf for ever.
const (
	quiet   = 425 * time.Millisecond
	ceiling = 1500 * time.Millisecond
)

// shortest is the least a reason may be.
const shortest = 10

// The fields of the dialog, in the order of tab. Cancel is the zero value.
const (
	fieldCancel = iota
	fieldName
	fieldOverride // is only there when the plan wants it
	fieldReason
	fieldRollBack
	fields
)

// A Confirm is the one dialog that can change production. There is one behaviour
// and no switch: a target is chosen, a plan is asked for and shown, the target's
// name and a reason are typed, and a key that is neither R nor enter confirms.
type Confirm struct {
	Open     bool
	Service  string
	Cursor   int    // in the list of what can be done
	Chosen   choice // Target "": still choosing
	Plan     health.Plan
	Field    int
	Typed    string // the target's name
	Override string // what goes on within the cool-down
	Reason   string
	Proposed string    // the reason it began with; what is typed first is set off from it
	Opened   time.Time // when it began to be deaf
	Touched  time.Time // last key while it was deaf
	Note     string    // why the last key did nothing
	Sending  bool      // the order is with the ward
}

// A choice is one version of one target to go back to. Version "" leaves it to
// the target.
type choice struct{ Target, Version string }

// choices are all that could be done for a service, the likeliest first within
// the order of its targets.
func choices(snap *health.Snapshot, service string) []choice {
	v, _ := snap.Service(service)
	var out []choice
	for _, t := range v.Targets {
		if _, running := underWay(snap, t.Name); running || t.Blocked != "" {
			continue
		}
		for _, p := range t.Previous[:min(len(t.Previous), 5)] {
			out = append(out, choice{t.Name, p.ID})
		}
	}
	return out
}

// newConfirm opens the dialog on a service, at what its first suspect points to.
func newConfirm(sc scene, service health.Service) Confirm {
	c := Confirm{Open: true, Service: service.Name, Opened: sc.now, Touched: sc.now}
	all := choices(sc.snap, service.Name)
	if len(all) == 1 {
		c.settle(sc, all[0])
	}
	if back, ok := undoing(sc, all); ok {
		c.Cursor = back
		return c
	}
	for _, s := range service.Suspects {
		if s.RuledOut != "" || s.Label == "unclear" {
			continue // a hint at the wrong thing is worse than none
		}
		for i, o := range all {
			t := target(sc.snap, o.Target)
			if t.Kind == s.Kind && (s.From == "" || o.Version == s.From) {
				c.Cursor = i
				return c
			}
		}
	}
	for i, o := range all { // a newer version, rolled back before, is not what one goes back to
		if back := target(sc.snap, o.Target).Back; back != "" && back == o.Version {
			c.Cursor = i
			break
		}
	}
	return c
}

// settle is that this is rolled back. What makes it a strong suspect is in the reason
// already: whoever reads the journal wants to know it. It may be erased, or gone on.
func (c *Confirm) settle(sc scene, o choice) {
	c.Chosen, c.Field = o, fieldCancel
	c.Proposed = sc.redact.Redact(because(sc, c.Service, target(sc.snap, o.Target)))
	c.Reason = c.Proposed
}

// longestReason is how much evidence is written: the journal has a line for it.
const longestReason = 160

// because is why what a target runs now is strongly suspected: what it is and the
// evidence for it; "" where it is not.
func because(sc scene, service string, t health.Target) string {
	v, _ := sc.snap.Service(service)
	for _, s := range v.Suspects {
		if s.Label != "strong" || s.RuledOut != "" || s.Kind != t.Kind || s.Service != service || s.To != "" && t.Current != "" && s.To != t.Current {
			continue
		}
		text, before := fmt.Sprintf("strong suspect %s at %s", s.What(), s.At.UTC().Format("15:04")), ": "
		for _, line := range s.Evidence {
			points, said, ok := strings.Cut(line, "  ")
			if !ok || !strings.HasPrefix(points, "+") || len(text)+len(said) > longestReason {
				continue
			}
			text, before = text+before+said, "; "
		}
		return health.Clean(text)
	}
	return ""
}

// undoable is how long after a rollback that did not help R begins at undoing it.
const undoable = time.Hour

// undoing is the choice that undoes the newest rollback among what can be chosen, if
// it did not help: the same ladder, with from and to exchanged.
func undoing(sc scene, all []choice) (at int, ok bool) {
	for _, op := range sc.snap.Rollbacks { // newest first
		at := slices.Index(all, choice{op.Target, op.From})
		if at < 0 || sc.now.Sub(op.At) > undoable {
			continue
		}
		switch op.State {
		case health.OpNotRecovered, health.OpPartial:
			return at, target(sc.snap, op.Target).Current != op.From
		}
		return 0, false
	}
	return 0, false
}

// prefer moves the list to a target named on the command line.
func (c Confirm) prefer(sc scene, name string) Confirm {
	for i, o := range choices(sc.snap, c.Service) {
		if o.Target == name {
			c.Cursor = i
			break
		}
	}
	return c
}

func target(snap *health.Snapshot, name string) health.Target {
	for _, v := range snap.Services {
		for _, t := range v.Targets {
			if t.Name == name {
				return t
			}
		}
	}
	return health.Target{}
}

// wanted is the plan this dialog is about, as an Interest says it.
func (c Confirm) wanted() string {
	if c.Chosen.Version == "" {
		return c.Chosen.Target
	}
	return c.Chosen.Target + "@" + c.Chosen.Version
}

// adopt takes over a plan that has arrived. A plan that says something else than
// the one that was being read makes the dialog deaf again and forgets the name
// that was typed for the other.
func (c Confirm) adopt(sc scene) Confirm {
	p, ok := sc.snap.Plans[c.wanted()]
	if !ok || p.Asking || p.Err != "" || p.Plan.ID == c.Plan.ID || c.Sending {
		return c
	}
	same := p.Plan.From == c.Plan.From && p.Plan.To == c.Plan.To && p.Plan.Token == c.Plan.Token &&
		slices.Equal(p.Plan.Diff, c.Plan.Diff) && slices.Equal(p.Plan.Warnings, c.Plan.Warnings)
	if !same {
		c.Opened, c.Touched = sc.now, sc.now
		if c.Plan.ID != "" {
			c.Typed, c.Override, c.Note = "", "", "the plan has changed: read it again"
		}
	}
	c.Plan = p.Plan
	if c.Field == fieldOverride && c.Plan.Override == "" {
		c.Field = fieldCancel
	}
	return c
}

// step is the next field, or with -1 the one before.
func (c Confirm) step(by int) int {
	next := (c.Field + fields + by) % fields
	if next == fieldOverride && c.Plan.Override == "" {
		next = (next + fields + by) % fields
	}
	return next
}

// armed says whether the dialog listens.
func (c Confirm) armed(now time.Time) bool {
	return now.Sub(c.Touched) >= quiet || now.Sub(c.Opened) >= ceiling
}

// unready is why the order cannot be given now; "": it can.
func (c Confirm) unready(sc scene) string {
	planned := sc.snap.Plans[c.wanted()]
	switch {
	case c.Chosen.Target == "":
		return "choose what to roll back first"
	case c.Plan.ID == "" && planned.Err != "":
		return "there is no plan: " + planned.Err
	case c.Plan.ID == "":
		return "there is no plan yet: the target is still being asked"
	case !sc.now.Before(c.Plan.Expires):
		return "the plan is too old: esc, then R, asks anew"
	case c.Typed != c.Plan.Target:
		return fmt.Sprintf("type the name of the target: %s", health.Clean(c.Plan.Target))
	case c.Plan.Override != "" && c.Override != c.Plan.Override:
		return "the cool-down is not over: wait and press R anew, or type: " + c.Plan.Override
	case len([]rune(strings.TrimSpace(c.Reason))) < shortest:
		return fmt.Sprintf("say why, in at least %d characters", shortest)
	}
	return ""
}

// pressConfirm is what keys do in the dialog.
func (s State) pressConfirm(p Press, sc scene) (State, Effect) {
	c := &s.Confirm
	if c.Sending {
		return s, Effect{}
	}
	if p.Key == "esc" && !p.Repeat { // heard at once: to leave does no harm
		s.Confirm = Confirm{}
		return s.say("nothing was rolled back"), Effect{}
	}
	if !c.armed(sc.now) || p.Repeat {
		if !p.Repeat {
			c.Touched = sc.now
		}
		return s, Effect{}
	}
	c.Note = ""
	if c.Chosen.Target == "" {
		c.choose(p, sc)
		return s, Effect{}
	}
	switch p.Key {
	case "tab", "down":
		c.Field = c.step(1)
	case "shift+tab", "up":
		c.Field = c.step(-1)
	case "ctrl+y":
		return s.confirm(sc)
	case "enter":
		return s.enterConfirm(), Effect{}
	default:
		if c.Field == fieldRollBack && p.Key == "y" {
			return s.confirm(sc)
		}
		c.write(p)
	}
	return s, Effect{}
}

// choose moves in the list of what can be done; enter only goes on to the plan.
func (c *Confirm) choose(p Press, sc scene) {
	all := choices(sc.snap, c.Service)
	if len(all) == 0 {
		c.Note = "nothing can be rolled back any more"
		return
	}
	if m, ok := sheetKeys[p.Key]; ok {
		c.Cursor = m.from(c.Cursor, len(all), 5)
	}
	if p.Key == "enter" {
		c.settle(sc, all[min(c.Cursor, len(all)-1)])
	}
}

// enterConfirm is what enter does: next field, or cancel where cancel is
// selected. It never rolls back.
func (s State) enterConfirm() State {
	switch s.Confirm.Field {
	case fieldCancel:
		s.Confirm = Confirm{}
		return s.say("nothing was rolled back")
	case fieldRollBack:
		s.Confirm.Note = "enter never rolls back: y does, or ctrl+y"
	default:
		s.Confirm.Field = s.Confirm.step(1)
	}
	return s
}

// write types into the field that is selected.
func (c *Confirm) write(p Press) {
	switch c.Field {
	case fieldName:
		c.Typed = c.exactly(c.Typed, p)
	case fieldOverride:
		c.Override = c.exactly(c.Override, p)
	case fieldReason:
		if left, ok := erased(c.Reason, p.Key); ok {
			c.Reason = left
		} else {
			c.reason(p.Text)
		}
	case fieldCancel:
		c.Note = "tab goes to the name, the reason and the button"
	}
}

// reason goes on with the reason.
func (c *Confirm) reason(text string) {
	if c.Reason != "" && c.Reason == c.Proposed && text != "" {
		c.Reason += " · "
	}
	c.Reason = typed(c.Reason, text)
}

// exactly types what is compared byte for byte.
func (c *Confirm) exactly(text string, p Press) string {
	if left, ok := erased(text, p.Key); ok {
		return left
	}
	if !ascii(p.Text) {
		c.Note = "this is typed in ASCII"
		return text
	}
	return typed(text, p.Text)
}

// paste refuses a name that was not typed: typing it is what makes one read it.
func (c Confirm) paste(line string, sc scene) Confirm {
	switch {
	case !c.armed(sc.now) || c.Sending:
		c.Touched = sc.now
	case c.Chosen.Target != "" && c.Field == fieldReason:
		c.reason(line)
		c.Note = ""
	default:
		c.Note = "pasting is refused: type it"
	}
	return c
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// confirm gives the order, carrying the plan that is on the screen.
func (s State) confirm(sc scene) (State, Effect) {
	if why := s.Confirm.unready(sc); why != "" {
		s.Confirm.Note = why
		return s, Effect{}
	}
	s.Confirm.Sending = true
	return s, Effect{Order: &health.Order{
		Do: health.DoRollback, Plan: s.Confirm.Plan,
		Reason: strings.TrimSpace(s.Confirm.Reason), Typed: s.Confirm.Typed, Override: s.Confirm.Override,
	}}
}

// submitted is the ward's answer to an order.
func (s State) submitted(order health.Order, id string, err error) State {
	if order.Do == health.DoNote {
		if err != nil {
			return s.refuse("the note was not written: " + err.Error())
		}
		if order.Reveals != "" {
			return s.revealed(order.Reveals)
		}
		return s.say("written in the journal")
	}
	if order.Do == health.DoBaseline {
		return s.pinned(order, err)
	}
	if order.Do == health.DoReport {
		return s.reported(id, err)
	}
	if order.Do == health.DoSilence || order.Do == health.DoExpire {
		return s.silenced(order, err)
	}
	if err != nil {
		s.Confirm.Sending = false
		s.Confirm.Note = "nothing was done: " + strings.TrimPrefix(err.Error(), "nothing was done: ")
		return s
	}
	s.Confirm, s.Op = Confirm{}, id
	return s.say(fmt.Sprintf("ordered: %s %s → %s", order.Plan.Target, order.Plan.From, order.Plan.To))
}
