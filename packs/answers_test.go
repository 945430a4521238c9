package packs

import (
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"sickbay/demo/prom"
)

// A scene is half an hour of scrapes, one series a line: its name and labels,
// where it starts and by how much it grows a second, and, for one that was born
// late, how many seconds before the end.
//
//	x_total{service="a"} 100+2     x_total{service="b"} 7+0 last 60
const scrape = 15 * time.Second

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func store(t *testing.T, scene string) *prom.Store {
	t.Helper()
	s := prom.NewStore(time.Hour)
	line := regexp.MustCompile(`^(\S+?)(\{.*\})? (-?[\d.]+)(?:\+([\d.]+))?(?: last (\d+))?$`)
	for _, text := range strings.Split(strings.TrimSpace(scene), "\n") {
		m := line.FindStringSubmatch(strings.TrimSpace(text))
		if m == nil {
			t.Fatalf("scene: cannot read %q", text)
		}
		ls, err := parser.NewParser(parser.Options{}).ParseMetric(m[1] + m[2])
		if err != nil {
			t.Fatalf("scene: %q: %v", text, err)
		}
		at, grows, back := number(m[3]), number(m[4]), 30*time.Minute
		if m[5] != "" {
			back = time.Duration(number(m[5])) * time.Second
		}
		ref := s.Series(ls.Map())
		for ts := now.Add(-back); !ts.After(now); ts = ts.Add(scrape) {
			if err := s.Append(ref, ts.UnixMilli(), at+grows*ts.Sub(now.Add(-back)).Seconds()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

func number(s string) float64 {
	v, _ := strconv.ParseFloat(s, 64) // the expression only lets numbers through; "" is 0
	return v
}

var engine = promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: 10 * time.Second, LookbackDelta: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true})

// ask gives the answer of a query template by its labels, values rounded to four
// digits.
func ask(t *testing.T, s *prom.Store, template string) map[string]float64 {
	t.Helper()
	q, err := engine.NewInstantQuery(context.Background(), s, nil, Expand(template, "service", time.Minute, 5*time.Minute), now)
	if err != nil {
		t.Fatalf("%v\n%s", err, template)
	}
	defer q.Close()
	r := q.Exec(context.Background())
	v, err := r.Vector()
	if err != nil {
		t.Fatalf("%v\n%s", err, template)
	}
	answer := map[string]float64{}
	for _, sample := range v {
		var name []string
		sample.Metric.Range(func(l labels.Label) { name = append(name, l.Value) })
		answer[strings.Join(name, " ")] = math.Round(sample.F*1e4) / 1e4
	}
	return answer
}

func signal(t *testing.T, id string) string {
	t.Helper()
	pack, name, _ := strings.Cut(id, " ")
	for _, p := range All() {
		for q, text := range queries(p) {
			if p.ID == pack && (q == "signal "+name || q == name) {
				return text.template
			}
		}
	}
	t.Fatalf("there is no %s", id)
	return ""
}

func TestSignalsSayWhatTheySay(t *testing.T) {
	for name, c := range map[string]struct {
		signal, scene string
		want          map[string]float64
	}{
		"requests that all went well have no error series": {"ai-app errors", `
			ai_requests_total{service="a",status="ok"} 0+4
			ai_requests_total{service="b",status="ok"} 0+3
			ai_requests_total{service="b",status="error"} 0+1`, map[string]float64{"a": 0, "b": 0.25}},
		"without traffic there is no share of it": {"ai-app errors", `
			ai_requests_total{service="a",status="ok"} 9
			ai_requests_total{service="a",status="error"} 9`, map[string]float64{}},
		"vLLM before it counted errors": {"vllm errors", `
			vllm:request_success_total{service="a",finished_reason="stop"} 0+4`, map[string]float64{}},
		"vLLM since it counts errors": {"vllm errors", `
			vllm:request_success_total{service="a",finished_reason="stop"} 0+3
			vllm:request_success_total{service="a",finished_reason="error"} 0+1
			vllm:request_success_total{service="b",finished_reason="stop"} 0+3
			vllm:request_success_total{service="b",finished_reason="error"} 0`, map[string]float64{"a": 0.25, "b": 0}},
		"nothing was cut off": {"vllm finish_length", `
			vllm:request_success_total{service="a",finished_reason="stop"} 0+4`, map[string]float64{"a": 0}},
		"the fullest replica, under its old name or its new one": {"vllm kv_cache", `
			vllm:kv_cache_usage_perc{service="a",pod="1"} 0.5
			vllm:gpu_cache_usage_perc{service="a",pod="1"} 0.9
			vllm:gpu_cache_usage_perc{service="a",pod="2"} 0.7
			vllm:gpu_cache_usage_perc{service="b"} 0.3`, map[string]float64{"a": 0.7, "b": 0.3}},
		"a token is not counted twice while it has two names": {"vllm itl_p95", `
			vllm:inter_token_latency_seconds_bucket{service="a",le="0.1"} 0+19
			vllm:inter_token_latency_seconds_bucket{service="a",le="+Inf"} 0+20
			vllm:time_per_output_token_seconds_bucket{service="a",le="0.1"} 0
			vllm:time_per_output_token_seconds_bucket{service="a",le="+Inf"} 0+20
			vllm:time_per_output_token_seconds_bucket{service="b",le="0.2"} 0+20
			vllm:time_per_output_token_seconds_bucket{service="b",le="+Inf"} 0+20`, map[string]float64{"a": 0.1, "b": 0.19}},
		"LiteLLM before the first failure": {"litellm errors", `
			litellm_proxy_total_requests_metric_total{service="a",status_code="200"} 0+4
			litellm_proxy_total_requests_metric{service="b",status_code="200"} 0+4
			litellm_proxy_failed_requests_metric{service="b",exception_status="429"} 0+1`, map[string]float64{"a": 0, "b": 0.25}},
		"money an hour": {"litellm cost", `litellm_spend_metric_total{service="a"} 0+0.001`, map[string]float64{"a": 3.6}},
		"the SDK's requests, not its embeddings, and the gateway's where there is no SDK": {"otel-genai traffic", `
			gen_ai_client_operation_duration_seconds_count{service="a",gen_ai_operation_name="chat"} 0+4
			gen_ai_client_operation_duration_seconds_count{service="a",gen_ai_operation_name="embeddings"} 0+9
			gen_ai_server_request_duration_seconds_count{service="a",gen_ai_operation_name="chat"} 0+5
			gen_ai_client_operation_duration_count{service="b"} 0+2
			gen_ai_server_request_duration_count{service="c"} 0+3`, map[string]float64{"a": 4, "b": 2, "c": 3}},
		"OpenTelemetry puts error_type on failures only": {"otel-genai errors", `
			gen_ai_client_operation_duration_seconds_count{service="a"} 0+3
			gen_ai_client_operation_duration_seconds_count{service="a",error_type="timeout"} 0+1
			gen_ai_client_operation_duration_seconds_count{service="b"} 0+3
			gen_ai_server_request_duration_seconds_count{service="c"} 0+1
			gen_ai_server_request_duration_seconds_count{service="c",error_type="500"} 0+1`, map[string]float64{"a": 0.25, "b": 0, "c": 0.5}},
		"the same with dots": {"otel-genai-dotted errors", `
			{__name__="gen_ai.client.operation.duration_count",service="a","gen_ai.operation.name"="chat"} 0+3
			{__name__="gen_ai.client.operation.duration_count",service="a","error.type"="timeout"} 0+1
			{__name__="gen_ai.client.operation.duration_seconds_count",service="b"} 0+3`, map[string]float64{"a": 0.25, "b": 0}},
		"the model that answers, with dots": {"otel-genai-dotted version model", `
			{__name__="gen_ai.client.operation.duration_count",service="a","gen_ai.response.model"="m1"} 0+3
			{__name__="gen_ai.client.operation.duration_count",service="a","gen_ai.response.model"="m0"} 9`, map[string]float64{"m1 a": 3}},
		"REST and gRPC are one database": {"qdrant traffic", `
			rest_responses_total{service="db",endpoint="/collections/{name}/points/query",status="200"} 0+3
			grpc_responses_total{service="db",endpoint="/qdrant.Points/Query"} 0+2`, map[string]float64{"db": 5}},
		"of REST the status tells, of gRPC its own counter": {"qdrant errors", `
			rest_responses_total{service="db",endpoint="/q",status="200"} 0+6
			rest_responses_total{service="db",endpoint="/q",status="404"} 0+1
			rest_responses_total{service="db",endpoint="/q",status="503"} 0+1
			grpc_responses_total{service="db",endpoint="/qdrant.Points/Query"} 0+2
			grpc_responses_fail_total{service="db",endpoint="/qdrant.Points/Query"} 0+1`, map[string]float64{"db": 0.2}},
		"writes are not searches": {"qdrant search_p95", `
			rest_responses_duration_seconds_bucket{service="db",endpoint="/collections/{name}/points",le="9"} 0
			rest_responses_duration_seconds_bucket{service="db",endpoint="/collections/{name}/points",le="+Inf"} 0+9
			rest_responses_duration_seconds_bucket{service="db",endpoint="/collections/{name}/points/query",le="0.1"} 0+20
			rest_responses_duration_seconds_bucket{service="db",endpoint="/collections/{name}/points/query",le="+Inf"} 0+20`, map[string]float64{"db": 0.095}},
		"percent are not ratios": {"dcgm gpu_util", `
			DCGM_FI_DEV_GPU_UTIL{service="n1",gpu="0"} 90
			DCGM_FI_DEV_GPU_UTIL{service="n1",gpu="1"} 70`, map[string]float64{"n1": 0.8}},
		"the fullest GPU": {"dcgm gpu_mem", `
			DCGM_FI_DEV_FB_USED{service="n1",gpu="0"} 90
			DCGM_FI_DEV_FB_FREE{service="n1",gpu="0"} 10
			DCGM_FI_DEV_FB_USED{service="n1",gpu="1"} 0
			DCGM_FI_DEV_FB_FREE{service="n1",gpu="1"} 0`, map[string]float64{"n1": 0.9}},
		"an XID is a number, not a count": {"dcgm gpu_xid", `
			DCGM_FI_DEV_XID_ERRORS{service="n1",gpu="0"} 79
			DCGM_FI_DEV_XID_ERRORS{service="n1",gpu="1"} 0
			DCGM_FI_DEV_XID_ERRORS{service="n2",gpu="0"} 0`, map[string]float64{"n1": 1, "n2": 0}},
		"the judge of sources is not the judge of answers": {"ai-app quality", `
			ai_quality_score_sum{service="a",evaluator="helpfulness"} 0+8
			ai_quality_score_count{service="a",evaluator="helpfulness"} 0+10
			ai_quality_score_sum{service="a",evaluator="groundedness"} 0+1
			ai_quality_score_count{service="a",evaluator="groundedness"} 0+10
			ai_quality_score_sum{service="b"} 0+5
			ai_quality_score_count{service="b"} 0+10`, map[string]float64{"a": 0.8, "b": 0.5}},
		"refusals of requests that the application, the proxy, the SDK or the server counts": {"ai-app refusals", `
			ai_refusals_total{service="a"} 0+1
			ai_requests_total{service="a"} 0+10
			litellm_proxy_total_requests_metric_total{service="a"} 0+99
			ai_refusals_total{service="b"} 0+1
			litellm_proxy_total_requests_metric_total{service="b"} 0+5
			ai_refusals_total{service="c"} 0+1
			gen_ai_client_operation_duration_seconds_count{service="c"} 0+4
			ai_refusals_total{service="d"} 0+1
			vllm:request_success_total{service="d"} 0+2
			ai_refusals_total{service="e"} 0+1`, map[string]float64{"a": 0.1, "b": 0.2, "c": 0.25, "d": 0.5}},
		"who does not count refusals has not none": {"ai-app refusals", `ai_requests_total{service="a"} 0+10`, map[string]float64{}},
		"nothing but failures is no success": {"ai-outcome outcome", `
			ai_outcome_total{service="a",outcome="failure"} 0+3
			ai_outcome_total{service="b",outcome="failure"} 0+1
			ai_outcome_total{service="b",outcome="success"} 0+3
			ai_outcome_total{service="c",outcome="success"} 5`, map[string]float64{"a": 0, "b": 0.75}},
		"chunks no query can find": {"ai-rag embedding_mismatch", `
			ai_index_chunks{service="same",embedding_model="m2"} 10
			ai_embedding_model_info{service="same",embedding_model="m2",side="query"} 1
			ai_index_chunks{service="some",embedding_model="m1"} 4
			ai_index_chunks{service="some",embedding_model="m2"} 6
			ai_embedding_model_info{service="some",embedding_model="m2",side="query"} 1
			ai_embedding_model_info{service="some",embedding_model="m1",side="index"} 1
			ai_index_chunks{service="all",embedding_model="m1"} 10
			ai_embedding_model_info{service="all",embedding_model="m2",side="query"} 1
			ai_index_chunks{service="untold",embedding_model="m1"} 10
			ai_index_chunks{service="empty",embedding_model="m1"} 0
			ai_embedding_model_info{service="empty",embedding_model="m2",side="query"} 1`, map[string]float64{"same": 0, "some": 0.4, "all": 1}},
		"loops of tasks": {"ai-agent loops", `
			ai_agent_loops_total{service="a"} 0+1
			ai_agent_steps_count{service="a"} 0+10
			ai_requests_total{service="a"} 0+20
			ai_agent_loops_total{service="b"} 0+1
			ai_requests_total{service="b"} 0+20
			ai_agent_steps_count{service="c"} 0+10`, map[string]float64{"a": 0.1, "b": 0.05}},
		"tools that never failed": {"ai-agent tool_errors", `
			ai_agent_tool_calls_total{service="a",tool="t",outcome="ok"} 0+10`, map[string]float64{"a": 0}},
		"seconds until retraining": {"ai-model retrain_due", fmt.Sprintf(`
			ai_retrain_due_timestamp_seconds{service="a",model="x"} %d
			ai_retrain_due_timestamp_seconds{service="a",model="y"} %d`, now.Unix()+3600, now.Unix()-60), map[string]float64{"a": -60}},
		"a class that was born a minute ago with seven in it": {"ai-model distribution prediction", `
			ai_prediction_total{service="a",class="old"} 100+0.1
			ai_prediction_total{service="a",class="new"} 7 last 60`, map[string]float64{"old a": 30, "new a": 7}},
		"what most replicas run": {"ai-app version prompt", `
			ai_build_info{service="a",pod="1",prompt_version="v31"} 1
			ai_build_info{service="a",pod="2",prompt_version="v32"} 1
			ai_build_info{service="a",pod="3",prompt_version="v32"} 1
			ai_build_info{service="b",version="1.0"} 1`, map[string]float64{"v31 a": 1, "v32 a": 2}},
	} {
		got := ask(t, store(t, c.scene), signal(t, c.signal))
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: %s is %v, want %v", name, c.signal, got, c.want)
		}
	}
}

// TestNothingIsEverInfinite stops all traffic: every series a query asks for is
// there and none moves, gauges are 0.
func TestNothingIsEverInfinite(t *testing.T) {
	words := []string{"", "error", "down", "output", "503", "chat", "/collections/{name}/points/query", "/qdrant.Points/Query"}
	for _, p := range All() {
		for name, q := range queries(p) {
			var scene []string
			parser.Inspect(parse(t, p.ID+" "+name, Expand(q.template, "service", time.Minute, time.Minute)), func(n parser.Node, _ []parser.Node) error {
				v, ok := n.(*parser.VectorSelector)
				if !ok {
					return nil
				}
				ls := map[string]string{"service": "a", "le": "1"}
				for _, m := range v.LabelMatchers {
					if m.Name == model.MetricNameLabel {
						ls[m.Name] = m.Value
						continue
					}
					all := append(slices.Clone(words), strings.Split(m.Value, "|")...)
					i := slices.IndexFunc(all, m.Matches)
					if i < 0 {
						t.Fatalf("%s %s: no word of this test matches %s", p.ID, name, m)
					}
					if ls[m.Name] = all[i]; ls[m.Name] == "" {
						delete(ls, m.Name)
					}
				}
				scene = append(scene, labels.FromMap(ls).String()+" 0 last 120")
				return nil
			})
			slices.Sort(scene)
			for service, v := range ask(t, store(t, strings.Join(braces(slices.Compact(scene)), "\n")), q.template) {
				if math.IsInf(v, 0) {
					t.Errorf("%s %s of %s is %v", p.ID, name, service, v)
				}
			}
		}
	}
}

// braces writes {__name__="x", a="b"} as x{a="b"}, the way a scene wants it.
func braces(lines []string) []string {
	for i, l := range lines {
		l = strings.ReplaceAll(l, `", `, `",`)
		lines[i] = l
	}
	return lines
}
