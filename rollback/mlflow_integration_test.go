//go:build integration

package rollback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sickbay/health"
)

// TestIntegrationMLflowMovesTheAlias takes an alias of a real MLflow server back, and
// finds out that somebody else has moved it in between.
func TestIntegrationMLflowMovesTheAlias(t *testing.T) {
	server := installed("MLFLOW", "mlflow")
	if server == "" {
		t.Skip("no mlflow is installed (pip install mlflow; MLFLOW=/path/to/mlflow): its answers are those of a fake")
	}
	dir, address := t.TempDir(), freePort(t)
	_, port, _ := net.SplitHostPort(address)
	launch(t, "http://"+address+"/health", 2*time.Minute, server, "server", "--host", "127.0.0.1", "--port", port, "--workers", "1",
		"--backend-store-uri", "sqlite:///"+dir+"/ml.db", "--artifacts-destination", dir+"/artifacts")
	api := "http://" + address + "/api/2.0/mlflow/"
	must(t, "POST", api+"registered-models/create", `{"name":"o'brien"}`)
	for range 3 {
		must(t, "POST", api+"model-versions/create", `{"name":"o'brien","source":"s3://models/m"}`)
	}
	alias := func(v string) {
		must(t, "POST", api+"registered-models/alias", `{"name":"o'brien","alias":"champion","version":"`+v+`"}`)
	}
	runs := func() string {
		var got struct {
			Version struct{ Version string } `json:"model_version"`
		}
		if err := json.Unmarshal(must(t, "GET", api+"registered-models/alias?name=o%27brien&alias=champion", ""), &got); err != nil {
			t.Fatal(err)
		}
		return got.Version.Version
	}
	open := func(more string) Target {
		target, err := Open(info("mlflow"), fromTOML(fmt.Sprintf("url = %q\nmodel = \"o'brien\"\nalias = \"champion\"\nsettle = \"0s\"\nhistory = %q\n%s", "http://"+address, dir+"/past.jsonl", more)))
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	target := open("")
	alias("2")
	if s, err := target.Current(t.Context()); err != nil || s.Version != "2" || !s.Ready {
		t.Fatalf("%+v, %v", s, err)
	}
	alias("3") // the bad one; sickbay sees both

	b := atWork(t, target)
	if op := b.rollBack("", nil); op.State != health.OpUnproven || op.From != "3" || op.To != "2" || runs() != "2" {
		t.Errorf("%s → %s: %s, %s; MLflow runs %s", op.From, op.To, op.State, op.Text, runs())
	}
	if op := b.rollBack("3", func() { alias("1") }); op.State != health.OpMoved || runs() != "1" {
		t.Errorf("moved in between: %s, %s; MLflow runs %s", op.State, op.Text, runs())
	}
	p, err := target.Plan(t.Context(), "2")
	if err != nil {
		t.Fatal(err)
	}
	p.To = "99" // a version that was deleted after the plan
	if err := target.Execute(t.Context(), p, p.ID, "to see what it says"); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "404") || runs() != "1" {
		t.Errorf("a version that is not there: %v; MLflow runs %s", err, runs())
	}
	if _, err := open(`timeout = "1ns"`).Current(t.Context()); err == nil {
		t.Error("no answer in time is no error")
	}
}

// installed is a program named by an environment variable, or found by its name.
func installed(variable, name string) string {
	if path := os.Getenv(variable); path != "" {
		return path
	}
	path, _ := exec.LookPath(name)
	return path
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// launch starts a server for the length of a test and waits until ready answers 200.
func launch(t *testing.T, ready string, patience time.Duration, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = t.TempDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its workers go with it
	var out capped
	out.max = 1 << 16
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	t.Cleanup(end)
	for began := time.Now(); time.Since(began) < patience; time.Sleep(200 * time.Millisecond) {
		r, err := anybody.Get(ready)
		if err != nil {
			continue
		}
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			return
		}
	}
	end()
	t.Fatalf("%s did not answer within %s:\n%s", name, patience, out.b.String())
}

// must asks a server, and expects a code below 300.
func must(t *testing.T, method, url, body string, headers ...string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := anybody.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, url, resp.StatusCode, b, err)
	}
	return b
}

// atWork is a desk at work on a real system.
func atWork(t *testing.T, target Target) *bench {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b := &bench{T: t, desk: NewDesk(DeskOptions{Targets: []Target{target}, Journal: openTest(t), Write: true, CoolDown: -1, Settle: 30 * time.Second}), stop: cancel, ended: make(chan struct{})}
	go func() { b.desk.Run(ctx, always(0.91)); close(b.ended) }()
	t.Cleanup(func() { cancel(); <-b.ended; b.desk.Drain(context.Background()) })
	return b
}

// rollBack orders a rollback and waits for its end; between is what happens between
// plan and order. Nothing is ill, so that the end of one that works is "unproven".
func (b *bench) rollBack(to string, between func()) health.Rollback {
	b.Helper()
	o := b.plan(to)
	if between != nil {
		between()
	}
	id, err := b.desk.Submit(o)
	if err != nil {
		b.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(50 * time.Millisecond) {
		for _, op := range b.desk.Operations() {
			if op.ID == id && op.State.Ended() {
				return op
			}
		}
	}
	b.Fatalf("it has no end: %+v", b.desk.Operations())
	return health.Rollback{}
}
