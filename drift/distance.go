package drift

import "math"

// distances computes what needs no order of the cells. t has no cell that is
// empty in both windows.
func distances(t table) Detail {
	p := t.shares()
	filled := evidentlyFill(p)
	js := jensenShannon(p)
	nan := math.NaN()
	d := Detail{
		PSIEvidently: psi(filled), KLEvidently: kullbackLeibler(filled), PSIHalf: smoothedPSI(t),
		JS: js / math.Ln2, JSNats: js, JSDistance: math.Sqrt(js / math.Ln2), JSDistNats: math.Sqrt(js),
		Chi2P: 1, GP: 1,
		KS: nan, KSUpper: nan, KSP: nan, W1: nan, W1Norm: nan, W1Bound: nan, OverflowRef: nan, OverflowCur: nan,
	}
	var squares float64
	for _, s := range p {
		r := math.Sqrt(s.ref) - math.Sqrt(s.cur)
		squares += r * r
		moved := math.Abs(s.ref - s.cur)
		d.TVD += moved / 2
		d.LInf = max(d.LInf, moved)
	}
	d.Hellinger = math.Sqrt(squares / 2)
	d.Chi2, d.Chi2DF = t.chi2()
	d.G = t.g()
	if d.Chi2DF > 0 {
		d.Chi2P, d.GP = chi2Tail(d.Chi2, d.Chi2DF), chi2Tail(d.G, d.Chi2DF)
	}
	return d
}

// ordered adds what only histograms have.
func (d *Detail) ordered(l layout) {
	n, m := l.cells.totals()
	p := l.cells.shares()
	d.KS, d.KSUpper = kolmogorovSmirnov(p)
	d.KSP = kolmogorovTail(d.KS * math.Sqrt(n*m/(n+m)))
	d.W1 = wasserstein(l.cells, l.bounds)
	d.W1Norm = d.W1 / bucketSD(p, l.bounds)
	d.W1Bound = wassersteinBound(p, l.bounds)
	d.OverflowRef, d.OverflowCur = 0, 0
	if last := len(p) - 1; math.IsInf(l.bounds[last], 1) {
		d.OverflowRef, d.OverflowCur = p[last].ref, p[last].cur
	}
}

// psi is Σ (p−q) ln(p/q) of shares without zeros.
func psi(p table) float64 {
	var sum float64
	for _, s := range p {
		sum += (s.ref - s.cur) * math.Log(s.ref/s.cur)
	}
	return sum
}

// smoothedPSI is psi of the shares of counts, with ½ added to each count.
func smoothedPSI(t table) float64 {
	n, m := t.totals()
	k := float64(len(t)) / 2
	var sum float64
	for _, c := range t {
		p, q := (c.ref+0.5)/(n+k), (c.cur+0.5)/(m+k)
		sum += (p - q) * math.Log(p/q)
	}
	return sum
}

// kullbackLeibler is Σ p ln(p/q), both normalised first.
func kullbackLeibler(p table) float64 {
	var sum float64
	for _, s := range p.shares() {
		sum += s.cur * entropy((s.ref-s.cur)/s.cur)
	}
	return sum
}

// jensenShannon is KL(p,mid)/2 + KL(q,mid)/2 in nats, mid = (p+q)/2.
func jensenShannon(p table) float64 {
	var sum float64
	for _, s := range p {
		mid := s.sum() / 2
		sum += mid * (entropy((s.ref-mid)/mid) + entropy((s.cur-mid)/mid))
	}
	return sum / 2
}

// evidentlyFill replaces empty cells as Evidently does: by 0.0001, or by a
// millionth of the smallest share where that is not below it. Nothing is
// normalised afterwards.
func evidentlyFill(p table) table {
	smallest := pair{math.Inf(1), math.Inf(1)}
	for _, s := range p {
		if s.ref > 0 {
			smallest.ref = min(smallest.ref, s.ref)
		}
		if s.cur > 0 {
			smallest.cur = min(smallest.cur, s.cur)
		}
	}
	fill := func(v, smallest float64) float64 {
		switch {
		case v > 0:
			return v
		case smallest <= 1e-4:
			return smallest / 1e6
		}
		return 1e-4
	}
	out := make(table, len(p))
	for i, s := range p {
		out[i] = pair{fill(s.ref, smallest.ref), fill(s.cur, smallest.cur)}
	}
	return out
}

// kolmogorovSmirnov is max|F−G| at the bounds, which is a lower bound for the
// raw values, and the sharp upper bound over any arrangement inside buckets.
func kolmogorovSmirnov(p table) (at, upper float64) {
	var f, g float64
	for _, s := range p {
		upper = max(upper, f+s.ref-g, g+s.cur-f)
		f += s.ref
		g += s.cur
		at = max(at, math.Abs(f-g))
	}
	return at, min(1, upper)
}

// wasserstein is ∫|F−G| dx of counts, with mass spread evenly inside buckets. A
// first bucket with a positive bound starts at 0, else it is a point. Mass above
// the last finite bound sits on it, as histogram_quantile has it, so with mass
// there the value is a lower bound. Without a finite bound it is NaN.
func wasserstein(t table, bounds []float64) float64 {
	if math.IsInf(bounds[0], 0) {
		return math.NaN()
	}
	n, m := t.totals()
	lower := min(bounds[0], 0)
	var f, g, before, w1 float64
	for i, c := range t {
		if math.IsInf(bounds[i], 1) {
			break
		}
		f += c.ref
		g += c.cur
		after := (f*m - g*n) / n / m // of counts: equal distributions differ by exactly 0
		w1 += (bounds[i] - lower) * meanAbs(before, after)
		lower, before = bounds[i], after
	}
	return w1
}

// wassersteinBound is how far W1 of the unbucketed values may be from that of the
// buckets: Σ width (p+q)/2 over the finite buckets, since the area between a
// monotone curve and its chord is at most half of their box. What lies above the
// last finite bound can add any amount and is not in it.
func wassersteinBound(p table, bounds []float64) float64 {
	if math.IsInf(bounds[0], 0) {
		return math.NaN()
	}
	var sum float64
	lower := min(bounds[0], 0)
	for i, s := range p {
		if math.IsInf(bounds[i], 1) {
			break
		}
		sum += (bounds[i] - lower) * s.sum() / 2
		lower = bounds[i]
	}
	return sum
}

// meanAbs is the mean of |x| along the line from a to b.
func meanAbs(a, b float64) float64 {
	x, y := math.Abs(a), math.Abs(b)
	if a*b >= 0 {
		return (x + y) / 2
	}
	return (a*a + b*b) / (2 * (x + y)) // it crosses zero: two triangles
}

// bucketSD is the reference's standard deviation under wasserstein's reading of
// the buckets, and NaN where there is none to divide by.
func bucketSD(p table, bounds []float64) float64 {
	if math.IsInf(bounds[0], 0) {
		return math.NaN()
	}
	var mean, square, last float64
	lower := min(bounds[0], 0)
	// Two passes: the variance of large values must not cancel.
	each := func(f func(share, mid, within float64)) {
		lo := lower
		for i, s := range p {
			if math.IsInf(bounds[i], 1) {
				f(s.ref, last, 0)
				continue
			}
			last = bounds[i]
			f(s.ref, (lo+last)/2, (last-lo)*(last-lo)/12)
			lo = last
		}
	}
	each(func(share, mid, _ float64) { mean += share * mid })
	each(func(share, mid, within float64) { square += share * ((mid-mean)*(mid-mean) + within) })
	if square <= 0 {
		return math.NaN()
	}
	return math.Sqrt(square)
}
