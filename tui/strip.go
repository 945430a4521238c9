package tui

import (
	"strings"
	"time"

	"sickbay/health"
	"sickbay/themes"
)

// news is how long the end of an operation is told to who ordered it, if nobody
// puts it away before.
const news = 20 * time.Minute

// strip is what the rule below the header says while something is being rolled
// back: every viewer sees it, in every view. Nil: nothing is.
func strip(s State, sc scene) *health.Rollback {
	for i, op := range sc.snap.Rollbacks {
		if !op.State.Ended() || op.ID == s.Op && sc.now.Sub(op.At) < news {
			return &sc.snap.Rollbacks[i]
		}
	}
	return nil
}

// opSaid is the state of an operation in words. None of them claims more than is
// known.
var opSaid = map[health.OpState]string{
	health.OpPlanned:      "planned",
	health.OpSending:      "sending",
	health.OpAccepted:     "accepted, not yet seen to be done",
	health.OpUnknown:      "no answer that tells: asking the target what it runs",
	health.OpApplied:      "applied, watching",
	health.OpRecovered:    "recovered",
	health.OpNotRecovered: "applied, NOT recovered",
	health.OpUnproven:     "applied, unproven: too little data to say whether it helped",
	health.OpNotApplied:   "not applied",
	health.OpMoved:        "somebody else changed the target meanwhile",
	health.OpRefused:      "refused, nothing was done",
	health.OpDenied:       "denied, nothing was done",
	health.OpFailed:       "failed, nothing was done",
	health.OpAbandoned:    "abandoned before anything was sent",
	health.OpPartial:      "ONLY A PART was rolled back",
}

func opRole(s health.OpState) themes.Role {
	switch s {
	case health.OpRecovered:
		return themes.OK
	case health.OpNotRecovered, health.OpMoved, health.OpRefused, health.OpDenied, health.OpFailed, health.OpNotApplied, health.OpPartial:
		return themes.Critical
	}
	return themes.Warn
}

// drawStrip is the rule with an operation in it.
func drawStrip(op *health.Rollback, sc scene, w int) string {
	look := sc.look
	dash := look.Glyph("─", "-")
	doing := "rolling back "
	if op.State.Ended() {
		doing = "rolled back "
		if op.State == health.OpAbandoned || opRole(op.State) == themes.Critical && op.State != health.OpNotRecovered {
			doing = "roll back "
		}
	}
	said := opSaid[op.State]
	if op.Where != "" { // it is another sickbay's
		said += ", by " + cut(look, plain(look, op.Whose()), w/3)
	}
	if op.Text != "" {
		said += ": " + sc.redact.Redact(op.Text)
	}
	r := newRow(look, w).put(themes.Border, dash+" ").
		put(themes.Strong, doing+cut(look, plain(look, op.Target), w/3)+" ").
		put(themes.Strong, cut(look, plain(look, or(op.From, "?")+" → "+op.To), w/4)).
		put(themes.Text, "  ").put(opRole(op.State), said).put(themes.Text, " ")
	return r.put(themes.Border, strings.Repeat(dash, max(0, w-r.used))).String()
}
