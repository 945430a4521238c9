package chart

import (
	"math"
	"strings"
)

// HBar draws a share of w cells as a bar, followed by blanks: exactly w cells. It
// is a line and not a block, because many of them stand below each other. A
// share that is not zero is never invisible, and what is no number is no bar.
func HBar(share float64, ascii bool, w int) string {
	if w < 1 {
		return ""
	}
	if math.IsNaN(share) || share <= 0 {
		return strings.Repeat(" ", w)
	}
	halves := max(int(math.Round(min(share, 1)*float64(w*2))), 1)
	if ascii {
		n := max(halves/2, 1)
		return strings.Repeat("#", n) + strings.Repeat(" ", w-n)
	}
	n := halves / 2
	bar := strings.Repeat("━", n)
	if halves%2 == 1 {
		bar, n = bar+"╸", n+1
	}
	return bar + strings.Repeat(" ", w-n)
}

// HBarTick is HBar with a tick where another share ends on the same axis, so that
// the two can be compared without looking away. A tick at zero is not drawn.
func HBarTick(share, tick float64, ascii bool, w int) string {
	bar := HBar(share, ascii, w)
	if w < 1 || math.IsNaN(tick) || tick <= 0 {
		return bar
	}
	mark := '│'
	if ascii {
		mark = '|'
	}
	cells := []rune(bar)
	cells[min(max(int(math.Round(min(tick, 1)*float64(w)))-1, 0), w-1)] = mark
	return string(cells)
}

// Shared is the axis of several distributions beside each other: their largest
// share, at least a tenth of all.
func Shared(distributions ...[]float64) float64 {
	top := 0.1
	for _, d := range distributions {
		for _, v := range d {
			if !math.IsNaN(v) && v <= 1 {
				top = max(top, v)
			}
		}
	}
	return top
}

// RoundShared is Shared up to the next twentieth: an axis that stands still while
// its largest share trembles.
func RoundShared(distributions ...[]float64) float64 {
	const part = 20
	return min(math.Ceil(Shared(distributions...)*part-1e-9)/part, 1)
}
