package logs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// The oracle of a whole list of records at once: slow, short, and what a Grouper must agree with.

func oracleGroups(now time.Time, window time.Duration, records []health.Request) []health.Failure {
	g := oracle{now: now, start: now.Add(-window), window: window, groups: map[string]*oracleGroup{}, services: map[string]*oracleService{}}
	for i := range records {
		g.count(&records[i])
	}
	var all []*oracleGroup
	for _, v := range g.groups {
		if v.Count > 0 {
			g.state(v)
			all = append(all, v)
		}
	}
	slices.SortFunc(all, oracleLouder)
	out := make([]health.Failure, 0, min(len(all), maxGroups))
	for i, v := range all[:min(len(all), maxGroups)] {
		g.finish(v, i < maxCompared)
		out = append(out, v.Failure)
	}
	return out
}

// oracle is the work on one window.
type oracle struct {
	now, start time.Time
	window     time.Duration
	groups     map[string]*oracleGroup
	services   map[string]*oracleService
}

// service is what is known of all records of one service.
type oracleService struct {
	oldest  time.Time
	all     []*health.Request // of both windows
	healthy []*health.Request // of the window
}

// group is a Failure in the making.
type oracleGroup struct {
	health.Failure
	failing []*health.Request // of the window
}

func (g *oracle) count(r *health.Request) {
	if r.At.After(g.now) || !r.At.After(g.start.Add(-g.window)) {
		return
	}
	s := g.services[r.Service]
	if s == nil {
		s = &oracleService{oldest: r.At}
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

func (g *oracle) groupOf(r *health.Request) *oracleGroup {
	id := r.Group
	if id == "" {
		id, _ = Signature(*r)
	}
	v := g.groups[id]
	if v == nil {
		v = &oracleGroup{Failure: health.Failure{ID: id, Service: r.Service, ErrorType: cause(r), First: r.At}}
		g.groups[id] = v
	}
	return v
}

func (v *oracleGroup) add(r *health.Request, inWindow bool) {
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
func (g *oracle) state(v *oracleGroup) {
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

func (v *oracleGroup) loudness() int {
	switch {
	case v.State == "new" && v.Count >= health.FewestNew:
		return 0
	case v.State == "grown":
		return 1
	}
	return 2
}

func oracleLouder(a, b *oracleGroup) int {
	return cmp.Or(
		cmp.Compare(a.loudness(), b.loudness()),
		cmp.Compare(b.Count, a.Count),
		strings.Compare(a.ID, b.ID),
	)
}

// finish fills what is drawn of a group.
func (g *oracle) finish(v *oracleGroup, compare bool) {
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

// inCommon says what the failing records of a group share and the healthy ones of
// the service do not. Only healthy records since the first failure of the window
// count: older ones would make every version look guilty that was rolled out
// about then. A version that came everywhere just before the failures is said
// apart, as what it is: at the same time, not more often.
func inCommon(s *oracleService, v *oracleGroup) []string {
	if len(v.failing) < minFailing {
		return nil
	}
	first := v.failing[len(v.failing)-1].At
	shared := sharedValues(v.failing)
	healthy := since(s.healthy, first)
	countHealthy(shared, healthy)

	var said []string
	if len(healthy) >= minHealthy {
		slices.SortFunc(shared, func(a, b common) int {
			return cmp.Or(
				cmp.Compare(b.phi(len(v.failing), len(healthy)), a.phi(len(v.failing), len(healthy))),
				strings.Compare(a.Name, b.Name),
			)
		})
		for _, c := range shared {
			if c.lift(len(v.failing), len(healthy)) >= minLift {
				said = append(said, fmt.Sprintf("%s %s — %d of %d failing (%s), %s of healthy",
					c.Name, c.Value, c.failing, len(v.failing), share(c.failing, len(v.failing)), share(c.healthy, len(healthy))))
			}
		}
	}
	said = append(said, s.arrived(shared, v, first, said)...)
	return said[:min(len(said), maxCommon)]
}

// sharedValues are the values that at least minShare of the records carry.
func sharedValues(records []*health.Request) []common {
	counts := map[health.Field]int{}
	for _, r := range records {
		for d := range dimensions(r) {
			counts[d]++
		}
	}
	var all []common
	for d, n := range counts {
		if float64(n) >= minShare*float64(len(records)) {
			all = append(all, common{Field: d, failing: min(n, len(records))})
		}
	}
	slices.SortFunc(all, func(a, b common) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return all
}

// since picks records from a time on, evenly, so that every value keeps its share.
func since(records []*health.Request, t time.Time) []*health.Request {
	var late []*health.Request
	for _, r := range records {
		if !r.At.Before(t) {
			late = append(late, r)
		}
	}
	if len(late) <= maxHealthy {
		return late
	}
	picked := make([]*health.Request, maxHealthy)
	for i := range picked {
		picked[i] = late[i*len(late)/maxHealthy]
	}
	return picked
}

func countHealthy(shared []common, healthy []*health.Request) {
	for _, r := range healthy {
		for d := range dimensions(r) {
			for i := range shared {
				if c := &shared[i]; c.Value == d.Value && c.Name == d.Name {
					c.healthy++
				}
			}
		}
	}
}

// arrived names versions that all failing records carry and that were first seen
// shortly before them, in a service that was there before.
func (s *oracleService) arrived(shared []common, v *oracleGroup, first time.Time, said []string) []string {
	var all []string
	for _, c := range shared {
		text := c.Name + " " + c.Value
		if !strings.HasSuffix(c.Name, versionSuffix) || c.failing < len(v.failing) ||
			slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, text+" ") }) {
			continue
		}
		seen := s.firstSeen(c.Field)
		if ago := first.Sub(seen); seen.Sub(s.oldest) >= minKnown && ago >= 0 && ago <= maxLag {
			all = append(all, fmt.Sprintf("%s — all %d failing, and first seen %s before them", text, len(v.failing), health.Ago(ago)))
		}
	}
	return all
}

// firstSeen is when the service first wrote this version; zero: never.
func (s *oracleService) firstSeen(version health.Field) time.Time {
	var first time.Time
	for _, r := range s.all {
		if !first.IsZero() && !r.At.Before(first) {
			continue
		}
		for d := range versions(r) {
			if d == version {
				first = r.At
			}
		}
	}
	return first
}
