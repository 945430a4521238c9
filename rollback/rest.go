package rollback

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"sickbay/health"
)

// maxAnswer is the longest answer that is read, of servers and of commands.
const maxAnswer = 1 << 20

const defaultTimeout = 15 * time.Second

// apiConfig are the keys of every target that is a server.
type apiConfig struct {
	URL             string            `toml:"url"`
	Token           string            `toml:"token"`             // bearer token; ${NAME} is taken from the environment
	BearerTokenFile string            `toml:"bearer_token_file"` // read again for every request
	Username        string            `toml:"username"`          // basic authentication: the password is the token
	Headers         map[string]string `toml:"headers"`           // ${NAME} is taken from the environment
	CAFile          string            `toml:"ca_file"`           // who signed the server's certificate
	CertFile        string            `toml:"cert_file"`         // our own
	KeyFile         string            `toml:"key_file"`
	Timeout         time.Duration     `toml:"timeout"`
}

// An api is a server that is asked over HTTP: where it is, and who asks.
type api struct {
	url           string // without a trailing slash
	token         string
	tokenFile     string
	username      string
	bare          bool // the Authorization header is the token alone
	headers       http.Header
	secretHeaders bool // a credential is among them
	timeout       time.Duration
	rt            http.RoundTripper
	max           int64         // the longest answer that is read
	moved         []int         // the codes that say: the state is another one
	ahead         *atomic.Int64 // of our clock by theirs, in ns, by their newest answer
}

// openAPI decodes a section into all, of which c is the part about the server.
func openAPI(decode Decode, all any, c *apiConfig) (*api, error) {
	c.Timeout = defaultTimeout
	if err := decode(all); err != nil {
		return nil, err
	}
	a, err := c.open()
	if err != nil {
		return nil, err
	}
	if err := checkURL(c.URL, a.secret()); err != nil {
		return nil, err
	}
	return a, nil
}

// openNoticeAPI is openAPI for who is told afterwards. Where that is, is not looked at.
func openNoticeAPI(decode Decode, all any, c *apiConfig) (*api, error) {
	c.Timeout = 5 * time.Second
	if err := decode(all); err != nil {
		return nil, err
	}
	return c.open()
}

// secret says whether credentials are sent along.
func (a *api) secret() bool { return a.secretHeaders || a.token != "" || a.tokenFile != "" }

// open makes of the keys whom to ask, but for where.
func (c *apiConfig) open() (*api, error) {
	a := &api{ahead: new(atomic.Int64), url: strings.TrimRight(c.URL, "/"), tokenFile: c.BearerTokenFile, username: c.Username, headers: http.Header{},
		timeout: c.Timeout, max: maxAnswer, moved: []int{http.StatusConflict, http.StatusPreconditionFailed}}
	if a.timeout <= 0 {
		return nil, fmt.Errorf("timeout: %s is no time to wait; try \"15s\"", a.timeout)
	}
	var err error
	if a.token, err = expand(c.Token); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	if a.token != "" && a.tokenFile != "" {
		return nil, errors.New("token and bearer_token_file are both set: keep one")
	}
	if a.secretHeaders, err = a.setHeaders(c.Headers); err != nil {
		return nil, err
	}
	a.rt = oneAttempt(certificates(*c))
	return a, nil
}

// oneAttempt is a transport that never sends a request twice. Go's own would:
// it takes a POST with an Idempotency-Key for repeatable when a kept connection
// breaks. So connections are not kept, and HTTP/2 with its own retries is off.
func oneAttempt(secure func() (*tls.Config, error)) http.RoundTripper {
	return &transport{secure: secure}
}

// A transport reads the certificate files when the first request needs them: a
// config can be read where they are not.
type transport struct {
	secure func() (*tls.Config, error)
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	secure, err := t.secure()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotSent, err)
	}
	var only1 http.Protocols
	only1.SetHTTP1(true)
	once := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DisableKeepAlives:      true,
		Protocols:              &only1,
		TLSClientConfig:        secure,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    10 * time.Second,
	}
	return once.RoundTrip(r)
}

// certificates reads the files of a config anew each time: they are rotated.
func certificates(c apiConfig) func() (*tls.Config, error) {
	return func() (*tls.Config, error) {
		t := &tls.Config{MinVersion: tls.VersionTLS12}
		if c.CAFile != "" {
			pem, err := os.ReadFile(c.CAFile)
			if err != nil {
				return nil, fmt.Errorf("ca_file: %w", err)
			}
			t.RootCAs = x509.NewCertPool()
			if !t.RootCAs.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("ca_file: %s holds no certificate", c.CAFile)
			}
		}
		if c.CertFile != "" || c.KeyFile != "" {
			pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			if err != nil {
				return nil, fmt.Errorf("cert_file and key_file: %w", err)
			}
			t.Certificates = []tls.Certificate{pair}
		}
		return t, nil
	}
}

var reserved = map[string]bool{"If-Match": true, "Idempotency-Key": true, "Content-Type": true, "Content-Length": true, "Host": true, "Connection": true}

var secretName = regexp.MustCompile(`(?i)auth|cookie|token|key|secret|passw`)

// setHeaders says whether a credential is among them: by its name, or because
// its value comes from the environment.
func (a *api) setHeaders(headers map[string]string) (secret bool, err error) {
	for name, value := range headers {
		key := http.CanonicalHeaderKey(name)
		if reserved[key] {
			return false, fmt.Errorf("headers: %s is set by sickbay itself", key)
		}
		if key == "Authorization" && (a.token != "" || a.tokenFile != "") {
			return false, errors.New("headers: Authorization is already set by the token: keep one")
		}
		v, err := expand(value)
		if err != nil {
			return false, fmt.Errorf("headers: %s: %w", key, err)
		}
		secret = secret || v != value || secretName.MatchString(name)
		a.headers.Set(key, v)
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

// errNotSent marks what went wrong before anything left this process.
var errNotSent = errors.New("nothing was sent")

type httpAnswer struct {
	code  int // 0: none came
	etag  string
	body  []byte
	moved []int
}

// read asks a question and decodes the answer into into.
func (a *api) read(ctx context.Context, path string, into any) error {
	got, err := a.ask(ctx, http.MethodGet, path, nil, nil)
	switch {
	case err != nil:
		return err
	case got.code != http.StatusOK:
		return got.refusal()
	}
	if err := json.Unmarshal(got.body, into); err != nil {
		return fmt.Errorf("its answer is not what its documentation says: %s", tidy(string(got.body), 80))
	}
	return nil
}

// send makes the one attempt to change something. The error is of a class, or
// means that it may have happened.
func (a *api) send(ctx context.Context, method, path string, h http.Header, body any) (httpAnswer, error) {
	js, err := json.Marshal(body)
	if err != nil {
		return httpAnswer{}, fmt.Errorf("%w: nothing was sent: %w", ErrFailed, err)
	}
	if h == nil {
		h = http.Header{}
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	got, err := a.ask(ctx, method, path, h, js)
	switch {
	case errors.Is(err, errNotSent):
		return got, fmt.Errorf("%w: %w", ErrFailed, err)
	case got.code >= 400 && got.code < 500:
		return got, got.refusal() // the status line came: whatever follows, it was refused
	case err != nil:
		return got, err
	case got.code < 200 || got.code > 299:
		return got, got.refusal()
	}
	return got, nil
}

// ask makes one request and reads one answer. With an error, the answer holds
// what did come: a code without a body, or nothing.
func (a *api) ask(ctx context.Context, method, path string, h http.Header, body []byte) (httpAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	req, token, err := a.request(ctx, method, path, h, body)
	if err != nil {
		return httpAnswer{}, fmt.Errorf("%w: %w", errNotSent, err)
	}
	// RoundTrip, not Client.Do: redirects are not followed, for they would
	// carry the credentials elsewhere and send the request a second time.
	resp, err := a.rt.RoundTrip(req)
	if err != nil {
		return httpAnswer{}, err
	}
	defer resp.Body.Close()
	a.setBy(resp.Header.Get("Date"), time.Now())
	got := httpAnswer{code: resp.StatusCode, etag: resp.Header.Get("ETag"), moved: a.moved}
	b, err := io.ReadAll(io.LimitReader(resp.Body, a.max+1))
	if err != nil {
		return got, fmt.Errorf("%d, and its answer broke off: %w", got.code, err)
	}
	if int64(len(b)) > a.max {
		return got, fmt.Errorf("%d, and its answer is longer than %d MB", got.code, a.max>>20)
	}
	if got.body = b; got.code >= 300 {
		got.body = a.hide(b, token) // some servers repeat what they were sent
	}
	return got, nil
}

// setBy notes how far the server's clock is ahead of ours, by the Date of an answer.
func (a *api) setBy(date string, now time.Time) {
	if at, err := http.ParseTime(date); err == nil {
		a.ahead.Store(int64(at.Sub(now.Truncate(time.Second))))
	}
}

// skewed is what deserves saying of the server's clock: nothing, up to 5 s.
func (a *api) skewed() string {
	switch d := time.Duration(a.ahead.Load()); {
	case d > maxSkew:
		return "its clock is " + health.Ago(d) + " ahead of ours: its times are by its own"
	case d < -maxSkew:
		return "its clock is " + health.Ago(-d) + " behind ours: its times are by its own"
	}
	return ""
}

// maxSkew is how far two clocks may be apart before it is said. A Date has whole seconds,
// and an answer takes its time.
const maxSkew = 5 * time.Second

// hide takes our own credentials out of an answer.
func (a *api) hide(b []byte, token string) []byte {
	hidden := []string{token, base64.StdEncoding.EncodeToString([]byte(a.username + ":" + token))}
	for name := range a.headers {
		if secretName.MatchString(name) {
			hidden = append(hidden, a.headers.Get(name))
		}
	}
	for _, s := range hidden {
		if len(s) >= 4 {
			b = bytes.ReplaceAll(b, []byte(s), []byte(redacted))
		}
	}
	return b
}

func (a *api) request(ctx context.Context, method, path string, h http.Header, body []byte) (*http.Request, string, error) {
	var r io.Reader
	if body != nil {
		r = io.NopCloser(bytes.NewReader(body)) // hidden from net/http, which could otherwise send it again
	}
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, r)
	if err != nil {
		return nil, "", err
	}
	req.ContentLength = int64(len(body))
	for k, v := range a.headers {
		req.Header[k] = v
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "sickbay")
	for k, v := range h {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	token, err := a.bearer()
	switch {
	case err != nil:
		return nil, "", err
	case token != "" && a.username != "":
		req.SetBasicAuth(a.username, token)
	case token != "" && a.bare:
		req.Header.Set("Authorization", token)
	case token != "":
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, token, nil
}

// bearer reads the token file anew each time: tokens are rotated.
func (a *api) bearer() (string, error) {
	if a.tokenFile == "" {
		return a.token, nil
	}
	b, err := os.ReadFile(a.tokenFile)
	if err != nil {
		return "", fmt.Errorf("bearer_token_file: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" || strings.ContainsAny(token, "\r\n\x00") || len(token) > 16<<10 {
		return "", fmt.Errorf("bearer_token_file: %s does not hold one token", a.tokenFile)
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
	case slices.Contains(a.moved, a.code):
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
		var within struct{ Error struct{ Message string } }
		if json.Unmarshal(a.body, &within) == nil && within.Error.Message != "" {
			return redact(tidy(within.Error.Message, 160))
		}
		return redact(tidy(string(a.body), 160))
	}
	for _, s := range []string{m.Message, m.Error, m.Blocked} {
		if s != "" {
			return redact(tidy(s, 160))
		}
	}
	if m.Current != "" {
		return "it runs " + tidy(m.Current, 60)
	}
	return ""
}

// seg writes a value as one segment of a path.
func seg(s string) string { return url.PathEscape(s) }
