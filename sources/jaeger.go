package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "jaeger",
		Doc:  "A Jaeger, asked for the trace of the request that is open: the query API of versions 1 and 2, or the OTLP one of version 2.",
		Example: `kind = "jaeger"
name = "jaeger"
url = "http://jaeger:16686"
api = ""             # "v1" for /api/traces, "v3" for /api/v3/traces; empty: tried in this order
` + traceURLExample + webExample,
		Open: openJaeger,
	})
}

type jaegerConfig struct {
	webConfig
	traceURL
	API string `toml:"api"`
}

type jaeger struct {
	*web
	v1, v3 bool // which of its APIs are asked
	link   health.LinkTemplate
}

func openJaeger(name string, decode Decode) (Source, error) {
	var c jaegerConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	if c.API != "" && c.API != "v1" && c.API != "v3" {
		return nil, fmt.Errorf(`api: %q is none; say "v1", "v3", or nothing for both`, c.API)
	}
	link, err := c.template()
	if err != nil {
		return nil, err
	}
	w, err := c.open(name, "a Jaeger query service")
	if err != nil {
		return nil, err
	}
	if c.TraceURL == "" { // its pages are where its API is
		at := url.URL{Scheme: w.base.Scheme, Host: w.base.Host, Path: w.base.Path}
		link, _ = health.NewLinkTemplate(at.JoinPath("trace").String() + "/{trace_id}")
	}
	return &jaeger{web: w, v1: c.API != "v3", v3: c.API != "v1", link: link}, nil
}

func (j *jaeger) About() (kind, where string) { return "jaeger", j.where() }

// Version asks for the services it knows, to see whether it is there: it does not
// say who it is.
func (j *jaeger) Version(ctx context.Context) (string, error) {
	var any map[string]json.RawMessage
	ask := func(path string) error {
		return j.lookUp(ctx, path, nil, func(r io.Reader) error { return decode(r, &any) })
	}
	err := error(nil)
	if j.v1 {
		err = ask("/api/services")
	}
	if j.v3 && (!j.v1 || errors.Is(err, ErrMissing)) {
		err = ask("/api/v3/services")
	}
	return "", notThere(err)
}

// Trace asks for a trace by its id.
func (j *jaeger) Trace(ctx context.Context, id string) (health.Trace, error) {
	id, err := cleanTraceID(id)
	if err != nil {
		return health.Trace{}, fmt.Errorf("%s: %w", j.name, err)
	}
	var list spanList
	if j.v1 {
		err = j.lookUp(ctx, "/api/traces/"+id, nil, func(r io.Reader) error { return readJaeger(r, id, &list) })
	}
	if j.v3 && (!j.v1 || errors.Is(err, ErrMissing)) {
		err = j.lookUp(ctx, "/api/v3/traces/"+id, nil, func(r io.Reader) error { return readOTLP(r, id, &list) })
	}
	if err != nil {
		return health.Trace{}, err
	}
	return list.trace(id, j.name, j.link)
}

// jaegerAnswer is what /api/traces/{id} answers.
type jaegerAnswer struct {
	Data []struct {
		Spans     []jaegerSpan             `json:"spans"`
		Processes map[string]jaegerProcess `json:"processes"`
	} `json:"data"`
	Errors []struct {
		Code otlpWord `json:"code"`
		Text string   `json:"msg"`
	} `json:"errors"`
}

type jaegerProcess struct {
	Service string `json:"serviceName"`
}

type jaegerSpan struct {
	TraceID    string `json:"traceID"`
	SpanID     string `json:"spanID"`
	OldParent  string `json:"parentSpanID"`
	Name       string `json:"operationName"`
	References []struct {
		Type    string `json:"refType"`
		TraceID string `json:"traceID"`
		SpanID  string `json:"spanID"`
	} `json:"references"`
	Start     int64       `json:"startTime"` // microseconds since 1970
	Duration  int64       `json:"duration"`  // microseconds
	Tags      []jaegerTag `json:"tags"`
	ProcessID string      `json:"processID"`
	Process   *jaegerProcess
	Logs      []struct {
		Fields []jaegerTag `json:"fields"`
	} `json:"logs"`
}

type jaegerTag struct {
	Key   string    `json:"key"`
	Value jaegerAny `json:"value"`
}

// jaegerAny is a value of any type as text.
type jaegerAny string

// UnmarshalJSON takes whatever stands there.
func (v *jaegerAny) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		text = string(b)
	}
	*v = jaegerAny(text)
	return nil
}

// readJaeger adds the spans of one trace.
func readJaeger(r io.Reader, id string, list *spanList) error {
	var a jaegerAnswer
	if err := decode(r, &a); err != nil {
		return err
	}
	if len(a.Data) == 0 && len(a.Errors) > 0 && a.Errors[0].Code != "404" {
		return &unreadable{health.Cut(a.Errors[0].Text, maxErrorText)}
	}
	for _, d := range a.Data {
		for i := range d.Spans {
			s := &d.Spans[i]
			if own, err := cleanTraceID(s.TraceID); s.TraceID != "" && (err != nil || own != id) {
				continue
			}
			p := d.Processes[s.ProcessID]
			if s.Process != nil {
				p = *s.Process
			}
			list.add(s.read(id, p.Service))
		}
	}
	return nil
}

const maxMicros = 1 << 62 / 1000 // more microseconds are no time

func (s *jaegerSpan) read(id, service string) health.TraceSpan {
	out := health.TraceSpan{
		ID: health.Cut(s.SpanID, 64), Parent: health.Cut(s.parent(id), 64), Name: health.Cut(s.Name, maxAttribute), Service: health.Cut(service, maxAttribute),
		Start: time.UnixMicro(min(max(s.Start, 0), maxMicros)).UTC(), Duration: time.Duration(min(max(s.Duration, 0), maxMicros)) * time.Microsecond,
	}
	failed := false
	var fields []health.Field
	for _, t := range s.Tags {
		fields = append(fields, health.Field{Name: t.Key, Value: string(t.Value)})
		failed = failed || t.Key == "error" && t.Value == "true" || t.Key == "otel.status_code" && t.Value == "ERROR"
	}
	for _, l := range s.Logs {
		for _, t := range l.Fields {
			if failed && (strings.HasPrefix(t.Key, "exception.") || t.Key == "message" || t.Key == "error.kind") {
				fields = append(fields, health.Field{Name: oldName(t.Key), Value: string(t.Value)})
			}
		}
	}
	understand(&out, fields, failed)
	return out
}

// oldName is today's name of a field of OpenTracing's logs.
func oldName(key string) string {
	switch key {
	case "message":
		return "exception.message"
	case "error.kind":
		return "exception.type"
	}
	return key
}

// parent is who called, if he is in the same trace; who comes before in another way
// will do if nobody called.
func (s *jaegerSpan) parent(id string) string {
	parent := s.OldParent
	for _, r := range s.References {
		if own, err := cleanTraceID(r.TraceID); r.TraceID != "" && (err != nil || own != id) {
			continue
		}
		if r.Type == "CHILD_OF" {
			return r.SpanID
		}
		if parent == "" {
			parent = r.SpanID
		}
	}
	return parent
}

// readOTLP adds the spans of one trace from an answer in OpenTelemetry's JSON.
func readOTLP(r io.Reader, id string, list *spanList) error {
	var d otlpDocument
	if err := decode(r, &d); err != nil {
		return err
	}
	d.into(id, list)
	if len(list.spans) == 0 && d.Error != nil && d.Error.Code != 404 {
		return &unreadable{health.Cut(d.Error.Message, maxErrorText)}
	}
	return nil
}
