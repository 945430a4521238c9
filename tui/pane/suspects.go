package pane

import (
	"fmt"
	"slices"
	"strconv"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name:  "suspects",
		Title: func(Input) string { return "SUSPECTS" },
		Draw: func(in Input, w, h int) []string {
			ids := suspectIDs(in)
			return suspectsPage(in, w, ids).cutAt(selectedIndex(in, ids), h)
		},
		Items: suspectIDs,
		Extent: func(in Input, w, h int) Extent {
			ids := suspectIDs(in)
			return suspectsPage(in, w, ids).extentAt(selectedIndex(in, ids), h)
		},
	})
}

func suspectIDs(in Input) []string {
	var ids []string
	for _, s := range suspects(in) {
		ids = append(ids, SuspectID(s))
	}
	return ids
}

func suspects(in Input) []health.Suspect {
	s, _ := selectedService(in)
	var out []health.Suspect
	for _, v := range s.Suspects {
		if matches(in.State.Filter, v.Kind, v.From, v.To, v.Label) {
			out = append(out, v)
		}
	}
	return out
}

func suspectsPage(in Input, w int, ids []string) *page {
	p := newPage(in, w)
	s, ok := selectedService(in)
	switch {
	case !ok && in.Snap.Asking:
		p.wrap(themes.Faint, 1, asking(in))
	case !ok:
		p.wrap(themes.Faint, 1, "no service is selected")
	case len(s.Suspects) == 0 && s.Status == health.OK:
		p.wrap(themes.Faint, 1, s.Name+" is ok: there is nothing to explain")
	case len(s.Suspects) == 0 && s.Since.IsZero():
		p.wrap(themes.Faint, 1, "since when "+s.Name+" is "+s.Status.String()+" is not known, so nothing can be suspected")
	case len(s.Suspects) == 0:
		p.wrap(themes.Faint, 1, "no change recorded near the onset at "+clock(in, s.Since))
	}
	for i, v := range suspects(in) {
		p.begin()
		p.suspect(s, v, i == selectedIndex(in, ids))
	}
	if ok && (s.Status == health.Warn || s.Status == health.Critical) {
		p.remedy(s)
	}
	return p
}

func (p *page) suspect(s health.Service, v health.Suspect, selected bool) {
	role, named := themes.Text, themes.Text
	if v.RuledOut != "" {
		role, named = themes.Faint, themes.Struck
	}
	p.line(func(r *row) {
		r.put(cursor(p.in, r, selected), fmt.Sprintf("%d %s", v.Rank, v.Label)).to(11)
		r.put(named, v.What())
		if v.Change != "" && v.Service != s.Name { // somebody else's
			r.put(role, " of "+v.Service)
		}
		tail := ""
		if !v.At.IsZero() {
			tail = clock(p.in, v.At)
		}
		if v.RuledOut == "" {
			tail += fmt.Sprintf("%7s", signed(v.Score))
		}
		if r.used+len(tail)+2 <= r.w {
			r.right(role, tail, r.w-r.used)
		}
	})
	if v.RuledOut != "" {
		p.wrap(themes.Faint, 3, "ruled out: "+v.RuledOut)
	}
	switch t, ok := remedyFor(s, v); {
	case ok && v.From != "" && t.Current == v.From:
		p.wrap(themes.OK, 3, p.takenBack(t))
	case ok:
		p.offer(t)
	}
	for _, e := range v.Evidence {
		p.wrap(themes.Text, 3, e)
	}
}

// signed writes a score with its sign: it is a sum, and evidence can be against.
func signed(v float64) string {
	s := strconv.FormatFloat(v, 'f', 1, 64)
	if v > 0 {
		return "+" + s
	}
	return s
}

// remedyFor is the target that takes a suspect back.
func remedyFor(s health.Service, v health.Suspect) (health.Target, bool) {
	for _, t := range s.Targets {
		if v.Rank == 1 && v.RuledOut == "" && t.Kind == v.Kind && t.Blocked == "" && len(t.Previous) > 0 {
			return t, true
		}
	}
	return health.Target{}, false
}

// offer says what R would do.
func (p *page) offer(t health.Target) {
	p.hang(themes.Text, 5, 5, func(r *row) { r.gap(3).put(themes.Key, "R") },
		"rolls "+t.Kind+" back: "+health.FromTo(t.Current, p.before(t).ID)+p.readOnly())
}

// takenBack says that a target runs again what it ran before the suspect, since when and
// by whom: to go back further is not what it asks for.
func (p *page) takenBack(t health.Target) string {
	for _, op := range p.in.Snap.Rollbacks { // newest first
		if op.Target == t.Name && op.To == t.Current && !op.Applied.IsZero() {
			return "taken back " + clock(p.in, op.Applied) + " by " + op.By + ": " + string(op.State)
		}
	}
	return "taken back: it runs " + t.Current + " again"
}

// before is the newest version a target can go back to, and nobody went away from
// on purpose.
func (p *page) before(t health.Target) health.Version {
	for _, v := range t.Previous {
		left := func(op health.Rollback) bool { return op.Target == t.Name && op.From == v.ID && !op.Applied.IsZero() }
		if !slices.ContainsFunc(p.in.Snap.Rollbacks, left) {
			return v
		}
	}
	return t.Previous[0]
}

// remedy says what could be taken back where nothing that is suspected can, and if
// not, why.
func (p *page) remedy(s health.Service) {
	if len(s.Suspects) > 0 {
		first := s.Suspects[0]
		if _, ok := remedyFor(s, first); ok {
			return // said where it is suspected
		}
		if first.RuledOut == "" && (first.Kind == "load" || first.Kind == "external") {
			p.wrap(themes.Faint, 3, "nothing that was deployed is suspected first: no version before takes that away")
			return
		}
	}
	for _, t := range s.Targets {
		switch {
		case t.Blocked != "":
			p.wrap(themes.Faint, 3, t.Kind+" cannot be rolled back: "+t.Blocked)
		case len(t.Previous) > 0:
			p.offer(t)
		}
	}
}

func (p *page) readOnly() string {
	if p.in.Snap.Write {
		return ""
	}
	return " (needs --write)"
}
