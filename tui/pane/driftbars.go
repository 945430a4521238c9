package pane

import (
	"math"
	"strconv"
	"strings"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/chart"
)

// A histogram is a comparison made ready to be drawn: cells first to last of it, and
// how wide its columns are.
type histogram struct {
	DriftRow
	first, last      int // cells from first up to, without, last
	top              float64
	windows          []health.DriftWindow
	per              int // cells of the screen a window has; 0: none is drawn
	label, bar, heat int
}

// The widths of columns that have one.
const (
	shareWidth = 5 // "100 %"
	movedWidth = 5 // "▲ +12"
)

// distributions draws a row for each cell: its label, its share then and its share
// now as bars on one axis, by how much it moved if that is certain, and its share
// in the windows before.
func (p *page) distributions(r DriftRow) {
	if min(len(r.Cells), len(r.Ref), len(r.Cur)) == 0 {
		if r.Kind != "exported" {
			p.wrap(themes.Faint, 1, "the shares are not known")
		}
		return
	}
	g := newHistogram(r, p.w)
	p.line(func(row *row) {
		row.gap(1+g.label+1+shareWidth+1).col(themes.Title, "then", g.bar).gap(1+shareWidth+1).col(themes.Title, "now"+p.in.Look.Glyph("  │ was", "  | was"), g.bar)
		row.gap(1 + movedWidth)
		if g.per > 0 {
			row.gap(2).put(themes.Title, g.span(p.in))
		}
	})
	for i := g.first; i < g.last; i++ {
		p.line(func(row *row) { g.cell(p.in, row, i) })
	}
	p.line(func(row *row) { g.axis(p.in, row) })
}

func newHistogram(r DriftRow, w int) histogram {
	g := histogram{DriftRow: r, last: min(len(r.Cells), len(r.Ref), len(r.Cur)), label: 4}
	for ; g.first < g.last-1 && r.Ref[g.first] == 0 && r.Cur[g.first] == 0; g.first++ { // nothing was ever in it
	}
	for ; g.last > g.first+1 && r.Ref[g.last-1] == 0 && r.Cur[g.last-1] == 0; g.last-- {
	}
	for _, c := range r.Cells[g.first:g.last] {
		g.label = max(g.label, len([]rune(c)))
	}
	g.label = min(g.label, max(w/5, 1), 24)
	g.top = chart.RoundShared(r.Ref[g.first:g.last], r.Cur[g.first:g.last])
	left := w - 1 - g.label - 2*(1+shareWidth+1) - 1 - movedWidth
	for _, v := range r.Windows {
		if len(v.Shares) >= g.last {
			g.windows = append(g.windows, v)
		}
	}
	const least = 10 // cells of a bar that says something
	if room := left - 2*least - 3; len(g.windows) > 0 && room >= 4 {
		g.windows = g.windows[max(len(g.windows)+2-room, 0):]
		g.per = min(max(room*2/3/(len(g.windows)+1), 1), 3)
		g.heat = (len(g.windows)+1)*g.per + 1 // a blank before now
		left -= 2 + g.heat + 1
	}
	g.bar = min(max(left/2, 0), 60)
	return g
}

// span says which time the windows are of: "13:10→now".
func (g *histogram) span(in Input) string {
	first := moment(in, g.windows[0].End)
	if first == "now" || len(first)+4 > g.heat {
		return "before"
	}
	return first + in.Look.Glyph("→", ">") + "now"
}

func (g *histogram) cell(in Input, r *row, i int) {
	ref, cur := g.Ref[i], g.Cur[i]
	r.gap(1).right(themes.Text, g.Cells[i], g.label).gap(1)
	r.right(themes.Text, wholePercent(ref), shareWidth).gap(1).own(themes.Faint, chart.HBar(ref/g.top, in.Look.ASCII, g.bar), g.bar).gap(1)
	r.right(themes.Text, wholePercent(cur), shareWidth).gap(1).own(themes.Line1, chart.HBarTick(cur/g.top, ref/g.top, in.Look.ASCII, g.bar), g.bar).gap(1)
	role, mark := g.moved(in.Look, i)
	r.col(role, mark, movedWidth)
	if g.per == 0 {
		return
	}
	shares := make([]float64, 0, len(g.windows)+1)
	for _, w := range g.windows {
		shares = append(shares, w.Shares[i])
	}
	heat := func(v []float64) string { return chart.Heat(v, g.top, in.Look.ASCII, g.per) }
	r.gap(2).own(themes.Text, heat(shares)+" "+heat([]float64{cur}), g.heat)
}

// axis is below the bars: both end at the same share. Below the windows is how far
// each of them was from the others.
func (g *histogram) axis(in Input, r *row) {
	scale := func() {
		r.gap(shareWidth+1).put(themes.Faint, "0")
		end := wholePercent(g.top)
		r.gap(g.bar-1-len(end)).put(themes.Faint, end).gap(1)
	}
	if r.gap(1 + g.label + 1); g.bar < 8 {
		return
	}
	scale()
	scale()
	if g.per == 0 {
		return
	}
	scores := make([]float64, 0, len(g.windows)+1)
	top := 0.1
	add := func(psi *float64) {
		score := math.NaN()
		if psi != nil && *psi < 1e6 {
			score = *psi
			top = max(top, score)
		}
		scores = append(scores, score)
	}
	for i := range g.windows {
		add(g.windows[i].PSIAdj)
	}
	add(g.PSIAdj)
	past := len(scores) - 1
	steps := func(v []float64) string { return chart.Steps(v, top, in.Look.ASCII, g.per) }
	r.to(1+g.label+1+2*(shareWidth+1+g.bar+1)).right(themes.Faint, "PSI", movedWidth).gap(2)
	r.own(themes.Text, steps(scores[:past])+" "+steps(scores[past:]), g.heat)
}

// moved is by how many points the share of a cell moved, where that is certain and
// large enough to be seen: a hundredth at least, and four standard errors of the
// difference of two shares (so that among a hundred cells none does by chance).
func (g *histogram) moved(look *themes.Look, i int) (themes.Role, string) {
	ref, cur := g.Ref[i], g.Cur[i]
	by := cur - ref
	if math.IsNaN(by) || math.Abs(by) < 0.01 || math.Abs(by) > 1 {
		return themes.Text, ""
	}
	if n, m := g.NRef, g.NCur; n > 0 && m > 0 {
		p := min(max((ref*n+cur*m)/(n+m), 0), 1)
		if math.Abs(by) < 4*math.Sqrt(p*(1-p)*(1/n+1/m)) {
			return themes.Text, ""
		}
	}
	if by > 0 {
		return themes.Strong, look.Glyph("▲", "^") + "+" + strconv.FormatFloat(by*100, 'f', 0, 64)
	}
	return themes.Strong, look.Glyph("▼", "v") + look.Glyph("−", "-") + strconv.FormatFloat(-by*100, 'f', 0, 64)
}

// wholePercent is a share without decimals: what changes with every request is not
// read, and only sent.
func wholePercent(v float64) string {
	switch {
	case math.IsNaN(v) || v < 0 || v > 1.005:
		return "–"
	case v > 0 && v < 0.005:
		return "<1 %"
	}
	return strings.TrimSpace(strconv.FormatFloat(v*100, 'f', 0, 64) + " %")
}
