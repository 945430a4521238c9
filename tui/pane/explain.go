package pane

import (
	"strings"

	"sickbay/health"
)

// explainService says of the selected service what its status rests on: the
// signal of its worst reason in full, then every other value with its state.
func explainService(in Input) [][2]string {
	s, ok, worst := explainedService(in)
	if !ok {
		return nil
	}
	out := [][2]string{{"service", s.Name}, {"status", statusWords(in, s)}}
	if len(s.Findings) > 0 {
		out = append(out, [2]string{"because", s.Findings[0].Text})
	}
	out = append(append(out, explainSignal(in, worst)...), explainSlowest(in, &s, worst)...)
	for i := range s.Signals {
		if v := &s.Signals[i]; v.ID != worst.ID {
			_, text := value(v)
			out = append(out, [2]string{v.Title, strings.TrimSpace(text + "  " + shortState(in, v))})
		}
	}
	return out
}

// explainedService is the selected service and the signal of its worst reason, or its
// errors.
func explainedService(in Input) (s health.Service, ok bool, worst *health.Signal) {
	name := in.State.Selected
	if name == "" {
		name = in.View.Service
	}
	s, ok = in.Snap.Service(name)
	if len(s.Findings) > 0 {
		if v := signalOf(&s, s.Findings[0].Signal); v.State != health.Absent {
			return s, ok, v
		}
	}
	return s, ok, signalOf(&s, "errors")
}

// namedSignal names a signal that has a slowest request: a latency. Others have no name.
func namedSignal(s *health.Service, v *health.Signal) health.Named {
	if v == nil || v.Unit != health.Seconds || v.Bad != health.Up {
		return health.Named{}
	}
	return health.Named{Service: s.Name, Signal: v.ID}
}

// explainSlowest names the slowest requests that the metrics server has a trace of.
func explainSlowest(in Input, s *health.Service, v *health.Signal) [][2]string {
	x, sought := in.Snap.Exemplars[namedSignal(s, v)]
	switch {
	case !sought:
		return nil
	case len(x.Slowest) == 0 && x.Asking:
		return [][2]string{{"slowest", "asking " + v.Source + " for requests it has the trace of…"}}
	case len(x.Slowest) == 0:
		return [][2]string{{"slowest", x.Note}}
	}
	var out [][2]string
	name := "slowest"
	for _, e := range x.Slowest {
		text := health.Format(v.Unit, e.Value) + " at " + e.At.UTC().Format("15:04:05") + ", "
		if strings.HasPrefix(e.Request, health.TraceOnly) {
			text += "trace " + e.Trace
		} else {
			text += "request " + e.Request
		}
		out, name = append(out, [2]string{name, text}), ""
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
