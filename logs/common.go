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
func (g *Grouper) inCommon(c *counted, w span) []string {
	if c.count < minFailing {
		return nil
	}
	s, first := g.services[c.service], c.within[0].at
	shared := g.sharedValues(c)
	counts, healthy := s.compared(first, w.now)
	for n, times := range counts {
		g.facts.count(shared, n, times)
	}

	var said []string
	if healthy >= minHealthy {
		slices.SortFunc(shared, func(a, b common) int {
			return cmp.Or(
				cmp.Compare(b.phi(c.count, healthy), a.phi(c.count, healthy)),
				strings.Compare(a.Name, b.Name),
			)
		})
		for _, v := range shared {
			if v.lift(c.count, healthy) >= minLift {
				said = append(said, fmt.Sprintf("%s %s — %d of %d failing (%s), %s of healthy",
					v.Name, v.Value, v.failing, c.count, share(v.failing, c.count), share(v.healthy, healthy)))
			}
		}
	}
	said = append(said, g.arrived(s, shared, c, w, said)...)
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

// sharedValues are the values that at least minShare of the failing records carry.
func (g *Grouper) sharedValues(c *counted) []common {
	sets := map[int32]int{}
	for _, e := range c.within {
		sets[e.facts] += int(e.n)
	}
	counts := map[health.Field]int{}
	for n, times := range sets {
		for _, d := range g.facts.get(n) {
			counts[d] += times
		}
	}
	var all []common
	for d, n := range counts {
		if float64(n) >= minShare*float64(c.count) {
			all = append(all, common{Field: d, failing: min(n, c.count)})
		}
	}
	slices.SortFunc(all, func(a, b common) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return all
}

// count adds healthy records that have the same facts.
func (f *facts) count(shared []common, n int32, times int) {
	for _, d := range f.get(n) {
		for i := range shared {
			if c := &shared[i]; c.Value == d.Value && c.Name == d.Name {
				c.healthy += times
			}
		}
	}
}

// arrived names versions that all failing records carry and that were first seen
// shortly before them, in a service that was there before.
func (g *Grouper) arrived(s *service, shared []common, c *counted, w span, said []string) []string {
	var all []string
	oldest, first := s.oldest(w.start()-w.length), c.within[0].at
	var seen map[health.Field]int64
	for _, v := range shared {
		text := v.Name + " " + v.Value
		if !isVersion(v.Field) || v.failing < c.count ||
			slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, text+" ") }) {
			continue
		}
		if seen == nil {
			seen = s.versions(g.facts)
		}
		since := time.Duration(seen[v.Field] - oldest)
		if ago := time.Duration(first - seen[v.Field]); since >= minKnown && ago >= 0 && ago <= maxLag {
			all = append(all, fmt.Sprintf("%s — all %d failing, and first seen %s before them", text, c.count, health.Ago(ago)))
		}
	}
	return all
}
