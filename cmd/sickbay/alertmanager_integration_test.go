//go:build integration

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A postedSilence is what a real Alertmanager says of a silence.
type postedSilence struct {
	ID        string
	CreatedBy string
	Comment   string
	Status    struct{ State string }
	Matchers  []struct{ Name, Value string }
}

// TestIntegrationASilenceIsMadeAndEndedByKeysAtARealAlertmanager shows alerts of a
// real server, one of them inhibited by another, silences one from the screen, ends
// the silence, and asks the server after each.
func TestIntegrationASilenceIsMadeAndEndedByKeysAtARealAlertmanager(t *testing.T) {
	server, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		if server, err = exec.LookPath("alertmanager"); err != nil {
			t.Skip("no prometheus-alertmanager is installed (apt-get install prometheus-alertmanager): silences are not tried against a real one")
		}
	}
	url := startAlertmanager(t, server)
	postAlerts(t, url, `[
		{"labels":{"alertname":"AnswerQualityLow","service":"support-chat","severity":"critical","pod":"support-chat-7f9c"},"annotations":{"summary":"answers judged good 0.61"}},
		{"labels":{"alertname":"AnswersSlow","service":"support-chat","severity":"warning"}},
		{"labels":{"alertname":"IndexStale","service":"docs-answers","severity":"warning"}}]`)
	config := written(t, fmt.Sprintf("write = true\nrefresh = \"2s\"\n[[source]]\nkind = \"alertmanager\"\nname = \"am\"\nurl = %q\n", url))

	m := openTerminal(t, 120, 40, "--config", config)
	m.sees(`WRITE`, soon)
	m.press("6")
	m.sees(`ALERTS  2 firing  1 inhibited`, soon)
	s := m.sees(`(?m)AnswersSlow .*(inhibited|silenced)`, soon)
	t.Logf("the alerts of a real server:\n%s", s)
	m.press("j")
	m.sees(`AnswerQualityLow calls for it`, soon)
	m.press("k")
	m.press("/")
	m.write("AnswerQuality")
	m.press("Enter")
	m.sees(`(?m)^▌.*AnswerQualityLow`, soon)

	m.press("S")
	m.sees(`AnswerQualityLow`, soon)
	m.write("2h known, waiting for the rollback")
	m.press("C-y")
	m.sees(`silent until .* UTC; the journal says so`, soon)
	m.sees(`(?m)AnswerQualityLow .*silenced`, soon)
	made := silencesOf(t, url)
	if len(made) != 1 || made[0].Status.State != "active" || made[0].Comment != "known, waiting for the rollback" || made[0].CreatedBy == "" {
		t.Fatalf("the server has %+v", made)
	}
	for _, match := range made[0].Matchers {
		if match.Name == "pod" {
			t.Errorf("the silence ends with the pod: %+v", made[0].Matchers)
		}
	}
	if len(made[0].Matchers) != 3 {
		t.Errorf("it matches %+v, want alertname, service and severity", made[0].Matchers)
	}

	m.press("S")
	m.write("it was rolled back")
	m.press("C-y")
	m.sees(`the silence ends; the journal says so`, soon)
	m.until("the alert calling again", soon, func(s string) bool {
		line := lineWith(s, "AnswerQualityLow")
		return line != "" && !strings.Contains(line, "silenced")
	})
	if ended := silencesOf(t, url); len(ended) != 1 || ended[0].Status.State != "expired" {
		t.Errorf("the server has %+v", ended)
	}
	m.press("q")
	m.restored(0, soon)
	journal := filepath.Join(m.dir, "state", "sickbay", "journal.jsonl")
	said := newConsole(t).want(0, "journal", "verify", journal)
	text, err := os.ReadFile(journal)
	if err != nil || !regexp.MustCompile(`^ok: [4-9] lines`).MatchString(said.out) || !strings.Contains(string(text), "waiting for the rollback") || !strings.Contains(string(text), "it was rolled back") {
		t.Errorf("the journal: %s%v\n%s", said.out, err, text)
	}
	t.Logf("the journal: %s\n%s", said.out, newConsole(t).want(0, "journal", "show", journal).out)
}

// startAlertmanager runs a real server that tells nobody and in which what is
// critical inhibits warnings of the same service.
func startAlertmanager(t *testing.T, server string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "alertmanager.yml")
	config := `route: {receiver: nobody, group_wait: 1s}
receivers: [{name: nobody}]
inhibit_rules:
- {source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [service]}
`
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freePort(t)
	p := exec.Command(server, "--config.file="+file, "--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--cluster.listen-address=")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	url := "http://" + address
	for end := time.Now().Add(soon); ; time.Sleep(100 * time.Millisecond) {
		if r, err := http.Get(url + "/-/ready"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return url
			}
		}
		if time.Now().After(end) {
			t.Fatal("the Alertmanager does not become ready")
		}
	}
}

func postAlerts(t *testing.T, url, alerts string) {
	t.Helper()
	r, err := http.Post(url+"/api/v2/alerts", "application/json", strings.NewReader(alerts))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("the alerts were answered with %s", r.Status)
	}
}

func silencesOf(t *testing.T, url string) (all []postedSilence) {
	t.Helper()
	r, err := http.Get(url + "/api/v2/silences")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}
