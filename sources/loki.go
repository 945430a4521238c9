package sources

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

func init() {
	register(Kind{
		Name: "loki",
		Doc:  "A Grafana Loki: what a LogQL selector finds, followed by asking for ranges of time.",
		Example: `kind = "loki"
name = "loki"
url = "http://loki:3100"
query = '{service_name=~"chat|search"}'
tenant = ""                       # X-Scope-OrgID
history = "1h"                    # that is read at the start, the newest 50000 lines of it
` + lineExample + webExample,
		Open: openLoki,
	})
}

const (
	lokiLimit   = 5000             // entries in an answer: what servers allow unless told otherwise
	lokiRest    = 2 * time.Second  // between questions
	lokiOverlap = 10 * time.Second // that is asked for again: entries come late
	lokiPages   = 4                // answers in a row before what is behind is given up …
	lokiBehind  = time.Minute      // … but for so much of it
	lokiPatient = 30 * time.Second // longest time between questions that fail
)

const lokiAPI = "a Loki API"

type lokiConfig struct {
	webConfig
	lineConfig
	Query   string        `toml:"query"`
	Tenant  string        `toml:"tenant"`
	History time.Duration `toml:"history"`
}

type loki struct {
	*web
	lined
	query   string
	history time.Duration
	now     func() time.Time
}

func openLoki(name string, decode Decode) (Source, error) {
	c := lokiConfig{History: time.Hour, Query: `{service_name=~".+"}`}
	if err := decode(&c); err != nil {
		return nil, err
	}
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	if c.Query = strings.TrimSpace(c.Query); !strings.HasPrefix(c.Query, "{") {
		return nil, fmt.Errorf(`query: %q does not begin with a selector, such as '{app="chat"}'`, c.Query)
	}
	if c.History < 0 {
		return nil, fmt.Errorf(`history: %v is no length of time; try "1h"`, c.History)
	}
	if c.Tenant, err = expand(c.Tenant); err != nil {
		return nil, fmt.Errorf("tenant: %w", err)
	}
	if c.Tenant != "" {
		if c.HTTPHeaders == nil {
			c.HTTPHeaders = map[string]string{}
		}
		c.HTTPHeaders["X-Scope-OrgID"] = c.Tenant
	}
	w, err := c.open(name, lokiAPI)
	if err != nil {
		return nil, err
	}
	return &loki{web: w, lined: lined{o}, query: c.Query, history: c.History, now: time.Now}, nil
}

func (l *loki) About() (kind, where string) { return "loki", l.where() + " " + l.query }

// Version asks who it is.
func (l *loki) Version(ctx context.Context) (string, error) {
	var b buildInfo
	err := l.lookUp(ctx, "/loki/api/v1/status/buildinfo", nil, func(r io.Reader) error { return decode(r, &b) })
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return b.Version, notThere(err)
}

// lokiEntry is one line of one stream.
type lokiEntry struct {
	at     int64 // nanoseconds
	stream *lokiStream
	line   string
}

// lokiStream is what the labels of a stream say.
type lokiStream struct {
	name           string // the labels, as LogQL writes them
	service, level string
	dims           []health.Field
}

type lokiAnswer struct {
	Data struct {
		Type   string `json:"resultType"`
		Result []struct {
			Stream map[string]string   `json:"stream"`
			Values [][]json.RawMessage `json:"values"` // time, line, and more of newer ones
		} `json:"result"`
	} `json:"data"`
}

// lines asks for entries in [from, to), by time. There may be more when as many
// came as were asked for: behind the last, or before the first if backward.
func (l *loki) lines(ctx context.Context, from, to int64, backward bool) ([]lokiEntry, error) {
	q := url.Values{
		"query": {l.query}, "limit": {strconv.Itoa(lokiLimit)}, "direction": {"forward"},
		"start": {strconv.FormatInt(from, 10)}, "end": {strconv.FormatInt(to, 10)},
	}
	if backward {
		q.Set("direction", "backward")
	}
	var got lokiAnswer
	err := l.lookUp(ctx, "/loki/api/v1/query_range", q, func(r io.Reader) error { return decode(r, &got) })
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, &failure{l.name + ": 404 not found: is this URL " + l.speaks + "?", nil}
	case err != nil:
		return nil, err
	case got.Data.Type != "streams":
		return nil, &failure{fmt.Sprintf("%s: query gives %s, not lines: %s", l.name, orElse(health.Cut(got.Data.Type, 40), "nothing"), l.query), ErrRefused}
	}
	var all []lokiEntry
	for _, s := range got.Data.Result {
		stream := understood(s.Stream)
		for _, v := range s.Values {
			var ns, line string
			if len(v) < 2 || json.Unmarshal(v[0], &ns) != nil || json.Unmarshal(v[1], &line) != nil {
				continue
			}
			if at, err := strconv.ParseInt(ns, 10, 64); err == nil {
				all = append(all, lokiEntry{at, stream, line})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b lokiEntry) int { return cmp.Compare(a.at, b.at) })
	return all, nil
}

// lokiOwn are labels that say where a line came from and not what it is about.
var lokiOwn = map[string]bool{
	"job": true, "instance": true, "filename": true, "pod": true, "container": true, "container_name": true, "app": true, "service": true, "service_name": true,
	"stream": true, "node_name": true, "host": true, "hostname": true, "detected_level": true, "level": true, "severity": true, "pod_template_hash": true, "uid": true,
}

// understood reads the labels of a stream.
func understood(labels map[string]string) *lokiStream {
	var names []string
	for n := range labels {
		names = append(names, n)
	}
	slices.Sort(names)
	s := &lokiStream{
		service: cmp.Or(labels["service_name"], labels["service"], labels["app"], labels["container"], labels["job"]),
		level:   cmp.Or(labels["level"], labels["severity"], labels["detected_level"]),
	}
	if s.service == "unknown_service" {
		s.service = cmp.Or(labels["app"], labels["container"], labels["job"])
	}
	var parts []string
	for _, n := range names {
		parts = append(parts, n+"="+strconv.Quote(labels[n]))
		if v := labels[n]; !lokiOwn[n] && len(v) <= 64 && len(s.dims) < 8 && v != "" {
			s.dims = append(s.dims, health.Field{Name: n, Value: v})
		}
	}
	s.name = "{" + strings.Join(parts, ", ") + "}"
	return s
}

// Follow reads the newest of what is there, then asks again and again for what
// came since. It returns nil when ctx ends, and no sooner.
func (l *loki) Follow(ctx context.Context, emit func(Batch)) error {
	f := &lokiFollower{loki: l, reader: newReader(l.options, emit), streams: map[string]*lokiStream{}, seen: map[uint64]int64{}}
	f.reader.dress = f.dress
	rest := lokiRest
	for {
		err := f.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var busy *Busy
		switch {
		case err == nil:
			rest = lokiRest
		case errors.As(err, &busy):
			rest = max(rest, busy.After)
		default:
			rest = min(2*rest, lokiPatient)
		}
		if err != nil {
			emit(Batch{Err: err})
		}
		if sleep(ctx, jittered(rest)) != nil {
			return nil
		}
	}
}

// A lokiFollower knows how far it has read.
type lokiFollower struct {
	*loki
	reader  *reader
	streams map[string]*lokiStream
	seen    map[uint64]int64 // entries of the overlap, by what they are
	until   int64            // everything before it has been asked for; 0: nothing
}

// look asks for everything that is new.
func (f *lokiFollower) look(ctx context.Context) error {
	now := f.now()
	if f.until == 0 {
		return f.begin(ctx, now)
	}
	note := ""
	to := now.UnixNano() + 1
	for from, pages := f.until-int64(lokiOverlap), 0; ; pages++ {
		all, err := f.lines(ctx, from, to, false)
		if err != nil {
			return err
		}
		f.take(all, now)
		if len(all) < lokiLimit {
			break
		}
		last := all[len(all)-1].at
		if last == from { // more entries of one moment than an answer holds
			last++
		}
		from = last
		if behind := to - from; pages >= lokiPages && behind > int64(lokiBehind) {
			skip := to - int64(lokiBehind)
			n := f.count(ctx, from, skip)
			f.reader.batch.Dropped += n
			note = fmt.Sprintf("too many lines: %d of %s to %s were skipped", n, clockOf(from), clockOf(skip))
			from = skip
		}
	}
	f.until = to
	f.forget(to - 2*int64(lokiOverlap))
	f.reader.rest(now, true)
	f.reader.say(note, true, now)
	return nil
}

// count says how many entries there are in [from, to), as well as the server knows.
func (l *loki) count(ctx context.Context, from, to int64) int {
	q := url.Values{
		"query": {fmt.Sprintf("sum(count_over_time(%s[%ds]))", l.query, max(1, (to-from)/int64(time.Second)))},
		"time":  {strconv.FormatInt(to, 10)},
	}
	var got struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if l.lookUp(ctx, "/loki/api/v1/query", q, func(r io.Reader) error { return decode(r, &got) }) != nil || len(got.Data.Result) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(fmt.Sprint(got.Data.Result[0].Value[1])) // what is no number is not known
	return n
}

func clockOf(ns int64) string { return time.Unix(0, ns).UTC().Format("15:04:05") }

// begin reads the newest lines of the history.
func (f *lokiFollower) begin(ctx context.Context, now time.Time) error {
	to := now.UnixNano() + 1
	all, err := f.back(ctx, now.Add(-f.history).UnixNano(), to, maxPast)
	if err != nil {
		return err
	}
	f.take(all, now)
	f.until = to
	f.reader.rest(now, true)
	f.reader.say("", true, now)
	return nil
}

// back reads the newest n entries of [from, to), newest answer first.
func (l *loki) back(ctx context.Context, from, to int64, n int) ([]lokiEntry, error) {
	var pages [][]lokiEntry
	for count := 0; count < n; {
		page, err := l.lines(ctx, from, to, true)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
		count += len(page)
		if len(page) < lokiLimit || page[0].at <= from {
			break
		}
		to = page[0].at // entries of that very moment may be missed: there is no other way to go on
	}
	slices.Reverse(pages)
	return slices.Concat(pages...), nil
}

// take reads entries that were not read before.
func (f *lokiFollower) take(all []lokiEntry, now time.Time) {
	for _, e := range all {
		h := fnv.New64a()
		fmt.Fprint(h, e.at, e.stream.name, e.line)
		id := h.Sum64()
		if _, known := f.seen[id]; known {
			continue
		}
		if e.at > now.UnixNano()-2*int64(lokiOverlap) || f.until > 0 {
			f.seen[id] = e.at
		}
		f.streams[e.stream.name] = e.stream
		f.reader.entry(e.stream.name, e.line, time.Unix(0, e.at).UTC(), now)
	}
}

// forget bounds what is remembered.
func (f *lokiFollower) forget(before int64) {
	for id, at := range f.seen {
		if at < before {
			delete(f.seen, id)
		}
	}
	if len(f.streams) > maxStreams {
		clear(f.streams)
	}
}

// dress adds what the labels say to what a line says itself.
func (f *lokiFollower) dress(stream string, q *health.Request) { f.streams[stream].dress(q) }

func (s *lokiStream) dress(q *health.Request) {
	if s == nil {
		return
	}
	dims := q.Dims
	for _, d := range s.dims {
		if !slices.ContainsFunc(q.Dims, func(o health.Field) bool { return o.Name == d.Name }) {
			dims = append(slices.Clip(dims), d) // others may have the same ones
		}
	}
	q.Dims = dims
	logs.Dress(q, s.service, logs.LevelNamed(s.level))
}

// Past asks for a time gone by.
func (l *loki) Past(ctx context.Context, from, to time.Time, emit func(Batch)) error {
	all, err := l.back(ctx, from.UnixNano()+1, to.UnixNano()+1, maxPast)
	if err != nil {
		return err
	}
	f := &lokiFollower{loki: l, reader: newReader(l.options, emit), streams: map[string]*lokiStream{}, seen: map[uint64]int64{}}
	f.reader.dress = f.dress
	f.take(all, to)
	f.reader.rest(to, true)
	if len(f.reader.batch.Requests) > 0 {
		f.reader.send(to)
	}
	return nil
}
