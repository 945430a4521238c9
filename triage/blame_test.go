package triage

import (
	"math/rand/v2"
	"testing"
)

// TestTheRatioIsSureAsSoonAsItMayBe looks at few requests of which none fails without
// the value, and at tables in which the value means nothing.
func TestTheRatioIsSureAsSoonAsItMayBe(t *testing.T) {
	for _, c := range []struct {
		square
		least float64
	}{
		{square{8, 2, 0, 12}, 1.5}, {square{24, 6, 0, 36}, 4}, {square{7, 3, 1, 11}, 1}, {square{60, 40, 6, 94}, 3},
	} {
		if rr, low := c.ratio(); low < c.least || low > rr {
			t.Errorf("%v: at least %.2f of %.2f, want more than %v", c.square, low, rr, c.least)
		}
	}
	for _, empty := range []square{{}, {3, 1, 0, 0}, {0, 0, 3, 1}} {
		if _, low := empty.ratio(); low > 1 {
			t.Errorf("%v: %v", empty, low)
		}
	}
	rng := rand.New(rand.NewPCG(8, 1))
	const tables = 2000
	for _, c := range []struct {
		n1, n0 int
		p      float64
	}{{10, 12, .3}, {10, 40, .05}, {40, 12, .1}, {30, 30, .03}, {200, 60, .02}} {
		sure := 0
		for range tables {
			s := square{b: float64(c.n1), d: float64(c.n0)}
			for i := range c.n1 + c.n0 {
				switch failed := rng.Float64() < c.p; {
				case failed && i < c.n1:
					s.a, s.b = s.a+1, s.b-1
				case failed:
					s.c, s.d = s.c+1, s.d-1
				}
			}
			if _, low := s.ratio(); low > 1 && s.a >= minCarriers {
				sure++
			}
		}
		if sure > tables/100 {
			t.Errorf("%d and %d requests that fail alike: %d of %d tables are sure of a difference", c.n1, c.n0, sure, tables)
		}
	}
}
