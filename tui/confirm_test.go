package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// planned is the fixture with a plan for support-chat's prompt on it.
func planned() *health.Snapshot {
	snap := ward()
	snap.Plans["support-chat/prompt@v31"] = health.Planned{Plan: plan(noon)}
	return snap
}

// cooling is the same within the cool-down after another rollback.
func cooling() *health.Snapshot {
	snap := ward()
	p := plan(noon)
	p.Override = "override cool-down"
	snap.Plans["support-chat/prompt@v31"] = health.Planned{Plan: p}
	return snap
}

// atDialog has opened the dialog and let it arm.
func atDialog(snap *health.Snapshot) *hand {
	return newHand(snap).press("R").wait(quiet)
}

// filled has typed what has to be typed.
func filled(snap *health.Snapshot) *hand {
	return atDialog(snap).press("tab").write("support-chat/prompt").press("tab").write("quality fell after v32")
}

func (h *hand) orders() int {
	return len(slices.DeleteFunc(slices.Clone(h.effects), func(e Effect) bool { return e.Order == nil }))
}

func TestTheDialogRollsBackOnlyWhenAllOfItIsThere(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func() *hand
		want int
		note string // what the dialog says, a part of it
	}{
		{"name, reason, ctrl+y", func() *hand { return filled(planned()).press("ctrl+y") }, 1, ""},
		{"name, reason, y on the button", func() *hand { return filled(planned()).press("tab y") }, 1, ""},
		{"a second confirmation while the first is under way", func() *hand { return filled(planned()).press("ctrl+y ctrl+y tab y") }, 1, ""},
		{"enter never confirms, wherever it is pressed", func() *hand { return filled(planned()).press("enter enter enter") }, 0, "enter never rolls back"},
		{"enter on what was selected first cancels", func() *hand { return atDialog(planned()).press("enter") }, 0, ""},
		{"R does not confirm", func() *hand { return filled(planned()).press("tab R") }, 0, ""},
		{"the evidence alone", func() *hand { return atDialog(planned()).press("tab").write("support-chat/prompt").press("ctrl+y") }, 1, ""},
		{"y in the reason is a letter", func() *hand { return filled(planned()).press("y") }, 0, ""},
		{"the name of another target", func() *hand {
			return atDialog(planned()).press("tab").write("support-chat/promt").press("tab").write("quality fell after v32").press("ctrl+y")
		}, 0, "type the name of the target"},
		{"the name in other letters", func() *hand {
			return atDialog(planned()).press("tab").write("Support-Chat/prompt").press("tab").write("quality fell after v32").press("ctrl+y")
		}, 0, "type the name of the target"},
		{"a name that only looks the same", func() *hand {
			return atDialog(planned()).press("tab").write("support-chаt/prompt").press("tab").write("quality fell after v32").press("ctrl+y")
		}, 0, "type the name of the target"},
		{"no reason", func() *hand {
			return atDialog(planned()).press("tab").write("support-chat/prompt").press("tab ctrl+u ctrl+y")
		}, 0, "at least 10 characters"},
		{"a reason of blanks", func() *hand {
			h := atDialog(planned()).press("tab").write("support-chat/prompt").press("tab ctrl+u").write("bad           ")
			return h.press("ctrl+y")
		}, 0, "at least 10 characters"},
		{"the plan has not arrived", func() *hand { return filled(ward()).press("ctrl+y") }, 0, "there is no plan yet"},
		{"the target could not be asked", func() *hand {
			snap := ward()
			snap.Plans["support-chat/prompt@v31"] = health.Planned{Err: "connection refused"}
			return filled(snap).press("ctrl+y")
		}, 0, "connection refused"},
		{"the plan is too old", func() *hand { return filled(planned()).wait(time.Minute).press("ctrl+y") }, 0, "too old"},
		{"keys before the dialog listens are lost", func() *hand {
			h := newHand(planned()).press("R tab").write("support-chat/prompt").press("tab").write("quality fell")
			return h.wait(quiet).press("ctrl+y")
		}, 0, "type the name"},
		{"a held key keeps it deaf no longer than the ceiling", func() *hand {
			h := newHand(planned()).press("R")
			for range 20 {
				h.wait(100 * time.Millisecond).press("tab")
			}
			if h.Confirm.Field == fieldCancel {
				return h
			}
			h.Confirm.Field = fieldName
			return h.write("support-chat/prompt").press("tab").write("quality fell after v32").press("ctrl+y")
		}, 1, ""},
		{"a repeated key is ignored", func() *hand {
			h := filled(planned())
			h.one(Press{Key: "ctrl+y", Repeat: true})
			return h
		}, 0, ""},
		{"within the cool-down, as if it were over", func() *hand { return filled(cooling()).press("ctrl+y") }, 0, "type: override cool-down"},
		{"within the cool-down, with other words", func() *hand {
			return atDialog(cooling()).press("tab").write("support-chat/prompt").press("tab").write("override cooldown").press("tab").write("quality fell after v32").press("ctrl+y")
		}, 0, "type: override cool-down"},
		{"within the cool-down, overridden", func() *hand {
			return atDialog(cooling()).press("tab").write("support-chat/prompt").press("tab").write("override cool-down").press("tab").write("quality fell after v32").press("ctrl+y")
		}, 1, ""},
		{"within the cool-down, with pasted words", func() *hand {
			h := atDialog(cooling()).press("tab").write("support-chat/prompt").press("tab")
			h.State = h.State.paste("override cool-down", h.scene)
			return h.press("tab").write("quality fell after v32").press("ctrl+y")
		}, 0, "type: override cool-down"},
		{"a pasted name is refused", func() *hand {
			h := atDialog(planned()).press("tab")
			h.State = h.State.paste("support-chat/prompt", h.scene)
			if !strings.Contains(h.Confirm.Note, "pasting is refused") || h.Confirm.Typed != "" {
				t.Errorf("after a paste: %+v", h.Confirm)
			}
			return h.press("tab").write("quality fell after v32").press("ctrl+y")
		}, 0, "type the name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := c.do()
			if n := h.orders(); n != c.want {
				t.Errorf("%d orders, want %d (%+v)", n, c.want, h.Confirm)
			}
			if !strings.Contains(h.Confirm.Note, c.note) {
				t.Errorf("the dialog says %q, want %q in it", h.Confirm.Note, c.note)
			}
		})
	}
}

func TestTheOrderIsThePlanThatWasSeen(t *testing.T) {
	within := atDialog(cooling()).press("tab").write("support-chat/prompt").press("tab").write("override cool-down").press("tab").write("quality fell").press("ctrl+y")
	if o := within.effects[0].Order; o.Override != "override cool-down" {
		t.Errorf("order %+v", o)
	}
	h := filled(planned()).press("ctrl+y")
	o := h.effects[0].Order
	if o.Override != "" || o.Do != health.DoRollback || o.Plan.ID != "op-9" || o.Plan.Token != "etag-5" || o.Typed != "support-chat/prompt" || o.Reason != "strong suspect prompt v31 → v32 at 13:50: 60 s before the first bad sign; v32 fails 11.2 %, v31 0.9 % in the same minutes · quality fell after v32" {
		t.Errorf("order %+v", o)
	}
}

func TestEscLeavesTheDialogAtOnce(t *testing.T) {
	for name, p := range map[string]Press{"esc": {Key: "esc"}, "esc twice, which a slow link sends as one": {Key: "alt+esc"}} {
		h := newHand(planned()).press("R")
		h.one(p)
		if h.Confirm.Open || h.orders() != 0 {
			t.Errorf("%s: the dialog is open before the keyboard rested: %+v", name, h.Confirm)
		}
	}
	h := newHand(planned()).press("R")
	if h.one(Press{Key: "esc", Repeat: true}); !h.Confirm.Open {
		t.Error("a held key was heard")
	}
}

func TestWhileTheDialogIsOpenItsPlanIsWanted(t *testing.T) {
	h := newHand(planned())
	if h.Interest().Plan != "" {
		t.Errorf("a plan is wanted without a dialog")
	}
	if h.press("R"); h.Interest().Plan != "support-chat/prompt@v31" {
		t.Errorf("wanted is %q", h.Interest().Plan)
	}
	if h.wait(quiet).press("esc"); h.Interest().Plan != "" || h.Confirm.Open {
		t.Errorf("after esc %q is wanted", h.Interest().Plan)
	}
}

func TestAnotherPlanHasToBeReadAgain(t *testing.T) {
	h := filled(planned())
	moved := planned()
	p := plan(noon)
	p.ID, p.From, p.Token = "op-10", "v33", "etag-6"
	moved.Plans["support-chat/prompt@v31"] = health.Planned{Plan: p}
	h.scene.snap = moved
	h.State = h.settled(h.scene)
	if h.Confirm.Typed != "" || h.Confirm.armed(h.now) {
		t.Errorf("somebody deployed meanwhile, and the dialog is as it was: %+v", h.Confirm)
	}
	if h.press("ctrl+y"); h.orders() != 0 {
		t.Errorf("the key meant for the old plan confirmed the new one")
	}
	p.ID = "op-11" // the same plan, asked for again
	moved.Plans["support-chat/prompt@v31"] = health.Planned{Plan: p}
	h.wait(quiet).press("shift+tab").write("support-chat/prompt")
	if h.Confirm.Plan.ID != "op-11" || h.Confirm.Typed != "support-chat/prompt" {
		t.Errorf("a plan that says the same is another id only: %+v", h.Confirm)
	}
}

func TestARefusedOrderStaysInTheDialog(t *testing.T) {
	h := filled(planned()).press("ctrl+y")
	s := h.submitted(*h.effects[0].Order, "", errRefused)
	if !s.Confirm.Open || s.Confirm.Sending || !strings.Contains(s.Confirm.Note, "nothing was done: the journal cannot be written") {
		t.Errorf("%+v", s.Confirm)
	}
	s = h.submitted(*h.effects[0].Order, "op-9", nil)
	if s.Confirm.Open || s.Op != "op-9" {
		t.Errorf("an order that was taken leaves the dialog open: %+v", s.Confirm)
	}
}

// TestTheStripSaysWhatBeforeWho: whose it is comes after how far it is, and only when it
// is somebody else's.
func TestTheStripSaysWhatBeforeWho(t *testing.T) {
	for _, c := range []struct {
		where string
		w     int
		want  string
		not   string
	}{
		{"pid 7 on jump-1", 120, "applied, watching, by bob, pid 7 on jump-1: quality", ""},
		{"pid 7 on jump-1", 80, "applied, watching", ""},
		{"", 120, "applied, watching: quality", "bob"},
	} {
		snap := ward()
		snap.Rollbacks = append([]health.Rollback{{ID: "op-2", Service: "support-chat", Target: "support-chat/prompt", From: "v32", To: "v31", By: "bob", Where: c.where,
			State: health.OpApplied, At: noon, Text: "quality 0.84, limit 0.80: within"}}, snap.Rollbacks...)
		h := newHand(snap)
		h.w, h.h = c.w, 24
		rule := strings.Split(h.screen(), "\n")[1]
		if !strings.Contains(rule, c.want) || c.not != "" && strings.Contains(rule, c.not) {
			t.Errorf("%q at %d: %q", c.where, c.w, rule)
		}
	}
}

// TestALongRefusalIsReadToItsEnd: who is at it, and where, comes last.
func TestALongRefusalIsReadToItsEnd(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		h := filled(planned()).press("ctrl+y")
		h.w, h.h = size[0], size[1]
		h.State = h.submitted(*h.effects[0].Order, "", errors.New("nothing was done: support-chat/prompt is busy: ann is at it since 13:17:30 UTC (pid 10954 on jump-1)"))
		h.wait(quiet)
		got := strings.Join(strings.Fields(strings.ReplaceAll(h.screen(), "║", " ")), " ")
		if strings.Count(got, "nothing was done") != 1 || !strings.Contains(got, "jump-1)") || !strings.Contains(got, "[ roll back ]") {
			t.Errorf("%v:\n%s", size, h.screen())
		}
	}
}

func TestSeveralThingsToRollBackAreAList(t *testing.T) {
	h := newHand(ward()).press("j R").wait(quiet)
	if h.Confirm.Chosen.Target != "" || h.Interest().Plan != "" {
		t.Fatalf("chosen without asking: %+v", h.Confirm)
	}
	if !strings.Contains(h.screen(), "docs-answers/index") || !strings.Contains(h.screen(), "an approval is pending") {
		t.Errorf("the list is not on the screen:\n%s", h.screen())
	}
	if h.press("j enter"); h.Interest().Plan != "docs-answers/index@2026-09" {
		t.Errorf("wanted is %q", h.Interest().Plan)
	}
}

func TestTheListBeginsAtWhatTheSuspectPointsTo(t *testing.T) {
	for _, c := range []struct{ label, ruledOut, want string }{
		{"strong", "", "support-chat/prompt@v31"},
		{"likely", "", "support-chat/prompt@v31"},
		{"unclear", "", "support-chat/model@m1"},
		{"strong", "it came after the onset", "support-chat/model@m1"},
	} {
		snap := ward()
		v := &snap.Services[0]
		v.Targets = append([]health.Target{{Name: "support-chat/model", Service: "support-chat", Kind: "model", Current: "m2", Back: "m1", Previous: []health.Version{{ID: "m1"}}}}, v.Targets...)
		v.Suspects[0].Label, v.Suspects[0].RuledOut = c.label, c.ruledOut
		h := newHand(snap).press("R").wait(quiet).press("enter")
		if h.Interest().Plan != c.want {
			t.Errorf("%+v: wanted is %q", c, h.Interest().Plan)
		}
	}
}

// suspected is a ward in which the last service has one suspect of a kind.
func suspected(kind string) *health.Snapshot {
	snap := ward()
	snap.Services[len(snap.Services)-1].Suspects = []health.Suspect{{Rank: 1, Kind: kind}}
	return snap
}

// TestTheListSaysWhenNothingOfItIsSuspected: what no deployment caused, no rollback
// takes away.
func TestTheListSaysWhenNothingOfItIsSuspected(t *testing.T) {
	for kind, want := range map[string]bool{"external": true, "load": true, "prompt": false} {
		snap := ward()
		snap.Services[0].Suspects = []health.Suspect{{Rank: 1, Kind: kind, Service: "aws.bedrock"}}
		snap.Services[0].Targets = append(snap.Services[0].Targets, health.Target{Name: "support-chat/model", Service: "support-chat", Kind: "model", Current: "m2", Previous: []health.Version{{ID: "m1"}}})
		h := newHand(snap).press("R")
		if got := strings.Contains(h.screen(), "no version before takes that away"); got != want {
			t.Errorf("%s: warned is %v\n%s", kind, got, h.screen())
		}
	}
}

func TestRollBackSaysWhyItCannotBeUsed(t *testing.T) {
	running := ward()
	running.Rollbacks = append(running.Rollbacks, health.Rollback{ID: "op-2", Target: "support-chat/prompt", By: "bob", Where: "pid 7 on jump-1", State: health.OpApplied})
	readOnly := ward()
	readOnly.Write = false
	for _, c := range []struct {
		name string
		h    *hand
		want string
	}{
		{"the ward is read-only", newHand(readOnly), "read-only: start sickbay with --write"},
		{"the viewer is", func() *hand { h := newHand(ward()); h.Write = false; return h }(), "read-only: start sickbay with --write"},
		{"nothing is configured", newHand(ward()).press("G"), "nothing to roll back: no [[rollback]] of the config names it"},
		{"nothing is configured, and nothing was deployed", newHand(suspected("load")).press("G"), "no [[rollback]] names it, and suspected is more traffic than fits"},
		{"nothing is configured, and a change is suspected", newHand(suspected("model")).press("G"), "nothing to roll back: no [[rollback]] of the config names it"},
		{"it is being rolled back", newHand(running), "is being rolled back by bob, pid 7 on jump-1: applied"},
		{"the screen is paused", newHand(ward()).press("p"), "paused, so this may be old: p goes on"},
		{"the clock is set back", newHand(ward()).press("["), "this is the past: 0 is live again"},
	} {
		if c.h.press("R"); c.h.Confirm.Open || !strings.Contains(c.h.Message.Text, c.want) {
			t.Errorf("%s: says %q, want %q", c.name, c.h.Message.Text, c.want)
		}
		if c.h.write(":rollback " + c.h.View.Service).press("enter"); c.h.Confirm.Open {
			t.Errorf("%s: the command does what the key may not", c.name)
		}
	}
}

func TestTheFrameOfTheDialogIsItsOwnAndItsPlaceFixed(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		h := atDialog(planned())
		h.w, h.h = size[0], size[1]
		before := strings.Split(h.screen(), "\n")
		h.press("tab").write("support").press("tab")
		after := strings.Split(h.screen(), "\n")
		if corner(before) != corner(after) || corner(before) == [2]int{} {
			t.Errorf("%v: the dialog is at %v, then at %v", size, corner(before), corner(after))
		}
	}
}

func corner(rows []string) [2]int {
	for y, r := range rows {
		if x := strings.Index(r, "╔"); x >= 0 {
			return [2]int{len([]rune(r[:x])), y}
		}
	}
	return [2]int{}
}

// TestAfterARollbackThatDidNotHelpTheListBeginsAtUndoingIt: one key, the same ladder.
func TestAfterARollbackThatDidNotHelpTheListBeginsAtUndoingIt(t *testing.T) {
	for _, c := range []struct {
		state health.OpState
		ago   time.Duration
		want  string
	}{
		{health.OpNotRecovered, 10 * time.Minute, "support-chat/prompt@v32"},
		{health.OpPartial, 10 * time.Minute, "support-chat/prompt@v32"},
		{health.OpRecovered, 10 * time.Minute, "support-chat/prompt@v30"},
		{health.OpNotRecovered, 2 * time.Hour, "support-chat/prompt@v30"},
		{health.OpUnproven, 10 * time.Minute, "support-chat/prompt@v30"},
	} {
		snap := ward()
		snap.Services[0].Suspects = nil
		snap.Services[0].Targets = []health.Target{{Name: "support-chat/prompt", Service: "support-chat", Kind: "prompt", Current: "v31", Back: "v30",
			Previous: []health.Version{{ID: "v33"}, {ID: "v32"}, {ID: "v30"}, {ID: "v29"}}}}
		snap.Rollbacks = []health.Rollback{{ID: "op-1", Target: "support-chat/prompt", Service: "support-chat", From: "v32", To: "v31", State: c.state, At: noon.Add(-c.ago)}}
		h := newHand(snap).press("R").wait(quiet).press("enter")
		if got := h.Interest().Plan; got != c.want {
			t.Errorf("%s, %s ago: wanted is %q, want %q", c.state, c.ago, got, c.want)
		}
	}
}

// TestOneKeyUndoesTheNewestRollback: whether it helped or not, by the same dialog, and
// only what still runs.
func TestOneKeyUndoesTheNewestRollback(t *testing.T) {
	for _, c := range []struct {
		name  string
		state health.OpState
		runs  string
		write bool
		want  string // the plan that is asked for, or a part of why not
	}{
		{"it helped", health.OpRecovered, "v31", true, "support-chat/prompt@v32"},
		{"it did not", health.OpNotRecovered, "v31", true, "support-chat/prompt@v32"},
		{"nobody knows", health.OpUnproven, "v31", true, "support-chat/prompt@v32"},
		{"it is being watched", health.OpApplied, "v31", true, "is being rolled back by"},
		{"somebody changed it since", health.OpRecovered, "v33", true, "runs v33 and not v31 any more"},
		{"it was refused", health.OpRefused, "v32", true, "there is no rollback to undo"},
		{"read-only", health.OpRecovered, "v31", false, "read-only"},
	} {
		snap := ward()
		snap.Write = c.write
		snap.Services[0].Targets = []health.Target{{Name: "support-chat/prompt", Service: "support-chat", Kind: "prompt", Current: c.runs, Previous: []health.Version{{ID: "v32"}, {ID: "v30"}}}}
		op := health.Rollback{ID: "op-1", Target: "support-chat/prompt", Service: "support-chat", From: "v32", To: "v31", State: c.state, At: noon.Add(-time.Minute)}
		if c.state != health.OpRefused {
			op.Applied = op.At
		}
		snap.Rollbacks = []health.Rollback{op}
		h := newHand(snap).press("u")
		if got := h.Interest().Plan; got != c.want && !(got == "" && !h.Confirm.Open && strings.Contains(h.Message.Text, c.want)) {
			t.Errorf("%s: wanted is %q, it says %q, want %q", c.name, got, h.Message.Text, c.want)
		}
		if h.Confirm.Open && (h.Confirm.Field != fieldCancel || h.wait(quiet).press("ctrl+y").orders() != 0) {
			t.Errorf("%s: the dialog is not the one of R: %+v", c.name, h.Confirm)
		}
	}
}

// rolledBack is a ward in which support-chat's prompt was rolled back some time ago,
// and that runs one version now.
func rolledBack(ago time.Duration, runs string) *health.Snapshot {
	snap := ward()
	for i := range snap.Services[0].Targets {
		if t := &snap.Services[0].Targets[i]; t.Name == "support-chat/prompt" {
			t.Current, t.Back, t.Previous = runs, "v30", []health.Version{{ID: "v32", At: noon.Add(-14 * time.Minute)}, {ID: "v30"}}
		}
	}
	when := noon.Add(-ago)
	snap.Rollbacks = append([]health.Rollback{{ID: "op-9", Service: "support-chat", Target: "support-chat/prompt", Kind: "prompt", From: "v32", To: "v31", By: "ann",
		Reason: "refuses harmless questions", State: health.OpRecovered, At: when, Applied: when, Text: "quality 0.91, limit 0.80: within, 2 of 2 looks",
		Readings: []health.Reading{{Symptom: health.Symptom{Signal: "quality", Title: "quality", Unit: health.Score, Bad: health.Down, Value: .61, Limit: .8}, Value: .91, At: noon, Known: true}}}},
		snap.Rollbacks...)
	return snap
}

// TestTheKeyLineOffersUndoWhereItIsPossible: in the overview and on the service for an
// hour, beside the changes as long as the version runs.
func TestTheKeyLineOffersUndoWhereItIsPossible(t *testing.T) {
	for _, c := range []struct {
		name  string
		snap  *health.Snapshot
		shown string // the views that show it
	}{
		{"no rollback", ward(), ""},
		{"a moment ago", rolledBack(5*time.Minute, "v31"), "1 2 5"},
		{"somebody went forward again", rolledBack(5*time.Minute, "v33"), ""},
		{"two hours ago", rolledBack(2*time.Hour, "v31"), "5"},
		{"read-only", func() *health.Snapshot { s := rolledBack(5*time.Minute, "v31"); s.Write = false; return s }(), ""},
	} {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			var shown []string
			for _, view := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
				h := newHand(c.snap).press(view)
				h.w, h.h = size[0], size[1]
				rows := strings.Split(strings.TrimRight(h.screen(), "\n"), "\n")
				if strings.Contains(rows[len(rows)-1], "u undo") {
					shown = append(shown, view)
				}
			}
			if got := strings.Join(shown, " "); got != c.shown {
				t.Errorf("%s, %v: the views %q show it, want %q", c.name, size, got, c.shown)
			}
		}
	}
}

// TestTheEvidenceOfAStrongSuspectIsInTheReasonAlready, and of no other: what is only
// likely, ruled out, of another kind or not running is no reason.
func TestTheEvidenceOfAStrongSuspectIsInTheReasonAlready(t *testing.T) {
	const evidence = "strong suspect prompt v31 → v32 at 13:50: 60 s before the first bad sign; v32 fails 11.2 %, v31 0.9 % in the same minutes"
	for name, c := range map[string]struct {
		change func(*health.Suspect)
		want   string
	}{
		"strong":                             {func(*health.Suspect) {}, evidence},
		"likely":                             {func(s *health.Suspect) { s.Label = "likely" }, ""},
		"ruled out":                          {func(s *health.Suspect) { s.RuledOut = "it fails like the one before" }, ""},
		"of another kind":                    {func(s *health.Suspect) { s.Kind = "deploy" }, ""},
		"elsewhere":                          {func(s *health.Suspect) { s.Service = "docs-answers" }, ""},
		"not running now":                    {func(s *health.Suspect) { s.To = "v33" }, ""},
		"what speaks against it is left out": {func(s *health.Suspect) { s.Evidence = append([]string{"-1.0  nothing moved"}, s.Evidence...) }, evidence},
		"hostile":                            {func(s *health.Suspect) { s.Evidence = []string{"+2.0  \x1b[2Jgone"} }, "strong suspect prompt v31 → v32 at 13:50: "},
		"too much of it":                     {func(s *health.Suspect) { s.Evidence = append(s.Evidence, "+1.0  "+strings.Repeat("x", 200)) }, evidence},
	} {
		snap := planned()
		v, _ := snap.Service("support-chat")
		v.Suspects[0].Evidence = slices.Clone(v.Suspects[0].Evidence)
		c.change(&v.Suspects[0])
		h := newHand(snap).press("R").wait(quiet)
		if got := h.Confirm.Reason; got != c.want && (name != "hostile" || !strings.HasPrefix(got, c.want) || strings.ContainsAny(got, "\x1b")) {
			t.Errorf("%s: reason %q, want %q", name, got, c.want)
		}
	}
}
