package tui

import (
	"regexp"
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

// silence makes the order of what was typed: "2h known, waiting for the rollback", or
// with matchers of one's own, "2h service=chat severity!=critical known, waiting".
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
		for _, known := range sc.snap.Silences {
			if known.ID == a.Silenced[0] {
				order.Silence.Matchers = known.Matchers // for the journal
			}
		}
		return s.leavePrompt(), Effect{Order: &order}
	}
	length, why, _ := strings.Cut(text, " ")
	last, err := health.ParseSpan(length)
	switch why = strings.TrimSpace(why); {
	case err != nil || last < time.Minute || last > health.MaxSilence:
		return s.hint("begin with how long: 45m, 2h or 1d; at most " + health.Span(health.MaxSilence)), Effect{}
	}
	matchers, why := typedMatchers(why)
	switch without := slices.IndexFunc(matchers, func(m health.Matcher) bool { return !matched(m, a) }); {
	case without >= 0:
		return s.hint(matchers[without].String() + " does not hold for this alert: it would not be silenced"), Effect{}
	case len(why) < 10:
		return s.hint("say why, in ten characters or more: 2h known, waiting for the rollback"), Effect{}
	case len(matchers) == 0:
		matchers = pane.Matchers(a)
	}
	order.Do = health.DoSilence
	order.Silence = health.Silence{Matchers: matchers, Starts: sc.now, Ends: sc.now.Add(last), By: "sickbay", Comment: why}
	if len(a.ID) > 0 {
		order.Silence.Source = a.Source // it came from who keeps silences
	}
	return s.leavePrompt(), Effect{Order: &order}
}

var typedMatcher = regexp.MustCompile(`^([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)(.+)$`)

// typedMatchers are those that text begins with, and what is left of it.
func typedMatchers(text string) (all []health.Matcher, rest string) {
	for {
		word, after, _ := strings.Cut(text, " ")
		m := typedMatcher.FindStringSubmatch(word)
		if m == nil {
			return all, text
		}
		all = append(all, health.Matcher{Name: m[1], Value: strings.Trim(m[3], `"`), Regex: strings.HasSuffix(m[2], "~"), Not: m[2][0] == '!'})
		text = strings.TrimSpace(after)
	}
}

// matched says whether a matcher holds for an alert. A label it does not have is empty.
func matched(m health.Matcher, a health.Alert) bool {
	value := ""
	if m.Name == "alertname" {
		value = a.Name
	}
	for _, l := range a.Labels {
		if l.Name == m.Name {
			value = l.Value
		}
	}
	if !m.Regex {
		return (value == m.Value) != m.Not
	}
	re, err := regexp.Compile("^(?:" + m.Value + ")$")
	return err == nil && re.MatchString(value) != m.Not
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
