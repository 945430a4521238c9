package tui

import (
	"strings"

	"sickbay/themes"
)

// A skeleton is an arrangement made ready to be filled: every row of the screen
// between header and keys as a list of pieces, each a piece of line or a row of a
// box. It depends on no snapshot, so it is made once for many pictures.
type skeleton struct {
	boxes []Box
	rows  [][]piece // h+2 of them: rule, body, rule
}

// A piece is painted text, or (box ≥ 0) row n of that box.
type piece struct {
	box, row int
	text     string
}

func newSkeleton(a Arrangement, look *themes.Look) *skeleton {
	s := &skeleton{boxes: Arrange(a)}
	owner := owners(s.boxes, a.W, a.H)
	for y := range owner {
		s.rows = append(s.rows, pieces(s.boxes, owner, y, look))
	}
	return s
}

// line is the owner of a cell that belongs to no box.
const line = -1

// owners says for each cell of the body, and of the rules above and below it,
// which box it belongs to.
func owners(boxes []Box, w, h int) [][]int {
	owner := make([][]int, h+2)
	for y := range owner {
		owner[y] = make([]int, w)
		for x := range owner[y] {
			owner[y][x] = line
		}
	}
	for i, b := range boxes {
		for y := b.Y; y < b.Y+b.H; y++ {
			for x := b.X; x < b.X+b.W; x++ {
				owner[y+1][x] = i
			}
		}
	}
	return owner
}

// pieces cuts row y into runs of one owner.
func pieces(boxes []Box, owner [][]int, y int, look *themes.Look) []piece {
	var out []piece
	for x := 0; x < len(owner[y]); {
		start, who := x, owner[y][x]
		for x < len(owner[y]) && owner[y][x] == who {
			x++
		}
		if who != line {
			out = append(out, piece{box: who, row: y - 1 - boxes[who].Y})
			continue
		}
		var b strings.Builder
		for i := start; i < x; i++ {
			b.WriteString(crossing(owner, i, y))
		}
		out = append(out, piece{box: line, text: look.Paint(themes.Border, b.String())})
	}
	return out
}

// crossing is the character of a line cell, chosen by which neighbours are lines too.
func crossing(owner [][]int, x, y int) string {
	is := func(x, y int) int {
		if y < 0 || y >= len(owner) || x < 0 || x >= len(owner[y]) || owner[y][x] != line {
			return 0
		}
		return 1
	}
	up, down, left, right := is(x, y-1), is(x, y+1), is(x-1, y), is(x+1, y)
	return [16]string{
		0b0000: "─", 0b0001: "─", 0b0010: "─", 0b0011: "─",
		0b0100: "│", 0b0101: "┌", 0b0110: "┐", 0b0111: "┬",
		0b1000: "│", 0b1001: "└", 0b1010: "┘", 0b1011: "┴",
		0b1100: "│", 0b1101: "├", 0b1110: "┤", 0b1111: "┼",
	}[up<<3|down<<2|left<<1|right]
}
