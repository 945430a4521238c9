package config

import (
	"fmt"
	"time"

	"sickbay/health"
)

// A span is what a duration may be.
type span struct{ from, to time.Duration }

var (
	windows     = span{time.Minute, 90 * 24 * time.Hour}
	refreshes   = span{time.Second, time.Hour}
	rateWindows = span{5 * time.Second, 24 * time.Hour}
	drifts      = span{10 * time.Second, 90 * 24 * time.Hour}
)

// parse reads a duration within the span, or says what is wrong with it.
func (r span) parse(s string) (d time.Duration, wrong string) {
	d, err := health.ParseSpan(s)
	switch {
	case err != nil:
		return 0, err.Error()
	case d < r.from:
		return 0, fmt.Sprintf("%s is too short; the shortest is %s", s, health.Span(r.from))
	case d > r.to:
		return 0, fmt.Sprintf("%s is too long; the longest is %s", s, health.Span(r.to))
	}
	return d, ""
}
