package triage

import (
	"math"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

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

// time weighs how long before the first bad sign c came.
func (l *lookout) time(file *caseFile, c health.Change) {
	d, ok := delays[c.Kind]
	if !ok {
		d = delays["deploy"]
	}
	slack := l.slack() + c.Uncertain
	sign, lag := "the first bad sign", l.first.Sub(c.At)
	if -lag > slack { // bad before c, and something worse began after it
		file.add(-3, "the first bad sign was %s before it", health.Ago(-lag))
		sign, lag = "the worst sign", l.symptom.Sub(c.At)
	}
	switch points := d.points(max(lag, 0)); {
	case lag <= -time.Second:
		file.add(points, "%s after %s: too close to tell which was first", health.Ago(-lag), sign)
	case lag < time.Second:
		file.add(points, "together with %s", sign)
	default:
		file.add(points, "%s before %s", health.Ago(lag), sign)
	}
}

// place weighs whether the change is on the ill service itself. Which service
// leans on which is not known here.
func (l *lookout) place(file *caseFile, c health.Change) {
	switch {
	case c.Service == l.service.Name:
		file.add(4, "a change of %s itself", c.Service)
	case c.Service == "":
		// it may be everywhere: neither for nor against
	case l.illBefore(c.Service):
		file.add(0.5, "a change of %s, which was ill first", c.Service)
	default:
		file.add(-4, "a change of another service, %s", c.Service)
	}
}

// illBefore says whether another service is ill, and no later than this one.
func (l *lookout) illBefore(name string) bool {
	return slices.ContainsFunc(l.others, func(s health.Service) bool {
		return s.Name == name && ill(s.Status) && !s.Since.IsZero() && !s.Since.After(l.service.Since.Add(l.slack()))
	})
}

// moves says what a kind of change can move. Deployments, configuration and flags
// can move anything, so that their match says nothing.
var moves = map[string][]string{
	"prompt": {"quality", "groundedness", "refusals", "finish_length", "tokens_in", "tokens_out", "feedback_bad", "outcome"},
	"model":  {"ttft_p95", "itl_p95", "latency_p95", "errors", "quality", "groundedness", "refusals", "finish_length", "prediction_mean"},
	"index":  {"retrieval_score", "retrieval_empty", "index_age", "embedding_mismatch", "groundedness"},
	"data":   {"feature_nulls", "feature_freshness", "prediction_mean", "label_delay"},
	"tool":   {"tool_errors", "loops", "steps", "handoffs"},
}

// kind weighs whether such a change can do what is seen.
func (l *lookout) kind(file *caseFile, c health.Change) {
	for _, f := range l.service.Findings {
		switch {
		case !ill(f.Status):
		case f.Rule == ruleLimit && slices.Contains(moves[c.Kind], f.Signal):
			file.add(1.5, "%s can move %s", article(c.Kind), title(l.service.Signal(f.Signal)))
			return
		case f.Rule == ruleDrift && c.Kind == "data":
			file.add(1.5, "a data change can move the distribution of %s", f.Signal)
			return
		}
	}
}

func article(kind string) string {
	if strings.HasPrefix(kind, "i") {
		return "an " + kind + " change"
	}
	return "a " + kind + " change"
}

// carried weighs whether the requests that fail carry the new version. It counts
// the loudest of the failures that are new or have grown.
func (l *lookout) carried(file *caseFile, c health.Change) {
	if c.Service != l.service.Name {
		return
	}
	listed, other := "", ""
	for _, f := range l.failures {
		for _, sentence := range f.InCommon {
			said, _, _ := strings.Cut(sentence, " — ")
			for part := range strings.SplitSeq(said, " & ") {
				if carries(part, c.Kind, c.To) {
					file.add(4, "%s", sentence)
					return
				}
			}
		}
		for _, v := range f.Versions {
			switch {
			case carries(v, c.Kind, c.To):
				listed = v
			case carries(v, c.Kind, c.From):
				other = v
			}
		}
	}
	switch {
	case listed != "":
		file.add(2, "failing requests carry %s", listed)
	case other != "":
		file.add(-3, "failing requests carry %s, not %s", other, c.To)
	}
}

// load suspects traffic itself: that there is more of it since the first bad
// sign, and that something is full.
func (l *lookout) load() (health.Suspect, bool) {
	traffic := l.service.Signal("traffic")
	before, after := l.around(traffic.Series)
	if len(before) < 3 || len(after) < 3 || median(before) <= 0 {
		return health.Suspect{}, false
	}
	was, is := median(before), median(after)
	ratio := is / was
	if ratio <= loadRatio {
		return health.Suspect{}, false
	}
	var file caseFile
	file.add(min(6, 10*(ratio-1.1)), "traffic %s → %s, ×%.1f", health.Format(traffic.Unit, was), health.Format(traffic.Unit, is), ratio)
	full := 0
	for _, sig := range l.service.Signals {
		if sig.Group == "saturation" && ill(sig.Status) {
			file.add(2.5, "%s %s, limit %s", title(sig), health.Format(sig.Unit, sig.Value), health.Format(sig.Unit, *reached(sig.Limit)))
			full++
		}
	}
	if full > 0 {
		file.add(1, "more traffic and something full together")
	} else {
		file.add(-3, "nothing is full")
	}
	return health.Suspect{Kind: "load", Service: l.service.Name, At: l.first, Score: file.score(), Evidence: file.lines}, true
}

// around are the values of a series in lookBack before the first bad sign and
// those after it. Points whose rate window reaches across it are neither.
func (l *lookout) around(points []health.Point) (before, after []float64) {
	for _, p := range points {
		switch at := p.Time(); {
		case math.IsNaN(p.V):
		case at.Before(l.first.Add(-clockSteps*l.step)) && at.After(l.first.Add(-lookBack)):
			before = append(before, p.V)
		case at.After(l.first.Add(l.in.RateWindow)):
			after = append(after, p.V)
		}
	}
	return before, after
}
