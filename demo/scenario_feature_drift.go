package demo

import "time"

func init() {
	register(&Scenario{
		Name:  "feature-drift",
		Title: "a new version of the feature pipeline loses merchant risk and changes the unit of amounts",
		Story: "fraud-score reads features of pipeline version feat-1122. Its join on merchants misses a third of them, so that " +
			"merchant_risk is often null, and amounts arrive before currency conversion. More payments are sent to review and " +
			"fewer decisions prove right. Latency and errors stay as they were. Going back to data version feat-1121 helps.",
		guilty: "fraud-score", kind: "data",
		change: &deployment{"fraud-score", "data", "feat-1122", "feature pipeline: merchants joined by new key"},
		share:  1, rise: 30 * time.Second, grow: 30 * time.Second, heal: 12 * time.Second,
		hit: map[string]func(*behaviour, float64){"fraud-score": func(b *behaviour, s float64) {
			risk, amount := b.feature("merchant_risk"), b.feature("amount")
			risk.Nulls = toward(risk.Nulls, 0.34, s)
			risk.Values = risk.Values.toward(0.42, s)
			amount.Values = amount.Values.toward(128, s)
			amount.Nulls = toward(amount.Nulls, 0.004, s)
			b.feature("age_days").Nulls = toward(b.feature("age_days").Nulls, 0.30, s)
			b.Classes = []class{{"approve", 0.79}, {"review", 0.17}, {"decline", 0.04}}
			b.Scores = score(0.21, 1.1)
			b.Outcome = 0.78
		}},
	})
}
