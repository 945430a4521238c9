package pane

import (
	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name:   "incommon",
		Title:  func(Input) string { return "IN COMMON" },
		Draw:   func(in Input, w, h int) []string { return inCommonPage(in, w).cut(in.State.Offset, h) },
		Lines:  func(in Input, w int) int { return len(inCommonPage(in, w).rows) },
		Extent: textExtent(inCommonPage),
	})
}

// inCommonPage says what the failing requests of a group share and others do not.
func inCommonPage(in Input, w int) *page {
	p := newPage(in, w)
	f, ok := selectedFailure(in)
	if !ok {
		p.wrap(themes.Faint, 1, "no failure is selected")
		return p
	}
	for _, s := range f.InCommon {
		p.point(themes.Accent, "·", themes.Text, s)
	}
	if len(f.InCommon) == 0 {
		p.wrap(themes.Faint, 1, "these requests have nothing in common that others do not have")
	}
	if len(f.Versions) > 0 {
		p.fact("versions", themes.Text, list(f.Versions))
	}
	if f.ErrorType != "" {
		p.fact("error", themes.Text, f.ErrorType)
	}
	if f.Example != "" {
		p.fact("newest", themes.Text, f.Example)
	}
	return p
}

// selectedFailure is the group that is looked at: the view's, or the first.
func selectedFailure(in Input) (health.Failure, bool) {
	if in.View.Failure != "" {
		return in.Snap.Failure(in.View.Failure)
	}
	if len(in.Snap.Failures) == 0 {
		return health.Failure{}, false
	}
	return in.Snap.Failures[0], true
}
