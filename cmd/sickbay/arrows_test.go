package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows is the picture of the house: which room may lean on which. A folder below
// a room that is not named itself obeys the room's line.
var arrows = map[string]string{
	"health":            "",
	"drift":             "",
	"logs":              "health",
	"triage":            "health drift",
	"packs":             "health",
	"sources":           "health logs",
	"rollback":          "health",
	"engine":            "health sources packs logs drift triage rollback",
	"themes":            "",
	"tui/chart":         "health themes",
	"tui/pane":          "health packs themes tui/chart",
	"tui":               "health packs themes tui/pane tui/chart",
	"demo":              "health demo/prom",
	"demo/prom":         "health",
	"config":            "health packs sources rollback themes",
	"cmd/internal/proc": "",
	"cmd/fleet":         "*",
	"cmd/logload":       "*",
	"cmd/sickbay":       "*",
}

// outside says which rooms may import a library of the outside world; a library
// that is not named may be imported by nobody.
var outside = map[string]string{
	"charm.land/bubbletea/v2":                 "tui cmd/sickbay",
	"charm.land/bubbles/v2":                   "tui tui/pane",
	"charm.land/lipgloss/v2":                  "themes tui tui/pane tui/chart",
	"github.com/NimbleMarkets/ntcharts/v2":    "tui/chart tui/pane",
	"github.com/charmbracelet/x/ansi":         "tui tui/pane tui/chart cmd/sickbay cmd/logload",
	"github.com/charmbracelet/x/term":         "cmd/sickbay",
	"github.com/charmbracelet/colorprofile":   "cmd/sickbay tui",
	"github.com/BurntSushi/toml":              "packs themes config cmd/logload",
	"github.com/prometheus/client_golang/api": "sources",
	"github.com/prometheus/common":            "sources demo/prom",
	"github.com/prometheus/prometheus":        "demo demo/prom",
	"github.com/fsnotify/fsnotify":            "sources",
	"github.com/spf13/cobra":                  "cmd/sickbay",
	"golang.org/x/sys":                        "rollback cmd/sickbay",
	"golang.org/x/term":                       "cmd/sickbay",
}

func TestRoomsLeanOnlyOnTheRoomsTheyMay(t *testing.T) {
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		room := filepath.ToSlash(filepath.Dir(rel))
		may, known := arrows[room]
		if !known {
			t.Errorf("%s is a new room: say in arrows_test.go what it may lean on", room)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range file.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			if complaint := lean(room, may, name); complaint != "" {
				t.Errorf("%s: %s", filepath.ToSlash(rel), complaint)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lean says what is wrong with a room importing a package, or nothing.
func lean(room, may, imported string) string {
	if inner, ours := strings.CutPrefix(imported, "sickbay/"); ours {
		if may == "*" || slices.Contains(strings.Fields(may), inner) {
			return ""
		}
		return room + " leans on " + inner
	}
	if !strings.Contains(strings.Split(imported, "/")[0], ".") {
		return "" // the standard library
	}
	for library, rooms := range outside {
		if imported == library || strings.HasPrefix(imported, library+"/") {
			if slices.Contains(strings.Fields(rooms), room) {
				return ""
			}
			return room + " may not import " + library
		}
	}
	return imported + " is a new dependency: weigh it in the commit and name it in arrows_test.go"
}
