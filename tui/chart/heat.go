package chart

import "math"

// shades are the five densities of a heatmap, and their stand-ins: characters, not
// colours, so that nothing is lost where there are none.
var (
	shades      = []rune(" ░▒▓█")
	asciiShades = []rune(" .:+#")
)

// Heat is one row of a heatmap: each value as a shade of per cells, the darkest near
// top and above it, blank below a sixteenth of it. What is no number is blank.
func Heat(values []float64, top float64, ascii bool, per int) string {
	glyphs := shades
	if ascii {
		glyphs = asciiShades
	}
	out := make([]rune, 0, len(values)*max(per, 0))
	for _, v := range values {
		n := 0
		if v > 0 && top > 0 { // NaN is not
			n = min(int(math.Ceil(min(v/top, 1)*4-0.25)), 4)
		}
		for range per {
			out = append(out, glyphs[n])
		}
	}
	return string(out)
}

// Steps is a row of columns for values without a time axis: each is per cells wide,
// and full from top on. What is no number is blank.
func Steps(values []float64, top float64, ascii bool, per int) string {
	glyphs := levels
	if ascii {
		glyphs = asciiLevels
	}
	out := make([]rune, 0, len(values)*max(per, 0))
	for _, v := range values {
		glyph := ' '
		if !math.IsNaN(v) {
			n := 0
			if top > 0 && v > 0 {
				n = min(int(min(v/top, 1)*float64(len(glyphs)-1)+0.5), len(glyphs)-1)
			}
			glyph = glyphs[n]
		}
		for range per {
			out = append(out, glyph)
		}
	}
	return string(out)
}
