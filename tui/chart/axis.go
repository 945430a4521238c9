package chart

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"sickbay/health"
)

// frame is the time axis of a plot: dot columns by absolute index, so that a
// sample falls into the same column at every refresh. The right edge jumps by
// several cells at once and the columns before it fill up in between: a
// terminal is sent few bytes, and a chart only moves when a jump has elapsed.
type frame struct {
	perDot int64 // milliseconds
	first  int64 // index of the leftmost dot column
	dots   int   // how many there are
}

// jump is how many cells a plot of w cells moves at once.
func jump(w int) int { return min(max(w/6, 1), 8) }

// newFrame lays window, ending at at, over w cells of across dots.
func newFrame(at time.Time, window time.Duration, w, across int) frame {
	shown := max(w-jump(w), 1) * across // dots that the window needs whatever the time is
	perDot := max((window.Milliseconds()+int64(shown)-1)/int64(shown), 1)
	perJump := perDot * int64(across*jump(w))
	end := (floorDiv(at.UnixMilli(), perJump) + 1) * int64(across*jump(w)) // first column that is not shown
	return frame{perDot: perDot, first: end - int64(w*across), dots: w * across}
}

// column is the dot column of a moment; it may lie outside of 0 to dots-1.
func (f frame) column(ms int64) int {
	c := floorDiv(ms, f.perDot) - f.first
	return int(min(max(c, -1), int64(f.dots)))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// A bucket is what is left of the samples of one dot column.
type bucket struct {
	x     int
	v     float64
	apart bool // nothing joins it to the bucket before
}

// huge is beyond what anybody measures; sums of such values overflow.
const huge = 1e300

// thin keeps the extreme that matters of each column: the largest value, or the
// smallest where down is bad. Never a mean: a spike that vanishes when the
// window widens is a lie. What is no number, and any distance of more than two
// and a half steps, is a gap.
func (f frame) thin(points []health.Point, step time.Duration, bad health.Bad) []bucket {
	var out []bucket
	reach := step.Milliseconds() * 5 / 2
	apart, last := true, int64(0)
	for _, p := range points {
		if math.IsNaN(p.V) || math.Abs(p.V) > huge {
			apart = true
			continue
		}
		if p.T < last || reach > 0 && p.T-last > reach {
			apart = true
		}
		last = p.T
		x := f.column(p.T)
		if x < 0 || x >= f.dots {
			apart = true
			continue
		}
		if n := len(out); n > 0 && out[n-1].x == x {
			out[n-1].v = worse(bad, out[n-1].v, p.V)
		} else {
			out = append(out, bucket{x, p.V, apart})
		}
		apart = false
	}
	return out
}

func worse(bad health.Bad, a, b float64) float64 {
	if bad == health.Down {
		return min(a, b)
	}
	return max(a, b)
}

// A scale is the value axis: from a multiple of step to a multiple of step.
type scale struct{ lo, hi, step float64 }

// ticks is into how many steps a value axis is cut, about.
const ticks = 4

// newScale makes a range that changes only when the data crosses a step: zero is
// in it unless the values are scores or temperatures far away from zero, and a
// limit is in it when that does not squash the line.
func newScale(lo, hi float64, unit health.Unit, limit health.Limit) scale {
	if lo > hi { // no data
		lo, hi = 0, 0
	}
	far := 0.0 // the least span of a range without zero: below it is noise
	switch unit {
	case health.Score:
		far = 0.1
	case health.Celsius:
		far = 10
	}
	bottom, top := min(lo, 0), max(hi, 0)
	if far > 0 && lo > 2*(hi-lo) && lo > far {
		bottom, top = lo, max(hi, lo+far)
	}
	least, most := bottom, top // of the data alone: one limit must not pull in the next
	for _, l := range []*float64{limit.Warn, limit.Critical} {
		if l == nil || math.IsNaN(*l) || math.Abs(*l) > huge {
			continue
		}
		if most <= 0 && least >= 0 || *l <= 3*most {
			top = max(top, *l)
		}
		if *l > most/3 {
			bottom = min(bottom, *l)
		}
	}
	if top == bottom {
		top = bottom + 1
	}
	s := scale{step: niceStep((top-bottom)/ticks, unit)}
	s.lo, s.hi = math.Floor(bottom/s.step+1e-9)*s.step, math.Ceil(top/s.step-1e-9)*s.step
	if (unit == health.Ratio || unit == health.Score) && hi <= 1 {
		s.hi = min(s.hi, 1) // nothing is above 100 %
	}
	return s
}

// niceStep is the next round number from raw on: 1, 2 or 5 of the unit's tens,
// of minutes and hours for long times, of KiB and MiB for bytes.
func niceStep(raw float64, unit health.Unit) float64 {
	if unit == health.Seconds && raw > 50 {
		for _, s := range []float64{60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400} {
			if raw <= s {
				return s
			}
		}
		return 86400 * niceStep(raw/86400, health.Count)
	}
	if unit == health.Bytes && raw >= 1024 {
		p := math.Pow(1024, math.Floor(math.Log(raw)/math.Log(1024)))
		return p * niceStep(raw/p, health.Count)
	}
	p := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if raw <= m*p*(1+1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// row is where a value is drawn among n rows, 0 at the top.
func (s scale) row(v float64, n int) int {
	y := int(math.Round((s.hi - v) / (s.hi - s.lo) * float64(n-1)))
	return min(max(y, 0), n-1)
}

// has says whether a value lies on the scale.
func (s scale) has(v float64) bool { return v >= s.lo && v <= s.hi }

// labels are the words of the ticks by cell row of n; where two ticks fall on
// one row or would read the same, the outer one stays.
func (s scale) labels(unit health.Unit, n int) map[int]string {
	out := map[int]string{n - 1: word(unit, s.lo), 0: word(unit, s.hi)}
	taken := map[string]bool{out[0]: true, out[n-1]: true}
	if n < 5 {
		return out
	}
	for i := 1; i <= 2*ticks; i++ {
		v := s.lo + float64(i)*s.step
		y, w := s.row(v, n), word(unit, v)
		if v >= s.hi || out[y-1] != "" || out[y] != "" || out[y+1] != "" || taken[w] {
			continue
		}
		out[y], taken[w] = w, true
	}
	return out
}

// word leaves out of a unit what the chart's title says anyway.
func word(unit health.Unit, v float64) string {
	switch unit {
	case health.TokensPS, health.Tokens:
		unit = health.Count
	case health.USDPerH:
		unit = health.USD
	}
	if math.Abs(v) < 1e-12 {
		v = 0 // not -0, and not what is left of 0.3-0.1-0.2
	}
	if s := health.Format(unit, v); utf8.RuneCountInString(s) <= widest {
		return s
	}
	return strconv.FormatFloat(v, 'g', 2, 64) // a million days, say
}

// widest is how many cells a label may take from a plot.
const widest = 10
