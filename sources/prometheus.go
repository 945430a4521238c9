package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "prometheus",
		Doc:  "A Prometheus, or what speaks its API: Thanos, Mimir, VictoriaMetrics. Asked for metrics and alerts.",
		Example: `kind = "prometheus"
name = "main"
url = "http://prometheus:9090"
` + webExample,
		Open: openPrometheus,
	})
}

// maxSeries bounds what one question may bring, where the server honours it.
const maxSeries = 20_000

type prometheus struct {
	*web
	api v1.API
}

func openPrometheus(name string, decode Decode) (Source, error) {
	var c webConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	w, err := c.open(name)
	if err != nil {
		return nil, err
	}
	client, err := api.NewClient(api.Config{Address: c.URL, Client: w.client})
	if err != nil {
		return nil, errors.New("url: is not an address")
	}
	return &prometheus{w, v1.NewAPI(client)}, nil
}

func (p *prometheus) About() (kind, where string) { return "prometheus", p.where() }

// Range asks for a matrix. Points that do not exist are not there, NaN is NaN.
func (p *prometheus) Range(ctx context.Context, expr string, start, end time.Time, step time.Duration) (Answer, error) {
	return p.query(ctx, func(ctx context.Context) (model.Value, v1.Warnings, error) {
		v, warnings, _, err := p.api.QueryRange(ctx, expr, v1.Range{Start: start, End: end, Step: step}, v1.WithTimeout(p.timeout), v1.WithLimit(maxSeries))
		return v, warnings, err
	})
}

// Instant asks for one point of every series.
func (p *prometheus) Instant(ctx context.Context, expr string, at time.Time) (Answer, error) {
	return p.query(ctx, func(ctx context.Context) (model.Value, v1.Warnings, error) {
		v, warnings, _, err := p.api.Query(ctx, expr, at, v1.WithTimeout(p.timeout), v1.WithLimit(maxSeries))
		return v, warnings, err
	})
}

func (p *prometheus) query(ctx context.Context, put func(context.Context) (model.Value, v1.Warnings, error)) (Answer, error) {
	var a Answer
	x, err := p.ask(ctx, func(ctx context.Context) error {
		v, warnings, err := put(ctx)
		a.Warnings = warnings
		if err != nil {
			return inItsWords(err)
		}
		a.Series, err = series(v)
		return err
	})
	if x != nil {
		a.Bytes, a.Took, a.Skew = x.bytes.Load(), x.took, x.skew()
	}
	return a, err
}

// series turns what the client decoded into our words. Native histograms are
// left out: the packs ask for numbers.
func series(v model.Value) ([]Series, error) {
	switch v := v.(type) {
	case model.Matrix:
		all := make([]Series, 0, len(v))
		for _, s := range v {
			points := make([]health.Point, len(s.Values))
			for i, p := range s.Values {
				points[i] = health.Point{T: int64(p.Timestamp), V: float64(p.Value)}
			}
			all = append(all, Series{labels(s.Metric), points})
		}
		return all, nil
	case model.Vector:
		all := make([]Series, 0, len(v))
		for _, s := range v {
			if s.Histogram == nil {
				all = append(all, Series{labels(s.Metric), []health.Point{{T: int64(s.Timestamp), V: float64(s.Value)}}})
			}
		}
		return all, nil
	case *model.Scalar:
		return []Series{{map[string]string{}, []health.Point{{T: int64(v.Timestamp), V: float64(v.Value)}}}}, nil
	case nil:
		return nil, errors.New("bad_response: the answer has no result; is this a Prometheus?")
	}
	return nil, fmt.Errorf("bad_response: cannot draw a %s", v.Type())
}

func labels(m model.Metric) map[string]string {
	all := make(map[string]string, len(m))
	for k, v := range m {
		all[string(k)] = string(v)
	}
	return all
}

// inItsWords puts the server's own error before the client's: its type and text
// are in the body, which the client reads for two status codes only.
func inItsWords(err error) error {
	var e *v1.Error
	if !errors.As(err, &e) {
		return err
	}
	var said struct {
		ErrorType string `json:"errorType"`
		Error     string `json:"error"`
	}
	if json.Unmarshal([]byte(e.Detail), &said) == nil && said.Error != "" {
		e = &v1.Error{Type: v1.ErrorType(said.ErrorType), Msg: said.Error}
	}
	if e.Type == v1.ErrBadResponse {
		return fmt.Errorf("%s: %s; is this a Prometheus?", e.Type, health.Cut(e.Msg, maxErrorText))
	}
	return fmt.Errorf("%s: %s", e.Type, health.Cut(e.Msg, maxErrorText))
}

// Version asks for the build; a server that does not know the question has none.
func (p *prometheus) Version(ctx context.Context) (string, error) {
	var version string
	x, err := p.ask(ctx, func(ctx context.Context) error {
		b, err := p.api.Buildinfo(ctx)
		version = b.Version
		if err != nil {
			return inItsWords(err)
		}
		return nil
	})
	if x != nil && x.status == http.StatusNotFound {
		return "", nil
	}
	return version, err
}

// Alerts lists what is pending or firing. A server that has no rules, and so
// does not know the question, has no alerts.
func (p *prometheus) Alerts(ctx context.Context) ([]health.Alert, error) {
	var all []health.Alert
	x, err := p.ask(ctx, func(ctx context.Context) error {
		got, err := p.api.Alerts(ctx)
		if err != nil {
			return inItsWords(err)
		}
		for _, a := range got.Alerts {
			all = append(all, p.alert(a))
		}
		return nil
	})
	if x != nil && x.status == http.StatusNotFound {
		return nil, nil
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
