package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"testing"
)

// native counts values as a Prometheus native histogram of a schema does: the
// boundary of bucket i is 2^(i/2^schema), empty buckets are not there.
func native(values []float64, schema int) []Bucket {
	base := math.Exp2(math.Exp2(-float64(schema)))
	counts := map[int]float64{}
	for _, v := range values {
		counts[int(math.Ceil(math.Log(v)/math.Log(base)-1e-12))]++
	}
	var buckets []Bucket
	for i, n := range counts {
		buckets = append(buckets, Bucket{boundary(i-1, schema), boundary(i, schema), n})
	}
	sort.Slice(buckets, func(i, j int) bool { return buckets[i].Lower < buckets[j].Lower })
	return buckets
}

func boundary(i, schema int) float64 { return math.Exp2(float64(i) * math.Exp2(-float64(schema))) }

// classic counts values in cumulative buckets, as an exporter writes them.
func classic(t *testing.T, values, bounds []float64) Cells {
	t.Helper()
	cumulative := map[string]float64{}
	for _, b := range bounds {
		n := 0.0
		for _, v := range values {
			n += float64(ifso(v <= b))
		}
		cumulative[strconv.FormatFloat(b, 'g', -1, 64)] = n
	}
	c, err := FromBuckets(cumulative)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func logNormal(rng *rand.Rand, n int, median, sigma, shift float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = median * math.Exp(sigma*(rng.NormFloat64()+shift))
	}
	return values
}

var (
	powersOfTwo = []float64{1. / 32, 1. / 16, 1. / 8, 1. / 4, 1. / 2, 1, 2, 4, 8, 16, math.Inf(1)}
	genAI       = []float64{.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, math.Inf(1)}
)

// TestNativeAgreesWithClassic holds what docs/drift.md states of the same requests in
// both layouts. Coarser cells can only lose PSI: at most 15 % of it where no cell holds
// more than half of the requests, beyond what chance and the smoothing do (the width of
// the interval). KS of either is at most the other's upper bound. W1 of both lies
// within the two bounds of each other. The level is the same.
func TestNativeAgreesWithClassic(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 1))
	for _, schema := range []int{0, 2, 3, 5} {
		for name, bounds := range map[string][]float64{"client_golang": latency, "OTel GenAI": genAI, "powers of two": powersOfTwo} {
			for _, shift := range []float64{0, 0.2, 0.65, 1} {
				before, now := logNormal(rng, 8000, 0.6, 0.8, 0), logNormal(rng, 8000, 0.6, 0.8, shift)
				nref, ncur := FromNative(native(before, schema), native(now, schema))
				n, c := Compare(nref, ncur), Compare(classic(t, before, bounds), classic(t, now, bounds))
				at := name + ", schema " + strconv.Itoa(schema) + ", shift " + strconv.FormatFloat(shift, 'g', -1, 64)
				fine, coarse := n, c
				if n.PSICells < c.PSICells {
					fine, coarse = c, n
				}
				chance := (fine.High - fine.Low) / 2
				if d := fine.PSIAdj - coarse.PSIAdj; d > 0.15*fine.PSIAdj+chance || d < -chance {
					t.Errorf("%s: PSI %.3f in %d cells and %.3f in %d", at, n.PSIAdj, n.PSICells, c.PSIAdj, c.PSICells)
				}
				if n.Gap > c.Detail.KSUpper+1e-9 || c.Gap > n.Detail.KSUpper+1e-9 {
					t.Errorf("%s: KS %.3f (at most %.3f) and %.3f (at most %.3f)", at, n.Gap, n.Detail.KSUpper, c.Gap, c.Detail.KSUpper)
				}
				if d := math.Abs(n.Detail.W1 - c.Detail.W1); d > n.Detail.W1Bound+c.Detail.W1Bound+c.Detail.OverflowCur*100 {
					t.Errorf("%s: W1 %.3f ± %.3f and %.3f ± %.3f", at, n.Detail.W1, n.Detail.W1Bound, c.Detail.W1, c.Detail.W1Bound)
				}
				if a, b := levelAmong(n, 20), levelAmong(c, 20); a != b {
					t.Errorf("%s: %s (%v) and %s (%v)", at, a, n, b, c)
				}
			}
		}
	}
}

// TestNativeThatContainsTheClassicBoundsIsTheSame: powers of two are boundaries of
// every schema from 0 on, so that bringing native buckets onto them loses nothing.
func TestNativeThatContainsTheClassicBoundsIsTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(42, 1))
	before, now := logNormal(rng, 5000, 0.6, 0.8, 0), logNormal(rng, 5000, 0.6, 0.8, 0.3)
	cref, ccur := classic(t, before, powersOfTwo), classic(t, now, powersOfTwo)
	for _, schema := range []int{0, 1, 3} {
		nref, ncur := FromNative(native(before, schema), native(now, schema))
		// The classic layout ends with +Inf; the native one ends where its data do.
		got := Compare(onto(nref, powersOfTwo), onto(ncur, powersOfTwo))
		want := Compare(cref, ccur)
		if math.Abs(got.PSIAdj-want.PSIAdj) > 1e-12 || math.Abs(got.Gap-want.Gap) > 1e-12 || math.Abs(got.P-want.P) > 1e-9*want.P {
			t.Errorf("schema %d: %v, want %v", schema, got, want)
		}
	}
}

// onto counts cells again in coarser bounds.
func onto(c Cells, bounds []float64) Cells {
	out := Cells{Bounds: bounds, Counts: make([]float64, len(bounds))}
	for i, v := range c.Counts {
		at, _ := slices.BinarySearch(bounds, c.Bounds[i])
		out.Counts[at] += v
	}
	return out
}

func TestNativeWindowsAreAlignedTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 1))
	var windows [][]Bucket
	for i := range 5 {
		windows = append(windows, native(logNormal(rng, 600, 0.6, 0.8, 0), 3-i%3)) // schemas 3, 2, 1
	}
	windows = append(windows, nil)
	cells := AlignNative(windows...)
	for i, c := range cells {
		if !slices.Equal(c.Bounds, cells[0].Bounds) {
			t.Errorf("window %d has bounds of its own", i)
		}
		want := 600.0
		if i == 5 {
			want = 0
		}
		if got := added(c.Counts); got != want {
			t.Errorf("window %d: %v of %v requests are left", i, got, want)
		}
	}
	e := Evaluate(cells[0], cells[1:])
	if e.Result.State != OK || e.Band.K != 4 || e.Result.Gap > 0.1 {
		t.Errorf("%v, band %+v", e.Result, e.Band)
	}
}
