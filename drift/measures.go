package drift

import (
	"fmt"
	"math"
)

// A Measure is one named distance for the detail view. It has the fields of
// health.Measure, in their order.
type Measure struct {
	Name  string   // "JS distance"
	Base  string   // of the logarithm: "base 2", "nats"; "" where there is none
	Value float64  // finite
	Bound *float64 // what the unbucketed data may differ by (Wasserstein) or reach at most (KS)
	Note  string   // what to keep in mind
}

// Measures lists every number other tools would show for the same data, and the two
// sickbay judges by, first. Unit and range:
//
//	PSI, adjusted     nats, 0..∞      what levels are decided by; note: its 95 % interval
//	PSI               nats, 0..∞      pooled cells, ½ added to each count
//	PSI (Evidently)   nats, 0..∞      raw cells, empty ones filled as Evidently does
//	KL (Evidently)    nats, 0..∞      Σ p ln(p/q), the same fill; not symmetric: p is the reference
//	JS divergence     bits 0..1, nats 0..0.693
//	JS distance       √ of it: base 2 0..1 (NannyML), nats 0..0.833 (Evidently)
//	Hellinger         0..1
//	TVD               0..1            share of the traffic that moved
//	L∞                0..1            largest change of one cell's share
//	KS                0..1            at the bounds; Bound: the most the raw values can have
//	Wasserstein       unit of x, 0..∞ even inside buckets; Bound: ± for the raw values
//	Wasserstein / sd  0..∞            divided by the reference's standard deviation (Evidently)
//	χ², G             0..∞            two-sample, raw cells; note: degrees of freedom and p
//
// KS and Wasserstein are for histograms only. What is not defined, or beyond all
// numbers, is left out, and without data there is nothing.
func (r Result) Measures() []Measure {
	if !r.Measured() {
		return nil
	}
	d := r.Detail
	all := []Measure{
		{Name: "PSI, adjusted", Base: "nats", Value: r.PSIAdj, Note: fmt.Sprintf("95 %% interval %.3f to %.3f", r.Low, r.High)},
		{Name: "PSI", Base: "nats", Value: r.PSI, Note: fmt.Sprintf("%d pooled cells, ½ added to each", r.PSICells)},
		{Name: "PSI (Evidently)", Base: "nats", Value: d.PSIEvidently, Note: "empty cells filled: large with few requests"},
		{Name: "KL (Evidently)", Base: "nats", Value: d.KLEvidently, Note: "of the reference from now; empty cells filled"},
		{Name: "JS divergence", Base: "base 2", Value: d.JS, Note: "0 to 1; TFDV"},
		{Name: "JS divergence", Base: "nats", Value: d.JSNats, Note: "0 to 0.693"},
		{Name: "JS distance", Base: "base 2", Value: d.JSDistance, Note: "0 to 1; NannyML"},
		{Name: "JS distance", Base: "nats", Value: d.JSDistNats, Note: "0 to 0.833; Evidently"},
		{Name: "Hellinger", Value: d.Hellinger, Note: "0 to 1; whylogs, Evidently"},
		{Name: "TVD", Value: d.TVD, Note: "0 to 1: share of the traffic that moved"},
		{Name: "L∞", Value: d.LInf, Note: "0 to 1: largest change of one cell"},
		{Name: "KS", Value: d.KS, Bound: &d.KSUpper, Note: "0 to 1, at the bounds: a lower bound; p " + probability(d.KSP)},
		{Name: "Wasserstein", Value: d.W1, Bound: &d.W1Bound, Note: d.tail("in units of the signal")},
		{Name: "Wasserstein / sd", Value: d.W1Norm, Note: d.tail("of the reference; Evidently")},
		{Name: "χ²", Value: d.Chi2, Note: fmt.Sprintf("%d degrees of freedom, p %s", d.Chi2DF, probability(d.Chi2P))},
		{Name: "G", Value: d.G, Note: fmt.Sprintf("%d degrees of freedom, p %s", d.Chi2DF, probability(d.GP))},
	}
	defined := all[:0]
	for _, m := range all {
		if m.Bound != nil && !finite(*m.Bound) {
			m.Bound = nil
		}
		if finite(m.Value) {
			defined = append(defined, m)
		}
	}
	return defined
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// tail adds to a note what mass above the last bound does to Wasserstein.
func (d Detail) tail(note string) string {
	if most := max(d.OverflowRef, d.OverflowCur); most > 0 {
		return fmt.Sprintf("%s; lower bound: %.2g %% above the last bucket", note, 100*most)
	}
	return note
}

// probability writes a p-value.
func probability(p float64) string {
	if p < 1e-99 {
		return "< 1e-99"
	}
	return fmt.Sprintf("%.2g", p)
}
