package triage

import (
	"time"

	"sickbay/health"
)

// Records are logged requests, oldest first, as somebody holds them. What is asked of
// all of them costs little; Read is for those that are looked at.
type Records interface {
	Len() int
	At(i int) time.Time
	Service(i int) string
	Failed(i int) bool
	Group(i int) string // id of its failure group, if it failed
	// Read fills a request with all that may be compared; its Trace may be left out. The
	// memory of its lists is used again.
	Read(i int, into *health.Request)
}
