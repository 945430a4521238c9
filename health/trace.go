package health

import (
	"cmp"
	"slices"
	"time"
)

// A Trace is what one request did, as the programs it went through tell it. Text
// in it comes from outside: it is cleaned when it is drawn, not here.
type Trace struct {
	ID     string
	Spans  []TraceSpan // by start; see Arrange
	Cut    int         // spans left out because there were too many
	Source string      // who had it
	Link   string      // to its page in the tracing system's own UI; "" none is configured
	State  TraceState
	Note   string // what State means here, in words: who is asked, why there is nothing
}

// TraceState is how far a lookup has come.
type TraceState string

// The states of a lookup.
const (
	TraceAsking  TraceState = "asking"
	TraceFound   TraceState = "found"
	TraceMissing TraceState = "not found"
	TraceFailed  TraceState = "error" // nobody had it, and not everybody answered
)

// SpanKind is what a span did, as far as AI systems are concerned.
type SpanKind string

// The kinds of span.
const (
	SpanModel     SpanKind = "model" // a model was asked: chat, completion, embeddings
	SpanTool      SpanKind = "tool"
	SpanRetrieval SpanKind = "retrieval" // an index was searched, or what came out ranked
	SpanAgent     SpanKind = "agent"     // an agent or workflow, with its steps below it
	SpanOther     SpanKind = "other"
)

// A TraceSpan is one piece of work of a trace.
type TraceSpan struct {
	ID, Parent string // Parent "": nobody called it, or the caller is not in the trace
	Name       string
	Service    string
	Kind       SpanKind
	Start      time.Time
	Duration   time.Duration
	Error      string // what went wrong; "": nothing

	Operation         string // "chat", "execute_tool", …
	Model             string // that answered, else that was asked for
	Tool              string
	Agent             string
	Arguments, Result string // of a tool: content, shown as prompts are
	Finish            string // why the model stopped
	TokensIn          *float64
	TokensOut         *float64
	TTFT              *float64 // seconds
	Documents         *float64 // found by a retrieval

	Attributes []Field // what else it says of itself
}

// TraceOnly begins the id of a request of which no record is held, in front of that of
// its trace.
const TraceOnly = "trace:"

// Named is a signal of a service.
type Named struct{ Service, Signal string }

// An Exemplar is one request that a metric was measured of.
type Exemplar struct {
	At      time.Time
	Value   float64 // in the unit of the signal
	Trace   string
	Request string // what to open: Interest.Request
}

// Exemplars are the slowest requests that a metrics server has the traces of.
type Exemplars struct {
	Slowest []Exemplar // slowest first
	Asking  bool       // the server has not answered yet, or is asked again
	Note    string     // why there are none, in words
}

// End is when the span was over.
func (s TraceSpan) End() time.Time { return s.Start.Add(s.Duration) }

// Arrange orders spans by start, the longer ones of those that begin together
// first: callers stand before whom they called. What comes twice is kept once. It
// works in the slice it is given.
func Arrange(spans []TraceSpan) []TraceSpan {
	slices.SortStableFunc(spans, func(a, b TraceSpan) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(b.Duration, a.Duration), cmp.Compare(a.ID, b.ID))
	})
	seen := make(map[[2]string]bool, len(spans))
	return slices.DeleteFunc(spans, func(s TraceSpan) bool {
		key := [2]string{s.ID, s.Service} // two services may share an id: both sides of one call
		again := s.ID != "" && seen[key]
		seen[key] = true
		return again
	})
}

// Tools are the tool calls of the trace, oldest first.
func (t Trace) Tools() []ToolCall {
	var calls []ToolCall
	for _, s := range t.Spans {
		if s.Kind != SpanTool {
			continue
		}
		name := s.Tool
		if name == "" {
			name = s.Name
		}
		calls = append(calls, ToolCall{Name: name, Arguments: s.Arguments, Result: s.Result, Error: s.Error, Duration: Num(s.Duration.Seconds())})
	}
	return calls
}

// A Sign is something peculiar about one request, found without looking at others:
// an agent that goes round in a circle.
type Sign struct {
	Kind string // "identical calls", "cycle", "no progress", "failing call repeated"
	Text string // "search_flights x14, same arguments"
}
