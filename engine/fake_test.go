package engine

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// fake is a Prometheus of two services whose numbers are functions of time.
type fake struct {
	name string

	mu      sync.Mutex
	asked   []string // "range errors 14:00:00..14:10:00", in order
	samples int
	err     error
	hang    bool
	value   func(service string, t time.Time) (float64, bool)
	pods    map[string]float64 // of chat: its errors, by pod
	every   float64            // seconds between two scrapes; 0: it does not say
}

func (f *fake) Name() string { return f.name }
func (f *fake) Close() error { return nil }

func (f *fake) set(change func(*fake)) { f.mu.Lock(); defer f.mu.Unlock(); change(f) }

func (f *fake) log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.asked...)
}

func (f *fake) says(value func(service string, t time.Time) (float64, bool)) {
	f.set(func(f *fake) { f.value = value })
}

func (f *fake) fetched() int { f.mu.Lock(); defer f.mu.Unlock(); return f.samples }

// enter notes a question and fails or hangs as told.
func (f *fake) enter(ctx context.Context, what string) error {
	f.mu.Lock()
	f.asked = append(f.asked, what)
	err, hang := f.err, f.hang
	f.mu.Unlock()
	if hang {
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second): // the deadline every source has
		}
		return errors.New(f.name + ": no answer within 10 s")
	}
	return err
}

func (f *fake) Range(ctx context.Context, expr string, start, end time.Time, step time.Duration) (sources.Answer, error) {
	if err := f.enter(ctx, "range "+expr+" "+start.UTC().Format(time.TimeOnly)+".."+end.UTC().Format(time.TimeOnly)); err != nil {
		return sources.Answer{}, err
	}
	var a sources.Answer
	var value func(string, time.Time) (float64, bool)
	f.set(func(f *fake) { value = f.value })
	for _, service := range []string{"chat", "fraud"} {
		s := sources.Series{Labels: map[string]string{"service": service}}
		for t := start; !t.After(end); t = t.Add(step) {
			v, ok := value(service, t)
			if strings.HasPrefix(expr, "count by") {
				f.set(func(f *fake) { v = float64(len(f.pods)) })
			}
			if ok {
				s.Points = append(s.Points, health.Point{T: t.UnixMilli(), V: v})
			}
		}
		f.set(func(f *fake) { f.samples += len(s.Points) })
		a.Series = append(a.Series, s)
	}
	return a, nil
}

func (f *fake) Instant(ctx context.Context, expr string, at time.Time) (sources.Answer, error) {
	if err := f.enter(ctx, "instant "+expr); err != nil {
		return sources.Answer{}, err
	}
	var a sources.Answer
	if strings.Contains(expr, "service, pod, instance") {
		for pod, v := range f.pods {
			a.Series = append(a.Series, sources.Series{
				Labels: map[string]string{"service": "chat", "pod": pod}, Points: []health.Point{{T: at.UnixMilli(), V: v}},
			})
		}
		return a, nil
	}
	if strings.Contains(expr, "count_over_time") && f.every > 0 {
		a.Series = append(a.Series, sources.Series{Points: []health.Point{{T: at.UnixMilli(), V: f.every}}})
		return a, nil
	}
	if !strings.HasPrefix(expr, "count by") {
		return a, nil
	}
	for _, service := range []string{"chat", "fraud"} {
		a.Series = append(a.Series, sources.Series{
			Labels: map[string]string{"__name__": "app_errors_total", "service": service},
			Points: []health.Point{{T: at.UnixMilli(), V: 1}},
		})
	}
	return a, nil
}

// onePack is a pack with one judged signal and one that is only asked in detail.
func onePack() []*packs.Pack {
	return []*packs.Pack{{
		ID: "app", Kind: health.LLM, Detect: []string{"app_errors_total"}, Identity: []string{"service"},
		Signals: []packs.Signal{
			{ID: "errors", Query: "errors by ($by) [$rate]"},
			{ID: "tokens_in", Query: "tokens", Detail: true},
		},
	}}
}

// counted returns how many questions start with a prefix.
func counted(log []string, prefix string) int {
	n := 0
	for _, q := range log {
		if strings.HasPrefix(q, prefix) {
			n++
		}
	}
	return n
}

// stream is a log source that emits what the test gives it.
type stream struct {
	batches chan sources.Batch
}

func (s stream) Name() string { return "requests" }
func (s stream) Close() error { return nil }
func (s stream) Follow(ctx context.Context, emit func(sources.Batch)) error {
	for {
		select {
		case b := <-s.batches:
			emit(b)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
