package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sickbay/demo/prom"
)

// A foul is one text of the corpus of hostile strings. SICKBAY_HOSTILE names another
// corpus.
type foul struct {
	ID     string `json:"id"`
	Class  string `json:"cls"`
	Name   string `json:"name"`
	Bytes  []byte `json:"b64"`
	Expect string `json:"expect"`
}

func fouls(t testing.TB) []foul {
	t.Helper()
	path := os.Getenv("SICKBAY_HOSTILE")
	if path == "" {
		path = "../../health/testdata/hostile_strings.json"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Items []foul }
	if err := json.Unmarshal(data, &file); err != nil || len(file.Items) < 50 {
		t.Fatalf("%s: %d items, %v", path, len(file.Items), err)
	}
	return file.Items
}

// text is a foul of a size that a label may have.
func (f foul) text() string { return string(f.Bytes[:min(len(f.Bytes), 1500)]) }

// label is what of it JSON can carry.
func (f foul) label() string { return strings.ToValidUTF8(f.text(), "\ufffd") }

// A secret is what of a foul nobody may see: any ten characters of it are too much.
type secret struct {
	of    foul
	parts []string
}

const fragment = 10

var tokens = regexp.MustCompile(`[\w+-]{12,}`)

// secrets are what redaction has to mask.
func secrets(all []foul) []secret {
	var out []secret
	for _, f := range all {
		if f.Expect != "redacted" {
			continue
		}
		bare := regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]").ReplaceAllString(f.label(), "")
		if f.Class == "pii" { // short, and with blanks: all of it that is no word
			bare = regexp.MustCompile(`^[A-Za-z]+ | exp .*$`).ReplaceAllString(bare, "")
			out = append(out, secret{f, []string{bare}})
			continue
		}
		s := secret{of: f}
		for _, token := range tokens.FindAllString(bare, -1) {
			for i := 0; i+fragment <= len(token) && token != "calling-upstream"; i++ {
				s.parts = append(s.parts, token[i:i+fragment])
			}
		}
		out = append(out, s)
	}
	return out
}

// seenIn says which secrets are in a text, with the first piece that gives them away.
func seenIn(text string, all []secret) []string {
	var out []string
	for _, s := range all {
		for _, p := range s.parts {
			if strings.Contains(text, p) {
				out = append(out, fmt.Sprintf("%s %s: %q", s.of.ID, s.of.Name, p))
				break
			}
		}
	}
	return out
}

// A hostileWorld is a stack in which everybody says what the corpus says: labels,
// records, spans, alerts, changes, versions, errors.
type hostileWorld struct {
	all  []foul
	next atomic.Int64 // foul that is said next by who has not said enough
	path string       // of the config
}

// say is the next n fouls, so that sooner or later all are said.
func (w *hostileWorld) say(n int) []foul {
	from := int(w.next.Add(int64(n))) - n
	var out []foul
	for i := range n {
		out = append(out, w.all[(from+i)%len(w.all)])
	}
	return out
}

// newHostileWorld serves it. Everything listens on loopback and ends with the test.
func newHostileWorld(t testing.TB) *hostileWorld {
	t.Helper()
	w := &hostileWorld{all: fouls(t)}
	logs := filepath.Join(t.TempDir(), "requests.jsonl")
	if err := os.WriteFile(logs, w.records(time.Now()), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	var config strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&config, format+"\n", args...) }
	line("window = \"15m\"\nrefresh = \"2s\"\nrate_window = \"30s\"\n[drift]\nwindow = \"2m\"\nreference = \"6m\"")
	line("[[source]]\nkind = \"prometheus\"\nname = \"main\"\nurl = %q", serve(w.metrics(t)))
	line("[[source]]\nkind = \"file\"\nname = \"requests\"\npaths = [%q]", logs)
	broken := serve(http.HandlerFunc(w.fails))
	for i, kind := range []string{"prometheus", "prometheus", "alertmanager", "feed", "loki", "tempo"} {
		line("[[source]]\nkind = %q\nname = \"broken%d\"\nurl = %q", kind, i, broken)
		if kind == "loki" {
			line("query = '{a=\"b\"}'")
		}
	}
	others := serve(w.others())
	line("[[source]]\nkind = \"jaeger\"\nname = \"traces\"\nurl = %q\ntrace_url = \"http://127.0.0.1/{trace_id}\"", others)
	line("[[source]]\nkind = \"alertmanager\"\nname = \"alerts\"\nurl = %q", others)
	line("[[source]]\nkind = \"feed\"\nname = \"changes\"\nurl = %q", others+"/changes")
	line("[[rollback]]\nservice = \"chat\"\nkind = \"prompt\"\ndriver = \"http\"\nurl = %q", others+"/target")
	line("[[rollback]]\nservice = \"chat\"\nkind = \"model\"\ndriver = \"http\"\nurl = %q", broken)
	w.path = written(t, config.String())
	return w
}

// metrics is a Prometheus with a service for each secret and each class, all named by
// the corpus, and one that is ill.
func (w *hostileWorld) metrics(t testing.TB) http.Handler {
	store := prom.NewStore(0)
	for _, name := range []string{"ai_requests_total", "ai_quality_score_sum", "ai_quality_score_count"} {
		store.SetMeta(name, "counter", w.all[0].label(), "")
	}
	begin := time.Now().Add(-20 * time.Minute).UnixMilli()
	counter := func(perSecond float64, labels map[string]string) {
		ref := store.Series(labels)
		for at := begin; at < begin+25*60_000; at += 15_000 {
			if err := store.Append(ref, at, perSecond*float64(at-begin)/1000); err != nil {
				t.Fatal(err)
			}
		}
	}
	add := func(service string, f foul) {
		counter(3, map[string]string{"__name__": "ai_requests_total", "service": service, "status": "ok", "pod": f.label()})
		counter(1, map[string]string{"__name__": "ai_requests_total", "service": service, "status": "error", "pod": f.label()})
	}
	classes := map[string]bool{}
	for i, f := range w.all {
		build := map[string]string{"__name__": "ai_build_info", "service": "chat"} // which runs all versions at once
		if f.Expect == "redacted" || !classes[f.Class] {
			classes[f.Class] = true
			build["service"] = f.label()
			add(f.label(), w.all[(i+7)%len(w.all)])
		}
		for j, of := range []string{"version", "model_version", "prompt_version", "index_version"} {
			build[of] = w.all[(i+j)%len(w.all)].label()
		}
		counter(0, build)
	}
	add("chat", w.all[3])
	s := prom.NewServer(store, nil, nil)
	s.SetReady(true)
	return s
}

// records are a request of chat for each foul, which says it wherever a request can
// say anything, one of a service named by it, and healthy ones beside them.
func (w *hostileWorld) records(now time.Time) []byte {
	var b bytes.Buffer
	for i := range 400 {
		at := now.Add(-12*time.Minute + time.Duration(i)*1700*time.Millisecond)
		fmt.Fprintf(&b, `{"time":%q,"level":"info","service":"chat","request_id":"good-%d","duration_s":0.2,"prompt_version":"v1"}`+"\n", at.Format(time.RFC3339Nano), i)
	}
	for i, f := range w.all {
		at := now.Add(-8*time.Minute + time.Duration(i)*1500*time.Millisecond)
		id, service := fmt.Sprintf("bad-%d", i), "chat"
		if i%3 == 0 {
			id = f.label()
		}
		if i%5 == 0 {
			service = f.label()
		}
		x := f.text()
		r := map[string]any{
			"time": at.Format(time.RFC3339Nano), "level": "error", "service": service, "message": x, "error.type": x, "request_id": id,
			"trace_id": fmt.Sprintf("%032x", i+1), "duration_s": 1.5, "http.response.status_code": 500, "tenant": x, "region": x, "prompt_version": x,
			"gen_ai.request.model": x, "model_version": x, "gen_ai.prompt.name": x, "build_version": x, x: x,
			"gen_ai.response.finish_reasons": []string{x},
			"gen_ai.input.messages":          []any{map[string]any{"role": x, "parts": []any{map[string]string{"type": "text", "content": x}}}},
			"gen_ai.output.messages":         []any{map[string]any{"role": x, "parts": []any{map[string]string{"type": "text", "content": x}}}},
			"gen_ai.retrieval.documents":     []any{map[string]any{"id": x, "score": .5, "age_s": 60, "content": x}},
			"gen_ai.tool.calls":              []any{map[string]any{"name": x, "arguments": x, "result": x, "error": x, "duration_s": .1}},
			"gen_ai.evaluation.result":       []any{map[string]any{"name": x, "score": .1, "label": x}},
		}
		line, err := json.Marshal(r)
		if err != nil {
			panic(err) // of texts and numbers
		}
		b.Write(line)
		b.WriteByte('\n')
		// Once more as bytes that are no JSON, which must not reach a terminal either.
		fmt.Fprintf(&b, "%s ERROR %s\n", at.Format(time.RFC3339Nano), bytes.ReplaceAll([]byte(x), []byte("\n"), []byte(" ")))
	}
	return b.Bytes()
}

// fails answers every question with an error in the words of the corpus: as the API
// of Prometheus writes it, or as a proxy would.
func (w *hostileWorld) fails(rw http.ResponseWriter, _ *http.Request) {
	said := w.say(2)
	if w.next.Load()%4 == 0 {
		rw.WriteHeader(http.StatusBadGateway)
		fmt.Fprintf(rw, "%s %s", said[0].text(), said[1].text())
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(rw).Encode(map[string]string{"status": "error", "errorType": said[0].label(), "error": said[1].label() + " " + said[0].label()})
}

// others are Jaeger, Alertmanager, the feed of changes and a rollback target.
func (w *hostileWorld) others() http.Handler {
	mux := http.NewServeMux()
	answer := func(path string, what func(r *http.Request) any) {
		mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			rw.Header().Set("ETag", `"1"`)
			_ = json.NewEncoder(rw).Encode(what(r))
		})
	}
	answer("/api/services", func(*http.Request) any { return map[string]any{"data": []string{w.all[0].label()}} })
	answer("/api/traces/{id}", func(r *http.Request) any { return w.trace(r.PathValue("id")) })
	answer("/api/v2/status", func(*http.Request) any {
		return map[string]any{"versionInfo": map[string]string{"version": w.say(1)[0].label()}}
	})
	answer("/api/v2/silences", func(*http.Request) any { return []any{} })
	answer("/api/v2/alerts", func(*http.Request) any {
		var all []any
		for i, f := range w.all {
			all = append(all, map[string]any{
				"labels":      map[string]string{"alertname": f.label(), "service": "chat", "severity": w.all[(i+1)%len(w.all)].label(), "pod": f.label()},
				"annotations": map[string]string{"summary": f.label()}, "startsAt": time.Now().Add(-time.Duration(i) * time.Second), "fingerprint": fmt.Sprint(i),
				"generatorURL": "http://127.0.0.1/" + f.label(), "status": map[string]any{"state": "active"},
			})
		}
		return all
	})
	answer("/changes", func(*http.Request) any {
		var all []any
		for i, f := range w.all {
			x := f.label()
			all = append(all, map[string]any{"id": x, "ts": time.Now().Add(-9 * time.Minute).Add(time.Duration(i) * time.Second), "kind": "prompt", "service": "chat", "from": x, "to": x, "text": x, "url": "http://127.0.0.1/" + x})
		}
		return all
	})
	answer("/target", func(*http.Request) any {
		var versions []any
		for i, f := range w.say(40) {
			versions = append(versions, map[string]any{"version": fmt.Sprintf("v%d", i), "at": time.Now().Add(-time.Duration(i) * time.Hour), "note": f.label()})
		}
		return map[string]any{"current": "v0", "ready": true, "versions": versions}
	})
	return mux
}

// trace is Jaeger's answer, with spans that say a dozen fouls.
func (w *hostileWorld) trace(id string) any {
	spans, processes := []any{}, map[string]any{}
	for i, f := range w.say(12) {
		x := f.label()
		p := fmt.Sprint("p", i)
		processes[p] = map[string]string{"serviceName": x}
		tag := func(key string) any { return map[string]string{"key": key, "type": "string", "value": x} }
		spans = append(spans, map[string]any{
			"traceID": id, "spanID": fmt.Sprintf("%016x", i+1), "operationName": x, "startTime": time.Now().UnixMicro() + int64(i)*1000, "duration": 900, "processID": p,
			"tags": []any{tag("gen_ai.tool.name"), tag("gen_ai.tool.call.arguments"), tag("gen_ai.agent.name"), tag("gen_ai.request.model"), tag("exception.message"),
				map[string]string{"key": "otel.status_code", "value": "ERROR"}, map[string]string{"key": "gen_ai.operation.name", "value": []string{"chat", "execute_tool", "invoke_agent"}[i%3]}},
		})
	}
	return map[string]any{"data": []any{map[string]any{"traceID": id, "spans": spans, "processes": processes}}}
}
