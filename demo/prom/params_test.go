package prom

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestTimesAreReadAsSecondsOrRFC3339(t *testing.T) {
	for s, want := range map[string]time.Time{
		"0": time.Unix(0, 0), "1.5": time.Unix(1, 5e8), "-1": time.Unix(-1, 0), "1e3": time.Unix(1000, 0),
		"1700000000.1234": time.UnixMilli(1700000000123), "1700000000.9999": time.Unix(1700000001, 0),
		"2026-11-23T10:00:00Z": time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), "2026-11-23T10:00:00.25+02:00": time.Date(2026, 11, 23, 8, 0, 0, 25e7, time.UTC),
		minTime.Format(time.RFC3339Nano): minTime, maxTime.Format(time.RFC3339Nano): maxTime,
	} {
		if got, err := parseTime(s); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v; want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "now", "2026-11-23", "10:00", "1h", "1.2.3"} {
		if got, err := parseTime(s); err == nil {
			t.Errorf("%q was read as %s", s, got)
		}
	}
}

func TestDurationsAreReadAsSecondsOrWords(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"15": 15 * time.Second, "0.5": time.Second / 2, "15s": 15 * time.Second, "1d": 24 * time.Hour, "1h30m": 90 * time.Minute,
		"100ms": 100 * time.Millisecond, "1w": 7 * 24 * time.Hour, "1y": 365 * 24 * time.Hour, "-3": -3 * time.Second, "0": 0, "1e-3": time.Millisecond,
	} {
		if got, err := parseDuration(s); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "x", "1.5h", "1e30", "-1e30", "NaN", "Inf", "30m1h", "-1h", "9223372036.854775807"} {
		if got, err := parseDuration(s); err == nil {
			t.Errorf("%q was read as %s", s, got)
		}
	}
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"0", "1.5", "NaN", "Inf", "-Inf", "1e300", "2026-11-23T10:00:00Z", "292273086-05-16T16:47:06Z", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := parseTime(s)
		if err != nil || at.Year() < 0 || at.Year() > 9999 {
			return
		}
		again, err := parseTime(at.Format(time.RFC3339Nano))
		if err != nil || !again.Equal(at) {
			t.Errorf("%q is %s, which reads as %s, %v", s, at, again, err)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"0", "15s", "1d", "1h30m", "-1", "NaN", "1e18", "9223372036.854775807", "100ms", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseDuration(s)
		if err == nil && strings.HasSuffix(s, "s") && d < 0 {
			t.Errorf("%q is %s", s, d)
		}
	})
}

// Whatever is asked, the answer is JSON with a status, and no panic.
func FuzzRangeQuery(f *testing.F) {
	server := apiFixture(f)
	f.Add("up", "35000", "36000", "15s", "", "")
	f.Add(`rate(n_total[5m] @ end())`, "1970-01-01T09:30:00Z", "36000", "0.5", "1", "1s")
	f.Add("up{", "NaN", "Inf", "-1", "-1", "0")
	f.Add("1", "-1e300", "1e300", "1e9", "x", "1e30")
	f.Add("up", "-9e15", "9e15", "9e9", "", "")
	f.Fuzz(func(t *testing.T, query, start, end, step, limit, timeout string) {
		if len(query) > 60 || strings.Count(query, "[") > 1 { // slow, and the engine's own affair
			return
		}
		path := "/api/v1/query_range?" + url.Values{"query": {query}, "start": {start}, "end": {end}, "step": {step}, "limit": {limit}, "timeout": {timeout}}.Encode()
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		var body struct {
			Status string
			Error  string
			Data   json.RawMessage
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %d %.300s: %v", path, w.Code, w.Body, err)
		}
		if (w.Code == 200) != (body.Status == "success") || (w.Code != 200) != (body.Error != "") || w.Code == 500 {
			t.Errorf("%s: %d %.300s", path, w.Code, w.Body)
		}
	})
}

func TestTheEdgesOfTimeDoNotBreakAQuery(t *testing.T) {
	server := apiFixture(t)
	for _, c := range []string{
		"/api/v1/query?query=up&time=" + url.QueryEscape(minTime.Format(time.RFC3339Nano)),
		"/api/v1/query?query=up&time=" + url.QueryEscape(maxTime.Format(time.RFC3339Nano)),
		"/api/v1/series?match[]=up&start=-1e300&end=1e300",
		"/api/v1/query?query=rate(up[100y] offset -100y)",
	} {
		if code, body := ask(server, c); code != 200 {
			t.Errorf("%s: %d %s", c, code, body)
		}
	}
	if d := maxTime.UnixMilli(); d < math.MaxInt64/1000 {
		t.Errorf("the end of time is at %d", d)
	}
}
