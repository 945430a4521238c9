package sources

import (
	"context"
	"time"
)

// Names lists the metrics a source has.
type Names interface {
	Source
	// MetricNames are those with samples lately, sorted as the server sorts.
	MetricNames(ctx context.Context) ([]string, error)
}

// namesBack is how far back a metric may have had its last sample.
const namesBack = time.Hour

func (p *prometheus) MetricNames(ctx context.Context) ([]string, error) {
	var names []string
	_, err := p.ask(ctx, func(ctx context.Context) error {
		now := time.Now()
		values, _, _, err := p.api.LabelValues(ctx, "__name__", nil, now.Add(-namesBack), now)
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
