package pane

import (
	"slices"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name:  "incommon",
		Title: func(Input) string { return "IN COMMON" },
		Draw: func(in Input, w, h int) []string {
			return inCommonPage(in, w).cutAt(selectedIndex(in, sharedNames(in)), h)
		},
		Items: sharedNames,
		Extent: func(in Input, w, h int) Extent {
			return inCommonPage(in, w).extentAt(selectedIndex(in, sharedNames(in)), h)
		},
	})
}

// sharedNames are the properties by which the requests below can be chosen.
func sharedNames(in Input) []string {
	f, _ := selectedFailure(in)
	var names []string
	for _, s := range f.Shared {
		if name := s.Name(); matches(in.State.Filter, name) {
			names = append(names, name)
		}
	}
	return names
}

// having is what the listed requests must have, if the selected failure knows it.
func having(in Input) (health.Shared, bool) {
	f, _ := selectedFailure(in)
	for _, s := range f.Shared {
		if in.View.Having != "" && s.Name() == in.View.Having {
			return s, true
		}
	}
	return health.Shared{}, false
}

// hasAll says whether a request has all properties.
func hasAll(r health.Request, s health.Shared) bool {
	for _, f := range s.Fields {
		if !r.Has(f) {
			return false
		}
	}
	return true
}

// inCommonPage says what the failing requests of a group share and others do not.
func inCommonPage(in Input, w int) *page {
	p := newPage(in, w)
	f, ok := selectedFailure(in)
	if !ok {
		p.wrap(themes.Faint, 1, "no failure is selected")
		return p
	}
	names := sharedNames(in)
	for _, s := range f.Shared {
		at := slices.Index(names, s.Name())
		if at < 0 {
			continue
		}
		p.begin()
		mark := "·"
		if s.Name() == in.View.Having {
			mark = in.Look.Glyph("●", "*")
		}
		p.hang(themes.Text, 3, 3, func(r *row) {
			cursor(in, r, at == selectedIndex(in, names))
			r.put(themes.Accent, mark)
		}, s.Text)
	}
	if len(f.Shared) == 0 {
		for _, s := range f.InCommon {
			p.point(themes.Accent, "·", themes.Text, s)
		}
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
