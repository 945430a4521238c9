package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"sickbay/health"
)

// drifting is the feature-drift demo with its worst comparison open.
var drifting = sync.OnceValues(func() ([]*health.Snapshot, error) {
	return record("feature-drift", health.Interest{Service: "fraud-score", Drift: "feature/merchant_risk"})
})

// BenchmarkWireOfTheDriftView is six minutes in the drift view with the worst
// comparison open, and what a refresh of it puts on the wire: B/refresh (average)
// and B/key (j and k in the list, which change what is open as well).
func BenchmarkWireOfTheDriftView(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		name := fmt.Sprintf("%dx%d", size[0], size[1])
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				driftSession(b, size[0], size[1], budgets[name].refresh)
			}
		})
	}
}

func driftSession(b *testing.B, w, h int, budget float64) {
	all, err := drifting()
	if err != nil {
		b.Fatal(err)
	}
	v, end := play(b, all, w, h, "drift")
	defer end()
	v.tape.next()
	v.wire.settled(300 * time.Millisecond)
	refresh, most := 0.0, 0.0
	for range refreshes {
		v.tape.next()
		n := v.wire.settled(0)
		refresh, most = refresh+n/refreshes, max(most, n)
	}
	key := (v.hit('j', pressed) + v.hit('k', pressed)) / 2
	b.ReportMetric(refresh, "B/refresh")
	b.ReportMetric(key, "B/key")
	b.ReportMetric(0, "ns/op")
	b.Logf("drift at %dx%d: refresh %.0f bytes of %.0f (largest %.0f), key %.0f", w, h, refresh, budget, most, key)
	if refresh > budget {
		b.Errorf("a refresh of the drift view at %dx%d: %.0f bytes, budget %.0f", w, h, refresh, budget)
	}
}
