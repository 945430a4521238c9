package demo

import "time"

func init() {
	register(&Scenario{
		Name:  "bad-model-region",
		Title: "a new model fails in one region only",
		Story: "fraud-score got model m48 in all regions. In eu-west-1 its replicas were given the weights without the table of " +
			"currencies: a third of the payments scored there is not scored at all, and many others are sent to review. Elsewhere " +
			"m48 does as well as m47. Going back to model m47 helps.",
		guilty: "fraud-score", kind: "model",
		change: &deployment{"fraud-score", "model", "m48", "retrained on November, all regions"},
		share:  0.42, rise: 30 * time.Second, heal: 12 * time.Second,
		region: "eu-west-1", rollout: 0.85,
		hit: map[string]func(*behaviour, float64){"fraud-score": func(b *behaviour, _ float64) {
			b.Errors = 0.34
			b.Classes = []class{{"approve", 0.80}, {"review", 0.17}, {"decline", 0.03}}
			b.Outcome = 0.66
		}},
	})
}
