package engine

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// What the matrix is played with. A fault that hangs ends a timeout after the
// server is well again.
const (
	faultRefresh = 500 * time.Millisecond
	faultTimeout = time.Second
	faultSlack   = 2 * time.Second
	patience     = 60 * time.Second // with what needs no haste
)

// patient is an engine with the source "main" and somebody who looks at it. Its
// clock can be moved on, so that nobody has to wait until values are old.
type patient struct {
	t     *testing.T
	m     *monitor
	v     *Viewer
	ahead atomic.Int64
	slow  atomic.Int64 // longest Snapshot() so far
}

func newPatient(t *testing.T, m func(now func() time.Time) (*monitor, sources.Source)) *patient {
	p := &patient{t: t}
	var s sources.Source
	p.m, s = m(p.now)
	e := New(Options{Sources: []sources.Source{s}, Packs: onePack(), Base: 10 * time.Minute, Refresh: faultRefresh, Now: p.now})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	p.v = e.Join()
	return p
}

func (p *patient) now() time.Time { return time.Now().Add(time.Duration(p.ahead.Load())) }

func (p *patient) look() *health.Snapshot {
	began := time.Now()
	s := p.v.Snapshot()
	p.slow.Store(max(p.slow.Load(), int64(time.Since(began))))
	return s
}

// until looks until a snapshot is as wanted, and returns it.
func (p *patient) until(what string, within time.Duration, good func(*health.Snapshot) bool) *health.Snapshot {
	p.t.Helper()
	end := time.After(within)
	for {
		s := p.look()
		if good(s) {
			return s
		}
		select {
		case <-p.v.Changed():
		case <-end:
			p.t.Errorf("within %v it was not seen: %s\n%s", within, what, inShort(s))
			return s
		}
	}
}

// inShort is a snapshot for the reader of a failed test.
func inShort(s *health.Snapshot) string {
	var b strings.Builder
	for _, src := range s.Sources {
		fmt.Fprintf(&b, "  %s ok=%v %q, refresh %v %s\n", src.Name, src.OK, src.Error, s.Load.Refresh, s.Load.RefreshWhy)
	}
	for _, v := range s.Services {
		for _, sig := range v.Signals {
			fmt.Fprintf(&b, "  %s is %v; %s %v %v, %v old, %q\n", v.Name, v.Status, sig.ID, sig.State, sig.Value, s.At.Sub(sig.At), sig.Note)
		}
	}
	return b.String()
}

// each says whether something holds for every signal of two services.
func each(s *health.Snapshot, holds func(health.Service, health.Signal) bool) bool {
	for _, v := range s.Services {
		if len(v.Signals) == 0 {
			return false
		}
		for _, sig := range v.Signals {
			if !holds(v, sig) {
				return false
			}
		}
	}
	return len(s.Services) == 2
}

// ill is what the source says is wrong; empty: nothing, or nothing yet.
func ill(s *health.Snapshot) string {
	if len(s.Sources) == 0 || s.Sources[0].OK {
		return ""
	}
	return s.Sources[0].Error
}

func well(s *health.Snapshot) bool {
	return len(s.Sources) > 0 && s.Sources[0].OK && s.Sources[0].Error == "" && each(s, func(v health.Service, sig health.Signal) bool {
		return v.Status == health.OK && sig.State == health.Fresh && sig.Value == truth(sig.At.UnixMilli())
	})
}

// A fault is one way in which a server can be bad.
type fault struct {
	name    string
	section string        // of the config, besides the address
	says    string        // pattern of what the source's state says of it
	rest    time.Duration // how much longer than a refresh it may take after its end
	begin   func(*scene)
	end     func(*scene)
}

// A scene is where a fault is played.
type scene struct {
	*patient
	dir    string
	names  *names
	expire atomic.Bool // the certificate is expired from now on
}

// answers is a fault of the answers alone.
func answers(bad func(w http.ResponseWriter, r *http.Request, good string)) (begin, end func(*scene)) {
	return func(s *scene) { s.m.set(bad) }, func(s *scene) { s.m.set(nil) }
}

func status(code int, body string, headers ...string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func needsToken(token string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, good string) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, good)
	}
}

func (s *scene) token(value string) { writeToken(s.t, s.dir, value) }

func writeToken(t *testing.T, dir, value string) {
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte(value), 0o600); err != nil {
		t.Error(err)
	}
}

const htmlPage = "<!DOCTYPE html><html><title>Sign in</title></html>"

// faults is the matrix: what can be wrong, and what the screen says of it.
func faults() []fault {
	var all []fault
	answering := func(name, says string, bad func(http.ResponseWriter, *http.Request, string)) *fault {
		begin, end := answers(bad)
		all = append(all, fault{name: name, says: says, begin: begin, end: end})
		return &all[len(all)-1]
	}
	answering("it hangs", `^main: no answer within 1s: it hangs, or timeout is too short$`, func(_ http.ResponseWriter, r *http.Request, _ string) {
		<-r.Context().Done()
	})
	answering("its answers drip", `^main: answer did not end within 1s \(.* came\): the link is slow, or timeout is too short$`, func(w http.ResponseWriter, r *http.Request, good string) {
		for i := range good {
			if _, err := io.WriteString(w, good[i:i+1]); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	answering("it resets connections", `^main: connection was reset before an answer: `, func(w http.ResponseWriter, _ *http.Request, _ string) {
		hangup(w, "", true)
	})
	answering("it closes connections", `^main: closed the connection without an answer: `, func(w http.ResponseWriter, _ *http.Request, _ string) {
		hangup(w, "", false)
	})
	answering("it cuts its answers", `^main: answer was cut off after .*: it restarts, or something in between cuts it$`, func(w http.ResponseWriter, _ *http.Request, good string) {
		hangup(w, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(good), good[:len(good)/2]), false)
	})
	answering("it talks garbage", `^main: answer is not JSON, it begins with "\\x00\\x1b\[2J": is this URL a Prometheus API\?$`, status(200, "\x00\x1b[2J"))
	answering("its JSON ends in the middle", `^main: answer cannot be read: unexpected end of JSON input: is this URL a Prometheus API\?$`, status(200, `{"status":"success","data":{"resul`))
	answering("its JSON is not an answer", `^main: answer cannot be read: it has no result: is this URL a Prometheus API\?$`, status(200, `{"hello":"world"}`))
	answering("a page to sign in", `^main: answer is HTML, not JSON: is this URL a Prometheus API\?$`, status(200, htmlPage, "Content-Type", "text/html"))
	answering("a redirect to sign in", `^main: answers with a redirect to https://login\.example/in; put the right address into url$`, status(302, "", "Location", "https://login.example/in?token=s3cret"))
	answering("an empty answer", `^main: answer is empty: is this URL a Prometheus API\?$`, status(200, ""))
	answering("gzip that is none", `^main: answer claims to be gzip and is not: is a proxy in between\?$`, status(200, "this is not gzip at all", "Content-Encoding", "gzip"))
	answering("401", `^main: 401 unauthorized \(who are you\): it wants credentials: set authorization or basic_auth$`, status(401, "who are you"))
	answering("403", `^main: 403 forbidden \(not yours\): these credentials may not ask it; check their rights, and the tenant in http_headers \(X-Scope-OrgID\)$`, status(403, "not yours"))
	answering("404", `^main: 404 not found \(404 page not found\): nobody answers questions at this path: check the path in url`, status(404, "404 page not found\n"))
	answering("422", `^main: execution: too many samples$`, status(422, `{"status":"error","errorType":"execution","error":"too many samples"}`))
	answering("429 with Retry-After", `^main: 429 too many requests: it wants fewer questions; it wants to be left alone for 1s( until \d\d:\d\d:\d\d UTC)?$`, status(429, "", "Retry-After", "1")).rest = 1100 * time.Millisecond
	answering("500", `^main: 500 internal server error \(boom\): its own log says more$`, status(500, "boom"))
	answering("502 with a page", `^main: 502 bad gateway \(an HTML page\): the proxy before it gets no answer: is it running\?$`, status(502, htmlPage))
	answering("503", `^main: 503 service unavailable \(Service Unavailable\): it is overloaded, or starts$`, status(503, "Service Unavailable"))
	bomb := packed(65 << 20)
	huge := answering("an answer without end", `^main: answer is larger than 64 MiB: ask for less with a lower max_series or a shorter window$`, status(200, bomb, "Content-Encoding", "gzip"))
	huge.section, huge.rest = "timeout = \"60s\"\nconcurrency = 1", 30*time.Second // the last one has to be swallowed first
	all = append(all,
		fault{
			name: "it is restarted", says: `^main: cannot be reached: 127\.0\.0\.1:\d+ refuses connections: is it running, and is the port right\?$`,
			begin: func(s *scene) { s.m.stop() }, end: func(s *scene) { s.m.start() },
		},
		fault{
			name: "its certificate expires", says: `^main: TLS: certificate expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC: it has to be renewed$`,
			begin: func(s *scene) { s.expire.Store(true); s.m.stop(); s.m.start() },
			end:   func(s *scene) { s.expire.Store(false) },
		},
		fault{
			name: "its name is not known", says: `^main: no such host prometheus\.sickbay\.test: check url$`,
			begin: func(s *scene) { s.names.set(false); s.m.stop(); s.m.start() },
			end:   func(s *scene) { s.names.set(true) },
		},
		fault{
			name: "the token is changed", says: `^main: 401 unauthorized: check bearer token \(credentials_file .*/token\)$`,
			begin: func(s *scene) { s.m.set(needsToken("second")) },
			end:   func(s *scene) { s.token("second") },
		},
		fault{
			name: "the token file is gone", says: `^main: open .*/token: no such file or directory: check bearer token \(credentials_file .*/token\)$`,
			begin: func(s *scene) { _ = os.Remove(filepath.Join(s.dir, "token")) },
			end:   func(s *scene) { s.token("first") },
		},
	)
	return all
}

// slowness, warnings and flapping are faults with which answers still come.
func slowness() fault {
	begin, end := answers(func(w http.ResponseWriter, _ *http.Request, good string) {
		time.Sleep(faultTimeout * 6 / 10)
		_, _ = io.WriteString(w, good)
	})
	return fault{name: "it is slow", begin: begin, end: end}
}

func warnings() fault {
	begin, end := answers(func(w http.ResponseWriter, _ *http.Request, good string) {
		_, _ = io.WriteString(w, strings.Replace(good, `"status":"success"`, `"status":"success","warnings":["store \u001b[2J2 is away"]`, 1))
	})
	return fault{name: "it answers for a part", begin: begin, end: end}
}

func flapping() fault {
	var n atomic.Int64
	begin, end := answers(func(w http.ResponseWriter, _ *http.Request, good string) {
		if n.Add(1)%3 == 0 {
			hangup(w, "", true)
			return
		}
		_, _ = io.WriteString(w, good)
	})
	return fault{name: "every third question fails", begin: begin, end: end}
}

// packed is a number of blanks, packed.
func packed(n int) string {
	var b bytes.Buffer
	gz, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	for block := bytes.Repeat([]byte(" "), 1<<20); n > 0; n -= len(block) {
		_, _ = gz.Write(block)
	}
	_ = gz.Close()
	return b.String()
}

// play opens the scene of a fault while all is well.
func play(t *testing.T, f fault, n *names) *scene {
	s := &scene{dir: t.TempDir(), names: n}
	s.patient = newPatient(t, func(now func() time.Time) (*monitor, sources.Source) {
		section := f.section
		if section == "" {
			section = fmt.Sprintf("timeout = %q", faultTimeout)
		}
		var secure *tls.Config
		if strings.Contains(f.says, "TLS") {
			ca := newAuthority(t)
			good, old := ca.sign(t, time.Now().Add(time.Hour)), ca.sign(t, time.Now().Add(-time.Hour))
			secure = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				if s.expire.Load() {
					return old, nil
				}
				return good, nil
			}}
			section += fmt.Sprintf("\ntls_config = { ca_file = %q }", ca.file)
		}
		m := newMonitor(t, now, secure)
		url := m.url()
		if strings.Contains(f.says, "sickbay") {
			_, port, _ := net.SplitHostPort(m.addr)
			url = "http://prometheus.sickbay.test:" + port
		}
		if strings.Contains(f.says, "token") {
			writeToken(t, s.dir, "first")
			section += fmt.Sprintf("\nauthorization = { credentials_file = %q }", filepath.Join(s.dir, "token"))
		}
		return m, m.open(url, section)
	})
	return s
}

// TestFaults plays every fault against a real source on a real port: what is wrong
// is said, what was known stays and is not called fresh, nobody waits, and all is
// well one refresh after the server is.
func TestFaults(t *testing.T) {
	n := newNames(t)
	before := runtime.NumGoroutine()
	var playing sync.WaitGroup
	for _, f := range faults() {
		playing.Go(func() { t.Run(f.name, func(t *testing.T) { suffer(t, f, n) }) })
	}
	playing.Wait()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before+1; runtime.Gosched() {
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines were left behind\n%s", runtime.NumGoroutine()-before, buf[:runtime.Stack(buf, true)])
		}
	}
}

func suffer(t *testing.T, f fault, n *names) {
	began := time.Now()
	s := play(t, f, n)
	s.until("all is well", patience, well)
	slack := faultSlack + 3*time.Since(began) // the machine may be busy with other things

	f.begin(s)
	says := regexp.MustCompile(f.says)
	at := s.until("the source says "+f.says, patience, func(snap *health.Snapshot) bool {
		return says.MatchString(ill(snap))
	})
	if !each(at, func(_ health.Service, sig health.Signal) bool {
		return sig.State.HasValue() && sig.Value == truth(sig.At.UnixMilli())
	}) {
		t.Errorf("values were lost when it began:\n%s", inShort(at))
	}
	if text := ill(at); text != health.Clean(text) && f.name != "it talks garbage" || strings.Contains(text, "s3cret") {
		t.Errorf("it says too much: %q", text)
	}

	s.ahead.Add(int64(20 * time.Second)) // nothing has come for a while
	newest := s.m.newest()
	s.until("the last values, called stale, with their age; services unknown", patience, func(snap *health.Snapshot) bool {
		return each(snap, func(v health.Service, sig health.Signal) bool {
			return v.Status == health.Unknown && v.Gone.IsZero() && sig.State == health.Stale &&
				sig.Value == truth(sig.At.UnixMilli()) && sig.At.UnixMilli() <= newest && says.MatchString(sig.Note)
		})
	})

	refresh := s.look().Load.Refresh
	f.end(s)
	began = time.Now()
	one := refresh*5/4 + faultTimeout + f.rest + slack // a question that hangs must end, a slower refresh is jittered
	s.until("everything is fresh within one refresh after its end", one, well)
	t.Logf("well %v after the end, refresh %v", time.Since(began).Round(time.Millisecond), refresh)
	if slow := time.Duration(s.slow.Load()); slow > time.Second {
		t.Errorf("a look took %v", slow)
	}
}

func TestAServerThatIsSlowIsAskedLessOftenAndTheScreenSaysWhy(t *testing.T) {
	t.Parallel()
	s := play(t, fault{}, nil)
	s.until("all is well", patience, well)
	slowness().begin(s)
	slow := s.until("a slower refresh and why", patience, func(snap *health.Snapshot) bool {
		return snap.Load.Refresh > faultRefresh && snap.Load.RefreshWhy != ""
	})
	if !regexp.MustCompile(`^main needs .* a round$`).MatchString(slow.Load.RefreshWhy) || !slow.Sources[0].OK {
		t.Errorf("refresh %v because %q, ok %v", slow.Load.Refresh, slow.Load.RefreshWhy, slow.Sources[0].OK)
	}
	s.m.set(nil)
	s.until("the refresh is as it was", patience, func(snap *health.Snapshot) bool {
		return snap.Load.Refresh == faultRefresh && snap.Load.RefreshWhy == "" && well(snap)
	})
}

func TestAServerThatAnswersForAPartSaysSoInWords(t *testing.T) {
	t.Parallel()
	s := play(t, fault{}, nil)
	s.until("all is well", patience, well)
	warnings().begin(s)
	s.until("partial values and the server's warning, made harmless", patience, func(snap *health.Snapshot) bool {
		return snap.Sources[0].OK && each(snap, func(_ health.Service, sig health.Signal) bool {
			return sig.State == health.Partial && strings.Contains(sig.Note, "2 is away") && !strings.Contains(sig.Note, "\x1b")
		})
	})
	s.m.set(nil)
	s.until("all is well again", patience, well)
}

func TestAServerThatIsNotThereAtTheStartIsFoundWhenItComes(t *testing.T) {
	t.Parallel()
	s := &scene{patient: newPatient(t, func(now func() time.Time) (*monitor, sources.Source) {
		m := newMonitor(t, now, nil)
		m.stop()
		return m, m.open(m.url(), "")
	})}
	s.until("it is said that it is not there", patience, func(snap *health.Snapshot) bool {
		return !snap.Asking && strings.Contains(ill(snap), "refuses connections") && snap.Worst() == health.Unknown
	})
	s.m.start()
	s.until("its services are there", patience, well)
}

func TestAStormOf503IsNotAnsweredWithMoreQuestions(t *testing.T) {
	t.Parallel()
	s := play(t, fault{}, nil)
	s.until("all is well", patience, well)
	s.m.set(status(503, ""))
	s.until("it is busy", patience, func(snap *health.Snapshot) bool { return ill(snap) != "" })
	before := s.m.count()
	s.until("the refresh is four times as long", patience, func(snap *health.Snapshot) bool { return snap.Load.Refresh >= 4*faultRefresh })
	if n := s.m.count() - before; n > 3 { // one each time it was doubled
		t.Errorf("%d questions were asked while the refresh went from 0.5 s to 2 s", n)
	}
	if why := s.look().Load.RefreshWhy; why != "main asked us to slow down" {
		t.Errorf("refresh is slower because %q", why)
	}
}

func TestABusySourceIsAskedLessAndLessAndLeftAloneAsLongAsItSays(t *testing.T) {
	inWard(t, nil, func(w ward) {
		w.Join()
		w.later(time.Minute)
		w.fake.set(func(f *fake) { f.err = &sources.Busy{} })
		w.later(10 * time.Minute)
		before := len(w.fake.log())
		w.later(20 * time.Minute)
		if n := len(w.fake.log()) - before; n < 8 || n > 11 { // one in two minutes, and up to a quarter of them
			t.Errorf("busy for ten minutes, it was asked %d times in the next twenty", n)
		}
		w.fake.set(func(f *fake) { f.err = nil })
		w.later(20 * time.Minute)
		w.fake.set(func(f *fake) { f.err = &sources.Busy{After: 5 * time.Minute} })
		w.later(30 * time.Second)
		before = len(w.fake.log())
		w.later(4 * time.Minute)
		if n := len(w.fake.log()) - before; n != 0 {
			t.Errorf("it wanted to be left alone and was asked %d times", n)
		}
		w.fake.set(func(f *fake) { f.err = nil })
		w.later(90 * time.Second)
		if n := len(w.fake.log()) - before; n == 0 {
			t.Error("it was not asked again")
		}
	})
}

// TestValuesAgeWhileNobodyIsAsked: a refresh may be slowed down to two minutes, and
// what is on the screen must not be called fresh for as long.
func TestValuesAgeWhileNobodyIsAsked(t *testing.T) {
	inWard(t, nil, func(w ward) {
		v := w.Join()
		w.later(time.Minute)
		w.fake.set(func(f *fake) { f.err = &sources.Busy{} })
		w.later(20 * time.Minute)
		w.fake.set(func(f *fake) { f.err = nil })
		for range 200 {
			w.later(time.Second)
			s := v.Snapshot()
			sig := w.signal(v, "chat", "errors")
			if age := time.Since(sig.At); sig.State == health.Fresh && age > 2*s.Step+s.Step+w.o.Refresh {
				t.Fatalf("a value of %v ago is called fresh (refresh %v)", age, s.Load.Refresh)
			}
		}
	})
}

func TestWhatFailedIsAskedAgainOneRefreshLaterHoweverSeldomItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "main", value: func(string, time.Time) (float64, bool) { return 0.001, true }, err: nil}
		pack := onePack()
		pack[0].Distributions = []packs.Distribution{{Signal: "prompt length", Kind: "histogram", Query: "buckets"}}
		e := New(Options{Sources: []sources.Source{f}, Packs: pack, DriftSpan: 15 * time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); e.Run(ctx) }()
		w := ward{e, f, t}
		e.Join()
		w.later(3 * time.Minute)
		f.set(func(f *fake) { f.err = fmt.Errorf("main: %w", sources.ErrRefused) })
		w.later(time.Minute)
		f.set(func(f *fake) { f.err = nil })
		before := counted(f.log(), "instant buckets")
		w.later(11 * time.Second)
		if n := counted(f.log(), "instant buckets") - before; n != 1 {
			t.Errorf("one refresh after it was refused it was asked %d times, want 1: earlier windows never change", n)
		}
		cancel()
		<-done
	})
}

// TestWhatCameInLateIsSeenAllTheSame: of the newest half minute a server may say
// something else a moment later.
func TestWhatCameInLateIsSeenAllTheSame(t *testing.T) {
	for name, late := range map[string]time.Duration{"a scrape that takes 9 s": 9 * time.Second, "VictoriaMetrics repeats the newest 30 s": 30 * time.Second} {
		inWard(t, nil, func(w ward) {
			value := func(at time.Time) float64 { return 0.001 + float64(at.Unix()%600)/1e6 }
			w.fake.says(func(_ string, at time.Time) (float64, bool) {
				if edge := time.Now().Add(-late).Truncate(10 * time.Second); at.After(edge) {
					at = edge
				}
				return value(at), true
			})
			v := w.Join()
			w.later(5 * time.Minute)
			first := w.fake.fetched()
			w.later(10 * time.Second)
			if n := w.fake.fetched() - first; n > 2*2*4 { // of two queries, for two services
				t.Errorf("%s: %d samples were fetched for one step", name, n)
			}
			wrong, edge := 0, time.Now().Add(-late-10*time.Second)
			for _, p := range w.signal(v, "chat", "errors").Series {
				if p.Time().Before(edge) && p.V != value(p.Time()) {
					wrong++
				}
			}
			if wrong > 0 {
				t.Errorf("%s: %d points are what they were at first", name, wrong)
			}
		})
	}
}

// ruleless is a fake that has no alerts.
type ruleless struct{ *fake }

func (r ruleless) Alerts(ctx context.Context) ([]health.Alert, error) {
	if err := r.enter(ctx, "alerts"); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s: has no alerts (404): %w", r.name, sources.ErrMissing)
}

func (r ruleless) Usage() sources.Usage {
	return sources.Usage{PerMinute: 7, PerMinuteMax: 1200, Cut: 3, Note: "has no alerts of its own"}
}

func TestWhatAServerDoesNotHaveIsNotAskedEveryRoundAndIsNoFault(t *testing.T) {
	second := ruleless{&fake{name: "mimir", value: func(string, time.Time) (float64, bool) { return 0.001, true }}}
	inWard(t, func() sources.Source { return second }, func(w ward) {
		v := w.Join()
		w.later(30 * time.Minute)
		if n := counted(second.log(), "alerts"); n != 1 {
			t.Errorf("in half an hour it was asked %d times", n)
		}
		st := v.Snapshot().Sources[1]
		if !st.OK || st.Error != "" || st.Failed != 0 {
			t.Errorf("it is said to be ill: %+v", st)
		}
		if st.PerMinute != 7 || st.PerMinuteMax != 1200 || st.Cut != 3 || st.Note != "has no alerts of its own" {
			t.Errorf("how it is used is not said: %+v", st)
		}
		w.later(time.Hour)
		if n := counted(second.log(), "alerts"); n != 2 {
			t.Errorf("in an hour and a half it was asked %d times", n)
		}
		second.set(func(f *fake) { f.err = fmt.Errorf("mimir: cannot be reached") })
		w.later(time.Minute)
		second.set(func(f *fake) { f.err = nil })
		w.later(11 * time.Second)
		if st := v.Snapshot().Sources[1]; !st.OK {
			t.Errorf("one refresh after it is back: %+v", st)
		}
	})
}

// hiccup is a fake that fails once, when it is asked for the scrape interval.
type hiccup struct {
	*fake
	had bool
}

func (h *hiccup) Instant(ctx context.Context, expr string, at time.Time) (sources.Answer, error) {
	if strings.Contains(expr, "count_over_time") && !h.had {
		h.had = true
		return sources.Answer{}, fmt.Errorf("slow: 422: %w", sources.ErrRefused)
	}
	return h.fake.Instant(ctx, expr, at)
}

func TestAScrapeIntervalThatCouldNotBeFoundIsAskedForAgain(t *testing.T) {
	second := &hiccup{fake: &fake{name: "slow", every: 60, value: func(string, time.Time) (float64, bool) { return 0.001, true }}}
	inWard(t, func() sources.Source { return second }, func(w ward) {
		w.Join()
		w.later(3 * time.Minute)
		if log := strings.Join(second.log(), "\n"); !strings.Contains(log, "[240s]") {
			t.Errorf("with a minute between scrapes rates are taken over less than four:\n%s", log)
		}
	})
}

// young is a fake that was started when the test was: of the five minutes in which samples
// are counted it has only the newest, and looks slower than it is.
type young struct {
	*fake
	began time.Time
}

func (y *young) Instant(ctx context.Context, expr string, at time.Time) (sources.Answer, error) {
	if strings.Contains(expr, "count_over_time") {
		y.set(func(f *fake) { f.every = 300 / max(1, min(at.Sub(y.began), 5*time.Minute).Seconds()/5) }) // scraped every 5 s
	}
	return y.fake.Instant(ctx, expr, at)
}

func TestTheScrapeIntervalOfAYoungServerIsKnownInMinutes(t *testing.T) {
	second := &young{fake: &fake{name: "new", value: func(string, time.Time) (float64, bool) { return 0.001, true }}}
	inWard(t, func() sources.Source { second.began = time.Now().Add(-20 * time.Second); return second }, func(w ward) {
		v := w.Join()
		w.later(20 * time.Second)
		at := v.Snapshot().Rate
		w.later(5 * time.Minute)
		if now := v.Snapshot().Rate; at < 2*time.Minute || now > time.Minute {
			t.Errorf("rates are taken over %v at first and %v after five minutes", at, now)
		}
	})
}

// TestWhoLooksAtAnotherTimeTakesNobodysSeries: all want another stretch of the same
// question.
func TestWhoLooksAtAnotherTimeTakesNobodysSeries(t *testing.T) {
	inWard(t, nil, func(w ward) {
		w.fake.says(func(string, time.Time) (float64, bool) {
			time.Sleep(time.Microsecond) // an answer takes a while, or nothing else would ever happen
			return 0.001, true
		})
		w.later(time.Minute)
		var all []*Viewer
		for _, back := range []time.Duration{0, 20, 55, 65, 130, 190, 250, 300, 600} {
			v, lens := w.Join(), health.Lens{Window: time.Hour}
			if back > 0 {
				lens.At = time.Now().Add(-back * time.Minute).Truncate(time.Minute)
			}
			v.Want(health.Interest{Lens: lens})
			all = append(all, v)
		}
		w.later(30 * time.Second)
		before := counted(w.fake.log(), "range errors")
		for range 30 {
			w.later(time.Second)
			for _, v := range all {
				if sig := w.signal(v, "chat", "errors"); sig.State != health.Fresh || len(sig.Series) < 359 {
					t.Fatalf("at %v errors is %v with %d points", v.Snapshot().At, sig.State, len(sig.Series))
				}
			}
		}
		if n := counted(w.fake.log(), "range errors") - before; n > 3+2 { // the live one goes on
			t.Errorf("%d questions in half a minute", n)
		}
	})
}

// TestTwoWindowsOfOneStepShareTheirSeries: what the longer one needs is not thrown
// away for the shorter one, to be fetched again and again.
func TestTwoWindowsOfOneStepShareTheirSeries(t *testing.T) {
	inWard(t, nil, func(w ward) {
		w.fake.says(func(string, time.Time) (float64, bool) {
			time.Sleep(time.Microsecond)
			return 0.001, true
		})
		for _, window := range []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute} {
			w.Join().Want(health.Interest{Lens: health.Lens{Window: window}})
		}
		w.later(5 * time.Minute)
		before := counted(w.fake.log(), "range errors")
		w.later(time.Minute)
		if n := counted(w.fake.log(), "range errors") - before; n > 6*2 { // in steps of 5 s and, for the judgement, 10 s
			t.Errorf("%d questions for the same series in a minute of six refreshes", n)
		}
	})
}
