package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sickbay/health"
	"sickbay/logs"
	"sickbay/sources"
	"sickbay/triage"
)

// Bounds on reading what was logged before the oldest record that is held.
const (
	maxBygones     = 2
	bygonePatience = 25 * time.Second // less than one look at everything may take
)

// A bygone is what was logged before a moment the clock was set to, where the records
// that are held do not reach back so far: from files that were rotated away, or asked
// of a server. It has a memory of its own, for the other one drops what is oldest.
type bygone struct {
	span    time.Duration // before the moment
	out     bool          // it is being read
	records *logs.Store   // nil: not read yet
	grouper *logs.Grouper
	used    time.Time
}

type remembered struct {
	at   moment
	span time.Duration
	bygone
	notes map[*tail]error
}

// spanAt is how far before a moment records are wanted: a window, and the one before it,
// which says what is new.
func (e *Engine) spanAt(m moment, w wishes) time.Duration {
	span := e.o.Base
	for lens := range w.lenses {
		if lens.At.Equal(m) {
			span = max(span, lens.Window)
		}
	}
	return 2 * span
}

// reaches says whether the records that are held begin before a time.
func (e *Engine) reaches(from time.Time) bool {
	held := e.records.Between(time.Unix(0, 0), e.o.Now())
	return held.Len() > 0 && !held.At(0).After(from)
}

// wantsBygone says whether what is held is too little for a moment, and more was not
// read yet. While logs are still read from their beginning nobody knows.
func (e *Engine) wantsBygone(m moment, span time.Duration) bool {
	if m.IsZero() || e.reading() || len(e.rememberers()) == 0 || e.reaches(m.Add(-span)) {
		return false
	}
	b := e.bygones[m]
	return b == nil || b.out || b.span < span
}

// rememberers are the sources that can be asked about a time gone by.
func (e *Engine) rememberers() []*tail {
	var all []*tail
	for _, t := range e.tails {
		if _, ok := t.source.(sources.Past); ok {
			all = append(all, t)
		}
	}
	return all
}

// lookBack reads for the moments somebody looks at what is not held any more, one
// moment at a time.
func (e *Engine) lookBack(ctx context.Context, started *sync.WaitGroup, w wishes) {
	for _, b := range e.bygones {
		if b.out {
			return
		}
	}
	for m := range w.moments {
		if b := e.bygones[m]; b != nil {
			b.used = e.o.Now()
		}
		span := e.spanAt(m, w)
		if !e.wantsBygone(m, span) {
			continue
		}
		b := e.bygones[m]
		if b == nil {
			b = &bygone{used: e.o.Now()}
			e.bygones[m] = b
		}
		b.out = true
		e.forgetBygones(m)
		from := e.rememberers()
		started.Go(func() {
			r := remember(ctx, from, m, span)
			select {
			case e.remembered <- r:
			case <-ctx.Done():
			}
		})
		return
	}
}

// remember asks the sources, each as far as it gets.
func remember(ctx context.Context, from []*tail, at moment, span time.Duration) remembered {
	ctx, cancel := context.WithTimeout(ctx, bygonePatience)
	defer cancel()
	r := remembered{at: at, span: span, bygone: bygone{records: &logs.Store{}, grouper: logs.NewGrouper()}, notes: map[*tail]error{}}
	for _, t := range from {
		err := t.source.(sources.Past).Past(ctx, at.Add(-span), at, func(b sources.Batch) {
			for i := range b.Requests {
				b.Requests[i].Source, b.Requests[i].Signs = t.state.Name, triage.Signs(b.Requests[i])
			}
			r.grouper.Add(b.Requests)
			for i := range b.Requests {
				if q := &b.Requests[i]; q.Failed {
					q.Group = r.grouper.ID(q)
				}
			}
			r.records.Add(b.Requests)
		})
		switch {
		case err != nil && ctx.Err() != nil:
			r.notes[t] = fmt.Errorf("what was logged before %s could only be read in part within %v", at.UTC().Format("15:04:05"), bygonePatience)
		case err != nil:
			r.notes[t] = err
		}
	}
	return r
}

// takeBygone notes what was read.
func (e *Engine) takeBygone(r remembered) {
	b := e.bygones[r.at]
	if b == nil {
		return
	}
	b.out, b.span, b.records, b.grouper = false, r.span, r.records, r.grouper
	for t, err := range r.notes {
		t.state.Note = e.masked(err.Error())
	}
	if j := e.views[r.at]; j != nil {
		j.detected = detected{}
	}
}

// forgetBygones drops those nobody has looked at for longest, but not one.
func (e *Engine) forgetBygones(but moment) {
	for len(e.bygones) > maxBygones {
		var oldest moment
		for m, b := range e.bygones {
			if m != but && !b.out && (oldest.IsZero() || b.used.Before(e.bygones[oldest].used)) {
				oldest = m
			}
		}
		if oldest.IsZero() {
			return
		}
		delete(e.bygones, oldest)
	}
}

// memory is where the records of a moment are: what is held, or what was read of the
// past if that reaches further back.
func (e *Engine) memory(m moment) (*logs.Store, *logs.Grouper) {
	if b := e.bygones[m]; b != nil && b.records != nil && b.records.Len() > 0 {
		oldest := b.records.Until(m)
		if oldest.Len() > 0 && !e.reaches(oldest.At(0)) {
			return b.records, b.grouper
		}
	}
	return &e.records, e.grouper
}

// recordOfID finds a record by its id, wherever it is held.
func (e *Engine) recordOfID(id string) (health.Request, *logs.Store, bool) {
	if r, ok := e.records.Find(id); ok {
		return r, &e.records, true
	}
	for _, b := range e.bygones {
		if b.records == nil {
			continue
		}
		if r, ok := b.records.Find(id); ok {
			return r, b.records, true
		}
	}
	return health.Request{}, &e.records, false
}
