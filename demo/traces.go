package demo

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"time"
)

// The traces of the requests in the log, as a Jaeger answers. None is kept: a trace
// is made from its line of the log when somebody asks for it, and always the same.

// getTrace answers as Jaeger's query API does.
func (d *Demo) getTrace(rw http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	rec, err := d.record(id)
	switch {
	case err != nil:
		respond(rw, http.StatusInternalServerError, jaegerAnswer{Errors: []jaegerError{{500, err.Error()}}})
	case rec == nil:
		respond(rw, http.StatusNotFound, jaegerAnswer{Errors: []jaegerError{{404, "trace not found"}}})
	default:
		t := newTracing(rec)
		respond(rw, http.StatusOK, jaegerAnswer{Data: []jaegerTrace{{rec.TraceID, t.spans, t.processes}}})
	}
}

// getTraced lists the services that have traces, as Jaeger does.
func (d *Demo) getTraced(rw http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := []string{gatewayName, vectorName, featureName}
	for _, s := range d.world.services {
		if s.logs > 0 {
			names = append(names, s.name)
		}
	}
	respond(rw, http.StatusOK, map[string]any{"data": names, "total": len(names), "limit": 0, "offset": 0, "errors": nil})
}

// record finds the line of a trace in the request log, or in the one before it.
func (d *Demo) record(trace string) (*record, error) {
	wanted := []byte(`"trace_id":"` + trace + `"`)
	for _, path := range []string{d.info.Logs, d.info.Logs + ".1"} {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		line, err := lineWith(f, wanted)
		f.Close()
		if err != nil {
			return nil, err
		}
		if line == nil {
			continue
		}
		rec := new(record)
		if err := json.Unmarshal(line, rec); err != nil {
			return nil, err
		}
		return rec, nil
	}
	return nil, nil
}

// lineWith is the first line that contains something; nil: none does.
func lineWith(r io.Reader, wanted []byte) ([]byte, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if bytes.Contains(line, wanted) && err == nil {
			return line, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

type (
	jaegerAnswer struct {
		Data   []jaegerTrace `json:"data"`
		Total  int           `json:"total"`
		Limit  int           `json:"limit"`
		Offset int           `json:"offset"`
		Errors []jaegerError `json:"errors"`
	}
	jaegerError struct {
		Code int    `json:"code"`
		Text string `json:"msg"`
	}
	jaegerTrace struct {
		TraceID   string                   `json:"traceID"`
		Spans     []jaegerSpan             `json:"spans"`
		Processes map[string]jaegerProcess `json:"processes"`
	}
	jaegerProcess struct {
		Service string      `json:"serviceName"`
		Tags    []jaegerTag `json:"tags"`
	}
	jaegerSpan struct {
		TraceID    string      `json:"traceID"`
		SpanID     string      `json:"spanID"`
		Name       string      `json:"operationName"`
		References []jaegerRef `json:"references"`
		Start      int64       `json:"startTime"` // microseconds since 1970
		Duration   int64       `json:"duration"`  // microseconds
		Tags       []jaegerTag `json:"tags"`
		ProcessID  string      `json:"processID"`
	}
	jaegerRef struct {
		Type    string `json:"refType"`
		TraceID string `json:"traceID"`
		SpanID  string `json:"spanID"`
	}
	jaegerTag struct {
		Key   string `json:"key"`
		Type  string `json:"type"`
		Value any    `json:"value"`
	}
)

const (
	gatewayName = "gateway"
	vectorName  = "vector-db"
	featureName = "feature-store"
)

// A tracing is a trace in the making.
type tracing struct {
	rec       *record
	began     time.Time
	rng       *rand.Rand
	spans     []jaegerSpan
	processes map[string]jaegerProcess
}

// newTracing makes the spans of one request. The line says when it was answered.
func newTracing(r *record) *tracing {
	at, _ := time.Parse(time.RFC3339Nano, r.Time) // we wrote it
	seed, _ := strconv.ParseUint(r.TraceID[:min(16, len(r.TraceID))], 16, 64)
	t := &tracing{rec: r, began: at.Add(-seconds(r.Duration)), rng: rand.New(rand.NewPCG(seed, 7)), processes: map[string]jaegerProcess{}}
	total := r.Duration
	root := t.span("", gatewayName, "POST /v1/"+r.Operation, 0, total, tag("http.response.status_code", r.Status))
	inner := t.span(root, r.Service, r.Operation+" "+r.Service, 0.002*total, 0.996*total)
	switch from, to := 0.004*total, 0.996*total; r.Operation {
	case "predict":
		t.predict(inner, from, to)
	case "invoke_agent":
		t.retag(inner, tag("gen_ai.operation.name", "invoke_agent"), tag("gen_ai.agent.name", r.Service))
		t.work(inner, from, to)
	default:
		t.answer(inner, from, to)
	}
	return t
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func tag(key string, value any) jaegerTag {
	kind := "string"
	switch value.(type) {
	case int:
		kind = "int64"
	case float64:
		kind = "float64"
	case bool:
		kind = "bool"
	}
	return jaegerTag{key, kind, value}
}

// span adds a span that begins and lasts so many seconds.
func (t *tracing) span(parent, service, name string, from, lasts float64, tags ...jaegerTag) string {
	id := fmt.Sprintf("%016x", t.rng.Uint64()|1)
	process := "p" + strconv.Itoa(len(t.processes)+1)
	for key, p := range t.processes {
		if p.Service == service {
			process = key
		}
	}
	t.processes[process] = jaegerProcess{Service: service, Tags: []jaegerTag{}}
	s := jaegerSpan{
		TraceID: t.rec.TraceID, SpanID: id, Name: name, References: []jaegerRef{}, ProcessID: process, Tags: append([]jaegerTag{}, tags...),
		Start: t.began.Add(seconds(from)).UnixMicro(), Duration: seconds(lasts).Microseconds(),
	}
	if parent != "" {
		s.References = append(s.References, jaegerRef{"CHILD_OF", t.rec.TraceID, parent})
	}
	t.spans = append(t.spans, s)
	return id
}

func (t *tracing) retag(id string, tags ...jaegerTag) {
	for i := range t.spans {
		if t.spans[i].SpanID == id {
			t.spans[i].Tags = append(t.spans[i].Tags, tags...)
		}
	}
}

// between is a time of some seconds, but no more than a share of what there is.
func (t *tracing) between(low, high, most float64) float64 {
	return min(low+(high-low)*t.rng.Float64(), most)
}

func failed(kind, text string) []jaegerTag {
	return []jaegerTag{tag("error", true), tag("otel.status_code", "ERROR"), tag("error.type", kind), tag("otel.status_description", text)}
}

// chat is one question to the model.
func (t *tracing) chat(parent string, from, lasts float64, in, out int, finish string) {
	r := t.rec
	tags := []jaegerTag{tag("gen_ai.operation.name", "chat"), tag("gen_ai.provider.name", r.Provider), tag("gen_ai.request.model", r.RequestModel),
		tag("gen_ai.response.model", r.Model), tag("gen_ai.usage.input_tokens", in), tag("gen_ai.usage.output_tokens", out)}
	if finish != "" {
		tags = append(tags, tag("gen_ai.response.finish_reasons", `["`+finish+`"]`))
	}
	if r.First > 0 {
		tags = append(tags, tag("gen_ai.response.time_to_first_chunk", min(r.First, lasts)))
	}
	if r.Status >= 400 {
		tags = append(tags, failed(r.ErrorType, r.Message)...)
	}
	t.span(parent, r.Service, "chat "+r.RequestModel, from, lasts, tags...)
}

// answer is a conversation: what is found is read first, what was said is checked.
func (t *tracing) answer(parent string, from, to float64) {
	r, all := t.rec, to-from
	step := t.between(0.002, 0.006, all/20)
	t.span(parent, r.Service, "render prompt", from, step, tag("gen_ai.prompt.name", r.PromptName), tag("prompt_version", r.Prompt))
	from += step
	if r.Index != "" && (r.Status < 400 || len(r.Documents) > 0) {
		from = t.retrieve(parent, from, all)
	}
	check := t.between(0.01, 0.03, all/10)
	finish := ""
	if len(r.Finish) > 0 {
		finish = r.Finish[0]
	}
	t.chat(parent, from, to-from-check, r.TokensIn, r.TokensOut, finish)
	if r.Status < 400 {
		t.span(parent, r.Service, "check policy", to-check, check, tag("policy.refused", finish == "content_filter"))
	}
}

// retrieve embeds the question, searches and ranks.
func (t *tracing) retrieve(parent string, from, all float64) float64 {
	r := t.rec
	embed, search, rank := t.between(0.03, 0.09, all/10), t.between(0.008, 0.03, all/20), t.between(0.02, 0.07, all/10)
	t.span(parent, r.Service, "embeddings "+newEmbedding, from, embed, tag("gen_ai.operation.name", "embeddings"), tag("gen_ai.request.model", newEmbedding),
		tag("gen_ai.usage.input_tokens", 6+t.rng.IntN(20)))
	from += embed
	t.span(parent, vectorName, "search "+r.Service, from, search, tag("gen_ai.operation.name", "retrieval"), tag("db.system.name", "qdrant"),
		tag("db.collection.name", r.Index), tag("db.response.returned_rows", len(r.Documents)))
	from += search
	if len(r.Documents) > 0 {
		t.span(parent, r.Service, "rerank", from, rank, tag("gen_ai.operation.name", "rerank"), tag("db.response.returned_rows", len(r.Documents)))
		from += rank
	}
	return from
}

// work is an agent's run: it thinks, calls a tool, thinks again, and sums up.
func (t *tracing) work(parent string, from, to float64) {
	r := t.rec
	tools := 0.
	for _, c := range r.Tools {
		tools += c.Duration
	}
	slow := 1. // the tools of the log may not fit: then they took a little less
	if room := 0.6 * (to - from); tools > room {
		slow = room / tools
	}
	think := (to - from - tools*slow) / float64(len(r.Tools)+2) // the last thought is the longest
	in := max(r.TokensIn/(len(r.Tools)+1), 1)
	for i, c := range r.Tools {
		t.chat(parent, from, think, in+in*i/8, 20+t.rng.IntN(60), "tool_calls")
		from += think
		tags := []jaegerTag{tag("gen_ai.operation.name", "execute_tool"), tag("gen_ai.tool.name", c.Name), tag("gen_ai.tool.call.arguments", c.Arguments)}
		if c.Result != "" {
			tags = append(tags, tag("gen_ai.tool.call.result", c.Result))
		}
		if c.Error != "" {
			tags = append(tags, failed("tool_error", c.Error)...)
		}
		t.span(parent, r.Service, "execute_tool "+c.Name, from, c.Duration*slow, tags...)
		from += c.Duration * slow
	}
	finish := "stop"
	if len(r.Finish) > 0 {
		finish = r.Finish[0]
	}
	t.chat(parent, from, to-from, in*2, r.TokensOut, finish)
}

// predict is a classic model: its features are fetched, then it is asked.
func (t *tracing) predict(parent string, from, to float64) {
	fetch := (to - from) * (0.3 + 0.3*t.rng.Float64())
	missing := 0
	for _, v := range t.rec.Features {
		if v == nil {
			missing++
		}
	}
	t.span(parent, featureName, "fetch features", from, fetch, tag("features", len(t.rec.Features)), tag("features.missing", missing))
	t.span(parent, t.rec.Service, "predict", from+fetch, to-from-fetch, tag("model.version", t.rec.ModelVersion))
}
