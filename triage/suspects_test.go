package triage

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// checkSum holds that the shown lines are the score.
func checkSum(t *testing.T, s health.Suspect) {
	t.Helper()
	var sum float64
	for _, line := range s.Evidence {
		points, text, ok := strings.Cut(line, "  ")
		v, err := strconv.ParseFloat(points, 64)
		if !ok || err != nil || text == "" {
			t.Errorf("line %q is not points and a reason", line)
		}
		if strings.Contains(text, "confidence") {
			t.Errorf("line %q speaks of confidence", line)
		}
		sum += v
	}
	if math.Abs(sum-s.Score) > 1e-9 {
		t.Errorf("the lines of %s add up to %.1f, the score is %v:\n%s", s.Change, sum, s.Score, strings.Join(s.Evidence, "\n"))
	}
	if s.RuledOut != "" && (s.Score != 0 || len(s.Evidence) > 0) {
		t.Errorf("%s is ruled out and has a score", s.Change)
	}
}

// stepAt is n points of noise around was, that become is so many points before
// the end.
func stepAt(rng *rand.Rand, n, before int, was, is, noise float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		level := was
		if i >= n-before {
			level = is
		}
		v[i] = level + noise*rng.NormFloat64()
	}
	return v
}

const onsetPoints = 36 // 9 minutes of 15 s before noon

var onset = noon.Add(-(onsetPoints - 1) * step)

// badPrompt is a service whose quality fell nine minutes before noon.
func badPrompt(rng *rand.Rand) health.Service {
	return health.Service{Name: "support-chat", Kind: health.LLM, Signals: []health.Signal{
		fresh("traffic", "traffic", health.PerSecond, health.Neutral, 0, 0, stepAt(rng, 240, 0, 42, 42, 1)...),
		failed(stepAt(rng, 240, 0, .004, .004, .0005)...),
		good(stepAt(rng, 240, onsetPoints, .90, .61, .01)...),
	}}
}

func change(kind, service, from, to string, beforeOnset time.Duration) health.Change {
	return health.Change{ID: kind + " " + to, Kind: kind, Service: service, From: from, To: to, At: onset.Add(-beforeOnset)}
}

func TestTheGuiltyChangeIsFirstAndSaysWhy(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	prompt := change("prompt", "support-chat", "v31", "v32", time.Minute)
	build := change("deploy", "support-chat", "1.8.0", "1.9.0", 14*time.Minute)
	other := change("model", "fraud-score", "m1", "m2", 30*time.Second)
	after := change("flag", "support-chat", "off", "on", -4*time.Minute)
	undone := change("rollback", "support-chat", "v32", "v31", 10*time.Second)
	ancient := change("prompt", "support-chat", "v30", "v31", 40*time.Minute)
	failing := health.Failure{Service: "support-chat", State: "new", InCommon: []string{"prompt_version=v32 — 121 of 135 failing (90 %)"}, Versions: []string{"prompt v32"}}
	s := judge1(badPrompt(rng), func(in *Input) {
		in.Changes = []health.Change{after, other, prompt, undone, build, ancient}
		in.Failures = []health.Failure{failing}
	})
	if len(s.Suspects) == 0 {
		t.Fatal("nobody is suspected")
	}
	best := s.Suspects[0]
	if best.Change != prompt.ID || best.Label != "strong" || best.Rank != 1 || best.From != "v31" || best.To != "v32" || !best.At.Equal(prompt.At) {
		t.Errorf("first is %+v, want the prompt, strong", best)
	}
	want := []string{
		"+4.7  60 s before the first bad sign",
		"+4.0  a change of support-chat itself",
		"+1.5  a prompt change can move answers judged good",
		"+4.0  prompt_version=v32 — 121 of 135 failing (90 %)",
	}
	if !slices.Equal(best.Evidence, want) {
		t.Errorf("evidence\n got %q\nwant %q", best.Evidence, want)
	}
	var seen []string
	for i, sus := range s.Suspects {
		checkSum(t, sus)
		seen = append(seen, sus.Change)
		if sus.Rank != i+1 || i > 0 && sus.Label != "unclear" {
			t.Errorf("%s has rank %d and label %q", sus.Change, sus.Rank, sus.Label)
		}
		if sus.Change == after.ID && sus.RuledOut != "4 m after the first bad sign" {
			t.Errorf("the flag is ruled out because %q", sus.RuledOut)
		}
	}
	if want := []string{prompt.ID, build.ID, other.ID, after.ID}; !slices.Equal(seen, want) {
		t.Errorf("suspected %q, want %q", seen, want)
	}
}

func TestEachPieceOfEvidenceHasItsPoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	base := badPrompt(rng)
	fails := func(f health.Failure) func(*Input) {
		f.Service, f.State = "support-chat", "grown"
		return func(in *Input) { in.Failures = []health.Failure{f} }
	}
	sick := health.Service{Name: "vector-db", Signals: []health.Signal{failed(stepAt(rng, 240, onsetPoints+4, .01, .09, .001)...)}}
	for name, c := range map[string]struct {
		change health.Change
		with   []func(*Input)
		line   string
	}{
		"within the grace":                    {change("prompt", "support-chat", "v31", "v32", 90*time.Second), nil, "+4.5  90 s before the first bad sign"},
		"beyond it":                           {change("prompt", "support-chat", "v31", "v32", 11*time.Minute), nil, "+1.5  11 m before the first bad sign"},
		"a slow kind":                         {change("data", "support-chat", "d1", "d2", 20*time.Minute), nil, "+4.2  20 m before the first bad sign"},
		"of a kind nobody knows":              {change("weather", "support-chat", "", "", 5*time.Minute), nil, "+4.0  5 m before the first bad sign"},
		"at the same moment":                  {change("flag", "support-chat", "", "on", 0), nil, "+5.0  together with the first bad sign"},
		"too close to tell":                   {change("flag", "support-chat", "", "on", -50*time.Second), nil, "+5.0  50 s after the first bad sign: too close to tell which was first"},
		"another service":                     {change("model", "fraud-score", "m1", "m2", time.Minute), nil, "-4.0  a change of another service, fraud-score"},
		"another that was ill first":          {change("index", "vector-db", "i1", "i2", 5*time.Minute), []func(*Input){func(in *Input) { in.Services = append(in.Services, sick) }}, "+0.5  a change of vector-db, which was ill first"},
		"it can do that":                      {change("model", "support-chat", "m1", "m2", time.Minute), nil, "+1.5  a model change can move answers judged good"},
		"failing requests have it in common":  {change("prompt", "support-chat", "v31", "v32", time.Minute), []func(*Input){fails(health.Failure{InCommon: []string{"region=eu & prompt_version=v32 — 9 of 10 failing (90 %)"}})}, "+4.0  region=eu & prompt_version=v32 — 9 of 10 failing (90 %)"},
		"failing requests carry it":           {change("prompt", "support-chat", "v31", "v32", time.Minute), []func(*Input){fails(health.Failure{Versions: []string{"prompt v31", "prompt v32"}})}, "+2.0  failing requests carry prompt v32"},
		"failing requests carry the old one":  {change("prompt", "support-chat", "v31", "v32", time.Minute), []func(*Input){fails(health.Failure{Versions: []string{"model v32", "prompt v31"}})}, "-3.0  failing requests carry prompt v31, not v32"},
		"a build is the version of a release": {change("deploy", "support-chat", "1.8", "1.9", time.Minute), []func(*Input){fails(health.Failure{InCommon: []string{"build_version=1.9 — 9 of 10 failing (90 %)"}})}, "+4.0  build_version=1.9 — 9 of 10 failing (90 %)"},
	} {
		own := c.change
		s := judge1(base, append([]func(*Input){func(in *Input) { in.Changes = []health.Change{own} }}, c.with...)...)
		if len(s.Suspects) == 0 {
			t.Errorf("%s: nobody is suspected", name)
			continue
		}
		checkSum(t, s.Suspects[0])
		if !slices.Contains(s.Suspects[0].Evidence, c.line) {
			t.Errorf("%s: %q\nlacks %q", name, s.Suspects[0].Evidence, c.line)
		}
	}
}

func TestMoreTrafficAndSomethingFullIsLoad(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 1))
	jam := health.Service{Name: "llama-chat", Kind: health.LLM, Signals: []health.Signal{
		fresh("traffic", "traffic", health.PerSecond, health.Neutral, 0, 0, stepAt(rng, 240, onsetPoints, 20, 36, .5)...),
		fresh("kv_cache", "saturation", health.Ratio, health.Up, .90, .98, stepAt(rng, 240, onsetPoints, .5, .99, .002)...),
		fresh("queue", "saturation", health.Count, health.Up, 10, 50, stepAt(rng, 240, onsetPoints, 1, 80, .5)...),
		fresh("ttft_p95", "latency", health.Seconds, health.Up, 2, 5, stepAt(rng, 240, onsetPoints, .8, 9, .1)...),
	}}
	s := judge1(jam, func(in *Input) {
		in.Changes = []health.Change{change("deploy", "llama-chat", "1", "2", 6*time.Minute)}
	})
	if s.Status != health.Critical || len(s.Suspects) < 2 {
		t.Fatalf("%v, suspects %+v", s.Status, s.Suspects)
	}
	best := s.Suspects[0]
	checkSum(t, best)
	if best.Kind != "load" || best.Change != "" || best.Label != "strong" {
		t.Errorf("first is %+v, want load, strong", best)
	}
	if !strings.HasPrefix(best.Evidence[0], "+6.0  traffic 20/s → 36/s, ×1.8") {
		t.Errorf("evidence %q", best.Evidence)
	}

	jam.Signals = slices.Delete(slices.Clone(jam.Signals), 1, 3)
	s = judge1(jam)
	if len(s.Suspects) != 1 || s.Suspects[0].Label != "unclear" || !slices.Contains(s.Suspects[0].Evidence, "-3.0  nothing is full") {
		t.Errorf("more traffic without anything full: %+v", s.Suspects)
	}
	jam.Signals[0] = fresh("traffic", "traffic", health.PerSecond, health.Neutral, 0, 0, stepAt(rng, 240, onsetPoints, 20, 23, .5)...)
	if s = judge1(jam); len(s.Suspects) != 0 {
		t.Errorf("traffic that has hardly grown is suspected: %+v", s.Suspects)
	}
}

func TestAnEngineerIsNotSentAfterACoinFlip(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 1))
	base := badPrompt(rng)
	for name, c := range map[string]struct {
		changes []health.Change
		labels  []string
	}{
		"two alike":        {[]health.Change{change("prompt", "support-chat", "v31", "v32", time.Minute), change("model", "support-chat", "m1", "m2", time.Minute)}, []string{"unclear", "unclear"}},
		"one a little off": {[]health.Change{change("prompt", "support-chat", "v31", "v32", time.Minute), change("flag", "support-chat", "a", "b", 2*time.Minute)}, []string{"likely", "unclear"}},
		"one alone":        {[]health.Change{change("prompt", "support-chat", "v31", "v32", time.Minute)}, []string{"strong"}},
		"none":             {nil, nil},
	} {
		var labels []string
		for _, s := range judge1(base, func(in *Input) { in.Changes = c.changes }).Suspects {
			labels = append(labels, s.Label)
		}
		if !slices.Equal(labels, c.labels) {
			t.Errorf("%s: %q, want %q", name, labels, c.labels)
		}
	}
}

func TestAChangeBetweenTheFirstAndTheWorstSignIsNotRuledOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 1))
	s := badPrompt(rng)
	s.Signals[1] = failed(stepAt(rng, 240, onsetPoints+20, .004, .03, .0005)...) // warn, five minutes earlier
	s = judge1(s, func(in *Input) {
		in.Changes = []health.Change{change("prompt", "support-chat", "v31", "v32", time.Minute)}
	})
	if len(s.Suspects) != 1 || s.Suspects[0].RuledOut != "" {
		t.Fatalf("suspects %+v", s.Suspects)
	}
	checkSum(t, s.Suspects[0])
	if want := "-3.0  the first bad sign was 4 m before it"; s.Suspects[0].Evidence[0] != want {
		t.Errorf("evidence %q, want %q first", s.Suspects[0].Evidence, want)
	}
}

func TestADriftOfFeaturesSuspectsTheData(t *testing.T) {
	s := health.Service{Name: "fraud-score", Kind: health.ML, Signals: []health.Signal{failed(.001, .001)}, Drift: []health.Drift{
		{Feature: "amount", Kind: "histogram", Level: "critical", PSIAdj: health.Num(.6), NCur: 5000, Since: onset},
	}}
	got := judge1(s, func(in *Input) {
		in.Changes = []health.Change{change("data", "fraud-score", "d7", "d8", 5*time.Minute)}
	})
	if len(got.Suspects) != 1 || !slices.Contains(got.Suspects[0].Evidence, "+1.5  a data change can move the distribution of amount") {
		t.Errorf("suspects %+v", got.Suspects)
	}
}

func TestSymptomsAreTheSignalsBeyondTheirLimits(t *testing.T) {
	s := judge1(health.Service{Name: "s", Signals: []health.Signal{
		failed(.01, .03, .03), good(.9, .61, .61), fresh("p95", "latency", health.Seconds, health.Up, 8, 20, 1, 1),
		fresh("x", "errors", health.Count, health.Up, 0, 5, 9, 9),
	}, Drift: []health.Drift{{Feature: "amount", Kind: "histogram", Level: "critical", PSIAdj: health.Num(.6)}}})
	want := []health.Symptom{
		{Signal: "quality", Title: "answers judged good", Unit: health.Score, Bad: health.Down, Value: .61, Limit: .80},
		{Signal: "x", Title: "x", Unit: health.Count, Bad: health.Up, Value: 9, Limit: 5},
		{Signal: "errors", Title: "failed requests", Unit: health.Ratio, Bad: health.Up, Value: .03, Limit: .02},
	}
	if got := Symptoms(s); !slices.Equal(got, want) {
		t.Errorf("symptoms\n got %+v\nwant %+v", got, want)
	}
}

func TestAReadingIsKnownOnlyFromSamplesAfterTheAct(t *testing.T) {
	symptom := health.Symptom{Signal: "errors", Bad: health.Up, Limit: .02}
	act := noon.Add(-time.Minute)
	for name, c := range map[string]struct {
		signal health.Signal
		settle time.Duration
		known  bool
		value  float64
		at     time.Time
	}{
		"newer than the act":                  {failed(.06, .01), 0, true, .01, noon},
		"exactly as old as act and settling":  {failed(.06, .01), time.Minute, false, 0, time.Time{}},
		"a little newer":                      {failed(.06, .01), time.Minute - time.Millisecond, true, .01, noon},
		"older than the act":                  {lost(failed(.06, .06), health.Stale, 2*time.Minute), 0, false, 0, time.Time{}},
		"stale, but newer than the act":       {lost(failed(.06, .01), health.Stale, 30*time.Second), 0, true, .01, noon.Add(-30 * time.Second)},
		"no number now, a number after it":    {lost(failed(.06, .01, nan), health.NaN, 0), 0, true, .01, noon.Add(-step)},
		"absent altogether":                   {health.Signal{ID: "errors"}, 0, false, 0, time.Time{}},
		"the series is newer than the value":  {lagging(failed(.06, .01)), 0, true, .01, noon},
		"unreachable, and nothing since":      {unreached(), 0, false, 0, time.Time{}},
		"another signal is no proof for this": {good(.9, .9), 0, false, 0, time.Time{}},
		"an act in the future proves nothing": {failed(.06, .01), time.Hour, false, 0, time.Time{}},
		"the value is newer than its series":  {later(failed(.06, .06), .01), 0, true, .01, noon},
	} {
		got := Readings(health.Service{Signals: []health.Signal{c.signal}}, act, c.settle, []health.Symptom{symptom})
		want := health.Reading{Symptom: symptom, Value: c.value, At: c.at, Known: c.known}
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// lagging has a value that is a step older than its series.
func lagging(s health.Signal) health.Signal {
	s.At, s.Value = noon.Add(-step), s.Series[len(s.Series)-2].V
	return s
}
