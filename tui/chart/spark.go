package chart

import (
	"math"
	"time"

	"sickbay/health"
)

// levels are the eight heights of a sparkline's column, and their stand-ins.
var (
	levels      = []rune("▁▂▃▄▅▆▇█")
	asciiLevels = []rune("_.:-=+*#")
)

// Spark draws a series as w columns from zero to a round number above its
// largest value. Columns are cut by absolute time, so that only the newest
// changes until a whole column has elapsed. A column without a sample is blank.
func Spark(points []health.Point, bad health.Bad, at time.Time, window time.Duration, ascii bool, w int) string {
	return SparkFrom(0, points, bad, at, window, ascii, w)
}

// SparkFrom is Spark with an axis that reaches least at least: what stays far below
// it is flat, and not a landscape of its noise.
func SparkFrom(least float64, points []health.Point, bad health.Bad, at time.Time, window time.Duration, ascii bool, w int) string {
	if w < 1 {
		return ""
	}
	per := max((window.Milliseconds()+int64(w)-1)/int64(w), 1)
	f := frame{perDot: per, first: floorDiv(at.UnixMilli(), per) - int64(w) + 1, dots: w}
	columns := f.thin(points, 0, bad)
	top := 0.0
	for _, b := range columns {
		top = max(top, b.v)
	}
	return string(bars(columns, max(roundTop(top*headroom), least), ascii, w))
}

// headroom above the largest value: a course that never changes is no full bar, and
// rows below each other do not grow into one block.
const headroom = 1.3

// SparkCounts draws counts of equal slices of time, oldest first, in w cells. When
// there are more slices, as many neighbours are added up as make all columns equal;
// the oldest column may then stand for fewer.
func SparkCounts(counts []int, ascii bool, w int) string {
	if w < 1 || len(counts) == 0 {
		return string(blank(max(w, 0)))
	}
	per := (len(counts) + w - 1) / w
	columns := make([]bucket, (len(counts)+per-1)/per)
	top := 0.0
	for i := range counts {
		fromEnd := i / per
		b := &columns[len(columns)-1-fromEnd]
		b.x = len(columns) - 1 - fromEnd
		b.v += float64(max(counts[len(counts)-1-i], 0))
		top = max(top, b.v)
	}
	return string(bars(columns, top*headroom, ascii, w))
}

func bars(columns []bucket, top float64, ascii bool, w int) []rune {
	glyphs := levels
	if ascii {
		glyphs = asciiLevels
	}
	out := blank(w)
	for _, b := range columns {
		n := 0
		if top > 0 && b.v > 0 {
			n = min(int(b.v/top*float64(len(glyphs)-1)+0.5), len(glyphs)-1)
		}
		out[b.x] = glyphs[n]
	}
	return out
}

// roundTop rounds up to 1, 1.5, 2, 3, 5 or 7 of a ten, so that the heights of
// all columns stay the same while the largest value moves a little.
func roundTop(v float64) float64 {
	if v <= 0 {
		return 0
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 1.5, 2, 3, 5, 7} {
		if v <= m*p {
			return m * p
		}
	}
	return 10 * p
}

func blank(n int) []rune {
	out := make([]rune, n)
	for i := range out {
		out[i] = ' '
	}
	return out
}
