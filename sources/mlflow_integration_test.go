//go:build integration

package sources

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestIntegrationMLflow moves an alias of a real MLflow and watches it move.
// SICKBAY_MLFLOW says which program; pip install mlflow brings it.
func TestIntegrationMLflow(t *testing.T) {
	program := os.Getenv("SICKBAY_MLFLOW")
	if program == "" {
		program = "mlflow"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skip("mlflow is not installed here (pip install mlflow, then SICKBAY_MLFLOW=path): not tried against a real one")
	}
	url := startMLflow(t, path)
	api := func(question, body string) {
		t.Helper()
		resp, err := http.Post(url+"/api/2.0/mlflow/"+question, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %s", question, resp.Status, text)
		}
	}
	api("registered-models/create", `{"name":"fraud"}`)
	for range 2 {
		api("model-versions/create", `{"name":"fraud","source":"s3://bucket/model"}`)
	}
	api("registered-models/alias", `{"name":"fraud","alias":"champion","version":"1"}`)

	s := mustOpen(t, "mlflow", fmt.Sprintf("url = %q\nevery = \"1s\"\nservices = { \"fraud\" = \"fraud-score\" }", url))
	since := time.Now().Add(-time.Hour)
	if got, err := s.(Changes).Changes(t.Context(), since); err != nil || len(got) != 0 {
		t.Fatalf("at first %v, %v", got, err)
	}
	moved := time.Now()
	api("registered-models/alias", `{"name":"fraud","alias":"champion","version":"2"}`)
	time.Sleep(1100 * time.Millisecond)
	got, err := s.(Changes).Changes(t.Context(), since)
	if err != nil || len(got) != 1 {
		t.Fatalf("after the move %+v, %v", got, err)
	}
	c := got[0]
	if c.Service != "fraud-score" || c.From != "1" || c.To != "2" || c.At.Sub(moved).Abs() > c.Uncertain+time.Second {
		t.Errorf("%s at %v ± %v, moved at %v", told(c), c.At, c.Uncertain, moved)
	}
	t.Log(told(c))
}

// startMLflow runs one with an empty registry until the test ends.
func startMLflow(t *testing.T, path string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := exec.Command(path, "server", "--host", "127.0.0.1", "--port", port, "--workers", "1", "--backend-store-uri", "sqlite:///registry.db")
	var said bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it starts others
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	url := "http://127.0.0.1:" + port
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
		if resp, err := http.Get(url + "/version"); err == nil {
			version, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			t.Logf("MLflow %s", version)
			return url
		}
		if time.Now().After(end) {
			t.Fatalf("MLflow does not answer: %s", said.String())
		}
	}
}
