package tui

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/pane"
)

var update = flag.Bool("update", false, "write testdata/screens anew")

// goldenSizes are the sizes every view has a picture at.
var goldenSizes = [][2]int{{80, 24}, {120, 40}, {200, 60}}

func TestScreensLookLikeTheirPictures(t *testing.T) {
	for _, screen := range Screens() {
		t.Run(screen, func(t *testing.T) {
			for _, size := range goldenSizes {
				h := newHand(ward())
				h.w, h.h = size[0], size[1]
				h.Name, h.Write = "demo", false
				switch screen {
				case "request":
					h.press("i")
				case "drift":
					h.press("j 3")
				default:
					h.State = openView(h.State, h.scene, screen)
				}
				compare(t, fmt.Sprintf("%s-%dx%d", screen, size[0], size[1]), h.screen())
			}
		})
	}
}

func TestDialogsLookLikeTheirPictures(t *testing.T) {
	for _, size := range goldenSizes {
		for _, c := range []struct {
			name string
			h    func() *hand
		}{
			{"help", func() *hand { return newHand(ward()).press("?") }},
			{"explain", func() *hand { return newHand(ward()).press("e") }},
			{"confirm", func() *hand { return filled(planned()) }},
			{"confirm-asking", func() *hand { return atDialog(ward()) }},
			{"choose", func() *hand { return newHand(ward()).press("j R").wait(quiet) }},
			{"watching", func() *hand {
				h := newHand(ward())
				h.snap.Rollbacks = append([]health.Rollback{{ID: "op-9", Service: "support-chat", Target: "support-chat/prompt", From: "v32", To: "v31", By: "ann",
					State: health.OpApplied, At: at(1), Applied: at(0.8), Text: "quality 0.84 within 0.80, 1 of 3 looks"}}, h.snap.Rollbacks...)
				h.Op = "op-9"
				return h.press("5")
			}},
			{"after-changes", func() *hand { return newHand(rolledBack(5*time.Minute, "v31")).press("5") }},
			{"after-service", func() *hand { return newHand(rolledBack(5*time.Minute, "v31")).press("2") }},
			{"command", func() *hand { return newHand(ward()).press(":s") }},
			{"asking", func() *hand {
				return newHand(&health.Snapshot{Asking: true, Live: true, Window: time.Hour, Sources: []health.SourceState{{Name: "main", Kind: "prometheus"}}})
			}},
		} {
			h := c.h()
			h.w, h.h = size[0], size[1]
			h.Name = "demo"
			compare(t, fmt.Sprintf("%s-%dx%d", c.name, size[0], size[1]), h.screen())
		}
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "screens", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: make it with go test ./tui -update, and look at it", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", name, got)
	}
}

// hostile is the fixture with every text from outside replaced by an attack.
func hostile() *health.Snapshot {
	const evil = "\x1b]52;c;ZXZpbA==\a\x1b[2J\r\n\u009b31m\u202eflip\u2066 日本語 👩‍👩‍👧 ́́́́\xff\xc2\x1b]0;x\x07\t╔═╗"
	snap := ward()
	for i := range snap.Services {
		v := &snap.Services[i]
		v.Name += evil
		v.Version = evil
		for j := range v.Findings {
			v.Findings[j].Text = evil
		}
		for j := range v.Suspects {
			v.Suspects[j].From, v.Suspects[j].Evidence = evil, []string{evil, evil}
		}
		for j := range v.Targets {
			v.Targets[j].Current, v.Targets[j].Blocked = evil, evil
		}
		for j := range v.Signals {
			s := &v.Signals[j]
			s.Title, s.Note, s.Query, s.Value = evil, evil, evil, math.NaN()
			s.Series = append(s.Series, health.Point{T: noon.UnixMilli(), V: math.Inf(1)}, health.Point{T: -5, V: math.NaN()})
		}
		for j := range v.Drift {
			v.Drift[j].Signal, v.Drift[j].Cells = evil, []string{evil, evil, evil, evil}
		}
	}
	for i := range snap.Failures {
		f := &snap.Failures[i]
		f.Service, f.Signature, f.Example, f.InCommon, f.Shared = snap.Services[0].Name, evil, evil, []string{evil}, []health.Shared{{Text: evil, Fields: []health.Field{{Name: evil, Value: evil}}}}
	}
	for i := range snap.Changes {
		snap.Changes[i].Text, snap.Changes[i].Service, snap.Changes[i].From = evil, evil, evil
	}
	for i := range snap.Alerts {
		snap.Alerts[i].Name, snap.Alerts[i].Text = evil, evil
	}
	for i := range snap.Sources {
		snap.Sources[i].Name, snap.Sources[i].Error, snap.Sources[i].OK = evil, evil, false
	}
	for i := range snap.Journal {
		snap.Journal[i].Text, snap.Journal[i].By = evil, evil
	}
	for id, r := range snap.Requests {
		r.Prompt, r.Answer, r.Raw, r.Message, r.Lineage.Prompt = evil, strings.Repeat(evil, 20), evil, evil, evil
		r.Tools = []health.ToolCall{{Name: evil, Arguments: evil, Result: evil, Error: evil}}
		r.Chunks = []health.Chunk{{ID: evil, Text: evil}}
		snap.Requests[id] = r
	}
	snap.Rollbacks[0].State, snap.Rollbacks[0].Text, snap.Rollbacks[0].Target = health.OpApplied, evil, evil
	p := plan(noon)
	p.From, p.Diff, p.Warnings = evil, []string{"- " + evil, "+ " + evil}, []string{evil}
	snap.Plans["support-chat/prompt@v31"] = health.Planned{Plan: p}
	return snap
}

// emptyish are snapshots in which things are missing.
func emptyish() []*health.Snapshot {
	return []*health.Snapshot{
		{},
		{Asking: true, Window: time.Hour},
		{Services: []health.Service{{Name: "x"}}, Failures: []health.Failure{{ID: "f"}}, Alerts: make([]health.Alert, 3), Changes: make([]health.Change, 2)},
	}
}

func TestEverySizeIsFilledExactlyAndNothingForeignGetsIn(t *testing.T) {
	snaps := append(emptyish(), ward(), hostile())
	looks := looksOf(t)
	n := 0
	for w := 1; w <= 250; w += 1 + n%13 {
		for h := 1; h <= 80; h += 1 + n%7 {
			n++
			screen := Screens()[n%len(screens)]
			snap := snaps[n%len(snaps)]
			look := looks[n%len(looks)]
			s := NewState(pane.View{Screen: screen, Request: "req-9000", Content: "full"})
			s.Name, s.Write = "demo\x1b[2J", true
			s.Focus = n / 3 % len(panesOf(screen))
			s.View.Zoom = n%11 == 0
			switch n % 6 {
			case 0:
				s.Sheet = Sheet{Kind: sheetHelp}
			case 1:
				s.Sheet = Sheet{Kind: sheetExplain}
			case 2:
				s.Confirm = Confirm{Open: true, Service: "support-chat", Chosen: choice{"support-chat/prompt", "v31"}}
			case 3:
				s.Prompt = Prompt{Kind: promptCommand, Text: "s"}
			}
			square(t, fmt.Sprintf("%s %dx%d case %d", screen, w, h, n), Screen(snap, s, w, h, look, noon), w, h, look.ASCII)
		}
	}
	if n < 500 {
		t.Errorf("only %d sizes were tried", n)
	}
}

func looksOf(t *testing.T) []*themes.Look {
	var looks []*themes.Look
	for _, name := range themes.Names() {
		l, err := themes.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		looks = append(looks, l, l.With(true, false))
	}
	return looks
}

// square fails unless a screen is w × h cells of harmless text.
func square(t *testing.T, name, screen string, w, h int, asciiOnly bool) {
	t.Helper()
	rows := strings.Split(screen, "\n")
	if len(rows) != h {
		t.Fatalf("%s: %d rows", name, len(rows))
	}
	for y, r := range rows {
		if n := ansi.StringWidth(r); n != w {
			t.Fatalf("%s: row %d is %d cells: %q", name, y, n, r)
		}
		if n := ansi.StringWidthWc(r); n != w {
			t.Fatalf("%s: row %d is %d cells to a terminal that counts characters: %q", name, y, n, r)
		}
		left := r
		for left != "" {
			if _, rest, ok := cutSGR(left); ok {
				left = rest
				continue
			}
			c, n := utf8.DecodeRuneInString(left)
			if c < ' ' || c >= 0x7f && c < 0xa0 || c == utf8.RuneError && n == 1 || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 || asciiOnly && c > '~' {
				t.Fatalf("%s: row %d has %U: %q", name, y, c, r)
			}
			left = left[n:]
		}
	}
}

func TestDrawingChangesNoSnapshot(t *testing.T) {
	snap := ward()
	before := fmt.Sprintf("%+v", snap)
	h := newHand(snap)
	for _, screen := range Screens() {
		h.State = openView(h.State, h.scene, screen)
		h.screen()
	}
	h.press("/s enter s s ? esc e")
	if fmt.Sprintf("%+v", snap) != before {
		t.Errorf("the snapshot is another one after it was drawn")
	}
}

func TestWarmPicturesAreThePicturesDrawnAnew(t *testing.T) {
	h := newHand(ward())
	p := newPictures()
	for _, key := range strings.Fields("j j tab tab k / f r enter esc 2 3 j 4 j tab i n esc 5 6 7 8 z z [ [ ] 0 t T p p ? esc 1 R") {
		h.press(key)
		if warm, cold := p.draw(h.State, h.scene), newPictures().draw(h.State, h.scene); warm != cold {
			t.Fatalf("after %s the warm picture differs:\n%s\nfrom\n%s", key, Text(warm), Text(cold))
		}
	}
}

func TestAnIdleSecondDrawsTheSame(t *testing.T) {
	h := newHand(ward())
	first := Screen(h.snap, h.State, 120, 40, h.look, noon.Add(time.Second))
	for i := 2; i < 54; i++ {
		if got := Screen(h.snap, h.State, 120, 40, h.look, noon.Add(time.Duration(i)*time.Second)); got != first {
			t.Fatalf("the screen changed after %d s without news", i)
		}
	}
}

func TestTheStripSaysNoMoreThanIsKnown(t *testing.T) {
	for _, state := range []health.OpState{health.OpPlanned, health.OpSending, health.OpAccepted, health.OpUnknown, health.OpApplied, health.OpRecovered,
		health.OpNotRecovered, health.OpUnproven, health.OpNotApplied, health.OpMoved, health.OpRefused, health.OpDenied, health.OpFailed, health.OpAbandoned} {
		snap := ward()
		snap.Rollbacks = []health.Rollback{{ID: "op-9", Target: "a/b", From: "2", To: "1", State: state, At: noon}}
		h := newHand(snap)
		h.Op = "op-9"
		if long := Text(Screen(snap, h.State, 120, 40, h.look, noon.Add(news))); state.Ended() == strings.Contains(strings.Split(long, "\n")[1], "a/b") {
			t.Errorf("%s: after %v the strip is %q", state, news, strings.Split(long, "\n")[1])
		}
		strip := strings.Split(h.screen(), "\n")[1]
		if opSaid[state] == "" || !strings.Contains(strip, opSaid[state]) {
			t.Errorf("%s: %q", state, strip)
		}
		if strings.Contains(strip, "recovered") != (state == health.OpRecovered) && state != health.OpNotRecovered {
			t.Errorf("%s: %q claims a recovery", state, strip)
		}
		if h.press("esc"); state.Ended() == strings.Contains(strings.Split(h.screen(), "\n")[1], "a/b") {
			t.Errorf("%s: after esc the strip is %q", state, strings.Split(h.screen(), "\n")[1])
		}
	}
}

func BenchmarkViewWarm(b *testing.B) {
	h := newHand(ward())
	p := newPictures()
	p.draw(h.State, h.scene)
	b.ReportAllocs()
	for b.Loop() {
		p.draw(h.State, h.scene)
	}
}

func BenchmarkViewCold(b *testing.B) {
	for _, screen := range Screens() {
		b.Run(screen, func(b *testing.B) {
			h := newHand(ward())
			h.State = openView(h.State, h.scene, screen)
			b.ReportAllocs()
			for b.Loop() {
				newPictures().draw(h.State, h.scene)
			}
		})
	}
}

func BenchmarkTwoKeysInAList(b *testing.B) {
	h := newHand(ward())
	p := newPictures()
	h.press("4")
	b.ReportAllocs()
	for b.Loop() {
		h.press("j")
		p.draw(h.State, h.scene)
		h.press("k")
		p.draw(h.State, h.scene)
	}
}

func TestTheHeaderKeepsWhatMattersAtEveryWidth(t *testing.T) {
	snap := ward()
	for _, write := range []bool{true, false} {
		h := newHand(snap)
		h.Write, h.Name = write, "a name of a place that is far too long for any header"
		for w := minWidth; w <= 250; w++ {
			line := Text(header(h.State, h.scene, w))
			want := []string{"✗ 1", "▲ 2", "live", "14:02"}
			if write {
				want = append(want, "WRITE")
			} else {
				want = append(want, "READ-ONLY")
			}
			for _, part := range want {
				if !strings.Contains(line, part) {
					t.Errorf("%d cells: no %q in %q", w, part, line)
				}
			}
		}
	}
}
