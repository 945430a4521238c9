//go:build integration

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sickbay/demo"
	"sickbay/health"
)

// TestIntegrationARealPrometheusNeedsNoConfig lets a real server scrape the live
// demo, and asks it with nothing but its URL.
func TestIntegrationARealPrometheusNeedsNoConfig(t *testing.T) {
	server, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("no prometheus is installed: what a real server says is not compared")
	}
	d, err := demo.Start(t.Context(), demo.Options{Scenario: "stale-index", Seed: 1, Listen: "127.0.0.1:0", Live: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	url := startPrometheus(t, server, strings.TrimPrefix(d.Info().Prometheus, "http://"))

	c := newConsole(t)
	c.now = time.Now
	var services []struct { // as scripts read it
		Name   string
		Kind   health.Kind
		Status string
	}
	deadline := time.Now().Add(2 * time.Minute)
	for {
		s := c.run("check", "--json", "--prometheus", url)
		services = nil
		if json.Unmarshal([]byte(s.out), &services) == nil && len(services) >= 12 && s.code == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after two minutes: exit code %d, %d services\n%s%s", s.code, len(services), clip(s.out), s.err)
		}
		time.Sleep(2 * time.Second) // the server scrapes every five
	}
	kinds := map[health.Kind]int{}
	for _, v := range services {
		kinds[v.Kind]++
		if ill := v.Name == "docs-answers"; ill != (v.Status == "critical") {
			t.Errorf("%s is %s", v.Name, v.Status)
		}
	}
	for _, k := range []health.Kind{health.LLM, health.RAG, health.Agent, health.ML, health.Infra} {
		if kinds[k] == 0 {
			t.Errorf("no service of kind %s among %v", k, kinds)
		}
	}
	t.Logf("%d services of five kinds on a real server, with no config but its URL", len(services))
}

// startPrometheus runs a real server that scrapes a target every five seconds.
func startPrometheus(t *testing.T, server, target string) string {
	t.Helper()
	return runPrometheus(t, server, fmt.Sprintf("global: {scrape_interval: 5s}\nscrape_configs:\n- job_name: ai\n  static_configs: [{targets: ['%s']}]\n", target))
}

// runPrometheus runs a real server with a config and flags.
func runPrometheus(t *testing.T, server, config string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	p := exec.Command(server, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	p.Args = append(p.Args, flags...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	for range 100 {
		if r, err := http.Get("http://" + address + "/-/ready"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				break
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return "http://" + address
}
