package engine

import (
	"time"

	"sickbay/health"
	"sickbay/logs"
)

// How far from a request its healthy neighbour may be.
const (
	neighbourRecords = 5000
	neighbourTime    = 30 * time.Minute
)

// neighbour finds the healthy request most like a failing one: the same service
// and operation, then as many equal dimensions as possible, then the nearest in
// time. Laid beside it, it shows what is different.
func neighbour(s *logs.Store, of health.Request) (health.Request, bool) {
	near, at, ok := s.Around(of.ID, neighbourRecords)
	if !ok {
		return health.Request{}, false
	}
	best, alike := -1, -1
	var other health.Request
	for d := 1; d <= neighbourRecords; d++ {
		for _, i := range [2]int{at - d, at + d} {
			if i < 0 || i >= near.Len() || near.Failed(i) || near.Service(i) != of.Service || near.At(i).Sub(of.At).Abs() > neighbourTime {
				continue
			}
			near.Read(i, &other)
			if n := shared(of.Dims, other.Dims); n > alike && other.Name == of.Name {
				best, alike = i, n
			}
		}
	}
	if best < 0 {
		return health.Request{}, false
	}
	return near.Own(best), true
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
