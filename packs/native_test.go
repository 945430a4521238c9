package packs

import (
	"maps"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// A wholeSample is a sample of a histogram that is one series: so many observations a
// second, all between 0.1 and 1, of 0.5 on average.
type wholeSample struct {
	at int64
	h  *histogram.FloatHistogram
}

func (w wholeSample) T() int64                      { return w.at }
func (wholeSample) ST() int64                       { return 0 }
func (wholeSample) F() float64                      { return 0 }
func (wholeSample) H() *histogram.Histogram         { return nil }
func (w wholeSample) FH() *histogram.FloatHistogram { return w.h }
func (wholeSample) Type() chunkenc.ValueType        { return chunkenc.ValFloatHistogram }
func (w wholeSample) Copy() chunks.Sample           { return wholeSample{w.at, w.h.Copy()} }

// natives keeps histograms whole: of every series, its observations a second.
func natives(t *testing.T, perSecond map[string]float64) storage.Queryable {
	t.Helper()
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
		SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
			var fit []storage.Series
			for text, grows := range perSecond {
				ls, err := parser.NewParser(parser.Options{}).ParseMetric(text)
				if err != nil {
					t.Error(err)
				}
				if matches(ls, matchers) { // made anew: the engine calculates in the histograms it is given
					fit = append(fit, storage.NewListSeries(ls, halfHour(grows)))
				}
			}
			return &list{fit: fit, at: -1}
		},
	}}
}

func halfHour(perSecond float64) (samples []chunks.Sample) {
	for s := 0.0; s <= 1800; s += scrape.Seconds() {
		n := perSecond * s
		samples = append(samples, wholeSample{now.Add(-30*time.Minute).UnixMilli() + int64(s*1000), &histogram.FloatHistogram{
			Schema: histogram.CustomBucketsSchema, CustomValues: []float64{0.1, 1, 10}, Count: n, Sum: n / 2,
			PositiveSpans: []histogram.Span{{Offset: 0, Length: 3}}, PositiveBuckets: []float64{0, n, 0},
		}})
	}
	return samples
}

func matches(ls labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

type list struct {
	fit []storage.Series
	at  int
}

func (l *list) Next() bool         { l.at++; return l.at < len(l.fit) }
func (l *list) At() storage.Series { return l.fit[l.at] }
func (*list) Err() error           { return nil }

func (*list) Warnings() annotations.Annotations { return nil }

func TestNativeHistogramsSayTheSameAsClassicOnes(t *testing.T) {
	metrics := natives(t, map[string]float64{
		`gen_ai_client_operation_duration_seconds{service="a",gen_ai_operation_name="chat",gen_ai_response_model="m1"}`: 3,
		`gen_ai_client_operation_duration_seconds{service="a",gen_ai_operation_name="chat",error_type="timeout"}`:       1,
		`gen_ai_client_operation_duration_seconds{service="a",gen_ai_operation_name="embeddings"}`:                      4,
		`gen_ai_server_request_duration{service="b"}`:                                                                   2,
		`gen_ai_client_token_usage{service="a",gen_ai_token_type="output"}`:                                             8,
		`gen_ai_client_token_usage{service="a",gen_ai_token_type="input"}`:                                              80,
		`vllm:e2e_request_latency_seconds{service="a",pod="1"}`:                                                         1,
		`vllm:e2e_request_latency_seconds{service="a",pod="2"}`:                                                         9,
		`ai_quality_score{service="a",evaluator="helpfulness"}`:                                                         1,
		`ai_quality_score{service="idle",evaluator="helpfulness"}`:                                                      0,
	})
	for id, want := range map[string]map[string]float64{
		"otel-genai-native traffic":       {"a": 4, "b": 2},
		"otel-genai-native errors":        {"a": 0.125, "b": 0},
		"otel-genai-native latency_p95":   {"a": 0.955, "b": 0.955},
		"otel-genai-native tokens_out":    {"a": 4},
		"otel-genai-native version model": {"m1 a": 3},
		"otel-genai traffic":              {}, // and nothing is told twice
		"vllm-native latency_p95":         {"a": 0.955},
		"vllm latency_p95":                {},
		"ai-native quality":               {"a": 0.5}, // without traffic it has none
	} {
		if got := ask(t, metrics, signal(t, id)); !maps.Equal(got, want) {
			t.Errorf("%s is %v, want %v", id, got, want)
		}
	}
}
