package drift

import (
	"math"
	"sort"
)

// Level is the verdict on one comparison. A comparison without a verdict has
// its State as level.
type Level string

// The levels. Each but LevelOK means that something changed for certain; they
// differ in whether it matters.
const (
	LevelOK       Level = "ok"       // not significant
	LevelSmall    Level = "small"    // significant, and too small to matter
	LevelWarn     Level = "warn"     // PSIAdj ≥ 0.10 or gap ≥ 0.10
	LevelCritical Level = "critical" // PSIAdj ≥ 0.25 or gap ≥ 0.20
	LevelPending  Level = "pending"  // warn or critical, but not yet for long enough; see Judge
)

// The thresholds where nobody sets others.
const (
	Alpha       = 0.01
	PSIWarn     = 0.10
	PSICritical = 0.25
	GapWarn     = 0.10
	GapCritical = 0.20

	RateWarn       = 2.0 // times as frequent, …
	RateCritical   = 4.0
	ExcessWarn     = 0.005 // … and by this share of all outcomes more
	ExcessCritical = 0.02
)

// Options are the thresholds. A zero field means the constant of its name.
type Options struct {
	Alpha                float64 // family-wise error over all results
	PSIWarn, PSICritical float64
	GapWarn, GapCritical float64

	RateWarn, RateCritical     float64 // ratio of two shares of bad outcomes
	ExcessWarn, ExcessCritical float64 // difference of the two
}

func (o Options) withDefaults() Options {
	return o.or(Options{
		Alpha, PSIWarn, PSICritical, GapWarn, GapCritical,
		RateWarn, RateCritical, ExcessWarn, ExcessCritical,
	})
}

// or takes the fields that are 0 from usual.
func (o Options) or(usual Options) Options {
	or := func(v, usual float64) float64 {
		if v == 0 {
			return usual
		}
		return v
	}
	return Options{
		or(o.Alpha, usual.Alpha),
		or(o.PSIWarn, usual.PSIWarn), or(o.PSICritical, usual.PSICritical),
		or(o.GapWarn, usual.GapWarn), or(o.GapCritical, usual.GapCritical),
		or(o.RateWarn, usual.RateWarn), or(o.RateCritical, usual.RateCritical),
		or(o.ExcessWarn, usual.ExcessWarn), or(o.ExcessCritical, usual.ExcessCritical),
	}
}

// level judges one comparison by its adjusted p. Thresholds have a slack of
// 1e-9: 0.7 − 0.6 must count as 0.10.
func (o Options) level(r Result, p float64) Level {
	const slack = 1e-9
	switch {
	case p > o.Alpha:
		return LevelOK
	case r.PSIAdj >= o.PSICritical-slack || r.Gap >= o.GapCritical-slack:
		return LevelCritical
	case r.PSIAdj >= o.PSIWarn-slack || r.Gap >= o.GapWarn-slack:
		return LevelWarn
	}
	return LevelSmall
}

// Holm returns p-values adjusted for having looked at all of them (Holm 1979):
// the i-th smallest of F times F−i, made monotone, at most 1.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return ps[order[i]] < ps[order[j]] })
	adjusted := make([]float64, len(ps))
	var floor float64
	for i, at := range order {
		floor = max(floor, min(1, ps[at]*float64(len(ps)-i)))
		adjusted[at] = floor
	}
	return adjusted
}

// BenjaminiHochberg returns p-values adjusted so that of what is called found below
// q at most the share q is there by chance (Benjamini and Hochberg 1995): the i-th
// smallest of F times F/i, made monotone, at most 1.
func BenjaminiHochberg(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return ps[order[i]] < ps[order[j]] })
	adjusted := make([]float64, len(ps))
	ceiling := 1.0
	for i := len(order) - 1; i >= 0; i-- {
		ceiling = min(ceiling, ps[order[i]]*float64(len(ps))/float64(i+1))
		adjusted[order[i]] = ceiling
	}
	return adjusted
}

// Detectable is the smallest shift, in standard deviations of the signal, that
// is found about three times in four when fifty signals are watched:
// 5 √(1/n + 1/m). Print it where nothing was found: 0.71 at 100 against 100
// observations says that smaller shifts would have gone unseen. Without
// observations nothing is detectable: +Inf.
func Detectable(nref, ncur float64) float64 {
	if nref <= 0 || ncur <= 0 {
		return math.Inf(1)
	}
	return 5 * math.Sqrt(1/nref+1/ncur)
}
