package prom

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func exposeFixture(t *testing.T) *Store {
	s := NewStore(0)
	s.SetMeta("latency_seconds", "histogram", "How long it took.", "seconds")
	s.SetMeta("requests_total", "counter", `Requests, "all" of them;`+"\nsee \\docs", "")
	put := func(v float64, pairs ...string) Ref {
		ls := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			ls[pairs[i]] = pairs[i+1]
		}
		r := s.Series(ls)
		must(t, s.Append(r, 1_000_000, v))
		return r
	}
	for _, service := range []string{"b", "a"} {
		for _, le := range []string{"+Inf", "10", "2", "0.5"} {
			put(1, "__name__", "latency_seconds_bucket", "service", service, "le", le)
		}
		put(1.5, "__name__", "latency_seconds_sum", "service", service)
		put(1, "__name__", "latency_seconds_count", "service", service)
	}
	put(7, "__name__", "requests_total", "path", `a\b"c`+"\nd")
	put(math.Inf(1), "__name__", "vllm:odd")
	put(math.NaN(), "__name__", "vllm:odd", "x", "1")
	put(1e-9, "__name__", "gen_ai.usage", "gen_ai.model", "m")
	put(1, "__name__", "ALERTS", "alertname", "X", "alertstate", "firing")
	put(1, "__name__", "ALERTS_FOR_STATE", "alertname", "X")
	must(t, s.Stale(put(1, "__name__", "ended"), 1_000_001))
	return s
}

func TestExposeWritesTheTextFormat(t *testing.T) {
	const want = `# TYPE "gen_ai.usage" untyped
{"gen_ai.usage","gen_ai.model"="m"} 1e-09
# HELP latency_seconds How long it took.
# TYPE latency_seconds histogram
latency_seconds_bucket{le="0.5",service="a"} 1
latency_seconds_bucket{le="2",service="a"} 1
latency_seconds_bucket{le="10",service="a"} 1
latency_seconds_bucket{le="+Inf",service="a"} 1
latency_seconds_sum{service="a"} 1.5
latency_seconds_count{service="a"} 1
latency_seconds_bucket{le="0.5",service="b"} 1
latency_seconds_bucket{le="2",service="b"} 1
latency_seconds_bucket{le="10",service="b"} 1
latency_seconds_bucket{le="+Inf",service="b"} 1
latency_seconds_sum{service="b"} 1.5
latency_seconds_count{service="b"} 1
# HELP requests_total Requests, "all" of them;\nsee \\docs
# TYPE requests_total counter
requests_total{path="a\\b\"c\nd"} 7
# TYPE vllm:odd untyped
vllm:odd +Inf
vllm:odd{x="1"} NaN
`
	var page strings.Builder
	must(t, exposeFixture(t).Expose(&page, 1_000_002))
	if page.String() != want {
		t.Errorf("got\n%s\nwant\n%s", page.String(), want)
	}
}

func TestExposeShowsNothingFiveMinutesLater(t *testing.T) {
	s := exposeFixture(t)
	for at, wanted := range map[int64]bool{999_999: false, 1_000_000: true, 1_299_999: true, 1_300_000: false} {
		var page strings.Builder
		must(t, s.Expose(&page, at))
		if got := strings.Contains(page.String(), "requests_total{"); got != wanted {
			t.Errorf("at %d ms the counter is shown: %v, want %v", at, got, wanted)
		}
	}
}

func TestExposeCanLookBack(t *testing.T) {
	s := NewStore(0)
	r := s.Series(map[string]string{"__name__": "n"})
	for i := range int64(400) {
		must(t, s.Append(r, i*15_000, float64(i)))
	}
	for at, want := range map[int64]string{-1: "", 0: "n 0", 1_499_999: "n 99", 1_500_000: "n 100", 5_984_999: "n 398", 6_000_000: "n 399"} {
		var page strings.Builder
		must(t, s.Expose(&page, at))
		if got := strings.TrimSpace(strings.TrimPrefix(page.String(), "# TYPE n untyped\n")); got != want {
			t.Errorf("at %d ms: %q, want %q", at, got, want)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, fmt.Errorf("broken pipe") }

func TestExposeReportsAReaderThatHasGone(t *testing.T) {
	if err := exposeFixture(t).Expose(brokenPipe{}, 1_000_002); err == nil {
		t.Error("no error")
	}
}
