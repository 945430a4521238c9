package sources

import (
	"context"
	"strings"
	"time"

	"sickbay/health"
)

// Exemplars are observations that a metrics server kept together with the trace that
// each was of.
type Exemplars interface {
	Metrics
	// Exemplars returns those of the series an expression is made of, between from and
	// to, in any order. A server that keeps none answers with none, or with ErrMissing
	// where it does not know the question. It returns when ctx ends.
	Exemplars(ctx context.Context, expr string, from, to time.Time) ([]Exemplar, error)
}

// An Exemplar is one observation.
type Exemplar struct {
	Labels map[string]string // of its series
	At     time.Time
	Value  float64 // in the unit of the series
	Trace  string  // 32 hexadecimal digits
}

// maxExemplars bounds what is kept of one answer.
const maxExemplars = 10_000

// Exemplars asks as of Prometheus 2.26 (--enable-feature=exemplar-storage); what has no
// trace is left out.
func (p *prometheus) Exemplars(ctx context.Context, expr string, from, to time.Time) ([]Exemplar, error) {
	var all []Exemplar
	_, err := p.askIfThere(ctx, "exemplars", func(ctx context.Context) error {
		got, err := p.api.QueryExemplars(ctx, expr, from, to)
		if err != nil {
			return inItsWords(err)
		}
		for _, s := range got {
			own := map[string]string{}
			for name, value := range s.SeriesLabels {
				own[string(name)] = health.Cut(string(value), maxAttribute)
			}
			for _, x := range s.Exemplars {
				of := map[string]string{}
				for name, value := range x.Labels {
					of[strings.ToLower(strings.ReplaceAll(string(name), "_", ""))] = string(value)
				}
				if id, err := cleanTraceID(of["traceid"]); err == nil && len(all) < maxExemplars {
					all = append(all, Exemplar{own, x.Timestamp.Time().UTC(), float64(x.Value), id})
				}
			}
		}
		return nil
	})
	return all, err
}
