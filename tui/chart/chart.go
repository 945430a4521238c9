// Package chart turns series into cells. It knows no clock, no keys and no
// network: what is drawn, and up to when, comes in as values.
package chart

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/NimbleMarkets/ntcharts/v2/canvas"

	"sickbay/health"
	"sickbay/themes"
)

// A Chart is lines over time under one value axis.
type Chart struct {
	Lines  [][]health.Point // at most four; the first is in front
	Unit   health.Unit
	Bad    health.Bad   // which extreme survives when there are more samples than dots
	Limit  health.Limit // drawn where it is in reach of the data
	Marks  []Mark
	At     time.Time     // the right end of the data
	Window time.Duration // how far back it reaches
	Step   time.Duration // distance between samples: more than 2.5 of it is a gap
	Now    string        // what At is called; "" is "now"

	Stacked bool // another chart below has the time axis
	Axis    int  // least width of the value axis, so that charts line up
}

// A Mark is something that happened: a vertical line with a letter on top.
type Mark struct {
	At     time.Time
	Letter rune
	Keep   bool // its letter stands, whatever else happened in its column
}

// lineRoles are the roles of the lines, the one in front first.
var lineRoles = [...]themes.Role{themes.Line1, themes.Line2, themes.Line3, themes.Line4}

// AxisWidth is how many cells the value axis needs in a chart of w x h cells.
func (c Chart) AxisWidth(w, h int) int {
	wide := 6
	for _, s := range c.scale().labels(c.Unit, c.high(w, h)) {
		wide = max(wide, utf8.RuneCountInString(s))
	}
	return wide
}

// high is how many rows are left for the lines.
func (c Chart) high(w, h int) int {
	if w >= 24 && h >= 4 && !c.Stacked {
		return h - 1
	}
	return h
}

// Draw returns exactly h rows of exactly w cells. A value axis is drawn where
// there is room for one (24 x 3), a time axis from 24 x 4 on.
func (c Chart) Draw(look *themes.Look, w, h int) []string {
	if w < 1 || h < 1 {
		return make([]string, max(h, 0))
	}
	g := newGrid(w, h)
	plot := box{w: w, h: c.high(w, h)}
	across, _ := density(look.ASCII)
	sc := c.scale()
	if w >= 24 && h >= 3 {
		plot.x = c.valueAxis(g, sc, plot.h, max(c.Axis, c.AxisWidth(w, h)))
		plot.w -= plot.x
	}
	f := newFrame(c.At, c.Window, plot.w, across)
	if plot.h < h {
		c.timeAxis(g, f, plot, across)
	}
	c.limits(g, sc, plot)
	c.markLines(g, f, plot, across)
	c.lines(g, f, sc, plot, look.ASCII)
	c.markLetters(g, f, plot, across)
	return g.rows(look)
}

// box is where in the grid the lines are drawn; it begins at row 0.
type box struct{ x, w, h int }

// scale looks at what is in the window, to the millisecond: nothing that is not
// drawn has a say.
func (c Chart) scale() scale {
	lo, hi := huge, -huge
	from, to := c.At.Add(-c.Window).UnixMilli(), c.At.UnixMilli()
	for _, line := range c.Lines {
		for _, p := range line {
			if p.T >= from && p.T <= to && math.Abs(p.V) <= huge { // NaN is not
				lo, hi = min(lo, p.V), max(hi, p.V)
			}
		}
	}
	return newScale(lo, hi, c.Unit, c.Limit)
}

// valueAxis returns how many cells it took.
func (c Chart) valueAxis(g *grid, sc scale, h, wide int) int {
	labels := sc.labels(c.Unit, h)
	for y := range h {
		s, tick := labels[y]
		g.text(wide-utf8.RuneCountInString(s), y, s, themes.Faint)
		if tick {
			g.set(wide, y, '┤', themes.Faint)
		} else {
			g.set(wide, y, '│', themes.Faint)
		}
	}
	return wide + 1
}

// timeAxis names three moments by their distance from At, each below its own
// column.
func (c Chart) timeAxis(g *grid, f frame, p box, across int) {
	now := c.Now
	if now == "" {
		now = "now"
	}
	for _, t := range []struct {
		back time.Duration
		s    string
	}{{0, now}, {c.Window, "-" + health.Span(c.Window)}, {c.Window / 2, "-" + health.Span(c.Window/2)}} {
		n := utf8.RuneCountInString(t.s)
		x := f.column(c.At.Add(-t.back).UnixMilli())/across - n/2
		x = p.x + min(max(x, 0), max(p.w-n, 0))
		if clear(g, x-1, p.h, n+2) {
			g.text(x, p.h, t.s, themes.Faint)
		}
	}
}

// clear says whether n cells from x on are free, as far as they are in the grid.
func clear(g *grid, x, y, n int) bool {
	for i := max(x, 0); i < min(x+n, g.w); i++ {
		if !g.free(i, y) {
			return false
		}
	}
	return true
}

func (c Chart) limits(g *grid, sc scale, p box) {
	for _, l := range []struct {
		v    *float64
		r    rune
		role themes.Role
	}{{c.Limit.Warn, '┄', themes.LimitW}, {c.Limit.Critical, '╌', themes.LimitC}} {
		if l.v == nil || !sc.has(*l.v) {
			continue
		}
		for x := range p.w {
			g.set(p.x+x, sc.row(*l.v, p.h), l.r, l.role)
		}
	}
}

// markLines draws nothing for what happened outside of the window.
func (c Chart) markLines(g *grid, f frame, p box, across int) {
	for _, m := range c.Marks {
		if x := f.column(m.At.UnixMilli()); x >= 0 && x < f.dots {
			for y := range p.h {
				g.set(p.x+x/across, y, '┊', themes.Marker)
			}
		}
	}
}

// markLetters come last, because a letter must not vanish behind a line. Several
// changes in one column are counted instead, unless one of them is to be kept.
func (c Chart) markLetters(g *grid, f frame, p box, across int) {
	count, kept := map[int]int{}, map[int]bool{}
	for _, m := range c.Marks {
		x := f.column(m.At.UnixMilli())
		if x < 0 || x >= f.dots {
			continue
		}
		cell := p.x + x/across
		letter := m.Letter
		if count[cell]++; count[cell] > 1 && !m.Keep {
			letter = []rune(strconv.Itoa(min(count[cell], 9)))[0]
		}
		if m.Keep || !kept[cell] {
			g.set(cell, 0, letter, themes.Marker)
		}
		kept[cell] = kept[cell] || m.Keep
	}
}

func (c Chart) lines(g *grid, f frame, sc scale, p box, ascii bool) {
	across, down := density(ascii)
	for i := min(len(c.Lines), len(lineRoles)) - 1; i >= 0; i-- {
		s := newSurface(ascii, p.w, p.h)
		seen := map[int]beyond{} // the worst value of each cell that has one
		var before canvas.Point
		for _, b := range f.thin(c.Lines[i], c.Step, c.Bad) {
			at := canvas.Point{X: b.x, Y: sc.row(b.v, p.h*down)}
			cell := at.Y/down*p.w + at.X/across
			seen[cell] = max(seen[cell], c.beyond(b.v))
			if b.apart {
				before = at
			}
			join(s, before, at)
			before = at
		}
		for y, row := range s.BraillePatterns() {
			for x, r := range row {
				if !drawn(r) {
					continue
				}
				is, measured := seen[y*p.w+x]
				if !measured {
					is = c.rowBeyond(sc, y, p.h)
				}
				if len(c.Lines) > 1 {
					is = within
				}
				g.set(p.x+x, y, r, [...]themes.Role{lineRoles[i], themes.LimitW, themes.LimitC}[is])
			}
		}
	}
}

// beyond is the limit that something is past.
type beyond int

const (
	within beyond = iota
	beyondWarn
	beyondCritical
)

// beyond judges a value.
func (c Chart) beyond(v float64) beyond {
	return c.worst(func(l float64) bool {
		return c.Bad == health.Down && v < l || c.Bad == health.Up && v > l
	})
}

// rowBeyond judges what only leads from one value to the next: row y is past a limit
// where the whole of it is.
func (c Chart) rowBeyond(sc scale, y, h int) beyond {
	return c.worst(func(l float64) bool {
		return sc.has(l) && (c.Bad == health.Down && y > sc.row(l, h) || c.Bad == health.Up && y < sc.row(l, h))
	})
}

func (c Chart) worst(past func(limit float64) bool) beyond {
	switch {
	case c.Limit.Critical != nil && past(*c.Limit.Critical):
		return beyondCritical
	case c.Limit.Warn != nil && past(*c.Limit.Warn):
		return beyondWarn
	}
	return within
}
