package themes

import "strings"

// Reset ends what Prefix began.
const Reset = "\x1b[m"

// A Look is a theme made ready to draw with: one SGR prefix for each role. It is
// never changed once made, so everybody may share it.
type Look struct {
	Name  string
	ASCII bool // no character above U+007E is drawn by us
	Plain bool // no colour: words, signs and attributes only

	colour, plain [Roles]string // SGR prefixes; "" draws as the terminal does
}

// Paint writes s in a role: one prefix, s, one reset. s must already be clean;
// it is folded to ASCII when the look is.
func (l *Look) Paint(role Role, s string) string {
	if l.ASCII {
		s = ASCII(s)
	}
	p := l.Prefix(role)
	if p == "" || s == "" {
		return s
	}
	return p + s + Reset
}

// Prefix is the SGR sequence that begins a role, for those who write runs of
// cells themselves and end them with Reset. Empty: nothing to begin or to end.
func (l *Look) Prefix(role Role) string {
	if role >= Roles {
		return ""
	}
	if l.Plain {
		return l.plain[role]
	}
	return l.colour[role]
}

// With is the same look for a terminal that has or lacks Unicode and colour.
// Without colour the attributes stay: bold, faint, underline, reverse, strike.
func (l *Look) With(ascii, colour bool) *Look {
	c := *l
	c.ASCII, c.Plain = ascii, !colour
	return &c
}

// Glyph chooses between a character and its stand-in.
func (l *Look) Glyph(unicode, ascii string) string {
	if l.ASCII {
		return ascii
	}
	return unicode
}

// Status is the role of a status by its word: "ok", "warn", "critical"; every
// other word is unknown.
func Status(word string) Role {
	switch word {
	case "ok":
		return OK
	case "warn":
		return Warn
	case "critical":
		return Critical
	}
	return Unknown
}

// standIns are the characters sickbay itself draws with, and what stands for
// them one for one where there is no Unicode.
var standIns = map[rune]byte{
	'–': '-', '—': '-', '−': '-', '─': '-', '╌': '=', '┄': '-', '│': '|', '┊': ':', '┃': '|',
	'┌': '+', '┐': '+', '└': '+', '┘': '+', '├': '+', '┤': '+', '┬': '+', '┴': '+', '┼': '+',
	'╭': '+', '╮': '+', '╰': '+', '╯': '+',
	'✓': '+', '▲': '!', '✗': 'x', '▼': 'v', '▌': '>', '▸': '>', '→': '>', '←': '<', '↑': '^', '↓': 'v',
	'·': '.', '…': '~', '•': '*', '×': 'x', '±': '~', '≤': '<', '≥': '>', '≈': '~',
	'µ': 'u', 'σ': 's', '°': '\'', '“': '"', '”': '"', '‘': '\'', '’': '\'',
	'█': '#', '░': '.', '▒': ':', '▓': '#', '\u00a0': ' ',
}

// ASCII folds s: what sickbay draws itself becomes its stand-in, anything else
// above U+007E a question mark. One character becomes one character.
func ASCII(s string) string {
	i := strings.IndexFunc(s, func(r rune) bool { return r > '~' })
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for _, r := range s[i:] {
		if r <= '~' {
			b.WriteRune(r)
		} else if c, ok := standIns[r]; ok {
			b.WriteByte(c)
		} else {
			b.WriteByte('?')
		}
	}
	return b.String()
}
