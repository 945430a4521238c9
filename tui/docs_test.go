package tui

import (
	"os"
	"path/filepath"
	"testing"
)

// TestDocsAreWhatTheProgramSays holds those files of docs/ that are made from
// values alone; go test -update writes them.
func TestDocsAreWhatTheProgramSays(t *testing.T) {
	dialog := filled(planned())
	dialog.w, dialog.h = 100, 30
	for name, want := range map[string]string{
		"keys.md":      KeysMarkdown(),
		"rollback.svg": SVG(Screen(dialog.snap, dialog.State, dialog.w, dialog.h, dialog.look, dialog.now), dialog.w, dialog.h, "sickbay: a rollback, planned and not yet confirmed"),
	} {
		file := filepath.Join("..", "docs", name)
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("docs/%s is not what the program says any more: make docs writes it", name)
		}
	}
}
