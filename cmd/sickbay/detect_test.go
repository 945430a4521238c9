package main

import (
	"encoding/json"
	"strings"
	"testing"

	"sickbay/demo"
)

// TestTheDetectorsTellTheStoryOfTheScenario looks at what reaches the verdict: the
// words of the detectors are nobody else's.
func TestTheDetectorsTellTheStoryOfTheScenario(t *testing.T) {
	t.Parallel()
	words := []string{"identical calls again", "calls in a circle", "no progress in", "failing calls repeated", "tool ", "cost runs away",
		"retrieval finds nothing", "little similarity", "stale documents", "embedding models differ"}
	want := map[string]map[string][]string{ // all of these; of quiet none at all
		"tool-loop":   {"triage-agent": {"identical calls again", "failing calls repeated", "cost runs away", "search_tickets x"}},
		"stale-index": {"docs-answers": {"retrieval finds nothing", "little similarity", "stale documents", "embedding models differ", "query text-embedding-3-large, index text-embedding-3-small"}},
	}
	for _, s := range demo.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			var picture struct {
				Services []struct {
					Name    string
					Reasons []struct{ Text string }
				}
			}
			out := documentOf(t, s.Name)
			if err := json.Unmarshal([]byte(out), &picture); err != nil {
				t.Fatal(err)
			}
			for _, v := range picture.Services {
				var said string
				for _, r := range v.Reasons {
					for _, w := range words {
						if strings.HasPrefix(r.Text, w) {
							said += r.Text + "\n"
						}
					}
				}
				if expected := want[s.Name][v.Name]; len(expected) == 0 && said != "" {
					t.Errorf("%s is not what this is about:\n%s", v.Name, said)
				} else {
					for _, w := range expected {
						if !strings.Contains(said, w) {
							t.Errorf("%s: %q is not in\n%s", v.Name, w, said)
						}
					}
				}
				if said != "" {
					t.Log(v.Name + "\n" + said)
				}
			}
		})
	}
}
