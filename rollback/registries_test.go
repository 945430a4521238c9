package rollback

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// seen is a history file in which versions came one after the other.
func seen(t *testing.T, versions ...string) string {
	var b strings.Builder
	for i, v := range versions {
		fmt.Fprintf(&b, "{\"at\":\"2026-11-%02dT10:00:00Z\",\"version\":%q}\n", 10+i, v)
	}
	return "history = \"" + file(t, "past.jsonl", b.String()) + "\"\n"
}

var numbers = [4]string{"33", "32", "31", "30"}

// registry is MLflow's, as docs/rest-api of MLflow 2 and 3 has it.
type registry struct {
	fake
	alias string
}

func mlflowWorld(t *testing.T) world {
	r := &registry{alias: "32"}
	r.handle = r.serve
	target := openFake(t, "mlflow", `model = "o'brien"
alias = "champion"
`+seen(t, "30", "31", "32"), &r.fake)
	w := r.world(target, func() string { return r.alias }, func(string) { r.alias = "33" })
	w.names = numbers
	return w
}

func (r *registry) version(v string) obj {
	n, _ := strconv.Atoi(v)
	return obj{"name": "o'brien", "version": v, "creation_timestamp": 1763000000000 + int64(n), "status": "READY"}
}

func (r *registry) serve(w http.ResponseWriter, q *http.Request, body []byte) {
	if q.Header.Get("Authorization") != "Bearer "+secretToken {
		answer(w, 401, obj{"error_code": "UNAUTHENTICATED", "message": "who are you"})
		return
	}
	missing := func(text string) {
		answer(w, 404, obj{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": text})
	}
	switch q.Method + " " + q.URL.Path {
	case "GET /api/2.0/mlflow/registered-models/alias":
		if q.URL.Query().Get("name") != "o'brien" || q.URL.Query().Get("alias") != "champion" {
			missing("Registered Model with name=" + q.URL.Query().Get("name") + " not found")
			return
		}
		answer(w, 200, obj{"model_version": r.version(r.alias)})
	case "GET /api/2.0/mlflow/model-versions/search":
		if got := q.URL.Query().Get("filter"); got != `name="o'brien"` { // a real one finds nothing by name='o''brien'
			answer(w, 200, obj{})
			return
		}
		broken := r.version("29")
		broken["status"] = "FAILED_REGISTRATION"
		answer(w, 200, obj{"model_versions": list{r.version("33"), r.version("32"), r.version("31"), r.version("30"), broken}})
	case "POST /api/2.0/mlflow/registered-models/alias":
		var o struct{ Name, Alias, Version string }
		json.Unmarshal(body, &o)
		if !slices.Contains(numbers[:], o.Version) || o.Name != "o'brien" || o.Alias != "champion" {
			missing("Model Version (name=" + o.Name + ", version=" + o.Version + ") not found")
			return
		}
		r.alias, r.writes = o.Version, r.writes+1
		answer(w, 200, obj{})
	default:
		missing("no endpoint " + q.URL.Path)
	}
}

// prompts is Langfuse's public API: fern/apis/server/definition/prompts.yml and
// prompt-version.yml; what it refuses with is in web/src/features/prompts/server/handlers/
// promptVersionHandler.ts and public-api/server/createAuthedAPIRoute.ts.
type prompts struct {
	fake
	production int
}

func langfuseWorld(t *testing.T) world {
	p := &prompts{production: 32}
	p.handle = p.serve
	target := openFake(t, "langfuse", "prompt = \"review/system\"\nusername = \"pk-lf-1\"\n"+seen(t, "30", "31", "32"), &p.fake)
	w := p.world(target, func() string { return strconv.Itoa(p.production) }, func(string) { p.production = 33 })
	w.names = numbers
	return w
}

func (p *prompts) serve(w http.ResponseWriter, q *http.Request, body []byte) {
	if user, password, _ := q.BasicAuth(); user != "pk-lf-1" || password != secretToken {
		answer(w, 401, obj{"message": "Invalid credentials. Confirm that you've configured the correct host.", "error": "UnauthorizedError"})
		return
	}
	const one = "/api/public/v2/prompts/review%2Fsystem"
	switch path := q.URL.EscapedPath(); {
	case q.Method == "GET" && path == one:
		answer(w, 200, obj{"name": "review/system", "version": p.production, "labels": list{"production"}, "prompt": "You are secret.", "config": obj{}})
	case q.Method == "GET" && path == "/api/public/v2/prompts":
		answer(w, 200, obj{"data": list{
			obj{"name": "review/system", "versions": list{30, 33, 31, 32}, "labels": list{"production", "latest"}},
			obj{"name": "review/system-two", "versions": list{1}}}, "meta": obj{"page": 1, "totalItems": 2}})
	case q.Method == "PATCH" && strings.HasPrefix(path, one+"/versions/"):
		var o struct{ NewLabels []string }
		json.Unmarshal(body, &o)
		v, err := strconv.Atoi(strings.TrimPrefix(path, one+"/versions/"))
		switch {
		case err != nil || v < 30 || v > 33:
			answer(w, 404, obj{"message": "Prompt not found", "error": "LangfuseNotFoundError"})
		case len(o.NewLabels) != 1 || o.NewLabels[0] != "production":
			answer(w, 400, obj{"message": "Invalid request data", "error": list{obj{"path": "newLabels"}}})
		default:
			p.production, p.writes = v, p.writes+1
			answer(w, 200, obj{"name": "review/system", "version": v, "labels": o.NewLabels, "prompt": "You are secret."})
		}
	default:
		answer(w, 404, obj{"message": "not found"})
	}
}

// proxy is LiteLLM's: update_model in litellm/proxy/management_endpoints/
// model_management_endpoints.py, model_info_v1 in proxy_server.py, and the errors that
// ProxyException makes of everything.
type proxy struct {
	fake
	model  string
	db     bool
	twice  bool
	unkept bool   // STORE_MODEL_IN_DB is not set
	trips  string // what fails after the write
}

// exception is how the proxy words an error.
func exception(w http.ResponseWriter, code int, text string) {
	answer(w, code, obj{"error": obj{"message": text, "type": "auth_error", "param": "None", "code": strconv.Itoa(code)}})
}

func (p *proxy) serve(w http.ResponseWriter, q *http.Request, body []byte) {
	if q.Header.Get("Authorization") != "Bearer "+secretToken {
		exception(w, 401, "Authentication Error, Invalid proxy server token passed.")
		return
	}
	switch q.Method + " " + q.URL.Path {
	case "GET /model/info":
		all := list{obj{"model_name": "chat", "litellm_params": obj{"model": p.model}, "model_info": obj{"id": "m-1", "db_model": p.db}},
			obj{"model_name": "other", "litellm_params": obj{"model": "x"}, "model_info": obj{"id": "m-9", "db_model": true}}}
		if p.twice {
			all = append(all, obj{"model_name": "chat", "litellm_params": obj{"model": "azure/v1"}, "model_info": obj{"id": "m-2", "db_model": true}})
		}
		answer(w, 200, obj{"data": all})
	case "POST /model/update":
		var o struct {
			Params struct{ Model string } `json:"litellm_params"`
			Info   struct{ ID string }    `json:"model_info"`
		}
		json.Unmarshal(body, &o)
		switch {
		case o.Info.ID != "m-1":
			exception(w, 400, "Authentication Error, model not found")
			return
		case !p.db:
			exception(w, 400, "{'error': \"Can't edit model. Model in config. Store model in db via `/model/new`. to edit.\"}")
			return
		case p.unkept:
			answer(w, 200, nil)
			return
		}
		p.model, p.writes = o.Params.Model, p.writes+1
		if p.trips != "" {
			exception(w, 400, "Authentication Error, "+p.trips)
			return
		}
		answer(w, 200, obj{"model_id": "m-1", "model_name": "chat", "litellm_params": obj{"model": o.Params.Model}, "model_info": obj{"id": "m-1", "db_model": true}, "updated_by": "default_user_id"})
	default:
		answer(w, 404, obj{"detail": "Not Found"})
	}
}

var providers = [4]string{"openai/v33", "openai/v32", "openai/v31", "openai/v30"}

func openProxy(t *testing.T) (*proxy, Target) {
	p := &proxy{model: "openai/v32", db: true}
	p.handle = p.serve
	return p, openFake(t, "litellm", "model_name = \"chat\"\nversions = [\"openai/v33\", \"openai/v32\", \"openai/v31\", \"openai/v30\"]\n"+
		seen(t, "openai/v30", "openai/v31", "openai/v32"), &p.fake)
}

func litellmWorld(t *testing.T) world {
	p, target := openProxy(t)
	w := p.world(target, func() string { return p.model }, func(string) { p.model = "openai/v33" })
	w.names = providers
	return w
}

func TestAModelOfTheProxysConfigFileIsBlocked(t *testing.T) {
	p, target := openProxy(t)
	p.db = false
	if s, err := target.Current(t.Context()); err != nil || !strings.Contains(s.Blocked, "config file") {
		t.Errorf("%+v, %v", s, err)
	}
	p.db, p.twice = true, true
	if _, err := target.Current(t.Context()); err == nil || !strings.Contains(err.Error(), "choose one by model_id") {
		t.Errorf("two deployments of one name: %v", err)
	}
}

// TestTheProxysAnswersAreNotTakenAtTheirWord: a 200 may mean that nothing was done, and a
// 400 that all of it was.
func TestTheProxysAnswersAreNotTakenAtTheirWord(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*proxy)
		failed bool
		want   string
		runs   string
	}{
		{"models are not stored", func(p *proxy) { p.unkept = true }, true, "STORE_MODEL_IN_DB", "openai/v32"},
		{"it trips after the write", func(p *proxy) { p.trips = "'NoneType' object has no attribute 'clear'" }, false, "400 Bad Request", "openai/v31"},
	} {
		p, target := openProxy(t)
		plan, err := target.Plan(t.Context(), "openai/v31")
		if err != nil {
			t.Fatal(err)
		}
		c.change(p)
		err = target.Execute(t.Context(), plan, plan.ID, "")
		if err == nil || errors.Is(err, ErrFailed) != c.failed || errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), c.want) || p.model != c.runs {
			t.Errorf("%s: %v; it runs %s", c.name, err, p.model)
		}
	}
	if !litellmRefused([]byte(`{"error":{"message":"Authentication Error, model not found","type":"auth_error","param":"None","code":"400"}}`)) {
		t.Error("a model that is not there was refused before the write")
	}
}

// flags is LaunchDarkly's: launchdarkly.com/docs/api/feature-flags/patch-feature-flag, with
// the codes it lists (400, 401, 404, 405 where approval is required, 409, 429).
type flags struct {
	fake
	serves  int // index of the variation; -1: a rollout
	off     bool
	version int64
	approve bool
	refuse  int // a code to answer a patch with
}

func (f *flags) serve(w http.ResponseWriter, q *http.Request, body []byte) {
	switch {
	case q.Header.Get("Authorization") != secretToken:
		answer(w, 401, obj{"code": "unauthorized", "message": "Invalid account header"})
	case q.URL.Path != "/api/v2/flags/default/planner":
		answer(w, 404, obj{"code": "not_found", "message": "Unknown resource"})
	case q.Method == "GET":
		way := obj{"variation": f.serves}
		if f.serves < 0 {
			way = obj{"rollout": obj{"variations": list{obj{"variation": 0, "weight": 10000}, obj{"variation": 1, "weight": 90000}}}}
		}
		var variations list
		for i, v := range []string{"v30", "v31", "v32", "v33"} {
			variations = append(variations, obj{"_id": fmt.Sprint("id-", i), "name": map[bool]string{true: v}[i%2 == 0], "value": v})
		}
		answer(w, 200, obj{"key": "planner", "variations": variations, "environments": obj{"production": obj{
			"on": !f.off, "version": f.version, "fallthrough": way, "lastModified": 1763000000000,
			"rules": list{obj{}}, "targets": list{obj{"values": list{"ann", "bob"}}}}}})
	case q.Method == "PATCH" && f.refuse != 0:
		answer(w, f.refuse, obj{"code": map[int]string{400: "invalid_request", 409: "optimistic_locking_error", 429: "rate_limited"}[f.refuse], "message": "as its page says"})
	case q.Method == "PATCH" && f.approve:
		answer(w, 405, obj{"code": "approval_required", "message": "this environment requires approval"})
	case q.Method == "PATCH":
		f.change(w, q, body)
	}
}

func (f *flags) change(w http.ResponseWriter, q *http.Request, body []byte) {
	var o struct {
		EnvironmentKey, Comment string
		Instructions            []struct{ Kind, VariationID string }
	}
	if q.Header.Get("Content-Type") != "application/json; domain-model=launchdarkly.semanticpatch" || json.Unmarshal(body, &o) != nil ||
		o.EnvironmentKey != "production" || len(o.Instructions) != 1 || o.Instructions[0].Kind != "updateFallthroughVariationOrRollout" {
		answer(w, 400, obj{"code": "invalid_request", "message": "not a semantic patch"})
		return
	}
	if !strings.Contains(o.Comment, "worse answers") || !strings.HasPrefix(o.Comment, "sickbay op-") {
		f.t.Errorf("comment %q", o.Comment)
	}
	n, err := strconv.Atoi(strings.TrimPrefix(o.Instructions[0].VariationID, "id-"))
	if err != nil {
		answer(w, 400, obj{"code": "invalid_request", "message": "unknown variation"})
		return
	}
	f.serves, f.version, f.writes = n, f.version+1, f.writes+1
	answer(w, 200, obj{"key": "planner"})
}

func openFlags(t *testing.T) (*flags, Target) {
	f := &flags{serves: 2, version: 7}
	f.handle = f.serve
	return f, openFake(t, "launchdarkly", "flag = \"planner\"\n"+seen(t, "v30", "v31", "v32"), &f.fake)
}

func launchDarklyWorld(t *testing.T) world {
	f, target := openFlags(t)
	w := f.world(target, func() string { return fmt.Sprint("v", 30+f.serves) }, func(string) { f.serves, f.version = 3, f.version+1 })
	w.names = [4]string{"v33", "v32", "v31", "v30"}
	w.order = []string{"v30", "v31", "v33"}
	return w
}

// TestLaunchDarklysRefusalsHaveTheirClass: a change that is scheduled, somebody who was
// quicker, and too many questions.
func TestLaunchDarklysRefusalsHaveTheirClass(t *testing.T) {
	for code, want := range map[int]error{400: ErrFailed, 409: ErrMoved, 429: ErrFailed} {
		f, target := openFlags(t)
		plan, err := target.Plan(t.Context(), "v31")
		if err != nil {
			t.Fatal(err)
		}
		f.refuse = code
		if err := target.Execute(t.Context(), plan, plan.ID, "worse answers"); !errors.Is(err, want) || f.writes != 0 {
			t.Errorf("%d: %v, want %v", code, err, want)
		}
	}
}

func TestAFlagSaysWhatItsDefaultRuleDoesNotDecide(t *testing.T) {
	f, target := openFlags(t)
	s, _ := target.Current(t.Context())
	if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, "1 of its rules") || !strings.Contains(notes, "2 single targets") {
		t.Errorf("notes %q", notes)
	}
	f.serves = -1
	if s, _ = target.Current(t.Context()); s.Version != ldRollout || s.Back != "v32" {
		t.Errorf("a rollout is %q, and before it was %q", s.Version, s.Back)
	}
	f.off = true
	if s, _ = target.Current(t.Context()); !strings.Contains(s.Blocked, "the flag is off") {
		t.Errorf("blocked %q", s.Blocked)
	}
	f.off, f.approve, f.serves = false, true, 2
	p, err := target.Plan(t.Context(), "v31")
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Execute(t.Context(), p, p.ID, "worse answers"); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "requires approval") {
		t.Errorf("where approval is needed: %v", err)
	}
}

const flagdFile = `{
  "$schema": "https://flagd.dev/schema/v0/flags.json",
  "flags": {
    "other": { "state": "ENABLED", "variants": {"defaultVariant": "v32"}, "defaultVariant": "defaultVariant" },
    "tool-set": {
      "state": "ENABLED",
      "variants": { "v30": {"a": 1}, "v31": 1, "v32": "x", "v33": [true] },
      "defaultVariant" : "v32",   
      "targeting": {}
    }
  }
}
`

func flagdWorld(t *testing.T) world {
	path := file(t, "flags.json", flagdFile)
	target, err := Open(info("flagd"), fromTOML(fmt.Sprintf("file = %q\nflag = \"tool-set\"\n%s", path, seen(t, "v30", "v31", "v32"))))
	if err != nil {
		t.Fatal(err)
	}
	runs := func() string {
		f, err := parseFlagd(readIf(path), "tool-set")
		if err != nil {
			t.Fatal(err)
		}
		return f.Default
	}
	set := func(v string) { write(t, path, strings.Replace(flagdFile, `: "v32",   `, `: "`+v+`",   `, 1)) }
	return world{target: target, runs: runs, move: func() { set("v33") },
		hang: func() { os.Remove(path); syscall.Mkfifo(path, 0o600) },
		writes: func() int {
			if strings.Contains(string(readIf(path)), `: "v31",   `) {
				return 1
			}
			return 0
		}}
}

func TestOnlyTheDefaultVariantChangesInTheFile(t *testing.T) {
	w := flagdWorld(t)
	path := w.target.(*flagdTarget).c.File
	os.Chmod(path, 0o640)
	p, _ := w.target.Plan(t.Context(), "v31")
	if err := w.target.Execute(t.Context(), p, "op-1", "worse answers"); err != nil {
		t.Fatal(err)
	}
	if got, want := string(readIf(path)), strings.Replace(flagdFile, `"defaultVariant" : "v32"`, `"defaultVariant" : "v31"`, 1); got != want {
		t.Errorf("it is now\n%s", got)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o640 {
		t.Errorf("its mode is %v", info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*op-1*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	link := filepath.Join(t.TempDir(), "link.json")
	os.Symlink(path, link)
	w.target.(*flagdTarget).c.File = link
	if _, err := w.target.Current(t.Context()); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("through a link: %v", err)
	}
}

func FuzzSetDefault(f *testing.F) {
	f.Add(flagdFile, "tool-set", "v31")
	f.Add(`{"flags":{"a":{"variants":{"b":1},"defaultVariant":"x","defaultVariant":"y"}}}`, "a", "b")
	f.Add(`{"flags":[]}`, "a", "b")
	f.Fuzz(func(t *testing.T, text, flag, to string) {
		out, err := setDefault([]byte(text), flag, to)
		if err != nil {
			return
		}
		if got, err := parseFlagd(out, flag); err != nil || got.Default != to {
			t.Errorf("%q with %q set to %q became %q", text, flag, to, out)
		}
	})
}
