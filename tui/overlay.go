package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"sickbay/themes"
)

// A frame is an opaque rectangle laid over a finished screen. Its place depends
// on the size of the screen alone, so that it never jumps under a reader's eyes.
type frame struct {
	x, y, w, h int
	role       themes.Role
	corners    string // six characters: four corners, horizontal, vertical
	plain      string // the same without Unicode
}

// inner is how wide the text inside is: a line and a blank at each side.
func (f frame) inner() int { return max(1, f.w-4) }

// body is how many rows of text there are.
func (f frame) body() int { return max(1, f.h-2) }

// over draws the frame with a title, a foot and painted lines over rows.
func (f frame) over(look *themes.Look, rows []string, title, foot string, lines []string) []string {
	c := []rune(f.corners)
	if look.ASCII {
		c = []rune(f.plain)
	}
	out := append([]string(nil), rows...)
	for i := range f.h {
		y := f.y + i
		if y < 0 || y >= len(out) {
			continue
		}
		var inside string
		switch i {
		case 0:
			inside = f.edge(look, c[0], c[4], c[1], title)
		case f.h - 1:
			inside = f.edge(look, c[2], c[4], c[3], foot)
		default:
			text := blanks(f.inner())
			if i-1 < len(lines) {
				text = lines[i-1] + blanks(f.inner()-ansi.StringWidth(lines[i-1]))
			}
			side := look.Paint(f.role, string(c[5]))
			inside = side + " " + text + " " + side
		}
		out[y] = splice(out[y], f.x, f.w, inside)
	}
	return out
}

// edge is the upper or lower line of a frame with a text in it.
func (f frame) edge(look *themes.Look, left, line, right rune, text string) string {
	if text != "" {
		text = " " + cut(look, plain(look, text), f.w-8) + " "
	}
	rest := max(0, f.w-4-width(text))
	return look.Paint(f.role, string(left)+string(line)) + look.Paint(themes.Title, text) +
		look.Paint(f.role, string(line)+strings.Repeat(string(line), rest)+string(right))
}

// splice puts w cells of painted text over a painted row, from column x on.
func splice(row string, x, w int, over string) string {
	left := ansi.Truncate(row, x, "")
	left += themes.Reset + blanks(x-ansi.StringWidth(left))
	rest := max(0, ansi.StringWidth(row)-x-w)
	right := ansi.TruncateLeft(row, x+w, "")
	if n := ansi.StringWidth(right); n > rest { // half a wide character stuck out
		right = ansi.TruncateLeft(row, x+w+1, "")
	}
	return left + over + blanks(rest-ansi.StringWidth(right)) + right
}
