package engine

import (
	"cmp"
	"slices"
	"time"

	"sickbay/health"
)

// patience is how old the newest word of a source may be. It is as long for alerts
// and distributions as for signals: in an outage all that is known of a service grows
// old at once, and no old alert makes a warning of what is not known.
func (e *Engine) patience() time.Duration { return 2 * max(e.step(e.o.Base), e.o.Refresh) }

// heardAlerts is what a source said of its alerts, and when.
type heardAlerts struct {
	alerts []health.Alert
	at     time.Time
}

// learnAlerts takes the alerts of one source. They are of the service as it is shown.
func (e *Engine) learnAlerts(a answer, now time.Time) {
	for i := range a.alerts {
		a.alerts[i].Service = e.serviceOf(a.alerts[i].Service)
		a.alerts[i].Text = e.masked(a.alerts[i].Text)
	}
	if e.changes.alerts == nil {
		e.changes.alerts = map[string]heardAlerts{}
	}
	e.changes.alerts[a.q.to.state.Name] = heardAlerts{a.alerts, now}
}

// liveAlerts are the alerts of all sources as they were last heard, those that were
// heard since a time.
func (e *Engine) liveAlerts(since time.Time) []health.Alert {
	var all []health.Alert
	kept := map[[2]string]bool{} // named by who also knows what is silenced
	for name, h := range e.changes.alerts {
		if _, err := e.silencer(name); err == nil && !h.at.Before(since) {
			for _, a := range h.alerts {
				kept[[2]string{a.Name, a.Service}] = true
			}
		}
	}
	for name, h := range e.changes.alerts {
		_, err := e.silencer(name)
		for _, a := range h.alerts {
			// Prometheus and its Alertmanager both tell of an alert: once is enough.
			if twice := err != nil && a.State == "firing" && kept[[2]string{a.Name, a.Service}]; !twice && !h.at.Before(since) {
				all = append(all, a)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b health.Alert) int {
		return cmp.Or(cmp.Compare(firingFirst(a), firingFirst(b)), b.Since.Compare(a.Since),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Source, b.Source))
	})
	return all
}

func firingFirst(a health.Alert) int {
	if a.State == "firing" {
		return 0
	}
	return 1
}

// judgedAlerts are those that count as reasons: of a silent source nobody knows
// whether they still fire.
func (e *Engine) judgedAlerts(m moment, now time.Time) []health.Alert {
	if !m.IsZero() {
		return e.alerts(m)
	}
	return e.liveAlerts(now.Add(-e.patience()))
}

// ignored says whether the user wants no judgement of a rule about a service.
func (e *Engine) ignored(service, rule string) bool {
	return slices.ContainsFunc(e.o.Services, func(o Override) bool { return o.Name == service && slices.Contains(o.Ignore, rule) })
}

// A compared distribution is one query about one service.
type comparedWith struct{ service, query string }

// ageDrift calls distributions stale whose source is silent. Their numbers stay; what
// they say of the service is not known now.
func (e *Engine) ageDrift(services []health.Service, now time.Time) {
	silent := e.silent(now)
	if len(silent) == 0 {
		return
	}
	for i := range services {
		s := &services[i]
		for j := range s.Drift {
			if d := &s.Drift[j]; silent[comparedWith{s.Name, d.Query}] != "" {
				d.Level, d.Status, d.Note = staleLevel, health.Unknown, silent[comparedWith{s.Name, d.Query}]
			}
		}
	}
}

// staleLevel is the level of a distribution of which nothing new is heard.
const staleLevel = "stale"

// silent lists what is asked only of sources that have not answered for a while, and
// why they do not.
func (e *Engine) silent(now time.Time) map[comparedWith]string {
	why := map[comparedWith]string{}
	for _, quiet := range [2]bool{true, false} {
		for _, a := range e.asked {
			if a.good.IsZero() || now.Sub(a.good) > e.patience() != quiet {
				continue
			}
			for _, c := range e.comparisons(a) {
				if quiet {
					why[c] = "no news since " + a.good.UTC().Format("15:04:05 UTC") + ": " + a.state.Error
				} else {
					delete(why, c) // somebody else has it too
				}
			}
		}
	}
	return why
}

// comparisons lists what a source is asked about distributions.
func (e *Engine) comparisons(a *asked) []comparedWith {
	var all []comparedWith
	for _, f := range a.found {
		var queries []string
		for _, d := range f.Pack.Distributions {
			queries = append(queries, e.expand(d.Query, f, 0))
		}
		for _, x := range f.Pack.Exported {
			queries = append(queries, e.expand(x.Query, f, 0))
		}
		for _, name := range f.Services {
			for _, query := range queries {
				all = append(all, comparedWith{e.serviceOf(name), query})
			}
		}
	}
	return all
}
