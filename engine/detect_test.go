package engine

import (
	"fmt"
	"testing"
	"time"

	"sickbay/health"
)

// BenchmarkDetectors looks at as many records as are held, of few and of many services.
func BenchmarkDetectors(b *testing.B) {
	const held = 100_000
	for _, n := range []int{20, 500} {
		b.Run(fmt.Sprint(n, " services"), func(b *testing.B) {
			now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
			e := New(Options{Now: func() time.Time { return now }})
			var services []health.Service
			for i := range n {
				services = append(services, health.Service{Name: fmt.Sprint("s", i)})
			}
			var all []health.Request
			for i := range held {
				r := health.Request{ID: fmt.Sprint(i), Service: services[i%n].Name, At: now.Add(-time.Hour + time.Duration(i)*time.Hour/held), CostUSD: health.Num(0.01)}
				for k := range i % 7 {
					r.Tools = append(r.Tools, health.ToolCall{Name: fmt.Sprint("tool", k), Arguments: fmt.Sprint(i)})
				}
				all = append(all, r)
			}
			e.records.Add(all)
			b.ReportAllocs()
			for b.Loop() {
				e.detect(&judgement{}, services, moment{}, now)
			}
		})
	}
}
