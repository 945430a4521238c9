package rollback

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

func TestADrillIsEveryStepButTheWrite(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(f *play, j *Journal)
		stumble string // the step, "": none
		says    string
	}{
		{"all is well", func(*play, *Journal) {}, "", "every step but the write worked"},
		{"it cannot be read", func(f *play, _ *Journal) { unreadable(errors.New("connection refused"))(f) }, "read", "connection refused"},
		{"it is blocked", func(f *play, _ *Journal) { f.blocked = "auto-sync is on" }, "plan", "auto-sync is on"},
		{"there is nothing before it", func(f *play, _ *Journal) { f.runs = "v30" }, "plan", "knows no version before v30"},
		{"somebody is at it", func(_ *play, j *Journal) {
			l, _ := takeLock(NewDesk(DeskOptions{Journal: j}).dir(), "support-chat/prompt", holder{PID: 41, User: "bob", At: time.Now()})
			t.Cleanup(l.release)
		}, "lock", "bob is at it"},
		{"it moves all the time", func(f *play, _ *Journal) {
			f.current = func(int) error { f.set("v32"); return nil }
		}, "look again", "was changed since"},
		{"it has just been rolled back", func(_ *play, j *Journal) {
			for _, s := range []health.OpState{health.OpPlanned, health.OpSending, health.OpApplied, health.OpRecovered} {
				j.Append("op-old", string(s), Data{Target: "support-chat/prompt", From: "v40", To: "v32"})
			}
		}, "cool-down", "wait 5 m more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, j := newPlay(), openTest(t)
			c.prepare(f, j)
			d := NewDesk(DeskOptions{Targets: []Target{f}, Journal: j})
			steps, err := d.Drill(t.Context(), "support-chat/prompt", health.Actor{User: "ann"})
			if err != nil {
				t.Fatal(err)
			}
			stumble, says := "", ""
			for _, s := range steps {
				if !s.OK && stumble == "" {
					stumble, says = s.Name, s.Text
				}
			}
			e := j.Entries(1)[0]
			if stumble != c.stumble || !strings.Contains(says+e.Text, c.says) || e.Event != evDrill || e.By != "ann" {
				t.Errorf("stumbled over %q (%s), the journal says %q; want %q, %q", stumble, says, e.Text, c.stumble, c.says)
			}
			if f.sent() != 0 {
				t.Errorf("it wrote %d times", f.sent())
			}
			newClerk(d).publish()
			if got := d.Targets()[0]; got.Drilled.IsZero() || (got.Drill == "") != (c.stumble == "") {
				t.Errorf("the target shows %v %q", got.Drilled, got.Drill)
			}
		})
	}
	if _, err := NewDesk(DeskOptions{}).Drill(t.Context(), "nowhere", health.Actor{}); err == nil {
		t.Error("a drill of nothing")
	}
}
