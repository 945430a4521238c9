package prom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"
)

// answer is what an endpoint has to say when nothing went wrong.
type answer struct {
	data  []byte // JSON
	notes annotations.Annotations
	query string // the notes speak about places in it
}

// apiError is an error as the HTTP API knows it: a kind, which also decides
// the status code, and a sentence.
type apiError struct {
	kind kind
	err  error
}

type kind string

const (
	kindBadData   kind = "bad_data"
	kindExecution kind = "execution"
	kindCanceled  kind = "canceled"
	kindTimeout   kind = "timeout"
	kindInternal  kind = "internal"
)

func (k kind) status() int {
	switch k {
	case kindBadData:
		return http.StatusBadRequest
	case kindExecution:
		return http.StatusUnprocessableEntity
	case kindCanceled:
		return 499 // the client has gone
	case kindTimeout:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func (e *apiError) Error() string { return e.err.Error() }
func (e *apiError) Unwrap() error { return e.err }

func badData(err error) error { return &apiError{kindBadData, err} }

func invalid(parameter string, err error) error {
	return badData(fmt.Errorf("invalid parameter %q: %w", parameter, err))
}

// classify finds the kind of an error: its own, or what the engine meant.
func classify(err error) kind {
	var (
		known    *apiError
		canceled promql.ErrQueryCanceled
		timeout  promql.ErrQueryTimeout
		store    promql.ErrStorage
	)
	switch {
	case errors.As(err, &known):
		return known.kind
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return kindCanceled
	case errors.As(err, &timeout):
		return kindTimeout
	case errors.As(err, &store):
		return kindInternal
	}
	return kindExecution
}

// endpoint turns a function into a handler that answers in Prometheus' JSON.
func endpoint(f func(*http.Request) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := f(r)
		status, body := http.StatusOK, []byte(nil)
		if err != nil {
			k := classify(err)
			status, body = k.status(), appendError(nil, k, err)
		} else {
			body = appendSuccess(make([]byte, 0, len(a.data)+256), a)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		w.Write(body) // a client that has gone is no error of ours
	}
}

func appendError(b []byte, k kind, err error) []byte {
	b = append(b, `{"status":"error","errorType":"`...)
	b = append(b, k...)
	b = append(b, `","error":`...)
	b = appendString(b, err.Error())
	return append(b, '}')
}

func appendSuccess(b []byte, a answer) []byte {
	b = append(b, `{"status":"success","data":`...)
	b = append(b, a.data...)
	warnings, infos := a.notes.AsStrings(a.query, 10, 10)
	b = appendNotes(b, `,"warnings":`, warnings)
	b = appendNotes(b, `,"infos":`, infos)
	return append(b, '}')
}

func appendNotes(b []byte, key string, notes []string) []byte {
	if len(notes) == 0 {
		return b
	}
	b = append(b, key...)
	for i, note := range notes {
		b = append(b, "[,"[min(i, 1)])
		b = appendString(b, note)
	}
	return append(b, ']')
}

// appendResult writes {"resultType":…,"result":…}. By hand, because 1.4 MB of
// samples through encoding/json would cost more than the query itself. There
// are no native histograms in the store, so there are none in a result.
func appendResult(b []byte, v parser.Value) []byte {
	b = append(b, `{"resultType":"`...)
	b = append(b, v.Type()...)
	b = append(b, `","result":`...)
	switch v := v.(type) {
	case promql.Matrix:
		b = appendList(b, v, appendSeries)
	case promql.Vector:
		b = appendList(b, v, appendInstant)
	case promql.Scalar:
		b = appendPoint(b, promql.FPoint{T: v.T, F: v.V})
	case promql.String:
		b = append(b, '[')
		b = appendTime(b, v.T)
		b = append(b, ',')
		b = appendString(b, v.V)
		b = append(b, ']')
	default:
		b = append(b, "null"...)
	}
	return append(b, '}')
}

func appendList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, e)
	}
	return append(b, ']')
}

func appendSeries(b []byte, s promql.Series) []byte {
	b = append(b, `{"metric":`...)
	b = appendLabels(b, s.Metric)
	if len(s.Floats) > 0 {
		b = append(b, `,"values":`...)
		b = appendList(b, s.Floats, appendPoint)
	}
	return append(b, '}')
}

func appendInstant(b []byte, s promql.Sample) []byte {
	b = append(b, `{"metric":`...)
	b = appendLabels(b, s.Metric)
	b = append(b, `,"value":`...)
	b = appendPoint(b, promql.FPoint{T: s.T, F: s.F})
	return append(b, '}')
}

func appendPoint(b []byte, p promql.FPoint) []byte {
	b = append(b, '[')
	b = appendTime(b, p.T)
	b = append(b, `,"`...)
	b = appendFloat(b, p.F)
	return append(b, `"]`...)
}

// appendTime writes milliseconds as seconds, with the fraction only if any.
func appendTime(b []byte, ms int64) []byte {
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if f := ms % 1000; f != 0 {
		b = append(b, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	}
	return b
}

// appendFloat writes the shortest text that reads back as the same number; the
// exponent comes where JavaScript, and so Prometheus, would write one.
func appendFloat(b []byte, f float64) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, 64)
}

func appendLabels(b []byte, ls labels.Labels) []byte {
	b = append(b, '{')
	first := true
	ls.Range(func(l labels.Label) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(b, l.Name)
		b = append(b, ':')
		b = appendString(b, l.Value)
	})
	return append(b, '}')
}

// appendString writes a JSON string. Most are plain and need no escaping.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // cannot fail for a string
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
