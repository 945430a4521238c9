package sources

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sickbay/health"
)

// quick is what the client library of Prometheus asks through. It reads the answers that
// come again and again, vectors and matrices of plain numbers, by itself: the library
// reads every byte four times and makes a map of every set of labels, and that was a
// third of what a dashboard at rest cost. All else, whatever is broken first of all, the
// library reads as it always did.
type quick struct {
	base   *url.URL
	client *http.Client
	sets   *labelSets
}

// nothingMore is what the library gets to read of an answer that was read already.
var nothingMore = []byte(`{"status":"success","data":{"resultType":"vector","result":[]}}`)

// URL is the address of an endpoint, as the library makes it.
func (c *quick) URL(endpoint string, args map[string]string) *url.URL {
	for name, value := range args {
		endpoint = strings.ReplaceAll(endpoint, ":"+name, value)
	}
	u := *c.base
	u.Path = c.base.JoinPath(endpoint).Path
	return &u
}

// Do puts a question. What it reads by itself is left in the exchange of ctx.
func (c *quick) Do(ctx context.Context, r *http.Request) (*http.Response, []byte, error) {
	resp, err := c.client.Do(r.WithContext(ctx))
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	text := buffers.Get().(*bytes.Buffer)
	defer putBack(text)
	if _, err := text.ReadFrom(resp.Body); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return resp, nil, err
	}
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	if x != nil && resp.StatusCode == http.StatusOK {
		if x.numbers, err = c.sets.read(text.Bytes()); err == nil {
			return resp, nothingMore, nil
		}
	}
	return resp, bytes.Clone(text.Bytes()), nil
}

// buffers are for answers. A large one is not kept: answers are, after the first.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const largestKept = 1 << 20

func putBack(b *bytes.Buffer) {
	if b.Reset(); b.Cap() <= largestKept {
		buffers.Put(b)
	}
}

// numbers is an answer that was read.
type numbers struct {
	kind     string // "vector" or "matrix"
	found    string // what its series are, as far as read
	series   []Series
	warnings []string
}

// labelSets remembers sets of labels by how the server writes them: the same ones come
// with every answer. They are shared, and nobody changes them.
type labelSets struct {
	mu    sync.Mutex
	known map[string]labelSet
}

type labelSet struct {
	labels map[string]string
	id     string
}

// mostSets bounds what is remembered.
const mostSets = 50_000

func (l *labelSets) of(text []byte) (labelSet, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if set, known := l.known[string(text)]; known {
		return set, nil
	}
	set := labelSet{labels: map[string]string{}}
	if err := json.Unmarshal(text, &set.labels); err != nil {
		return set, err
	}
	set.id = identity(set.labels)
	if l.known == nil || len(l.known) >= mostSets {
		l.known = map[string]labelSet{}
	}
	l.known[string(text)] = set
	return set, nil
}

// identity is one string for one set of labels.
func identity(labels map[string]string) string {
	var b []byte
	for _, n := range slices.Sorted(maps.Keys(labels)) {
		b = append(append(append(append(b, n...), 0xff), labels[n]...), 0xff)
	}
	return string(b)
}

// errOther is an answer that is not plain numbers, or not whole.
var errOther = errors.New("not plain numbers")

// read reads an answer of plain numbers, or nothing.
func (l *labelSets) read(text []byte) (*numbers, error) {
	n, s := &numbers{}, scanner{b: text}
	success := false
	err := s.object(func(key string) error {
		switch key {
		case "status":
			status, err := s.text()
			success = status == "success"
			return err
		case "data":
			return n.data(&s, l)
		case "warnings":
			return s.list(func() error {
				w, err := s.text()
				n.warnings = append(n.warnings, w)
				return err
			})
		}
		return s.skip()
	})
	if s.space(); err != nil || !success || n.series == nil || n.kind == "" || n.found != "" && n.found != n.kind || s.at < len(s.b) {
		return nil, errOther
	}
	return n, nil
}

// data reads the part of an answer that has the numbers.
func (n *numbers) data(s *scanner, l *labelSets) error {
	return s.object(func(key string) error {
		switch key {
		case "resultType":
			if n.kind, _ = s.text(); n.kind != "vector" && n.kind != "matrix" {
				return errOther
			}
			return nil
		case "result":
			return n.result(s, l)
		}
		return s.skip()
	})
}

// result reads the series. Their points lie in one piece of memory.
func (n *numbers) result(s *scanner, l *labelSets) error {
	scratch := pointsRead.Get().(*[]health.Point)
	points, ends := (*scratch)[:0], []int(nil)
	n.series = []Series{}
	err := s.list(func() error {
		set, kind, err := labelSet{}, "", error(nil)
		err = s.object(func(key string) (err error) {
			switch {
			case key == "metric" && set.labels == nil:
				set, err = l.of(s.raw())
				return err
			case key == "value" && kind == "":
				kind = "vector"
				points, err = s.point(points)
				return err
			case key == "values" && kind == "":
				kind = "matrix"
				return s.list(func() (err error) { points, err = s.point(points); return err })
			}
			return errOther // a histogram
		})
		if err != nil || set.labels == nil || kind == "" || n.found != "" && n.found != kind {
			return errOther
		}
		n.found = kind
		n.series, ends = append(n.series, Series{Labels: set.labels, id: set.id}), append(ends, len(points))
		return nil
	})
	from := 0
	own := slices.Clone(points)
	for i, to := range ends {
		n.series[i].Points, from = own[from:to:to], to
	}
	if *scratch = points; cap(points) <= largestKept/16 {
		pointsRead.Put(scratch)
	}
	return err
}

// pointsRead are for points until it is known how many there are.
var pointsRead = sync.Pool{New: func() any { return new([]health.Point) }}

// A scanner walks over JSON.
type scanner struct {
	b  []byte
	at int
}

func (s *scanner) space() {
	for s.at < len(s.b) && (s.b[s.at] == ' ' || s.b[s.at] == '\n' || s.b[s.at] == '\t' || s.b[s.at] == '\r') {
		s.at++
	}
}

// from is where the next value begins.
func (s *scanner) from() int {
	s.space()
	return s.at
}

// is takes a character if it is the next.
func (s *scanner) is(c byte) bool {
	if s.space(); s.at < len(s.b) && s.b[s.at] == c {
		s.at++
		return true
	}
	return false
}

// object hands over the keys of an object; each has to take its value.
func (s *scanner) object(value func(key string) error) error {
	return s.within('{', '}', func() error {
		key, err := s.text()
		if err != nil || !s.is(':') {
			return errOther
		}
		return value(key)
	})
}

// list has its values taken one by one.
func (s *scanner) list(value func() error) error { return s.within('[', ']', value) }

func (s *scanner) within(open, shut byte, value func() error) error {
	if !s.is(open) {
		return errOther
	}
	if s.is(shut) {
		return nil
	}
	for {
		if err := value(); err != nil {
			return err
		}
		if s.is(shut) {
			return nil
		}
		if !s.is(',') {
			return errOther
		}
	}
}

// quoted takes a string, with its quotes.
func (s *scanner) quoted() ([]byte, bool) {
	from := s.from()
	if !s.is('"') {
		return nil, false
	}
	for ; s.at < len(s.b); s.at++ {
		switch s.b[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return s.b[from:s.at], true
		}
	}
	return nil, false
}

// text takes a string and says what it means.
func (s *scanner) text() (string, error) {
	raw, ok := s.quoted()
	if !ok {
		return "", errOther
	}
	if known, ok := usualWords[string(raw)]; ok {
		return known, nil
	}
	var text string
	return text, json.Unmarshal(raw, &text)
}

// usualWords are the strings of every answer.
var usualWords = func() map[string]string {
	all := map[string]string{}
	for _, w := range []string{"status", "success", "data", "resultType", "matrix", "vector", "result", "metric", "value", "values", "warnings", "infos"} {
		all[strconv.Quote(w)] = w
	}
	return all
}()

// skip takes any value; it has to be one.
func (s *scanner) skip() error {
	if !json.Valid(s.raw()) {
		return errOther
	}
	return nil
}

// raw takes what is one value if it is any.
func (s *scanner) raw() []byte {
	from, depth := s.from(), 0
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case '"':
			if _, ok := s.quoted(); !ok {
				return nil
			}
			s.at--
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if s.at++; depth <= 0 && (s.at == len(s.b) || bytes.IndexByte(delimiters, s.b[s.at]) >= 0) {
			break
		}
	}
	return s.b[from:s.at]
}

// delimiters are what a value may be followed by.
var delimiters = []byte(",}] \n\t\r")

// point takes a pair of a time in seconds and a number in quotes.
func (s *scanner) point(all []health.Point) ([]health.Point, error) {
	if !s.is('[') {
		return all, errOther
	}
	t, ok := s.time()
	if !ok || !s.is(',') {
		return all, errOther
	}
	raw, ok := s.quoted()
	if !ok || !s.is(']') {
		return all, errOther
	}
	v, err := strconv.ParseFloat(string(raw[1:len(raw)-1]), 64)
	return append(all, health.Point{T: t, V: v}), err
}

// time takes a time in seconds, and gives it in milliseconds.
func (s *scanner) time() (ms int64, ok bool) {
	from := s.from()
	for ; s.at < len(s.b) && s.b[s.at] >= '0' && s.b[s.at] <= '9'; s.at++ {
		ms = ms*10 + int64(s.b[s.at]-'0')
	}
	if n := s.at - from; n == 0 || n > 12 || n > 1 && s.b[from] == '0' {
		return 0, false
	}
	if ms *= 1000; s.at == len(s.b) || s.b[s.at] != '.' {
		return ms, true
	}
	s.at++
	digits := 0
	for scale := int64(100); s.at < len(s.b) && s.b[s.at] >= '0' && s.b[s.at] <= '9'; s.at++ {
		ms += int64(s.b[s.at]-'0') * scale
		scale /= 10
		digits++
	}
	return ms, digits > 0
}
