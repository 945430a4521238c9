package demo

import "math"

// model watches inputs and outputs of a classic model.
type model struct {
	requests
	replicas         float64
	features         []watched
	classes          []*counter
	scores           *histogram
	success, failure *counter
	labels, retrain  *gauge
	cycle            int64 // seconds between trainings
	lag              *gauge
}

// watched is one input.
type watched struct {
	values              *histogram
	nulls, fresh, score *gauge
	by                  monitor
}

// newModel counts requests in every replica; inputs and outputs are watched by
// one monitor per service.
func newModel(r *recorder, s *service, pod string, i int) []part {
	q := newRequests(r, tags(s, pod, "app").with("model", s.model))
	if i > 0 {
		return []part{countOnly{q}}
	}
	l := tags(s, s.name+"-monitor-0", "model-monitor").with("model", s.model)
	ended := func(outcome string) *counter {
		return r.counter("ai_outcome_total", "Business results.", l.with("outcome", outcome))
	}
	v := &model{
		requests: q, replicas: float64(len(s.pods)), cycle: int64(14+len(s.name)) * 24 * 3600,
		scores:  r.histogram("ai_prediction_score", "Predicted score, 0 to 1.", scoreBounds, l),
		success: ended("success"), failure: ended("failure"),
		labels:  r.gauge("ai_label_delay_seconds", "Time until the truth is known.", l),
		lag:     r.gauge("ai_outcome_lag_seconds", "Time from a request to its business result.", l),
		retrain: r.gauge("ai_retrain_due_timestamp_seconds", "When the model has to be trained anew.", l),
	}
	for _, f := range s.base.Features {
		v.features = append(v.features, newWatched(r, l.with("feature", f.Name), f, monitorOf(s)))
	}
	for _, c := range s.base.Classes {
		v.classes = append(v.classes, r.counter("ai_prediction_total", "Predictions by class.", l.with("class", c.Name)))
	}
	return []part{v}
}

// A monitor is a tool that computes drift by itself, by its own measure.
type monitor struct {
	tool, method string
	of           func(psi float64) float64
}

// monitorOf is what watches a model: two teams, two tools.
func monitorOf(s *service) monitor {
	if s.name == "churn-model" { // of a small shift the JS distance is √(PSI/8 ln 2) to base 2
		return monitor{"nannyml", "jensen_shannon", func(psi float64) float64 { return min(math.Sqrt(psi/8/math.Ln2), 1) }}
	}
	return monitor{"evidently", "psi", func(psi float64) float64 { return psi }}
}

func newWatched(r *recorder, l labels, f feature, by monitor) watched {
	return watched{
		values: r.histogram("ai_feature_value", "Values of an input.", f.Bounds, l),
		nulls:  r.gauge("ai_feature_null_ratio", "Share of missing values of an input.", l),
		fresh:  r.gauge("ai_feature_freshness_seconds", "Time since an input was computed.", l),
		score: r.gauge("ai_drift_score", "Drift as another tool computes it, every five minutes.",
			l.with("method", by.method, "tool", by.tool)),
		by: by,
	}
}

func (v *model) tick(m *moment) {
	v.requests.tick(m)
	n := m.n * v.replicas
	for i := range v.features {
		v.features[i].tick(m, n, i)
	}
	for i, c := range v.classes {
		c.events(n * m.mix(func(b *behaviour) float64 { return b.Classes[i].Share }))
	}
	v.scores.observe(n, m.x, m.good.Scores, m.ill.Scores)
	good := m.mix(func(b *behaviour) float64 { return b.Outcome })
	v.success.events(n * good)
	v.failure.events(n * (1 - good))
	delay := m.mix(func(b *behaviour) float64 { return b.Labels })
	v.labels.about(delay, 0.01, 2*delay)
	v.lag.about(300, 0.05, 600)
	v.retrain.exactly(v.due(m))
}

// due is when the model has to be trained anew, as Unix time. It always is, days
// before that comes.
func (v *model) due(m *moment) float64 {
	const margin = 4 * 24 * 3600
	now := m.t.Unix() + margin
	return float64(now - now%v.cycle + v.cycle)
}

func (w watched) tick(m *moment, n float64, i int) {
	good, ill := m.good.Features[i], m.ill.Features[i]
	nulls := m.mix(func(b *behaviour) float64 { return b.Features[i].Nulls })
	w.values.observe(n*(1-nulls), m.x, good.Values, ill.Values)
	w.nulls.about(nulls, 0.08, 1)
	w.fresh.about(m.mix(func(b *behaviour) float64 { return b.Features[i].Fresh }), 0.1, 1e9)
	w.score.about(w.by.of(exported(w.values.good, w.values.ill, m.x)), 0.1, 99)
}

// exported is the population stability index a monitor would report.
func exported(ref, cur *cells, x float64) float64 {
	const floor, usual = 1e-4, 0.02
	psi := usual
	if x > 0 {
		for i, p := range ref.share {
			p = max(p, floor)
			q := max((1-x)*p+x*cur.share[i], floor)
			psi += (q - p) * math.Log(q/p)
		}
	}
	return psi
}

// countOnly is a replica beside the first.
type countOnly struct{ requests }
