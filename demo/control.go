package demo

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"sickbay/health"
)

// truth is what a scenario knows and an operator has to find out.
type truth struct {
	Scenario string     `json:"scenario"`
	Title    string     `json:"title"`
	Story    string     `json:"story"`
	Guilty   *string    `json:"guilty"` // nil: nobody
	Kind     string     `json:"kind"`
	From     string     `json:"from"`
	To       string     `json:"to"`
	At       *time.Time `json:"at"`
	Active   bool       `json:"active"` // requests meet the fault now
	Rollback *remedy    `json:"rollback"`
}

type remedy struct {
	Service string `json:"service"`
	Kind    string `json:"kind"`
	To      string `json:"to"`
}

// control serves what a real stack has (changes, rollback) and what only a demo
// can have (the truth, another scenario).
func (d *Demo) control() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /changes", d.getChanges)
	mux.HandleFunc("GET /rollback/{service}/{kind}", d.getSlot)
	mux.HandleFunc("POST /rollback/{service}/{kind}", d.postSlot)
	mux.HandleFunc("GET /services", d.getServices)
	mux.HandleFunc("GET /truth", d.getTruth)
	mux.HandleFunc("GET /api/traces/{id}", d.getTrace)
	mux.HandleFunc("GET /api/services", d.getTraced)
	mux.HandleFunc("POST /scenario", d.postScenario)
	mux.HandleFunc("POST /outage", d.postOutage)
	return mux
}

func (d *Demo) getChanges(rw http.ResponseWriter, r *http.Request) {
	since := time.Time{}
	if s := r.FormValue("since"); s != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, s); err != nil {
			respond(rw, http.StatusBadRequest, refusal{Error: "since: want a time as in RFC 3339, got " + fmt.Sprintf("%q", s)})
			return
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	list := []change{}
	for _, c := range d.world.changes {
		if !c.At.Before(since) {
			list = append(list, c)
		}
	}
	respond(rw, http.StatusOK, list)
}

// serviceJSON describes one simulated service.
type serviceJSON struct {
	Name     string            `json:"name"`
	Kind     health.Kind       `json:"kind"`
	Pods     []string          `json:"pods"`
	Versions map[string]string `json:"versions"` // by kind
	Rollback []string          `json:"rollback"` // kinds that can be taken back
}

func (d *Demo) getServices(rw http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := []serviceJSON{}
	for _, s := range d.world.services {
		v := serviceJSON{s.name, s.kind, slices.Clone(s.pods), map[string]string{}, append([]string{}, s.rollbackKinds()...)}
		for _, p := range s.slots {
			v.Versions[p.kind] = p.current
		}
		list = append(list, v)
	}
	respond(rw, http.StatusOK, list)
}

func (d *Demo) getTruth(rw http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	respond(rw, http.StatusOK, d.truth())
}

func (d *Demo) truth() truth {
	s := scenarios[d.world.name]
	t := truth{Scenario: s.Name, Title: s.Title, Story: s.Story, Kind: s.kind}
	if s.guilty != "" {
		t.Guilty = &s.guilty
	}
	f := d.world.fault
	if f == nil {
		return t
	}
	at := f.began.UTC()
	t.At = &at
	t.Active = f.level.value(d.now()) > 0
	if f.slot != nil {
		t.From, t.To = f.good, f.change.to
		t.Rollback = &remedy{f.slot.service, f.slot.kind, f.good}
	}
	return t
}

func (d *Demo) postScenario(rw http.ResponseWriter, r *http.Request) {
	var want struct {
		Scenario string `json:"scenario"`
	}
	if err := readJSON(rw, r, &want); err != nil {
		respond(rw, http.StatusBadRequest, refusal{Error: err.Error()})
		return
	}
	s, ok := scenarios[want.Scenario]
	if !ok {
		respond(rw, http.StatusNotFound, refusal{Error: fmt.Sprintf("unknown scenario %q; there are %s", want.Scenario, scenarioNames())})
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.world.begin(s, d.now())
	respond(rw, http.StatusOK, d.truth())
}

// postOutage makes the Prometheus answer 503 until it is told otherwise.
func (d *Demo) postOutage(rw http.ResponseWriter, r *http.Request) {
	var want struct {
		On bool `json:"on"`
	}
	if err := readJSON(rw, r, &want); err != nil {
		respond(rw, http.StatusBadRequest, refusal{Error: err.Error()})
		return
	}
	d.server.SetReady(!want.On)
	respond(rw, http.StatusOK, want)
}
