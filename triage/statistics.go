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
	n := len(x)
	if n == 0 {
		return 0
	}
	s := slices.Clone(x)
	upper := selected(s, n/2)
	if n%2 == 1 {
		return upper
	}
	return (slices.Max(s[:n/2]) + upper) / 2
}

// selected is the value that would be at index k if s were sorted. It moves s about
// until nothing before k is larger and nothing after it smaller, which is a third
// of the work of sorting. Not for NaN.
func selected(s []float64, k int) float64 {
	for lo, hi := 0, len(s)-1; lo < hi; {
		pivot := middle(s[lo], s[(lo+hi)/2], s[hi])
		i, j := lo, hi
		for i <= j {
			for s[i] < pivot {
				i++
			}
			for s[j] > pivot {
				j--
			}
			if i <= j {
				s[i], s[j] = s[j], s[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return s[k]
		}
	}
	return s[k]
}

func middle(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }

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
