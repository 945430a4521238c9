package demo

// Names and labels: KServe's python/kserve/metrics.py; bounds: the defaults of
// the Python client.
var kserveSeconds = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

type kserve struct {
	before, predict, after *histogram
}

func newKServe(r *recorder, s *service, pod string, _ int) []part {
	l := tags(s, pod, "kserve").with("model_name", s.model)
	phase := func(name, help string) *histogram {
		return r.histogram("request_"+name+"_seconds", help, kserveSeconds, l)
	}
	return []part{&kserve{
		before:  phase("preprocess", "pre-process request latency"),
		predict: phase("predict", "predict request latency"),
		after:   phase("postprocess", "post-process request latency"),
	}}
}

func (k *kserve) tick(m *moment) {
	k.before.observe(m.n, m.x, m.good.Took.times(0.2), m.ill.Took.times(0.2))
	k.predict.observe(m.n, m.x, m.good.Took, m.ill.Took)
	k.after.observe(m.n, m.x, m.good.Took.times(0.08), m.ill.Took.times(0.08))
}
