package health

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	spanText = regexp.MustCompile(`^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$`)
	spanPart = regexp.MustCompile(`(\d+(?:\.\d+)?)(ms|s|m|h|d|w)`)
	spanUnit = map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
		"d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
)

// ParseSpan reads a length of time as people write it: "10s", "1h30m", "7d" or "2w".
func ParseSpan(s string) (time.Duration, error) {
	if s = strings.TrimSpace(s); !spanText.MatchString(s) {
		return 0, fmt.Errorf(`%q is not a length of time; write it like "10s", "15m", "1h" or "7d"`, s)
	}
	total := 0.0
	for _, m := range spanPart.FindAllStringSubmatch(s, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is too long", s)
		}
		total += n * float64(spanUnit[m[2]])
	}
	if total >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is too long", s)
	}
	return time.Duration(total), nil
}
