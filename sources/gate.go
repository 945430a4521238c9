package sources

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// gate decides when a question may go out: no more at once than there are slots,
// no more a minute than the user allows, none while the server wants peace. And
// when a question fails as all the others would, those that queued behind it are
// not sent: a server in trouble is not asked sixty times what one question tells.
type gate struct {
	slots  chan struct{}
	minute perMinute

	mu    sync.Mutex
	good  time.Time // newest answer, whatever it said
	lost  error     // why there was none since
	since time.Time // when that was noticed
	until time.Time // the server wants peace until then
	busy  string    // what it said
}

func newGate(slots, perMinute int) *gate {
	g := &gate{slots: make(chan struct{}, slots)}
	g.minute.limit = perMinute
	return g
}

// enter waits for its turn. It fails when ctx ends, or with why it is of no use to
// ask now; the others are let go on by leave.
func (g *gate) enter(ctx context.Context) error {
	queued := time.Now()
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := g.closed(queued)
	if err == nil {
		if err = sleep(ctx, time.Until(g.minute.reserve())); err == nil {
			err = g.closed(queued)
		}
	}
	if err != nil {
		g.leave()
	}
	return err
}

func (g *gate) leave() { <-g.slots }

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closed says why somebody who has queued since then need not ask.
func (g *gate) closed(queued time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if left := time.Until(g.until); left > 0 {
		return &Busy{left, fmt.Sprintf("%s until %s", g.busy, g.until.UTC().Format("15:04:05 UTC"))}
	}
	if g.lost != nil && g.since.After(queued) {
		return g.lost
	}
	return nil
}

// answered opens the gate for those who wait.
func (g *gate) answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.good, g.lost = time.Now(), nil
}

// failed closes the gate for those who wait, unless somebody was answered since
// the question that failed went out: then it was the question, not the server.
func (g *gate) failed(began time.Time, err error, always bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if always || g.good.Before(began) {
		g.lost, g.since = err, time.Now()
	}
}

// peace closes the gate for a time.
func (g *gate) peace(d time.Duration, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until, g.busy = time.Now().Add(d), why
}

// jittered is d and up to a tenth more, so that not everybody comes back at once.
func jittered(d time.Duration) time.Duration { return d + rand.N(d/10+1) }

// perMinute bounds how many questions go out in any minute. They wait; none is
// dropped.
type perMinute struct {
	limit int

	mu   sync.Mutex
	sent []time.Time // when the newest went out or will; a ring once it is full
	next int         // where the oldest of a full ring is
}

// reserve returns when the next question may go out.
func (p *perMinute) reserve() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := time.Now()
	if len(p.sent) < p.limit {
		p.sent = append(p.sent, at)
		return at
	}
	if free := p.sent[p.next].Add(time.Minute); free.After(at) {
		at = free
	}
	p.sent[p.next] = at
	p.next = (p.next + 1) % len(p.sent)
	return at
}

// count says how many went out in the last minute. Of a question that waits, the
// one whose place it takes is counted: it went out less than a minute ago.
func (p *perMinute) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, n := time.Now(), 0
	for n < len(p.sent) { // from the newest backwards
		at := p.sent[(p.next-1-n+2*len(p.sent))%len(p.sent)]
		if now.Sub(at) >= time.Minute {
			break
		}
		n++
	}
	return n
}
