package triage

import (
	"math"
	"slices"
)

// scaleOf is the spread of x, robustly; never 0.
func scaleOf(x []float64) float64 {
	if s := 1.4826 * medianDistance(x); s > 0 {
		return s
	}
	return differenceSD(x)
}

// differenceSD is the noise of x by its differences; never 0.
func differenceSD(x []float64) float64 {
	d := make([]float64, len(x)-1)
	for i := range d {
		d[i] = x[i+1] - x[i]
	}
	if s := 1.4826 * medianDistance(d) / math.Sqrt2; s > 0 {
		return s
	}
	if s := deviation(d) / math.Sqrt2; s > 0 {
		return s
	}
	return 1e-9
}

func medianDistance(x []float64) float64 {
	m := median(x)
	d := make([]float64, len(x))
	for i, v := range x {
		d[i] = math.Abs(v - m)
	}
	return median(d)
}

// median is 0 of nothing.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	s := slices.Clone(x)
	slices.Sort(s)
	if h := len(s) / 2; len(s)%2 == 0 {
		return (s[h-1] + s[h]) / 2
	}
	return s[len(s)/2]
}

func mean(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// deviation is the standard deviation of a population.
func deviation(x []float64) float64 {
	m := mean(x)
	var sum float64
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	if len(x) == 0 {
		return 0
	}
	return math.Sqrt(sum / float64(len(x)))
}
