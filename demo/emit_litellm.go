package demo

// Names, labels and bounds: LiteLLM's types/integrations/prometheus.py. Client
// libraries add _total to counters.
var litellmSeconds = []float64{.005, .00625, .0125, .025, .05, .1, .5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7,
	7.5, 8, 8.5, 9, 9.5, 10, 15, 20, 25, 30, 60, 120, 180, 240, 300}

type litellm struct {
	replicas                      float64 // of the service behind this proxy
	took, first                   *histogram
	ok, refusedByProvider, failed *counter
	tokensIn, tokensOut, spend    *counter
	budget                        *gauge
	in, out                       blend
}

// newLiteLLM makes the proxy in front of a service: one, whatever its replicas.
func newLiteLLM(r *recorder, s *service, _ string, i int) []part {
	if i > 0 {
		return nil
	}
	l := tags(s, "litellm-"+s.name+"-0", "litellm").with("requested_model", s.model, "model", s.model, "team", s.name)
	total := func(code string) *counter {
		return r.counter("litellm_proxy_total_requests_metric_total", "Total number of requests made to the proxy server",
			l.with("status_code", code))
	}
	count := func(name, help string) *counter { return r.counter("litellm_"+name+"_metric_total", help, l) }
	return []part{&litellm{
		replicas:          float64(len(s.pods)),
		took:              r.histogram("litellm_request_total_latency_metric", "Total latency (seconds) for a request to LiteLLM", litellmSeconds, l),
		first:             r.histogram("litellm_llm_api_time_to_first_token_metric", "Time to first token for a models LLM API call", litellmSeconds, l),
		ok:                total("200"),
		refusedByProvider: total("429"),
		failed: r.counter("litellm_proxy_failed_requests_metric_total", "Total number of failed responses from proxy",
			l.with("exception_status", "429", "exception_class", "RateLimitError")),
		tokensIn:  count("input_tokens", "Total number of input tokens from LLM requests"),
		tokensOut: count("output_tokens", "Total number of output tokens from LLM requests"),
		spend:     count("spend", "Total spend on LLM requests"),
		budget:    r.gauge("litellm_remaining_team_budget_metric", "Remaining budget for team", l),
	}}
}

func (p *litellm) tick(m *moment) {
	n := m.n * p.replicas
	bad := m.mix(func(b *behaviour) float64 { return b.Errors })
	p.took.observe(n, m.x, m.good.Took, m.ill.Took)
	p.first.observe(n, m.x, m.good.First, m.ill.First)
	p.ok.events(n * (1 - bad))
	before := p.refusedByProvider.total
	p.refusedByProvider.events(n * bad)
	p.failed.add(p.refusedByProvider.total - before)
	p.tokensIn.events(n * p.in.mean(m, tokensIn))
	p.tokensOut.events(n * p.out.mean(m, tokensOut))
	p.spend.add(n * m.mix(func(b *behaviour) float64 { return b.USD }))
	p.budget.exactly(5000 - p.spend.total)
}
