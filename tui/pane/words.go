package pane

import (
	"strings"
	"time"

	"sickbay/health"
	"sickbay/themes"
)

// roleOf is the role of a status.
func roleOf(s health.Status) themes.Role { return themes.Status(s.String()) }

// sign is the one-cell mark of a status.
func sign(look *themes.Look, s health.Status) string { return look.Glyph(s.Sign(), s.Letter()) }

// arrow says in which direction a value is too far: "▲", "▼", or "" while it is
// within its limits.
func arrow(look *themes.Look, bad health.Bad, s health.Status) string {
	switch {
	case s != health.Warn && s != health.Critical:
		return ""
	case bad == health.Down:
		return look.Glyph("▼", "v")
	}
	return look.Glyph("▲", "^")
}

// value says the value of a signal in its state and how to paint it. What is old
// is dimmed; what is not there is never a number.
func value(s *health.Signal) (themes.Role, string) {
	switch s.State {
	case health.Fresh, health.Partial:
		if s.Status == health.Warn || s.Status == health.Critical {
			return roleOf(s.Status), health.Format(s.Unit, s.Value)
		}
		return themes.Text, health.Format(s.Unit, s.Value)
	case health.Stale:
		return themes.Faint, health.Format(s.Unit, s.Value)
	case health.NaN:
		return themes.Faint, "NaN"
	case health.Unreachable:
		return themes.Unknown, "?"
	}
	return themes.Faint, "–"
}

// stateWords says what a value's state means, with its age.
func stateWords(in Input, s *health.Signal) string {
	switch s.State {
	case health.Fresh:
		return "fresh" + old(in, s.At, ", ")
	case health.Stale:
		return "stale" + old(in, s.At, ", ") + ": the last good value is shown"
	case health.Partial:
		return "partial" + old(in, s.At, ", ") + ": not everybody answered"
	case health.NaN:
		return "NaN" + old(in, s.At, ", ") + ": the answer is not a number, usually 0/0 without traffic"
	case health.Unreachable:
		return "unreachable: the source does not answer and there is no older value"
	}
	return "absent: the query has no answer for this service"
}

// old is ", 12 s old", or nothing where the time is not known.
func old(in Input, t time.Time, before string) string {
	if t.IsZero() {
		return ""
	}
	return before + ago(in, t) + " old"
}

// ago is how long ago t was, by the clock of the picture.
func ago(in Input, t time.Time) string { return health.Ago(in.Now.Sub(t)) }

// short is ago in one unit and without a blank, for narrow columns: "3m", "2d".
func short(in Input, t time.Time) string {
	words := strings.Fields(ago(in, t))
	return words[0] + words[1]
}

// clock says when t was: the time, and the day when that is more than a day ago. A
// time later than now is one of yesterday.
func clock(in Input, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(in.Now.Location())
	if age := in.Now.Sub(t); age >= 24*time.Hour || age < -time.Hour {
		return t.Format("Jan 2 15:04")
	}
	return t.Format("15:04")
}

// clockWidth is how wide a column of clocks has to be.
func clockWidth(in Input, n int, at func(i int) time.Time) int {
	w := 5
	for i := range n {
		w = max(w, len(clock(in, at(i))))
	}
	return w
}

// window says the window that is looked at.
func window(in Input) string {
	if in.Snap.Window > 0 {
		return health.Span(in.Snap.Window)
	}
	return health.Span(in.View.Window)
}

// asking is what an empty pane says before anybody has answered.
func asking(in Input) string {
	var names []string
	for _, s := range in.Snap.Sources {
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return "asking…"
	}
	return "asking " + strings.Join(names, ", ") + "…"
}

// list joins words as a sentence does: "a", "a and b", "a, b and c".
func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// limitWords says a limit: "2.0 % / 5.0 %".
func limitWords(unit health.Unit, l health.Limit) string {
	var parts []string
	for _, v := range []*float64{l.Warn, l.Critical} {
		if v != nil {
			parts = append(parts, health.Format(unit, *v))
		}
	}
	return strings.Join(parts, " / ")
}

// number is a value that may be unknown.
func number(unit health.Unit, v *float64) string {
	if v == nil {
		return "–"
	}
	return health.Format(unit, *v)
}

// selectedService is the service that is looked at: the view's, or the first.
func selectedService(in Input) (health.Service, bool) {
	if in.View.Service != "" {
		return in.Snap.Service(in.View.Service)
	}
	if len(in.Snap.Services) == 0 {
		return health.Service{}, false
	}
	return in.Snap.Services[0], true
}

// matches says whether a filter is in any of the texts.
func matches(filter string, texts ...string) bool {
	if filter == "" {
		return true
	}
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), filter) {
			return true
		}
	}
	return false
}

// signalOf finds a signal without copying it; nil is an absent one.
func signalOf(s *health.Service, id string) *health.Signal {
	for i := range s.Signals {
		if s.Signals[i].ID == id {
			return &s.Signals[i]
		}
	}
	return &health.Signal{ID: id}
}
