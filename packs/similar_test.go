package packs

import (
	"reflect"
	"testing"
)

func TestSimilarNamesShareTheirTellingWords(t *testing.T) {
	known := []string{"vllm:time_to_first_token_seconds_bucket", "vllm:num_requests_running", "ai_requests_total", "process_cpu_seconds_total"}
	for name, want := range map[string]string{
		"myllm_time_to_first_token_ms_bucket": "vllm:time_to_first_token_seconds_bucket",
		"engine_num_requests_running":         "vllm:num_requests_running",
		"go_gc_duration_seconds":              "",
		"vllm:num_requests_running":           "",                          // itself is not similar
		"requests_total":                      "",                          // one word is chance
		"vllm:num_requests_runing":            "vllm:num_requests_running", // misspelt
	} {
		if got := Similar(name, known); got != want {
			t.Errorf("%s is like %q, want %q", name, got, want)
		}
	}
}

func TestAMisspeltNameIsLikeTheOneThatWasMeant(t *testing.T) {
	known := []string{"vllm:num_requests_running", "vllm:num_requests_waiting"}
	for _, name := range []string{"vllm:num_requests_waitting", "vllm:num_request_waitang", "vllm:num_requests_aiting"} {
		if got := Similar(name, known); got != known[1] {
			t.Errorf("%s is like %q", name, got)
		}
	}
}

func TestMetricsOfAQueryAreItsNames(t *testing.T) {
	for q, want := range map[string][]string{
		`sum by (service) (rate(a_total{x="b{c}"}[5m])) / (sum by (service) (rate(b_total[5m])) > 0)`: {"a_total", "b_total"},
		`{__name__=~"a|b"}`: {},
		`x or on (y) z`:     {"x", "z"},
	} {
		if got := MetricsOf(q); !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s reads %v, want %v", q, got, want)
		}
	}
}
