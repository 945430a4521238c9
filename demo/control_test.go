package demo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/BurntSushi/toml"

	"sickbay/health"
)

// send posts an order.
func send(d *Demo, path, etag, key, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	for k, v := range map[string]string{"If-Match": etag, "Idempotency-Key": key} {
		if v != "" {
			r.Header.Set(k, v)
		}
	}
	return do(d, r)
}

// get reads JSON.
func get(t testing.TB, d *Demo, path string, into any) *httptest.ResponseRecorder {
	t.Helper()
	w := do(d, httptest.NewRequest("GET", path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return w
}

const promptURL = "/rollback/support-chat/prompt"

func TestARollbackIsRefusedUnlessItIsSafe(t *testing.T) {
	d, _ := startFrom(t, "bad-prompt", 1, time.Minute)
	var v slotJSON
	etag := get(t, d, promptURL, &v).Header().Get("ETag")
	if v.Current != "v32" || len(v.Versions) != 4 || v.Versions[0].Version != "v32" || v.Versions[1].Version != "v31" {
		t.Fatalf("%+v", v)
	}
	for _, c := range []struct {
		name, path, etag, key, body string
		want                        int
	}{
		{"stale etag", promptURL, `"0-v31"`, "k1", `{"to":"v31"}`, 412},
		{"no etag", promptURL, "", "k2", `{"to":"v31"}`, 428},
		{"no key", promptURL, etag, "", `{"to":"v31"}`, 400},
		{"unknown version", promptURL, etag, "k3", `{"to":"v99"}`, 404},
		{"version that runs", promptURL, etag, "k4", `{"to":"v32"}`, 409},
		{"no JSON", promptURL, etag, "k5", `to=v31`, 400},
		{"two bodies", promptURL, etag, "k6", `{"to":"v31"}{}`, 400},
		{"unknown service", "/rollback/nobody/prompt", etag, "k7", `{"to":"v31"}`, 404},
		{"unknown kind", "/rollback/support-chat/colour", etag, "k8", `{"to":"v31"}`, 404},
		{"nothing to take back", "/rollback/llama-chat/model", etag, "k9", `{"to":"v31"}`, 404},
	} {
		if w := send(d, c.path, c.etag, c.key, c.body); w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
		}
	}
	if get(t, d, promptURL, &v); v.Current != "v32" {
		t.Errorf("refused, and yet it runs %s", v.Current)
	}
}

func TestTheSameOrderTwiceIsDoneOnce(t *testing.T) {
	d, c := startFrom(t, "bad-prompt", 1, time.Minute)
	var v slotJSON
	etag := get(t, d, promptURL, &v).Header().Get("ETag")
	body := `{"to":"v31","reason":"refuses harmless questions","by":"ann"}`
	first := send(d, promptURL, etag, "op-1", body)
	if first.Code != http.StatusAccepted || first.Header().Get("ETag") == etag {
		t.Fatalf("%d %s", first.Code, first.Body)
	}
	c.add(7 * time.Second)
	second := send(d, promptURL, etag, "op-1", body)
	if second.Code != first.Code || second.Body.String() != first.Body.String() || second.Header().Get("ETag") != first.Header().Get("ETag") {
		t.Errorf("second answer %d %s", second.Code, second.Body)
	}
	if w := send(d, promptURL, etag, "op-1", `{"to":"v30"}`); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("key used for another order: %d", w.Code)
	}
	if w := send(d, promptURL, etag, "op-2", body); w.Code != http.StatusPreconditionFailed || !strings.Contains(w.Body.String(), `"current":"v31"`) {
		t.Errorf("another operator: %d %s", w.Code, w.Body)
	}
	var changes []change
	get(t, d, "/changes?since="+noon.Format(time.RFC3339), &changes)
	if len(changes) != 1 || changes[0].Kind != "rollback" || changes[0].From != "v32" || changes[0].To != "v31" || !strings.Contains(changes[0].Text, "ann") {
		t.Errorf("%+v", changes)
	}
}

// theRollbackHelps takes the change back and wants all well 60 s later.
func theRollbackHelps(t *testing.T, d *Demo, c *clock, sc Scenario) {
	t.Helper()
	var truth truth
	get(t, d, "/truth", &truth)
	if *truth.Guilty != sc.guilty || !truth.Active {
		t.Fatalf("%+v", truth)
	}
	path := "/rollback/" + truth.Rollback.Service + "/" + truth.Rollback.Kind
	var v slotJSON
	etag := get(t, d, path, &v).Header().Get("ETag")
	body := `{"to":"` + truth.Rollback.To + `","reason":"test of recovery","by":"test"}`
	if w := send(d, path, etag, "op", body); w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	done := c.now()
	d.Advance(c.add(90 * time.Second))
	status, why := worst(t, d, done.Add(60*time.Second), done.Add(90*time.Second), look/2)
	if len(status) > 0 {
		t.Errorf("60 s after the rollback: %v", why)
	}
	if label := versionLabels[sc.kind]; label != "" {
		info := now(t, d, `count by (service) (ai_build_info{service="`+sc.guilty+`",`+label+`="`+truth.Rollback.To+`"})`, c.now())
		if info[sc.guilty] != float64(len(d.world.service(sc.guilty).pods)) {
			t.Errorf("replicas at %s: %v", truth.Rollback.To, info)
		}
	}
	for _, r := range records(t, d, sc.guilty) {
		if r.at(t).After(done.Add(30*time.Second)) && r.version(sc.kind) != truth.Rollback.To && r.version(sc.kind) != "" {
			t.Fatalf("record of %s at %s", r.version(sc.kind), r.Time)
		}
	}
	if get(t, d, "/truth", &truth); truth.Active {
		t.Error("still active")
	}
}

func TestAScenarioCanBeBegunWhileTheDemoRuns(t *testing.T) {
	d, c := startFrom(t, "bad-prompt", 1, time.Minute)
	for _, name := range []string{"tool-loop", "gpu-saturation", "quiet"} {
		sc := scenarios[name]
		w := do(d, httptest.NewRequest("POST", "/scenario", strings.NewReader(`{"scenario":"`+sc.Name+`"}`)))
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		d.Advance(c.add(3 * time.Minute))
		status, why := worst(t, d, c.now(), c.now(), 5*time.Second)
		for name, st := range status {
			if st == health.Critical && name != sc.guilty {
				t.Errorf("%s: %s is critical: %v", sc.Name, name, why[name])
			}
		}
		if sc.guilty != "" && status[sc.guilty] != health.Critical {
			t.Errorf("%s: %s is %v", sc.Name, sc.guilty, status[sc.guilty])
		}
	}
	if w := do(d, httptest.NewRequest("POST", "/scenario", strings.NewReader(`{"scenario":"bad-promt"}`))); w.Code != 404 || !strings.Contains(w.Body.String(), "tool-loop") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func theFeedNamesTheChange(t *testing.T, d *Demo, sc Scenario) {
	t.Helper()
	var all []change
	get(t, d, "/changes", &all)
	found := false
	for i, c := range all {
		if i > 0 && c.At.Before(all[i-1].At) || c.ID == "" || c.Text == "" || c.From == "" || c.From == c.To {
			t.Errorf("%+v", c)
		}
		if c.Service == sc.guilty && c.Kind == sc.kind && c.To == sc.change.to {
			ago := noon.Sub(c.At)
			found = ago >= beforeNow && ago < beforeNow+time.Minute
		}
	}
	if !found || len(all) < 10 {
		t.Errorf("%d changes, guilty one found: %v", len(all), found)
	}
}

func TestEverybodyMayAskWhileTheDemoAdvances(t *testing.T) {
	d, c := startFrom(t, "quiet", 1, time.Minute)
	var asking sync.WaitGroup
	for _, path := range []string{"/changes", "/services", "/truth", promptURL, "/api/v1/query?query=up", "/api/v1/alerts"} {
		asking.Go(func() {
			for range 10 {
				if w := do(d, httptest.NewRequest("GET", path, nil)); w.Code != http.StatusOK {
					t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
				}
			}
		})
	}
	for range 6 {
		d.Advance(c.add(5 * time.Second))
	}
	asking.Wait()
}

func TestALiveDemoFollowsTheClockAndEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		d := &Demo{now: time.Now}
		if err := d.openFiles(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		if err := d.backfill(scenarios["quiet"], 1, time.Minute); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { d.follow(ctx); close(done) }()
		begin := time.Now()
		time.Sleep(33 * time.Second)
		synctest.Wait()
		d.mu.Lock()
		if got := d.world.now; got.Before(begin.Add(25*time.Second)) || got.After(time.Now()) {
			t.Errorf("33 s later the world is at %v", got.Sub(begin))
		}
		d.mu.Unlock()
		cancel()
		<-done
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheDemoAnswersOnItsPortUntilItIsClosed(t *testing.T) {
	d, err := startWith(context.Background(), Options{Scenario: "stale-index", Now: func() time.Time { return noon }}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	info := d.Info()
	for _, url := range []string{info.Prometheus + "/api/v1/query?query=up", info.Prometheus + "/metrics", info.Control + "/truth"} {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, resp.Status)
		}
	}
	config, err := os.ReadFile(info.Config)
	if err != nil {
		t.Fatal(err)
	}
	var parsed map[string]any
	if _, err := toml.Decode(string(config), &parsed); err != nil {
		t.Errorf("config: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(info.Control + "/truth"); err == nil {
		t.Error("still answers")
	}
	if _, err := os.Stat(info.Config); err == nil {
		t.Error("temporary files are still there")
	}
}

func TestAnUnknownScenarioIsRefusedWithAllNames(t *testing.T) {
	_, err := Start(context.Background(), Options{Scenario: "bad-promt", Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "quiet, bad-model-region, bad-prompt") {
		t.Error(err)
	}
}

func TestAnOutageIsAnsweredAsPrometheusDoesWhileItStarts(t *testing.T) {
	d, _ := startFrom(t, "quiet", 1, time.Minute)
	for _, c := range []struct {
		body string
		want int
	}{{`{"on":true}`, 503}, {`{"on":false}`, 200}} {
		do(d, httptest.NewRequest("POST", "/outage", strings.NewReader(c.body)))
		if w := do(d, httptest.NewRequest("GET", "/api/v1/query?query=up", nil)); w.Code != c.want {
			t.Errorf("%s: %d", c.body, w.Code)
		}
	}
}
