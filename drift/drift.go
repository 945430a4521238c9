// Package drift compares a distribution now with the same distribution at
// another time. It says three things, never one: how large the difference is
// (PSI and gap), how well that is known (an interval) and how likely it is
// without any change (p). It knows no clock, no network and no service.
//
// Counts come from Prometheus: increase() extrapolates, so they may be
// fractional and are never rounded here.
package drift

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
)

// Cells is one distribution, counted.
type Cells struct {
	Bounds []float64 // upper bounds, ascending, usually +Inf last; nil: categorical
	Labels []string  // categories, each once; only without Bounds
	Counts []float64 // per cell (not cumulative), ≥ 0
}

// State says whether there was something to compare.
type State string

// The states. Only OK carries a verdict; Insufficient and SingleCell carry
// numbers that must not be judged; the others carry no numbers.
const (
	OK           State = "ok"
	NoData       State = "no_data"      // neither window has counts
	NoReference  State = "no_reference" // only the current window has
	NoCurrent    State = "no_current"   // only the reference has
	Incompatible State = "incompatible_layout"
	SingleCell   State = "single_cell"  // everything fell into one cell
	Insufficient State = "insufficient" // fewer than MinN in one of the windows
)

// MinN is how many observations each window needs for a verdict.
const MinN = 30

// A Result is everything that can be said about two distributions. p and q are
// the shares in reference and current, n and m their totals, h = 1/n + 1/m.
type Result struct {
	State      State
	NRef, NCur float64 // n and m
	Cells      int     // that are not empty in both windows

	// Effect: how different. PSI = Σ (p−q) ln(p/q), 0..∞, with ½ added to each
	// count, on cells pooled until the smaller window can fill them. It is
	// biased by (cells−1)·h, which PSIAdj = max(0, PSI − (cells−1)·h) takes off.
	PSI, PSIAdj float64
	PSICells    int     // after pooling
	Low, High   float64 // 95 % interval of PSI: score inversion of the non-central χ²
	Gap         float64 // 0..1, the largest share that moved: KS (histogram), L∞ (categories)

	// Significance: how surprising without any change. 0..1.
	P     float64 // Cauchy combination of the parts
	Parts Parts

	Detail Detail
	Shares []Share // all cells of the common layout, in its order
}

// Parts are the tests behind P, and the plain tests other tools do.
type Parts struct {
	Chi2Pooled  float64   // p of χ² on cells pooled by both windows' margin
	PooledCells int       // in that pooling
	Cells       float64   // k · min over cells of the exact binomial p, at most 1
	Location    float64   // p of the tie-corrected rank sum; histograms only, else 1
	Shape       float64   // p of up to four components together; histograms only, else 1
	Components  []float64 // each N(0,1) unchanged: [0] > 0 current larger, [1] > 0 wider, …
}

// Detail is what other tools compute, for people who know those numbers. What
// is not defined is NaN. Natural logarithms unless said.
type Detail struct {
	PSIEvidently float64 // PSI with Evidently's fill of empty cells
	KLEvidently  float64 // Σ p ln(p/q), 0..∞, same fill, shares normalised after it (scipy)
	PSIHalf      float64 // PSI with ½ added to each raw cell
	JS           float64 // Jensen-Shannon divergence, bits: 0..1 (TFDV)
	JSNats       float64 // the same in nats: 0..ln 2
	JSDistance   float64 // √JS, 0..1 (NannyML)
	JSDistNats   float64 // √JSNats, 0..0.83 (Evidently)
	Hellinger    float64 // √(Σ(√p−√q)²/2), 0..1
	TVD          float64 // Σ|p−q|/2, 0..1: the share of traffic that moved
	LInf         float64 // max|p−q|, 0..1
	Chi2, Chi2P  float64 // two-sample χ² on raw cells, as chi2_contingency
	Chi2DF       int
	G, GP        float64 // 2 Σ O ln(O/E)

	KS, KSUpper, KSP float64 // max|F−G| at the bounds, its sharp upper bound, its p; histograms
	W1               float64 // ∫|F−G| dx in units of x, uniform inside buckets; histograms
	W1Norm           float64 // W1 / sd of the reference; histograms
	W1Bound          float64 // the raw values' W1 is within W1 ± this, plus what lies in the +Inf bucket; histograms
	OverflowRef      float64 // share in the +Inf bucket; histograms
	OverflowCur      float64
}

// A Share is one cell in both windows.
type Share struct {
	Label        string  // of a category
	Lower, Upper float64 // of a bucket; NaN for categories
	Ref, Cur     float64 // 0..1
	P            float64 // exact binomial, two-sided
	Moved        bool    // P holds against all cells of the comparison together (Bonferroni 0.01)
}

// String names the cell: a category, or a range such as "0.25–0.5".
func (s Share) String() string {
	switch {
	case math.IsNaN(s.Upper):
		return s.Label
	case math.IsInf(s.Upper, 1):
		return "> " + number(s.Lower)
	case math.IsInf(s.Lower, -1):
		return "≤ " + number(s.Upper)
	}
	return number(s.Lower) + "–" + number(s.Upper)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// Measured says whether the numbers mean anything at all, verdict or not.
func (r Result) Measured() bool {
	return r.State == OK || r.State == Insufficient || r.State == SingleCell
}

// Moved lists the cells that moved, largest change of share first.
func (r Result) Moved() []Share {
	var moved []Share
	for _, s := range r.Shares {
		if s.Moved {
			moved = append(moved, s)
		}
	}
	sort.SliceStable(moved, func(i, j int) bool {
		return math.Abs(moved[i].Cur-moved[i].Ref) > math.Abs(moved[j].Cur-moved[j].Ref)
	})
	return moved
}

// Compare says how cur differs from ref. Histograms with different bounds are
// compared on the bounds they share, categories on the union of their labels.
// It keeps neither argument.
func Compare(ref, cur Cells) Result {
	l, ok := align(ref, cur)
	if !ok {
		return Result{State: Incompatible}
	}
	n, m := l.cells.totals()
	r := Result{NRef: n, NCur: m}
	switch {
	case n <= 0 && m <= 0:
		r.State = NoData
	case n <= 0:
		r.State = NoReference
	case m <= 0:
		r.State = NoCurrent
	default:
		measure(&r, l)
	}
	return r
}

// measure fills r for two windows that both hold something.
func measure(r *Result, l layout) {
	t := l.cells.occupied()
	ordered := l.bounds != nil
	r.Cells = len(t)
	r.Detail = distances(t)
	r.Gap = r.Detail.LInf
	if ordered {
		r.Detail.ordered(l)
		r.Gap = r.Detail.KS
	}
	r.Parts, r.Shares = significance(t, l)
	r.P = r.Parts.combine(ordered)
	if len(t) == 1 {
		r.P = 1
	}
	r.effect(t, ordered)
	switch {
	case min(r.NRef, r.NCur) < MinN:
		r.State = Insufficient
	case len(t) == 1:
		r.State = SingleCell
	default:
		r.State = OK
	}
}

// wellFilled is the count a pooled cell is expected to have in the smaller
// window; z95 is the normal quantile of a two-sided 95 % interval.
const (
	wellFilled = 5
	z95        = 1.959963984540054
)

// effect fills PSI, its correction and its interval.
//
// Without change PSI/h is χ² with d = cells−1 degrees of freedom, with change
// non-central. With y = PSI/h − d the interval is
// (y + 2z² ± z √(4y + 4z² + 2d)) h, and 0 below while y ≤ z √(2d).
func (r *Result) effect(t table, ordered bool) {
	r.PSI, r.PSIAdj, r.PSICells = adjustedPSI(t, r.NRef, r.NCur, ordered)
	if r.PSICells < 2 {
		return
	}
	d, h := float64(r.PSICells-1), 1/r.NRef+1/r.NCur
	y := r.PSI/h - d
	centre := y + 2*z95*z95
	half := z95 * math.Sqrt(max(0, 4*y+4*z95*z95+2*d))
	if y > z95*math.Sqrt(2*d) {
		r.Low = max(0, centre-half) * h
	}
	r.High = max(0, centre+half) * h
}

// adjustedPSI is PSI on pooled cells and what is left of it without its bias,
// (cells−1)·(1/n + 1/m). t has the totals n and m. One cell has no PSI.
func adjustedPSI(t table, n, m float64, ordered bool) (plain, adjusted float64, cells int) {
	smaller := min(n, m)
	pooled := t.pool(ordered, func(c pair) float64 { return (c.ref/n + c.cur/m) / 2 * smaller }, wellFilled)
	if len(pooled) < 2 {
		return 0, 0, len(pooled)
	}
	plain = smoothedPSI(pooled)
	return plain, max(0, plain-float64(len(pooled)-1)*(1/n+1/m)), len(pooled)
}

// A layout is two distributions on the same cells.
type layout struct {
	bounds []float64 // nil: categorical
	labels []string
	cells  table
}

// align brings two distributions onto the same cells. It fails when one is a
// histogram and the other is not, when lengths contradict each other, or when
// fewer than two bounds are common.
func align(ref, cur Cells) (layout, bool) {
	ref, cur = ref.or(cur), cur.or(ref)
	if !ref.sound() || !cur.sound() || (ref.Bounds == nil) != (cur.Bounds == nil) {
		return layout{}, false
	}
	if ref.Bounds == nil {
		return alignLabels(ref, cur), true
	}
	bounds := ref.Bounds
	if !slices.Equal(ref.Bounds, cur.Bounds) {
		if bounds = common(ref.Bounds, cur.Bounds); len(bounds) < 2 {
			return layout{}, false
		}
	}
	l := layout{bounds: bounds, cells: make(table, len(bounds))}
	ref.rebucket(bounds, func(i int, v float64) { l.cells[i].ref += v })
	cur.rebucket(bounds, func(i int, v float64) { l.cells[i].cur += v })
	return l, true
}

// or is c, or where c is nothing at all, an empty distribution on the cells of
// other: a window without a single series has neither bounds nor labels.
func (c Cells) or(other Cells) Cells {
	if c.Bounds == nil && len(c.Labels)+len(c.Counts) == 0 && other.Bounds != nil {
		return Cells{Bounds: other.Bounds, Counts: make([]float64, len(other.Bounds))}
	}
	return c
}

// sound says whether lengths agree and bounds ascend, which a NaN never does.
func (c Cells) sound() bool {
	if c.Bounds == nil {
		return len(c.Labels) == len(c.Counts)
	}
	for i, b := range c.Bounds {
		if math.IsNaN(b) || i > 0 && b <= c.Bounds[i-1] {
			return false
		}
	}
	return len(c.Bounds) > 0 && len(c.Bounds) == len(c.Counts)
}

// common lists the bounds that are in both.
func common(a, b []float64) []float64 {
	var both []float64
	for _, v := range a {
		if _, ok := slices.BinarySearch(b, v); ok {
			both = append(both, v)
		}
	}
	return both
}

// rebucket adds each count to the cell of keep it belongs to. keep is a subset
// of the bounds; what lies above its last bound is left out.
func (c Cells) rebucket(keep []float64, add func(i int, v float64)) {
	k := 0
	for i, v := range c.Counts {
		if k == len(keep) {
			return
		}
		add(k, count(v))
		if c.Bounds[i] == keep[k] {
			k++
		}
	}
}

// alignLabels keeps the order of the reference and appends what only the
// current window has, in its order.
func alignLabels(ref, cur Cells) layout {
	at := make(map[string]int, len(ref.Labels))
	l := layout{}
	cell := func(label string) *pair {
		i, ok := at[label]
		if !ok {
			i = len(l.cells)
			at[label] = i
			l.labels, l.cells = append(l.labels, label), append(l.cells, pair{})
		}
		return &l.cells[i]
	}
	for i, v := range ref.Counts {
		cell(ref.Labels[i]).ref += count(v)
	}
	for i, v := range cur.Counts {
		cell(cur.Labels[i]).cur += count(v)
	}
	return l
}

// What can be counted. Less than the first is rounding of extrapolated counts;
// more than the second no counter holds, and its powers would overflow.
const (
	nothing    = 1e-9
	everything = 1e12
)

// count is v where v can be a count, else 0.
func count(v float64) float64 {
	if v >= nothing && !math.IsInf(v, 1) {
		return min(v, everything)
	}
	return 0
}

// share describes cell i of the layout.
func (l layout) share(i int, n, m float64) Share {
	s := Share{Lower: math.NaN(), Upper: math.NaN(), Ref: l.cells[i].ref / n, Cur: l.cells[i].cur / m, P: 1}
	if l.bounds == nil {
		s.Label = l.labels[i]
		return s
	}
	s.Upper, s.Lower = l.bounds[i], math.Inf(-1)
	if i > 0 {
		s.Lower = l.bounds[i-1]
	} else if s.Upper > 0 {
		s.Lower = 0 // as histogram_quantile reads a first bucket with a positive bound
	}
	return s
}

// String says the result in one line, for logs and failing tests.
func (r Result) String() string {
	if !r.Measured() {
		return string(r.State)
	}
	return fmt.Sprintf("%s: PSI %.3f [%.3f–%.3f], gap %.3f, p %.2g, n %.0f against %.0f", r.State, r.PSIAdj, r.Low, r.High, r.Gap, r.P, r.NCur, r.NRef)
}
