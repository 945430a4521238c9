package sources

import (
	"cmp"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sickbay/health"
)

const (
	maxWords = 120              // bytes of what a server says beside its status
	maxPeace = 15 * time.Minute // longer than that nobody stays away,
	maxSpent = time.Hour        // unless all questions of the hour were asked
)

// worded says what went wrong: name first, then what it was, then the way out, and
// never an address with what could be secret in it.
func (w *web) worded(x *exchange, err error) error {
	text, kind := "", error(nil)
	switch {
	case errors.Is(err, ErrMissing):
		text, kind = err.Error(), ErrMissing
	case errors.Is(err, errTooLarge):
		text = fmt.Sprintf("answer is larger than %d MiB: ask for less with a lower max_series or a shorter window", maxBody>>20)
	case x.status == 0:
		text = w.unreached(err)
	case x.status < 300:
		text = w.unread(x, err)
	case x.status < 400:
		text = fmt.Sprintf("answers with a redirect to %s; %s", x.location, cmp.Or(w.moved, "put the right address into url"))
	default:
		text, kind = w.turnedDown(x, err)
	}
	text = w.name + ": " + text
	if wait := peace(x); kind == ErrBusy && wait > 0 {
		return &Busy{jittered(wait), text}
	}
	return &failure{text, kind}
}

// late says how far an answer came until patience ended.
func late(x *exchange, timeout time.Duration) string {
	if x.status == 0 {
		return fmt.Sprintf("no answer within %v: it hangs, or timeout is too short", timeout)
	}
	return fmt.Sprintf("answer did not end within %v (%s came): the link is slow, or timeout is too short", timeout, size(x.bytes.Load()))
}

func size(n int64) string { return health.Format(health.Bytes, float64(n)) }

// unreached says why no answer began.
func (w *web) unreached(err error) string {
	var (
		dns    *net.DNSError
		op     *net.OpError
		noFile *fs.PathError
	)
	switch {
	case errors.As(err, &noFile):
		return fmt.Sprintf("%v: check %s", noFile, w.access)
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return fmt.Sprintf("the proxy cannot be reached (%v): check proxy_url, $HTTPS_PROXY and $NO_PROXY", op.Err)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("no such host %s: check url", dns.Name)
	case errors.As(err, &dns):
		return fmt.Sprintf("the name server does not tell where %s is: %s", dns.Name, dns.Err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return "TLS: it speaks without; url should begin with http://"
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("cannot be reached: %s refuses connections: is it running, and is the port right?", w.base.Host)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection was reset before an answer: it restarts, or something in between cuts it"
	case errors.Is(err, io.EOF):
		return "closed the connection without an answer: it restarts, or something in between cuts it"
	}
	if text := untrusted(err); text != "" {
		return "TLS: " + text
	}
	return fmt.Sprintf("cannot be reached: %s", health.Cut(inner(err).Error(), maxErrorText))
}

// untrusted says what is wrong with the encrypted connection; empty: nothing is.
func untrusted(err error) string {
	var (
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		other   x509.HostnameError
		alert   tls.AlertError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return fmt.Sprintf("certificate is valid from %s on: is our clock right?", day(invalid.Cert.NotBefore))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("certificate expired on %s: it has to be renewed", day(invalid.Cert.NotAfter))
	case errors.As(err, &unknown):
		return "certificate is signed by somebody unknown: name his certificate in tls_config.ca_file"
	case errors.As(err, &other):
		return fmt.Sprintf("certificate is not for %s: check url, or set tls_config.server_name", other.Host)
	case errors.As(err, &invalid):
		return invalid.Error()
	case errors.As(err, &alert):
		return fmt.Sprintf("it says %q: check tls_config (cert_file, key_file)", alert.Error())
	case errors.As(err, &record):
		return "it does not speak it: check the port, or begin url with http://"
	}
	return ""
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// inner is the error without the address a client puts before it.
func inner(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// unread says why an answer that promised to be good is not.
func (w *web) unread(x *exchange, err error) string {
	var nonsense *unreadable
	question := ": is this URL " + w.speaks + "?"
	switch head := strings.TrimSpace(x.beginning()); {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return "answer claims to be gzip and is not: is a proxy in between?"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Sprintf("answer was cut off after %s: it restarts, or something in between cuts it", size(x.bytes.Load()))
	case isHTML(x.kind, head):
		return "answer is HTML, not JSON" + question
	case head == "":
		return "answer is empty" + question
	case errors.As(err, &nonsense) && !strings.HasPrefix(head, "{"):
		return fmt.Sprintf("answer is not JSON, it begins with %q", health.Cut(head, 20)) + question
	case errors.As(err, &nonsense):
		return health.Cut(nonsense.Error(), maxErrorText) + question
	}
	return health.Cut(err.Error(), maxErrorText)
}

func isHTML(kind, head string) bool {
	return strings.Contains(kind, "html") || strings.HasPrefix(head, "<")
}

// turnedDown says what a server's refusal was, and of which kind.
func (w *web) turnedDown(x *exchange, err error) (string, error) {
	words := err.Error()
	text := fmt.Sprintf("%d %s", x.status, strings.ToLower(http.StatusText(x.status)))
	if http.StatusText(x.status) == "" {
		text = strconv.Itoa(x.status)
	}
	if short := health.Cut(words, maxWords); short != "" {
		text += " (" + short + ")"
	}
	switch x.status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		if strings.Contains(words, "to an HTTPS server") {
			return "it speaks TLS; url should begin with https://", nil
		}
		if words == "" {
			return text, ErrRefused
		}
		return health.Cut(words, maxErrorText), ErrRefused // of a question its words say more than a number
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		return text + ": the question is too long for it", ErrRefused
	case http.StatusUnauthorized:
		return text + ": " + w.letIn(words), nil
	case http.StatusForbidden:
		if tooOften(x, words) {
			return text + ": no question is left for now; a token may ask more of them than nobody" + forHowLong(x), ErrBusy
		}
		return text + ": these credentials may not ask it; check their rights, and the tenant in http_headers (X-Scope-OrgID)", nil
	case http.StatusProxyAuthRequired:
		return text + ": check proxy_url", nil
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return text + ": nobody answers questions at this path: check the path in url (Mimir needs /prometheus)", nil
	case http.StatusTooManyRequests:
		return text + ": it wants fewer questions" + forHowLong(x), ErrBusy
	case http.StatusServiceUnavailable:
		if strings.HasPrefix(words, "timeout: ") || strings.HasPrefix(words, "canceled: ") {
			return text + ": the question is too much for it", ErrRefused
		}
		return text + ": it is overloaded, or starts" + forHowLong(x), ErrBusy
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return text + ": the proxy before it gets no answer: is it running?", nil
	}
	if x.status >= 500 {
		return text + ": its own log says more", nil
	}
	return text, nil
}

// letIn says what would let us in.
func (w *web) letIn(words string) string {
	switch {
	case strings.Contains(words, "no org id") && w.speaks == lokiAPI:
		return `it wants a tenant: set tenant = "…"`
	case strings.Contains(words, "no org id"):
		return `it wants a tenant: set http_headers = { X-Scope-OrgID = "…" }`
	case w.access == "":
		return "it wants credentials: set authorization or basic_auth"
	}
	return "check " + w.access
}

func forHowLong(x *exchange) string {
	if wait := peace(x); wait > 0 {
		return fmt.Sprintf("; it wants to be left alone for %v", wait)
	}
	return ""
}

// tooOften tells a limit of questions from missing rights: GitHub says 403 to both
// (docs.github.com, "Rate limits for the REST API").
func tooOften(x *exchange, words string) bool {
	return x.later != "" || !x.spent.IsZero() || strings.Contains(words, "rate limit")
}

// peace is how long the server wants to be left alone; 0: it did not say.
func peace(x *exchange) time.Duration {
	wait := time.Duration(0)
	if x.later == "" && !x.spent.IsZero() {
		return min(max(time.Until(x.spent).Round(time.Second), 0), maxSpent)
	}
	if s, err := strconv.Atoi(x.later); err == nil {
		wait = time.Duration(min(max(s, 0), 1<<20)) * time.Second
	} else if at, err := http.ParseTime(x.later); err == nil {
		wait = time.Until(at).Round(time.Second)
	}
	return min(max(wait, 0), maxPeace)
}

// inWords finds what a server says is wrong in the body of its answer: the text of
// Prometheus, of a cloud's API, or the body itself. Of a page there are no words.
func inWords(body []byte) string {
	text := strings.TrimSpace(string(body))
	if isHTML("", text) {
		return "an HTML page"
	}
	var b struct {
		Type    string          `json:"errorType"`
		Error   json.RawMessage `json:"error"`
		More    string          `json:"error_description"` // RFC 6750, GitLab
		Message string          `json:"message"`
	}
	if json.Unmarshal(body, &b) != nil {
		return health.Cut(text, maxErrorText)
	}
	var words string
	var deeper struct {
		Message string `json:"message"`
	}
	switch {
	case json.Unmarshal(b.Error, &words) == nil && words != "" && b.Type != "":
		return b.Type + ": " + words
	case words != "" && b.More != "":
		return words + ": " + b.More
	case words != "":
		return words
	case json.Unmarshal(b.Error, &deeper) == nil && deeper.Message != "":
		return deeper.Message
	case b.Message != "":
		return b.Message
	}
	return health.Cut(text, maxErrorText)
}
