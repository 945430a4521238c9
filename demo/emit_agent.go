package demo

// agent measures tasks: one task is one request, and many steps.
type agent struct {
	took, steps     *histogram
	loops, handoffs *counter
	tools           []tool
	length          blend
}

type tool struct {
	share      float64 // of all calls
	ok, failed *counter
}

func newAgent(r *recorder, s *service, pod string, _ int) []part {
	l := tags(s, pod, "app")
	a := &agent{
		took:     r.histogram("ai_request_duration_seconds", "Duration of a task.", taskSeconds, l),
		steps:    r.histogram("ai_agent_steps", "Steps of a task.", stepBounds, l),
		loops:    r.counter("ai_agent_loops_total", "Tasks that repeated themselves.", l),
		handoffs: r.counter("ai_agent_handoffs_total", "Tasks given to a person.", l),
	}
	for i, name := range s.voice.tools {
		calls := func(outcome string) *counter {
			return r.counter("ai_agent_tool_calls_total", "Calls of tools by how they ended.", l.with("tool", name, "outcome", outcome))
		}
		share := 1 / float64(len(s.voice.tools))
		a.tools = append(a.tools, tool{share * (1.4 - 0.8*float64(i)*share), calls("ok"), calls("error")})
	}
	return []part{a}
}

func (a *agent) tick(m *moment) {
	a.took.observe(m.n, m.x, m.good.Took, m.ill.Took)
	a.steps.observe(m.n, m.x, m.good.Steps, m.ill.Steps)
	a.loops.events(m.n * m.mix(func(b *behaviour) float64 { return b.Loops }))
	a.handoffs.events(m.n * m.mix(func(b *behaviour) float64 { return b.Handoffs }))
	calls := m.n * 0.8 * a.length.mean(m, steps)
	bad := m.mix(func(b *behaviour) float64 { return b.ToolFails })
	for _, t := range a.tools {
		t.ok.events(calls * t.share * (1 - bad))
		t.failed.events(calls * t.share * bad)
	}
}
