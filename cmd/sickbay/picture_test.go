package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"sickbay/themes"
	"sickbay/tui"
	"sickbay/tui/pane"
)

func TestAPictureHasTheSizeThatWasAskedFor(t *testing.T) {
	t.Parallel()
	config := stack(t, "bad-prompt").Config
	s := newConsole(t).want(0, "snapshot", "--config", config, "--size", "133x41", "--format", "ansi")
	lines := strings.Split(strings.TrimSuffix(s.out, "\n"), "\n")
	if len(lines) != 41 {
		t.Errorf("%d lines", len(lines))
	}
	for i, l := range lines {
		if n := ansi.StringWidth(l); n != 133 {
			t.Errorf("line %d is %d cells: %q", i, n, l)
		}
	}
	if !strings.Contains(s.out, "\x1b[") || !strings.Contains(ansi.Strip(s.out), "✗ support-chat") {
		t.Errorf("no colours, or not the picture: %q", clip(s.out))
	}
}

func TestTextHasNoColoursAndNoBlanksAtTheEnd(t *testing.T) {
	t.Parallel()
	s := newConsole(t).want(0, "snapshot", "--config", stack(t, "bad-prompt").Config, "--size", "80x24")
	if strings.Contains(s.out, "\x1b") || !strings.Contains(s.out, "▌✗ support-chat") || strings.Count(s.out, "\n") != 24 {
		t.Errorf("%q", clip(s.out))
	}
	for _, l := range strings.Split(s.out, "\n") {
		if strings.TrimRight(l, " ") != l {
			t.Errorf("blanks at the end of %q", l)
		}
	}
}

func TestNoColorLeavesNoColour(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.env["NO_COLOR"] = "1"
	s := c.want(0, "snapshot", "--config", withoutPrometheus(t, stack(t, "bad-prompt").Config, stack(t, "bad-prompt").Prometheus, nobodyAt(t)), "--format", "ansi")
	for _, sgr := range strings.Split(s.out, "\x1b[")[1:] {
		codes, _, _ := strings.Cut(sgr, "m")
		for _, code := range strings.Split(codes, ";") {
			if !slices.Contains([]string{"", "0", "1", "2", "3", "4", "7", "22", "23", "24", "27"}, code) {
				t.Fatalf("a colour in spite of NO_COLOR: ESC[%sm", codes)
			}
		}
	}
}

func TestAnSVGIsWellFormed(t *testing.T) {
	t.Parallel()
	look, err := themes.Load("default")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &app{now: func() time.Time { return storyTime }}
	if err := a.picture(&out, glance(t), seen{View: pane.View{Screen: "drift", Service: "support-chat", Window: time.Hour}}, 120, 40, look, "svg"); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(out.Bytes()))
	var words strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			words.Write(text)
		}
	}
	if !strings.HasPrefix(out.String(), "<svg ") || !strings.Contains(words.String(), "sickbay: drift") {
		t.Errorf("%q", clip(out.String()))
	}
}

func TestASnapshotOfThePastIsThePast(t *testing.T) {
	t.Parallel()
	s := newConsole(t).want(0, "snapshot", "--config", stack(t, "bad-prompt").Config, "--at", "13:40")
	if !strings.Contains(s.out, "at 13:40") || !strings.Contains(s.out, "✓ support-chat") {
		t.Errorf("%s", s.out)
	}
}

func TestAMomentIsWrittenInManyWays(t *testing.T) {
	t.Parallel()
	day := func(d, h, m int) time.Time { return time.Date(2026, 11, d, h, m, 0, 0, time.UTC) }
	for at, want := range map[string]time.Time{
		"": {}, "13:40": day(20, 13, 40), "14:02": day(20, 14, 2), "14:03": day(19, 14, 3), "23:59": day(19, 23, 59),
		"2026-11-20T13:40:00Z": day(20, 13, 40), "2026-11-20T14:40:00+01:00": day(20, 13, 40), "2026-11-20T13:40": day(20, 13, 40), "2026-11-20 13:40": day(20, 13, 40),
	} {
		a := &app{now: func() time.Time { return storyTime }, flags: flags{at: at}}
		if got, err := a.moment(); err != nil || !got.Equal(want) {
			t.Errorf("--at %q: %s, %v, want %s", at, got, err, want)
		}
	}
	west := &app{flags: flags{at: "03:50"}, now: func() time.Time { return day(20, 4, 0).In(time.FixedZone("west", -5*3600)) }}
	if got, err := west.moment(); err != nil || !got.Equal(day(20, 3, 50)) {
		t.Errorf("03:50 ten minutes later, where it is still the 19th: %s, %v", got, err)
	}
}

func TestWhoIsNotThereIsNotDrawn(t *testing.T) {
	t.Parallel()
	newConsole(t).want(exitFailed, "snapshot", "--config", stack(t, "bad-prompt").Config, "--request", "no-such-id")
	snap := glance(t)
	if err := (snapshotFlags{service: "suport-chat"}).missing(snap); err == nil || !strings.Contains(err.Error(), `"suport-chat"`) {
		t.Errorf("a service that is not there: %v", err)
	}
	if err := (snapshotFlags{service: "support-chat"}).missing(snap); err != nil {
		t.Error(err)
	}
}

func TestARequestIsOpenedByItsID(t *testing.T) {
	t.Parallel()
	_, id := newestFailure(glance(t), "support-chat")
	if id == "" {
		t.Fatal("no failing request of support-chat")
	}
	s := newConsole(t).want(0, "snapshot", "--config", stack(t, "bad-prompt").Config, "--request", id)
	if !strings.Contains(s.out, "REQUEST "+id) || !regexp.MustCompile(`prompt +v32\b`).MatchString(s.out) {
		t.Errorf("%s", s.out)
	}
}

// look is every view of a stack at both sizes, by name.
func look(t *testing.T, scenario string, ascii bool) map[string]string {
	t.Helper()
	var out bytes.Buffer
	a := &app{out: &out, err: io.Discard, getenv: func(string) string { return "" }, now: func() time.Time { return storyTime }, patience: leisure}
	a.flags.ascii = ascii
	work <- struct{}{}
	defer func() { <-work }()
	if err := a.lookAtAll(t.Context(), stack(t, scenario).Config, ""); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, part := range strings.Split("\n"+out.String(), "\n── ")[1:] {
		name, picture, _ := strings.Cut(part, " ──\n")
		all[name] = picture
	}
	return all
}

func TestEveryViewOfADemoIsPrinted(t *testing.T) {
	t.Parallel()
	all := look(t, "bad-prompt", false)
	for _, view := range tui.Screens() {
		for _, size := range []string{"80x24", "120x40"} {
			picture := all[view+"-"+size]
			if h := strings.Count(strings.TrimSuffix(picture, "\n"), "\n") + 1; !strings.HasSuffix(size, fmt.Sprintf("x%d", h)) {
				t.Errorf("%s at %s has %d lines:\n%s", view, size, h, picture)
			}
			if !strings.HasPrefix(picture, "sickbay  ") || !utf8.ValidString(picture) {
				t.Errorf("%s at %s:\n%s", view, size, clip(picture))
			}
			if strings.Contains(picture, "reading it") || strings.Contains(picture, "asking") {
				t.Errorf("%s at %s was drawn before it was whole:\n%s", view, size, clip(picture))
			}
		}
	}
	if !strings.Contains(all["request-120x40"], "TRACE  5 spans") {
		t.Errorf("the request without its trace:\n%s", all["request-120x40"])
	}
}

// TestASCIIIsASCII: with --ascii nothing of ours is outside of it, whatever is shown.
func TestASCIIIsASCII(t *testing.T) {
	t.Parallel()
	for name, picture := range look(t, "bad-prompt", true) {
		for i, line := range strings.Split(picture, "\n") {
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s, line %d: %q", name, i+1, line)
			}
		}
	}
}

func TestThePicturesOfTheDocsAreWrittenIntoAFolder(t *testing.T) {
	t.Parallel()
	a := &app{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }, now: func() time.Time { return storyTime }, patience: leisure}
	dir := filepath.Join(t.TempDir(), "new", "folder")
	place := stack(t, "stale-index")
	work <- struct{}{}
	defer func() { <-work }()
	if err := a.lookAtAll(t.Context(), place.Config, dir); err != nil {
		t.Fatal(err)
	}
	for _, view := range tui.Screens() {
		if b, err := os.ReadFile(filepath.Join(dir, view+"-80x24.svg")); err != nil || !bytes.HasPrefix(b, []byte("<svg ")) {
			t.Errorf("%s: %v", view, err)
		}
	}
}
