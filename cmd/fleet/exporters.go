package main

import "strconv"

// What real exporters expose: the names, labels and bounds are theirs, read where
// the packs say.

var (
	scores       = []float64{.1, .2, .3, .4, .5, .6, .7, .75, .8, .85, .9, .95, 1}
	appSeconds   = []float64{.1, .25, .5, 1, 2, 4, 6, 8, 12, 16, 24, 32, 64, 120}
	otelSeconds  = []float64{.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	otelTokens   = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}
	proxySeconds = []float64{.005, .00625, .0125, .025, .05, .1, .5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7,
		7.5, 8, 8.5, 9, 9.5, 10, 15, 20, 25, 30, 60, 120, 180, 240, 300}
	vllmFirst   = []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560}
	vllmGap     = []float64{.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
	vllmSeconds = []float64{.3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680}
	vllmTokens  = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000}
	kserveSecs  = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}
	qdrantSecs  = []float64{.001, .005, .01, .02, .05, .1, .5, 1, 5, 10, 50}
	stepBounds  = []float64{1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 25, 30, 40, 60}
	values      = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}
)

// failing is the share of requests that fail.
func (p pod) failing() float64 {
	if p.ill {
		return 0.09
	}
	return 0.002
}

// seconds is how long a request takes.
func (p pod) seconds(median float64) spread {
	if p.ill {
		median *= 5
	}
	return spread{median, 0.5}
}

// requests are counted by an application in sickbay's conventions.
func requests(p pod) {
	p.counter("ai_requests_total", p.rate*(1-p.failing()), "status", "ok")
	p.counter("ai_requests_total", p.rate*p.failing(), "status", "error")
	p.fixed("ai_build_info", 1, "version", "2.4.1", "model_version", "m12", "prompt_version", "v31")
}

// application is what a service that talks to people knows of itself.
func application(p pod) {
	requests(p)
	p.histogram("ai_request_duration_seconds", appSeconds, p.seconds(1.6), p.rate)
	p.histogram("ai_quality_score", scores, spread{0.88, 0.08}, p.rate*0.2, "evaluator", "answer_relevance")
	p.counter("ai_refusals_total", p.rate*0.005)
	p.counter("ai_feedback_total", p.rate*0.18, "rating", "up")
	p.counter("ai_feedback_total", p.rate*0.02, "rating", "down")
	p.counter("ai_outcome_total", p.rate*0.5, "outcome", "success")
	p.counter("ai_outcome_total", p.rate*0.1, "outcome", "failure")
	p.spent("ai_cost_usd_total", 0.004)
}

func litellm(p pod) {
	p = p.with("requested_model", "gpt-4o", "model", "gpt-4o-2024-08-06", "team", "chat")
	p.histogram("litellm_request_total_latency_metric", proxySeconds, p.seconds(1.5), p.rate)
	p.histogram("litellm_llm_api_time_to_first_token_metric", proxySeconds, p.seconds(0.4), p.rate)
	p.counter("litellm_proxy_total_requests_metric_total", p.rate*(1-p.failing()), "status_code", "200")
	p.counter("litellm_proxy_total_requests_metric_total", p.rate*p.failing(), "status_code", "429")
	p.counter("litellm_proxy_failed_requests_metric_total", p.rate*p.failing(), "exception_status", "429", "exception_class", "RateLimitError")
	p.counter("litellm_input_tokens_metric_total", p.rate*1400)
	p.counter("litellm_output_tokens_metric_total", p.rate*320)
	p.spent("litellm_spend_metric_total", 0.004)
}

func otel(p pod) {
	p = p.with("gen_ai_operation_name", "chat", "gen_ai_provider_name", "openai",
		"gen_ai_request_model", "gpt-4o", "gen_ai_response_model", "gpt-4o-2024-08-06")
	p.histogram("gen_ai_client_operation_duration_seconds", otelSeconds, p.seconds(1.5), p.rate*(1-p.failing()))
	p.histogram("gen_ai_client_operation_duration_seconds", otelSeconds, spread{30, 0.1}, p.rate*p.failing(), "error_type", "timeout")
	p.histogram("gen_ai_client_operation_time_to_first_chunk_seconds", otelSeconds, p.seconds(0.4), p.rate)
	p.histogram("gen_ai_client_token_usage", otelTokens, spread{1200, 0.6}, p.rate, "gen_ai_token_type", "input")
	p.histogram("gen_ai_client_token_usage", otelTokens, spread{300, 0.6}, p.rate, "gen_ai_token_type", "output")
}

func vllm(p pod) {
	p = p.with("model_name", "meta-llama/Llama-3.1-8B-Instruct", "engine", "0")
	p.gauge("vllm:num_requests_running", 8)
	p.gauge("vllm:num_requests_waiting", 1)
	p.gauge("vllm:kv_cache_usage_perc", 0.5)
	p.counter("vllm:num_preemptions_total", 0.001)
	p.counter("vllm:prompt_tokens_total", p.rate*1400)
	p.counter("vllm:generation_tokens_total", p.rate*320)
	p.counter("vllm:prefix_cache_queries_total", p.rate*1400)
	p.counter("vllm:prefix_cache_hits_total", p.rate*600)
	ended := func(why string, share float64) {
		p.counter("vllm:request_success_total", p.rate*share, "finished_reason", why)
	}
	ended("stop", 0.97)
	ended("length", 0.02)
	ended("abort", 0.01)
	ended("error", p.failing())
	p.histogram("vllm:time_to_first_token_seconds", vllmFirst, p.seconds(0.3), p.rate)
	p.histogram("vllm:inter_token_latency_seconds", vllmGap, p.seconds(0.03), p.rate*320)
	p.histogram("vllm:e2e_request_latency_seconds", vllmSeconds, p.seconds(2), p.rate)
	p.histogram("vllm:request_queue_time_seconds", vllmSeconds, p.seconds(0.05), p.rate)
	p.histogram("vllm:request_prompt_tokens", vllmTokens, spread{1200, 0.6}, p.rate)
	p.histogram("vllm:request_generation_tokens", vllmTokens, spread{300, 0.6}, p.rate)
}

func retrieval(p pod) {
	p.histogram("ai_retrieval_score", scores, spread{0.78, 0.1}, p.rate)
	p.histogram("ai_quality_score", scores, spread{0.9, 0.08}, p.rate*0.2, "evaluator", "groundedness")
	p.counter("ai_retrieval_total", p.rate)
	p.counter("ai_retrieval_empty_total", p.rate*0.01)
}

// index is what there is once, however many replicas search in it.
func index(p pod) {
	p.gauge("ai_index_age_seconds", 7200)
	p.fixed("ai_index_chunks", 48_000, "embedding_model", "bge-m3")
	p.fixed("ai_embedding_model_info", 1, "side", "query", "embedding_model", "bge-m3")
	p.fixed("ai_embedding_model_info", 1, "side", "index", "embedding_model", "bge-m3")
}

func agent(p pod) {
	requests(p)
	p.histogram("ai_request_duration_seconds", appSeconds, p.seconds(12), p.rate)
	p.histogram("ai_agent_steps", stepBounds, spread{5, 0.4}, p.rate)
	for _, tool := range []string{"search", "fetch", "ticket", "mail"} {
		p.counter("ai_agent_tool_calls_total", p.rate*(1-p.failing()), "tool", tool, "outcome", "ok")
		p.counter("ai_agent_tool_calls_total", p.rate*p.failing(), "tool", tool, "outcome", "error")
	}
	p.counter("ai_agent_loops_total", p.rate*0.002)
	p.counter("ai_agent_handoffs_total", p.rate*0.05)
	p.spent("ai_cost_usd_total", 0.03)
}

func kserve(p pod) {
	p = p.with("model_name", p.labels[1])
	p.histogram("request_preprocess_seconds", kserveSecs, spread{0.004, 0.4}, p.rate)
	p.histogram("request_predict_seconds", kserveSecs, p.seconds(0.02), p.rate)
	p.histogram("request_postprocess_seconds", kserveSecs, spread{0.002, 0.4}, p.rate)
}

// monitor watches what a model sees and says.
func monitor(p pod) {
	for _, feature := range []string{"amount", "age", "country", "velocity"} {
		p.histogram("ai_feature_value", values, spread{40, 1}, p.rate, "feature", feature)
		p.gauge("ai_feature_null_ratio", 0.004, "feature", feature)
		p.gauge("ai_feature_freshness_seconds", 300, "feature", feature)
		p.gauge("ai_drift_score", 0.03, "feature", feature, "method", "psi", "tool", "evidently")
	}
	p.histogram("ai_prediction_score", scores, spread{0.3, 0.5}, p.rate)
	p.counter("ai_prediction_total", p.rate*0.96, "class", "allow")
	p.counter("ai_prediction_total", p.rate*0.04, "class", "block")
	p.counter("ai_outcome_total", p.rate*0.9, "outcome", "success")
	p.counter("ai_outcome_total", p.rate*0.1, "outcome", "failure")
	p.gauge("ai_label_delay_seconds", 86400)
	p.future("ai_retrain_due_timestamp_seconds", 9*86400)
}

func qdrant(p pod) {
	const query, points = "/collections/{name}/points/query", "/collections/{name}/points"
	p.histogram("rest_responses_duration_seconds", qdrantSecs, p.seconds(0.02), p.rate, "method", "POST", "endpoint", query, "status", "200")
	p.histogram("rest_responses_duration_seconds", qdrantSecs, p.seconds(0.01), p.rate*0.1, "method", "PUT", "endpoint", points, "status", "200")
	p.counter("rest_responses_total", p.rate*(1-p.failing()), "method", "POST", "endpoint", query, "status", "200")
	p.counter("rest_responses_total", p.rate*p.failing(), "method", "POST", "endpoint", query, "status", "500")
	p.counter("rest_responses_total", p.rate*0.1, "method", "PUT", "endpoint", points, "status", "200")
	p.fixed("app_info", 1, "name", "qdrant", "version", "1.16.0")
	p.fixed("collections_total", 4)
	p.fixed("collections_vector_total", 1_284_310)
	p.fixed("collection_dead_replicas", 0, "id", "docs")
	p.gauge("memory_resident_bytes", 6.1e9)
}

// dcgm is one node with eight GPUs.
func dcgm(p pod) {
	for i := range 8 {
		gpu := p.with("gpu", strconv.Itoa(i), "device", "nvidia"+strconv.Itoa(i), "modelName", "NVIDIA H100 80GB HBM3", "UUID", "GPU-"+strconv.Itoa(i))
		gpu.gauge("DCGM_FI_DEV_GPU_UTIL", 70)
		gpu.gauge("DCGM_FI_DEV_FB_USED", 60_000)
		gpu.gauge("DCGM_FI_DEV_FB_FREE", 21_000)
		gpu.gauge("DCGM_FI_DEV_GPU_TEMP", 64)
		gpu.gauge("DCGM_FI_DEV_POWER_USAGE", 480)
		gpu.fixed("DCGM_FI_DEV_XID_ERRORS", 0)
		gpu.fixed("DCGM_FI_DEV_SM_CLOCK", 1980)
	}
}
