package sources

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "prometheus",
		Doc:  "A Prometheus, or what speaks its API: Thanos, Mimir, Cortex, VictoriaMetrics, the managed ones. Asked for metrics and alerts.",
		Example: `kind = "prometheus"
name = "main"
url = "http://prometheus:9090"   # Mimir: http://mimir/prometheus; Thanos may be told more: http://thanos:10902?dedup=true&partial_response=true
max_series = 20000   # of one answer; what is left out is said
` + webExample,
		Open: openPrometheus,
	})
}

const (
	defaultMaxSeries = 20_000
	mostSeries       = 1_000_000
)

type prometheusConfig struct {
	webConfig
	MaxSeries int `toml:"max_series"`
}

type prometheus struct {
	*web
	api       v1.API
	maxSeries int

	victoria atomic.Bool // it is VictoriaMetrics
	ranges   ranges

	mu    sync.Mutex
	note  string         // what is peculiar about this server
	lacks string         // what it does not have
	cut   map[string]int // series left out of the newest answer, by question
	rules rules          // of its alerts
}

func openPrometheus(name string, decode Decode) (Source, error) {
	c := prometheusConfig{MaxSeries: defaultMaxSeries}
	if err := decode(&c); err != nil {
		return nil, err
	}
	if c.MaxSeries < 1 || c.MaxSeries > mostSeries {
		return nil, fmt.Errorf("max_series: %d is no bound; say 1 to %d", c.MaxSeries, mostSeries)
	}
	w, err := c.open(name, "a Prometheus API")
	if err != nil {
		return nil, err
	}
	client := &quick{base: w.base, client: w.client, sets: &labelSets{}}
	return &prometheus{web: w, api: v1.NewAPI(client), maxSeries: c.MaxSeries, cut: map[string]int{}}, nil
}

func (p *prometheus) About() (kind, where string) { return "prometheus", p.where() }

// Usage says how the server is used, what is left out, and what is peculiar.
func (p *prometheus) Usage() Usage {
	u := p.web.Usage()
	p.mu.Lock()
	defer p.mu.Unlock()
	u.Note = strings.Join(slices.DeleteFunc([]string{p.lacks, p.note}, func(s string) bool { return s == "" }), "; ")
	for _, n := range p.cut {
		u.Cut += n
	}
	return u
}

// Range asks for a matrix. Points that do not exist are not there, NaN is NaN.
func (p *prometheus) Range(ctx context.Context, expr string, start, end time.Time, step time.Duration) (Answer, error) {
	key := fmt.Sprint(expr, step)
	expr = p.asAsked(ctx, expr)
	return p.query(ctx, key, func(ctx context.Context) (model.Value, v1.Warnings, error) {
		v, warnings, _, err := p.api.QueryRange(ctx, expr, v1.Range{Start: start, End: end, Step: step}, v1.WithTimeout(p.timeout), p.limit())
		return v, warnings, err
	})
}

// Instant asks for one point of every series.
func (p *prometheus) Instant(ctx context.Context, expr string, at time.Time) (Answer, error) {
	key := expr
	expr = p.asAsked(ctx, expr)
	return p.query(ctx, key, func(ctx context.Context) (model.Value, v1.Warnings, error) {
		v, warnings, _, err := p.api.Query(ctx, expr, at, v1.WithTimeout(p.timeout), p.limit())
		return v, warnings, err
	})
}

// limit asks for one series more than is taken: if it comes there are too many. A
// server that does not know the limit sends all of them.
func (p *prometheus) limit() v1.Option { return v1.WithLimit(uint64(p.maxSeries) + 1) }

func (p *prometheus) query(ctx context.Context, key string, put func(context.Context) (model.Value, v1.Warnings, error)) (Answer, error) {
	var a Answer
	x, err := p.ask(ctx, func(ctx context.Context) error {
		v, warnings, err := put(ctx)
		a.Warnings = warnings
		if err != nil {
			return inItsWords(err)
		}
		if x, _ := ctx.Value(exchangeKey{}).(*exchange); x != nil && x.numbers != nil {
			a.Series, a.Warnings = x.numbers.series, x.numbers.warnings
			return nil
		}
		a.Series, err = series(v)
		return err
	})
	if x == nil {
		return a, err
	}
	if x.victoria {
		p.victoria.Store(true)
	}
	a.Bytes, a.Took, a.Skew = x.bytes.Load(), x.took, x.skew()
	if err == nil {
		if strings.Contains(x.beginning(), `"isPartial":true`) {
			a.Warnings = append(a.Warnings, "some of its storage nodes did not answer: the numbers are of the others")
		}
		p.bound(&a, key)
	}
	return a, err
}

// truncated is what Prometheus warns of when it honours the limit.
const truncated = "results truncated due to limit"

// bound cuts an answer that has too many series, always the same ones, and says so.
func (p *prometheus) bound(a *Answer, key string) {
	over := len(a.Series) - p.maxSeries
	p.mu.Lock()
	defer p.mu.Unlock()
	if over <= 0 {
		delete(p.cut, key)
		return
	}
	slices.SortFunc(a.Series, func(x, y Series) int { return compareLabels(x.Labels, y.Labels) })
	a.Series, a.Cut = slices.Clone(a.Series[:p.maxSeries]), over
	p.cut[key] = over
	words := fmt.Sprintf("%d more series left out: max_series is %d", over, p.maxSeries)
	if slices.Contains(a.Warnings, truncated) { // it did not send all
		words = fmt.Sprintf("more series left out: max_series is %d", p.maxSeries)
	}
	a.Warnings = append(slices.DeleteFunc(a.Warnings, func(w string) bool { return w == truncated }), words)
}

// compareLabels orders series: which are cut must not change from round to round.
func compareLabels(a, b map[string]string) int {
	return slices.Compare(pairs(a), pairs(b))
}

func pairs(labels map[string]string) []string {
	all := make([]string, 0, 2*len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, name, labels[name])
	}
	return all
}

// series turns what the client decoded into our words.
func series(v model.Value) ([]Series, error) {
	switch v := v.(type) {
	case model.Matrix:
		all := make([]Series, 0, len(v))
		for _, s := range v {
			points := make([]health.Point, len(s.Values))
			for i, p := range s.Values {
				points[i] = health.Point{T: int64(p.Timestamp), V: float64(p.Value)}
			}
			histograms := make([]Histogram, 0, len(s.Histograms))
			for _, h := range s.Histograms {
				histograms = append(histograms, native(h.Timestamp, h.Histogram))
			}
			all = append(all, Series{Labels: labels(s.Metric), Points: points, Histograms: histograms})
		}
		return all, nil
	case model.Vector:
		all := make([]Series, 0, len(v))
		for _, s := range v {
			if s.Histogram != nil {
				all = append(all, Series{Labels: labels(s.Metric), Histograms: []Histogram{native(s.Timestamp, s.Histogram)}})
				continue
			}
			all = append(all, Series{Labels: labels(s.Metric), Points: []health.Point{{T: int64(s.Timestamp), V: float64(s.Value)}}})
		}
		return all, nil
	case *model.Scalar:
		return []Series{{Labels: map[string]string{}, Points: []health.Point{{T: int64(v.Timestamp), V: float64(v.Value)}}}}, nil
	case nil:
		return nil, &unreadable{"it has no result"}
	}
	return nil, &unreadable{fmt.Sprintf("it is a %s, not numbers", v.Type())}
}

// native takes a histogram apart; a server never sends nil, a broken one might.
func native(t model.Time, h *model.SampleHistogram) Histogram {
	if h == nil {
		return Histogram{T: int64(t)}
	}
	out := Histogram{T: int64(t), Count: float64(h.Count), Sum: float64(h.Sum), Buckets: make([]Bucket, 0, len(h.Buckets))}
	for _, b := range h.Buckets {
		if b != nil {
			out.Buckets = append(out.Buckets, Bucket{float64(b.Lower), float64(b.Upper), float64(b.Count)})
		}
	}
	return out
}

func labels(m model.Metric) map[string]string {
	all := make(map[string]string, len(m))
	for k, v := range m {
		all[string(k)] = string(v)
	}
	return all
}

// inItsWords takes the server's own words out of the client's error: the client
// reads them for two status codes only.
func inItsWords(err error) error {
	var e *v1.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Type == v1.ErrBadResponse && e.Detail == "":
		return &unreadable{e.Msg}
	case e.Detail != "":
		return &said{inWords([]byte(e.Detail))}
	case e.Type == v1.ErrClient || e.Type == v1.ErrServer:
		return &said{} // it said nothing: these are the client's words
	}
	return &said{string(e.Type) + ": " + e.Msg}
}

// Alerts lists what is pending or firing.
func (p *prometheus) Alerts(ctx context.Context) ([]health.Alert, error) {
	var all []health.Alert
	_, err := p.askIfThere(ctx, "alerts", func(ctx context.Context) error {
		got, err := p.api.Alerts(ctx)
		if err != nil {
			return inItsWords(err)
		}
		for _, a := range got.Alerts {
			all = append(all, p.alert(a))
		}
		return nil
	})
	p.express(ctx, all)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.lacks = ""
	case errors.Is(err, ErrMissing):
		p.lacks = "has no alerts of its own"
	}
	return all, err
}

func (p *prometheus) alert(a v1.Alert) health.Alert {
	out := health.Alert{
		Name: string(a.Labels["alertname"]), Service: string(a.Labels["service"]), Severity: string(a.Labels["severity"]),
		State: string(a.State), Since: a.ActiveAt, Source: p.name,
	}
	for _, key := range []model.LabelName{"summary", "description", "message"} {
		if text := string(a.Annotations[key]); text != "" && out.Text == "" {
			out.Text = text
		}
	}
	if v, err := strconv.ParseFloat(a.Value, 64); err == nil {
		out.Value = health.Num(v)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		if name != "alertname" {
			out.Labels = append(out.Labels, health.Field{Name: string(name), Value: string(a.Labels[name])})
		}
	}
	return out
}
