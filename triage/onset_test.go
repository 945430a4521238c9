package triage

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type onsetCase struct {
	Name      string
	Kind      string
	Values    []*float64
	Reference []*float64
	Onset     *int
	Direction int
	Tolerance int
}

// TestOnsetCases holds the rates that are asked for.
// SICKBAY_ONSET_CASES=FILE tries other series; -v prints the rates and what failed.
func TestOnsetCases(t *testing.T) {
	path := os.Getenv("SICKBAY_ONSET_CASES")
	if path == "" {
		path = "testdata/onset_cases.json"
	}
	var file struct{ Cases []onsetCase }
	load(t, path, &file)
	score := newOnsetScore(t)
	for _, c := range file.Cases {
		at := -1
		if c.Onset != nil {
			at = *c.Onset
		}
		score.add(c.Name, c.Kind, holes(c.Values), holes(c.Reference), at, c.Tolerance)
	}
	within, wrong := score.print()
	if within < 0.95 {
		t.Errorf("%.3f of the onsets are within tolerance, want 0.95", within)
	}
	if wrong > 0.03 {
		t.Errorf("%.3f of the unchanged series give an onset, want at most 0.03", wrong)
	}
}

// TestOnsetsOfFreshSeries holds the same on series nobody has seen, of the same
// families and some more.
func TestOnsetsOfFreshSeries(t *testing.T) {
	each := 25
	if testing.Short() {
		each = 5
	}
	score := newOnsetScore(t)
	for i, kind := range freshKinds {
		rng := rand.New(rand.NewPCG(20261123, uint64(i)))
		for j := range each {
			c := freshCase(rng, kind)
			score.add(kind+" "+strconv.Itoa(j), kind, c.values, c.reference, c.onset, c.tolerance)
		}
	}
	within, wrong := score.print()
	if within < 0.95 { // 0.983 of 4200 were
		t.Errorf("%.3f of the onsets are within tolerance, want 0.95", within)
	}
	if wrong > 0.03 { // 0.004 of 3600 were
		t.Errorf("%.3f of the unchanged series give an onset, want at most 0.03", wrong)
	}
}

// An onsetScore counts what FindOnset gets right.
type onsetScore struct {
	t      *testing.T
	kinds  map[string][2]int // good, all
	within [2]int
	alarms [2]int
}

func newOnsetScore(t *testing.T) *onsetScore { return &onsetScore{t: t, kinds: map[string][2]int{}} }

func (s *onsetScore) add(name, kind string, values, reference []float64, onset, tolerance int) {
	o, found := FindOnset(values, reference)
	count := func(c [2]int, good bool) [2]int {
		if c[1]++; good {
			c[0]++
		}
		return c
	}
	if onset < 0 {
		s.alarms = count(s.alarms, found)
		if found {
			s.t.Logf("%s: false alarm: a %s at %d, score %.2f", name, o.Kind, o.At, o.Score)
		}
		return
	}
	good := found && abs(o.At-onset) <= tolerance
	if !good {
		s.t.Logf("%s: found %v, a %s at %d, score %.2f, want %d ± %d", name, found, o.Kind, o.At, o.Score, onset, tolerance)
	}
	s.kinds[kind] = count(s.kinds[kind], good)
	s.within = count(s.within, good)
}

func (s *onsetScore) print() (within, wrong float64) {
	s.t.Helper()
	for _, k := range slices.Sorted(maps.Keys(s.kinds)) {
		s.t.Logf("%-14s %d of %d within tolerance", k, s.kinds[k][0], s.kinds[k][1])
	}
	if s.within[1] == 0 || s.alarms[1] == 0 {
		s.t.Fatalf("%d series with an onset, %d without: both are needed", s.within[1], s.alarms[1])
	}
	within, wrong = float64(s.within[0])/float64(s.within[1]), float64(s.alarms[0])/float64(s.alarms[1])
	fmt.Printf("within=%.3f false=%.3f n=%d\n", within, wrong, s.within[1]+s.alarms[1])
	return within, wrong
}

// TestOnsetsTheReferenceImplementationFindsAreFound keeps what the Python
// implementation, whose method this one extends, answers right on the same series.
func TestOnsetsTheReferenceImplementationFindsAreFound(t *testing.T) {
	var file struct{ Cases []onsetCase }
	var reference map[string]struct{ Onset *int }
	load(t, "testdata/onset_cases.json", &file)
	load(t, "testdata/onset_reference.json", &reference)
	for _, c := range file.Cases {
		got, found := FindOnset(holes(c.Values), holes(c.Reference))
		r := reference[c.Name]
		switch {
		case c.Onset == nil || r.Onset == nil || abs(*r.Onset-*c.Onset) > c.Tolerance:
		case !found || abs(got.At-*c.Onset) > c.Tolerance || got.Direction != c.Direction:
			t.Errorf("%s: %v %+v, the reference finds it at %d", c.Name, found, got, *r.Onset)
		}
	}
}

func load(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func holes(values []*float64) []float64 {
	if values == nil {
		return nil
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.NaN()
		if v != nil {
			out[i] = *v
		}
	}
	return out
}

func abs(i int) int { return max(i, -i) }

func TestAnOnsetIsPlacedAndNamed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	series := func(n int, f func(i int) float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = f(i)
		}
		return v
	}
	noise := func() float64 { return rng.NormFloat64() }
	after := func(i, k int, then float64) float64 {
		if i >= k {
			return then
		}
		return 0
	}
	for name, c := range map[string]struct {
		values []float64
		kind   string // "" none
		at, by int
		dir    int
		end    bool
	}{
		"a step up":                 {series(240, func(i int) float64 { return noise() + after(i, 180, 4) }), "step", 180, 1, 1, false},
		"a step down":               {series(240, func(i int) float64 { return noise() - after(i, 120, 4) }), "step", 120, 2, -1, false},
		"up and well again":         {series(240, func(i int) float64 { return noise() + after(i, 120, 5) - after(i, 150, 5) }), "step", 120, 1, 1, true},
		"a slow ramp":               {series(240, func(i int) float64 { return noise() + after(i, 120, float64(i-120)/12) }), "ramp", 120, 20, 1, false},
		"wider, not higher":         {series(240, func(i int) float64 { return noise() * (1 + after(i, 160, 5)) }), "spread", 160, 10, 0, false},
		"noise":                     {series(240, func(int) float64 { return noise() }), "", 0, 0, 0, false},
		"a constant":                {series(240, func(int) float64 { return 3 }), "", 0, 0, 0, false},
		"too short":                 {series(39, func(i int) float64 { return noise() + after(i, 20, 50) }), "", 0, 0, 0, false},
		"nothing but holes":         {series(240, func(int) float64 { return math.NaN() }), "", 0, 0, 0, false},
		"zeros, then now and then":  {series(240, func(i int) float64 { return after(i, 160, float64(i%3)) }), "step", 160, 8, 1, false},
		"infinities are holes":      {series(240, func(i int) float64 { return noise() + after(i, 180, 4) + 1/float64((i+1)%7) }), "step", 180, 2, 1, false},
		"one spike is not an onset": {series(240, func(i int) float64 { return noise() + after(i, 200, 9) - after(i, 202, 9) }), "", 0, 0, 0, false},
	} {
		o, found := FindOnset(c.values, nil)
		if found != (c.kind != "") {
			t.Errorf("%s: found %v (%+v)", name, found, o)
			continue
		}
		if !found {
			continue
		}
		if !strings.HasPrefix(o.Kind, c.kind) || abs(o.At-c.at) > c.by || o.Direction != c.dir || (o.End >= 0) != c.end {
			t.Errorf("%s: %+v, want a %s at %d ± %d, direction %d, over %v", name, o, c.kind, c.at, c.by, c.dir, c.end)
		}
	}
}

func TestAReferenceTakesTheSeasonOff(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	today, before := make([]float64, 240), make([]float64, 240)
	for i := range today {
		season := 20 * math.Sin(float64(i)/40)
		today[i], before[i] = season+rng.NormFloat64(), season+rng.NormFloat64()
	}
	if o, found := FindOnset(today, before); found {
		t.Errorf("a season like any other day is an onset: %+v", o)
	}
	for i := 200; i < 240; i++ {
		today[i] += 6
	}
	if o, found := FindOnset(today, before); !found || abs(o.At-200) > 2 {
		t.Errorf("found %v %+v, want a step at 200", found, o)
	}
}

func FuzzFindOnsetStaysInside(f *testing.F) {
	f.Add(uint64(1), uint16(240), uint8(0))
	f.Add(uint64(2), uint16(41), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, style uint8) {
		rng := rand.New(rand.NewPCG(seed, uint64(style)))
		v := make([]float64, n%400)
		for i := range v {
			v[i] = []float64{rng.NormFloat64(), math.NaN(), math.Inf(1), 0, float64(rng.IntN(3)), math.Exp(rng.NormFloat64() * 30)}[rng.IntN(1+int(style)%6)]
		}
		o, found := FindOnset(v, nil)
		if found && (o.At < 0 || o.At >= len(v) || o.End >= len(v) || o.End >= 0 && o.End <= o.At-60) {
			t.Errorf("%+v of %d values", o, len(v))
		}
		if math.IsNaN(o.Score) {
			t.Error("the score is NaN")
		}
	})
}

func BenchmarkFindOnset(b *testing.B) {
	for _, n := range []int{120, 240, 480} {
		b.Run(string(rune('0'+n/100))+"xx", func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			v := make([]float64, n)
			for i := range v {
				v[i] = rng.NormFloat64()
				if i > n*3/4 {
					v[i] += 4
				}
			}
			for b.Loop() {
				FindOnset(v, nil)
			}
		})
	}
}
