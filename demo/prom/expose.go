package prom

import (
	"bufio"
	"cmp"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// exposed is the last value of one series, as /metrics shows it.
type exposed struct {
	name   string
	labels labels.Labels
	v      float64
}

// Expose writes the values at time t (Unix ms) of all series that have not
// ended, in the Prometheus text format: what a scrape of the whole demo at t
// would have seen. ALERTS and ALERTS_FOR_STATE are left out: they are made by
// a Prometheus, not scraped by one.
func (s *Store) Expose(w io.Writer, t int64) error {
	families, metas := s.current(t)
	out := bufio.NewWriter(w)
	for _, family := range slices.Sorted(maps.Keys(families)) {
		writeHead(out, family, metas[family])
		series := families[family]
		slices.SortStableFunc(series, byBucket)
		for _, e := range series {
			writeSample(out, e)
		}
	}
	return out.Flush()
}

// current groups the live values at t by metric family.
func (s *Store) current(t int64) (map[string][]exposed, map[string]meta) {
	families := map[string][]exposed{}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, list := range s.byName {
		if name == alertsMetric || name == forStateMetric {
			continue
		}
		family := s.family(name)
		for _, m := range list {
			if v, ok := m.at(t); ok {
				families[family] = append(families[family], exposed{name, m.labels, v})
			}
		}
	}
	return families, maps.Clone(s.meta)
}

// family is the name the metadata of a metric stands under.
func (s *Store) family(name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			if m, ok := s.meta[base]; ok && (m.Type == "histogram" || m.Type == "summary") {
				return base
			}
		}
	}
	return name
}

// at is the value of the series at t by the engine's rule: the last sample not
// after t and younger than the lookback, unless it marks the end.
func (m *memSeries) at(t int64) (float64, bool) {
	oldest := t - lookback.Milliseconds() + 1
	if m.lastT <= t { // the usual case: a look at now
		return m.lastV, m.lastT >= oldest && !value.IsStaleNaN(m.lastV)
	}
	v, _ := m.within(oldest, t)
	it := windowed{&v, oldest, t}.Iterator(nil)
	last, ok := 0.0, false
	for it.Next() != chunkenc.ValNone {
		_, last = it.At()
		ok = true
	}
	return last, ok && !value.IsStaleNaN(last)
}

// byBucket puts the buckets of one histogram side by side in rising order,
// their sum and count behind them. Labels without le already come in order.
func byBucket(a, b exposed) int {
	return cmp.Or(
		labels.Compare(without(a.labels), without(b.labels)),
		cmp.Compare(part(a.name), part(b.name)),
		cmp.Compare(bound(a.labels), bound(b.labels)),
	)
}

func without(ls labels.Labels) labels.Labels {
	return labels.NewBuilder(ls).Del(model.MetricNameLabel, labels.BucketLabel).Labels()
}

func part(name string) int {
	switch {
	case strings.HasSuffix(name, "_sum"):
		return 1
	case strings.HasSuffix(name, "_count"):
		return 2
	}
	return 0
}

func bound(ls labels.Labels) float64 {
	f, _ := strconv.ParseFloat(ls.Get(labels.BucketLabel), 64)
	return f
}

var (
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeValue = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func writeHead(w *bufio.Writer, family string, m meta) {
	if !model.LegacyValidation.IsValidMetricName(family) {
		family = `"` + escapeValue.Replace(family) + `"`
	}
	if m.Help != "" {
		w.WriteString("# HELP " + family + " " + escapeHelp.Replace(m.Help) + "\n")
	}
	w.WriteString("# TYPE " + family + " " + cmp.Or(m.Type, "untyped") + "\n")
}

// writeSample writes `name{label="value"} 1`; a name that needs quotes goes
// inside the braces, as in Prometheus 3.
func writeSample(w *bufio.Writer, e exposed) {
	separator := "{"
	if model.LegacyValidation.IsValidMetricName(e.name) {
		w.WriteString(e.name)
	} else {
		w.WriteString(`{"` + escapeValue.Replace(e.name) + `"`)
		separator = ","
	}
	e.labels.Range(func(l labels.Label) {
		if l.Name == model.MetricNameLabel {
			return
		}
		name := l.Name
		if !model.LegacyValidation.IsValidLabelName(name) {
			name = `"` + escapeValue.Replace(name) + `"`
		}
		w.WriteString(separator + name + `="` + escapeValue.Replace(l.Value) + `"`)
		separator = ","
	})
	if separator == "," {
		w.WriteByte('}')
	}
	w.Write(append(strconv.AppendFloat([]byte{' '}, e.v, 'g', -1, 64), '\n'))
}
