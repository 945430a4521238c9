package sources

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/BurntSushi/toml"
)

// decoder reads a section of TOML as the config room does: a key that the kind
// does not know is an error.
func decoder(section string) Decode {
	return func(into any) error {
		md, err := toml.Decode(section, into)
		if err != nil {
			return err
		}
		for _, key := range md.Undecoded() {
			if k := key.String(); k != "kind" && k != "name" {
				return fmt.Errorf("unknown key %q", k)
			}
		}
		return nil
	}
}

func mustOpen(t *testing.T, kind, section string) Source {
	t.Helper()
	s, err := Open(kind, "main", decoder(section))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// questions are the abilities of a source, as calls.
func questions(s Source) map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{}
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	if m, ok := s.(Metrics); ok {
		all["range"] = func(ctx context.Context) error {
			_, err := m.Range(ctx, "up", now.Add(-time.Hour), now, 15*time.Second)
			return err
		}
		all["instant"] = func(ctx context.Context) error {
			_, err := m.Instant(ctx, "up", now)
			return err
		}
	}
	if c, ok := s.(Changes); ok {
		all["changes"] = func(ctx context.Context) error {
			_, err := c.Changes(ctx, now.Add(-time.Hour))
			return err
		}
	}
	if a, ok := s.(Alerts); ok {
		all["alerts"] = func(ctx context.Context) error {
			_, err := a.Alerts(ctx)
			return err
		}
	}
	if tr, ok := s.(Traces); ok {
		all["trace"] = func(ctx context.Context) error {
			_, err := tr.Trace(ctx, "5b8efff798038103d269b633813fc60c")
			return err
		}
	}
	if a, ok := s.(About); ok {
		all["version"] = func(ctx context.Context) error {
			_, err := a.Version(ctx)
			return err
		}
	}
	if l, ok := s.(Logs); ok {
		all["follow"] = func(ctx context.Context) error {
			return l.Follow(ctx, func(Batch) {})
		}
	}
	return all
}

var commented = regexp.MustCompile(`(?m)^# ([a-z_]+ = .*)$`)

func TestEverySource(t *testing.T) {
	if len(Kinds()) == 0 {
		t.Fatal("there is no kind of source")
	}
	for _, k := range Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			t.Run("has words for the docs", func(t *testing.T) {
				if k.Doc == "" || !strings.Contains(k.Example, fmt.Sprintf("kind = %q\n", k.Name)) {
					t.Errorf("doc %q, example\n%s", k.Doc, k.Example)
				}
			})
			t.Run("has an example that opens, and so does each key it only mentions", func(t *testing.T) {
				s := mustOpen(t, k.Name, k.Example)
				if s.Name() != "main" {
					t.Errorf("is called %q", s.Name())
				}
				for _, m := range commented.FindAllStringSubmatch(k.Example, -1) {
					err := openWith(k, strings.Replace(k.Example, m[0], m[1], 1))
					if err != nil && strings.Contains(err.Error(), "unknown key") {
						t.Errorf("%s: %v", m[1], err)
					}
				}
			})
			t.Run("refuses a key it does not know", func(t *testing.T) {
				err := openWith(k, k.Example+"\ntimout = 1\n")
				if err == nil || err.Error() != `source "main": unknown key "timout"` {
					t.Errorf("got %v", err)
				}
			})
			t.Run("says what is missing and how it would look", func(t *testing.T) {
				err := openWith(k, "")
				if needNothing[k.Name] {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), "is missing; say ") || !strings.Contains(err.Error(), ` = `) {
					t.Errorf("got %v", err)
				}
			})
			t.Run("shows where it is without secrets", func(t *testing.T) {
				kind, where := mustOpen(t, k.Name, k.Example).(About).About()
				if kind != k.Name || where == "" {
					t.Errorf("%q at %q", kind, where)
				}
			})
			t.Run("stops within 100 ms of cancel and leaves nobody behind", func(t *testing.T) { stops(t, k) })
		})
	}
}

// needNothing are the kinds that need not be told where to look.
var needNothing = map[string]bool{"stdin": true, "journald": true}

func openWith(k Kind, section string) error {
	s, err := Open(k.Name, "main", decoder(section))
	if err == nil {
		err = s.Close()
	}
	return err
}

// stops asks everything of a server that never answers, then loses patience.
func stops(t *testing.T, k Kind) {
	arrived, enough := make(chan bool, 100), make(chan bool)
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- true
		<-enough
	}))
	defer hangs.Close()
	before := runtime.NumGoroutine()
	s := mustOpen(t, k.Name, pointedAt(t, k, hangs.URL))
	ctx, cancel := context.WithCancel(t.Context())
	asked := questions(s)
	ended := make(chan string, len(asked))
	for name, ask := range asked {
		go func() {
			_ = ask(ctx)
			ended <- name
		}()
	}
	if _, ok := s.(Metrics); ok {
		for range asked {
			<-arrived
		}
	}
	cancel()
	deadline := time.After(100 * time.Millisecond)
	if raceEnabled {
		deadline = time.After(time.Second)
	}
	for range asked {
		select {
		case <-ended:
		case <-deadline:
			t.Fatal("still asking")
		}
	}
	s.Close()
	close(enough)
	for end := time.Now().Add(2 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, were %d\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

// pointedAt is a section for a server or a folder of this test.
func pointedAt(t *testing.T, k Kind, url string) string {
	if strings.Contains(k.Example, "\npaths = ") {
		return fmt.Sprintf("paths = [%q]", filepath.Join(t.TempDir(), "*.jsonl"))
	}
	if needNothing[k.Name] {
		return ""
	}
	return fmt.Sprintf("url = %q\n", url) + needs[k.Name]
}

// needs is what a kind must be told besides an address.
var needs = map[string]string{"github": `repository = "example/support-chat"`, "gitlab": `project = "group/support-chat"`}

// answering makes a source whose server is a function: no socket, no port.
func answering(t *testing.T, kind string, serve http.HandlerFunc) Source {
	t.Helper()
	return answeringWith(t, kind, "", serve)
}

// answeringWith makes one with more in its section.
func answeringWith(t *testing.T, kind, section string, serve http.HandlerFunc) Source {
	t.Helper()
	return transportedWith(t, kind, section, roundTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		serve(w, r)
		resp := w.Result()
		resp.Request = r
		return resp, nil
	}))
}

func transported(t *testing.T, kind string, rt http.RoundTripper) Source {
	t.Helper()
	return transportedWith(t, kind, "", rt)
}

func transportedWith(t *testing.T, kind, section string, rt http.RoundTripper) Source {
	t.Helper()
	s := mustOpen(t, kind, `url = "http://prometheus.example:9090/base"`+"\n"+needs[kind]+"\n"+section)
	w := serverOf(s)
	w.client.Transport.(*capped).next = rt
	return s
}

func serverOf(s Source) *web {
	switch s := s.(type) {
	case *prometheus:
		return s.web
	case *webFeed:
		return s.web
	case *jaeger:
		return s.web
	case *tempo:
		return s.web
	case *alertmanager:
		return s.web
	case *loki:
		return s.web
	case *kubernetes:
		return s.web
	case *ledger:
		return s.web
	}
	return nil
}

// nothing is a good answer.
const nothing = `{"status":"success","data":{"resultType":"vector","result":[]}}`

func answer(r *http.Request, code int, body string, headers ...string) *http.Response {
	w := httptest.NewRecorder()
	for i := 0; i < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(code)
	io.WriteString(w, body)
	resp := w.Result()
	resp.Request = r
	return resp
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// serverKinds are the kinds that ask a server.
var serverKinds = []string{"prometheus", "feed", "jaeger", "tempo", "alertmanager"}

// ledgerKinds are those that are asked for changes alone, all in the same way.
var ledgerKinds = []string{"argocd", "github", "gitlab", "grafana", "kubernetes-rollouts", "langfuse", "mlflow"}

func TestHostileAnswersBecomeErrorsThatNameTheSource(t *testing.T) {
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		kind  error
		text  string // in every error
	}{
		"a server error":     {status(500, "boom"), nil, ""},
		"no access":          {status(401, "who are you"), nil, "401 unauthorized (who are you): it wants credentials: set authorization or basic_auth"},
		"too many questions": {status(429, "slow down"), ErrBusy, ""},
		"unavailable":        {status(503, "try later"), ErrBusy, ""},
		"a bad question":     {status(400, `{"status":"error","errorType":"bad_data","error":"parse error"}`), ErrRefused, ""},
		"an HTML page":       {status(200, "<html>log in</html>"), nil, ""},
		"half an answer":     {status(200, `[{"id":"1","ts":`), nil, ""},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://u:p@login.example/in?token=s3cret", http.StatusFound)
		}, nil, "answers with a redirect to https://login.example/in;"},
		"a very long error": {status(500, strings.Repeat("x", 1<<20)), nil, ""},
		"not the gzip it claims": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "plain")
		}, nil, ""},
	} {
		for _, kind := range slices.Concat(serverKinds, ledgerKinds) {
			s := answering(t, kind, c.serve)
			for what, ask := range questions(s) {
				if _, seldom := s.(*ledger); what == "version" && (seldom || kind == "feed") {
					continue // asks nobody
				}
				err := ask(t.Context())
				switch {
				case err == nil:
					t.Errorf("%s: %s of %s: no error", name, what, kind)
				case !strings.HasPrefix(err.Error(), "main: ") || !strings.Contains(err.Error(), c.text):
					t.Errorf("%s: %s of %s: %v", name, what, kind, err)
				case len(err.Error()) > 500 || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "u:p"):
					t.Errorf("%s: %s of %s says too much: %.600v", name, what, kind, err)
				case c.kind != nil && !errors.Is(err, c.kind):
					t.Errorf("%s: %s of %s: %v is not %v", name, what, kind, err, c.kind)
				}
			}
		}
	}
}

// endless is a list that never ends: blanks after its bracket.
type endless struct{ begun bool }

var blanks = bytes.Repeat([]byte(" "), 1<<16)

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, blanks)
	if !e.begun {
		e.begun, p[0] = true, '['
	}
	return n, nil
}

func TestAnAnswerWithoutEndIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where no time passes while 64 MiB are read
		for _, kind := range serverKinds {
			s := transported(t, kind, roundTripper(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(&endless{}), Request: r}, nil
			}))
			for what, ask := range questions(s) {
				if what != "range" && what != "changes" {
					continue
				}
				if err := ask(t.Context()); err == nil || err.Error() != "main: answer is larger than 64 MiB: ask for less with a lower max_series or a shorter window" {
					t.Errorf("%s of %s: %v", what, kind, err)
				}
			}
		}
	})
}

func TestASlowServerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, kind := range serverKinds {
			s := transported(t, kind, roundTripper(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}))
			for what, ask := range questions(s) {
				if what == "version" && kind == "feed" {
					continue
				}
				began := time.Now()
				err := ask(t.Context())
				if took := time.Since(began); err == nil || err.Error() != "main: no answer within 10s: it hangs, or timeout is too short" || took != webTimeout {
					t.Errorf("%s of %s: %v after %v", what, kind, err, took)
				}
			}
		}
	})
}

func TestNoMoreQuestionsThanAllowedAreOutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out atomic.Int32
		s := transported(t, "prometheus", roundTripper(func(r *http.Request) (*http.Response, error) {
			out.Add(1)
			time.Sleep(time.Second)
			out.Add(-1)
			return answer(r, 200, nothing), nil
		}))
		for range 20 {
			go questions(s)["instant"](t.Context())
		}
		for _, want := range []int32{8, 8, 4, 0} {
			synctest.Wait()
			if got := out.Load(); got != want {
				t.Errorf("%d questions at once, want %d", got, want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestAServerThatIsNotThereIsNamedWithoutItsAddress(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, kind := range serverKinds {
		s := mustOpen(t, kind, fmt.Sprintf("url = \"%s/?key=s3cret\"", gone.URL))
		for what, ask := range questions(s) {
			if what == "version" && kind == "feed" {
				continue
			}
			err := ask(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), "main: cannot be reached: 127.0.0.1:") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s of %s: %v", what, kind, err)
			}
		}
	}
}

func TestWhatIsWrongWithAServersSection(t *testing.T) {
	t.Setenv("SICKBAY_TEST_PASSWORD", "s3cret")
	missing := filepath.Join(t.TempDir(), "ca.pem")
	for section, want := range map[string]string{
		`url = "prometheus:9090"`:                                                  `source "main": url: is not an http or https address`,
		`url = "ftp://x"`:                                                          `source "main": url: is not an http or https address`,
		`url = "http://u:s3cret@x"`:                                                `source "main": url: credentials do not belong in it; use basic_auth`,
		`url = "http://x"` + "\ntimeout = \"-1s\"":                                 `source "main": timeout: -1s is no time to wait; try "10s"`,
		`url = "http://x"` + "\nconcurrency = 1000":                                `source "main": concurrency: 1000 questions at once; say 1 to 100`,
		`url = "http://x"` + "\nproxy_url = \"::\"":                                `source "main": proxy_url: is not an address`,
		`url = "http://${SICKBAY_TEST_NOBODY}"`:                                    `source "main": url: the environment variable SICKBAY_TEST_NOBODY is not set`,
		`url = "http://x"` + "\nhttp_headers = { A = \"${SICKBAY_TEST_NOBODY}\" }": `source "main": http_headers.A: the environment variable SICKBAY_TEST_NOBODY is not set`,
		`url = "http://x"` + "\nbasic_auth = { username = \"u\", password = \"${SICKBAY_TEST_PASSWORD}\" }":           `source "main": url: credentials would go to x in clear text; use https`,
		`url = "http://x"` + "\nhttp_headers = { X-Api-Key = \"k\" }":                                                 `source "main": url: credentials would go to x in clear text; use https`,
		`url = "http://127.0.0.1:1"` + "\nbasic_auth = { username = \"u\", password = \"${SICKBAY_TEST_PASSWORD}\" }": ``,
		`url = "http://localhost:1"` + "\nauthorization = { credentials = \"t\" }":                                    ``,
		`url = "http://x"` + "\nhttp_headers = { X-Scope-OrgID = \"team\" }":                                          ``,
		`url = "https://x"` + "\nbasic_auth = { username = \"u\" }\nauthorization = { credentials = \"t\" }":          `source "main": at most one of basic_auth, oauth2 & authorization must be configured`,
		`url = "https://x"` + fmt.Sprintf("\ntls_config = { ca_file = %q }", missing):                                 `source "main": tls_config: unable to read CA cert: unable to read file ` + missing,
	} {
		for _, kind := range serverKinds {
			_, err := Open(kind, "main", decoder(section))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != want && !(want != "" && strings.HasPrefix(got, want)) || strings.Contains(got, "s3cret") {
				t.Errorf("%s\ngot  %s\nwant %s", section, got, want)
			}
		}
	}
}

func TestCredentialsHeadersAndNameReachTheServer(t *testing.T) {
	t.Setenv("SICKBAY_TEST_PASSWORD", "s3cret")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("first\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
	}))
	defer server.Close()
	base := fmt.Sprintf("url = %q\n", server.URL)

	s := mustOpen(t, "prometheus", base+`basic_auth = { username = "u", password = "${SICKBAY_TEST_PASSWORD}" }`+"\n"+`http_headers = { X-Scope-OrgID = "team-a" }`)
	if err := questions(s)["instant"](t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.Get("Authorization") != "Basic dTpzM2NyZXQ=" || got.Get("X-Scope-OrgID") != "team-a" || !strings.HasPrefix(got.Get("User-Agent"), "sickbay/") {
		t.Errorf("%v", got)
	}

	s = mustOpen(t, "prometheus", base+fmt.Sprintf("authorization = { credentials_file = %q }", file))
	for _, token := range []string{"first", "second"} { // the file is read again
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := questions(s)["instant"](t.Context()); err != nil || got.Get("Authorization") != "Bearer "+token {
			t.Errorf("%v, %v", got.Get("Authorization"), err)
		}
	}
}

func TestACertificateNobodyKnowsIsRefusedUnlessToldOtherwise(t *testing.T) {
	server := httptest.NewUnstartedServer(body(`{"status":"success","data":{"resultType":"vector","result":[]}}`))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake is what we are here for
	server.StartTLS()
	defer server.Close()
	base := fmt.Sprintf("url = %q\n", server.URL)
	s := mustOpen(t, "prometheus", base)
	if err := questions(s)["instant"](t.Context()); err == nil || !strings.Contains(err.Error(), "main: TLS: certificate is signed by somebody unknown: name his certificate in tls_config.ca_file") {
		t.Errorf("got %v", err)
	}
	s = mustOpen(t, "prometheus", base+"tls_config = { insecure_skip_verify = true }")
	if err := questions(s)["instant"](t.Context()); err != nil {
		t.Error(err)
	}
	if _, where := s.(About).About(); !strings.HasSuffix(where, "(certificate not verified)") {
		t.Errorf("%q does not say that nobody looks at the certificate", where)
	}
}

func TestLimitedReadsExactlyWhatIsAllowed(t *testing.T) {
	for size, want := range map[int]error{9: nil, 10: nil, 11: errTooLarge} {
		l := &limited{r: bytes.NewReader(make([]byte, size)), left: 10}
		if _, err := io.ReadAll(l); !errors.Is(err, want) {
			t.Errorf("%d bytes of 10: %v, want %v", size, err, want)
		}
	}
}
