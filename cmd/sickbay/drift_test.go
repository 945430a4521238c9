package main

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// drifted is a snapshot with comparisons of two services and one hostile label.
func drifted() *health.Snapshot {
	num := health.Num
	return &health.Snapshot{At: storyTime, Window: time.Hour, Sources: []health.SourceState{{Name: "main", Kind: "prometheus", OK: true}}, Services: []health.Service{
		{Name: "code-assist", Drift: []health.Drift{
			{Service: "code-assist", Signal: "answer length", Kind: "histogram", Level: "insufficient", PSIAdj: num(0.4), NRef: 40, NCur: 12, Detectable: num(0.71)},
			{Service: "code-assist", Signal: "evil\x1b[2J\u202e", Kind: "categorical", Level: "ok", Status: health.OK, PSIAdj: num(0), Low: num(0), High: num(0.01), NRef: 1e4, NCur: 1e3},
		}},
		{Name: "fraud-score", Drift: []health.Drift{
			{Service: "fraud-score", Signal: "feature", Feature: "amount", Kind: "histogram", Level: "warn", Status: health.Warn, PSIAdj: num(0.16), Low: num(0.11), High: num(0.21), Gap: num(0.12),
				P: num(0.0004), NRef: 88123, NCur: 21456, Since: storyTime.Add(-20 * time.Minute), Against: "the same hour of 7 earlier days", Outcome: "fraud caught unchanged", Band: num(math.Pi / 100)},
			{Service: "fraud-score", Signal: "feature", Feature: "amount", Kind: "exported", Level: "exported", Tool: "evidently psi", Score: num(0.42)},
			{Service: "fraud-score", Signal: "prediction", Kind: "exported", Level: "exported", Tool: "nannyml jensen-shannon, base 2", Score: num(0.08)},
		}},
	}}
}

func printed(t *testing.T, s *health.Snapshot, o driftFlags) (out, errs string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{out: &stdout, err: &stderr, now: func() time.Time { return storyTime }}
	code = codeOf(a.drift(s, o))
	return stdout.String(), stderr.String(), code
}

func TestDriftPrintsTheTableByConsequence(t *testing.T) {
	t.Parallel()
	out, _, code := printed(t, drifted(), driftFlags{})
	lines := strings.Split(strings.TrimSpace(out), "\n")
	want := [][]string{
		{"SERVICE", "WHAT", "THEN/NOW", "SCORE", "INTERVAL", "SINCE", "LEVEL"},
		{"fraud-score", "feature amount", "88k/21k", "0.16", "0.11–0.21", "Nov 20 13:42", "shift (evidently psi 0.42); fraud caught unchanged"},
		{"fraud-score", "prediction", "–", "0.08", "–", "by nannyml jensen-shannon, base 2, not judged here"},
		{"code-assist", "answer length", "40/12", "–", "too few requests: shifts under 0.7 sigma cannot be seen"},
		{"code-assist", "evil␛[2J", "10k/1k", "0.00", "0.00–0.01", "ok: no shift is certain"},
		{},
		{"then is the same hour of 7 earlier days"},
	}
	if len(lines) != len(want) || code != 0 {
		t.Fatalf("exit code %d, %d lines:\n%s", code, len(lines), out)
	}
	for i, parts := range want {
		for _, p := range parts {
			if !strings.Contains(lines[i], p) {
				t.Errorf("line %d has no %q: %q", i, p, lines[i])
			}
		}
	}
	if strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("what is hostile came through: %q", out)
	}
}

func TestDriftSaysOfEachServiceWhatThenIsWhereTheyDiffer(t *testing.T) {
	t.Parallel()
	s := drifted()
	s.Services[0].Drift[0].Against, s.Services[0].Drift[1].Against = "before 2.14.1", "before 2.14.1"
	out, _, _ := printed(t, s, driftFlags{})
	for _, want := range []string{"\nthen is the same hour of 7 earlier days: fraud-score\n", "\nthen is before 2.14.1: code-assist\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestDriftIsNarrowedByServiceAndSignal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o    driftFlags
		rows int
		code int
	}{
		{driftFlags{service: "fraud-score"}, 2, 0},
		{driftFlags{signal: "AMOUNT"}, 1, 0},
		{driftFlags{signal: "feature/amount"}, 1, 0},
		{driftFlags{signal: "feature amount"}, 1, 0},
		{driftFlags{service: "code-assist", signal: "answer length"}, 1, 0},
		{driftFlags{service: "code-assist", signal: "amount"}, 0, exitFailed},
		{driftFlags{service: "nobody"}, 0, exitFailed},
	} {
		out, _, code := printed(t, drifted(), c.o)
		table, _, _ := strings.Cut(out, "\n\n")
		if n := max(strings.Count(strings.TrimSpace(table), "\n"), 0); n != c.rows || code != c.code {
			t.Errorf("%+v: %d rows, exit code %d, want %d and %d:\n%s", c.o, n, code, c.rows, c.code, out)
		}
	}
}

func TestDriftWithoutAnythingToCompareSaysSo(t *testing.T) {
	t.Parallel()
	s := &health.Snapshot{Sources: []health.SourceState{{Name: "main", Error: "main: refused"}}}
	out, errs, code := printed(t, s, driftFlags{})
	if code != 0 || !strings.HasPrefix(out, "nothing is compared") || errs != "source   main: refused\n" {
		t.Errorf("exit code %d, out %q, err %q", code, out, errs)
	}
	if out, _, _ := printed(t, s, driftFlags{json: true}); strings.TrimSpace(out) != "[]" {
		t.Errorf("JSON without rows is %q", out)
	}
}

func TestDriftAsJSONHoldsThePromiseOfASnapshot(t *testing.T) {
	t.Parallel()
	out, _, code := printed(t, drifted(), driftFlags{json: true})
	var all []map[string]any
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v\n%s", code, err, out)
	}
	if len(all) != 5 || all[0]["service"] != "fraud-score" || all[0]["feature"] != "amount" || all[1]["tool"] != "evidently psi" || all[0]["n_current"] != 21456.0 {
		t.Errorf("%d objects, the first two %v", len(all), all[:2])
	}
	for _, o := range all {
		if s, ok := o["service"].(string); !ok || s == "" {
			t.Errorf("its service is %v", o["service"])
		}
		delete(o, "service")
		for _, key := range []string{"measures", "windows"} {
			if _, ok := o[key].([]any); !ok {
				t.Errorf("%q is %#v, not a list", key, o[key])
			}
			delete(o, key)
		}
		for _, f := range broken("services[].drift[]", any(o), map[string]int{}) {
			t.Error(f)
		}
	}
}

func TestOneComparisonIsLookedAtClosely(t *testing.T) {
	t.Parallel()
	config := stack(t, "feature-drift").Config
	s := newConsole(t).want(0, "drift", "--config", config, "--service", "fraud-score", "--signal", "merchant_risk")
	for _, want := range []string{"fraud-score  feature merchant_risk", "\n outcome", "\n onset         a step up at 13:5", "\n near it       13:49 data", "then", "│ was", "▲+", "▼−", "JS distance, base 2", "Wasserstein", "\n query"} {
		if !strings.Contains(s.out, want) {
			t.Errorf("no %q in\n%s", want, s.out)
		}
	}
	var all []struct {
		Feature  string
		Onset    *string
		Near     []string
		Measures []struct{ Name string }
		Windows  []struct{ N float64 }
	}
	asked := newConsole(t).want(0, "drift", "--config", config, "--service", "fraud-score", "--signal", "feature/merchant_risk", "--json")
	if err := json.Unmarshal([]byte(asked.out), &all); err != nil || len(all) != 2 || all[0].Onset == nil || len(all[0].Near) == 0 || len(all[0].Measures) < 10 || len(all[0].Windows) < 3 || all[0].Windows[0].N == 0 {
		t.Errorf("%v: %s", err, clip(asked.out))
	}
	picture := newConsole(t).want(0, "snapshot", "--config", config, "--view", "drift", "--service", "fraud-score")
	if !strings.Contains(picture.out, " onset ") || !strings.Contains(picture.out, "JS distance") {
		t.Errorf("the picture of the drift view has no comparison open:\n%s", picture.out)
	}
}

func TestAReferenceNobodyKnowsIsAUsageError(t *testing.T) {
	t.Parallel()
	s := newConsole(t).want(exitUsage, "drift", "--reference", "yesterday")
	if !strings.Contains(s.err, `--reference "yesterday": days, week, earlier, deployment, baseline`) || s.out != "" {
		t.Errorf("out %q, err %q", s.out, s.err)
	}
}

func TestTheDriftOfTheDemoIsThatOfTheGuilty(t *testing.T) {
	t.Parallel()
	s := newConsole(t).want(0, "drift", "--config", stack(t, "feature-drift").Config)
	lines := strings.Split(s.out, "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "fraud-score") })
	if i != 1 || !strings.Contains(lines[1], "feature") || !strings.Contains(lines[1], "large shift") {
		t.Errorf("the first row is no feature of fraud-score:\n%s", clip(s.out))
	}
}
