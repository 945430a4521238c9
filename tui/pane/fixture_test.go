package pane

import (
	"math"
	"time"

	"sickbay/health"
	"sickbay/packs"
)

// now is when the pictures of the tests are taken.
var now = time.Date(2026, 11, 23, 14, 2, 0, 0, time.UTC)

func before(d time.Duration) time.Time { return now.Add(-d) }

const (
	sec = time.Second
	mnt = time.Minute
)

// trend is a signal's last hour, a point every 15 s, x running from 0 to 1.
func trend(f func(x float64) float64) []health.Point {
	var out []health.Point
	for t := before(time.Hour); !t.After(now); t = t.Add(15 * sec) {
		out = append(out, health.Point{T: t.UnixMilli(), V: f(1 - float64(now.Sub(t))/float64(time.Hour))})
	}
	return out
}

// from is a value that changes twelve minutes ago.
func from(a, b float64) func(float64) float64 {
	return func(x float64) float64 {
		noise := 1 + 0.03*math.Sin(x*97) + 0.02*math.Sin(x*331)
		switch {
		case x < 0.8:
			return a * noise
		case x < 0.87:
			return (a + (b-a)*(x-0.8)/0.07) * noise
		}
		return b * noise
	}
}

// measured is a fresh signal of the catalogue, judged by its limits.
func fresh(kind health.Kind, id string, a, b float64) health.Signal {
	d, _ := packs.Lookup(id)
	s := health.Signal{ID: id, Title: d.Title, Short: d.Short, Unit: d.Unit, Bad: d.Bad, Group: d.Group,
		Value: b, State: health.Fresh, At: before(4 * sec), Status: health.OK, Limit: d.Limit(kind),
		Series: trend(from(a, b)), Pack: "litellm", Source: "main", Query: `sum by (service) (rate(x_total[1m]))`}
	beyond := func(l *float64) bool {
		return l != nil && (d.Bad == health.Up && b > *l || d.Bad == health.Down && b < *l)
	}
	switch {
	case beyond(s.Limit.Critical):
		s.Status = health.Critical
	case beyond(s.Limit.Warn):
		s.Status = health.Warn
	}
	return s
}

type levels map[string][2]float64

// signals makes the signals of a service in the order of the catalogue.
func signals(kind health.Kind, l levels) []health.Signal {
	var out []health.Signal
	for _, id := range packs.IDs() {
		if v, ok := l[id]; ok {
			out = append(out, fresh(kind, id, v[0], v[1]))
		}
	}
	return out
}

func aged(signals []health.Signal, state health.State, age time.Duration) []health.Signal {
	for i := range signals {
		signals[i].State, signals[i].At, signals[i].Status = state, before(age), health.Unknown
		if state == health.NaN {
			signals[i].Value = math.NaN()
		}
	}
	return signals
}

// ward is the picture of the design: a bad prompt, a stale index, an agent that
// goes round, and some that are well.
func ward() *health.Snapshot {
	s := &health.Snapshot{Version: 7, At: now, Window: time.Hour, Step: 15 * sec, Live: true, Write: true}
	s.Services = []health.Service{supportChat(), docsAnswers(), triageAgent(), gpuNode(), codeAssist(), fraudScore(), llamaChat()}
	s.Failures = failureGroups()
	s.Changes = []health.Change{
		{ID: "c4", At: before(12 * mnt), Kind: "prompt", Service: "support-chat", From: "v31", To: "v32", Text: "shorter, stricter policy section", Source: "changes"},
		{ID: "c3", At: before(41 * mnt), Kind: "deploy", Service: "support-chat", From: "2.14.0", To: "2.14.1", Text: "bump client library", Source: "changes"},
		{ID: "c2", At: before(44 * mnt), Uncertain: 2 * mnt, Kind: "index", Service: "docs-answers", From: "2026-11-22", To: "2026-11-23", Text: "nightly rebuild", Source: "changes"},
		{ID: "c1", At: before(26 * time.Hour), Kind: "flag", From: "off", To: "on", Text: "new-search for 10 % of tenants", Source: "changes"},
	}
	s.Alerts = []health.Alert{
		{Name: "AnswerQualityLow", Service: "support-chat", Severity: "critical", State: "firing", Since: before(8 * mnt), Text: "answers judged good below 0.70 for 5 m", Value: health.Num(0.61), Labels: []health.Field{{Name: "tier", Value: "1"}}, Source: "main"},
		{Name: "IndexStale", Service: "docs-answers", Severity: "warning", State: "firing", Since: before(41 * mnt), Text: "index older than a day", Source: "main"},
		{Name: "AgentLoops", Service: "triage-agent", Severity: "warning", State: "pending", Since: before(mnt), Text: "tasks caught in a loop", Source: "main"},
	}
	s.Sources = []health.SourceState{
		{Name: "main", Kind: "prometheus", Where: "http://127.0.0.1:9090", OK: true, At: before(3 * sec), Version: "3.2.1", Took: 18 * time.Millisecond, Asked: 1240, Failed: 2, Bytes: 4 << 20, Skew: -40 * time.Millisecond},
		{Name: "requests", Kind: "file", Where: "/var/log/app/*.jsonl", OK: true, At: before(sec), Log: true, Lines: 120443, LinesPerSecond: 62, Lag: health.Num(0.31), BadLines: 3, Bytes: 91 << 20},
		{Name: "changes", Kind: "feed", Where: "http://127.0.0.1:8080/changes", At: before(190 * sec), Error: "503 Service Unavailable", Warnings: []string{"answers are older than the refresh"}, Asked: 80, Failed: 12},
	}
	s.Rollbacks = []health.Rollback{{ID: "op-1", Service: "support-chat", Target: "support-chat/prompt", Kind: "prompt", From: "v30", To: "v29", By: "ann",
		Reason: "v30 leaks the system prompt", State: health.OpRecovered, At: before(50 * time.Hour), Applied: before(50*time.Hour - 20*sec), Text: "refusals 0.9 % within 2.0 %, 3 of 3 looks",
		Readings: []health.Reading{{Symptom: health.Symptom{Signal: "refusals", Title: "refusals", Unit: health.Ratio, Bad: health.Up, Value: 0.08, Limit: 0.02}, Value: 0.009, At: before(50*time.Hour - 3*mnt), Known: true}}}}
	s.Journal = []health.Entry{
		{Seq: 3, At: before(50*time.Hour - 3*mnt), Op: "op-1", Event: "recovered", By: "ann", Service: "support-chat", Text: "refusals 0.9 % within 2.0 %", Hash: "9f31c2"},
		{Seq: 2, At: before(50*time.Hour - 20*sec), Op: "op-1", Event: "applied", By: "ann", Service: "support-chat", Text: "prompt v30 → v29", Hash: "5512aa"},
		{Seq: 1, At: before(50 * time.Hour), Op: "op-1", Event: "intended", By: "ann", Service: "support-chat", Text: "v30 leaks the system prompt", Hash: "01b4de"},
	}
	s.Requests = map[string]health.Request{"req-8812": refusedRequest(), "req-8801": goodRequest(), "req-7000": loopingRun()}
	s.Traces = wardTraces()
	s.Load = health.Load{Queries: 1240, LastRound: 41, Samples: 560, Bytes: 4 << 20, RoundTook: 140 * time.Millisecond, Refresh: 10 * sec, Records: 41234, SeriesCached: 388}
	return s
}

func supportChat() health.Service {
	return health.Service{Name: "support-chat", Kind: health.LLM, Status: health.Critical, Since: before(11 * mnt), Version: "prompt v32",
		Lineage: health.Lineage{Build: "2.14.1", Model: "gpt-4o-2024-11-20", Prompt: "v32"}, Packs: []string{"litellm", "otel-genai", "ai-app"},
		Findings: []health.Finding{
			{Service: "support-chat", Signal: "quality", Rule: "limit", Text: "answers judged good 0.61, limit 0.70", Value: health.Num(0.61), Limit: health.Num(0.7), Status: health.Critical, Since: before(9 * mnt)},
			{Service: "support-chat", Signal: "refusals", Rule: "limit", Text: "refusals 7.1 %, limit 5.0 %", Status: health.Critical, Since: before(8 * mnt)},
			{Service: "support-chat", Signal: "outcome", Rule: "limit", Text: "solved 54.0 %, limit 60.0 %", Status: health.Warn, Since: before(4 * mnt)},
		},
		Signals: signals(health.LLM, levels{"traffic": {40, 42}, "errors": {0.011, 0.012}, "latency_p95": {1.8, 1.9}, "latency_p50": {0.8, 0.8},
			"ttft_p95": {0.6, 0.62}, "tokens_in": {5200, 5300}, "tokens_out": {2100, 1400}, "cost": {3.3, 3.1}, "quality": {0.91, 0.61},
			"refusals": {0.009, 0.071}, "outcome": {0.71, 0.54}, "kv_cache": {0.42, 0.44}, "queue": {1, 1}}),
		Drift: []health.Drift{{Service: "support-chat", Signal: "answer length", Kind: "histogram", PSIAdj: health.Num(0.02), Low: health.Num(0.01), High: health.Num(0.04), Gap: health.Num(0.03), P: health.Num(0.31),
			NRef: 51200, NCur: 12400, Level: "ok", Status: health.OK, Cells: []string{"≤ 100", "≤ 200", "≤ 400", "> 400"}, Ref: []float64{0.2, 0.4, 0.3, 0.1}, Cur: []float64{0.22, 0.41, 0.28, 0.09}, Against: "the same 15 m one hour before"}},
		Suspects: []health.Suspect{
			{Rank: 1, Label: "strong", Score: 14.2, Kind: "prompt", Change: "c4", Service: "support-chat", From: "v31", To: "v32", At: before(12 * mnt),
				Evidence: []string{"+6.0 60 s before the first bad sign", "+8.2 v32 fails 11.2 %, v31 0.9 % in the same minutes"}},
			{Rank: 2, Label: "unclear", Score: 1.1, Kind: "deploy", Change: "c3", Service: "support-chat", From: "2.14.0", To: "2.14.1", At: before(41 * mnt),
				Evidence: []string{"+1.1 30 m before the first bad sign"}},
			{Rank: 3, Label: "unclear", Kind: "load", RuledOut: "traffic did not change"},
		},
		Targets: []health.Target{{Name: "support-chat/prompt", Service: "support-chat", Kind: "prompt", Driver: "http", Current: "v32", At: before(9 * sec),
			Previous: []health.Version{{ID: "v31", At: before(6 * 24 * time.Hour)}, {ID: "v30", At: before(20 * 24 * time.Hour), Note: "leaks the system prompt"}}, Caps: "compare-and-swap, idempotent"},
			{Name: "support-chat/deploy", Service: "support-chat", Kind: "deploy", Driver: "command", Current: "2.14.1", Blocked: "a rollout is in progress"}},
	}
}

func docsAnswers() health.Service {
	return health.Service{Name: "docs-answers", Kind: health.RAG, Status: health.Critical, Since: before(40 * mnt), Version: "index 2026-11-23",
		Lineage:  health.Lineage{Model: "claude-sonnet-4", Index: "2026-11-23"},
		Findings: []health.Finding{{Signal: "retrieval_score", Rule: "limit", Text: "retrieval score 0.41, limit 0.45", Status: health.Critical, Since: before(40 * mnt)}},
		Signals: signals(health.RAG, levels{"traffic": {11, 11}, "errors": {0.004, 0.004}, "latency_p95": {2.2, 2.2}, "quality": {0.86, 0.72}, "cost": {1.7, 1.8},
			"retrieval_score": {0.78, 0.41}, "retrieval_empty": {0.01, 0.12}, "index_age": {30000, 33000}, "groundedness": {0.9, 0.66}}),
		Drift:    []health.Drift{{Service: "docs-answers", Signal: "question length", Kind: "histogram", PSIAdj: health.Num(0.31), Low: health.Num(0.24), High: health.Num(0.39), NRef: 9100, NCur: 2300, Level: "critical", Status: health.Critical, Since: before(30 * mnt)}},
		Suspects: []health.Suspect{{Rank: 1, Label: "likely", Score: 7.5, Kind: "index", Change: "c2", Service: "docs-answers", From: "2026-11-22", To: "2026-11-23", At: before(44 * mnt), Evidence: []string{"+5.0 2 m before the first bad sign", "+2.5 share of empty retrievals rose at once"}}},
	}
}

func triageAgent() health.Service {
	return health.Service{Name: "triage-agent", Kind: health.Agent, Status: health.Warn, Since: before(6 * mnt), Version: "1.9.0",
		Lineage:  health.Lineage{Build: "1.9.0"},
		Findings: []health.Finding{{Signal: "errors", Text: "failed requests 3.8 %, limit 2.0 %", Status: health.Warn, Since: before(6 * mnt)}},
		Signals: signals(health.Agent, levels{"traffic": {2, 6}, "errors": {0.01, 0.038}, "latency_p95": {9.1, 34}, "quality": {0.88, 0.88}, "cost": {4.1, 9.6},
			"steps": {6, 14}, "loops": {0.002, 0.06}, "tool_errors": {0.01, 0.06}, "outcome": {0.6, 0.58}}),
	}
}

func codeAssist() health.Service {
	return health.Service{Name: "code-assist", Kind: health.LLM, Status: health.OK, Since: before(300 * time.Hour), Version: "2.2.0",
		Signals: signals(health.LLM, levels{"traffic": {120, 131}, "errors": {0.002, 0.002}, "latency_p95": {3.1, 3.3}, "quality": {0.9, 0.9}, "cost": {21, 22.4}})}
}

// fraudScore has features, one of them judged by another tool.
func fraudScore() health.Service {
	return health.Service{Name: "fraud-score", Kind: health.ML, Status: health.OK, Since: before(80 * time.Hour), Version: "2026-11-02",
		Lineage: health.Lineage{Model: "2026-11-02", Data: "2026-11-22"},
		Signals: signals(health.ML, levels{"traffic": {310, 312}, "errors": {0, 0}, "latency_p95": {0.018, 0.018}, "quality": {0.93, 0.93}, "outcome": {0.91, 0.91},
			"feature_nulls": {0.001, 0.001}, "prediction_mean": {0.07, 0.07}}),
		Drift: []health.Drift{
			opened(health.Drift{Service: "fraud-score", Signal: "feature", Feature: "amount", Kind: "histogram", PSIAdj: health.Num(0.16), Low: health.Num(0.11), High: health.Num(0.21), Gap: health.Num(0.12), P: health.Num(0.0004), NRef: 88000, NCur: 21000, Level: "warn", Status: health.Warn, Since: before(20 * mnt),
				Cells: []string{"≤ 10", "≤ 50", "≤ 200", "> 200"}, Ref: []float64{0.4, 0.3, 0.2, 0.1}, Cur: []float64{0.22, 0.28, 0.3, 0.2}, Trend: trend(from(0.02, 0.16)), Against: "the same 15 m one hour before", Query: "sum by (service, le, feature) (increase(ai_feature_value_bucket[15m]))"}),
			{Service: "fraud-score", Signal: "feature", Feature: "country", Kind: "exported", Score: health.Num(0.08), Tool: "evidently, jensen-shannon", Level: "", Trend: trend(from(0.07, 0.08))},
			{Service: "fraud-score", Signal: "feature", Feature: "merchant_age", Kind: "histogram", NRef: 12, NCur: 4, Level: "insufficient", Detectable: health.Num(0.8)},
			{Service: "fraud-score", Signal: "prediction", Kind: "categorical", PSIAdj: health.Num(0.01), Low: health.Num(0), High: health.Num(0.02), NRef: 88000, NCur: 21000, Level: "ok", Status: health.OK, Cells: []string{"ok", "fraud"}, Ref: []float64{0.97, 0.03}, Cur: []float64{0.968, 0.032}},
		}}
}

func llamaChat() health.Service {
	s := signals(health.LLM, levels{"traffic": {8, 0}, "errors": {0, 0}, "latency_p95": {2, 2}})
	aged(s[1:], health.NaN, 5*sec)
	return health.Service{Name: "llama-chat", Kind: health.LLM, Status: health.OK, Signals: s}
}

func gpuNode() health.Service {
	return health.Service{Name: "gpu-node-1", Kind: health.Infra, Status: health.Unknown, Since: before(3 * mnt), Gone: before(3 * mnt),
		Signals: aged(signals(health.Infra, levels{"traffic": {9, 9}, "gpu_util": {0.8, 0.82}, "gpu_temp": {70, 71}}), health.Stale, 3*mnt)}
}

func failureGroups() []health.Failure {
	return []health.Failure{
		{ID: "f1", Service: "support-chat", ErrorType: "refusal", Signature: "refused: policy <*> matched", Count: 412, Before: 3, State: "new", First: before(11 * mnt), Last: before(2 * sec),
			Example: "refused: policy 14.2 matched", Requests: []string{"req-8812", "req-8811", "req-8810"}, Spark: []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 130, 270},
			InCommon: []string{"prompt_version=v32 — 408 of 412 failing (99 %), 31 % of the others", "tenant=acme — 120 of 412 failing (29 %), 9 % of the others"}, Versions: []string{"v32", "v31"},
			Shared: []health.Shared{
				{Text: "prompt_version=v32 — 408 of 412 failing (99 %), 31 % of the others", Fields: []health.Field{{Name: "prompt_version", Value: "v32"}}},
				{Text: "tenant=acme — 120 of 412 failing (29 %), 9 % of the others", Fields: []health.Field{{Name: "tenant", Value: "acme"}}},
			}},
		{ID: "f2", Service: "docs-answers", Signature: "context_length_exceeded: <num> tokens", Count: 87, Before: 31, State: "grown", First: before(290 * mnt), Last: before(20 * sec),
			Example: "context_length_exceeded: 131412 tokens", Requests: []string{"req-7000"}, Spark: []int{2, 3, 2, 3, 4, 5, 6, 9, 11, 12, 14, 16}},
		{ID: "f3", Service: "code-assist", Signature: "upstream timed out after <dur>", Count: 9, Before: 10, State: "known", First: before(70 * time.Hour), Last: before(14 * mnt), Spark: []int{1, 0, 1, 1, 0, 2, 1, 0, 1, 1, 1, 0}},
	}
}

func refusedRequest() health.Request {
	return health.Request{ID: "req-8812", At: before(2 * sec), Service: "support-chat", Name: "chat", Level: "error", Failed: true, Code: 200, Error: "refusal", Finish: "content_filter",
		Message: "refused: policy 14.2 matched", Lineage: health.Lineage{Build: "2.14.1", Model: "gpt-4o-2024-11-20", Prompt: "v32"},
		Dims:     []health.Field{{Name: "tenant", Value: "acme"}, {Name: "region", Value: "eu-west"}},
		Duration: health.Num(1.42), TTFT: health.Num(0.61), TokensIn: health.Num(1204), TokensOut: health.Num(18), CostUSD: health.Num(0.0031), Trace: "4bf92f3577b34da6a3ce929d0e0e4736",
		Prompt: "How do I return the shoes I bought last week? My mail is ann@example.org", Answer: "I cannot help with that.",
		Chunks: []health.Chunk{{ID: "returns-3", Score: health.Num(0.82), Age: health.Num(86400), Text: "Returns are accepted within 30 days."}, {ID: "shoes-1", Score: health.Num(0.41), Text: "Shoe sizes."}},
		Scores: []health.Field{{Name: "helpfulness", Value: "0.12"}, {Name: "policy", Value: "refused"}},
		Raw:    `{"time":"2026-11-23T14:01:58Z","level":"error","service":"support-chat","message":"refused: policy 14.2 matched"}`, Origin: "requests: /var/log/app/support.jsonl", Group: "f1"}
}

func goodRequest() health.Request {
	return health.Request{ID: "req-8801", At: before(13 * mnt), Service: "support-chat", Name: "chat", Level: "info", Code: 200, Finish: "stop", Message: "answered",
		Lineage: health.Lineage{Build: "2.14.1", Model: "gpt-4o-2024-11-20", Prompt: "v31"}, Duration: health.Num(1.9), TTFT: health.Num(0.58), TokensIn: health.Num(1190), TokensOut: health.Num(212), CostUSD: health.Num(0.0048),
		Dims: []health.Field{{Name: "tenant", Value: "acme"}}, Raw: "{}", Origin: "requests"}
}

func loopingRun() health.Request {
	r := health.Request{ID: "req-7000", At: before(mnt), Service: "triage-agent", Name: "invoke_agent", Level: "error", Failed: true, Error: "max_steps", Message: "gave up after 25 steps", Duration: health.Num(71)}
	r.Tools = append(r.Tools, health.ToolCall{Name: "plan", Arguments: `{"goal":"book"}`, Result: "ok", Duration: health.Num(0.9)})
	for range 14 {
		r.Tools = append(r.Tools, health.ToolCall{Name: "search_flights", Arguments: `{"from":"BER","to":"SFO"}`, Error: "429 too many requests", Duration: health.Num(2.1)})
	}
	return r
}
