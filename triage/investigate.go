package triage

import (
	"math"
	"slices"
	"time"

	"sickbay/health"
)

const (
	lookBack    = 25 * time.Minute // bad signs older than this before the symptom are not of this incident
	clockSteps  = 2                // steps by which an onset is known, …
	clockSlack  = time.Minute      // … and at least this (measured: half are within 35 s): never trust exact order
	clearlyIll  = 4.0              // z of a signal that moved beyond doubt
	loadRatio   = 1.25             // traffic that has grown by less explains nothing
	saneAge     = 6 * time.Hour    // changes older than this before the symptom are not looked at
	minScore    = 1.0              // less is not worth a line
	maxSuspects = 5
	maxRuledOut = 3
)

// A lookout is one incident with what was found out about it.
type lookout struct {
	Incident
	parts   map[string]*Part
	callers map[string][]string
	path    map[string]bool // the service that is ill and everything it leans on
	symptom time.Time       // onset of what is ill
	first   time.Time       // first bad sign in the path, at most lookBack before
	blame   blame
	moved   map[string]motion
	round   *sweep
	mem     *recall // nil: nothing is remembered
}

// A motion is how the signals of one service moved about the time of the symptom.
type motion struct {
	n       int       // signals that say something
	at      time.Time // first sign; zero: none moved
	z       float64   // of the clearest bad sign
	shifted []moved   // of any direction
}

type moved struct {
	signal health.Signal
	shift
}

// Suspects weighs what could have made somebody ill: every recorded change, load,
// and a change that nobody recorded, here or outside. Points of evidence add up and
// every line of the sum is shown. Best first; only the first can be more than
// unclear. Those that cannot be come last, with the reason.
func Suspects(in Incident) []health.Suspect { return suspects(in, nil) }

func suspects(in Incident, mem *recall) []health.Suspect {
	l := newLookout(in, mem)
	if l.symptom.IsZero() {
		return nil
	}
	var found, ruledOut []health.Suspect
	keep := func(f *caseFile, s health.Suspect) {
		s.Score, s.Evidence = f.score(), f.lines
		if s.RuledOut = f.refuted; s.RuledOut != "" {
			ruledOut = append(ruledOut, s)
			return
		}
		found = append(found, s)
	}
	for _, c := range in.Changes {
		if c.Kind == "rollback" || c.At.After(in.Now) || c.At.Before(l.symptom.Add(-saneAge)) {
			continue
		}
		if f, s := l.weigh(c); len(f.lines) > 0 || c.Service == "" || l.path[c.Service] {
			keep(f, s)
		}
	}
	if f, s, ok := l.load(); ok {
		keep(f, s)
	}
	for _, name := range l.unrecordable() {
		f, s := l.unrecorded(name)
		keep(f, s)
	}
	return ranked(found, ruledOut)
}

func newLookout(in Incident, mem *recall) *lookout {
	l := &lookout{Incident: in, moved: map[string]motion{}, mem: mem}
	l.parts, l.callers = mem.ward(in.Parts)
	l.path = l.below(in.Alarm.Service)
	l.dateSymptom()
	if l.symptom.IsZero() {
		return l
	}
	l.first = l.symptom
	for name := range l.path {
		if m := l.motion(name); !m.at.IsZero() {
			l.first = earlier(l.first, m.at)
		}
	}
	l.blame = compare(in.Requests, in.Requests.from(l.first))
	return l
}

// below is a service and everything it leans on, directly or not.
func (l *lookout) below(name string) map[string]bool {
	all := map[string]bool{name: true}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		if p := l.parts[queue[0]]; p != nil {
			for _, called := range p.Calls {
				if !all[called] {
					all[called] = true
					queue = append(queue, called)
				}
			}
		}
	}
	return all
}

// slack is how well the order of two things is known.
func (l *lookout) slack() time.Duration { return max(clockSteps*l.Step, clockSlack) }

// dateSymptom finds when the alarm's signal left what it was. Where its series does
// not tell the failing requests may; else it is when somebody noticed.
func (l *lookout) dateSymptom() {
	if p := l.parts[l.Alarm.Service]; p != nil {
		for _, sig := range p.Signals {
			if sig.ID != l.Alarm.Signal {
				continue
			}
			if s, ok := l.shift(p.Name, sig, l.Alarm.Since); ok && worse(s, sig.Bad) && l.near(s.at) {
				l.symptom = s.at
				return
			}
		}
	}
	if at, ok := l.Requests.failingSince(); ok && l.near(at) {
		l.symptom = at
		return
	}
	l.symptom = l.Alarm.Since
}

// near says whether something may be the onset of what was noticed.
func (l *lookout) near(at time.Time) bool {
	known := l.Alarm.Since
	return known.IsZero() || !at.After(known.Add(l.slack())) && at.After(known.Add(-lookBack))
}

func worse(s shift, bad health.Bad) bool {
	return bad == health.Up && s.z > 0 || bad == health.Down && s.z < 0
}

// motion looks at the signals of a service, once.
func (l *lookout) motion(name string) motion {
	if m, done := l.moved[name]; done {
		return m
	}
	var m motion
	p := l.parts[name]
	switch {
	case p == nil || !l.path[name] && p.Well:
	case l.path[name] || l.sweep().of[name] == nil:
		m = l.motionOf(look(p, func(sig health.Signal) (shift, bool) { return l.shift(name, sig, l.symptom) }))
	default:
		m = l.motionOf(l.sweep().of[name])
	}
	l.moved[name] = m
	return m
}

// motionOf are the shifts that may be of this incident.
func (l *lookout) motionOf(s *swept) motion {
	m := motion{n: s.n}
	for _, k := range s.shifted {
		if k.at.Before(l.symptom.Add(-lookBack)) {
			continue
		}
		m.shifted = append(m.shifted, k)
		if k.sign() {
			m.at = earlier(m.at, k.at)
			m.z = max(m.z, math.Abs(k.z))
		}
	}
	return m
}

// sign says whether a shift is a bad sign.
func (m *moved) sign() bool {
	return worse(m.shift, m.signal.Bad) || neutral(m.signal) && math.Abs(m.z) >= clearlyIll
}

// neutral says that a signal is neither good nor bad high, and yet says something
// when it moves: how often a cache answers, how long answers are. Traffic is what
// others do.
func neutral(sig health.Signal) bool { return sig.Bad == health.Neutral && sig.Group != "traffic" }

func (l *lookout) shift(service string, sig health.Signal, known time.Time) (shift, bool) {
	calm := calmUntil(sig.Series, known)
	if l.mem == nil {
		return shiftOf(sig, calm)
	}
	return l.mem.shiftOf(shiftKey{signalKey{service, sig.ID}, false}, sig, calm)
}

// movedFirst says whether a service moved for the worse, and whether before
// everything it leans on. What moved within the slack of it counts as before: bad
// signs travel upwards.
func (l *lookout) movedFirst(name string) (first, any bool) {
	m := l.motion(name)
	if m.at.IsZero() {
		return false, false
	}
	for other := range l.below(name) {
		if o := l.motion(other); other != name && !o.at.IsZero() && !o.at.After(m.at.Add(l.slack())) {
			return false, true
		}
	}
	return true, true
}

// seenBy is the nearest service above name that has signals.
func (l *lookout) seenBy(name string) string {
	seen := map[string]bool{name: true}
	for level := []string{name}; len(level) > 0; {
		var next []string
		for _, n := range level {
			for _, c := range l.callers[n] {
				if seen[c] {
					continue
				}
				seen[c] = true
				if l.motion(c).n > 0 {
					return c
				}
				next = append(next, c)
			}
		}
		level = next
	}
	return ""
}

// owner is the service that the first finding belongs to; "" nobody's.
func (l *lookout) owner() string {
	if len(l.blame.found) == 0 {
		return ""
	}
	top := l.blame.found[0]
	for _, t := range append([]trait{top}, top.same...) {
		for _, p := range t.parts {
			if name := l.ownerOf(p.name, p.value); name != "" {
				return name
			}
		}
	}
	return ""
}

// ownerOf asks the configuration; a dimension called like a service is its own.
func (l *lookout) ownerOf(dimension, value string) string {
	if l.Owner != nil {
		if name := l.Owner(dimension, value); name != "" {
			return name
		}
	}
	if l.parts[dimension] != nil {
		return dimension
	}
	return ""
}

// claims says which part of the first finding is the new version of a change.
func (l *lookout) claims(c health.Change) (trait, bool) {
	if len(l.blame.found) == 0 {
		return trait{}, false
	}
	top := l.blame.found[0]
	for _, t := range append([]trait{top}, top.same...) {
		for _, p := range t.parts {
			if col, ok := l.versions(c); ok && col == p.column && sameVersion(p.value, c.To) {
				return t, true
			}
		}
	}
	return trait{}, false
}

// versions is the column that carries the versions of a change: the one it names,
// else one that holds its new version and is of its kind or holds its old one too.
func (l *lookout) versions(c health.Change) (column int, ok bool) {
	for i := range l.Requests.Columns {
		col := &l.Requests.Columns[i]
		if c.Dim != "" && c.Dim != col.Name || c.To == "" {
			continue
		}
		_, hasTo := col.code(c.To)
		_, hasFrom := col.code(c.From)
		if hasTo && (c.Dim != "" || hasFrom || ofKind(col.Name, c.Kind)) {
			return i, true
		}
	}
	return 0, false
}

// unrecordable are the services where something may have changed that nobody wrote
// down: those that moved before what they lean on, and whoever owns what the failing
// requests have in common. Where nothing in the known path moved but the service
// itself, others that clearly moved are looked at too: graphs are incomplete.
func (l *lookout) unrecordable() []string {
	var names []string
	alone := true
	for name := range l.path {
		if first, any := l.movedFirst(name); first {
			names = append(names, name)
		} else if any {
			alone = false
		}
		alone = alone && (name == l.Alarm.Service || l.motion(name).at.IsZero())
	}
	if alone {
		for _, name := range l.nearby() {
			if first, _ := l.movedFirst(name); first {
				names = append(names, name)
			}
		}
	}
	if o := l.owner(); o != "" && !slices.Contains(names, o) {
		names = append(names, o)
	}
	slices.Sort(names)
	return names
}
