package health_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
)

func TestCleanMapsAndNeverStrips(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"printable ASCII is left alone", "p95 1.9 s ~ {a=\"b\"}", "p95 1.9 s ~ {a=\"b\"}"},
		{"a colour", "\x1b[31mred\x1b[0m", "␛[31mred␛[0m"},
		{"a title", "\x1b]0;pwned\x07", "␛]0;pwned␇"},
		{"carriage return and backspace cannot overwrite", "ok\rbad\b", "ok␍bad␈"},
		{"a newline is seen, a tab is a blank", "a\nb\tc", "a␊b c"},
		{"NUL, unit separator and DEL", "\x00\x1f\x7f", "␀␟␡"},
		{"a C1 control in UTF-8", "a\u009b31m", "a‹009B›31m"},
		{"a raw C1 byte is no UTF-8", "a\x9b31m", "a\uFFFD31m"},
		{"half a rune, byte by byte", "a\xe2\x82", "a\uFFFD\uFFFD"},
		{"a real replacement character stays", "a\uFFFDb", "a\uFFFDb"},
		{"right-to-left override", "user\u202etxt.exe", "user‹202E›txt.exe"},
		{"soft hyphen, zero-width space, byte order mark", "v4\u00ad\u200b\ufeff1", "v4‹00AD›‹200B›‹FEFF›1"},
		{"tags have five digits", "a\U000e0041", "a‹E0041›"},
		{"plane 16 has six", "\U0010fffd", "‹10FFFD›"},
		{"line separator", "a\u2028b", "a‹2028›b"},
		{"other scripts stay", "größe 漢字 Привет ไทย עברית", "größe 漢字 Привет ไทย עברית"},
		{"a family stays together", "👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"},
		{"with skin", "👍🏽 👩🏽‍🚀", "👍🏽 👩🏽‍🚀"},
		{"a fifth member does not", "👨‍👩‍👧‍👦‍👦", "👨‍👩‍👧‍👦‹200D›👦"},
		{"a joiner between letters", "a\u200db", "a‹200D›b"},
		{"a joiner at the end", "👨\u200d", "👨‹200D›"},
		{"two joiners", "👨\u200d\u200d👩", "👨‹200D›‹200D›👩"},
		{"two marks fit on a base", "e\u0301\u0302", "e\u0301\u0302"},
		{"a third does not", "e\u0301\u0302\u0303\u0304", "e\u0301\u0302‹0303›‹0304›"},
		{"a mark without a base", "\u0301a", "‹0301›a"},
		{"a mark after a picture", "\x1b\u0301", "␛‹0301›"},
		{"Korean in parts", "\u1112\u1161\u11ab", "\u1112\u1161\u11ab"},
	} {
		if got := health.Clean(c.in); got != c.want {
			t.Errorf("%s: Clean(%+q) = %+q, want %+q", c.name, c.in, got, c.want)
		}
	}
}

func TestCleanLinesSplitsBeforeItMaps(t *testing.T) {
	for in, want := range map[string]string{
		"":           "",
		"one":        "one",
		"a\nb\n":     "a|b",
		"a\r\nb":     "a|b",
		"a\rb\x1b\n": "a␍b␛",
		"\n\n":       "|",
	} {
		if got := strings.Join(health.CleanLines(in), "|"); got != want {
			t.Errorf("CleanLines(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCutLeavesAMarkAndWholeRunes(t *testing.T) {
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{
		{"short", 5, "short"},
		{"a longer text", 12, "a lo…[cut]"},
		{"ääääääää", 11, "ä…[cut]"},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 12, "\x80…[cut]"},
		{"tiny caps have no room for a mark", 4, "tiny"},
		{"none", 0, ""},
	} {
		got := health.Cut(c.in, c.max)
		if got != c.want || len(got) > max(c.max, 0) {
			t.Errorf("Cut(%q, %d) = %q (%d bytes), want %q", c.in, c.max, got, len(got), c.want)
		}
	}
}

// hostile is one text of the corpus. Its format is explained at the head of
// testdata/hostile_strings.json.
type hostile struct {
	ID     string   `json:"id"`
	Class  string   `json:"cls"`
	Name   string   `json:"name"`
	Bytes  []byte   `json:"b64"`
	Expect string   `json:"expect"`
	MustNo []string `json:"must_not_contain"`
}

// corpus reads the hostile strings, or the file named by SICKBAY_HOSTILE.
func corpus(t testing.TB) []hostile {
	t.Helper()
	path := os.Getenv("SICKBAY_HOSTILE")
	if path == "" {
		path = "testdata/hostile_strings.json"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Items []hostile }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if len(file.Items) == 0 {
		t.Fatalf("%s: no items", path)
	}
	return file.Items
}

func TestHostileStrings(t *testing.T) {
	for _, h := range corpus(t) {
		t.Run(h.ID+"_"+h.Class+"_"+h.Name, func(t *testing.T) {
			raw := string(h.Bytes)
			began := time.Now()
			clean := health.Clean(raw)
			took := time.Since(began)

			checkHarmless(t, raw, clean)
			checkSeen(t, raw, clean)
			for _, l := range health.CleanLines(raw) {
				checkHarmless(t, raw, l)
			}
			switch h.Expect {
			case "bounded":
				if took > 5*time.Second || len(clean) > 10*len(raw) {
					t.Errorf("took %v for %d bytes, result has %d", took, len(raw), len(clean))
				}
			case "flag_confusable", "kept", "literal":
				if clean != raw && !strings.ContainsFunc(raw, unicode.IsControl) {
					t.Errorf("%+q was changed to %+q", raw, clean)
				}
			case "redacted":
				return // secrets are the business of redaction, on text that is already clean
			}
			for _, no := range h.MustNo {
				if strings.Contains(clean, no) {
					t.Errorf("%+q still contains %+q", clean, no)
				}
			}
		})
	}
}

// checkHarmless looks at clean with rules of its own, and then with the eyes of
// a terminal: the parser of x/ansi must find nothing to act on.
func checkHarmless(t *testing.T, raw, clean string) {
	t.Helper()
	if !utf8.ValidString(clean) {
		t.Errorf("Clean(%.80q) is not UTF-8: %.80q", raw, clean)
	}
	runes := []rune(clean)
	for i, r := range runes {
		if r == 0x200d && i > 0 && i+1 < len(runes) && runes[i-1] > 0x2000 && runes[i+1] > 0x2000 {
			continue // between emoji; the table above says which
		}
		if dangerous(r) {
			t.Errorf("Clean(%.80q) still holds %U", raw, r)
			return
		}
	}
	if len(runes) > 0 && unicode.In(runes[0], unicode.Mn, unicode.Me) {
		t.Errorf("Clean(%.80q) begins with the mark %U", raw, runes[0])
	}
	if again := health.Clean(clean); again != clean {
		t.Errorf("Clean is not stable: %.80q, then %.80q", clean, again)
	}
	if acts := acted(clean); acts != "" {
		t.Errorf("a terminal would act on Clean(%.80q): %s", raw, acts)
	}
}

// checkSeen makes sure that nothing was taken away unseen.
func checkSeen(t *testing.T, raw, clean string) {
	t.Helper()
	if got, want := utf8.RuneCountInString(clean), utf8.RuneCountInString(raw); got < want {
		t.Errorf("Clean(%.80q) has %d runes of %d", raw, got, want)
	}
}

func dangerous(r rune) bool {
	switch {
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp),
		unicode.In(r, unicode.Variation_Selector, unicode.Bidi_Control, unicode.Join_Control),
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point):
		return true
	}
	return r == 0x2800
}

// acted names the first thing a terminal would do for s other than draw it.
func acted(s string) string {
	var did string
	note := func(what string) {
		if did == "" {
			did = what
		}
	}
	p := ansi.NewParser()
	p.SetHandler(ansi.Handler{
		Execute:   func(byte) { note("control byte") },
		HandleCsi: func(ansi.Cmd, ansi.Params) { note("CSI") },
		HandleEsc: func(ansi.Cmd) { note("ESC") },
		HandleDcs: func(ansi.Cmd, ansi.Params, []byte) { note("DCS") },
		HandleOsc: func(int, []byte) { note("OSC") },
		HandlePm:  func([]byte) { note("PM") },
		HandleApc: func([]byte) { note("APC") },
		HandleSos: func([]byte) { note("SOS") },
	})
	p.Parse([]byte(s))
	if p.StateName() != "GroundState" {
		note("an unfinished sequence in " + p.StateName())
	}
	return did
}

func TestTheCheckerSeesWhatIsDangerous(t *testing.T) {
	for _, s := range []string{"\x1b[31m", "\x1b]0;x\x07", "a\rb", "\x1bP1$q\x1b\\", "\x1b[12", "\x9b5m"} {
		if acted(s) == "" {
			t.Errorf("acted(%q) found nothing", s)
		}
	}
	for _, r := range "\x07\u0085\u202e\u200b\u3164\ufe0f\U000e0041\ue000\ufdd0\u2028\u2800" {
		if !dangerous(r) {
			t.Errorf("dangerous(%U) = false", r)
		}
	}
}

func TestCleaningASCIIAllocatesNothing(t *testing.T) {
	s := strings.Repeat("vllm:request_success_total{a=\"b\"} ", 4)
	if n := testing.AllocsPerRun(100, func() { health.Clean(s) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzClean(f *testing.F) {
	for _, h := range corpus(f) {
		if len(h.Bytes) < 1000 {
			f.Add(string(h.Bytes))
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean := health.Clean(s)
		checkHarmless(t, s, clean)
		checkSeen(t, s, clean)
		if len(clean) > 5*len(s) {
			t.Errorf("%d bytes became %d", len(s), len(clean))
		}
		if n := len(s) / 2; len(health.Cut(s, n)) > n {
			t.Errorf("Cut(%q, %d) is longer", s, n)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	for name, s := range map[string]string{
		"ascii":   strings.Repeat("a log line of printable text, ", 4),
		"latin":   strings.Repeat("größer als üblich – schön, ", 4),
		"han":     strings.Repeat("漢字漢字漢字", 8),
		"hostile": strings.Repeat("\x1b[31mred\u202e\x9b", 8),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				health.Clean(s)
			}
		})
	}
}
