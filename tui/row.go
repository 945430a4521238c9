package tui

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
	"sickbay/themes"
)

// A row is one line of the screen, written from left to right. Whatever is put,
// it never becomes wider than w cells, and nothing but clean text gets in.
type row struct {
	look *themes.Look
	b    strings.Builder
	w    int
	used int
}

func newRow(look *themes.Look, w int) *row { return &row{look: look, w: w} }

// put writes s in a role; what does not fit is cut and marked.
func (r *row) put(role themes.Role, s string) *row {
	s = plain(r.look, s)
	n := ansi.StringWidth(s)
	if room := r.w - r.used; n > room {
		s = cut(r.look, s, room)
		n = ansi.StringWidth(s)
	}
	r.b.WriteString(r.look.Paint(role, s))
	r.used += n
	return r
}

// to pads with blanks up to a column; a column already passed is no matter.
func (r *row) to(column int) *row {
	if n := min(column, r.w) - r.used; n > 0 {
		r.b.WriteString(blanks(n))
		r.used += n
	}
	return r
}

// String is the row, exactly w cells.
func (r *row) String() string {
	r.to(r.w)
	return r.b.String()
}

// plain makes s clean and of one cell a character, before it is measured. What
// terminals do not agree on the width of is replaced: header, titles and dialogs
// never need it, and a row with a wide character is sent whole at each frame.
func plain(look *themes.Look, s string) string {
	s = health.Clean(s)
	if look.ASCII {
		return themes.ASCII(s)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= ' ' && r <= '~', r > 0xa0 && r < 0x300 && r != 0xad, r >= 0x370 && r < 0x530 && !unicode.IsMark(r):
			return r // Latin, Greek, Cyrillic
		case r >= 0x2010 && r <= 0x2027, r == '‹', r == '›', r == '−', r == '≤', r == '≥', r >= 0x2190 && r <= 0x21ff:
			return r // punctuation, arrows
		case r >= 0x2400 && r <= 0x2421, r >= 0x2500 && r <= 0x259f, r >= 0x2800 && r <= 0x28ff:
			return r // pictures of controls, lines, blocks, Braille
		case r == '▲', r == '▼', r == '▸', r == '✓', r == '✗', r == '€':
			return r
		}
		return '▯'
	}, s)
}

// cut shortens clean text to at most w cells, the last one a sign of it.
func cut(look *themes.Look, s string, w int) string {
	if w <= 0 {
		return ""
	}
	if ansi.StringWidth(s) <= w {
		return s
	}
	return ansi.Truncate(s, w, look.Glyph("…", "~"))
}

// width is how many cells clean text takes.
func width(s string) int { return ansi.StringWidth(s) }

const someBlanks = "                                                                                                                                "

// blanks is n spaces.
func blanks(n int) string {
	if n <= len(someBlanks) {
		return someBlanks[:max(n, 0)]
	}
	return strings.Repeat(" ", n)
}

// wrap breaks clean text into lines of at most w cells, at blanks where it can.
// Text that is empty is one empty line.
func wrap(s string, w int) []string {
	if w < 1 {
		return nil
	}
	return strings.Split(ansi.Wrap(s, w, " "), "\n")
}
