package demo

import "sickbay/health"

// A measure says how a signal of the brief is measured here, in plain PromQL,
// and where it becomes warn and critical by default. The packs measure the same
// with more care; this is the demo's own promise.
type measure struct {
	id             string
	query          string // one value per service
	bad            health.Bad
	warn, critical float64 // 0: no such limit
}

const r = "[30s]"

func ratio(part, whole string) string {
	return "(sum by (service) (rate(" + part + r + ")) / sum by (service) (rate(" + whole + r + ")))"
}

func quantile(q, hist string) string {
	return "histogram_quantile(" + q + ", sum by (le, service) (rate(" + hist + "_bucket" + r + ")))"
}

func mean(hist, matchers string) string {
	return ratio(hist+"_sum"+matchers, hist+"_count"+matchers)
}

func rate(counter string) string { return "sum by (service) (rate(" + counter + r + "))" }

var measures = []measure{
	{id: "traffic", query: rate("ai_requests_total") + " or " + rate("vllm:request_success_total") + " or " + rate("rest_responses_total")},
	{"errors", ratio(`ai_requests_total{status="error"}`, "ai_requests_total"), health.Up, .02, .05},
	{"errors", ratio(`gen_ai_client_operation_duration_seconds_count{error_type!=""}`, "gen_ai_client_operation_duration_seconds_count"), health.Up, .02, .05},
	{"errors", ratio("litellm_proxy_failed_requests_metric_total", "litellm_proxy_total_requests_metric_total"), health.Up, .02, .05},
	{"errors", ratio(`rest_responses_total{status=~"5.."}`, "rest_responses_total"), health.Up, .02, .05},
	{id: "latency_p50", query: quantile("0.5", "gen_ai_client_operation_duration_seconds"), bad: health.Up},
	{"latency_p95", quantile("0.95", "gen_ai_client_operation_duration_seconds"), health.Up, 8, 20},
	{"latency_p95", quantile("0.95", "litellm_request_total_latency_metric"), health.Up, 8, 20},
	{"latency_p95", quantile("0.95", "vllm:e2e_request_latency_seconds"), health.Up, 8, 20},
	{"latency_p95", quantile("0.95", "ai_request_duration_seconds"), health.Up, 30, 90},
	{"latency_p95", quantile("0.95", "request_predict_seconds"), health.Up, .25, 1},
	{"ttft_p95", quantile("0.95", "vllm:time_to_first_token_seconds"), health.Up, 2, 5},
	{"ttft_p95", quantile("0.95", "litellm_llm_api_time_to_first_token_metric"), health.Up, 2, 5},
	{"ttft_p95", quantile("0.95", "gen_ai_client_operation_time_to_first_chunk_seconds"), health.Up, 2, 5},
	{"itl_p95", quantile("0.95", "vllm:inter_token_latency_seconds"), health.Up, .1, .25},
	{id: "tokens_in", query: rate("vllm:prompt_tokens_total") + " or " + rate(`gen_ai_client_token_usage_sum{gen_ai_token_type="input"}`)},
	{id: "tokens_out", query: rate("vllm:generation_tokens_total") + " or " + rate("litellm_output_tokens_metric_total")},
	{"queue", "sum by (service) (vllm:num_requests_waiting)", health.Up, 10, 50},
	{"kv_cache", "max by (service) (vllm:kv_cache_usage_perc)", health.Up, .9, .98},
	{id: "preemptions", query: rate("vllm:num_preemptions_total"), bad: health.Up},
	{"finish_length", ratio(`vllm:request_success_total{finished_reason="length"}`, "vllm:request_success_total"), health.Up, .05, .15},
	{"refusals", ratio("ai_refusals_total", "ai_requests_total"), health.Up, .02, .05},
	{id: "cost", query: rate("ai_cost_usd_total") + " * 3600", bad: health.Up},
	{id: "cost", query: rate("litellm_spend_metric_total") + " * 3600", bad: health.Up},
	{id: "cost_per_task", query: ratio("ai_cost_usd_total", "ai_requests_total"), bad: health.Up},
	{"quality", mean("ai_quality_score", `{evaluator!="groundedness"}`), health.Down, .8, .7},
	{id: "feedback_bad", query: ratio(`ai_feedback_total{rating="down"}`, "ai_feedback_total"), bad: health.Up},
	{"groundedness", mean("ai_quality_score", `{evaluator="groundedness"}`), health.Down, .8, .7},
	{"retrieval_score", mean("ai_retrieval_score", ""), health.Down, .6, .45},
	{"retrieval_empty", ratio("ai_retrieval_empty_total", "ai_retrieval_total"), health.Up, .05, .15},
	{"index_age", "max by (service) (ai_index_age_seconds)", health.Up, 86400, 3 * 86400},
	{"embedding_mismatch", "1 - sum by (service) (ai_index_chunks * on (service, embedding_model) group_left () max by (service, embedding_model) (ai_embedding_model_info{side=\"query\"})) / sum by (service) (ai_index_chunks)", health.Up, .05, .25},
	{"steps", mean("ai_agent_steps", ""), health.Up, 12, 25},
	{"tool_errors", ratio(`ai_agent_tool_calls_total{outcome="error"}`, "ai_agent_tool_calls_total"), health.Up, .05, .15},
	{"loops", ratio("ai_agent_loops_total", "ai_requests_total"), health.Up, .02, .1},
	{"handoffs", ratio("ai_agent_handoffs_total", "ai_requests_total"), health.Up, .3, .5},
	{"feature_nulls", "max by (service) (ai_feature_null_ratio)", health.Up, .02, .1},
	{"feature_nulls", "avg by (service) (ai_feature_null_ratio)", health.Up, .02, .1},
	{"feature_freshness", "max by (service) (ai_feature_freshness_seconds)", health.Up, 3600, 6 * 3600},
	{id: "prediction_mean", query: mean("ai_prediction_score", "")},
	{id: "label_delay", query: "max by (service) (ai_label_delay_seconds)", bad: health.Up},
	{id: "retrain_due", query: "min by (service) (ai_retrain_due_timestamp_seconds) - time()", bad: health.Down},
	{id: "outcome", query: ratio(`ai_outcome_total{outcome="success"}`, "ai_outcome_total"), bad: health.Down},
	{"search_p95", quantile("0.95", `rest_responses_duration_seconds`), health.Up, .2, 1},
	{"gpu_util", "avg by (service) (DCGM_FI_DEV_GPU_UTIL) / 100", health.Up, .95, 0},
	{"gpu_util", "max by (service) (DCGM_FI_DEV_GPU_UTIL) / 100", health.Up, .95, 0},
	{"gpu_mem", "max by (service) (DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE))", health.Up, .95, .99},
	{"gpu_temp", "max by (service) (DCGM_FI_DEV_GPU_TEMP)", health.Up, 85, 92},
	{"gpu_xid", "max by (service) (DCGM_FI_DEV_XID_ERRORS)", health.Up, 1, 0},
}

// wanted are the signals of the catalogue.
var wanted = []string{
	"traffic", "errors", "latency_p50", "latency_p95", "ttft_p95", "itl_p95", "tokens_in", "tokens_out", "queue", "kv_cache",
	"preemptions", "finish_length", "refusals", "cost", "cost_per_task", "quality", "feedback_bad", "groundedness",
	"retrieval_score", "retrieval_empty", "index_age", "embedding_mismatch", "steps", "tool_errors", "loops", "handoffs",
	"feature_nulls", "feature_freshness", "prediction_mean", "label_delay", "retrain_due", "outcome", "search_p95",
	"gpu_util", "gpu_mem", "gpu_temp", "gpu_xid",
}

// status judges a value of a service by the default limits, and outcomes by
// those in the demo's config.
func (q measure) status(v float64, s *service) health.Status {
	warn, critical := q.warn, q.critical
	if q.id == "outcome" {
		warn, critical = s.outcome[0], s.outcome[1]
	}
	beyond := func(limit float64) bool {
		if limit == 0 {
			return false
		}
		return q.bad == health.Up && v >= limit || q.bad == health.Down && v <= limit
	}
	switch {
	case beyond(critical):
		return health.Critical
	case beyond(warn):
		return health.Warn
	}
	return health.OK
}
