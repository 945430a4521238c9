package pane

import (
	"strings"
	"testing"

	"sickbay/health"
	"sickbay/themes"
)

// The largest rectangle that is tried; terminals larger than that are rare, and
// the same code draws them.
const (
	widest  = 250
	highest = 80
)

// scenes are what every pane has to stand. Looks, filters and orders go round with
// the sizes.
func scenes(t testing.TB) []scenery {
	return []scenery{
		{"spoiled", spoiled(t)},
		{"empty", &health.Snapshot{}},
		{"good", ward()},
		{"asking", &health.Snapshot{Asking: true, Sources: ward().Sources}},
	}
}

type scenery struct {
	name string
	snap *health.Snapshot
}

func input(k Kind, look *themes.Look, snap *health.Snapshot) Input {
	in := Input{Snap: snap, Look: look, Now: now, Focus: true}
	in.View = View{Service: "support-chat", Failure: "f1", Request: "req-8812", Window: snap.Window, Content: "full"}
	if strings.HasPrefix(k.Name, "drift") {
		if s, ok := snap.Service("fraud-score"); ok {
			in.View.Service = s.Name
		}
	}
	return in
}

// vary turns a size into a variation of everything else.
func vary(in Input, k Kind, n int) Input {
	in.Focus = n%2 == 0
	in.Look = []*themes.Look{in.Look, in.Look.With(false, false), in.Look.With(true, true)}[n%3]
	in.State.Offset = n % 5 * 4
	in.State.Large = n%7 == 0
	in.View.Content = []string{"full", "hidden", "redacted"}[n%3]
	if n%5 == 0 {
		in.View.Beside = "req-8801"
	}
	if len(k.Sorts) > 0 {
		in.State.Sort = n % (len(k.Sorts) + 1)
	}
	if n%11 == 0 {
		in.State.Filter = "a"
	}
	if n%13 == 0 && k.Items != nil {
		if ids := k.Items(in); len(ids) > 0 {
			in.State.Selected = ids[n%len(ids)]
		}
	}
	return in
}

func TestEveryPaneFillsItsRectangle(t *testing.T) {
	look := testLook(t)
	stride := 1
	if race {
		stride = 13
	}
	all := scenes(t)
	var before []uint64
	for _, s := range all {
		before = append(before, digest(s.snap))
	}
	for _, k := range Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			n := 0
			for w := 1; w <= widest; w += stride {
				good := map[string]bool{} // rows that were found to be w cells already
				for h := 1; h <= highest; h += stride {
					n++
					s := all[n%len(all)]
					in := vary(input(k, look, s.snap), k, n/len(all))
					fills(t, k, in, w, h, good)
					if t.Failed() {
						t.Fatalf("%dx%d of %s", w, h, s.name)
					}
				}
			}
		})
	}
	for i, s := range all {
		if digest(s.snap) != before[i] {
			t.Errorf("drawing has changed the snapshot %s", s.name)
		}
	}
}

func fills(t *testing.T, k Kind, in Input, w, h int, good map[string]bool) {
	t.Helper()
	rows := k.Draw(in, w, h)
	if len(rows) != h {
		t.Fatalf("%d rows, want %d", len(rows), h)
	}
	for _, r := range rows {
		if !good[r] {
			checkCells(t, r, w)
			good[r] = true
		}
	}
}

func TestEveryPaneStandsACrowdAndEverySceneAtTheUsualSizes(t *testing.T) {
	look := testLook(t)
	all := append(scenes(t), scenery{"crowd", crowd()})
	for _, k := range Kinds() {
		for _, s := range all {
			for n, size := range [][2]int{{1, 1}, {2, 3}, {40, 10}, {80, 24}, {120, 40}, {200, 60}, {0, 0}, {10, 0}, {0, 10}} {
				in := vary(input(k, look, s.snap), k, n)
				fills(t, k, in, size[0], size[1], map[string]bool{})
				checkCells(t, k.Title(in), width(k.Title(in)))
				if k.Explain != nil {
					k.Explain(in)
				}
				if k.Lines != nil && k.Lines(in, size[0]) < 0 {
					t.Errorf("%s of %s has fewer than no lines", k.Name, s.name)
				}
			}
		}
	}
}

func TestEveryPaneSaysASentenceWhenThereIsNothing(t *testing.T) {
	look := testLook(t)
	for _, k := range Kinds() {
		in := input(k, look, &health.Snapshot{})
		in.View.Service, in.View.Request, in.View.Failure = "", "", ""
		text := strings.TrimSpace(strings.Join(k.Draw(in, 120, 6), " "))
		if len(strings.Fields(text)) < 3 {
			t.Errorf("%s says %q when there is nothing", k.Name, text)
		}
	}
}

func TestTheSelectedRowIsAlwaysSeen(t *testing.T) {
	look := testLook(t)
	for _, k := range Kinds() {
		if k.Items == nil {
			continue
		}
		in := input(k, look, crowd())
		for _, id := range k.Items(in) {
			in.State.Selected = id
			seen := false
			for _, r := range k.Draw(in, 80, 7) {
				seen = seen || strings.Contains(r, "▌")
			}
			if !seen {
				t.Errorf("%s: row %q is selected and not seen", k.Name, id)
				break
			}
		}
	}
}

func TestEveryItemHasAnIDOfItsOwn(t *testing.T) {
	look := testLook(t)
	for _, k := range Kinds() {
		if k.Items == nil {
			continue
		}
		in := input(k, look, ward())
		seen := map[string]bool{}
		for _, id := range k.Items(in) {
			if seen[id] {
				t.Errorf("%s: id %q twice", k.Name, id)
			}
			seen[id] = true
		}
		if len(seen) == 0 {
			t.Errorf("%s: the ward has no rows for it, so nothing was tested", k.Name)
		}
	}
}

func BenchmarkPanes120x40(b *testing.B) {
	look := testLook(b)
	snap := crowd()
	snap.Services = snap.Services[:30]
	for _, k := range Kinds() {
		in := input(k, look, snap)
		b.Run(k.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.Draw(in, 120, 36)
			}
		})
	}
}
