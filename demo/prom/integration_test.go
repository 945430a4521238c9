//go:build integration

package prom

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Both sides get the same six hours, and are asked the same questions.
//
// The binary is $SICKBAY_PROMETHEUS or the first prometheus in $PATH, promtool
// beside it or in $PATH. Debian has 2.42, the engine here is 3.16; what is
// known to differ is kept out of the way rather than compared:
//   - since 3.0 a range (and the lookback) leaves its left edge out. Samples
//     fall on x.125 s and questions on whole seconds, so none is on an edge;
//     subqueries run at times that are no multiple of their step.
//   - rate() carries a counter back to where it would have been zero otherwise
//     than 2.42 did, so no counter here comes near zero, restarts included.
//   - since 3.0 answers carry infos, so only data is compared.
//   - 2.42 gives the groups of an instant aggregation in no order, so those are
//     compared in label order, unless the query itself sorts.
//   - limit=, UTF-8 names and some sentences are younger than 2.42: the error
//     cases that say so are compared with a 3.x binary only.
const (
	realFrom = 1_704_067_200_000 // 2024-01-01T00:00:00Z, Unix ms
	realTo   = realFrom + 6*3600*1000
)

// fact is one sample, written to both sides.
type fact struct {
	ls labels.Labels
	t  int64
	v  float64
}

// facts makes counters with restarts, a histogram, gauges with gaps, series
// that begin late and end early, and awkward label values.
func facts() []fact {
	rng := rand.New(rand.NewPCG(42, 42))
	var all []fact
	grow := func(rate float64, from, to int64, pairs ...string) {
		ls, v := labels.FromStrings(pairs...), 1e6
		for t := from + 3125; t < to; t += 15_000 {
			if rng.IntN(500) == 0 {
				v /= 2 // a restart: any fall is one
			}
			if v += math.Floor(rng.Float64() * rate); rng.IntN(50) > 0 { // some scrapes fail
				all = append(all, fact{ls, t, v})
			}
		}
	}
	swing := func(level float64, from, to int64, pairs ...string) {
		ls := labels.FromStrings(pairs...)
		for t := from + 3125; t < to; t += 15_000 {
			if (t/600_000)%7 != 3 { // ten minutes of silence now and then
				all = append(all, fact{ls, t, level * (1 + math.Sin(float64(t)/3e6) + rng.NormFloat64()/10)})
			}
		}
	}
	for i, service := range []string{"chat", "search", `od"d\name`} {
		for _, pod := range []string{"p0", "p1"} {
			grow(40, realFrom, realTo, "__name__", "requests_total", "service", service, "pod", pod, "status", "ok")
			grow(2, realFrom, realTo, "__name__", "requests_total", "service", service, "pod", pod, "status", "error")
			for j, le := range []string{"0.1", "0.5", "1", "2.5", "10", "+Inf"} {
				grow(float64(10*(j+1)), realFrom, realTo, "__name__", "latency_seconds_bucket", "service", service, "pod", pod, "le", le)
			}
			swing(float64(5*(i+1)), realFrom, realTo, "__name__", "queue", "service", service, "pod", pod)
		}
	}
	swing(3, realFrom+2*3600_000, realTo, "__name__", "queue", "service", "late")
	swing(3, realFrom, realFrom+3600_000, "__name__", "queue", "service", "gone", "UUID", "GPU-1")
	return all
}

// pair is the demo's Prometheus and a real one, with the same data.
type pair struct {
	ours, theirs string // base URLs
	major        int    // version of the real one
}

func TestIntegrationTheDemoAnswersAsARealPrometheus(t *testing.T) {
	promtool, prometheus := findPrometheus(t)
	p := both(t, promtool, prometheus)
	t.Run("range queries", p.compareRangeQueries)
	t.Run("other answers", p.compareOtherAnswers)
	t.Run("errors", p.compareErrors)
	t.Run("scraped", func(t *testing.T) { p.scraped(t, prometheus) })
}

func both(t *testing.T, promtool, prometheus string) pair {
	all, dir := facts(), t.TempDir()
	store := NewStore(0)
	for _, f := range all {
		if err := store.Append(store.series(f.ls), f.t, f.v); err != nil {
			t.Fatal(err)
		}
	}
	server := NewServer(store, nil, nil)
	server.SetReady(true)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go http.Serve(listener, server)
	t.Cleanup(func() { listener.Close() })

	text := filepath.Join(dir, "facts.om")
	if err := writeOpenMetrics(text, all); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", text, filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
	theirs := start(t, prometheus, dir, "scrape_configs: []\n")
	var info struct{ Data struct{ Version string } }
	json.Unmarshal([]byte(fetch(t, theirs, "/api/v1/status/buildinfo").body), &info)
	t.Logf("compared with Prometheus %q at %s", info.Data.Version, prometheus)
	// One built with `go install` does not know its version, and is a 3.x.
	major, err := strconv.Atoi(strings.SplitN(cmp.Or(info.Data.Version, "3."), ".", 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	return pair{"http://" + listener.Addr().String(), theirs, major}
}

func findPrometheus(t *testing.T) (promtool, prometheus string) {
	prometheus, err := exec.LookPath(cmp.Or(os.Getenv("SICKBAY_PROMETHEUS"), "prometheus"))
	if err != nil {
		t.Skip("no prometheus binary is installed (Debian: apt install prometheus), so the demo's own was compared with nothing")
	}
	if promtool, err = exec.LookPath(filepath.Join(filepath.Dir(prometheus), "promtool")); err != nil {
		if promtool, err = exec.LookPath("promtool"); err != nil {
			t.Skip("prometheus is installed, promtool is not: the comparison needs both")
		}
	}
	return promtool, prometheus
}

func writeOpenMetrics(path string, all []fact) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	byFamily := slices.Clone(all)
	slices.SortStableFunc(byFamily, func(a, b fact) int { return cmp.Compare(a.ls.Get("__name__"), b.ls.Get("__name__")) })
	w := bufio.NewWriter(file)
	for _, f := range byFamily {
		var line strings.Builder
		lw := bufio.NewWriter(&line)
		writeSample(lw, exposed{f.ls.Get("__name__"), f.ls, f.v})
		lw.Flush()
		fmt.Fprintf(w, "%s %s\n", strings.TrimSuffix(line.String(), "\n"), appendTime(nil, f.t))
	}
	w.WriteString("# EOF\n")
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// start runs the server on a free port of loopback until the test ends.
func start(t *testing.T, binary, dir, settings string) string {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := probe.Addr().String()
	probe.Close()
	config, log := filepath.Join(dir, "prometheus.yml"), filepath.Join(dir, "log")
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, binary, "--config.file="+config, "--web.listen-address="+addr,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--storage.tsdb.retention.time=100y")
	server.Stdout, server.Stderr = out, out
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); server.Wait() })
	for range 200 {
		if r, err := http.Get("http://" + addr + "/-/ready"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return "http://" + addr
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	text, _ := os.ReadFile(log)
	t.Fatalf("prometheus was not ready after 20 s:\n%s", text)
	return ""
}

type reply struct {
	code int
	body string
}

func fetch(t *testing.T, base, path string) reply {
	t.Helper()
	r, err := http.Get(base + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{r.StatusCode, string(body)}
}

// byMetric puts the samples of a vector into label order.
func byMetric(data any) any {
	d, ok := data.(map[string]any)
	if !ok || d["resultType"] != "vector" {
		return data
	}
	slices.SortFunc(d["result"].([]any), func(a, b any) int { // fmt writes a map in the order of its keys
		return cmp.Compare(fmt.Sprint(a.(map[string]any)["metric"]), fmt.Sprint(b.(map[string]any)["metric"]))
	})
	return d
}

// differ says in a few words how two answers differ, "" when they do not. Only
// data is compared, or errorType and error; of a vector the order too if asked.
func differ(a, b reply, inOrder bool) string {
	if a.code != b.code {
		return fmt.Sprintf("status %d and %d: %.300s", a.code, b.code, b.body)
	}
	var x, y struct {
		ErrorType, Error string
		Data             any
	}
	if err := json.Unmarshal([]byte(a.body), &x); err != nil {
		return err.Error()
	}
	if err := json.Unmarshal([]byte(b.body), &y); err != nil {
		return err.Error()
	}
	if !inOrder {
		x.Data, y.Data = byMetric(x.Data), byMetric(y.Data)
	}
	if x.ErrorType != y.ErrorType || x.Error != y.Error {
		return fmt.Sprintf("\nours   %s: %s\ntheirs %s: %s", x.ErrorType, x.Error, y.ErrorType, y.Error)
	}
	return unequal("data", x.Data, y.Data)
}

// unequal compares parsed JSON; numbers, also in strings, may differ by 1e-9.
func unequal(where string, a, b any) string {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return fmt.Sprintf("%s: %v and %v", where, a, b)
		}
		for k := range a {
			if d := unequal(where+"."+k, a[k], b[k]); d != "" {
				return d
			}
		}
		return ""
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return fmt.Sprintf("%s: %d and %d entries: %.300v and %.300v", where, len(a), len(b), a, b)
		}
		for i := range a {
			if d := unequal(fmt.Sprintf("%s[%d]", where, i), a[i], b[i]); d != "" {
				return d
			}
		}
		return ""
	}
	if reflect.DeepEqual(a, b) {
		return ""
	}
	x, errX := strconv.ParseFloat(fmt.Sprint(a), 64)
	y, errY := strconv.ParseFloat(fmt.Sprint(b), 64)
	if errX == nil && errY == nil && math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y)) {
		return ""
	}
	return fmt.Sprintf("%s: %v and %v", where, a, b)
}

var rangeExpressions = []string{
	`queue`,
	`rate(requests_total[1m])`,
	`sum by (service) (increase(requests_total{status="ok"}[7m]))`,
	`sum by (service) (rate(requests_total{status="error"}[5m])) / sum by (service) (rate(requests_total[5m]))`,
	`histogram_quantile(0.95, sum by (le, service) (rate(latency_seconds_bucket[5m])))`,
	`sum by (service) (requests_total offset 30m)`,
	`queue - queue offset -10m`,
	`avg(queue @ 1704070800) + avg(queue @ end()) - min(queue @ start())`,
	`max_over_time(sum by (service) (rate(requests_total[1m]))[10m:30s])`,
	`min_over_time(queue[11m:]) - avg_over_time(queue[11m:10s])`,
	`topk(3, queue)`,
	`bottomk by (service) (1, requests_total)`,
	`predict_linear(queue[30m], 3600)`,
	`quantile_over_time(0.9, queue[15m])`,
	`quantile by (service) (0.5, queue)`,
	`{__name__=~"queue|requests_total", service!~"od.*", pod=~"p0|"}`,
	`requests_total{status!="ok", service!=""}`,
	`queue > 5 and on (service) requests_total{status="ok"} unless on (service) queue > 18`,
	`queue{service="late"} or queue{service="gone"}`,
	`absent(queue{service="late"})`,
	`absent_over_time(queue{service="gone"}[20m])`,
	`count_values("n", round(queue, 10))`,
	`label_replace(stddev_over_time(queue[9m]), "s", "$1", "service", "(.).*")`,
	`sum(requests_total) by (service) * on (service) group_right count by (service, pod) (queue)`,
	`changes(requests_total[20m]) + resets(requests_total[1h])`,
	`deriv(queue[10m])`,
	`irate(requests_total[2m]) > bool 1`,
	`clamp(delta(queue[10m]), -1, 1) % 0.3 ^ 2`,
	`time() - timestamp(queue)`,
	`vector(1) / (queue - queue)`,
}

// windows are an hour of detail, everything, and one that begins before there
// is anything and ends in a silence.
var windows = []struct {
	name     string
	from, to int64 // s after realFrom
	step     string
}{
	{"1h", 2*3600 + 7, 3*3600 + 7, "15s"},
	{"6h", 7, 6*3600 + 7, "60"},
	{"before", -1801, 2 * 3600, "37.5"},
}

func (p pair) compareRangeQueries(t *testing.T) {
	equal, total := 0, 0
	for _, w := range windows {
		for _, expr := range rangeExpressions {
			total++
			path := "/api/v1/query_range?" + url.Values{
				"query": {expr}, "step": {w.step},
				"start": {fmt.Sprint(realFrom/1000 + w.from)}, "end": {fmt.Sprint(realFrom/1000 + w.to)},
			}.Encode()
			a, b := fetch(t, p.ours, path), fetch(t, p.theirs, path)
			if d := differ(a, b, true); d != "" || a.code != http.StatusOK {
				t.Errorf("%s, %s: %s", w.name, expr, d)
				continue
			}
			equal++
		}
	}
	t.Logf("%d of %d range queries equal", equal, total)
}

func (p pair) compareOtherAnswers(t *testing.T) {
	at := func(s int64) string { return fmt.Sprint(realFrom/1000 + s) }
	paths := []string{
		"/api/v1/labels", "/api/v1/label/service/values", "/api/v1/label/__name__/values", "/api/v1/label/nothing/values", "/api/v1/metadata",
		"/api/v1/rules", "/api/v1/alerts", "/api/v1/rules?type=alert",
		"/api/v1/series?match[]=queue", "/api/v1/series?match[]=queue&match[]={service=%22late%22}", "/api/v1/series?match[]={__name__=~%22.%2B%22}",
		"/api/v1/labels?match[]=queue&match[]=requests_total", "/api/v1/label/pod/values?match[]=requests_total{service=%22chat%22}", "/api/v1/label/le/values",
		// a window far from any edge of a block, where both sides see the same
		"/api/v1/series?match[]=queue&start=" + at(5*3600) + "&end=" + at(5*3600+1800), "/api/v1/label/service/values?start=" + at(5*3600) + "&end=" + at(6*3600),
		"/api/v1/labels?start=" + at(5*3600) + "&end=" + at(6*3600) + "&match[]=queue",
	}
	for _, expr := range append([]string{
		`queue[90s]`, `"text"`, `1 + 1`, `sort_desc(queue)`, `scalar(sum(queue))`, `-queue`, `queue{service="od\"d\\name"}`, `1/0 - 1/0`, `1e-7`, `1e21`,
	}, rangeExpressions...) {
		paths = append(paths, "/api/v1/query?"+url.Values{"query": {expr}, "time": {at(4*3600 + 7)}}.Encode())
	}
	equal := 0
	for _, path := range paths {
		a, b := fetch(t, p.ours, path), fetch(t, p.theirs, path)
		inOrder := strings.Contains(path, "query=sort") || strings.Contains(path, "query=topk")
		if d := differ(a, b, inOrder); d != "" || a.code != http.StatusOK {
			t.Errorf("%s: %s", path, d)
			continue
		}
		equal++
	}
	t.Logf("%d of %d other answers equal", equal, len(paths))
}

func (p pair) compareErrors(t *testing.T) {
	q := func(kind string, pairs ...string) string {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Add(pairs[i], pairs[i+1])
		}
		return "/api/v1/" + kind + "?" + v.Encode()
	}
	ranged := func(expr, start, end, step string) string {
		return q("query_range", "query", expr, "start", start, "end", end, "step", step)
	}
	equal, total := 0, 0
	const hour = "1704070800" // one after realFrom
	for _, c := range []struct {
		since int // major version that first answers so
		path  string
	}{
		{2, q("query", "query", "up{")}, {2, q("query", "query", "up >")}, {2, q("query", "query", "foo()")}, {2, q("query", "query", "sum(")},
		{2, q("query", "query", "rate(up)")}, {2, q("query", "query", "up[5m")}, {2, q("query", "query", "{}")}, {2, q("query", "query", "1 +* 2")},
		{2, q("query", "query", "up", "timeout", "x")}, {2, q("query", "query", `label_replace(queue, "~", "", "", "(")`, "time", hour)},
		{2, ranged("up", "1", "2", "x")}, {2, ranged("up", "1", "2", "0")}, {2, ranged("up", "1", "2", "-1")}, {2, ranged("up", "2", "1", "1")},
		{2, ranged("up", "", "1", "1")}, {2, ranged("up", "1", "x", "1")}, {2, ranged("up", "0", "11001", "1")}, {2, ranged("up", "0", "11000", "1")},
		{2, ranged("up", "1", "2", "1e30")},
		{2, q("series")}, {2, q("series", "match[]", "{}")}, {2, q("series", "match[]", "up{")}, {2, q("series", "match[]", "sum(up)")},
		{2, q("labels", "match[]", `{a=~".*"}`)}, {2, q("labels", "match[]", "1")}, {2, q("label/a/values", "match[]", "{}")},
		{2, q("metadata", "limit", "x")}, {2, q("rules", "type", "x")},
		{3, q("query")}, {3, q("query", "query", `up{a=~"("}`)}, {3, q("query", "query", "up", "time", "noon")},
		{3, q("query", "query", "queue * on (service) queue", "time", hour)}, {3, q("query", "query", "queue * on (service) requests_total", "time", hour)},
		{3, ranged("up{", "1", "2", "1")}, {3, ranged("up[5m]", "0", "1", "1")}, {3, ranged(`"text"`, "0", "1", "1")},
		{3, q("series", "match[]", "up", "start", "x")}, {3, q("labels", "end", "x")}, {3, q("label/a/values", "start", "x")},
		{3, q("query", "query", "up", "timeout", "0")}, {3, q("query", "query", "up", "limit", "-1")}, {3, q("query", "query", "up", "limit", "x")},
		{3, q("query", "query", "up", "lookback_delta", "x")}, {3, q("metadata", "limit_per_metric", "x")}, {3, q("label/%FF/values")},
		{3, q("rules", "exclude_alerts", "x")}, {3, q("series", "match[]", "up", "limit", "x")}, {3, q("labels", "limit", "-1")},
	} {
		if c.since > p.major {
			continue
		}
		total++
		if d := differ(fetch(t, p.ours, c.path), fetch(t, p.theirs, c.path), true); d != "" {
			t.Errorf("%s: %s", c.path, d)
			continue
		}
		equal++
	}
	t.Logf("%d of %d errors equal", equal, total)
}

// scraped lets a real Prometheus scrape /metrics: the page must parse, and
// every live series arrive.
func (p pair) scraped(t *testing.T, prometheus string) {
	base := start(t, prometheus, t.TempDir(), `
scrape_configs:
  - job_name: demo
    scrape_interval: 1s
    honor_labels: true
    static_configs: [{targets: ["`+strings.TrimPrefix(p.ours, "http://")+`"]}]
`)
	want := 0
	for line := range strings.Lines(fetch(t, p.ours, "/metrics").body) {
		if !strings.HasPrefix(line, "#") {
			want++
		}
	}
	path, got := "/api/v1/query?query=max_over_time(scrape_samples_scraped[1m])", ""
	for range 100 {
		got = fetch(t, base, path).body
		if strings.Contains(got, fmt.Sprintf(`"%d"]`, want)) && want > 40 {
			t.Logf("%d series of /metrics scraped", want)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("/metrics shows %d series; after 10 s a real Prometheus says %s", want, got)
}
