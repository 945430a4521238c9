package tui

import "strconv"

// defaultTable is every key there is, grouped as the help shows them. A row per
// key: to add one is to add a row.
func defaultTable() []Key {
	rows := viewKeys()
	rows = append(rows, moveKeys()...)
	rows = append(rows, timeKeys()...)
	rows = append(rows, lookKeys()...)
	rows = append(rows, referenceKey(), baselineKey(), linkKey(), silenceKey(), reportKey())
	return append(rows, actKeys()...)
}

// Where a key line shows a key.
var (
	withService = []string{"overview", "service", "drift", "failures", "changes", "alerts"}
	notRequest  = Screens()[:len(screens)-1]
	onRequest   = []string{"request"}
)

func viewKeys() []Key {
	var rows []Key
	for i, s := range screens[:8] {
		rows = append(rows, Key{
			Name: s.Name, Binding: bind(s.Name, strconv.Itoa(i+1)), Group: "Views",
			Do: func(st State, sc scene) (State, Effect) { return openView(st, sc, s.Name), Effect{} },
		})
	}
	return append(rows,
		Key{Name: "pane", Binding: bind("next pane", "tab"), Group: "Views", Why: onePane, Do: nextPane(1)},
		Key{Name: "pane-back", Binding: bind("previous pane", "shift+tab"), Group: "Views", Why: onePane, Do: nextPane(-1)},
		Key{Name: "enlarge", Binding: bind("enlarge the pane", "z"), Group: "Views", Why: onePane, Do: toggleZoom},
		Key{Name: "back", Binding: bind("back to where you came from", "esc"), Group: "Views",
			Foot: "back", FootIn: onRequest, Do: back},
	)
}

func moveKeys() []Key {
	return []Key{
		{Name: "down", Binding: bind("down", "j", "down"), Group: "Moving", Do: moving(rowDown)},
		{Name: "up", Binding: bind("up", "k", "up"), Group: "Moving", Do: moving(rowUp)},
		{Name: "page-down", Binding: bind("a page down", "pgdown", "ctrl+f"), Group: "Moving", Do: moving(pageDown)},
		{Name: "page-up", Binding: bind("a page up", "pgup", "ctrl+b"), Group: "Moving", Do: moving(pageUp)},
		{Name: "top", Binding: bind("to the top", "g", "home"), Group: "Moving", Do: moving(toTop)},
		{Name: "bottom", Binding: bind("to the bottom", "G", "end"), Group: "Moving", Do: moving(toBottom)},
		{Name: "open", Binding: bind("open the selected row", "enter"), Group: "Moving",
			Foot: "open", FootIn: notRequest, Why: cannotOpen, Do: open},
		{Name: "next", Binding: bind("next failing request", "n"), Group: "Moving", Views: onRequest,
			Foot: "next", Why: noNeighbour(1), Do: neighbour(1)},
		{Name: "previous", Binding: bind("previous failing request", "p"), Group: "Moving", Views: onRequest,
			Foot: "previous", Why: noNeighbour(-1), Do: neighbour(-1)},
		{Name: "beside", Binding: bind("beside a similar good request", "="), Group: "Moving", Views: onRequest,
			Foot: "beside a good one", Why: noGoodOne, Do: beside},
	}
}

func timeKeys() []Key {
	return []Key{
		{Name: "earlier", Binding: bind("set the clock back a step", "["), Group: "Time", Foot: "time", FootIn: notRequest, Do: stepping(-1, 12)},
		{Name: "later", Binding: bind("set the clock forward a step", "]"), Group: "Time", Foot: "time", FootIn: notRequest, Why: alreadyLive, Do: stepping(1, 12)},
		{Name: "earlier-window", Binding: bind("set the clock back by a window", "{"), Group: "Time", Do: stepping(-1, 1)},
		{Name: "later-window", Binding: bind("set the clock forward by a window", "}"), Group: "Time", Why: alreadyLive, Do: stepping(1, 1)},
		{Name: "live", Binding: bind("back to now", "0"), Group: "Time", Why: alreadyLive, Do: live},
		{Name: "window", Binding: bind("a longer window", "t"), Group: "Time", Do: widen(1)},
		{Name: "window-back", Binding: bind("a shorter window", "T"), Group: "Time", Do: widen(-1)},
		{Name: "pause", Binding: bind("pause, and go on", "p"), Group: "Time", Views: notRequest, Do: pause},
	}
}

func lookKeys() []Key {
	return []Key{
		{Name: "request", Binding: bind("open a failing request", "i"), Group: "Looking", Views: notRequest,
			Foot: "request", FootIn: withService, Why: noRequest, Do: openRequest},
		{Name: "to-drift", Binding: bind("drift of the service", "d"), Group: "Looking",
			Foot: "drift", FootIn: []string{"overview", "service", "failures", "changes"}, Do: toView("drift")},
		{Name: "to-changes", Binding: bind("changes of the service", "c"), Group: "Looking",
			Foot: "changes", FootIn: []string{"overview", "service", "drift", "failures", "request"}, Do: toView("changes")},
		{Name: "filter", Binding: bind("show only rows with a text", "/"), Group: "Looking",
			Foot: "filter", FootIn: notRequest, Why: nothingToFilter, Do: startFilter},
		{Name: "sort", Binding: bind("other order of rows", "s"), Group: "Looking", Why: oneOrder, Do: nextOrder},
		{Name: "explain", Binding: bind("explain the selected row: query, unit, age, limits, source", "e"), Group: "Looking",
			Foot: "explain", FootIn: []string{"service", "drift", "alerts", "sources", "journal"}, Why: nothingToExplain, Do: explain},
		{Name: "reveal", Binding: bind("show its content in full; the journal says who did", "v"), Group: "Looking", Views: onRequest,
			Foot: "content", FootIn: onRequest, Why: nothingToReveal, Do: revealRequest},
		{Name: "copy", Binding: bind("copy the selected row", "y"), Group: "Looking",
			Foot: "copy", FootIn: onRequest, Why: nothingToCopy, Do: copyRow},
	}
}

func actKeys() []Key {
	return []Key{
		{Name: "rollback", Binding: bind("roll the service back", "R"), Group: "Acting",
			Foot: "roll back", FootIn: []string{"overview", "service", "failures", "changes", "request"}, Why: cannotRollBack, Do: startRollback},
		undoKey(),
		{Name: "note", Binding: bind("write a note in the journal", "m"), Group: "Acting",
			Foot: "note", FootIn: []string{"journal"}, Do: startNote},
		{Name: "command", Binding: bind("run a command", ":"), Group: "Acting", Foot: "command", FootIn: notRequest, Do: startCommand},
		{Name: "help", Binding: bind("keys of this view", "?"), Group: "Acting", Foot: "keys", Do: help},
		{Name: "quit", Binding: bind("quit", "q"), Group: "Acting", Do: quit},
	}
}
