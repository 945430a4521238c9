package themes

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

func TestEveryTheme(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			look, err := Load(name)
			if err != nil {
				t.Fatal(err)
			}
			file, _, err := read(name)
			if err != nil {
				t.Fatal(err)
			}
			if file.Doc == "" || Doc(name) != file.Doc {
				t.Error("has no doc: whom is it for?")
			}
			isReadable(t, file)
			tellsStatusesApart(t, file)
			hasAttributesOnlyWithoutColour(t, look)
		})
	}
}

// isReadable holds hex colours to the contrast that WCAG asks of small text.
func isReadable(t *testing.T, file theme) {
	if file.Background == "" {
		for name, s := range file.Role {
			for _, c := range []string{s.FG, s.BG} {
				if strings.HasPrefix(file.Palette[c], "#") || strings.HasPrefix(c, "#") {
					t.Errorf("%s has the fixed colour %s, but the theme names no background to read it on", name, c)
				}
			}
		}
		return
	}
	for name, s := range file.Role {
		if s.FG == "" {
			continue
		}
		fg, err := file.colour(s.FG)
		if err != nil {
			t.Fatal(err)
		}
		bg := file.Background
		if s.BG != "" {
			if bg, err = file.colour(s.BG); err != nil {
				t.Fatal(err)
			}
		}
		if c := contrast(fg, bg); c < 4.5 {
			t.Errorf("%s: %s on %s has a contrast of %.1f, want 4.5", name, fg, bg, c)
		}
	}
}

// tellsStatusesApart looks at the colours as a terminal of sixteen shows them.
func tellsStatusesApart(t *testing.T, file theme) {
	seen := map[string]string{}
	for _, r := range []Role{OK, Warn, Critical, Unknown} {
		c, err := file.colour(file.Role[r.String()].FG)
		if err != nil {
			t.Fatal(err)
		}
		sixteen := strconv.Itoa(int(ansi.Convert16(lipgloss.Color(c))) % 8) // bright red is red
		if other, taken := seen[sixteen]; taken {
			t.Errorf("with sixteen colours %s looks like %s (both %s)", r, other, sixteen)
		}
		seen[sixteen] = r.String()
	}
}

var attributes = regexp.MustCompile(`^(\x1b\[[124789](;[124789])*m)?$`)

func hasAttributesOnlyWithoutColour(t *testing.T, look *Look) {
	plain := look.With(false, false)
	for r := range Roles {
		if p := plain.Prefix(r); !attributes.MatchString(p) {
			t.Errorf("%s without colour begins with %q", r, p)
		}
	}
	if plain.Prefix(Critical) == plain.Prefix(OK) {
		t.Error("without colour critical looks like ok")
	}
	if plain.Prefix(Write) == plain.Prefix(ReadOnly) {
		t.Error("without colour write looks like read-only")
	}
}

func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}

// luminance is the relative luminance of WCAG 2.
func luminance(hex string) float64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil {
		panic(err)
	}
	channel := func(v uint64) float64 {
		c := float64(v&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(n>>16) + 0.7152*channel(n>>8) + 0.0722*channel(n)
}

func TestTheDefaultThemeUsesOnlySixteenColours(t *testing.T) {
	look, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	for r := range Roles {
		if p := look.Prefix(r); strings.Contains(p, "38;") || strings.Contains(p, "48;") {
			t.Errorf("%s begins with %q", r, p)
		}
	}
	if look.Prefix(Text) != "" {
		t.Error("ordinary text has a style, which costs bytes in every row")
	}
}

func TestPaintIsOnePrefixAndOneReset(t *testing.T) {
	look, err := Load("default")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		look *Look
		role Role
		s    string
		want string
	}{
		{"colour", look, Warn, "late", "\x1b[33mlate\x1b[m"},
		{"colour and attribute", look, Critical, "ill", "\x1b[1;31mill\x1b[m"},
		{"ordinary text has neither", look, Text, "well", "well"},
		{"nothing to say", look, Critical, "", ""},
		{"no colour keeps bold", look.With(false, false), Critical, "ill", "\x1b[1mill\x1b[m"},
		{"no colour, no attribute", look.With(false, false), Warn, "late", "late"},
		{"ASCII", look.With(true, true), Warn, "▲ v31 → v32 – 世…", "\x1b[33m! v31 > v32 - ?~\x1b[m"},
		{"a role that is none", look, Roles, "x", "x"},
	} {
		if got := c.look.Paint(c.role, c.s); got != c.want {
			t.Errorf("%s: Paint(%s, %q) = %q, want %q", c.name, c.role, c.s, got, c.want)
		}
	}
}

func TestAThemeSaysAllItsFaults(t *testing.T) {
	_, faults, err := parse("dok = \"x\"\n[role]\ntext = {fgg = \"1\"}\nwarm = {}\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) != 3 {
		t.Errorf("got %v, want unknown keys dok and role.text.fgg and unknown role warm", faults)
	}
	if _, err = (theme{}).prefix(style{FG: "mauve"}); err == nil {
		t.Error("mauve was taken for a colour")
	}
	if _, err := Load("../look"); err == nil || !strings.Contains(err.Error(), "there are default, high-contrast, light") {
		t.Errorf("got %v, want the list of themes", err)
	}
}

func BenchmarkPaint(b *testing.B) {
	look, err := Load("default")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		look.Paint(Warn, "3.8 %")
	}
}
