package demo

// Names and bounds: OpenTelemetry semantic conventions for generative AI 1.41,
// as its Prometheus exporter writes them.
var (
	otelSeconds = []float64{.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	otelTokens  = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}
)

type otel struct {
	took, failed, first, in, out *histogram
}

func newOTel(r *recorder, s *service, pod string, _ int) []part {
	l := tags(s, pod, "otel-collector").with("gen_ai_operation_name", s.operation,
		"gen_ai_provider_name", s.provider, "gen_ai_request_model", s.model, "gen_ai_response_model", s.model)
	seconds := func(name, help string, l labels) *histogram {
		return r.histogram("gen_ai_client_operation_"+name+"_seconds", help, otelSeconds, l)
	}
	tokens := func(kind string) *histogram {
		return r.histogram("gen_ai_client_token_usage", "Number of input and output tokens used.", otelTokens,
			l.with("gen_ai_token_type", kind))
	}
	return []part{&otel{
		took:   seconds("duration", "GenAI operation duration.", l),
		failed: seconds("duration", "GenAI operation duration.", l.with("error_type", "timeout")),
		first:  seconds("time_to_first_chunk", "Time to the first chunk of a streamed answer.", l),
		in:     tokens("input"),
		out:    tokens("output"),
	}}
}

func (o *otel) tick(m *moment) {
	bad := m.mix(func(b *behaviour) float64 { return b.Errors })
	o.took.observe(m.n*(1-bad), m.x, m.good.Took, m.ill.Took)
	o.failed.observe(m.n*bad, 0, around(30, 0.1), dist{})
	o.first.observe(m.n, m.x, m.good.First, m.ill.First)
	o.in.observe(m.n, m.x, m.good.In, m.ill.In)
	o.out.observe(m.n, m.x, m.good.Out, m.ill.Out)
}
