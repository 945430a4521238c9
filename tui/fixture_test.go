package tui

import (
	"errors"
	"fmt"
	"math"
	"time"

	"sickbay/health"
)

// noon is the moment all fixtures describe.
var noon = time.Date(2026, 11, 23, 14, 2, 5, 0, time.UTC)

func at(minutes float64) time.Time {
	return noon.Add(-time.Duration(minutes * float64(time.Minute)))
}

// ward is a small hand-made incident: a prompt change made support-chat ill, an
// index grew old under docs-answers, an agent loops, the rest is well or silent.
func ward() *health.Snapshot {
	snap := &health.Snapshot{
		Version: 7, At: noon, Window: time.Hour, Step: 15 * time.Second, Live: true, Write: true,
		Services:  services(),
		Failures:  failures(),
		Changes:   changes(),
		Alerts:    alerts(),
		Sources:   sourceStates(),
		Journal:   journal(),
		Rollbacks: rollbacks(),
		Requests:  requests(),
		Plans:     map[string]health.Planned{},
		Load: health.Load{
			Queries: 4210, LastRound: 38, Samples: 1216, Bytes: 38 << 20, RoundTook: 240 * time.Millisecond,
			Refresh: 10 * time.Second, Records: 18230, SeriesCached: 412,
		},
	}
	return snap
}

// wave is a series of one value a minute over the window, with a step at a time.
func wave(before, after float64, minutesAgo int) []health.Point {
	var out []health.Point
	for i := 240; i >= 0; i-- {
		t := noon.Add(-time.Duration(i) * 15 * time.Second)
		v := before
		if i < minutesAgo*4 {
			v = after
		}
		out = append(out, health.Point{T: t.UnixMilli(), V: v * (1 + 0.06*math.Sin(float64(i)/7))})
	}
	return out
}

func signal(id, title, short string, unit health.Unit, bad health.Bad, group string, before, after, warn, critical float64) health.Signal {
	s := health.Signal{
		ID: id, Title: title, Short: short, Unit: unit, Bad: bad, Group: group,
		Value: after, State: health.Fresh, At: at(0.1), Status: health.OK,
		Series: wave(before, after, 11), Pack: "ai", Source: "main", Query: "sum by (service) (rate(ai_" + id + "_total[1m]))",
	}
	if warn != 0 {
		s.Limit = health.Limit{Warn: &warn, Critical: &critical, Source: "pack ai"}
	}
	up, down := bad == health.Up && warn != 0, bad == health.Down && warn != 0
	switch {
	case up && after > critical, down && after < critical:
		s.Status = health.Critical
	case up && after > warn, down && after < warn:
		s.Status = health.Warn
	}
	return s
}

func golden(traffic, errorsNow, p95, quality, qualityNow float64) []health.Signal {
	return []health.Signal{
		signal("traffic", "requests", "TRAFFIC", health.PerSecond, health.Neutral, "traffic", traffic, traffic, 0, 0),
		signal("errors", "errors", "ERRORS", health.Ratio, health.Up, "errors", 0.004, errorsNow, .02, .05),
		signal("latency_p95", "p95", "P95", health.Seconds, health.Up, "latency", p95, p95, 8, 20),
		signal("quality", "answers judged good", "QUALITY", health.Score, health.Down, "quality", quality, qualityNow, .80, .70),
	}
}

func services() []health.Service {
	chat := health.Service{
		Name: "support-chat", Kind: health.LLM, Status: health.Critical, Since: at(11), Version: "prompt v32",
		Lineage: health.Lineage{Build: "2.14.0", Model: "gpt-4.1-mini", Prompt: "v32", Config: "c9"},
		Findings: []health.Finding{
			{Service: "support-chat", Signal: "quality", Rule: "limit", Text: "answers judged good 0.61, limit 0.70", Value: health.Num(.61), Limit: health.Num(.7), Bad: health.Down, Status: health.Critical, Since: at(9)},
			{Service: "support-chat", Signal: "refusals", Rule: "limit", Text: "refusals 7.1 %, limit 5.0 %", Value: health.Num(.071), Limit: health.Num(.05), Bad: health.Up, Status: health.Critical, Since: at(8)},
		},
		Signals: append(golden(42, .012, 1.9, .92, .61),
			signal("refusals", "refusals", "REFUSALS", health.Ratio, health.Up, "safety", .006, .071, .02, .05),
			signal("ttft_p95", "time to first token", "TTFT", health.Seconds, health.Up, "latency", .42, .44, 2, 5),
			signal("tokens_out", "tokens out", "TOK OUT", health.TokensPS, health.Neutral, "tokens", 8100, 7900, 0, 0),
			signal("cost", "cost", "COST/H", health.USDPerH, health.Up, "cost", 3.1, 3.1, 0, 0),
			signal("outcome", "solved", "OUTCOME", health.Ratio, health.Down, "outcome", .78, .54, .6, .45)),
		Suspects: []health.Suspect{
			{Rank: 1, Label: "strong", Score: 14.2, Kind: "prompt", Change: "c1", Service: "support-chat", From: "v31", To: "v32", At: at(12),
				Evidence: []string{"+6.0  60 s before the first bad sign", "+8.2  v32 fails 11.2 %, v31 0.9 % in the same minutes"}},
			{Rank: 2, Label: "unclear", Score: 1.1, Kind: "deploy", Change: "c2", Service: "support-chat", From: "2.13.9", To: "2.14.0", At: at(190),
				Evidence: []string{"+1.1  same service, 3 h before"}},
		},
		Targets: []health.Target{{
			Name: "support-chat/prompt", Service: "support-chat", Kind: "prompt", Driver: "http", Current: "v32",
			Previous: []health.Version{{ID: "v31", At: at(3000), Note: "stable for two days"}}, At: at(0.2), Caps: "compare and swap, idempotent",
		}},
		Packs: []string{"litellm", "ai"},
	}
	docs := health.Service{
		Name: "docs-answers", Kind: health.RAG, Status: health.Warn, Since: at(41), Version: "index 2026-11",
		Findings: []health.Finding{{Service: "docs-answers", Signal: "index_age", Rule: "limit", Text: "index is 31 h old, limit 24 h", Status: health.Warn, Since: at(41)}},
		Signals: append(golden(11, .004, 2.2, .83, .81),
			signal("index_age", "index age", "INDEX", health.Seconds, health.Up, "freshness", 80000, 111600, 86400, 259200)),
		Drift: []health.Drift{
			drift("docs-answers", "question length", "histogram", .31, "warn", health.Warn),
			drift("docs-answers", "language", "categorical", .02, "ok", health.OK),
		},
		Targets: []health.Target{
			{Name: "docs-answers/index", Service: "docs-answers", Kind: "index", Driver: "http", Current: "2026-11",
				Previous: []health.Version{{ID: "2026-10", At: at(30000)}, {ID: "2026-09", At: at(70000)}}},
			{Name: "docs-answers/model", Service: "docs-answers", Kind: "model", Driver: "http", Current: "m2", Blocked: "an approval is pending"},
		},
	}
	agent := health.Service{
		Name: "triage-agent", Kind: health.Agent, Status: health.Warn, Since: at(25), Version: "1.9.0",
		Findings: []health.Finding{{Service: "triage-agent", Signal: "errors", Rule: "limit", Text: "errors 3.8 %, limit 2.0 %", Status: health.Warn, Since: at(25)}},
		Signals:  golden(6, .038, 9.7, .88, .88),
	}
	fraud := health.Service{
		Name: "fraud-score", Kind: health.ML, Status: health.OK, Version: "2026-11-02", Signals: golden(310, 0, .018, .93, .93),
		Drift: []health.Drift{drift("fraud-score", "amount", "histogram", .03, "ok", health.OK)},
	}
	silentOne := health.Service{Name: "churn-model", Kind: health.ML, Status: health.Unknown, Gone: at(14),
		Findings: []health.Finding{{Service: "churn-model", Rule: "stale", Text: "no samples for 14 m", Status: health.Unknown, Since: at(14)}}}
	all := []health.Service{chat, docs, agent, silentOne, fraud}
	for _, name := range []string{"code-assist", "demand-forecast", "gpu-node-1", "legal-search", "llama-chat", "summarizer", "travel-agent", "vector-db"} {
		all = append(all, health.Service{Name: name, Kind: health.LLM, Status: health.OK, Version: "1.0.4", Signals: golden(5, .001, 1.1, .9, .9)})
	}
	return all
}

func drift(service, what, kind string, psi float64, level string, status health.Status) health.Drift {
	d := health.Drift{
		Service: service, Signal: what, Kind: kind, PSIAdj: &psi, Low: health.Num(psi * .7), High: health.Num(psi * 1.3),
		P: health.Num(.003), NRef: 4100, NCur: 3900, Level: level, Status: status, Since: at(30),
		Cells: []string{"0-20", "20-80", "80-200", "200-"}, Ref: []float64{.2, .5, .2, .1}, Cur: []float64{.1, .3, .35, .25},
		Against: "the same 15 m one hour before", Query: "sum by (le) (increase(ai_prompt_length_bucket[15m]))",
		Band: health.Num(.05), Detectable: health.Num(.11), Outcome: "answers judged good 0.81, unchanged",
		Measures: []health.Measure{
			{Name: "PSI", Base: "nats", Value: psi}, {Name: "JS distance", Base: "base 2", Value: psi * .8},
			{Name: "Wasserstein", Value: 31, Bound: health.Num(12), Note: "lower bound: mass above the last bucket"},
		},
	}
	for i := range 8 {
		d.Windows = append(d.Windows, health.DriftWindow{End: at(float64(60 * (8 - i))), N: 4000, PSIAdj: health.Num(.01), Shares: []float64{.21, .48, .2, .11}})
	}
	if status != health.OK {
		d.Onset = health.Onset{At: at(30), Kind: "step", Up: true, Score: 8, Step: 15 * time.Second}
		d.Near = []string{"c3"}
	}
	return d
}

func failures() []health.Failure {
	ids := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("req-%04d", 9000-i))
		}
		return out
	}
	return []health.Failure{
		{ID: "f1", Service: "support-chat", ErrorType: "refusal", Signature: "refused: policy <*> matched", Count: 412, State: "new",
			First: at(11), Last: at(0.2), Example: "refused: policy 17 matched", Requests: ids(5),
			InCommon: []string{"prompt_version=v32 — 121 of 135 failing (90 %), 33 % of all", "region=us — 80 of 135 failing (59 %), 55 % of all"},
			Shared: []health.Shared{
				{Text: "prompt_version=v32 — 121 of 135 failing (90 %), 33 % of all", Fields: []health.Field{{Name: "prompt_version", Value: "v32"}}},
				{Text: "region=us — 80 of 135 failing (59 %), 55 % of all", Fields: []health.Field{{Name: "region", Value: "us"}}},
			},
			Spark: []int{0, 0, 0, 1, 9, 30, 41, 44}, Versions: []string{"v32"}},
		{ID: "f2", Service: "docs-answers", ErrorType: "context_length_exceeded", Signature: "context of <*> tokens exceeds <*>", Count: 87, Before: 31, State: "grown",
			First: at(290), Last: at(1), Example: "context of 9120 tokens exceeds 8192", Requests: []string{"req-8500"}, Spark: []int{3, 4, 3, 6, 9, 12, 11, 13}},
		{ID: "f3", Service: "triage-agent", ErrorType: "tool_error", Signature: "tool <*> answered 503", Count: 40, Before: 42, State: "known",
			First: at(900), Last: at(3), Example: "tool search answered 503", Requests: []string{"req-7001"}, Spark: []int{4, 5, 4, 5, 4, 5, 4, 5}},
	}
}

func changes() []health.Change {
	return []health.Change{
		{ID: "c1", At: at(12), Kind: "prompt", Service: "support-chat", From: "v31", To: "v32", Text: "shorter system prompt", Source: "changes"},
		{ID: "c3", At: at(55), Kind: "index", Service: "docs-answers", From: "2026-10", To: "2026-11", Text: "nightly build", Source: "changes"},
		{ID: "c2", At: at(190), Kind: "deploy", Service: "support-chat", From: "2.13.9", To: "2.14.0", Text: "release", Source: "changes"},
	}
}

func alerts() []health.Alert {
	return []health.Alert{
		{Name: "AnswerQualityLow", Service: "support-chat", Severity: "critical", State: "firing", Since: at(8), Text: "judged quality below 0.7", Source: "main"},
		{Name: "IndexStale", Service: "docs-answers", Severity: "warning", State: "firing", Since: at(41), Source: "main"},
		{Name: "NodeClock", Severity: "info", State: "pending", Since: at(2), Source: "main"},
	}
}

func sourceStates() []health.SourceState {
	return []health.SourceState{
		{Name: "main", Kind: "prometheus", Where: "http://prometheus:9090", OK: true, At: at(0.1), Version: "3.1.0", Took: 210 * time.Millisecond, Asked: 4210, Failed: 2, Bytes: 38 << 20},
		{Name: "requests", Kind: "file", Where: "/var/log/app/*.jsonl", OK: true, At: at(0.05), Log: true, Lines: 182_300, LinesPerSecond: 58, BadLines: 3, Lag: health.Num(0.4), Dropped: 120, Behind: 3 << 20},
		{Name: "changes", Kind: "feed", Where: "http://changes/feed", OK: true, At: at(0.2), Took: 12 * time.Millisecond, Asked: 360},
	}
}

func journal() []health.Entry {
	return []health.Entry{
		{Seq: 2, At: at(7), Event: "note", By: "ann", Service: "support-chat", Text: "looking at the refusals", Hash: "9f2c"},
		{Seq: 1, At: at(1500), Op: "op-1", Event: "recovered", By: "bob", Service: "docs-answers", Text: "index 2026-08 → 2026-07: retrieval score 0.71 within 0.60", Hash: "17aa"},
	}
}

func rollbacks() []health.Rollback {
	return []health.Rollback{{
		ID: "op-1", Service: "docs-answers", Target: "docs-answers/index", Kind: "index", From: "2026-08", To: "2026-07", By: "bob",
		Reason: "retrieval scores fell", State: health.OpRecovered, At: at(1510), Applied: at(1509), Until: at(1499), Text: "retrieval score 0.71 within 0.60",
	}}
}

func requests() map[string]health.Request {
	bad := health.Request{
		ID: "req-9000", At: at(0.3), Service: "support-chat", Name: "chat", Level: "error", Failed: true, Code: 200, Error: "refusal", Finish: "content_filter",
		Message: "refused: policy 17 matched", Lineage: health.Lineage{Build: "2.14.0", Model: "gpt-4.1-mini", Prompt: "v32"},
		Dims: []health.Field{{Name: "tenant", Value: "acme"}, {Name: "region", Value: "eu"}}, Duration: health.Num(1.42), TTFT: health.Num(.4),
		TokensIn: health.Num(812), TokensOut: health.Num(44), CostUSD: health.Num(.0021), Trace: "4bf92f3577b34da6",
		Prompt: "How do I reset my password?", Answer: "I cannot help with that.", Raw: `{"request_id":"req-9000"}`, Origin: "/var/log/app/support-chat.jsonl", Group: "f1",
		Scores: []health.Field{{Name: "quality", Value: "0.21"}},
	}
	good := bad
	good.ID, good.Failed, good.Level, good.Error, good.Finish, good.Group = "req-8999g", false, "info", "", "stop", ""
	good.Lineage.Prompt, good.Answer, good.At = "v31", "Open the settings page and choose reset.", at(14)
	next := bad
	next.ID, next.At = "req-8999", at(0.5)
	return map[string]health.Request{bad.ID: bad, next.ID: next, good.ID: good}
}

// plan is a plan for support-chat's prompt, asked a moment before now.
func plan(now time.Time) health.Plan {
	return health.Plan{
		ID: "op-9", Target: "support-chat/prompt", Service: "support-chat", Kind: "prompt", Driver: "http", From: "v32", To: "v31", Token: "etag-5",
		Diff:     []string{"- prompt_version: v32", "+ prompt_version: v31"},
		Warnings: []string{"v31 is 2 d 2 h old"}, At: now.Add(-4 * time.Second), Expires: now.Add(56 * time.Second),
		Symptoms: []health.Symptom{{Signal: "quality", Title: "quality", Unit: health.Score, Bad: health.Down, Value: .61, Limit: .8}},
	}
}

// still is a Ward in which nothing happens but what a test does.
type still struct {
	snap    *health.Snapshot
	changed chan struct{}
	wants   []health.Interest
	orders  []health.Order
	refusal error
}

func (w *still) Snapshot() *health.Snapshot { return w.snap }
func (w *still) Changed() <-chan struct{}   { return w.changed }
func (w *still) Want(i health.Interest)     { w.wants = append(w.wants, i) }
func (w *still) Submit(o health.Order) (string, error) {
	w.orders = append(w.orders, o)
	return "op-9", w.refusal
}

var errRefused = errors.New("the journal cannot be written")
