package sources

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeCluster answers as the API of Kubernetes does: lists of pods in pieces, logs with times that are asked for by
// the second, that end when the container does and begin anew with the next.
type fakeCluster struct {
	mu    sync.Mutex
	pods  map[string]*fakePod
	token string
	cut   int // connections that are broken after a line
	asked []string
}

type fakePod struct {
	app      string
	restarts int
	lines    []string // of the running container, each with its time
	before   []string // of the one before
}

func newCluster() *fakeCluster {
	return &fakeCluster{pods: map[string]*fakePod{}, token: "Bearer let-me-in"}
}

func (c *fakeCluster) write(pod, line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.pods[pod]
	p.lines = append(p.lines, time.Now().UTC().Format("2006-01-02T15:04:05.999999999Z")+" "+line)
}

func (c *fakeCluster) start(pod, app string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pods[pod] = &fakePod{app: app}
}

func (c *fakeCluster) restart(pod string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.pods[pod]
	p.restarts, p.before, p.lines = p.restarts+1, p.lines, nil
}

func (c *fakeCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r.URL.String())
	q := r.URL.Query()
	switch {
	case r.Header.Get("Authorization") != c.token:
		w.WriteHeader(401)
		fmt.Fprint(w, `{"kind":"Status","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`)
	case r.URL.Path == "/version":
		fmt.Fprint(w, `{"major":"1","minor":"36","gitVersion":"v1.36.3"}`)
	case r.URL.Path == "/api/v1/namespaces/ai/pods":
		if q.Get("labelSelector") != "app in (chat, search)" || q.Get("limit") == "" {
			w.WriteHeader(400)
			return
		}
		c.list(w, q.Get("continue"))
	case strings.HasSuffix(r.URL.Path, "/log"):
		c.log(w, r, strings.Split(r.URL.Path, "/")[6])
	default:
		w.WriteHeader(404)
	}
}

// list sends one pod at a time.
func (c *fakeCluster) list(w http.ResponseWriter, after string) {
	next := ""
	for name := range c.pods {
		if name > after && (next == "" || name < next) {
			next = name
		}
	}
	more := ""
	for name := range c.pods {
		if name > next {
			more = next
		}
	}
	if next == "" {
		fmt.Fprint(w, `{"kind":"PodList","metadata":{},"items":[]}`)
		return
	}
	p := c.pods[next]
	fmt.Fprintf(w, `{"kind":"PodList","metadata":{"continue":%q},"items":[{"metadata":{"name":%q,"namespace":"ai","labels":{"app":%q}},"status":{"phase":"Running","containerStatuses":[{"name":"main","image":"registry.example:5000/ai/chat:1.4.2@sha256:00","restartCount":%d,"state":{"running":{}}}]}}]}`, more, next, p.app, p.restarts)
}

func (c *fakeCluster) log(w http.ResponseWriter, r *http.Request, name string) {
	q := r.URL.Query()
	p := c.pods[name]
	since, err := time.Parse(time.RFC3339, q.Get("sinceTime"))
	if p == nil || err != nil || q.Get("container") != "main" || q.Get("timestamps") != "true" {
		w.WriteHeader(400)
		return
	}
	since = since.Truncate(time.Second) // as the real one
	send := func(line string) {
		stamp, _, _ := strings.Cut(line, " ")
		if at, _ := time.Parse(time.RFC3339Nano, stamp); !at.Before(since) {
			fmt.Fprintln(w, line)
		}
	}
	if q.Get("previous") == "true" {
		for _, l := range p.before {
			send(l)
		}
		return
	}
	run := p.restarts
	for n := 0; ; {
		all := p.lines
		if p.restarts != run {
			all = p.before
		}
		for ; n < len(all); n++ {
			send(all[n])
		}
		w.(http.Flusher).Flush()
		if p.restarts != run || r.Context().Err() != nil {
			return
		}
		if c.cut > 0 && n > 0 {
			c.cut--
			panic(http.ErrAbortHandler)
		}
		c.mu.Unlock()
		time.Sleep(2 * time.Millisecond)
		c.mu.Lock()
	}
}

func TestPodsAreFollowedThroughRestarts(t *testing.T) {
	c := newCluster()
	server := httptest.NewServer(c)
	c.start("chat-7d9f8c6b5-x2x4z", "chat")
	c.write("chat-7d9f8c6b5-x2x4z", `{"message":"one"}`)
	s := mustOpen(t, "kubernetes", fmt.Sprintf("url = %q\nnamespace = \"ai\"\nselector = \"app in (chat, search)\"\nauthorization = { credentials = \"let-me-in\" }", server.URL))
	s.(*kubernetes).every = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var got gathered
	var errs []error
	ended := make(chan error, 1)
	go func() {
		ended <- s.(Logs).Follow(ctx, func(b Batch) {
			mu.Lock()
			defer mu.Unlock()
			if b.Err != nil {
				errs = append(errs, b.Err)
			}
			got.add(b)
		})
	}()
	count := func(message string) int {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for _, r := range got.records {
			if r.Message == message {
				n++
			}
		}
		return n
	}
	wait := func(message string) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); count(message) == 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s did not come; %s; %v", message, got.messages(), errs)
			}
		}
	}
	wait("one")
	c.start("search-0", "")
	c.mu.Lock()
	c.cut = 1
	c.mu.Unlock()
	c.write("chat-7d9f8c6b5-x2x4z", `{"message":"two"}`) // and the connection breaks
	wait("two")
	c.write("chat-7d9f8c6b5-x2x4z", `{"message":"last words"}`)
	c.restart("chat-7d9f8c6b5-x2x4z")
	c.write("chat-7d9f8c6b5-x2x4z", `{"message":"first words"}`)
	c.write("search-0", "ERROR plain")
	c.write("search-0", "  and more")
	wait("last words")
	wait("first words")
	wait("plain\n  and more")
	for _, m := range []string{"one", "two", "last words", "first words"} {
		if n := count(m); n != 1 {
			t.Errorf("%s came %d times", m, n)
		}
	}
	mu.Lock()
	for _, r := range got.records {
		service := map[bool]string{true: "search", false: "chat"}[strings.HasPrefix(r.Message, "plain")]
		if r.Service != service || r.Lineage.Build != "1.4.2" || r.At.IsZero() || time.Since(r.At) > time.Minute || !strings.HasPrefix(r.Origin, "ai/"+service) {
			t.Errorf("%+v", r)
		}
	}
	if len(errs) > 0 {
		t.Error(errs)
	}
	mu.Unlock()
	if v, err := s.(About).Version(ctx); v != "1.36.3" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	server.Close()
}

func TestTheWayIntoACluster(t *testing.T) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	config := `{"clusters":[{"cluster":{"server":"https://k.example:6443","certificate-authority-data":"` + b64("CA") + `"}}],"contexts":[{"context":{"namespace":"ai"}}],"users":[{"user":%s}]}`
	for name, c := range map[string]struct{ user, want, err string }{
		"a token":     {`{"token":"t"}`, "https://k.example:6443 ai t ", ""},
		"a file":      {`{"tokenFile":"/t"}`, "https://k.example:6443 ai  /t", ""},
		"a plugin":    {`{"exec":{"command":"aws"}}`, "", "kubectl proxy"},
		"certificate": {`{"client-certificate-data":"` + b64("CERT") + `","client-key-data":"` + b64("KEY") + `"}`, "https://k.example:6443 ai - CERT KEY", ""},
	} {
		var k kubernetesConfig
		err := k.apply([]byte(fmt.Sprintf(config, c.user)))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		must(t, err)
		got := k.URL + " " + k.Namespace + " "
		if k.Authorization != nil {
			got += k.Authorization.Credentials + " " + k.Authorization.CredentialsFile
		} else {
			cert, _ := os.ReadFile(k.TLSConfig.CertFile)
			key, _ := os.ReadFile(k.TLSConfig.KeyFile)
			got += "- " + string(cert) + " " + string(key)
		}
		if ca, _ := os.ReadFile(k.TLSConfig.CAFile); got != c.want || string(ca) != "CA" {
			t.Errorf("%s: %q, want %q; CA %q", name, got, c.want, ca)
		}
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	var k kubernetesConfig
	must(t, k.cluster())
	if k.URL != "https://[fd00::1]:443" || k.Authorization.CredentialsFile != accountDir+"token" || k.TLSConfig.CAFile != accountDir+"ca.crt" {
		t.Errorf("%s", k.URL)
	}
}

func TestNamesOfPodsTellTheService(t *testing.T) {
	for name, want := range map[string]string{"chat-7d9f8c6b5-x2x4z": "chat", "search-0": "search", "vector-db-abcde": "vector-db", "plain": "plain"} {
		var p pod
		p.Metadata.Name = name
		if got := serviceOf(p); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for image, want := range map[string]string{"a/b:1.2": "1.2", "host:5000/a": "", "host:5000/a:v3@sha256:00": "v3", "": ""} {
		if got := tagOf(image); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}
