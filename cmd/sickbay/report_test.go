package main

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/demo"
	"sickbay/health"
	"sickbay/rollback"
)

// incident is a snapshot whose every text from outside holds a secret and markup.
func incident() (*health.Snapshot, []health.Entry) {
	at := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	ago := func(m int) time.Time { return at.Add(-time.Duration(m) * time.Minute) }
	planted := func(s string) string {
		return s + " <script>alert(1)</script> | **x** password=hunter2hunter2 ann@example.com \x1b[31m"
	}
	points := make([]health.Point, 120)
	for i := range points {
		points[i] = health.Point{T: ago(60).Add(time.Duration(i) * 30 * time.Second).UnixMilli(), V: .9 - float64(i/100)*.3}
	}
	quality := health.Signal{
		ID: "quality", Title: planted("judged good"), Unit: health.Score, Bad: health.Down, Value: .61, State: health.Fresh, At: at,
		Status: health.Critical, Limit: health.Limit{Warn: health.Num(.8)}, Series: points,
	}
	s := &health.Snapshot{
		At: at, Window: time.Hour,
		Services: []health.Service{
			{Name: "support-chat", Kind: health.LLM, Status: health.Critical, Since: ago(9), Version: planted("prompt v32"), Signals: []health.Signal{quality},
				Findings: []health.Finding{{Service: "support-chat", Rule: "limit", Text: planted("judged good 0.61, limit 0.80"), Status: health.Critical, Since: ago(9)}},
				Suspects: []health.Suspect{
					{Rank: 1, Label: "strong", Score: 10.4, Kind: "prompt", Change: "c1", Service: "support-chat", From: "v31", To: planted("v32"), At: ago(10), Evidence: []string{planted("+10.4  60 s before")}},
					{Rank: 2, Label: "unclear", Kind: "flag", Change: "c2", Service: "support-chat", At: ago(4), RuledOut: planted("5 m after the first bad sign")},
				}},
			{Name: "search", Kind: health.RAG, Status: health.Unknown, Findings: []health.Finding{{Text: planted("no data"), Status: health.Unknown}}},
			{Name: "churn", Kind: health.ML, Status: health.OK},
		},
		Failures:  []health.Failure{{Service: "support-chat", Signature: planted("refused"), Count: 51, State: "new", First: ago(9), Last: at, InCommon: []string{planted("prompt_version v32")}}},
		Changes:   []health.Change{{ID: "c1", At: ago(10), Uncertain: 15 * time.Second, Kind: "prompt", Service: "support-chat", From: "v31", To: "v32", Text: planted("rewritten")}},
		Alerts:    []health.Alert{{Name: planted("Low"), Service: "support-chat", State: "firing", Severity: "page", Since: ago(8), Text: planted("bad"), Silenced: []string{"s1"}}},
		Sources:   []health.SourceState{{Name: "loki", Error: planted("refused")}},
		Rollbacks: []health.Rollback{{ID: "r", Service: "support-chat", Kind: "prompt", To: "v31", State: health.OpUnproven, Text: planted("12 requests")}},
	}
	var entries []health.Entry
	for i, event := range []string{"planned", "confirmed", "sending", "accepted", "applied", "note"} {
		entries = append(entries, health.Entry{Seq: i, At: ago(6 - i), Event: event, By: planted("ann"), Service: "support-chat", Text: planted(fmt.Sprintf("line number %d", i))})
	}
	return s, append(entries, health.Entry{Seq: 9, At: ago(600), Event: "note", Text: "of another day"}, health.Entry{Seq: 10, At: ago(3), Event: "note", Service: "churn", Text: "of churn"})
}

func written3(t *testing.T, r *report) map[string]string {
	t.Helper()
	var md, page strings.Builder
	if err := r.markdown(&md); err != nil {
		t.Fatal(err)
	}
	if err := r.html(&page); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"md": md.String(), "html": page.String(), "json": string(raw)}
}

func TestAReportHoldsEverythingAndNoSecret(t *testing.T) {
	t.Parallel()
	s, entries := incident()
	for format, text := range written3(t, handOver(s, entries, time.Time{}, "", health.Redactor{})) {
		for _, want := range []string{
			"support-chat", "critical", "10.4", "60 s before", "5 m after the first bad sign", "rewritten", "15 s", "refused", "51", "kept quiet", "churn",
			"line number 0", "line number 1", "line number 2", "line number 3", "line number 4", "line number 5", "of churn",
			"taken back?", "How is search?", "When is loki back?", "Did the rollback of prompt", "unproven",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", format, want)
			}
		}
		for _, secret := range []string{"hunter2", "ann@example.com", "\x1b", "of another day"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", format, secret)
			}
		}
	}
}

func TestAReportIsOneDocumentWhateverTextsSay(t *testing.T) {
	t.Parallel()
	s, entries := incident()
	all := written3(t, handOver(s, entries, time.Time{}, "", health.Redactor{}))
	if page := all["html"]; strings.Contains(page, "<script") || regexp.MustCompile(`(?i)(src|href|url\()\s*=?\s*["']?(https?:|//)`).MatchString(page) {
		t.Error("the page runs or loads something")
	}
	if n := strings.Count(all["html"], "<polyline"); n != 1 {
		t.Errorf("%d lines are drawn, want 1", n)
	}
	fenced := false // in a code block nothing is markup but its end
	for _, line := range strings.Split(all["md"], "\n") {
		if fenced = fenced != (line == "```"); fenced {
			if line != "```" && strings.Contains(line, "`") {
				t.Errorf("ends its block: %s", line)
			}
			continue
		}
		if strings.HasPrefix(line, "| ") && len(regexp.MustCompile(`(^|[^\\])\|`).FindAllString(line, -1)) != 6 {
			t.Errorf("a row is no row of five: %s", line)
		}
		if strings.Contains(line, "<script") || strings.Contains(line, "**x**") {
			t.Errorf("markup came through: %s", line)
		}
	}
	var back report
	if err := json.Unmarshal([]byte(all["json"]), &back); err != nil || len(back.Timeline) < 10 {
		t.Errorf("%d events, %v", len(back.Timeline), err)
	}
	if !slices.IsSortedFunc(back.Timeline, func(a, b reportEvent) int { return a.At.Compare(b.At) }) {
		t.Error("the timeline is not in order")
	}
}

func TestAReportMayBeAboutOneServiceAndATime(t *testing.T) {
	t.Parallel()
	s, entries := incident()
	all := written3(t, handOver(s, entries, s.At.Add(-5*time.Minute), "support-chat", health.Redactor{}))["md"]
	for text, want := range map[string]bool{"line number 0": false, "line number 1": true, "of churn": false, "rewritten": false, "How is search": false, "only support-chat": true} {
		if strings.Contains(all, text) != want {
			t.Errorf("%q there: %v, want %v", text, !want, want)
		}
	}
}

func TestTheReportOfADemoIsPrintedInEveryFormat(t *testing.T) {
	t.Parallel()
	config := stack(t, "bad-prompt").Config
	for format, begins := range map[string]string{"md": "# Handover, ", "html": "<!doctype html>", "json": "{"} {
		out := newConsole(t).want(0, "report", "--config", config, "--format", format, "--service", "support-chat").out
		if !strings.HasPrefix(out, begins) || !strings.Contains(out, "prompt v31 → v32 of support-chat") || strings.Contains(out, "triage-agent") {
			t.Errorf("%s: %s", format, clip(out))
		}
	}
	c := newConsole(t)
	c.want(exitUsage, "report", "--config", config, "--format", "pdf")
	c.want(exitUsage, "report", "--config", config, "--since", "soon")
	c.want(exitFailed, "report", "--config", config, "--service", "nobody")
}

const (
	secretKey   = "sk-proj-Zq8Rk2Lm4Np6Tv9Wx1Yb3Cd5"
	secretMail  = "ann.lee@example.com"
	secretLogin = "hunter2hunter2"
)

// planted puts secrets where an incident has them: in what failing requests of a live
// demo say, and in what a deployment tells of itself. It returns the config to use.
func planted(t *testing.T, d demo.Info) string {
	t.Helper()
	log, err := os.OpenFile(d.Logs, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	now := time.Now().UTC()
	for i := range 3 { // few: the demo's own failures are those that end
		fmt.Fprintf(log, `{"time":%q,"level":"error","service":"support-chat","request_id":"req-planted-%d","tenant":%q,"prompt_version":"v32","http.response.status_code":500,"error.type":"auth","message":"upstream said no: password=%s for %s, Authorization: Bearer %s"}`+"\n",
			now.Add(-time.Duration(i)*time.Minute).Format(time.RFC3339Nano), i, secretMail, secretLogin, secretMail, secretKey)
	}
	feed := filepath.Join(t.TempDir(), "changes.jsonl")
	change := fmt.Sprintf(`{"id":"planted","ts":%q,"kind":"config","service":"support-chat","from":"a","to":"b","text":"by %s with %s"}`+"\n", now.Add(-5*time.Minute).Format(time.RFC3339), secretMail, secretKey)
	if err := os.WriteFile(feed, []byte(change), 0o600); err != nil {
		t.Fatal(err)
	}
	return altered(t, d.Config, "\n[[source]]\nkind = \"feed\"", fmt.Sprintf("\n[[source]]\nkind = \"feed\"\nname = \"told\"\npath = %q\n\n[[source]]\nkind = \"feed\"", feed))
}

// handsOver: the report of an incident that was seen to its end holds every line of
// the journal and what the planted texts say, but for their secrets.
func handsOver(t *testing.T, by *console, d demo.Info) {
	t.Helper()
	var r report
	said := map[string]string{}
	for _, format := range []string{"md", "html", "json"} {
		c := exec.Command(binary(t), "report", "--config", d.Config, "--format", format, "--since", "1h") // three looks: not under the race detector
		c.Env = append(os.Environ(), "XDG_STATE_HOME="+by.env["XDG_STATE_HOME"])
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		said[format] = string(out)
	}
	if err := json.Unmarshal([]byte(said["json"]), &r); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(by.journalOf())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entries, err := rollback.ReadEntries(f)
	if err != nil || len(entries) < 6 { // declined, planned, sending, accepted, applied, recovered
		t.Fatalf("the journal has %d lines, %v", len(entries), err)
	}
	written := map[string]func(string) string{"md": plain, "html": html.EscapeString, "json": func(s string) string { b, _ := json.Marshal(s); return strings.Trim(string(b), `"`) }}
	for format, text := range said {
		for _, e := range entries {
			if want := written[format](health.Clean(health.Redact(e.Text))); e.Text == "" || !strings.Contains(text, want) {
				t.Errorf("%s lacks the line %s %q", format, e.Event, want)
			}
		}
		for _, want := range []string{"upstream said no", "v32", "by [email]"} {
			if !strings.Contains(text, want) && !strings.Contains(text, written[format](want)) {
				t.Errorf("%s lacks %q", format, want)
			}
		}
		for _, secret := range []string{secretKey, secretMail, secretLogin} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", format, secret)
			}
		}
	}
	if len(r.Actions) != len(entries) {
		t.Errorf("%d lines of the journal are %d actions of the report", len(entries), len(r.Actions))
	}
}
