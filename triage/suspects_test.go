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

// requestsOf are logged requests of a service every two seconds until noon: a share
// of them fails, by what each has.
func requestsOf(rng *rand.Rand, service string, n int, has func(i int, r *health.Request) (fails float64)) heldWhole {
	all := make(heldWhole, n)
	for i := range all {
		r := &all[i]
		r.At, r.Service = noon.Add(-time.Duration(n-i)*2*time.Second), service
		r.Failed = rng.Float64() < has(i, r)
	}
	return all
}

func prompts(rng *rand.Rand, share, bad float64) heldWhole {
	return requestsOf(rng, "support-chat", 1500, func(_ int, r *health.Request) float64 {
		r.Dims = []health.Field{{Name: "region", Value: []string{"eu", "us", "ap"}[rng.IntN(3)]}}
		r.Lineage.Prompt = "v31"
		if !r.At.Before(onset) && rng.Float64() < share {
			r.Lineage.Prompt = "v32"
			return bad
		}
		return .02
	})
}

func TestTheGuiltyChangeIsFirstAndSaysWhy(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	prompt := change("prompt", "support-chat", "v31", "v32", time.Minute)
	build := change("deploy", "support-chat", "1.8.0", "1.9.0", 14*time.Minute)
	other := change("model", "fraud-score", "m1", "m2", 30*time.Second)
	after := change("flag", "support-chat", "off", "on", -4*time.Minute)
	undone := change("rollback", "support-chat", "v32", "v31", 10*time.Second)
	s := judge1(badPrompt(rng), func(in *Input) {
		in.Changes = []health.Change{after, other, prompt, undone, build}
		in.Records = prompts(rng, .6, .3)
	})
	if len(s.Suspects) == 0 {
		t.Fatal("nobody is suspected")
	}
	best := s.Suspects[0]
	if best.Change != prompt.ID || best.Label != "strong" || best.Rank != 1 || best.From != "v31" || best.To != "v32" || !best.At.Equal(prompt.At) {
		t.Errorf("first is %+v, want the prompt, strong", best)
	}
	if len(best.Evidence) != 4 || !strings.Contains(best.Evidence[2], " in the same minutes") {
		t.Errorf("evidence %q, want time, place, the two versions and the kind", best.Evidence)
	}
	for i, sus := range s.Suspects {
		checkSum(t, sus)
		if sus.Rank != i+1 || i > 0 && sus.Label != "unclear" {
			t.Errorf("%s has rank %d and label %q", sus.Change, sus.Rank, sus.Label)
		}
		if sus.Change == after.ID && sus.RuledOut != "4 m after the first bad sign" {
			t.Errorf("the flag is ruled out because %q", sus.RuledOut)
		}
		if sus.Change == undone.ID {
			t.Error("a rollback is suspected")
		}
	}
}

func TestAVersionThatFailsLikeTheOneBeforeIsRefuted(t *testing.T) {
	rng := rand.New(rand.NewPCG(16, 1))
	prompt := change("prompt", "support-chat", "v31", "v32", time.Minute)
	s := judge1(badPrompt(rng), func(in *Input) {
		in.Changes = []health.Change{prompt}
		in.Records = prompts(rng, .5, .02)
	})
	i := slices.IndexFunc(s.Suspects, func(v health.Suspect) bool { return v.Change == prompt.ID })
	if i < 0 || s.Suspects[i].RuledOut != "v32 and v31 fail alike in the same minutes" {
		t.Errorf("suspects %+v", s.Suspects)
	}
}

func TestEachPieceOfEvidenceHasItsPoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	base := badPrompt(rng)
	sick := health.Service{Name: "vector-db", Signals: []health.Signal{failed(stepAt(rng, 240, onsetPoints+8, .01, .09, .001)...)}}
	well := health.Service{Name: "vector-db", Signals: []health.Signal{failed(stepAt(rng, 240, 0, .01, .01, .001)...)}}
	leaning := func(on health.Service) func(*Input) {
		return func(in *Input) {
			in.Services = append(in.Services, on)
			in.Services[0].Calls = []string{on.Name}
		}
	}
	for name, c := range map[string]struct {
		change health.Change
		with   []func(*Input)
		lines  []string
	}{
		"within the grace":        {change("prompt", "support-chat", "v31", "v32", 90*time.Second), nil, []string{"+4.5  90 s before the first bad sign of support-chat", "+4.0  support-chat moved, and nothing it leans on moved before it", "+1.5  a prompt change can move answers judged good"}},
		"beyond it":               {change("prompt", "support-chat", "v31", "v32", 11*time.Minute), nil, []string{"+1.5  11 m before the first bad sign of support-chat"}},
		"a slow kind":             {change("data", "support-chat", "d1", "d2", 20*time.Minute), nil, []string{"+4.2  20 m before the first bad sign of support-chat"}},
		"of a kind nobody knows":  {change("weather", "support-chat", "", "", 5*time.Minute), nil, []string{"+4.0  5 m before the first bad sign of support-chat"}},
		"at the same moment":      {change("flag", "support-chat", "", "on", 0), nil, []string{"+5.0  together with the first bad sign of support-chat"}},
		"too close to tell":       {change("flag", "support-chat", "", "on", -50*time.Second), nil, []string{"+5.0  50 s after the first bad sign of support-chat: too close to tell which was first"}},
		"everywhere":              {change("flag", "", "", "on", time.Minute), nil, []string{"+4.5  60 s before the first bad sign"}},
		"what it leans on moved":  {change("index", "vector-db", "i1", "i2", 5*time.Minute), []func(*Input){leaning(sick)}, []string{"+4.0  vector-db moved, and nothing it leans on moved before it"}},
		"its own, but that moved": {change("prompt", "support-chat", "v31", "v32", 3*time.Minute), []func(*Input){leaning(sick)}, []string{"+0.5  support-chat moved, but something it leans on moved first"}},
		"what did not move":       {change("index", "vector-db", "i1", "i2", time.Minute), []func(*Input){leaning(well)}, []string{"-0.5  none of 1 signals of vector-db moved", "+1.3  support-chat, which calls it, moved first"}},
		"a drift": {change("data", "support-chat", "d1", "d2", time.Minute), []func(*Input){func(in *Input) {
			in.Services[0].Drift = []health.Drift{{Feature: "amount", Kind: "histogram", Level: "critical", PSIAdj: health.Num(.6), NCur: 5000, Since: onset}}
		}}, []string{"+1.5  a data change can move the distribution of amount"}},
	} {
		own := c.change
		s := judge1(base, append([]func(*Input){func(in *Input) { in.Changes = []health.Change{own} }}, c.with...)...)
		i := slices.IndexFunc(s.Suspects, func(v health.Suspect) bool { return v.Change == own.ID })
		if i < 0 {
			t.Errorf("%s: not suspected: %+v", name, s.Suspects)
			continue
		}
		checkSum(t, s.Suspects[i])
		for _, line := range c.lines {
			if !slices.Contains(s.Suspects[i].Evidence, line) {
				t.Errorf("%s: %q\nlacks %q", name, s.Suspects[i].Evidence, line)
			}
		}
	}
}

func TestAProviderThatFailsIsSuspectedAndNothingOfOurs(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 1))
	s := badPrompt(rng)
	s.Signals[1] = failed(stepAt(rng, 240, onsetPoints, .004, .12, .0005)...)
	got := judge1(s, func(in *Input) {
		in.Changes = []health.Change{change("deploy", "support-chat", "1.8.0", "1.9.0", 12*time.Minute)}
		in.Records = requestsOf(rng, "support-chat", 1500, func(_ int, r *health.Request) float64 {
			r.Dims = []health.Field{{Name: "provider", Value: []string{"openai", "anthropic"}[rng.IntN(2)]}}
			if r.Dims[0].Value == "openai" && !r.At.Before(onset) {
				return .4
			}
			return .01
		})
	})
	if len(got.Suspects) == 0 || got.Suspects[0].Kind != "external" || got.Suspects[0].Service != "openai" || got.Suspects[0].Change != "" {
		t.Fatalf("suspects %+v", got.Suspects)
	}
	checkSum(t, got.Suspects[0])
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
	of := func(kind string) (found health.Suspect) {
		for _, v := range s.Suspects {
			if v.Kind == kind {
				found = v
			}
		}
		return found
	}
	if load := of("load"); load.Label != "unclear" || !slices.Contains(load.Evidence, "-3.0  nothing is full") {
		t.Errorf("more traffic without anything full: %+v", s.Suspects)
	}
	jam.Signals[0] = fresh("traffic", "traffic", health.PerSecond, health.Neutral, 0, 0, stepAt(rng, 240, onsetPoints, 20, 23, .5)...)
	if s = judge1(jam); of("load").Kind != "" {
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
		"two alike":        {[]health.Change{change("prompt", "support-chat", "v31", "v32", time.Minute), change("model", "support-chat", "m1", "m2", time.Minute)}, []string{"unclear", "unclear", "unclear"}},
		"one a little off": {[]health.Change{change("prompt", "support-chat", "v31", "v32", time.Minute), change("flag", "support-chat", "a", "b", 2*time.Minute)}, []string{"likely", "unclear", "unclear"}},
		"one alone":        {[]health.Change{change("prompt", "support-chat", "v31", "v32", time.Minute)}, []string{"strong", "unclear"}},
		"none":             {nil, []string{"likely"}},
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
	if len(s.Suspects) == 0 || s.Suspects[0].RuledOut != "" {
		t.Fatalf("suspects %+v", s.Suspects)
	}
	checkSum(t, s.Suspects[0])
	if want := "-3.0  the first bad sign of support-chat was 4 m before it"; s.Suspects[0].Evidence[0] != want {
		t.Errorf("evidence %q, want %q first", s.Suspects[0].Evidence, want)
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
