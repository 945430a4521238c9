package themes

// A Look is a theme made ready to draw with.
type Look struct {
	Name  string
	ASCII bool // no character above U+007E is drawn by us
	Plain bool // no colour: words, signs and attributes only
}
