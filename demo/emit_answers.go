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
	ends             map[string]*counter // by finish reason
	languages        []spoken
}

// spoken is one language people ask in.
type spoken struct {
	share float64
	*counter
}

// filtered is the share of answers a provider's content filter ends.
const filtered = 0.001

func newAnswers(r *recorder, s *service, pod string, _ int) []part {
	l := tags(s, pod, "app").with("model", s.model)
	rated := func(rating string) *counter {
		return r.counter("ai_feedback_total", "Ratings people gave.", l.with("rating", rating))
	}
	ended := func(outcome string) *counter {
		return r.counter("ai_outcome_total", "Business results.", l.with("outcome", outcome))
	}
	ends := map[string]*counter{}
	for _, reason := range []string{"stop", "length", "content_filter"} {
		ends[reason] = r.counter("ai_finish_total", "Answers by why they ended.", l.with("finish_reason", reason))
	}
	language := func(name string, share float64) spoken {
		return spoken{share, r.counter("ai_category_total", "Requests by what they are.", l.with("category", "language", "value", name))}
	}
	return []part{&answers{
		ends: ends, languages: []spoken{language("en", 0.62), language("de", 0.24), language("fr", 0.14)},
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
	cut := m.mix(func(b *behaviour) float64 { return b.Cut })
	a.ends["stop"].evenly(m.n * (1 - cut - filtered))
	a.ends["length"].evenly(m.n * cut)
	a.ends["content_filter"].evenly(m.n * filtered)
	for _, l := range a.languages {
		l.evenly(m.n * l.share)
	}
	a.cost.add(m.n * m.mix(func(b *behaviour) float64 { return b.USD }))
}
