package drift

import "math"

// movedAlpha is how sure a cell has to be, counted over all cells, to be called
// moved.
const movedAlpha = 0.01

// significance runs the tests and describes the cells. t is l.cells without
// the cells that are empty in both windows.
func significance(t table, l layout) (Parts, []Share) {
	n, m := t.totals()
	total, smaller := n+m, min(n, m)
	ordered := l.bounds != nil
	parts := Parts{Chi2Pooled: 1, Cells: 1, Location: 1, Shape: 1}

	pooled := t.pool(ordered, pair.sum, wellFilled*total/smaller)
	parts.PooledCells = len(pooled)
	if stat, df := pooled.chi2(); df > 0 {
		parts.Chi2Pooled = chi2Tail(stat*(total-1)/total, df)
	}
	if ordered {
		parts.Components = components(t.pool(true, pair.sum, total/smaller))
	}
	if s := parts.Components; len(s) > 0 {
		var squares float64
		for _, v := range s {
			squares += v * v
		}
		parts.Location, parts.Shape = chi2Tail(s[0]*s[0], 1), chi2Tail(squares, len(s))
	}
	shares := make([]Share, len(l.cells))
	for i, c := range l.cells {
		shares[i] = l.share(i, n, m)
		if c.sum() > 0 {
			p := cellP(c, n, m)
			together := min(1, p*float64(len(t)))
			shares[i].P, shares[i].Moved = p, len(t) > 1 && together <= movedAlpha
			parts.Cells = min(parts.Cells, together)
		}
	}
	return parts, shares
}

// combine makes one p of the parts.
func (s Parts) combine(ordered bool) float64 {
	if ordered {
		return cauchy(s.Location, s.Shape, s.Chi2Pooled, s.Cells)
	}
	return cauchy(s.Chi2Pooled, s.Cells)
}

// cauchy combines p-values that depend on each other (Liu and Xie 2020):
// t = mean of 1/tan(πp), p = atan2(1, t)/π. Parts above 0.99 count as 0.99, since
// a p of exactly 1, usual with counts, would outweigh all others.
func cauchy(ps ...float64) float64 {
	var t float64
	for _, p := range ps {
		t += 1 / math.Tan(math.Pi*min(max(p, 1e-300), 0.99))
	}
	return math.Atan2(1, t/float64(len(ps))) / math.Pi
}

// cellP is the exact two-sided p of one cell: cur given ref+cur is binomial with
// share f = m/(n+m). It is twice the smaller tail, at most 1, where
// P(X ≥ c) = I_f(c, r+1) and P(X ≤ c) = 1 − P(X ≥ c) + P(X = c).
func cellP(c pair, n, m float64) float64 {
	f, g := m/(n+m), n/(n+m)
	if c.cur < c.sum()*f { // count the other window, so that the tail is the small one
		c.ref, c.cur, f, g = c.cur, c.ref, g, f
	}
	point := math.Exp(logBinomial(c.cur, c.ref, f, g))
	tail := betaInc(c.cur, c.ref+1, f, g)
	return min(1, 2*min(tail, 1-tail+point))
}

// maxComponents is the degree of the shape test: location, spread, skew, tails.
const maxComponents = 4

// components are the orthonormal-polynomial scores on mid-ranks of a pooled
// table: [0] is the tie-corrected rank sum (> 0: current larger), [1] spread
// (> 0: current wider). Each is N(0,1) without change; all len(t)−1 of them
// together would be χ²·(N−1)/N.
func components(t table) []float64 {
	n, m := t.totals()
	total := n + m
	weight, rank := make([]float64, len(t)), make([]float64, len(t))
	var below float64
	for i, c := range t {
		weight[i] = c.sum() / total
		rank[i] = below + weight[i]/2 - 0.5
		below += weight[i]
	}
	dot := func(a, b []float64) (sum float64) {
		for i, w := range weight {
			sum += w * a[i] * b[i]
		}
		return sum
	}
	basis := [][]float64{ones(len(t))}
	scale := math.Sqrt(n * m / total * (total - 1) / total)
	var scores []float64
	for range min(maxComponents, len(t)-1) {
		h := make([]float64, len(t))
		for i, v := range basis[len(basis)-1] {
			h[i] = v * rank[i]
		}
		if !orthonormalise(h, basis, dot) {
			break // fewer distinct ranks than the degree
		}
		basis = append(basis, h)
		var sum float64
		for i, c := range t {
			sum += h[i] * (c.cur/m - c.ref/n)
		}
		scores = append(scores, scale*sum)
	}
	return scores
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// orthonormalise makes h orthogonal to basis and of length one, in place. Twice
// is enough for Gram-Schmidt. It fails when nothing is left of h.
func orthonormalise(h []float64, basis [][]float64, dot func(a, b []float64) float64) bool {
	for range 2 {
		for j := len(basis) - 1; j >= 0; j-- {
			along := dot(h, basis[j])
			for i := range h {
				h[i] -= along * basis[j][i]
			}
		}
	}
	length := math.Sqrt(dot(h, h))
	if length <= 1e-7 {
		return false
	}
	for i := range h {
		h[i] /= length
	}
	return true
}
