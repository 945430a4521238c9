package health

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text from outside harmless to draw on a terminal, in one line.
// It maps and never strips, so that nothing can vanish and no two neighbours
// can become a new escape sequence:
//
//	a control byte           its picture: ␀ … ␟, ␛ for ESC, ␊ for a newline, ␡ for DEL
//	a tab                    a blank
//	what hides or reorders   its number: ‹202E› (C1, bidi, zero-width, fillers, tags, variation
//	                         selectors, private use, noncharacters, line separators)
//	a byte that is no UTF-8  U+FFFD, one for each byte
//
// A zero-width joiner stays between at most four emoji, a combining mark when it
// is one of the first two on its base. Clean(Clean(s)) is Clean(s), and the
// result is at most five times as long as s. Printable ASCII is returned as is.
func Clean(s string) string {
	i := 0
	for i < len(s) && s[i] >= ' ' && s[i] < 0x7f {
		i++
	}
	if i == len(s) {
		return s
	}
	c := cleaner{marks: maxMarks}
	if i > 0 { // the mark after the ASCII part stands on a base
		c.marks = 0
	}
	c.out.Grow(len(s) + 16)
	c.out.WriteString(s[:i])
	c.write(s[i:])
	return c.out.String()
}

// CleanLines is Clean for text of several lines: it splits at newlines (and
// carriage return + newline) first. A newline at the very end begins no line.
func CleanLines(s string) []string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i, l := range lines {
		lines[i] = Clean(strings.TrimSuffix(l, "\r"))
	}
	return lines
}

// cutMark is what Cut leaves where something is missing.
const cutMark = "…[cut]"

// Cut shortens s to at most max bytes, with a visible mark at the end. It does
// not split a rune. A max too small for the mark cuts the mark away as well.
func Cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	mark := cutMark
	if max < len(mark) {
		mark = ""
	}
	n := max - len(mark)
	for back := 0; back < utf8.UTFMax-1 && n > 0 && !utf8.RuneStart(s[n]); back++ {
		n--
	}
	return s[:n] + mark
}

const (
	maxMarks  = 2 // combining marks on one base
	maxJoined = 4 // emoji joined into one
	joiner    = '\u200d'
)

// cleaner is what Clean knows about the runes it has just written.
type cleaner struct {
	out    strings.Builder
	marks  int  // combining marks on the base; maxMarks: no more fit
	joined int  // emoji in the sequence that the last rune belongs to; 0: it was none
	glued  bool // the last rune was a joiner that stayed
}

func (c *cleaner) write(s string) {
	for i := 0; i < len(s); {
		b := s[i]
		if b < utf8.RuneSelf {
			c.ascii(b)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			c.mapped("\uFFFD")
		case r == joiner && c.joinable(s[i+n:]):
			c.out.WriteRune(r)
			c.glued = true
		case hidden(r):
			c.number(r)
		case isMark(r):
			c.mark(s[i : i+n])
		default:
			c.base(r, s[i:i+n])
		}
		i += n
	}
}

// ascii writes printable ASCII as it is and everything else as a picture.
func (c *cleaner) ascii(b byte) {
	switch {
	case b == '\t':
		c.out.WriteByte(' ')
	case b < ' ':
		c.mapped(string(rune(0x2400 + int(b))))
		return
	case b == 0x7f:
		c.mapped("\u2421")
		return
	default:
		c.out.WriteByte(b)
	}
	c.marks, c.joined, c.glued = 0, 0, false
}

// mapped writes a stand-in. Marks that follow have lost their base and are
// written as numbers too.
func (c *cleaner) mapped(s string) {
	c.out.WriteString(s)
	c.marks, c.joined, c.glued = maxMarks, 0, false
}

// number writes ‹202E›.
func (c *cleaner) number(r rune) {
	const hex = "0123456789ABCDEF"
	buf := make([]byte, 0, 16)
	buf = append(buf, "‹"...)
	for shift := 20; shift >= 0; shift -= 4 {
		if shift < 16 || r>>shift != 0 {
			buf = append(buf, hex[r>>shift&0xf])
		}
	}
	c.mapped(string(append(buf, "›"...)))
}

// mark writes a combining mark if it still fits on its base. A mark without a
// base would land on what is drawn to the left of the text.
func (c *cleaner) mark(s string) {
	if c.marks >= maxMarks {
		r, _ := utf8.DecodeRuneInString(s)
		c.number(r)
		return
	}
	c.out.WriteString(s)
	c.marks++
	c.joined, c.glued = 0, false
}

func (c *cleaner) base(r rune, s string) {
	c.out.WriteString(s)
	switch {
	case !isEmoji(r):
		c.joined = 0
	case isSkin(r) && c.joined > 0:
		// belongs to the emoji before it
	case c.glued:
		c.joined++
	default:
		c.joined = 1
	}
	c.marks, c.glued = 0, false
}

// joinable says whether a joiner may stay: between two emoji, the next of which
// still fits into the sequence.
func (c *cleaner) joinable(rest string) bool {
	if c.joined == 0 || c.joined >= maxJoined || c.glued {
		return false
	}
	next, _ := utf8.DecodeRuneInString(rest)
	return isEmoji(next) && !isSkin(next)
}

func isEmoji(r rune) bool {
	return r >= 0x1F300 && r <= 0x1FAFF || r >= 0x2600 && r <= 0x27BF
}

func isSkin(r rune) bool { return r >= 0x1F3FB && r <= 0x1F3FF }

// hidden says whether a rune above ASCII is invisible, changes the direction of
// its neighbours, breaks the line or has no agreed shape.
func hidden(r rune) bool {
	switch {
	case r < 0x300: // the quick way for European text
		return r < 0xA0 || r == 0xAD
	case r >= 0x3400 && r < 0xA000: // and for East Asian text
		return false
	case r >= 0xE000 && r <= 0xF8FF, r >= 0xF0000: // private use
		return true
	case r&0xFFFE == 0xFFFE, r >= 0xFDD0 && r <= 0xFDEF: // noncharacters
		return true
	}
	return unicode.Is(unseen, r) || unicode.Is(unicode.Cf, r)
}

// unseen holds what draws nothing and is not of class Cf: fillers, variation
// selectors, tags, separators, and what Unicode keeps for more of these.
var unseen = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x034F, Hi: 0x034F, Stride: 1}, // combining grapheme joiner
		{Lo: 0x115F, Hi: 0x1160, Stride: 1}, // Hangul fillers
		{Lo: 0x17B4, Hi: 0x17B5, Stride: 1}, // Khmer inherent vowels
		{Lo: 0x180B, Hi: 0x180F, Stride: 1}, // Mongolian selectors and separator
		{Lo: 0x2028, Hi: 0x2029, Stride: 1}, // line and paragraph separator
		{Lo: 0x2065, Hi: 0x2065, Stride: 1},
		{Lo: 0x2800, Hi: 0x2800, Stride: 1}, // blank Braille pattern
		{Lo: 0x3164, Hi: 0x3164, Stride: 1}, // Hangul filler
		{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1}, // variation selectors
		{Lo: 0xFFA0, Hi: 0xFFA0, Stride: 1}, // halfwidth Hangul filler
		{Lo: 0xFFF0, Hi: 0xFFF8, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1D159, Hi: 0x1D159, Stride: 1}, // musical null notehead
		{Lo: 0xE0000, Hi: 0xE0FFF, Stride: 1}, // tags, more variation selectors
	},
}

// isMark says whether a rune is drawn over the one before it: a combining mark,
// or a vowel or final consonant of a Hangul syllable written in parts.
func isMark(r rune) bool {
	switch {
	case r < 0x300, r >= 0x3400 && r < 0xA000:
		return false
	case r >= 0x1160 && r <= 0x11FF, r >= 0xD7B0 && r <= 0xD7FF:
		return true
	}
	return unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r)
}
