package sources

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// VictoriaMetrics has histograms of its own, whose buckets carry vmrange="1.0e+00...1.1e+00"
// instead of le and are only there when something fell into them
// (https://docs.victoriametrics.com/victoriametrics/keyconcepts/#histogram). Its function
// prometheus_buckets() makes the others of them, and leaves those that have le alone
// (https://docs.victoriametrics.com/victoriametrics/metricsql/#prometheus_buckets).

// overLE is where series are summed up by le.
var overLE = regexp.MustCompile(`\bsum by \(([^()]*\ble\b[^()]*)\) ?\(`)

// withRanges asks for both kinds of buckets wherever a query sums one kind up.
func withRanges(query string) string {
	var out strings.Builder
	for {
		at := overLE.FindStringSubmatchIndex(query)
		if at == nil {
			out.WriteString(query)
			return out.String()
		}
		end := closing(query, at[1]-1)
		if end < 0 {
			out.WriteString(query)
			return out.String()
		}
		out.WriteString(query[:at[0]] + "prometheus_buckets(sum by (" + query[at[2]:at[3]] + ", vmrange) (" + query[at[1]:end] + "))")
		query = query[end+1:]
	}
}

// closing is where the parenthesis that opens at a place closes; -1: nowhere.
func closing(query string, open int) int {
	depth, quote := 0, byte(0)
	for i := open; i < len(query); i++ {
		switch c := query[i]; {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// ranges remembers whether a server has buckets with vmrange.
type ranges struct {
	mu    sync.Mutex // held while the server is asked: who needs to know waits
	asked time.Time
	there bool
}

// rangesEvery is when a server that had none is asked again.
const rangesEvery = 10 * time.Minute

// asAsked is a query as this server has to be asked. That it is VictoriaMetrics the
// first answer tells, so that no hour was read without those buckets.
func (p *prometheus) asAsked(ctx context.Context, query string) string {
	if !p.victoria.Load() || !overLE.MatchString(query) || !p.hasRanges(ctx) {
		return query
	}
	return withRanges(query)
}

// hasRanges asks whether there are buckets with vmrange. A server that does not say is
// asked as any other.
func (p *prometheus) hasRanges(ctx context.Context) bool {
	p.ranges.mu.Lock()
	defer p.ranges.mu.Unlock()
	if p.ranges.there || !p.ranges.asked.IsZero() && time.Since(p.ranges.asked) < rangesEvery {
		return p.ranges.there
	}
	var found []string
	hourAgo := strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	_, err := p.askIfThere(ctx, "label vmrange", func(ctx context.Context) error {
		return p.get(ctx, "/api/v1/label/vmrange/values", url.Values{"limit": {"1"}, "start": {hourAgo}}, &found)
	})
	if err == nil || errors.Is(err, ErrMissing) {
		p.ranges.asked, p.ranges.there = time.Now(), len(found) > 0
	}
	return p.ranges.there
}
