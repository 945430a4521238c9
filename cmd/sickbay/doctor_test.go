package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sickbay/config"
	"sickbay/demo/prom"
)

// prometheusWith serves series that were scraped for ten minutes before storyTime.
func prometheusWith(t *testing.T, series ...map[string]string) string {
	t.Helper()
	store := prom.NewStore(time.Hour)
	for _, labels := range series {
		ref := store.Series(labels)
		for at := storyTime.Add(-10 * time.Minute); !at.After(storyTime); at = at.Add(15 * time.Second) {
			if err := store.Append(ref, at.UnixMilli(), float64(at.Unix()%100_000)); err != nil {
				t.Fatal(err)
			}
		}
	}
	server := prom.NewServer(store, nil, func() time.Time { return storyTime })
	server.SetReady(true)
	h := httptest.NewServer(server)
	t.Cleanup(h.Close)
	return h.URL
}

func TestTheDoctorNamesALookAlikeOfAnExporterItDoesNotKnow(t *testing.T) {
	url := prometheusWith(t,
		map[string]string{"__name__": "acme_num_requests_running", "service": "chat"},
		map[string]string{"__name__": "acme_time_to_first_token_ms_bucket", "service": "chat", "le": "+Inf"},
		map[string]string{"__name__": "process_cpu_seconds_total", "job": "node"},
	)
	out := newConsole(t).want(0, "doctor", "--prometheus", url).out
	for _, want := range []string{
		"acme_num_requests_running", "it looks like num_requests_running of pack nim",
		"acme_time_to_first_token_ms", "no metric of any pack is there",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "process_cpu") {
		t.Errorf("what has nothing to do with AI is named:\n%s", out)
	}
}

func TestTheDoctorSaysWhyASignalIsEmptyAndWhatIsMostLikeIt(t *testing.T) {
	url := prometheusWith(t,
		map[string]string{"__name__": "vllm:num_requests_running", "service": "chat"},
		map[string]string{"__name__": "vllm:request_queue_seconds_bucket", "service": "other", "le": "+Inf"},
	)
	out := newConsole(t).want(0, "doctor", "--prometheus", url).out
	if !strings.Contains(out, "chat ttft_p95") || !strings.Contains(out, "no metric is called vllm:time_to_first_token_seconds_bucket") {
		t.Errorf("it does not say that the time to first token is missing:\n%s", out)
	}
	if !strings.Contains(out, "vllm") || !strings.Contains(out, "sees 1 services: chat") {
		t.Errorf("the pack is not said to be there:\n%s", out)
	}
}

func TestTheDoctorFailsWhenSomethingThatWasConfiguredCannotWork(t *testing.T) {
	c := newConsole(t)
	path := written(t, "[[source]]\nkind = \"prometheus\"\nname = \"gone\"\nurl = \"http://127.0.0.1:1\"\n")
	out := c.want(exitFailed, "doctor", "--config", path, "--json").out
	var remarks []remark
	if err := json.Unmarshal([]byte(out), &remarks); err != nil {
		t.Fatal(err)
	}
	for _, r := range remarks {
		if r.What == "source" && r.Name == "gone" && r.Broken && strings.Contains(r.Text, "cannot be reached") {
			return
		}
	}
	t.Errorf("the source is not said to be broken: %s", out)
}

func TestTheDoctorFindsTheDemoWhole(t *testing.T) {
	out := newConsole(t).want(0, "doctor", "--config", stack(t, "quiet").Config).out
	if strings.Contains(out, "FAIL") {
		t.Errorf("something fails:\n%s", out)
	}
	for _, view := range []string{"overview", "drift", "failures", "changes", "alerts", "journal"} {
		if !strings.Contains(out, "view    "+view) {
			t.Errorf("nothing is said of the view %s", view)
		}
	}
}

func TestTheConfigThatInitPrintsLoadsAndSaysTheSame(t *testing.T) {
	c := newConsole(t)
	from := stack(t, "bad-prompt").Config
	printed := c.want(0, "init", "--config", from).out
	path := filepath.Join(t.TempDir(), "found.toml")
	if err := os.WriteFile(path, []byte(printed), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	if len(cfg.Sources) != 4 || len(cfg.Services) < 12 {
		t.Errorf("%d sources and %d services", len(cfg.Sources), len(cfg.Services))
	}
	if out := c.want(2, "check", "--config", path, "--service", "support-chat").out; !strings.Contains(out, "critical support-chat") {
		t.Errorf("with it support-chat is %s", out)
	}
	// Every commented limit must be what the config understands once it is uncommented.
	uncommented := strings.NewReplacer("# [service.limits]", "[service.limits]").Replace(printed)
	var lines []string
	for _, l := range strings.Split(uncommented, "\n") {
		if rest, ok := strings.CutPrefix(l, "# "); ok && strings.Contains(rest, "= { ") {
			l = rest
		}
		lines = append(lines, l)
	}
	if _, err := config.Parse("uncommented", []byte(strings.Join(lines, "\n"))); err != nil {
		t.Errorf("uncommented limits: %v", err)
	}
}

func TestInitOnAPrometheusWithoutAIStillPrintsAConfigThatLoads(t *testing.T) {
	url := prometheusWith(t, map[string]string{"__name__": "up", "job": "node"})
	printed := newConsole(t).want(0, "init", "--prometheus", url).out
	if _, err := config.Parse("printed", []byte(printed)); err != nil {
		t.Errorf("%v\n%s", err, printed)
	}
	if !strings.Contains(printed, "No service was recognised") {
		t.Error(printed)
	}
}
