package demo

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	history    = 6 * time.Hour    // there before the start
	coarse     = 15 * time.Second // between samples of most of it
	fine       = 5 * time.Second  // between samples of its end, and live
	finePart   = 30 * time.Minute
	densePart  = 2 * time.Hour    // of the request log
	beforeNow  = 12 * time.Minute // when a scenario begins, seen from the start
	jitterSecs = 40
)

// A world is the whole simulated stack at one moment. One timeline of
// deployments drives its metrics and its request log, so that they tell one
// story. It is not safe for concurrent use.
type world struct {
	services []*service
	parts    [][]part // per service
	recs     []*recorder
	sway     []float64 // of each service's traffic
	scribe   *scribe
	log      io.Writer // gets the scribe's lines
	buf      []byte

	fault   *fault // nil: quiet
	name    string // of the scenario
	changes []change
	queue   []event // still to come, by time
	now     time.Time
	fine    time.Time // scrapes before are coarse
	dense   time.Time // the request log before is thin
}

// A part writes the samples of one exporter of one replica.
type part interface{ tick(m *moment) }

// A moment is what one service does between two scrapes.
type moment struct {
	t         time.Time
	seconds   float64 // since the scrape before
	n         float64 // requests expected in them, per replica
	x         float64 // share of them that meet the fault
	good, ill *behaviour
}

// mix is the mean of a rate or level over all requests.
func (m *moment) mix(of func(*behaviour) float64) float64 {
	if m.x == 0 {
		return of(m.good)
	}
	return (1-m.x)*of(m.good) + m.x*of(m.ill)
}

// A change is one line of the change feed.
type change struct {
	ID      string    `json:"id"`
	At      time.Time `json:"ts"`
	Kind    string    `json:"kind"`
	Service string    `json:"service"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Text    string    `json:"text"`
	URL     string    `json:"url"`
	Unsure  float64   `json:"uncertain_s"`
}

// An event is something that is going to happen.
type event struct {
	at time.Time
	do func(at time.Time)
}

// newWorld makes the stack as it was a past before now, with its scenario to
// come. to receives its samples, log its requests.
func newWorld(to sink, log io.Writer, s *Scenario, seed uint64, now time.Time, past time.Duration) *world {
	now = now.UTC().Truncate(fine)
	w := &world{
		services: newServices(), log: log, name: s.Name,
		now: now.Add(-past).Truncate(coarse), fine: now.Add(-finePart).Truncate(coarse), dense: now.Add(-densePart),
	}
	rng := source(seed, "timeline")
	for _, v := range w.services {
		v.settle(w.now, rng)
		r := &recorder{to: to, rng: source(seed, "metrics of "+v.name)}
		w.recs = append(w.recs, r)
		w.parts = append(w.parts, newParts(r, v))
		w.sway = append(w.sway, 0)
	}
	w.scribe = newScribe(source(seed, "requests"))
	for _, o := range ordinaries {
		at := now.Add(-o.ago - time.Duration(rng.IntN(jitterSecs))*time.Second)
		w.queue = append(w.queue, event{at, func(at time.Time) { w.deploy(o.deployment, at) }})
	}
	begin := now.Add(-beforeNow - time.Duration(rng.IntN(jitterSecs))*time.Second)
	w.queue = append(w.queue, event{begin, func(at time.Time) { w.begin(s, at) }})
	slices.SortStableFunc(w.queue, func(a, b event) int { return a.at.Compare(b.at) })
	return w
}

// source is a stream of chance of its own for each purpose, so that one does
// not disturb the others.
func source(seed uint64, purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// begin starts a scenario; the one before ends, its deployment taken back.
func (w *world) begin(s *Scenario, at time.Time) {
	if f := w.fault; f != nil && f.slot != nil && f.slot.current == f.change.to {
		w.switchTo(f.slot, f.good, "", at, change{Kind: f.kind, Text: "scenario " + s.Name + " begins: taken back"})
	}
	w.fault, w.name = nil, s.Name
	if s.guilty == "" {
		return
	}
	f := &fault{Scenario: s, began: at, level: ramp{to: s.share, at: at, over: s.rise}}
	if s.change != nil {
		f.slot = w.service(s.change.service).slot(s.change.slot)
		f.good = f.slot.current
		f.level.to = 0 // until follow turns it
	}
	w.fault = f
	if s.change != nil {
		w.deploy(*s.change, at)
	}
}

// deploy switches a slot as its owners would.
func (w *world) deploy(d deployment, at time.Time) {
	w.switchTo(w.service(d.service).slot(d.slot), d.to, d.text, at, change{Kind: d.slot, Text: d.text})
}

// switchTo makes a slot run a version and tells the feed. c gives kind and text.
func (w *world) switchTo(p *slot, to, note string, at time.Time, c change) {
	c.ID = fmt.Sprintf("chg-%04d", 1041+len(w.changes))
	c.At, c.Service, c.From, c.To = at.UTC(), p.service, p.current, to
	c.URL = "https://deploy.example.com/changes/" + c.ID
	p.run(to, note, at)
	w.changes = append(w.changes, c)
	w.fault.follow(p, at)
}

func (w *world) service(name string) *service {
	for _, s := range w.services {
		if s.name == name {
			return s
		}
	}
	return nil
}

// advance runs the world up to the last scrape that is not after to.
func (w *world) advance(to time.Time) error {
	for {
		step := fine
		if w.now.Before(w.fine) {
			step = coarse
		}
		next := w.now.Add(step)
		if next.After(to) {
			return nil
		}
		for len(w.queue) > 0 && !w.queue[0].at.After(next) {
			w.queue[0].do(w.queue[0].at)
			w.queue = w.queue[1:]
		}
		if err := w.tick(next); err != nil {
			return err
		}
	}
}

// tick writes what happened since the scrape before.
func (w *world) tick(t time.Time) error {
	from := w.now
	for i, s := range w.services {
		m := w.moment(i, s, t)
		w.scribe.between(w, s, from, t, m)
		w.recs[i].t = t.UnixMilli()
		m.n /= float64(len(s.pods))
		for _, p := range w.parts[i] {
			p.tick(&m)
		}
		if err := w.recs[i].err; err != nil {
			return fmt.Errorf("demo: %s: %w", s.name, err)
		}
	}
	w.now = t
	var err error
	if w.buf, err = w.scribe.flush(w.buf[:0]); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if _, err := w.log.Write(w.buf); err != nil {
		return fmt.Errorf("demo: request log: %w", err)
	}
	return nil
}

// moment is what service i does up to t.
func (w *world) moment(i int, s *service, t time.Time) moment {
	m := moment{t: t, seconds: t.Sub(w.now).Seconds(), good: &s.base, ill: &s.base}
	if m.x = w.fault.hits(s.name, t); m.x > 0 {
		m.ill = s.base.clone()
		w.fault.hit[s.name](m.ill, w.fault.strength(t))
	}
	noise := 1 + 0.035*wander(w.recs[i].rng, &w.sway[i])
	load := m.mix(func(b *behaviour) float64 { return b.Load })
	m.n = s.rps * m.seconds * s.season(t) * noise * load
	return m
}

// newParts makes the exporters of a service, replica by replica.
func newParts(r *recorder, s *service) []part {
	var all []part
	for i, pod := range s.pods {
		all = append(all, alive{r.gauge("up", "Whether the target could be scraped.", tags(s, pod, "app"))})
		for _, name := range s.exporters {
			all = append(all, exporters[name](r, s, pod, i)...)
		}
		if len(s.slots) > 0 {
			all = append(all, newBuildInfo(r, s, pod))
		}
	}
	return all
}

// alive says that a replica could be scraped.
type alive struct{ *gauge }

func (a alive) tick(*moment) { a.exactly(1) }

// exporters make the series of one replica, by the names used in world.go. i
// counts the replicas: what exists once per service is made for the first.
var exporters = map[string]func(r *recorder, s *service, pod string, i int) []part{
	"otel":      newOTel,
	"litellm":   newLiteLLM,
	"vllm":      newVLLM,
	"qdrant":    newQdrant,
	"dcgm":      newDCGM,
	"kserve":    newKServe,
	"answers":   newAnswers,
	"retrieval": newRetrieval,
	"agent":     newAgent,
	"model":     newModel,
}

// tags are the labels every series of a replica carries.
func tags(s *service, pod, job string) labels {
	return labels{"service": s.name, "pod": pod, "job": job, "instance": pod + ":9000"}
}
