package sources

import (
	"context"
	"strings"
	"sync"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

// An inflow stands between somebody who writes lines and must never be kept
// waiting, and the engine, which may be slow. When too much has come together the
// oldest is dropped and counted.
type inflow struct {
	mu      sync.Mutex
	pages   []page
	bytes   int
	dropped int
	ended   error
	over    bool
	news    chan struct{} // of one
}

// A page is some whole lines of one stream.
type page struct {
	stream string
	lines  string    // each with its end
	came   time.Time // zero: not known
	err    error     // why there are no lines
}

const (
	maxWaiting = 8 << 20 // bytes that wait
	idle       = 250 * time.Millisecond
)

func newInflow() *inflow { return &inflow{news: make(chan struct{}, 1)} }

// push never waits.
func (f *inflow) push(p page) {
	f.mu.Lock()
	f.pages = append(f.pages, p)
	for f.bytes += len(p.lines); f.bytes > maxWaiting && len(f.pages) > 1; {
		f.dropped += strings.Count(f.pages[0].lines, "\n")
		f.bytes -= len(f.pages[0].lines)
		f.pages[0] = page{}
		f.pages = f.pages[1:]
	}
	f.mu.Unlock()
	f.wake()
}

// end says that nothing more comes, and why; nil: there is no more.
func (f *inflow) end(err error) {
	f.mu.Lock()
	f.ended, f.over = err, true
	f.mu.Unlock()
	f.wake()
}

func (f *inflow) wake() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// take returns what has come, how many lines were dropped since, and whether that
// was all.
func (f *inflow) take() (all []page, dropped int, over bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all, dropped = f.pages, f.dropped
	f.pages, f.bytes, f.dropped = nil, 0, 0
	return all, dropped, f.over, f.ended
}

// A reader turns pages of several streams into batches.
type reader struct {
	options logs.Options
	emit    func(Batch)
	words   *logs.Lexicon
	streams map[string]*lineStream
	batch   Batch
	note    string
	caught  bool                                   // everything that was there at the start has come
	behind  int64                                  // bytes that were taken and not read yet
	dress   func(stream string, q *health.Request) // adds what is known of the stream; nil: nothing
}

// maxStreams bounds the streams that are known; the others begin anew.
const maxStreams = 2000

type lineStream struct {
	*logs.Stream
	name string
	came time.Time // when the newest line was written
	used time.Time // when it was read
	bad  int
}

func newReader(o logs.Options, emit func(Batch)) *reader {
	o.Words = logs.NewLexicon()
	return &reader{options: o, emit: emit, words: o.Words, streams: map[string]*lineStream{}}
}

func (r *reader) stream(name string) *lineStream {
	s := r.streams[name]
	if s == nil {
		if len(r.streams) >= maxStreams {
			clear(r.streams)
		}
		o := r.options
		o.Origin = name
		s = &lineStream{Stream: logs.NewStream(o), name: name}
		r.streams[name] = s
	}
	return s
}

// read takes the lines of a page.
func (r *reader) read(p page, now time.Time) {
	for lines := p.lines; lines != ""; {
		var line string
		line, lines, _ = strings.Cut(lines, "\n")
		r.entry(p.stream, line, p.came, now)
	}
}

// entry takes one line, or several that are one entry. at is when it was written, if
// it does not say so itself; zero: now.
func (r *reader) entry(stream, text string, at, now time.Time) {
	s := r.stream(stream)
	if at.IsZero() {
		at = now
	}
	n, held := len(r.batch.Requests), s.Holds()
	r.batch.Lines++
	r.batch.Bytes += int64(len(text)) + 1
	r.batch.Requests = s.Entry(r.batch.Requests, health.Cut(text, maxLine))
	r.date(s, n, at, held)
	s.came, s.used = at, now
	if len(r.batch.Requests) >= maxBatch {
		r.send(now)
	}
}

// rest gives out what is held back of streams that were quiet for a moment.
func (r *reader) rest(now time.Time, all bool) (holds bool) {
	for _, s := range r.streams {
		if !s.Holds() {
			continue
		}
		if !all && now.Sub(s.used) < idle {
			holds = true
			continue
		}
		n := len(r.batch.Requests)
		r.batch.Requests = s.Flush(r.batch.Requests)
		r.date(s, n, s.came, true)
	}
	return holds
}

// date says when records happened that say no time. The first of them may have
// been held back since the line before.
func (r *reader) date(s *lineStream, from int, at time.Time, held bool) {
	r.batch.Bad += s.Bad - s.bad
	s.bad = s.Bad
	for i := from; i < len(r.batch.Requests); i++ {
		q := &r.batch.Requests[i]
		switch {
		case !q.At.IsZero():
		case held && i == from:
			q.At = s.came
		default:
			q.At = at
		}
		if r.dress != nil {
			r.dress(s.name, q)
		}
	}
}

func (r *reader) send(now time.Time) {
	b := r.batch
	r.batch = Batch{}
	b.Note, b.Behind = r.note, r.behind
	r.emit(b)
}

// say sends what there is, with a note, if there is anything to say.
func (r *reader) say(note string, caught bool, now time.Time) {
	changed := note != r.note || caught && !r.caught
	r.note = note
	if caught && !r.caught {
		r.batch.CaughtUp, r.caught = true, true
	}
	if b := &r.batch; changed || len(b.Requests) > 0 || b.Lines > 0 || b.Dropped > 0 {
		r.send(now)
	}
}

// drain reads what flows in until it ends or ctx does. It says what is there at
// the start as soon as nothing comes for a moment.
func (r *reader) drain(ctx context.Context, in *inflow) error {
	return r.drainAs(ctx, in, r.read)
}

// drainAs is drain for pages that are more than lines.
func (r *reader) drainAs(ctx context.Context, in *inflow, read func(p page, now time.Time)) error {
	calm := time.NewTicker(idle)
	defer calm.Stop()
	quiet := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-in.news:
			quiet = 0
		case <-calm.C:
			quiet++
		}
		now := time.Now()
		all, dropped, over, err := in.take()
		r.batch.Dropped += dropped
		for _, p := range all {
			r.behind += int64(len(p.lines))
		}
		for _, p := range all {
			read(p, now)
			r.behind -= int64(len(p.lines))
		}
		r.rest(now, over)
		r.say(r.note, quiet > 1 || over, now)
		if over {
			return err
		}
	}
}
