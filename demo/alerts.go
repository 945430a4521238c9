package demo

import (
	"time"

	"sickbay/demo/prom"
)

// alertRules are what the team that runs the stack has set up. They are few and
// slow, as such rules are: sickbay knows more.
func alertRules() []prom.Rule {
	rule := func(name, expr, severity, summary string) prom.Rule {
		return prom.Rule{
			Name: name, Expr: expr, For: time.Minute,
			Labels:      map[string]string{"severity": severity},
			Annotations: map[string]string{"summary": summary},
		}
	}
	return []prom.Rule{
		rule("AnswerQualityLow", `sum by (service) (rate(ai_quality_score_sum{evaluator!="groundedness"}[1m]))`+
			` / sum by (service) (rate(ai_quality_score_count{evaluator!="groundedness"}[1m])) < 0.75`,
			"critical", "answers are judged bad"),
		rule("IndexStale", `max by (service) (ai_index_age_seconds) > 3 * 86400`,
			"critical", "the index is older than three days"),
		rule("FeatureNullsHigh", `max by (service) (ai_feature_null_ratio) > 0.1`,
			"critical", "a feature is missing in more than a tenth of requests"),
		rule("AgentLooping", `sum by (service) (rate(ai_agent_loops_total[1m])) / sum by (service) (rate(ai_requests_total[1m])) > 0.1`,
			"critical", "tasks repeat themselves"),
		rule("GPUQueueLong", `sum by (service) (vllm:num_requests_waiting) > 50`,
			"critical", "requests wait for a GPU"),
		rule("HighErrorRate", `sum by (service) (rate(ai_requests_total{status="error"}[1m])) / sum by (service) (rate(ai_requests_total[1m])) > 0.05`,
			"warning", "more than 5 % of requests fail"),
	}
}
