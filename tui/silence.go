package tui

import (
	"slices"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/tui/pane"
)

func silenceKey() Key {
	return Key{Name: "silence", Binding: bind("silence the selected alert, or end its silence", "S"), Group: "Acting",
		Views: []string{"overview", "alerts"}, Foot: "silence", FootIn: []string{"alerts"}, Why: cannotSilence, Do: startSilence}
}

// alert is the one that is looked at.
func (s State) alert(sc scene) (health.Alert, bool) {
	id := s.View.Alert
	if s.View.Screen == "overview" {
		id = s.selected(sc, "alerts")
	}
	for _, a := range sc.snap.Alerts {
		if pane.AlertID(a) == id {
			return a, true
		}
	}
	return health.Alert{}, false
}

func cannotSilence(s State, sc scene) string {
	a, ok := s.alert(sc)
	switch {
	case !ok:
		return "no alert is selected"
	case !s.Write || !sc.snap.Write:
		return "read-only: start sickbay with --write to silence an alert"
	case a.State == "pending":
		return "it is pending: nobody is called yet"
	}
	return ""
}

// startSilence asks how long and why; for what is silent already, why it should end.
func startSilence(s State, sc scene) (State, Effect) {
	a, _ := s.alert(sc)
	s.Prompt = Prompt{Kind: promptSilence, About: pane.AlertID(a), Title: a.Name}
	if len(a.Silenced) > 0 {
		s.Prompt.Kind = promptExpire
	}
	return s, Effect{}
}

// silence makes the order of what was typed: "2h known, waiting for the rollback".
func (s State) silence(sc scene) (State, Effect) {
	at := slices.IndexFunc(sc.snap.Alerts, func(a health.Alert) bool { return pane.AlertID(a) == s.Prompt.About })
	if at < 0 {
		return s.leavePrompt().refuse("nothing was silenced: the alert is gone"), Effect{}
	}
	a, text := sc.snap.Alerts[at], strings.TrimSpace(s.Prompt.Text)
	order := health.Order{Plan: health.Plan{Service: a.Service}, Reason: text}
	if s.Prompt.Kind == promptExpire {
		if len(a.Silenced) == 0 {
			return s.leavePrompt().refuse("nothing was ended: its silence is over already"), Effect{}
		}
		order.Do = health.DoExpire
		order.Silence = health.Silence{ID: a.Silenced[0], Source: a.Source}
		return s.leavePrompt(), Effect{Order: &order}
	}
	length, why, _ := strings.Cut(text, " ")
	last, err := health.ParseSpan(length)
	switch why = strings.TrimSpace(why); {
	case err != nil || last < time.Minute || last > health.MaxSilence:
		return s.hint("begin with how long: 45m, 2h or 1d; at most " + health.Span(health.MaxSilence)), Effect{}
	case len(why) < 10:
		return s.hint("say why, in ten characters or more: 2h known, waiting for the rollback"), Effect{}
	}
	order.Do = health.DoSilence
	order.Silence = health.Silence{Matchers: matchers(a), Starts: sc.now, Ends: sc.now.Add(last), By: "sickbay", Comment: why}
	if len(a.ID) > 0 {
		order.Silence.Source = a.Source // it came from who keeps silences
	}
	return s.leavePrompt(), Effect{Order: &order}
}

// passing are labels of one process: a silence that names them ends with a restart.
var passing = []string{"pod", "instance", "replica", "container", "uid", "prometheus", "prometheus_replica"}

// matchers are about this alert, wherever the process that it is about runs next.
func matchers(a health.Alert) []health.Matcher {
	all := []health.Matcher{{Name: "alertname", Value: a.Name}}
	for _, l := range a.Labels {
		if l.Name != "alertname" && l.Value != "" && !slices.Contains(passing, l.Name) {
			all = append(all, health.Matcher{Name: l.Name, Value: l.Value})
		}
	}
	return all
}

// silenced is the ward's answer.
func (s State) silenced(order health.Order, err error) State {
	switch {
	case err != nil:
		return s.refuse("silence: " + err.Error())
	case order.Do == health.DoExpire:
		return s.say("the silence ends; the journal says so")
	}
	return s.say("silent until " + order.Silence.Ends.UTC().Format("Jan 2 15:04") + " UTC; the journal says so")
}
