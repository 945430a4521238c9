package demo

import "sickbay/health"

func newModels() []*service {
	model := func(name string, rps, peak, took float64) *service {
		s := &service{
			name: name, kind: health.ML, rps: rps, peak: peak, logs: 0.10,
			operation: "predict", provider: "kserve", model: name,
			exporters: []string{"kserve", "model"},
			base: behaviour{
				Load: 1, Errors: 0.001, Took: around(took, 0.5), Outcome: 0.93, Labels: 36 * 3600,
			},
			outcome: [2]float64{0.85, 0.75},
		}
		s.replicas(2)
		return s
	}
	fraud := model("fraud-score", 120, 17, 0.018)
	fraud.logs = 0.30
	fraud.base.Outcome, fraud.outcome = 0.965, [2]float64{0.92, 0.86}
	fraud.base.Features = []feature{
		{"amount", []float64{5, 10, 20, 35, 60, 100, 160, 250, 400, 700, 1200, 3000}, around(52, 0.95), 0.001, 240},
		{"age_days", []float64{1, 3, 7, 14, 30, 60, 120, 240, 480, 960, 1920}, around(210, 1.3), 0.002, 900},
		{"merchant_risk", []float64{.02, .05, .1, .15, .2, .3, .4, .5, .6, .7, .8, .9}, score(0.18, 0.8), 0.004, 600},
		{"velocity_1h", []float64{.5, 1, 2, 3, 4, 6, 8, 12, 20}, around(1.6, 0.8), 0.001, 60},
		{"geo_distance_km", []float64{1, 3, 10, 30, 100, 300, 1000, 3000, 9000}, around(14, 1.7), 0.006, 120},
	}
	fraud.base.Classes = []class{{"approve", 0.955}, {"review", 0.036}, {"decline", 0.009}}
	fraud.base.Scores = score(0.07, 0.9)
	fraud.release("data", "feat-1115", 8*day, "")
	fraud.release("data", "feat-1119", 4*day, "")
	fraud.release("data", "feat-1121", 2*day, "adds velocity_1h")
	fraud.release("model", "m46", 37*day, "")
	fraud.release("model", "m47", 9*day, "retrained on October")
	fraud.voice = fraudVoice

	churn := model("churn-model", 20, 10, 0.030)
	churn.base.Features = []feature{
		{"tenure_months", []float64{1, 3, 6, 12, 24, 36, 60, 96}, around(19, 0.9), 0.002, 1800},
		{"tickets_90d", []float64{.5, 1, 2, 3, 5, 8, 13}, around(1.4, 0.8), 0.003, 1500},
		{"usage_drop", []float64{.05, .1, .2, .3, .4, .5, .7}, score(0.15, 0.8), 0.003, 1700},
	}
	churn.base.Classes = []class{{"stays", 0.88}, {"leaves", 0.12}}
	churn.base.Scores = score(0.14, 0.9)
	churn.base.Labels = 20 * 24 * 3600
	churn.release("data", "d-1120", 3*day, "")
	churn.release("data", "d-1121", 1*day, "")
	churn.release("model", "c12", 22*day, "")
	churn.voice = churnVoice

	demand := model("demand-forecast", 14, 6, 0.045)
	demand.base.Features = []feature{
		{"units_7d", []float64{5, 10, 25, 50, 100, 200, 400, 800}, around(74, 0.9), 0.002, 1200},
		{"price_ratio", []float64{.6, .8, .9, 1, 1.1, 1.2, 1.4}, bell(1, 0.12), 0.001, 1100},
	}
	demand.base.Scores = score(0.52, 0.6)
	demand.release("model", "m41", 13*day, "")
	demand.voice = demandVoice

	rank := model("ad-ranking", 160, 20, 0.009)
	rank.base.Features = []feature{
		{"ctr_7d", []float64{.005, .01, .02, .03, .05, .08, .13}, score(0.021, 0.6), 0.004, 300},
		{"bid_eur", []float64{.05, .1, .2, .4, .8, 1.6}, around(0.28, 0.7), 0.001, 30},
	}
	rank.base.Scores = score(0.03, 0.8)
	rank.base.Outcome = 0.90
	rank.release("model", "r208", 5*day, "")
	rank.voice = rankVoice

	return []*service{fraud, churn, demand, rank}
}
