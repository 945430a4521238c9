package sources

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const maxBody = 64 << 20 // bytes of an answer, unpacked

// exchange is what the transport saw of one question.
type exchange struct {
	began    time.Time
	took     time.Duration
	status   int
	date     time.Time // the server's clock; zero: not said
	location string    // where a redirect leads, as it may be shown
	bytes    atomic.Int64
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

// capped is a transport that asks for packed answers, reads no more than maxBody
// of them unpacked, and notes in the exchange of the request what came.
type capped struct{ next http.RoundTripper }

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
	if to, err := resp.Location(); err == nil {
		x.location = to.Scheme + "://" + to.Host + to.Path
	}
	packed := &counted{resp.Body, &x.bytes}
	body := &limited{r: packed, close: packed, left: maxBody}
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		body.r = &unpacked{packed: packed}
		resp.Header.Del("Content-Encoding")
		resp.ContentLength = -1
	}
	resp.Body = body
	return resp, nil
}

// CloseIdleConnections lets http.Client close what the wrapped transport holds.
func (c *capped) CloseIdleConnections() {
	if idle, ok := c.next.(interface{ CloseIdleConnections() }); ok {
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
}

func (u *unpacked) Read(p []byte) (int, error) {
	if u.gz == nil {
		var err error
		if u.gz, err = gzip.NewReader(u.packed); err != nil {
			return 0, err
		}
	}
	return u.gz.Read(p)
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
