package tui

import (
	"fmt"
	"strings"

	"sickbay/health"
)

// copyLimit is how many bytes go to a clipboard at most: some terminals drop more.
const copyLimit = 4096

// copied is the text that y copies for the selected row of a pane, as it came;
// "" if there is nothing.
func copied(s State, sc scene) string {
	name := s.focused()
	id := s.selected(sc, name)
	switch name {
	case "failures":
		f, _ := sc.snap.Failure(id)
		return or(f.Example, f.Signature)
	case "request":
		return s.View.Request
	case "incommon":
		f, _ := sc.snap.Failure(s.View.Failure)
		return strings.Join(f.InCommon, "; ")
	case "drift", "driftdetail":
		return s.copiedDrift(sc)
	case "why":
		return findings(service(sc.snap, s.View.Service))
	case "changes":
		for _, c := range sc.snap.Changes {
			if c.ID == id {
				return fmt.Sprintf("%s %s %s %s → %s %s", c.At.UTC().Format("2006-01-02T15:04:05Z"), c.Service, c.Kind, c.From, c.To, or(c.URL, c.Text))
			}
		}
	}
	if id != "" {
		return id
	}
	return s.View.Service
}

func findings(v health.Service) string {
	var all []string
	for _, f := range v.Findings {
		all = append(all, f.Text)
	}
	return strings.Join(append([]string{v.Name + " is " + v.Status.String()}, all...), "; ")
}

func nothingToCopy(s State, sc scene) string {
	if copied(s, sc) == "" {
		return "nothing to copy here"
	}
	return ""
}

func copyRow(s State, sc scene) (State, Effect) {
	text := health.Cut(health.Clean(s.Redact.Redact(copied(s, sc))), copyLimit)
	shown := text
	if r := []rune(text); len(r) > 40 {
		shown = string(r[:40]) + "…"
	}
	return s.say("copied: " + shown), Effect{Copy: text}
}
