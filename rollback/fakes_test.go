package rollback

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// secretToken is what every fake server is sent as a credential, and no error may
// repeat.
const secretToken = "s3cret-t0ken-of-ours"

// A fake is a server of somebody else's, as its documentation describes it: one
// handler, one turn at a time.
type fake struct {
	mu     sync.Mutex
	t      *testing.T
	hang   bool
	fail   int  // answer every request with this code, and repeat the credentials
	reads  bool // but not those that only read
	writes int
	heard  []string // "METHOD path?query"
	handle func(w http.ResponseWriter, r *http.Request, body []byte)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	hang, fail := f.hang, f.fail
	if f.reads && r.Method == http.MethodGet {
		fail = 0
	}
	f.heard = append(f.heard, r.Method+" "+r.URL.RequestURI())
	f.mu.Unlock()
	switch {
	case hang:
		<-r.Context().Done()
		return
	case fail != 0:
		w.WriteHeader(fail)
		fmt.Fprintf(w, `{"message":"no: %s %s"}`, r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"))
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handle(w, r, body)
}

func (f *fake) locked(do func()) { f.mu.Lock(); defer f.mu.Unlock(); do() }

// said are the writes that were asked for.
func (f *fake) said(method string) (all []string) {
	f.locked(func() {
		for _, h := range f.heard {
			if strings.HasPrefix(h, method+" ") {
				all = append(all, h)
			}
		}
	})
	return all
}

// openFake starts a fake and opens the target that asks it.
func openFake(t *testing.T, driver, section string, f *fake) Target {
	t.Helper()
	f.t = t
	target, err := Open(info(driver), fromTOML(fmt.Sprintf("url = %q\ntoken = %q\n%s", serve(t, f), secretToken, section)))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// world of a fake: runs and set work on the version by its name.
func (f *fake) world(target Target, runs func() string, set func(v string)) world {
	return world{
		target: target,
		writes: func() (n int) { f.locked(func() { n = f.writes }); return },
		runs:   func() (v string) { f.locked(func() { v = runs() }); return },
		move:   func() { f.locked(func() { set("v33") }) },
		hang:   func() { f.locked(func() { f.hang = true }) },
		fail:   func(code int) { f.locked(func() { f.fail, f.reads = code, false }) },
		refuse: func(code int) { f.locked(func() { f.fail, f.reads = code, true }) },
		sent: func() (n int) {
			for _, m := range []string{"POST", "PATCH", "PUT", "DELETE"} {
				for _, h := range f.said(m) {
					if !strings.Contains(h, "dryRun=All") {
						n++
					}
				}
			}
			return n
		},
	}
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

// obj and list are JSON as one writes it.
type (
	obj  = map[string]any
	list = []any
)

// asObj is a deep copy, as JSON has it.
func asObj(v any) obj {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var o obj
	if err := json.Unmarshal(b, &o); err != nil {
		panic(err)
	}
	return o
}

// patched applies a JSON Patch (RFC 6902; test, add, replace on objects), or says
// what failed as the API server does.
func patched(doc obj, ops []patchOp) (obj, error) {
	doc = asObj(doc)
	for _, op := range ops {
		parts := strings.Split(strings.TrimPrefix(op.Path, "/"), "/")
		at := doc
		for i, p := range parts {
			p = strings.NewReplacer("~1", "/", "~0", "~").Replace(p)
			if i < len(parts)-1 {
				next, ok := at[p].(map[string]any)
				if !ok {
					return nil, fmt.Errorf("the server rejected our request: %s %s: missing value", op.Op, op.Path)
				}
				at = next
				continue
			}
			had, there := at[p]
			switch {
			case op.Op == "test" && !reflect.DeepEqual(had, asObj(obj{"v": op.Value})["v"]):
				return nil, fmt.Errorf("the server rejected our request: testing value %s failed", op.Path)
			case op.Op == "replace" && !there:
				return nil, fmt.Errorf("the server rejected our request: replace of a missing value %s", op.Path)
			case op.Op != "test":
				at[p] = asObj(obj{"v": op.Value})["v"]
			}
		}
	}
	return doc, nil
}

// A cluster is a fake of kube-apiserver with the controllers behind it: one workload
// and the revisions of it.
type cluster struct {
	fake
	path      string // of the workload
	revisions string // of the list
	hpas      list
	object    obj
	items     list
	kind      string // Deployment StatefulSet Rollout
	rv        int
}

func (c *cluster) meta() obj { return c.object["metadata"].(obj) }

func podOf(version string) obj {
	return obj{"metadata": obj{"labels": obj{"app": "chat"}}, "spec": obj{"containers": list{
		obj{"name": "main", "image": "registry.example.com:5000/team/chat:" + version, "env": list{obj{"name": "LEVEL", "value": "info"}}}}}}
}

func (c *cluster) version() string {
	return podVersion(c.object["spec"].(obj)["template"])
}

func podVersion(template any) string {
	image := template.(obj)["spec"].(obj)["containers"].(list)[0].(obj)["image"].(string)
	return image[strings.LastIndexByte(image, ':')+1:]
}

// newCluster runs v32, which was rolled out again after v33.
func newCluster(kind string) *cluster {
	c := &cluster{kind: kind, rv: 100}
	c.handle = c.serve
	dir := "/apis/apps/v1/namespaces/assist/"
	switch kind {
	case "Deployment":
		c.path, c.revisions = dir+"deployments/chat", dir+"replicasets"
	case "StatefulSet":
		c.path, c.revisions = dir+"statefulsets/chat", dir+"controllerrevisions"
	case "Rollout":
		c.path, c.revisions = "/apis/argoproj.io/v1alpha1/namespaces/assist/rollouts/chat", dir+"replicasets"
	}
	c.object = asObj(obj{"metadata": obj{"name": "chat", "uid": "u-1", "generation": 4, "annotations": obj{"team": "assist"}},
		"spec": obj{"replicas": 2, "selector": obj{"matchLabels": obj{"app": "chat"}}, "template": podOf("v32")}})
	for i, v := range []string{"v30", "v31", "v32", "v33"} {
		c.items = append(c.items, c.revision(v, i+1, fmt.Sprintf("2026-11-%02dT10:00:00Z", 18+i)))
	}
	c.items = append(c.items, asObj(obj{"metadata": obj{"name": "other", "ownerReferences": list{obj{"uid": "u-2", "controller": true}}}, "spec": obj{"template": podOf("v9")}}))
	c.roll()
	c.writes = 0
	return c
}

func (c *cluster) revision(v string, n int, at string) obj {
	template := podOf(v)
	meta := obj{"name": "chat-h" + v, "creationTimestamp": at, "labels": obj{"pod-template-hash": "h" + v, "rollouts-pod-template-hash": "h" + v},
		"ownerReferences": list{obj{"uid": "u-1", "controller": true, "kind": c.kind}},
		"annotations":     obj{"deployment.kubernetes.io/revision": strconv.Itoa(n), "rollout.argoproj.io/revision": strconv.Itoa(n)}}
	if c.kind == "StatefulSet" {
		template["$patch"] = "replace"
		return asObj(obj{"metadata": meta, "revision": n, "data": obj{"spec": obj{"template": template}}})
	}
	template["metadata"].(obj)["labels"].(obj)["pod-template-hash"] = "h" + v
	return asObj(obj{"metadata": meta, "spec": obj{"template": template}})
}

// roll is what the controllers do after a change: the revision of the template moves
// to the top, and the pods follow at once.
func (c *cluster) roll() {
	top := 0.0
	number := func(it any) float64 {
		if n, ok := it.(obj)["revision"].(float64); ok {
			return n
		}
		notes, _ := it.(obj)["metadata"].(obj)["annotations"].(obj)
		n, _ := notes["deployment.kubernetes.io/revision"].(string)
		f, _ := strconv.ParseFloat(n, 64)
		return f
	}
	for _, it := range c.items {
		top = max(top, number(it))
	}
	for _, it := range c.items {
		m := it.(obj)["metadata"].(obj)
		if m["name"] == "chat-h"+c.version() && number(it) != top {
			m["annotations"] = obj{"deployment.kubernetes.io/revision": fmt.Sprint(top + 1), "rollout.argoproj.io/revision": fmt.Sprint(top + 1)}
			if _, ok := it.(obj)["revision"]; ok {
				it.(obj)["revision"] = top + 1
			}
		}
	}
	c.rv++
	c.meta()["resourceVersion"] = strconv.Itoa(c.rv)
	c.object["status"] = asObj(obj{"observedGeneration": c.meta()["generation"], "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2,
		"phase": "Healthy", "stableRS": "h" + c.version(), "currentPodHash": "h" + c.version()})
}

// set is somebody else's deployment.
func (c *cluster) set(v string) {
	c.object["spec"].(obj)["template"] = asObj(podOf(v))
	c.meta()["generation"] = c.meta()["generation"].(float64) + 1
	c.roll()
}

func (c *cluster) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	status := func(code int, reason, text string) {
		answer(w, code, obj{"kind": "Status", "status": "Failure", "reason": reason, "message": text, "code": code})
	}
	if r.Header.Get("Authorization") != "Bearer "+secretToken {
		status(401, "Unauthorized", "Unauthorized")
		return
	}
	switch {
	case r.Method == "GET" && r.URL.Path == c.path:
		answer(w, 200, c.object)
	case r.Method == "GET" && r.URL.Path == c.revisions:
		if got := r.URL.Query().Get("labelSelector"); got != "app=chat" {
			c.t.Errorf("listed with selector %q", got)
		}
		answer(w, 200, obj{"items": c.items})
	case r.Method == "GET" && strings.HasSuffix(r.URL.Path, "/horizontalpodautoscalers"):
		answer(w, 200, obj{"items": c.hpas})
	case r.Method == "PATCH" && (r.URL.Path == c.path || r.URL.Path == c.path+"/status"):
		c.change(w, r, body, status)
	default:
		status(404, "NotFound", r.URL.Path+" not found")
	}
}

func (c *cluster) change(w http.ResponseWriter, r *http.Request, body []byte, status func(int, string, string)) {
	if r.URL.Query().Get("fieldManager") != "sickbay" {
		c.t.Errorf("patched as %q", r.URL.RawQuery)
	}
	var after obj
	switch r.Header.Get("Content-Type") {
	case jsonPatch:
		var ops []patchOp
		var err error
		if json.Unmarshal(body, &ops) != nil {
			status(400, "BadRequest", "no patch")
			return
		}
		if after, err = patched(c.object, ops); err != nil {
			status(422, "Invalid", err.Error())
			return
		}
	case mergePatch:
		var change obj
		json.Unmarshal(body, &change)
		if rv, ok := change["metadata"].(obj)["resourceVersion"]; ok && rv != c.meta()["resourceVersion"] {
			status(409, "Conflict", "the object has been modified")
			return
		}
		after = asObj(c.object)
		merge(after, change)
	default:
		status(415, "UnsupportedMediaType", "")
		return
	}
	if r.URL.Query().Get("dryRun") == "All" {
		answer(w, 200, after)
		return
	}
	if !reflect.DeepEqual(after["spec"], c.object["spec"]) {
		after["metadata"].(obj)["generation"] = after["metadata"].(obj)["generation"].(float64) + 1
	}
	c.object = after
	c.writes++
	c.roll()
	answer(w, 200, c.object)
}

// merge is a JSON merge patch (RFC 7386).
func merge(into, change obj) {
	for k, v := range change {
		sub, ok := v.(obj)
		at, was := into[k].(obj)
		switch {
		case v == nil:
			delete(into, k)
		case ok && was:
			merge(at, sub)
		default:
			into[k] = v
		}
	}
}

type (
	httpWriter  = http.ResponseWriter
	httpRequest = http.Request
)

// abort breaks a connection without an answer.
var abort = http.ErrAbortHandler

// deliver sends a write that was lost before.
func deliver(c *cluster, body []byte) (code int, said string) {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest("PATCH", c.path+"?fieldManager=sickbay", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", jsonPatch)
	r.Header.Set("Authorization", "Bearer "+secretToken)
	c.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}
