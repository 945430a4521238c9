package pane

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

var update = flag.Bool("update", false, "redraw testdata/panes (then look at the diff)")

// scene is what a pane is looked at with in its golden pictures.
func scene(t testing.TB, pane string) Input {
	in := Input{Snap: ward(), Look: testLook(t), Now: now, Focus: true}
	in.View = View{Screen: "overview", Service: "support-chat", Failure: "f1", Request: "req-8812", Window: in.Snap.Window, Content: "hidden"}
	switch pane {
	case "drift", "driftdetail":
		in.View.Service, in.View.Drift = "fraud-score", "feature/amount"
	}
	return in
}

// pictures are the sizes of the golden pictures: those a pane has at 120x40 and
// 80x24, and one that is small.
func pictures(pane string) [][2]int {
	switch pane {
	case "services":
		return [][2]int{{200, 10}, {120, 10}, {80, 10}, {40, 6}}
	case "charts":
		return [][2]int{{120, 24}, {80, 13}, {40, 8}}
	case "request":
		return [][2]int{{120, 36}, {80, 40}}
	case "sources", "journal":
		return [][2]int{{120, 14}, {80, 12}}
	}
	return [][2]int{{100, 12}, {68, 8}, {51, 8}}
}

func TestGoldenPanes(t *testing.T) {
	for _, k := range Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			in := scene(t, k.Name)
			var b strings.Builder
			for _, size := range pictures(k.Name) {
				fmt.Fprintf(&b, "── %dx%d ── %s\n", size[0], size[1], k.Title(in))
				for _, r := range k.Draw(in, size[0], size[1]) {
					b.WriteString(strings.TrimRight(ansi.Strip(r), " ") + "\n")
				}
			}
			if k.Name == "services" || k.Name == "charts" || k.Name == "trace" {
				in.Look = in.Look.With(true, true)
				b.WriteString("── 80x12, ASCII\n")
				for _, r := range k.Draw(in, 80, 12) {
					b.WriteString(strings.TrimRight(ansi.Strip(r), " ") + "\n")
				}
			}
			compare(t, filepath.Join("testdata", "panes", k.Name+".txt"), b.String())
		})
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed (go test -update redraws it); now:\n%s", file, got)
	}
}
