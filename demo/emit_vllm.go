package demo

import "math"

// Names, labels and bounds: vllm/v1/metrics/loggers.py.
var (
	vllmFirst   = []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560}
	vllmGap     = []float64{.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
	vllmSeconds = []float64{.3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680}
	vllmTokens  = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000}
)

type vllm struct {
	running, waiting, cache                  *gauge
	preempted, tokensIn, tokensOut           *counter
	queries, hits                            *counter
	stopped, cut, aborted                    *counter
	first, gap, took, queued, prompt, answer *histogram
	in, out                                  blend
}

func newVLLM(r *recorder, s *service, pod string, _ int) []part {
	l := tags(s, pod, "vllm").with("model_name", s.model, "engine", "0")
	count := func(name, help string) *counter { return r.counter("vllm:"+name+"_total", help, l) }
	level := func(name, help string) *gauge { return r.gauge("vllm:"+name, help, l) }
	spread := func(name, help string, bounds []float64) *histogram {
		return r.histogram("vllm:"+name, help, bounds, l)
	}
	ended := func(why string) *counter {
		return r.counter("vllm:request_success_total", "Count of successfully processed requests.", l.with("finished_reason", why))
	}
	return []part{&vllm{
		running:   level("num_requests_running", "Number of requests in model execution batches."),
		waiting:   level("num_requests_waiting", "Number of requests waiting to be processed."),
		cache:     level("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage."),
		preempted: count("num_preemptions", "Cumulative number of preemption from the engine."),
		tokensIn:  count("prompt_tokens", "Number of prefill tokens processed."),
		tokensOut: count("generation_tokens", "Number of generation tokens processed."),
		queries:   count("prefix_cache_queries", "Prefix cache queries, in terms of number of queried tokens."),
		hits:      count("prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens."),
		stopped:   ended("stop"), cut: ended("length"), aborted: ended("abort"),
		first:  spread("time_to_first_token_seconds", "Histogram of time to first token in seconds.", vllmFirst),
		gap:    spread("inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", vllmGap),
		took:   spread("e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", vllmSeconds),
		queued: spread("request_queue_time_seconds", "Histogram of time spent in WAITING phase for request.", vllmSeconds),
		prompt: spread("request_prompt_tokens", "Number of prefill tokens processed.", vllmTokens),
		answer: spread("request_generation_tokens", "Number of generation tokens processed.", vllmTokens),
	}}
}

func (v *vllm) tick(m *moment) {
	in := v.in.mean(m, tokensIn)
	out := v.out.mean(m, tokensOut)
	cut := m.mix(func(b *behaviour) float64 { return b.Cut })
	bad := m.mix(func(b *behaviour) float64 { return b.Errors })
	waiting := m.mix(func(b *behaviour) float64 { return b.Waiting })

	whole(v.running, m.mix(func(b *behaviour) float64 { return b.Running }))
	whole(v.waiting, waiting)
	v.cache.about(m.mix(func(b *behaviour) float64 { return b.Cache }), 0.03/(1+waiting/10), 1)
	v.preempted.events(m.seconds * m.mix(func(b *behaviour) float64 { return b.Preempted }))
	v.tokensIn.events(m.n * in)
	v.tokensOut.events(m.n * out)
	v.queries.events(m.n * in)
	v.hits.events(m.n * in * 0.41)
	v.stopped.events(m.n * (1 - cut - bad))
	v.cut.events(m.n * cut)
	v.aborted.events(m.n * bad)
	v.first.observe(m.n, m.x, m.good.First, m.ill.First)
	v.gap.observe(m.n*out, m.x, m.good.Gap, m.ill.Gap)
	v.took.observe(m.n, m.x, m.good.Took, m.ill.Took)
	v.queued.observe(m.n, m.x, m.good.First.times(0.15), m.ill.First.times(0.9))
	v.prompt.observe(m.n, m.x, m.good.In, m.ill.In)
	v.answer.observe(m.n, m.x, m.good.Out, m.ill.Out)
}

// whole writes a wandering number of things that can be counted.
func whole(g *gauge, mean float64) {
	g.exactly(math.Max(math.Round(mean+0.3*math.Sqrt(mean)*wander(g.r.rng, &g.sway)), 0))
}
