package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

var (
	durationText = regexp.MustCompile(`^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$`)
	durationPart = regexp.MustCompile(`(\d+(?:\.\d+)?)(ms|s|m|h|d|w)`)
	durationUnit = map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
		"d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
)

// ParseDuration reads "10s", "1h30m", "7d" or "2w".
func ParseDuration(s string) (time.Duration, error) {
	if s = strings.TrimSpace(s); !durationText.MatchString(s) {
		return 0, fmt.Errorf(`%q is not a length of time; write it like "10s", "15m", "1h" or "7d"`, s)
	}
	total := 0.0
	for _, m := range durationPart.FindAllStringSubmatch(s, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is too long", s)
		}
		total += n * float64(durationUnit[m[2]])
	}
	if total >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is too long", s)
	}
	return time.Duration(total), nil
}

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
	d, err := ParseDuration(s)
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
