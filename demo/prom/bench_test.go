package prom

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// A day in the demo, cut to six hours: 12 services of 3 replicas, each with a
// latency histogram and a few counters and gauges, every 15 s.
const (
	benchStep = 15_000
	benchFrom = 1_700_000_000_000 // on no step: samples never fall on a query's boundary
	benchTo   = benchFrom + 6*3600*1000
)

var benchBounds = []string{
	"0.1", "0.25", "0.5", "0.75", "1", "1.5", "2", "3", "4", "5", "7.5", "10", "15", "20", "30", "45", "60", "120", "+Inf",
}

type benchSeries struct {
	ref     Ref
	rate    float64
	counter bool
	value   float64
}

func benchRefs(s *Store) []*benchSeries {
	var list []*benchSeries
	add := func(counter bool, rate float64, pairs ...string) {
		ls := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			ls[pairs[i]] = pairs[i+1]
		}
		list = append(list, &benchSeries{ref: s.Series(ls), rate: rate, counter: counter})
	}
	for svc := range 12 {
		for pod := range 3 {
			service, name := fmt.Sprintf("service-%02d", svc), fmt.Sprintf("pod-%d", pod)
			for i, le := range benchBounds {
				add(true, float64(i), "__name__", "request_duration_seconds_bucket", "service", service, "pod", name, "le", le)
			}
			add(true, 20, "__name__", "request_duration_seconds_count", "service", service, "pod", name)
			add(true, 30, "__name__", "request_duration_seconds_sum", "service", service, "pod", name)
			add(true, 20, "__name__", "requests_total", "service", service, "pod", name, "status", "ok")
			add(true, 1, "__name__", "requests_total", "service", service, "pod", name, "status", "error")
			for g := range 22 {
				add(false, 10, "__name__", fmt.Sprintf("gauge_%02d", g), "service", service, "pod", name)
			}
		}
	}
	return list
}

// fill appends n samples, time by time as a scrape does.
func fill(tb testing.TB, s *Store, n int) {
	rng := rand.New(rand.NewPCG(1, 2))
	list := benchRefs(s)
	for t := int64(benchFrom); n > 0; t += benchStep {
		for _, m := range list[:min(n, len(list))] {
			if m.counter {
				m.value += math.Floor(m.rate * (0.5 + rng.Float64()))
			} else {
				m.value = math.Round(m.rate*rng.Float64()*100) / 100
			}
			if err := s.Append(m.ref, t, m.value); err != nil {
				tb.Fatal(err)
			}
		}
		n -= len(list)
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkAppend2500000Samples(b *testing.B) {
	var before, after runtime.MemStats
	for range b.N {
		runtime.GC()
		runtime.ReadMemStats(&before)
		begun := cpu()
		s := NewStore(24 * time.Hour)
		fill(b, s, 2_500_000)
		b.ReportMetric((cpu() - begun).Seconds(), "cpu-s/fill")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "heap-MB")
		runtime.KeepAlive(s)
	}
}

func BenchmarkRangeQueryOverHTTP(b *testing.B) {
	s := NewStore(24 * time.Hour)
	fill(b, s, 2_380_000) // six hours
	server := NewServer(s, nil, nil)
	server.SetReady(true)
	for _, q := range []struct{ name, expr, step string }{
		{"6h_p95_of_684_buckets", `histogram_quantile(0.95, sum by (le, service) (rate(request_duration_seconds_bucket[5m])))`, "60"},
		{"6h_traffic", `sum by (service) (rate(requests_total[1m]))`, "60"},
		{"6h_36_raw_series", `gauge_00`, "30"},
	} {
		b.Run(q.name, func(b *testing.B) {
			target := "/api/v1/query_range?" + url.Values{
				"query": {q.expr}, "step": {q.step},
				"start": {fmt.Sprint(benchFrom / 1000)}, "end": {fmt.Sprint(benchTo / 1000)},
			}.Encode()
			b.ReportAllocs()
			begun := cpu()
			for range b.N {
				w := httptest.NewRecorder()
				server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body.String())
				}
				b.SetBytes(int64(w.Body.Len()))
			}
			b.ReportMetric(float64((cpu()-begun).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

func BenchmarkBackfillOfRulesOverSixHours(b *testing.B) {
	s := NewStore(24 * time.Hour)
	fill(b, s, 2_380_000)
	rate := func(status string) string {
		return `sum by (service) (rate(requests_total{status=~"` + status + `"}[1m]))`
	}
	rules := []Rule{
		{Name: "Errors", For: time.Minute, Expr: rate("error") + " / " + rate("ok|error") + " > 0.055"},
		{Name: "Traffic", For: time.Minute, Expr: rate("ok") + " < 1"},
		{Name: "GaugeA", For: time.Minute, Expr: `max by (service) (gauge_01) > 9.9`},
		{Name: "GaugeB", For: time.Minute, Expr: `sum by (service) (gauge_02) > 50`},
		{Name: "GaugeC", For: time.Minute, Expr: `max by (service) (gauge_03) > 9`},
		{Name: "Mean", For: time.Minute, Expr: `sum by (service) (rate(request_duration_seconds_sum[1m])) / sum by (service) (rate(request_duration_seconds_count[1m])) > 5`},
	}
	for range b.N {
		rs, err := NewRules(s, rules)
		if err != nil {
			b.Fatal(err)
		}
		begun := cpu()
		if err := rs.Backfill(time.UnixMilli(benchFrom), time.UnixMilli(benchTo), time.Minute); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpu()-begun).Microseconds())/1000, "cpu-ms")
		b.StopTimer()
		s = NewStore(24 * time.Hour) // the alerts have been written: begin anew
		fill(b, s, 2_380_000)
		b.StartTimer()
	}
}
