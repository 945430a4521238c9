package tui

import "sickbay/tui/pane"

// A motion moves the selection, or the text of a pane without rows to select.
type motion int

const (
	rowDown motion = iota
	rowUp
	pageDown
	pageUp
	toTop
	toBottom
)

// from is where a motion leads from position i of n, when page rows are seen.
func (m motion) from(i, n, page int) int {
	switch m {
	case rowDown:
		i++
	case rowUp:
		i--
	case pageDown:
		i += page
	case pageUp:
		i -= page
	case toTop:
		i = 0
	case toBottom:
		i = n - 1
	}
	return max(0, min(i, n-1))
}

// move moves in the pane that has the focus.
func (s State) move(sc scene, m motion) State {
	name := s.focused()
	w, h := s.room(sc, name)
	if ids, i := s.items(sc, name); i >= 0 {
		i = m.from(i, len(ids), h)
		return s.with(name, func(p *pane.State) { p.Selected = ids[i] })
	}
	k, ok := pane.Get(name)
	if !ok || k.Lines == nil {
		return s
	}
	last := max(0, k.Lines(s.input(sc, name, true), w)-h) // the last row stays at the bottom
	return s.with(name, func(p *pane.State) { p.Offset = m.from(min(p.Offset, last), last+1, h) })
}

// room is how many cells of a pane are for its rows.
func (s State) room(sc scene, name string) (w, h int) {
	for _, b := range Arrange(s.arrangement(sc)) {
		if b.Pane == name {
			return b.W, max(1, b.H-1) // the title row, or the pane's own column titles
		}
	}
	return sc.w, max(1, sc.h-chrome-1)
}
