package engine

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// A tape is a Prometheus of distributions: what is counted in a window is a function
// of when it ends.
type tape struct {
	mu      sync.Mutex
	asked   []string // "range lengths 8 points", "instant classes", in order
	fail    func(question string) error
	counted func(service, metric string, end time.Time, over time.Duration) map[string]float64 // by le (not cumulative) or class
	aligns  bool                                                                               // begins ranges at multiples of their step
	native  func(service string, end time.Time) bool
	score   float64 // exported; 0: none
	resets  float64
	every   float64 // seconds between two scrapes
	changes []health.Change
}

func (p *tape) Name() string { return "main" }
func (p *tape) Close() error { return nil }

func (p *tape) set(change func(*tape)) { p.mu.Lock(); defer p.mu.Unlock(); change(p) }

// count is how many questions began like this.
func (p *tape) count(prefix string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return counted(p.asked, prefix)
}

func (p *tape) Changes(context.Context, time.Time) ([]health.Change, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.changes), nil
}

func (p *tape) Instant(_ context.Context, expr string, at time.Time) (sources.Answer, error) {
	return p.answer("instant "+expr, expr, at, at, time.Second)
}

func (p *tape) Range(_ context.Context, expr string, from, to time.Time, step time.Duration) (sources.Answer, error) {
	question := fmt.Sprintf("range %s %d points", expr, int(to.Sub(from)/step)+1)
	if p.aligns {
		from, to = from.Truncate(step), to.Truncate(step)
	}
	return p.answer(question, expr, from, to, step)
}

func (p *tape) answer(question, expr string, from, to time.Time, step time.Duration) (a sources.Answer, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, question)
	if p.fail != nil {
		if err := p.fail(question); err != nil {
			return a, err
		}
	}
	switch {
	case strings.Contains(expr, "count_over_time"):
		return one(nil, to, p.every), nil
	case strings.HasPrefix(expr, "count by"):
		for _, service := range []string{"chat", "fraud"} {
			a.Series = append(a.Series, one(map[string]string{"__name__": "app_total", "service": service}, to, 1).Series...)
		}
		return a, nil
	case strings.HasPrefix(expr, "scores"):
		if p.score > 0 {
			a = one(map[string]string{"service": "chat", "feature": "length", "tool": "nannyml", "method": "jensen_shannon"}, to, p.score)
		}
		return a, nil
	}
	byLabels := map[string]*sources.Series{}
	for _, service := range []string{"chat", "fraud"} {
		if strings.Contains(expr, `service="`) && !strings.Contains(expr, `service="`+service+`"`) {
			continue
		}
		for t := from; !t.After(to); t = t.Add(step) {
			p.window(&byLabels, service, expr, t)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(byLabels)) {
		a.Series = append(a.Series, *byLabels[key])
	}
	return a, nil
}

func one(labels map[string]string, at time.Time, v float64) sources.Answer {
	return sources.Answer{Series: []sources.Series{{Labels: labels, Points: []health.Point{{T: at.UnixMilli(), V: v}}}}}
}

// window adds what one window of one service holds.
func (p *tape) window(into *map[string]*sources.Series, service, expr string, end time.Time) {
	metric, label := "lengths", "le"
	switch {
	case strings.Contains(expr, "classes"):
		metric, label = "classes", "class"
	case strings.Contains(expr, "rate of"):
		metric, label = "outcome", ""
	}
	over := time.Duration(0)
	if _, rest, ok := strings.Cut(expr, "["); ok {
		text, _, _ := strings.Cut(rest, "]")
		over, _ = time.ParseDuration(text)
	}
	put := func(value string, point *health.Point, h *sources.Histogram) {
		key := service + "/" + value
		s := (*into)[key]
		if s == nil {
			s = &sources.Series{Labels: map[string]string{"service": service}}
			if label != "" && point != nil {
				s.Labels[label] = value
			}
			(*into)[key] = s
		}
		if point != nil {
			s.Points = append(s.Points, *point)
		}
		if h != nil {
			s.Histograms = append(s.Histograms, *h)
		}
	}
	counts := p.counted(service, metric, end, over)
	if counts == nil {
		return
	}
	if metric == "outcome" {
		put("", &health.Point{T: end.UnixMilli(), V: counts[""]}, nil)
		return
	}
	if strings.Contains(expr, "resets") {
		put("+Inf", &health.Point{T: end.UnixMilli(), V: p.resets}, nil)
		return
	}
	if metric == "lengths" && p.native != nil && p.native(service, end) {
		h := sources.Histogram{T: end.UnixMilli()}
		lower := 0.0
		for _, b := range bounds {
			upper := math.Inf(1)
			if b != "+Inf" {
				fmt.Sscan(b, &upper)
			}
			if counts[b] > 0 {
				h.Buckets = append(h.Buckets, sources.Bucket{Lower: lower, Upper: upper, Count: counts[b]})
			}
			lower = upper
		}
		put("native", nil, &h)
		return
	}
	if metric == "classes" {
		for class, n := range counts {
			put(class, &health.Point{T: end.UnixMilli(), V: n}, nil)
		}
		return
	}
	sum := 0.0
	for _, b := range bounds {
		sum += counts[b]
		put(b, &health.Point{T: end.UnixMilli(), V: sum}, nil)
	}
}

// bounds of the only histogram.
var bounds = []string{"1.0", "2.0", "4.0", "8.0", "+Inf"}

// short and long are answers of two kinds, a window each.
func short() map[string]float64 {
	return map[string]float64{"1.0": 250, "2.0": 450, "4.0": 200, "8.0": 80, "+Inf": 20}
}

func long() map[string]float64 {
	return map[string]float64{"1.0": 50, "2.0": 150, "4.0": 400, "8.0": 300, "+Inf": 100}
}

// shakes makes counts differ a little from window to window, as they do.
func shakes(counts map[string]float64, end time.Time) map[string]float64 {
	out := map[string]float64{}
	for l, n := range counts {
		out[l] = n * (1 + 0.02*math.Sin(float64(end.Unix()/60)+float64(len(l))+n))
	}
	return out
}

func tapePack() []*packs.Pack {
	return []*packs.Pack{{
		ID: "app", Kind: health.LLM, Detect: []string{"app_total"}, Identity: []string{"service"},
		Signals: []packs.Signal{{ID: "outcome", Query: "rate of outcome by ($by)", Warn: health.Num(0.6), Critical: health.Num(0.4)}},
		Distributions: []packs.Distribution{
			{Signal: "answer length", Kind: "histogram", Query: "sum by ($by, le) (increase(lengths_bucket[$window]))"},
			{Signal: "finish reason", Kind: "categorical", Label: "class", Bad: "length|error", Query: "sum by ($by, class) (increase(classes[$window]))"},
		},
		Exported: []packs.Exported{{Signal: "feature", Feature: "feature", Tool: "tool", Method: "method", Query: "scores by ($by)"}},
	}}
}

// A desk of drift: an engine on a tape, in a bubble where time is free.
type driftWard struct {
	*Engine
	tape *tape
	t    *testing.T
}

// withTape runs a test on an engine with the tape changed and options set. Unless the
// tape says otherwise, everything is as it always was.
func withTape(t *testing.T, set func(*tape, *Options), test func(driftWard)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &tape{every: 15, counted: func(_, metric string, end time.Time, _ time.Duration) map[string]float64 {
			switch metric {
			case "classes":
				return map[string]float64{"stop": 9_900, "length": 90, "error": 10}
			case "outcome":
				return map[string]float64{"": 0.93}
			}
			return shakes(short(), end)
		}}
		o := Options{Sources: []sources.Source{p}, Packs: tapePack()}
		if set != nil {
			set(p, &o)
		}
		e := New(o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); e.Run(ctx) }()
		test(driftWard{e, p, t})
		cancel()
		<-done
	})
}

func (w driftWard) later(d time.Duration) { time.Sleep(d); synctest.Wait() }

func (w driftWard) drift(v *Viewer, service, key string) health.Drift {
	w.t.Helper()
	s, _ := v.Snapshot().Service(service)
	for _, d := range s.Drift {
		if d.Key() == key {
			return d
		}
	}
	w.t.Fatalf("%s of %s is not compared: %+v", key, service, s.Drift)
	return health.Drift{}
}

// since makes the lengths of chat long from a time on, for windows that end after it.
func (p *tape) longSince(began time.Time) {
	was := p.counted
	p.counted = func(service, metric string, end time.Time, over time.Duration) map[string]float64 {
		if service == "chat" && metric == "lengths" && end.After(began) {
			return shakes(long(), end)
		}
		return was(service, metric, end, over)
	}
}

// heldFor lets the tape forget what is older.
func (p *tape) heldFor(d time.Duration) {
	was, from := p.counted, time.Now().Add(-d)
	p.counted = func(service, metric string, end time.Time, over time.Duration) map[string]float64 {
		if end.Before(from) {
			return nil
		}
		return was(service, metric, end, over)
	}
}

var errTape = fmt.Errorf("main: query processing would load too many samples into memory in query execution: %w", sources.ErrRefused)
