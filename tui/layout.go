package tui

import "slices"

// The smallest screen anything is drawn on.
const (
	minWidth  = 40
	minHeight = 10
)

// chrome is what of the height the panes do not get: header, rule, rule, keys.
const chrome = 4

// A Box is where a pane goes, in cells of the body, its title row included.
type Box struct {
	Pane       string
	X, Y, W, H int
	Bare       bool // no title row: the pane's own first row names it
}

// An Arrangement is all that decides where panes go.
type Arrangement struct {
	Screen string
	W, H   int // of the body
	Focus  int // index into the panes of the screen
	Lower  int // which pane was below the first when only one fits there
	Zoom   bool
	Rows   [most]int // of each pane of the screen: what it would fill, its title included; 0: not known
}

// most is how many panes a screen has at most.
const most = 5

// room is share of h rows for pane i, or fewer where it has less to show: others
// have a use for them.
func (a Arrangement) room(i, h, share int) int {
	n := h * share / 100
	if a.Rows[i] > 0 {
		n = min(n, max(a.Rows[i], least))
	}
	return n
}

// least is how high a pane stays however little it has to show.
const least = 3

// screens are the views, in the order of their number keys; the last has none.
var screens = []struct {
	Name  string
	Panes []string // in the order of tab; the first is the one a view is about
}{
	{"overview", []string{"services", "why", "suspects", "failures", "alerts"}},
	{"service", []string{"charts", "why", "facts"}},
	{"drift", []string{"drift", "driftdetail"}},
	{"failures", []string{"failures", "incommon", "examples"}},
	{"changes", []string{"changes", "running", "rollbacks"}},
	{"alerts", []string{"alerts", "alertdetail"}},
	{"sources", []string{"sources"}},
	{"journal", []string{"journal"}},
	{"request", []string{"request"}},
}

// Screens names the views in the order of their number keys; "request" is last
// and opened from a failure.
func Screens() []string {
	names := make([]string, len(screens))
	for i, s := range screens {
		names[i] = s.Name
	}
	return names
}

// panesOf lists the panes of a view; a view nobody knows is the overview.
func panesOf(screen string) []string {
	for _, s := range screens {
		if s.Name == screen {
			return s.Panes
		}
	}
	return screens[0].Panes
}

// Arrange says where the panes of a screen go. It looks at nothing but its
// argument, so an arrangement can be tested as a drawing.
//
//	wide                        narrow             low, or enlarged
//	┌───────────────────────┐   ┌──────────────┐   ┌──────────────┐
//	│ first                 │   │ first        │   │ the pane     │
//	├───────────┬───────────┤   ├──────────────┤   │ with the     │
//	│ second    │ third     │   │ one of the   │   │ focus        │
//	├───────────┼───────────┤   │ others, by   │   │              │
//	│ fourth    │ fifth     │   │ tab          │   │              │
//	└───────────┴───────────┘   └──────────────┘   └──────────────┘
func Arrange(a Arrangement) []Box {
	panes := panesOf(a.Screen)
	all := rect{W: a.W, H: a.H}
	focus := min(max(a.Focus, 0), len(panes)-1)
	switch {
	case len(panes) == 1:
		return []Box{all.box(panes[0])}
	case a.Zoom || a.H < 14:
		return []Box{all.box(panes[focus])}
	case a.W < 100 || a.H < 26:
		return narrow(all, a, panes, focus)
	}
	return wide(all, a, panes)
}

// narrow has room for the first pane and one other.
func narrow(all rect, a Arrangement, panes []string, focus int) []Box {
	lower := focus
	if lower == 0 {
		lower = min(max(a.Lower, 1), len(panes)-1)
	}
	share := 55
	switch a.Screen {
	case "service":
		share = 75 // charts need height to say anything
	case "drift":
		share = 45 // and so do distributions
	}
	top, rest := all.above(a.room(0, all.H, share))
	return []Box{top.box(panes[0]), rest.box(panes[lower])}
}

func wide(all rect, a Arrangement, panes []string) []Box {
	switch a.Screen {
	case "overview":
		share := 46
		if all.H > 44 {
			share = 40 // a higher screen has room for all services already
		}
		top, rest := all.above(a.room(0, all.H, share))
		middle, bottom := rest.above((rest.H - 1) / 2)
		why, suspects := middle.beside(middle.W * 57 / 100)
		failures, alerts := bottom.beside(bottom.W * 57 / 100)
		return []Box{top.box(panes[0]), why.box(panes[1]), suspects.box(panes[2]), failures.box(panes[3]), alerts.box(panes[4])}
	case "service", "changes":
		share := 68
		if a.Screen == "changes" {
			share = 50
		}
		top, rest := all.above(a.room(0, all.H, share))
		left, right := rest.beside(rest.W * 57 / 100)
		return []Box{top.box(panes[0]), left.box(panes[1]), right.box(panes[2])}
	case "failures":
		top, rest := all.above(a.room(0, all.H, 42))
		middle, bottom := rest.above(a.room(1, rest.H, 50))
		return []Box{top.box(panes[0]), middle.box(panes[1]), bottom.box(panes[2])}
	}
	share := 50
	if a.Screen == "drift" {
		share = 40
	}
	top, rest := all.above(a.room(0, all.H, share))
	return []Box{top.box(panes[0]), rest.box(panes[1])}
}

// bare panes carry their column titles in their first row and need no other.
var bare = []string{"services"}

type rect struct{ X, Y, W, H int }

func (r rect) box(pane string) Box {
	return Box{Pane: pane, X: r.X, Y: r.Y, W: r.W, H: r.H, Bare: slices.Contains(bare, pane)}
}

// above cuts off the first h rows, with one row for a line between.
func (r rect) above(h int) (rect, rect) {
	return rect{r.X, r.Y, r.W, h}, rect{r.X, r.Y + h + 1, r.W, r.H - h - 1}
}

// beside cuts off the first w columns, with one column for a line between.
func (r rect) beside(w int) (rect, rect) {
	return rect{r.X, r.Y, w, r.H}, rect{r.X + w + 1, r.Y, r.W - w - 1, r.H}
}
