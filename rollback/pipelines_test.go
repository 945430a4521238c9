package rollback

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ran are the deployments of a fake pipeline: v32 again, after v33 was taken back.
var ran = []string{"v30", "v31", "v33", "v31", "v32"}

// actions is GitHub's API: deployments of an environment and a workflow that makes
// one at once. Its answers are those of docs.github.com/rest/actions/workflows (204
// without a body, 422 for inputs the workflow does not declare), /rest/deployments and
// /rest/deployments/statuses.
type actions struct {
	fake
	deployments []obj // oldest first
	states      map[int]string
	asked       int // for statuses
	lost        bool
	inputs      obj
}

func newActions() *actions {
	a := &actions{states: map[int]string{}}
	for _, v := range []string{"v30", "v31", "v33", "v31", "v32"} {
		a.deploy(v, "inactive")
	}
	a.states[len(a.deployments)] = "success"
	a.deploy("v34", "failure")
	a.handle = a.serve
	return a
}

func (a *actions) deploy(v, state string) {
	id := len(a.deployments) + 1
	a.deployments = append(a.deployments, obj{"id": id, "ref": v, "sha": "0123456789", "environment": "production",
		"created_at": fmt.Sprintf("2026-11-%02dT10:00:00Z", id), "payload": ""})
	a.states[id] = state
}

func (a *actions) runs() string {
	for i := len(a.deployments); i > 0; i-- {
		if s := a.states[i]; s == "success" {
			return a.deployments[i-1]["ref"].(string)
		}
	}
	return ""
}

func (a *actions) put(v string) {
	for id, s := range a.states {
		if s == "success" {
			a.states[id] = "inactive"
		}
	}
	a.deploy(v, "success")
}

func (a *actions) serve(w http.ResponseWriter, q *http.Request, body []byte) {
	const repo = "/repos/example/chat"
	var id int
	switch path := q.URL.Path; {
	case q.Header.Get("Authorization") != "Bearer "+secretToken:
		answer(w, 401, obj{"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"})
	case q.Method == "GET" && path == repo+"/deployments" && q.URL.Query().Get("environment") == "production":
		newest := slices.Clone(a.deployments)
		slices.Reverse(newest)
		answer(w, 200, newest)
	case q.Method == "GET" && scan(path, repo+"/deployments/%d/statuses", &id):
		a.asked++
		answer(w, 200, list{obj{"state": a.states[id]}})
	case q.Method == "POST" && path == repo+"/actions/workflows/deploy.yml/dispatches":
		var o struct {
			Ref    string
			Inputs obj
		}
		json.Unmarshal(body, &o)
		if a.inputs = o.Inputs; o.Ref == "" || o.Inputs["sickbay"] == nil {
			answer(w, 422, obj{"message": `Unexpected inputs provided: ["version"]`, "documentation_url": "https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event", "status": "422"})
			return
		}
		if !a.lost {
			a.put(o.Ref)
		}
		a.writes++
		w.WriteHeader(204)
	default:
		answer(w, 404, obj{"message": "Not Found"})
	}
}

func scan(path, format string, id *int) bool {
	n, err := fmt.Sscanf(path, format, id)
	return n == 1 && err == nil
}

const githubSection = "repository = \"example/chat\"\nworkflow = \"deploy.yml\"\noperation_input = \"sickbay\"\n"

func githubWorld(t *testing.T) world {
	a := newActions()
	w := a.world(openFake(t, "github", githubSection, &a.fake), a.runs, a.put)
	w.order = []string{"v31", "v33", "v30"}
	return w
}

func TestEndedDeploymentsAreAskedForOnce(t *testing.T) {
	a := newActions()
	target := openFake(t, "github", githubSection, &a.fake)
	for range 3 {
		if _, err := target.Current(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if a.asked != len(a.deployments) {
		t.Errorf("%d questions about %d deployments", a.asked, len(a.deployments))
	}
	a.deploy("v35", "in_progress")
	s, err := target.Current(t.Context())
	if err != nil || s.Ready || s.Version != "v32" || !strings.Contains(strings.Join(s.Notes, ""), "under way") {
		t.Errorf("while one is under way: %+v, %v", s, err)
	}
	a.deployments[len(a.deployments)-1]["payload"] = obj{"version": "v36"}
	a.states[len(a.deployments)] = "success"
	if s, _ = target.Current(t.Context()); s.Version != "v36" || s.Back != "v32" {
		t.Errorf("the payload's version: %+v", s)
	}
}

// TestAWorkflowOfOneBranchIsToldTheVersion, and a wrong input is no moved state.
func TestAWorkflowOfOneBranchIsToldTheVersion(t *testing.T) {
	a := newActions()
	target := openFake(t, "github", githubSection+"ref = \"main\"\nversion_input = \"version\"\n", &a.fake)
	p, err := target.Plan(t.Context(), "v31")
	if err != nil || !strings.Contains(strings.Join(p.Diff, "\n"), "runs workflow deploy.yml of main") {
		t.Fatalf("%q, %v", p.Diff, err)
	}
	a.lost = true
	if err := target.Execute(t.Context(), p, "op-7", ""); err != nil || a.inputs["version"] != "v31" || a.inputs["sickbay"] != "op-7" {
		t.Errorf("%v, inputs %v", err, a.inputs)
	}
	target = openFake(t, "github", strings.Replace(githubSection, `"sickbay"`, `""`, 1), &a.fake)
	if err := target.Execute(t.Context(), p, "op-7", ""); !errors.Is(err, ErrFailed) || errors.Is(err, ErrMoved) || !strings.Contains(err.Error(), "Unexpected inputs") {
		t.Errorf("a wrong input is %v", err)
	}
	for section, want := range map[string]string{
		strings.Replace(githubSection, "example/chat", "example", 1): "not owner/name", githubSection + "ref = \"main\"\n": "has to be told the version",
	} {
		if _, err := Open(info("github"), fromTOML("url = \"https://x\"\n"+section)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", section, err)
		}
	}
}

// project is GitLab's API: docs.gitlab.com/api/deployments and /api/pipelines; what a
// refused pipeline answers is render_validation_error! in gitlabhq lib/api/ci/pipelines.rb.
type project struct {
	fake
	deployments []obj
	variables   string
}

func newProject() *project {
	p := &project{}
	for _, v := range []string{"v30", "v31", "v33", "v31", "v32"} {
		p.deploy(v, "success")
	}
	p.deploy("v34", "failed")
	p.handle = p.serve
	return p
}

func (p *project) deploy(v, status string) {
	id := len(p.deployments) + 1
	p.deployments = append(p.deployments, obj{"id": id, "iid": id, "ref": v, "sha": "0123456789", "status": status, "created_at": fmt.Sprintf("2026-11-%02dT10:00:00.123Z", id)})
}

func (p *project) runs() string {
	for i := len(p.deployments) - 1; i >= 0; i-- {
		if p.deployments[i]["status"] == "success" {
			return p.deployments[i]["ref"].(string)
		}
	}
	return ""
}

func (p *project) serve(w http.ResponseWriter, q *http.Request, body []byte) {
	const repo = "/projects/ml%2Fchat"
	switch path := q.URL.EscapedPath(); {
	case q.Header.Get("Authorization") != "Bearer "+secretToken:
		answer(w, 401, obj{"message": "401 Unauthorized"})
	case q.Method == "GET" && path == repo+"/deployments" && q.URL.Query().Get("environment") == "production":
		newest := slices.Clone(p.deployments)
		slices.Reverse(newest)
		answer(w, 200, newest)
	case q.Method == "POST" && path == repo+"/pipeline":
		var o struct {
			Ref       string
			Variables []struct{ Key, Value string }
		}
		json.Unmarshal(body, &o)
		if o.Ref == "" {
			answer(w, 400, obj{"message": obj{"base": list{"Reference not found"}}})
			return
		}
		p.variables = fmt.Sprint(o.Variables)
		p.deploy(o.Ref, "success")
		p.writes++
		answer(w, 201, obj{"id": 46, "status": "pending", "ref": o.Ref})
	default:
		answer(w, 404, obj{"message": "404 Project Not Found"})
	}
}

func gitlabWorld(t *testing.T) world {
	p := newProject()
	w := p.world(openFake(t, "gitlab", "project = \"ml/chat\"\nversion_variable = \"VERSION\"\n", &p.fake), p.runs, func(v string) { p.deploy(v, "success") })
	w.order = []string{"v31", "v33", "v30"}
	return w
}

func TestAPipelineGetsTheOperationAmongItsVariables(t *testing.T) {
	p := newProject()
	target := openFake(t, "gitlab", "project = \"ml/chat\"\nversion_variable = \"VERSION\"\n", &p.fake)
	plan, err := target.Plan(t.Context(), "v31")
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Execute(t.Context(), plan, "op-7", ""); err != nil || p.variables != "[{SICKBAY_OPERATION op-7} {VERSION v31}]" {
		t.Errorf("%v, variables %s", err, p.variables)
	}
	p.deploy("v40", "blocked")
	if s, _ := target.Current(t.Context()); s.Ready || !strings.Contains(strings.Join(s.Notes, ""), "waits for an approval") {
		t.Errorf("%+v", s)
	}
}

// argocd is Argo CD's API server: Rollback in argo-cd server/application/application.go,
// its codes of gRPC as its gateway writes them (FailedPrecondition 9 and InvalidArgument 3
// are both 400).
type argocd struct {
	fake
	history []string
	auto    bool
	busy    bool
}

func (a *argocd) serve(w http.ResponseWriter, q *http.Request, body []byte) {
	refuse := func(code int, text string) { answer(w, 400, obj{"error": text, "code": code, "message": text}) }
	const app = "/api/v1/applications/chat"
	switch {
	case q.Header.Get("Authorization") != "Bearer "+secretToken:
		answer(w, 401, obj{"error": "no session information", "code": 16, "message": "no session information"})
	case q.Method == "GET" && q.URL.Path == app:
		var history list
		for i, v := range a.history {
			history = append(history, obj{"id": i, "revision": v, "deployedAt": fmt.Sprintf("2026-11-%02dT10:00:00Z", i+1)})
		}
		policy := obj{}
		if a.auto {
			policy["automated"] = obj{}
		}
		answer(w, 200, obj{"spec": obj{"syncPolicy": policy}, "status": obj{"history": history, "health": obj{"status": "Healthy"},
			"operationState": obj{"phase": map[bool]string{true: "Running", false: "Succeeded"}[a.busy]}}})
	case q.Method == "POST" && q.URL.Path == app+"/rollback":
		var o struct {
			ID            int
			DryRun, Prune bool
		}
		json.Unmarshal(body, &o)
		switch {
		case a.auto:
			refuse(9, "rollback cannot be initiated when auto-sync is enabled")
		case a.busy:
			refuse(9, "another operation is already in progress")
		case o.ID >= len(a.history) || o.DryRun || o.Prune:
			refuse(3, "application chat does not have deployment id "+strconv.Itoa(o.ID)+" in history")
		default:
			a.history = append(a.history, a.history[o.ID])
			a.writes++
			answer(w, 200, obj{})
		}
	default:
		answer(w, 404, obj{"error": "not found", "code": 5, "message": "not found"})
	}
}

func openArgo(t *testing.T) (*argocd, Target) {
	a := &argocd{history: slices.Clone(ran)}
	a.handle = a.serve
	return a, openFake(t, "argocd", "application = \"chat\"", &a.fake)
}

func argocdWorld(t *testing.T) world {
	a, target := openArgo(t)
	w := a.world(target, func() string { return a.history[len(a.history)-1] }, func(v string) { a.history = append(a.history, v) })
	w.order = []string{"v31", "v33", "v30"}
	return w
}

// TestAutoSyncIsSaidBeforeTheKeyIsOffered: in what every look at the target says.
func TestAutoSyncIsSaidBeforeTheKeyIsOffered(t *testing.T) {
	a, target := openArgo(t)
	p, err := target.Plan(t.Context(), "")
	if err != nil || !strings.Contains(strings.Join(p.Warnings, "\n"), "git still names v32") {
		t.Fatalf("%+v, %v", p, err)
	}
	a.auto = true
	if s, _ := target.Current(t.Context()); !strings.Contains(s.Blocked, "auto-sync is on") {
		t.Errorf("blocked %q", s.Blocked)
	}
	if _, err := target.Plan(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "auto-sync is on") {
		t.Errorf("a plan: %v", err)
	}
	if err := target.Execute(t.Context(), p, p.ID, ""); !errors.Is(err, ErrFailed) || a.writes != 0 {
		t.Errorf("somebody turned it on meanwhile: %v", err)
	}
	if err := target.(*argocdTarget).rollback(t.Context(), 1); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "auto-sync is enabled") {
		t.Errorf("and in the last moment: %v", err)
	}
	a.auto, a.busy = false, true
	if s, _ := target.Current(t.Context()); s.Ready || !strings.Contains(s.Blocked, "another operation") {
		t.Errorf("%+v", s)
	}
}
