package tui

import (
	"fmt"

	"sickbay/health"
)

// undoKey opens the one dialog at taking the newest rollback of a service back: the
// same ladder, with from and to exchanged. Whether it helped does not matter.
func undoKey() Key {
	return Key{Name: "undo", Binding: bind("undo the last rollback", "u"), Group: "Acting",
		Foot: "undo", FootIn: []string{"overview", "service", "changes"}, FootIf: offersUndo, Why: cannotUndo, Do: startUndo}
}

// offersUndo says whether the key line shows the key: while it can be used, and beside
// the list of changes only for an hour, or a rollback of last month would take room for ever.
func offersUndo(s State, sc scene) bool {
	if cannotUndo(s, sc) != "" {
		return false
	}
	op, _ := newest(sc.snap, s.View.Service)
	return s.View.Screen == "changes" || sc.now.Sub(op.At) <= undoable
}

// newest is the newest rollback of a service that was seen to be applied.
func newest(snap *health.Snapshot, service string) (health.Rollback, bool) {
	for _, op := range snap.Rollbacks { // newest first
		if op.Service == service && (!op.Applied.IsZero() || op.State == health.OpPartial || !op.State.Ended()) {
			return op, true
		}
	}
	return health.Rollback{}, false
}

// cannotUndo says why there is nothing to undo.
func cannotUndo(s State, sc scene) string {
	if why := cannotWrite(s, sc); why != "" {
		return why
	}
	service, ok := sc.snap.Service(s.View.Service)
	if !ok {
		return "no service is selected"
	}
	op, ok := newest(sc.snap, service.Name)
	if !ok {
		return "there is no rollback to undo"
	}
	t := target(sc.snap, op.Target)
	switch {
	case !op.State.Ended():
		return fmt.Sprintf("%s is being rolled back by %s: %s", op.Target, op.Whose(), op.State)
	case t.Name == "":
		return op.Target + " is no target of the config any more"
	case t.Blocked != "":
		return op.Target + ": " + t.Blocked
	case t.Current != op.To && op.State != health.OpPartial:
		return fmt.Sprintf("%s runs %s and not %s any more: there is nothing to undo", op.Target, or(t.Current, "?"), op.To)
	}
	return ""
}

func startUndo(s State, sc scene) (State, Effect) {
	op, _ := newest(sc.snap, s.View.Service)
	s.Confirm = Confirm{Open: true, Service: op.Service, Chosen: choice{op.Target, op.From}, Opened: sc.now, Touched: sc.now}
	return s, Effect{}
}
