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
	webSlots     = 8 // questions at once
)

// webConfig is how a server is reached: the keys Prometheus users know. In every
// text ${NAME} is taken from the environment. It holds secrets: never print one.
type webConfig struct {
	URL           string            `toml:"url"`
	Timeout       time.Duration     `toml:"timeout"`
	Concurrency   int               `toml:"concurrency"`
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
	base     *url.URL
	client   *http.Client
	timeout  time.Duration
	slots    chan struct{} // one for every question that may be out
	insecure bool          // its certificate is not verified
}

// open makes the way to a server. Nobody is talked to yet.
func (c *webConfig) open(name string) (*web, error) {
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
	rt, err := c.transport()
	if err != nil {
		return nil, err
	}
	return &web{
		name: name, base: base, timeout: c.Timeout, slots: make(chan struct{}, c.Concurrency), insecure: c.TLSConfig.InsecureSkipVerify,
		client: &http.Client{
			Transport:     &capped{next: rt},
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

// ask waits for its turn, then lets do put one question, within the deadline.
func (w *web) ask(ctx context.Context, do func(ctx context.Context) error) (*exchange, error) {
	select {
	case w.slots <- struct{}{}:
		defer func() { <-w.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", w.name, ctx.Err())
	}
	x := &exchange{began: time.Now()}
	asking, cancel := context.WithTimeout(context.WithValue(ctx, exchangeKey{}, x), w.timeout)
	defer cancel()
	err := do(asking)
	x.took = time.Since(x.began)
	if err == nil {
		return x, nil
	}
	if ctx.Err() != nil {
		return x, fmt.Errorf("%s: %w", w.name, ctx.Err())
	}
	if asking.Err() != nil {
		err = fmt.Errorf("no answer within %v", w.timeout)
	}
	return x, w.worded(x, err)
}

// worded says what went wrong: name first, then the server's words, and never
// an address, which could carry what is not to be shown.
func (w *web) worded(x *exchange, err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = fmt.Errorf("cannot be reached: %w", at.Err)
	}
	kind := error(nil)
	switch {
	case errors.Is(err, errTooLarge):
		kind, err = ErrRefused, errTooLarge
	case x.status == http.StatusTooManyRequests || x.status == http.StatusServiceUnavailable:
		kind = ErrBusy
	case x.status >= 300 && x.status < 400:
		kind, err = ErrRefused, fmt.Errorf("answers with a redirect to %s; put the right address into url", x.location)
	case x.status == http.StatusUnauthorized || x.status == http.StatusForbidden:
		kind, err = ErrRefused, fmt.Errorf("%w; look at basic_auth, authorization and http_headers", err)
	case x.status >= 400 && x.status < 500:
		kind = ErrRefused
	}
	return &failure{fmt.Sprintf("%s: %s", w.name, err), kind}
}

// failure is an error with its kind: ErrRefused, ErrBusy or nil.
type failure struct {
	text string
	kind error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.kind }
