package tui

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

func TestAPictureIsXMLAndHasEveryLetter(t *testing.T) {
	h := newHand(hostile())
	screen := Screen(h.snap, h.State, 120, 40, h.look, noon)
	picture := SVG(screen, 120, 40, "a & b \x1b[2J")
	d := xml.NewDecoder(strings.NewReader(picture))
	var text strings.Builder
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := tok.(xml.CharData); ok {
			text.Write(c)
		}
	}
	for _, word := range []string{"sickbay", "WRITE", "SERVICE", "a & b"} {
		if !strings.Contains(text.String(), word) {
			t.Errorf("%q is not in the picture", word)
		}
	}
}

func TestPensFollowSGR(t *testing.T) {
	for _, c := range []struct {
		sgr  string
		want pen
	}{
		{"1;31", pen{bold: true, ink: "1"}},
		{"2;3;4;7;9", pen{faint: true, italic: true, under: true, reversed: true, struck: true}},
		{"96;41", pen{ink: "14", ground: "1"}},
		{"38;5;208", pen{ink: "#ff8700"}},
		{"38;5;9;1", pen{ink: "9", bold: true}},
		{"48;2;1;2;300", pen{ground: "#0102ff"}},
		{"38;5", pen{}},
		{"31;0", pen{}},
		{"31;39;1;22", pen{}},
		{"", pen{}},
	} {
		if got := (pen{}).with(c.sgr); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.sgr, got, c.want)
		}
	}
}

func FuzzSVG(f *testing.F) {
	f.Add("\x1b[31mred\x1b[m plain \x1b[38;5;4")
	f.Add("\x1b[")
	f.Add("日本\x00\x1b]0;x\a<&>\xff")
	f.Fuzz(func(t *testing.T, s string) {
		d := xml.NewDecoder(strings.NewReader(SVG(s, 80, 24, s)))
		for {
			if _, err := d.Token(); err == io.EOF {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestLinesBlocksAndBrailleAreShapesAndNotLetters(t *testing.T) {
	for text, shapes := range map[string]int{
		"ab": 0, "a─b": 2, "┼": 4, "█▁": 2, "⠁⣿": 9, "▌": 1, "╌": 2, "━╸": 3, "░": 0, "\u2800": 0,
	} {
		rest, path := outlined(text, 0, 0)
		if n := strings.Count(path, "M"); n != shapes {
			t.Errorf("%q: %d shapes, want %d", text, n, shapes)
		}
		if width(rest) != width(text) {
			t.Errorf("%q: %q is left, which is not as wide", text, rest)
		}
	}
}
