package chart

import (
	"math"
	"strings"
)

// eighths are the ends of a horizontal bar.
var eighths = []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// HBar draws a share of w cells as a bar, followed by blanks: exactly w cells. A
// share that is not zero is never invisible, and what is no number is no bar.
func HBar(share float64, ascii bool, w int) string {
	if w < 1 {
		return ""
	}
	if math.IsNaN(share) || share <= 0 {
		return strings.Repeat(" ", w)
	}
	n := max(int(math.Round(min(share, 1)*float64(w*8))), 1)
	if ascii {
		n = max(n/8, 1)
		return strings.Repeat("#", n) + strings.Repeat(" ", w-n)
	}
	full, end := n/8, eighths[n%8]
	if end != "" {
		return strings.Repeat("█", full) + end + strings.Repeat(" ", w-full-1)
	}
	return strings.Repeat("█", full) + strings.Repeat(" ", w-full)
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
