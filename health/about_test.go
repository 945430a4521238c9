package health

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestAnExpressionIsAboutTheSignalThatAsksForTheSame has the rules of the demo, and
// some as people write them.
func TestAnExpressionIsAboutTheSignalThatAsksForTheSame(t *testing.T) {
	s := Service{Name: "chat", Signals: []Signal{
		{ID: "traffic", Query: `sum by (service) (rate(ai_requests_total[30s]))`},
		{ID: "errors", Query: `sum by (service) (rate(ai_requests_total{status="error"}[30s])) / sum by (service) (rate(ai_requests_total[30s]))`},
		{ID: "latency_p95", Query: `histogram_quantile(0.95, sum by (service, le) (rate(ai_request_duration_seconds_bucket[30s])))`, Status: Critical},
		{ID: "latency_p50", Query: `histogram_quantile(0.5, sum by (service, le) (rate(ai_request_duration_seconds_bucket[30s])))`},
		{ID: "quality", Query: `sum by (service) (rate(ai_quality_score_sum{evaluator!="groundedness"}[30s])) / sum by (service) (rate(ai_quality_score_count{evaluator!="groundedness"}[30s]))`},
		{ID: "groundedness", Query: `sum by (service) (rate(ai_quality_score_sum{evaluator="groundedness"}[30s])) / sum by (service) (rate(ai_quality_score_count{evaluator="groundedness"}[30s]))`},
		{ID: "loops", Query: `sum by (service) (rate(ai_agent_loops_total[30s])) / sum by (service) (rate(ai_requests_total[30s]))`},
		{ID: "queue", Query: `sum by (service) (vllm:num_requests_waiting)`},
	}}
	for expr, want := range map[string]string{
		`sum by (service) (rate(ai_quality_score_sum{evaluator!="groundedness"}[1m])) / sum by (service) (rate(ai_quality_score_count{evaluator!="groundedness"}[1m])) < 0.7`: "quality",
		`avg(rate(ai_quality_score_sum{evaluator="groundedness"}[5m])) without (pod) < 0.8`:                                                                                   "groundedness",
		`sum by (service) (rate(ai_requests_total{status="error"}[1m])) / sum by (service) (rate(ai_requests_total[1m])) > 0.05`:                                              "errors",
		`sum(rate(ai_requests_total[5m])) by (service) == 0`:                                                                                                                  "traffic",
		`sum by (service) (rate(ai_agent_loops_total[1m])) / sum by (service) (rate(ai_requests_total[1m])) > 0.1`:                                                            "loops",
		`histogram_quantile(0.99, sum by(le)(rate({__name__="ai_request_duration_seconds_bucket", service=~"a}b"}[5m]))) > 9`:                                                 "latency_p95",
		`vllm:num_requests_waiting > 50 and on (pod) up{job="x,\"y"} == 1`:                                                                                                    "queue",
		`up == 0`:                        "",
		`job:ai_requests:rate5m > 5`:     "",
		``:                               "",
		`sum by (ai_requests_total (`:    "",
		`{"vllm:num_requests_waiting"}`:  "queue",
		`ai_agent_loops_total offset 1d`: "loops",
	} {
		if got, _ := s.About(expr); got.ID != want {
			t.Errorf("%s\nis about %q, want %q", expr, got.ID, want)
		}
	}
}

// FuzzWordsOf reads what nobody wrote: it ends, and names nothing that is not there.
func FuzzWordsOf(f *testing.F) {
	for _, seed := range []string{``, `{`, `{"`, `a{b="c`, `[5m`, `by (`, "a{b=`c`}", `é{}`, `1e3x > a`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		for _, name := range slices.Sorted(maps.Keys(wordsOf(expr).metrics)) {
			if !strings.Contains(expr, name) {
				t.Errorf("%q names %q", expr, name)
			}
		}
	})
}
