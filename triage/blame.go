package triage

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"sickbay/drift"
	"sickbay/health"
)

// What the failing requests have in common (notes: Compare). Only requests since
// the onset are compared, failing with healthy ones of the same minutes: otherwise
// every version that came out about then would look guilty.

// A square is a two-by-two table: with a value or without it, failing or healthy.
type square struct{ a, b, c, d float64 }

// ratio is how many times as often those with the value fail, with half-counts, and
// the lower end of its 99 % interval: by the log method, or where that is too careful,
// because hardly anybody fails without the value, from the Wilson limits of both
// shares (Donner and Zou, "Closed-form confidence intervals for functions of the
// normal mean and standard deviation", 2012: MOVER for a ratio).
func (s square) ratio() (rr, low float64) {
	a, n1 := s.a+0.5, s.a+s.b+1
	c, n0 := s.c+0.5, s.c+s.d+1
	rr = (a / n1) / (c / n0)
	low = rr * math.Exp(-z99*math.Sqrt(1/a-1/n1+1/c-1/n0))
	if s.c < fewFailures {
		low = max(low, s.ratioOfShares())
	}
	return rr, low
}

const (
	z99         = 2.576
	fewFailures = 5 // fewer make a logarithm of little worth
)

// ratioOfShares is the lower end of the ratio of the two shares that fail.
func (s square) ratioOfShares() float64 {
	with, without := health.Tally{N: s.a + s.b, Bad: s.a}, health.Tally{N: s.c + s.d, Bad: s.c}
	low, _ := wilson(with, z99)
	_, high := wilson(without, z99)
	p1, p0 := with.Share(), without.Share()
	spread := high * (2*p0 - high)
	if with.N == 0 || without.N == 0 || spread == 0 {
		return 0
	}
	return (p1*p0 - math.Sqrt(max(p1*p1*p0*p0-low*(2*p1-low)*spread, 0))) / spread
}

// explained is the share of failing requests that would not fail if those with the
// value failed as rarely as the others, and its lower bound.
func (s square) explained() (share, low float64) {
	rr, rrLow := s.ratio()
	part := s.a / max(s.a+s.c, 1)
	return part * max(0, 1-1/rr), part * max(0, 1-1/rrLow)
}

// phi is the correlation of having the value and failing. It weighs how many of the
// failing have it against how many others have it too; √(χ²/n), so that the order
// and the test agree.
func (s square) phi() float64 {
	n := (s.a + s.b) * (s.c + s.d) * (s.a + s.c) * (s.b + s.d)
	if n <= 0 {
		return 0
	}
	return (s.a*s.d - s.b*s.c) / math.Sqrt(n)
}

// chance is the probability of a table as uneven without any reason: G-test with
// Williams' correction, one degree of freedom.
func (s square) chance() float64 {
	n := s.a + s.b + s.c + s.d
	rows, cols := [2]float64{s.a + s.b, s.c + s.d}, [2]float64{s.a + s.c, s.b + s.d}
	g := 0.0
	for i, o := range [4]float64{s.a, s.b, s.c, s.d} {
		if e := rows[i/2] * cols[i%2] / n; o > 0 {
			g += 2 * o * math.Log(o/e)
		}
	}
	williams := 1 + (n/rows[0]+n/rows[1]-1)*(n/cols[0]+n/cols[1]-1)/(6*n)
	return math.Erfc(math.Sqrt(max(g, 0) / williams / 2))
}

// A trait is one value of one column, or two of two, and how it stands to failing.
type trait struct {
	parts []fact
	square
	rank float64 // phi of the square
	same []trait // carried by the very same requests
}

// A fact is one value of one column.
type fact struct {
	column int
	code   uint32
	name   string
	value  string
}

func (t trait) String() string {
	var names []string
	for _, p := range t.parts {
		names = append(names, p.name+"="+p.value)
	}
	return strings.Join(names, " & ")
}

const (
	minCarriers  = 5  // failing requests with a value, fewer say nothing
	maxSingles   = 12 // findings that are looked at, best first
	pairFrom     = 8  // values of which pairs are made
	minRest      = 20
	falseShare   = 0.01 // of what is found, by Benjamini and Hochberg
	pairGain     = 1.05
	pairRest     = 0.25
	explainedBy  = 1.5
	differRatio  = 1.5
	alikeShare   = 0.2
	alikeMinimum = 60
)

// A blame is what requests since an onset have in common.
type blame struct {
	requests Requests
	from     int
	failing  float64
	healthy  float64
	found    []trait // best first, explained ones left out
}

// compare looks at the requests from index from on.
func compare(r Requests, from int) blame {
	b := blame{requests: r, from: from}
	for _, f := range r.Failed[from:] {
		if f {
			b.failing++
		} else {
			b.healthy++
		}
	}
	singles := b.singles()
	all := singles[:min(len(singles), maxSingles)]
	if pair, ok := b.pairs(singles); ok {
		all = append([]trait{pair}, all...)
	}
	if len(all) > 0 {
		b.found = b.explainAway(all)
	}
	return b
}

// singles are the values that fail more often and not by chance, best first.
func (b *blame) singles() []trait {
	var all []trait
	var chances []float64
	r := b.requests
	for i := range r.Columns {
		c := &r.Columns[i]
		fail, good := make([]float64, len(c.Values)), make([]float64, len(c.Values))
		for k := b.from; k < len(c.Codes); k++ {
			if r.Failed[k] {
				fail[c.Codes[k]]++
			} else {
				good[c.Codes[k]]++
			}
		}
		for code, a := range fail {
			s := square{a, good[code], b.failing - a, b.healthy - good[code]}
			if a < minCarriers || s.c+s.d == 0 || c.Values[code] == "" { // to lack a property is none
				continue
			}
			chances = append(chances, s.chance())
			all = append(all, trait{parts: []fact{{i, uint32(code), c.Name, c.Values[code]}}, square: s, rank: s.phi()})
		}
	}
	all = significant(all, chances)
	slices.SortStableFunc(all, func(x, y trait) int { return cmp.Compare(y.rank, x.rank) })
	return all
}

// significant keeps what fails more often, with at most falseShare of it by chance.
func significant(all []trait, chances []float64) []trait {
	adjusted := drift.BenjaminiHochberg(chances)
	var kept []trait
	for i, t := range all {
		if _, low := t.ratio(); adjusted[i] <= falseShare && low > 1 {
			kept = append(kept, t)
		}
	}
	return kept
}

// has says whether request k carries the trait.
func (b *blame) has(t trait, k int) bool {
	for _, p := range t.parts {
		if b.requests.Columns[p.column].Codes[k] != p.code {
			return false
		}
	}
	return true
}

// count is the table of the requests with and without a trait.
func (b *blame) count(t trait) square {
	var s square
	for k := b.from; k < len(b.requests.At); k++ {
		switch has, failed := b.has(t, k), b.requests.Failed[k]; {
		case has && failed:
			s.a++
		case has:
			s.b++
		}
	}
	s.c, s.d = b.failing-s.a, b.healthy-s.b
	return s
}

// pairs looks for two values that fail together, and neither without the other.
func (b *blame) pairs(singles []trait) (trait, bool) {
	var best trait
	if len(singles) == 0 {
		return best, false
	}
	top := singles[:min(len(singles), pairFrom)]
	for i, x := range top {
		for _, y := range top[i+1:] {
			if x.parts[0].column == y.parts[0].column {
				continue
			}
			t := trait{parts: append(slices.Clone(x.parts), y.parts...)}
			t.square = b.count(t)
			t.rank = t.phi()
			if t.a >= minCarriers && t.rank > best.rank && b.together(x, y, t) {
				best = t
			}
		}
	}
	return best, best.rank >= pairGain*singles[0].rank
}

// together says whether either value without the other has little of the excess.
func (b *blame) together(x, y, pair trait) bool {
	rest := rate(b.failing-x.a-y.a+pair.a, b.healthy-x.b-y.b+pair.b)
	excess := rate(pair.a, pair.b) - rest
	for _, t := range [2]trait{x, y} {
		fail, good := t.a-pair.a, t.b-pair.b
		if fail+good < minRest || rate(fail, good)-rest >= pairRest*excess {
			return false
		}
	}
	return true
}

func rate(failing, healthy float64) float64 { return failing / max(failing+healthy, 1) }

// explainAway drops what fails only because it comes with the first, and puts aside
// what is the same requests under another name.
func (b *blame) explainAway(all []trait) []trait {
	kept := []trait{all[0]}
	for _, t := range all[1:] {
		held, varies := b.holding(all[0], func(k int) (bool, bool) { return b.has(t, k), true })
		switch {
		case !varies:
			kept[0].same = append(kept[0].same, t)
		case held >= explainedBy:
			kept = append(kept, t)
		}
	}
	return kept
}

// holding is the Mantel-Haenszel risk ratio of a property with a trait held fixed.
// Without variation inside the trait or outside of it there is none.
func (b *blame) holding(fixed trait, of func(k int) (has, counts bool)) (ratio float64, varies bool) {
	var strata [2]square
	for k := b.from; k < len(b.requests.At); k++ {
		has, counts := of(k)
		if !counts {
			continue
		}
		s := &strata[0]
		if b.has(fixed, k) {
			s = &strata[1]
		}
		switch failed := b.requests.Failed[k]; {
		case has && failed:
			s.a++
		case has:
			s.b++
		case failed:
			s.c++
		default:
			s.d++
		}
	}
	var up, down float64
	for _, s := range strata {
		n := s.a + s.b + s.c + s.d
		if n == 0 || s.a+s.b == 0 || s.c+s.d == 0 {
			continue
		}
		varies = true
		up += s.a * (s.c + s.d) / n
		down += s.c * (s.a + s.b) / n
	}
	return (up + 1e-9) / (down + 1e-9), varies
}
