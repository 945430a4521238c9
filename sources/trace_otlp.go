package sources

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

// An otlpDocument is a trace in OpenTelemetry's JSON, in any of the wrappings it
// comes in: bare (files of the collector, Tempo with resourceSpans), "batches"
// (Tempo's first API), "trace" (its second) or "result" (Jaeger's third).
type otlpDocument struct {
	ResourceSpans []otlpResource `json:"resourceSpans"`
	Batches       []otlpResource `json:"batches"`
	Trace         *otlpDocument  `json:"trace"`
	Result        *otlpDocument  `json:"result"`
	Status        otlpWord       `json:"status"`  // "PARTIAL": not all of it
	Message       string         `json:"message"` // why
	Error         *otlpFailure   `json:"error"`
}

// otlpFailure is what Jaeger's third API says instead of a trace.
type otlpFailure struct {
	Code    int    `json:"httpCode"`
	Message string `json:"message"`
}

type otlpResource struct {
	Resource struct {
		Attributes []otlpAttribute `json:"attributes"`
	} `json:"resource"`
	ScopeSpans []otlpScope `json:"scopeSpans"`
	OldScopes  []otlpScope `json:"instrumentationLibrarySpans"` // before OTLP 0.19
}

type otlpScope struct {
	Spans []otlpSpan `json:"spans"`
}

type otlpSpan struct {
	TraceID    string          `json:"traceId"`
	SpanID     string          `json:"spanId"`
	ParentID   string          `json:"parentSpanId"`
	Name       string          `json:"name"`
	Start      otlpNanos       `json:"startTimeUnixNano"`
	End        otlpNanos       `json:"endTimeUnixNano"`
	Attributes []otlpAttribute `json:"attributes"`
	Events     []struct {
		Name       string          `json:"name"`
		Attributes []otlpAttribute `json:"attributes"`
	} `json:"events"`
	Status struct {
		Code    otlpWord `json:"code"`
		Message string   `json:"message"`
	} `json:"status"`
}

type otlpAttribute struct {
	Key   string    `json:"key"`
	Value otlpValue `json:"value"`
}

// otlpNanos is nanoseconds since 1970: a text in proper OTLP/JSON, a number in what
// many write. What is no time is 0.
type otlpNanos int64

// UnmarshalJSON never fails: one bad time must not cost the whole trace.
func (n *otlpNanos) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseUint(strings.Trim(string(b), `"`), 10, 64)
	if err != nil || v > math.MaxInt64 {
		v = 0
	}
	*n = otlpNanos(v)
	return nil
}

func (n otlpNanos) time() time.Time { return time.Unix(0, int64(n)).UTC() }

// otlpWord is a value of an enumeration, by name or by number.
type otlpWord string

// UnmarshalJSON takes whatever stands there.
func (w *otlpWord) UnmarshalJSON(b []byte) error {
	*w = otlpWord(strings.Trim(string(b), `"`))
	return nil
}

func (w otlpWord) failed() bool { return w == "2" || w == "STATUS_CODE_ERROR" }

// otlpValue is an attribute's value as text; lists and objects are JSON.
type otlpValue string

// UnmarshalJSON takes the one field of the value that is set.
func (v *otlpValue) UnmarshalJSON(b []byte) error {
	*v = otlpValue(valueText(b, 0))
	return nil // what is no value is none
}

// maxInside is how many lists and objects a value may have inside each other. Each
// is read once more, so without a bound a short text could cost a long time.
const maxInside = 4

func valueText(b []byte, depth int) string {
	var in struct {
		Text   *string     `json:"stringValue"`
		Bytes  *string     `json:"bytesValue"`
		Bool   *bool       `json:"boolValue"`
		Int    otlpWord    `json:"intValue"` // text in proper OTLP/JSON
		Double otlpWord    `json:"doubleValue"`
		Array  *rawValues  `json:"arrayValue"`
		Object *rawObjects `json:"kvlistValue"`
	}
	if depth > maxInside || json.Unmarshal(b, &in) != nil {
		return ""
	}
	switch {
	case in.Text != nil:
		return *in.Text
	case in.Bytes != nil:
		return *in.Bytes
	case in.Bool != nil:
		return strconv.FormatBool(*in.Bool)
	case in.Int != "":
		return string(in.Int)
	case in.Double != "":
		return string(in.Double)
	case in.Array != nil:
		list := make([]string, len(in.Array.Values))
		for i, v := range in.Array.Values {
			list[i] = valueText(v, depth+1)
		}
		return asJSON(list)
	case in.Object != nil:
		object := make(map[string]string, len(in.Object.Values))
		for _, f := range in.Object.Values {
			object[f.Key] = valueText(f.Value, depth+1)
		}
		return asJSON(object)
	}
	return ""
}

type rawValues struct {
	Values []json.RawMessage `json:"values"`
}

type rawObjects struct {
	Values []struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	} `json:"values"`
}

// asJSON writes texts, which can always be written.
func asJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// otlpID is an id as 2n hexadecimal digits. Proper OTLP/JSON writes it that way,
// what Protocol Buffers make of it is base64. "" is no id.
func otlpID(s string, n int) string {
	if len(s) == 2*n {
		low := strings.ToLower(s)
		if b, err := hex.DecodeString(low); err == nil {
			if nonzero(b) {
				return low
			}
			return ""
		}
	}
	if b, err := base64.StdEncoding.DecodeString(s); err == nil && len(b) == n && nonzero(b) {
		return hex.EncodeToString(b)
	}
	return ""
}

func nonzero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return true
		}
	}
	return false
}

// into adds the spans of one trace to a list. Whoever stores traces may cut the
// leading zeros of their ids, so only what differs otherwise is another trace.
func (d *otlpDocument) into(id string, list *spanList) {
	for _, inner := range []*otlpDocument{d.Trace, d.Result} {
		if inner != nil {
			inner.into(id, list)
		}
	}
	for _, resources := range [][]otlpResource{d.ResourceSpans, d.Batches} {
		for _, r := range resources {
			service := ""
			for _, a := range r.Resource.Attributes {
				if a.Key == "service.name" {
					service = health.Cut(string(a.Value), maxAttribute)
				}
			}
			for _, scopes := range [][]otlpScope{r.ScopeSpans, r.OldScopes} {
				for _, scope := range scopes {
					for i := range scope.Spans {
						if s := &scope.Spans[i]; otlpID(s.TraceID, 16) == id {
							list.add(s.read(service))
						}
					}
				}
			}
		}
	}
}

func (s *otlpSpan) read(service string) health.TraceSpan {
	out := health.TraceSpan{
		ID: otlpID(s.SpanID, 8), Parent: otlpID(s.ParentID, 8), Name: health.Cut(s.Name, maxAttribute), Service: service, Start: s.Start.time(),
	}
	if s.End > s.Start {
		out.Duration = time.Duration(s.End - s.Start)
	}
	fields := fieldsOf(s.Attributes)
	if s.Status.Message != "" {
		fields = append(fields, health.Field{Name: "status.message", Value: s.Status.Message})
	}
	failed := s.Status.Code.failed()
	for _, e := range s.Events {
		if failed && e.Name == "exception" {
			fields = append(fields, fieldsOf(e.Attributes)...)
		}
	}
	understand(&out, fields, failed)
	return out
}

func fieldsOf(list []otlpAttribute) []health.Field {
	all := make([]health.Field, 0, len(list))
	for _, a := range list {
		all = append(all, health.Field{Name: a.Key, Value: string(a.Value)})
	}
	return all
}
