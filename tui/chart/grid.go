package chart

import (
	"strings"

	"github.com/NimbleMarkets/ntcharts/v2/canvas"
	"github.com/NimbleMarkets/ntcharts/v2/canvas/graph"

	"sickbay/themes"
)

// A grid is a picture made of cells: a rune and the role it is painted in.
type grid struct {
	w, h  int
	runes []rune
	roles []themes.Role
}

func newGrid(w, h int) *grid {
	g := &grid{w: w, h: h, runes: make([]rune, w*h), roles: make([]themes.Role, w*h)}
	for i := range g.runes {
		g.runes[i] = ' '
	}
	return g
}

// set writes one cell; outside of the grid nothing happens.
func (g *grid) set(x, y int, r rune, role themes.Role) {
	if x >= 0 && x < g.w && y >= 0 && y < g.h {
		g.runes[y*g.w+x], g.roles[y*g.w+x] = r, role
	}
}

// text writes s from x on, as far as it fits.
func (g *grid) text(x, y int, s string, role themes.Role) {
	for _, r := range s {
		g.set(x, y, r, role)
		x++
	}
}

// free says whether nothing was drawn at a cell yet.
func (g *grid) free(x, y int) bool { return g.runes[y*g.w+x] == ' ' }

// rows writes the picture: one SGR sequence for each run of one role, and none
// for blanks, which look the same in any.
func (g *grid) rows(look *themes.Look) []string {
	rows := make([]string, g.h)
	var b strings.Builder
	for y := range rows {
		b.Reset()
		open := "" // the prefix in force
		for x := range g.w {
			r := g.runes[y*g.w+x]
			if p := look.Prefix(g.roles[y*g.w+x]); r != ' ' && p != open {
				if open != "" {
					b.WriteString(themes.Reset)
				}
				b.WriteString(p)
				open = p
			}
			if look.ASCII && r > '~' {
				b.WriteString(themes.ASCII(string(r)))
			} else {
				b.WriteRune(r)
			}
		}
		if open != "" {
			b.WriteString(themes.Reset)
		}
		rows[y] = b.String()
	}
	return rows
}

// A surface takes the dots of one line: Braille has 2 x 4 of them in a cell,
// ASCII 1 x 2.
type surface interface {
	Set(canvas.Point)
	BraillePatterns() [][]rune
}

// density says how many dots a cell has across and down.
func density(ascii bool) (across, down int) {
	if ascii {
		return 1, 2
	}
	return 2, 4
}

// newSurface takes dots by index only: the ranges of the Braille grid are not
// used, and no value ever reaches it.
func newSurface(ascii bool, w, h int) surface {
	if ascii {
		return &asciiGrid{w: w, dots: make([]uint8, w*h)}
	}
	return graph.NewBrailleGrid(w, h, 0, 1, 0, 1)
}

// join sets all dots on the way from a to b.
func join(s surface, a, b canvas.Point) {
	for _, p := range graph.GetLinePoints(a, b) {
		s.Set(p)
	}
}

// asciiGrid stands in for Braille where there is no Unicode.
type asciiGrid struct {
	w    int
	dots []uint8 // a cell each; bit 0 is the upper dot, bit 1 the lower
}

func (g *asciiGrid) Set(p canvas.Point) {
	if i := p.Y/2*g.w + p.X; p.X >= 0 && p.X < g.w && p.Y >= 0 && i < len(g.dots) {
		g.dots[i] |= 1 << (p.Y & 1)
	}
}

func (g *asciiGrid) BraillePatterns() [][]rune {
	rows := make([][]rune, 0, len(g.dots)/g.w)
	for i := 0; i < len(g.dots); i += g.w {
		row := make([]rune, g.w)
		for x, d := range g.dots[i : i+g.w] {
			row[x] = [...]rune{0, '\'', '.', '|'}[d]
		}
		rows = append(rows, row)
	}
	return rows
}

// drawn says whether a cell of a surface has any dot.
func drawn(r rune) bool { return r != 0 && r != '\u2800' }
