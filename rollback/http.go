package rollback

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "http",
		Doc:  "A service that speaks the small contract of docs/rollback-http.md: GET says what runs, POST with If-Match takes it back.",
		Example: `service = "support-chat"
kind = "prompt"
driver = "http"
url = "https://deployer.example.com/rollback/support-chat/prompt"
timeout = "15s"
bearer_token_file = "/run/secrets/deployer"   # or: token = "${DEPLOYER_TOKEN}"
headers = { X-Team = "assist" }
`,
		Open: openHTTP,
	})
}

// maxAnswer is the longest answer that is read, of servers and of commands.
const maxAnswer = 1 << 20

const defaultTimeout = 15 * time.Second

type httpConfig struct {
	URL             string            `toml:"url"`
	Token           string            `toml:"token"`             // bearer token; ${NAME} is taken from the environment
	BearerTokenFile string            `toml:"bearer_token_file"` // read again for every request
	Headers         map[string]string `toml:"headers"`           // ${NAME} is taken from the environment
	Timeout         time.Duration     `toml:"timeout"`
}

type httpTarget struct {
	info      health.Target
	url       string
	token     string
	tokenFile string
	headers   http.Header
	timeout   time.Duration
	rt        http.RoundTripper
}

func openHTTP(info health.Target, decode Decode) (Target, error) {
	c := httpConfig{Timeout: defaultTimeout}
	if err := decode(&c); err != nil {
		return nil, err
	}
	t := &httpTarget{info: info, url: c.URL, tokenFile: c.BearerTokenFile, headers: http.Header{}, timeout: c.Timeout, rt: oneAttempt()}
	if t.timeout <= 0 {
		return nil, fmt.Errorf("timeout: %s is no time to wait; try \"15s\"", t.timeout)
	}
	var err error
	if t.token, err = expand(c.Token); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	if t.token != "" && t.tokenFile != "" {
		return nil, errors.New("token and bearer_token_file are both set: keep one")
	}
	secret, err := t.setHeaders(c.Headers)
	if err != nil {
		return nil, err
	}
	return t, checkURL(c.URL, secret || t.token != "" || t.tokenFile != "")
}

// oneAttempt is a transport that never sends a request twice. Go's own would:
// it takes a POST with an Idempotency-Key for repeatable when a kept connection
// breaks. So connections are not kept, and HTTP/2 with its own retries is off.
func oneAttempt() http.RoundTripper {
	var only1 http.Protocols
	only1.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DisableKeepAlives:      true,
		Protocols:              &only1,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    10 * time.Second,
	}
}

var reserved = map[string]bool{"If-Match": true, "Idempotency-Key": true, "Content-Type": true, "Content-Length": true, "Host": true, "Connection": true}

var secretName = regexp.MustCompile(`(?i)auth|cookie|token|key|secret|passw`)

// setHeaders says whether a credential is among them: by its name, or because
// its value comes from the environment.
func (t *httpTarget) setHeaders(headers map[string]string) (secret bool, err error) {
	for name, value := range headers {
		key := http.CanonicalHeaderKey(name)
		if reserved[key] {
			return false, fmt.Errorf("headers: %s is set by sickbay itself", key)
		}
		if key == "Authorization" && (t.token != "" || t.tokenFile != "") {
			return false, errors.New("headers: Authorization is already set by the token: keep one")
		}
		v, err := expand(value)
		if err != nil {
			return false, fmt.Errorf("headers: %s: %w", key, err)
		}
		secret = secret || v != value || secretName.MatchString(name)
		t.headers.Set(key, v)
	}
	return secret, nil
}

var variable = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

// expand replaces ${NAME} by the environment's value and refuses what is not set:
// an empty credential is a fault that should be seen here, not as a 401.
func expand(s string) (string, error) {
	var missing error
	out := variable.ReplaceAllStringFunc(s, func(m string) string {
		name := m[2 : len(m)-1]
		v := os.Getenv(name)
		if v == "" && missing == nil {
			missing = fmt.Errorf("the environment has no %s; set it, or use bearer_token_file", name)
		}
		return v
	})
	if missing != nil {
		return "", missing
	}
	if strings.ContainsAny(out, "\r\n\x00") {
		return "", errors.New("a line break is in it")
	}
	return out, nil
}

func checkURL(raw string, secret bool) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return errors.New("url is missing")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("url: %q is not an http or https address", tidy(raw, 80))
	case u.User != nil:
		return errors.New("url: credentials do not belong in it; use bearer_token_file")
	case secret && u.Scheme == "http" && !loopback(u.Hostname()):
		return fmt.Errorf("url: credentials would be sent in clear text to %s; use https", u.Host)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (t *httpTarget) Info() health.Target { return t.info }

func (t *httpTarget) Caps() Caps {
	return Caps{CompareAndSwap: true, Idempotent: true, Words: "compare-and-swap by ETag · one attempt, the same operation is done once"}
}

// httpState is the answer to GET.
type httpState struct {
	Current  string        `json:"current"`
	Ready    *bool         `json:"ready"` // nil: not said, taken for true
	Blocked  string        `json:"blocked"`
	Versions []httpVersion `json:"versions"`
}

type httpVersion struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	Note    string    `json:"note"`
}

func asVersions(in []httpVersion) []health.Version {
	if in == nil {
		return nil
	}
	out := make([]health.Version, 0, len(in))
	for _, v := range in {
		out = append(out, health.Version{ID: v.Version, At: v.At, Note: v.Note})
	}
	return out
}

// parseHTTPState reads the answer to GET; etag is the state's token.
func parseHTTPState(body []byte, etag string) (State, error) {
	var a httpState
	if err := json.Unmarshal(body, &a); err != nil {
		return State{}, fmt.Errorf("its answer is not the JSON of docs/rollback-http.md: %s", tidy(string(body), 80))
	}
	if !plainID(a.Current) {
		return State{}, fmt.Errorf("its answer names no current version: %q", tidy(a.Current, 60))
	}
	s := stateOf(a.Current, asVersions(a.Versions))
	s.Token, s.Blocked = etag, tidy(a.Blocked, 200)
	s.Ready = a.Ready == nil || *a.Ready
	return s, nil
}

func (t *httpTarget) Current(ctx context.Context) (State, error) {
	a, err := t.ask(ctx, http.MethodGet, nil, nil)
	if err != nil {
		return State{}, fmt.Errorf("%s cannot be read: %w", t.info.Name, err)
	}
	if a.code != http.StatusOK {
		return State{}, fmt.Errorf("%s cannot be read: %w", t.info.Name, a.refusal())
	}
	s, err := parseHTTPState(a.body, a.etag)
	if err != nil {
		return State{}, fmt.Errorf("%s cannot be read: %w", t.info.Name, err)
	}
	s.At = time.Now()
	return s, nil
}

func (t *httpTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	s, err := t.Current(ctx)
	if err != nil {
		return health.Plan{}, err
	}
	caps := t.Caps()
	caps.CompareAndSwap = s.Token != "" // a server without ETag cannot compare
	return draft(t.info, caps, s, to, time.Now())
}

func (t *httpTarget) Execute(ctx context.Context, p health.Plan, op, reason string) error {
	body, err := json.Marshal(map[string]string{"to": p.To, "reason": reason, "by": Who(Me())})
	if err != nil {
		return fmt.Errorf("%w: nothing was sent: %w", ErrFailed, err)
	}
	h := http.Header{"Idempotency-Key": {op}, "Content-Type": {"application/json"}}
	if p.Token != "" {
		h.Set("If-Match", p.Token)
	}
	a, err := t.ask(ctx, http.MethodPost, h, body)
	switch {
	case errors.Is(err, errNotSent):
		return fmt.Errorf("%w: %w", ErrFailed, err)
	case a.code >= 400 && a.code < 500:
		return a.refusal() // the status line came: whatever follows, it was refused
	case err != nil:
		return err
	case a.code != http.StatusOK && a.code != http.StatusAccepted && a.code != http.StatusNoContent:
		return a.refusal()
	case len(a.body) > 0 && !json.Valid(a.body):
		return fmt.Errorf("%d with an answer that is not JSON: somebody else may have answered: %s", a.code, tidy(string(a.body), 80))
	}
	return nil
}

// errNotSent marks what went wrong before anything left this process.
var errNotSent = errors.New("nothing was sent")

type httpAnswer struct {
	code int // 0: none came
	etag string
	body []byte
}

// ask makes one request and reads one answer. With an error, the answer holds
// what did come: a code without a body, or nothing.
func (t *httpTarget) ask(ctx context.Context, method string, h http.Header, body []byte) (httpAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	req, err := t.request(ctx, method, h, body)
	if err != nil {
		return httpAnswer{}, fmt.Errorf("%w: %w", errNotSent, err)
	}
	// RoundTrip, not Client.Do: redirects are not followed, for they would
	// carry the credentials elsewhere and send the request a second time.
	resp, err := t.rt.RoundTrip(req)
	if err != nil {
		return httpAnswer{}, err
	}
	defer resp.Body.Close()
	a := httpAnswer{code: resp.StatusCode, etag: resp.Header.Get("ETag")}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return a, fmt.Errorf("%d, and its answer broke off: %w", a.code, err)
	}
	if len(b) > maxAnswer {
		return a, fmt.Errorf("%d, and its answer is longer than 1 MB", a.code)
	}
	a.body = b
	return a, nil
}

func (t *httpTarget) request(ctx context.Context, method string, h http.Header, body []byte) (*http.Request, error) {
	var r io.Reader
	if body != nil {
		r = io.NopCloser(bytes.NewReader(body)) // hidden from net/http, which could otherwise send it again
	}
	req, err := http.NewRequestWithContext(ctx, method, t.url, r)
	if err != nil {
		return nil, err
	}
	req.ContentLength = int64(len(body))
	for k, v := range t.headers {
		req.Header[k] = v
	}
	for k, v := range h {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "sickbay")
	token, err := t.bearer()
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// bearer reads the token file anew each time: tokens are rotated.
func (t *httpTarget) bearer() (string, error) {
	if t.tokenFile == "" {
		return t.token, nil
	}
	b, err := os.ReadFile(t.tokenFile)
	if err != nil {
		return "", fmt.Errorf("bearer_token_file: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" || strings.ContainsAny(token, "\r\n\x00") || len(token) > 16<<10 {
		return "", fmt.Errorf("bearer_token_file: %s does not hold one token", t.tokenFile)
	}
	return token, nil
}

// refusal turns an answer that is no success into the error of its class.
func (a httpAnswer) refusal() error {
	said := fmt.Sprintf("%d %s", a.code, http.StatusText(a.code))
	if words := a.words(); words != "" {
		said += ": " + words
	}
	switch {
	case a.code == 409 || a.code == 412 || a.code == 422:
		return fmt.Errorf("%w: %s", ErrMoved, said)
	case a.code == 401 || a.code == 403:
		return fmt.Errorf("%w: %s", ErrDenied, said)
	case a.code >= 400 && a.code < 500:
		return fmt.Errorf("%w: %s", ErrFailed, said)
	case a.code >= 300 && a.code < 400:
		return fmt.Errorf("%s: redirects are not followed; put the final address into the config", said)
	}
	return errors.New(said)
}

// words is what the server says about it, harmless and short.
func (a httpAnswer) words() string {
	var m struct{ Error, Message, Current, Blocked string }
	if json.Unmarshal(a.body, &m) != nil {
		return tidy(string(a.body), 160)
	}
	for _, s := range []string{m.Error, m.Message, m.Blocked} {
		if s != "" {
			return tidy(s, 160)
		}
	}
	if m.Current != "" {
		return "it runs " + tidy(m.Current, 60)
	}
	return ""
}
