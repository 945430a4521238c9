package logs

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

const (
	maxGroups   = 200
	maxRequests = 50
	slots       = 12 // slices of a window in Spark
	growth      = 3  // times as many as before …
	growthMin   = 10 // … and so many more make a group that has grown
	maxVersions = 8
)

// Groups brings together the failing records of the window that ends at now and
// look alike, loudest first (new, grown, the others by count), at most 200. The window before it tells what is new:
//
//	new    none in the window before, and records of the service old enough to know
//	grown  at least three times as many as before, and at least ten more
//	known  everything else
//
// records may be in any order and are not changed; those newer than now or older
// than two windows do not count.
func Groups(now time.Time, window time.Duration, records []health.Request) []health.Failure {
	g := grouping{now: now, start: now.Add(-window), window: window, groups: map[string]*group{}, services: map[string]*service{}}
	for i := range records {
		g.count(&records[i])
	}
	var all []*group
	for _, v := range g.groups {
		if v.Count > 0 {
			g.state(v)
			all = append(all, v)
		}
	}
	slices.SortFunc(all, louder)
	out := make([]health.Failure, 0, min(len(all), maxGroups))
	for i, v := range all[:min(len(all), maxGroups)] {
		g.finish(v, i < maxCompared)
		out = append(out, v.Failure)
	}
	return out
}

// grouping is the work on one window.
type grouping struct {
	now, start time.Time
	window     time.Duration
	groups     map[string]*group
	services   map[string]*service
}

// service is what is known of all records of one service.
type service struct {
	oldest  time.Time
	all     []*health.Request // of both windows
	healthy []*health.Request // of the window
}

// group is a Failure in the making.
type group struct {
	health.Failure
	failing []*health.Request // of the window
}

func (g *grouping) count(r *health.Request) {
	if r.At.After(g.now) || !r.At.After(g.start.Add(-g.window)) {
		return
	}
	s := g.services[r.Service]
	if s == nil {
		s = &service{oldest: r.At}
		g.services[r.Service] = s
	}
	if r.At.Before(s.oldest) {
		s.oldest = r.At
	}
	s.all = append(s.all, r)
	switch inWindow := r.At.After(g.start); {
	case r.Failed:
		g.groupOf(r).add(r, inWindow)
	case inWindow:
		s.healthy = append(s.healthy, r)
	}
}

func (g *grouping) groupOf(r *health.Request) *group {
	id := r.Group
	if id == "" {
		id, _ = Signature(*r)
	}
	v := g.groups[id]
	if v == nil {
		v = &group{Failure: health.Failure{ID: id, Service: r.Service, ErrorType: cause(r), First: r.At}}
		g.groups[id] = v
	}
	return v
}

func (v *group) add(r *health.Request, inWindow bool) {
	if r.At.Before(v.First) {
		v.First = r.At
	}
	if r.At.After(v.Last) {
		v.Last = r.At
	}
	if !inWindow {
		v.Before++
		return
	}
	v.Count++
	v.failing = append(v.failing, r)
}

// state says what the window before tells. Without records older than the first
// failure there is nothing to tell by, so a group is not called new for having
// been there when the log began.
func (g *grouping) state(v *group) {
	oldest := g.services[v.Service].oldest
	switch {
	case v.Before == 0 && v.First.Sub(oldest) > g.window/10:
		v.State = "new"
	case v.Before > 0 && v.Count >= growth*v.Before && v.Count >= v.Before+growthMin:
		v.State = "grown"
	default:
		v.State = "known"
	}
}

// minLoud is how many records make a new group one to look at first. Fewer may
// be what always happens now and then.
const minLoud = 5

func (v *group) loudness() int {
	switch {
	case v.State == "new" && v.Count >= minLoud:
		return 0
	case v.State == "grown":
		return 1
	}
	return 2
}

func louder(a, b *group) int {
	return cmp.Or(
		cmp.Compare(a.loudness(), b.loudness()),
		cmp.Compare(b.Count, a.Count),
		strings.Compare(a.ID, b.ID),
	)
}

// finish fills what is drawn of a group.
func (g *grouping) finish(v *group, compare bool) {
	slices.SortStableFunc(v.failing, func(a, b *health.Request) int { return b.At.Compare(a.At) })
	newest := v.failing[0]
	v.Example = newest.Message
	_, v.Signature = Signature(*newest)
	v.Spark = make([]int, slots)
	versionsSeen := map[health.Field]bool{}
	for i, r := range v.failing {
		if i < maxRequests {
			v.Requests = append(v.Requests, r.ID)
		}
		// The window is (start, now]: a record of this very moment is in the last slice.
		slot := int((r.At.Sub(g.start) - 1) * slots / g.window)
		v.Spark[min(max(slot, 0), slots-1)]++
		for d := range versions(r) {
			versionsSeen[d] = true
		}
	}
	for d := range versionsSeen {
		v.Versions = append(v.Versions, strings.TrimSuffix(d.Name, versionSuffix)+" "+d.Value)
	}
	slices.Sort(v.Versions)
	v.Versions = v.Versions[:min(len(v.Versions), maxVersions)]
	if compare {
		v.InCommon = inCommon(g.services[v.Service], v)
	}
}

// versionSuffix ends the names of dimensions that are versions.
const versionSuffix = "_version"

// versions are the parts of a record's lineage, as dimensions. A model that is
// known by its name alone is a dimension already.
func versions(r *health.Request) iter.Seq[health.Field] {
	return func(yield func(health.Field) bool) {
		l := r.Lineage
		for _, d := range r.Dims {
			if d.Value == l.Model && (d.Name == "model" || d.Name == "response_model") {
				l.Model = ""
			}
		}
		for _, d := range [...]health.Field{
			{Name: "build_version", Value: l.Build}, {Name: "model_version", Value: l.Model}, {Name: "prompt_version", Value: l.Prompt},
			{Name: "index_version", Value: l.Index}, {Name: "data_version", Value: l.Data}, {Name: "config_version", Value: l.Config},
		} {
			if d.Value != "" && !yield(d) {
				return
			}
		}
	}
}

// dimensions are everything a record may have in common with others. A name may
// come more than once, with different values: the tools of an agent.
func dimensions(r *health.Request) iter.Seq[health.Field] {
	return func(yield func(health.Field) bool) {
		for d := range versions(r) {
			if !yield(d) {
				return
			}
		}
		if r.Name != "" && !yield(health.Field{Name: "operation", Value: r.Name}) {
			return
		}
		for _, d := range r.Dims {
			if !yield(d) {
				return
			}
		}
	}
}
