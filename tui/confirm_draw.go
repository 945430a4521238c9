package tui

import (
	"fmt"
	"strings"

	"sickbay/health"
	"sickbay/themes"
)

// confirmFrame is the place of the dialog, and the one frame of its kind: panes
// cannot draw it, so nothing that comes out of a log can look like it.
func confirmFrame(sc scene) frame {
	w, h := min(sc.w, 88), min(sc.h-2, 24)
	return frame{x: (sc.w - w) / 2, y: (sc.h - h) / 2, w: w, h: h, role: themes.Danger, corners: "╔╗╚╝═║", plain: "####=#"}
}

func drawConfirm(s State, sc scene, rows []string) []string {
	f := confirmFrame(sc)
	c := s.Confirm
	name := c.Chosen.Target
	if name == "" {
		name = c.Service
	}
	lines, foot := c.planLines(sc, f), "ctrl+y rolls back · tab next · esc cancels · enter never rolls back"
	if c.Chosen.Target == "" {
		lines, foot = c.choiceLines(sc, f.inner()), "j k choose · enter shows the plan · esc cancels"
	}
	if c.Sending {
		foot = "the order is being written down…"
	}
	return f.over(sc.look, rows, "ROLL BACK "+sc.redact.Redact(name), foot, lines)
}

// choiceLines are what could be rolled back, when there are several.
func (c Confirm) choiceLines(sc scene, w int) []string {
	out := []string{
		newRow(sc.look, w).put(themes.Text, "What is to be rolled back? Nothing happens yet.").String(),
		blanks(w),
	}
	if what := noChange(service(sc.snap, c.Service)); what != "" {
		out[1] = newRow(sc.look, w).put(themes.Warn, "suspected is "+sc.redact.Redact(what)+": no version before takes that away").String()
	}
	all := choices(sc.snap, c.Service)
	name, change := 0, 0
	for _, o := range all {
		name, change = max(name, width(plain(sc.look, o.Target))), max(change, width(plain(sc.look, o.change(sc))))
	}
	name, change = min(name, w/2), min(change, w/3)
	for i, o := range all {
		r := newRow(sc.look, w)
		role := themes.Text
		if i == c.Cursor {
			role = themes.Strong
			r.put(themes.Accent, "▌ ")
		}
		r.to(2).put(role, cut(sc.look, plain(sc.look, o.Target), name)).to(name+4).put(role, cut(sc.look, plain(sc.look, o.change(sc)), change))
		for _, v := range target(sc.snap, o.Target).Previous {
			if v.ID == o.Version {
				r.to(name+change+6).put(themes.Faint, deployed(v, sc))
			}
		}
		out = append(out, r.String())
	}
	for _, t := range service(sc.snap, c.Service).Targets {
		if why := notChosen(t); why != "" {
			out = append(out, newRow(sc.look, w).to(2).put(themes.Faint, cut(sc.look, plain(sc.look, t.Name), name)).to(name+4).put(themes.Faint, sc.redact.Redact(why)).String())
		}
	}
	return append(out, blanks(w), newRow(sc.look, w).put(themes.Warn, c.Note).String())
}

// change is "v32 → v31".
func (o choice) change(sc scene) string {
	return sc.redact.Redact(or(target(sc.snap, o.Target).Current, "?") + " → " + o.Version)
}

// notChosen is why a target is no choice.
func notChosen(t health.Target) string {
	switch {
	case t.Blocked != "":
		return t.Blocked
	case len(t.Previous) == 0:
		return or(t.Current, "?") + ": no version before it"
	}
	return ""
}

// deployed is when a version first ran, and what was said of it.
func deployed(v health.Version, sc scene) string {
	note := sc.redact.Redact(v.Note)
	if v.At.IsZero() {
		return note
	}
	return strings.TrimSpace(v.At.In(sc.now.Location()).Format("Jan 2 15:04") + "  " + note)
}

func service(snap *health.Snapshot, name string) health.Service {
	v, _ := snap.Service(name)
	return v
}

// planLines are the plan above and what has to be typed below. The lower part has
// a fixed height and wins: what a reader has to type is never pushed out of sight.
func (c Confirm) planLines(sc scene, f frame) []string {
	w, h := f.inner(), f.body()
	lower := c.form(sc, w)
	if c.armed(sc.now) && c.Note != "" {
		lower = noted(sc, lower, c.Note, w)
	}
	room := max(0, h-len(lower))
	upper := c.story(sc, w)
	if len(upper) > room {
		upper = upper[:room]
		if room > 0 {
			upper[room-1] = newRow(sc.look, w).put(themes.Faint, "… more than fits here: make the window higher").String()
		}
	}
	for len(upper) < room {
		upper = append(upper, blanks(w))
	}
	return append(upper, lower...)
}

// noted puts a note below the buttons. A second line of it takes the blank one above
// them, so that nothing moves but they.
func noted(sc scene, form []string, note string, w int) []string {
	var lines []string
	for _, l := range wrap(plain(sc.look, note), w) {
		lines = append(lines, newRow(sc.look, w).put(themes.Warn, l).String())
	}
	n := len(form)
	if len(lines) > 1 {
		return append(append(form[:n-3:n-3], form[n-2]), lines[:2]...)
	}
	return append(form[:n-1:n-1], lines...)
}

// story tells what would be done, how old that knowledge is, what is ill and what
// speaks against it.
func (c Confirm) story(sc scene, w int) []string {
	look := sc.look
	if c.Plan.ID == "" {
		if p := sc.snap.Plans[c.wanted()]; p.Err != "" {
			return labelled(look, w, "no plan", themes.Critical, sc.redact.Redact(p.Err))
		}
		return []string{newRow(look, w).put(themes.Text, "asking the target what it runs and what it can go back to…").String()}
	}
	p := c.Plan
	out := []string{
		newRow(look, w).put(themes.Faint, "plan").to(10).put(themes.Strong, sc.redact.Redact(or(p.From, "?")+" → "+p.To)).
			put(themes.Text, "   by "+or(p.Driver, "?")).String(),
		c.age(sc, w), blanks(w),
	}
	if caps := target(sc.snap, p.Target).Caps; caps != "" {
		out = append(out[:len(out)-1], append(labelled(look, w, "system", themes.Faint, sc.redact.Redact(caps)), blanks(w))...)
	}
	label := "ill now"
	for _, s := range p.Symptoms {
		text := fmt.Sprintf("%s %s, limit %s", s.Title, health.Format(s.Unit, s.Value), health.Format(s.Unit, s.Limit))
		out = append(out, labelled(look, w, label, themes.Critical, text)...)
		label = ""
	}
	if len(p.Symptoms) == 0 {
		out = append(out, labelled(look, w, label, themes.Warn, "nothing: there will be no way to see whether it helped")...)
	}
	label = "warning"
	for _, s := range p.Warnings {
		out = append(out, labelled(look, w, label, themes.Warn, sc.redact.Redact(s))...)
		label = ""
	}
	label = "diff"
	for _, d := range p.Diff {
		role := themes.Text
		switch {
		case strings.HasPrefix(d, "+"):
			role = themes.Added
		case strings.HasPrefix(d, "-"):
			role = themes.Removed
		}
		out = append(out, newRow(look, w).put(themes.Faint, label).to(10).put(role, sc.redact.Redact(d)).String())
		label = ""
	}
	return out
}

// age says how old the plan is and how long it lives.
func (c Confirm) age(sc scene, w int) string {
	left := c.Plan.Expires.Sub(sc.now)
	r := newRow(sc.look, w).put(themes.Faint, "asked").to(10).put(themes.Text, health.Ago(sc.now.Sub(c.Plan.At))+" ago")
	if left <= 0 {
		return r.put(themes.Critical, ", too old: esc, then R, asks anew").String()
	}
	return r.put(themes.Text, ", good for "+health.Ago(left)).String()
}

// form is what has to be typed, the buttons, and one line for what is wrong.
func (c Confirm) form(sc scene, w int) []string {
	look := sc.look
	field := func(label string, which int, text, hint string) string {
		r := newRow(look, w)
		if c.Field == which {
			r.put(themes.Accent, "▌ ")
		}
		r.to(2).put(themes.Text, label).to(12)
		room := max(4, w-r.used-1)
		if text = plain(look, text); c.Field != which {
			text = cut(look, text, room)
		}
		for width(text) > room { // what is typed is seen
			text = string([]rune(text)[1:])
		}
		r.put(themes.Strong, text)
		if c.Field == which {
			r.put(themes.Accent, look.Glyph("▏", "_"))
		}
		if text == "" {
			r.put(themes.Faint, hint)
		}
		return r.String()
	}
	button := func(r *row, which int, label string, role themes.Role) {
		if c.Field == which {
			r.put(themes.Accent, "▌").put(role, "["+label+"]").put(themes.Text, "   ")
			return
		}
		r.put(themes.Faint, " ["+label+"]   ")
	}
	buttons := newRow(look, w).to(11)
	button(buttons, fieldCancel, " cancel ", themes.Strong)
	button(buttons, fieldRollBack, " roll back ", themes.Danger)
	if c.Field == fieldRollBack {
		buttons.put(themes.Text, "y rolls back")
	}
	lines := []string{
		newRow(look, w).put(themes.Border, strings.Repeat(look.Glyph("─", "-"), w)).String(),
		field("target", fieldName, c.Typed, "type its name: "+or(c.Plan.Target, c.Chosen.Target)),
	}
	if c.Plan.Override != "" {
		lines = append(lines, field("cool-down", fieldOverride, c.Override, "not over: refused, or type: "+c.Plan.Override))
	}
	return append(lines,
		field("reason", fieldReason, c.Reason, fmt.Sprintf("at least %d characters, for the journal", shortest)),
		blanks(w),
		buttons.String(),
		blanks(w),
	)
}

// labelled is a label and a text wrapped beside it.
func labelled(look *themes.Look, w int, label string, role themes.Role, text string) []string {
	var out []string
	for _, l := range wrap(plain(look, text), max(1, w-10)) {
		out = append(out, newRow(look, w).put(themes.Faint, label).to(10).put(role, l).String())
		label = ""
	}
	return out
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
