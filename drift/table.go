package drift

import (
	"cmp"
	"math"
	"slices"
)

// A pair is one cell in both windows.
type pair struct{ ref, cur float64 }

func (c pair) sum() float64 { return c.ref + c.cur }

func (c pair) plus(d pair) pair { return pair{c.ref + d.ref, c.cur + d.cur} }

// A table is two distributions on the same cells: counts, or shares where said.
type table []pair

func (t table) totals() (ref, cur float64) {
	for _, c := range t {
		ref += c.ref
		cur += c.cur
	}
	return ref, cur
}

// occupied drops the cells that are empty in both windows.
func (t table) occupied() table {
	kept := make(table, 0, len(t))
	for _, c := range t {
		if c.sum() > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}

// shares divides by the totals, which must be positive.
func (t table) shares() table {
	n, m := t.totals()
	p := make(table, len(t))
	for i, c := range t {
		p[i] = pair{c.ref / n, c.cur / m}
	}
	return p
}

// slack lets a weight of 4.999999999 reach a need of 5: fractional counts are
// sums of extrapolated rates.
const slack = 1 - 1e-9

// pool merges cells until each weighs need. The weight looks at both windows
// alike, so that pooling leaves the distribution under no change as it was.
func (t table) pool(ordered bool, weight func(pair) float64, need float64) table {
	if ordered {
		return t.poolNeighbours(weight, need*slack)
	}
	return t.poolRare(weight, need*slack)
}

// poolNeighbours goes left to right and closes a pool when it is heavy enough;
// what remains joins the last pool.
func (t table) poolNeighbours(weight func(pair) float64, need float64) table {
	pools := make(table, 0, len(t))
	var open pair
	var w float64
	for _, c := range t {
		open = open.plus(c)
		if w += weight(c); w >= need {
			pools = append(pools, open)
			open, w = pair{}, 0
		}
	}
	if len(pools) == 0 {
		return append(pools, open)
	}
	last := len(pools) - 1
	pools[last] = pools[last].plus(open)
	return pools
}

// poolRare keeps the heavy categories (at least one) and makes the others one
// cell; when even that is too light it joins the lightest that was kept.
func (t table) poolRare(weight func(pair) float64, need float64) table {
	type weighed struct {
		pair
		weight float64
	}
	byWeight := make([]weighed, len(t))
	for i, c := range t {
		byWeight[i] = weighed{c, weight(c)}
	}
	slices.SortStableFunc(byWeight, func(a, b weighed) int { return cmp.Compare(b.weight, a.weight) })
	kept := make(table, 0, len(t))
	var rare pair
	var w float64
	for i, c := range byWeight {
		if i == 0 || c.weight >= need {
			kept = append(kept, c.pair)
			continue
		}
		rare = rare.plus(c.pair)
		w += c.weight
	}
	switch last := len(kept) - 1; {
	case rare.sum() <= 0:
	case w >= need:
		kept = append(kept, rare)
	default:
		kept[last] = kept[last].plus(rare)
	}
	return kept
}

// chi2 is the two-sample statistic Σ (r·m − c·n)² / ((r+c)·n·m) and its degrees
// of freedom. No cell may be empty in both windows.
func (t table) chi2() (stat float64, df int) {
	n, m := t.totals()
	for _, c := range t {
		d := c.ref*m - c.cur*n
		stat += d / n * (d / m) / c.sum()
	}
	return stat, len(t) - 1
}

// g is the likelihood ratio 2 Σ O ln(O/E), written with entropy so that two
// windows of billions that hardly differ do not cancel to noise.
func (t table) g() float64 {
	n, m := t.totals()
	var sum float64
	for _, c := range t {
		d := (c.ref*m - c.cur*n) / (n + m) // O − E of the reference; −d of the current
		e1, e2 := c.sum()*n/(n+m), c.sum()*m/(n+m)
		sum += e1*entropy(d/e1) + e2*entropy(-d/e2)
	}
	return 2 * sum
}

// entropy is (1+x) ln(1+x) − x for x ≥ −1, accurate near 0. While Σa = Σe it
// turns Σ a ln(a/e) into the sum of positive terms Σ e·entropy(a/e − 1).
func entropy(x float64) float64 {
	if x <= -1 {
		return 1
	}
	if math.Abs(x) >= 0.02 {
		return (1+x)*math.Log1p(x) - x
	}
	var sum float64
	for k := 12; k >= 2; k-- { // Horner: x² Σ (−x)^(k−2) / (k(k−1))
		sum = sum*-x + 1/float64(k*(k-1))
	}
	return x * x * sum
}
