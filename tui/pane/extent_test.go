package pane

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
	"sickbay/themes"
)

func TestAnExtentSaysWhatIsNotSeen(t *testing.T) {
	for _, c := range []struct {
		name string
		e    Extent
		want string
	}{
		{"all of a list", Extent{Seen: 5, Of: 5}, ""},
		{"a page of a list", Extent{First: 10, Seen: 10, Of: 41}, "11-20 of 41"},
		{"a text that goes on", Extent{First: 3, Seen: 5, Of: 20, Text: true}, "more below"},
		{"the end of a text", Extent{First: 15, Seen: 5, Of: 20, Text: true}, "more above"},
		{"no room", Extent{Of: 20}, ""},
	} {
		if got := c.e.Words(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAnExtentIsWhatIsDrawn(t *testing.T) {
	for _, k := range Kinds() {
		if k.Extent == nil {
			continue
		}
		in := scene(t, k.Name)
		e := k.Extent(in, 100, 500)
		if words := e.Words(); words != "" {
			t.Errorf("%s: %q of a pane that shows everything", k.Name, words)
		}
		rows := k.Draw(in, 100, 500)
		for len(rows) > 0 && strings.TrimSpace(rows[len(rows)-1]) == "" {
			rows = rows[:len(rows)-1]
		}
		if e.Rows != len(rows) {
			t.Errorf("%s: %d rows, and it draws %d", k.Name, e.Rows, len(rows))
		}
	}
}

func TestWhatIsReadAsOneStaysOnOneLine(t *testing.T) {
	for s, want := range map[string]string{
		"refusals 17.1 %, limit":  "refusals 17.1_%, limit",
		"for 11 m":                "for 11_m",
		"n 1 794":                 "n_1_794",
		"limit 0.10, n 530":       "limit_0.10, n_530",
		"when 3 are there":        "when 3 are there",
		"v30 (Nov 1), v29":        "v30 (Nov_1), v29",
		"two words":               "two words",
		"3 services and 4 models": "3 services and 4 models",
	} {
		if got := strings.ReplaceAll(glued(s), "\u00a0", "_"); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestAScoreOfAnotherToolStandsBesideTheComparison(t *testing.T) {
	in := scene(t, "drift")
	s, _ := in.Snap.Service(in.View.Service)
	score := 0.42
	own, before := s.Drift[0], len(driftIDs(in))
	twin := health.Drift{Service: s.Name, Signal: own.Signal, Feature: own.Feature, Kind: "exported", Tool: "evidently psi", Score: &score}
	for i := range in.Snap.Services {
		if v := &in.Snap.Services[i]; v.Name == s.Name {
			v.Drift = append([]health.Drift{twin}, v.Drift...)
		}
	}
	if n := len(driftIDs(in)); n != before {
		t.Errorf("%d rows, want %d: the score has a row of its own", n, before)
	}
	if text := drawn(t, "drift", in, 120, 12); !strings.Contains(text, "(evidently psi 0.42)") {
		t.Errorf("the score of the other tool is not said:\n%s", text)
	}
}

func TestNobodyIsSentBackToWhatWasLeftOnPurpose(t *testing.T) {
	in := scene(t, "suspects")
	s := &in.Snap.Services[0]
	s.Suspects = nil
	s.Targets = []health.Target{{Name: "support-chat/prompt", Kind: "prompt", Current: "v31",
		Previous: []health.Version{{ID: "v32"}, {ID: "v30"}}}}
	in.Snap.Rollbacks = []health.Rollback{{Target: "support-chat/prompt", From: "v32", To: "v31", Applied: before(time.Minute)}}
	if text := drawn(t, "suspects", in, 80, 6); !strings.Contains(text, "rolls prompt back: v31 → v30") {
		t.Errorf("want v30, which nobody left, got\n%s", text)
	}
}

func TestAnAlertSaysWhatSickbaySeesOfItsService(t *testing.T) {
	in := scene(t, "alertdetail")
	for _, c := range []struct {
		name  string
		alert health.Alert
		want  string
	}{
		{"a service that is known", health.Alert{Name: "A", Service: "support-chat", State: "firing"}, "support-chat is critical since 13:51"},
		{"one that is not", health.Alert{Name: "A", Service: "web", State: "firing"}, "web, which sickbay does not know"},
		{"none", health.Alert{Name: "A", State: "firing"}, "its labels name none"},
	} {
		in.Snap.Alerts = []health.Alert{c.alert}
		if text := drawn(t, "alertdetail", in, 100, 20); !strings.Contains(text, c.want) {
			t.Errorf("%s: %q is not in\n%s", c.name, c.want, text)
		}
	}
}

// TestAlertsAreGroupedByServiceAndSayWhoIsCalled: the group of who calls first comes
// first, those that name no service last.
func TestAlertsAreGroupedByServiceAndSayWhoIsCalled(t *testing.T) {
	in := scene(t, "alerts")
	in.Snap.Alerts = []health.Alert{
		{ID: "a1", Name: "NodeFull", State: "firing", Since: before(mnt)},
		{ID: "a2", Name: "IndexStale", Service: "docs-answers", State: "firing", Since: before(2 * mnt)},
		{ID: "a3", Name: "QualityLow", Service: "support-chat", State: "firing", Since: before(3 * mnt), Silenced: []string{"s1"}},
		{ID: "a4", Name: "RetrievalEmpty", Service: "docs-answers", State: "firing", Since: before(4 * mnt), Inhibited: []string{"a2"}},
		{ID: "a5", Name: "LoopsOften", Service: "docs-answers", State: "pending", Since: before(5 * mnt)},
	}
	text, at := drawn(t, "alerts", in, 100, 8), -1
	for _, name := range []string{"IndexStale", "RetrievalEmpty", "LoopsOften", "QualityLow", "NodeFull"} {
		i := strings.Index(text, name)
		if i <= at {
			t.Errorf("%s is out of order in\n%s", name, text)
		}
		at = i
	}
	for line, want := range map[string]string{"RetrievalEmpty": "inhibited", "QualityLow": "silenced", "LoopsOften": "pending"} {
		if _, rest, _ := strings.Cut(text, line); !strings.Contains(strings.SplitN(rest, "\n", 2)[0], want) {
			t.Errorf("%s is not shown as %s in\n%s", line, want, text)
		}
	}
	if got := alertsTitle(in); got != "ALERTS  2 firing  1 pending  1 silenced  1 inhibited" {
		t.Errorf("title %q", got)
	}
	in.View.Alert = AlertID(in.Snap.Alerts[3])
	if text := drawn(t, "alertdetail", in, 100, 20); !strings.Contains(text, "IndexStale calls for it") {
		t.Errorf("it does not say who inhibits it:\n%s", text)
	}
}

// TestARefutedSuspectIsStruckThroughAndSaysWhy, and no other is.
func TestARefutedSuspectIsStruckThroughAndSaysWhy(t *testing.T) {
	in := scene(t, "suspects")
	k, _ := Get("suspects")
	raw := strings.Join(k.Draw(in, 80, 30), "\n")
	struck := in.Look.Paint(themes.Struck, "more traffic than fits")
	if !strings.Contains(struck, "9m") || !strings.Contains(raw, struck) || strings.Count(raw, in.Look.Prefix(themes.Struck)) != 1 {
		t.Errorf("not struck through, or more than it:\n%q", raw)
	}
	if text := ansi.Strip(raw); !strings.Contains(text, "ruled out: traffic did not change") {
		t.Errorf("it does not say why:\n%s", text)
	}
}
