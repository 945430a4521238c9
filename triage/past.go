package triage

import (
	"fmt"
	"math"
	"time"

	"sickbay/health"
)

// A signal nobody set limits for is held against its own past: robustly, with the
// season of other days taken off where they are known, and never more than warn,
// since unusual is not yet bad.
const (
	pastOn     = 6.0  // sigmas beyond its usual value to begin
	pastOff    = 3.0  // and to go on
	pastChange = 0.25 // of the usual value at least; of a ratio or a score pastPoints
	pastPoints = 0.05
	pastHold   = 3 * time.Minute // it has to last
)

// pastFinding says that a signal left what it usually is, and since when. was says
// whether it had at the look before.
func pastFinding(service string, sig health.Signal, in Input, mem *recall, was bool) (health.Finding, bool) {
	if sig.Detail || sig.Bad == health.Neutral || limited(sig) || sig.State != health.Fresh && sig.State != health.Partial {
		return health.Finding{}, false
	}
	if in.Past != nil {
		sig.Series = seasonless(sig.Series, in.Past(service, sig.ID))
	}
	calm := calmUntil(sig.Series, time.Time{})
	s, ok := mem.shiftOf(service, sig, calm)
	least := pastOn
	if was {
		least = pastOff
	}
	if !ok || !worse(s, sig.Bad) || math.Abs(s.z) < least || in.Now.Sub(s.at) < pastHold {
		return health.Finding{}, false
	}
	usual := usually(sig, calm)
	now := lately(sig, s.at)
	change := pastChange * math.Abs(usual)
	if sig.Unit == health.Ratio || sig.Unit == health.Score {
		change = pastPoints
	}
	if math.Abs(now-usual) < change {
		return health.Finding{}, false
	}
	limit := usual + (now-usual)*min(pastOn/math.Abs(s.z), 1)
	return health.Finding{
		Service: service, Signal: sig.ID, Rule: rulePast, Bad: sig.Bad, Status: health.Warn, Since: s.at,
		Text:  fmt.Sprintf("%s %s, usually %s", title(sig), health.Format(sig.Unit, now), health.Format(sig.Unit, usual)),
		Value: health.Num(now), Limit: health.Num(limit),
	}, true
}

// usually is the median of a series before its baseline ends.
func usually(sig health.Signal, calm int64) float64 {
	var x []float64
	for _, p := range sig.Series {
		if p.T < calm && !math.IsNaN(p.V) {
			x = append(x, p.V)
		}
	}
	return median(x)
}

// lately is the median of the newest points since a time.
func lately(sig health.Signal, since time.Time) float64 {
	var x []float64
	for i := len(sig.Series) - 1; i >= 0 && len(x) < stillThere; i-- {
		if p := sig.Series[i]; !math.IsNaN(p.V) && !p.Time().Before(since) {
			x = append(x, p.V)
		}
	}
	return median(x)
}

// seasonless takes off by how much the same clock time of another day differs from
// that day's middle. A point without a partner within half a minute keeps its value:
// a hole in the past makes no news.
func seasonless(points, past []health.Point) []health.Point {
	_, held := heldPoints(past)
	if len(held) < minBaseline {
		return points
	}
	const day = int64(24 * time.Hour / time.Millisecond)
	middle := median(held)
	out := make([]health.Point, len(points))
	k := 0
	for i, p := range points {
		clock := p.T % day
		for k < len(past)-1 && gap(past[k+1].T%day, clock) <= gap(past[k].T%day, clock) {
			k++
		}
		out[i] = p
		if q := past[k]; gap(q.T%day, clock) <= 30_000 && !math.IsNaN(q.V) {
			out[i].V = p.V - (q.V - middle)
		}
	}
	return out
}

func gap(a, b int64) int64 { return max(a-b, b-a) }
