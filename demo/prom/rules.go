package prom

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

const (
	alertsMetric   = "ALERTS"
	forStateMetric = "ALERTS_FOR_STATE"
	stateLabel     = "alertstate"
)

// Rule is one alert rule. Every series Expr gives is an alert: pending at
// first, firing once it has been there for For without a gap.
type Rule struct {
	Name        string
	Expr        string // PromQL
	For         time.Duration
	Labels      map[string]string // added to those of the series; templates without $value
	Annotations map[string]string // templates, see template
}

// Rules evaluates alert rules over a Store and writes ALERTS and
// ALERTS_FOR_STATE back into it, as Prometheus does. Its methods may be called
// from any goroutine; evaluations must go forward in time.
type Rules struct {
	store  *Store
	engine *promql.Engine

	mu    sync.Mutex
	rules []*rule
	every time.Duration // between the last two evaluations
	last  time.Time     // zero before the first
	took  time.Duration
}

type rule struct {
	Rule
	expr        parser.Expr
	labels      []field
	annotations []field
	active      map[uint64]*alert // by hash of the alert's labels
	err         error             // of the last evaluation
	took        time.Duration
}

type field struct {
	name string
	text template
}

// alert is one series that a rule complains about.
type alert struct {
	series  labels.Labels // as Expr gave it: what templates see
	labels  labels.Labels // of the alert
	since   time.Time
	firing  bool
	value   float64
	state   Ref // ALERTS with the present alertstate
	started Ref // ALERTS_FOR_STATE
}

// NewRules checks the rules; all faults are reported at once.
func NewRules(store *Store, list []Rule) (*Rules, error) {
	rs := &Rules{store: store, engine: newEngine()}
	p := parser.NewParser(parser.Options{})
	var faults []error
	for _, r := range list {
		one, err := compile(p, r)
		if err != nil {
			faults = append(faults, fmt.Errorf("alert rule %q: %w", r.Name, err))
			continue
		}
		rs.rules = append(rs.rules, one)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return rs, nil
}

func compile(p parser.Parser, r Rule) (*rule, error) {
	if r.Name == "" {
		return nil, errors.New("a name is missing")
	}
	expr, err := p.ParseExpr(r.Expr)
	if err != nil {
		return nil, fmt.Errorf("expr: %w", err)
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return nil, fmt.Errorf("expr gives a %s; an alert rule needs an instant vector", t)
	}
	one := &rule{Rule: r, expr: expr, active: map[uint64]*alert{}}
	if one.labels, err = fields(r.Labels); err != nil {
		return nil, fmt.Errorf("label %w", err)
	}
	for _, f := range one.labels {
		if f.text.showsValue() {
			return nil, fmt.Errorf("label %s shows $value, so every new value would be a new alert; put it into an annotation", f.name)
		}
	}
	if one.annotations, err = fields(r.Annotations); err != nil {
		return nil, fmt.Errorf("annotation %w", err)
	}
	return one, nil
}

func fields(texts map[string]string) ([]field, error) {
	var list []field
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		t, err := parseTemplate(texts[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, field{name, t})
	}
	return list, nil
}

// Eval evaluates all rules at t. A rule whose query fails keeps its alerts as
// they are and says so in /api/v1/rules; the others are evaluated all the same.
func (rs *Rules) Eval(t time.Time) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	begun := time.Now()
	var faults []error
	for _, r := range rs.rules {
		faults = append(faults, r.timed(func() error { return rs.instant(r, t) }))
	}
	if !rs.last.IsZero() {
		rs.every = t.Sub(rs.last)
	}
	rs.last, rs.took = t, time.Since(begun)
	return errors.Join(faults...)
}

// Backfill evaluates all rules at from, from+step, … to, as if they had been
// running then: one range query a rule instead of one query a step.
func (rs *Rules) Backfill(from, to time.Time, step time.Duration) error {
	if step <= 0 || to.Before(from) {
		return fmt.Errorf("backfill of alert rules from %s to %s in steps of %s: nothing to do", from, to, step)
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	begun := time.Now()
	var faults []error
	for _, r := range rs.rules {
		faults = append(faults, r.timed(func() error { return rs.ranged(r, from, to, step) }))
	}
	rs.every, rs.last, rs.took = step, from.Add(to.Sub(from)/step*step), time.Since(begun)
	return errors.Join(faults...)
}

func (r *rule) timed(eval func() error) error {
	begun := time.Now()
	if r.err = eval(); r.err != nil {
		r.err = fmt.Errorf("alert rule %q: %w", r.Name, r.err)
	}
	r.took = time.Since(begun)
	return r.err
}

func (rs *Rules) instant(r *rule, t time.Time) error {
	ctx := context.Background()
	q, err := rs.engine.NewInstantQuery(ctx, rs.store, nil, r.Expr, t)
	if err != nil {
		return err
	}
	defer q.Close()
	result := q.Exec(ctx)
	if result.Err != nil {
		return result.Err
	}
	switch v := result.Value.(type) {
	case promql.Vector:
		return r.advance(rs.store, t, v)
	case promql.Scalar:
		return r.advance(rs.store, t, promql.Vector{{T: v.T, F: v.V}})
	}
	return fmt.Errorf("expr gave a %s", result.Value.Type())
}

func (rs *Rules) ranged(r *rule, from, to time.Time, step time.Duration) error {
	ctx := context.Background()
	q, err := rs.engine.NewRangeQuery(ctx, rs.store, nil, r.Expr, from, to, step)
	if err != nil {
		return err
	}
	defer q.Close()
	matrix, err := q.Exec(ctx).Matrix()
	if err != nil {
		return err
	}
	var now promql.Vector
	for t := from; !t.After(to); t = t.Add(step) {
		now = now[:0]
		for i := range matrix {
			points := matrix[i].Floats
			if len(points) > 0 && points[0].T == timestamp.FromTime(t) {
				now = append(now, promql.Sample{T: points[0].T, F: points[0].F, Metric: matrix[i].Metric})
				matrix[i].Floats = points[1:]
			}
		}
		if err := r.advance(rs.store, t, now); err != nil {
			return err
		}
	}
	return nil
}

// advance takes the alerts of one rule from the last evaluation to this one.
func (r *rule) advance(store *Store, t time.Time, now promql.Vector) error {
	if len(now)+len(r.active) == 0 {
		return nil
	}
	seen := make(map[uint64]promql.Sample, len(now))
	for _, s := range now {
		key := r.alertLabels(s.Metric).Hash()
		if _, twice := seen[key]; twice {
			return errors.New("vector contains metrics with the same labelset after applying alert labels")
		}
		seen[key] = s
	}
	for key, s := range seen {
		a, ok := r.active[key]
		if !ok {
			a = r.raise(store, s.Metric, t)
			r.active[key] = a
		}
		a.series, a.value = s.Metric, s.F
	}
	ms := timestamp.FromTime(t)
	var faults []error
	for key, a := range r.active {
		if _, ok := seen[key]; ok {
			faults = append(faults, r.keep(store, a, t, ms))
			continue
		}
		delete(r.active, key)
		faults = append(faults, store.Stale(a.state, ms), store.Stale(a.started, ms))
	}
	return errors.Join(faults...)
}

// alertLabels are the labels of the alert that a series raises.
func (r *rule) alertLabels(series labels.Labels) labels.Labels {
	b := labels.NewBuilder(series).Del(model.MetricNameLabel)
	for _, f := range r.labels {
		b.Set(f.name, f.text.expand(series, 0))
	}
	return b.Set(labels.AlertName, r.Name).Labels()
}

// raise makes a pending alert of a series.
func (r *rule) raise(store *Store, series labels.Labels, t time.Time) *alert {
	a := &alert{labels: r.alertLabels(series), since: t}
	a.state = store.series(a.stateLabels())
	a.started = store.series(labels.NewBuilder(a.labels).Set(model.MetricNameLabel, forStateMetric).Labels())
	return a
}

func (a *alert) stateLabels() labels.Labels {
	return labels.NewBuilder(a.labels).Set(model.MetricNameLabel, alertsMetric).Set(stateLabel, a.stateName()).Labels()
}

func (a *alert) stateName() string {
	if a.firing {
		return "firing"
	}
	return "pending"
}

// keep writes the alert's samples at t, firing it first when its time has come.
func (r *rule) keep(store *Store, a *alert, t time.Time, ms int64) error {
	if !a.firing && t.Sub(a.since) >= r.For {
		if t.After(a.since) { // it has been written as pending, and is no more
			if err := store.Stale(a.state, ms); err != nil {
				return err
			}
		}
		a.firing = true
		a.state = store.series(a.stateLabels())
	}
	return errors.Join(
		store.Append(a.state, ms, 1),
		store.Append(a.started, ms, float64(a.since.Unix())),
	)
}
