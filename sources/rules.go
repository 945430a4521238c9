package sources

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// rulesEvery is how long it takes at least until a server is asked for its rules
// again: they are long, and wanted only for alerts whose rule is not known.
const rulesEvery = 5 * time.Minute

// ruleGroups is what is used of GET /api/v1/rules?type=alert (Prometheus HTTP API).
type ruleGroups struct {
	Groups []struct {
		Rules []alertRule `json:"rules"`
	} `json:"groups"`
}

// alertRule is one rule of a Prometheus: several may have one name, with other labels.
type alertRule struct {
	Name   string            `json:"name"`
	Query  string            `json:"query"`
	Labels map[string]string `json:"labels"`
}

// rules are those that were read last.
type rules struct {
	asked time.Time
	named map[string][]alertRule
}

// express says of each alert what its rule asks for. A server that does not tell its
// rules has alerts all the same.
func (p *prometheus) express(ctx context.Context, alerts []health.Alert) {
	p.mu.Lock()
	known := p.rules
	p.mu.Unlock()
	unknown := slices.ContainsFunc(alerts, func(a health.Alert) bool { return known.named[a.Name] == nil })
	if now := time.Now(); unknown && (known.asked.IsZero() || now.Sub(known.asked) >= rulesEvery) {
		var got ruleGroups
		_, err := p.askIfThere(ctx, "rules", func(ctx context.Context) error {
			return p.get(ctx, "/api/v1/rules", url.Values{"type": {"alert"}}, &got)
		})
		if known.asked = now; err == nil {
			known.named = got.byName()
		}
		p.mu.Lock()
		p.rules = known
		p.mu.Unlock()
	}
	for i := range alerts {
		alerts[i].Expr = exprOf(alerts[i], known.named[alerts[i].Name])
	}
}

func (g ruleGroups) byName() map[string][]alertRule {
	named := map[string][]alertRule{}
	for _, group := range g.Groups {
		for _, r := range group.Rules {
			if len(named) < maxAlerts {
				named[r.Name] = append(named[r.Name], r)
			}
		}
	}
	return named
}

// exprOf is the query of the first rule whose labels the alert has all.
func exprOf(a health.Alert, rules []alertRule) string {
	has := map[string]string{}
	for _, l := range a.Labels {
		has[l.Name] = l.Value
	}
	for _, r := range rules {
		if r.labels(has) {
			return r.Query
		}
	}
	return ""
}

// labels says whether an alert with these labels may be of the rule. Labels that are
// templates differ: they are what Prometheus made of them.
func (r alertRule) labels(has map[string]string) bool {
	for name, value := range r.Labels {
		if has[name] != value && !strings.Contains(value, "{{") {
			return false
		}
	}
	return true
}
