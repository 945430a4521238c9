package pane

import (
	"slices"
	"strings"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name: "why",
		Title: func(in Input) string {
			s, ok := selectedService(in)
			if !ok {
				return "WHY"
			}
			title := "WHY " + s.Name + " is " + s.Status.String()
			if !s.Since.IsZero() {
				title += "   since " + clock(in, s.Since)
			}
			return in.safe(title)
		},
		Draw:   func(in Input, w, h int) []string { return whyPage(in, w).cut(in.State.Offset, h) },
		Lines:  func(in Input, w int) int { return len(whyPage(in, w).rows) },
		Extent: textExtent(whyPage),
	})
}

func whyPage(in Input, w int) *page {
	p := newPage(in, w)
	s, ok := selectedService(in)
	if !ok {
		if in.Snap.Asking {
			p.wrap(themes.Faint, 1, asking(in))
		} else {
			p.wrap(themes.Faint, 1, "no service is selected")
		}
		return p
	}
	if in.Alone {
		p.culprit(s)
	}
	for _, f := range s.Findings {
		text := f.Text
		if !f.Since.IsZero() {
			text += ", for " + ago(in, f.Since)
		}
		p.point(roleOf(f.Status), sign(in.Look, f.Status), themes.Text, text)
	}
	if !s.Gone.IsZero() {
		p.point(themes.Unknown, "?", themes.Text, "its last sample is "+ago(in, s.Gone)+" old: it may be gone")
	}
	if len(s.Findings) == 0 && s.Status == health.OK {
		p.point(themes.OK, sign(in.Look, health.OK), themes.Text, "nothing is outside of its limits")
	}
	for _, line := range otherSignals(in, &s) {
		p.point(themes.Faint, "·", themes.Faint, line)
	}
	return p
}

// culprit is the first suspect in a line, where no other pane tells of it. One that is
// unclear is nobody to be told first.
func (p *page) culprit(s health.Service) {
	if len(s.Suspects) == 0 {
		return
	}
	v := s.Suspects[0]
	if v.RuledOut != "" || v.Label == "unclear" {
		return
	}
	p.point(themes.Accent, p.in.Look.Glyph("→", ">"), themes.Strong, v.Label+" suspect: "+suspected(p.in, s.Name, v))
}

// suspected is "prompt v31 → v32 at 13:50"; of whom is said where it is not the service
// itself.
func suspected(in Input, service string, v health.Suspect) string {
	text := v.What()
	if v.Change != "" && v.Service != service {
		text += " of " + v.Service
	}
	if !v.At.IsZero() {
		text += " at " + clock(in, v.At)
	}
	return text
}

// point adds a sentence behind a mark.
func (p *page) point(mark themes.Role, glyph string, role themes.Role, s string) {
	p.hang(role, 3, 3, func(r *row) { r.gap(1).put(mark, glyph) }, s)
}

// otherSignals says in sentences what is normal, and which numbers are missing,
// old or none.
func otherSignals(in Input, s *health.Service) []string {
	states := map[health.State][]string{}
	for i := range s.Signals {
		v := &s.Signals[i]
		title := titleOf(v)
		if v.State == health.Stale && !v.At.IsZero() {
			title += " (" + ago(in, v.At) + ")"
		}
		states[v.State] = append(states[v.State], title)
	}
	var lines []string
	if normal := normalGroups(s); len(normal) > 0 {
		lines = append(lines, list(normal)+isAre(normal)+"normal")
	}
	add := func(state health.State, is string) {
		if names := states[state]; len(names) > 0 {
			lines = append(lines, few(names)+isAre(names)+is)
		}
	}
	add(health.Stale, "stale")
	add(health.Partial, "partial: "+partialWhy(s))
	add(health.NaN, "not a number: usually no traffic")
	add(health.Unreachable, "unreachable")
	if missing := notMeasured(s); len(missing) > 0 {
		lines = append(lines, "not measured: "+few(missing))
	}
	return lines
}

// partialWhy is what a server or a count of replicas said of the first partial value.
func partialWhy(s *health.Service) string {
	for i := range s.Signals {
		if v := &s.Signals[i]; v.State == health.Partial && v.Note != "" {
			return v.Note
		}
	}
	return "not everybody answered"
}

func isAre(names []string) string {
	if len(names) == 1 && !strings.HasSuffix(names[0], "s") {
		return " is "
	}
	return " are "
}

// few names at most three, and counts the others.
func few(names []string) string {
	if n := len(names) - 3; n > 1 {
		return list(append(slices.Clone(names[:3]), health.Format(health.Count, float64(n))+" more"))
	}
	return list(names)
}

// normalGroups are the groups in which something is judged and all of it is well.
func normalGroups(s *health.Service) []string {
	var order []string
	ill := map[string]bool{}
	for _, v := range s.Signals {
		judged := v.Limit.Warn != nil || v.Limit.Critical != nil
		if !judged || v.State == health.Absent {
			continue
		}
		if !slices.Contains(order, v.Group) {
			order = append(order, v.Group)
		}
		if v.Status != health.OK {
			ill[v.Group] = true
		}
	}
	return slices.DeleteFunc(order, func(g string) bool { return ill[g] || g == "" })
}

// notMeasured are the golden signals of the kind that nobody measures.
func notMeasured(s *health.Service) []string {
	var out []string
	for _, id := range packs.Golden(s.Kind) {
		if signalOf(s, id).State != health.Absent {
			continue
		}
		if d, ok := packs.Lookup(id); ok {
			out = append(out, titleOf(&health.Signal{Title: d.Title}))
		}
	}
	return out
}
