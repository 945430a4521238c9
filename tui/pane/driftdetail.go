package pane

import (
	"fmt"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/chart"
)

func init() {
	register(Kind{
		Name: "driftdetail",
		Title: func(in Input) string {
			d, ok := selectedDrift(in, "")
			if !ok {
				return "THEN AND NOW"
			}
			return health.Clean("THEN AND NOW  " + driftName(d))
		},
		Draw:  func(in Input, w, h int) []string { return driftPage(in, w).cut(in.State.Offset, h) },
		Lines: func(in Input, w int) int { return len(driftPage(in, w).rows) },
	})
}

// driftPage is the numbers of one comparison, then both distributions beside each
// other on one axis.
func driftPage(in Input, w int) *page {
	p := newPage(in, w)
	d, ok := selectedDrift(in, "")
	if !ok {
		p.wrap(themes.Faint, 1, "no comparison is selected")
		return p
	}
	if d.Kind == "exported" {
		p.fact("score", themes.Text, number(health.Score, d.Score))
		p.fact("computed by", themes.Text, orDash(d.Tool))
		p.wrap(themes.Faint, 1, "shown as exported: sickbay does not know its limits and does not judge it")
	} else {
		p.numbers(d)
	}
	if d.Note != "" {
		p.wrap(themes.Faint, 1, d.Note)
	}
	p.blank()
	p.distributions(d)
	return p
}

func (p *page) numbers(d health.Drift) {
	role := themes.Text
	if d.Status == health.Warn || d.Status == health.Critical {
		role = roleOf(d.Status)
	}
	level := levelWords(d)
	if !d.Since.IsZero() {
		level += " since " + clock(p.in, d.Since)
	}
	p.fact("level", role, level)
	if d.PSIAdj != nil {
		score := health.Format(health.Score, *d.PSIAdj) + " PSI"
		if i := interval(d); i != "" {
			score += ", 95 % interval " + i
		}
		if d.P != nil {
			score += ", by chance " + probability(*d.P)
		}
		if d.Gap != nil {
			score += ", widest gap " + health.Format(health.Ratio, *d.Gap)
		}
		p.fact("score", role, score)
	}
	counted := count(d.NRef) + " then, " + count(d.NCur) + " now"
	if d.Detectable != nil {
		counted += fmt.Sprintf(": enough to see a shift of %.2g standard deviations", *d.Detectable)
	}
	p.fact("counted", themes.Text, counted)
}

// probability says a p-value no more precisely than anybody can use it.
func probability(p float64) string {
	if p < 0.0001 {
		return "p < 0.0001"
	}
	return fmt.Sprintf("p = %.2g", p)
}

// distributions draws a row for each cell: its label, its share then, its share
// now.
func (p *page) distributions(d health.Drift) {
	n := min(len(d.Cells), len(d.Ref), len(d.Cur))
	if n == 0 {
		p.wrap(themes.Faint, 1, "the shares are not known")
		return
	}
	label := 6
	for _, c := range d.Cells[:n] {
		label = max(label, len([]rune(c)))
	}
	label = min(label, max(p.w/4, 1), 24)
	bar := min(max((p.w-label-4-2*9)/2, 0), 60)
	then := "then"
	if d.Against != "" {
		then += ": " + d.Against
	}
	p.line(func(r *row) {
		r.gap(label+3).col(themes.Title, then, bar+7).gap(2).col(themes.Title, "now", bar+7)
	})
	top := chart.Shared(d.Ref[:n], d.Cur[:n])
	for i := range n {
		p.line(func(r *row) {
			r.gap(1).right(themes.Text, d.Cells[i], label)
			p.share(r, themes.Line2, d.Ref[i], top, bar)
			r.gap(1)
			p.share(r, themes.Line1, d.Cur[i], top, bar)
		})
	}
}

func (p *page) share(r *row, role themes.Role, share, top float64, bar int) {
	r.right(themes.Text, health.Format(health.Ratio, share), 8).gap(1).own(role, chart.HBar(share/top, p.in.Look.ASCII, bar), bar)
}
