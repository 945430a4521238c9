package prom

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// The endpoints that show the rules and their alerts. All rules are in one
// group of one file.
const (
	groupName = "sickbay-demo"
	groupFile = "sickbay-demo.rules.yml"
)

type alertJSON struct {
	Labels      labels.Labels `json:"labels"`
	Annotations labels.Labels `json:"annotations"`
	State       string        `json:"state"`
	ActiveAt    time.Time     `json:"activeAt"`
	Value       string        `json:"value"`
}

type ruleJSON struct {
	State          string        `json:"state"`
	Name           string        `json:"name"`
	Query          string        `json:"query"`
	Duration       float64       `json:"duration"`
	KeepFiringFor  float64       `json:"keepFiringFor"`
	Labels         labels.Labels `json:"labels"`
	Annotations    labels.Labels `json:"annotations"`
	Alerts         []alertJSON   `json:"alerts"`
	Health         string        `json:"health"`
	LastError      string        `json:"lastError,omitempty"`
	EvaluationTime float64       `json:"evaluationTime"`
	LastEvaluation time.Time     `json:"lastEvaluation"`
	Type           string        `json:"type"`
}

type groupJSON struct {
	Name           string     `json:"name"`
	File           string     `json:"file"`
	Rules          []ruleJSON `json:"rules"`
	Interval       float64    `json:"interval"`
	Limit          int        `json:"limit"`
	EvaluationTime float64    `json:"evaluationTime"`
	LastEvaluation time.Time  `json:"lastEvaluation"`
}

type rulesJSON struct {
	Groups []groupJSON `json:"groups"`
}

type alertsJSON struct {
	Alerts []alertJSON `json:"alerts"`
}

// list shows every rule that wanted accepts, with its alerts or without.
func (rs *Rules) list(wanted func(name string) bool, withAlerts bool) rulesJSON {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	g := groupJSON{
		Name: groupName, File: groupFile, Interval: rs.every.Seconds(),
		EvaluationTime: rs.took.Seconds(), LastEvaluation: rs.last.UTC(),
	}
	for _, r := range rs.rules {
		if wanted(r.Name) {
			g.Rules = append(g.Rules, r.show(rs.last, withAlerts))
		}
	}
	if len(g.Rules) == 0 {
		return rulesJSON{Groups: []groupJSON{}}
	}
	return rulesJSON{Groups: []groupJSON{g}}
}

// alerts shows the active alerts of all rules.
func (rs *Rules) alerts() alertsJSON {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	all := []alertJSON{}
	for _, r := range rs.rules {
		all = append(all, r.alerts()...)
	}
	return alertsJSON{all}
}

func (r *rule) show(last time.Time, withAlerts bool) ruleJSON {
	j := ruleJSON{
		State: r.stateName(last), Name: r.Name, Query: r.expr.String(), Duration: r.For.Seconds(),
		Labels: labels.FromMap(r.Labels), Annotations: labels.FromMap(r.Annotations),
		Health: "ok", EvaluationTime: r.took.Seconds(), LastEvaluation: last.UTC(), Type: "alerting",
	}
	if withAlerts {
		j.Alerts = r.alerts()
	}
	if last.IsZero() {
		j.Health = "unknown"
	}
	if r.err != nil {
		j.Health, j.LastError = "err", r.err.Error()
	}
	return j
}

// stateName is the worst state of any of its alerts.
func (r *rule) stateName(last time.Time) string {
	if last.IsZero() {
		return "unknown"
	}
	state := "inactive"
	for _, a := range r.active {
		if a.firing {
			return "firing"
		}
		state = "pending"
	}
	return state
}

// alerts shows the active ones, in label order. Annotations are expanded here
// and not at every evaluation: most are never looked at.
func (r *rule) alerts() []alertJSON {
	list := []alertJSON{}
	for _, a := range r.active {
		b := labels.NewBuilder(labels.EmptyLabels())
		for _, f := range r.annotations {
			b.Set(f.name, f.text.expand(a.series, a.value))
		}
		list = append(list, alertJSON{
			Labels: a.labels, Annotations: b.Labels(), State: a.stateName(), ActiveAt: a.since.UTC(),
			Value: strconv.FormatFloat(a.value, 'e', -1, 64),
		})
	}
	slices.SortFunc(list, func(a, b alertJSON) int { return labels.Compare(a.Labels, b.Labels) })
	return list
}

func (s *Server) listRules(r *http.Request) (answer, error) {
	if err := r.ParseForm(); err != nil {
		return answer{}, badData(fmt.Errorf("error parsing form values: %w", err))
	}
	typ := strings.ToLower(r.Form.Get("type"))
	if typ != "" && typ != "alert" && typ != "record" {
		return answer{}, invalid("type", fmt.Errorf("not supported value %q", typ))
	}
	exclude := false
	if text := strings.ToLower(r.Form.Get("exclude_alerts")); text != "" {
		var err error
		if exclude, err = strconv.ParseBool(text); err != nil {
			return answer{}, invalid("exclude_alerts", fmt.Errorf("error converting exclude_alerts: %w", err))
		}
	}
	return marshal(s.rules.list(func(name string) bool {
		return typ != "record" && // there are only alert rules
			among(r.Form["rule_name[]"], name) && among(r.Form["rule_group[]"], groupName) && among(r.Form["file[]"], groupFile)
	}, !exclude))
}

// among says whether a name is one of those asked for; none means any.
func among(asked []string, name string) bool {
	return len(asked) == 0 || slices.Contains(asked, name)
}

func (s *Server) listAlerts(*http.Request) (answer, error) { return marshal(s.rules.alerts()) }
