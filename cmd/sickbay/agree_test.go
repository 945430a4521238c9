package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sickbay/demo"
	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/pane"
)

// TestCheckAndTheScreenNeverDisagree holds what check says, in words, in JSON and by
// its exit code, against the screen and the document drawn of the same snapshot: of
// every scenario, and of wards that chance put together.
func TestCheckAndTheScreenNeverDisagree(t *testing.T) {
	t.Parallel()
	for _, s := range demo.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			tellTheSame(t, glanceAt(t, s.Name))
		})
	}
	rng := rand.New(rand.NewPCG(7, 5))
	for range 25 {
		tellTheSame(t, someWard(rng))
	}
}

// tellTheSame says that everybody tells of a snapshot what is in it.
func tellTheSame(t *testing.T, s *health.Snapshot) {
	t.Helper()
	want, worst := map[string]string{}, health.OK
	for _, v := range s.Services {
		if want[v.Name] = v.Status.String(); v.Status.Worse(worst) {
			worst = v.Status
		}
	}
	a := &app{now: func() time.Time { return storyTime }, getenv: func(string) string { return "" }}
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		a.out = &out
		if code := codeOf(a.check(s, "", asJSON)); code != exitOf(worst) {
			t.Errorf("check exits with %d, the worst is %v", code, worst)
		}
		if asJSON {
			same(t, "check --json", statuses(t, out.String()), want)
		} else {
			same(t, "check", spoken(out.String()), want)
		}
	}
	var document bytes.Buffer
	if err := (&app{out: &document}).document(s.Document(storyTime)); err != nil {
		t.Fatal(err)
	}
	same(t, "the document", statuses(t, document.String()), want)
	look, err := themes.Load("default")
	if err != nil {
		t.Fatal(err)
	}
	var screen bytes.Buffer
	view := seen{View: pane.View{Screen: "overview", Window: s.Window}}
	if err := a.picture(&screen, s, view, 160, 100, look.With(false, false), "text"); err != nil {
		t.Fatal(err)
	}
	same(t, "the screen", onScreen(screen.String()), want)
	for _, v := range s.Services {
		var out bytes.Buffer
		a.out = &out
		if code := codeOf(a.check(s, v.Name, false)); code != exitOf(v.Status) {
			t.Errorf("check --service %s exits with %d, it is %v", v.Name, code, v.Status)
		}
	}
}

// someWard is a snapshot of some services, each as ill as its worst finding or not
// known, in the order in which the engine publishes them.
func someWard(rng *rand.Rand) *health.Snapshot {
	s := &health.Snapshot{At: storyTime, Window: time.Hour, Step: 15 * time.Second, Live: true}
	kinds := []health.Kind{health.LLM, health.RAG, health.Agent, health.ML, health.Infra}
	for i := range 1 + rng.IntN(24) {
		v := health.Service{Name: fmt.Sprintf("service-%02d", i), Kind: kinds[rng.IntN(len(kinds))], Status: health.Status(rng.IntN(4))}
		if v.Status != health.OK {
			v.Findings = []health.Finding{{Service: v.Name, Signal: "errors", Rule: "limit", Text: "errors 7 %, limit 2 %", Status: v.Status, Since: storyTime.Add(-time.Minute)}}
		}
		if rng.IntN(3) == 0 {
			v.Gone = storyTime.Add(-time.Hour)
		}
		state := health.State(rng.IntN(6))
		v.Signals = []health.Signal{{ID: "errors", Title: "errors", Unit: health.Ratio, State: state, Value: rng.Float64(), Status: v.Status, At: storyTime}}
		s.Services = append(s.Services, v)
	}
	slices.SortStableFunc(s.Services, func(a, b health.Service) int {
		switch {
		case a.Status.Worse(b.Status):
			return -1
		case b.Status.Worse(a.Status):
			return 1
		}
		return 0
	})
	return s
}
