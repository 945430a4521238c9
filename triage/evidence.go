package triage

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// A case file collects evidence: what is written is what is summed.
type caseFile struct {
	tenths  int // whole tenths of a point, so that sums are exact
	lines   []string
	refuted string // why it cannot be
}

func (c *caseFile) add(points float64, format string, args ...any) {
	tenths := int(math.Round(points * 10))
	c.tenths += tenths
	c.lines = append(c.lines, fmt.Sprintf("%+.1f  %s", float64(tenths)/10, fmt.Sprintf(format, args...)))
}

func (c *caseFile) score() float64 { return float64(c.tenths) / 10 }

// delay is how long a kind of change takes to show: nearly all of it within the
// grace, then it becomes half as likely with every half-life.
type delay struct{ grace, half time.Duration }

var delays = map[string]delay{
	"flag":   {120 * time.Second, 400 * time.Second},
	"prompt": {180 * time.Second, 480 * time.Second},
	"config": {240 * time.Second, 600 * time.Second},
	"deploy": {300 * time.Second, 600 * time.Second},
	"tool":   {300 * time.Second, 600 * time.Second},
	"model":  {420 * time.Second, 600 * time.Second},
	"index":  {600 * time.Second, 1200 * time.Second},
	"cache":  {600 * time.Second, 1200 * time.Second},
	"data":   {1500 * time.Second, 1800 * time.Second},
}

func delayOf(kind string) delay {
	if d, ok := delays[kind]; ok {
		return d
	}
	return delays["deploy"]
}

// points is what a change that came lag before the first bad sign gets for it: 5
// at once, 4 at the end of the grace, less and less after it.
func (d delay) points(lag time.Duration) float64 {
	late := (lag - d.grace).Seconds()
	if late <= 0 {
		return 5 - lag.Seconds()/d.grace.Seconds()
	}
	halves := late / d.half.Seconds()
	return 4*math.Exp2(-halves) - min(4, halves/2)
}

// weigh collects the evidence for one change.
func (l *lookout) weigh(c health.Change) (*caseFile, health.Suspect) {
	f := &caseFile{}
	s := health.Suspect{Kind: c.Kind, Change: c.ID, Service: c.Service, From: c.From, To: c.To, At: c.At}
	if late := c.At.Add(-c.Uncertain).Sub(l.symptom); late > l.slack() {
		f.refuted = health.Ago(c.At.Sub(l.symptom)) + " after the first bad sign"
		return f, s
	}
	l.time(f, c)
	l.place(f, c)
	l.versionsFail(f, c)
	l.kind(f, c)
	return f, s
}

// time weighs how long before the first bad sign c came.
func (l *lookout) time(f *caseFile, c health.Change) {
	slack := l.slack() + c.Uncertain
	sign, at := "the first bad sign", l.symptom
	if m := l.motion(c.Service); !m.at.IsZero() && m.at.Before(at.Add(slack)) {
		sign, at = "the first bad sign of "+c.Service, m.at
	}
	lag := at.Sub(c.At)
	if -lag > slack { // bad before c, and something worse began after it
		f.add(-3, "%s was %s before it", sign, health.Ago(-lag))
		sign, lag = "the alarm's own onset", l.symptom.Sub(c.At)
	}
	switch points := delayOf(c.Kind).points(max(lag, 0)); {
	case lag <= -time.Second:
		f.add(points, "%s after %s: too close to tell which was first", health.Ago(-lag), sign)
	case lag < time.Second:
		f.add(points, "together with %s", sign)
	default:
		f.add(points, "%s before %s", health.Ago(lag), sign)
	}
}

// place weighs whether the service of the change moved, and what it leans on not.
func (l *lookout) place(f *caseFile, c health.Change) {
	if c.Service == "" {
		return // it may be everywhere: neither for nor against
	}
	m := l.motion(c.Service)
	switch first, any := l.movedFirst(c.Service); {
	case first && l.through(c.Service) != "":
		f.add(0.5, "%s moved, but what fails goes through %s", c.Service, l.through(c.Service))
	case first:
		f.add(4, "%s moved, and nothing it leans on moved before it", c.Service)
	case any:
		f.add(0.5, "%s moved, but something it leans on moved first", c.Service)
	default:
		l.still(f, c.Service, m.n)
	}
	around := !m.at.IsZero() && m.z >= clearlyIll && m.at.Before(l.symptom.Add(lookBack))
	if !l.path[c.Service] && !around {
		f.add(-4, "nothing says that %s leans on %s", l.Alarm.Service, c.Service)
	}
}

// through is the service below another that most failing requests have in common;
// "" if there is none.
func (l *lookout) through(name string) string {
	o := l.owner()
	if o == "" || o == name || !l.below(name)[o] {
		return ""
	}
	if _, low := l.blame.found[0].explained(); low <= 0.5 {
		return ""
	}
	return o
}

// still weighs that no signal of a service moved: the more it has, the more that
// says. Whoever calls it may have felt it.
func (l *lookout) still(f *caseFile, name string, n int) {
	if n > 0 {
		f.add(-min(2, float64(n)/2), "none of %d signals of %s moved", n, name)
	}
	above := l.seenBy(name)
	if l.parts[name] == nil { // nobody's but that of who is ill, whose requests go there
		above = l.Alarm.Service
	}
	if above == "" || l.parts[name] != nil && !l.path[name] {
		return
	}
	if first, _ := l.movedFirst(above); first {
		f.add(2.5/float64(1+n), "%s, which calls it, moved first", above)
	}
}

// versionsFail weighs what requests say about a change's new version.
func (l *lookout) versionsFail(f *caseFile, c health.Change) {
	if l.contrast(f, c) {
		return
	}
	if len(l.blame.found) == 0 {
		return
	}
	top := l.blame.found[0]
	_, low := top.explained()
	if t, ok := l.claims(c); ok {
		f.add(2+5*low, "%s", l.sentence(t))
		return
	}
	owner := l.owner()
	if owner == "" && !l.claimed() {
		return
	}
	if owner == c.Service && !l.claimed() {
		f.add(1+4*low, "%s, which is %s", l.sentence(top), c.Service)
		return
	}
	if low > 0.5 && !l.atFault(c.Service) {
		f.add(-3, "failures sit elsewhere: %s", l.sentence(top))
	}
}

// claimed says whether a recorded change brought what the first finding is.
func (l *lookout) claimed() bool {
	return slices.ContainsFunc(l.Changes, func(c health.Change) bool {
		_, ok := l.claims(c)
		return ok && !c.At.After(l.symptom.Add(l.slack()))
	})
}

// atFault says whether a service is, or is below, one that the first finding
// belongs to.
func (l *lookout) atFault(name string) bool {
	if o := l.owner(); o != "" && l.below(o)[name] {
		return true
	}
	return slices.ContainsFunc(l.Changes, func(c health.Change) bool {
		_, ok := l.claims(c)
		return ok && l.below(c.Service)[name]
	})
}

// contrast compares the new with the old version where both served in the same
// time. It says whether that could be done.
func (l *lookout) contrast(f *caseFile, c health.Change) bool {
	column, ok := l.versions(c)
	if !ok || c.From == "" {
		return false
	}
	col := &l.Requests.Columns[column]
	to, _ := col.code(c.To)
	from, hasFrom := col.code(c.From)
	if !hasFrom {
		return false
	}
	lo, hi := l.bothLive(col, to, from)
	s := l.versus(col, to, from, lo, hi)
	if s.a+s.b+s.c+s.d < alikeMinimum || s.a+s.b < minRest || s.c+s.d < minRest {
		return false
	}
	_, rrLow := s.ratio()
	share, low := s.explained()
	said := fmt.Sprintf("%s fails %s, %s %s in the same minutes", c.To, percent(s.a, s.a+s.b), c.From, percent(s.c, s.c+s.d))
	switch {
	case rrLow > differRatio && l.onlyThrough(c, col, to, from, lo, hi):
		f.add(-1, "%s, but only because of %s", said, l.blame.found[0])
	case rrLow > differRatio:
		f.add(4+4*low, "%s", said)
	case share < alikeShare:
		f.add(-6, "%s: they fail alike", said)
		f.refuted = fmt.Sprintf("%s and %s fail alike in the same minutes", c.To, c.From)
	default:
		return false
	}
	return true
}

// bothLive is the range of requests from the onset on within which both versions
// served.
func (l *lookout) bothLive(col *Column, to, from uint32) (lo, hi int) {
	lo, hi = -1, -1
	seenTo, seenFrom, lastTo, lastFrom := -1, -1, -1, -1
	for k := l.blame.from; k < len(col.Codes); k++ {
		switch col.Codes[k] {
		case to:
			lastTo = k
			if seenTo < 0 {
				seenTo = k
			}
		case from:
			lastFrom = k
			if seenFrom < 0 {
				seenFrom = k
			}
		}
	}
	if seenTo < 0 || seenFrom < 0 {
		return 0, 0
	}
	return max(seenTo, seenFrom), min(lastTo, lastFrom) + 1
}

func (l *lookout) versus(col *Column, to, from uint32, lo, hi int) square {
	var s square
	for k := lo; k < hi; k++ {
		switch failed := l.Requests.Failed[k]; {
		case col.Codes[k] == to && failed:
			s.a++
		case col.Codes[k] == to:
			s.b++
		case col.Codes[k] == from && failed:
			s.c++
		case col.Codes[k] == from:
			s.d++
		}
	}
	return s
}

// onlyThrough says whether the new version fails more only because it comes with
// the first finding.
func (l *lookout) onlyThrough(c health.Change, col *Column, to, from uint32, lo, hi int) bool {
	if len(l.blame.found) == 0 {
		return false
	}
	if _, own := l.claims(c); own {
		return false
	}
	held, varies := l.blame.holding(l.blame.found[0], func(k int) (has, counts bool) {
		return col.Codes[k] == to, k >= lo && k < hi && (col.Codes[k] == to || col.Codes[k] == from)
	})
	return varies && held < explainedBy
}

func percent(part, of float64) string { return health.Format(health.Ratio, part/max(of, 1)) }

// sentence says what failing requests have in common.
func (l *lookout) sentence(t trait) string {
	return fmt.Sprintf("%s — %.0f of %.0f failing (%.0f %%), fails %s against %s without it", t, t.a, t.a+t.c,
		100*t.a/max(t.a+t.c, 1), percent(t.a, t.a+t.b), percent(t.c, t.c+t.d))
}

// moves says what a kind of change can move. Deployments, configuration and flags
// can move anything, so that their match says nothing.
var moves = map[string][]string{
	"prompt": {"quality", "groundedness", "json", "refusal", "finish_length", "token", "hallucination", "feedback_bad", "outcome"},
	"model":  {"ttft", "itl", "latency", "error", "quality", "groundedness", "refusals", "finish_length", "prediction_mean"},
	"index":  {"retrieval", "empty", "index_age", "embedding_mismatch", "groundedness"},
	"data":   {"null", "drift", "lag", "freshness", "prediction_mean", "label_delay"},
	"tool":   {"tool_calls", "tool_errors", "loop", "steps", "handoffs"},
	"cache":  {"hit_rate", "cache_hit"},
}

// kind weighs whether such a change can do what is seen, on its service or on those
// that lean on it.
func (l *lookout) kind(f *caseFile, c health.Change) {
	for _, name := range append([]string{c.Service}, l.above(c.Service)...) {
		if p := l.parts[name]; p != nil && c.Kind == "data" && len(p.Drifted) > 0 {
			f.add(1.5, "a data change can move the distribution of %s", p.Drifted[0])
			return
		}
		for _, m := range l.motion(name).shifted {
			if m.at.Before(c.At.Add(-l.slack() - c.Uncertain)) {
				continue
			}
			if slices.ContainsFunc(moves[c.Kind], func(word string) bool { return strings.Contains(m.signal.ID, word) }) {
				f.add(1.5, "%s can move %s", article(c.Kind), title(m.signal))
				return
			}
		}
	}
}

// above are the services that lean on one, directly or not, nearest first.
func (l *lookout) above(name string) []string {
	var all []string
	seen := map[string]bool{name: true}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		for _, c := range l.callers[queue[0]] {
			if !seen[c] {
				seen[c] = true
				all, queue = append(all, c), append(queue, c)
			}
		}
	}
	return all
}

func article(kind string) string {
	if strings.HasPrefix(kind, "i") {
		return "an " + kind + " change"
	}
	return "a " + kind + " change"
}

// ofKind says whether a column can hold versions of a kind of change.
func ofKind(column, kind string) bool {
	word := map[string]string{"deploy": "build"}[kind]
	if word == "" {
		word = kind
	}
	return strings.HasPrefix(strings.ToLower(column), word)
}
