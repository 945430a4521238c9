package triage

import (
	"cmp"
	"math"
	"slices"
)

// A segment is [from, to) of a series and how much it differs from the rest.
type segment struct {
	score    float64
	from, to int
}

func better(a, b segment) segment {
	if a.score >= b.score {
		return a
	}
	return b
}

func (s segment) split(x []float64) (inside, outside []float64) {
	inside = x[s.from:s.to]
	return inside, append(slices.Clone(x[:s.from]), x[s.to:]...)
}

func (s segment) direction(x []float64) int {
	in, out := s.split(x)
	if mean(in) > mean(out) {
		return 1
	}
	return -1
}

// scanLevel is scan for levels, with a penalty that leaves the longest as they are.
func scanLevel(g []float64, head int, rho float64) segment {
	return scan(g, minSegment, head, rho, func(share float64) float64 { return penalty(share) - penalty(1) })
}

// scanSpread is scan for spreads, which are few and weak when they are long.
func scanSpread(g []float64, head int) segment { return scan(g, minSpread, head, 0, spreadPenalty) }

func spreadPenalty(share float64) float64 { return penalty(share) - penalty(0.4) }

// penalty is about what the largest score of all segments of this share of the
// series reaches by chance: √(2 (1 + ln(1/share))).
func penalty(share float64) float64 { return math.Sqrt(2 * (1 - math.Log(share))) }

// scan finds the segment [s, e) of at least least values, none of the first head,
// with the largest score: how many standard deviations its level is from the rest,
// less the penalty for its share of the series. g has mean 0 and variance 1 and was
// whitened with rho: of a level d then remains d at s, (1−ρ)d inside and −ρd at e,
// and the score is that of generalised least squares. It is divided by the factor by
// which autocorrelation that is still left inflates it.
func scan(g []float64, least, head int, rho float64, penalty func(share float64) float64) segment {
	n := len(g)
	ends, starts := make([]float64, n+1), make([]float64, n)
	var sum float64
	for i := range n {
		ends[i] = (1-rho)*sum - rho*g[i]
		sum += g[i]
		starts[i] = (1-rho)*sum - g[i]
	}
	ends[n] = (1 - rho) * sum
	// By length: the loop below is most of the cost.
	weights, penalties := make([]float64, n+1), make([]float64, n+1)
	for l := 1; l < n; l++ {
		inside := (1 - rho) * float64(l-1)
		weights[l] = 1 / math.Sqrt(1+(1-rho)*inside-(1+inside)*(1+inside)/float64(n))
		penalties[l] = penalty(float64(l) / float64(n))
	}
	score := func(s, e int) float64 { return math.Abs(ends[e]-starts[s])*weights[e-s] - penalties[e-s] }
	best := segment{math.Inf(-1), head, n}
	tiles := tile(ends)
	for s := head; s+least <= n; s++ {
		start := starts[s]
		for e := s + least; e <= n; {
			t := tiles[e/tileSize]
			end := min((e/tileSize+1)*tileSize, n+1)
			// Weights are largest at the ends of a range and penalties fall, so this
			// bounds what is in it.
			if max(t.high-start, start-t.low)*max(weights[e-s], weights[end-1-s])-penalties[end-1-s] > best.score {
				for i := e; i < end; i++ {
					if z := score(s, i); z > best.score {
						best = segment{z, s, i}
					}
				}
			}
			e = end
		}
	}
	// A segment that begins with the baseline and ends before the series does: it is
	// as well the rest that differs, and a change that lasts is the simpler story.
	if best.from < 2*head && best.to+least <= n {
		if z := score(best.to, n); z >= 0.8*best.score {
			best = segment{z, best.to, n}
		}
	}
	in, out := best.split(g)
	off := penalties[best.to-best.from]
	best.score = (best.score+off)/autocorrelationFactor(subtracted(g, best, mean(in), mean(out))) - off
	return best
}

// A tileRange is the range of tileSize neighbouring sums: most tiles cannot hold a
// better segment than is known, which saves nine tenths of the scan.
type tileRange struct{ low, high float64 }

const tileSize = 16

func tile(sums []float64) []tileRange {
	tiles := make([]tileRange, 0, len(sums)/tileSize+1)
	for t := range slices.Chunk(sums, tileSize) {
		tiles = append(tiles, tileRange{slices.Min(t), slices.Max(t)})
	}
	return tiles
}

func subtracted(x []float64, s segment, inside, outside float64) []float64 {
	r := make([]float64, len(x))
	for i, v := range x {
		if i >= s.from && i < s.to {
			r[i] = v - inside
		} else {
			r[i] = v - outside
		}
	}
	return r
}

// autocorrelationFactor is √((1+ρ)/(1−ρ)), ρ of lag 1 within 0..0.9.
func autocorrelationFactor(r []float64) float64 {
	m := mean(r)
	var v, c float64
	for i := range r {
		d := r[i] - m
		v += d * d
		if i > 0 {
			c += d * (r[i-1] - m)
		}
	}
	if v <= 0 {
		return 1
	}
	n := float64(len(r))
	rho := min(max(c/(n-1)/(v/n), 0), 0.9)
	return math.Sqrt((1 + rho) / (1 - rho))
}

// normalScores replaces values by normal quantiles of their ranks, ties averaged.
func normalScores(x []float64) []float64 {
	n := len(x)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	g := make([]float64, n)
	for i := 0; i < n; {
		j := i
		for j < n && x[order[j]] == x[order[i]] {
			j++
		}
		rank := float64(i+j+1) / 2 // average of i+1 … j
		score := math.Sqrt2 * math.Erfinv(2*(rank-0.5)/float64(n)-1)
		for ; i < j; i++ {
			g[order[i]] = score
		}
	}
	return standardised(g)
}

// clipped is robust z-scores cut at ±onsetClip.
func clipped(x []float64) []float64 {
	m, scale := median(x), scaleOf(x)
	g := make([]float64, len(x))
	for i, v := range x {
		g[i] = min(max((v-m)/scale, -onsetClip), onsetClip)
	}
	return standardised(g)
}

// standardised has mean 0 and, unless it is constant, variance 1. In place.
func standardised(g []float64) []float64 {
	m := mean(g)
	for i := range g {
		g[i] -= m
	}
	if s := deviation(g); s > 0 {
		for i := range g {
			g[i] /= s
		}
	}
	return g
}
