// Package pane draws one rectangle each: pure functions of a snapshot, a view and
// a size. A pane owns no data, starts nothing and asks nobody.
package pane

import (
	"sort"
	"time"

	"sickbay/health"
	"sickbay/themes"
)

// Input is all a pane may know.
type Input struct {
	Snap  *health.Snapshot
	View  View  // what all panes share
	State State // this pane's own
	Look  *themes.Look
	Now   time.Time // for ages; never time.Now
	Focus bool
	Alone bool // no pane of suspects is drawn beside it

	Redact *health.Redactor // what masks secrets in content; nil: the standard one
}

// safe is text for a title: masked and harmless.
func (in Input) safe(s string) string { return health.Clean(in.Redact.Redact(s)) }

// View is what this viewer looks at. Plain, comparable data.
type View struct {
	Screen  string // "overview", "service", …
	Service string // the service that is open or selected
	Failure string // id of the failure group that is selected
	Having  string // Shared.Name its requests must have to be listed; "": all are
	Request string // id of the request that is open
	Beside  string // id of the request shown beside it, "" none
	Drift   string // DriftID of the selected drift row of Service
	Alert   string // id of the selected alert
	Window  time.Duration
	At      time.Time        // zero: live
	Against health.Reference // what distributions are compared with; "": as configured
	Zoom    bool
	Content string // "hidden", "redacted", "full"
	Reveal  string // id of the one request whose content is shown in full
}

// State is what one pane remembers: comparable, zero is the start.
type State struct {
	Selected string // id of the selected row; "" the first
	Offset   int    // first visible row
	Sort     int    // index into Kind.Sorts
	Filter   string // lower case; rows not containing it are not shown
	Large    bool   // charts: only the selected one, as large as the pane
}

// A Kind is a kind of pane.
type Kind struct {
	Name  string // "services", "why", …
	Title func(in Input) string
	// Draw returns exactly h rows of exactly w cells.
	Draw func(in Input, w, h int) []string
	// Items are the ids of the rows that can be selected, in the order drawn,
	// after filter and sort. Nil: nothing can be selected; it scrolls.
	Items func(in Input) []string
	// Sorts names the orders, the default first. Nil: one order.
	Sorts []string
	// Explain says of the selected row: query, unit, window, age, limits and
	// where they come from. Nil: nothing to explain.
	Explain func(in Input) [][2]string
	// Explained is the signal that Explain is about, so that the slowest requests of
	// it can be asked for. Nil: it is about no signal.
	Explained func(in Input) health.Named
	// Lines is how many rows there would be with endless height and width w,
	// so that a pane without items can be scrolled. Nil: it fits.
	Lines func(in Input, w int) int
	// Search says that a filter leaves the rows of its text that hold it, although
	// no row can be selected.
	Search bool
	// Extent says how much there is, and which part of it w × h show. Nil: the
	// pane always shows all it has.
	Extent func(in Input, w, h int) Extent
}

var kinds = map[string]Kind{}

func register(k Kind) { kinds[k.Name] = k }

// Get finds a kind by name.
func Get(name string) (Kind, bool) {
	k, ok := kinds[name]
	return k, ok
}

// Kinds lists all kinds by name.
func Kinds() []Kind {
	all := make([]Kind, 0, len(kinds))
	for _, k := range kinds {
		all = append(all, k)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}
