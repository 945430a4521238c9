package triage

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// TestAnOutageNeitherSoftensNorInventsAVerdict lets a source fall silent under
// services that were critical and well.
func TestAnOutageNeitherSoftensNorInventsAVerdict(t *testing.T) {
	drift := health.Drift{Signal: "prompt length", Kind: "histogram", Level: "critical", PSIAdj: health.Num(.6), NCur: 5000, Since: noon.Add(-10 * time.Minute)}
	alert := health.Alert{Name: "A", Service: "s", State: "firing", Severity: "page", Since: noon.Add(-9 * time.Minute), Source: "main"}
	silent := func(s health.Signal) health.Signal { return lost(s, health.Stale, 2*time.Minute) }
	for name, c := range map[string]struct {
		signals []health.Signal
		drift   bool
		alerts  []health.Alert
		down    string
		want    health.Status
	}{
		"all silent, critical before":              {[]health.Signal{silent(failed(.06, .06)), silent(good(.9, .9))}, true, []health.Alert{alert}, "", health.Unknown},
		"all silent, well before":                  {[]health.Signal{silent(failed(.01, .01))}, true, []health.Alert{alert}, "", health.Unknown},
		"all answer":                               {[]health.Signal{failed(.01, .01)}, true, nil, "", health.Warn},
		"an alert that is renewed":                 {[]health.Signal{failed(.01, .01)}, false, []health.Alert{alert}, "", health.Warn},
		"an alert of who is known to be down":      {[]health.Signal{failed(.01, .01)}, false, []health.Alert{{Name: "A", Service: "s", State: "firing", Source: "am"}}, "am", health.Unknown},
		"an alert that somebody silenced":          {[]health.Signal{failed(.01, .01)}, false, []health.Alert{{Name: "A", Service: "s", State: "firing", Source: "main", Silenced: []string{"s1"}}}, "", health.OK},
		"what was critical is gone, drift is warn": {[]health.Signal{good(.9, .9), silent(failed(.06, .06))}, true, nil, "", health.Unknown},
		"what was warn is gone, drift is warn":     {[]health.Signal{good(.9, .9), silent(failed(.03, .03))}, true, nil, "", health.Warn},
		"critical stays critical":                  {[]health.Signal{good(.6, .6), silent(failed(.06, .06))}, true, nil, "", health.Critical},
	} {
		s := health.Service{Name: "s", Signals: c.signals}
		if c.drift {
			s.Drift = []health.Drift{drift}
		}
		got := judge1(s, func(in *Input) { in.Alerts, in.Down = c.alerts, map[string]bool{c.down: true} })
		if got.Status != c.want {
			t.Errorf("%s: %v, want %v: %+v", name, got.Status, c.want, got.Findings)
		}
	}
}

// TestAServiceIsHeldAgainstItsOwnPast looks at signals nobody set limits for.
func TestAServiceIsHeldAgainstItsOwnPast(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	unlimited := func(id, group string, unit health.Unit, bad health.Bad, values []float64) health.Signal {
		return fresh(id, group, unit, bad, 0, 0, values...)
	}
	for name, c := range map[string]struct {
		signal health.Signal
		text   string
	}{
		"the outcome falls":              {unlimited("outcome", "outcome", health.Ratio, health.Down, stepAt(rng, 240, 36, .74, .52, .02)), "outcome 51"},
		"it rises: no harm":              {unlimited("outcome", "outcome", health.Ratio, health.Down, stepAt(rng, 240, 36, .52, .74, .02)), ""},
		"costs double":                   {unlimited("cost", "cost", health.USDPerH, health.Up, stepAt(rng, 240, 36, 3, 6, .1)), "cost $6"},
		"costs breathe":                  {unlimited("cost", "cost", health.USDPerH, health.Up, stepAt(rng, 240, 36, 3, 3.4, .1)), ""},
		"small, though clear":            {unlimited("outcome", "outcome", health.Ratio, health.Down, stepAt(rng, 240, 36, .74, .72, .001)), ""},
		"too short to be more than luck": {unlimited("outcome", "outcome", health.Ratio, health.Down, stepAt(rng, 240, 2, .74, .50, .02)), ""},
		"neither up nor down is bad":     {unlimited("traffic", "traffic", health.PerSecond, health.Neutral, stepAt(rng, 240, 36, 10, 50, 1)), ""},
		"with a limit, the limit rules":  {failed(stepAt(rng, 240, 36, .001, .015, .0005)...), ""},
	} {
		got := judge1(health.Service{Name: "s", Signals: []health.Signal{failed(times(240, .001)...), c.signal}})
		switch {
		case c.text == "" && got.Status != health.OK:
			t.Errorf("%s: %v, %+v", name, got.Status, got.Findings)
		case c.text != "" && (got.Status != health.Warn || !strings.HasPrefix(got.Findings[0].Text, c.text) || got.Findings[0].Limit == nil):
			t.Errorf("%s: %v, %+v", name, got.Status, got.Findings)
		case c.text != "":
			if since := got.Findings[0].Since.Sub(onset); since.Abs() > 2*step {
				t.Errorf("%s: since %v, want %v", name, got.Findings[0].Since, onset)
			}
		}
	}
}

func TestASeasonIsNoNews(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 1))
	values := make([]float64, 240)
	for i := range values {
		values[i] = 3 + 2*math.Exp(math.Min(0, float64(i-200)/20)) + .05*rng.NormFloat64() // the evening comes
	}
	sig := fresh("cost", "cost", health.USDPerH, health.Up, 0, 0, values...)
	yesterday := slices.Clone(sig.Series)
	for i := range yesterday {
		yesterday[i].T -= 24 * 3600 * 1000
	}
	s := health.Service{Name: "s", Signals: []health.Signal{failed(.001, .001), sig}}
	if got := judge1(s); got.Status != health.Warn {
		t.Errorf("without another day: %v, want the rise to be noticed", got.Status)
	}
	got := judge1(s, func(in *Input) {
		in.Past = func(service, signal string) [][]health.Point { return [][]health.Point{yesterday} }
	})
	if got.Status != health.OK {
		t.Errorf("with it: %v, %+v", got.Status, got.Findings)
	}
}

// TestABudgetIsBurnt holds the two windows of a rule.
func TestABudgetIsBurnt(t *testing.T) {
	const n = 241 // an hour
	for name, c := range map[string]struct {
		values []float64
		want   health.Status
	}{
		"within the objective":              {stepAt(rand.New(rand.NewPCG(1, 1)), n, 0, .0008, .0008, 0), health.OK},
		"fast, for long enough":             {stepAt(rand.New(rand.NewPCG(1, 1)), n, 120, .0008, .06, 0), health.Critical},
		"fast, but over":                    {append(stepAt(rand.New(rand.NewPCG(1, 1)), n-40, 120, .0008, .06, 0), times(40, .0005)...), health.OK},
		"fast, but only since two minutes":  {stepAt(rand.New(rand.NewPCG(1, 1)), n, 8, .0008, .06, 0), health.OK},
		"held for less than the window":     {times(60, .06), health.OK},
		"nothing is known of the last part": {append(times(n-40, .06), times(40, nan)...), health.OK},
	} {
		sig := fresh("errors", "errors", health.Ratio, health.Up, .5, .9, c.values...)
		sig.Objective = health.Num(.999)
		if math.IsNaN(sig.Value) {
			sig.State = health.NaN
		}
		got := judge1(health.Service{Name: "s", Signals: []health.Signal{good(.9, .9), sig}})
		if got.Status != c.want {
			t.Errorf("%s: %v, %+v", name, got.Status, got.Findings)
		}
		if c.want == health.Critical {
			f := got.Findings[0]
			if f.Rule != ruleBurn || *f.Limit != 14.4 || f.Since.Before(noon.Add(-31*time.Minute)) || f.Since.After(noon.Add(-25*time.Minute)) {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}

// TestARuleThatIsIgnoredJudgesNothing lets each rule fire and be ignored; limits are
// set in the config, not ignored.
func TestARuleThatIsIgnoredJudgesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 1))
	s := health.Service{Name: "s", Signals: []health.Signal{failed(.03, .03), fresh("cost", "cost", health.USDPerH, health.Up, 0, 0, stepAt(rng, 240, 36, 3, 6, .1)...)},
		Drift: []health.Drift{{Signal: "prompt length", Kind: "histogram", Level: "critical", PSIAdj: health.Num(.6), NCur: 5000, Since: noon.Add(-10 * time.Minute)}}}
	all := func(in *Input) {
		in.Alerts = []health.Alert{{Name: "A", Service: "s", State: "firing", Since: noon.Add(-9 * time.Minute)}}
		in.Detected = []health.Finding{{Service: "s", Rule: ruleDetector, Text: "loops", Status: health.Warn}}
	}
	rules := func(s health.Service) string {
		var fired []string
		for _, f := range s.Findings {
			fired = append(fired, f.Rule)
		}
		slices.Sort(fired)
		return strings.Join(slices.Compact(fired), " ")
	}
	const every = "alert detector drift limit past"
	if got := rules(judge1(s, all)); got != every {
		t.Fatalf("fired: %s", got)
	}
	for _, rule := range health.Rules() {
		for name, want := range map[string]string{"s": strings.Join(strings.Fields(strings.Replace(every, rule, "", 1)), " "), "another": every} {
			got := judge1(s, all, func(in *Input) { in.Ignored = func(service, r string) bool { return service == name && r == rule } })
			if rules(got) != want {
				t.Errorf("%s ignored of %s: %s, want %s", rule, name, rules(got), want)
			}
		}
	}
}
