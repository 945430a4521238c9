package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

var latency = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, math.Inf(1)}

func TestTwoWindowsAreComparedOnWhatTheyShare(t *testing.T) {
	labels := func(l ...string) []string { return l }
	many := func(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }
	for name, c := range map[string]struct {
		ref, cur Cells
		want     State
		cells    int
	}{
		"the same bounds":           {Cells{Bounds: latency, Counts: many(12, 50)}, Cells{Bounds: latency, Counts: many(12, 50)}, OK, 12},
		"bounds were added":         {Cells{Bounds: []float64{1, 2, math.Inf(1)}, Counts: many(3, 50)}, Cells{Bounds: []float64{1, 1.5, 2, math.Inf(1)}, Counts: many(4, 50)}, OK, 3},
		"nothing but one bound":     {Cells{Bounds: []float64{1, 2}, Counts: many(2, 50)}, Cells{Bounds: []float64{2, 3}, Counts: many(2, 50)}, Incompatible, 0},
		"a histogram, categories":   {Cells{Bounds: []float64{1, 2}, Counts: many(2, 50)}, Cells{Labels: labels("a", "b"), Counts: many(2, 50)}, Incompatible, 0},
		"fewer counts than bounds":  {Cells{Bounds: []float64{1, 2}, Counts: many(1, 50)}, Cells{Bounds: []float64{1, 2}, Counts: many(2, 50)}, Incompatible, 0},
		"a bound twice":             {Cells{Bounds: []float64{1, 1}, Counts: many(2, 50)}, Cells{Bounds: []float64{1, 1}, Counts: many(2, 50)}, Incompatible, 0},
		"bounds that fall":          {Cells{Bounds: []float64{2, 1}, Counts: many(2, 50)}, Cells{Bounds: []float64{2, 1}, Counts: many(2, 50)}, Incompatible, 0},
		"a bound that is no number": {Cells{Bounds: []float64{math.NaN(), 1}, Counts: many(2, 50)}, Cells{Bounds: []float64{math.NaN(), 1}, Counts: many(2, 50)}, Incompatible, 0},
		"a category is new":         {Cells{Labels: labels("a", "b"), Counts: many(2, 50)}, Cells{Labels: labels("c", "a"), Counts: many(2, 50)}, OK, 3},
		"counts that are none":      {Cells{Labels: labels("a", "b", "c", "d"), Counts: []float64{40, math.NaN(), -3, math.Inf(1)}}, Cells{Labels: labels("a", "b"), Counts: many(2, 40)}, OK, 4},
		"nothing at all":            {Cells{}, Cells{}, NoData, 0},
		"nothing before":            {Cells{}, Cells{Labels: labels("a"), Counts: many(1, 50)}, NoReference, 0},
		"nothing now":               {Cells{Labels: labels("a"), Counts: many(1, 50)}, Cells{}, NoCurrent, 0},
		"too little now":            {Cells{Labels: labels("a", "b"), Counts: many(2, 50)}, Cells{Labels: labels("a", "b"), Counts: many(2, 14)}, Insufficient, 2},
		"one cell holds everything": {Cells{Labels: labels("a", "b"), Counts: []float64{50, 0}}, Cells{Labels: labels("a"), Counts: many(1, 50)}, SingleCell, 2},
	} {
		r := Compare(c.ref, c.cur)
		if r.State != c.want || len(r.Shares) != c.cells {
			t.Errorf("%s: %s with %d cells, want %s with %d", name, r.State, len(r.Shares), c.want, c.cells)
		}
	}
}

func TestCellsThatMovedAreNamedLargestFirst(t *testing.T) {
	ref := Cells{Labels: []string{"stop", "length", "tool", "filter"}, Counts: []float64{800, 100, 90, 10}}
	cur := Cells{Labels: []string{"stop", "length", "tool", "filter"}, Counts: []float64{500, 380, 92, 28}}
	var names []string
	for _, s := range Compare(ref, cur).Moved() {
		names = append(names, s.String())
	}
	if want := []string{"stop", "length"}; !slices.Equal(names, want) && !slices.Equal(names, append(want, "filter")) {
		t.Errorf("moved %q, want stop and length first", names)
	}
	if m := Compare(ref, ref).Moved(); len(m) != 0 {
		t.Errorf("%v moved between a distribution and itself", m)
	}
}

func TestABucketIsNamedByItsRange(t *testing.T) {
	h := Cells{Bounds: []float64{-1, 0.25, 0.5, math.Inf(1)}, Counts: []float64{20, 20, 20, 20}}
	for i, want := range []string{"≤ -1", "-1–0.25", "0.25–0.5", "> 0.5"} {
		if got := Compare(h, h).Shares[i].String(); got != want {
			t.Errorf("cell %d is %q, want %q", i, got, want)
		}
	}
	if got := Compare(Cells{Bounds: []float64{1, 2}, Counts: []float64{9, 9}}, Cells{Bounds: []float64{1, 2}, Counts: []float64{9, 9}}).Shares[0].String(); got != "0–1" {
		t.Errorf("a first bucket with a positive bound is %q, want 0–1", got)
	}
}

func TestBucketsBecomeCells(t *testing.T) {
	inf := math.Inf(1)
	for name, c := range map[string]struct {
		in     map[string]float64
		bounds []float64
		counts []float64
	}{
		"one spelling a bound":         {map[string]float64{"1": 4, "2.5": 7, "+Inf": 9}, []float64{1, 2.5, inf}, []float64{4, 3, 2}},
		"Prometheus 2 and 3 spellings": {map[string]float64{"1": 4, "1.0": 5, "+Inf": 9, "Inf": 3}, []float64{1, inf}, []float64{9, 3}},
		"counts that fall":             {map[string]float64{"1": 5, "2": 4.5, "3": 6, "+Inf": 5.9}, []float64{1, 2, 3, inf}, []float64{5, 0, 1, 0}},
		"NaN and negative":             {map[string]float64{"1": -2, "2": math.NaN(), "+Inf": 3}, []float64{1, inf}, []float64{0, 3}},
	} {
		got, err := FromBuckets(c.in)
		if err != nil || !slices.Equal(got.Bounds, c.bounds) || !slices.Equal(got.Counts, c.counts) {
			t.Errorf("%s: %v %v %v, want %v %v", name, got.Bounds, got.Counts, err, c.bounds, c.counts)
		}
	}
	for _, bad := range []map[string]float64{nil, {"low": 1}, {"NaN": 1}, {"1": math.NaN()}} {
		if c, err := FromBuckets(bad); err == nil {
			t.Errorf("FromBuckets(%v) = %v, want an error", bad, c)
		}
	}
}

func TestLevelsNeedSignificanceAmongAllAndAnEffectThatMatters(t *testing.T) {
	ok := func(p, psi, gap float64) Result { return Result{State: OK, P: p, PSIAdj: psi, Gap: gap} }
	many := func(first Result) []Result {
		return append([]Result{first}, slices.Repeat([]Result{ok(.9, 0, 0)}, 29)...)
	}
	for name, c := range map[string]struct {
		in   []Result
		o    Options
		want []Level // of the first ones
	}{
		"large, but not significant":   {[]Result{ok(.02, 1, 1)}, Options{}, []Level{LevelOK}},
		"significant, but small":       {[]Result{ok(1e-9, .05, .05)}, Options{}, []Level{LevelSmall}},
		"moved by ten points":          {[]Result{ok(1e-9, 0, .7-.6)}, Options{}, []Level{LevelWarn}},
		"PSI of a quarter":             {[]Result{ok(1e-9, .25, 0)}, Options{}, []Level{LevelCritical}},
		"alone it counts":              {[]Result{ok(.0004, 1, 1)}, Options{}, []Level{LevelCritical}},
		"among thirty it does not":     {many(ok(.0004, 1, 1)), Options{}, []Level{LevelOK, LevelOK}},
		"no verdict costs nothing":     {append(slices.Repeat([]Result{{State: Insufficient}}, 30), ok(.0004, 1, 1)), Options{}, append(slices.Repeat([]Level{"insufficient"}, 30), LevelCritical)},
		"thresholds of the user's own": {[]Result{ok(.002, .3, 0)}, Options{Alpha: .05, PSICritical: .5}, []Level{LevelWarn}},
	} {
		verdicts := make([]Verdict, len(c.in))
		for i, r := range c.in {
			verdicts[i].Result = r
		}
		adjust(verdicts)
		for i, want := range c.want {
			v := &verdicts[i]
			if v.decide(c.o.withDefaults()); v.Now != want {
				t.Errorf("%s: number %d is %s, want %s", name, i, v.Now, want)
			}
		}
	}
}

func TestDetectableShrinksWithTraffic(t *testing.T) {
	for _, c := range []struct{ n, m, want float64 }{{100, 100, 0.71}, {200, 200, 0.50}, {1000, 1000, 0.22}, {10000, 10000, 0.07}} {
		if got := Detectable(c.n, c.m); math.Abs(got-c.want) > 0.005 {
			t.Errorf("Detectable(%v, %v) = %.3f, want %.2f", c.n, c.m, got, c.want)
		}
	}
	if got := Detectable(0, 100); !math.IsInf(got, 1) {
		t.Errorf("without a reference %v sd would be detectable", got)
	}
}

// TestUnchangedTrafficIsLeftAlone is the promise on the screen: p below 0.01 no
// more often than once in a hundred, whatever layout and size.
func TestUnchangedTrafficIsLeftAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const draws = 600
	for _, n := range []int{50, 300, 3000} {
		for _, kind := range []string{"histogram", "categorical"} {
			low := 0
			for range draws {
				if Compare(sample(rng, kind, n, 0), sample(rng, kind, 1+n/2, 0)).P <= 0.01 {
					low++
				}
			}
			if limit := 0.011*draws + 3*math.Sqrt(0.01*draws); float64(low) > limit {
				t.Errorf("%s of %d: p ≤ 0.01 in %d of %d draws without change, want at most %.0f", kind, n, low, draws, limit)
			}
		}
	}
}

func TestAShiftOfTheDetectableSizeIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n, draws = 1000, 120
	found := 0
	for range draws {
		if Compare(sample(rng, "histogram", n, 0), sample(rng, "histogram", n, Detectable(n, n))).P <= 0.01/50 {
			found++
		}
	}
	if share := float64(found) / draws; share < 0.65 {
		t.Errorf("found %.2f of the shifts Detectable promises, want three in four", share)
	}
}

// sample draws n latencies (log-normal, sd 0.8, moved by shift sd) or classes.
func sample(rng *rand.Rand, kind string, n int, shift float64) Cells {
	if kind == "categorical" {
		c := Cells{Counts: make([]float64, 12)}
		for i := range c.Counts {
			c.Labels = append(c.Labels, strconv.Itoa(i))
		}
		for range n {
			c.Counts[min(11, int(rng.ExpFloat64()*2))]++
		}
		return c
	}
	c := Cells{Bounds: latency, Counts: make([]float64, len(latency))}
	for range n {
		v := 0.6 * math.Exp(0.8*(rng.NormFloat64()+shift))
		i, _ := slices.BinarySearch(latency, v)
		c.Counts[i]++
	}
	return c
}

func FuzzCompareNeverGivesNonsense(f *testing.F) {
	f.Add(uint64(1), uint8(12), true)
	f.Add(uint64(2), uint8(1), false)
	f.Add(uint64(3), uint8(200), true)
	f.Fuzz(func(t *testing.T, seed uint64, size uint8, ordered bool) {
		rng := rand.New(rand.NewPCG(seed, 7))
		ref, cur := anyCells(rng, int(size), ordered), anyCells(rng, int(size), ordered)
		r := Compare(ref, cur)
		if !r.Measured() {
			return
		}
		for name, v := range map[string]float64{"p": r.P, "gap": r.Gap, "cells": r.Parts.Cells, "shape": r.Parts.Shape, "location": r.Parts.Location, "js": r.Detail.JS, "tvd": r.Detail.TVD} {
			if !(v >= 0 && v <= 1+1e-9) {
				t.Errorf("%s = %v is not within 0..1", name, v)
			}
		}
		if !(r.Low >= 0 && r.Low <= r.High && r.PSIAdj >= 0 && r.PSIAdj <= r.PSI+1e-12) || math.IsInf(r.High, 0) {
			t.Errorf("PSI %v, adjusted %v, interval %v to %v", r.PSI, r.PSIAdj, r.Low, r.High)
		}
		back := Compare(cur, ref)
		if d := math.Abs(back.P - r.P); ordered && d > 1e-6*r.P+1e-12 {
			t.Errorf("p %v one way and %v the other", r.P, back.P)
		}
	})
}

func anyCells(rng *rand.Rand, size int, ordered bool) Cells {
	var c Cells
	at := -3.0
	for i := range size {
		v := math.Floor(math.Exp(rng.NormFloat64() * 4))
		if rng.IntN(3) == 0 {
			v = []float64{0, 0, 0.25, 1e9, -1, math.NaN(), math.Inf(1), math.MaxFloat64, 1e-300}[rng.IntN(9)]
		}
		c.Counts = append(c.Counts, v)
		if ordered {
			at += float64(1+rng.IntN(3)) / 4
			if rng.IntN(40) == 0 {
				at = []float64{-1e308, 1e308, math.Inf(1), math.Inf(-1), math.NaN(), at}[rng.IntN(6)]
			}
			c.Bounds = append(c.Bounds, at)
		} else {
			c.Labels = append(c.Labels, strconv.Itoa(i))
		}
	}
	return c
}

func FuzzFromBuckets(f *testing.F) {
	f.Add("0.5", 3.0, "+Inf", 7.0)
	f.Add("1", math.NaN(), "1.0", -1.0)
	f.Add("x", 1.0, "0x1p-2", math.Inf(1))
	f.Fuzz(func(t *testing.T, le1 string, v1 float64, le2 string, v2 float64) {
		c, err := FromBuckets(map[string]float64{le1: v1, le2: v2})
		if err != nil {
			return
		}
		if len(c.Bounds) != len(c.Counts) || !slices.IsSorted(c.Bounds) {
			t.Fatalf("bounds %v, counts %v", c.Bounds, c.Counts)
		}
		for _, v := range c.Counts {
			if v < 0 {
				t.Errorf("a bucket holds %v", v)
			}
		}
		Compare(c, c)
	})
}

// BenchmarkJudge500Signals is the budget of issue 4: 500 signals against seven
// windows each, with their bands, in under 50 ms on one core.
func BenchmarkJudge500Signals(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, layout := range map[string]struct {
		kind  string
		cells int
	}{"12 buckets": {"histogram", 12}, "30 categories": {"categorical", 30}, "61 buckets": {"histogram", 61}} {
		items := make([]Item, 500)
		for i := range items {
			items[i] = unchanged(rng, layout.kind, layout.cells, 5000, 7)
			items[i].Key, items[i].Window = strconv.Itoa(i), time.Hour
		}
		b.Run(name, func(b *testing.B) {
			var mem Memory
			for b.Loop() {
				_, mem = Judge(items, mem, noon, Options{})
			}
		})
	}
}

func BenchmarkCompareWindowsOfABillion(b *testing.B) {
	ref, cur := Cells{Bounds: latency, Counts: make([]float64, 12)}, Cells{Bounds: latency, Counts: make([]float64, 12)}
	for i := range ref.Counts {
		ref.Counts[i], cur.Counts[i] = 1e8*float64(i+1), 1e8*float64(i+1)+1e4
	}
	for b.Loop() {
		Compare(ref, cur)
	}
}
