package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"sickbay/health"
	"sickbay/logs"
	"sickbay/packs"
	"sickbay/sources"
)

// Bounds on what is asked about slow requests, which happens only while somebody has a
// signal explained.
const (
	maxExemplified = 8 // signals whose exemplars are held
	maxSlowest     = 5 // requests of one signal
	exemplarSpan   = time.Hour
	exemplarAgain  = 15 * time.Second
	exemplarNear   = 2 * time.Minute // between an exemplar and the record of its request
)

// An exemplified is a signal whose slowest traced requests are wanted.
type exemplified struct {
	health.Lens
	health.Named
}

// exemplars are what is known of them.
type exemplars struct {
	health.Exemplars
	asked, used time.Time
}

// A traceable is a signal with what a question about its exemplars needs.
type traceable struct {
	source sources.Exemplars
	signal health.Signal
	by     string          // label that tells services apart
	labels map[string]bool // its values that are the service
}

type exemplary struct {
	of  exemplified
	by  traceable
	all []sources.Exemplar
	err error
}

// traceable finds who to ask. Only latencies have a slowest request.
func (e *Engine) traceable(of exemplified) (traceable, bool) {
	j := e.views[of.At]
	if j == nil {
		return traceable{}, false
	}
	for _, s := range j.services {
		if s.Name != of.Service {
			continue
		}
		for _, sig := range s.Signals {
			if sig.ID != of.Signal || sig.Unit != health.Seconds || sig.Bad != health.Up {
				continue
			}
			for _, a := range e.asked {
				source, ok := a.source.(sources.Exemplars)
				i := slices.IndexFunc(a.found, func(f packs.Found) bool { return f.Pack.ID == sig.Pack })
				if ok && i >= 0 && a.state.Name == sig.Source {
					return traceable{source, sig, a.found[i].By, e.labelsOf(s.Name)}, true
				}
			}
		}
	}
	return traceable{}, false
}

// lookUpExemplars asks for those that somebody looks at.
func (e *Engine) lookUpExemplars(ctx context.Context, started *sync.WaitGroup, w wishes) {
	now := e.o.Now()
	for of := range w.exemplars {
		by, ok := e.traceable(of)
		if !ok {
			continue
		}
		x := e.slowest[of]
		if x == nil {
			x = &exemplars{}
			e.slowest[of] = x
			e.forgetExemplars()
			e.dirty = true
		}
		x.used = now
		if x.Asking || !x.asked.IsZero() && (now.Sub(x.asked) < exemplarAgain || !of.At.IsZero()) {
			continue
		}
		x.Asking, x.asked = true, now
		e.load.Queries++
		to := now
		if !of.At.IsZero() {
			to = of.At
		}
		started.Go(func() {
			within, cancel := context.WithTimeout(ctx, tracePatience)
			defer cancel()
			got := exemplary{of: of, by: by}
			got.all, got.err = by.source.Exemplars(within, by.signal.Query, to.Add(-min(of.Window, exemplarSpan)), to)
			select {
			case e.examples <- got:
			case <-ctx.Done():
			}
		})
	}
}

// forgetExemplars drops those that nobody has looked at for longest.
func (e *Engine) forgetExemplars() {
	for len(e.slowest) > maxExemplified {
		var oldest exemplified
		var used time.Time
		for of, x := range e.slowest {
			if !x.Asking && !x.asked.IsZero() && (used.IsZero() || x.used.Before(used)) {
				oldest, used = of, x.used
			}
		}
		if used.IsZero() {
			return
		}
		delete(e.slowest, oldest)
	}
}

// takeExemplars notes what a server said. A failure never removes data.
func (e *Engine) takeExemplars(got exemplary) {
	x := e.slowest[got.of]
	if x == nil {
		return
	}
	x.Asking, x.Note = false, ""
	name := got.by.source.Name()
	switch {
	case errors.Is(got.err, sources.ErrMissing):
		x.Note = name + " keeps no exemplars"
	case got.err != nil:
		x.Note = e.masked(got.err.Error())
	default:
		if x.Slowest = e.slow(got); len(x.Slowest) == 0 {
			x.Note = name + " has no exemplar of it with a trace: they are kept with --enable-feature=exemplar-storage, where the service sends them"
		}
	}
}

// slow are the slowest of the service, each trace once.
func (e *Engine) slow(got exemplary) []health.Exemplar {
	slices.SortFunc(got.all, func(a, b sources.Exemplar) int { return cmp.Compare(seconds(b), seconds(a)) })
	var out []health.Exemplar
	for _, x := range got.all {
		v := seconds(x)
		if !got.by.labels[x.Labels[got.by.by]] || math.IsNaN(v) || slices.ContainsFunc(out, func(o health.Exemplar) bool { return o.Trace == x.Trace }) {
			continue
		}
		out = append(out, health.Exemplar{At: x.At, Value: v, Trace: x.Trace, Request: e.recordOf(x.Trace, x.At)})
		if len(out) == maxSlowest {
			break
		}
	}
	return out
}

// seconds is the value in the unit of the signal, which is seconds.
func seconds(x sources.Exemplar) float64 {
	if name := x.Labels["__name__"]; strings.Contains(name, "_milliseconds") || strings.Contains(name, "_ms_") {
		return x.Value / 1000
	}
	return x.Value
}

// recordOf is the id of the request with a trace: of its record if one is held, else
// one under which the trace alone can be opened.
func (e *Engine) recordOf(trace string, at time.Time) string {
	near := e.records.Between(at.Add(-exemplarNear), at.Add(exemplarNear))
	if id, held := near.OfTrace(trace); held {
		return id
	}
	return health.TraceOnly + trace
}

// find is the record of a request and where it is held, or what its id says where it is no record's but
// names a trace.
func (e *Engine) find(id string) (health.Request, *logs.Store, bool) {
	r, held, ok := e.recordOfID(id)
	if ok {
		return r, held, true
	}
	trace, ok := strings.CutPrefix(id, health.TraceOnly)
	return health.Request{ID: id, Trace: trace}, held, ok && trace != ""
}

// ofTrace is a request of which only the trace is known, with what that says.
func ofTrace(r health.Request, t health.Trace) health.Request {
	switch {
	case t.State != health.TraceFound:
		r.Missing = fmt.Sprintf("no record of trace %s is held; %s", r.Trace, t.Note)
		if t.State == "" {
			r.Missing = "no record of it is held, and no tracing system is configured that could have it"
		}
		r.Message = r.Missing
	case len(t.Spans) > 0:
		first := t.Spans[0]
		took := first.Duration.Seconds()
		r.At, r.Service, r.Name, r.Duration = first.Start, first.Service, first.Name, &took
		r.Failed, r.Error = first.Error != "", first.Error
	}
	return r
}

// exemplarsOf are those that are looked at through a lens.
func (e *Engine) exemplarsOf(lens health.Lens, w wishes) map[health.Named]health.Exemplars {
	all := map[health.Named]health.Exemplars{}
	for of := range w.exemplars {
		if x := e.slowest[of]; x != nil && of.Lens == lens {
			all[of.Named] = x.Exemplars
		}
	}
	return all
}
