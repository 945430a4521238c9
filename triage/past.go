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
func pastFinding(service string, sig *health.Signal, in Input, mem *recall, was bool) (health.Finding, bool) {
	if sig.Detail || sig.Bad == health.Neutral || limited(*sig) || sig.State != health.Fresh && sig.State != health.Partial {
		return health.Finding{}, false
	}
	custom := mem.customOf(service, *sig, in)
	sig.Usual = custom.Usual
	if f, ok := custom.broken(*sig, in.Now, was); ok {
		f.Service = service
		return f, true
	}
	return shifted(service, *sig, custom.days, in, mem, was)
}

// shifted says that a signal shifted within the window, other than at this hour of
// other days.
func shifted(service string, sig health.Signal, days [][]health.Point, in Input, mem *recall, was bool) (health.Finding, bool) {
	sig.Series = seasonless(sig.Series, days)
	calm := calmUntil(sig.Series, time.Time{})
	s, ok := mem.shiftOf(shiftKey{signalKey{service, sig.ID}, true}, sig, calm)
	least := pastOn
	if was {
		least = pastOff
	}
	if !ok || !worse(s, sig.Bad) || math.Abs(s.z) < least || in.Now.Sub(s.at) < pastHold {
		return health.Finding{}, false
	}
	usual := usually(sig, calm)
	now := lately(sig, s.at)
	if math.Abs(now-usual) < leastChange(sig.Unit, usual) {
		return health.Finding{}, false
	}
	limit := usual + (now-usual)*min(pastOn/math.Abs(s.z), 1)
	return health.Finding{
		Service: service, Signal: sig.ID, Rule: rulePast, Bad: sig.Bad, Status: health.Warn, Since: s.at,
		Text:  fmt.Sprintf("%s %s lately, usually %s", title(sig), health.Format(sig.Unit, now), health.Format(sig.Unit, usual)),
		Value: health.Num(now), Limit: health.Num(limit),
	}, true
}

// leastChange is by how much a value has to differ from the usual one, whatever the
// noise says.
func leastChange(u health.Unit, usual float64) float64 {
	if u == health.Ratio || u == health.Score {
		return pastPoints
	}
	return pastChange * math.Abs(usual)
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
