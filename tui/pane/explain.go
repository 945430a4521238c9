package pane

import (
	"strings"

	"sickbay/health"
)

// explainService says of the selected service what its status rests on: the
// signal of its worst reason in full, then every other value with its state.
func explainService(in Input) [][2]string {
	name := in.State.Selected
	if name == "" {
		name = in.View.Service
	}
	s, ok := in.Snap.Service(name)
	if !ok {
		return nil
	}
	out := [][2]string{{"service", s.Name}, {"status", statusWords(in, s)}}
	worst := "errors"
	if len(s.Findings) > 0 {
		out = append(out, [2]string{"because", s.Findings[0].Text})
		if signalOf(&s, s.Findings[0].Signal).State != health.Absent {
			worst = s.Findings[0].Signal
		}
	}
	out = append(out, explainSignal(in, signalOf(&s, worst))...)
	for i := range s.Signals {
		if v := &s.Signals[i]; v.ID != worst {
			_, text := value(v)
			out = append(out, [2]string{v.Title, strings.TrimSpace(text + "  " + shortState(in, v))})
		}
	}
	return out
}

// statusWords is "critical since 13:51".
func statusWords(in Input, s health.Service) string {
	if s.Since.IsZero() {
		return s.Status.String()
	}
	return s.Status.String() + " since " + clock(in, s.Since)
}

// shortState is the state in one word, with an age where it matters.
func shortState(in Input, s *health.Signal) string {
	if s.State == health.Fresh || s.At.IsZero() {
		return s.State.String()
	}
	return s.State.String() + " " + ago(in, s.At)
}

// explainSignal says everything that is known about one number.
func explainSignal(in Input, s *health.Signal) [][2]string {
	title := s.Title
	if title == "" {
		title = s.ID
	}
	_, text := value(s)
	out := [][2]string{
		{"signal", title + " (" + s.ID + ")"},
		{"value", text},
		{"state", stateWords(in, s)},
		{"unit", unitWords(s)},
	}
	add := func(name, text string) {
		if text != "" {
			out = append(out, [2]string{name, text})
		}
	}
	add("note", s.Note)
	if s.Limit.Warn != nil {
		add("warn", side(s)+health.Format(s.Unit, *s.Limit.Warn))
	}
	if s.Limit.Critical != nil {
		add("critical", side(s)+health.Format(s.Unit, *s.Limit.Critical))
	}
	switch {
	case s.Limit.Warn != nil || s.Limit.Critical != nil:
		add("judged", s.Status.String())
		add("limits from", s.Limit.Source)
	case s.Usual.Limit != nil:
		add("usually", health.Format(s.Unit, *s.Usual.Value))
		add("warn", side(s)+health.Format(s.Unit, *s.Usual.Limit)+", if it lasts 3 m")
		add("limits from", "its own past: "+s.Usual.From)
	case s.Usual.From != "":
		add("limits from", s.Usual.From)
	default:
		add("limits", "none: this signal is shown and not judged")
	}
	add("window", window(in)+", a point every "+health.Ago(in.Snap.Step))
	add("pack", s.Pack)
	add("source", s.Source)
	add("query", s.Query)
	return out
}

func unitWords(s *health.Signal) string {
	words := string(s.Unit)
	switch s.Bad {
	case health.Up:
		return words + ", bad when it rises"
	case health.Down:
		return words + ", bad when it falls"
	}
	return words
}

func side(s *health.Signal) string {
	if s.Bad == health.Down {
		return "below "
	}
	return "above "
}
