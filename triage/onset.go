package triage

import (
	"cmp"
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

// The detector's constants. The threshold gives 1 to 2 false alarms in a hundred
// unchanged series of any length from 60 to 1000.
const (
	onsetThreshold = 4.6
	onsetClip      = 4.0 // robust z-scores beyond count as this
	minSegment     = 4   // shorter spikes are not an onset
	minSpread      = 12  // segment needed to speak of a change of spread
	minPoints      = 40  // fewer values are not looked at
)

// FindOnset looks for one segment that differs from the rest: a scan over all
// segments for level and for spread, each divided by what autocorrelation does to
// such sums, then a least-squares fit of a step against a ramp for the exact
// place. NaN are holes. A reference (same length: the same clock time of another
// day) is taken off point by point; it must not be smoothed. Without one, a daily
// season looks like an onset: look back at most two hours then. The Score is
// given even when nothing is found.
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
	level := better(scan(normalScores(d.x), minSegment, head), scan(clipped(d.x), minSegment, head))
	spread := scan(normalScores(distances(d.x, level)), minSpread, head)
	best := max(level.score, spread.score)
	if best < onsetThreshold {
		return Onset{Score: best}, false
	}
	o := Onset{Score: best, End: -1, Kind: "spread"}
	at, end := d.fine(spread.from, n), d.fine(spread.to, n)
	if level.score >= spread.score {
		o.Direction = level.direction(d.x)
		at, end = d.fine(level.from, n), d.fine(level.to, n)
		at, o.Kind = refine(x, at, end, max(5, d.factor))
	}
	o.At = index[at]
	if end < n-2 {
		o.End = index[end]
	}
	return o, true
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
// usually 0, become something that can be ranked.
type thinned struct {
	x      []float64
	factor int // values per value
	offset int // oldest values left out
}

func thin(x []float64) thinned {
	t := thinned{x: x, factor: 1}
	for modeShare(t.x) > 0.5 && len(t.x)/2 >= minPoints {
		odd := len(t.x) % 2
		t.offset += odd * t.factor
		sums := make([]float64, len(t.x)/2)
		for i := range sums {
			sums[i] = t.x[odd+2*i] + t.x[odd+2*i+1]
		}
		t.x, t.factor = sums, t.factor*2
	}
	return t
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

// A segment is [from, to) of a series and how much it differs from the rest.
type segment struct {
	score    float64
	from, to int
}

func better(a, b segment) segment {
	if a.score >= b.score {
		return a
	}
	return b
}

func (s segment) split(x []float64) (inside, outside []float64) {
	inside = x[s.from:s.to]
	return inside, append(slices.Clone(x[:s.from]), x[s.to:]...)
}

func (s segment) direction(x []float64) int {
	in, out := s.split(x)
	if mean(in) > mean(out) {
		return 1
	}
	return -1
}

// scan finds the segment of at least least values, none of the first head, with
// the largest |Σ g| / √(L(1−L/n)), for g of mean 0 and variance 1. The score is
// divided by the factor by which lag-1 autocorrelation of what the segment does
// not explain inflates it.
func scan(g []float64, least, head int) segment {
	n := len(g)
	sums := make([]float64, n+1)
	for i, v := range g {
		sums[i+1] = sums[i] + v
	}
	weights := make([]float64, n+1) // by length: the loop below is most of the cost
	for l := 1; l < n; l++ {
		weights[l] = 1 / math.Sqrt(float64(l)*(1-float64(l)/float64(n)))
	}
	best := segment{from: head, to: n}
	tiles := tile(sums)
	for s := head; s+least <= n; s++ {
		start := sums[s]
		for e := s + least; e <= n; {
			t := tiles[e/tileSize]
			end := min((e/tileSize+1)*tileSize, n+1)
			// Weights are largest at the ends of a range, so this bounds what is in it.
			if max(t.high-start, start-t.low)*max(weights[e-s], weights[end-1-s]) > best.score {
				for i, sum := range sums[e:end] {
					if z := math.Abs(sum-start) * weights[e-s+i]; z > best.score {
						best = segment{z, s, e + i}
					}
				}
			}
			e = end
		}
	}
	best.score /= autocorrelationFactor(unexplained(g, best))
	return best
}

// A tileRange is the range of tileSize neighbouring sums: most tiles cannot hold a
// better segment than is known, which saves nine tenths of the scan.
type tileRange struct{ low, high float64 }

const tileSize = 16

func tile(sums []float64) []tileRange {
	tiles := make([]tileRange, 0, len(sums)/tileSize+1)
	for t := range slices.Chunk(sums, tileSize) {
		tiles = append(tiles, tileRange{slices.Min(t), slices.Max(t)})
	}
	return tiles
}

// unexplained takes the two means off.
func unexplained(g []float64, s segment) []float64 {
	in, out := s.split(g)
	a, b := mean(in), mean(out)
	return subtracted(g, s, a, b)
}

// distances is how far each value is from the median of its part.
func distances(x []float64, s segment) []float64 {
	in, out := s.split(x)
	r := subtracted(x, s, median(in), median(out))
	for i, v := range r {
		r[i] = math.Abs(v)
	}
	return r
}

func subtracted(x []float64, s segment, inside, outside float64) []float64 {
	r := make([]float64, len(x))
	for i, v := range x {
		if i >= s.from && i < s.to {
			r[i] = v - inside
		} else {
			r[i] = v - outside
		}
	}
	return r
}

// autocorrelationFactor is √((1+ρ)/(1−ρ)), ρ of lag 1 within 0..0.9.
func autocorrelationFactor(r []float64) float64 {
	m := mean(r)
	var v, c float64
	for i := range r {
		d := r[i] - m
		v += d * d
		if i > 0 {
			c += d * (r[i-1] - m)
		}
	}
	if v <= 0 {
		return 1
	}
	n := float64(len(r))
	rho := min(max(c/(n-1)/(v/n), 0), 0.9)
	return math.Sqrt((1 + rho) / (1 - rho))
}

// normalScores replaces values by normal quantiles of their ranks, ties averaged.
func normalScores(x []float64) []float64 {
	n := len(x)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	g := make([]float64, n)
	for i := 0; i < n; {
		j := i
		for j < n && x[order[j]] == x[order[i]] {
			j++
		}
		rank := float64(i+j+1) / 2 // average of i+1 … j
		score := math.Sqrt2 * math.Erfinv(2*(rank-0.5)/float64(n)-1)
		for ; i < j; i++ {
			g[order[i]] = score
		}
	}
	return standardised(g)
}

// clipped is robust z-scores cut at ±onsetClip.
func clipped(x []float64) []float64 {
	m, scale := median(x), scaleOf(x)
	g := make([]float64, len(x))
	for i, v := range x {
		g[i] = min(max((v-m)/scale, -onsetClip), onsetClip)
	}
	return standardised(g)
}

// standardised has mean 0 and, unless it is constant, variance 1. In place.
func standardised(g []float64) []float64 {
	m := mean(g)
	for i := range g {
		g[i] -= m
	}
	if s := deviation(g); s > 0 {
		for i := range g {
			g[i] /= s
		}
	}
	return g
}

// refine places the onset of segment [s, e) of x exactly: least squares on the
// values before e, cut off where they leave the segment's own range, of a step at
// most near away from s, against a ramp that may begin earlier and saturate. The
// ramp must win by 4 units of BIC.
func refine(x []float64, s, e, near int) (at int, kind string) {
	base := append(slices.Clone(x[:s]), x[e:]...)
	m0, s0 := median(base), 1.4826*medianDistance(base)
	if s0 == 0 {
		s0 = differenceSD(x)
	}
	limit := math.Abs(median(x[s:e])-m0) + 3*s0
	y := make([]float64, e)
	for i := range y {
		y[i] = min(max(x[i], m0-limit), m0+limit) - m0
	}
	step := fitStep(y, max(5, s-near), min(e-3, s+near+1), s)
	ramp := fitRamp(y, max(5, s-max(10, e-s)), min(e-5, s+near+1), s)
	n := float64(e)
	bic := func(f fit) float64 { return n * math.Log(max(f.error, 1e-300)) }
	if bic(ramp)+2*math.Log(n) < bic(step)-4 {
		return ramp.at, "ramp"
	}
	return step.at, "step"
}

// A fit is the best place and the squared error it leaves.
type fit struct {
	error float64
	at    int
}

// fitStep tries one mean before and one from k on, lo ≤ k < hi.
func fitStep(y []float64, lo, hi, otherwise int) fit {
	best := fit{math.Inf(1), otherwise}
	var total, squares, before float64
	for _, v := range y {
		total += v
		squares += v * v
	}
	for _, v := range y[:max(0, min(lo-1, len(y)))] {
		before += v
	}
	for k := lo; k < hi; k++ {
		before += y[k-1]
		after := total - before
		if e := squares - before*before/float64(k) - after*after/float64(len(y)-k); e < best.error {
			best = fit{e, k}
		}
	}
	return best
}

// fitRamp tries lines that leave zero at k and saturate at the end, half way or a
// quarter of the way there.
func fitRamp(y []float64, lo, hi, otherwise int) fit {
	best := fit{math.Inf(1), otherwise}
	n := len(y)
	m := mean(y)
	var yy float64
	for _, v := range y {
		yy += (v - m) * (v - m)
	}
	for k := lo; k < hi; k++ {
		for _, q := range [...]int{n, k + max(4, (n-k)/2), k + max(4, (n-k)/4)} {
			// The line is 0 before k, (t−k)/(q−k) to q, then 1.
			var sum, squares, product float64
			slope := 1 / float64(q-k)
			for t := k; t < n; t++ {
				h := min(float64(t-k)*slope, 1)
				sum += h
				squares += h * h
				product += h * (y[t] - m)
			}
			d := squares - sum*sum/float64(n)
			if d <= 0 {
				continue
			}
			if e := yy - product*product/d; e < best.error {
				best = fit{e, k}
			}
		}
	}
	return best
}
