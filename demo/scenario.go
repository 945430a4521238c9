package demo

import (
	"slices"
	"strings"
	"time"
)

// A Scenario is one thing that goes wrong, told by metrics, logs and changes
// alike. Each has a file of its own that registers it.
type Scenario struct {
	Name  string // as typed: "bad-prompt"
	Title string // one line
	Story string // what happened and what helps, for whoever wants to be told

	guilty string      // service that is to blame; "" nobody
	kind   string      // of the cause: the slot that changed, or "load", "external"
	change *deployment // what was deployed; nil when nothing was

	share float64       // of the guilty service's requests that meet the fault
	rise  time.Duration // until share is reached
	grow  time.Duration // until the fault has its full strength
	heal  time.Duration // from the rollback until no request meets it
	hit   map[string]func(b *behaviour, strength float64)
	tell  map[string]func(w *scribe, r *record) // words for records that met it

	// What requests that met the fault have in common. Others may have it too, as
	// often as they had before.
	region   string  // they came from there
	provider string  // they were answered by it
	cached   bool    // they were answered from the cache
	rollout  float64 // share of all other regions' requests that the new version serves, and well
}

// A deployment switches one slot of one service.
type deployment struct {
	service, slot string
	to, text      string
}

var scenarios = map[string]*Scenario{}

func register(s *Scenario) { scenarios[s.Name] = s }

// Scenarios lists them all, the quiet one first, then by name.
func Scenarios() []Scenario {
	var all []Scenario
	for _, s := range scenarios {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Scenario) int {
		if a.guilty == "" || b.guilty == "" {
			return strings.Compare(a.guilty, b.guilty)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

// scenarioNames is for error messages.
func scenarioNames() string {
	var names []string
	for _, s := range Scenarios() {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// A fault is a scenario that has begun.
type fault struct {
	*Scenario
	began time.Time
	slot  *slot  // nil: nothing that could be taken back
	good  string // version before
	level ramp   // share of the guilty service's requests that meet it
}

// hits is the share of a service's requests that meet the fault.
func (f *fault) hits(service string, t time.Time) float64 {
	if f == nil || f.hit[service] == nil {
		return 0
	}
	if service != f.guilty { // those around it feel it as a whole
		return f.level.value(t) / max(f.share, 0.01)
	}
	return f.level.value(t)
}

// strength grows from the beginning, so that what builds up is seen to.
func (f *fault) strength(t time.Time) float64 {
	if f.grow <= 0 {
		return 1
	}
	return min(max(t.Sub(f.began).Seconds()/f.grow.Seconds(), 0.05), 1)
}

// follow turns the fault on or off after its slot was switched.
func (f *fault) follow(p *slot, at time.Time) {
	if f == nil || f.slot != p {
		return
	}
	switch {
	case p.current == f.change.to && f.level.to == 0:
		f.began = at
		f.level = f.level.turn(f.share, at, f.rise)
	case p.current != f.change.to:
		f.level = f.level.turn(0, at, f.heal)
	}
}
