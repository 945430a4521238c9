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
		Draw:   func(in Input, w, h int) []string { return driftPage(in, w).cut(in.State.Offset, h) },
		Lines:  func(in Input, w int) int { return len(driftPage(in, w).rows) },
		Extent: textExtent(driftPage),
	})
}

// driftPage is the verdict on one comparison, both distributions beside each other
// on one axis, and what else is known of it.
func driftPage(in Input, w int) *page {
	p := newPage(in, w)
	d, ok := selectedDrift(in, "")
	if !ok {
		p.wrap(themes.Faint, 1, "no comparison is selected")
		return p
	}
	p.verdict(d)
	p.distributions(d)
	if d.Kind != "exported" {
		p.blank()
		p.numbers(d)
	}
	if d.Note != "" {
		p.wrap(themes.Faint, 1, d.Note)
	}
	return p
}

// verdict is one row: how far, since when, from how many.
func (p *page) verdict(d health.Drift) {
	if d.Kind == "exported" {
		p.wrap(themes.Text, 1, "score "+number(health.Score, d.Score)+", computed by "+orDash(d.Tool))
		p.wrap(themes.Faint, 1, "shown as exported: sickbay does not know its limits and does not judge it")
		return
	}
	role, text := themes.Text, levelWords(d)
	if d.Status == health.Warn || d.Status == health.Critical {
		role = roleOf(d.Status)
	}
	if !d.Since.IsZero() {
		text += " since " + clock(p.in, d.Since)
	}
	if d.PSIAdj != nil {
		text += "   PSI " + health.Format(health.Score, *d.PSIAdj)
	}
	p.wrap(role, 1, text)
}

// numbers are what a second look asks for.
func (p *page) numbers(d health.Drift) {
	if i := interval(d); i != "" {
		p.fact("interval", themes.Text, i+", with 95 % certainty")
	}
	if d.P != nil {
		p.fact("by chance", themes.Text, probability(*d.P))
	}
	if d.Gap != nil {
		p.fact("widest gap", themes.Text, health.Format(health.Ratio, *d.Gap)+" between the cumulative shares")
	}
	if says := exported(p.in, d); says != "" {
		p.fact("others say", themes.Text, says+", shown as exported and not judged here")
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
	first, label := 0, 6
	for ; first < n-1 && d.Ref[first] == 0 && d.Cur[first] == 0; first++ { // nothing was ever in it
	}
	for ; n > first+1 && d.Ref[n-1] == 0 && d.Cur[n-1] == 0; n-- {
	}
	for _, c := range d.Cells[first:n] {
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
	for i := first; i < n; i++ {
		p.line(func(r *row) {
			r.gap(1).right(themes.Text, d.Cells[i], label)
			p.share(r, themes.Faint, d.Ref[i], top, bar)
			r.gap(1)
			p.share(r, themes.Line1, d.Cur[i], top, bar)
		})
	}
}

func (p *page) share(r *row, role themes.Role, share, top float64, bar int) {
	r.right(themes.Text, health.Format(health.Ratio, share), 8).gap(1).own(role, chart.HBar(share/top, p.in.Look.ASCII, bar), bar)
}
