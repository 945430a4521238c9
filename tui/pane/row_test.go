package pane

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"sickbay/themes"
)

func testLook(t testing.TB) *themes.Look {
	t.Helper()
	l, err := themes.Load("default")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRows(t *testing.T) {
	in := Input{Look: testLook(t)}
	for _, c := range []struct {
		name string
		make func() *row
		want string
	}{
		{"text and blanks", func() *row { return newRow(in, 6).put(themes.Text, "abc") }, "abc   "},
		{"one SGR for neighbours", func() *row { return newRow(in, 4).put(themes.Warn, "a").put(themes.Warn, "b") }, "\x1b[33mab\x1b[m  "},
		{"blanks have no role", func() *row { return newRow(in, 5).col(themes.Warn, "a", 3).put(themes.Warn, "b") }, "\x1b[33ma\x1b[m  \x1b[33mb\x1b[m "},
		{"too long", func() *row { return newRow(in, 3).put(themes.Text, "abcd") }, "ab…"},
		{"what does not fit later leaves a sign", func() *row { return newRow(in, 3).put(themes.Text, "abc").put(themes.Text, "d") }, "ab…"},
		{"a column is cut", func() *row { return newRow(in, 9).col(themes.Text, "abcdef", 4).put(themes.Text, "|") }, "abc…|    "},
		{"numbers stand right", func() *row { return newRow(in, 6).right(themes.Text, "1.2 %", 6) }, " 1.2 %"},
		{"a number too long", func() *row { return newRow(in, 4).right(themes.Text, "123456", 4) }, "123…"},
		{"no escape gets in", func() *row { return newRow(in, 9).put(themes.Text, "\x1b[2Jx") }, "␛[2Jx    "},
		{"no wide rune in a list", func() *row { return newRow(in, 5).put(themes.Text, "a世b🇩🇪") }, "a▯b▯ "},
		{"marks of one cell stay", func() *row { return newRow(in, 4).put(themes.Text, "e\u0301x") }, "e\u0301x  "},
		{"a mark on nothing is no mark", func() *row { return newRow(in, 8).put(themes.Text, "\u0301x") }, "‹0301›x "},
		{"nothing into nothing", func() *row { return newRow(in, 0).put(themes.Text, "x") }, ""},
		{"ASCII", func() *row {
			return newRow(Input{Look: in.Look.With(true, true)}, 9).put(themes.Text, "a → 世 – long")
		}, "a > ? - ~"},
	} {
		if got := c.make().String(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	wide := newRow(in, 5)
	wide.wide = true
	if got := wide.put(themes.Text, "世界世").String(); got != "世界…" {
		t.Errorf("a wide row: got %q", got)
	}
}

func FuzzRow(f *testing.F) {
	f.Add("v31", "\u0d4ex", 7, false)
	f.Add("🇩🇪🇩", "\xff\x1b]0;x\a", 3, true)
	f.Add("\u1100\u1161", "क्षि", 4, true)
	in := Input{Look: testLook(f)}
	f.Fuzz(func(t *testing.T, a, b string, w int, wide bool) {
		w &= 63
		r := newRow(in, w)
		r.wide = wide
		checkCells(t, r.put(themes.Warn, a).col(themes.Text, b, 5).right(themes.Text, a, 7).put(themes.Text, b).String(), w)
	})
}

// checkCells holds a row to w cells that carry nothing but complete SGR sequences.
func checkCells(t *testing.T, s string, w int) {
	t.Helper()
	if n := ansi.StringWidth(s); n != w {
		t.Fatalf("%d cells, want %d: %q", n, w, s)
	}
	rest := s
	for {
		before, after, found := strings.Cut(rest, "\x1b")
		for _, r := range before {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("control rune %U in %q", r, s)
			}
		}
		if !found {
			return
		}
		end := strings.IndexByte(after, 'm')
		if end < 0 || strings.Trim(after[:end], "[0123456789;") != "" {
			t.Fatalf("an escape sequence that is no SGR in %q", s)
		}
		rest = after[end+1:]
	}
}

func TestFitCutsPadsAndFillsUp(t *testing.T) {
	got := strings.Join(Fit([]string{"abcdef", "\x1b[1ma\x1b[m", "世界"}, 3, 4), "|")
	if want := "abc|\x1b[1ma\x1b[m  |世 |   "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func BenchmarkRowOfTenColumns(b *testing.B) {
	in := Input{Look: testLook(b)}
	b.ReportAllocs()
	for b.Loop() {
		r := newRow(in, 120)
		for range 10 {
			r.col(themes.Text, "support-chat", 9).gap(1).right(themes.Warn, "1.2 %", 2)
		}
		_ = r.String()
	}
}
