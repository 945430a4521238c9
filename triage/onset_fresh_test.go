package triage

import (
	"math"
	"math/rand/v2"
)

// Families of series like those of testdata/onset_cases.json, written again from
// what those look like: noise that is normal, heavy-tailed, remembers its past or has
// blips; steps, steps that recover, ramps, spikes, changes of spread, steps in a
// season with another day as reference, steps of counts; holes in half of them.
var freshKinds = []string{
	"step", "step_recover", "ramp", "spike", "variance", "seasonal_step", "count_step",
	"none_gauss", "none_heavy", "none_ar", "none_blips", "none_seasonal", "none_count",
}

type fresh1 struct {
	values, reference []float64
	onset             int // -1: none
	tolerance         int
}

func between(rng *rand.Rand, low, high float64) float64 { return low + (high-low)*rng.Float64() }

func freshCase(rng *rand.Rand, kind string) fresh1 {
	n := []int{120, 180, 240, 360, 480}[rng.IntN(5)]
	at := int(between(rng, .25, .85) * float64(n))
	size := between(rng, 2.5, 7) // in standard deviations
	noise := []string{"gauss", "heavy", "ar"}[rng.IntN(3)]
	c := fresh1{onset: at, tolerance: 3}
	if size < 3 {
		c.tolerance = 6
	}
	shape := func(int) float64 { return size } // from the onset on
	wider := 1.0
	switch kind {
	case "step":
		size *= float64(1 - 2*rng.IntN(2))
	case "seasonal_step":
		c.tolerance++
	case "step_recover":
		c.onset = int(between(rng, .35, .65) * float64(n))
		lasts := int(between(rng, max(12, .08*float64(n)), .25*float64(n)))
		shape = lasting(lasts, size)
	case "ramp":
		size = between(rng, 4.5, 10)
		c.onset = int(between(rng, .25, .67) * float64(n))
		rises := between(rng, .25, .8) * float64(n-c.onset)
		shape = func(i int) float64 { return size * min(1, float64(i)/rises) }
		c.tolerance = int(5 + 1.5*rises/size)
	case "spike":
		size = between(rng, 7.5, 12)
		c.onset, c.tolerance = int(between(rng, .35, .92)*float64(n)), 2
		shape = lasting(4+rng.IntN(7), size)
	case "variance":
		noise = []string{"gauss", "ar"}[rng.IntN(2)]
		wider, size = between(rng, 2, 3.5), 0
		c.onset, c.tolerance = int(between(rng, .3, .75)*float64(n)), 15
	case "count_step":
		return freshCounts(rng, n, at, between(rng, 2.2, 8))
	case "none_count":
		return freshCounts(rng, n, -1, 0)
	default:
		noise, c.onset = kind[len("none_"):], -1
	}
	c.values = freshNoise(rng, noise, n)
	for i := range c.values {
		if c.onset >= 0 && i >= c.onset {
			c.values[i] = c.values[i]*wider + shape(i-c.onset)
		}
	}
	if kind == "seasonal_step" || kind == "none_seasonal" {
		c.reference = freshNoise(rng, noise, n)
		period, swing := between(rng, 100, 400), between(rng, 2, 8)
		for i := range c.values {
			season := swing * math.Sin(2*math.Pi*float64(i)/period)
			c.values[i], c.reference[i] = c.values[i]+season, c.reference[i]+season
		}
	}
	punch(rng, c.values)
	punch(rng, c.reference)
	return c
}

func lasting(n int, size float64) func(int) float64 {
	return func(i int) float64 {
		if i < n {
			return size
		}
		return 0
	}
}

// freshNoise has a standard deviation of about 1.
func freshNoise(rng *rand.Rand, kind string, n int) []float64 {
	x := make([]float64, n)
	rho, memory := between(rng, .3, .7), rng.NormFloat64()
	for i := range x {
		x[i] = rng.NormFloat64()
		switch kind {
		case "heavy": // t with 3 degrees of freedom, scaled
			a, b, c := rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()
			x[i] /= math.Sqrt(a*a + b*b + c*c)
		case "ar":
			memory = rho*memory + math.Sqrt(1-rho*rho)*x[i]
			x[i] = memory
		case "blips":
			if rng.IntN(100) == 0 {
				x[i] += between(rng, 6, 15)
			}
		}
	}
	return x
}

func freshCounts(rng *rand.Rand, n, at int, size float64) fresh1 {
	c := fresh1{values: make([]float64, n), onset: at, tolerance: 3}
	if size < 3 {
		c.tolerance = 8
	}
	was := math.Exp(between(rng, math.Log(.3), math.Log(8)))
	for i := range c.values {
		mean := was
		if at >= 0 && i >= at {
			mean += size * math.Sqrt(was)
		}
		for p := rng.Float64(); p > math.Exp(-mean) && c.values[i] < 1000; p *= rng.Float64() {
			c.values[i]++
		}
	}
	punch(rng, c.values)
	return c
}

// punch makes holes, in half of the series.
func punch(rng *rand.Rand, x []float64) {
	share := max(0, between(rng, -.06, .06))
	for i := range x {
		if rng.Float64() < share {
			x[i] = math.NaN()
		}
	}
}
