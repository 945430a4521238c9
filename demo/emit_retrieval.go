package demo

const (
	newEmbedding = "text-embedding-3-large"
	oldEmbedding = "text-embedding-3-small"
	indexChunks  = 48_200
)

// retrieval measures what a RAG service finds in its index.
type retrieval struct {
	judged           float64
	score, grounded  *histogram
	searches, empty  *counter
	age              *gauge
	fresh, foreign   *gauge
	askedBy, madeFor *gauge
}

func newRetrieval(r *recorder, s *service, pod string, i int) []part {
	l := tags(s, pod, "app")
	searched := l.with("collection", s.name)
	v := &retrieval{
		judged:   s.judged,
		score:    r.histogram("ai_retrieval_score", "Similarity of the best chunk found.", scoreBounds, l),
		grounded: r.histogram("ai_quality_score", "Judged score of answers, 0 to 1.", scoreBounds, l.with("evaluator", "groundedness", "model", s.model)),
		searches: r.counter("ai_retrieval_total", "Searches in the index.", searched),
		empty:    r.counter("ai_retrieval_empty_total", "Searches that found nothing.", searched),
	}
	if i > 0 {
		return []part{v}
	}
	chunks := func(model string) *gauge {
		return r.gauge("ai_index_chunks", "Chunks in the index by the model that embedded them.", l.with("embedding_model", model))
	}
	side := func(name string) *gauge {
		return r.gauge("ai_embedding_model_info", "Embedding model on either side.", l.with("side", name, "embedding_model", newEmbedding))
	}
	v.age = r.gauge("ai_index_age_seconds", "Time since the documents of the index were read.", l)
	v.fresh, v.foreign = chunks(newEmbedding), chunks(oldEmbedding)
	v.askedBy, v.madeFor = side("query"), side("index")
	return []part{v}
}

func (v *retrieval) tick(m *moment) {
	empty := m.mix(func(b *behaviour) float64 { return b.Empty })
	v.score.observe(m.n*(1-empty), m.x, m.good.Retrieval, m.ill.Retrieval)
	v.grounded.observe(m.n*v.judged, m.x, m.good.Grounded, m.ill.Grounded)
	v.searches.events(m.n)
	v.empty.events(m.n * empty)
	if v.age == nil {
		return
	}
	// A good index is read anew every three hours: its age is a saw tooth.
	v.age.exactly(m.mix(func(b *behaviour) float64 { return b.Age }) + float64(m.t.Unix()%(3*3600)))
	foreign := float64(int(indexChunks * m.mix(func(b *behaviour) float64 { return b.Foreign })))
	v.fresh.exactly(indexChunks - foreign)
	v.foreign.exactly(foreign)
	v.askedBy.exactly(1)
	v.madeFor.exactly(1)
}
