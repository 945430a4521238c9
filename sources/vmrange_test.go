package sources

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestQueriesOverLEAlsoSeeTheBucketsOfVictoriaMetrics(t *testing.T) {
	for query, want := range map[string]string{
		`sum by (service) (rate(x_bucket[1m]))`:                                            `sum by (service) (rate(x_bucket[1m]))`,
		`sum by (service, length) (x)`:                                                     `sum by (service, length) (x)`,
		`histogram_quantile(0.95, sum by (service, le) (rate(x_bucket{a=")"}[1m])))`:       `histogram_quantile(0.95, prometheus_buckets(sum by (service, le, vmrange) (rate(x_bucket{a=")"}[1m]))))`,
		`sum by (service, feature, le) (increase(x[9s])) or sum by (le)(rate(y[1m]) or z)`: `prometheus_buckets(sum by (service, feature, le, vmrange) (increase(x[9s]))) or prometheus_buckets(sum by (le, vmrange) (rate(y[1m]) or z))`,
		`sum by (le) (rate(x[1m])`:                                                         `sum by (le) (rate(x[1m])`,
	} {
		if got := withRanges(query); got != want {
			t.Errorf("%s\n  got %s\n want %s", query, got, want)
		}
	}
}

// victoriaMetrics is a server that notes what it is asked for.
type victoriaMetrics struct {
	mu     sync.Mutex
	ranges string // values of the label vmrange
	asked  []string
}

func (v *victoriaMetrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Server-Hostname", "vm-0")
	_ = r.ParseForm()
	_, path, _ := strings.Cut(r.URL.Path, "/api/v1/")
	v.mu.Lock()
	v.asked = append(v.asked, strings.TrimSpace(path+" "+r.Form.Get("query")))
	ranges := v.ranges
	v.mu.Unlock()
	switch path {
	case "status/buildinfo":
		io.WriteString(w, `{"status":"success","data":{"version":"2.24.0"}}`)
	case "label/vmrange/values":
		io.WriteString(w, `{"status":"success","data":[`+ranges+`]}`)
	default:
		io.WriteString(w, `{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[]},"stats":{"seriesFetched":"0"}}`)
	}
}

func TestVictoriaMetricsIsKnownByItsFirstAnswerAndAskedInItsOwnWords(t *testing.T) {
	const p95 = `histogram_quantile(0.95, sum by (service, le) (rate(x_bucket[1m])))`
	for ranges, want := range map[string]string{
		``:                        p95,
		`"1.000e+00...1.136e+00"`: withRanges(p95),
	} {
		v := &victoriaMetrics{ranges: ranges}
		s := mustOpen(t, "prometheus", `url = "http://vm.example:8428"`)
		serverOf(s).client.Transport.(*capped).next = handled(v)
		m := s.(Metrics)
		if _, err := m.Instant(t.Context(), "count by (__name__) (up)", rangeEnd); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		for range 3 {
			both.Go(func() { _, _ = m.Range(t.Context(), p95, rangeStart, rangeEnd, 15*time.Second) })
		}
		both.Wait()
		if got := v.asked; !reflect.DeepEqual(got, []string{"query count by (__name__) (up)", "label/vmrange/values", "query_range " + want, "query_range " + want, "query_range " + want}) {
			t.Errorf("ranges %s: asked %s", ranges, fmt.Sprintf("%q", got))
		}
	}
}

func TestAServerThatIsNoVictoriaMetricsIsAskedAsItWas(t *testing.T) {
	var asked []string
	s := answering(t, "prometheus", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = append(asked, r.Form.Get("query"))
		io.WriteString(w, oneSeries)
	})
	for range 2 {
		_, _ = s.(Metrics).Instant(t.Context(), "sum by (le) (x)", rangeEnd)
	}
	if !reflect.DeepEqual(asked, []string{"sum by (le) (x)", "sum by (le) (x)"}) {
		t.Errorf("asked %q", asked)
	}
}
