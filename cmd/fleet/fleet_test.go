package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// noon is when the tests look.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func built(t testing.TB, services, series int) *page {
	t.Helper()
	p, err := plan{services, series}.build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// scraped is a page at a time: line without value to value.
func scraped(t testing.TB, p *page, at time.Time) map[string]float64 {
	t.Helper()
	var b bytes.Buffer
	if err := p.write(&b, at); err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.TrimSpace(line)
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[i+1:], 64)
		if _, twice := all[line[:i]]; twice || err != nil {
			t.Fatalf("%q: there twice %v, %v", line, twice, err)
		}
		all[line[:i]] = v
	}
	return all
}

func TestAFleetHasExactlyTheServicesAndSeriesAskedFor(t *testing.T) {
	service := regexp.MustCompile(`service="([^"]*)"`)
	for _, c := range []plan{{10, 1_000}, {50, 5_000}, {73, 20_001}, {500, 50_000}} {
		lines := scraped(t, built(t, c.services, c.series), noon)
		names := map[string]bool{}
		for line := range lines {
			names[service.FindStringSubmatch(line)[1]] = true
		}
		if len(lines) != c.series || len(names) != c.services {
			t.Errorf("%+v: %d series of %d services", c, len(lines), len(names))
		}
	}
}

func TestAFleetThatCannotBeIsRefusedInWords(t *testing.T) {
	for c, want := range map[plan]string{
		{3, 50_000}: "--services 3: at least 10",
		{500, 500}:  "--series has to be at least that",
	} {
		if _, err := c.build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}

func TestTheSameTimeIsAlwaysTheSamePage(t *testing.T) {
	a, b := scraped(t, built(t, 50, 5_000), noon), scraped(t, built(t, 50, 5_000), noon)
	for line, v := range a {
		if b[line] != v {
			t.Fatalf("%s: %v and %v", line, v, b[line])
		}
	}
}

func TestCountersGrowAndBucketsFit(t *testing.T) {
	p := built(t, 50, 5_000)
	before, after := scraped(t, p, noon), scraped(t, p, noon.Add(15*time.Minute))
	le := regexp.MustCompile(`,le="[^"]*"`)
	grew, most := 0, map[string]float64{}
	for line, v := range after {
		name, _, _ := strings.Cut(line, "{")
		if !grows.MatchString(name) {
			continue
		}
		if v < before[line] {
			t.Errorf("%s fell from %v to %v", line, before[line], v)
		}
		if v > before[line] {
			grew++
		}
		if strings.HasSuffix(name, "_bucket") {
			most[le.ReplaceAllString(strings.Replace(line, "_bucket{", "_count{", 1), "")] = max(most[le.ReplaceAllString(strings.Replace(line, "_bucket{", "_count{", 1), "")], v)
		}
	}
	if grew < len(after)/3 {
		t.Errorf("%d of %d series grew in a quarter of an hour", grew, len(after))
	}
	for count, v := range most {
		if after[count] != v {
			t.Errorf("%s is %v, its last bucket %v", count, after[count], v)
		}
	}
}

func TestThePastIsWhatWouldHaveBeenScraped(t *testing.T) {
	p := built(t, 10, 1_000)
	var b bytes.Buffer
	if err := p.history(&b, noon.Add(-time.Minute), noon, 15*time.Second, "fleet", "here:1"); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if want := 5*1_000 + 1; len(lines) != want || lines[want-1] != "# EOF" {
		t.Fatalf("%d lines, the last %q; want %d and the end", len(lines), lines[len(lines)-1], want)
	}
	then := scraped(t, p, noon.Add(-time.Minute))
	for _, line := range lines[:1_000] {
		head, rest, _ := strings.Cut(line, `,job="fleet",instance="here:1"} `)
		value, stamp, _ := strings.Cut(rest, " ")
		if v, err := strconv.ParseFloat(value, 64); err != nil || v != then[head+"}"] || stamp != fmt.Sprint(noon.Unix()-60) {
			t.Fatalf("%q: scraped was %v", line, then[head+"}"])
		}
	}
}

func TestATargetPacksItsPageForWhoeverReadsGzip(t *testing.T) {
	s := httptest.NewServer(&target{page: built(t, 10, 1_000), now: func() time.Time { return noon }})
	defer s.Close()
	fetch := func(path, encoding string) (*http.Response, string) {
		r, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", encoding)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	_, plain := fetch("/metrics", "identity")
	packed, body := fetch("/metrics", "gzip")
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(z)
	if err != nil || string(unpacked) != plain || packed.Header.Get("Content-Encoding") != "gzip" || len(body) > len(plain)/4 {
		t.Errorf("%d bytes packed, %d unpacked, %d plain: %v", len(body), len(unpacked), len(plain), err)
	}
	if elsewhere, _ := fetch("/", "identity"); elsewhere.StatusCode != http.StatusNotFound {
		t.Errorf("/ answers %d", elsewhere.StatusCode)
	}
}

func BenchmarkScrapeOf50000Series(b *testing.B) {
	s := &target{page: built(b, 500, 50_000), now: func() time.Time { return noon }}
	for _, encoding := range []string{"identity", "gzip"} {
		b.Run(encoding, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
				r.Header.Set("Accept-Encoding", encoding)
				s.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
