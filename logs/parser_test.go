package logs

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

var testNow = time.Date(2026, 11, 23, 14, 2, 0, 0, time.UTC)

func parser() *Parser {
	return NewParser(Options{Origin: "app.jsonl", Now: func() time.Time { return testNow }})
}

// whole is a line with every field a service of ours may write.
const whole = `{"time":"2026-11-23T14:01:59.5Z","level":"error","service":"support-chat","message":"answer judged bad","request_id":"req-1","trace_id":"t1","duration_s":1.9,` +
	`"http.response.status_code":200,"gen_ai.operation.name":"chat","gen_ai.provider.name":"openai","gen_ai.request.model":"gpt-4o","gen_ai.response.model":"gpt-4o-2024-08-06",` +
	`"gen_ai.response.id":"resp-1","gen_ai.usage.input_tokens":812,"gen_ai.usage.output_tokens":96,"gen_ai.response.finish_reasons":["stop"],` +
	`"gen_ai.response.time_to_first_chunk":0.42,"gen_ai.prompt.name":"support","prompt_version":"v32","model_version":"m7","index_version":"i3","data_version":"d1","build_version":"1.4.2",` +
	`"cost_usd":0.0041,"tenant":"acme","region":"eu-west","gen_ai.input.messages":[{"role":"system","parts":[{"type":"text","content":"Be kind."}]},{"role":"user","parts":[{"type":"text","content":"Where is \"my\" parcel?\nThanks \ud83d\ude00"}]}],` +
	`"gen_ai.output.messages":[{"role":"assistant","parts":[{"type":"text","content":"On its way."}],"finish_reason":"stop"}],` +
	`"gen_ai.retrieval.documents":[{"id":"doc-7","score":0.61,"age_s":86400,"content":"Parcels take 3 days."}],` +
	`"gen_ai.tool.calls":[{"name":"track","arguments":{"id":7},"result":"late","error":"","duration_s":0.2}],` +
	`"gen_ai.evaluation.result":[{"name":"helpfulness","score":0.31,"label":"fail"},{"name":"toxicity","score":0.01}]}`

func TestALineWithEverythingIsReadWhole(t *testing.T) {
	got, ok := parser().Parse([]byte(whole))
	if !ok {
		t.Fatal("not taken for JSON")
	}
	want := health.Request{
		ID: "req-1", At: time.Date(2026, 11, 23, 14, 1, 59, 5e8, time.UTC), Service: "support-chat", Name: "chat", Level: "error", Failed: true, Code: 200,
		Finish: "stop", Message: "answer judged bad", Trace: "t1",
		Lineage:  health.Lineage{Build: "1.4.2", Model: "m7", Prompt: "v32", Index: "i3", Data: "d1"},
		Dims:     []health.Field{{Name: "provider", Value: "openai"}, {Name: "model", Value: "gpt-4o"}, {Name: "prompt", Value: "support"}, {Name: "tenant", Value: "acme"}, {Name: "region", Value: "eu-west"}, {Name: "response_model", Value: "gpt-4o-2024-08-06"}, {Name: "tool", Value: "track"}},
		Duration: health.Num(1.9), TTFT: health.Num(0.42), TokensIn: health.Num(812), TokensOut: health.Num(96), CostUSD: health.Num(0.0041),
		Prompt: "system: Be kind.\nuser: Where is \"my\" parcel?\nThanks 😀", Answer: "On its way.",
		Chunks: []health.Chunk{{ID: "doc-7", Score: health.Num(0.61), Age: health.Num(86400), Text: "Parcels take 3 days."}},
		Tools:  []health.ToolCall{{Name: "track", Arguments: `{"id":7}`, Result: "late", Duration: health.Num(0.2)}},
		Scores: []health.Field{{Name: "helpfulness", Value: "fail"}, {Name: "toxicity", Value: "0.01"}},
		Raw:    whole, Origin: "app.jsonl",
	}
	want.Group, _ = Signature(want)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// show writes the interesting part of a record in one line.
func show(r health.Request) string {
	num := func(p *float64) string {
		if p == nil {
			return "-"
		}
		return fmt.Sprint(*p)
	}
	var dims []string
	for _, d := range r.Dims {
		dims = append(dims, d.Name+"="+d.Value)
	}
	at := "-"
	if !r.At.IsZero() {
		at = r.At.Format("2006-01-02T15:04:05.999999999")
	}
	return fmt.Sprintf("%s %s %q svc=%s err=%s code=%d fin=%s dur=%s in=%s out=%s v=%s/%s [%s]", at, r.Level, r.Message, r.Service, r.Error, r.Code,
		r.Finish, num(r.Duration), num(r.TokensIn), num(r.TokensOut), r.Lineage.Model, r.Lineage.Prompt, strings.Join(dims, " "))
}

func TestTheSameFieldsUnderOtherNames(t *testing.T) {
	const want = `2026-11-23T14:02:00 error "quota" svc=a err=rate_limit code=429 fin=stop dur=1.5 in=10 out=20 v=gpt-4o/v2 [provider=openai model=gpt-4o]`
	for name, line := range map[string]string{
		"dotted, as now": `{"time":"2026-11-23T14:02:00Z","level":"error","message":"quota","service":"a","error.type":"rate_limit","http.response.status_code":429,"gen_ai.response.finish_reasons":["stop"],"duration_s":1.5,
			"gen_ai.usage.input_tokens":10,"gen_ai.usage.output_tokens":20,"prompt_version":"v2","gen_ai.provider.name":"openai","gen_ai.request.model":"gpt-4o"}`,
		"nested": `{"time":"2026-11-23T14:02:00Z","level":"error","message":"quota","service":{"name":"a"},"error":{"type":"rate_limit"},"http":{"response":{"status_code":429}},"duration_s":1.5,
			"gen_ai":{"response":{"finish_reasons":["stop"]},"usage":{"input_tokens":10,"output_tokens":20},"provider":{"name":"openai"},"request":{"model":"gpt-4o"}},"prompt":{"version":"v2"}}`,
		"underscores": `{"ts":1795442520,"severity":"ERROR","msg":"quota","app":"a","error_type":"rate_limit","http_response_status_code":"429","finish_reason":"stop","duration_ms":1500,
			"gen_ai_usage_input_tokens":"10","gen_ai_usage_output_tokens":20,"prompt_version":"v2","gen_ai_provider_name":"openai","gen_ai_request_model":"gpt-4o"}`,
		"old OpenTelemetry": `{"timestamp":1795442520000,"severity_number":17,"body":"quota","resource":{"service.name":"a"},"attributes":{"error.type":"rate_limit","http.status_code":429,"gen_ai.response.finish_reasons":"stop",
			"duration":"1.5s","gen_ai.usage.prompt_tokens":10,"gen_ai.usage.completion_tokens":20,"prompt_version":"v2","gen_ai.system":"openai","gen_ai.request.model":"gpt-4o"}}`,
		"logfmt": `ts=2026-11-23T14:02:00Z lvl=err msg=quota service=a error.type=rate_limit status=429 finish_reason=stop duration=1.5s input_tokens=10 output_tokens=20 prompt_version=v2 provider=openai model="gpt-4o"`,
	} {
		r, ok := parser().Parse([]byte(strings.ReplaceAll(line, "\n", " ")))
		if got := show(r); got != want || !ok {
			t.Errorf("%s:\ngot  %v %s\nwant true %s", name, ok, got, want)
		}
	}
}

func TestLinesWithoutFields(t *testing.T) {
	for line, want := range map[string]string{
		`2026-11-23T14:01:00Z ERROR upstream gone`:                       `2026-11-23T14:01:00 error "upstream gone"`,
		`2026-11-23 14:01:00,250 - root - WARNING - slow`:                `2026-11-23T14:01:00.25 warn "root - WARNING - slow"`,
		`[2026-11-23 14:01:00 +0100] [error] worker died`:                `2026-11-23T13:01:00 error "worker died"`,
		`2026/11/23 14:01:00 [error] 12#0: upstream timed out`:           `2026-11-23T14:01:00 error "12#0: upstream timed out"`,
		`ERROR 11-23 14:01:00 engine.py:212] CUDA out of memory`:         `2026-11-23T14:01:00 error "engine.py:212] CUDA out of memory"`,
		`E1123 14:01:00.000000       7 server.go:12] no route`:           `2026-11-23T14:01:00 error "no route"`,
		`Nov 23 14:01:00 gpu-1 kernel: NVRM: Xid 79`:                     `2026-11-23T14:01:00  "gpu-1 kernel: NVRM: Xid 79"`,
		`Dec 31 23:59:59 gpu-1 last year`:                                `2025-12-31T23:59:59  "gpu-1 last year"`,
		`INFO:     10.0.0.1:51234 - "POST /v1/chat HTTP/1.1" 200 OK`:     `- info "10.0.0.1:51234 - \"POST /v1/chat HTTP/1.1\" 200 OK"`,
		`ERROR:root:it broke`:                                            `- error "root:it broke"`,
		`error rates are fine, said the error budget`:                    `-  "error rates are fine, said the error budget"`,
		`Mon, 23 Nov 2026 14:01:00 GMT hello`:                            `2026-11-23T14:01:00  "hello"`,
		`10.0.0.1 - - [23/Nov/2026:14:01:00 +0000] "GET / HTTP/1.1" 200`: `-  "10.0.0.1 - - [23/Nov/2026:14:01:00 +0000] \"GET / HTTP/1.1\" 200"`,
		`  File "app.py", line 7, in <module>`:                           `-  "  File \"app.py\", line 7, in <module>"`,
		``:                                                               `-  ""`,
	} {
		r, ok := parser().Parse([]byte(line))
		at := "-"
		if !r.At.IsZero() {
			at = r.At.Format("2006-01-02T15:04:05.999999999")
		}
		if got := fmt.Sprintf("%s %s %q", at, r.Level, r.Message); got != want || !ok || r.Raw != line {
			t.Errorf("%s\ngot  %s %v\nwant %s", line, got, ok, want)
		}
	}
}

func TestTimesAreReadByTheirMagnitude(t *testing.T) {
	for in, want := range map[string]string{
		`1795442520`: "14:02:00", `1795442520.25`: "14:02:00.25", `1795442520250`: "14:02:00.25", `1795442520250000`: "14:02:00.25",
		`1795442520250000001`: "14:02:00.250000001", `1795442520250.5`: "14:02:00.2505", `"1795442520"`: "14:02:00",
		`"2026-11-23T15:02:00+01:00"`: "14:02:00", `"2026-11-23 14:02:00.5"`: "14:02:00.5",
		`"yesterday"`: "", `true`: "", `-5`: "", `12`: "", `1e300`: "", `""`: "",
	} {
		r, _ := parser().Parse([]byte(`{"time":` + in + `}`))
		got := ""
		if !r.At.IsZero() {
			got = r.At.Format("15:04:05.999999999")
		}
		if got != want {
			t.Errorf("time %s: %q, want %q", in, got, want)
		}
	}
}

func TestLevelsByNameAndByNumber(t *testing.T) {
	for in, want := range map[string]string{
		`"level":"ERROR"`: "error", `"level":"Warning"`: "warn", `"level":"crit"`: "fatal", `"severity":"NOTICE"`: "info",
		`"level":50`: "error", `"level":60`: "fatal", `"level":30`: "info", `"levelno":40`: "error", `"levelno":50`: "fatal",
		`"severity_number":9`: "info", `"severity_number":13`: "warn", `"severity_number":20`: "error", `"severity_number":24`: "fatal",
		`"level":"loud"`: "", `"level":0`: "", `"severity_number":25`: "", `"level":null`: "",
		`"severity_number":17,"severity_text":"WARN"`: "warn", `"severity_text":"WARN","severity_number":17`: "warn",
	} {
		if r, _ := parser().Parse([]byte("{" + in + "}")); r.Level != want {
			t.Errorf("%s: %q, want %q", in, r.Level, want)
		}
	}
}

func TestWhatCountsAsAFailure(t *testing.T) {
	for in, want := range map[string]string{
		`"error.type":"timeout"`: "timeout", `"error.type":""`: "", `"error.type":null`: "",
		`"status_code":500`: "500", `"status_code":429`: "429", `"status_code":404`: "", `"status_code":200`: "", `"status":"503"`: "503", `"status":"ok"`: "",
		`"finish_reason":"content_filter"`: "content_filter", `"finish_reason":"stop"`: "", `"finish_reason":"length"`: "", `"finish_reasons":["stop","content_filter"]`: "content_filter",
		`"gen_ai.evaluation.result":[{"name":"faith","score":0.2,"label":"FAIL"}]`: "faith FAIL", `"gen_ai.evaluation.result":{"name":"faith","label":"pass"}`: "",
		`"gen_ai.evaluation.name":"faith","gen_ai.evaluation.score.label":"incorrect"`:     "faith incorrect",
		`"gen_ai.evaluation.result":{"name":"faith","score":{"value":0.1,"label":"fail"}}`: "faith fail",
		`"level":"error"`: "error", `"level":"warn"`: "",
	} {
		r, _ := parser().Parse([]byte("{" + in + "}"))
		got := ""
		if r.Failed {
			got = cause(&r)
		}
		if got != want || (r.Group != "") != r.Failed {
			t.Errorf("%s: %q (group %q), want %q", in, got, r.Group, want)
		}
	}
}

func TestAnIDIsAlwaysThere(t *testing.T) {
	for in, want := range map[string]string{
		`{"request_id":"r","gen_ai.response.id":"s","trace_id":"t"}`: "r",
		`{"gen_ai.response.id":"s","trace_id":"t"}`:                  "s",
		`{"trace_id":"t"}`: "t",
		`{"a":"b"}`:        "line-" + hash(`{"a":"b"}`),
	} {
		if r, _ := parser().Parse([]byte(in)); r.ID != want {
			t.Errorf("%s: %q, want %q", in, r.ID, want)
		}
	}
}

func TestABadLineIsKeptAndCounted(t *testing.T) {
	p := parser()
	for i, c := range []struct {
		line string
		ok   bool
	}{
		{`plain, before anything is known`, true},
		{`{"level":"info","message":"a"}`, true},
		{`{"level":"info","message":"b"}`, true},
		{`{"level":"error","message":"cut of`, false},
		{`ERROR a traceback among JSON`, false},
		{`{"level":"info","message":"c"}`, true},
		{"\xff\xfe{", false},
	} {
		r, ok := p.Parse([]byte(c.line))
		if ok != c.ok || r.Raw != c.line || r.Message == "" || r.ID == "" {
			t.Errorf("line %d: ok %v, want %v; %+v", i+1, ok, c.ok, r)
		}
	}
	if r, _ := p.Parse([]byte(`{"level":"error","message":"cut of`)); r.Level != "" || r.Failed {
		t.Errorf("broken JSON was interpreted: %+v", r)
	}
}

func TestALongLineIsReadWholeAndKeptCut(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	r, ok := parser().Parse([]byte(`{"message":"` + long + `","prompt":"` + long + `","tenant":"acme"}`))
	if !ok || len(r.Dims) != 1 || r.Dims[0].Value != "acme" {
		t.Fatalf("ok %v, dims %v", ok, r.Dims)
	}
	for name, s := range map[string]string{"raw": r.Raw, "message": r.Message, "prompt": r.Prompt} {
		if len(s) > maxRaw || !strings.HasSuffix(s, "[cut]") {
			t.Errorf("%s has %d bytes and ends in %q", name, len(s), s[len(s)-8:])
		}
	}
}

func TestContentInItsManyForms(t *testing.T) {
	for in, want := range map[string]string{
		`"gen_ai.input.messages":"[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"hi\"}]}]"`:                             "user: hi",
		`"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`: "system: s\nuser: a\nb",
		`"gen_ai.prompt.0.role":"user","gen_ai.prompt.0.content":"hi","gen_ai.prompt.1.role":"assistant","gen_ai.prompt.1.content":"ho"`: "user: hi\nassistant: ho",
		`"prompt":"just text"`: "just text",
		`"prompt":"[not json"`: "[not json",
		`"gen_ai.system_instructions":[{"type":"text","content":"be kind"}],"prompt":"hi"`:                                  "system: be kind\nhi",
		`"messages":[{"role":"tool","parts":[{"type":"tool_call_response","response":{"a":1}}]}]`:                           `tool: result: {"a":1}`,
		`"messages":[{"role":"assistant","parts":[{"type":"tool_call","name":"f","arguments":{"x":1}}]}]`:                   `assistant: f({"x":1})`,
		`"messages":[{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":"{\"x\":1}"}}]}]`: `assistant: f({"x":1})`,
	} {
		if r, ok := parser().Parse([]byte("{" + in + "}")); r.Prompt != want || !ok {
			t.Errorf("%s\ngot  %q\nwant %q", in, r.Prompt, want)
		}
	}
}

func TestUnknownFieldsBecomeDimensionsIfTheirValuesCanBeFew(t *testing.T) {
	r, _ := parser().Parse([]byte(`{"customer_tier":"gold","retry":true,"span_id":"x","session_id":"s","score":0.5,"note":"` + strings.Repeat("n", 65) +
		`","queue":{"name":"fast"},"started_at":"2026-11-23T14:00:00Z","port":"8080","ago":"-3","empty":""}`))
	want := []health.Field{{Name: "customer_tier", Value: "gold"}, {Name: "retry", Value: "true"}, {Name: "queue.name", Value: "fast"}}
	if !reflect.DeepEqual(r.Dims, want) {
		t.Errorf("dims %v, want %v", r.Dims, want)
	}
}

func TestAnErrorIsPutBehindItsMessage(t *testing.T) {
	for in, want := range map[string]string{
		`"msg":"request failed","err":"timeout"`:                            "request failed: timeout",
		`"err":"timeout"`:                                                   "timeout",
		`"msg":"timeout after 3 s","error":"timeout"`:                       "timeout after 3 s",
		`"msg":"fine","err":null`:                                           "fine",
		`"msg":"fine","error":true`:                                         "fine",
		`"error":{"type":"T","message":"m"}`:                                "m",
		`"msg":"x","exception":{"type":"T","message":"m","stacktrace":"…"}`: "x: m",
	} {
		if r, _ := parser().Parse([]byte("{" + in + "}")); r.Message != want {
			t.Errorf("%s: %q, want %q", in, r.Message, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		whole, `{"a":{"b":`, `level=info msg="a b" x`, `a="`, "2026-11-23 14:02:00 ERROR x", "E1123 14:02:00.1 7 f.go:1] x", "[", "Mon", "\x00\xff{}",
		`{"gen_ai.prompt.0.role":1,"messages":[[]],"tool_calls":[{"function":{"function":{}}}]}`, `{"gen_ai.evaluation.result":{"score":{"score":{"score":1}}}}`,
		"9", "{", `{"messages":"[[[["}`, `{"messages":[{"content":[{"content":[{"content":"x"}]}]}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		p := parser()
		r, _ := p.Parse(line)
		if r.ID == "" {
			t.Errorf("%q has no id", line)
		}
		if again, _ := parser().Parse(line); !reflect.DeepEqual(r, again) {
			t.Errorf("%q is read differently the second time", line)
		}
		if r.Failed != (r.Group != "") {
			t.Errorf("%q: failed %v, group %q", line, r.Failed, r.Group)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for name, line := range map[string]string{
		"whole": whole,
		"ok":    `{"time":"2026-11-23T14:01:59.5Z","level":"info","service":"support-chat","message":"chat completed","request_id":"req-1","trace_id":"0af7651916cd43dd8448eb211c80319c","duration_s":1.9,"http.response.status_code":200,"gen_ai.operation.name":"chat","gen_ai.provider.name":"openai","gen_ai.request.model":"gpt-4o","gen_ai.usage.input_tokens":812,"gen_ai.usage.output_tokens":96,"gen_ai.response.finish_reasons":["stop"],"prompt_version":"v32","build_version":"1.4.2","cost_usd":0.0041,"tenant":"acme","region":"eu-west"}`,
		"plain": "2026-11-23 14:02:00,123 INFO engine.py:212] Avg prompt throughput: 12.1 tokens/s",
	} {
		b.Run(name, func(b *testing.B) {
			p, l := parser(), []byte(line)
			b.SetBytes(int64(len(l)))
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(l)
			}
		})
	}
}
