package sources

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAnErrorIsASentenceWithAWayOut(t *testing.T) {
	respond := func(code int, body string, headers ...string) roundTripper {
		return func(r *http.Request) (*http.Response, error) { return answer(r, code, body, headers...), nil }
	}
	fail := func(err error) roundTripper {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	certificate := func(from, to time.Time) error {
		return &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{
			Cert: &x509.Certificate{NotBefore: from, NotAfter: to}, Reason: x509.Expired, Detail: "now is after then"}}
	}
	long, past, future := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		section string
		rt      roundTripper
		want    string
	}{
		{"", respond(401, `{"error":"x"}`), "401 unauthorized (x): it wants credentials: set authorization or basic_auth"},
		{`authorization = { credentials_file = "words_test.go" }`, respond(401, ""), "401 unauthorized: check bearer token (credentials_file words_test.go)"},
		{`authorization = { credentials = "s3cret" }`, respond(401, ""), "401 unauthorized: check bearer token (authorization.credentials)"},
		{`basic_auth = { username = "u", password = "s3cret" }`, respond(401, "<html>"), "401 unauthorized (an HTML page): check basic_auth"},
		{"", respond(401, "no org id\n"), `401 unauthorized (no org id): it wants a tenant: set http_headers = { X-Scope-OrgID = "…" }`},
		{"", respond(403, `{"message":"Missing Authentication Token"}`), "403 forbidden (Missing Authentication Token): these credentials may not ask it; check their rights, and the tenant in http_headers (X-Scope-OrgID)"},
		{"", respond(403, `{"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}}`), "403 forbidden (Permission denied): these credentials may not ask it; check their rights, and the tenant in http_headers (X-Scope-OrgID)"},
		{"", respond(403, `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`), "403 forbidden (You have exceeded a secondary rate limit. Please wait a few minutes before you try again.): no question is left for now; a token may ask more of them than nobody"},
		{"", respond(404, "404 page not found\n"), "404 not found (404 page not found): nobody answers questions at this path: check the path in url (Mimir needs /prometheus)"},
		{"", respond(400, "Client sent an HTTP request to an HTTPS server.\n"), "it speaks TLS; url should begin with https://"},
		{"", respond(422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}`), "execution: query processing would load too many samples into memory"},
		{"", respond(414, ""), "414 request uri too long: the question is too long for it"},
		{"", respond(429, ""), "429 too many requests: it wants fewer questions"},
		{"", respond(500, "<!DOCTYPE html>"), "500 internal server error (an HTML page): its own log says more"},
		{"", respond(502, "<html>"), "502 bad gateway (an HTML page): the proxy before it gets no answer: is it running?"},
		{"", respond(503, `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`), "503 service unavailable (timeout: query timed out in expression evaluation): the question is too much for it"},
		{"", respond(599, ""), "599: its own log says more"},
		{"", respond(200, "<html>log in</html>"), "answer is HTML, not JSON: is this URL a Prometheus API?"},
		{"", respond(200, "hello", "Content-Type", "text/html"), "answer is HTML, not JSON: is this URL a Prometheus API?"},
		{"", respond(200, ""), "answer is empty: is this URL a Prometheus API?"},
		{"", respond(200, "\x00\x1b[2Jgarbage of the worst kind"), `answer is not JSON, it begins with "\x00\x1b[2Jgarbage…[cut]": is this URL a Prometheus API?`},
		{"", respond(200, `{"status":"success"}`), "answer cannot be read: it has no result: is this URL a Prometheus API?"},
		{"", respond(200, `{"status":"success","data":`), "answer cannot be read: unexpected end of JSON input: is this URL a Prometheus API?"},
		{"", respond(200, "plain text", "Content-Encoding", "gzip"), "answer claims to be gzip and is not: is a proxy in between?"},
		{"", fail(&net.DNSError{Err: "no such host", Name: "prometheus.example", IsNotFound: true}), "no such host prometheus.example: check url"},
		{"", fail(&net.DNSError{Err: "server misbehaving", Name: "prometheus.example", IsTemporary: true}), "the name server does not tell where prometheus.example is: server misbehaving"},
		{"", fail(&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}), "cannot be reached: localhost:9090 refuses connections: is it running, and is the port right?"},
		{"", fail(&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}), "cannot be reached: dial tcp: connect: no route to host"},
		{"", fail(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: errors.New("dial tcp 10.0.0.1:3128: i/o timeout")}), "the proxy cannot be reached (dial tcp 10.0.0.1:3128: i/o timeout): check proxy_url, $HTTPS_PROXY and $NO_PROXY"},
		{"", fail(&net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}), "connection was reset before an answer: it restarts, or something in between cuts it"},
		{"", fail(io.EOF), "closed the connection without an answer: it restarts, or something in between cuts it"},
		{"", fail(http.ErrSchemeMismatch), "TLS: it speaks without; url should begin with http://"},
		{"", fail(certificate(long, past)), "TLS: certificate expired on 2026-11-01 12:00 UTC: it has to be renewed"},
		{"", fail(certificate(future, future)), "TLS: certificate is valid from 2099-01-01 00:00 UTC on: is our clock right?"},
		{"", fail(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "prometheus.example"}), "TLS: certificate is not for prometheus.example: check url, or set tls_config.server_name"},
		{"", fail(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.TooManyIntermediates}), "TLS: x509: too many intermediates for path length constraint"},
		{"", fail(tls.AlertError(116)), `TLS: it says "tls: certificate required": check tls_config (cert_file, key_file)`},
		{"", fail(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), "TLS: it does not speak it: check the port, or begin url with http://"},
	} {
		s := mustOpen(t, "prometheus", `url = "http://localhost:9090"`+"\n"+c.section)
		serverOf(s).client.Transport.(*capped).next = c.rt
		_, err := s.(Metrics).Instant(t.Context(), "up", rangeEnd)
		if err == nil || err.Error() != "main: "+c.want {
			t.Errorf("got  %v\nwant main: %s", err, c.want)
		}
	}
}

func TestACutBodyIsToldFromABadOne(t *testing.T) {
	for want, end := range map[string]error{
		"main: answer was cut off after 20 B: it restarts, or something in between cuts it":        io.ErrUnexpectedEOF,
		"main: answer cannot be read: unexpected end of JSON input: is this URL a Prometheus API?": io.EOF,
	} {
		s := transported(t, "prometheus", roundTripper(func(r *http.Request) (*http.Response, error) {
			resp := answer(r, 200, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"status":"success",`), failing{end}))
			return resp, nil
		}))
		if _, err := s.(Metrics).Instant(t.Context(), "up", rangeEnd); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestATokenFileThatIsGoneIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	s := mustOpen(t, "prometheus", `url = "http://localhost:1"`+"\nauthorization = { credentials_file = '"+file+"' }")
	_, err := s.(Metrics).Instant(t.Context(), "up", rangeEnd)
	if want := "main: open " + file + ": no such file or directory: check bearer token (credentials_file " + file + ")"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func FuzzInWords(f *testing.F) {
	for _, s := range []string{"", "boom", "<html>", `{"status":"error","errorType":"bad_data","error":"x"}`, `{"error":{"message":"denied"}}`, `{"message":"no"}`, `{"error":1}`, "{", "null", "\xff\x1b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		words := inWords(body)
		if strings.TrimSpace(string(body)) != "" && words == "" {
			t.Errorf("%q says nothing", body)
		}
	})
}

func FuzzPeace(f *testing.F) {
	for _, s := range []string{"", "0", "30", "-1", "99999999999999999999", "Mon, 23 Nov 2026 14:00:00 GMT", "soon", "1e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, later string) {
		if d := peace(&exchange{later: later}); d < 0 || d > maxPeace {
			t.Errorf("%q is %v", later, d)
		}
	})
}
