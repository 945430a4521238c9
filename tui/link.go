package tui

import (
	"strings"

	"sickbay/health"
)

func linkKey() Key {
	return Key{Name: "link", Binding: bind("the link to where others show it", "o"), Group: "Looking",
		Views: []string{"overview", "changes", "alerts", "request"}, Why: noLink, Do: showLink}
}

// link is where the selected request, alert or change is shown in the tools of its
// own. It comes from the config or from who told of it.
func link(s State, sc scene) string {
	switch {
	case s.View.Screen == "request":
		return sc.snap.Requests[s.View.Request].Link
	case s.View.Screen == "alerts" || s.focused() == "alerts":
		a, _ := s.alert(sc)
		return a.Link
	case s.focused() == "changes":
		id := s.selected(sc, "changes")
		for _, c := range sc.snap.Changes {
			if c.ID == id {
				return c.URL
			}
		}
	}
	return ""
}

func noLink(s State, sc scene) string {
	if l := link(s, sc); !strings.HasPrefix(l, "https://") && !strings.HasPrefix(l, "http://") {
		return "no link is known: trace_url of a source or request_url of a service in the config makes one"
	}
	return ""
}

// showLink prints it in the last line, where a terminal makes it clickable, and
// copies it.
func showLink(s State, sc scene) (State, Effect) {
	l := health.Cut(health.Clean(s.Redact.Redact(link(s, sc))), copyLimit)
	return s.say(l), Effect{Copy: l}
}
