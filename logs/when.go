package logs

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// layouts are how programs write a time. A fraction of a second behind a dot or
// a comma is read by all of them.
var layouts = []string{
	time.RFC3339,
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05 Z0700 MST",
	"2006-01-02 15:04:05 Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"2006/01/02 15:04:05",
	"02/Jan/2006:15:04:05 -0700",
	time.RFC1123Z,
	time.RFC1123,
	time.ANSIC,
	yearless,
	yearlessDigits,
}

const (
	yearless       = time.Stamp // syslog: "Nov 23 14:02:00"
	yearlessDigits = "01-02 15:04:05"
)

// ParseTime reads a time as programs write it: RFC 3339 and other layouts, or a
// number of seconds, milli-, micro- or nanoseconds since 1970. Without a zone it
// is UTC.
func ParseTime(s string) (time.Time, bool) {
	return clock{now: time.Now, zone: time.UTC}.read(s)
}

// clock reads times. Those without a zone are in zone; those without a year are
// the newest that is not in the future.
type clock struct {
	now  func() time.Time
	zone *time.Location
}

// read reads a time written as text, or as a number in s, ms, µs or ns.
func (c clock) read(s string) (time.Time, bool) {
	if len(s) < 8 || len(s) > 64 {
		return time.Time{}, false
	}
	if t, ok := c.iso(s); ok {
		return t, true
	}
	if t, ok := fromNumber(s); ok {
		return t, true
	}
	if !strings.Contains(s, ":") { // every layout has one
		return time.Time{}, false
	}
	for _, l := range layouts {
		t, err := time.ParseInLocation(l, s, c.zone)
		if err != nil {
			continue
		}
		if l == yearless || l == yearlessDigits {
			t = c.withYear(t)
		}
		return t.UTC(), true
	}
	return time.Time{}, false
}

// iso reads what nearly all programs write: 2006-01-02T15:04:05, with a blank or a
// slash where others have T and dashes, a fraction, and a zone or none. Whatever is
// unusual about a time, its layout is tried with the others.
func (c clock) iso(s string) (time.Time, bool) {
	if len(s) < 19 || s[4] != '-' && s[4] != '/' || s[7] != s[4] || s[10] != 'T' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	year := 100*two(s, 0) + two(s, 2)
	month, day, hour, minute, second := two(s, 5), two(s, 8), two(s, 11), two(s, 14), two(s, 17)
	if year < 1 || month < 1 || month > 12 || day < 1 || day > 28 && day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	nanos, i := fraction(s, 19)
	unix := ((daysSince1970(year, month, day)*24+int64(hour))*60+int64(minute))*60 + int64(second)
	switch rest := s[i:]; {
	case rest == "Z" && s[10] == 'T':
	case rest == "" && c.zone == time.UTC:
	case len(rest) == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':' && two(rest, 1) >= 0 && two(rest, 1) < 24 && two(rest, 4) >= 0 && two(rest, 4) < 60:
		offset := int64(two(rest, 1)*3600 + two(rest, 4)*60)
		if rest[0] == '-' {
			offset = -offset
		}
		unix -= offset
	default:
		return time.Time{}, false
	}
	return time.Unix(unix, nanos).UTC(), true
}

// two reads two digits; less than 0 (by far) if there are none.
func two(s string, i int) int {
	a, b := int(s[i])-'0', int(s[i+1])-'0'
	if a < 0 || a > 9 || b < 0 || b > 9 {
		return -10_000
	}
	return 10*a + b
}

// fraction reads a fraction of a second at i, in nanoseconds, and says where it
// ends. Without one, or with more digits than that, it ends where it began.
func fraction(s string, i int) (nanos int64, end int) {
	if i >= len(s) || s[i] != '.' && s[i] != ',' {
		return 0, i
	}
	unit := int64(1e9)
	for end = i + 1; end < len(s) && s[end] >= '0' && s[end] <= '9' && unit > 1; end++ {
		unit /= 10
		nanos += int64(s[end]-'0') * unit
	}
	if end == i+1 {
		return 0, i
	}
	return nanos, end
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts in years that begin in March, so that the day that comes
// every four years is the last one.
func daysSince1970(year, month, day int) int64 {
	if month < 3 {
		year, month = year-1, month+12
	}
	return int64(365*year+year/4-year/100+year/400+(153*(month-3)+2)/5+day-1) - 719468
}

func (c clock) withYear(t time.Time) time.Time {
	now := c.now()
	t = t.AddDate(now.In(c.zone).Year()-t.Year(), 0, 0)
	if t.After(now.Add(24 * time.Hour)) {
		t = t.AddDate(-1, 0, 0)
	}
	return t
}

// fromNumber tells the unit by the magnitude: seconds until the year 5138, and
// so on. Whole numbers keep all their digits.
func fromNumber(s string) (time.Time, bool) {
	if s[0] < '0' || s[0] > '9' || !onlyDigits(s) {
		return time.Time{}, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		switch {
		case n < 1e11:
			return time.Unix(n, 0).UTC(), true
		case n < 1e14:
			return time.UnixMilli(n).UTC(), true
		case n < 1e17:
			return time.UnixMicro(n).UTC(), true
		}
		return time.Unix(0, n).UTC(), true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0 && f < 1e18) {
		return time.Time{}, false
	}
	whole, part := math.Modf(f)
	for _, u := range []struct {
		below float64
		unit  time.Duration
	}{{1e11, time.Second}, {1e14, time.Millisecond}, {1e17, time.Microsecond}} {
		if f < u.below {
			perSecond := int64(time.Second / u.unit)
			nanos := int64(whole)%perSecond*int64(u.unit) + int64(math.Round(part*float64(u.unit)))
			return time.Unix(int64(whole)/perSecond, nanos).UTC(), true
		}
	}
	return time.Unix(0, int64(f)).UTC(), true
}

// leading reads the time that s begins with, in brackets or not, and returns
// what comes after it.
func (c clock) leading(s string) (t time.Time, rest string, ok bool) {
	inner := strings.TrimPrefix(s, "[")
	if !mayBeginTime(inner) {
		return time.Time{}, s, false
	}
	for end := 0; end < min(len(inner), 40); end++ {
		end = wordEnd(inner, end)
		word := strings.TrimRight(inner[:end], "]:|,")
		if t, ok = c.read(word); !ok || onlyDigits(word) {
			continue
		}
		rest = inner[len(word):]
		if len(rest) > 1 && (rest[1] == '+' || rest[1] == '-') { // a zone of its own
			longer := strings.TrimRight(inner[:wordEnd(inner, len(word)+1)], "]:|,")
			if z, ok := c.read(longer); ok {
				t, rest = z, inner[len(longer):]
			}
		}
		rest = strings.TrimPrefix(rest, " UTC")
		return t, strings.TrimLeft(rest, " ]:|,-"), true
	}
	return time.Time{}, s, false
}

// wordEnd is where the word that begins at i ends.
func wordEnd(s string, i int) int {
	if n := strings.IndexByte(s[i:], ' '); n >= 0 {
		return i + n
	}
	return len(s)
}

// mayBeginTime rules out most text before fourteen layouts are tried on it.
func mayBeginTime(s string) bool {
	if s == "" {
		return false
	}
	if s[0] >= '0' && s[0] <= '9' {
		return true
	}
	if len(s) < 3 {
		return false
	}
	return strings.Contains("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun", s[:3])
}

// The levels, as a Request carries them.
const (
	levelFatal = "fatal"
	levelError = "error"
	levelWarn  = "warn"
	levelInfo  = "info"
	levelDebug = "debug"
	levelTrace = "trace"
)

var levels = map[string]string{
	"fatal": levelFatal, "critical": levelFatal, "crit": levelFatal, "panic": levelFatal, "dpanic": levelFatal,
	"emerg": levelFatal, "emergency": levelFatal, "alert": levelFatal,
	"error": levelError, "err": levelError, "eror": levelError, "erro": levelError, "severe": levelError,
	"warn": levelWarn, "warning": levelWarn,
	"info": levelInfo, "information": levelInfo, "notice": levelInfo, "log": levelInfo,
	"debug": levelDebug, "debg": levelDebug, "fine": levelDebug,
	"trace": levelTrace, "verbose": levelTrace, "finest": levelTrace,
}

// levelNamed reads a name in any case; "" is no level.
func levelNamed(s string) string {
	if l, ok := levels[s]; ok {
		return l
	}
	if len(s) > len("information") {
		return ""
	}
	return levels[strings.ToLower(s)]
}

// levelValue reads a level field: a name, or the number of pino (10, 20 … 60).
func levelValue(s string) string {
	n, ok := wholeNumber(s)
	if !ok {
		return levelNamed(s)
	}
	if n >= 10 && n <= 60 && n%10 == 0 {
		return [...]string{levelTrace, levelDebug, levelInfo, levelWarn, levelError, levelFatal}[n/10-1]
	}
	return levelOTel(s)
}

// levelOTel reads the SeverityNumber of OpenTelemetry: 1 to 24, four to a level.
func levelOTel(s string) string {
	n, ok := wholeNumber(s)
	if !ok || n < 1 || n > 24 {
		return ""
	}
	return [...]string{levelTrace, levelDebug, levelInfo, levelWarn, levelError, levelFatal}[(n-1)/4]
}

// levelPython reads the levelno of Python's logging: 10 debug … 50 critical.
func levelPython(s string) string {
	n, ok := wholeNumber(s)
	if !ok || n < 10 {
		return ""
	}
	return [...]string{levelDebug, levelInfo, levelWarn, levelError, levelFatal}[min(n/10, 5)-1]
}
