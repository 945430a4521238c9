package triage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sickbay/drift"
	"sickbay/health"
)

// The rules a finding can come from, in the order in which they explain.
const (
	ruleLimit = "limit"
	ruleBurn  = "burn"
	rulePast  = "past"
	ruleDrift = "drift"
	ruleAlert = "alert"
	ruleStale = "stale"
	ruleNone  = "none" // nothing could be judged
)

var ruleOrder = map[string]int{ruleLimit: 0, ruleBurn: 1, ruleDetector: 2, rulePast: 3, ruleDrift: 4, ruleAlert: 5, ruleStale: 6, ruleNone: 7}

// sortFindings puts the worst first, then what explains most, then what began
// first.
func sortFindings(findings []health.Finding) {
	slices.SortStableFunc(findings, func(a, b health.Finding) int {
		switch {
		case a.Status != b.Status:
			if a.Status.Worse(b.Status) {
				return -1
			}
			return 1
		case a.Rule != b.Rule:
			return ruleOrder[a.Rule] - ruleOrder[b.Rule]
		case a.Since.IsZero() || b.Since.IsZero():
			return 0
		}
		return a.Since.Compare(b.Since)
	})
}

// limitFinding says which value is beyond which limit: "answers judged good 0.61,
// limit 0.80". The limit said is where well ends, also when it is critical: that
// is the value to get back to, and Since is when it was left.
func limitFinding(service string, sig health.Signal, t track) health.Finding {
	limit := reached(sig.Limit)
	return health.Finding{
		Service: service, Signal: sig.ID, Rule: ruleLimit,
		Text:  fmt.Sprintf("%s %s, limit %s", title(sig), health.Format(sig.Unit, sig.Value), health.Format(sig.Unit, *limit)),
		Value: health.Num(sig.Value), Limit: health.Num(*limit), Bad: sig.Bad, Status: sig.Status,
		Since: crossed(sig, t.since),
	}
}

func title(sig health.Signal) string {
	if sig.Title == "" {
		return sig.ID
	}
	return sig.Title
}

// sinceAlert gives findings without a time of their own that of the first alert.
func sinceAlert(findings []health.Finding, alerts []health.Alert) {
	var since time.Time
	for _, a := range alerts {
		since = earlier(since, a.Since)
	}
	for i := range findings {
		if f := &findings[i]; f.Rule == ruleLimit && f.Since.IsZero() {
			f.Since = since
		}
	}
}

// driftFindings judges the distributions of s and reports those that moved. A
// moved distribution harms nobody by itself, so it is never more than warn, and
// scores computed by others are shown only.
func driftFindings(s *health.Service) []health.Finding {
	var findings []health.Finding
	for i := range s.Drift {
		d := &s.Drift[i]
		d.Status = driftStatus(*d)
		if d.Status != health.Warn {
			continue
		}
		f := health.Finding{
			Service: s.Name, Signal: driftName(*d), Rule: ruleDrift, Bad: health.Up, Status: health.Warn, Since: d.Since,
			Text: driftText(*d), Value: d.PSIAdj, Limit: health.Num(drift.PSIWarn),
		}
		if !movedByPSI(*d) && d.Gap != nil {
			f.Value, f.Limit = d.Gap, health.Num(drift.GapWarn)
		}
		findings = append(findings, f)
	}
	return findings
}

func driftStatus(d health.Drift) health.Status {
	if d.Kind == "exported" {
		return health.Unknown
	}
	switch drift.Level(d.Level) {
	case drift.LevelOK, drift.LevelSmall:
		return health.OK
	case drift.LevelWarn, drift.LevelCritical:
		return health.Warn
	}
	return health.Unknown
}

// driftName is the feature, else what is compared.
func driftName(d health.Drift) string {
	if d.Feature != "" {
		return d.Feature
	}
	return d.Signal
}

func movedByPSI(d health.Drift) bool { return d.PSIAdj != nil && *d.PSIAdj >= drift.PSIWarn-1e-9 }

// driftText is "feature amount: distribution moved, PSI 0.41 [0.33–0.50], limit 0.10, n 5k",
// or how much moved where PSI is not what says so.
func driftText(d health.Drift) string {
	var b strings.Builder
	if d.Feature != "" {
		b.WriteString("feature ")
	}
	b.WriteString(driftName(d) + ": distribution moved")
	if d.PSIAdj != nil {
		b.WriteString(", PSI " + health.PSI(*d.PSIAdj))
		if d.Low != nil && d.High != nil {
			b.WriteString(" [" + health.PSI(*d.Low) + "–" + health.PSI(*d.High) + "]")
		}
	}
	switch {
	case movedByPSI(d):
		b.WriteString(", limit " + health.PSI(drift.PSIWarn))
	case d.Gap != nil:
		b.WriteString(", " + health.Format(health.Ratio, *d.Gap) + " of it moved, limit " + health.Format(health.Ratio, drift.GapWarn))
	}
	return b.String() + ", n " + health.Rough(d.NCur)
}

// firing lists the firing alerts that name a service. By convention of the
// severity label, "info" and "none" ask nobody to do anything, and neither does one
// that somebody silenced.
func firing(alerts []health.Alert, service string) []health.Alert {
	var own []health.Alert
	for _, a := range alerts {
		quiet := strings.EqualFold(a.Severity, "info") || strings.EqualFold(a.Severity, "none")
		if a.State == "firing" && a.Service == service && service != "" && !quiet && !a.Quiet() {
			own = append(own, a)
		}
	}
	return own
}

// alertFindings makes each alert a reason. An alert alone is a warning, whatever
// its severity: somebody else's rule is believed, and not overrated.
func alertFindings(service string, alerts []health.Alert) []health.Finding {
	var findings []health.Finding
	for _, a := range alerts {
		text := "alert " + a.Name + " is firing"
		if a.Severity != "" {
			text += " (" + a.Severity + ")"
		}
		findings = append(findings, health.Finding{Service: service, Rule: ruleAlert, Text: text, Value: a.Value, Status: health.Warn, Since: a.Since})
	}
	return findings
}

// An absence is a signal that should be there, and when it last was.
type absence struct {
	signal health.Signal
	seen   time.Time
	was    health.Status // when it was seen last
}

// missingFindings says in one line per source what is no longer seen: a source
// that is down takes everything with it, and one line is enough to say so.
func missingFindings(s health.Service, missing []absence, now time.Time) []health.Finding {
	if !s.Gone.IsZero() {
		text := "no data from " + s.Name + " for " + health.Ago(now.Sub(s.Gone)) + ": nothing of it is seen any more"
		return []health.Finding{{Service: s.Name, Rule: ruleStale, Text: text, Status: health.Unknown, Since: s.Gone}}
	}
	var sources []string
	bySource := map[string][]absence{}
	for _, m := range missing {
		source := m.signal.Source
		if bySource[source] == nil {
			sources = append(sources, source)
		}
		bySource[source] = append(bySource[source], m)
	}
	var findings []health.Finding
	for _, source := range sources {
		findings = append(findings, missingFinding(s.Name, source, bySource[source], now))
	}
	return findings
}

func missingFinding(service, source string, missing []absence, now time.Time) health.Finding {
	var since time.Time
	var names []string
	var note string
	for _, m := range missing {
		since = earlier(since, m.seen)
		name := title(m.signal)
		if m.was == health.Critical {
			name += " (critical when last seen)"
		}
		names = append(names, name)
		if note == "" {
			note = m.signal.Note
		}
	}
	if more := len(names) - 2; more > 1 {
		names = append(names[:2], strconv.Itoa(more)+" more")
	}
	text := "no data"
	if source != "" {
		text += " from " + source
	}
	text += " for " + health.Ago(now.Sub(since)) + ": " + list(names)
	if note != "" {
		text += " (" + note + ")"
	}
	return health.Finding{Service: service, Signal: missing[0].signal.ID, Rule: ruleStale, Text: text, Status: health.Unknown, Since: since}
}

// nothingJudged says why a service without findings is not ok either.
func nothingJudged(s health.Service) health.Finding {
	text := "nothing is measured that could be judged"
	for _, sig := range s.Signals {
		if !limited(sig) {
			continue
		}
		if sig.State == health.Unreachable && sig.Source != "" {
			text = "nothing is known: " + sig.Source + " does not answer"
			break
		}
		text = "nothing to judge: no signal with a limit has a value now"
		if sig.State == health.NaN {
			text = "nothing to judge: no value is a number, usually because there is no traffic"
		}
	}
	return health.Finding{Service: s.Name, Rule: ruleNone, Text: text, Status: health.Unknown}
}

// list is "a", "a and b", "a, b and c".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
