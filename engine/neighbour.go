package engine

import (
	"time"

	"sickbay/health"
)

// How far from a request its healthy neighbour may be.
const (
	neighbourRecords = 5000
	neighbourTime    = 30 * time.Minute
)

// neighbour finds the healthy request most like a failing one: the same service
// and operation, then as many equal dimensions as possible, then the nearest in
// time. Laid beside it, it shows what is different.
func (r *records) neighbour(of health.Request) (health.Request, bool) {
	at, ok := r.byID[of.ID]
	if !ok {
		return health.Request{}, false
	}
	at -= r.cut
	best, alike := -1, -1
	for d := 1; d <= neighbourRecords; d++ {
		for _, i := range [2]int{at - d, at + d} {
			if i < 0 || i >= len(r.all) {
				continue
			}
			other := &r.all[i]
			if other.Failed || other.Service != of.Service || other.Name != of.Name ||
				other.At.Sub(of.At).Abs() > neighbourTime {
				continue
			}
			if n := shared(of.Dims, other.Dims); n > alike {
				best, alike = i, n
			}
		}
	}
	if best < 0 {
		return health.Request{}, false
	}
	return r.all[best], true
}

// shared counts equal dimensions.
func shared(a, b []health.Field) int {
	n := 0
	for _, x := range a {
		for _, y := range b {
			if x == y {
				n++
			}
		}
	}
	return n
}
