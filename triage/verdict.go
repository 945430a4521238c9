package triage

import (
	"slices"
	"time"

	"sickbay/health"
)

// Input is what there is to judge at one moment.
type Input struct {
	Services []health.Service // with Signals (Value, State, At, Limit, Series) and Drift filled
	Changes  []health.Change
	Alerts   []health.Alert
	Failures []health.Failure
	Records  Records // logged requests by time, failing and healthy ones at the same rate; not kept. nil: none

	// Detected is what others found: loops in traces, searches that find nothing.
	// Each counts for its service as it is.
	Detected []health.Finding

	// Owner says which service a value of a request's property belongs to, for
	// example who serves the model it names; "" is nobody, unless it is a provider.
	Owner func(dimension, value string) string

	// Past gives a signal's points over the same clock time of earlier days, one slice
	// a day; nil, or none: not known, and then a season cannot be told from news.
	Past func(service, signal string) [][]health.Point

	// Ignored says whether a rule (health.Rules) judges nothing of a service; nil: all do.
	Ignored func(service, rule string) bool

	// Down are sources that do not answer now, by name. What they said before is
	// shown and judges nobody.
	Down map[string]bool

	Now        time.Time
	Window     time.Duration // how far back the series reach
	RateWindow time.Duration // over which rates are taken
}

// Memory is what one judgement leaves for the next, so that a status neither
// flaps nor forgets. The zero Memory is a first look: then the series alone decide,
// and they decide the same. A Memory is never changed once returned.
type Memory struct {
	at       time.Time
	signals  map[signalKey]track
	services map[string]stand
	recalled recalled
}

type signalKey struct{ service, signal string }

// A stand is the status of a service and when it began.
type stand struct {
	status health.Status
	since  time.Time
}

// Judge fills Status, Since, Findings and Suspects of the services and Status of
// their signals and distributions. It returns copies, in the order given, and
// changes nothing it was given.
//
// A service is as ill as its worst finding: a signal beyond its limit, what the
// detectors found, a distribution that moved (warn at most), a firing alert that
// names it (warn), or a golden signal that is no longer seen (unknown). Without
// findings it is ok if anything could be judged at all, and unknown if not.
func Judge(in Input, before Memory) ([]health.Service, Memory) {
	if in.Now.Before(before.at) {
		before = Memory{} // the clock was set back: what came later is not known yet
	}
	after := Memory{
		at:       in.Now,
		signals:  make(map[signalKey]track, len(before.signals)),
		services: make(map[string]stand, len(in.Services)),
		recalled: newRecalled(&before.recalled),
	}
	services := slices.Clone(in.Services)
	mem := recall{now: in.Now, before: &before.recalled, after: &after.recalled}
	answers := answering(in)
	for i := range services {
		judgeService(&services[i], in, before, after, &mem, answers)
	}
	for i := range services {
		if ill(services[i].Status) {
			services[i].Suspects = suspects(incidentOf(services[i], services, in, &mem), &mem)
		}
	}
	return services, after
}

// ill says whether somebody should look.
func ill(s health.Status) bool { return s == health.Warn || s == health.Critical }

// judgeService judges s and writes what it learns into after.
func judgeService(s *health.Service, in Input, before, after Memory, mem *recall, answers func(source string) bool) {
	s.Signals, s.Drift = slices.Clone(s.Signals), slices.Clone(s.Drift)
	s.Findings, s.Suspects = nil, nil
	var missing []absence
	judged := false
	for i := range s.Signals {
		sig := &s.Signals[i]
		key := signalKey{s.Name, sig.ID}
		t := before.signals[key].follow(*sig)
		sig.Status = t.status(*sig)
		judged = judged || sig.Status != health.Unknown
		if ill(sig.Status) {
			f := limitFinding(s.Name, *sig, t)
			t.since = f.Since
			s.Findings = append(s.Findings, f)
		} else if t.missed(*sig, in) {
			missing = append(missing, absence{*sig, t.seen, t.was()})
		}
		if sig.Status == health.OK {
			t.since = time.Time{}
		}
		if f, ok := burnFinding(*s, *sig, in.Now); ok {
			s.Findings = append(s.Findings, f)
		}
		var f health.Finding
		if f, t.unusual = pastFinding(s.Name, sig, in, mem, t.unusual); t.unusual {
			s.Findings = append(s.Findings, f)
		}
		after.signals[key] = t
	}
	alerts := firing(in.Alerts, s.Name)
	if in.ignores(s.Name, ruleAlert) {
		alerts = nil
	}
	s.Findings = append(s.Findings, renewed(driftFindings(s), seen(*s))...)
	for _, a := range alerts {
		s.Findings = append(s.Findings, renewed(alertFindings(s.Name, []health.Alert{a}), answers(a.Source))...)
	}
	for _, f := range in.Detected {
		if f.Service == s.Name {
			s.Findings = append(s.Findings, f)
		}
	}
	s.Findings = slices.DeleteFunc(s.Findings, func(f health.Finding) bool { return in.ignores(s.Name, f.Rule) })
	s.Findings = append(s.Findings, missingFindings(*s, missing, in.Now)...)
	if len(s.Findings) == 0 && !judged {
		s.Findings = []health.Finding{nothingJudged(*s)}
	}
	sinceAlert(s.Findings, alerts)
	sortFindings(s.Findings)
	s.Status = decided(s.Findings, missing)
	s.Since = began(s.Status, s.Findings, before.services[s.Name], in.Now)
	after.services[s.Name] = stand{s.Status, s.Since}
}

func (in Input) ignores(service, rule string) bool {
	return in.Ignored != nil && in.Ignored(service, rule)
}

// seen says whether anything of a service is measured now, or nothing ever was.
func seen(s health.Service) bool {
	lost := false
	for _, sig := range s.Signals {
		switch sig.State {
		case health.Fresh, health.Partial, health.NaN:
			return true
		case health.Stale, health.Unreachable:
			lost = true
		}
	}
	return !lost
}

// answering tells which sources answer: those that are not known to be down, and of
// which, if they measure anything, something is fresh.
func answering(in Input) func(source string) bool {
	state := map[string]bool{}
	for _, s := range in.Services {
		for _, sig := range s.Signals {
			switch sig.State {
			case health.Fresh, health.Partial, health.NaN:
				state[sig.Source] = true
			case health.Stale, health.Unreachable:
				if !state[sig.Source] {
					state[sig.Source] = false // it measures something, and nothing of it is fresh
				}
			}
		}
	}
	return func(source string) bool {
		fresh, measures := state[source]
		return !in.Down[source] && (fresh || !measures)
	}
}

// renewed takes the judgement out of findings that nobody renews.
func renewed(findings []health.Finding, fresh bool) []health.Finding {
	if fresh {
		return findings
	}
	for i := range findings {
		f := &findings[i]
		f.Text, f.Status = f.Text+", when last seen", health.Unknown
	}
	return findings
}

// decided is the status that sorted findings amount to. Where a signal is no longer
// seen that was critical, a warning is not all there is: nobody knows.
func decided(findings []health.Finding, missing []absence) health.Status {
	status := worst(findings)
	lost := slices.ContainsFunc(missing, func(m absence) bool { return m.was == health.Critical })
	if status != health.Warn || !lost {
		return status
	}
	slices.SortStableFunc(findings, func(a, b health.Finding) int {
		switch {
		case a.Rule == ruleStale && b.Rule != ruleStale:
			return -1
		case a.Rule != ruleStale && b.Rule == ruleStale:
			return 1
		}
		return 0
	})
	return health.Unknown
}

// worst is ok without findings.
func worst(findings []health.Finding) health.Status {
	status := health.OK
	for _, f := range findings {
		if f.Status.Worse(status) {
			status = f.Status
		}
	}
	return status
}

// began is when the present status began: by its findings, else by what was there
// a look ago, else not known.
func began(status health.Status, findings []health.Finding, before stand, now time.Time) time.Time {
	var since time.Time
	for _, f := range findings {
		if f.Status == status {
			since = earlier(since, f.Since)
		}
	}
	switch {
	case !since.IsZero():
		return since
	case before.status == status:
		return before.since
	case before.status != health.Unknown || !before.since.IsZero():
		return now
	}
	return since
}

// earlier is the earlier of two times that are known.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// groups are the words for groups of signals, in the order in which they are said.
var groups = []struct{ id, plural string }{
	{"traffic", ""}, {"latency", ""}, {"errors", "s"}, {"saturation", ""}, {"tokens", "s"}, {"quality", ""},
	{"safety", ""}, {"drift", ""}, {"freshness", ""}, {"cost", ""}, {"outcome", ""},
}

// Normal says which groups of signals are seen to be well, all that is judged in
// them: "latency, errors and saturation are normal". Empty when none is.
func Normal(s health.Service) string {
	state := map[string]health.Status{}
	for _, sig := range s.Signals {
		if !limited(sig) {
			continue
		}
		if old, ok := state[sig.Group]; !ok || sig.Status.Worse(old) {
			state[sig.Group] = sig.Status
		}
	}
	var names []string
	verb := " is"
	for _, g := range groups {
		if status, ok := state[g.id]; ok && status == health.OK {
			names = append(names, g.id)
			if g.plural != "" {
				verb = " are"
			}
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + verb + " normal"
	}
	return list(names) + " are normal"
}
