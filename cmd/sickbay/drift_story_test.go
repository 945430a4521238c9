package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sickbay/demo"
)

// A story is a demo whose clock only this test moves.
type story struct {
	*demo.Demo
	clock atomic.Pointer[time.Time]
	c     *console
	t     *testing.T
}

func newStory(t *testing.T, scenario string) *story { return storyAt(t, scenario, storyTime) }

// storyAt is a story that begins at a time.
func storyAt(t *testing.T, scenario string, at time.Time) *story {
	s := &story{t: t, c: newConsole(t)}
	s.clock.Store(&at)
	s.c.now = func() time.Time { return *s.clock.Load() }
	d, err := demo.Start(context.Background(), demo.Options{Scenario: scenario, Seed: 7, Dir: t.TempDir(), Now: s.c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Demo = d
	return s
}

// pass lets time go by.
func (s *story) pass(d time.Duration) {
	at := s.clock.Load().Add(d)
	s.clock.Store(&at)
	s.Advance(at)
}

// A compared is what sickbay drift says in JSON.
type compared struct {
	Service, Signal, Feature, Kind, Level string
	Status, Since, Against, Outcome       string
	PSIAdj                                *float64 `json:"psi_adj"`
	NReference                            float64  `json:"n_reference"`
}

func (s *story) drifts(args ...string) []compared {
	s.t.Helper()
	var all []compared
	out := s.c.want(0, append([]string{"drift", "--json", "--config", s.Info().Config}, args...)...).out
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		s.t.Fatalf("%v\n%s", err, clip(out))
	}
	return all
}

// TestAQuietHourMovesNothing looks at every distribution of the quiet demo again and
// again: each look of two minutes' traffic is one chance to be wrong. It takes two
// looks, and twenty with SICKBAY_LONG: under the race detector each costs 12 CPU s.
func TestAQuietHourMovesNothing(t *testing.T) {
	t.Parallel()
	s := newStory(t, "quiet")
	every := 30 * time.Minute
	if os.Getenv("SICKBAY_LONG") != "" {
		every = 3 * time.Minute
	}
	looks, judged := 0, 0
	for passed := every; passed <= time.Hour; passed += every {
		s.pass(every)
		looks++
		for _, d := range s.drifts() {
			if d.Level == "ok" || d.Level == "small" {
				judged++
			}
			if slices.Contains([]string{"warn", "critical", "pending"}, d.Level) {
				t.Errorf("look %d: %s %s/%s is %s (PSI %.3f)", looks, d.Service, d.Signal, d.Feature, d.Level, *d.PSIAdj)
			}
		}
	}
	if judged < 70*looks {
		t.Errorf("only %d verdicts in %d looks", judged, looks)
	}
	t.Logf("%d verdicts in %d looks", judged, looks)
}

// TestTheFeatureThatDriftedIsFirst tells the story of feature-drift as the command
// does: what moved first of all, how far, since when, and what it did to the outcome.
func TestTheFeatureThatDriftedIsFirst(t *testing.T) {
	t.Parallel()
	s := newStory(t, "feature-drift")
	var began time.Time
	for _, c := range s.changes() {
		if c.Service == "fraud-score" && c.To == "feat-1122" {
			began = c.At
		}
	}
	all := s.drifts()
	first := all[0]
	if first.Service != "fraud-score" || first.Signal != "feature" || first.Level != "critical" || first.Status != "warn" {
		t.Fatalf("first is %+v", first)
	}
	moved := map[string]bool{}
	for _, d := range all {
		if d.Level != "critical" {
			continue
		}
		if moved[d.Signal+" "+d.Feature] = true; d.Service != "fraud-score" {
			t.Errorf("%s %s of %s is critical too", d.Signal, d.Feature, d.Service)
		}
		const steps = 2 * 30 * time.Second
		if since, err := time.Parse(time.RFC3339, d.Since); err != nil || since.Sub(began).Abs() > steps {
			t.Errorf("%s %s since %q, it began at %v", d.Signal, d.Feature, d.Since, began)
		}
	}
	for _, want := range []string{"feature merchant_risk", "feature amount", "prediction ", "prediction score "} {
		if !moved[want] {
			t.Errorf("%q did not move, but %v did", want, moved)
		}
	}
	for _, still := range []string{"feature age_days", "feature velocity_1h", "feature geo_distance_km"} {
		if moved[still] {
			t.Errorf("%s moved", still)
		}
	}
	s.pass(20 * time.Second)
	if d := s.drifts("--service", "fraud-score", "--reference", "deployment")[0]; d.Level != "critical" || !strings.Contains(d.Against, "before data feat-1121 → feat-1122") {
		t.Errorf("against the deployment: %+v", d)
	}
}

type change struct {
	At          time.Time `json:"ts"`
	Service, To string
}

// changes asks the change feed.
func (s *story) changes() (all []change) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/changes?since=2020-01-01T00:00:00Z", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil {
		s.t.Fatalf("%v\n%s", err, w.Body)
	}
	return all
}
