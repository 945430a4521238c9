package demo

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// unrest scales the noise of counts: 1 would be Poisson's. It is less, because
// a demo in which rare events bunch up by chance accuses the innocent.
const unrest = 0.5

// A recorder makes the series of one service and writes their samples. The
// first error sticks and ends the writing.
type recorder struct {
	to  sink
	rng *rand.Rand
	t   int64 // of the samples being written, Unix milliseconds
	err error
}

func (r *recorder) put(s ref, v float64) {
	if r.err != nil {
		return
	}
	if err := r.to.Append(s, r.t, v); err != nil {
		r.err = fmt.Errorf("append: %w", err)
	}
}

// count draws how many of an expected number of events happened. What does not
// make a whole event is carried over, so that nothing is lost or invented.
func (r *recorder) count(carry *float64, mean float64) float64 {
	if mean <= 0 {
		return 0
	}
	*carry += mean
	if mean > 1e-3 {
		*carry += unrest * math.Sqrt(mean) * r.rng.NormFloat64()
	}
	if *carry < 1 {
		return 0
	}
	n := math.Floor(*carry)
	*carry -= n
	return n
}

// labels of a series.
type labels map[string]string

// with adds name and value pairs to a copy.
func (l labels) with(pairs ...string) labels {
	c := maps.Clone(l)
	for i := 0; i+1 < len(pairs); i += 2 {
		c[pairs[i]] = pairs[i+1]
	}
	return c
}

// series starts one series of a metric.
func (r *recorder) series(name string, l labels) ref {
	return r.to.Series(l.with("__name__", name))
}

// A counter only ever grows.
type counter struct {
	r            *recorder
	s            ref
	total, carry float64
}

func (r *recorder) counter(name, help string, l labels) *counter {
	r.to.SetMeta(name, "counter", help, "")
	return &counter{r: r, s: r.series(name, l)}
}

// events adds about mean events.
func (c *counter) events(mean float64) { c.add(c.r.count(&c.carry, mean)) }

// evenly adds mean events without any noise, and draws nothing from chance.
func (c *counter) evenly(mean float64) {
	c.carry += max(mean, 0)
	n := math.Floor(c.carry)
	c.carry -= n
	c.add(n)
}

// add adds exactly v.
func (c *counter) add(v float64) {
	c.total += max(v, 0)
	c.r.put(c.s, c.total)
}

// A gauge wanders around what it is set to: each value remembers the last.
type gauge struct {
	r    *recorder
	s    ref
	sway float64
}

func (r *recorder) gauge(name, help string, l labels) *gauge {
	r.to.SetMeta(name, "gauge", help, "")
	return &gauge{r: r, s: r.series(name, l)}
}

// exactly writes v.
func (g *gauge) exactly(v float64) { g.r.put(g.s, v) }

// about writes v times one plus a wandering noise of the given deviation, at
// most three of them, and not above top.
func (g *gauge) about(v, deviation, top float64) {
	g.r.put(g.s, min(v*(1+deviation*wander(g.r.rng, &g.sway)), top))
}

// wander moves a noise of deviation 1 that forgets within a few steps and never
// exceeds 3.
func wander(rng *rand.Rand, sway *float64) float64 {
	const keep = 0.85
	*sway = keep**sway + math.Sqrt(1-keep*keep)*rng.NormFloat64()
	*sway = min(max(*sway, -3), 3)
	return *sway
}

// A histogram counts observations in cumulative buckets.
type histogram struct {
	r          *recorder
	bounds     []float64 // finite upper bounds, ascending
	buckets    []ref     // one more than bounds
	sum, count ref
	total      []float64 // per bucket, not cumulative
	carry      []float64
	sumTotal   float64
	good, ill  *cells
}

func (r *recorder) histogram(name, help string, bounds []float64, l labels) *histogram {
	r.to.SetMeta(name, "histogram", help, "")
	h := &histogram{
		r: r, bounds: bounds, sum: r.series(name+"_sum", l), count: r.series(name+"_count", l),
		total: make([]float64, len(bounds)+1), carry: make([]float64, len(bounds)+1),
		good: through(bounds, dist{}), ill: through(bounds, dist{}),
	}
	for _, b := range bounds {
		h.buckets = append(h.buckets, r.series(name+"_bucket", l.with("le", bound(b))))
	}
	h.buckets = append(h.buckets, r.series(name+"_bucket", l.with("le", "+Inf")))
	return h
}

// bound writes a bucket's limit as Prometheus' clients do: always a float.
func bound(b float64) string {
	s := strconv.FormatFloat(b, 'g', -1, 64)
	if b == math.Trunc(b) && math.Abs(b) < 1e15 {
		s = strconv.FormatFloat(b, 'f', 1, 64)
	}
	return s
}

// observe adds about n observations: a share x of them as ill, the others as good.
func (h *histogram) observe(n, x float64, good, ill dist) {
	if h.good.of != good {
		h.good = through(h.bounds, good)
	}
	if x > 0 && h.ill.of != ill {
		h.ill = through(h.bounds, ill)
	}
	cumulative := 0.0
	for i := range h.total {
		a, b := n*(1-x)*h.good.share[i], 0.0
		if x > 0 {
			b = n * x * h.ill.share[i]
		}
		if k := h.r.count(&h.carry[i], a+b); k > 0 {
			h.total[i] += k
			h.sumTotal += k * (a*h.good.mean[i] + b*h.ill.mean[i]) / (a + b)
		}
		cumulative += h.total[i]
		h.r.put(h.buckets[i], cumulative)
	}
	h.r.put(h.sum, h.sumTotal)
	h.r.put(h.count, cumulative)
}

// ramp goes from one value to another within a time and then stays.
type ramp struct {
	from, to float64
	at       time.Time
	over     time.Duration
}

func (r ramp) value(t time.Time) float64 {
	since := t.Sub(r.at)
	switch {
	case since < 0:
		return r.from
	case since >= r.over:
		return r.to
	}
	return r.from + (r.to-r.from)*float64(since)/float64(r.over)
}

// turn starts a new ramp where this one stands.
func (r ramp) turn(to float64, at time.Time, over time.Duration) ramp {
	return ramp{r.value(at), to, at, over}
}
