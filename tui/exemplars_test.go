package tui

import (
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// TestAnExplainedLatencyOpensItsSlowestRequest: e on a latency says which requests were
// slowest, i opens the slowest; a share has none and nothing is asked for it.
func TestAnExplainedLatencyOpensItsSlowestRequest(t *testing.T) {
	snap := ward()
	h := newHand(snap).press("2")
	for range 20 {
		if h.press("e").Interest().Traced.Signal == "latency_p95" {
			break
		}
		h.press("e j")
	}
	of := h.Interest().Traced
	if of != (health.Named{Service: h.View.Service, Signal: "latency_p95"}) {
		t.Fatalf("no latency was explained; looked for is %v", of)
	}
	if h.press("i"); h.View.Screen != "service" {
		t.Errorf("i opened %s before a request was known", h.View.Screen)
	}
	const trace = "5b8efff798038103d269b633813fc60c"
	snap.Exemplars = map[health.Named]health.Exemplars{of: {Slowest: []health.Exemplar{
		{At: noon.Add(-time.Minute), Value: 8.2, Trace: trace, Request: health.TraceOnly + trace},
		{At: noon.Add(-time.Hour), Value: 6.1, Trace: "1", Request: "req-7"},
	}}}
	screen := h.screen()
	for _, want := range []string{"slowest", "8.2 s at ", "trace " + trace, "request req-7", "i opens the slowest request · "} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q in\n%s", want, screen)
		}
	}
	if h.press("i"); h.View.Screen != "request" || h.View.Request != health.TraceOnly+trace || h.Sheet.Kind != "" || h.Interest().Traced.Signal != "" {
		t.Errorf("i opened %s %s", h.View.Screen, h.View.Request)
	}
	if h.press("esc"); h.View.Screen != "service" {
		t.Errorf("esc leads to %s", h.View.Screen)
	}
}
