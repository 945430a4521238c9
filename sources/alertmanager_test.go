package sources

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sickbay/health"
)

// anAlertmanager answers as Alertmanager 0.34 does, by api/v2/openapi.yaml and
// api/v2/api.go there.
type anAlertmanager struct {
	old      bool // as 0.26 and before: 500 for a silence it never had
	mu       sync.Mutex
	silences map[string]map[string]any
	now      time.Time
}

func (a *anAlertmanager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	path, ok := strings.CutPrefix(r.URL.Path, "/base/api/v2/")
	switch {
	case !ok:
		http.NotFound(w, r)
	case path == "status":
		io.WriteString(w, `{"cluster":{"status":"ready"},"versionInfo":{"version":"0.27.0","branch":"HEAD"},"uptime":"2026-11-23T10:00:00.000Z"}`)
	case path == "alerts" && r.FormValue("silenced") == "true":
		io.WriteString(w, `[
{"annotations":{"summary":"answers are judged bad"},"endsAt":"2026-11-23T14:04:00Z","fingerprint":"a1","receivers":[{"name":"oncall"}],
 "startsAt":"2026-11-23T13:52:00.123Z","status":{"inhibitedBy":[],"silencedBy":[],"mutedBy":[],"state":"active"},
 "updatedAt":"2026-11-23T14:00:00Z","generatorURL":"http://prometheus:9090/graph?g0.expr=x","labels":{"alertname":"AnswerQualityLow","severity":"critical","service":"support-chat","team":"chat"}},
{"annotations":{},"endsAt":"2026-11-23T14:04:00Z","fingerprint":"a2","receivers":[],"startsAt":"2026-11-23T13:00:00Z",
 "status":{"inhibitedBy":[],"silencedBy":["s1"],"state":"suppressed"},"updatedAt":"2026-11-23T14:00:00Z","generatorURL":"javascript:alert(1)","labels":{"alertname":"IndexStale"}},
{"annotations":{"description":"d"},"endsAt":"2026-11-23T14:04:00Z","fingerprint":"a3","receivers":[],"startsAt":"2026-11-23T13:00:00Z",
 "status":{"inhibitedBy":["a1"],"silencedBy":[],"state":"suppressed"},"updatedAt":"2026-11-23T14:00:00Z","labels":{"alertname":"HighErrorRate"}},
{"annotations":{},"endsAt":"2026-11-23T14:04:00Z","fingerprint":"a4","receivers":[],"startsAt":"2026-11-23T13:00:00Z",
 "status":{"inhibitedBy":[],"silencedBy":[],"mutedBy":["night"],"state":"suppressed"},"updatedAt":"2026-11-23T14:00:00Z","labels":{"alertname":"Muted"}}]`)
	case path == "silences" && r.Method == http.MethodGet:
		all := []map[string]any{}
		for _, s := range a.silences {
			all = append(all, s)
		}
		_ = json.NewEncoder(w).Encode(all)
	case path == "silences" && r.Method == http.MethodPost:
		a.post(w, r)
	case strings.HasPrefix(path, "silence/") && r.Method == http.MethodDelete:
		s := a.silences[strings.TrimPrefix(path, "silence/")]
		if s == nil && a.old {
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, `"silence not found"`+"\n")
			return
		}
		if s == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		s["status"] = map[string]string{"state": "expired"}
	default:
		http.NotFound(w, r)
	}
}

func (a *anAlertmanager) post(w http.ResponseWriter, r *http.Request) {
	var s map[string]any
	if r.Header.Get("Content-Type") != "application/json" || json.NewDecoder(r.Body).Decode(&s) != nil {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	ends, _ := time.Parse(time.RFC3339, fmt.Sprint(s["endsAt"]))
	if ends.Before(a.now) {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `"Failed to create silence: end time can't be in the past"`+"\n")
		return
	}
	id := fmt.Sprintf("s%d", len(a.silences)+1)
	s["id"], s["status"] = id, map[string]string{"state": "active"}
	a.silences[id] = s
	fmt.Fprintf(w, `{"silenceID":%q}`, id)
}

var silenceNoon = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

func askedAlertmanager(t *testing.T) (*anAlertmanager, *alertmanager) {
	t.Helper()
	fake := &anAlertmanager{silences: map[string]map[string]any{}, now: silenceNoon}
	return fake, answering(t, "alertmanager", fake.ServeHTTP).(*alertmanager)
}

func TestAlertsOfAnAlertmanagerSayWhoKeepsThemQuiet(t *testing.T) {
	_, s := askedAlertmanager(t)
	all, err := s.Alerts(t.Context())
	if err != nil || len(all) != 4 {
		t.Fatalf("%v, %v", all, err)
	}
	first := all[0]
	if first.Name != "AnswerQualityLow" || first.Service != "support-chat" || first.Severity != "critical" || first.State != "firing" || first.Quiet() ||
		!first.Since.Equal(time.Date(2026, 11, 23, 13, 52, 0, 123e6, time.UTC)) || first.Text != "answers are judged bad" ||
		len(first.Labels) != 3 || first.ID != "a1" || first.Link == "" || first.Expr != "x" || first.Source != "main" {
		t.Errorf("%+v", first)
	}
	if a := all[1]; !a.Quiet() || len(a.Silenced) != 1 || a.Silenced[0] != "s1" || a.Link != "" {
		t.Errorf("silenced: %+v", a)
	}
	if a := all[2]; !a.Quiet() || len(a.Inhibited) != 1 || a.Text != "d" {
		t.Errorf("inhibited: %+v", a)
	}
	if a := all[3]; !a.Quiet() || a.Inhibited[0] != "mute time night" {
		t.Errorf("muted: %+v", a)
	}
	if v, err := s.Version(t.Context()); v != "0.27.0" || err != nil {
		t.Errorf("version %q, %v", v, err)
	}
}

func TestASilenceIsMadeListedAndExpired(t *testing.T) {
	_, s := askedAlertmanager(t)
	want := health.Silence{
		Starts: silenceNoon, Ends: silenceNoon.Add(time.Hour), By: "ann", Comment: "rolling back <prompt>",
		Matchers: []health.Matcher{{Name: "alertname", Value: "AnswerQualityLow"}, {Name: "team", Value: "a|b", Regex: true, Not: true}},
	}
	id, err := s.Silence(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Silences(t.Context())
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	want.ID, want.State, want.Source = id, "active", "main"
	if fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", want) {
		t.Errorf("\n got %+v\nwant %+v", got[0], want)
	}
	for range 2 { // the second time it has ended already
		if err := s.Expire(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if got, err := s.Silences(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("after it ended: %v, %v", got, err)
	}
}

func TestASilenceThatIsRefusedSaysWhy(t *testing.T) {
	fake, s := askedAlertmanager(t)
	good := health.Silence{Starts: silenceNoon, Ends: silenceNoon.Add(time.Hour), By: "ann", Comment: "c", Matchers: []health.Matcher{{Name: "a", Value: "b"}}}
	without := good
	without.Comment = ""
	if _, err := s.Silence(t.Context(), without); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "main: a silence needs a comment") {
		t.Error(err)
	}
	fake.now = silenceNoon.Add(2 * time.Hour)
	if _, err := s.Silence(t.Context(), good); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "end time can't be in the past") {
		t.Error(err)
	}
	if len(fake.silences) != 0 {
		t.Errorf("%v", fake.silences)
	}
	for _, fake.old = range []bool{false, true} {
		if err := s.Expire(t.Context(), "s9"); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "main: has no such silence") {
			t.Error(err)
		}
	}
	for _, id := range []string{"", "../status", "a?b"} {
		if err := s.Expire(t.Context(), id); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// FuzzAlertmanager gives answers that nobody wrote: they become alerts, silences or an
// error, and every link is one that may be followed.
func FuzzAlertmanager(f *testing.F) {
	for _, seed := range []string{
		``, `[]`, `null`, `{}`, `[null]`, `[{"labels":null,"status":{"silencedBy":null}}]`, `[{"labels":{"a":1}}]`, `[{"startsAt":"yesterday"}]`,
		`[{"matchers":[{"name":"a","isEqual":null}],"status":{"state":"active"}}]`, `[{"generatorURL":"https://u:p@x/"}]`, `[{"generatorURL":"\u001b]8;;"}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := answering(t, "alertmanager", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }).(*alertmanager)
		alerts, err := s.Alerts(t.Context())
		for _, a := range alerts {
			if err != nil || a.State != "firing" || a.Link != "" && !strings.HasPrefix(a.Link, "http") {
				t.Errorf("%+v, %v", a, err)
			}
		}
		silences, err := s.Silences(t.Context())
		for _, v := range silences {
			if err != nil || v.State == "expired" {
				t.Errorf("%+v, %v", v, err)
			}
		}
	})
}
