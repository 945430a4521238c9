package rollback

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

func TestThePastIsWhatWasSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "chat.jsonl")
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	p := newPast(path, "x")
	for i, c := range []struct{ runs, before string }{
		{"v30", ""}, {"v30", ""}, {"v31", "v30"}, {"v32", "v31"}, {"v32", "v31"}, {"v31", "v30"}, {"v33", "v31"}, {"v30", ""},
	} {
		before, _, err := p.saw(c.runs, now.Add(time.Duration(i)*time.Minute))
		if err != nil || before != c.before {
			t.Errorf("%d: it runs %s, before it %q, %v; want %q", i, c.runs, before, err, c.before)
		}
		again, _, _ := newPast(path, "x").saw(c.runs, now) // another process, later
		if again != c.before {
			t.Errorf("%d: read again: before %s was %q, want %q", i, c.runs, again, c.before)
		}
	}
	b, _ := os.ReadFile(path)
	if n := strings.Count(string(b), "\n"); n != 6 {
		t.Errorf("%d lines for 6 changes:\n%s", n, b)
	}
}

func TestAPastSomebodyElseCouldWriteIsNotUsed(t *testing.T) {
	path := file(t, "past.jsonl", `{"at":"2026-11-20T10:00:00Z","version":"v1"}`+"\n")
	os.Chmod(path, 0o666)
	s := newPast(path, "x").remembered(State{Version: "v2", History: []health.Version{{ID: "v1"}, {ID: "v0"}}, Back: "v0"}, time.Now())
	if s.Back != "v0" || !strings.Contains(strings.Join(s.Notes, " "), "can be written by others") || !strings.Contains(strings.Join(s.Notes, " "), "v0 is a guess") {
		t.Errorf("%+v", s)
	}
	os.Chmod(path, 0o600)
	if s := newPast(path, "x").remembered(State{Version: "v2", History: []health.Version{{ID: "v1"}, {ID: "v0"}}, Back: "v0"}, time.Now()); s.Back != "v1" || len(s.Notes) != 0 {
		t.Errorf("%+v", s)
	}
	if s := newPast(path, "x").remembered(State{Version: "v3", History: []health.Version{{ID: "v1"}}, Back: "v1"}, time.Now()); s.Back != "v1" || !strings.Contains(strings.Join(s.Notes, " "), "guess") {
		t.Errorf("v2 is gone, and %+v", s)
	}
}

func FuzzPast(f *testing.F) {
	f.Add("{\"at\":\"2026-11-20T10:00:00Z\",\"version\":\"v1\"}\n{\"version\":\"v2\"}\n{")
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := readPast(strings.NewReader(text))
		for _, v := range all {
			if !plainID(v.ID) {
				t.Errorf("%q", v.ID)
			}
		}
	})
}
