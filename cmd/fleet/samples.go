package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sickbay/packs"
)

// A sample is one line that the author of a pack had before his eyes.
type sample struct {
	line   string // as it stands, without the value
	name   string
	labels map[string]string
	value  float64
	counts bool // it grows
}

// patience is how long a counter of a sample takes to double.
const patience = 10 * time.Minute

// at is the value after so much time: what counts has grown, and all that counts
// grew by the same share, so that buckets still fit their sum.
func (s sample) at(after time.Duration) float64 {
	if s.counts {
		return s.value * (1 + float64(after)/float64(patience))
	}
	return s.value
}

// samplesOf reads the sample lines of packs; a line that several have is one.
func samplesOf(all []*packs.Pack) ([]sample, error) {
	var samples []sample
	seen := map[string]bool{}
	for _, p := range all {
		counted := counters(p)
		for line := range strings.Lines(p.Sample) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			s, err := parseSample(line)
			if err != nil {
				return nil, fmt.Errorf("pack %s: sample %q: %w", p.ID, line, err)
			}
			s.counts = counted[s.name] || grows.MatchString(s.name)
			if !seen[s.line] {
				seen[s.line] = true
				samples = append(samples, s)
			}
		}
	}
	return samples, nil
}

var (
	// grows are the endings by which exporters name what counts.
	grows = regexp.MustCompile(`_(total|count|sum|bucket)$`)
	// rated finds what a query takes a rate of.
	rated = regexp.MustCompile(`(?:rate|increase|irate)\s*\(\s*(?:\{\s*")?([A-Za-z_:][A-Za-z0-9_:.]*)`)
)

// counters are the metrics that a pack takes for counters.
func counters(p *packs.Pack) map[string]bool {
	names := map[string]bool{}
	look := func(query string) {
		for _, m := range rated.FindAllStringSubmatch(query, -1) {
			names[m[1]] = true
		}
	}
	for _, s := range p.Signals {
		look(s.Query)
	}
	for _, d := range p.Distributions {
		look(d.Query)
	}
	for _, v := range p.Versions {
		look(v.Query)
	}
	return names
}

// label is one pair, or a name in quotes that stands for the metric.
var label = regexp.MustCompile(`^\s*(?:([A-Za-z_][A-Za-z0-9_]*)|"((?:[^"\\]|\\.)*)")\s*(=\s*"((?:[^"\\]|\\.)*)")?\s*(?:,|$)`)

// parseSample reads one line of the text format, with names in quotes as well.
func parseSample(line string) (sample, error) {
	s := sample{labels: map[string]string{}}
	open, end := strings.IndexByte(line, '{'), strings.LastIndexByte(line, '}')
	head, rest := line, ""
	switch {
	case open >= 0 && end > open:
		s.name, head, rest = strings.TrimSpace(line[:open]), line[:end+1], line[end+1:]
		if err := s.read(line[open+1 : end]); err != nil {
			return s, err
		}
	default:
		head, rest, _ = strings.Cut(line, " ")
		s.name = head
	}
	s.line = head
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ") // a time may follow
	var err error
	if s.value, err = strconv.ParseFloat(number, 64); err != nil {
		return s, fmt.Errorf("%q is not a number", number)
	}
	if s.name == "" {
		return s, fmt.Errorf("no metric is named")
	}
	return s, nil
}

// read takes what stands between the braces.
func (s *sample) read(inside string) error {
	for strings.TrimSpace(inside) != "" {
		m := label.FindStringSubmatch(inside)
		if m == nil || m[1] != "" && m[3] == "" {
			return fmt.Errorf("%q is not a label", inside)
		}
		inside = inside[len(m[0]):]
		name := cmp.Or(m[1], m[2])
		if m[3] == "" {
			s.name = name
			continue
		}
		value, err := strconv.Unquote(`"` + m[4] + `"`)
		if err != nil {
			return fmt.Errorf("label %s: %q: %w", name, m[4], err)
		}
		s.labels[name] = value
	}
	return nil
}

// A patient serves samples as an exporter would, from the time it was made on.
type patient struct {
	samples []sample
	born    time.Time
	now     func() time.Time
}

func newPatient(all []*packs.Pack, now func() time.Time) (*patient, error) {
	samples, err := samplesOf(all)
	slices.SortStableFunc(samples, func(a, b sample) int { return cmp.Compare(a.name, b.name) })
	return &patient{samples, now(), now}, err
}

func (p *patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" {
		http.Error(w, "samples of packs: /metrics", http.StatusNotFound)
		return
	}
	var page bytes.Buffer
	after := p.now().Sub(p.born)
	for _, s := range p.samples {
		fmt.Fprintln(&page, s.line, strconv.FormatFloat(s.at(after), 'g', -1, 64))
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = page.WriteTo(w) // whoever went away does not need the rest
}

// choose finds packs by id.
func choose(all []*packs.Pack, id string) ([]*packs.Pack, error) {
	if id == "all" {
		return all, nil
	}
	var ids []string
	for _, p := range all {
		if p.ID == id {
			return []*packs.Pack{p}, nil
		}
		ids = append(ids, p.ID)
	}
	return nil, fmt.Errorf("--samples: %s", packs.Unknown("pack", id, ids))
}
