package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"sickbay/health"
	"sickbay/tui/pane"
)

func TestTheWardIsAskedForTheComparisonThatIsOpenAndNoOther(t *testing.T) {
	h := newHand(ward()).press("j 3")
	want := health.Interest{Lens: health.Lens{Window: time.Hour}, Service: "docs-answers", Drift: "question length"}
	if got := h.Interest(); got != want {
		t.Errorf("wanted is %+v, want %+v", got, want)
	}
	if h.press("j j"); h.Interest().Drift != "amount" || h.Interest().Service != "fraud-score" || h.View.Service != "fraud-score" {
		t.Errorf("two rows below it is %+v", h.Interest())
	}
	if h.press("1"); h.Interest().Drift != "" || h.Interest().Service != "" {
		t.Errorf("in the overview it is %+v", h.Interest())
	}
	snap := ward()
	snap.Services[0].Drift = []health.Drift{{Signal: "length", Kind: "exported", Tool: "evidently psi", Level: "exported", Score: health.Num(.4)}}
	h = newHand(snap).press("3")
	if got := h.Interest(); h.View.Service != "support-chat" || got.Drift != "" || got.Service != "" {
		t.Errorf("nobody can find out more of what another tool computed: %+v", got)
	}
}

func TestTheReferenceGoesRoundAndIsTold(t *testing.T) {
	h := newHand(ward()).press("j 3")
	var seen []string
	for range references {
		h.press("r")
		seen = append(seen, string(h.Interest().Against))
		if !strings.Contains(h.Message.Text, references[len(seen)%len(references)].words) {
			t.Errorf("%q does not say what it compares with", h.Message.Text)
		}
	}
	if got := strings.Join(seen, " "); got != "days week earlier deployment baseline " {
		t.Errorf("r goes through %q", got)
	}
	h.press("r r")
	if title := strings.Split(h.screen(), "\n")[2]; !strings.Contains(title, "DRIFT against week: the same 15 m one hour before") {
		t.Errorf("the title is %q", title)
	}
	if h.press("1"); h.Interest().Against != "" {
		t.Errorf("the overview is looked at through another reference")
	}
	if h.press("3"); h.Interest().Against != health.LastWeek {
		t.Errorf("the reference was forgotten: %+v", h.Interest())
	}
	if h.press("enter esc esc 3"); h.Interest().Against != health.LastWeek {
		t.Errorf("going back took the reference away")
	}
	if h.press(": reference space baseline enter"); h.Interest().Against != health.Baseline {
		t.Errorf("the command: %q", h.Message.Text)
	}
	if h.press("1 : reference space yesterday enter"); !strings.Contains(h.Message.Text, `no reference "yesterday": configured days week`) {
		t.Errorf("a reference nobody knows: %q", h.Message.Text)
	}
	if h.press("p : reference space configured enter"); h.View.Screen != "drift" || h.View.Against != "" || h.Paused != nil {
		t.Errorf("from elsewhere: %s against %q", h.View.Screen, h.View.Against)
	}
}

func TestWithoutComparisonsTheirKeysSayWhy(t *testing.T) {
	snap := ward()
	for i := range snap.Services {
		snap.Services[i].Drift = nil
	}
	h := newHand(snap).press("3")
	for key, want := range map[string]string{"r": "no distribution is measured", "b": "no comparison is selected"} {
		if h.press(key); !strings.Contains(h.Message.Text, want) {
			t.Errorf("%s says %q, want %q", key, h.Message.Text, want)
		}
	}
	if len(h.effects) != 0 || h.View.Against != "" || h.View.Service != "support-chat" {
		t.Errorf("something happened: %+v", h.effects)
	}
}

func TestABaselineIsTheWindowThatIsLookedAt(t *testing.T) {
	for _, c := range []struct {
		keys string
		at   time.Time
		says string
	}{
		{"j 3 b", time.Time{}, "the baseline of docs-answers is the window up to now"},
		{"j 3 { b", noon.Truncate(5 * time.Minute).Add(-time.Hour), "up to Nov 23 13:00 UTC"},
		{"j 3 p b", noon, "up to Nov 23 14:02 UTC"},
	} {
		h := newHand(ward()).press(c.keys)
		if len(h.effects) != 1 || h.effects[0].Order == nil {
			t.Fatalf("%s: %+v, %q", c.keys, h.effects, h.Message.Text)
		}
		o := *h.effects[0].Order
		if o.Do != health.DoBaseline || o.Plan.Service != "docs-answers" || !o.Plan.At.Equal(c.at) {
			t.Errorf("%s orders %+v, want the window up to %s", c.keys, o, c.at)
		}
		if got := h.submitted(o, "", nil).Message.Text; !strings.Contains(got, c.says) {
			t.Errorf("%s: then %q, want %q", c.keys, got, c.says)
		}
		if got := h.submitted(o, "", errors.New("the disk is full")).Message.Text; got != "no baseline was set: the disk is full" {
			t.Errorf("a refusal is %q", got)
		}
	}
	w := &still{snap: ward()}
	m := newModel(w)
	m.options.Write = false
	m.Update(tea.KeyPressMsg{Code: 'j', Text: "j"})
	m.Update(tea.KeyPressMsg{Code: '3', Text: "3"})
	if cmd := m.submit(*newHand(w.snap).press("j 3 b").effects[0].Order); cmd() == nil || len(w.orders) != 1 || w.orders[0].By.User != "ann" {
		t.Errorf("handed over: %+v", w.orders)
	}
}

func TestAScoreOfAnotherToolIsNoBaseline(t *testing.T) {
	snap := ward()
	snap.Services[0].Drift = []health.Drift{{Signal: "length", Kind: "exported", Tool: "evidently psi", Level: "exported", Score: health.Num(.4)}}
	if h := newHand(snap).press("3 b"); len(h.effects) != 0 || !strings.Contains(h.Message.Text, "computed elsewhere") {
		t.Errorf("%q", h.Message.Text)
	}
	snap.Services[0].Drift = []health.Drift{{Signal: "length", Kind: "histogram", Level: "no_current"}}
	if h := newHand(snap).press("3 b"); len(h.effects) != 0 || !strings.Contains(h.Message.Text, "nothing is measured") {
		t.Errorf("%q", h.Message.Text)
	}
}

func TestEnterOpensAComparisonWholeAndEscGoesBackToTheList(t *testing.T) {
	h := newHand(ward())
	h.w, h.h = 80, 24
	h.press("j 3 enter")
	if !h.View.Zoom || h.focused() != "driftdetail" || !strings.Contains(h.screen(), "Wasserstein") {
		t.Errorf("it has not the whole view:\n%s", h.screen())
	}
	if h.press("G"); !strings.Contains(h.screen(), "ai_prompt_length_bucket") {
		t.Errorf("its end is out of reach:\n%s", h.screen())
	}
	if h.press("esc"); h.View.Zoom || h.focused() != "drift" || h.View.Screen != "drift" {
		t.Errorf("esc leads to %s of %s", h.focused(), h.View.Screen)
	}
	if h.press("esc"); h.View.Screen != "overview" || h.View.Service != "docs-answers" {
		t.Errorf("esc leads to %s, %s", h.View.Screen, h.View.Service)
	}
	h.w, h.h = 120, 40
	if h.press("3 enter"); h.View.Zoom || h.focused() != "driftdetail" {
		t.Errorf("what fits is enlarged")
	}
}

func TestAnotherComparisonIsReadFromItsTop(t *testing.T) {
	h := newHand(ward())
	h.w, h.h = 80, 24
	h.press("j 3 tab j j j tab j")
	if h.Panes["driftdetail"].Offset != 0 || h.View.Drift != "language" {
		t.Errorf("%s is shown from row %d", h.View.Drift, h.Panes["driftdetail"].Offset)
	}
}

func TestDriftOpensOnTheServiceOneComesFrom(t *testing.T) {
	for keys, want := range map[string]string{
		"j d":                    "docs-answers question length",
		"/fraud enter d":         "fraud-score amount",
		"j d j 1 d":              "docs-answers language",        // one of its comparisons is selected already
		"d":                      "docs-answers question length", // nothing of support-chat is compared
		"j d j y":                "docs-answers language",
		"j d s":                  "docs-answers question length",
		"j d s s G":              "docs-answers language", // by score
		"j d /fraud enter":       "fraud-score amount",
		"j d /fraud esc":         "docs-answers question length",
		"j d j tab [ ] ] 2 esc":  "docs-answers language",
		": drift enter G k down": "fraud-score amount",
	} {
		h := newHand(ward()).press(keys)
		if got := h.View.Service + " " + h.View.Drift; got != want || h.View.Screen != "drift" {
			t.Errorf("%q leads to %s %q, want %q", keys, h.View.Screen, got, want)
		}
	}
	if h := newHand(ward()).press("d"); !strings.Contains(h.Message.Text, "no distribution of support-chat is compared") {
		t.Errorf("%q", h.Message.Text)
	}
	s := NewState(pane.View{Screen: "drift", Service: "fraud-score"})
	sc := newHand(ward()).scene
	if s = s.settled(sc); s.View.Drift != "amount" {
		t.Errorf("a picture of fraud-score shows %q", s.View.Drift)
	}
}

func TestTheCopiedComparisonIsOneLineWithItsFigures(t *testing.T) {
	h := newHand(ward()).press("j 3 y")
	want := "docs-answers question length: shift, PSI 0.31 (0.22–0.40), 4.1k/3.9k then/now, since 2026-11-23T13:32:05Z"
	if len(h.effects) != 1 || h.effects[0].Copy != want {
		t.Errorf("copied is %+v, want %q", h.effects, want)
	}
}
