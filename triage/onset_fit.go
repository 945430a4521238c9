package triage

import (
	"math"
	"slices"
)

// unexplained takes off the medians of the segment and of the rest, or the ramp that
// fits better where it lasts to the end: what is left of a ramp after two medians
// would look like noise that remembers its past, or like another spread.
func unexplained(x []float64, s segment) []float64 {
	if s.to >= len(x)-2 {
		if f := refine(x, s.from, s.to, 5); f.full > 0 {
			r := slices.Clone(x)
			for t := f.at; t < len(r); t++ {
				r[t] -= f.rise * min(float64(t-f.at)/float64(f.full-f.at), 1)
			}
			return r
		}
	}
	in, out := s.split(x)
	return subtracted(x, s, median(in), median(out))
}

// placeSpread is where the spread changes: the place at most near away from the
// segment's start that is the likeliest for one scale before and a larger one from
// there to its end; where it becomes smaller, the start as it is.
func placeSpread(e []float64, s segment) int {
	const near = 30
	c := cut(e[:s.to], spreadClip*median(e))
	n := len(c)
	var total, before float64
	for _, v := range c {
		total += v
	}
	best, at := math.Inf(1), s.from
	for k := 1; k < min(n-2, s.from+near+1); k++ {
		before += c[k-1]
		a, b := before/float64(k), (total-before)/float64(n-k)
		if k < max(5, s.from-near) || a <= 0 || b <= a {
			continue
		}
		if l := float64(k)*math.Log(a) + float64(n-k)*math.Log(b); l < best {
			best, at = l, k
		}
	}
	return at
}

// refine places the onset of segment [s, e) of x exactly: least squares on the
// values before e, cut off where they leave the segment's own range, of a step at
// most near away from s, against a ramp that may begin earlier and saturate. The
// ramp must win by 4 units of BIC, and have room to be told from a step.
func refine(x []float64, s, e, near int) fit {
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
	if e-s >= minSpread && bic(ramp)+2*math.Log(n) < bic(step)-4 {
		return ramp
	}
	return step
}

// A fit is the best place and the squared error it leaves.
type fit struct {
	error float64
	at    int
	full  int     // where a ramp reaches its height; 0: a step
	rise  float64 // that height
}

func (f fit) kind() string {
	if f.full > 0 {
		return "ramp"
	}
	return "step"
}

// fitStep tries one mean before and one from k on, lo ≤ k < hi.
func fitStep(y []float64, lo, hi, otherwise int) fit {
	best := fit{error: math.Inf(1), at: otherwise}
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
			best = fit{error: e, at: k}
		}
	}
	return best
}

// fitRamp tries lines that leave zero at k and saturate at the end, half way or a
// quarter of the way there.
func fitRamp(y []float64, lo, hi, otherwise int) fit {
	best := fit{error: math.Inf(1), at: otherwise}
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
				best = fit{e, k, q, product / d}
			}
		}
	}
	return best
}
