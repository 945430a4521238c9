package engine

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"sickbay/sources"
)

// monitor is a small Prometheus behind a real port, whose answers can be made bad
// and which remembers what it told.
type monitor struct {
	t    *testing.T
	addr string
	tls  *tls.Config
	now  func() time.Time

	mu     sync.Mutex
	bad    func(w http.ResponseWriter, r *http.Request, good string) // nil: all is well
	asked  int
	told   int64 // newest point that went out in a good answer, Unix milliseconds
	server *http.Server
}

func newMonitor(t *testing.T, now func() time.Time, secure *tls.Config) *monitor {
	m := &monitor{t: t, now: now, tls: secure, addr: "127.0.0.1:0"}
	m.start()
	t.Cleanup(m.stop)
	return m
}

// start opens the port, the same one as before.
func (m *monitor) start() {
	var ln net.Listener
	var err error
	for end := time.Now().Add(5 * time.Second); ; {
		if ln, err = net.Listen("tcp", m.addr); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		m.t.Error(err)
		return
	}
	m.addr = ln.Addr().String()
	if m.tls != nil {
		ln = tls.NewListener(ln, m.tls)
	}
	server := &http.Server{Handler: m, ErrorLog: log.New(io.Discard, "", 0)}
	m.mu.Lock()
	m.server = server
	m.mu.Unlock()
	go func() { _ = server.Serve(ln) }()
}

// stop closes the port and cuts every connection.
func (m *monitor) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.server.Close()
}

func (m *monitor) url() string {
	if m.tls != nil {
		return "https://" + m.addr
	}
	return "http://" + m.addr
}

func (m *monitor) set(bad func(w http.ResponseWriter, r *http.Request, good string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bad = bad
}

func (m *monitor) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

func (m *monitor) newest() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told
}

func (m *monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	good, newest := m.answer(r)
	m.mu.Lock()
	m.asked++
	bad := m.bad
	m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w = &witness{ResponseWriter: w, left: len(good), whole: func() { m.tell(newest) }}
	if bad != nil {
		bad(w, r, good)
		return
	}
	_, _ = io.WriteString(w, good)
}

// tell notes that an answer whose newest point is of a time goes out.
func (m *monitor) tell(newest int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = max(m.told, newest)
}

// witness sees whether all of a good answer goes out.
type witness struct {
	http.ResponseWriter
	left  int
	whole func()
	code  int
}

func (w *witness) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *witness) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

func (w *witness) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left <= 0 && w.code == 0 {
		w.whole()
	}
	return w.ResponseWriter.Write(p)
}

// truth is what a service's error ratio is at a time: no two moments of the same
// ten minutes are alike, and none is alarming.
func truth(ms int64) float64 { return 0.001 + float64(ms/1000%600)/1e6 }

// answer is what a healthy Prometheus would say, and the newest point of it that
// is a measurement.
func (m *monitor) answer(r *http.Request) (text string, newest int64) {
	_ = r.ParseForm()
	expr := r.Form.Get("query")
	var result []string
	switch {
	case strings.HasSuffix(r.URL.Path, "/query_range"):
		for _, service := range []string{"chat", "fraud"} {
			var points []string
			for at := ms(r, "start"); at <= min(ms(r, "end"), m.now().UnixMilli()); at += max(ms(r, "step"), 1000) {
				v := truth(at)
				if strings.HasPrefix(expr, "count by") {
					v = 1
				} else {
					newest = at
				}
				points = append(points, fmt.Sprintf(`[%d.%03d,"%v"]`, at/1000, at%1000, v))
			}
			result = append(result, fmt.Sprintf(`{"metric":{"service":%q},"values":[%s]}`, service, strings.Join(points, ",")))
		}
		return fmt.Sprintf(`{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, strings.Join(result, ",")), newest
	case strings.HasSuffix(r.URL.Path, "/query"):
		if strings.HasPrefix(expr, "count by") {
			for _, service := range []string{"chat", "fraud"} {
				result = append(result, fmt.Sprintf(`{"metric":{"__name__":"app_errors_total","service":%q},"value":[%d,"1"]}`, service, ms(r, "time")/1000))
			}
		}
		return fmt.Sprintf(`{"status":"success","data":{"resultType":"vector","result":[%s]}}`, strings.Join(result, ",")), 0
	case strings.HasSuffix(r.URL.Path, "/alerts"):
		return `{"status":"success","data":{"alerts":[]}}`, 0
	}
	return `{"status":"success","data":{"version":"3.16.0","goVersion":"go1.26"}}`, 0
}

// ms reads a number of seconds from a question, in milliseconds.
func ms(r *http.Request, name string) int64 {
	s, _ := strconv.ParseFloat(r.Form.Get(name), 64)
	return int64(s * 1000)
}

// open makes the source "main" that asks a monitor.
func (m *monitor) open(url, section string) sources.Source {
	s, err := sources.Open("prometheus", "main", func(into any) error {
		_, err := toml.Decode(fmt.Sprintf("url = %q\n%s", url, section), into)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = s.Close() })
	return s
}

// hangup cuts a connection, politely or not, after some bytes of a raw answer.
func hangup(w http.ResponseWriter, raw string, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, raw)
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// authority makes certificates for 127.0.0.1 and writes its own into a file.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	file string
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, file: filepath.Join(t.TempDir(), "ca.pem")}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(a.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// sign makes a certificate that is good until a time.
func (a *authority) sign(t *testing.T, until time.Time) *tls.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "prometheus"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// names is a name server on a real port that knows every name, or none. Our own
// resolver asks it until the test ends.
type names struct {
	mu    sync.Mutex
	known bool
}

func newNames(t *testing.T) *names {
	n := &names{known: true}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go n.serve(conn)
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = conn.Close()
	})
	return n
}

func (n *names) set(known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known = known
}

// serve answers questions for A with 127.0.0.1, for anything else with nothing.
func (n *names) serve(conn net.PacketConn) {
	buf := make([]byte, 512)
	for {
		size, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		end := 12 // of the question: a name, a type, a class
		for end < size && buf[end] != 0 {
			end += int(buf[end]) + 1
		}
		if end += 5; size < 12 || end > size {
			continue
		}
		n.mu.Lock()
		known := n.known
		n.mu.Unlock()
		reply := append([]byte(nil), buf[:end]...)
		copy(reply[2:12], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
		switch isA := reply[end-3] == 1; {
		case !known:
			reply[3] = 0x83 // there is no such name
		case isA:
			reply[7] = 1
			reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
		}
		_, _ = conn.WriteTo(reply, from)
	}
}
