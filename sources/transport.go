package sources

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxBody = 64 << 20 // bytes of an answer, unpacked
	maxHead = 2 << 10  // bytes of its beginning that are kept to say what it was
)

// exchange is what the transport saw of one question.
type exchange struct {
	began    time.Time
	took     time.Duration
	status   int
	date     time.Time // the server's clock; zero: not said
	location string    // where a redirect leads, as it may be shown
	kind     string    // its Content-Type
	later    string    // its Retry-After
	spent    time.Time // no question is left until then; zero: not said
	victoria bool      // it has the header every VictoriaMetrics adds
	bytes    atomic.Int64
	numbers  *numbers // it was plain numbers, and read already

	mu   sync.Mutex // the body may still be read when the question is given up
	head []byte     // unpacked
}

// note keeps the beginning of an answer.
func (x *exchange) note(p []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.head = append(x.head, p[:min(len(p), maxHead-len(x.head))]...)
}

// beginning is the beginning of the answer as far as it has been read.
func (x *exchange) beginning() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return string(x.head)
}

type exchangeKey struct{}

// skew is the server's clock minus ours. Its date has whole seconds, so half a
// second is added, and what is left under one second says nothing.
func (x *exchange) skew() time.Duration {
	if x.date.IsZero() {
		return 0
	}
	d := x.date.Add(time.Second / 2).Sub(x.began.Add(x.took / 2))
	if d.Abs() < time.Second {
		return 0
	}
	return d.Round(time.Second / 10)
}

var errTooLarge = fmt.Errorf("answer is larger than %d MiB", maxBody>>20)

// room bounds what the answers of one source hold together while they are read. A
// full room sends away whoever has more than his share: the small ones go on.
type room struct {
	mu          sync.Mutex
	used        int64
	size, share int64
}

// newRoom has space for two answers as large as can be, whatever comes at once.
func newRoom(slots int) *room {
	return &room{size: 2 * maxBody, share: 2 * maxBody / int64(slots)}
}

// take makes n more bytes those of somebody who has some already.
func (r *room) take(n, has int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used += n
	if r.used > r.size && has+n > r.share {
		return errTooLarge
	}
	return nil
}

func (r *room) give(n int64) { _ = r.take(-n, 0) }

// capped is a transport that asks for packed answers, reads no more than maxBody
// of them unpacked, and notes in the exchange of the request what came.
type capped struct {
	next http.RoundTripper
	room *room
}

func (c *capped) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Encoding", "gzip")
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	x, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		x = &exchange{}
	}
	x.status = resp.StatusCode
	x.date, _ = http.ParseTime(resp.Header.Get("Date"))
	x.kind, x.later = resp.Header.Get("Content-Type"), resp.Header.Get("Retry-After")
	if resp.Header.Get("X-RateLimit-Remaining") == "0" {
		if at, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			x.spent = time.Unix(at, 0)
		}
	}
	x.victoria = resp.Header.Get("X-Server-Hostname") != ""
	if to, err := resp.Location(); err == nil {
		x.location = to.Scheme + "://" + to.Host + to.Path
	}
	packed := &counted{resp.Body, &x.bytes}
	body := &answerBody{limited: limited{r: packed, close: packed, left: maxBody}, x: x, room: c.room}
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		body.r = &unpacked{packed: packed}
		resp.Header.Del("Content-Encoding")
		resp.ContentLength = -1
	}
	resp.Body = body
	return resp, nil
}

// CloseIdleConnections lets http.Client close what the wrapped transport holds.
func (c *capped) CloseIdleConnections() { closeIdle(c.next) }

// answerBody is the body of an answer: bounded alone and together with others, its
// beginning noted.
type answerBody struct {
	limited
	x    *exchange
	room *room

	mu     sync.Mutex // it may be closed while it is read
	held   int64
	closed bool
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.limited.Read(p)
	b.x.note(p[:n])
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return n, err
	}
	full := b.room.take(int64(n), b.held)
	if b.held += int64(n); full != nil {
		return n, full
	}
	return n, err
}

func (b *answerBody) Close() error {
	b.mu.Lock()
	if !b.closed {
		b.room.give(b.held)
	}
	b.closed = true
	b.mu.Unlock()
	return b.limited.Close()
}

// frugal asks by GET at once where POST is not allowed and GET is: the client would
// try both with every question.
type frugal struct {
	next    http.RoundTripper
	barred  atomic.Bool // a POST was turned away
	getOnly atomic.Bool
}

func (f *frugal) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && f.getOnly.Load() {
		r = asGET(r)
	}
	resp, err := f.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch code := resp.StatusCode; {
	case r.Method == http.MethodPost:
		f.barred.Store(code == http.StatusForbidden || code == http.StatusMethodNotAllowed || code == http.StatusNotImplemented)
	case code == http.StatusOK && f.barred.Load() && r.URL.Query().Has("query"):
		f.getOnly.Store(true)
	}
	return resp, nil
}

// asGET puts what a form asks for into the address.
func asGET(r *http.Request) *http.Request {
	body, err := r.GetBody()
	if err != nil {
		return r
	}
	form, err := io.ReadAll(body)
	if err != nil {
		return r
	}
	r = r.Clone(r.Context())
	r.Method, r.URL.RawQuery = http.MethodGet, string(form)
	r.Body, r.GetBody, r.ContentLength = nil, nil, 0
	r.Header.Del("Content-Type")
	return r
}

// CloseIdleConnections lets http.Client close what the wrapped transport holds.
func (f *frugal) CloseIdleConnections() { closeIdle(f.next) }

func closeIdle(rt http.RoundTripper) {
	if idle, ok := rt.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// counted counts the bytes that came over the wire.
type counted struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// unpacked reads gzip. It waits with the header until somebody reads.
type unpacked struct {
	packed io.Reader
	gz     *gzip.Reader
	end    error // it was read up to its end, or cannot be read
}

// unpackers are readers of gzip that nobody uses: each has 40 KB of tables.
var unpackers sync.Pool

func (u *unpacked) Read(p []byte) (n int, err error) {
	if u.end == nil && u.gz == nil {
		u.open()
	}
	if u.end != nil {
		return 0, u.end
	}
	if n, err = u.gz.Read(p); err != nil {
		u.end = err
		unpackers.Put(u.gz)
		u.gz = nil
	}
	return n, err
}

func (u *unpacked) open() {
	if free, ok := unpackers.Get().(*gzip.Reader); ok {
		u.gz, u.end = free, free.Reset(u.packed)
		return
	}
	u.gz, u.end = gzip.NewReader(u.packed)
}

// limited fails instead of reading without end.
type limited struct {
	r     io.Reader
	close io.Closer
	left  int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, errTooLarge
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left+1)])
	if l.left -= int64(n); l.left < 0 {
		return n, errTooLarge
	}
	return n, err
}

func (l *limited) Close() error { return l.close.Close() }
