package demo

var (
	scoreBounds = []float64{.1, .2, .3, .4, .5, .6, .7, .75, .8, .85, .9, .95, 1}
	taskSeconds = []float64{.5, 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 120, 180, 300}
	stepBounds  = []float64{1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 25, 30, 40, 60}
)

// requests count what a service was asked, in sickbay's own conventions.
type requests struct{ ok, failed *counter }

func newRequests(r *recorder, l labels) requests {
	count := func(status string) *counter {
		return r.counter("ai_requests_total", "Requests by how they ended.", l.with("status", status))
	}
	return requests{count("ok"), count("error")}
}

func (q requests) tick(m *moment) {
	bad := m.mix(func(b *behaviour) float64 { return b.Errors })
	q.ok.events(m.n * (1 - bad))
	q.failed.events(m.n * bad)
}

// answers judge what a service says to people.
type answers struct {
	requests
	judged           float64
	quality          *histogram
	refused          *counter
	liked, disliked  *counter
	success, failure *counter
	cost             *counter
}

func newAnswers(r *recorder, s *service, pod string, _ int) []part {
	l := tags(s, pod, "app").with("model", s.model)
	rated := func(rating string) *counter {
		return r.counter("ai_feedback_total", "Ratings people gave.", l.with("rating", rating))
	}
	ended := func(outcome string) *counter {
		return r.counter("ai_outcome_total", "Business results.", l.with("outcome", outcome))
	}
	return []part{&answers{
		requests: newRequests(r, l),
		judged:   s.judged,
		quality: r.histogram("ai_quality_score", "Judged score of answers, 0 to 1.", scoreBounds,
			l.with("evaluator", "answer_relevance")),
		refused: r.counter("ai_refusals_total", "Answers that refused.", l),
		liked:   rated("up"), disliked: rated("down"),
		success: ended("success"), failure: ended("failure"),
		cost: r.counter("ai_cost_usd_total", "Money spent on models.", l),
	}}
}

func (a *answers) tick(m *moment) {
	a.requests.tick(m)
	a.quality.observe(m.n*a.judged, m.x, m.good.Quality, m.ill.Quality)
	a.refused.events(m.n * m.mix(func(b *behaviour) float64 { return b.Refused }))
	thumb := m.mix(func(b *behaviour) float64 { return b.Thumb })
	a.liked.events(m.n * 0.2 * (1 - thumb))
	a.disliked.events(m.n * 0.2 * thumb)
	good := m.mix(func(b *behaviour) float64 { return b.Outcome })
	a.success.events(m.n * 0.6 * good)
	a.failure.events(m.n * 0.6 * (1 - good))
	a.cost.add(m.n * m.mix(func(b *behaviour) float64 { return b.USD }))
}
