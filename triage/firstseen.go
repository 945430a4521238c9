package triage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// Sightings remember which versions of everything each service was seen to run, so
// that a version that was not there before is a change although nobody announced
// it. The zero value has seen nothing. It is not safe for concurrent use.
type Sightings struct {
	of     map[runs]*watched
	recent map[teller]*looked
}

// A teller is a witness speaking of one service.
type teller struct{ witness, service string }

// looked is what a teller said last, and where that is written down: most looks say
// what the one before said.
type looked struct {
	lineage health.Lineage
	things  []*watched
	seen    []*sighting
}

// runs is one thing of one service that has versions, as one witness names them: a
// label may say "gpt-4.1" where the log says "gpt-4.1-2025-04-14".
type runs struct{ service, kind, witness string }

// A watched thing: since when, until when, and what it was.
type watched struct {
	first, last time.Time
	versions    map[string]*sighting
}

// A sighting is one version: when it was first and last seen, and the newest time
// before the first at which another was seen in its place.
type sighting struct {
	first, last, without time.Time
	from                 string // seen last before it
}

const (
	minKnown   = time.Minute      // something must have been seen so long before one of its versions is new
	rolloutMax = 10 * time.Minute // a recorded change may begin so long before its version serves anybody
	derivedMax = 30               // versions of one thing that are remembered
	tellersMax = 5000             // witnesses times services: names come from outside
)

// Look takes note of what a service ran at a time, as a witness says, which is a name
// for one log or one label; empty versions say nothing. Looks may come a little out
// of order.
func (s *Sightings) Look(witness, service string, at time.Time, l health.Lineage) {
	if service == "" || at.IsZero() {
		return
	}
	who := teller{witness, service}
	r := s.recent[who]
	if r == nil {
		if len(s.recent) >= tellersMax {
			return
		}
		if s.recent == nil {
			s.recent, s.of = map[teller]*looked{}, map[runs]*watched{}
		}
		r = &looked{}
		s.recent[who] = r
	}
	if l != r.lineage {
		s.remember(r, who, at, l)
	}
	for i, w := range r.things {
		w.see(r.seen[i], at)
	}
}

// remember finds where what a teller says is written down.
func (s *Sightings) remember(r *looked, who teller, at time.Time, l health.Lineage) {
	*r = looked{lineage: l, things: r.things[:0], seen: r.seen[:0]}
	for _, v := range [...]struct{ kind, version string }{
		{"deploy", l.Build}, {"model", l.Model}, {"prompt", l.Prompt}, {"index", l.Index}, {"data", l.Data}, {"config", l.Config},
	} {
		if v.version == "" {
			continue
		}
		what := runs{who.service, v.kind, who.witness}
		w := s.of[what]
		if w == nil {
			w = &watched{first: at, last: at, versions: map[string]*sighting{}}
			s.of[what] = w
		}
		r.things, r.seen = append(r.things, w), append(r.seen, w.sighting(v.version, at))
	}
}

// sighting is that of a version, made if it is new.
func (w *watched) sighting(version string, at time.Time) *sighting {
	v := w.versions[version]
	if v == nil {
		if len(w.versions) >= derivedMax {
			forget(w.versions)
		}
		v = &sighting{first: at, last: at, without: w.last, from: newestBefore(w.versions, at)}
		if v.without.After(at) {
			v.without = w.first
		}
		w.versions[version] = v
	}
	return v
}

// see takes note that a version was there at a time.
func (w *watched) see(v *sighting, at time.Time) {
	if at.Before(v.first) {
		v.first, v.from = at, newestBefore(w.versions, at)
		v.without = earlier(v.without, at)
	}
	v.last = laterOf(v.last, at)
	w.first, w.last = earlier(w.first, at), laterOf(w.last, at)
}

// newestBefore is the version that was seen last before a time.
func newestBefore(versions map[string]*sighting, at time.Time) string {
	var best string
	var last time.Time
	for version, v := range versions {
		if v.first.Before(at) && (v.last.After(last) || v.last.Equal(last) && version > best) {
			best, last = version, v.last
		}
	}
	return best
}

// forget drops the version that was seen longest ago: where a label changes with
// every request, it is no version, and must not fill the memory.
func forget(versions map[string]*sighting) {
	var oldest string
	for version, v := range versions {
		if o := versions[oldest]; o == nil || v.last.Before(o.last) {
			oldest = version
		}
	}
	delete(versions, oldest)
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Changes are the versions that were new when they were first seen and that no
// recorded change brought, oldest first. Each says how well its time is known: half
// of the time between the last look without it and the first with it.
func (s *Sightings) Changes(recorded []health.Change) []health.Change {
	var all []health.Change
	for what, w := range s.of {
		if len(w.versions) >= derivedMax {
			continue // no version changes that often
		}
		for version, v := range w.versions {
			if v.from == "" || v.first.Sub(w.first) < minKnown {
				continue
			}
			if c := v.change(what.service, what.kind, version); !announced(c, recorded) {
				all = append(all, c)
			}
		}
	}
	// What two witnesses saw is one change, told by who knows its time better.
	slices.SortFunc(all, func(a, b health.Change) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(a.Uncertain, b.Uncertain), a.At.Compare(b.At))
	})
	all = slices.CompactFunc(all, func(a, b health.Change) bool { return a.ID == b.ID })
	slices.SortStableFunc(all, func(a, b health.Change) int { return a.At.Compare(b.At) })
	return all
}

func (v *sighting) change(service, kind, version string) health.Change {
	half := max(v.first.Sub(v.without)/2, 0)
	return health.Change{
		ID: "seen/" + service + "/" + kind + "/" + version, At: v.first.Add(-half), Uncertain: half,
		Kind: kind, Service: service, From: v.from, To: version,
		Text: kind + " " + version + " seen for the first time", Source: "first seen",
	}
}

// announced says whether a recorded change is the one that was seen: the same
// version, or an unnamed one of the same kind, within what is known of both times.
func announced(c health.Change, recorded []health.Change) bool {
	return slices.ContainsFunc(recorded, func(r health.Change) bool {
		if r.Service != c.Service && r.Service != "" || !sameVersion(r.To, c.To) && r.To != "" {
			return false
		}
		if r.Kind != c.Kind && (r.To == "" || r.Kind != "rollback") {
			return false
		}
		slack := c.Uncertain + r.Uncertain + clockSlack
		lag := c.At.Sub(r.At)
		return lag >= -slack && lag <= rolloutMax+slack
	})
}
