package health

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Format says a value in its unit the way an operator would: three significant
// digits at most, the unit behind a blank, "–" for what is not a number.
func Format(u Unit, v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	switch u {
	case Ratio:
		return percent(v)
	case Score:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case Seconds:
		return seconds(v)
	case PerSecond:
		return scaled(v) + "/s"
	case Tokens:
		return scaled(v) + " tok"
	case TokensPS:
		return scaled(v) + " tok/s"
	case USD:
		return dollars(v)
	case USDPerH:
		return dollars(v) + "/h"
	case Bytes:
		return binary(v)
	case Celsius:
		return strconv.FormatFloat(v, 'f', 0, 64) + " °C"
	}
	return scaled(v)
}

func percent(v float64) string {
	v *= 100
	if a := math.Abs(v); a != 0 && a < 0.05 {
		return "<0.1 %"
	} else if a >= 99.95 {
		return strconv.FormatFloat(v, 'f', 0, 64) + " %"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " %"
}

func seconds(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0 s"
	case a < 0.001:
		return significant(v*1e6) + " µs"
	case a < 1:
		return significant(v*1e3) + " ms"
	case a < 120:
		return significant(v) + " s"
	}
	if v < 0 {
		return "-" + Ago(time.Duration(-v*float64(time.Second)))
	}
	return Ago(time.Duration(v * float64(time.Second)))
}

func dollars(v float64) string {
	if a := math.Abs(v); a >= 1000 {
		return "$" + scaled(v)
	} else if a != 0 && a < 0.01 {
		return "$" + strconv.FormatFloat(v, 'g', 2, 64)
	}
	return "$" + strconv.FormatFloat(v, 'f', 2, 64)
}

func binary(v float64) string {
	for _, u := range []string{"B", "KiB", "MiB", "GiB"} {
		if math.Abs(v) < 1024 {
			return significant(v) + " " + u
		}
		v /= 1024
	}
	return significant(v) + " TiB"
}

// scaled writes 1234567 as 1.2M.
func scaled(v float64) string {
	for _, u := range []string{"", "k", "M", "G"} {
		if math.Abs(v) < 999.5 {
			return significant(v) + u
		}
		v /= 1000
	}
	return significant(v) + "T"
}

// significant keeps two digits below ten and whole numbers above.
func significant(v float64) string {
	switch a := math.Abs(v); {
	case v == math.Trunc(v) && a < 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a < 0.0995:
		return strconv.FormatFloat(v, 'g', 1, 64)
	case a < 9.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// Rough says a count in two significant digits: "530", "1.8k". Counts that grow by
// one with each request are not told anew each time.
func Rough(v float64) string {
	if a := math.Abs(v); a >= 100 && a < 1e300 {
		unit := math.Pow(10, math.Floor(math.Log10(a))-1)
		v = math.Round(v/unit) * unit
	}
	return Format(Count, math.Round(v))
}

// PSI says a population stability index in no more digits than anybody can use: its
// last ones change with every request.
func PSI(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || a > 1e6:
		return "–"
	case a >= 9.95:
		return Format(Count, math.Round(v))
	case a >= 0.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return Format(Score, v)
}

// Ago says a duration in at most two units: "12 s", "41 m", "3 h 10 m", "6 d 4 h".
func Ago(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	switch d = d.Round(time.Second); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d m", int(d.Minutes()))
	case d < 24*time.Hour:
		return twoUnits(int(d.Hours()), "h", int(d.Minutes())%60, "m")
	}
	return twoUnits(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
}

func twoUnits(a int, ua string, b int, ub string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, ua)
	}
	return fmt.Sprintf("%d %s %d %s", a, ua, b, ub)
}

// Span says a window the way it is chosen: "5m", "1h", "7d".
func Span(d time.Duration) string {
	day := 24 * time.Hour
	switch {
	case d >= day && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

// Num is a pointer to v, for the fields where nil means "not known". A value
// that is no number is not known.
func Num(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
