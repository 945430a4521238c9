package engine

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"sickbay/health"
	"sickbay/triage"
)

// publish judges what is wanted and hands every viewer the snapshot of its lens.
func (e *Engine) publish() {
	e.dirty, e.held = false, time.Time{}
	now := e.o.Now()
	w := e.wishes()
	e.version++
	whole := e.whole()
	shown := map[health.Lens]*health.Snapshot{}
	for m := range w.moments {
		e.judge(m, now, w)
		e.views[m].whole = e.views[m].whole || whole && !e.unsettled(viewKey{at: m})
	}
	for lens := range w.lenses {
		if _, judged := e.views[lens.At]; judged {
			shown[lens] = e.snapshot(lens, now, w)
		}
	}
	if j := e.views[moment{}]; j != nil && j.whole {
		e.live.Store(&health.Snapshot{At: now, Rate: e.rate, Services: j.services})
	}
	e.shown = shown
	e.forget(now)
	e.serve(w)
}

// serve gives every viewer the newest snapshot of its lens, if there is one.
func (e *Engine) serve(w wishes) {
	for _, v := range e.watchers() {
		i := *v.want.Load()
		if s := e.shown[i.Lens]; s != nil && !i.Hidden {
			if e.detailed(i) {
				v.detailed.Store(s)
			}
			v.show(s)
		}
	}
	for lens := range w.lenses { // a lens nobody has looked through yet starts from what is known
		if e.shown[lens] == nil && e.views[lens.At] != nil {
			e.dirty = true
		}
	}
	for id := range w.open {
		for _, s := range e.shown {
			if _, there := s.Requests[id]; !there {
				e.dirty = true
			}
		}
	}
	for key := range w.plans {
		for _, s := range e.shown {
			if _, there := s.Plans[key]; !there {
				e.dirty = true
			}
		}
	}
}

// whole says that everything asked has answered or failed, and every log was read
// up to its end.
func (e *Engine) whole() bool {
	for _, a := range e.asked {
		if !a.tried {
			return false
		}
	}
	return e.quiet() && !e.reading()
}

// judge lets triage look at one moment.
func (e *Engine) judge(m moment, now time.Time, w wishes) {
	j := e.views[m]
	if j == nil {
		j = &judgement{}
		e.views[m] = j
	}
	at := now
	if !m.IsZero() {
		at = m
	}
	services := e.services(m, w)
	if e.drifts(viewKey{at: m}, services); m.IsZero() {
		e.ageDrift(services, now)
	}
	if !j.whole { // it has seen the newest minutes only: the first whole look decides alone
		j.memory = triage.Memory{}
	}
	if m.IsZero() {
		e.lookAtLabels()
	}
	targets := e.targets()
	for i := range services {
		services[i].Targets = targets[services[i].Name]
	}
	held, _ := e.memory(m)
	j.services, j.memory = triage.Judge(triage.Input{
		Services: services,
		Changes:  e.known(at.Add(-6*time.Hour), at),
		Alerts:   e.judgedAlerts(m, at),
		Failures: e.failures(m, at, e.o.Base),
		Records:  held.Until(at),
		Down:     e.down(m),
		Detected: e.detect(j, services, m, at),
		Past:     e.past(services, m),
		Owner:    e.owner(services, m),
		Ignored:  e.ignored,
		Now:      at, Window: e.o.Base, RateWindow: e.rate,
	}, j.memory)
	slices.SortStableFunc(j.services, func(a, b health.Service) int {
		switch {
		case a.Status.Worse(b.Status):
			return -1
		case b.Status.Worse(a.Status):
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	j.used = now
}

func (e *Engine) targets() map[string][]health.Target {
	all := map[string][]health.Target{}
	if e.o.Desk != nil {
		for _, t := range e.o.Desk.Targets() {
			all[t.Service] = append(all[t.Service], t)
		}
	}
	return all
}

// snapshot puts together what one lens shows.
func (e *Engine) snapshot(lens health.Lens, now time.Time, w wishes) *health.Snapshot {
	at := now
	if !lens.At.IsZero() {
		at = lens.At
	}
	s := &health.Snapshot{
		Version: e.version, At: at.UTC(), Window: lens.Window, Step: e.step(lens.Window), Rate: e.rate,
		Live: lens.At.IsZero(), Asking: !e.views[lens.At].whole, Reading: e.reading(), Write: e.o.Write, Load: e.load,
		Services: e.compared(lens, e.through(lens, e.views[lens.At].services), w),
		Changes:  e.known(at.Add(-max(lens.Window, 6*time.Hour)), at),
		Alerts:   e.alerts(lens.At),
		Silences: e.silencesHeard(),
		Sources:  e.sources(),
		Plans:    map[string]health.Planned{},
	}
	s.Failures = worstFirst(e.failures(lens.At, at, lens.Window), s.Services)
	s.Load.SeriesCached = e.seriesHeld()
	for k, p := range e.planning {
		s.Plans[k] = p
	}
	if e.o.Desk != nil {
		s.Rollbacks, s.Journal = e.o.Desk.Operations(), e.o.Desk.Entries(200)
	}
	s.Requests = e.opened(lens.At, s.Failures, w)
	s.Traces = e.tracesOf(s.Requests, w)
	s.Exemplars = e.exemplarsOf(lens, w)
	return s
}

// through replaces the base window's series by those of the lens. The judgement
// stays: it never depends on what somebody looks at.
func (e *Engine) through(lens health.Lens, services []health.Service) []health.Service {
	if lens.Window == e.o.Base {
		return services
	}
	step := e.step(lens.Window)
	end := e.endOf(lens.At, step)
	all := slices.Clone(services)
	for i := range all {
		all[i].Signals = slices.Clone(all[i].Signals)
		labels := e.labelsOf(all[i].Name)
		for j := range all[i].Signals {
			sig := &all[i].Signals[j]
			if ps := e.seriesOf(sig, labels, lens.At, step, e.stretch(lens), end.Add(-lens.Window), end); ps != nil {
				sig.Series = ps
			}
		}
	}
	return all
}

// labelsOf is which label values are a service.
func (e *Engine) labelsOf(name string) map[string]bool {
	labels := map[string]bool{name: true}
	for _, o := range e.o.Services {
		if o.Name == name {
			for _, m := range o.Match {
				labels[m] = true
			}
		}
	}
	return labels
}

// seriesOf finds the points of a signal at another resolution.
func (e *Engine) seriesOf(sig *health.Signal, labels map[string]bool, m moment, step time.Duration, past moment, from, to time.Time) []health.Point {
	for _, a := range e.asked {
		if a.state.Name != sig.Source {
			continue
		}
		for _, f := range e.foundAt(a, m) {
			if f.Pack.ID != sig.Pack {
				continue
			}
			for _, ps := range f.Pack.Signals {
				if fr := e.frames[frameKey{sig.Source, e.expand(ps.Query, f, step), step, past}]; ps.ID == sig.ID && fr != nil && !fr.at.IsZero() {
					if points := fr.of(f.By, labels, from, to); points != nil {
						return points
					}
				}
			}
		}
	}
	return nil
}

// alerts are those of the live monitoring system, or what Prometheus remembers of
// them at the moment the clock was set to.
func (e *Engine) alerts(m moment) []health.Alert {
	if m.IsZero() {
		return e.liveAlerts(time.Time{})
	}
	var all []health.Alert
	for _, a := range e.asked {
		fa := e.facts[factKey{a.state.Name, pastAlerts, m, 0}]
		if fa == nil {
			continue
		}
		for _, s := range fa.series {
			all = append(all, health.Alert{
				Name: s.Labels["alertname"], Service: s.Labels["service"], Severity: s.Labels["severity"],
				State: s.Labels["alertstate"], Source: a.state.Name,
			})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name+all[i].Service < all[j].Name+all[j].Service })
	return all
}

func (e *Engine) sources() []health.SourceState {
	var all []health.SourceState
	for _, a := range e.asked {
		all = append(all, a.state)
	}
	for _, t := range e.tails {
		all = append(all, t.told(e.o.Now()))
	}
	return all
}

func (e *Engine) seriesHeld() int {
	n := 0
	for _, f := range e.frames {
		n += len(f.series)
	}
	return n
}

// Bounds on how many requests a snapshot carries for the list of examples.
const (
	examplesPerGroup = 20
	examplesInAll    = 600
)

// opened are the requests somebody has open, and the newest of every group.
func (e *Engine) opened(m moment, groups []health.Failure, w wishes) map[string]health.Request {
	all := map[string]health.Request{}
	for id := range w.open {
		r, held, ok := e.find(id)
		if !ok {
			r = e.notHeld(id)
		}
		all[id] = e.told(r)
		if n, ok := neighbour(held, r); ok && r.Failed {
			all[n.ID] = e.told(n)
		}
	}
	var examples []string
	for _, g := range groups {
		for _, id := range g.Requests[:min(examplesPerGroup, len(g.Requests))] {
			if _, there := all[id]; !there && len(examples) < examplesInAll {
				examples = append(examples, id)
			}
		}
	}
	held, _ := e.memory(m)
	for id, r := range held.FindAll(examples) {
		r.Reading = e.slim(r)
		all[id] = r
	}
	return all
}

// notHeld is what is said of a request of which no record is held.
func (e *Engine) notHeld(id string) health.Request {
	why := "no record with this id is held"
	switch {
	case e.reading():
		why = "not found yet: logs are still being read"
	case e.records.Lost() > 0:
		why += ": it may be older than what is"
	}
	return health.Request{ID: id, Missing: why, Message: why}
}

// reading says whether logs are still being read from their beginning.
func (e *Engine) reading() bool {
	return slices.ContainsFunc(e.tails, func(t *tail) bool { return !t.caught })
}

// symptoms are what is ill at the service of a target, with the requests counted
// that a proof will be held against: those logged, else those the metrics tell of.
func (e *Engine) symptoms(target string) []health.Symptom {
	j := e.views[moment{}]
	if j == nil || e.o.Desk == nil {
		return nil
	}
	for _, t := range e.o.Desk.Targets() {
		for _, s := range j.services {
			if t.Name == target && s.Name == t.Service {
				return e.counted(s, triage.Symptoms(s))
			}
		}
	}
	return nil
}

func (e *Engine) counted(s health.Service, symptoms []health.Symptom) []health.Symptom {
	now := e.o.Now()
	if failing, ok := triage.Failing(s, e.counter(s.Name), now); ok && len(symptoms) > 0 {
		return append(symptoms, failing)
	}
	return triage.Count(s, symptoms, e.rate, now)
}
