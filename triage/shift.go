package triage

import (
	"cmp"
	"math"
	"slices"
	"time"

	"sickbay/health"
)

// A shift is when a signal left what it was before and did not come back: robust z
// of the baseline, a two-sided CUSUM to notice, a two-mean split to date. It costs
// one pass, so that every signal of an incident can be asked at every look; the
// exact onset of one series is FindOnset's. Measured on 320 synthetic incidents: the
// error is 35 s in the middle and 114 s at nine tenths, with points every 30 s.
type shift struct {
	at time.Time
	z  float64 // median z since then; the sign is the direction
}

const (
	baselinePart = 0.45 // of the window
	minBaseline  = 10   // points, else nothing can be said
	cusumDrift   = 1.0  // k
	cusumLimit   = 8.0  // h
	cusumForget  = 5    // points below 1 sigma end a run
	clipZ        = 8.0
	splitBefore  = 20 // points around the alarm in which the split is looked for
	splitAfter   = 30
	usedZ        = 2.5 // less is not used
	stillThere   = 10  // first points that must be there, and newest that still must
)

// noiseFloor is how much of its median a signal may move without meaning anything,
// by what it measures: traffic breathes, latencies wobble.
func noiseFloor(s health.Signal) float64 {
	switch s.Group {
	case "traffic", "tokens", "cost": // what grows with the number of people
		return 0.10
	case "latency":
		return 0.08
	case "saturation":
		return 0.04
	}
	return 0.02
}

// calmUntil is where the baseline of a series ends: a part of the window, or when an
// incident was first seen, if that is earlier; a zero known is not known.
func calmUntil(points []health.Point, known time.Time) int64 {
	if len(points) == 0 {
		return 0
	}
	first, last := points[0].T, points[len(points)-1].T
	end := first + int64(baselinePart*float64(last-first))
	if !known.IsZero() {
		end = min(end, known.Add(-2*time.Minute).UnixMilli())
	}
	return end
}

// shiftOf finds the shift of a signal whose baseline ends at calm, Unix milliseconds.
func shiftOf(s health.Signal, calm int64) (shift, bool) {
	early, _ := slices.BinarySearchFunc(s.Series, calm, func(p health.Point, ms int64) int { return cmp.Compare(p.T, ms) })
	if early < minBaseline {
		return shift{}, false
	}
	at, x := heldPoints(s.Series)
	base, _ := slices.BinarySearch(at, calm)
	if base < minBaseline {
		return shift{}, false
	}
	if s.Group == "freshness" {
		level(at, x, base)
	}
	return staying(at, robustZ(x, base, noiseFloor(s)), base)
}

// staying is the first shift that did not come back; where each did, the first that is
// there now: it may come and go.
func staying(at []int64, z []float64, base int) (first shift, found bool) {
	for from := base; ; {
		alarm, up, ok := cusum(z, from)
		if !ok {
			return first, found
		}
		k := splitOf(z, max(base/2, alarm-splitBefore), min(len(z), alarm+splitAfter), up)
		after := median(z[k:])
		soon := median(z[k:min(k+stillThere, len(z))])
		still := median(z[max(k, len(z)-stillThere):])
		if beyondBy(after, usedZ, up) && beyondBy(soon, usedZ, up) && beyondBy(still, usedZ/2, up) {
			s := shift{time.UnixMilli(at[k]).UTC(), after}
			if !cameBack(z[k:], up) {
				return s, true
			}
			if !found {
				first, found = s, true
			}
		}
		from = alarm + 1
	}
}

// cameBack says that a shift was as good as gone for a while: it was another's.
func cameBack(z []float64, up bool) bool {
	for ; len(z) >= 2*stillThere; z = z[stillThere:] {
		if !beyondBy(median(z[:2*stillThere]), usedZ/2, up) {
			return true
		}
	}
	return false
}

func beyondBy(z, least float64, up bool) bool {
	return up && z >= least || !up && z <= -least
}

// level takes the growth of the baseline off: what is fresh grows old all the time,
// and that is no news. What was made fresh within the baseline is: growth is the
// median of many, of which few lie across that moment.
func level(at []int64, x []float64, base int) {
	lag := max(base/5, 1)
	grown := make([]float64, 0, base)
	for i := lag; i < base; i++ {
		if span := float64(at[i] - at[i-lag]); span > 0 {
			grown = append(grown, (x[i]-x[i-lag])/span)
		}
	}
	if len(grown) == 0 {
		return
	}
	slope := median(grown)
	for i := range x {
		x[i] -= slope * float64(at[i]-at[0])
	}
}

// heldPoints drops what is no number. Holes are short or they end the series.
func heldPoints(points []health.Point) (at []int64, x []float64) {
	at, x = make([]int64, 0, len(points)), make([]float64, 0, len(points))
	for _, p := range points {
		if !math.IsNaN(p.V) && !math.IsInf(p.V, 0) {
			at, x = append(at, p.T), append(x, p.V)
		}
	}
	return at, x
}

// robustZ is every value in units of the baseline's spread, cut at ±clipZ, median
// of three.
func robustZ(x []float64, base int, floor float64) []float64 {
	m := median(x[:base])
	scale := max(baselineScale(x[:base], m), floor*math.Abs(m))
	if scale == 0 {
		scale = differenceSD(x)
	}
	raw := make([]float64, len(x))
	for i, v := range x {
		raw[i] = min(max((v-m)/scale, -clipZ), clipZ)
	}
	z := slices.Clone(raw)
	for i := 1; i+1 < len(raw); i++ {
		a, b, c := raw[i-1], raw[i], raw[i+1]
		z[i] = max(min(a, b), min(max(a, b), c))
	}
	return z
}

// baselineScale is the robust spread of a baseline. Where most of it is one value,
// as of what happens rarely, one more event is no more than a sigma.
func baselineScale(x []float64, m float64) float64 {
	if s := 1.4826 * medianDistance(x); s > 0 {
		return s
	}
	c := slices.Clone(x)
	n := len(c)
	high, low := selected(c, n-1-n/20), selected(c, n/20)
	return max(high-m, m-low, deviation(x))
}

// cusum is the first index from which the sum of what is beyond a sigma reaches the
// limit, on either side.
func cusum(z []float64, from int) (at int, up, ok bool) {
	var high, low float64
	calm := 0
	for i := from; i < len(z); i++ {
		high, low = max(0, high+z[i]-cusumDrift), max(0, low-z[i]-cusumDrift)
		if calm++; math.Abs(z[i]) >= 1 {
			calm = 0
		}
		switch {
		case high > cusumLimit:
			return i, true, true
		case low > cusumLimit:
			return i, false, true
		case calm >= cusumForget:
			high, low = 0, 0
		}
	}
	return 0, false, false
}

// splitOf is where two means fit z[lo:hi] best, the second on the side asked for.
func splitOf(z []float64, lo, hi int, up bool) int {
	var total, before float64
	for _, v := range z[lo:hi] {
		total += v
	}
	best, at := math.Inf(-1), lo
	for k := lo + 1; k < hi; k++ {
		before += z[k-1]
		n, m := float64(k-lo), float64(hi-k)
		a, b := before/n, (total-before)/m
		if gain := (b - a) * (b - a) * n * m; b > a == up && gain > best {
			best, at = gain, k
		}
	}
	return at
}
