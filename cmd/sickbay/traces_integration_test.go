//go:build integration

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sickbay/config"
	"sickbay/health"
	"sickbay/sources"
)

// program is a server to test against: named by an environment variable, or found.
func program(t *testing.T, variable, name string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		name = path
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s here (%s=path names one): not tried against a real one", name, variable)
	}
	return path
}

// serve runs a server until the test ends, and waits until it answers.
func serve(t *testing.T, ready string, path string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	c := exec.Command(path, args...)
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		if _ = c.Wait(); t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(path), clip(said.String()))
		}
	})
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if r, err := http.Get(ready); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return
			}
		}
	}
	t.Fatalf("%s was not ready within %s", filepath.Base(path), soon)
}

// post sends a document, and insists that it is taken.
func post(t *testing.T, url, tenant, body string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Scope-OrgID", tenant)
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if text, _ := io.ReadAll(r.Body); r.StatusCode >= 300 {
		t.Fatalf("%s: %s %s", url, r.Status, text)
	}
}

// runLoki is a real Loki of several tenants, in one process and one folder.
func runLoki(t *testing.T) string {
	path := program(t, "SICKBAY_LOKI", "loki")
	dir, listen := t.TempDir(), freePort(t)
	_, port, _ := strings.Cut(listen, ":")
	_, grpc, _ := strings.Cut(freePort(t), ":")
	file := filepath.Join(dir, "loki.yaml")
	text := fmt.Sprintf(`auth_enabled: true
analytics: {reporting_enabled: false}
server: {http_listen_address: 127.0.0.1, http_listen_port: %s, grpc_listen_address: 127.0.0.1, grpc_listen_port: %s, log_level: error}
common:
  path_prefix: %s
  replication_factor: 1
  instance_addr: 127.0.0.1
  ring: {kvstore: {store: inmemory}, instance_addr: 127.0.0.1}
  storage: {filesystem: {chunks_directory: %s/chunks, rules_directory: %[3]s/rules}}
schema_config: {configs: [{from: 2024-01-01, store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}]}
ingester: {lifecycler: {min_ready_duration: 0s}}
limits_config: {reject_old_samples: false}
`, port, grpc, dir, dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	serve(t, "http://"+listen+"/ready", path, "-config.file="+file)
	return "http://" + listen
}

// push writes records into Loki by its push API.
func push(t *testing.T, loki, tenant, service string, at time.Time, lines ...string) {
	t.Helper()
	var values [][2]string
	for i, l := range lines {
		values = append(values, [2]string{fmt.Sprint(at.Add(time.Duration(i) * time.Millisecond).UnixNano()), l})
	}
	body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": map[string]string{"service_name": service, "region": "eu"}, "values": values}}})
	if err != nil {
		t.Fatal(err)
	}
	post(t, loki+"/loki/api/v1/push", tenant, string(body))
}

// TestIntegrationLokiIsFollowedAndAskedAboutThePast reads a real Loki as one of its
// tenants: what was there, what comes, and an hour gone by.
func TestIntegrationLokiIsFollowedAndAskedAboutThePast(t *testing.T) {
	url := runLoki(t)
	now := time.Now()
	push(t, url, "team-a", "chat", now.Add(-2*time.Hour), `{"message":"long ago","request_id":"old"}`)
	var many []string
	for i := range 6000 { // more than an answer holds
		many = append(many, fmt.Sprintf(`{"message":"m","request_id":"r%d"}`, i))
	}
	push(t, url, "team-a", "chat", now.Add(-10*time.Minute), many...)
	push(t, url, "team-b", "chat", now.Add(-time.Minute), `{"message":"not ours","request_id":"theirs"}`)

	section := fmt.Sprintf("[[source]]\nkind = \"loki\"\nname = \"logs\"\nurl = %q\ntenant = \"team-a\"\nquery = '{service_name=\"chat\"}'\n", url)
	l := opened(t, section).(sources.Past)
	if version, err := l.(sources.About).Version(t.Context()); err != nil {
		t.Errorf("version %q, %v", version, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	got := map[string]health.Request{}
	times := 0
	var errs []error
	ended := make(chan error, 1)
	go func() {
		ended <- l.Follow(ctx, func(b sources.Batch) {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range b.Requests {
				got[r.ID] = r
				times++
			}
			if b.Err != nil {
				errs = append(errs, b.Err)
			}
		})
	}()
	read := func(n int) {
		t.Helper()
		for end := time.Now().Add(soon); ; time.Sleep(50 * time.Millisecond) {
			mu.Lock()
			have, err := len(got), errs
			mu.Unlock()
			if have >= n {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d of %d records came: %v", have, n, err)
			}
		}
	}
	read(6000)
	push(t, url, "team-a", "chat", time.Now(), `{"message":"live","request_id":"live","level":"error","error.type":"timeout"}`)
	read(6001)
	cancel()
	if err := <-ended; err != nil || times != len(got) || len(errs) > 0 {
		t.Errorf("%v; %d records, %d different; %v", err, times, len(got), errs)
	}
	if r := got["live"]; r.Service != "chat" || !r.Failed || len(r.Dims) == 0 {
		t.Errorf("of what came live: %+v", r)
	}
	for _, other := range []string{"theirs", "old"} {
		if _, there := got[other]; there {
			t.Errorf("%s was read: of another tenant, or before the history", other)
		}
	}
	past := map[string]bool{}
	if err := l.Past(t.Context(), now.Add(-150*time.Minute), now.Add(-90*time.Minute), func(b sources.Batch) {
		for _, r := range b.Requests {
			past[r.ID] = true
		}
	}); err != nil || len(past) != 1 || !past["old"] {
		t.Errorf("two hours ago: %v, %v", past, err)
	}

	for wrong, want := range map[string]string{
		strings.Replace(section, `tenant = "team-a"`, "", 1):       "set tenant =",
		strings.Replace(section, `"chat"}`, `"chat"} | json |`, 1): "logs: ",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		var said error
		_ = opened(t, wrong).(sources.Logs).Follow(ctx, func(b sources.Batch) { said = b.Err; cancel() })
		cancel()
		if said == nil || !strings.Contains(said.Error(), want) {
			t.Errorf("%s: %v, want %s", wrong, said, want)
		} else {
			t.Log(said)
		}
	}
}

// opened is the first source of a config.
func opened(t *testing.T, text string) sources.Source {
	t.Helper()
	cfg, err := config.Load(written(t, text))
	if err != nil {
		t.Fatal(err)
	}
	all, err := cfg.OpenSources()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { all[0].Close() })
	return all[0]
}

// runJaeger is a real Jaeger in one process. It returns its query API, and where it
// takes spans.
func runJaeger(t *testing.T) (query, otlp string) {
	path := program(t, "SICKBAY_JAEGER", "jaeger-all-in-one")
	at := func() string { return freePort(t) }
	query, otlp = at(), at()
	admin := at()
	serve(t, "http://"+query+"/api/services", path, "--query.http-server.host-port="+query, "--collector.otlp.http.host-port="+otlp, "--admin.http.host-port="+admin,
		"--query.grpc-server.host-port="+at(), "--collector.grpc-server.host-port="+at(), "--collector.http-server.host-port="+at(), "--collector.otlp.grpc.host-port="+at(),
		"--log-level=error", "--query.enable-tracing=false")
	return "http://" + query, "http://" + otlp
}

// TestIntegrationARequestOfLokiOpensItsTraceOfJaeger opens a failure that a real Loki
// tells of, with the trace that a real Jaeger has of it, by both of Jaeger's APIs.
func TestIntegrationARequestOfLokiOpensItsTraceOfJaeger(t *testing.T) {
	jaeger, otlp := runJaeger(t)
	spans, err := os.ReadFile("../../sources/testdata/traces/otlp.json")
	if err != nil {
		t.Fatal(err)
	}
	post(t, otlp+"/v1/traces", "", string(spans))
	const id = "5b8efff798038103d269b633813fc60c"
	waterfalls := map[string]health.Trace{}
	for _, api := range []string{"v1", "v3"} {
		s := opened(t, fmt.Sprintf("[[source]]\nkind = \"jaeger\"\nname = \"traces\"\nurl = %q\napi = %q\n", jaeger, api))
		if _, err := s.(sources.About).Version(t.Context()); err != nil {
			t.Errorf("%s: %v", api, err)
		}
		for end := time.Now().Add(soon); ; time.Sleep(100 * time.Millisecond) { // until it is stored
			tr, err := s.(sources.Traces).Trace(t.Context(), id)
			if waterfalls[api] = tr; err == nil {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %v", api, err)
			}
		}
		if tr, err := s.(sources.Traces).Trace(t.Context(), strings.Repeat("f", 32)); err == nil || !strings.Contains(err.Error(), "does not have this trace") {
			t.Errorf("%s, a trace that is not there: %+v, %v", api, tr, err)
		}
	}
	file := opened(t, "[[source]]\nkind = \"otlp\"\nname = \"traces\"\npaths = [\"../../sources/testdata/traces/otlp.json\"]\n")
	want, err := file.(sources.Traces).Trace(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for api, got := range waterfalls {
		if a, b := drawnSpans(got), drawnSpans(want); a != b {
			t.Errorf("by %s:\n%s\nas it was sent:\n%s", api, a, b)
		}
	}

	loki := runLoki(t)
	push(t, loki, "team-a", "travel-agent", time.Now().Add(-time.Minute), fmt.Sprintf(
		`{"level":"error","service":"travel-agent","message":"no flight","error.type":"tool_error","request_id":"req-1","trace_id":%q,"duration_s":3.2}`, id))
	c := newConsole(t)
	c.now = time.Now
	file2 := written(t, fmt.Sprintf("[[source]]\nkind = \"loki\"\nname = \"logs\"\nurl = %q\ntenant = \"team-a\"\n[[source]]\nkind = \"jaeger\"\nname = \"traces\"\nurl = %q\n", loki, jaeger))
	said := c.want(0, "snapshot", "--config", file2, "--request", "req-1", "--size", "140x40").out
	for _, line := range []string{"REQUEST req-1", "no flight", "chat gpt-4.1", "travel"} {
		if !strings.Contains(said, line) {
			t.Errorf("no %q on the screen", line)
		}
	}
	t.Logf("\n%s", said)
}

// drawnSpans is what a waterfall shows of a trace.
func drawnSpans(tr health.Trace) string {
	var b strings.Builder
	number := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprint(*v)
	}
	for _, s := range tr.Spans {
		fmt.Fprintln(&b, s.ID, s.Parent, s.Service, s.Name, s.Kind, s.Start.UnixMicro(), s.Duration, s.Error, s.Operation, s.Model, s.Tool, s.Agent, s.Arguments, s.Result, s.Finish,
			number(s.TokensIn), number(s.TokensOut), number(s.TTFT), number(s.Documents))
	}
	return b.String()
}
