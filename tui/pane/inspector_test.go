package pane

import (
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// TestTheInspectorLeavesNoRoomUnused: the trace stands where there is room for it, a
// retrieval that found nothing is said, and a classic model was asked nothing in words.
func TestTheInspectorLeavesNoRoomUnused(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	trace := health.Trace{ID: id, State: health.TraceFound, Source: "traces", Spans: []health.TraceSpan{
		{ID: "1", Name: "POST /v1/a-long-name", Service: "gateway", Start: time.Unix(0, 0), Duration: time.Second},
	}}
	for name, c := range map[string]struct {
		kind    health.Kind
		content string
		r       health.Request
		right   []string // of the right column
		not     string
	}{
		"hidden content":    {health.RAG, "", health.Request{Prompt: "p", Answer: "a", Error: "retrieval_empty"}, []string{"PROMPT", "RETRIEVED CHUNKS  0", "nothing was found", "TRACE  1 span", "RECORD"}, "?"},
		"a long answer":     {health.LLM, "full", health.Request{Prompt: "p", Answer: strings.Repeat("line\n", 40)}, []string{"PROMPT", "ANSWER", "RECORD"}, "TRACE"},
		"a classic model":   {health.ML, "", health.Request{}, []string{"TRACE  1 span", "RECORD"}, "PROMPT"},
		"one that was told": {health.ML, "", health.Request{Prompt: "p"}, []string{"PROMPT", "TRACE  1 span"}, "RETRIEVED"},
	} {
		r := c.r
		r.ID, r.Service, r.Trace, r.At = "r1", "chat", id, time.Unix(0, 0)
		r.Dims = []health.Field{{Name: "tenant", Value: "acme"}, {Name: "region", Value: "eu"}, {Name: "tier", Value: "1"}, {Name: "queue", Value: "a"}}
		in := scene(t, "request")
		in.Snap.Services = []health.Service{{Name: "chat", Kind: c.kind}}
		in.Snap.Requests, in.Snap.Traces = map[string]health.Request{"r1": r}, map[string]health.Trace{id: trace}
		in.View.Request, in.View.Content = "r1", c.content
		var right strings.Builder
		for l := range strings.Lines(drawn(t, "request", in, 120, 60)) {
			if _, text, ok := strings.Cut(l, "│"); ok {
				right.WriteString(text)
			}
		}
		rest := right.String()
		if strings.Contains(rest, c.not) {
			t.Errorf("%s: %q stands on the right:\n%s", name, c.not, rest)
		}
		for _, want := range c.right { // in this order
			_, after, ok := strings.Cut(rest, want)
			if !ok {
				t.Errorf("%s: no %q on the right, or not in its place:\n%s", name, want, right.String())
				break
			}
			rest = after
		}
	}
}
