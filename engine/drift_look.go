package engine

import (
	"maps"
	"time"

	"sickbay/drift"
)

// A seeding is what is found at the first look at something: whether it was already
// so a quarter of a window before is asked, so that nobody has to wait for what can
// be known. One picture printed would never see it otherwise.
type seeding struct {
	at    time.Time          // of the look
	facts map[string]factKey // of the subjects that are asked about
	ends  map[factKey]time.Time
}

// hold is how long a level must last.
func (e *Engine) hold() time.Duration { return (e.o.DriftSpan / 4).Truncate(time.Second) }

// look judges all subjects together.
func (e *Engine) look(v viewKey, c *comparisons, all []*subject, now time.Time) {
	items := make([]drift.Item, len(all))
	for i, s := range all {
		items[i] = s.item(e.hold())
	}
	if c.asked != nil && e.seeded(c.asked) {
		c.memory = e.seed(c, all, items)
		c.seeding, c.asked = c.asked, nil
	}
	verdicts, memory := drift.Judge(items, c.memory, now, drift.Options{})
	c.memory = memory
	e.startSeeding(v, c, all, verdicts, now)
	if c.asked != nil {
		for k, at := range c.asked.ends {
			c.facts[k] = wantedFact{at, looks}
		}
	}
	for i, s := range all {
		s.verdict = verdicts[i]
		e.remember(v, c, s, now)
	}
}

// held is under what levels of a subject are remembered: against something else it
// is another question, and what was found before has nothing to clear.
func (s *subject) held() string {
	held := s.key() + "\x00" + string(s.ref.kind) + "\x00" + s.ref.step.String()
	if !s.ref.end.IsZero() {
		held += "\x00" + s.ref.end.String()
	}
	return held
}

// item is what a subject is judged by. hold is a quarter of its Window.
func (s *subject) item(hold time.Duration) drift.Item {
	return drift.Item{Key: s.held(), Current: s.current, Earlier: s.earlier, Window: 4 * hold, Bad: s.bad}
}

// startSeeding asks how everything that is pending since its first look was a while
// ago.
func (e *Engine) startSeeding(v viewKey, c *comparisons, all []*subject, verdicts []drift.Verdict, now time.Time) {
	next := &seeding{at: now, facts: map[string]factKey{}, ends: map[factKey]time.Time{}}
	if c.seeding != nil { // what was learnt then counts on
		maps.Copy(next.facts, c.seeding.facts)
		maps.Copy(next.ends, c.seeding.ends)
	}
	more := false
	for i, s := range all {
		key := s.held()
		if last, seen := c.seen[key]; !seen || now.Sub(last.newest) > e.o.DriftSpan || now.Before(last.newest) {
			c.seen[key] = watch{now, now}
			delete(next.facts, key)
		}
		c.seen[key] = watch{c.seen[key].first, now}
		if _, asked := next.facts[key]; asked || verdicts[i].Level != drift.LevelPending || verdicts[i].Since.After(c.seen[key].first) {
			continue
		}
		k := factKey{s.w.a.state.Name, s.w.expr, v.at, e.hold()}
		next.facts[key], next.ends[k], more = k, s.end.Add(-e.hold()), true
	}
	if more && c.asked == nil {
		c.asked = next
	}
}

// asks says whether it is being asked how a subject was.
func (c *comparisons) asks(s *subject) bool {
	if c.asked == nil {
		return false
	}
	_, asked := c.asked.facts[s.held()]
	return asked
}

// seeded says whether everything asked has answered or failed.
func (e *Engine) seeded(s *seeding) bool {
	for k, at := range s.ends {
		f := e.facts[k]
		if f == nil || f.err == nil && f.at.Before(at) {
			return false
		}
	}
	return true
}

// seed is the memory of somebody who looked a quarter of a window ago: what is
// asked about as it was, everything else as it is.
func (e *Engine) seed(c *comparisons, all []*subject, items []drift.Item) drift.Memory {
	s := c.asked
	then := make([]drift.Item, 0, len(items))
	for i, it := range items {
		k, asked := s.facts[it.Key]
		if f := e.facts[k]; asked && (f == nil || f.err != nil) {
			continue // nobody knows how it was: it has to hold from now on
		} else if !asked && c.pending(all[i]) {
			continue // it came later
		} else if asked {
			was := *all[i]
			at := s.ends[k]
			own := e.byGroup(was.w, f.series, &f.groups)[was.group]
			was.recount(count(own, was.w.d, at))
			it = was.item(e.hold())
		}
		then = append(then, it)
	}
	_, memory := drift.Judge(then, drift.Memory{}, s.at.Add(-e.hold()), drift.Options{})
	_, memory = drift.Judge(items, memory, s.at, drift.Options{})
	return memory
}

// recount puts another window in the place of the newest.
func (s *subject) recount(t tally) {
	s.fill(append([]tally{t}, s.tallies...))
}

// remember keeps what is shown of a subject from look to look: how large it was, and
// since when.
func (e *Engine) remember(v viewKey, c *comparisons, s *subject, now time.Time) {
	key := s.key()
	if r := s.verdict.Result; r.State == drift.OK {
		c.trend(key, now, r.PSIAdj)
	}
	if _, known := c.since[key]; !s.ill() {
		delete(c.since, key)
	} else if !known {
		began := onsetNote{}
		if c.seen[s.held()].first.Before(s.verdict.Since) { // else it began before, nobody knows when
			began.at = s.verdict.Since
		}
		c.since[key] = began
	}
	if s.ill() || s.verdict.Level == drift.LevelPending {
		e.wantRestarts(v, c, s)
	}
}

// ill says whether a subject is at a level somebody should know of.
func (s *subject) ill() bool {
	return s.verdict.Level == drift.LevelWarn || s.verdict.Level == drift.LevelCritical
}

// mostLooks bounds how many earlier looks a trend tells of.
const mostLooks = 60

// trend adds a look. The old slice is never written to: snapshots hold it.
func (c *comparisons) trend(key string, now time.Time, psi float64) {
	old := c.trends[key]
	if n := len(old); n > 0 && old[n-1].T >= now.UnixMilli() {
		return
	}
	if len(old) >= mostLooks {
		old = old[len(old)-mostLooks+1:]
	}
	c.trends[key] = append(old[:len(old):len(old)], point(now, psi))
}

// A watch is since when a subject is looked at without a pause, and the last time.
type watch struct{ first, newest time.Time }

// pending says whether a subject was waiting to become more at the last look.
func (c *comparisons) pending(s *subject) bool {
	old := c.subjects[s.key()]
	return old != nil && old.held() == s.held() && old.verdict.Level == drift.LevelPending
}
