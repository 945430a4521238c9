package demo

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// A scribe writes the request log: a sample of all requests of each service,
// failing and healthy ones at the same rate.
type scribe struct {
	rng   *rand.Rand
	carry map[string]float64
	lines []line // of the interval at hand
	in    memo
}

type line struct {
	at  time.Time
	rec *record
}

func newScribe(rng *rand.Rand) *scribe {
	return &scribe{rng: rng, carry: map[string]float64{}}
}

// flush appends what was written in an interval to out, as lines of JSON by time.
func (w *scribe) flush(out []byte) ([]byte, error) {
	slices.SortStableFunc(w.lines, func(a, b line) int { return a.at.Compare(b.at) })
	for _, l := range w.lines {
		b, err := json.Marshal(l.rec)
		if err != nil {
			return out, fmt.Errorf("request log: %w", err)
		}
		out = append(append(out, b...), '\n')
	}
	w.lines = w.lines[:0]
	return out, nil
}

// between writes some of the requests of one service in a time. Coarse times
// are written more thinly.
func (w *scribe) between(v *world, s *service, from, to time.Time, m moment) {
	rate := s.logs
	if v.now.Before(v.dense) {
		rate *= 0.08
	}
	share := m.n / max(s.rps*m.seconds, 1e-9) // the season and what the fault adds
	w.carry[s.name] += rate * m.seconds * share
	for ; w.carry[s.name] >= 1; w.carry[s.name]-- {
		at := from.Add(time.Duration(w.rng.Int64N(int64(to.Sub(from)))))
		b, ill := m.good, w.rng.Float64() < v.fault.hits(s.name, at)
		if ill {
			b = m.ill
		}
		r := w.record(v, s, b, at, ill)
		w.lines = append(w.lines, line{at, r})
	}
}

// record is one request of a service.
func (w *scribe) record(v *world, s *service, b *behaviour, at time.Time, ill bool) *record {
	r := &record{
		Time: at.UTC().Format(time.RFC3339Nano), Level: "info", Service: s.name, Status: 200,
		RequestID: "req-" + w.hex(6), TraceID: w.hex(16),
		Operation: s.operation, Duration: round(b.Took.draw(w.rng), 3),
		Tenant: w.weighted(tenants), Region: w.weighted(regions),
	}
	w.common(v.fault, s, r, ill)
	version := func(kind string) string { return w.version(v, s, kind, at, ill, r) }
	r.Prompt, r.ModelVersion, r.Index = version("prompt"), version("model"), version("index")
	r.Data, r.Build = version("data"), version("deploy")
	if r.Cache == "hit" {
		r.CacheVersion = version("cache")
	}
	if s.kind == health.ML {
		w.predict(s, b, r)
	} else {
		w.converse(s, b, r)
	}
	if tell := v.fault.words(s.name); ill && tell != nil {
		tell(w, r)
	}
	if r.Message == "" {
		r.Message = w.summary(r)
	}
	return r
}

// common gives a request what those that met a fault have in common, and others as
// often as they always had it.
func (w *scribe) common(f *fault, s *service, r *record, ill bool) {
	share := func(of *fault, p float64) float64 { // of a property among requests that met nothing
		if of == nil || of.level.to == 0 {
			return p
		}
		return max(0, p-of.share) / (1 - of.share)
	}
	own := f
	if f != nil && f.guilty != s.name {
		own = nil
	}
	if own != nil && own.region != "" {
		switch p := weightOf(regions, own.region); {
		case ill:
			r.Region = own.region
		case r.Region == own.region && r.draw("region") > share(own, p)/p:
			r.Region = other(regions, own.region)
		}
	}
	if s.fallback.what != "" {
		r.Provider = s.provider
		p := s.fallback.weight
		if own != nil && own.provider != "" {
			p = share(own, p)
		}
		if ill && own != nil && own.provider != "" || r.draw("provider") < p {
			r.Provider = s.fallback.what
		}
	}
	if s.cached > 0 {
		r.Cache = "miss"
		p := s.cached
		if own != nil && own.cached {
			p = share(own, p)
		}
		if ill && own != nil && own.cached || r.draw("cache") < p {
			r.Cache = "hit"
		}
	}
}

// draw is a number in [0, 1) that belongs to the request: what was added to the
// world later does not disturb the chance of what was there.
func (r *record) draw(purpose string) float64 {
	h := fnv.New32a()
	h.Write([]byte(purpose + r.TraceID))
	return float64(h.Sum32()) / (1 << 32)
}

func weightOf(of []choice, what string) float64 {
	for _, c := range of {
		if c.what == what {
			return c.weight
		}
	}
	return 1
}

// other is the most frequent choice that is not what.
func other(of []choice, what string) string {
	for _, c := range of {
		if c.what != what {
			return c.what
		}
	}
	return what
}

// version is what served a request: those that met the fault were served by the
// version that brought it, all others were not.
func (w *scribe) version(v *world, s *service, kind string, at time.Time, ill bool, r *record) string {
	f := v.fault
	if f == nil || f.slot == nil || f.slot.service != s.name || f.slot.kind != kind {
		return s.version(kind, at)
	}
	switch now := f.slot.versionAt(at); {
	case ill:
		return f.change.to
	case now == f.change.to && f.region != "" && r.Region != f.region && r.draw("rollout") < f.rollout:
		return f.change.to
	case now == f.change.to:
		return f.good
	default:
		return now
	}
}

func (f *fault) words(service string) func(*scribe, *record) {
	if f == nil {
		return nil
	}
	return f.tell[service]
}

// chance is true with probability p.
func (w *scribe) chance(p float64) bool { return w.rng.Float64() < p }

// pick is one of some texts, digits filled in.
func (w *scribe) pick(from ...string) string {
	if len(from) == 0 {
		return ""
	}
	return w.digits(from[w.rng.IntN(len(from))])
}

// digits replaces every # by a digit.
func (w *scribe) digits(s string) string {
	if !strings.Contains(s, "#") {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if c == '#' {
			b[i] = byte('1' + w.rng.IntN(9))
		}
	}
	return string(b)
}

// hex is n random bytes.
func (w *scribe) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(w.rng.Uint32())
	}
	return hex.EncodeToString(b)
}

// A choice has a weight.
type choice struct {
	what   string
	weight float64 // of all, which sum to 1
}

var (
	tenants = []choice{{"acme", .31}, {"initech", .22}, {"globex", .17}, {"umbrella", .13}, {"hooli", .09}, {"stark", .08}}
	regions = []choice{{"eu-west-1", .48}, {"us-east-1", .37}, {"ap-southeast-1", .15}}
)

func (w *scribe) weighted(of []choice) string {
	u := w.rng.Float64()
	for _, c := range of {
		if u -= c.weight; u < 0 {
			return c.what
		}
	}
	return of[len(of)-1].what
}
