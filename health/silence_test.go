package health

import (
	"strings"
	"testing"
	"time"
)

func TestASilenceSaysWhoWhyHowLongAndWhat(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	good := Silence{Starts: noon, Ends: noon.Add(time.Hour), By: "ann", Comment: "rolling back", Matchers: []Matcher{{Name: "alertname", Value: "HighErrorRate"}}}
	for want, change := range map[string]func(*Silence){
		"":                   func(*Silence) {},
		"needs a comment":    func(s *Silence) { s.Comment = " " },
		"needs a name":       func(s *Silence) { s.By = "" },
		"has to end after":   func(s *Silence) { s.Ends = s.Starts },
		"is forgotten":       func(s *Silence) { s.Ends = s.Starts.Add(31 * 24 * time.Hour) },
		"needs a matcher":    func(s *Silence) { s.Matchers = nil },
		"name of a label":    func(s *Silence) { s.Matchers = []Matcher{{Name: "a b", Value: "c"}} },
		"error parsing":      func(s *Silence) { s.Matchers = []Matcher{{Name: "a", Value: "(", Regex: true}} },
		"which is all of":    func(s *Silence) { s.Matchers = []Matcher{{Name: "a"}} },
		"is all of them":     func(s *Silence) { s.Matchers = []Matcher{{Name: "a", Value: ".*", Regex: true}} },
		"all of them; name":  func(s *Silence) { s.Matchers = []Matcher{{Name: "a", Value: "b", Not: true}} },
		"of them; name one":  func(s *Silence) { s.Matchers = []Matcher{{Name: "a", Value: "b|c", Regex: true, Not: true}} },
		"name one they have": func(s *Silence) { s.Matchers = []Matcher{{Name: "a", Value: "b*", Regex: true}} },
	} {
		s := good
		change(&s)
		err := s.Check()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
	for m, want := range map[Matcher]string{
		{Name: "a", Value: `b"c`}:                         `a="b\"c"`,
		{Name: "a", Value: "b|c", Regex: true}:            `a=~"b|c"`,
		{Name: "a", Value: "b", Not: true}:                `a!="b"`,
		{Name: "a", Value: "b.*", Regex: true, Not: true}: `a!~"b.*"`,
	} {
		if m.String() != want {
			t.Errorf("%s, want %s", m, want)
		}
	}
}
