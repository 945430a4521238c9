package rollback

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"sickbay/health"
)

// deployer is a server that keeps the contract of docs/rollback-http.md.
type deployer struct {
	mu     sync.Mutex
	runs   string
	gen    int
	writes int
	done   map[string]string // answers by Idempotency-Key
	heard  []*http.Request
	bodies []map[string]string
	hang   bool
}

func newDeployer() *deployer { return &deployer{runs: "v32", gen: 1, done: map[string]string{}} }

func (d *deployer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	hang := d.hang
	d.mu.Unlock()
	if hang {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard = append(d.heard, r)
	etag := fmt.Sprintf(`"g%d"`, d.gen)
	if r.Method == http.MethodGet {
		w.Header().Set("ETag", etag)
		fmt.Fprintf(w, `{"current":%q,"ready":true,"blocked":"","versions":[
			{"version":"v33","at":"2026-11-22T10:00:00Z"},{"version":"v32","at":"2026-11-21T10:00:00Z"},
			{"version":"v31","at":"2026-11-20T10:00:00Z","note":"calm"},{"version":"v30"},{"version":"v29 rm -rf"}]}`, d.runs)
		return
	}
	var body map[string]string
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	d.bodies = append(d.bodies, body)
	key := r.Header.Get("Idempotency-Key")
	if answer, ok := d.done[key]; ok {
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, answer)
		return
	}
	if r.Header.Get("If-Match") != etag {
		w.WriteHeader(http.StatusPreconditionFailed)
		fmt.Fprintf(w, `{"current":%q}`, d.runs)
		return
	}
	d.runs, d.gen, d.writes = body["to"], d.gen+1, d.writes+1
	d.done[key] = fmt.Sprintf(`{"current":%q}`, d.runs)
	w.Header().Set("ETag", fmt.Sprintf(`"g%d"`, d.gen))
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, d.done[key])
}

func (d *deployer) locked(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

func openAt(t *testing.T, url, more string) Target {
	t.Helper()
	target, err := Open(info("http"), fromTOML(fmt.Sprintf("url = %q\n%s", url, more)))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func httpWorld(t *testing.T) world {
	d := newDeployer()
	return world{
		target: openAt(t, serve(t, d), ""),
		writes: func() (n int) { d.locked(func() { n = d.writes }); return },
		runs:   func() (v string) { d.locked(func() { v = d.runs }); return },
		move:   func() { d.locked(func() { d.runs, d.gen = "v33", d.gen+1 }) },
		hang:   func() { d.locked(func() { d.hang = true }) },
	}
}

func TestTheHTTPTargetKeepsTheContract(t *testing.T) {
	d := newDeployer()
	t.Setenv("DEPLOYER_TOKEN", "s3cret")
	target := openAt(t, serve(t, d), `token = "${DEPLOYER_TOKEN}"
headers = { x-team = "assist" }`)
	p, err := target.Plan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Execute(t.Context(), p, "op-7", "worse answers"); err != nil {
		t.Fatal(err)
	}
	r := d.heard[len(d.heard)-1]
	for name, want := range map[string]string{
		"If-Match": `"g1"`, "Idempotency-Key": "op-7", "Content-Type": "application/json",
		"Authorization": "Bearer s3cret", "X-Team": "assist", "User-Agent": "sickbay",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if b := d.bodies[0]; b["to"] != "v31" || b["reason"] != "worse answers" || b["by"] == "" {
		t.Errorf("body %v", b)
	}
	if err := target.Execute(t.Context(), p, "op-7", "worse answers"); err != nil || d.writes != 1 {
		t.Errorf("the same key twice: %v, done %d times, want once", err, d.writes)
	}
}

func TestEveryAnswerHasItsClass(t *testing.T) {
	answer := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code); io.WriteString(w, body) }
	}
	cut := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(code)
			io.WriteString(w, `{"current":`)
		}
	}
	unknown := errors.New("unknown")
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		class   error  // nil: taken
		says    string // part of the error
	}{
		{"202", answer(202, `{"current":"v31"}`), nil, ""},
		{"200", answer(200, `{}`), nil, ""},
		{"204", answer(204, ""), nil, ""},
		{"412", answer(412, `{"current":"v33"}`), ErrMoved, "it runs v33"},
		{"409", answer(409, `{"error":"busy"}`), ErrMoved, "409 Conflict: busy"},
		{"422", answer(422, ""), ErrMoved, "422"},
		{"401", answer(401, "who are you"), ErrDenied, "who are you"},
		{"403", answer(403, ""), ErrDenied, "403"},
		{"404", answer(404, `{"message":"no v31"}`), ErrFailed, "no v31"},
		{"400", answer(400, ""), ErrFailed, "400"},
		{"429", answer(429, ""), ErrFailed, "429"},
		{"412 broken off", cut(412), ErrMoved, "412"},
		{"500", answer(500, "panic"), unknown, "500 Internal Server Error: panic"},
		{"503", answer(503, ""), unknown, "503"},
		{"302", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, unknown, "redirects are not followed"},
		{"307", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, unknown, "redirects are not followed"},
		{"201", answer(201, "{}"), unknown, "201"},
		{"a login page with 200", answer(200, "<html>please log in"), unknown, "not JSON"},
		{"half an answer", cut(202), unknown, "broke off"},
		{"a huge answer", answer(202, strings.Repeat(" ", maxAnswer+1)), unknown, "longer than 1 MB"},
		{"hostile text", answer(400, "\x1b]0;pwned\x07\u202e\x1b[2J"), ErrFailed, "␛]0;pwned"},
		{"no answer in time", func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() }, unknown, ""},
		{"the connection closed", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		}, unknown, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			timeout := `timeout = "1m"`
			if c.name == "no answer in time" {
				timeout = `timeout = "200ms"`
			}
			var mu sync.Mutex
			posts := 0
			d := newDeployer()
			target := openAt(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					d.ServeHTTP(w, r)
					return
				}
				mu.Lock()
				posts++
				mu.Unlock()
				c.handler(w, r)
			})), timeout)
			p, err := target.Plan(t.Context(), "v31")
			if err != nil {
				t.Fatal(err)
			}
			err = target.Execute(t.Context(), p, p.ID, "worse answers")
			if got := class(err, unknown); got != c.class {
				t.Errorf("%v is of class %v, want %v", err, got, c.class)
			}
			if err != nil && (!strings.Contains(err.Error(), c.says) || strings.ContainsAny(err.Error(), "\x1b\x07\u202e")) {
				t.Errorf("it says %q, want %q", err, c.says)
			}
			mu.Lock()
			defer mu.Unlock()
			if posts != 1 {
				t.Errorf("sent %d times, want exactly once", posts)
			}
		})
	}
}

func class(err, unknown error) error {
	for _, c := range []error{ErrMoved, ErrDenied, ErrFailed} {
		if errors.Is(err, c) {
			return c
		}
	}
	if err != nil {
		return unknown
	}
	return nil
}

func TestNobodyAtTheOtherEndIsUnknownToo(t *testing.T) {
	s := httptest.NewServer(newDeployer())
	target := openAt(t, s.URL, "")
	p, err := target.Plan(t.Context(), "v31")
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := target.Execute(t.Context(), p, p.ID, "x"); err == nil || class(err, nil) != nil {
		t.Errorf("it says %v, want an error of no class", err)
	}
}

// TestNoSafeConnectionIsUnknownToo: a certificate nobody knows, and a name nobody has.
func TestNoSafeConnectionIsUnknownToo(t *testing.T) {
	s := httptest.NewTLSServer(newDeployer())
	t.Cleanup(s.Close)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	for _, url := range []string{s.URL, "https://nobody.invalid"} {
		target := openAt(t, url, "")
		if _, err := target.Current(t.Context()); err == nil {
			t.Errorf("%s can be read", url)
		}
		if err := target.Execute(t.Context(), health.Plan{From: "v32", To: "v31", Token: "x"}, "op-1", "x"); err == nil || class(err, nil) != nil {
			t.Errorf("%s: %v, want an error of no class", url, err)
		}
	}
}

// TestAClockThatIsOffIsSaidInThePlan: more than 5 s, by the Date of the newest answer; of
// a bundle by whose it is.
func TestAClockThatIsOffIsSaidInThePlan(t *testing.T) {
	for ahead, want := range map[time.Duration]string{
		0: "", 4 * time.Second: "", -4 * time.Second: "",
		90 * time.Second: "its clock is 90 s ahead of ours", -2 * time.Hour: "its clock is 2 h behind ours",
	} {
		inner := newDeployer()
		target := openAt(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			inner.ServeHTTP(w, r)
		})), "")
		p, err := NewDesk(DeskOptions{Targets: []Target{target}}).Plan(t.Context(), target.Info().Name, "v31", nil)
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Join(p.Warnings, "; ")
		if got := strings.Contains(said, "its clock is"); got != (want != "") || !strings.Contains(said, want) {
			t.Errorf("%s ahead: %q, want %q", ahead, said, want)
		}
	}
}

func TestAServerWithoutETagIsWarnedAbout(t *testing.T) {
	target := openAt(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"current":"v2","versions":[{"version":"v2"},{"version":"v1"}]}`)
	})), "")
	p, err := target.Plan(t.Context(), "")
	if err != nil || !strings.Contains(strings.Join(p.Warnings, ""), "no compare-and-swap") {
		t.Errorf("warnings %q, %v", p.Warnings, err)
	}
}

func TestAnAnswerThatCannotBeReadIsSaid(t *testing.T) {
	for _, c := range []struct {
		code       int
		body, want string
	}{
		{200, "<html>", "not the JSON"}, {200, `{"versions":[]}`, "no current version"},
		{200, `{"current":"v1\u001b[2J"}`, "no current version"}, {404, "nothing here", "404 Not Found: nothing here"},
		{401, "", "refused the credentials"}, {302, "", "redirects are not followed"}, {500, "\x1b[2J", "␛[2J"},
		{200, strings.Repeat("x", maxAnswer+1), "longer than 1 MB"},
	} {
		target := openAt(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/else")
			w.WriteHeader(c.code)
			io.WriteString(w, c.body)
		})), "")
		if _, err := target.Current(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%d %.20q: %v, want %q", c.code, c.body, err, c.want)
		}
	}
}

func TestTheHTTPSectionIsCheckedWhenItIsRead(t *testing.T) {
	t.Setenv("HAS", "value")
	t.Setenv("SPLIT", "a\nb")
	for _, c := range []struct{ section, want string }{
		{`url = "https://x.example/a"`, ""},
		{`url = "http://x.example/a"`, ""},
		{`url = "https://x.example/a"` + "\n" + `token = "${HAS}"`, ""},
		{`url = "http://127.0.0.1:9/a"` + "\n" + `token = "${HAS}"`, ""},
		{`url = "http://localhost/a"` + "\n" + `bearer_token_file = "/x"`, ""},
		{`url = "http://[::1]:9/a"` + "\n" + `bearer_token_file = "/x"`, ""},
		{`url = "http://x.example/a"` + "\n" + `token = "abc"`, "clear text to x.example"},
		{`url = "http://x.example/a"` + "\n" + `bearer_token_file = "/x"`, "clear text"},
		{`url = "http://x.example/a"` + "\n" + `headers = { Authorization = "Basic abc" }`, "clear text"},
		{`url = "http://x.example/a"` + "\n" + `headers = { X-Api-Key = "abc" }`, "clear text"},
		{`url = "http://x.example/a"` + "\n" + `headers = { X-Any = "${HAS}" }`, "clear text"},
		{`url = "http://x.example/a"` + "\n" + `headers = { X-Team = "a" }`, ""},
		{`url = "https://u:p@x.example/a"`, "credentials do not belong"},
		{`url = "ftp://x.example/a"`, "not an http"}, {`url = "::"`, "not an http"}, {``, "url is missing"},
		{`url = "https://x"` + "\n" + `token = "${HAS_NOT}"`, "environment has no HAS_NOT"},
		{`url = "https://x"` + "\n" + `token = "${SPLIT}"`, "line break"},
		{`url = "https://x"` + "\n" + `token = "a"` + "\n" + `bearer_token_file = "/x"`, "keep one"},
		{`url = "https://x"` + "\n" + `headers = { if-match = "a" }`, "If-Match is set by sickbay"},
		{`url = "https://x"` + "\n" + `token = "a"` + "\n" + `headers = { authorization = "a" }`, "keep one"},
		{`url = "https://x"` + "\n" + `timeout = "0s"`, "no time to wait"},
		{`url = "https://x"` + "\n" + `timeout = "soon"`, "soon"},
	} {
		_, err := Open(info("http"), fromTOML(c.section))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v, want %q", c.section, err, c.want)
		}
	}
}

func TestTheTokenFileIsReadAnewForEveryRequest(t *testing.T) {
	d := newDeployer()
	path := file(t, "token", "first\n")
	target := openAt(t, serve(t, d), fmt.Sprintf("bearer_token_file = %q", path))
	if _, err := target.Current(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, path, "second")
	if _, err := target.Current(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, b := d.heard[0].Header.Get("Authorization"), d.heard[1].Header.Get("Authorization"); a != "Bearer first" || b != "Bearer second" {
		t.Errorf("sent %q, then %q", a, b)
	}
	write(t, path, "")
	p, err := target.Plan(t.Context(), "")
	if err == nil || !strings.Contains(err.Error(), "does not hold one token") {
		t.Errorf("an empty token file gives %v", err)
	}
	if err := target.Execute(t.Context(), p, "op", "x"); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "nothing was sent") {
		t.Errorf("and execute gives %v, want ErrFailed: nothing was sent", err)
	}
}

func FuzzHTTPState(f *testing.F) {
	f.Add([]byte(`{"current":"v32","ready":true,"blocked":"","versions":[{"version":"v32","at":"2026-11-21T10:00:00Z"},{"version":"v31"}]}`))
	f.Add([]byte(`{"current":"v1","versions":null}`))
	f.Add([]byte(`{"current":"v1","versions":[{"version":"v1"},{"version":"v1"},{"version":"\u202e"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseHTTPState(b, "e")
		if err != nil {
			return
		}
		checkState(t, s)
	})
}

// checkState holds what must be true of every state that was read.
func checkState(t *testing.T, s State) {
	if !plainID(s.Version) || s.Back != "" && !plainID(s.Back) {
		t.Errorf("version %q, back %q", s.Version, s.Back)
	}
	for _, v := range s.History {
		if !plainID(v.ID) || v.ID == s.Version || strings.ContainsAny(v.Note, "\x1b\n") {
			t.Errorf("history holds %+v beside %q", v, s.Version)
		}
	}
	if p, err := draft(info("http"), Caps{}, s, "", time.Now()); err == nil && p.To == p.From {
		t.Errorf("a plan from %s to %s", p.From, p.To)
	}
}
