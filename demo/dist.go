package demo

import (
	"math"
	"math/rand/v2"
)

// shape is a family of distributions.
type shape uint8

const (
	never  shape = iota // nothing is ever observed
	logn                // log-normal: mid is the median, spread the sigma of the logarithm
	gauss               // normal: mid is the mean, spread the standard deviation
	within              // logit-normal, always inside 0..1: mid is the median
)

// A dist is a distribution of one measured property. It is comparable, so that
// what was computed from it can be kept until it changes.
type dist struct {
	shape       shape
	mid, spread float64
}

func around(median, sigma float64) dist { return dist{logn, median, sigma} }
func bell(mean, sd float64) dist        { return dist{gauss, mean, sd} }
func score(median, sigma float64) dist  { return dist{within, median, sigma} }

// times moves the middle by a factor.
func (d dist) times(f float64) dist { d.mid *= f; return d }

// toward moves the middle a share of the way to another one.
func (d dist) toward(mid, share float64) dist { d.mid += (mid - d.mid) * share; return d }

// at is the value that stands z standard deviations from the middle.
func (d dist) at(z float64) float64 {
	switch d.shape {
	case logn:
		return d.mid * math.Exp(d.spread*z)
	case gauss:
		return d.mid + d.spread*z
	case within:
		return 1 / (1 + math.Exp(-(logit(d.mid) + d.spread*z)))
	}
	return 0
}

// below is the share of observations that are at most x.
func (d dist) below(x float64) float64 {
	var z float64
	switch {
	case d.shape == logn && x > 0:
		z = math.Log(x/d.mid) / d.spread
	case d.shape == gauss:
		z = (x - d.mid) / d.spread
	case d.shape == within && x >= 1:
		return 1
	case d.shape == within && x > 0:
		z = (logit(x) - logit(d.mid)) / d.spread
	default:
		return 0
	}
	return 0.5 * math.Erfc(-z/math.Sqrt2)
}

func (d dist) draw(r *rand.Rand) float64 {
	if d.shape == never {
		return 0
	}
	return d.at(r.NormFloat64())
}

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

// ladder holds equally likely standing points of the standard normal, by which
// means are taken without integrals.
var ladder = func() (z [256]float64) {
	for i := range z {
		u := (float64(i) + 0.5) / float64(len(z))
		z[i] = math.Sqrt2 * math.Erfinv(2*u-1)
	}
	return z
}()

// mean is the expected value.
func (d dist) mean() float64 {
	if d.shape == never {
		return 0
	}
	sum := 0.0
	for _, z := range ladder {
		sum += d.at(z)
	}
	return sum / float64(len(ladder))
}

// A memo keeps the mean of the distribution it was asked for last.
type memo struct {
	of   dist
	mean float64
}

func (k *memo) meanOf(d dist) float64 {
	if k.of != d {
		k.of, k.mean = d, d.mean()
	}
	return k.mean
}

// A blend keeps the means of a distribution when well and when ill.
type blend struct{ good, ill memo }

// mean is that over all requests of a moment.
func (k *blend) mean(m *moment, of func(*behaviour) dist) float64 {
	v := k.good.meanOf(of(m.good))
	if m.x > 0 {
		v = toward(v, k.ill.meanOf(of(m.ill)), m.x)
	}
	return v
}

func tokensIn(b *behaviour) dist  { return b.In }
func tokensOut(b *behaviour) dist { return b.Out }
func steps(b *behaviour) dist     { return b.Steps }

// cells are a distribution seen through the buckets of a histogram.
type cells struct {
	of    dist
	share []float64 // of observations per bucket, the last one beyond all bounds
	mean  []float64 // of the observations inside the bucket
}

// through spreads d over buckets with the given finite upper bounds.
func through(bounds []float64, d dist) *cells {
	c := &cells{of: d, share: make([]float64, len(bounds)+1), mean: make([]float64, len(bounds)+1)}
	if d.shape == never {
		return c
	}
	low := 0.0
	for i, b := range bounds {
		up := d.below(b)
		c.share[i], low = up-low, up
	}
	c.share[len(bounds)] = 1 - low
	seen := make([]float64, len(c.mean))
	i := 0
	for _, z := range ladder {
		v := d.at(z)
		for i < len(bounds) && v > bounds[i] {
			i++
		}
		c.mean[i] += v
		seen[i]++
	}
	for i := range c.mean {
		if seen[i] > 0 {
			c.mean[i] /= seen[i]
		} else {
			c.mean[i] = middle(bounds, i)
		}
	}
	return c
}

// middle of bucket i, for buckets too rare to have been met on the ladder.
func middle(bounds []float64, i int) float64 {
	switch {
	case i == 0:
		return bounds[0] / 2
	case i == len(bounds):
		return bounds[i-1]
	}
	return (bounds[i-1] + bounds[i]) / 2
}
