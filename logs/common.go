package logs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

const (
	maxCompared = 20   // groups that are compared with healthy records, loudest first
	maxHealthy  = 2000 // healthy records one group is compared with, evenly picked
	minFailing  = 5    // fewer say nothing
	minHealthy  = 10
	minShare    = 0.6         // of the failing records that have a value in common
	minLift     = 2           // times as common among failing as among healthy records
	maxCommon   = 3           // sentences
	minKnown    = time.Minute // a service must have been there before a version for it to be new
	maxLag      = 15 * time.Minute
)

// inCommon says what the failing records of a group share and the healthy ones of
// the service do not. Only healthy records since the first failure of the window
// count: older ones would make every version look guilty that was rolled out
// about then. A version that came everywhere just before the failures is said
// apart, as what it is: at the same time, not more often.
func inCommon(s *service, v *group) []string {
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

// common is a value that most failing records carry.
type common struct {
	health.Field
	failing, healthy int
}

// lift is how many times as common the value is among failing records. Half a
// record stands in for none.
func (c common) lift(failing, healthy int) float64 {
	return float64(c.failing) / float64(failing) / ((float64(c.healthy) + 0.5) / (float64(healthy) + 1))
}

// phi is the correlation of having the value with failing: it weighs how many of
// the failing have it against how many others have it too.
func (c common) phi(failing, healthy int) float64 {
	a, b, f, h := float64(c.failing), float64(c.healthy), float64(failing), float64(healthy)
	with, without := a+b, f+h-a-b
	if with == 0 || without == 0 {
		return 0
	}
	return (a*(h-b) - b*(f-a)) / math.Sqrt(with*without*f*h)
}

func share(n, of int) string {
	return fmt.Sprintf("%.0f %%", math.Round(100*float64(n)/float64(of)))
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
func (s *service) arrived(shared []common, v *group, first time.Time, said []string) []string {
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
func (s *service) firstSeen(version health.Field) time.Time {
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
