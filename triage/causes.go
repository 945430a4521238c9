package triage

import (
	"math"
	"slices"
	"time"

	"sickbay/health"
)

// Causes that are in no change feed: more traffic than fits, and changes that
// nobody wrote down, here or at a provider.

// load suspects traffic itself: that there is more of it since the first bad sign,
// and that something is full.
func (l *lookout) load() (*caseFile, health.Suspect, bool) {
	f := &caseFile{}
	s := health.Suspect{Kind: "load", Service: l.Alarm.Service, At: l.first}
	traffic, ratio := l.traffic()
	full, where := l.saturated()
	if ratio <= loadRatio {
		return f, s, false
	}
	before, after := l.around(traffic.Series)
	f.add(min(6, 10*(ratio-1.1)), "traffic %s → %s, ×%.1f", health.Format(traffic.Unit, median(before)), health.Format(traffic.Unit, median(after)), ratio)
	for _, m := range full {
		_, now := l.around(m.signal.Series)
		f.add(2.5, "%s %s", title(m.signal), health.Format(m.signal.Unit, median(now)))
	}
	if len(full) == 0 {
		f.add(-3, "nothing is full")
		return f, s, true
	}
	f.add(1, "more traffic and something full together")
	if o := l.owner(); o != "" && o == where {
		_, low := l.blame.found[0].explained()
		f.add(4*low, "%s, which is full", l.sentence(l.blame.found[0]))
	}
	return f, s, true
}

// traffic is that of the outermost caller of the service that is ill, and how many
// times what it was it is now.
func (l *lookout) traffic() (health.Signal, float64) {
	var best health.Signal
	most := 0.0
	names := l.above(l.Alarm.Service)
	slices.Reverse(names) // outermost first
	for _, name := range append(names, l.Alarm.Service) {
		p := l.parts[name]
		if p == nil {
			continue
		}
		for _, sig := range p.Signals {
			if sig.Group != "traffic" {
				continue
			}
			before, after := l.around(sig.Series)
			if len(before) < 3 || len(after) < 3 || median(before) <= 0 {
				continue
			}
			if ratio := median(after) / median(before); ratio > most {
				best, most = sig, ratio
			}
		}
	}
	return best, most
}

// saturated are the signals in the path that are full since the first bad sign, and
// the service of the first of them.
func (l *lookout) saturated() (full []moved, where string) {
	owner := l.owner()
	for _, p := range l.Parts {
		if !l.path[p.Name] && p.Name != owner {
			continue
		}
		for _, m := range l.motion(p.Name).shifted {
			if m.signal.Group == "saturation" && worse(m.shift, m.signal.Bad) {
				full = append(full, m)
				if where == "" {
					where = p.Name
				}
			}
		}
	}
	return full, where
}

// around are the values of a series in lookBack before the first bad sign and
// those after it.
func (l *lookout) around(points []health.Point) (before, after []float64) {
	for _, p := range points {
		switch at := p.Time(); {
		case math.IsNaN(p.V):
		case at.Before(l.first.Add(-clockSteps*l.Step)) && at.After(l.first.Add(-lookBack)):
			before = append(before, p.V)
		case at.After(l.first.Add(clockSteps * l.Step)):
			after = append(after, p.V)
		}
	}
	return before, after
}

// unrecorded suspects a change of a service that is in no feed.
func (l *lookout) unrecorded(name string) (*caseFile, health.Suspect) {
	f := &caseFile{}
	s := health.Suspect{Kind: "unrecorded", Service: name, At: l.symptom}
	p := l.parts[name]
	external := p == nil || p.External
	if external {
		s.Kind = "external"
	}
	m := l.motion(name)
	switch first, any := l.movedFirst(name); {
	case first && l.through(name) != "":
		s.At = m.at
		f.add(0.5, "%s moved, but what fails goes through %s", name, l.through(name))
	case first:
		s.At = m.at
		f.add(4, "%s moved, and nothing it leans on moved before it", name)
		if m.z < clearlyIll {
			f.add(-2, "but not by much")
		}
		if m.at.After(l.symptom.Add(l.slack())) {
			f.add(-4, "but %s after the symptom", health.Ago(m.at.Sub(l.symptom)))
		}
	case any:
		s.At = m.at
		f.add(0.5, "%s moved, but something it leans on moved first", name)
	default:
		l.still(f, name, m.n)
	}
	l.ownsFailures(f, name)
	if p != nil && !l.path[name] {
		f.add(-2, "nothing says that %s leans on %s", l.Alarm.Service, name)
	}
	if external {
		f.add(1.5, "%s is not ours: what changes there is in no feed", name)
	}
	if c, ok := l.recorded(name); ok {
		f.add(-3, "%s %s of %s fits and is recorded", c.Kind, c.To, name)
	} else if !l.recordedBelow(name) {
		f.add(1, "no recorded change of %s fits", name)
	}
	if _, where := l.saturated(); where == name {
		if _, ratio := l.traffic(); ratio > loadRatio {
			f.add(-3, "%s is full and there is more traffic", name)
		}
	}
	return f, s
}

func (l *lookout) ownsFailures(f *caseFile, name string) {
	owner := l.owner()
	if owner == "" { // what belongs to nobody speaks neither for nor against
		return
	}
	top := l.blame.found[0]
	if owner == name {
		_, low := top.explained()
		f.add(1+5*low, "%s, which is %s", l.sentence(top), name)
		return
	}
	f.add(-2, "what failing requests have in common is not %s: %s", name, l.sentence(top))
}

// recorded is a change of a service that came in time to be it.
func (l *lookout) recorded(name string) (health.Change, bool) {
	at := l.symptom
	if m := l.motion(name); !m.at.IsZero() && m.at.Before(at) {
		at = m.at
	}
	for _, c := range l.Changes {
		lag := at.Sub(c.At)
		if c.Service == name && c.Kind != "rollback" && lag >= -l.slack()-c.Uncertain && delayOf(c.Kind).points(max(lag, 0)) > 0 {
			return c, true
		}
	}
	return health.Change{}, false
}

// recordedBelow says whether a change of something that a service leans on may be
// what it feels.
func (l *lookout) recordedBelow(name string) bool {
	for other := range l.below(name) {
		if _, ok := l.recorded(other); ok && other != name {
			return true
		}
	}
	return false
}

// failingSince is when the share of failing requests rose: the two-way split of its
// minutes that fits best, if what fails after it fails clearly more often.
func (r Requests) failingSince() (time.Time, bool) {
	if len(r.At) == 0 {
		return time.Time{}, false
	}
	start := r.At[0] / 60_000
	n := int(r.At[len(r.At)-1]/60_000-start) + 1
	fail, all := make([]float64, n), make([]float64, n)
	var failing float64
	for k, ms := range r.At {
		i := ms/60_000 - start
		all[i]++
		if r.Failed[k] {
			fail[i]++
			failing++
		}
	}
	total := float64(len(r.At))
	var f, m, best float64
	var at int
	var split square
	for i := range n - 1 {
		f, m = f+fail[i], m+all[i]
		if m < minRest || total-m < minRest {
			continue
		}
		s := square{failing - f, total - m - failing + f, f, m - f}
		if phi := s.phi(); phi > best {
			best, at, split = phi, i+1, s
		}
	}
	if _, low := split.ratio(); best == 0 || low <= differRatio {
		return time.Time{}, false
	}
	return time.UnixMilli((start + int64(at)) * 60_000).UTC(), true
}
