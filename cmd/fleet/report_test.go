package main

import (
	"bytes"
	"math"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"sickbay/packs"
)

func TestEverySampleFillsAtLeastHalfOfItsPack(t *testing.T) {
	for _, p := range packs.All() {
		t.Run(p.ID, func(t *testing.T) {
			r, err := examine(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if r.services == 0 || 2*r.filled < r.signals {
				t.Errorf("%d of %d signals of %d services have a value:\n%s", r.filled, r.signals, r.services, strings.Join(r.empty, "\n"))
			}
		})
	}
}

func TestTheReportNamesWhatIsMissing(t *testing.T) {
	file := `
title = "thin"
detect = ["app_total"]
identity = ["service"]
sample = '''
app_total{service="a",status="ok"} 10
app_depth{service="a"} 3
app_idle{service="a"} 0
'''
[[signal]]
id = "traffic"
query = "sum by ($by) (rate(app_total[$rate]))"
[[signal]]
id = "queue"
query = "sum by ($by) (app_depth)"
[[signal]]
id = "latency_p95"
query = "histogram_quantile(0.95, sum by ($by, le) (rate(app_seconds_bucket[$rate])))"
[[signal]]
id = "errors"
query = 'sum by ($by) (rate(app_total{status="error"}[$rate])) / sum by ($by) (rate(app_total[$rate]))'
[[signal]]
id = "refusals"
query = "sum by ($by) (app_idle / app_idle)"
[[signal]]
id = "ttft_p95"
query = "histogram_quantile(0.95, sum by ($by) (rate(app_first[$rate])))"
`
	p, faults := packs.Parse("thin.toml", []byte(file))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var out bytes.Buffer
	if err := packsReport(t.Context(), &out, []*packs.Pack{p}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"thin     service  1         5        2        40 %", "latency_p95: the sample has no app_seconds_bucket",
		"errors: all its metrics are there, but not with the labels it asks for", "refusals: all its metrics are there, but the answer is NaN",
		"1 read native histograms, which no sample line can show",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestTheReportSaysWhatKindOfPackHasNothingToFill(t *testing.T) {
	for id, want := range map[string]string{
		"vllm-native":        "native  4 read native histograms, which no sample line can show",
		"kube-state-metrics": "-       guest: it speaks of services that other packs make",
		"airflow-dags":       "100 %   guest: it speaks of services that other packs make",
		"ai-drift":           "-       no signals: 1 score of another tool",
	} {
		all, err := choose(packs.All(), id)
		if err != nil {
			t.Fatal(err)
		}
		one, err := choose(packs.All(), "vllm-native") // so that columns are as wide in all of them
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := packsReport(t.Context(), &out, append(one, all...)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: no %q in\n%s", id, want, out.String())
		}
	}
}

func TestSampleLinesAreRead(t *testing.T) {
	for line, want := range map[string]sample{
		`up 1`: {line: "up", name: "up", labels: map[string]string{}, value: 1},
		`x_total{a="1",b="with \"quotes\", a comma and }"} 2.5e3`: {
			line: `x_total{a="1",b="with \"quotes\", a comma and }"}`, name: "x_total",
			labels: map[string]string{"a": "1", "b": `with "quotes", a comma and }`}, value: 2500,
		},
		`{"gen_ai.usage", job="shop", "gen_ai.operation.name"="chat"} 131`: {
			line: `{"gen_ai.usage", job="shop", "gen_ai.operation.name"="chat"}`, name: "gen_ai.usage",
			labels: map[string]string{"job": "shop", "gen_ai.operation.name": "chat"}, value: 131,
		},
		`vllm:x{le="+Inf"} 3 1700000000000`: {line: `vllm:x{le="+Inf"}`, name: "vllm:x", labels: map[string]string{"le": "+Inf"}, value: 3},
		`x{} +Inf`:                          {line: `x{}`, name: "x", labels: map[string]string{}, value: math.Inf(1)},
	} {
		got, err := parseSample(line)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %v, want %+v", line, got, err, want)
		}
	}
	for line, want := range map[string]string{
		`x`: "not a number", `x{a="1"} one`: "not a number", `x{a=1} 1`: "not a label", `{a="1"} 1`: "no metric", `x{a} 1`: "not a label", ``: "not a number",
	} {
		if _, err := parseSample(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}

func FuzzParseSample(f *testing.F) {
	for _, p := range packs.All() {
		for line := range strings.Lines(p.Sample) {
			f.Add(strings.TrimSpace(line))
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, err := parseSample(line)
		if err == nil && (s.name == "" || !strings.HasPrefix(line, s.line)) {
			t.Errorf("%q was read as %+v", line, s)
		}
	})
}

func TestSamplesAreServedAndGrow(t *testing.T) {
	chosen, err := choose(packs.All(), "litellm")
	if err != nil {
		t.Fatal(err)
	}
	at := noon
	p, err := newPatient(chosen, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	scrape := func() string {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Body.String()
	}
	first := scrape()
	at = at.Add(patience)
	for name := range packs.SampleNames(chosen[0].Sample) {
		if !strings.Contains(first, name) {
			t.Errorf("%s is not served", name)
		}
	}
	if second := scrape(); second == first {
		t.Error("nothing grew")
	}
	if _, err := choose(packs.All(), "litelm"); err == nil || !strings.Contains(err.Error(), `did you mean "litellm"`) {
		t.Errorf("an unknown pack: %v", err)
	}
	if all, err := newPatient(packs.All(), time.Now); err != nil || len(all.samples) < 300 {
		t.Errorf("all samples together: %v", err)
	}
}
