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

	"sickbay/tui"
)

func TestAPictureHasTheSizeThatWasAskedFor(t *testing.T) {
	t.Parallel()
	config := stack(t, "bad-prompt").Config
	for _, size := range []struct {
		arg  string
		w, h int
	}{{"80x24", 80, 24}, {"133x41", 133, 41}} {
		s := newConsole(t).want(0, "snapshot", "--config", config, "--size", size.arg, "--format", "ansi")
		lines := strings.Split(strings.TrimSuffix(s.out, "\n"), "\n")
		if len(lines) != size.h {
			t.Errorf("%s: %d lines", size.arg, len(lines))
		}
		for i, l := range lines {
			if n := ansi.StringWidth(l); n != size.w {
				t.Errorf("%s: line %d is %d cells: %q", size.arg, i, n, l)
			}
		}
		if !strings.Contains(s.out, "\x1b[") || !strings.Contains(ansi.Strip(s.out), "✗ support-chat") {
			t.Errorf("%s: no colours, or not the picture: %q", size.arg, clip(s.out))
		}
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
	s := c.want(0, "snapshot", "--config", stack(t, "bad-prompt").Config, "--format", "ansi")
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
	s := newConsole(t).want(0, "snapshot", "--config", stack(t, "bad-prompt").Config, "--format", "svg", "--view", "drift", "--service", "support-chat")
	d := xml.NewDecoder(strings.NewReader(s.out))
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
	if !strings.HasPrefix(s.out, "<svg ") || !strings.Contains(words.String(), "sickbay: drift") {
		t.Errorf("%q", clip(s.out))
	}
}

func TestASnapshotOfThePastIsThePast(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for _, at := range []string{"13:40", "2026-11-20T13:40:00Z", "2026-11-20 13:40"} {
		s := c.want(0, "snapshot", "--config", stack(t, "bad-prompt").Config, "--at", at)
		if !strings.Contains(s.out, "at 13:40") || !strings.Contains(s.out, "✓ support-chat") {
			t.Errorf("--at %s:\n%s", at, s.out)
		}
	}
}

func TestWhoIsNotThereIsNotDrawn(t *testing.T) {
	t.Parallel()
	config := stack(t, "bad-prompt").Config
	for _, args := range [][]string{{"--service", "suport-chat"}, {"--request", "no-such-id"}} {
		s := newConsole(t).want(exitFailed, append([]string{"snapshot", "--config", config}, args...)...)
		if s.out != "" || !strings.Contains(s.err, args[1]) {
			t.Errorf("%v: out %q, err %q", args, clip(s.out), s.err)
		}
	}
}

func TestARequestIsOpenedByItsID(t *testing.T) {
	t.Parallel()
	config := stack(t, "bad-prompt").Config
	c := newConsole(t)
	list := c.want(0, "snapshot", "--config", config, "--view", "failures", "--service", "support-chat").out
	id := regexp.MustCompile(`\breq-[0-9a-z]+\b`).FindString(list)
	if id == "" {
		t.Fatalf("no id of a request in the failures view:\n%s", list)
	}
	s := c.want(0, "snapshot", "--config", config, "--request", id)
	if !strings.Contains(s.out, "REQUEST "+id) || !strings.Contains(s.out, "prompt        v32") {
		t.Errorf("%s", s.out)
	}
}

// look is every view of a stack at both sizes, by name.
func look(t *testing.T, scenario string, ascii bool) map[string]string {
	t.Helper()
	var out bytes.Buffer
	a := &app{out: &out, err: io.Discard, getenv: func(string) string { return "" }, now: func() time.Time { return storyTime }}
	a.flags.ascii = ascii
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
		}
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
	a := &app{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }, now: func() time.Time { return storyTime }}
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := a.lookAtAll(t.Context(), stack(t, "stale-index").Config, dir); err != nil {
		t.Fatal(err)
	}
	for _, view := range tui.Screens() {
		if b, err := os.ReadFile(filepath.Join(dir, view+"-80x24.svg")); err != nil || !bytes.HasPrefix(b, []byte("<svg ")) {
			t.Errorf("%s: %v", view, err)
		}
	}
}
