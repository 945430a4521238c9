package sources

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

const (
	aChange = `{"id":"c1","ts":"2026-11-23T13:50:00Z","kind":"prompt","service":"support-chat","from":"v31","to":"v32","text":"shorter","url":"https://x/1","uncertain_s":30}`
	early   = `{"id":"c0","ts":"2026-11-23T10:00:00Z","kind":"deploy"}`
)

var (
	feedSince = time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	theChange = health.Change{ID: "c1", At: time.Date(2026, 11, 23, 13, 50, 0, 0, time.UTC), Uncertain: 30 * time.Second, Kind: "prompt", Service: "support-chat",
		From: "v31", To: "v32", Text: "shorter", URL: "https://x/1", Source: "main"}
)

func TestAFeedIsAListOrLines(t *testing.T) {
	for name, text := range map[string]string{
		"a list":              "[" + early + "," + aChange + "]",
		"lines":               early + "\n\n" + aChange + "\n",
		"one line, no end":    "\n" + aChange,
		"numbers for texts":   `{"id":"c1","ts":1795441800,"kind":"prompt","service":"support-chat","from":"v31","to":"v32","text":"shorter","url":"https://x/1","uncertain_s":"30","more":{"x":1}}`,
		"time instead of ts":  strings.Replace(aChange, `"ts"`, `"time"`, 1),
		"milliseconds, blank": "  " + strings.Replace(aChange, `"2026-11-23T13:50:00Z"`, `1795441800000`, 1),
	} {
		asked := ""
		s := answering(t, "feed", func(w http.ResponseWriter, r *http.Request) {
			asked = r.URL.String()
			io.WriteString(w, text)
		})
		got, err := s.(Changes).Changes(t.Context(), feedSince)
		if err != nil || !reflect.DeepEqual(got, []health.Change{theChange}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if asked != "http://prometheus.example:9090/base?since=2026-11-23T13%3A00%3A00Z" {
			t.Errorf("%s: asked %s", name, asked)
		}
	}
}

func TestABadChangeIsNamedAndTheOthersStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "changes.jsonl")
	s := mustOpen(t, "feed", fmt.Sprintf("path = %q", path))
	for text, want := range map[string]string{
		aChange + "\n{\"id\":\n":            "line 2: it ends in the middle",
		"not json\n" + aChange:              "line 1: invalid character 'o' in literal null (expecting 'u')",
		"\n\n{\"ts\":\"soon\"}\n" + aChange: `line 3: ts "soon" is not a time`,
		"[{\"ts\":1}," + aChange + "]":      `change 1: ts "1" is not a time`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := s.(Changes).Changes(t.Context(), feedSince)
		if err == nil || err.Error() != "main: "+path+": "+want || !errors.Is(err, ErrRefused) || !reflect.DeepEqual(got, []health.Change{theChange}) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestAFeedFileThatIsNotThereIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "changes.jsonl")
	s := mustOpen(t, "feed", fmt.Sprintf("path = %q", path))
	if _, err := s.(Changes).Changes(t.Context(), feedSince); err == nil || err.Error() != "main: open "+path+": no such file or directory" {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := s.(Changes).Changes(t.Context(), feedSince); err != nil || got != nil {
		t.Errorf("an empty file: %v, %v", got, err)
	}
	if _, err := Open("feed", "main", decoder("path = \"a\"\nurl = \"http://x\"")); err == nil || err.Error() != `source "main": path: url is set too; keep one of them` {
		t.Errorf("got %v", err)
	}
}

func TestAChangeWithoutAnIDKeepsTheOneItGets(t *testing.T) {
	a, err := readChange([]byte(`{"ts":"2026-11-23T13:50:00Z","to":"v2"}`), "main")
	b, _ := readChange([]byte(`{"ts":"2026-11-23T13:50:00Z","to":"v2"}`), "main")
	c, _ := readChange([]byte(`{"ts":"2026-11-23T13:50:00Z","to":"v3"}`), "main")
	if err != nil || a.ID == "" || a.ID != b.ID || a.ID == c.ID {
		t.Errorf("%q %q %q %v", a.ID, b.ID, c.ID, err)
	}
}

func FuzzReadChanges(f *testing.F) {
	for _, s := range []string{aChange, "[" + aChange + "]", "[", "{", "\n\n[]", `{"ts":1e400}`, `{"ts":"2026-11-23T13:50:00Z","uncertain_s":1e300}`, "[1,null]", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		all, _, err := readChanges(strings.NewReader(string(text)), "main", time.Time{})
		if err != nil && strings.HasPrefix(strings.TrimSpace(string(text)), "[") && len(all) > 0 {
			t.Errorf("%q: both %d changes and %v", text, len(all), err)
		}
		for _, c := range all {
			if c.ID == "" || c.At.IsZero() || c.Source != "main" {
				t.Errorf("%q: %+v", text, c)
			}
		}
	})
}
