package triage

import (
	"fmt"
	"math"
	"slices"
	"time"

	"sickbay/health"
)

// What other days at the same hour say of a signal.
const (
	daysToJudge   = 3 // so many say what is usual; fewer only take the season off
	customRefresh = time.Minute
)

// A custom is what a signal usually is at this hour, and where a warning begins.
type custom struct {
	health.Usual
	days [][]health.Point // the same clock time of earlier days, moved to today
	made time.Time
}

// customOf is remembered for a minute: nobody needs it newer.
func (c *recall) customOf(service string, sig health.Signal, in Input) custom {
	key := signalKey{service, sig.ID}
	h, kept := c.before.customs[key]
	if !kept || c.now.Sub(h.made) >= customRefresh {
		h = newCustom(service, sig, in)
	}
	c.after.customs[key] = h
	return h
}

func newCustom(service string, sig health.Signal, in Input) custom {
	h := custom{made: in.Now}
	if in.Past != nil && len(sig.Series) > 0 {
		from, to := in.Now.Add(-in.Window).UnixMilli(), in.Now.UnixMilli()
		for _, day := range in.Past(service, sig.ID) {
			if day = today(day, to, from); len(day) > 0 {
				h.days = append(h.days, day)
			}
		}
	}
	if h.Usual = ofDays(sig, h.days); h.Limit == nil {
		h.Usual = ofWindow(sig, len(h.days))
	}
	return h
}

// today moves the points of an earlier day by whole days to where now is, and keeps
// those since a time. A day of which less than half is held is none.
func today(points []health.Point, now, since int64) []health.Point {
	const day = int64(24 * time.Hour / time.Millisecond)
	var all []health.Point
	for _, p := range points {
		if math.IsNaN(p.V) || math.IsInf(p.V, 0) {
			continue
		}
		by := (now - p.T + day/2) / day * day
		if p.T += by; p.T >= since && p.T <= now {
			all = append(all, p)
		}
	}
	if len(all) < minBaseline/2 || all[len(all)-1].T-all[0].T < (now-since)/2 {
		return nil
	}
	return all
}

// ofDays is the usual value by several earlier days: the middle of their middles.
// The limit lies beyond all of them but the worst of four, which may have been ill
// itself: a weekday is not held against a weekend alone.
func ofDays(sig health.Signal, days [][]health.Point) health.Usual {
	if len(days) < daysToJudge {
		return health.Usual{}
	}
	var middles, scales []float64
	for _, day := range days {
		x := values(day)
		middles = append(middles, median(x))
		scales = append(scales, 1.4826*medianDistance(x))
	}
	middle := median(middles)
	slices.Sort(middles)
	if sig.Bad == health.Up {
		slices.Reverse(middles)
	}
	worst := middles[0]
	if len(middles) > daysToJudge {
		worst = middles[1]
	}
	scale := max(median(scales), noiseFloor(sig)*math.Abs(middle))
	return usualOf(sig, middle, worst, scale, fmt.Sprintf("this hour of %d earlier days", len(days)))
}

// ofWindow is the usual value by the beginning of the window. days is how many
// earlier ones are known.
func ofWindow(sig health.Signal, days int) health.Usual {
	calm := calmUntil(sig.Series, time.Time{})
	var x []float64
	for _, p := range sig.Series {
		if p.T < calm && !math.IsNaN(p.V) && !math.IsInf(p.V, 0) {
			x = append(x, p.V)
		}
	}
	if len(x) < minBaseline {
		return health.Usual{From: "nothing: what is known is too short to say what is usual"}
	}
	m := median(x)
	from := "the beginning of the window; no earlier day is held"
	switch {
	case days == 1:
		from = "the beginning of the window, without the rhythm of the one earlier day that is held"
	case days > 1:
		from = fmt.Sprintf("the beginning of the window, without the rhythm of the %d earlier days that are held", days)
	}
	return usualOf(sig, m, m, max(baselineScale(x, m), noiseFloor(sig)*math.Abs(m)), from)
}

// usualOf puts the limit pastOn sigmas from an edge, and never too near the middle.
func usualOf(sig health.Signal, middle, edge, scale float64, from string) health.Usual {
	by := max(pastOn*scale, leastChange(sig.Unit, middle))
	if sig.Bad == health.Down {
		by = -by
	}
	return health.Usual{Value: health.Num(middle), Limit: health.Num(edge + by), From: from}
}

// broken says that a signal is beyond what it was at this hour of any other day, and
// since when. What was beyond has to come half of the way back.
func (h custom) broken(sig health.Signal, now time.Time, was bool) (health.Finding, bool) {
	if len(h.days) < daysToJudge || h.Limit == nil {
		return health.Finding{}, false
	}
	limit := *h.Limit
	if was {
		limit = (limit + *h.Value) / 2
	}
	var since time.Time
	for i, good := len(sig.Series)-1, 0; i >= 0 && good < 2; i-- {
		switch p := sig.Series[i]; {
		case math.IsNaN(p.V):
		case beyond(p.V, limit, sig.Bad):
			since, good = p.Time(), 0
		default:
			good++
		}
	}
	if since.IsZero() || now.Sub(since) < pastHold {
		return health.Finding{}, false
	}
	value := lately(sig, since)
	if !beyond(value, limit, sig.Bad) {
		return health.Finding{}, false
	}
	return health.Finding{
		Signal: sig.ID, Rule: rulePast, Bad: sig.Bad, Status: health.Warn, Since: since,
		Text:  fmt.Sprintf("%s %s, usually %s at this hour", title(sig), health.Format(sig.Unit, value), health.Format(sig.Unit, *h.Value)),
		Value: health.Num(value), Limit: health.Num(*h.Limit),
	}, true
}

// seasonless takes off by how much the same clock time of other days differs from
// the middle of each. A point of which no day knows anything keeps its value: a hole
// in the past makes no news.
func seasonless(points []health.Point, days [][]health.Point) []health.Point {
	if len(days) == 0 {
		return points
	}
	out := slices.Clone(points)
	walks := make([]walk, len(days))
	for i, day := range days {
		walks[i] = walk{points: day, middle: median(values(day))}
	}
	var offsets []float64
	for i, p := range points {
		offsets = offsets[:0]
		for d := range walks {
			if v, ok := walks[d].at(p.T); ok {
				offsets = append(offsets, v-walks[d].middle)
			}
		}
		out[i].V -= median(offsets)
	}
	return out
}

// A walk reads a day at ascending times, between its points too.
type walk struct {
	points []health.Point
	middle float64
	next   int
}

// longestHole is what is read across.
const longestHole = int64(15 * time.Minute / time.Millisecond)

func (w *walk) at(t int64) (float64, bool) {
	for w.next < len(w.points) && w.points[w.next].T < t {
		w.next++
	}
	switch n := w.next; {
	case n == len(w.points):
		last := w.points[n-1]
		return last.V, t-last.T <= longestHole
	case w.points[n].T == t:
		return w.points[n].V, true
	case n == 0:
		return w.points[0].V, w.points[0].T-t <= longestHole
	default:
		a, b := w.points[n-1], w.points[n]
		return a.V + (b.V-a.V)*float64(t-a.T)/float64(b.T-a.T), b.T-a.T <= longestHole
	}
}

func values(points []health.Point) []float64 {
	x := make([]float64, len(points))
	for i, p := range points {
		x[i] = p.V
	}
	return x
}
