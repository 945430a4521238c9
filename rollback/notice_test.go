package rollback

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
)

// ear is a notice in memory.
type ear struct {
	heard []Message
	do    func(ctx context.Context) error
}

func (e *ear) Name() string { return "ear" }

func (e *ear) Tell(ctx context.Context, m Message) error {
	e.heard = append(e.heard, m)
	if e.do != nil {
		return e.do(ctx)
	}
	return nil
}

// TestANoticeChangesNothing: whatever comes of it, the operation ends as it would and
// when it would, the target is free at once, and the outcome is said and in the journal.
func TestANoticeChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(ctx context.Context) error
		says string // why it failed
	}{
		"told":    {nil, ""},
		"refused": {func(context.Context) error { return errors.New("403 Forbidden: \x1b[2Jno, token=hunter2hunter2") }, "403 Forbidden: ␛[2Jno"},
		"hanging": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &ear{do: c.do}
				b := work(t, newPlay(), DeskOptions{Notices: []Notice{e}, CoolDown: -1}, always(0.91))
				began := time.Now()
				b.submit(b.plan("", ill...))
				if op := b.finish(); op.State != health.OpRecovered || time.Since(began) > 10*time.Second {
					t.Errorf("%s after %s", op.State, time.Since(began))
				}
				b.submit(b.plan("v30", ill...)) // nobody waits for the notice
				time.Sleep(time.Minute)
				op := b.desk.Operations()[1]
				if len(op.Told) != 1 || !op.Told[0].Done || !strings.HasPrefix(op.Told[0].Err, c.says) || (op.Told[0].Err == "") != (c.says == "") {
					t.Errorf("said: %+v", op.Told)
				}
				if len(e.heard) != 2 || e.heard[0].Op.State != health.OpRecovered || len(e.heard[0].Head) != 64 || e.heard[0].Began.Before(began) {
					t.Errorf("heard %+v", e.heard)
				}
				again := replay(b.desk.o.Journal.Lines(), b.desk.o.Journal.when)[0]
				if len(again.Told) != 1 || again.Told[0].Who != "ear" || (again.Told[0].Err == "") != (c.says == "") || again.State != health.OpRecovered {
					t.Errorf("the journal says %+v", again.Rollback)
				}
			})
		})
	}
}

func TestWhereNothingWasSentNobodyIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{}
		b := work(t, newPlay(), DeskOptions{Notices: []Notice{e}}, always(0.91))
		o := b.plan("", ill...)
		b.play.set("v33")
		b.submit(o)
		if op := b.finish(); op.State != health.OpMoved || len(op.Told) != 0 || len(e.heard) != 0 {
			t.Errorf("%s, told %+v", op.State, op.Told)
		}
	})
}

const hookPath = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"

// message is one that holds what should not get through: a credential, markup, escapes.
func message() Message {
	at := time.Date(2026, 11, 20, 14, 2, 0, 0, time.UTC)
	return Message{Began: at, Ended: at.Add(90 * time.Second), Host: "jump", Head: strings.Repeat("ab", 32), Op: health.Rollback{
		ID: "op-1", Service: "support-chat", Target: "support-chat/prompt", Kind: "prompt", From: "v32", To: "v31", By: "ann", State: health.OpRecovered,
		Reason: "<b>worse</b> & \x1b[31mred\x1b[0m password=hunter2hunter2", Text: "quality 0.91", Applied: at.Add(time.Second)}}
}

// TestNoticesSpeakAsDocumented holds what is sent, and what is made of the answers, to
// https://grafana.com/docs/grafana/v12.4/developer-resources/api-reference/http-api/annotations.md
// (POST /api/annotations: 200 with message and id; 401, 403 with message) and
// https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
// (POST {"text"}: 200 "ok"; 400, 403, 404, 410, 500 with one word).
func TestNoticesSpeakAsDocumented(t *testing.T) {
	for _, c := range []struct {
		name, kind, section string
		code                int
		answer, err         string // err: a part of it; "": none
	}{
		{"an annotation", "grafana", "", 200, `{"message":"Annotation added","id":1}`, ""},
		{"an annotation nobody may make", "grafana", "", 403, `{"message":"You'll need additional permissions to perform this action. Permissions needed: annotations:create"}`, "403 Forbidden: You'll need additional permissions"},
		{"a token that has ended, repeated", "grafana", "", 401, `{"message":"Invalid API key ` + secretToken + `"}`, "401 Unauthorized: Invalid API key [secret]"},
		{"something else that says 200", "grafana", "", 200, `<html>log in</html>`, "names no annotation"},
		{"a proxy that sends elsewhere", "grafana", "", 302, ``, "redirects are not followed"},
		{"Slack", "webhook", "format = \"slack\"\n", 200, "ok", ""},
		{"Slack without the channel", "webhook", "format = \"slack\"\n", 404, "channel_not_found", "404 Not Found: channel_not_found"},
		{"Slack with an archived channel", "webhook", "format = \"slack\"\n", 410, "channel_is_archived", "410 Gone: channel_is_archived"},
		{"Slack in trouble, that repeats the address", "webhook", "format = \"slack\"\n", 500, "rollup_error " + hookPath, "500 Internal Server Error: rollup_error [secret]"},
		{"a program", "webhook", "", 204, "", ""},
		{"a program that is busy", "webhook", "", 429, `{"error":"slow down"}`, "429 Too Many Requests: slow down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got *http.Request
			var body []byte
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r
				body, _ = io.ReadAll(r.Body)
				w.WriteHeader(c.code)
				io.WriteString(w, c.answer)
			}))
			defer s.Close()
			section := "url = \"" + s.URL + "\"\nbearer_token_file = \"" + file(t, "token", secretToken) + "\"\ntags = [\"ai\"]\n"
			if c.kind == "webhook" {
				section = "url_file = \"" + file(t, "hook", s.URL+hookPath+"\n") + "\"\n" + c.section
			}
			n, err := OpenNotice(c.kind, c.kind, fromTOML(section))
			if err != nil {
				t.Fatal(err)
			}
			err = n.Tell(context.Background(), message())
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("it says %v, want %q", err, c.err)
			}
			if err != nil && (strings.Contains(err.Error(), secretToken) || strings.Contains(err.Error(), hookPath)) {
				t.Errorf("a secret is in %q", err)
			}
			if text := string(body); strings.Contains(text, "hunter2") || strings.Contains(text, "<b>") || strings.Contains(text, "\x1b") || strings.Contains(text, `\u001b`) {
				t.Errorf("what should not get through is in %s", text)
			}
			said(t, c.kind+strings.TrimSpace(c.section), got, body)
		})
	}
}

// said holds a request to the documentation.
func said(t *testing.T, kind string, r *http.Request, body []byte) {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal(body, &m); err != nil || r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s %s %s", r.Method, r.Header, body)
	}
	text, _ := m["text"].(string)
	switch kind {
	case "grafana":
		tags, _ := json.Marshal(m["tags"])
		if r.URL.Path != "/api/annotations" || r.Header.Get("Authorization") != "Bearer "+secretToken || m["time"] != float64(message().Began.UnixMilli()) ||
			m["timeEnd"] != m["time"].(float64)+90000 || string(tags) != `["sickbay","support-chat/prompt","op-1","recovered","ai"]` || !strings.Contains(text, message().Head) {
			t.Errorf("%s %s", r.URL.Path, body)
		}
	case `webhookformat = "slack"`:
		if r.URL.Path != hookPath || len(m) != 1 || !strings.HasPrefix(text, "support-chat/prompt v32 → v31: recovered\n") || !strings.Contains(text, "&lt;b&gt;worse") {
			t.Errorf("%s %s", r.URL.Path, body)
		}
	case "webhook":
		if m["state"] != "recovered" || m["operation"] != "op-1" || m["journal"] != message().Head || m["ended"] != "2026-11-20T14:03:30Z" {
			t.Errorf("%s", body)
		}
	}
}

func TestANoticeThatCannotBeSentSaysSoWithoutItsAddress(t *testing.T) {
	for name, c := range map[string]struct{ kind, section, open, tell string }{
		"nobody there":          {"webhook", `url = "http://127.0.0.1:1` + hookPath + `"`, "", "connection refused"},
		"no address":            {"webhook", `format = "slack"`, "one of them is needed", ""},
		"in clear text":         {"webhook", `url = "http://hooks.example.com` + hookPath + `"`, "in clear text", ""},
		"no address at all":     {"webhook", `url = "hooks.example.com` + hookPath + `"`, "that is no address", ""},
		"another format":        {"webhook", "url = \"https://hooks.example.com\"\nformat = \"teams\"", `"teams": json or slack`, ""},
		"the file is not there": {"webhook", `url_file = "/nowhere/hook"`, "", "/nowhere/hook"},
		"Grafana in clear text": {"grafana", "url = \"http://grafana.example.com\"\nbearer_token_file = \"/nowhere\"", "in clear text", ""},
		"an unset variable":     {"webhook", `url = "${SICKBAY_NO_SUCH_HOOK}"`, "SICKBAY_NO_SUCH_HOOK", ""},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := OpenNotice(c.kind, "hook", fromTOML(c.section))
			if err == nil && c.open == "" {
				err = n.Tell(context.Background(), message())
			}
			if err == nil || !strings.Contains(err.Error(), c.open+c.tell) || strings.Contains(err.Error(), hookPath) {
				t.Errorf("it says %v", err)
			}
		})
	}
}
