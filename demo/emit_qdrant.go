package demo

import "math"

// Names: Qdrant's src/common/metrics.rs; bounds: its duration statistics.
var qdrantSeconds = []float64{.001, .005, .01, .02, .05, .1, .5, 1, 5, 10, 50}

type qdrant struct {
	search, upsert     *histogram
	found, saved, lost *counter
	points             []*gauge // by collection
	vectors            *gauge
	queue, optimizing  *gauge
	memory             *gauge
	fixed              []*gauge // always 1
}

func newQdrant(r *recorder, s *service, pod string, _ int) []part {
	l := tags(s, pod, "qdrant")
	at := func(method, endpoint, status string) labels {
		return l.with("method", method, "endpoint", endpoint, "status", status)
	}
	answers := func(method, endpoint, status string) *counter {
		return r.counter("rest_responses_total", "total number of responses", at(method, endpoint, status))
	}
	seconds := func(method, endpoint string) *histogram {
		return r.histogram("rest_responses_duration_seconds", "response duration histogram", qdrantSeconds, at(method, endpoint, "200"))
	}
	const query, points = "/collections/{name}/points/query", "/collections/{name}/points"
	docs := l.with("id", s.holds[0])
	var held []*gauge
	for _, name := range s.holds {
		held = append(held, r.gauge("collection_points", "approximate amount of points per collection", l.with("id", name)))
	}
	return []part{&qdrant{
		search: seconds("POST", query), upsert: seconds("PUT", points),
		found: answers("POST", query, "200"), saved: answers("PUT", points, "200"), lost: answers("POST", query, "500"),
		points:     held,
		vectors:    r.gauge("collections_vector_total", "total number of vectors in all collections", l),
		queue:      r.gauge("collection_update_queue_length", "number of pending operations in the update queue", docs),
		optimizing: r.gauge("collection_running_optimizations", "number of currently running optimization tasks per collection", docs),
		memory:     r.gauge("memory_resident_bytes", "resident memory of the process", l),
		fixed: []*gauge{
			r.gauge("app_info", "information about qdrant server", l.with("name", "qdrant", "version", "1.15.4")),
			r.gauge("collections_total", "number of collections", l),
			r.gauge("collection_active_replicas_min", "minimum number of active replicas across all shards", l),
		},
	}}
}

func (q *qdrant) tick(m *moment) {
	bad := m.mix(func(b *behaviour) float64 { return b.Errors })
	q.search.observe(m.n*0.97, m.x, m.good.Search, m.ill.Search)
	q.upsert.observe(m.n*0.03, m.x, m.good.Search.times(0.6), m.ill.Search.times(0.6))
	q.found.events(m.n * 0.97 * (1 - bad))
	q.saved.events(m.n * 0.03)
	q.lost.events(m.n * 0.97 * bad)
	const before = 1_284_310
	for _, g := range q.points {
		g.exactly(math.Round((before + q.saved.total) / float64(len(q.points))))
	}
	q.vectors.exactly(before + q.saved.total)
	whole(q.queue, 2)
	q.optimizing.exactly(0)
	q.memory.about(6.1e9, 0.01, 8e9)
	for _, g := range q.fixed {
		g.exactly(1)
	}
}
