package tui

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
)

// The grid of a picture: the size of a cell and of the edge around, in pixels. A
// cell is as high as the font, so that lines join.
const (
	cellWidth, cellHeight = 8.4, 16.4
	edge, baseline        = 10.0, 13.0
)

// The 16 colours on a dark and on a light ground, chosen to be readable there.
var (
	darkInk  = [16]string{"#484f58", "#f47067", "#57ab5a", "#c69026", "#539bf5", "#b083f0", "#39c5cf", "#cdd9e5", "#768390", "#ff938a", "#8ddb8c", "#eac55f", "#6cb6ff", "#dcbdfb", "#56d4dd", "#ffffff"}
	lightInk = [16]string{"#24292f", "#cf222e", "#116329", "#7d4e00", "#0969da", "#8250df", "#1b7c83", "#4d545c", "#6e7781", "#a40e26", "#1a7f37", "#633c01", "#0550ae", "#6639ba", "#136061", "#1f2328"}
)

const (
	darkGround, darkText   = "#0d1117", "#cdd9e5"
	lightGround, lightText = "#ffffff", "#24292f"
)

// SVG is a screen of w × h cells as a picture. Every run of text has its length
// written down, so that it keeps to the grid in whatever monospace font there is.
// The picture is dark, and light where the reader's system prefers that; a theme
// with colours of its own decides by them.
func SVG(screen string, w, h int, title string) string {
	var b strings.Builder
	width, height := float64(w)*cellWidth+2*edge, float64(h)*cellHeight+2*edge
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.1f %.1f" width="%.0f" height="%.0f" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>\n%s</style>\n", inXML(health.Clean(title)), style(screen))
	fmt.Fprintf(&b, `<rect class="ground" width="100%%" height="100%%" rx="6"/>`+"\n")
	fmt.Fprintf(&b, `<g class="ink" font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="14" xml:space="preserve">`+"\n")
	for y, line := range strings.Split(screen, "\n") {
		if y >= h {
			break
		}
		drawLine(&b, line, y)
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// style is the style sheet of a screen. Exact colours were chosen for one ground:
// dark ones are for a light one.
func style(screen string) string {
	dark, light := inks(darkGround, darkText, darkInk), inks(lightGround, lightText, lightInk)
	sum, n := 0, 0
	for _, part := range strings.Split(screen, "38;2;")[1:] {
		codes := strings.FieldsFunc(part[:min(len(part), 12)], func(r rune) bool { return r < '0' || r > '9' })
		for _, c := range codes[:min(len(codes), 3)] {
			v, _ := strconv.Atoi(c)
			sum, n = sum+v, n+1
		}
	}
	switch {
	case n == 0:
		return dark + "@media (prefers-color-scheme: light) {\n" + light + "}\n"
	case sum/n < 110:
		return light
	}
	return dark
}

// inks is the style sheet of one ground: classes f0 to f15 write, b0 to b15 fill.
func inks(ground, text string, ink [16]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".ground,.bx{fill:%s}.ink,.fx{fill:%s}.fg{fill:%s}.bg{fill:%s}\n", ground, text, ground, text)
	for i, c := range ink {
		fmt.Fprintf(&b, ".f%d,.b%d{fill:%s}", i, i, c)
	}
	b.WriteByte('\n')
	return b.String()
}

// drawLine writes one row as runs of one pen.
func drawLine(b *strings.Builder, line string, y int) {
	var p pen
	var run strings.Builder
	from, x := 0, 0
	flush := func() {
		p.write(b, run.String(), from, x-from, y)
		run.Reset()
		from = x
	}
	for line != "" {
		if sgr, rest, ok := cutSGR(line); ok {
			flush()
			p = p.with(sgr)
			line = rest
			continue
		}
		g, n := ansi.FirstGraphemeCluster(line, ansi.GraphemeWidth)
		if g == "" {
			return
		}
		if g[0] >= ' ' { // no control character may get into XML
			run.WriteString(g)
			x += n
		}
		line = line[len(g):]
	}
	flush()
}

// cutSGR takes an SGR sequence from the front of s and returns its parameters.
func cutSGR(s string) (parameters, rest string, ok bool) {
	if !strings.HasPrefix(s, "\x1b[") {
		return "", s, false
	}
	i := strings.IndexFunc(s[2:], func(r rune) bool { return r < '0' || r > ';' })
	if i < 0 || s[2+i] != 'm' {
		return "", s, false
	}
	return s[2 : 2+i], s[3+i:], true
}

// A pen is how the next cells are drawn. A colour is a class ("3", "12"), a hex
// value or, empty, the usual one.
type pen struct {
	ink, ground                                  string
	bold, faint, italic, under, reversed, struck bool
}

// with is the pen after an SGR sequence.
func (p pen) with(parameters string) pen {
	codes := strings.FieldsFunc(parameters, func(r rune) bool { return r == ';' || r == ':' })
	if len(codes) == 0 {
		return pen{}
	}
	for i := 0; i < len(codes); i++ {
		n, _ := strconv.Atoi(codes[i])
		switch {
		case n == 0:
			p = pen{}
		case n == 1:
			p.bold = true
		case n == 2:
			p.faint = true
		case n == 3:
			p.italic = true
		case n == 4:
			p.under = true
		case n == 7:
			p.reversed = true
		case n == 9:
			p.struck = true
		case n == 22:
			p.bold, p.faint = false, false
		case n == 23:
			p.italic = false
		case n == 24:
			p.under = false
		case n == 27:
			p.reversed = false
		case n == 29:
			p.struck = false
		case n >= 30 && n <= 37:
			p.ink = strconv.Itoa(n - 30)
		case n >= 90 && n <= 97:
			p.ink = strconv.Itoa(n - 82)
		case n >= 40 && n <= 47:
			p.ground = strconv.Itoa(n - 40)
		case n >= 100 && n <= 107:
			p.ground = strconv.Itoa(n - 92)
		case n == 39:
			p.ink = ""
		case n == 49:
			p.ground = ""
		case n == 38 || n == 48:
			colour, used := extended(codes[i+1:])
			i += used
			if n == 38 {
				p.ink = colour
			} else {
				p.ground = colour
			}
		}
	}
	return p
}

// extended reads "5;n" or "2;r;g;b" and says how many codes that took.
func extended(codes []string) (colour string, used int) {
	number := func(i int) int { n, _ := strconv.Atoi(codes[i]); return min(max(n, 0), 255) }
	switch {
	case len(codes) >= 2 && codes[0] == "5":
		return xterm(number(1)), 2
	case len(codes) >= 4 && codes[0] == "2":
		return fmt.Sprintf("#%02x%02x%02x", number(1), number(2), number(3)), 4
	}
	return "", len(codes)
}

// xterm is one of the 256 colours: 16 classes, a cube, a row of greys.
func xterm(n int) string {
	if n < 16 {
		return strconv.Itoa(n)
	}
	if n >= 232 {
		v := 8 + (n-232)*10
		return fmt.Sprintf("#%02x%02x%02x", v, v, v)
	}
	level := [6]int{0, 95, 135, 175, 215, 255}
	n -= 16
	return fmt.Sprintf("#%02x%02x%02x", level[n/36], level[n/6%6], level[n%6])
}

// write draws n cells from column x of row y.
func (p pen) write(b *strings.Builder, text string, x, n, y int) {
	if n == 0 {
		return
	}
	ink, ground := fill(p.ink, "f"), fill(p.ground, "b")
	if p.reversed {
		ink, ground = reversed(p.ground, "fg", "f"), reversed(p.ink, "bg", "b")
	}
	left, top := edge+float64(x)*cellWidth, edge+float64(y)*cellHeight
	if ground != "" {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f"%s/>`, left, top, float64(n)*cellWidth+0.3, cellHeight+0.3, ground)
	}
	text, path := outlined(text, left, top)
	if path != "" {
		look := ink
		if p.faint {
			look += faint
		}
		fmt.Fprintf(b, `<path%s d="%s"/>`+"\n", look, path)
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	look := ink
	if p.bold {
		look += ` font-weight="bold"`
	}
	if p.faint {
		look += faint
	}
	if p.italic {
		look += ` font-style="italic"`
	}
	switch {
	case p.struck:
		look += ` text-decoration="line-through"`
	case p.under:
		look += ` text-decoration="underline"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
		left, top+baseline, float64(n)*cellWidth, look, inXML(text))
}

const faint = ` opacity="0.65"`

// inXML is text as XML may hold it: some characters cannot be written at all.
func inXML(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xfffe || r == 0xffff {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError))))
}

// fill is the attribute for a colour, "" for the usual one.
func fill(colour, class string) string {
	switch {
	case colour == "":
		return ""
	case colour[0] == '#':
		return ` fill="` + colour + `"`
	}
	return ` class="` + class + colour + `"`
}

func reversed(colour, usual, class string) string {
	if colour == "" {
		return ` class="` + usual + `"`
	}
	return fill(colour, class)
}
