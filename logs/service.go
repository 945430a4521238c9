package logs

import (
	"slices"

	"sickbay/health"
)

// service is what is kept of all records of one service, failing or not.
type service struct {
	heads   []int64         // when the first record of every minute was written, by time
	healthy []row           // by time
	seen    map[int32]int64 // when facts were first written
}

const (
	minute   = int64(60e9)
	maxHeads = 4096
)

func (s *service) add(r row, failed bool) {
	if first, ok := s.seen[r.facts]; !ok || r.at < first {
		s.seen[r.facts] = r.at
	}
	s.note(r.at)
	if failed {
		return
	}
	if s.healthy = insert(s.healthy, r, rowAt); len(s.healthy) > maxHealth {
		s.healthy = halve(s.healthy)
	}
}

// halve leaves out every other of the older half, which keeps the shares of all
// values as they are.
func halve[T any](all []T) []T {
	old := len(all) / 2
	kept := all[:0]
	for i := range all {
		if i >= old || i%2 == 0 {
			kept = append(kept, all[i])
		}
	}
	return kept
}

func headAt(h *int64) int64 { return *h }

// note remembers the first record of every minute.
func (s *service) note(at int64) {
	i := before(s.heads, headAt, at)
	switch {
	case i > 0 && s.heads[i-1]/minute == at/minute:
	case i < len(s.heads) && s.heads[i]/minute == at/minute:
		s.heads[i] = at
	default:
		if s.heads = slices.Insert(s.heads, i, at); len(s.heads) > maxHeads {
			s.heads = halve(s.heads)
		}
	}
}

// oldest is when the first record after a time was written.
func (s *service) oldest(after int64) int64 {
	i := before(s.heads, headAt, after)
	if i > 0 && s.heads[i-1]/minute == after/minute || i == len(s.heads) {
		return after // this very minute there were some
	}
	return s.heads[i]
}

// state says what the window before tells. Without records older than the first
// failure there is nothing to tell by, so a group is not called new for having
// been there when the log began.
func (s *service) state(c *counted, w span) string {
	switch {
	case c.earlier == 0 && c.first-s.oldest(w.start()-w.length) > w.length/10:
		return "new"
	case c.earlier > 0 && c.count >= growth*c.earlier && c.count >= c.earlier+growthMin:
		return "grown"
	}
	return "known"
}

// versions are when each version was first written.
func (s *service) versions(known *facts) map[health.Field]int64 {
	first := map[health.Field]int64{}
	for n, at := range s.seen {
		for _, d := range known.get(n) {
			if before, ok := first[d]; isVersion(d) && (!ok || at < before) {
				first[d] = at
			}
		}
	}
	return first
}

// compared are at most maxHealthy healthy records from a time until another,
// evenly picked, so that every value keeps its share. They are counted by facts.
func (s *service) compared(from, to int64) (counts map[int32]int, n int) {
	all := s.healthy[before(s.healthy, rowAt, from-1):before(s.healthy, rowAt, to)]
	counts = map[int32]int{}
	n = min(len(all), maxHealthy)
	for i := range n {
		counts[all[i*len(all)/n].facts]++
	}
	return counts, n
}
