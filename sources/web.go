package sources

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime/debug"
	"time"

	promconfig "github.com/prometheus/common/config"
)

const (
	maxErrorText = 300 // bytes of what a server says is wrong
	webTimeout   = 10 * time.Second
	webSlots     = 8    // questions at once
	webPerMinute = 1200 // questions a minute
)

// webConfig is how a server is reached: the keys Prometheus users know. In every
// text ${NAME} is taken from the environment. It holds secrets: never print one.
type webConfig struct {
	URL           string            `toml:"url"`
	Timeout       time.Duration     `toml:"timeout"`
	Concurrency   int               `toml:"concurrency"`
	PerMinute     int               `toml:"max_queries_per_minute"`
	ProxyURL      string            `toml:"proxy_url"`
	BasicAuth     *basicAuth        `toml:"basic_auth"`
	Authorization *authorization    `toml:"authorization"`
	HTTPHeaders   map[string]string `toml:"http_headers"`
	TLSConfig     tlsConfig         `toml:"tls_config"`
}

type basicAuth struct {
	Username     string `toml:"username"`
	Password     string `toml:"password"`
	PasswordFile string `toml:"password_file"` // read again for every request
}

type authorization struct {
	Type            string `toml:"type"` // "Bearer" without one
	Credentials     string `toml:"credentials"`
	CredentialsFile string `toml:"credentials_file"` // read again for every request
}

type tlsConfig struct {
	CAFile             string `toml:"ca_file"`
	CertFile           string `toml:"cert_file"`
	KeyFile            string `toml:"key_file"`
	ServerName         string `toml:"server_name"`
	InsecureSkipVerify bool   `toml:"insecure_skip_verify"`
}

// webExample is the part of an example that is the same for every server.
const webExample = `timeout = "10s"      # of one question
concurrency = 8      # questions at once
max_queries_per_minute = 1200   # more wait, none is dropped
# In all of these ${NAME} is taken from the environment; files are read again for every question.
# basic_auth = { username = "sickbay", password_file = "/run/secrets/password" }   # or password = "${PASSWORD}"
# authorization = { type = "Bearer", credentials_file = "/run/secrets/token" }     # or credentials = "${TOKEN}"
# http_headers = { X-Scope-OrgID = "team-a" }
# tls_config = { ca_file = "ca.pem", cert_file = "me.pem", key_file = "me.key", server_name = "prometheus", insecure_skip_verify = false }
# proxy_url = "http://proxy:3128"   # without it: $HTTPS_PROXY, $NO_PROXY
`

// web is one server that is asked over HTTP.
type web struct {
	name     string
	speaks   string // what is behind the address: "a Prometheus API"
	access   string // which key of the config lets us in, in words; empty: none does
	moved    string // what to do about a redirect; empty: put the right address into url
	base     *url.URL
	client   *http.Client
	timeout  time.Duration
	gate     *gate
	insecure bool // its certificate is not verified
}

// open makes the way to a server, which speaks something. Nobody is talked to yet.
func (c *webConfig) open(name, speaks string) (*web, error) {
	if err := c.expand(); err != nil {
		return nil, err
	}
	base, err := c.checkURL()
	if err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = webTimeout
	}
	if c.Concurrency == 0 {
		c.Concurrency = webSlots
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf(`timeout: %v is no time to wait; try "10s"`, c.Timeout)
	}
	if c.Concurrency < 0 || c.Concurrency > 100 {
		return nil, fmt.Errorf("concurrency: %d questions at once; say 1 to 100", c.Concurrency)
	}
	if c.PerMinute == 0 {
		c.PerMinute = webPerMinute
	}
	if c.PerMinute < 0 || c.PerMinute > 60_000 {
		return nil, fmt.Errorf("max_queries_per_minute: %d is no bound; say 1 to 60000", c.PerMinute)
	}
	rt, err := c.transport()
	if err != nil {
		return nil, err
	}
	return &web{
		name: name, speaks: speaks, access: c.access(), base: base, timeout: c.Timeout,
		gate: newGate(c.Concurrency, c.PerMinute), insecure: c.TLSConfig.InsecureSkipVerify,
		client: &http.Client{
			Transport:     &capped{next: &frugal{next: rt}, room: newRoom(c.Concurrency)},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand replaces ${NAME} in every text by the environment's NAME.
func (c *webConfig) expand() error {
	texts := map[string]*string{"url": &c.URL, "proxy_url": &c.ProxyURL, "tls_config.server_name": &c.TLSConfig.ServerName}
	if b := c.BasicAuth; b != nil {
		texts["basic_auth.username"], texts["basic_auth.password"], texts["basic_auth.password_file"] = &b.Username, &b.Password, &b.PasswordFile
	}
	if a := c.Authorization; a != nil {
		texts["authorization.credentials"], texts["authorization.credentials_file"] = &a.Credentials, &a.CredentialsFile
	}
	for key, text := range texts {
		var err error
		if *text, err = expand(*text); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	for name, text := range c.HTTPHeaders {
		var err error
		if c.HTTPHeaders[name], err = expand(text); err != nil {
			return fmt.Errorf("http_headers.%s: %w", name, err)
		}
	}
	return nil
}

func expand(s string) (string, error) {
	missing := ""
	s = variable.ReplaceAllStringFunc(s, func(m string) string {
		name := m[2 : len(m)-1]
		v, ok := os.LookupEnv(name)
		if !ok {
			missing = name
		}
		return v
	})
	if missing != "" {
		return "", fmt.Errorf("the environment variable %s is not set", missing)
	}
	return s, nil
}

func (c *webConfig) checkURL() (*url.URL, error) {
	if c.URL == "" {
		return nil, errors.New(`url: is missing; say where it is: url = "http://prometheus:9090"`)
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("url: is not an http or https address")
	case u.User != nil:
		return nil, errors.New("url: credentials do not belong in it; use basic_auth")
	case u.Scheme == "http" && c.secret() && !loopback(u.Hostname()):
		return nil, fmt.Errorf("url: credentials would go to %s in clear text; use https", u.Host)
	}
	return u, nil
}

var secretHeader = regexp.MustCompile(`(?i)auth|cookie|token|secret|key|password`)

// secret says whether requests carry something that others must not read.
func (c *webConfig) secret() bool {
	for name := range c.HTTPHeaders {
		if secretHeader.MatchString(name) {
			return true
		}
	}
	return c.BasicAuth != nil || c.Authorization != nil
}

// access names the key of the config that lets us in, never what is in it.
func (c *webConfig) access() string {
	switch a, b := c.Authorization, c.BasicAuth; {
	case a != nil && a.CredentialsFile != "":
		return "bearer token (credentials_file " + a.CredentialsFile + ")"
	case a != nil:
		return "bearer token (authorization.credentials)"
	case b != nil && b.PasswordFile != "":
		return "basic_auth (password_file " + b.PasswordFile + ")"
	case b != nil:
		return "basic_auth"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// transport builds the round tripper of Prometheus itself. Redirects are off: a
// redirect to another port of the same host would carry the credentials along.
func (c *webConfig) transport() (http.RoundTripper, error) {
	p := promconfig.HTTPClientConfig{EnableHTTP2: true}
	if b := c.BasicAuth; b != nil {
		p.BasicAuth = &promconfig.BasicAuth{Username: b.Username, Password: promconfig.Secret(b.Password), PasswordFile: b.PasswordFile}
	}
	if a := c.Authorization; a != nil {
		p.Authorization = &promconfig.Authorization{Type: a.Type, Credentials: promconfig.Secret(a.Credentials), CredentialsFile: a.CredentialsFile}
	}
	if t := c.TLSConfig; t != (tlsConfig{}) {
		p.TLSConfig = promconfig.TLSConfig{
			CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify,
		}
	}
	if len(c.HTTPHeaders) > 0 {
		p.HTTPHeaders = &promconfig.Headers{Headers: map[string]promconfig.Header{}}
		for name, v := range c.HTTPHeaders {
			p.HTTPHeaders.Headers[name] = promconfig.Header{Secrets: []promconfig.Secret{promconfig.Secret(v)}}
		}
	}
	if p.ProxyFromEnvironment = c.ProxyURL == ""; c.ProxyURL != "" {
		u, err := url.Parse(c.ProxyURL)
		if err != nil || u.Host == "" {
			return nil, errors.New("proxy_url: is not an address")
		}
		p.ProxyURL = promconfig.URL{URL: u}
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	rt, err := promconfig.NewRoundTripperFromConfig(p, "sickbay", promconfig.WithUserAgent(userAgent()))
	if err != nil { // only certificates are read now
		return nil, fmt.Errorf("tls_config: %w", err)
	}
	return rt, nil
}

// userAgent names this program and the version that was built into it.
func userAgent() string {
	version := "devel"
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		version = b.Main.Version
	}
	return "sickbay/" + version
}

func (w *web) Name() string { return w.name }

// Close gives back the connections nobody uses.
func (w *web) Close() error {
	w.client.CloseIdleConnections()
	return nil
}

// where is the address as it may be shown.
func (w *web) where() string {
	shown := url.URL{Scheme: w.base.Scheme, Host: w.base.Host, Path: w.base.Path}
	if w.insecure {
		return shown.String() + " (certificate not verified)"
	}
	return shown.String()
}

// ask waits for its turn, then lets do put one question, within the deadline. The
// exchange says what came even when it fails; it is nil when nothing went out.
func (w *web) ask(ctx context.Context, do func(ctx context.Context) error) (*exchange, error) {
	if err := w.gate.enter(ctx); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%s: %w", w.name, ctx.Err())
		}
		return nil, err
	}
	defer w.gate.leave()
	x := &exchange{began: time.Now()}
	asking, cancel := context.WithTimeout(context.WithValue(ctx, exchangeKey{}, x), w.timeout)
	defer cancel()
	err := do(asking)
	x.took = time.Since(x.began)
	switch {
	case err == nil:
		w.gate.answered()
		return x, nil
	case ctx.Err() != nil:
		return x, fmt.Errorf("%s: %w", w.name, ctx.Err())
	case asking.Err() != nil:
		err = &failure{w.name + ": " + late(x, w.timeout), nil}
	default:
		err = w.worded(x, err)
	}
	w.shut(x, err)
	return x, err
}

// shut tells the gate what a failure means for those who wait behind it.
func (w *web) shut(x *exchange, err error) {
	var busy *Busy
	switch {
	case errors.As(err, &busy):
		w.gate.peace(busy.After, busy.text)
	case errors.Is(err, ErrRefused), errors.Is(err, ErrMissing):
		w.gate.answered()
	default:
		w.gate.failed(x.began, err, errors.Is(err, ErrBusy))
	}
}

// Usage says what the server is asked just now.
func (w *web) Usage() Usage {
	return Usage{PerMinute: w.gate.minute.count(), PerMinuteMax: w.gate.minute.limit}
}
