package sources

import (
	"context"
	"time"
)

// Names lists the metrics a source has.
type Names interface {
	Source
	// MetricNames are those with samples shortly before a time, sorted as the
	// server sorts.
	MetricNames(ctx context.Context, at time.Time) ([]string, error)
}

// namesBack is how far back a metric may have had its last sample.
const namesBack = time.Hour

func (p *prometheus) MetricNames(ctx context.Context, at time.Time) ([]string, error) {
	var names []string
	_, err := p.ask(ctx, func(ctx context.Context) error {
		values, _, _, err := p.api.LabelValues(ctx, "__name__", nil, at.Add(-namesBack), at)
		if err != nil {
			return inItsWords(err)
		}
		for _, v := range values {
			names = append(names, string(v))
		}
		return nil
	})
	return names, err
}
