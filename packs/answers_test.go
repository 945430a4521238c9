package packs

import (
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

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
	s := prom.NewStore(26 * time.Hour)
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
func ask(t *testing.T, s storage.Queryable, template string) map[string]float64 {
	t.Helper()
	return askBy(t, s, template, "service")
}

func askBy(t *testing.T, s storage.Queryable, template, by string) map[string]float64 {
	t.Helper()
	q, err := engine.NewInstantQuery(context.Background(), s, nil, Expand(template, by, time.Minute, 5*time.Minute), now)
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

var embeddedPacks = sync.OnceValue(All)

func signal(t *testing.T, id string) string {
	t.Helper()
	pack, name, _ := strings.Cut(id, " ")
	for _, p := range embeddedPacks() {
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
		"all of Triton's requests, with failures and before the first of them": {"triton traffic", `
			nv_inference_request_success{service="a",version="1"} 0+3
			nv_inference_request_failure{service="a",version="1"} 0+1
			nv_inference_request_success{service="b",version="1"} 0+2`, map[string]float64{"a": 4, "b": 2}},
		"what the caller took back is no failure": {"triton errors", `
			nv_inference_request_success{service="a",version="1"} 0+2
			nv_inference_request_failure{service="a",version="1",reason="BACKEND"} 0+1
			nv_inference_request_failure{service="a",version="1",reason="CANCELED"} 0+1
			nv_inference_request_success{service="b",version="1"} 0+2`, map[string]float64{"a": 0.25, "b": 0}},
		"microseconds over requests are seconds": {"triton latency_mean", `
			nv_inference_request_duration_us{service="a",version="1",pod="1"} 0+300000
			nv_inference_request_success{service="a",version="1",pod="1"} 0+3
			nv_inference_request_duration_us{service="a",version="2",pod="2"} 0+100000
			nv_inference_request_success{service="a",version="2",pod="2"} 0+1
			nv_inference_request_duration_us{service="idle",version="1"} 9
			nv_inference_request_success{service="idle",version="1"} 9`, map[string]float64{"a": 0.1}},
		"of quantiles already made the slowest replica's": {"triton latency_p95", `
			nv_inference_request_summary_us{service="a",quantile="0.95",pod="1"} 20000
			nv_inference_request_summary_us{service="a",quantile="0.95",pod="2"} 90000
			nv_inference_request_summary_us{service="a",quantile="0.99",pod="2"} 990000`, map[string]float64{"a": 0.09}},
		"TorchServe's counters are microseconds too": {"torchserve latency_mean", `
			ts_inference_latency_microseconds{service="a",model_name="m"} 0+50000
			ts_inference_requests_total{service="a",model_name="m"} 0+2`, map[string]float64{"a": 0.025}},
		"a host of TorchServe that never failed": {"torchserve errors", `
			Requests2XX{service="a",Level="Host"} 0+4
			Requests2XX{service="b",Level="Host"} 0+3
			Requests5XX{service="b",Level="Host"} 0+1`, map[string]float64{"a": 0, "b": 0.25}},
		"a summary without quantiles has a mean": {"mlserver latency_mean", `
			model_infer_request_duration_sum{service="a",model="m"} 0+0.5
			model_infer_request_duration_count{service="a",model="m"} 0+10`, map[string]float64{"a": 0.05}},
		"a request that does not validate is not TGI's failure": {"tgi errors", `
			tgi_request_count{service="a"} 0+10
			tgi_request_failure{service="a",err="validation"} 0+3
			tgi_request_failure{service="a",err="generation"} 0+1
			tgi_request_count{service="b"} 0+10`, map[string]float64{"a": 0.1, "b": 0}},
		"SGLang before it counted requests": {"sglang traffic", `
			sglang:num_requests_total{service="a",is_streaming="true"} 0+4
			sglang:e2e_request_latency_seconds_count{service="a",is_streaming="true"} 0+4
			sglang:e2e_request_latency_seconds_count{service="b"} 0+2`, map[string]float64{"a": 4, "b": 2}},
		"vLLM in Ray, with its colon and without": {"ray-vllm kv_cache", `
			ray_vllm_kv_cache_usage_perc{service="a"} 0.4
			ray_vllm:gpu_cache_usage_perc{service="b"} 0.7`, map[string]float64{"a": 0.4, "b": 0.7}},
		"the router exports old and new names at once": {"llm-d traffic", `
			llm_d_epp_request_total{service="a",fairness_id="x"} 0+3
			llm_d_epp_request_total{service="a",fairness_id="y"} 0+1
			inference_objective_request_total{service="a",priority="0"} 0+4
			inference_objective_request_total{service="b",priority="0"} 0+2`, map[string]float64{"a": 4, "b": 2}},
		"the router before its first failure": {"llm-d errors", `
			llm_d_epp_request_total{service="a"} 0+4
			llm_d_epp_request_error_total{service="a",error_code="Internal"} 0+1
			llm_d_router_epp_request_total{service="b"} 0+4`, map[string]float64{"a": 0.25, "b": 0}},
		"only the gateway's own requests": {"envoy-ai-gateway errors", `
			gen_ai_server_request_duration_seconds_count{service="a",gen_ai_original_model="fast"} 0+3
			gen_ai_server_request_duration_seconds_count{service="a",gen_ai_original_model="fast",error_type="_OTHER"} 0+1
			gen_ai_server_request_duration_seconds_count{service="a"} 0+96`, map[string]float64{"a": 0.25}},
		"tools of a client, whatever MCP calls its metric": {"mcp tool_errors", `
			mcp_client_operation_duration_seconds_count{service="a",mcp_method_name="tools/call"} 0+3
			mcp_client_operation_duration_seconds_count{service="a",mcp_method_name="tools/call",error_type="tool_error"} 0+1
			mcp_client_operation_duration_seconds_count{service="a",mcp_method_name="tools/list",error_type="timeout"} 0+9
			mcp_client_request_duration_seconds_count{service="b",mcp_method_name="tools/call"} 0+2
			mcp_server_operation_duration_seconds_count{service="c",mcp_method_name="tools/call",error_type="tool_error"} 0+2`, map[string]float64{"a": 0.25, "b": 0}},
		"a deployment nobody calls by HTTP": {"ray-serve traffic", `
			ray_serve_num_http_requests_total{service="a",route="/"} 0+3
			ray_serve_num_grpc_requests_total{service="a",method="/x"} 0+1
			ray_serve_deployment_request_counter_total{service="a",deployment="m"} 0+9
			ray_serve_deployment_request_counter_total{service="b",deployment="m"} 0+2`, map[string]float64{"a": 4, "b": 2}},
		"milliseconds are not seconds": {"ray-serve latency_p95", `
			ray_serve_http_request_latency_ms_bucket{service="a",le="100"} 0+20
			ray_serve_http_request_latency_ms_bucket{service="a",le="+Inf"} 0+20
			ray_serve_deployment_processing_latency_ms_bucket{service="b",le="200"} 0+20
			ray_serve_deployment_processing_latency_ms_bucket{service="b",le="+Inf"} 0+20`, map[string]float64{"a": 0.095, "b": 0.19}},
		"replicas that are not healthy": {"ray-serve replicas_down", `
			ray_serve_deployment_replica_healthy{service="a",replica="1"} 1
			ray_serve_deployment_replica_healthy{service="a",replica="2"} 0`, map[string]float64{"a": 1}},
		"Milvus counts a request when it comes and when it goes": {"milvus errors", `
			milvus_proxy_req_count{service="a",status="total"} 0+10
			milvus_proxy_req_count{service="a",status="success"} 0+9
			milvus_proxy_req_count{service="a",status="fail"} 0+1
			milvus_proxy_req_count{service="b",status="total"} 0+10`, map[string]float64{"a": 0.1, "b": 0}},
		"Weaviate's searches, in milliseconds, and nobody else's": {"weaviate search_p95", `
			queries_durations_ms_bucket{service="a",class_name="Docs",query_type="get_graphql",le="50"} 0+20
			queries_durations_ms_bucket{service="a",class_name="Docs",query_type="get_graphql",le="+Inf"} 0+20
			queries_durations_ms_bucket{service="other",le="50"} 0+20`, map[string]float64{"a": 0.0475}},
		"a gRPC code is a failure by its name, an HTTP status by its number": {"seldon-core-2 errors", `
			seldon_model_infer_total{service="a",code="200"} 0+2
			seldon_model_infer_total{service="a",code="404"} 0+1
			seldon_model_infer_total{service="a",code="503"} 0+1
			seldon_model_infer_total{service="b",code="OK"} 0+3
			seldon_model_infer_total{service="b",code="Unavailable"} 0+1`, map[string]float64{"a": 0.25, "b": 0.25}},
		"what NIM could not answer is in a counter of its own": {"nim errors", `
			request_success_total{service="a",model_name="m"} 0+3
			request_failure_total{service="a",model_name="m"} 0+1
			request_success_total{service="web"} 0+3`, map[string]float64{"a": 0.25}},
		"what the caller of Dynamo did wrong": {"dynamo errors", `
			dynamo_frontend_requests_total{service="a",status="success",error_type=""} 0+2
			dynamo_frontend_requests_total{service="a",status="error",error_type="validation"} 0+1
			dynamo_frontend_requests_total{service="a",status="error",error_type="internal"} 0+1`, map[string]float64{"a": 0.25}},
		"probes are not predictions": {"bentoml traffic", `
			bentoml_service_request_total{service="a",endpoint="/predict",http_response_code="200"} 0+3
			bentoml_service_request_total{service="a",endpoint="/readyz",http_response_code="200"} 0+9`, map[string]float64{"a": 3}},
		"a feature the store does not have is missing": {"feast feature_nulls", `
			feast_online_features_status_total{service="a",status="present"} 0+19
			feast_online_features_status_total{service="a",status="not_found"} 0+1
			feast_online_features_status_total{service="b",status="present"} 0+19`, map[string]float64{"a": 0.05, "b": 0}},
		"runs of the last day, of a server younger than that": {"feast pipeline_errors", `
			feast_materialization_result_total{service="a",status="success"} 3
			feast_materialization_result_total{service="a",status="failure"} 1
			feast_materialization_result_total{service="b",status="success"} 4`, map[string]float64{"a": 0.25, "b": 0}},
		"runs of yesterday are not today's": {"airflow-dags pipeline_errors", `
			airflow_dagrun_duration_count{service="a"} 10 last 86700
			airflow_dagrun_failed_count{service="a"} 5 last 86700
			airflow_dagrun_duration_count{service="b"} 0+0.0001 last 86700
			airflow_dagrun_failed_count{service="b"} 0+0.0001 last 86700
			airflow_dagrun_failed_count{service="c"} 2`, map[string]float64{"b": 0.5, "c": 1}},
		"since the newest success of a cron job": {"kube-cronjob pipeline_freshness", fmt.Sprintf(`
			kube_cronjob_status_last_successful_time{service="a",namespace="x"} %d
			kube_cronjob_status_last_successful_time{service="a",namespace="y"} %d`, now.Unix()-7200, now.Unix()-90000), map[string]float64{"a": 7200}},
		"the tag of an image behind a registry with a port, and a digest": {"kube-state-metrics version build", `
			kube_pod_container_info{service="a",pod="1",image="registry.local:5000/shop/chat:1.9.0"} 1
			kube_pod_container_info{service="a",pod="2",image="registry.local:5000/shop/chat:1.9.0"} 1
			kube_pod_container_info{service="b",pod="3",image="chat@sha256:5d0c5d0c5d0c5d0c5d0c5d0c5d0c5d0c"} 1
			kube_pod_container_info{service="c",pod="4",image="registry.local:5000/chat"} 1`, map[string]float64{"a 1.9.0": 2, "b 5d0c5d0c5d0c5d0c5d0c5d0c": 1, "c": 1}},
		"a rollout that gave up": {"argo-rollouts rollout_degraded", `
			rollout_info{service="a",phase="Degraded"} 1
			rollout_info{service="b",phase="Healthy"} 1`, map[string]float64{"a": 1, "b": 0}},
		"flow runs that crashed": {"prefect pipeline_errors", `
			prefect_info_flow_runs{service="a",flow_run_id="1",state_name="Completed"} 0
			prefect_info_flow_runs{service="a",flow_run_id="2",state_name="Crashed"} 0`, map[string]float64{"a": 0.5}},
		"the first token is not the whole answer": {"apisix traffic", `
			apisix_llm_latency_count{service="a",type="total"} 0+2
			apisix_llm_latency_count{service="a",type="ttft"} 0+2
			apisix_llm_latency_count{service="b"} 0+3`, map[string]float64{"a": 2, "b": 3}},
		"a sum of money that is a gauge": {"portkey cost", `
			llm_cost_sum{service="a",provider="openai"} 0+0.001
			llm_cost_sum{service="not a gateway"} 0+1`, map[string]float64{"a": 3.6}},
		"OpenLLMetry counts every choice twice": {"openllmetry finish_length", `
			gen_ai_client_generation_choices_choice_total{service="a"} 0+4
			gen_ai_client_generation_choices_choice_total{service="a",llm_response_finish_reason="stop"} 0+3
			gen_ai_client_generation_choices_choice_total{service="a",llm_response_finish_reason="length"} 0+1
			gen_ai_client_generation_choices_choice_total{service="b",llm_response_finish_reason="stop"} 0+3`, map[string]float64{"a": 0.25, "b": 0}},
		"percent of values that are missing, now, not in the reference": {"evidently feature_nulls", `
			evidently:data_quality:quality_stat{service="a",dataset="current",metric="missing_percentage",feature="x"} 5
			evidently:data_quality:quality_stat{service="a",dataset="reference",metric="missing_percentage",feature="x"} 50`, map[string]float64{"a": 0.05}},
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
