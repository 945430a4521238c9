package tui

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/pane"
)

// A hand presses keys on a State, as a viewer would.
type hand struct {
	State
	scene
	effects []Effect
}

var defaultLook = sync.OnceValue(func() *themes.Look {
	look, err := themes.Load("default")
	if err != nil {
		panic(err)
	}
	return look
})

func newHand(snap *health.Snapshot) *hand {
	h := &hand{State: NewState(pane.View{}), scene: scene{snap: snap, look: defaultLook(), w: 120, h: 40, now: noon}}
	h.Write = true
	h.State = h.settled(h.scene)
	return h
}

// press presses keys written with blanks between them. What is no name of a key
// is typed, letter by letter.
func (h *hand) press(keys string) *hand {
	for _, k := range strings.Fields(keys) {
		if slices.Contains(namedKeys, strings.TrimPrefix(k, "shift+")) || strings.HasPrefix(k, "ctrl+") {
			text := ""
			if k == "space" {
				text = " "
			}
			h.one(Press{Key: k, Text: text})
			continue
		}
		h.write(k)
	}
	return h
}

// write types text.
func (h *hand) write(text string) *hand {
	for _, r := range text {
		h.one(Press{Key: spelled(string(r)), Text: string(r)})
	}
	return h
}

func (h *hand) one(p Press) {
	h.scene.snap = h.shown(h.scene.snap)
	var e Effect
	h.State, e = h.State.press(p, h.scene)
	if e != (Effect{}) {
		h.effects = append(h.effects, e)
	}
}

// wait lets time pass.
func (h *hand) wait(d time.Duration) *hand {
	h.now = h.now.Add(d)
	return h
}

func (h *hand) screen() string {
	return Text(Screen(h.snap, h.State, h.w, h.h, h.look, h.now))
}

func TestKeysLeadWhereTheySay(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		want       string // screen focus service, and what else the keys changed
		see        func(h *hand) string
	}{
		{"the worst service is selected first", "", "overview services support-chat", nil},
		{"numbers open views", "2", "service charts support-chat", nil},
		{"esc goes back to where one came from", "2 4 3 esc esc", "service charts support-chat", nil},
		{"esc at the end is the overview", "2 esc esc esc", "overview services support-chat", nil},
		{"j selects the next service", "j", "overview services docs-answers", nil},
		{"arrows are j and k", "down down up", "overview services docs-answers", nil},
		{"G and g", "G k g", "overview services support-chat", nil},
		{"enter opens the selected service", "j enter", "service charts docs-answers", nil},
		{"and esc comes back to it", "j enter esc", "overview services docs-answers", nil},
		{"tab walks through the panes", "tab tab", "overview suspects support-chat", nil},
		{"shift+tab walks back", "shift+tab", "overview alerts support-chat", nil},
		{"a filter acts while it is typed", "/fraud", "overview services fraud-score", nil},
		{"esc forgets it", "/fraud esc", "overview services support-chat", nil},
		{"enter keeps it, and then opens", "/fraud enter enter", "service charts fraud-score", nil},
		{"esc takes a kept filter away", "/fraud enter esc", "overview services support-chat", nil},
		{"backspace in a filter", "/fraudx backspace", "overview services fraud-score", nil},
		{"backspace in an empty filter leaves it", "/ backspace 2", "service charts support-chat", nil},
		{"failures open on the service one comes from", "j 4", "failures failures docs-answers", func(h *hand) string { return h.View.Failure }},
		{"from the worst service to its newest failing request in two keys", "4 enter", "request request support-chat", func(h *hand) string { return h.View.Request }},
		{"or in one", "i", "request request support-chat", func(h *hand) string { return h.View.Request }},
		{"n and p walk through a failure", "i n n p", "request request support-chat", func(h *hand) string { return h.View.Request }},
		{"a suspect opens the change it is", "tab tab enter", "changes changes support-chat", func(h *hand) string { return h.Panes["changes"].Selected }},
		{"[ sets the clock back by a twelfth of the window", "[", "overview services support-chat", func(h *hand) string { return h.View.At.Format("15:04") }},
		{"{ by a window", "{", "overview services support-chat", func(h *hand) string { return h.View.At.Format("15:04") }},
		{"0 is live again", "[ 0", "overview services support-chat", func(h *hand) string { return h.View.At.String() }},
		{"] up to now is live", "[ ] ]", "overview services support-chat", func(h *hand) string { return h.View.At.String() }},
		{"t is a longer window", "t", "overview services support-chat", func(h *hand) string { return h.View.Window.String() }},
		{"T a shorter one", "T", "overview services support-chat", func(h *hand) string { return h.View.Window.String() }},
		{"t goes round", "t t t t", "overview services support-chat", func(h *hand) string { return h.View.Window.String() }},
		{"z enlarges, esc takes it back", "tab z esc", "overview why support-chat", nil},
		{"commands", ": service space fraud-score enter", "service charts fraud-score", nil},
		{"commands are completed", ":serv tab fr tab enter", "service charts fraud-score", nil},
		{"commands open views", ":drift enter", "drift drift docs-answers", nil}, // nothing of support-chat is compared
		{"commands set the window", ":window space 6h enter", "overview services support-chat", func(h *hand) string { return h.View.Window.String() }},
		{"commands set the clock", ":at space 13:20 enter", "overview services support-chat", func(h *hand) string { return h.View.At.Format(time.RFC3339) }},
		{"the time of day that is still to come was yesterday", ":at space 23:20 enter", "overview services support-chat", func(h *hand) string { return h.View.At.Format(time.RFC3339) }},
		{"an unknown command says so", ":servise space x enter", "overview services support-chat", func(h *hand) string { return h.Message.Text }},
		{"an unknown key says so", "x", "overview services support-chat", func(h *hand) string { return h.Message.Text }},
		{"help lies over the view", "?", "overview services support-chat", func(h *hand) string { return h.Sheet.Kind }},
		{"and goes away", "? j esc", "overview services support-chat", func(h *hand) string { return h.Sheet.Kind }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHand(ward()).press(c.keys)
			got := strings.Join([]string{h.View.Screen, h.focused(), h.View.Service}, " ")
			if got != c.want {
				t.Errorf("%q leads to %q, want %q (%s)", c.keys, got, c.want, h.Message.Text)
			}
			if c.see != nil {
				if want := seen[c.name]; c.see(h) != want {
					t.Errorf("%q: %q, want %q", c.keys, c.see(h), want)
				}
			}
		})
	}
}

// seen is what else has to be so, by the name of the case.
var seen = map[string]string{
	"failures open on the service one comes from":                      "f2",
	"from the worst service to its newest failing request in two keys": "req-9000",
	"or in one":                                           "req-9000",
	"n and p walk through a failure":                      "req-8999",
	"a suspect opens the change it is":                    "c1",
	"[ sets the clock back by a twelfth of the window":    "13:55",
	"{ by a window":                                       "13:00",
	"0 is live again":                                     time.Time{}.String(),
	"] up to now is live":                                 time.Time{}.String(),
	"t is a longer window":                                "6h0m0s",
	"T a shorter one":                                     "15m0s",
	"t goes round":                                        "5m0s",
	"commands set the window":                             "6h0m0s",
	"commands set the clock":                              "2026-11-23T13:20:00Z",
	"the time of day that is still to come was yesterday": "2026-11-22T23:20:00Z",
	"an unknown command says so":                          `no command "servise"; did you mean "service"?`,
	"an unknown key says so":                              "x does nothing here; ? shows the keys",
	"help lies over the view":                             "help",
	"and goes away":                                       "",
}

func TestTheSelectionFollowsTheServiceNotTheRow(t *testing.T) {
	h := newHand(ward()).press("j")
	again := ward()
	again.Version++
	s := again.Services
	s[0], s[1], s[4] = s[4], s[0], s[1] // docs-answers falls to the fifth row
	h.scene.snap = again
	h.State = h.settled(h.scene)
	if h.View.Service != "docs-answers" {
		t.Errorf("selected is %q, want docs-answers", h.View.Service)
	}
	if h.press("k"); h.View.Service == "support-chat" {
		t.Errorf("one row up from docs-answers is still the old neighbour")
	}
}

func TestAKeyNeverChangesAnOldState(t *testing.T) {
	h := newHand(ward())
	before := h.State
	panes := len(before.Panes)
	h.press("j 2 4 j / x enter esc esc")
	if len(before.Panes) != panes || len(before.Back) != 0 || before.View.Screen != "overview" {
		t.Errorf("the State from before the keys has changed: %+v", before)
	}
	back := newHand(ward()).press("2 3")
	a, b := back.State, back.State
	a, _ = a.press(Press{Key: "4"}, back.scene)
	b, _ = b.press(Press{Key: "5"}, back.scene)
	if a.Back[2].View.Screen != "drift" || b.Back[2].View.Screen != "drift" || &a.Back[0] == &b.Back[0] {
		t.Errorf("two States share one way back")
	}
}

func TestPauseKeepsWhatIsSeen(t *testing.T) {
	h := newHand(ward()).press("p")
	newer := ward()
	newer.Version, newer.Services = 8, nil
	if got := h.shown(newer); got.Version != 7 {
		t.Errorf("paused, but version %d is shown", got.Version)
	}
	if !h.Interest().Hidden {
		t.Errorf("a paused viewer still asks for data")
	}
	h.press("p")
	if got := h.shown(newer); got.Version != 8 {
		t.Errorf("version %d after the pause, want 8", got.Version)
	}
}

func TestARequestCanBeOpenedDuringAPause(t *testing.T) {
	snap, full := ward(), ward()
	snap.Requests = nil
	h := newHand(snap).press("p i")
	if i := h.Interest(); i.Hidden || i.Request != "req-9000" {
		t.Errorf("the request is not asked for: %+v", i)
	}
	full.Services = nil
	s := h.learned(full)
	if got := s.shown(full); got.Requests["req-9000"].ID == "" || len(got.Services) == 0 || len(snap.Requests) != 0 {
		t.Errorf("the request that came is not shown, or more than it")
	}
}

func TestWhatAnEffectCarriesIsClean(t *testing.T) {
	snap := ward()
	snap.Failures[0].Example = "evil \x1b]52;c;ZXZpbA==\a" + strings.Repeat("long ", 2000)
	h := newHand(snap).press("4 y")
	if len(h.effects) != 1 || len(h.effects[0].Copy) > copyLimit || strings.ContainsAny(h.effects[0].Copy, "\x1b\a") {
		t.Errorf("copied %+v", h.effects)
	}
}

func TestANoteBecomesAnOrder(t *testing.T) {
	h := newHand(ward()).press("m").write("looking at it").press("enter")
	if len(h.effects) != 1 || h.effects[0].Order == nil {
		t.Fatalf("effects %+v", h.effects)
	}
	if o := h.effects[0].Order; o.Do != health.DoNote || o.Reason != "looking at it" || o.Plan.Service != "support-chat" {
		t.Errorf("order %+v", o)
	}
}

func TestPastedTextIsTextAndNeverKeys(t *testing.T) {
	h := newHand(ward())
	if s := h.State.paste("q2\n3", h.scene); s.View.Screen != "overview" || s.Message.Text == "" {
		t.Errorf("a paste did something: %+v", s.View)
	}
	h.press("/")
	h.State = h.State.paste("fraud\nscore", h.scene)
	if h.Prompt.Text != "fraud score" {
		t.Errorf("pasted into the filter: %q", h.Prompt.Text)
	}
}

func TestContentIsShownOnceTheJournalSaysSo(t *testing.T) {
	h := newHand(ward()).press("i")
	if strings.Contains(h.screen(), "How do I reset") {
		t.Fatalf("content is shown to somebody who did not ask:\n%s", h.screen())
	}
	h.press("v")
	if len(h.effects) != 1 || h.effects[0].Order == nil || h.effects[0].Order.Do != health.DoNote || !strings.Contains(h.effects[0].Order.Reason, h.View.Request) {
		t.Fatalf("no line for the journal: %+v", h.effects)
	}
	order := *h.effects[0].Order
	if h.State = h.submitted(order, "", errRefused); strings.Contains(h.screen(), "How do I reset") {
		t.Errorf("shown although the journal could not be written:\n%s", h.screen())
	}
	if h.State = h.submitted(order, "", nil); !strings.Contains(h.screen(), "How do I reset") {
		t.Errorf("not shown although the journal says so:\n%s", h.screen())
	}
	if h.press("="); strings.Contains(h.screen(), "Open the settings page") {
		t.Errorf("one request was revealed, and the one beside it is shown as well:\n%s", h.screen())
	}
	if h.press("= n"); strings.Contains(h.screen(), "How do I reset") {
		t.Errorf("one request was revealed, and the next is shown as well:\n%s", h.screen())
	}
}

func TestASearchInARequestLeavesTheRowsThatHoldIt(t *testing.T) {
	h := newHand(ward()).press("i /").write("TENANT").press("enter")
	if got := h.screen(); !strings.Contains(got, "acme") || strings.Contains(got, "RECORD") {
		t.Errorf("looked for tenant:\n%s", got)
	}
	if h.press("esc"); !strings.Contains(h.screen(), "RECORD") {
		t.Errorf("esc did not bring the whole request back:\n%s", h.screen())
	}
}

func TestWhatDiffersFromAGoodRequestIsMarked(t *testing.T) {
	h := newHand(ward()).press("i =")
	for _, line := range strings.Split(h.screen(), "\n") {
		if strings.Contains(line, "prompt ") && strings.Contains(line, "v32") && strings.Contains(line, "v31") {
			if strings.Count(line, "≠") != 2 {
				t.Errorf("the prompts differ and are not both marked: %s", line)
			}
		}
		if strings.Contains(line, "model") && strings.Contains(line, "≠") {
			t.Errorf("the models are equal: %s", line)
		}
	}
	if !strings.Contains(h.screen(), "≠prompt") {
		t.Errorf("no difference is marked:\n%s", h.screen())
	}
}

func TestWhatIsCopiedHasNoSecrets(t *testing.T) {
	snap := ward()
	snap.Failures[0].Example = "called with password=" + "hunter22hunter for ann@example.org"
	h := newHand(snap).press("4 y")
	if len(h.effects) != 1 || strings.Contains(h.effects[0].Copy, "hunter22") || strings.Contains(h.effects[0].Copy, "ann@") {
		t.Errorf("copied %+v", h.effects)
	}
}

func TestWhatFailingRequestsShareChoosesAmongThem(t *testing.T) {
	h := newHand(ward()).press("4 tab")
	if h.focused() != "incommon" {
		t.Fatalf("tab leads to %s", h.focused())
	}
	list := func() []string {
		ids, _ := h.items(h.scene, "examples")
		return ids
	}
	all := len(list())
	h.press("enter")
	if got := list(); h.View.Having != "prompt_version=v32" || len(got) == 0 || len(got) >= all {
		t.Errorf("%d of %d requests have %q", len(got), all, h.View.Having)
	}
	if h.press("j enter"); h.View.Having != "region=us" || len(list()) != 0 || !strings.Contains(h.screen(), "none of its newest requests has region=us") {
		t.Errorf("nobody has it:\n%s", h.screen())
	}
	if h.press("enter"); h.View.Having != "" || len(list()) != all {
		t.Errorf("once more does not list all again: %d of %d with %q", len(list()), all, h.View.Having)
	}
}

func TestASilenceNeedsALengthAReasonAndAKeyOfItsOwn(t *testing.T) {
	h := newHand(ward()).press("6")
	name := h.snap.Alerts[0].Name
	h.press("S").write("2x").press("enter")
	if len(h.effects) != 0 || !strings.Contains(h.screen(), "silence "+name+" for: ") || !strings.Contains(h.screen(), "ctrl+y does it") {
		t.Fatalf("enter confirmed, or nobody asked:\n%s", h.screen())
	}
	if h.press("ctrl+y"); len(h.effects) != 0 || !strings.Contains(h.screen(), "begin with how long") {
		t.Errorf("no length:\n%s", h.screen())
	}
	if h.press("backspace").write("h known").press("ctrl+y"); len(h.effects) != 0 || !strings.Contains(h.screen(), "say why") {
		t.Errorf("no reason:\n%s", h.screen())
	}
	h.write(" until the rollback").press("ctrl+y")
	if len(h.effects) != 1 || h.effects[0].Order == nil || h.Prompt.Kind != "" {
		t.Fatalf("effects %+v", h.effects)
	}
	o := h.effects[0].Order
	if o.Do != health.DoSilence || o.Silence.Comment != "known until the rollback" || o.Silence.Ends.Sub(o.Silence.Starts) != 2*time.Hour ||
		o.Silence.Matchers[0] != (health.Matcher{Name: "alertname", Value: name}) || o.Silence.Check() != nil {
		t.Errorf("order %+v: %v", o, o.Silence.Check())
	}
}

// TestASilenceMayBeAboutWhatIsTyped: matchers before the reason take the place of the
// alert's own labels, and have to hold for it.
func TestASilenceMayBeAboutWhatIsTyped(t *testing.T) {
	snap := ward()
	snap.Alerts[0].Labels = []health.Field{{Name: "service", Value: "support-chat"}, {Name: "severity", Value: "critical"}, {Name: "pod", Value: "p-1"}}
	type order = []health.Matcher
	for typed, want := range map[string]order{
		"2h known until the rollback":                                       {{Name: "alertname", Value: "AnswerQualityLow"}, {Name: "service", Value: "support-chat"}, {Name: "severity", Value: "critical"}},
		"2h service=support-chat severity!=info known until the rollback":   {{Name: "service", Value: "support-chat"}, {Name: "severity", Value: "info", Not: true}},
		`2h alertname=~"Answer.*" team!~"a|b" known until the rollback a=b`: {{Name: "alertname", Value: "Answer.*", Regex: true}, {Name: "team", Value: "a|b", Regex: true, Not: true}},
		"2h service=docs-answers known until the rollback":                  nil,
		"2h service=~support[ known until the rollback":                     nil,
		"2h service=support-chat short":                                     nil,
	} {
		h := newHand(snap).press("6 S").write(typed).press("ctrl+y")
		switch {
		case want == nil && len(h.effects) != 0:
			t.Errorf("%q: silenced by %+v", typed, h.effects[0].Order.Silence)
		case want != nil && (len(h.effects) != 1 || !slices.Equal(h.effects[0].Order.Silence.Matchers, want)):
			t.Errorf("%q: %+v\n%s", typed, h.effects, h.screen())
		}
	}
	h := newHand(snap).press("6")
	if got := h.screen(); !strings.Contains(got, `alertname="AnswerQualityLow"  service="support-chat"  severity="critical"`) {
		t.Errorf("it does not say what S would silence:\n%s", got)
	}
}

// TestAnAlertLeadsToItsSignal: enter opens its service where the chart of what its rule
// asks for is selected.
func TestAnAlertLeadsToItsSignal(t *testing.T) {
	snap := ward()
	v, _ := snap.Service("support-chat")
	for i := range v.Signals {
		v.Signals[i].Query = v.Signals[i].ID + "_metric"
	}
	snap.Alerts[0].Expr = "sum(refusals_metric) > 0.1"
	h := newHand(snap).press("6")
	if got := h.screen(); !strings.Contains(got, "signal") || !strings.Contains(got, "refusals ") {
		t.Errorf("the alert does not say what it is about:\n%s", got)
	}
	if h.press("enter"); h.View.Screen != "service" || h.View.Service != "support-chat" || h.Panes["charts"].Selected != "refusals" {
		t.Errorf("enter leads to %s of %s, chart %q", h.View.Screen, h.View.Service, h.Panes["charts"].Selected)
	}
}

// TestKeysOnAnAlertAreAboutItsService: its requests, its rollback, wherever one was
// before.
func TestKeysOnAnAlertAreAboutItsService(t *testing.T) {
	h := newHand(ward()).press("6 j")
	if h.View.Service != "docs-answers" || h.snap.Alerts[1].Service != "docs-answers" {
		t.Fatalf("on the second alert the service is %s", h.View.Service)
	}
	if h.press("2"); h.View.Screen != "service" || h.View.Service != "docs-answers" {
		t.Errorf("2 shows %s", h.View.Service)
	}
	if h.press("6 j"); h.View.Service != "docs-answers" {
		t.Errorf("an alert without a service leads to %s", h.View.Service)
	}
	if h.press("k k"); h.View.Service != "support-chat" {
		t.Errorf("back on the first, the service is %s", h.View.Service)
	}
	if h.press("i"); h.View.Screen != "request" || !strings.Contains(h.screen(), "support-chat") {
		t.Errorf("i opens %s\n%s", h.View.Screen, h.screen())
	}
}

// TestKeysOnAFailureAreAboutItsService: who moves on to another's failure rolls that one
// back.
func TestKeysOnAFailureAreAboutItsService(t *testing.T) {
	h := newHand(ward()).press("4")
	for _, id := range func() []string { ids, _ := h.items(h.scene, "failures"); return ids }() {
		f, _ := h.snap.Failure(id)
		if _, known := h.snap.Service(f.Service); h.Panes["failures"].Selected == id && known && h.View.Service != f.Service {
			t.Errorf("on a failure of %s the service is %s", f.Service, h.View.Service)
		}
		h.press("j")
	}
	if h.press("g G"); h.View.Failure == "" {
		t.Error("no failure is selected")
	}
}

// TestKeysOnAChangeAreAboutItsService: c selects what is suspected of the service one
// comes from, and who moves on to another change rolls that one's service back.
func TestKeysOnAChangeAreAboutItsService(t *testing.T) {
	h := newHand(ward()).press("j c")
	if h.View.Screen != "changes" || h.View.Service != "docs-answers" || h.Panes["changes"].Selected != "c3" {
		t.Fatalf("c of docs-answers: %s of %s, change %q", h.View.Screen, h.View.Service, h.Panes["changes"].Selected)
	}
	if h.press("k"); h.View.Service != "support-chat" {
		t.Errorf("on its change the service is %s", h.View.Service)
	}
	if h.press("R"); h.Confirm.Service != "support-chat" {
		t.Errorf("R begins for %q", h.Confirm.Service)
	}
	if h.press("esc").wait(quiet).press("esc esc"); h.View.Screen != "overview" || h.View.Service != "docs-answers" {
		t.Errorf("back at %s of %s", h.View.Screen, h.View.Service)
	}
}

func TestWhatIsSilentCanBeMadeHeardAgain(t *testing.T) {
	snap := ward()
	snap.Alerts[0].Silenced, snap.Alerts[0].Source = []string{"s-1"}, "alerts"
	snap.Silences = []health.Silence{{ID: "s-1", Matchers: []health.Matcher{{Name: "alertname", Value: "AnswerQualityLow"}}, Comment: "being rolled back", By: "ann", Ends: noon.Add(time.Hour)}}
	h := newHand(snap).press("6")
	if got := h.screen(); !strings.Contains(got, "silenced") || !strings.Contains(got, "being rolled back (ann, until ") {
		t.Errorf("it does not say who silenced it and why:\n%s", got)
	}
	if h.press("S").write("back to normal").press("ctrl+y"); len(h.effects) != 1 || h.effects[0].Order.Do != health.DoExpire || h.effects[0].Order.Silence.ID != "s-1" || len(h.effects[0].Order.Silence.Matchers) != 1 {
		t.Errorf("effects %+v", h.effects)
	}
	h = newHand(ward())
	h.Write = false
	if h.press("6 S"); len(h.effects) != 0 || !strings.Contains(h.Message.Text, "read-only") {
		t.Errorf("read-only, and S says %q", h.Message.Text)
	}
}

func TestALinkIsShownAndCopiedIfItLeadsToAPage(t *testing.T) {
	for given, want := range map[string]string{"https://traces.example.com/1": "https://traces.example.com/1", "javascript:alert(1)": "", "": ""} {
		snap := ward()
		r := snap.Requests["req-9000"]
		r.Link = given
		snap.Requests["req-9000"] = r
		h := newHand(snap).press("i o")
		if want == "" && len(h.effects) != 0 || want != "" && (len(h.effects) != 1 || h.effects[0].Copy != want || !strings.Contains(h.screen(), want)) {
			t.Errorf("%q: effects %+v, the last line %q", given, h.effects, h.Message.Text)
		}
	}
}

func TestAReportIsOrderedAndItsPlaceIsSaid(t *testing.T) {
	h := newHand(ward()).press("E 2 E")
	if len(h.effects) != 2 || h.effects[0].Order.Do != health.DoReport || h.effects[0].Order.Plan.Service != "" || h.effects[1].Order.Plan.Service != "support-chat" {
		t.Fatalf("effects %+v", h.effects)
	}
	if h.State = h.submitted(*h.effects[0].Order, "/state/report-1.md", nil); !strings.Contains(h.screen(), "/state/report-1.md") {
		t.Errorf("where is it?\n%s", h.screen())
	}
	if h.State = h.submitted(*h.effects[0].Order, "", errRefused); !strings.Contains(h.Message.Text, errRefused.Error()) {
		t.Errorf("it says %q", h.Message.Text)
	}
}

func TestIOpensWhatTellsMostAndNotWhatIsNewest(t *testing.T) {
	snap := ward()
	r := func(id, prompt, region string) health.Request {
		return health.Request{ID: id, At: noon, Service: "support-chat", Failed: true, Lineage: health.Lineage{Prompt: prompt}, Dims: []health.Field{{Name: "region", Value: region}}}
	}
	snap.Requests = map[string]health.Request{"a1": r("a1", "v32", "eu"), "b1": r("b1", "v31", "eu"), "b2": r("b2", "v32", "us"), "b3": r("b3", "v32", "eu")}
	snap.Failures = []health.Failure{
		{ID: "a", Service: "support-chat", State: "new", Count: 2, Requests: []string{"a1"}},
		{ID: "b", Service: "support-chat", State: "grown", Count: 80, Before: 9, Requests: []string{"b1", "b2", "b3"},
			Shared: []health.Shared{{Fields: []health.Field{{Name: "region", Value: "eu"}}}}},
		{ID: "c", Service: "support-chat", State: "known", Count: 300, Before: 300, Requests: []string{"gone"}},
	}
	snap.Services[0].Suspects = []health.Suspect{{Kind: "prompt", From: "v31", To: "v32"}}
	if h := newHand(snap).press("i"); h.View.Request != "b3" || h.View.Failure != "b" {
		t.Errorf("of the failure that grew, the request in eu that ran v32 is b3; opened is %s of %s", h.View.Request, h.View.Failure)
	}
	snap.Services[0].Suspects = nil
	if h := newHand(snap).press("i"); h.View.Request != "b1" {
		t.Errorf("nobody is suspected: the newest in eu is b1, opened is %s", h.View.Request)
	}
}

func TestIWaitsForTheLogAndARequestThatIsNotHeldSaysSo(t *testing.T) {
	snap := ward()
	snap.Reading = true
	h := newHand(snap).press("i")
	if h.View.Screen != "overview" || !strings.Contains(h.Message.Text, "still being read") {
		t.Errorf("i opens %s and says %q", h.View.Screen, h.Message.Text)
	}
	left := newHand(snap).press("i").press("j")
	read := ward()
	for want, h := range map[string]*hand{"request": h, "overview": left} {
		h.scene.snap = read
		if h.State = h.settled(h.scene); h.View.Screen != want || h.Message.Text != "" {
			t.Errorf("the log is read: %s is open, want %s; it says %q", h.View.Screen, want, h.Message.Text)
		}
	}
	snap = ward()
	snap.Requests["req-1"] = health.Request{ID: "req-1", Missing: "no record with this id is held", Message: "no record with this id is held"}
	h = newHand(snap)
	h.State = h.showRequest("req-1")
	if got := h.screen(); !strings.Contains(got, "no record with this id is held") || strings.Contains(got, "RECORD") || strings.Contains(got, "PROMPT") {
		t.Errorf("a request that is not held:\n%s", got)
	}
}
