package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sickbay/health"
)

func TestEWritesWhatIsSeenForItsOwnerOnly(t *testing.T) {
	s, entries := incident()
	s.Journal = entries
	folder := filepath.Join(t.TempDir(), "state", "reports")
	path, err := writeReport(folder, s, "", health.Redactor{})
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
	if _, err := writeReport(filepath.Join(folder, "plain"), s, "", health.Redactor{}); err == nil || !strings.Contains(err.Error(), "plain") {
		t.Errorf("a folder that is a file: %v", err)
	}
}
