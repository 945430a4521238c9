package pane

import (
	"strings"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name:   "running",
		Title:  func(Input) string { return "WHAT RUNS NOW, AND WHAT IT CAN GO BACK TO" },
		Draw:   func(in Input, w, h int) []string { return runningPage(in, w).cut(in.State.Offset, h) },
		Lines:  func(in Input, w int) int { return len(runningPage(in, w).rows) },
		Extent: textExtent(runningPage),
	})
}

// runningPage begins with the selected service: it is the one in question.
func runningPage(in Input, w int) *page {
	p := newPage(in, w)
	if len(in.Snap.Services) == 0 {
		if in.Snap.Asking {
			p.wrap(themes.Faint, 1, asking(in))
		} else {
			p.wrap(themes.Faint, 1, "no AI service found")
		}
		return p
	}
	if s, ok := selectedService(in); ok {
		p.running(s, true)
	}
	for _, s := range in.Snap.Services {
		if s.Name != in.View.Service {
			p.running(s, false)
		}
	}
	return p
}

func (p *page) running(s health.Service, selected bool) {
	p.line(func(r *row) {
		role := themes.Text
		if selected {
			role = themes.Strong
		}
		r.gap(1).col(role, s.Name, min(18, p.w/3)).gap(1)
		if len(s.Targets) == 0 && p.w >= 60 {
			r.col(themes.Text, orDash(s.Version), 20).gap(1).put(themes.Faint, "no rollback configured")
			return
		}
		r.put(themes.Text, orDash(s.Version))
	})
	for _, t := range s.Targets {
		role := themes.Text
		if t.Blocked != "" || len(t.Previous) == 0 {
			role = themes.Faint
		}
		p.wrap(role, 3, targetWords(p.in, t))
		if words := readiness(p.in, t); words != "" {
			p.wrap(themes.Faint, 5, words)
		}
	}
}

// readiness is what one wants to know of a rollback before it is needed: where it
// would go, whether that was rehearsed, and who would bring the present version back.
func readiness(in Input, t health.Target) string {
	var words []string
	if v, ok := versionOf(t, t.Back); ok && t.Blocked == "" {
		to := "goes to " + t.Back
		if !v.At.IsZero() {
			to += ", " + ago(in, v.At) + " old"
		}
		words = append(words, to)
	}
	switch {
	case t.Back == "" && t.Drilled.IsZero():
	case t.Drilled.IsZero():
		words = append(words, "never rehearsed")
	case t.Drill != "":
		words = append(words, "rehearsed "+ago(in, t.Drilled)+" ago: "+t.Drill)
	default:
		words = append(words, "rehearsed "+ago(in, t.Drilled)+" ago")
	}
	if t.Notice != "" {
		words = append(words, t.Notice)
	}
	return strings.Join(words, " · ")
}

func versionOf(t health.Target, id string) (health.Version, bool) {
	for _, v := range t.Previous {
		if v.ID == id && id != "" {
			return v, true
		}
	}
	return health.Version{}, false
}
