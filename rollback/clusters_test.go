package rollback

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func rolloutsWorld(t *testing.T) world {
	c := newCluster("Rollout")
	return c.world(openWorkload(t, c), c.version, c.set)
}

// TestDuringARolloutGoingBackIsAnAbort: the stable version is one write away, and
// serves while the spec still names the new one (argo-rollouts pkg/kubectl-argo-rollouts/
// cmd/abort/abort.go; the undo is cmd/undo/undo.go, with a test before its replace).
func TestDuringARolloutGoingBackIsAnAbort(t *testing.T) {
	c := newCluster("Rollout")
	target := openWorkload(t, c)
	c.set("v33")
	status := c.object["status"].(obj)
	status["stableRS"], status["phase"] = "hv32", "Paused"
	s, err := target.Current(t.Context())
	if err != nil || s.Version != "v33" || s.Back != "v32" || s.Ready || !strings.Contains(strings.Join(s.Notes, ""), "aborts it, at once") {
		t.Fatalf("%+v, %v", s, err)
	}
	p, err := target.Plan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	inner := c.handle
	c.handle = func(w httpWriter, r *httpRequest, body []byte) {
		if r.Method == "PATCH" {
			if r.URL.Path != c.path+"/status" || !strings.Contains(string(body), `"abort":true`) || !strings.Contains(string(body), `"resourceVersion"`) {
				t.Errorf("patched %s with %s", r.URL.Path, body)
			}
			status["abort"], status["phase"] = true, "Degraded"
			answer(w, 200, c.object)
			return
		}
		inner(w, r, body)
	}
	if err := target.Execute(t.Context(), p, p.ID, ""); err != nil {
		t.Fatal(err)
	}
	if s, _ = target.Current(t.Context()); s.Version != "v32" || !s.Ready || !strings.Contains(strings.Join(s.Notes, ""), "still names the new version") {
		t.Errorf("%+v", s)
	}
	c.object["spec"].(obj)["workloadRef"] = obj{"kind": "Deployment", "name": "chat"}
	if _, err := target.Current(t.Context()); err == nil || !strings.Contains(err.Error(), `driver "kubernetes"`) {
		t.Errorf("with a workloadRef: %v", err)
	}
}

// serving is an InferenceService behind an API server: its status is that of kserve
// pkg/apis/serving/v1beta1/inference_service_status.go, and traffic what its Knative
// reconciler makes of canaryTrafficPercent (pkg/controller/v1beta1/inferenceservice/
// reconcilers/knative).
type serving struct {
	fake
	ready, rolled, previous string
	canary                  any
	mode                    string
	gen                     int
}

func newServing() *serving {
	s := &serving{ready: "chat-00032", rolled: "chat-00032", previous: "chat-00031", gen: 1}
	s.handle = s.serve
	return s
}

// traffic is what the controller makes of it.
func (s *serving) traffic() obj {
	n, set := s.canary.(float64)
	stable := s.rolled
	if s.ready == s.rolled {
		stable = s.previous
	}
	switch {
	case !set:
		return obj{s.ready: 100.0}
	case n == 0:
		return obj{stable: 100.0, s.ready: 0.0}
	}
	return obj{stable: 100 - n, s.ready: n}
}

func (s *serving) runs() string {
	if n, set := s.canary.(float64); set && n == 0 {
		if s.ready == s.rolled {
			return s.previous
		}
		return s.rolled
	}
	return s.ready
}

func (s *serving) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+secretToken:
		answer(w, 401, obj{"kind": "Status", "message": "Unauthorized", "code": 401})
		return
	case r.URL.Path != "/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices/chat":
		answer(w, 404, obj{"kind": "Status", "message": "not found", "code": 404})
		return
	case r.Method == "PATCH":
		var o struct {
			Metadata struct{ ResourceVersion string }
			Spec     struct {
				Predictor obj `json:"predictor"`
			}
		}
		json.Unmarshal(body, &o)
		if o.Metadata.ResourceVersion != strconv.Itoa(s.gen) {
			answer(w, 409, obj{"kind": "Status", "message": "the object has been modified", "code": 409})
			return
		}
		s.canary, s.gen, s.writes = o.Spec.Predictor["canaryTrafficPercent"], s.gen+1, s.writes+1
	}
	var traffic list
	for v, n := range s.traffic() {
		traffic = append(traffic, obj{"revisionName": v, "percent": n})
	}
	answer(w, 200, obj{"metadata": obj{"uid": "u", "generation": s.gen, "resourceVersion": strconv.Itoa(s.gen)},
		"status": obj{"deploymentMode": s.mode, "conditions": list{obj{"type": "Ready", "status": "True"}}, "components": obj{"predictor": obj{
			"latestReadyRevision": s.ready, "latestRolledoutRevision": s.rolled, "previousRolledoutRevision": s.previous, "traffic": traffic}}}})
}

func openServing(t *testing.T) (*serving, Target) {
	s := newServing()
	return s, openFake(t, "kserve", "namespace = \"models\"\nname_in_cluster = \"chat\"", &s.fake)
}

func kserveWorld(t *testing.T) world {
	s, target := openServing(t)
	w := s.world(target, s.runs, func(string) { s.ready, s.rolled, s.previous, s.gen = "chat-00033", "chat-00033", "chat-00032", s.gen+1 })
	w.names = [4]string{"", "chat-00032", "chat-00031", ""}
	w.moved = "chat-00033"
	return w
}

func TestKServeGoesBackOneLevelAndSaysSo(t *testing.T) {
	s, target := openServing(t)
	if !strings.Contains(target.Caps().Words, "one level back only") {
		t.Errorf("%q", target.Caps().Words)
	}
	s.ready, s.canary = "chat-00033", 10.0 // a canary beside the stable one
	got, err := target.Current(t.Context())
	if err != nil || got.Version != "chat-00033" || got.Back != "chat-00032" || !strings.Contains(strings.Join(got.Notes, ""), "10 % of the traffic only") {
		t.Fatalf("%+v, %v", got, err)
	}
	p, err := target.Plan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Execute(t.Context(), p, p.ID, ""); err != nil || s.runs() != "chat-00032" {
		t.Fatalf("%v, it runs %s", err, s.runs())
	}
	undo, err := target.Plan(t.Context(), "chat-00033")
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Execute(t.Context(), undo, undo.ID, ""); err != nil || s.runs() != "chat-00033" {
		t.Errorf("undone: %v, it runs %s", err, s.runs())
	}
	for _, mode := range []string{"RawDeployment", "Standard"} {
		s.mode = mode
		if got, _ := target.Current(t.Context()); !strings.Contains(got.Blocked, "does not read canaryTrafficPercent") {
			t.Errorf("%s: blocked %q", mode, got.Blocked)
		}
	}
}

// charts is an API server that holds a release of Helm, and the program helm beside it: the
// secrets of helm pkg/storage/driver/secrets.go and util.go, named as pkg/storage/storage.go
// says; a pending one is what pkg/action/rollback.go leaves when it is killed.
type charts struct {
	fake
	releases list // secrets
	dir      string
	done     bool
}

func release(n int, app, manifest, status string) obj {
	js, _ := json.Marshal(obj{"name": "chat", "version": n, "manifest": manifest, "info": obj{"status": status, "last_deployed": fmt.Sprintf("2026-11-%02dT10:00:00.1+01:00", n)},
		"chart": obj{"metadata": obj{"name": "chat", "version": "0.1.0", "appVersion": app}}, "config": obj{"password": "never shown"}})
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(js)
	z.Close()
	inner := base64.StdEncoding.EncodeToString(b.Bytes())
	return obj{"metadata": obj{"name": fmt.Sprintf("sh.helm.release.v1.chat.v%d", n)}, "type": "helm.sh/release.v1",
		"data": obj{"release": base64.StdEncoding.EncodeToString([]byte(inner))}}
}

func (c *charts) add(app, status string) {
	c.releases = append(c.releases, release(len(c.releases)+1, app, "image: "+app, status))
}

func (c *charts) list() []helmRelease {
	if args := readIf(filepath.Join(c.dir, "args")); len(args) > 0 && !c.done {
		c.done = true
		c.writes++
		n, _ := strconv.Atoi(strings.Fields(string(args))[2])
		old, _ := parseRelease(c.releases[n-1].(obj)["data"].(obj)["release"].(string))
		c.add(old.Chart.Metadata.AppVersion, "deployed")
	}
	var all []helmRelease
	for _, r := range c.releases {
		v, err := parseRelease(r.(obj)["data"].(obj)["release"].(string))
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func (c *charts) serve(w http.ResponseWriter, r *http.Request, _ []byte) {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+secretToken:
		answer(w, 401, obj{"kind": "Status", "message": "Unauthorized", "code": 401})
	case r.Method != "GET" || r.URL.Path != "/api/v1/namespaces/assist/secrets" || r.URL.Query().Get("labelSelector") != "owner=helm,name=chat":
		answer(w, 404, obj{"kind": "Status", "message": "not found", "code": 404})
	default:
		c.list()
		answer(w, 200, obj{"items": c.releases})
	}
}

func openCharts(t *testing.T, script string) (*charts, Target) {
	c := &charts{dir: t.TempDir()}
	for _, v := range []string{"v30", "v31", "v33"} {
		c.add(v, "superseded")
	}
	c.add("v31", "superseded")
	c.add("v32", "deployed")
	c.handle = c.serve
	helm := filepath.Join(c.dir, "helm")
	if err := os.WriteFile(helm, []byte("#!/bin/sh\nD="+c.dir+"\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return c, openFake(t, "helm", fmt.Sprintf("namespace = \"assist\"\nname_in_cluster = \"chat\"\nhelm = %q\n", helm), &c.fake)
}

const helmWorks = `env > $D/env; echo "$@" > $D/args; echo "Rollback was a success! Happy Helming!"`

func helmWorld(t *testing.T) world {
	c, target := openCharts(t, helmWorks)
	w := c.world(target, func() string { all := c.list(); return all[len(all)-1].name() }, func(v string) { c.add(v, "deployed") })
	w.order = []string{"v31", "v33", "v30"}
	writes := w.writes
	w.writes = func() int { w.runs(); return writes() }
	return w
}

func TestHelmIsToldTheSameClusterAndTheTokenIsNoArgument(t *testing.T) {
	c, target := openCharts(t, helmWorks)
	p, err := target.Plan(t.Context(), "")
	if err != nil || !strings.HasSuffix(p.Diff[len(p.Diff)-1], "rollback chat 4 --namespace assist") {
		t.Fatalf("%q, %v", p.Diff, err)
	}
	if err := target.Execute(t.Context(), p, p.ID, ""); err != nil {
		t.Fatal(err)
	}
	args, env := string(readIf(filepath.Join(c.dir, "args"))), string(readIf(filepath.Join(c.dir, "env")))
	if args != "rollback chat 4 --namespace assist\n" {
		t.Errorf("arguments %q", args)
	}
	if !strings.Contains(env, "HELM_KUBETOKEN="+secretToken) || !strings.Contains(env, "HELM_KUBEAPISERVER="+target.(*helmTarget).url) {
		t.Errorf("environment %q", env)
	}
	_, failing := openCharts(t, `echo "no: $HELM_KUBETOKEN" >&2; exit 1`)
	p, _ = failing.Plan(t.Context(), "")
	err = failing.Execute(t.Context(), p, p.ID, "")
	if err == nil || errors.Is(err, ErrFailed) || strings.Contains(err.Error(), secretToken) {
		t.Errorf("a helm that fails may have done something: %v", err)
	}
}

func TestAPendingReleaseIsBlocked(t *testing.T) {
	c, target := openCharts(t, helmWorks)
	c.add("v33", "pending-rollback")
	s, err := target.Current(t.Context())
	if err != nil || !strings.Contains(s.Blocked, "revision 6 is pending-rollback") || s.Version != "v32" {
		t.Errorf("%+v, %v", s, err)
	}
	c.releases = append(c.releases[:5], release(6, "v32", "image: v32, more", "deployed"))
	if s, _ = target.Current(t.Context()); s.Version != "v32#6" || s.Back != "v32#5" {
		t.Errorf("two contents of one version: %s, before it %s", s.Version, s.Back)
	}
}

func FuzzParseRelease(f *testing.F) {
	f.Add(release(1, "v1", "x", "deployed")["data"].(obj)["release"].(string))
	f.Add("")
	f.Add("SDRzSUFBQUFBQUFB")
	f.Fuzz(func(t *testing.T, data string) {
		if r, err := parseRelease(data); err == nil && r.Version < 1 {
			t.Errorf("%+v", r)
		}
	})
}
