package pane

import "fmt"

// An Extent is how much a pane has to show and which part of it is seen: items
// of a list, or rows of a text.
type Extent struct {
	First, Seen, Of int
	Rows            int  // that would show everything, column titles included
	Text            bool // rows of a text, which nobody counts
}

// Words says what is not seen: "1-10 of 41", "more below". Empty: nothing is.
func (e Extent) Words() string {
	switch {
	case e.Seen >= e.Of || e.Seen < 1:
		return ""
	case !e.Text:
		return fmt.Sprintf("%d-%d of %d", e.First+1, e.First+e.Seen, e.Of)
	case e.First+e.Seen < e.Of:
		return "more below"
	}
	return "more above"
}

// listExtent is the extent of a list below so many rows of column titles.
func listExtent(ids func(Input) []string, titles int) func(Input, int, int) Extent {
	return func(in Input, _, h int) Extent {
		all := ids(in)
		h -= titles
		return Extent{
			First: firstSeen(selectedIndex(in, all), len(all), h), Seen: min(h, len(all)), Of: len(all),
			Rows: max(len(all), 1) + titles, // a list without items says why
		}
	}
}

// textExtent is the extent of a text that is scrolled.
func textExtent(text func(Input, int) *page) func(Input, int, int) Extent {
	return func(in Input, w, h int) Extent {
		n := len(text(in, w).rows)
		return Extent{First: min(in.State.Offset, max(n-h, 0)), Seen: min(h, n), Of: n, Rows: n, Text: true}
	}
}
