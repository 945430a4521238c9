package pane

import (
	"strings"
	"testing"

	"sickbay/health"
)

// The eight things a value can be, and what every pane that shows it must say.
var eightStates = []struct {
	name                          string
	state                         health.State
	value                         float64
	note                          string
	overview, chart, why, explain string
}{
	{"fresh", health.Fresh, 0.015, "", "1.5 %", "1.5 %", "", "fresh"},
	{"zero is a number", health.Fresh, 0, "", "0.0 %", "0.0 %", "", "fresh"},
	{"stale", health.Stale, 0.015, "", "1.5 %", "stale 3 m", "failed requests (3 m) is stale", "stale, 3 m old: the last good value is shown"},
	{"absent", health.Absent, 0, "", "–", "", "not measured: failed requests", ""},
	{"not a number", health.NaN, 0, "", "NaN", "NaN", "failed requests are not a number: usually no traffic", "NaN, 3 m old: the answer is not a number"},
	{"unreachable", health.Unreachable, 0, "main: connection refused", "?", "unreachable", "unreachable", "unreachable: the source does not answer"},
	{"some replicas", health.Partial, 0.015, "2 of 3 replicas report", "1.5 %", "partial", "partial: 2 of 3 replicas report", "2 of 3 replicas report"},
	{"a server's warning", health.Partial, 0.015, "partial response: store-2 is down", "1.5 %", "partial", "partial response: store-2 is down", "store-2 is down"},
}

func TestTheEightStatesOfAValueAreToldApartInEveryPaneThatShowsIt(t *testing.T) {
	for _, c := range eightStates {
		said := map[string]string{}
		for _, pane := range []string{"services", "charts", "why"} {
			in := scene(t, pane)
			s := &in.Snap.Services[0]
			in.View.Service, in.State.Selected = s.Name, "errors"
			for i := range s.Signals {
				if sig := &s.Signals[i]; sig.ID == "errors" {
					sig.State, sig.Value, sig.Note, sig.At = c.state, c.value, c.note, before(3*mnt)
					if c.state == health.Absent || c.state == health.Unreachable {
						sig.Series = nil
					}
				}
			}
			said[pane] = drawn(t, pane, in, 160, 45)
			if k, _ := Get(pane); pane == "charts" {
				for _, row := range k.Explain(in) {
					said["explain"] += row[1] + "\n"
				}
			}
		}
		for pane, want := range map[string]string{"services": c.overview, "charts": c.chart, "why": c.why, "explain": c.explain} {
			if !strings.Contains(said[pane], want) {
				t.Errorf("%s: %s does not say %q:\n%s", c.name, pane, want, said[pane])
			}
		}
	}
}
