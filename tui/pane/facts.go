package pane

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name:   "facts",
		Title:  func(Input) string { return "RUNS" },
		Draw:   func(in Input, w, h int) []string { return factsPage(in, w).cut(in.State.Offset, h) },
		Lines:  func(in Input, w int) int { return len(factsPage(in, w).rows) },
		Extent: textExtent(factsPage),
	})
}

// factsPage says what a service is made of, and what of it can be taken back.
func factsPage(in Input, w int) *page {
	p := newPage(in, w)
	s, ok := selectedService(in)
	if !ok {
		p.wrap(themes.Faint, 1, "no service is selected")
		return p
	}
	p.replicas(s.Replicas)
	p.neighbours("calls", s.Calls)
	p.neighbours("called by", s.CalledBy)
	p.lineage(s.Lineage)
	if s.Lineage == (health.Lineage{}) && s.Version != "" {
		p.fact("version", themes.Text, s.Version)
	}
	name := "rollback"
	for _, t := range s.Targets {
		p.target(name, t)
		name = ""
	}
	if len(s.Targets) == 0 {
		p.fact("rollback", themes.Faint, "nothing can be rolled back: no [[rollback]] of the config names it")
	}
	if len(s.Packs) > 0 {
		p.fact("seen by", themes.Text, strings.Join(s.Packs, ", "))
	}
	return p
}

// replicas says how many instances report, and which is unlike the others.
func (p *page) replicas(r health.Replicas) {
	switch {
	case r.Most == 0:
		return
	case r.Now < r.Most:
		p.fact("replicas", themes.Warn, fmt.Sprintf("%d of %d report", r.Now, r.Most))
	default:
		p.fact("replicas", themes.Text, strconv.Itoa(r.Now)+allAlike(r.Each))
	}
	for _, each := range r.Each {
		if each.Deviant != "" {
			p.fact("", themes.Warn, each.Name+": "+each.Deviant)
		}
	}
}

func allAlike(each []health.Replica) string {
	if len(each) < 2 || slices.ContainsFunc(each, func(r health.Replica) bool { return r.Deviant != "" }) {
		return ""
	}
	return ", all alike"
}

// neighbours lists services this one leans on or that lean on it, with their state.
func (p *page) neighbours(name string, services []string) {
	for i, other := range services {
		status := health.Unknown
		if s, ok := p.in.Snap.Service(other); ok {
			status = s.Status
		}
		if i > 0 {
			name = ""
		}
		p.fact(name, roleOf(status), sign(p.in.Look, status)+" "+other)
	}
}

// lineage adds what is known of it; versions that nobody reports are no rows.
func (p *page) lineage(l health.Lineage) {
	for _, f := range []health.Field{{Name: "build", Value: l.Build}, {Name: "model", Value: l.Model}, {Name: "prompt", Value: l.Prompt},
		{Name: "index", Value: l.Index}, {Name: "data", Value: l.Data}, {Name: "config", Value: l.Config}} {
		if f.Value != "" {
			p.fact(f.Name, themes.Text, f.Value)
		}
	}
}

// target adds one thing that could be taken back, and to what.
func (p *page) target(name string, t health.Target) {
	role := themes.Text
	if t.Blocked != "" || len(t.Previous) == 0 {
		role = themes.Faint
	}
	p.fact(name, role, targetWords(p.in, t))
}

// targetWords is "prompt v32 → v31 (Nov 17), v30 (Nov 3)", or why not.
func targetWords(in Input, t health.Target) string {
	words := t.Kind + " " + orDash(t.Current)
	switch {
	case t.Blocked != "":
		return words + ": blocked, " + t.Blocked
	case len(t.Previous) == 0:
		return words + ": no version before it"
	}
	return words + " → " + versions(in, t.Previous)
}

// versions lists at most three, newest first, with their dates.
func versions(in Input, vs []health.Version) string {
	var out []string
	for _, v := range vs[:min(len(vs), 3)] {
		s := v.ID
		if !v.At.IsZero() {
			s += " (" + moment(in, v.At) + ")"
		}
		out = append(out, s)
	}
	if n := len(vs) - 3; n > 0 {
		out = append(out, health.Format(health.Count, float64(n))+" older")
	}
	return strings.Join(out, ", ")
}
