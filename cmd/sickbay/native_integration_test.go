//go:build integration

package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"sickbay/health"
	"sickbay/rollback"
)

// TestIntegrationNativeHistogramsScoreAsClassicOnes feeds the same observations to a
// classic and to a native histogram, lets a real server scrape both and compares what
// is said of their drift. Buckets lose something, and how much is bounded: KS lies
// between its value at the bounds and its upper bound, and two Wasserstein distances
// of the same data differ by no more than their bounds together.
func TestIntegrationNativeHistogramsScoreAsClassicOnes(t *testing.T) {
	server, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("no prometheus is installed: native histograms of a real server are not compared")
	}
	classic, native := exporter(t, "classic", prometheus.HistogramOpts{Buckets: []float64{.1, .2, .3, .4, .5, .6, .7, .8, .9, 1, 1.2, 1.5, 2}}),
		exporter(t, "native", prometheus.HistogramOpts{NativeHistogramBucketFactor: 1.1})
	url := runPrometheus(t, server, fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: ai\n  static_configs: [{targets: ['%s', '%s']}]\n",
		classic.address, native.address), "--enable-feature=native-histograms")

	// Two windows of 20 s before a change, 30 s apart, and one after it.
	const before, after = 58 * time.Second, 26 * time.Second
	rng := rand.New(rand.NewPCG(1, 2))
	begun := time.Now()
	for time.Since(begun) < before+after {
		median := 0.5
		if time.Since(begun) > before {
			median = 0.6
		}
		for range 40 {
			v := median * math.Exp(0.4*rng.NormFloat64())
			classic.observed.Observe(v)
			native.observed.Observe(v)
		}
		time.Sleep(50 * time.Millisecond)
	}

	config := written(t, fmt.Sprintf("[drift]\nwindow = \"20s\"\nreference = \"30s\"\n[[source]]\nkind = \"prometheus\"\nurl = %q\n", url))
	a := &app{getenv: func(string) string { return "" }, now: time.Now, patience: leisure}
	a.flags.config = config
	cfg, err := a.settings()
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]health.Drift{}
	for _, name := range []string{"classic", "native"} {
		h, err := a.build(cfg, filepath.Join(t.TempDir(), "journal.jsonl"), rollback.DeskOptions{})
		if err != nil {
			t.Fatal(err)
		}
		snap := h.round(context.Background(), health.Interest{Lens: health.Lens{Window: cfg.Window}, Service: name, Drift: "prediction score"})
		h.Close()
		s, _ := snap.Service(name)
		for _, d := range s.Drift {
			if d.Signal == "prediction score" {
				said[name] = d
			}
		}
	}
	for name, d := range said {
		t.Logf("%s: level %s, PSI %.3f [%.3f, %.3f], gap %.3f, n %.0f against %.0f in %d cells, %s %s", name, d.Level, *d.PSIAdj, *d.Low, *d.High, *d.Gap, d.NCur, d.NRef, len(d.Cells), d.Against, d.Note)
	}
	one, other := said["classic"], said["native"]
	if len(said) != 2 || one.Level != other.Level || one.Status != health.Warn {
		t.Fatalf("levels %q and %q, want one that moved", one.Level, other.Level)
	}
	if *one.PSIAdj > *other.High || *other.PSIAdj < *one.Low || *one.PSIAdj < 0.8**other.PSIAdj {
		t.Errorf("PSI %v of classic buckets and %v of native ones", *one.PSIAdj, *other.PSIAdj)
	}
	ks, upper := measure(t, one, "KS")
	ksNative, _ := measure(t, other, "KS")
	if ksNative < ks-0.02 || ksNative > upper {
		t.Errorf("KS %v of native buckets is not within %v and %v of classic ones", ksNative, ks, upper)
	}
	w1, bound := measure(t, one, "Wasserstein")
	w1Native, boundNative := measure(t, other, "Wasserstein")
	if math.Abs(w1-w1Native) > bound+boundNative {
		t.Errorf("Wasserstein %v ± %v and %v ± %v", w1, bound, w1Native, boundNative)
	}
	t.Logf("KS %.3f (at most %.3f) and %.3f, Wasserstein %.3f ± %.3f and %.3f ± %.3f", ks, upper, ksNative, w1, bound, w1Native, boundNative)
}

func measure(t *testing.T, d health.Drift, name string) (value, bound float64) {
	t.Helper()
	for _, m := range d.Measures {
		if m.Name == name && m.Bound != nil {
			return m.Value, *m.Bound
		}
	}
	t.Fatalf("there is no %s with a bound among %+v", name, d.Measures)
	return 0, 0
}

// An exported histogram is served as protobuf: only that carries native ones.
type exportedHistogram struct {
	address  string
	observed prometheus.Histogram
}

func exporter(t *testing.T, service string, o prometheus.HistogramOpts) exportedHistogram {
	t.Helper()
	o.Name, o.Help, o.ConstLabels = "ai_prediction_score", "Predicted score.", prometheus.Labels{"service": service}
	observed := prometheus.NewHistogram(o)
	registry := prometheus.NewRegistry()
	registry.MustRegister(observed)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		format := expfmt.Negotiate(r.Header)
		w.Header().Set("Content-Type", string(format))
		families, err := registry.Gather()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		enc := expfmt.NewEncoder(w, format)
		for _, f := range families {
			if err := enc.Encode(f); err != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return exportedHistogram{strings.TrimPrefix(s.URL, "http://"), observed}
}
