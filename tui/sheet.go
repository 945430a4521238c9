package tui

import (
	"slices"
	"strings"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/pane"
)

// What a sheet shows.
const (
	sheetHelp    = "help"
	sheetExplain = "explain"
)

// A Sheet is text laid over the view, to be read and put away.
type Sheet struct {
	Kind   string // "": none
	Offset int    // first line shown

	Of health.Named // signal that is explained; zero: none
}

// sheetKeys are the motions of a sheet; every other key of the list closes it.
var sheetKeys = map[string]motion{
	"j": rowDown, "down": rowDown, "k": rowUp, "up": rowUp, "pgdown": pageDown, "space": pageDown,
	"pgup": pageUp, "g": toTop, "home": toTop, "G": toBottom, "end": toBottom,
}

var sheetClose = []string{"esc", "q", "enter", "?", "e"}

func (s State) pressSheet(p Press, sc scene) State {
	if slices.Contains(sheetClose, p.Key) {
		s.Sheet = Sheet{}
		return s
	}
	if k, ok := s.Keys.find(p.Key, s.View.Screen); ok && k.Name == "request" {
		if slowest := sc.snap.Exemplars[s.Sheet.Of].Slowest; len(slowest) > 0 {
			s.Sheet = Sheet{}
			return s.showRequest(slowest[0].Request)
		}
	}
	if m, ok := sheetKeys[p.Key]; ok {
		f, lines := s.sheetFrame(sc)
		n := len(lines)
		last := max(0, n-f.body())
		s.Sheet.Offset = m.from(min(s.Sheet.Offset, last), last+1, f.body())
	}
	return s
}

// sheetFrame is as wide as text is read well, and no higher than its lines need.
func (s State) sheetFrame(sc scene) (f frame, lines []string) {
	w := min(sc.w, 108)
	f = frame{x: (sc.w - w) / 2, w: w, role: themes.Border, corners: "┌┐└┘─│", plain: "++++-|"}
	lines = s.sheetLines(sc, f.inner())
	f.h = min(sc.h-4, 44, max(len(lines), 3)+2)
	f.y = (sc.h - f.h) / 2
	return f, lines
}

func (s State) sheetTitle(sc scene) string {
	if s.Sheet.Kind == sheetHelp {
		return "KEYS of " + s.View.Screen
	}
	return "EXPLAIN " + title(s.input(sc, s.focused(), true), s.focused())
}

// sheetLines are painted lines of at most w cells.
func (s State) sheetLines(sc scene, w int) []string {
	if s.Sheet.Kind == sheetHelp {
		return s.helpLines(sc, w)
	}
	k, ok := pane.Get(s.focused())
	if !ok || k.Explain == nil {
		return nil
	}
	said := k.Explain(s.input(sc, k.Name, true))
	for i := range said {
		said[i][0], said[i][1] = s.Redact.Redact(said[i][0]), s.Redact.Redact(said[i][1])
	}
	return pairs(sc.look, said, w)
}

// pairs writes names and what is said of them in two columns.
func pairs(look *themes.Look, all [][2]string, w int) []string {
	names := 0
	for _, p := range all {
		names = max(names, width(plain(look, p[0])))
	}
	names = min(names, w/3)
	var out []string
	for _, p := range all {
		name := plain(look, p[0])
		for _, l := range wrap(plain(look, p[1]), max(1, w-names-2)) {
			out = append(out, newRow(look, w).put(themes.Faint, cut(look, name, names)).to(names+2).put(themes.Text, l).String())
			name = ""
		}
	}
	return out
}

// helpLines are the keys of the view, from the table, in as many columns as fit.
// A key that cannot be used now says why.
func (s State) helpLines(sc scene, w int) []string {
	columns := max(1, w/52)
	cell := w / columns
	blocks := s.helpBlocks(sc, cell-2)
	high := 0 // the lowest height in which all blocks fit, in their order
	var cols [][]string
	for cols == nil {
		high++
		cols = stacked(blocks, columns, high, cell-2)
	}
	return sideBySide(cols, cell)
}

// stacked puts blocks with a blank row after each into columns at most so high; nil where they
// need more.
func stacked(blocks [][]string, columns, high, w int) [][]string {
	cols := make([][]string, columns)
	c := 0
	for _, b := range blocks {
		if len(cols[c])+len(b) > high {
			c++
		}
		if c == columns || len(b) > high {
			return nil
		}
		cols[c] = append(append(cols[c], b...), blanks(w))
	}
	return cols
}

// sideBySide puts columns of painted cells next to each other.
func sideBySide(cols [][]string, cell int) []string {
	n := 0
	for _, c := range cols {
		n = max(n, len(c))
	}
	out := make([]string, n)
	for y := range out {
		var b strings.Builder
		for _, c := range cols {
			if y < len(c) {
				b.WriteString(c[y] + "  ")
			} else {
				b.WriteString(blanks(cell))
			}
		}
		out[y] = b.String()
	}
	return out
}

// helpBlocks is one block of rows for each group of keys.
func (s State) helpBlocks(sc scene, w int) [][]string {
	const keys = 12
	var blocks [][]string
	group := ""
	for _, k := range s.Keys.all() {
		if !k.applies(s.View.Screen) || len(k.Binding.Keys()) == 0 {
			continue
		}
		if k.Group != group {
			group = k.Group
			blocks = append(blocks, []string{newRow(sc.look, w).put(themes.Title, strings.ToUpper(group)).String()})
		}
		last := len(blocks) - 1
		role, text := themes.Text, k.Binding.Help().Desc
		if why := k.why(s, sc); why != "" {
			role, text = themes.Faint, text+" ("+why+")"
		}
		name := k.Binding.Help().Key
		for _, l := range wrap(plain(sc.look, text), max(1, w-keys)) {
			blocks[last] = append(blocks[last], newRow(sc.look, w).put(themes.Key, name).to(keys).put(role, l).String())
			name = ""
		}
	}
	return blocks
}

// drawSheet lays the sheet over the rows of a screen.
func drawSheet(s State, sc scene, rows []string) []string {
	f, lines := s.sheetFrame(sc)
	from := min(s.Sheet.Offset, max(0, len(lines)-f.body()))
	foot := "esc closes"
	if len(lines) > f.body() {
		foot = "j k pgup pgdn scroll · esc closes"
	}
	if len(sc.snap.Exemplars[s.Sheet.Of].Slowest) > 0 {
		foot = s.keyOf("request") + " opens the slowest request · " + foot
	}
	lines = lines[from:]
	return f.over(sc.look, rows, s.sheetTitle(sc), foot, lines[:min(len(lines), f.body())])
}
