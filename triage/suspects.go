package triage

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

const (
	lookBack    = 25 * time.Minute // changes older than this before the first bad sign are not looked at
	clockSteps  = 2                // steps by which an onset is known, …
	clockSlack  = time.Minute      // … and at least this (measured: half are within 35 s): never trust exact order
	minScore    = 1.0              // less is not worth a line
	maxSuspects = 5
	maxRuledOut = 3
	strongScore = 8.0
	strongAhead = 3.0
	likelyScore = 5.0
	likelyAhead = 1.5
	loadRatio   = 1.25 // traffic that has grown by less explains nothing

	// Looking for an onset costs half a millisecond: only the signals that explain
	// most are looked at, and not at every refresh.
	maxOnsets    = 4
	onsetRefresh = 30 * time.Second
)

// An onsetNote remembers an onset that was looked for, since looking costs.
type onsetNote struct {
	since  time.Time // the Since it was looked for
	looked time.Time
	at     time.Time
}

// A lookout is one ill service with what is needed to suspect somebody.
type lookout struct {
	service  health.Service
	others   []health.Service
	in       Input
	step     time.Duration
	symptom  time.Time // onset of what is worst
	first    time.Time // first bad sign of the service, at most lookBack before
	failures []health.Failure
}

// slack is how well the order of two things is known.
func (l *lookout) slack() time.Duration { return max(clockSteps*l.step, clockSlack) }

// suspects weighs what could have made s ill. Points of evidence add up; a line
// of evidence is its points and what they are for, so that the shown lines are
// the score. It writes the onsets it finds into mem.
func suspects(s health.Service, all []health.Service, in Input, mem Memory) []health.Suspect {
	l := lookout{service: s, others: all, in: in, step: stepOf(s)}
	l.signs(mem)
	if l.symptom.IsZero() {
		return nil
	}
	for _, f := range in.Failures {
		if f.Service == s.Name && f.State != "known" {
			l.failures = append(l.failures, f)
		}
	}
	var found, ruledOut []health.Suspect
	for _, c := range in.Changes {
		switch {
		case c.Kind == "rollback" || c.At.Before(l.first.Add(-lookBack)) || c.At.After(in.Now):
		case c.At.Add(-c.Uncertain).After(l.symptom.Add(l.slack())):
			if c.Service == s.Name || c.Service == "" {
				ruledOut = append(ruledOut, l.ruledOut(c))
			}
		default:
			found = append(found, l.weigh(c))
		}
	}
	if load, ok := l.load(); ok {
		found = append(found, load)
	}
	return ranked(found, ruledOut)
}

// ranked sorts, cuts and labels. Only the first can be more than unclear, and
// only when it is ahead: an engineer must not be sent after a coin flip.
func ranked(found, ruledOut []health.Suspect) []health.Suspect {
	slices.SortStableFunc(found, func(a, b health.Suspect) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return b.At.Compare(a.At)
	})
	found = slices.DeleteFunc(found, func(s health.Suspect) bool { return s.Score < minScore-1e-9 })
	for i := range found {
		found[i].Label = "unclear"
	}
	if len(found) > 0 {
		second := 0.0
		if len(found) > 1 {
			second = found[1].Score
		}
		found[0].Label = label(found[0].Score, found[0].Score-second)
	}
	slices.SortStableFunc(ruledOut, func(a, b health.Suspect) int { return a.At.Compare(b.At) })
	all := append(found[:min(len(found), maxSuspects)], ruledOut[:min(len(ruledOut), maxRuledOut)]...)
	for i := range all {
		all[i].Rank = i + 1
	}
	return all
}

func label(score, ahead float64) string {
	const slack = 1e-9
	switch {
	case score >= strongScore-slack && ahead >= strongAhead-slack:
		return "strong"
	case score >= likelyScore-slack && ahead >= likelyAhead-slack:
		return "likely"
	}
	return "unclear"
}

// signs finds when the service became ill: the onset of its worst finding, and
// the first onset of any finding within lookBack before that.
func (l *lookout) signs(mem Memory) {
	looked := 0
	for _, f := range l.service.Findings {
		if !ill(f.Status) {
			continue
		}
		at := f.Since
		if f.Rule == ruleLimit && looked < maxOnsets {
			at = l.onset(f, mem)
			looked++
		}
		switch {
		case at.IsZero():
		case l.symptom.IsZero(): // findings are sorted: this is the worst that began first
			l.symptom, l.first = at, at
		case at.After(l.symptom.Add(-lookBack)):
			l.first = earlier(l.first, at)
		}
	}
}

// onset is when the signal of f began to differ, which is before it crossed a
// limit. It is the crossing itself where the series does not tell.
func (l *lookout) onset(f health.Finding, mem Memory) time.Time {
	key := signalKey{l.service.Name, f.Signal}
	t := mem.signals[key]
	if t.onset.since.Equal(f.Since) && l.in.Now.Sub(t.onset.looked) < onsetRefresh {
		return t.onset.at
	}
	at := f.Since
	sig := l.service.Signal(f.Signal)
	if ms, o, ok := onsetOf(sig.Series); ok && worsens(o, sig.Bad) {
		found := time.UnixMilli(ms).UTC()
		if !found.Before(f.Since.Add(-lookBack)) && !found.After(f.Since) {
			at = found
		}
	}
	t.onset = onsetNote{since: f.Since, looked: l.in.Now, at: at}
	mem.signals[key] = t
	return at
}

func worsens(o Onset, bad health.Bad) bool {
	return o.Direction > 0 && bad == health.Up || o.Direction < 0 && bad == health.Down
}

// onsetOf is FindOnset on the points of a signal; at is Unix milliseconds.
func onsetOf(points []health.Point) (at int64, o Onset, ok bool) {
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = p.V
	}
	if o, ok = FindOnset(values, nil); !ok {
		return 0, o, false
	}
	return points[o.At].T, o, true
}

// stepOf is the distance of the points of a service's series.
func stepOf(s health.Service) time.Duration {
	const usual = 30 * time.Second
	for _, sig := range s.Signals {
		shortest := int64(math.MaxInt64)
		for i := 1; i < min(len(sig.Series), 10); i++ {
			shortest = min(shortest, sig.Series[i].T-sig.Series[i-1].T)
		}
		if len(sig.Series) > 1 && shortest > 0 {
			return time.Duration(shortest) * time.Millisecond
		}
	}
	return usual
}

// A case file collects evidence: what is written is what is summed.
type caseFile struct {
	tenths int // whole tenths of a point, so that sums are exact
	lines  []string
}

func (c *caseFile) add(points float64, format string, args ...any) {
	tenths := int(math.Round(points * 10))
	c.tenths += tenths
	c.lines = append(c.lines, fmt.Sprintf("%+.1f  %s", float64(tenths)/10, fmt.Sprintf(format, args...)))
}

func (c *caseFile) score() float64 { return float64(c.tenths) / 10 }

// weigh collects the evidence for one change.
func (l *lookout) weigh(c health.Change) health.Suspect {
	var file caseFile
	l.time(&file, c)
	l.place(&file, c)
	l.kind(&file, c)
	l.carried(&file, c)
	return health.Suspect{
		Score: file.score(), Evidence: file.lines,
		Kind: c.Kind, Change: c.ID, Service: c.Service, From: c.From, To: c.To, At: c.At,
	}
}

func (l *lookout) ruledOut(c health.Change) health.Suspect {
	return health.Suspect{
		Label: "unclear", Kind: c.Kind, Change: c.ID, Service: c.Service, From: c.From, To: c.To, At: c.At,
		RuledOut: health.Ago(c.At.Sub(l.first)) + " after the first bad sign",
	}
}

// dimensionOf is what the version label of a kind of change begins with.
var dimensionOf = map[string]string{"prompt": "prompt", "model": "model", "index": "index", "data": "data", "deploy": "build", "config": "config"}

// carries says whether a "prompt_version=v32", "prompt v32" or "v32" is the
// version of a change.
func carries(said string, kind, version string) bool {
	if version == "" {
		return false
	}
	name, value, ok := strings.Cut(said, "=")
	if !ok {
		name, value, ok = strings.Cut(said, " ")
	}
	if !ok {
		return said == version
	}
	return value == version && sameDimension(name, kind)
}

// sameDimension says whether a dimension can hold versions of a kind of change.
// Kinds without a dimension of their own may be anywhere.
func sameDimension(name, kind string) bool {
	dimension, ok := dimensionOf[kind]
	return !ok || strings.HasPrefix(strings.ToLower(name), dimension)
}
