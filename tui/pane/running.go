package pane

import (
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
	}
}
