package engine

import (
	"context"
	"sort"
	"time"

	"sickbay/health"
	"sickbay/sources"
	"sickbay/triage"
)

// A tail is a source that is followed.
type tail struct {
	source  sources.Logs
	state   health.SourceState
	caught  bool      // everything that was there at the start has come
	since   time.Time // when it had
	seconds [60]int   // lines of each second of the last minute
	second  int64     // the newest of them
}

// A batch is what a tail emitted.
type batch struct {
	from *tail
	sources.Batch
	ended error
}

// follow runs in a goroutine of its own until ctx ends.
func (e *Engine) follow(ctx context.Context, t *tail) {
	send := func(b batch) {
		select {
		case e.batches <- b:
		case <-ctx.Done():
		}
	}
	err := t.source.Follow(ctx, func(b sources.Batch) {
		for i := range b.Requests {
			b.Requests[i].Source, b.Requests[i].Signs = t.state.Name, triage.Signs(b.Requests[i])
		}
		send(batch{from: t, Batch: b})
	})
	if ctx.Err() == nil {
		send(batch{from: t, ended: err})
	}
}

// read takes what a tail emitted.
func (e *Engine) read(b batch) {
	now := e.o.Now()
	st := &b.from.state
	if b.ended != nil || b.Err != nil {
		st.OK, st.Error = false, e.masked(firstError(b.ended, b.Err).Error())
		b.from.catchUp(now)
		e.dirty = true
		return
	}
	st.OK, st.Error, st.Note, st.At = true, "", b.Note, now
	st.Lines += b.Lines
	st.BadLines += b.Bad
	st.Dropped += b.Dropped
	st.Bytes += b.Bytes
	st.Behind = b.Behind
	b.from.count(b.Lines, now)
	b.from.lag(b.Requests, now)
	e.tallies.add(b.Requests, now)
	e.grouper.Add(b.Requests)
	for i := range b.Requests {
		if r := &b.Requests[i]; r.Failed {
			r.Group = e.grouper.ID(r)
		}
	}
	e.lookAtRecords(b.Requests)
	e.records.Add(b.Requests)
	e.load.Records, e.load.RecordsLost = e.records.Len(), e.records.Lost()
	if b.CaughtUp && !b.from.caught {
		b.from.catchUp(now)
		e.dirty = true
	}
}

// catchUp notes that everything that was there at the start has come.
func (t *tail) catchUp(now time.Time) {
	if !t.caught {
		t.caught, t.since = true, now
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// count notes when lines came.
func (t *tail) count(lines int, now time.Time) {
	t.turn(now)
	if t.caught { // the first gulp is history, not traffic
		t.seconds[t.second%60] += lines
	}
}

// turn forgets the seconds that are more than a minute ago.
func (t *tail) turn(now time.Time) {
	s := now.Unix()
	for i := max(t.second+1, s-59); i <= s; i++ {
		t.seconds[i%60] = 0
	}
	t.second = max(t.second, s)
}

// rate is lines a second over the last minute, or since there is anything to count.
func (t *tail) rate(now time.Time) float64 {
	t.turn(now)
	sum := 0
	for _, n := range t.seconds {
		sum += n
	}
	return float64(sum) / min(max(now.Sub(t.since).Seconds(), 1), 60)
}

// lag is how old the newest of some records is, as they come.
func (t *tail) lag(more []health.Request, now time.Time) {
	if !t.caught || len(more) == 0 {
		return
	}
	newest := more[0].At
	for i := range more {
		if more[i].At.After(newest) {
			newest = more[i].At
		}
	}
	t.state.Lag = health.Num(max(now.Sub(newest).Seconds(), 0))
}

// told is what is known of the source now.
func (t *tail) told(now time.Time) health.SourceState {
	st := t.state
	st.LinesPerSecond, st.Reading = t.rate(now), !t.caught
	return st
}

// changesBack is how far back changes are asked for.
const changesBack = 7 * 24 * time.Hour

// A changeLog holds what was altered, by id, and the newest alerts of every source.
type changeLog struct {
	byID     map[string]health.Change
	alerts   map[string]heardAlerts      // by source
	silences map[string][]health.Silence // by source
}

func (c *changeLog) add(more []health.Change) {
	if c.byID == nil {
		c.byID = map[string]health.Change{}
	}
	for _, ch := range more {
		c.byID[ch.ID] = ch
	}
}

// between lists changes newest first.
func (c *changeLog) between(from, to time.Time) []health.Change {
	var all []health.Change
	for _, ch := range c.byID {
		if !ch.At.Before(from) && !ch.At.After(to) {
			all = append(all, ch)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		if !all[i].At.Equal(all[j].At) {
			return all[i].At.After(all[j].At)
		}
		return all[i].ID < all[j].ID
	})
	return all
}
