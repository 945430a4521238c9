package pane

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
	"sickbay/themes"
)

// A row is one line being written from left to right. Whatever is put into it
// is masked and cleaned, and it never becomes wider than w cells: what does not fit is cut
// and ends in "…". Neighbours of one role share one SGR sequence.
type row struct {
	look *themes.Look
	mask *health.Redactor // nil: the standard one
	bare bool             // nothing is masked: the viewer wants to see this request in full
	w    int
	wide bool // runes of two cells are allowed: never in lists, where each would make the terminal repaint its row at every frame

	buf  []byte
	used int    // cells written
	last int    // where in buf the last cell begins, -1 if it cannot be replaced
	open string // the SGR prefix in force
}

func newRow(in Input, w int) *row {
	return &row{look: in.Look, mask: in.Redact, w: w, buf: make([]byte, 0, w+16), last: -1}
}

// put writes text in a role.
func (r *row) put(role themes.Role, s string) *row {
	r.write(role, s, r.w)
	return r
}

// col writes text as a column of exactly w cells, cut or padded with blanks.
func (r *row) col(role themes.Role, s string, w int) *row {
	end := min(r.used+w, r.w)
	r.write(role, s, end)
	return r.to(end)
}

// right is col with the text at the right end, for numbers.
func (r *row) right(role themes.Role, s string, w int) *row {
	end := min(r.used+w, r.w)
	s = r.clean(s)
	if n := ansi.StringWidth(s); n < end-r.used {
		r.to(end - n)
	}
	r.write(role, s, end)
	return r.to(end)
}

// to pads with blanks up to a column; a column already passed is no matter.
func (r *row) to(column int) *row {
	if n := min(column, r.w) - r.used; n > 0 {
		r.close()
		r.buf = append(r.buf, blanks(n)...)
		r.used, r.last = r.used+n, -1
	}
	return r
}

// gap leaves n cells blank.
func (r *row) gap(n int) *row { return r.to(r.used + n) }

// own writes n cells that sickbay made itself, such as a sparkline: they need not
// be cleaned or measured. Where there is no room for all of them they are text
// like any other.
func (r *row) own(role themes.Role, s string, n int) *row {
	if r.used+n > r.w {
		return r.put(role, s)
	}
	r.begin(role)
	r.buf = append(r.buf, s...)
	r.used, r.last = r.used+n, -1
	return r
}

// String is the row, exactly w cells.
func (r *row) String() string {
	r.to(r.w)
	r.close()
	return string(r.buf)
}

// begin makes role the one in force.
func (r *row) begin(role themes.Role) {
	if p := r.look.Prefix(role); p != r.open {
		r.close()
		r.buf = append(r.buf, p...)
		r.open = p
	}
}

func (r *row) close() {
	if r.open != "" {
		r.buf = append(r.buf, themes.Reset...)
		r.open = ""
	}
}

// write appends at most up to column end.
func (r *row) write(role themes.Role, s string, end int) {
	s = r.clean(s)
	if s == "" {
		return
	}
	if r.used >= end {
		r.cutLast()
		return
	}
	r.begin(role)
	n := len(s)
	if !ascii(s) {
		n = ansi.StringWidth(s)
	}
	if n > end-r.used {
		r.buf = append(r.buf, ansi.Truncate(s, end-r.used, r.look.Glyph("…", "~"))...)
		for r.used += cells(s, end-r.used); r.used < end; r.used++ { // a wide rune was not cut in half
			r.buf = append(r.buf, ' ')
		}
		r.last = -1
		return
	}
	r.last = len(r.buf) + lastRune(s)
	r.buf = append(r.buf, s...)
	r.used += n
}

// cutLast turns the last cell into the sign that something follows.
func (r *row) cutLast() {
	if r.last >= 0 {
		r.buf = append(r.buf[:r.last], r.look.Glyph("…", "~")...)
		r.last = -1
	}
}

// cells is how wide s is once it was truncated to w cells.
func cells(s string, w int) int {
	return ansi.StringWidth(ansi.Truncate(s, w, "…"))
}

// width is how many cells text takes that is sickbay's own or clean.
func width(s string) int { return ansi.StringWidth(s) }

// lastRune is where the last cell of s begins, -len(s)-1 or less if that is not
// one rune of one cell.
func lastRune(s string) int {
	if c := s[len(s)-1]; c < 0x80 {
		return len(s) - 1
	}
	for i := len(s) - 1; i >= 0; i-- {
		if s[i]&0xc0 != 0x80 {
			if ansi.StringWidth(s[i:]) == 1 {
				return i
			}
			break
		}
	}
	return -1 << 40
}

// clean takes out of text what nobody may see, and makes it harmless and of one cell
// a rune unless the row may be wide.
func (r *row) clean(s string) string {
	if !r.bare {
		s = r.mask.Redact(s)
	}
	if ascii(s) {
		return s
	}
	s = health.Clean(s)
	if r.look.ASCII {
		return themes.ASCII(s)
	}
	if plainCells(s) {
		return s
	}
	return narrow(s, r.wide)
}

// ascii says whether s is printable ASCII and nothing else.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// plainCells says whether every rune of s is of a kind that every terminal draws
// one cell wide: Latin, punctuation, arrows, lines, blocks, Braille.
func plainCells(s string) bool {
	for _, r := range s {
		switch {
		case r >= ' ' && r <= '~', r >= 0xa1 && r < 0x300 && r != 0xad:
		case r >= 0x2010 && r <= 0x2027, r >= 0x2190 && r <= 0x21ff, r >= 0x2400 && r <= 0x2421:
		case r >= 0x2500 && r <= 0x25a0, r == '▲', r == '▼', r == '▸', r == '✓', r == '✗', r == '≤', r == '≥', r == '−':
		case r >= 0x2800 && r <= 0x28ff:
		default:
			return false
		}
	}
	return true
}

// placeholder stands for a character that would not take the cells it should.
const placeholder = '▯'

// narrow replaces what is not one cell wide: terminals do not agree on the
// width of joined emoji and flags, and a wide rune in a list has its price. Where
// wide runes are allowed, those stay on which all ways of counting agree. The
// marks of other scripts are left out where they would stand on nothing.
func narrow(s string, wide bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		cluster, n := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		if cluster == "" {
			break
		}
		s = s[len(cluster):]
		switch sure := n == ansi.StringWidthWc(cluster) && !leans(cluster); {
		case sure && n == 1, sure && n == 2 && wide:
			b.WriteString(cluster)
		case n > 0:
			b.WriteRune(placeholder)
		}
	}
	return b.String()
}

// leans says whether a cluster begins with a mark that joins what is before it,
// or a letter that joins what follows (or half a flag), so that its width depends
// on its neighbours.
func leans(cluster string) bool {
	r, _ := utf8.DecodeRuneInString(cluster)
	return unicode.IsMark(r) || r == 0x0d4e || r == 0x0e33 || r == 0x0eb3 ||
		r >= 0x11000 && r < 0x12000 || r >= 0x1f1e6 && r <= 0x1f1ff
}

const someBlanks = "                                                                                                                                                                                                                                                          "

func blanks(n int) string {
	if n <= len(someBlanks) {
		return someBlanks[:max(n, 0)]
	}
	return strings.Repeat(" ", n)
}

// Fit makes lines exactly h rows of exactly w cells: cut, padded, filled up. Lines
// may carry SGR sequences and nothing else.
func Fit(lines []string, w, h int) []string {
	out := make([]string, max(h, 0))
	for i := range out {
		if i >= len(lines) {
			out[i] = blanks(w)
			continue
		}
		switch n := ansi.StringWidth(lines[i]); {
		case n < w:
			out[i] = lines[i] + blanks(w-n)
		case n > w:
			cut := ansi.Truncate(lines[i], max(w, 0), "")
			out[i] = cut + blanks(w-ansi.StringWidth(cut))
		default:
			out[i] = lines[i]
		}
	}
	return out
}
