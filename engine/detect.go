package engine

import (
	"slices"
	"time"

	"sickbay/health"
	"sickbay/triage"
)

// Bounds on how far back the detectors look at records.
const (
	detectBack    = time.Hour
	detectRecords = 40_000 // of all services
)

// A detected is what the detectors found for one moment, and from what.
type detected struct {
	found   []health.Finding
	records int       // ever held
	when    time.Time // it was looked
	whole   bool      // every log had been read up to its end
}

// detect lets the detectors look at the newest requests of every service: when
// there are new ones, and not more often than twice a beat.
func (e *Engine) detect(j *judgement, services []health.Service, at time.Time) []health.Finding {
	d, now := &j.detected, e.o.Now()
	records := e.records.cut + len(e.records.all)
	switch {
	case d.when.IsZero():
	case records == d.records && now.Sub(d.when) < e.o.Refresh:
		return d.found
	case d.whole && now.Sub(d.when) < e.o.Refresh/2:
		return d.found
	}
	var found []health.Finding
	newest := e.newest(at)
	for _, s := range services {
		if all := newest[s.Name]; len(all) > 0 {
			slices.Reverse(all)
			found = append(found, triage.Detect(s, all, at)...)
		}
	}
	whole := !slices.ContainsFunc(e.tails, func(t *tail) bool { return !t.caught })
	*d = detected{found: found, records: records, when: now, whole: whole}
	return found
}

// newest are the newest requests of each service up to a time, newest first. They
// are good until the next batch is read.
func (e *Engine) newest(at time.Time) map[string][]*health.Request {
	owner := map[string]string{}
	for _, o := range e.o.Services {
		for _, m := range o.Match {
			owner[m] = o.Name
		}
	}
	all := e.records.until(at)
	by := map[string][]*health.Request{}
	for i := len(all) - 1; i >= max(len(all)-detectRecords, 0) && at.Sub(all[i].At) <= detectBack; i-- {
		name := all[i].Service
		if o, ok := owner[name]; ok {
			name = o
		}
		if len(by[name]) < triage.DetectRequests {
			by[name] = append(by[name], &all[i])
		}
	}
	return by
}
