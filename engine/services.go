package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"sickbay/health"
	"sickbay/packs"
)

// A draft is a service while it is put together.
type draft struct {
	health.Service
	override *Override
	labels   map[string]bool // label values that are this service
}

// services puts together what every source knows of every service at a moment,
// not yet judged.
func (e *Engine) services(m moment, w wishes) []health.Service {
	drafts := map[string]*draft{}
	var order []string
	var found []packs.Found
	for _, a := range e.asked {
		found = append(found, e.foundAt(a, m)...)
	}
	for label, kind := range packs.Kinds(found) {
		d := e.draft(drafts, label)
		d.labels[label] = true
		if d.override == nil || d.override.Kind == "" {
			d.Kind = kind
		}
	}
	for name := range drafts {
		order = append(order, name)
	}
	sort.Strings(order)
	lens := health.Lens{Window: e.o.Base, At: m}
	followed := e.followed(lens, w)
	all := make([]health.Service, 0, len(order))
	for _, name := range order {
		d := drafts[name]
		e.fill(d, followed, lens, w)
		all = append(all, d.Service)
	}
	e.tie(all, m)
	return all
}

func (e *Engine) draft(drafts map[string]*draft, label string) *draft {
	name, override := label, (*Override)(nil)
	for i, o := range e.o.Services {
		if o.Name == label || slices.Contains(o.Match, label) {
			name, override = o.Name, &e.o.Services[i]
			break
		}
	}
	d := drafts[name]
	if d == nil {
		d = &draft{Service: health.Service{Name: name}, override: override, labels: map[string]bool{}}
		if override != nil {
			d.Kind = override.Kind
		}
		drafts[name] = d
	}
	return d
}

// A followed pack is one whose signals are asked for: each with the frame that has the
// answers for all of its services.
type followed struct {
	heardPack
	signals  []followedSignal
	versions []*fact // for each of the pack's, nil: never asked for
	count    *frame  // of instances
}

type followedSignal struct {
	packs.Signal
	query string
	frame *frame
}

// followed lists every pack that was found, and the signals of it that were ever asked
// for: those that nobody wanted are not there, which is not to say that they are
// missing.
func (e *Engine) followed(lens health.Lens, w wishes) []followed {
	var all []followed
	step, past := e.step(lens.Window), e.stretch(lens)
	for _, a := range e.asked {
		for _, f := range e.foundAt(a, lens.At) {
			p := followed{heardPack: heardPack{f, a}}
			for _, s := range f.Pack.Signals {
				if !e.wanted(s, w) {
					continue
				}
				query := e.expand(s.Query, f, step)
				if fr := e.frames[frameKey{a.state.Name, query, step, past}]; fr != nil {
					p.signals = append(p.signals, followedSignal{s, query, fr})
				}
			}
			for _, v := range f.Pack.Versions {
				p.versions = append(p.versions, e.facts[factKey{a.state.Name, e.expand(v.Query, f, 0), lens.At, 0}])
			}
			p.count = e.frames[e.countOf(a, f, lens.At)]
			all = append(all, p)
		}
	}
	return all
}

// fill reads the frames and facts that speak of a service.
func (e *Engine) fill(d *draft, all []followed, lens health.Lens, w wishes) {
	type heard struct {
		health.Signal
		pack *packs.Pack
	}
	byID := map[string]heard{}
	var seeing []followed
	for _, p := range all {
		if !sees(p.Found, d.labels) {
			continue
		}
		if !slices.Contains(d.Packs, p.Pack.ID) {
			d.Packs = append(d.Packs, p.Pack.ID)
		}
		for _, s := range p.signals {
			if d.override != nil && slices.Contains(d.override.Hide, s.ID) {
				continue
			}
			sig := e.signal(p, s, d, lens)
			old, ok := byID[sig.ID]
			if !ok || better(sig.State, old.State) || sig.State == old.State && p.Pack.Before(old.pack) {
				byID[sig.ID] = heard{sig, p.Pack}
			}
		}
		seeing = append(seeing, p)
	}
	d.Lineage = lineage(seeing, d.labels)
	d.Signals = make([]health.Signal, 0, len(byID))
	for _, id := range slices.SortedFunc(maps.Keys(byID), asListed) {
		d.Signals = append(d.Signals, byID[id].Signal)
	}
	if d.Kind == "" {
		d.Kind = health.Infra
	}
	d.Version = inWords(d.Lineage, d.Kind)
	d.Replicas = e.replicas(d, seeing, lens.At, w.services[d.Name])
	d.missReplicas()
	d.Gone = gone(d.Signals)
}

// missReplicas marks the values of a service of which not everybody reports: they
// are what the rest says.
func (d *draft) missReplicas() {
	r := d.Replicas
	if r.Now == 0 || r.Now >= r.Most {
		return
	}
	for i := range d.Signals {
		if s := &d.Signals[i]; s.State == health.Fresh {
			s.State, s.Note = health.Partial, fmt.Sprintf("%d of %d replicas report", r.Now, r.Most)
		}
	}
}

// inCatalogue is the place of every signal, before those of users' own packs.
var inCatalogue = func() map[string]int {
	place, ids := map[string]int{}, packs.IDs()
	for i, id := range ids {
		place[id] = i - len(ids)
	}
	return place
}()

// asListed orders signals as the catalogue does.
func asListed(a, b string) int {
	return cmp.Or(cmp.Compare(inCatalogue[a], inCatalogue[b]), cmp.Compare(a, b))
}

func sees(f packs.Found, labels map[string]bool) bool {
	for l := range labels {
		if _, is := slices.BinarySearch(f.Services, l); is {
			return true
		}
	}
	return false
}

// better says whether one pack's answer is worth more than another's.
func better(a, b health.State) bool {
	order := []health.State{health.Absent, health.Unreachable, health.NaN, health.Stale, health.Partial, health.Fresh}
	return slices.Index(order, a) > slices.Index(order, b)
}

// gone is when the last sample of a service was seen, if it has none now.
func gone(signals []health.Signal) time.Time {
	var last time.Time
	for _, s := range signals {
		switch s.State {
		case health.Fresh, health.Partial, health.NaN, health.Unreachable: // who says "not a number" is there
			return time.Time{}
		}
		if s.State == health.Stale && s.Note != "" {
			return time.Time{} // the source is silent, not the service
		}
		if s.At.After(last) {
			last = s.At
		}
	}
	return last
}

// signal measures one signal of one service.
func (e *Engine) signal(p followed, s followedSignal, d *draft, lens health.Lens) health.Signal {
	step := e.step(lens.Window)
	sig := define(s.Signal, p.Pack, d.Kind)
	sig.Source, sig.Query, sig.Pack = p.from.state.Name, s.query, p.Pack.ID
	if d.override != nil {
		if l, ok := d.override.Limits[s.ID]; ok {
			sig.Limit = l
		}
		if o, ok := d.override.Objectives[s.ID]; ok {
			sig.Objective = &o
		}
	}
	sig.Detail = sig.Detail && !e.judged(s.Signal)
	end := e.endOf(lens.At, step)
	sig.Series = s.frame.of(p.By, d.labels, end.Add(-lens.Window), end)
	sig.measure(s.frame, e.masked(p.from.silence(s.frame)), end, max(step, e.o.Refresh))
	return sig.Signal
}

// silence is why nothing newer is known of a frame: its own question failed, or the
// source is down and was asked something else.
func (a *asked) silence(fr *frame) string {
	switch {
	case fr.err != nil:
		return fr.err.Error()
	case a.down:
		return a.state.Error
	}
	return ""
}

// of finds the series of a service. With several labels merged into one service
// the first that has points speaks: merging quantiles would invent numbers.
func (f *frame) of(by string, labels map[string]bool, from, to time.Time) []health.Point {
	for name := range labels {
		if len(labels) == 1 {
			return f.ofLabel(by, name, from, to)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if ps := f.ofLabel(by, name, from, to); len(ps) > 0 {
			return ps
		}
	}
	return nil
}

func (f *frame) ofLabel(by, label string, from, to time.Time) []health.Point {
	for _, l := range f.about(by, label) {
		if ps := between(l.points, from, to); len(ps) > 0 {
			return ps
		}
	}
	return nil
}

type measured struct{ health.Signal }

// define takes what the pack says, and what the catalogue says where it does not.
func define(s packs.Signal, p *packs.Pack, kind health.Kind) measured {
	d, _ := packs.Lookup(s.ID)
	sig := health.Signal{ID: s.ID, Title: d.Title, Short: d.Short, Unit: d.Unit, Bad: d.Bad, Group: d.Group, Limit: p.Limit(s, kind)}
	if s.Title != "" {
		sig.Title = s.Title
	}
	if s.Unit != "" {
		sig.Unit = health.Unit(s.Unit)
	}
	if s.Bad != "" {
		sig.Bad = health.Bad(s.Bad)
	}
	sig.Detail = s.Detail
	return measured{sig}
}

// measure reads value, age and state off the series, to which something should have
// come every so often.
func (s *measured) measure(fr *frame, silence string, end time.Time, every time.Duration) {
	if len(fr.warnings) > 0 {
		s.Note = health.Clean(fr.warnings[0])
	}
	if silence != "" {
		s.Note = health.Clean(silence)
	}
	if len(s.Series) == 0 {
		if s.State = health.Absent; silence != "" && fr.at.IsZero() {
			s.State = health.Unreachable
		}
		return
	}
	last := s.Series[len(s.Series)-1]
	s.Value, s.At = last.V, last.Time()
	switch {
	case end.Sub(s.At) > 2*every:
		s.State = health.Stale
		s.Value, s.At = newest(s.Series)
	case s.Value != s.Value:
		s.State = health.NaN
	case len(fr.warnings) > 0:
		s.State = health.Partial
	default:
		s.State = health.Fresh
	}
}

// newest is the last value that is a number.
func newest(ps []health.Point) (float64, time.Time) {
	for i := len(ps) - 1; i >= 0; i-- {
		if ps[i].V == ps[i].V {
			return ps[i].V, ps[i].Time()
		}
	}
	last := ps[len(ps)-1]
	return last.V, last.Time()
}

// lineage reads the version labels of a service: of several packs the one that is
// believed first, of several values the one most of the service runs.
func lineage(seeing []followed, labels map[string]bool) health.Lineage {
	var l health.Lineage
	slices.SortStableFunc(seeing, func(a, b followed) int {
		if a.Pack.Before(b.Pack) {
			return -1
		}
		return 1
	})
	for _, h := range seeing {
		for i, v := range h.Pack.Versions {
			field, fa := versionField(&l, v.What), h.versions[i]
			if field == nil || *field != "" || fa == nil {
				continue
			}
			most := 0.0
			for l := range labels {
				for _, s := range fa.about(h.By, l) {
					value, n := s.Labels[v.Label], lastValue(s)
					if value != "" && (n > most || n == most && n > 0 && value < *field) {
						*field, most = value, n
					}
				}
			}
		}
	}
	return l
}

// heardPack is a pack and the source it was found in.
type heardPack struct {
	packs.Found
	from *asked
}

func versionField(l *health.Lineage, what string) *string {
	switch what {
	case "build":
		return &l.Build
	case "model":
		return &l.Model
	case "prompt":
		return &l.Prompt
	case "index":
		return &l.Index
	case "data":
		return &l.Data
	case "config":
		return &l.Config
	}
	return nil
}

// inWords names the version that most often matters for a kind of service.
func inWords(l health.Lineage, k health.Kind) string {
	type part struct{ word, version string }
	order := map[health.Kind][]part{
		health.LLM:   {{"prompt ", l.Prompt}, {"model ", l.Model}, {"", l.Build}},
		health.RAG:   {{"index ", l.Index}, {"prompt ", l.Prompt}, {"", l.Build}},
		health.Agent: {{"", l.Build}, {"prompt ", l.Prompt}, {"model ", l.Model}},
		health.ML:    {{"model ", l.Model}, {"data ", l.Data}, {"", l.Build}},
		health.Infra: {{"", l.Build}},
	}[k]
	for _, p := range order {
		if p.version != "" {
			return p.word + p.version
		}
	}
	return ""
}
