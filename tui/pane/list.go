package pane

import (
	"bytes"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"sickbay/themes"
)

// sheet draws a rectangle that says one sentence, for panes with nothing to show.
func sheet(in Input, w, h int, sentence string) []string {
	p := newPage(in, w)
	p.wrap(themes.Faint, 1, sentence)
	return p.cut(0, h)
}

// selectedIndex is where the selected id is; the first if it is gone.
func selectedIndex(in Input, ids []string) int {
	return max(0, slices.Index(ids, in.State.Selected))
}

// firstSeen is the first of n rows that is drawn when h are seen and row i has to
// be among them. A list turns pages instead of scrolling: a key then changes two
// cells, and a whole page only at its end.
func firstSeen(i, n, h int) int {
	if h < 1 || n <= h {
		return 0
	}
	return min(i/h*h, n-h)
}

// rows draws a list whose items take one row each, only those that are seen. The
// selected row begins with a mark, and its name has a role of its own.
func rows(in Input, w, h int, ids []string, draw func(r *row, i int, name themes.Role)) []string {
	out := make([]string, 0, max(h, 0))
	selected := selectedIndex(in, ids)
	first := firstSeen(selected, len(ids), h)
	for i := first; i < min(first+h, len(ids)); i++ {
		r := newRow(in, w)
		draw(r, i, cursor(in, r, i == selected))
		out = append(out, r.String())
	}
	return fill(out, w, h)
}

// cursor draws the mark of the selected row, one cell, because painting the whole
// row would send it again at every key, and says the role of the row's name.
func cursor(in Input, r *row, selected bool) (name themes.Role) {
	if !selected {
		r.put(themes.Text, " ")
		return themes.Text
	}
	role := themes.Faint
	if in.Focus {
		role = themes.Accent
	}
	r.put(role, in.Look.Glyph("▌", ">"))
	return themes.Strong
}

// fill adds blank rows up to h; the rows there are w cells wide already.
func fill(rows []string, w, h int) []string {
	if len(rows) > h {
		return rows[:max(h, 0)]
	}
	for len(rows) < h {
		rows = append(rows, blanks(w))
	}
	return rows
}

// A page is text of any length, of which a pane shows a part.
type page struct {
	in   Input
	w    int
	wide bool // runes of two cells are allowed
	rows []string
	item []int          // first row of each item, for pages whose parts can be selected
	more map[int]string // rows that the next one goes on with, as they end where it is not seen

	id    string            // id of the request it shows
	told  map[string]string // the facts so far, for the page beside this one
	other map[string]string // the facts of the page beside this one; nil: there is none
}

func newPage(in Input, w int) *page { return &page{in: in, w: w} }

// line adds a row.
func (p *page) line(write func(r *row)) {
	r := newRow(p.in, p.w)
	r.wide, r.bare = p.wide, p.id != "" && p.full()
	write(r)
	p.rows = append(p.rows, r.String())
}

func (p *page) blank() { p.rows = append(p.rows, blanks(p.w)) }

// head adds a heading.
func (p *page) head(s string) { p.line(func(r *row) { r.gap(1).put(themes.Title, s) }) }

// wrap adds text, broken at blanks; every row begins indent cells from the left.
func (p *page) wrap(role themes.Role, indent int, s string) {
	p.hang(role, indent, indent, nil, s)
}

// hang adds text whose first row begins after first, as lead writes it, and the
// others indent cells from the left.
func (p *page) hang(role themes.Role, first, indent int, lead func(r *row), s string) {
	room := p.w - max(first, indent)
	if room > 20 {
		room-- // not up to the line beside the pane
	}
	lines := p.broken(s, room)
	for i, l := range lines {
		write := func(l string) func(r *row) {
			return func(r *row) {
				if i == 0 && lead != nil {
					lead(r)
				}
				if i == 0 {
					r.to(first)
				} else {
					r.to(indent)
				}
				r.put(role, l)
			}
		}
		p.line(write(l))
		if i < len(lines)-1 {
			p.unended(write(strings.TrimRight(l, " ,") + " " + p.in.Look.Glyph("…", "...")))
		}
	}
}

// unended is how the row just added is drawn when the one it goes on with is not seen.
func (p *page) unended(write func(r *row)) {
	at := len(p.rows) - 1
	p.line(write)
	if p.more == nil {
		p.more = map[int]string{}
	}
	p.more[at] = p.rows[at+1]
	p.rows = p.rows[:at+1]
}

// broken breaks text into lines of at most w cells.
func (p *page) broken(s string, w int) []string {
	if w < 1 {
		return []string{s}
	}
	r := row{look: p.in.Look, mask: p.in.Redact, wide: p.wide, bare: p.id != "" && p.full()}
	s = r.clean(s)
	if len(s) <= w { // bytes are never fewer than cells
		return []string{s}
	}
	lines := strings.Split(ansi.Wrap(glued(s), w, ""), "\n")
	for i, l := range lines {
		lines[i] = strings.ReplaceAll(l, "\u00a0", " ")
	}
	return lines
}

// glued keeps on one line what is read as one: "17.1 %", "11 m", "1 794", "Nov 6",
// "limit 0.10", "n 530".
func glued(s string) string {
	b := []byte(s)
	if !bytes.ContainsAny(b, "0123456789") {
		return s
	}
	var out strings.Builder
	for i := range b {
		if b[i] == ' ' && i > 0 && (isDigit(b[i-1]) && unitAt(s[i+1:]) || dayAt(s, i) || namedAt(s, i)) {
			out.WriteString("\u00a0")
		} else {
			out.WriteByte(b[i])
		}
	}
	return out.String()
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// dayAt says whether the blank at i is that of a date: "Nov 6".
func dayAt(s string, i int) bool {
	return i >= 3 && i+1 < len(s) && isDigit(s[i+1]) && strings.Contains("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", s[i-3:i])
}

// namedAt says whether the blank at i is between what a number is and the number.
func namedAt(s string, i int) bool {
	if i+1 == len(s) || !isDigit(s[i+1]) {
		return false
	}
	word := s[strings.LastIndexByte(s[:i], ' ')+1 : i]
	return word == "n" || word == "limit" || word == "PSI"
}

// unitAt says whether s begins with a percent sign, more digits, or a word of one
// or two letters.
func unitAt(s string) bool {
	if s == "" || s[0] == '%' || isDigit(s[0]) {
		return s != ""
	}
	n := 0
	for n < len(s) && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	return n > 0 && n < 3
}

// fact adds a name and what it is, with the texts below each other.
func (p *page) fact(name string, role themes.Role, text string) {
	mark := p.tell(name, text)
	first := max(p.factWidth(), min(len(name)+2, p.w/2)) // long names push what they are to the right
	p.hang(role, first, p.factWidth(), func(r *row) { r.put(themes.Warn, mark).to(1).col(themes.Faint, name, first-2) }, text)
}

// tell notes a fact and says with which mark it is drawn: the page beside this one
// may know it otherwise.
func (p *page) tell(name, text string) (mark string) {
	if p.told == nil {
		p.told = map[string]string{}
	}
	p.told[name] = text
	if slices.Contains(unlike, name) {
		return ""
	}
	if other, known := p.other[name]; p.other != nil && (!known || other != text) {
		return p.in.Look.Glyph("≠", "!")
	}
	return ""
}

// unlike are facts in which no two requests agree: to mark them would hide the others.
var unlike = []string{"time", "trace", "failure", "timing", "tokens", "cost", "link"}

// only keeps the rows that hold a text, in lower case.
func (p *page) only(text string) {
	p.rows = slices.DeleteFunc(p.rows, func(row string) bool { return !matches(text, ansi.Strip(row)) })
	p.more = nil // counted in rows that may be gone
}

func (p *page) factWidth() int { return min(15, max(p.w/3, 1)) }

// begin says that the next row belongs to the next item.
func (p *page) begin() { p.item = append(p.item, len(p.rows)) }

// cut is the part of the page that begins at offset, h rows of it.
func (p *page) cut(offset, h int) []string {
	offset = min(max(offset, 0), max(len(p.rows)-h, 0))
	rows := p.rows[offset:]
	if last, cut := p.more[offset+h-1]; cut && h > 0 && h < len(rows) {
		rows = slices.Clone(rows)
		rows[h-1] = last
	}
	return fill(slices.Clip(rows), p.w, h)
}

// cutAt is the part of the page in which item i is seen, from its first row on.
func (p *page) cutAt(i, h int) []string { return p.cut(p.firstAt(i, h), h) }

// extentAt is the extent of a page that cutAt cuts.
func (p *page) extentAt(i, h int) Extent {
	n := len(p.rows)
	return Extent{First: max(min(p.firstAt(i, h), n-h), 0), Seen: min(h, n), Of: n, Rows: n, Text: true}
}

// firstAt is the first row that is seen when item i has to be.
func (p *page) firstAt(i, h int) int {
	if i >= len(p.item) {
		return 0
	}
	first, last := p.item[i], len(p.rows)
	if i+1 < len(p.item) {
		last = p.item[i+1]
	}
	if last <= h {
		return 0
	}
	return min(first, last-h)
}
