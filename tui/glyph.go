package tui

import (
	"fmt"
	"strings"
)

// Lines, blocks and Braille are drawn as shapes: fonts do not agree on how large
// they are, and a picture of a terminal lives from them joining.

// An outline collects the rectangles of a run of cells as one SVG path.
type outline struct{ d strings.Builder }

// rect adds a rectangle, in pixels.
func (o *outline) rect(x, y, w, h float64) {
	fmt.Fprintf(&o.d, "M%.1f %.1fh%.1fv%.1fh-%.1fz", x, y, w, h, w)
}

// shape adds the shape of r in the cell at (x, y), and says whether it has one.
func (o *outline) shape(r rune, x, y float64) bool {
	switch {
	case r >= 0x2800 && r <= 0x28ff:
		o.braille(r, x, y)
	case r >= '▁' && r <= '█':
		h := float64(r-'▁'+1) / 8 * cellHeight
		o.rect(x, y+cellHeight-h, cellWidth, h)
	case r > '█' && r <= '▏':
		o.rect(x, y, float64('▏'-r+1)/8*cellWidth, cellHeight)
	default:
		return o.line(r, x, y)
	}
	return true
}

// dots are the places of the eight bits of a Braille pattern.
var dots = [8]struct{ x, y float64 }{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}}

func (o *outline) braille(r rune, x, y float64) {
	const size = 2.4
	for bit, dot := range dots {
		if (r-0x2800)>>bit&1 == 1 {
			o.rect(x+(dot.x+0.5)*cellWidth/2-size/2, y+(dot.y+0.5)*cellHeight/4-size/2, size, size)
		}
	}
}

// The arms of a line, from the middle of its cell.
const (
	up = 1 << iota
	down
	left
	right
)

var arms = map[rune]int{
	'─': left | right, '│': up | down, '┌': down | right, '┐': down | left, '└': up | right, '┘': up | left,
	'├': up | down | right, '┤': up | down | left, '┬': down | left | right, '┴': up | left | right,
	'┼': up | down | left | right, '━': left | right, '╸': left,
}

// dashes is into how many pieces a line is cut, across or down.
var dashes = map[rune]struct{ across, down float64 }{'╌': {across: 2}, '┄': {across: 3}, '┊': {down: 4}}

func (o *outline) line(r rune, x, y float64) bool {
	thick := 1.0
	if r == '━' || r == '╸' {
		thick = 3
	}
	midX, midY := x+cellWidth/2-thick/2, y+cellHeight/2-thick/2
	if n := dashes[r].across; n > 0 {
		for i := range int(n) {
			o.rect(x+(float64(i)+0.2)*cellWidth/n, midY, 0.6*cellWidth/n, thick)
		}
		return true
	}
	if n := dashes[r].down; n > 0 {
		for i := range int(n) {
			o.rect(midX, y+(float64(i)+0.2)*cellHeight/n, thick, 0.6*cellHeight/n)
		}
		return true
	}
	a := arms[r]
	if a&left != 0 {
		o.rect(x, midY, cellWidth/2+0.5, thick)
	}
	if a&right != 0 {
		o.rect(midX, midY, cellWidth/2+thick/2, thick)
	}
	if a&up != 0 {
		o.rect(midX, y, thick, cellHeight/2+thick/2)
	}
	if a&down != 0 {
		o.rect(midX, midY, thick, cellHeight/2+thick/2)
	}
	return a != 0
}

// outlined takes what has a shape out of text and returns it as a path; its cells
// are blank in what is left.
func outlined(text string, x, y float64) (rest, path string) {
	if isASCII(text) {
		return text, ""
	}
	var o outline
	rest = strings.Map(func(r rune) rune {
		at := x
		x += cellWidth * float64(width(string(r)))
		if o.shape(r, at, y) {
			return ' '
		}
		return r
	}, text)
	return rest, o.d.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
