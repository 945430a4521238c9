package demo

import (
	"fmt"
	"math"
	"time"

	"sickbay/health"
)

// A service is one simulated AI system.
type service struct {
	name string
	kind health.Kind
	pods []string
	rps  float64 // requests a second at an average hour
	peak float64 // hour of the day (UTC) with most traffic
	logs float64 // records a second in the request log, failures and successes alike

	operation, provider, model string // as the request log and the exporters name them
	exporters                  []string
	holds                      []string // collections of a vector database, pods on a GPU node
	judged                     float64  // share of answers that are evaluated
	fallback                   choice   // a second provider, and the share of requests it answers
	cached                     float64  // share of requests that are answered from the cache

	slots   []*slot
	base    behaviour // when all is well
	outcome [2]float64
	voice   voice
}

// replicas names n pods the way Kubernetes would.
func (s *service) replicas(n int) {
	for i := range n {
		h := uint32(2166136261)
		for _, c := range fmt.Sprintf("%s/%d", s.name, i) {
			h = (h ^ uint32(c)) * 16777619
		}
		const letters = "bcdfghjklmnpqrstvwxz2456789"
		tail := make([]byte, 5)
		for k := range tail {
			tail[k] = letters[h%uint32(len(letters))]
			h /= 5
		}
		s.pods = append(s.pods, s.name+"-"+string(tail))
	}
}

// season is the traffic at an hour of the day, relative to the average.
func (s *service) season(t time.Time) float64 {
	hour := float64(t.Unix()%86400) / 3600
	day := math.Cos((hour - s.peak) / 24 * 2 * math.Pi)
	ripple := math.Sin(hour/1.3*2*math.Pi + s.peak)
	return 1 + 0.22*day + 0.05*ripple
}

// slot finds what can be deployed by its kind.
func (s *service) slot(kind string) *slot {
	for _, p := range s.slots {
		if p.kind == kind {
			return p
		}
	}
	return nil
}

// version is what ran at a time, "" if there is no such thing here.
func (s *service) version(kind string, at time.Time) string {
	if p := s.slot(kind); p != nil {
		return p.versionAt(at)
	}
	return ""
}

// A release is one version of something, and since when it exists.
type release struct {
	version string
	at      time.Time
	note    string
}

// A slot is one thing of a service that is deployed: its prompt, its model, …
type slot struct {
	service, kind string
	releases      []release // oldest first
	current       string
	before        string    // ran until since
	since         time.Time // when current began to run
	moves         int       // how often it was switched: the ETag
	answered      map[string]answer
}

func (p *slot) versionAt(at time.Time) string {
	if at.Before(p.since) {
		return p.before
	}
	return p.current
}

func (p *slot) knows(version string) bool {
	for _, r := range p.releases {
		if r.version == version {
			return true
		}
	}
	return false
}

// etag changes whenever the slot does.
func (p *slot) etag() string { return fmt.Sprintf(`"%d-%s"`, p.moves, p.current) }

// run switches to a version; one not known yet is released by that.
func (p *slot) run(version, note string, at time.Time) {
	if !p.knows(version) {
		p.releases = append(p.releases, release{version, at, note})
	}
	p.before, p.current, p.since = p.current, version, at
	p.moves++
}
