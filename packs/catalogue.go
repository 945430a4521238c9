package packs

import "sickbay/health"

// A Def is a signal of the catalogue: the field's word for it, the same whatever
// exporter measures it.
type Def struct {
	ID    string
	Title string // in a sentence: "answers judged good"
	Short string // as a column title, at most 8 cells
	Unit  health.Unit
	Bad   health.Bad
	Group string

	Warn, Critical float64 // 0, 0: no limit of its own
	Why            string  // where the limits come from
	// ByKind replaces the limits for one kind of service.
	ByKind map[health.Kind][2]float64
}

// noCritical is a critical limit that does not exist: the signal alone is never
// a reason to wake somebody.
const noCritical = -1

// Limit is where a value of this signal starts to be warn and critical for a
// service of a kind, when neither the pack nor the config says otherwise.
func (d Def) Limit(kind health.Kind) health.Limit {
	warn, critical := d.Warn, d.Critical
	if own, ok := d.ByKind[kind]; ok {
		warn, critical = own[0], own[1]
	}
	if d.Why == "" {
		return health.Limit{}
	}
	l := health.Limit{Warn: &warn, Source: "sickbay: " + d.Why}
	if critical != noCritical {
		l.Critical = &critical
	}
	return l
}

// Lookup finds a signal of the catalogue.
func Lookup(id string) (Def, bool) {
	for _, d := range catalogue {
		if d.ID == id {
			return d, true
		}
	}
	return Def{}, false
}

// Catalogue lists all signals in the order in which they are shown.
func Catalogue() []Def { return append([]Def(nil), catalogue...) }

// IDs lists the names of all signals, in the same order.
func IDs() []string {
	ids := make([]string, len(catalogue))
	for i, d := range catalogue {
		ids[i] = d.ID
	}
	return ids
}

// Columns are the signals of the overview, from the left: what everybody has,
// then what only some have. The overview drops them from the right.
func Columns() []string {
	return []string{"traffic", "errors", "latency_p95", "quality", "cost", "outcome"}
}

// Golden lists the signals worth a chart for a kind of service, most telling
// first: what users feel, then what it stands on, then what it costs.
func Golden(kind health.Kind) []string {
	if ids, ok := golden[kind]; ok {
		return append([]string(nil), ids...)
	}
	return []string{"traffic", "errors", "latency_p95", "latency_mean", "latency_p50", "quality", "cost", "outcome"}
}

var golden = map[health.Kind][]string{
	health.LLM: {"traffic", "errors", "latency_p95", "latency_mean", "ttft_p95", "itl_p95", "itl_mean", "quality", "refusals", "outcome",
		"tokens_in", "tokens_out", "finish_length", "queue", "running", "kv_cache", "preemptions", "cache_hits", "cost", "feedback_bad", "groundedness",
		"replicas_down", "latency_p50"},
	health.RAG: {"traffic", "errors", "latency_p95", "retrieval_score", "retrieval_empty", "groundedness", "quality", "outcome",
		"index_age", "embedding_mismatch", "search_p95", "pipeline_freshness", "pipeline_errors", "ttft_p95", "refusals", "tokens_in", "tokens_out", "cost",
		"feedback_bad", "replicas_down", "latency_p50"},
	health.Agent: {"traffic", "errors", "latency_p95", "steps", "loops", "tool_errors", "handoffs", "outcome",
		"tool_p95", "cost_per_task", "cost", "quality", "refusals", "tokens_in", "tokens_out", "feedback_bad", "groundedness", "replicas_down", "latency_p50"},
	health.ML: {"traffic", "errors", "latency_p95", "latency_mean", "prediction_mean", "feature_nulls", "feature_freshness", "pipeline_freshness",
		"pipeline_errors", "outcome", "quality", "label_delay", "retrain_due", "queue", "replicas_down", "cost", "latency_p50"},
	health.Infra: {"traffic", "errors", "search_p95", "gpu_util", "gpu_mem", "gpu_temp", "gpu_xid", "feature_nulls", "feature_freshness",
		"pipeline_errors", "queue", "latency_p95", "tool_p95", "cost"},
}

// catalogue is every signal sickbay knows. The limits are where operators of
// such systems usually start; each says why, and the config replaces them.
var catalogue = []Def{
	{ID: "traffic", Title: "requests", Short: "TRAFFIC", Unit: health.PerSecond, Group: "traffic"},
	{ID: "errors", Title: "failed requests", Short: "ERRORS", Unit: health.Ratio, Bad: health.Up, Group: "errors",
		Warn: 0.02, Critical: 0.05, Why: "one request in fifty is noticed, one in twenty breaks an hourly 99.9 % budget in minutes"},
	{ID: "latency_p95", Title: "latency, 95th percentile", Short: "P95", Unit: health.Seconds, Bad: health.Up, Group: "latency",
		Warn: 8, Critical: 20, Why: "how long a person waits for an answer, a task or a prediction before leaving",
		ByKind: map[health.Kind][2]float64{health.Agent: {30, 90}, health.ML: {0.25, 1}, health.Infra: {1, 5}}},
	{ID: "latency_mean", Title: "latency, mean", Short: "MEAN", Unit: health.Seconds, Bad: health.Up, Group: "latency",
		Warn: 8, Critical: 20, Why: "even the mean is over what only the slowest one in twenty may take",
		ByKind: map[health.Kind][2]float64{health.Agent: {30, 90}, health.ML: {0.25, 1}, health.Infra: {1, 5}}},
	{ID: "latency_p50", Title: "latency, median", Short: "P50", Unit: health.Seconds, Bad: health.Up, Group: "latency"},
	{ID: "ttft_p95", Title: "time to first token, 95th percentile", Short: "TTFT", Unit: health.Seconds, Bad: health.Up, Group: "latency",
		Warn: 2, Critical: 5, Why: "a reader starts to doubt after two seconds of nothing and leaves after five"},
	{ID: "itl_p95", Title: "time between tokens, 95th percentile", Short: "ITL", Unit: health.Seconds, Bad: health.Up, Group: "latency",
		Warn: 0.1, Critical: 0.25, Why: "ten tokens a second is about reading speed; four are not"},
	{ID: "itl_mean", Title: "time between tokens, mean", Short: "ITL MEAN", Unit: health.Seconds, Bad: health.Up, Group: "latency",
		Warn: 0.1, Critical: 0.25, Why: "ten tokens a second is about reading speed; four are not"},
	{ID: "tool_p95", Title: "tool calls, 95th percentile", Short: "TOOL P95", Unit: health.Seconds, Bad: health.Up, Group: "latency"},
	{ID: "search_p95", Title: "vector search, 95th percentile", Short: "SEARCH", Unit: health.Seconds, Bad: health.Up, Group: "latency",
		Warn: 0.2, Critical: 1, Why: "a search is one of several steps before the first token"},
	{ID: "running", Title: "requests being answered", Short: "RUNNING", Unit: health.Count, Group: "saturation"},
	{ID: "queue", Title: "requests waiting", Short: "QUEUE", Unit: health.Count, Bad: health.Up, Group: "saturation",
		Warn: 10, Critical: 50, Why: "a queue that stays means arrivals exceed what is served"},
	{ID: "kv_cache", Title: "KV cache in use", Short: "KV", Unit: health.Ratio, Bad: health.Up, Group: "saturation",
		Warn: 0.90, Critical: 0.98, Why: "a full cache preempts running requests and computes them again"},
	{ID: "preemptions", Title: "preempted requests", Short: "PREEMPT", Unit: health.PerSecond, Bad: health.Up, Group: "saturation"},
	{ID: "cache_hits", Title: "prompt tokens found in the cache", Short: "CACHED", Unit: health.Ratio, Bad: health.Down, Group: "saturation"},
	{ID: "replicas_down", Title: "replicas not available", Short: "DOWN", Unit: health.Count, Bad: health.Up, Group: "saturation"},
	{ID: "gpu_util", Title: "GPU busy", Short: "GPU", Unit: health.Ratio, Bad: health.Up, Group: "saturation",
		Warn: 0.95, Critical: noCritical, Why: "a GPU with no idle time has no room for a peak; that alone harms nobody"},
	{ID: "gpu_mem", Title: "GPU memory in use", Short: "GPUMEM", Unit: health.Ratio, Bad: health.Up, Group: "saturation",
		Warn: 0.95, Critical: 0.99, Why: "vLLM takes 90 % at start; the last percent ends in out of memory"},
	{ID: "gpu_temp", Title: "GPU temperature", Short: "GPUTEMP", Unit: health.Celsius, Bad: health.Up, Group: "saturation",
		Warn: 85, Critical: 92, Why: "data centre GPUs slow down from about 87 °C and shut off a little above 92 °C"},
	{ID: "gpu_xid", Title: "GPUs with an XID error", Short: "XID", Unit: health.Count, Bad: health.Up, Group: "errors",
		Warn: 0, Critical: noCritical, Why: "an XID is the driver reporting a fault; some are harmless, none is normal"},
	{ID: "tokens_in", Title: "prompt tokens", Short: "TOK IN", Unit: health.TokensPS, Group: "tokens"},
	{ID: "tokens_out", Title: "answer tokens", Short: "TOK OUT", Unit: health.TokensPS, Group: "tokens"},
	{ID: "cost", Title: "cost", Short: "COST/H", Unit: health.USDPerH, Bad: health.Up, Group: "cost"},
	{ID: "cost_per_task", Title: "cost per task", Short: "COST/T", Unit: health.USD, Bad: health.Up, Group: "cost"},
	{ID: "quality", Title: "answers judged good", Short: "QUALITY", Unit: health.Score, Bad: health.Down, Group: "quality",
		Warn: 0.80, Critical: 0.70, Why: "the usual gate of an evaluation suite, and one step below it"},
	{ID: "groundedness", Title: "answers grounded in their sources", Short: "GROUNDED", Unit: health.Score, Bad: health.Down, Group: "quality",
		Warn: 0.80, Critical: 0.70, Why: "the usual gate of a groundedness evaluator, and one step below it"},
	{ID: "feedback_bad", Title: "bad ratings by users", Short: "BAD FB", Unit: health.Ratio, Bad: health.Up, Group: "quality"},
	{ID: "finish_length", Title: "answers cut off", Short: "CUT OFF", Unit: health.Ratio, Bad: health.Up, Group: "quality",
		Warn: 0.05, Critical: 0.15, Why: "an answer that stops at max_tokens is an unfinished answer"},
	{ID: "refusals", Title: "refusals", Short: "REFUSALS", Unit: health.Ratio, Bad: health.Up, Group: "safety",
		Warn: 0.02, Critical: 0.05, Why: "ordinary traffic is refused well below one time in fifty"},
	{ID: "retrieval_score", Title: "retrieval score", Short: "RETRIEV", Unit: health.Score, Bad: health.Down, Group: "quality",
		Warn: 0.60, Critical: 0.45, Why: "below 0.6 cosine similarity most embedding models no longer mean the same topic"},
	{ID: "retrieval_empty", Title: "empty retrievals", Short: "EMPTY", Unit: health.Ratio, Bad: health.Up, Group: "quality",
		Warn: 0.05, Critical: 0.15, Why: "without chunks the model answers from memory"},
	{ID: "index_age", Title: "index age", Short: "IDX AGE", Unit: health.Seconds, Bad: health.Up, Group: "freshness",
		Warn: 24 * 3600, Critical: 72 * 3600, Why: "a nightly build that failed once, and one that failed over a weekend"},
	{ID: "embedding_mismatch", Title: "chunks embedded with another model than queries", Short: "EMB MISM", Unit: health.Ratio, Bad: health.Up, Group: "drift",
		Warn: 0.05, Critical: 0.25, Why: "vectors of two models cannot be compared: these chunks are never found"},
	{ID: "steps", Title: "steps per task", Short: "STEPS", Unit: health.Count, Bad: health.Up, Group: "quality",
		Warn: 12, Critical: 25, Why: "25 is the usual recursion limit of agent frameworks; half of it is already going round"},
	{ID: "tool_errors", Title: "failed tool calls", Short: "TOOL ERR", Unit: health.Ratio, Bad: health.Up, Group: "errors",
		Warn: 0.05, Critical: 0.15, Why: "agents retry single failures; more than one in twenty shows in the answers"},
	{ID: "loops", Title: "tasks caught in a loop", Short: "LOOPS", Unit: health.Ratio, Bad: health.Up, Group: "errors",
		Warn: 0.02, Critical: 0.10, Why: "a looping task spends its whole budget and fails"},
	{ID: "handoffs", Title: "tasks handed to a person", Short: "HANDOFF", Unit: health.Ratio, Bad: health.Up, Group: "outcome",
		Warn: 0.30, Critical: 0.50, Why: "beyond a third, people do the agent's work"},
	{ID: "feature_nulls", Title: "missing feature values", Short: "NULLS", Unit: health.Ratio, Bad: health.Up, Group: "drift",
		Warn: 0.02, Critical: 0.10, Why: "the feature with most holes; models fill a hole with a constant and go on"},
	{ID: "feature_freshness", Title: "age of the oldest feature", Short: "FEAT AGE", Unit: health.Seconds, Bad: health.Up, Group: "freshness",
		Warn: 3600, Critical: 6 * 3600, Why: "an hourly pipeline that missed one run, and one that stopped"},
	{ID: "pipeline_freshness", Title: "since the last successful pipeline run", Short: "PIPELINE", Unit: health.Seconds, Bad: health.Up, Group: "freshness",
		Warn: 26 * 3600, Critical: 74 * 3600, Why: "a daily run missed, with two hours to finish, and one missed over a weekend"},
	{ID: "pipeline_errors", Title: "failed pipeline runs of the last day", Short: "PIPE ERR", Unit: health.Ratio, Bad: health.Up, Group: "errors",
		Warn: 0.2, Critical: noCritical, Why: "one run in five fails: more than the retry every pipeline needs now and then"},
	{ID: "prediction_mean", Title: "mean prediction score", Short: "PRED", Unit: health.Score, Group: "drift"},
	{ID: "label_delay", Title: "delay of labels", Short: "LABELS", Unit: health.Seconds, Bad: health.Up, Group: "freshness"},
	{ID: "retrain_due", Title: "time until retraining is due", Short: "RETRAIN", Unit: health.Seconds, Bad: health.Down, Group: "freshness",
		Warn: 0, Critical: noCritical, Why: "the date the team set itself has passed"},
	{ID: "outcome", Title: "business successes", Short: "OUTCOME", Unit: health.Ratio, Bad: health.Down, Group: "outcome"},
}
