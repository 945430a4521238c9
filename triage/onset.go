package triage

import (
	"math"
	"slices"
)

// An Onset is when a series began to be different, found in the series alone.
type Onset struct {
	Score     float64 // strength; found when it reaches onsetThreshold
	At        int     // index of the first different value
	End       int     // index of the first value that is as before again; -1: it still lasts
	Direction int     // +1 higher, -1 lower, 0 more or less spread
	Kind      string  // "step", "ramp", "spread"
}

// The detector's constants. The threshold gives less than one false alarm in a
// hundred unchanged series of any length from 60 to 1000.
const (
	onsetThreshold = 4.6
	onsetClip      = 4.0 // robust z-scores beyond count as this
	minSegment     = 4   // shorter spikes are not an onset
	minSpread      = 12  // segment needed to speak of a change of spread, or of a ramp
	minPoints      = 40  // fewer values are not looked at
	spreadClip     = 6.0 // distances beyond this many medians count as this
	maxSpike       = 12  // longer ones the scan finds
)

// FindOnset looks for one segment that differs from the rest.
//
//   - Level: a scan over all segments, of ranks and of clipped values, whitened by
//     the lag-1 autocorrelation of what a first scan and the best step or ramp do not
//     explain, which must also explain more than a long memory alone would; and
//     short spikes, every value of which is far out.
//   - Spread: the same scan over the distances from that step or ramp, scored by
//     likelihood ratio.
//   - Place: least squares of a step against a ramp; for spread, likelihood.
//
// Short segments need a higher score than long ones, since there are more of them
// (Dümbgen and Spokoiny 2001). NaN are holes. A reference (same length: the same
// clock time of another day) is taken off point by point; it must not be smoothed.
// Without one, a daily season looks like an onset: look back at most two hours
// then. The Score is given even when nothing is found.
func FindOnset(values, reference []float64) (Onset, bool) {
	x, index := finite(values, reference)
	n := len(x)
	if n < minPoints || slices.Min(x) == slices.Max(x) {
		return Onset{}, false
	}
	d := thin(x)
	if modeShare(d.x) > 0.8 {
		return Onset{}, false
	}
	head := max(10, len(d.x)/10) // the baseline every onset needs
	level := findLevel(d.x, head)
	rest := distances(d.x, level)
	spread := findSpread(rest, head)
	o := Onset{Score: max(level.score, spread.score), End: -1}
	if o.Score < onsetThreshold {
		return Onset{Score: o.Score}, false
	}
	var at, end int
	if spread.score > level.score && (level.score < onsetThreshold || spread.score > 1.5*level.score && !explains(d.x, level)) {
		at, end, o.Kind = d.fine(placeSpread(rest, spread), n), d.fine(spread.to, n), "spread"
	} else {
		end, o.Direction = d.fine(level.to, n), level.direction(d.x)
		f := refine(x, d.fine(level.from, n), end, max(5, d.factor))
		at, o.Kind = f.at, f.kind()
	}
	o.At = index[at]
	if end < n-2 {
		o.End = index[end]
	}
	return o, true
}

// explains says whether the segment is what happened in x: what it leaves varies
// less than half as much. How that then varies is no news.
func explains(x []float64, s segment) bool { return deviation(unexplained(x, s)) < deviation(x)/2 }

// findLevel finds the segment of x whose level differs most.
func findLevel(x []float64, head int) segment {
	first := scanLevel(clipped(x), head, 0)
	rho := correlation(unexplained(x, first))
	w := whitened(x, rho)
	found := better(scanLevel(normalScores(w), head, rho), scanLevel(clipped(w), head, rho))
	if found.score = min(found.score, beyondMemory(x, found)); found.score >= onsetThreshold {
		return found
	}
	return better(findSpike(x, head), found)
}

// beyondMemory says how much better the segment explains x than a long memory alone
// would: the root of the likelihood ratio n ln(v/u) of two first-order
// autoregressions, of variances v of the steps of x and u of those of what the
// segment leaves. A queue that fills and empties wanders without any onset.
func beyondMemory(x []float64, s segment) float64 {
	rest := unexplained(x, s)
	calm := slices.Clone(x) // without outliers, which would drown the difference
	m, limit := median(rest), 4*1.4826*medianDistance(rest)
	for i, r := range rest {
		rest[i] = min(max(r, m-limit), m+limit)
		calm[i] += rest[i] - r
	}
	u := innovation(rest)
	if u <= 0 {
		return math.Inf(1)
	}
	return math.Sqrt(max(0, float64(len(x))*math.Log(innovation(calm)/u)))
}

// innovation is the mean square of what a first-order autoregression leaves of x.
func innovation(x []float64) float64 {
	m := mean(x)
	var c, v float64
	for i := 1; i < len(x); i++ {
		c += (x[i] - m) * (x[i-1] - m)
		v += (x[i-1] - m) * (x[i-1] - m)
	}
	if v <= 0 {
		return 0
	}
	rho := min(max(c/v, 0), 1)
	var sum float64
	for i := 1; i < len(x); i++ {
		d := x[i] - m - rho*(x[i-1]-m)
		sum += d * d
	}
	return sum / float64(len(x)-1)
}

// findSpike finds minSegment to maxSpike neighbours that are all far out on one side,
// between values that are not: noise that remembers its past hides them from the
// scan, but does not go that far. The score is the distance of the least of them from
// the median in robust standard deviations.
func findSpike(x []float64, head int) segment {
	best := segment{from: head, to: len(x)}
	middle, scale := median(x), 1.4826*medianDistance(x)
	if scale == 0 {
		return best
	}
	for s := head; s < len(x); {
		side := math.Copysign(1/scale, x[s]-middle)
		far := func(i int) float64 { return side * (x[i] - middle) }
		e, least := s, math.Inf(1)
		for ; e < len(x) && far(e) >= onsetThreshold; e++ {
			least = min(least, far(e))
		}
		around := slices.Concat(x[max(0, s-maxSpike):s], x[e:min(len(x), e+maxSpike)])
		if e-s >= minSegment && e-s <= maxSpike && least > best.score && side*(median(around)-middle) < least/2 {
			best = segment{least, s, e}
		}
		s = max(e, s+1)
	}
	return best
}

// distances is how far each value is from what the segment explains, whitened.
func distances(x []float64, s segment) []float64 {
	r := unexplained(x, s)
	r = whitened(r, correlation(r))
	for i, v := range r {
		r[i] = math.Abs(v)
	}
	return r
}

// findSpread finds the segment of distances whose size differs most. A scan of the
// clipped distances says which; its score is the root of the likelihood ratio of two
// scales against one, 2(n ln m − Σ nᵢ ln mᵢ) for means m, divided by the squared
// coefficient of variation within them, which heavy tails make larger.
func findSpread(e []float64, head int) segment {
	c := cut(e, spreadClip*median(e))
	if slices.Max(c) == 0 { // more than half of them are nothing
		return segment{from: head, to: len(e)}
	}
	s := scanSpread(standardised(slices.Clone(c)), head)
	in, out := s.split(c)
	a, b := mean(in), mean(out)
	if a <= 0 || b <= 0 {
		return segment{from: head, to: len(e)}
	}
	scaled := make([]float64, len(c))
	for i, v := range c {
		scaled[i] = v / b
		if i >= s.from && i < s.to {
			scaled[i] = v / a
		}
	}
	n, l := float64(len(c)), float64(s.to-s.from)
	ratio := 2 * (n*math.Log(mean(c)) - l*math.Log(a) - (n-l)*math.Log(b))
	s.score = math.Sqrt(max(0, ratio))/deviation(scaled)/autocorrelationFactor(scaled) - spreadPenalty(l/n)
	return s
}

func cut(x []float64, limit float64) []float64 {
	c := make([]float64, len(x))
	for i, v := range x {
		c[i] = min(v, limit)
	}
	return c
}

// correlation is the lag-1 autocorrelation of clipped values, within 0..0.9 and
// corrected for the bias a series of this length has.
func correlation(r []float64) float64 {
	g := clipped(r) // mean 0, variance 1
	n := float64(len(g))
	var c float64
	for i := 1; i < len(g); i++ {
		c += g[i] * g[i-1]
	}
	rho := c / (n - 1)
	return min(max(rho+(1+3*rho)/n, 0), 0.9)
}

// whitened takes off each value what the one before says about it. The median
// counts as zero.
func whitened(x []float64, rho float64) []float64 {
	m := median(x)
	w := make([]float64, len(x))
	w[0] = (x[0] - m) * math.Sqrt(1-rho*rho)
	for i := 1; i < len(x); i++ {
		w[i] = x[i] - m - rho*(x[i-1]-m)
	}
	return w
}

// finite drops the holes; index says where each value was.
func finite(values, reference []float64) (x []float64, index []int) {
	x, index = make([]float64, 0, len(values)), make([]int, 0, len(values))
	for i, v := range values {
		if i < len(reference) {
			v -= reference[i]
		}
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			x, index = append(x, v), append(index, i)
		}
	}
	return x, index
}

// A thinned series has neighbours added up, so that counts of mostly one value,
// usually 0, become something that can be ranked. Counts are then brought to an even
// spread: with more of them they vary more, and that is no news.
type thinned struct {
	x      []float64
	factor int // values per value
	offset int // oldest values left out
}

func thin(x []float64) thinned {
	t := thinned{x: slices.Clone(x), factor: 1}
	for modeShare(t.x) > 0.5 && len(t.x)/2 >= minPoints {
		odd := len(t.x) % 2
		t.offset += odd * t.factor
		sums := make([]float64, len(t.x)/2)
		for i := range sums {
			sums[i] = t.x[odd+2*i] + t.x[odd+2*i+1]
		}
		t.x, t.factor = sums, t.factor*2
	}
	stabilise(t.x)
	return t
}

// stabilise turns counts into 2√(count+⅜), of standard deviation 1 when they are
// Poisson (Anscombe 1948). What are not all whole and not negative is left alone.
func stabilise(x []float64) {
	for _, v := range x {
		if v < 0 || v != math.Trunc(v) {
			return
		}
	}
	for i, v := range x {
		x[i] = 2 * math.Sqrt(v+0.375)
	}
}

// fine is the index in the full series of length n.
func (t thinned) fine(i, n int) int { return min(t.offset+i*t.factor, n) }

// modeShare is how much of x is its most frequent value.
func modeShare(x []float64) float64 {
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	most, run := 0, 0
	for i, v := range sorted {
		if i > 0 && v != sorted[i-1] {
			run = 0
		}
		run++
		most = max(most, run)
	}
	return float64(most) / float64(len(x))
}
