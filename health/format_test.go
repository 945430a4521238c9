package health

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestFormatSaysAValueTheWayAnOperatorWould(t *testing.T) {
	for _, c := range []struct {
		unit Unit
		v    float64
		want string
	}{
		{Ratio, 0.012, "1.2 %"}, {Ratio, 0.0002, "<0.1 %"}, {Ratio, 0, "0.0 %"}, {Ratio, 1, "100 %"},
		{Score, 0.61, "0.61"}, {Seconds, 0.018, "18 ms"}, {Seconds, 1.9, "1.9 s"}, {Seconds, 42, "42 s"},
		{Seconds, 86400, "1 d"}, {Seconds, 0, "0 s"}, {Seconds, 0.00004, "40 µs"}, {Seconds, -7200, "-2 h"},
		{PerSecond, 42, "42/s"}, {PerSecond, 0.25, "0.2/s"}, {PerSecond, 1234, "1.2k/s"},
		{USDPerH, 3.1, "$3.10/h"}, {USD, 0.004, "$0.004"}, {Bytes, 1536, "1.5 KiB"},
		{Celsius, 71.4, "71 °C"}, {Count, 3, "3"}, {Count, 1.25e6, "1.2M"},
		{Score, math.NaN(), "–"}, {Seconds, math.Inf(1), "–"},
	} {
		if got := Format(c.unit, c.v); got != c.want {
			t.Errorf("Format(%s, %v) = %q, want %q", c.unit, c.v, got, c.want)
		}
	}
}

func TestAgoUsesAtMostTwoUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 12 * time.Second: "12 s", 119 * time.Second: "119 s", 41 * time.Minute: "41 m",
		time.Hour: "1 h", 190 * time.Minute: "3 h 10 m", 148 * time.Hour: "6 d 4 h", 48 * time.Hour: "2 d",
	} {
		if got := Ago(d); got != want {
			t.Errorf("Ago(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestUnknownDeservesMoreAttentionThanOKAndLessThanWarn(t *testing.T) {
	order := []Status{OK, Unknown, Warn, Critical}
	for i, a := range order {
		for j, b := range order {
			if got := a.Worse(b); got != (i > j) {
				t.Errorf("%v.Worse(%v) = %v", a, b, got)
			}
		}
	}
}

func TestDurationsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]time.Duration{"10s": 10 * time.Second, "1h": time.Hour, "7d": 168 * time.Hour, "2w": 336 * time.Hour,
		"1h30m": 90 * time.Minute, "500ms": 500 * time.Millisecond, "1.5h": 90 * time.Minute, " 5m ": 5 * time.Minute, "0s": 0} {
		if got, err := ParseSpan(text); got != want || err != nil {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "10", "s", "-1s", "1 h", "1h 30m", "1y", "1e3s", "1µs", "9999999999w", "1m1", strings.Repeat("9", 400) + "s"} {
		if got, err := ParseSpan(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
