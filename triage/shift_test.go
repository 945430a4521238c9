package triage

import (
	"math/rand/v2"
	"testing"
	"time"

	"sickbay/health"
)

// TestAShiftIsDatedByWhatStayed: an hour at a point each 10 s; something goes up for good
// at 46 minutes. What came and went before is not of it, and would rule the true cause out.
func TestAShiftIsDatedByWhatStayed(t *testing.T) {
	const begins, points = 46 * 6, 60 * 6
	noise := func(i int) float64 { return rand.New(rand.NewPCG(1, uint64(i))).NormFloat64() * .1 }
	steps := map[string]struct {
		group string
		at    func(i int) float64
	}{
		"out of noise": {"quality", func(i int) float64 { return 1 + noise(i) }},
		"after two minutes of a little more": {"quality", func(i int) float64 {
			if i >= begins-50 && i < begins-38 {
				return 1.45 + noise(i)
			}
			return 1 + noise(i)
		}},
		"an age that grows":                             {"freshness", func(i int) float64 { return 20000 + 10*float64(i) }},
		"an age that grows, made fresh in the baseline": {"freshness", func(i int) float64 { return 28000 + 15*float64(i) - 9000*float64(min(i/80, 1)) }},
	}
	start := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for name, c := range steps {
		t.Run(name, func(t *testing.T) {
			sig := health.Signal{ID: "x", Group: c.group, Bad: health.Up}
			for i := range points {
				v := c.at(i)
				if i >= begins {
					v *= 30
				}
				sig.Series = append(sig.Series, health.Point{T: start.Add(time.Duration(i) * 10 * time.Second).UnixMilli(), V: v})
			}
			onset := start.Add(begins * 10 * time.Second)
			s, ok := shiftOf(sig, calmUntil(sig.Series, onset))
			if off := s.at.Sub(onset); !ok || off.Abs() > 20*time.Second {
				t.Errorf("found %v, %v off", ok, off)
			}
		})
	}
}
