package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/demo"
	"sickbay/health"
	"sickbay/rollback"
)

// hasty is a desk that looks more often, for the clock of these stories runs ahead of
// its own, and not so often that a vigil finds no rest.
func hasty(watch time.Duration) rollback.DeskOptions {
	return rollback.DeskOptions{Ask: 300 * time.Millisecond, Look: 300 * time.Millisecond, Refresh: time.Second, Watch: watch}
}

// TestTheRollbackOfEveryScenarioIsVerified goes the whole way in simulated time, for
// every scenario that has something to take back: the guilty service is looked at,
// the plan that undoes the change is asked for and ordered, the demo changes what
// runs, and the desk says recovered by what the engine then measures. In the suite two of
// them, one by limits and one by counting; all with SICKBAY_LONG, as make vigil has it.
func TestTheRollbackOfEveryScenarioIsVerified(t *testing.T) {
	if raced {
		t.Skip("every scenario with its history costs minutes under the race detector: make test runs it once more without")
	}
	undone, long := 0, os.Getenv("SICKBAY_LONG") != ""
	for _, s := range demo.Scenarios() {
		if !long && s.Name != "stale-index" && s.Name != "tool-loop" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			d := storyNow(t, s.Name)
			truth := truthOf(t, d.Info().Control)
			if truth.Rollback == nil {
				return
			}
			undone++
			op, after := d.rollBack(truth.Rollback.Service+"/"+truth.Rollback.Kind, truth.Rollback.To, hasty(5*time.Minute))
			t.Logf("%s %s → %s: %s %s after the order, by %d symptoms", op.Target, op.From, op.To, op.State, after, len(op.Readings))
			if op.State != health.OpRecovered || len(op.Readings) == 0 {
				t.Errorf("%s: %s", op.State, op.Text)
			}
			for _, r := range op.Readings {
				if !r.Within() {
					t.Errorf("recovered, and %s is not well: %+v", r.Symptom.Signal, r)
				}
			}
		})
	}
	if undone < 2 || long && undone < 6 {
		t.Errorf("only %d scenarios have something to take back", undone)
	}
}

// TestWhatDidNotHelpIsNotCalledRecovered: the wrong thing of an ill service taken back
// did not help, and where nothing was ill nothing can be shown.
func TestWhatDidNotHelpIsNotCalledRecovered(t *testing.T) {
	if raced {
		t.Skip("a scenario with its history costs a minute under the race detector: make test runs it once more without")
	}
	for _, c := range []struct {
		scenario, target, to string
		want                 health.OpState
		text                 string
	}{
		{"bad-prompt", "support-chat/deploy", "5.3.0", health.OpNotRecovered, "still outside"},
		{"quiet", "support-chat/prompt", "", health.OpUnproven, "nothing was ill when it was planned"},
	} {
		t.Run(c.scenario, func(t *testing.T) {
			op, _ := storyNow(t, c.scenario).rollBack(c.target, c.to, hasty(15*time.Second)) // long enough for a look on a slow machine
			if op.State != c.want || !strings.Contains(op.Text, c.text) {
				t.Errorf("%s is %s: %s, want %s: %s", c.target, op.State, op.Text, c.want, c.text)
			}
		})
	}
}

// storyNow begins by the clock on the wall, by which the desk tells time.
func storyNow(t *testing.T, scenario string) *story {
	return storyAt(t, scenario, time.Now().UTC().Truncate(time.Second))
}

// rollBack orders a rollback as the screen does, and lets time go by until it has
// ended. It says how long that took in the story.
func (s *story) rollBack(target, to string, o rollback.DeskOptions) (health.Rollback, time.Duration) {
	s.t.Helper()
	began := *s.clock.Load()
	v := attend(s.t, altered(s.t, s.Info().Config, `window = "1h"`, "write = true\nwindow = \"1h\""), began, o)
	v.look(began)
	id, err := v.viewer.Submit(health.Order{Do: health.DoRollback, Plan: v.plan(target, to), By: rollback.Me(), Typed: target, Reason: "as the first suspect says"})
	if err != nil {
		s.t.Fatal(err)
	}
	taken := func(op health.Rollback) bool { return op.State != health.OpPlanned && op.State != health.OpSending }
	applied := func(op health.Rollback) bool { return !op.Applied.IsZero() }
	v.operation(id, taken)
	s.pass(45 * time.Second) // all replicas run it by then, and there is a rate with nothing in it from before
	for passed := 45 * time.Second; passed <= 10*time.Minute; passed += 15 * time.Second {
		v.operation(id, applied)
		v.look(*s.clock.Load())
		time.Sleep(700 * time.Millisecond) // the desk looks twice
		if op := v.operation(id, applied); op.State.Ended() {
			return op, passed
		}
		s.pass(15 * time.Second)
	}
	s.t.Fatalf("%s has no end after ten minutes: %+v", id, v.operation(id, applied))
	panic("unreachable")
}

// operation is an operation that has come so far, or has ended. The desk tells time by
// another clock.
func (v *vigil) operation(id string, far func(health.Rollback) bool) health.Rollback {
	v.t.Helper()
	for begun := time.Now(); time.Since(begun) < leisure; time.Sleep(20 * time.Millisecond) {
		for _, op := range v.viewer.Snapshot().Rollbacks {
			if op.ID == id && (far(op) || op.State.Ended()) {
				return op
			}
		}
	}
	v.t.Fatalf("%s does not come on", id)
	panic("unreachable")
}

// plan asks for a plan until it is there.
func (v *vigil) plan(target, to string) health.Plan {
	v.t.Helper()
	key := strings.TrimSuffix(target+"@"+to, "@")
	v.viewer.Want(health.Interest{Plan: key})
	for give := time.After(leisure); ; {
		select {
		case <-v.viewer.Changed():
			switch p := v.viewer.Snapshot().Plans[key]; {
			case p.Err != "":
				v.t.Fatalf("%s: %s", key, p.Err)
			case p.Plan.ID != "":
				return p.Plan
			}
		case <-give:
			v.t.Fatalf("no plan for %s", key)
		}
	}
}

// TestWhereNothingCanBeTakenBackThatIsSaid: no deployment is to blame in these, and no
// target is offered for the guilty service, or none that is suspected.
func TestWhereNothingCanBeTakenBackThatIsSaid(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{"gpu-saturation", "provider-outage"} {
		truth := truthOf(t, stack(t, scenario).Control)
		guilty, _ := glanceAt(t, scenario).Service(*truth.Guilty)
		if truth.Rollback != nil || len(guilty.Suspects) == 0 {
			t.Fatalf("%s: %+v, suspects %+v", scenario, truth, guilty.Suspects)
		}
		if first := guilty.Suspects[0]; first.Change != "" || !slices.Contains([]string{"load", "external"}, first.Kind) {
			t.Errorf("%s: first suspect is %+v", scenario, first)
		}
		if scenario == "gpu-saturation" && len(guilty.Targets) > 0 {
			t.Errorf("%s offers %+v", scenario, guilty.Targets)
		}
	}
}
