package pane

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
	"sickbay/themes"
)

// drawn is a pane as text, without colours.
func drawn(t testing.TB, pane string, in Input, w, h int) string {
	t.Helper()
	k, ok := Get(pane)
	if !ok {
		t.Fatalf("there is no pane %s", pane)
	}
	return ansi.Strip(strings.Join(k.Draw(in, w, h), "\n"))
}

func TestAValueIsOnlyANumberWhenThereIsOne(t *testing.T) {
	for _, c := range []struct {
		state  health.State
		status health.Status
		role   themes.Role
		text   string
	}{
		{health.Fresh, health.OK, themes.Text, "1.2 %"},
		{health.Fresh, health.Warn, themes.Warn, "1.2 %"},
		{health.Partial, health.Critical, themes.Critical, "1.2 %"},
		{health.Stale, health.Critical, themes.Faint, "1.2 %"},
		{health.NaN, health.Unknown, themes.Faint, "NaN"},
		{health.Absent, health.Unknown, themes.Faint, "–"},
		{health.Unreachable, health.Unknown, themes.Unknown, "?"},
	} {
		role, text := value(&health.Signal{Unit: health.Ratio, Value: 0.012, State: c.state, Status: c.status})
		if role != c.role || text != c.text {
			t.Errorf("%s and %s: %q as %s, want %q as %s", c.state, c.status, text, role, c.text, c.role)
		}
	}
}

func TestServicesAreOrderedAsAsked(t *testing.T) {
	in := scene(t, "services")
	in.Snap.Services[0].Signals[1].Value = math.NaN() // errors of support-chat
	for sort, want := range map[string]string{
		"status":  "support-chat docs-answers triage-agent gpu-node-1 code-assist fraud-score llama-chat",
		"name":    "code-assist docs-answers fraud-score gpu-node-1 llama-chat support-chat triage-agent",
		"kind":    "triage-agent gpu-node-1 code-assist llama-chat support-chat fraud-score docs-answers",
		"traffic": "fraud-score code-assist support-chat docs-answers gpu-node-1 triage-agent llama-chat",
		"errors":  "triage-agent docs-answers code-assist fraud-score support-chat gpu-node-1 llama-chat",
		"p95":     "triage-agent code-assist docs-answers support-chat fraud-score gpu-node-1 llama-chat",
	} {
		k, _ := Get("services")
		for i, name := range k.Sorts {
			if name == sort {
				in.State.Sort = i
			}
		}
		if got := strings.Join(k.Items(in), " "); got != want {
			t.Errorf("by %s: got  %s\nwant %s", sort, got, want)
		}
	}
}

func TestAFilterShowsOnlyWhatContainsIt(t *testing.T) {
	for pane, filter := range map[string]string{
		"services": "chat", "failures": "policy", "alerts": "stale", "changes": "nightly", "sources": "prometheus",
		"journal": "applied", "charts": "token", "drift": "amount", "suspects": "deploy", "rollbacks": "leaks", "examples": "8811",
	} {
		k, _ := Get(pane)
		in := scene(t, pane)
		all := len(k.Items(in))
		in.State.Filter = filter
		if n := len(k.Items(in)); n == 0 || n == all && all > 1 {
			t.Errorf("%s: %q leaves %d of %d rows", pane, filter, n, all)
		}
		in.State.Filter = "nothing contains this"
		if n := len(k.Items(in)); n != 0 {
			t.Errorf("%s: %d rows contain what nothing contains", pane, n)
		}
	}
}

func TestContentIsShownAsFarAsTheViewerWants(t *testing.T) {
	in := scene(t, "request")
	q := in.Snap.Requests["req-8812"]
	q.Tools = []health.ToolCall{{Name: "lookup", Arguments: `{"mail":"bob@example.org"}`, Result: "order of bob@example.org"}}
	q.Raw = `{"prompt":"` + q.Prompt + `"}`
	in.Snap.Requests["req-8812"] = q
	secret := []string{"shoes I bought", "I cannot help", "within 30 days", "order of", "mail"}
	for content, shown := range map[string]bool{"hidden": false, "": false, "redacted": true, "full": true} {
		in.View.Content = content
		text := drawn(t, "request", in, 200, 80)
		for _, s := range secret {
			if strings.Contains(text, s) != shown {
				t.Errorf("content %q: %q is shown: %v", content, s, !shown)
			}
		}
		if masked := !strings.Contains(text, "@example.org"); masked != (content != "full") {
			t.Errorf("content %q: addresses are masked: %v", content, masked)
		}
	}
	q.Prompt, q.Answer = "", ""
	in.Snap.Requests["req-8812"] = q
	if text := drawn(t, "request", in, 200, 80); !strings.Contains(text, "content not captured") {
		t.Error("that no content was captured is not said")
	}
}

func TestALoopOfToolCallsIsOneLine(t *testing.T) {
	in := scene(t, "request")
	in.View.Request, in.View.Content = "req-7000", "full"
	text := drawn(t, "request", in, 100, 80)
	for _, want := range []string{"TOOL CALLS  15", "search_flights x14, same arguments  14 failed  29 s", "429 too many requests"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "search_flights"); n != 1 {
		t.Errorf("search_flights is there %d times, want once", n)
	}
}

func TestARequestNobodyKnowsIsAskedFor(t *testing.T) {
	in := scene(t, "request")
	in.View.Request = "req-1"
	if text := drawn(t, "request", in, 100, 5); !strings.Contains(text, "asking for req-1…") {
		t.Errorf("got %s", text)
	}
}

func TestWhatIsOldIsSaidInWords(t *testing.T) {
	in := scene(t, "services")
	s := &in.Snap.Services[0]
	s.Signals = aged(s.Signals, health.Stale, 3*mnt)
	if text := drawn(t, "services", in, 80, 4); !strings.Contains(text, "stale 3m") {
		t.Errorf("the overview does not say that support-chat is stale:\n%s", text)
	}
	in.View.Service = "support-chat"
	if text := drawn(t, "why", in, 100, 20); !strings.Contains(text, "are stale") {
		t.Errorf("why does not say what is stale:\n%s", text)
	}
	if text := drawn(t, "charts", in, 120, 30); !strings.Contains(text, "stale 3 m") {
		t.Errorf("the charts do not say it:\n%s", text)
	}
}

func TestSuspectsSayWhatIsKnownWhenThereIsNone(t *testing.T) {
	in := scene(t, "suspects")
	for _, c := range []struct {
		name string
		s    health.Service
		want string
	}{
		{"well", health.Service{Status: health.OK}, "is ok: there is nothing to explain"},
		{"ill, onset known", health.Service{Status: health.Warn, Since: before(11 * time.Minute)}, "no change recorded near the onset at 13:51"},
		{"ill, onset not known", health.Service{Status: health.Warn}, "is not known, so nothing can be suspected"},
	} {
		c.s.Name = "support-chat"
		in.Snap.Services = []health.Service{c.s}
		if text := drawn(t, "suspects", in, 100, 4); !strings.Contains(text, c.want) {
			t.Errorf("%s: got %s", c.name, text)
		}
	}
}

func TestExplainSaysWhereANumberComesFrom(t *testing.T) {
	for _, pane := range []string{"services", "charts"} {
		k, _ := Get(pane)
		in := scene(t, pane)
		if pane == "charts" {
			in.State.Selected = "quality"
		}
		said := map[string]string{}
		for _, f := range k.Explain(in) {
			said[f[0]] = f[1]
		}
		for name, want := range map[string]string{
			"signal": "answers judged good (quality)", "value": "0.61", "state": "fresh, 4 s old", "unit": "score, bad when it falls",
			"warn": "below 0.80", "critical": "below 0.70", "window": "1h, a point every 15 s", "pack": "litellm", "source": "main",
			"query": "sum by (service) (rate(x_total[1m]))",
		} {
			if said[name] != want {
				t.Errorf("%s: %s is %q, want %q", pane, name, said[name], want)
			}
		}
		if said["limits from"] == "" {
			t.Errorf("%s does not say where the limits come from", pane)
		}
	}
}

func TestALargeChartFillsThePane(t *testing.T) {
	in := scene(t, "charts")
	in.State.Selected, in.State.Large = "refusals", true
	text := drawn(t, "charts", in, 120, 24)
	if !strings.Contains(text, "refusals") || strings.Contains(text, "failed requests") {
		t.Errorf("want refusals alone, got\n%s", text)
	}
}

func TestAListTurnsPages(t *testing.T) {
	for _, c := range []struct{ i, n, h, want int }{
		{0, 100, 10, 0}, {9, 100, 10, 0}, {10, 100, 10, 10}, {99, 100, 10, 90}, {95, 97, 10, 87}, {5, 6, 10, 0}, {3, 9, 0, 0},
	} {
		if got := firstSeen(c.i, c.n, c.h); got != c.want {
			t.Errorf("row %d of %d in %d: the first is %d, want %d", c.i, c.n, c.h, got, c.want)
		}
	}
}

func TestChangesAreMarkedByTheLetterOfTheirKind(t *testing.T) {
	for kind, want := range map[string]rune{"prompt": 'P', "deploy": 'D', "": '*', "\x1b": '*', "ü": '*'} {
		if got := letter(kind); got != want {
			t.Errorf("%q is marked %c, want %c", kind, got, want)
		}
	}
}

func TestWhatHasNoRequestsSaysWhatItHas(t *testing.T) {
	in := scene(t, "services")
	s := &in.Snap.Services[0]
	s.Kind, s.Signals = health.Infra, signals(health.Infra, levels{"gpu_util": {0.9, 0.94}, "gpu_temp": {70, 71}})
	if text := drawn(t, "services", in, 80, 2); !strings.Contains(text, "GPU        94 %") {
		t.Errorf("a GPU node says\n%s", text)
	}
}
