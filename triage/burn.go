package triage

import (
	"fmt"
	"math"
	"sort"
	"time"

	"sickbay/health"
)

// A burn is a rule about how fast the share of failures that a service is allowed is
// used up: factor times as fast as its objective allows, over a long window, and
// over a short one too, so that it ends when the trouble does. Windows and factors
// are those of Google's SRE workbook, chapter 5.
type burn struct {
	long, short time.Duration
	factor      float64
	status      health.Status
}

var burns = []burn{
	{time.Hour, 5 * time.Minute, 14.4, health.Critical},
	{6 * time.Hour, 30 * time.Minute, 6, health.Critical},
	{24 * time.Hour, 2 * time.Hour, 3, health.Warn},
	{72 * time.Hour, 6 * time.Hour, 1, health.Warn},
}

// minCover is how much of a long window the series has to reach back over.
const minCover = 0.9

// burnFinding judges a signal with an objective by the worst rule that fires. What
// is not measured now is not judged, and neither are windows longer than what is
// held.
func burnFinding(s health.Service, sig health.Signal, now time.Time) (health.Finding, bool) {
	if sig.Objective == nil || *sig.Objective >= 1 || sig.State != health.Fresh && sig.State != health.Partial {
		return health.Finding{}, false
	}
	spent := newSpending(s, sig)
	for _, b := range burns {
		if spent.reach(now) < time.Duration(minCover*float64(b.long)) {
			break
		}
		long, short := spent.rate(now, b.long), spent.rate(now, b.short)
		if !(long > b.factor && short > b.factor) { // NaN: nothing is known
			continue
		}
		return health.Finding{
			Service: s.Name, Signal: sig.ID, Rule: ruleBurn, Bad: health.Up, Status: b.status,
			Value: health.Num(short), Limit: health.Num(b.factor), Since: spent.since(now, b),
			Text: fmt.Sprintf("%s use up the budget of objective %s %.0f times as fast as it lasts (%s), limit %.3g",
				title(sig), health.Format(health.Ratio, *sig.Objective), short, health.Ago(b.long), b.factor),
		}, true
	}
	return health.Finding{}, false
}

// A spending is what share of requests was bad over time, in budgets.
type spending struct {
	at       []int64
	bad, all []float64 // sums up to and including each point, weighted by traffic
	budget   float64
}

func newSpending(s health.Service, sig health.Signal) spending {
	traffic := s.Signal("traffic").Series
	sp := spending{budget: 1 - *sig.Objective}
	var bad, all float64
	k := 0
	for _, p := range sig.Series {
		if math.IsNaN(p.V) {
			continue
		}
		for k < len(traffic) && traffic[k].T < p.T {
			k++
		}
		weight := 1.0
		if k < len(traffic) && traffic[k].T == p.T && traffic[k].V >= 0 {
			weight = traffic[k].V
		}
		v := p.V
		if sig.Bad == health.Down {
			v = 1 - v
		}
		bad, all = bad+v*weight, all+weight
		sp.at, sp.bad, sp.all = append(sp.at, p.T), append(sp.bad, bad), append(sp.all, all)
	}
	return sp
}

// reach is how far back the series goes.
func (s spending) reach(now time.Time) time.Duration {
	if len(s.at) == 0 {
		return 0
	}
	return now.Sub(time.UnixMilli(s.at[0]))
}

// rate is how many times as fast as allowed the budget was used in the window that
// ends at a time; NaN without requests.
func (s spending) rate(end time.Time, window time.Duration) float64 {
	bad, all := s.upTo(end)
	badBefore, allBefore := s.upTo(end.Add(-window))
	return (bad - badBefore) / (all - allBefore) / s.budget
}

func (s spending) upTo(t time.Time) (bad, all float64) {
	ms := t.UnixMilli()
	i := sort.Search(len(s.at), func(i int) bool { return s.at[i] > ms })
	if i == 0 {
		return 0, 0
	}
	return s.bad[i-1], s.all[i-1]
}

// since is when the short window began to be beyond the factor for good.
func (s spending) since(now time.Time, b burn) time.Time {
	since := now
	for i := len(s.at) - 1; i >= 0; i-- {
		at := time.UnixMilli(s.at[i]).UTC()
		if !(s.rate(at, b.short) > b.factor) {
			break
		}
		since = at
	}
	return since
}
