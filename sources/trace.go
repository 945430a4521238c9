package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"sickbay/health"
)

// Traces looks up what one request did.
type Traces interface {
	Source
	// Trace returns the spans of a trace by its id, as hexadecimal digits or as a
	// traceparent. ErrNotFound: this source does not have it, and others may. It
	// returns when ctx ends.
	Trace(ctx context.Context, id string) (health.Trace, error)
}

// ErrNotFound says that a source is well and does not have what was looked up: the
// request was not sampled, its spans are on their way, or it is too long ago.
var ErrNotFound = errors.New("not found")

// Bounds on what is kept of one trace: nobody reads more, and an agent that went
// round in a circle for an hour must not fill the memory.
const (
	maxSpans      = 2000
	maxAttributes = 24
	maxAttribute  = 256  // bytes of one
	maxSpanText   = 8192 // bytes of a tool's arguments or result
)

// cleanTraceID turns an id as it stands in a log into 32 lower-case hexadecimal
// digits. Old tracers have ids of 16, and some write them without leading zeros.
func cleanTraceID(id string) (string, error) {
	id = strings.ToLower(strings.TrimSpace(id))
	if parts := strings.Split(id, "-"); len(parts) == 4 && len(parts[0]) == 2 { // traceparent: version-trace-span-flags
		id = parts[1]
	}
	id = strings.ReplaceAll(strings.TrimPrefix(id, "0x"), "-", "")
	if id == "" || len(id) > 32 || strings.Trim(id, "0123456789abcdef") != "" || strings.Trim(id, "0") == "" {
		return "", fmt.Errorf("%q is no trace id: want up to 32 hexadecimal digits: %w", health.Cut(id, 40), ErrNotFound)
	}
	return strings.Repeat("0", 32-len(id)) + id, nil
}

// traceURL is the part of a section that says where people look at traces.
type traceURL struct {
	TraceURL string `toml:"trace_url"`
}

func (t traceURL) template() (health.LinkTemplate, error) {
	text, err := expand(t.TraceURL)
	if err == nil {
		var l health.LinkTemplate
		if l, err = health.NewLinkTemplate(text); err == nil {
			return l, nil
		}
	}
	return health.LinkTemplate{}, fmt.Errorf("trace_url: %w", err)
}

const traceURLExample = `# trace_url = "https://tracing.example.com/trace/{trace_id}"   # where people look at it; also {service}, {from_ms}, {to_ms}
`

// linked fills the template for a trace.
func linked(l health.LinkTemplate, t health.Trace) string {
	values := map[string]string{"trace_id": t.ID}
	if len(t.Spans) > 0 {
		first, last := t.Spans[0], t.Spans[0].End()
		for _, s := range t.Spans {
			if s.End().After(last) {
				last = s.End()
			}
		}
		values["service"] = first.Service
		values["from_ms"], values["to_ms"] = fmt.Sprint(first.Start.UnixMilli()), fmt.Sprint(last.UnixMilli()+1)
	}
	return l.Fill(values)
}

// A spanList gathers the spans of one trace.
type spanList struct {
	spans []health.TraceSpan
	cut   int
}

func (l *spanList) add(s health.TraceSpan) {
	if len(l.spans) >= maxSpans {
		l.cut++
		return
	}
	l.spans = append(l.spans, s)
}

// trace is what was gathered, or that there was nothing.
func (l *spanList) trace(id, source string, link health.LinkTemplate) (health.Trace, error) {
	if len(l.spans) == 0 {
		return health.Trace{}, &failure{source + ": does not have this trace", ErrNotFound}
	}
	t := health.Trace{ID: id, Spans: health.Arrange(l.spans), Cut: l.cut, Source: source, State: health.TraceFound}
	t.Link = linked(link, t)
	return t, nil
}

// lookUp asks a server for a document and lets read take it. ErrNotFound is a good
// answer: the server is well. ErrMissing: it does not know the question.
func (w *web) lookUp(ctx context.Context, path string, query url.Values, read func(io.Reader) error) error {
	missing := false
	_, err := w.ask(ctx, func(ctx context.Context) error {
		u := w.base.JoinPath(path)
		q := w.base.Query()
		for k, v := range query {
			q[k] = v
		}
		u.RawQuery = q.Encode()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept", "application/json")
		resp, err := w.client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return w.answered(resp, read)
		}
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxHead))
		words := inWords(text)
		if resp.StatusCode != http.StatusNotFound {
			return &said{words}
		}
		if missing = !noSuchPath(words); missing {
			return nil
		}
		return &failure{"404 not found: nobody answers questions at this path: check the path in url", ErrMissing}
	})
	if err == nil && missing {
		return &failure{w.name + ": does not have this trace", ErrNotFound}
	}
	return err
}

// notThere is what it means that a server does not know what every one of its kind
// does: it is another server.
func notThere(err error) error {
	if errors.Is(err, ErrMissing) {
		return &failure{err.Error(), nil}
	}
	return err
}

// answered lets read take a good answer. Where a server has no such question, its
// page or that of a proxy comes instead.
func (w *web) answered(resp *http.Response, read func(io.Reader) error) error {
	if isHTML(resp.Header.Get("Content-Type"), "") {
		return &failure{"answer is HTML, not JSON: is this URL " + w.speaks + "?", ErrMissing}
	}
	err := read(resp.Body)
	if errors.Is(err, errTooLarge) {
		return fmt.Errorf("trace is larger than %d MiB and is not read", maxBody>>20)
	}
	return err
}

// noSuchPath says whether a 404 is about the path and not about the trace.
func noSuchPath(words string) bool {
	low := strings.ToLower(words)
	return strings.Contains(low, "page not found") || strings.Contains(low, "html page") || strings.Contains(low, "no such path") ||
		strings.Contains(low, "cannot get")
}

// decode reads one JSON document; what is wrong with it is said in our words.
func decode(r io.Reader, into any) error {
	err := json.NewDecoder(r).Decode(into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return &unreadable{syntax.Error()}
	case errors.As(err, &kind):
		return &unreadable{fmt.Sprintf("%s is a %s", kind.Field, kind.Value)}
	case errors.Is(err, io.EOF):
		return &unreadable{"it is empty"}
	}
	return err
}
