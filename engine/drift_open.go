package engine

import (
	"math"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// openedDrift is a comparison somebody has open, and through what.
type openedDrift struct {
	health.Lens
	service, key string
}

// openedBack is how far back the onset of an open comparison is looked for.
func openedBack(lens health.Lens) time.Duration { return min(max(lens.Window, lookBack), mostBack) }

// wantOpened asks for the series of the comparisons that are open, and for those of
// the day before: what comes back every day at this hour is no onset.
func (e *Engine) wantOpened(w wishes) {
	for o := range w.drift {
		c := e.drifting[viewKey{o.At, o.Against}]
		if c == nil {
			continue
		}
		if s := c.find(o); s != nil {
			q := e.onsetQuery(viewKey{o.At, o.Against}, s, openedBack(o.Lens))
			if _, asked := c.frames[q.before]; !asked {
				e.wake()
			}
			c.frames[q.now], c.frames[q.before] = q.want, q.want.earlier(oneDay)
		}
	}
}

func (c *comparisons) find(o openedDrift) *subject {
	signal, feature, _ := strings.Cut(o.key, "/")
	if s := c.subjects[group{o.service, o.key, ""}.key()]; s != nil { // a signal may have a / in its name
		return s
	}
	return c.subjects[group{o.service, signal, feature}.key()]
}

// open fills the detail of the comparisons that are open through a lens. The lists
// given are changed: they must be the caller's own.
func (e *Engine) open(lens health.Lens, services []health.Service, w wishes) {
	for o := range w.drift {
		c := e.drifting[viewKey{lens.At, lens.Against}]
		if o.Lens != lens || c == nil {
			continue
		}
		s := c.find(o)
		i := slices.IndexFunc(services, func(v health.Service) bool { return v.Name == o.service })
		if s == nil || i < 0 {
			continue
		}
		j := slices.IndexFunc(services[i].Drift, func(d health.Drift) bool {
			return d.Signal == s.signal && d.Feature == s.feature && d.Kind != "exported"
		})
		if j >= 0 {
			e.detail(lens, s, services[i], &services[i].Drift[j])
		}
	}
}

// detail fills what is only shown of an open comparison.
func (e *Engine) detail(lens health.Lens, s *subject, service health.Service, d *health.Drift) {
	for _, m := range s.verdict.Result.Measures() {
		d.Measures = append(d.Measures, health.Measure(m))
	}
	for i, past := range s.verdict.Windows {
		d.Windows = append(d.Windows, health.DriftWindow{
			End: s.ends[i].UTC(), N: past.N, PSIAdj: health.Num(past.PSIAdj), Shares: past.Shares,
		})
	}
	slices.SortFunc(d.Windows, func(a, b health.DriftWindow) int { return a.End.Compare(b.End) })
	began := s.end.Add(-e.o.DriftSpan)
	if o, found := e.onset(s, e.onsetQuery(viewKey{lens.At, lens.Against}, s, openedBack(lens))); found {
		d.Onset, began = o, o.At
		d.Near = e.near(service, o)
	}
	d.Outcome = outcome(service, began, s.end, e.o.DriftSpan)
}

// detailed says whether all that an open comparison or request needs was answered, or
// failed.
func (e *Engine) detailed(i health.Interest) bool {
	v := viewKey{i.At, i.Against}
	c := e.drifting[v]
	switch {
	case e.opening(i.Request), e.wantsBygone(i.At, 2*max(i.Window, e.o.Base)):
		return false
	case i.Drift == "" && i.Against == "":
		return true
	case c == nil || !e.quiet() || e.unsettled(v):
		return false
	}
	s := c.find(openedDrift{i.Lens, i.Service, i.Drift})
	if s == nil {
		return true
	}
	q := e.onsetQuery(v, s, openedBack(i.Lens))
	for _, k := range []frameKey{q.now, q.before} {
		if fr := e.frames[k]; fr == nil || fr.at.IsZero() && fr.err == nil {
			return false
		}
	}
	return true
}

// nearby is how far from an onset a change may lie and still be meant.
const (
	nearby   = 5 * time.Minute
	mostNear = 8
)

// near lists the changes around an onset, nearest first: those of the service and of
// what it leans on, else all.
func (e *Engine) near(service health.Service, o health.Onset) []string {
	type distant struct {
		id  string
		far time.Duration
	}
	var own, others []distant
	around := nearby + 2*o.Step
	labels := e.labelsOf(service.Name)
	for _, c := range e.changes.between(o.At.Add(-around-time.Hour), o.At.Add(around+time.Hour)) {
		far := max(c.At.Sub(o.At).Abs()-c.Uncertain, 0)
		switch {
		case far > around:
		case labels[c.Service] || slices.Contains(service.Calls, c.Service) || c.Service == "":
			own = append(own, distant{c.ID, far})
		default:
			others = append(others, distant{c.ID, far})
		}
	}
	if len(own) == 0 {
		own = others
	}
	slices.SortStableFunc(own, func(a, b distant) int { return int(a.far - b.far) })
	var ids []string
	for _, d := range own[:min(len(own), mostNear)] {
		ids = append(ids, d.id)
	}
	return ids
}

// outcome says in a sentence what the outcome and the judged quality of a service did
// when a distribution moved: the only question that matters about a drift. The time
// since it began is held against what the chart shows of before.
func outcome(service health.Service, began, end time.Time, window time.Duration) string {
	var moved, unmoved []string
	for _, sig := range service.Signals {
		if sig.Group != "outcome" && sig.Group != "quality" || !sig.State.HasValue() {
			continue
		}
		before, after := split(sig.Series, began, end.Add(-window))
		words, changed := compareMeans(sig, before, after)
		switch {
		case words == "":
		case changed:
			moved = append(moved, words)
		default:
			unmoved = append(unmoved, words)
		}
	}
	if all := append(moved, unmoved...); len(all) > 0 {
		return strings.Join(all, "; ")
	}
	return "no outcome is measured"
}

// split takes the values before a time, and those of the newest window since then.
func split(points []health.Point, began, newest time.Time) (before, after []float64) {
	if newest.Before(began) {
		newest = began
	}
	for _, p := range points {
		switch t := p.Time(); {
		case p.V != p.V:
		case t.Before(began):
			before = append(before, p.V)
		case t.After(newest):
			after = append(after, p.V)
		}
	}
	return before, after
}

// compareMeans says whether a signal moved: by more than it ever wanders, and by
// enough to matter.
func compareMeans(sig health.Signal, before, after []float64) (words string, changed bool) {
	if len(before) < 5 || len(after) < 2 {
		return "", false
	}
	was, spread := meanAndSD(before)
	is, _ := meanAndSD(after)
	matters := 0.1 * math.Abs(was)
	if sig.Unit == health.Ratio || sig.Unit == health.Score {
		matters = 0.02
	}
	// Neighbouring values share requests: a window of them is worth a quarter.
	noise := 3 * spread / math.Sqrt(max(float64(len(after))/4, 1))
	a, b := health.Format(sig.Unit, was), health.Format(sig.Unit, is)
	switch d := is - was; {
	case math.Abs(d) <= max(noise, matters) || a == b:
		return sig.Title + " unchanged (" + b + ")", false
	case d < 0:
		return sig.Title + " fell from " + a + " to " + b, true
	default:
		return sig.Title + " rose from " + a + " to " + b, true
	}
}

func meanAndSD(values []float64) (mean, sd float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		sd += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(sd / float64(max(len(values)-1, 1)))
}

func point(t time.Time, v float64) health.Point { return health.Point{T: t.UnixMilli(), V: v} }
