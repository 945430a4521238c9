package triage

import (
	"cmp"
	"math"
	"slices"
	"time"

	"sickbay/health"
)

// Where nothing in the known path of who is ill moved, everybody who is ill may have
// moved before him. In an outage of everything that is everybody held against
// everybody: so who moved is found out once for all whose symptoms began about the
// same time, and only those that moved first are weighed.
const (
	sweepEvery = 5 * time.Minute // symptoms within it share a baseline
	maxNearby  = 10              // services outside the path that are weighed
)

// A sweep is what moved anywhere, by a baseline that ends before the symptoms did.
type sweep struct {
	made time.Time
	of   map[string]*swept
	all  []*swept
}

// A swept is one service of it.
type swept struct {
	name    string
	n       int // signals that say something
	shifted []moved
}

// look asks when each signal of a service shifted, if it did.
func look(p *Part, shiftOf func(sig health.Signal) (shift, bool)) *swept {
	s := &swept{name: p.Name}
	for _, sig := range p.Signals {
		if len(sig.Series) >= minBaseline && sig.Group != "traffic" {
			s.n++
		}
		if found, ok := shiftOf(sig); ok {
			s.shifted = append(s.shifted, moved{sig, found})
		}
	}
	return s
}

// sweep looks at everybody who is ill, once for all who fell ill about then.
func (l *lookout) sweep() *sweep {
	if l.round != nil {
		return l.round
	}
	began := l.symptom.Truncate(sweepEvery)
	if l.round = l.mem.sweepOf(began); l.round != nil {
		return l.round
	}
	l.round = &sweep{made: l.Now, of: map[string]*swept{}}
	for i := range l.Parts {
		p := &l.Parts[i]
		if p.Well {
			continue
		}
		s := look(p, func(sig health.Signal) (shift, bool) { return shiftOf(sig, calmUntil(sig.Series, began)) })
		l.round.of[p.Name] = s
		l.round.all = append(l.round.all, s)
	}
	l.mem.keepSweep(began, l.round)
	return l.round
}

// nearby are the services outside the path that clearly moved about when the symptom
// began, those that did first.
func (l *lookout) nearby() []string {
	type mover struct {
		name string
		at   time.Time
	}
	var all []mover
	from, to := l.symptom.Add(-lookBack), l.symptom.Add(l.slack())
	for _, s := range l.sweep().all {
		var at time.Time
		z := 0.0
		for i := range s.shifted {
			if k := &s.shifted[i]; k.sign() && !k.at.Before(from) {
				at, z = earlier(at, k.at), max(z, math.Abs(k.z))
			}
		}
		if z >= clearlyIll && !at.After(to) && !l.path[s.name] {
			all = append(all, mover{s.name, at})
		}
	}
	slices.SortFunc(all, func(a, b mover) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name)) })
	names := make([]string, 0, maxNearby)
	for _, m := range all[:min(len(all), maxNearby)] {
		names = append(names, m.name)
	}
	return names
}

// ward is everybody by name, and who calls whom: the same for everybody who is ill.
func (c *recall) ward(parts []Part) (byName map[string]*Part, callers map[string][]string) {
	if c != nil && c.byName != nil {
		return c.byName, c.callers
	}
	byName, callers = make(map[string]*Part, len(parts)), map[string][]string{}
	for i := range parts {
		p := &parts[i]
		byName[p.Name] = p
		for _, called := range p.Calls {
			callers[called] = append(callers[called], p.Name)
		}
	}
	if c != nil {
		c.byName, c.callers = byName, callers
	}
	return byName, callers
}

// sweepOf is one that was made lately; nil: none.
func (c *recall) sweepOf(began time.Time) *sweep {
	if c == nil {
		return nil
	}
	key := began.Unix()
	s := c.after.sweeps[key]
	if s == nil {
		if s = c.before.sweeps[key]; s == nil || c.now.Sub(s.made) >= shiftRefresh {
			return nil
		}
		c.after.sweeps[key] = s
	}
	return s
}

func (c *recall) keepSweep(began time.Time, s *sweep) {
	if c != nil {
		c.after.sweeps[began.Unix()] = s
	}
}
