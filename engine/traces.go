package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sickbay/health"
	"sickbay/sources"
	"sickbay/triage"
)

// Bounds on what looking up traces costs.
const (
	maxTraces     = 16               // held, beside those that are open
	maxLookups    = 8                // on their way at once
	maxTraceSpans = 2000             // of one trace, from all who have some of it
	tracePatience = 30 * time.Second // for a source that has no deadline of its own
	traceAgain    = 15 * time.Second // before one that was not found is asked for again, then twice as long
	traceSettled  = time.Minute      // after a request all its spans have arrived
)

// A lookup is what is known of one trace.
type lookup struct {
	request time.Time // when the request was
	said    map[string]traced
	out     []string  // who has not answered yet
	tried   time.Time // when it was asked for last, or answered
	tries   int
	used    time.Time
}

// A traced is what a source said of a trace.
type traced struct {
	key   string // Request.Trace as it stands in the log
	from  *asked
	trace health.Trace
	err   error
	took  time.Duration
}

// lookUpTraces asks everybody who may have it for the trace of each request that is
// open. It is called when somebody opens one, and with every beat.
func (e *Engine) lookUpTraces(ctx context.Context, started *sync.WaitGroup, w wishes) {
	now := e.o.Now()
	for id := range w.open {
		r, _, ok := e.find(id)
		if !ok {
			continue
		}
		for _, s := range e.shown {
			if in := s.Requests[id]; in.Reading || in.Link == "" && e.linkTo(r) != "" {
				e.dirty = true // it is shown as one of many, and is open now
			}
		}
		if r.Trace == "" || !e.canTrace() {
			continue
		}
		l := e.lookups[r.Trace]
		if l == nil {
			l = &lookup{said: map[string]traced{}}
			e.lookups[r.Trace] = l
		}
		l.request, l.used = r.At, now
		for _, s := range e.shown {
			if _, there := s.Traces[r.Trace]; !there {
				e.dirty = true
			}
		}
		if l.due(now) && e.tracing < maxLookups {
			e.lookUp(ctx, started, r.Trace, l, now)
		}
	}
	e.forgetTraces()
}

func (e *Engine) canTrace() bool { return slices.ContainsFunc(e.asked, (*asked).traces) }

// traces says whether a source knows traces. Nothing but who it is is asked of it
// while no request is open: then that tells whether it is there.
func (a *asked) traces() bool { _, ok := a.source.(sources.Traces); return ok }

// versionEvery is how long to wait before asking again who a source is.
func (a *asked) versionEvery() time.Duration {
	if a.traces() && !a.state.OK {
		return versionEvery / 10
	}
	return versionEvery
}

// due says whether it is time to ask: at first, a while after nobody had it, and
// while spans may still come in.
func (l *lookup) due(now time.Time) bool {
	switch {
	case len(l.out) > 0:
		return false
	case l.tries == 0:
		return true
	case l.found() != nil:
		return now.Sub(l.tried) >= traceAgain && l.tried.Sub(l.request) < traceSettled
	}
	return now.Sub(l.tried) >= traceAgain<<min(l.tries-1, 4)
}

// lookUp asks every source that knows traces and wants to be asked.
func (e *Engine) lookUp(ctx context.Context, started *sync.WaitGroup, key string, l *lookup, now time.Time) {
	l.tried = now
	l.tries++
	for _, a := range e.asked {
		source, ok := a.source.(sources.Traces)
		if !ok || now.Before(a.until) {
			continue
		}
		l.out = append(l.out, a.state.Name)
		e.tracing++
		e.load.Queries++
		started.Go(func() {
			within, cancel := context.WithTimeout(ctx, tracePatience)
			defer cancel()
			t := traced{key: key, from: a}
			t.trace, t.err = source.Trace(within, key)
			if t.err != nil && within.Err() != nil && ctx.Err() == nil {
				t.err = fmt.Errorf("%s: did not find it within %v", a.state.Name, tracePatience)
			}
			t.took = e.o.Now().Sub(now)
			select {
			case e.traces <- t:
			case <-ctx.Done():
			}
		})
	}
}

// takeTrace notes what a source said.
func (e *Engine) takeTrace(t traced) {
	e.tracing--
	st := &t.from.state
	st.Asked++
	switch {
	case t.err == nil, errors.Is(t.err, sources.ErrNotFound):
		st.OK, st.Error, st.At, st.Took = true, "", e.o.Now(), t.took
	default:
		st.OK, st.Error = false, e.masked(t.err.Error())
		st.Failed++
		if busy := (*sources.Busy)(nil); errors.As(t.err, &busy) {
			t.from.until = e.o.Now().Add(busy.After)
		}
	}
	l := e.lookups[t.key]
	if l == nil {
		return
	}
	l.out = slices.DeleteFunc(l.out, func(name string) bool { return name == st.Name })
	l.tried = e.o.Now()
	if before, ok := l.said[st.Name]; ok && before.err == nil && t.err != nil {
		return // a failure never removes data
	}
	l.said[st.Name] = t
	e.lookAtTrace(t.trace)
}

// found are the answers that have spans, by the name of who gave them.
func (l *lookup) found() []traced {
	var all []traced
	for _, t := range l.said {
		if t.err == nil {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b traced) int { return strings.Compare(a.from.state.Name, b.from.state.Name) })
	return all
}

// trace is what is known of it, and in words what is not.
func (l *lookup) trace(key string) health.Trace {
	found := l.found()
	var failed, without, unheard []string
	for _, name := range l.out {
		if _, heard := l.said[name]; !heard { // who is asked again has said something that holds until then
			unheard = append(unheard, name)
		}
	}
	for name, t := range l.said {
		switch {
		case errors.Is(t.err, sources.ErrNotFound):
			without = append(without, name)
		case t.err != nil:
			failed = append(failed, t.err.Error())
		}
	}
	slices.Sort(failed)
	slices.Sort(without)
	switch {
	case len(found) > 0:
		return union(found, failed)
	case len(unheard) > 0:
		return health.Trace{ID: key, State: health.TraceAsking, Note: "asking " + strings.Join(unheard, ", ") + " for it…"}
	case len(failed) > 0:
		return health.Trace{ID: key, State: health.TraceFailed, Note: strings.Join(failed, "; ")}
	case len(without) > 0:
		note := "not found in " + strings.Join(without, ", ") + ": it was not sampled, its spans are on their way, or it is too old"
		return health.Trace{ID: key, State: health.TraceMissing, Note: note}
	}
	return health.Trace{ID: key, State: health.TraceFailed, Note: "those who could know it want to be left alone for a while"}
}

// union puts together what several sources have of a trace: each may have been sent
// the spans of some services only.
func union(found []traced, failed []string) health.Trace {
	t := found[0].trace
	if len(found) == 1 && len(failed) == 0 {
		return t
	}
	notes := failed
	var names []string
	var spans []health.TraceSpan
	t.Cut = 0
	for _, f := range found {
		names = append(names, f.trace.Source)
		spans = append(spans, f.trace.Spans...)
		t.Cut += f.trace.Cut
		if t.Link == "" {
			t.Link = f.trace.Link
		}
		if f.trace.Note != "" {
			notes = append(notes, f.trace.Note)
		}
	}
	t.Source, t.Note = strings.Join(names, ", "), strings.Join(notes, "; ")
	t.Spans = health.Arrange(spans)
	if over := len(t.Spans) - maxTraceSpans; over > 0 {
		t.Spans, t.Cut = t.Spans[:maxTraceSpans], t.Cut+over
	}
	return t
}

// tracesOf are the traces of the requests that are open.
func (e *Engine) tracesOf(requests map[string]health.Request, w wishes) map[string]health.Trace {
	all := map[string]health.Trace{}
	for id := range w.open {
		if l := e.lookups[requests[id].Trace]; l != nil {
			all[requests[id].Trace] = l.trace(requests[id].Trace)
		}
	}
	return all
}

// forgetTraces drops those that nobody has looked at for longest.
func (e *Engine) forgetTraces() {
	for len(e.lookups) > maxTraces {
		oldest := ""
		for key, l := range e.lookups {
			if len(l.out) == 0 && (oldest == "" || l.used.Before(e.lookups[oldest].used)) {
				oldest = key
			}
		}
		if oldest == "" || e.lookups[oldest].used.Equal(e.o.Now()) {
			return
		}
		delete(e.lookups, oldest)
	}
}

// told is a request with its content, and with what its trace adds: tool calls that
// the log does not have, and where to look further.
func (e *Engine) told(r health.Request) health.Request {
	var t health.Trace
	if l := e.lookups[r.Trace]; l != nil && r.Trace != "" {
		t = l.trace(r.Trace)
	}
	if strings.HasPrefix(r.ID, health.TraceOnly) {
		r = ofTrace(r, t)
	}
	if r = e.withContent(r); len(r.Tools) == 0 {
		r.Tools = t.Tools()
		r.Signs = triage.Signs(r)
	}
	if r.Link = e.linkTo(r); r.Link == "" {
		r.Link = t.Link
	}
	return r
}

// linkSlack is how much of what was around a request a link shows, to each side.
const linkSlack = 5 * time.Minute

// linkTo fills the address that the config has for requests of a service.
func (e *Engine) linkTo(r health.Request) string {
	for _, o := range e.o.Services {
		if o.Name == r.Service || slices.Contains(o.Match, r.Service) {
			return o.Link.Fill(map[string]string{
				"trace_id": r.Trace, "request_id": r.ID, "service": r.Service,
				"from_ms": fmt.Sprint(r.At.Add(-linkSlack).UnixMilli()), "to_ms": fmt.Sprint(r.At.Add(linkSlack).UnixMilli()),
			})
		}
	}
	return ""
}
