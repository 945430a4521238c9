package engine

import (
	"slices"
	"time"

	"sickbay/health"
	"sickbay/logs"
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
func (e *Engine) detect(j *judgement, services []health.Service, m moment, at time.Time) []health.Finding {
	d, now := &j.detected, e.o.Now()
	held, _ := e.memory(m)
	records := held.Lost() + held.Len()
	switch {
	case d.when.IsZero():
	case records == d.records && now.Sub(d.when) < e.o.Refresh:
		return d.found
	case d.whole && now.Sub(d.when) < e.o.Refresh/2:
		return d.found
	}
	var found []health.Finding
	all, newest := e.newest(held, at)
	read := make([]health.Request, triage.DetectRequests) // of one service after the other
	for _, s := range services {
		if n := len(newest[s.Name]); n > 0 {
			requests := make([]*health.Request, n)
			for i, k := range newest[s.Name] { // newest first
				requests[n-1-i] = &read[i]
				all.Read(int(k), &read[i])
			}
			requests = sinceTakenBack(requests, e.takenBack(s.Name, at), at)
			found = append(found, triage.Detect(s, requests, at)...)
		}
	}
	whole := !slices.ContainsFunc(e.tails, func(t *tail) bool { return !t.caught })
	*d = detected{found: found, records: records, when: now, whole: whole}
	return found
}

// takenBack is when the newest rollback of a service was seen to be applied, up to a time;
// zero: there was none.
func (e *Engine) takenBack(service string, at time.Time) time.Time {
	if e.o.Desk == nil {
		return time.Time{}
	}
	for _, op := range e.o.Desk.Operations() { // newest first
		if op.Service == service && !op.Applied.IsZero() && !op.Applied.After(at) {
			return op.Applied
		}
	}
	return time.Time{}
}

// begunBefore is how long after a rollback requests may still be answers from before it.
const begunBefore = 15 * time.Second

// sinceTakenBack leaves out of the detectors' window what came before a rollback: it is
// of what runs no more, and would keep a service ill for minutes that has recovered.
// What is older than the window, which shows what is usual, stays. Oldest first.
func sinceTakenBack(requests []*health.Request, applied, at time.Time) []*health.Request {
	if applied.IsZero() {
		return requests
	}
	before := func(t time.Time) func(r *health.Request) bool {
		return func(r *health.Request) bool { return !r.At.Before(t) }
	}
	from := slices.IndexFunc(requests, before(at.Add(-triage.DetectWindow)))
	if from < 0 {
		return requests
	}
	to := slices.IndexFunc(requests, before(applied.Add(begunBefore)))
	if to < 0 {
		to = len(requests)
	}
	return slices.Delete(requests, from, max(from, to))
}

// newest are the newest requests of each service up to a time, newest first: where they
// are among all.
func (e *Engine) newest(held *logs.Store, at time.Time) (all logs.Records, of map[string][]int32) {
	owner := map[string]string{}
	for _, o := range e.o.Services {
		for _, m := range o.Match {
			owner[m] = o.Name
		}
	}
	all = held.Until(at).Newest(detectRecords)
	of = map[string][]int32{}
	for i := all.Len() - 1; i >= 0 && at.Sub(all.At(i)) <= detectBack; i-- {
		name := all.Service(i)
		if o, ok := owner[name]; ok {
			name = o
		}
		if len(of[name]) < triage.DetectRequests {
			of[name] = append(of[name], int32(i))
		}
	}
	return all, of
}
