package packs

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"sickbay/demo/prom"
)

// asked are the series a query needs, one of every selector in it, as lines of a
// scene without their values. Where a matcher lets a choice, the first of some words
// that fit it is taken.
func asked(t *testing.T, what, template string) []string {
	t.Helper()
	words := []string{"", "error", "down", "output", "503", "chat", "/collections/{name}/points/query", "/qdrant.Points/Query"}
	var series []string
	parser.Inspect(parse(t, what, Expand(template, "service", time.Minute, time.Minute)), func(n parser.Node, _ []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		ls := map[string]string{"service": "a", "le": "1"}
		for _, m := range v.LabelMatchers {
			if m.Name == model.MetricNameLabel {
				ls[m.Name] = m.Value
				continue
			}
			all := append(slices.Clone(words), strings.Split(m.Value, "|")...)
			i := slices.IndexFunc(all, m.Matches)
			if i < 0 {
				t.Fatalf("%s: no word of this test matches %s", what, m)
			}
			if ls[m.Name] = all[i]; ls[m.Name] == "" {
				delete(ls, m.Name)
			}
		}
		series = append(series, strings.ReplaceAll(labels.FromMap(ls).String(), `", `, `",`))
		return nil
	})
	slices.Sort(series)
	return slices.Compact(series)
}

// TestNothingIsEverInfinite stops all traffic: every series a query asks for is
// there and none moves, gauges are 0.
func TestNothingIsEverInfinite(t *testing.T) {
	for _, p := range All() {
		for name, q := range queries(p) {
			var scene strings.Builder
			for _, series := range asked(t, p.ID+" "+name, q.template) {
				scene.WriteString(series + " 0 last 120\n")
			}
			for service, v := range ask(t, store(t, scene.String()), q.template) {
				if math.IsInf(v, 0) {
					t.Errorf("%s %s of %s is %v", p.ID, name, service, v)
				}
			}
		}
	}
}

// TestEveryQueryIsAnsweredWhereItsMetricsMove lets all that a pack asks for grow by
// one a second: a query that joins what has no labels in common, or filters what it
// needs, finds nothing.
func TestEveryQueryIsAnsweredWhereItsMetricsMove(t *testing.T) {
	for _, p := range All() {
		if len(queries(p)) == 0 {
			continue // it only ties services together
		}
		var series []string
		for name, q := range queries(p) {
			series = append(series, asked(t, p.ID+" "+name, q.template)...)
		}
		slices.Sort(series)
		var scene strings.Builder
		perSecond := map[string]float64{}
		for _, s := range slices.Compact(series) {
			scene.WriteString(s + " 1+1\n")
			if full := strings.Replace(s, `le="1"`, `le="+Inf"`, 1); strings.Contains(s, `_bucket"`) {
				scene.WriteString(full + " 2+2\n")
			}
			perSecond[s] = 1
		}
		var metrics storage.Queryable = store(t, scene.String())
		if strings.HasSuffix(p.ID, "-native") {
			metrics = natives(t, perSecond)
		}
		for name, q := range queries(p) {
			if len(ask(t, metrics, q.template)) == 0 {
				t.Errorf("%s %s: no answer", p.ID, name)
			}
		}
	}
}

// TestEverySampleAnswersEveryQuery: what an exporter says in a pack's sample is
// enough for all the pack asks, by a label that names a service. The text has no
// native histograms; native_test.go makes them.
func TestEverySampleAnswersEveryQuery(t *testing.T) {
	for _, p := range All() {
		if strings.HasSuffix(p.ID, "-native") {
			continue
		}
		metrics := prom.NewStore(2 * time.Hour)
		for _, line := range strings.Split(strings.TrimSpace(p.Sample), "\n") {
			end := strings.LastIndexByte(line, ' ')
			if strings.HasPrefix(line, "#") || end < 0 {
				continue
			}
			ls, err := parser.NewParser(parser.Options{}).ParseMetric(line[:end])
			if err != nil {
				t.Fatalf("%s: %q: %v", p.ID, line, err)
			}
			all := map[string]string{"job": "sample", "instance": "sample"}
			maps.Copy(all, ls.Map())
			ref, v := metrics.Series(all), number(line[end+1:])
			for back := 30 * time.Minute; back >= 0; back -= scrape {
				if err := metrics.Append(ref, now.Add(-back).UnixMilli(), v-v*back.Seconds()/3600); err != nil {
					t.Fatal(err)
				}
			}
		}
		for name, q := range queries(p) {
			if !slices.ContainsFunc(p.Identity, func(by string) bool { return named(askBy(t, metrics, q.template, by)) }) {
				t.Errorf("%s %s: no answer", p.ID, name)
			}
		}
	}
}

// named says whether some answer has a label and a number.
func named(answer map[string]float64) bool {
	for by, v := range answer {
		if by != "" && !math.IsNaN(v) {
			return true
		}
	}
	return false
}

// BenchmarkAll is what every start costs: it shall stay under 20 ms.
func BenchmarkAll(b *testing.B) {
	for b.Loop() {
		All()
	}
}

// TestAServiceGraphTiesBothSides asks the pack's own sample who calls whom.
func TestAServiceGraphTiesBothSides(t *testing.T) {
	p := All()[slices.IndexFunc(All(), func(p *Pack) bool { return p.ID == "service-graph" })]
	pairs := slices.Sorted(maps.Keys(askBy(t, store(t, p.Sample), p.Calls[0].Query, p.Identity[0])))
	if !slices.Equal(pairs, []string{"docs-answers vector-db", "support-chat docs-answers"}) {
		t.Errorf("who calls whom: %q", pairs)
	}
}
