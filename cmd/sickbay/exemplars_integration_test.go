//go:build integration

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestIntegrationAnExemplarOfARealPrometheusOpensItsTrace goes by keys from a latency to
// the slowest request that a real Prometheus kept an exemplar of, and sees the trace
// that a real Jaeger has of it; a server that keeps none says so.
func TestIntegrationAnExemplarOfARealPrometheusOpensItsTrace(t *testing.T) {
	server := program(t, "SICKBAY_PROMETHEUS", "prometheus")
	const id = "5b8efff798038103d269b633813fc60c"
	var scrapes atomic.Int64
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := 20 * scrapes.Add(1)
		w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
		fmt.Fprintf(w, `# TYPE ai_requests counter
ai_requests_total{service="chat",status="ok"} %d
# TYPE ai_request_duration_seconds histogram
ai_request_duration_seconds_bucket{service="chat",le="1.0"} %d # {trace_id="%032x"} 0.4
ai_request_duration_seconds_bucket{service="chat",le="10.0"} %d # {trace_id="%s"} 8.2
ai_request_duration_seconds_bucket{service="chat",le="+Inf"} %d
ai_request_duration_seconds_sum{service="chat"} %d
ai_request_duration_seconds_count{service="chat"} %d
# EOF
`, n, n*9/10, n, n, id, n, n, n)
	}))
	defer app.Close()
	config := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: ai\n  static_configs: [{targets: ['%s']}]\n", strings.TrimPrefix(app.URL, "http://"))
	jaeger, otlp := runJaeger(t)
	spans, err := os.ReadFile("../../sources/testdata/traces/otlp.json")
	if err != nil {
		t.Fatal(err)
	}
	post(t, otlp+"/v1/traces", "", string(spans))
	for name, c := range map[string]struct {
		flags []string
		shows string
	}{
		"kept":     {[]string{"--enable-feature=exemplar-storage"}, `slowest +8\.2 s at .*, trace ` + id},
		"not kept": {nil, `slowest +main has no exemplar of it with a trace`},
	} {
		t.Run(name, func(t *testing.T) {
			url := runPrometheus(t, server, config, c.flags...)
			time.Sleep(8 * time.Second) // some scrapes
			m := openTerminal(t, 120, 40, "--config", written(t, fmt.Sprintf(
				"window = \"5m\"\nrefresh = \"2s\"\nrate_window = \"5s\"\n[[source]]\nkind = \"prometheus\"\nname = \"main\"\nurl = %q\n[[source]]\nkind = \"jaeger\"\nname = \"traces\"\nurl = %q\n", url, jaeger)))
			m.sees(`. chat .*/s`, soon)
			m.press("2")
			m.sees(`latency p95`, soon)
			for range 20 {
				m.press("e")
				if s := m.sees(`(?m)EXPLAIN(?s:.*)signal +\S.*$`, soon); strings.Contains(s, "(latency_p95)") {
					break
				}
				m.press("e", "j")
				m.sees(`R roll back +e explain`, soon)
			}
			t.Log(m.sees(c.shows, soon))
			if c.flags == nil {
				return
			}
			m.press("i")
			m.sees(`(?s)REQUEST trace:`+id+`.*TRACE +6 spans.*invoke_agent`, soon)
			t.Log(m.screen())
			m.press("q")
		})
	}
}
