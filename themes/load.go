package themes

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/BurntSushi/toml"
)

//go:embed *.toml
var files embed.FS

// roleNames are the keys of [role] in a theme's file.
var roleNames = [Roles]string{
	Text: "text", Faint: "faint", Struck: "struck", Strong: "strong", Title: "title", Border: "border",
	OK: "ok", Warn: "warn", Critical: "critical", Unknown: "unknown",
	Key: "key", Link: "link", Accent: "accent",
	Marker: "marker", LimitW: "limit_warn", LimitC: "limit_critical",
	Line1: "line1", Line2: "line2", Line3: "line3", Line4: "line4",
	Added: "added", Removed: "removed", ReadOnly: "read_only", Write: "write", Danger: "danger",
}

// String is the role's key in a theme's file.
func (r Role) String() string {
	if r < Roles {
		return roleNames[r]
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// theme is a file as written.
type theme struct {
	Doc        string            `toml:"doc"`        // one sentence for the list of themes
	Background string            `toml:"background"` // the terminal's, if the theme needs one: its contrast is tested on it
	Palette    map[string]string `toml:"palette"`    // colour names of this file: "0".."255" or "#rrggbb"
	Role       map[string]style  `toml:"role"`
}

type style struct {
	FG        string `toml:"fg"` // a name of the palette, a number or "#rrggbb"; "" the terminal's own
	BG        string `toml:"bg"`
	Bold      bool   `toml:"bold"`
	Faint     bool   `toml:"faint"`
	Underline bool   `toml:"underline"`
	Reverse   bool   `toml:"reverse"`
	Strike    bool   `toml:"strike"`
}

// Names lists the themes there are, sorted.
func Names() []string {
	found, err := fs.Glob(files, "*.toml")
	if err != nil {
		return nil // the pattern is a constant and good
	}
	for i, f := range found {
		found[i] = strings.TrimSuffix(f, ".toml")
	}
	slices.Sort(found)
	return found
}

// Doc says in one sentence whom a theme is for; "" when there is no such theme.
func Doc(name string) string {
	t, _, err := read(name)
	if err != nil {
		return ""
	}
	return t.Doc
}

// Load makes a theme ready to draw with; "" is the default one. An error lists
// every fault of the file.
func Load(name string) (*Look, error) {
	if name == "" {
		name = "default"
	}
	t, unknown, err := read(name)
	if err != nil {
		return nil, err
	}
	l := &Look{Name: name}
	faults := unknown
	for r := range Roles {
		s, ok := t.Role[r.String()]
		if !ok {
			faults = append(faults, fmt.Errorf("role %s is missing", r))
			continue
		}
		if l.colour[r], err = t.prefix(s); err != nil {
			faults = append(faults, fmt.Errorf("role %s: %w", r, err))
		}
		s.FG, s.BG = "", ""
		l.plain[r], _ = t.prefix(s) // without colours nothing can be wrong
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("theme %s: %w", name, errors.Join(faults...))
	}
	return l, nil
}

// read parses a theme's file; the faults are keys that mean nothing.
func read(name string) (t theme, faults []error, err error) {
	if !slices.Contains(Names(), name) {
		return t, nil, fmt.Errorf("there is no theme %q; there are %s", name, strings.Join(Names(), ", "))
	}
	text, err := files.ReadFile(path.Clean(name + ".toml"))
	if err != nil {
		return t, nil, fmt.Errorf("theme %s: %w", name, err)
	}
	if t, faults, err = parse(string(text)); err != nil {
		return t, nil, fmt.Errorf("theme %s: %w", name, err)
	}
	return t, faults, nil
}

func parse(text string) (t theme, faults []error, err error) {
	md, err := toml.Decode(text, &t)
	if err != nil {
		return t, nil, err
	}
	for _, k := range md.Undecoded() {
		faults = append(faults, fmt.Errorf("unknown key %s", k))
	}
	for name := range t.Role {
		if !slices.Contains(roleNames[:], name) {
			faults = append(faults, fmt.Errorf("unknown role %s", name))
		}
	}
	return t, faults, nil
}

var colourForm = regexp.MustCompile(`^(#[0-9a-fA-F]{6}|[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$`)

// colour looks a name up in the palette and makes sure that it is a colour.
func (t theme) colour(name string) (string, error) {
	if c, ok := t.Palette[name]; ok {
		name = c
	}
	if !colourForm.MatchString(name) {
		return "", fmt.Errorf("%q is no colour: a name of [palette], 0 to 255 or #rrggbb", name)
	}
	return name, nil
}

// prefix lets lipgloss write the style once, around one letter, and keeps what
// came before the letter: drawing is then only concatenation.
func (t theme) prefix(s style) (string, error) {
	st := lipgloss.NewStyle().Bold(s.Bold).Faint(s.Faint).Underline(s.Underline).Reverse(s.Reverse).Strikethrough(s.Strike)
	if s.FG != "" {
		c, err := t.colour(s.FG)
		if err != nil {
			return "", err
		}
		st = st.Foreground(lipgloss.Color(c))
	}
	if s.BG != "" {
		c, err := t.colour(s.BG)
		if err != nil {
			return "", err
		}
		st = st.Background(lipgloss.Color(c))
	}
	before, _, _ := strings.Cut(st.Render("x"), "x")
	return before, nil
}
