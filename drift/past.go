package drift

import (
	"math"
	"slices"
)

// Pool adds windows up on the cells they share: histograms on their common
// bounds, categories on the union of their labels. It is false when a histogram
// meets categories or fewer than two bounds are common; empty windows fit anything.
func Pool(windows []Cells) (Cells, bool) {
	b, fits := together(windows)
	if slices.Contains(fits, false) {
		return Cells{}, false
	}
	return b.sum(), true
}

// bundle is several windows on the same cells.
type bundle struct {
	bounds []float64
	labels []string
	counts [][]float64 // by window; nil: the window did not fit
}

// together brings windows onto the cells they share. The first that is not empty
// gives the layout; one after it that cannot be brought onto two common bounds
// with those before it is left out (fits false).
func together(windows []Cells) (b bundle, fits []bool) {
	fits = make([]bool, len(windows))
	at := map[string]int{}
	first := true
	for i, w := range windows {
		switch {
		case len(w.Counts) == 0 && w.Bounds == nil && len(w.Labels) == 0:
			fits[i] = true
		case !w.sound() || !first && (w.Bounds == nil) != (b.bounds == nil):
		case w.Bounds == nil && slices.Equal(w.Labels, b.labels):
			fits[i], first = true, false
		case w.Bounds == nil:
			for _, l := range w.Labels {
				if _, seen := at[l]; !seen {
					at[l] = len(b.labels)
					b.labels = append(b.labels, l)
				}
			}
			fits[i], first = true, false
		case first:
			b.bounds, fits[i], first = w.Bounds, true, false
		case slices.Equal(b.bounds, w.Bounds):
			fits[i] = true
		default:
			if shared := common(b.bounds, w.Bounds); len(shared) >= 2 {
				b.bounds, fits[i] = shared, true
			}
		}
	}
	cells := max(len(b.bounds), len(b.labels))
	b.counts = make([][]float64, len(windows))
	all := make([]float64, cells*len(windows))
	for i, w := range windows {
		if !fits[i] {
			continue
		}
		counts := all[i*cells : (i+1)*cells : (i+1)*cells]
		if w.Bounds != nil {
			w.rebucket(b.bounds, func(k int, v float64) { counts[k] += v })
		}
		same := len(w.Labels) == len(b.labels) && slices.Equal(w.Labels, b.labels) // usually; looking up costs
		for k, l := range w.Labels {
			to := k
			if !same {
				to = at[l]
			}
			counts[to] += count(w.Counts[k])
		}
		b.counts[i] = counts
	}
	return b, fits
}

// window is window i as cells.
func (b bundle) window(i int) Cells {
	return Cells{Bounds: b.bounds, Labels: b.labels, Counts: b.counts[i]}
}

// sum adds up all windows.
func (b bundle) sum() Cells {
	c := Cells{Bounds: b.bounds, Labels: b.labels, Counts: make([]float64, max(len(b.bounds), len(b.labels)))}
	for _, counts := range b.counts {
		for i, v := range counts {
			c.Counts[i] += v
		}
	}
	return c
}

// A Past is one reference window beside the others.
type Past struct {
	N      float64   // observations
	PSIAdj float64   // against the other reference windows together; NaN: fewer than MinN in one of them
	Shares []float64 // by the cells of Result.Shares; nil without observations or when the layout did not fit
	Odd    bool      // so unlike the others that it is no reference: something happened in it
}

// A Band is how far ordinary windows are from each other. Traffic of real
// services is not the same from day to day: with much of it every pure test
// fires, so that a level also needs to be outside of the band.
//
// The limit is on √PSIAdj, which is about proportional to the size of a shift:
// mean + f·sd over the leave-one-out values of K windows, with f of the prediction
// limit for one more normal value, t(0.998, K−1)·√(1+1/K). The values are no normal
// ones but sizes of shifts, so that about one ordinary window in a hundred, not one
// in five hundred, is outside (measured; see docs/drift.md).
type Band struct {
	K      int     // reference windows with enough observations
	Limit  float64 // PSIAdj that ordinary windows reach; NaN while K < MinBand
	Inside bool    // the current window reaches no more than that
}

// MinBand is how many reference windows make a band.
const MinBand = 4

// predictionFactors are t(0.998, K−1)·√(1+1/K) for K = 4, 5, …; see Band.
var predictionFactors = [...]float64{
	9.0031, 6.5194, 5.4333, 4.8365, 4.4623, 4.2068, 4.0217, 3.8815, 3.7717, 3.6835, 3.6111, 3.5506,
	3.4993, 3.4553, 3.4170, 3.3836, 3.3540, 3.3277, 3.3041, 3.2829, 3.2637, 3.2462, 3.2303, 3.2157, 3.2022,
}

// predictionFactor is the factor for k ≥ MinBand windows; the last serves all
// above, where it changes by less than a tenth.
func predictionFactor(k int) float64 {
	return predictionFactors[min(k-MinBand, len(predictionFactors)-1)]
}

// An Evaluation is one signal at one look, before it is judged among others.
type Evaluation struct {
	Result  Result // Current against all reference windows together
	Windows []Past // as the reference windows were given
	Band    Band
	Coarse  bool // one cell holds more than half of the reference: much can hide in it
}

// Evaluate compares a window with K earlier ones added up, and each of those with
// the others. It keeps none of its arguments. Layouts may differ: what all share
// is compared, and a window that shares fewer than two bounds is left out. So is one
// window that is unlike all others: the incident of last Tuesday would blind the band
// for as long as that Tuesday is a reference.
func Evaluate(current Cells, earlier []Cells) Evaluation {
	b, fits := together(append([]Cells{current}, earlier...))
	return b.evaluate(fits)
}

// evaluate does that to windows on common cells, the first of which is the current.
func (b bundle) evaluate(fits []bool) Evaluation {
	var e Evaluation
	past := bundle{b.bounds, b.labels, b.counts[1:]}
	pooled := past.sum()
	e.Windows = past.apart(pooled.Counts)
	e.Band = bandOf(e.Windows)
	if odd := oddest(e.Windows); odd >= 0 {
		others := bundle{b.bounds, b.labels, slices.Clone(past.counts)}
		others.counts[odd] = nil
		rest := others.sum()
		without := others.apart(rest.Counts)
		if band := bandOf(without); band.K >= MinBand && e.Windows[odd].PSIAdj > max(4*band.Limit, PSIWarn) {
			without[odd] = e.Windows[odd]
			without[odd].Odd = true
			pooled, e.Windows, e.Band = rest, without, band
		}
	}
	if !fits[0] || len(fits) > 1 && !slices.Contains(fits[1:], true) {
		e.Result = Result{State: Incompatible}
	} else {
		e.Result = Compare(pooled, b.window(0))
	}
	e.Band.Inside = e.Result.Measured() && e.Result.PSIAdj <= e.Band.Limit // never while that is NaN
	for _, s := range e.Result.Shares {
		e.Coarse = e.Coarse || b.bounds != nil && s.Ref > 0.5
	}
	return e
}

// oddest is the window furthest from the others, if it is so far that it may be no
// reference; else −1. The limit here only saves work.
func oddest(windows []Past) int {
	odd := -1
	for i, w := range windows {
		if w.PSIAdj > PSIWarn && (odd < 0 || w.PSIAdj > windows[odd].PSIAdj) {
			odd = i
		}
	}
	return odd
}

// apart compares each window with the sum of the others.
func (b bundle) apart(sum []float64) []Past {
	past := make([]Past, len(b.counts))
	t := make(table, 0, len(sum))
	total := added(sum)
	for i, counts := range b.counts {
		n := added(counts)
		past[i] = Past{N: n, PSIAdj: math.NaN()}
		if n <= 0 {
			continue
		}
		past[i].Shares = make([]float64, len(counts))
		t = t[:0]
		var rest float64
		for k, v := range counts {
			past[i].Shares[k] = v / n
			p := pair{ref: max(0, sum[k]-v), cur: v}
			if p.ref < 1e-12*total {
				p.ref = 0 // what is left of a difference
			}
			rest += p.ref
			if p.sum() > 0 {
				t = append(t, p)
			}
		}
		if min(n, rest) >= MinN {
			_, past[i].PSIAdj, _ = adjustedPSI(t, rest, n, b.bounds != nil)
		}
	}
	return past
}

func added(counts []float64) (sum float64) {
	for _, v := range counts {
		sum += v
	}
	return sum
}

// bandOf makes the band of the windows; whether anything is inside is not said.
func bandOf(windows []Past) Band {
	var roots []float64
	for _, w := range windows {
		if !math.IsNaN(w.PSIAdj) {
			roots = append(roots, math.Sqrt(w.PSIAdj))
		}
	}
	b := Band{K: len(roots), Limit: math.NaN()}
	if b.K >= MinBand {
		limit := predictionLimit(roots)
		b.Limit = limit * limit
	}
	return b
}

// predictionLimit is mean + f·sd of at least MinBand values.
func predictionLimit(values []float64) float64 {
	var mean, square float64
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		square += (v - mean) * (v - mean)
	}
	return mean + predictionFactor(len(values))*math.Sqrt(square/float64(len(values)-1))
}
