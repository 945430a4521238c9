package sources

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

const aTrace = "5b8efff798038103d269b633813fc60c"

func recorded(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "traces", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// story is a trace in lines, as far as all ways of telling it agree.
func story(tr health.Trace) string {
	var b strings.Builder
	num := func(name string, v *float64) {
		if v != nil {
			fmt.Fprintf(&b, " %s=%g", name, *v)
		}
	}
	for _, s := range tr.Spans {
		fmt.Fprintf(&b, "%s<%s %s %q %s +%v %v", s.ID[12:], s.Parent[min(12, len(s.Parent)):], s.Service, s.Name, s.Kind,
			s.Start.Sub(tr.Spans[0].Start), s.Duration)
		for _, f := range []string{s.Operation, s.Model, s.Tool, s.Agent, s.Arguments, s.Finish} {
			if f != "" {
				b.WriteString(" " + f)
			}
		}
		num("in", s.TokensIn)
		num("out", s.TokensOut)
		num("first", s.TTFT)
		num("documents", s.Documents)
		if s.Error != "" {
			b.WriteString(" !" + s.Error)
		}
		b.WriteString("\n")
	}
	return b.String()
}

const theStory = `b174< gateway "POST /chat" other +0s 3.2s
b175<b174 travel-agent "invoke_agent travel" agent +40ms 3.1s invoke_agent travel
b176<b175 travel-agent "chat gpt-4.1" model +60ms 1.2s chat gpt-4.1-2025-04-14 tool_calls in=812 out=44 first=0.31
b177<b175 travel-agent "execute_tool search_flights" tool +1.3s 700ms execute_tool search_flights {"to":"LIS"} !timeout: deadline of 700 ms exceeded
b178<b175 vector-db "query trips" retrieval +2.05s 90ms documents=4
b179<b175 travel-agent "openai.chat" model +2.2s 900ms chat gpt-4.1 in=1290 out=180
`

// servers answer as the documentation of each says, or as recorded.
func servers(t *testing.T) map[string]struct {
	kind, section string
	serve         http.HandlerFunc
} {
	at := func(paths map[string]string, otherwise http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if body, ok := paths[strings.TrimPrefix(r.URL.Path, "/base")]; ok {
				io.WriteString(w, body)
				return
			}
			otherwise(w, r)
		}
	}
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); io.WriteString(w, body) }
	}
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><title>Jaeger UI</title>")
	}
	return map[string]struct {
		kind, section string
		serve         http.HandlerFunc
	}{
		"Jaeger": {"jaeger", "", at(map[string]string{"/api/traces/" + aTrace: recorded(t, "jaeger_v1.json")},
			status(404, `{"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":404,"msg":"trace not found"}]}`))},
		"Jaeger that has only the third API": {"jaeger", "", at(map[string]string{"/api/v3/traces/" + aTrace: recorded(t, "jaeger_v3.json")},
			func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/api/v3/") {
					status(404, `{"error":{"httpCode":404,"message":"No traces found"}}`)(w, r)
					return
				}
				page(w, r)
			})},
		"Jaeger told to use the third API": {"jaeger", `api = "v3"`, at(map[string]string{"/api/v3/traces/" + aTrace: recorded(t, "jaeger_v3.json")},
			status(404, `{"error":{"httpCode":404,"message":"No traces found"}}`))},
		"Tempo": {"tempo", "", at(map[string]string{"/api/v2/traces/" + aTrace: recorded(t, "tempo_v2.json")}, func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"trace":{},"metrics":{}}`)
		})},
		"Tempo before 2.6": {"tempo", "", at(map[string]string{"/api/traces/" + aTrace: recorded(t, "tempo_v1.json")}, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/v2/") {
				http.NotFound(w, r)
				return
			}
			status(404, "trace not found")(w, r)
		})},
	}
}

func TestEveryTracingSystemTellsTheSameStory(t *testing.T) {
	for name, c := range servers(t) {
		s := mustOpen(t, c.kind, `url = "http://traces.example/base"`+"\n"+c.section)
		serverOf(s).client.Transport.(*capped).next = serverOf(answering(t, c.kind, c.serve)).client.Transport.(*capped).next
		got, err := s.(Traces).Trace(t.Context(), strings.ToUpper(aTrace))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if told := story(got); told != theStory {
			t.Errorf("%s tells\n%swant\n%s", name, told, theStory)
		}
		if got.ID != aTrace || got.Source != "main" || got.State != health.TraceFound {
			t.Errorf("%s: %q of %q is %q", name, got.ID, got.Source, got.State)
		}
		if name == "Tempo" && !strings.Contains(got.Note, "partial trace") {
			t.Errorf("that not all of it came is not said: %q", got.Note)
		}
		if c.kind == "jaeger" && got.Link != "http://traces.example/base/trace/"+aTrace {
			t.Errorf("%s: the link is %q", name, got.Link)
		}
		for _, span := range got.Spans {
			for _, a := range span.Attributes {
				if strings.Contains(a.Value, "Lisbon") || strings.Contains(a.Value, "Booked") {
					t.Errorf("%s: %s=%s is content, and nobody could hide it", name, a.Name, a.Value)
				}
			}
		}
		if _, err := s.(Traces).Trace(t.Context(), "0af7651916cd43dd8448eb211c80319c"); !errors.Is(err, ErrNotFound) || err.Error() != "main: does not have this trace" {
			t.Errorf("%s, of a trace nobody has: %v", name, err)
		}
	}
}

func TestAnotherServerIsNoTracingSystem(t *testing.T) {
	for kind, want := range map[string]string{"jaeger": "main: 404 not found: nobody answers", "tempo": "main: 404 not found: nobody answers"} {
		s := answering(t, kind, http.NotFound)
		_, version := s.(About).Version(t.Context())
		_, trace := s.(Traces).Trace(t.Context(), aTrace)
		for what, err := range map[string]error{"version": version, "trace": trace} {
			if err == nil || !strings.HasPrefix(err.Error(), want) || errors.Is(err, ErrNotFound) {
				t.Errorf("%s of %s: %v", what, kind, err)
			}
		}
		if errors.Is(version, ErrMissing) {
			t.Errorf("%s: that it is another server would be no fault", kind)
		}
	}
}

func TestATraceIsFoundInFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open := func(pattern string) Traces {
		return mustOpen(t, "otlp", fmt.Sprintf("paths = [%q]\ntrace_url = \"https://ui.example/{service}/{trace_id}?from={from_ms}\"", filepath.Join(dir, pattern))).(Traces)
	}
	write("lines.jsonl", recorded(t, "otlp.jsonl"))
	write("whole.json", recorded(t, "otlp.json"))
	var packed strings.Builder
	gz := gzip.NewWriter(&packed)
	io.WriteString(gz, recorded(t, "otlp.jsonl"))
	gz.Close()
	write("old.jsonl.gz", packed.String())
	for _, pattern := range []string{"lines.jsonl", "whole.json", "*.gz", "*"} {
		got, err := open(pattern).Trace(t.Context(), aTrace)
		if err != nil || story(got) != theStory {
			t.Errorf("%s: %v\n%s", pattern, err, story(got))
		}
		if want := "https://ui.example/gateway/" + aTrace + "?from=1763906400000"; got.Link != want {
			t.Errorf("%s: the link is %s, want %s", pattern, got.Link, want)
		}
	}
	if _, err := open("*").Trace(t.Context(), strings.Repeat("7", 32)); !errors.Is(err, ErrNotFound) {
		t.Errorf("a trace nobody has: %v", err)
	}
	if _, err := open("none-*").Trace(t.Context(), aTrace); err == nil || !strings.Contains(err.Error(), "main: there is no file ") {
		t.Errorf("no files: %v", err)
	}
	write("broken.json", "{\n \"resourceSpans\": [\n")
	if _, err := open("broken.json").Trace(t.Context(), aTrace); err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "is no JSON of OpenTelemetry: it ends in the middle") {
		t.Errorf("a broken file: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open("*").Trace(cancelled, aTrace); !errors.Is(err, context.Canceled) {
		t.Errorf("after patience ended: %v", err)
	}
}

func TestNoMoreIsReadThanAllowed(t *testing.T) {
	left := int64(len(recorded(t, "otlp.jsonl"))) * 3 / 4
	var list spanList
	if err := searchLines(t.Context(), &budget{strings.NewReader(recorded(t, "otlp.jsonl")), &left}, aTrace, &list); err == nil || left != 0 {
		t.Errorf("%v with %d bytes left: that the last line is half of one is not said", err, left)
	}
	if n := len(list.spans); n == 0 || n > 5 {
		t.Errorf("%d spans of half a file", n)
	}
}

func TestIDsAreReadAsTheyAreWritten(t *testing.T) {
	for in, want := range map[string]string{
		aTrace: aTrace, strings.ToUpper(aTrace): aTrace, " " + aTrace + "\n": aTrace,
		"00-" + aTrace + "-00f067aa0ba902b7-01": aTrace,
		"5b8efff7-9803-8103-d269-b633813fc60c":  aTrace,
		"f067aa0ba902b7":                        "00000000000000000000" + "f067aa0ba902b7"[2:],
		"../../admin":                           "",
		"":                                      "",
		"0":                                     "",
		strings.Repeat("0", 32):                 "",
		aTrace + "0":                            "",
		"5b8efff798038103d269b633813fc60c?x=\x1b": "",
	} {
		if in == "f067aa0ba902b7" {
			want = strings.Repeat("0", 18) + in
		}
		got, err := cleanTraceID(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestSpansOfAllDialectsAreUnderstood(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields map[string]string
		failed bool
		kind   health.SpanKind
		says   string
	}{
		{"GET /health", nil, false, health.SpanOther, "|||||"},
		{"chat", map[string]string{"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}, false, health.SpanModel, "m|||||"},
		{"x", map[string]string{"gen_ai.operation.name": "embeddings", "gen_ai.response.model": "e-3", "gen_ai.request.model": "e"}, false, health.SpanModel, "e-3|||||"},
		{"x", map[string]string{"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.token_count.prompt": "7"}, false, health.SpanModel, "m||||7|"},
		{"x", map[string]string{"openinference.span.kind": "RETRIEVER", "retrieval.documents": `[1,2,3]`}, false, health.SpanRetrieval, "|||||3"},
		{"x", map[string]string{"openinference.span.kind": "TOOL", "tool.name": "t", "tool.parameters": "{}"}, false, health.SpanTool, "|t||||"},
		{"x", map[string]string{"traceloop.span.kind": "tool", "traceloop.entity.name": "t2"}, false, health.SpanTool, "|t2||||"},
		{"x", map[string]string{"traceloop.span.kind": "workflow"}, false, health.SpanAgent, "|||||"},
		{"execute_tool look_up", nil, false, health.SpanTool, "|look_up||||"},
		{"tools/call", map[string]string{"mcp.method.name": "tools/call", "gen_ai.tool.name": "mail"}, true, health.SpanTool, "|mail||failed, and does not say why||"},
		{"query", map[string]string{"db.system": "Milvus"}, false, health.SpanRetrieval, "|||||"},
		{"query", map[string]string{"db.system": "postgresql"}, false, health.SpanOther, "|||||"},
		{"x", map[string]string{"error.type": "timeout"}, false, health.SpanOther, "|||timeout||"},
		{"x", map[string]string{"exception.type": "E", "exception.message": "E: bad"}, true, health.SpanOther, "|||E: bad||"},
		{"x", map[string]string{"gen_ai.usage.input_tokens": "-1", "gen_ai.request.model": "m"}, false, health.SpanModel, "m|||||"},
	} {
		var fields []health.Field
		for k, v := range c.fields {
			fields = append(fields, health.Field{Name: k, Value: v})
		}
		s := health.TraceSpan{Name: c.name}
		understand(&s, fields, c.failed)
		num := func(v *float64) string {
			if v == nil {
				return ""
			}
			return fmt.Sprint(*v)
		}
		says := strings.Join([]string{s.Model, s.Tool, s.Agent, s.Error, num(s.TokensIn), num(s.Documents)}, "|")
		if s.Kind != c.kind || says != c.says {
			t.Errorf("%s %v: %s %s, want %s %s", c.name, c.fields, s.Kind, says, c.kind, c.says)
		}
	}
}

func TestATraceWithoutEndIsCut(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"resourceSpans":[{"scopeSpans":[{"spans":[`)
	for i := range maxSpans + 100 {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, `{"traceId":%q,"spanId":"%016x","name":"step","startTimeUnixNano":"%d"}`, aTrace, i+1, i)
	}
	b.WriteString("]}]}]}")
	var list spanList
	if err := readOTLP(strings.NewReader(b.String()), aTrace, &list); err != nil || len(list.spans) != maxSpans || list.cut != 100 {
		t.Errorf("%v, %d spans, %d cut", err, len(list.spans), list.cut)
	}
}

func TestListsInsideListsCostNoTime(t *testing.T) {
	deep := strings.Repeat(`{"arrayValue":{"values":[`, 3000) + `{"stringValue":"x"}` + strings.Repeat(`]}}`, 3000)
	doc := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"` + aTrace + `","spanId":"eee19b7ec3c1b174","attributes":[{"key":"a","value":` + deep + `}]}]}]}]}`
	var list spanList
	began := time.Now()
	if err := readOTLP(strings.NewReader(doc), aTrace, &list); err != nil && !strings.Contains(err.Error(), "depth") || len(list.spans) > 1 {
		t.Errorf("%v, %d spans", err, len(list.spans))
	}
	t.Log(time.Since(began))
}

func FuzzOTLP(f *testing.F) {
	for _, file := range []string{"otlp.json", "otlp.jsonl", "jaeger_v3.json", "tempo_v1.json", "tempo_v2.json"} {
		f.Add([]byte(recorded(f, file)))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		var list spanList
		_ = searchLines(context.Background(), strings.NewReader(string(doc)), aTrace, &list)
		check(t, &list)
	})
}

func FuzzJaeger(f *testing.F) {
	f.Add([]byte(recorded(f, "jaeger_v1.json")))
	f.Add([]byte(`{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var list spanList
		_ = readJaeger(strings.NewReader(string(doc)), aTrace, &list)
		check(t, &list)
	})
}

// check says what holds of every span, whatever was read.
func check(t *testing.T, list *spanList) {
	for _, s := range list.spans {
		if s.Duration < 0 || s.Start.Before(time.Unix(0, 0)) || s.Kind == "" || len(s.Name) > maxAttribute || len(s.Attributes) > maxAttributes || len(s.Arguments) > maxSpanText {
			t.Fatalf("%+v", s)
		}
	}
}
