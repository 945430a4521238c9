package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

func TestEWritesWhatIsSeenForItsOwnerOnly(t *testing.T) {
	s, entries := incident()
	r := handOver(s, entries, time.Time{}, "", health.Redactor{})
	folder := filepath.Join(t.TempDir(), "state", "reports")
	path, err := writeReport(folder, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, strings.TrimSuffix(path, ".md") + ".html"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range s.Services {
			if v.Status == health.Critical && !strings.Contains(string(text), v.Name) {
				t.Errorf("%s does not name %s", name, v.Name)
			}
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "plain"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := writeReport(filepath.Join(folder, "plain"), r); err == nil || !strings.Contains(err.Error(), "plain") {
		t.Errorf("a folder that is a file: %v", err)
	}
}

// TestEHoldsTheWholeJournal: a snapshot has the newest lines only.
func TestEHoldsTheWholeJournal(t *testing.T) {
	s, entries := incident()
	all := make([]health.Entry, 500)
	for i := range all {
		all[i] = health.Entry{Seq: i, At: s.At, Event: "note", Text: "line"}
	}
	s.Journal = entries[:2]
	r := scribe{journal: func() ([]health.Entry, error) { return all, nil }}.report(s, "")
	if len(r.Actions) != len(all) {
		t.Errorf("%d lines of %d", len(r.Actions), len(all))
	}
	r = scribe{journal: func() ([]health.Entry, error) { return nil, os.ErrPermission }}.report(s, "")
	if len(r.Actions) != 2 || !strings.Contains(strings.Join(r.Open, "\n"), "permission denied") {
		t.Errorf("a journal that cannot be read: %d lines, open %q", len(r.Actions), r.Open)
	}
}
