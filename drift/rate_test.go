package drift

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRatesAreExact compares with what scipy's binomial and beta distributions give
// for the conditional test and for Clopper and Pearson's interval.
func TestRatesAreExact(t *testing.T) {
	for _, c := range []struct {
		refBad, refN, curBad, curN float64
		ratio, low, high, p        float64
		level                      Level
	}{
		{10, 10000, 10, 10000, 1, 0.37354685, 2.67704040, 1, LevelOK},
		{10, 10000, 100, 10000, 10, 5.21755670, 21.49237785, 0, LevelWarn},
		{0, 1000, 12, 1000, math.Inf(1), 2.77859733, math.Inf(1), 0.00048828125, LevelWarn},
		{12, 1000, 0, 1000, 0, 0, 0.35989382, 0.00048828125, LevelSmall},
		{0, 1000, 0, 1000, 1, 0, math.Inf(1), 1, LevelOK},
		{70, 7000, 60, 1000, 6, 4.17796263, 8.59369583, 0, LevelCritical},
	} {
		r := CompareRates(c.refBad, c.refN, c.curBad, c.curN)
		close := func(got, want float64) bool {
			return got == want || math.Abs(got-want) <= 1e-7*max(1, math.Abs(want))
		}
		if !close(r.Ratio, c.ratio) || !close(r.Low, c.low) || !close(r.High, c.high) || !close(r.P, c.p) || r.Level != c.level {
			t.Errorf("%v of %v to %v of %v: %+v, want ratio %v [%v, %v], p %v, %s", c.refBad, c.refN, c.curBad, c.curN, r, c.ratio, c.low, c.high, c.p, c.level)
		}
	}
}

func TestARateNeedsSomethingToCount(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		in   [4]float64
		want State
	}{
		"nothing":         {[4]float64{0, 0, 0, 0}, NoData},
		"nothing before":  {[4]float64{0, 0, 1, 100}, NoReference},
		"nothing now":     {[4]float64{1, 100, 0, 0}, NoCurrent},
		"few":             {[4]float64{1, 100, 5, 20}, Insufficient},
		"more bad than n": {[4]float64{500, 100, 500, 100}, OK},
		"no numbers":      {[4]float64{nan, nan, nan, nan}, NoData},
		"negative":        {[4]float64{-1, 100, -5, 100}, OK},
		"endless":         {[4]float64{math.Inf(1), 100, 3, math.Inf(1)}, NoCurrent},
	} {
		r := CompareRates(c.in[0], c.in[1], c.in[2], c.in[3])
		if r.State != c.want || r.Ref > 1 || r.Cur > 1 || math.IsNaN(r.Ratio+r.P) {
			t.Errorf("%s: %+v, want %s", name, r, c.want)
		}
	}
}

func TestARareOutcomeIsFoundWhereTheDistributionIsNot(t *testing.T) {
	window := func(filtered float64) Cells {
		return Cells{Labels: []string{"stop", "length", "content_filter"}, Counts: []float64{9000, 900, filtered}}
	}
	it := Item{Key: "finish", Current: window(120), Bad: []string{"length", "content_filter", "error"}}
	for i := range 5 {
		it.Earlier = append(it.Earlier, window(float64(8+i)))
	}
	vs, _ := Judge([]Item{it}, Memory{}, noon, Options{})
	v := vs[0]
	if v.Rates[0].Level != LevelOK || v.Rates[1].Level != LevelWarn || v.Rates[2].Level != LevelOK {
		t.Errorf("rates %+v, want content_filter at warn and the others ok", v.Rates)
	}
	if v.Level != LevelWarn || v.Result.PSIAdj > PSIWarn || v.Result.Gap > GapWarn {
		t.Errorf("%s by %v, want warn by the rate alone", v.Level, v.Result)
	}
}

func TestARateThatSwingsEveryDayIsNoNews(t *testing.T) {
	window := func(errors float64) Cells {
		return Cells{Labels: []string{"ok", "error"}, Counts: []float64{50000 - errors, errors}}
	}
	it := Item{Key: "outcome", Current: window(1300), Bad: []string{"error"}}
	for _, e := range []float64{100, 1200, 300, 900, 150, 1000} {
		it.Earlier = append(it.Earlier, window(e))
	}
	vs, _ := Judge([]Item{it}, Memory{}, noon, Options{})
	if r := vs[0].Rates[0]; r.Level != LevelSmall || !(r.Limit > r.Cur) {
		t.Errorf("%+v, want small: below what ordinary windows reach", r)
	}
	it.Current = window(9000)
	if vs, _ = Judge([]Item{it}, Memory{}, noon, Options{}); vs[0].Rates[0].Level != LevelCritical {
		t.Errorf("%+v, want critical", vs[0].Rates[0])
	}
}

// TestUnchangedRatesAreLeftAlone: the test is exact, so it is never too ready.
func TestUnchangedRatesAreLeftAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 1))
	const draws = 1200
	for _, rate := range []float64{2, 20, 200} { // bad ones expected now; ten times that before
		low := 0
		for range draws {
			if CompareRates(poisson(rng, 10*rate), 100_000, poisson(rng, rate), 10_000).P <= 0.01 {
				low++
			}
		}
		if limit := 0.01*draws + 3*math.Sqrt(0.01*draws); float64(low) > limit {
			t.Errorf("%v bad ones: p ≤ 0.01 in %d of %d draws without change, want at most %.0f", rate, low, draws, limit)
		}
	}
}
