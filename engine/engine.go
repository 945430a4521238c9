// Package engine is the only room that knows what time it is: it asks the
// sources, remembers their answers, lets triage judge them and publishes
// snapshots. One goroutine, in Run, changes its state; everybody else gets
// values.
package engine

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"sickbay/health"
	"sickbay/logs"
	"sickbay/packs"
	"sickbay/rollback"
	"sickbay/sources"
	"sickbay/triage"
)

// Desk is what the engine needs of the rollback room.
type Desk interface {
	Run(ctx context.Context, w rollback.Witness)
	Targets() []health.Target
	Plan(ctx context.Context, target, to string, symptoms []health.Symptom) (health.Plan, error)
	Submit(o health.Order) (string, error)
	Operations() []health.Rollback
	Entries(n int) []health.Entry
	Changed() <-chan struct{}
}

// Override is what the user says of one service.
type Override struct {
	Name   string
	Kind   health.Kind
	Match  []string // label values that are this service; empty: Name
	Limits map[string]health.Limit
	Hide   []string            // signals nobody wants to see
	Link   health.LinkTemplate // to a request in the UI of the log or tracing system

	Objectives map[string]float64 // share of good requests that was promised, by signal
	DependsOn  []string           // services it leans on, besides those that labels tell of
	Ignore     []string           // rules that judge nothing of it, of health.Rules
}

// Options make an engine. Zero durations get the defaults of New.
type Options struct {
	Sources   []sources.Source
	Packs     []*packs.Pack
	Services  []Override
	Desk      Desk
	Base      time.Duration // window of every judgement, whatever is looked at
	Refresh   time.Duration
	Rate      time.Duration // range of rate()
	DriftSpan time.Duration // length of the windows that are compared
	DriftBack time.Duration // how much earlier each reference is, for health.Earlier
	// DriftAgainst is what distributions are compared with where nobody chose: days,
	// week, deployment or earlier; "": earlier where DriftBack is set, else days.
	DriftAgainst health.Reference
	Baseline     string // file of the pinned windows; "": they are not kept
	Write        bool
	Redact       health.Redactor // masks secrets in what failures, alerts and sources say
	Now          func() time.Time
}

func (o *Options) defaults() {
	for _, d := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&o.Base, time.Hour}, {&o.Refresh, 10 * time.Second}, {&o.Rate, time.Minute},
		{&o.DriftSpan, 15 * time.Minute},
	} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
	if o.DriftAgainst == "" {
		if o.DriftAgainst = health.SameHour; o.DriftBack > 0 {
			o.DriftAgainst = health.Earlier
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// An Engine answers the wishes of its viewers.
type Engine struct {
	o    Options
	poke chan struct{}

	mu      sync.Mutex // guards viewers: the only state others may touch
	viewers map[*Viewer]bool

	live atomic.Pointer[health.Snapshot] // newest judged live snapshot, for the witness

	answers    chan answer
	batches    chan batch
	plans      chan planned
	traces     chan traced
	examples   chan exemplary
	remembered chan remembered
	rereads    chan content

	// The rest belongs to Run's goroutine.
	asked    []*asked // sources that answer questions
	tails    []*tail  // sources that are followed
	frames   map[frameKey]*frame
	facts    map[factKey]*fact
	rows     map[rowKey]*row
	expanded map[template]string // queries as they are sent
	inflight map[string]bool
	views    map[moment]*judgement
	pins     *pins

	drifting    map[viewKey]*comparisons
	driftHeard  uint64 // answers about what is compared
	detailHeard uint64 // and about what is only told of it

	shown    map[health.Lens]*health.Snapshot
	records  logs.Store
	contents map[contentKey]*content // of records that are open
	unread   []health.Request        // that are open, and whose content nobody reads yet
	watchman watchman
	tallies  tallies
	grouper  *logs.Grouper
	grouped  map[grouping][]health.Failure
	inCommon map[sharingKey]sharing
	safe     map[string]string // texts, and what may be shown of them
	changes  changeLog
	planning map[string]health.Planned
	lookups  map[string]*lookup // traces, by Request.Trace
	slowest  map[exemplified]*exemplars
	bygones  map[moment]*bygone
	tracing  int           // how many sources are being asked for one
	called   map[call]bool // who called whom in traces that were opened
	load     health.Load
	version  uint64
	rate     time.Duration // range of rate(): the configured one, or as long as the scrapes need
	scraped  time.Duration // shortest time between two scrapes, of all sources; 0: not known
	dirty    bool
	held     time.Time     // something has been dirty since; zero: nobody has waited for it yet
	slowdown time.Duration // how much longer than Options.Refresh to wait
}

// A moment is what is judged: now (zero), or a time the clock was set to.
type moment = time.Time

// A judgement is what triage made of one moment.
type judgement struct {
	services []health.Service
	memory   triage.Memory
	detected detected
	whole    bool // everything it needs was answered, or failed, at least once
	used     time.Time
}

// New makes an engine that has not asked anybody yet.
func New(o Options) *Engine {
	o.defaults()
	e := &Engine{
		o: o, poke: make(chan struct{}, 1), viewers: map[*Viewer]bool{},
		answers: make(chan answer), batches: make(chan batch), plans: make(chan planned), traces: make(chan traced), rereads: make(chan content), contents: map[contentKey]*content{}, lookups: map[string]*lookup{}, slowest: map[exemplified]*exemplars{}, examples: make(chan exemplary), remembered: make(chan remembered), bygones: map[moment]*bygone{}, called: map[call]bool{},
		frames: map[frameKey]*frame{}, facts: map[factKey]*fact{}, rows: map[rowKey]*row{}, drifting: map[viewKey]*comparisons{},
		pins: openPins(o.Baseline), expanded: map[template]string{}, inflight: map[string]bool{},
		views: map[moment]*judgement{}, shown: map[health.Lens]*health.Snapshot{},
		planning: map[string]health.Planned{}, grouped: map[grouping][]health.Failure{},
		grouper: logs.NewGrouper(), inCommon: map[sharingKey]sharing{}, safe: map[string]string{},
	}
	for _, s := range o.Sources {
		if l, ok := s.(sources.Logs); ok {
			e.tails = append(e.tails, &tail{source: l, state: describeLog(s)})
			continue
		}
		e.asked = append(e.asked, newAsked(s))
	}
	e.load.Refresh, e.rate = o.Refresh, o.Rate
	return e
}

// Run asks, remembers and publishes until ctx ends, and returns when everything
// it started has ended. The sources are closed by whoever opened them.
func (e *Engine) Run(ctx context.Context) {
	var started sync.WaitGroup
	defer started.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	for _, t := range e.tails {
		started.Go(func() { e.follow(ctx, t) })
	}
	var deskChanged <-chan struct{}
	if e.o.Desk != nil {
		deskChanged = e.o.Desk.Changed()
		started.Go(func() { e.o.Desk.Run(ctx, e.witness) })
	}
	next := time.NewTimer(0)
	defer next.Stop()
	settle := time.NewTimer(time.Hour)
	defer settle.Stop()

	begun := e.o.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			e.refresh(ctx, &started)
			next.Reset(e.untilNext())
		case <-e.poke:
			if e.attend(ctx, &started, true); e.dirty && !e.early(begun) {
				e.publish() // somebody turned to something else: what is known comes at once
			}
		case a := <-e.answers:
			if e.take(a); a.q.to.out == 0 || a.q.past {
				e.goOn(ctx, &started, a.q.to)
			}
		case b := <-e.batches:
			if e.read(b); b.CaughtUp || b.ended != nil {
				e.lookBack(ctx, &started, e.wishes())
			}
		case p := <-e.plans:
			e.planning[p.key] = p.Planned
			e.publish()
		case t := <-e.traces:
			e.takeTrace(t)
			e.lookUpTraces(ctx, &started, e.wishes())
			e.publish()
		case r := <-e.remembered:
			e.takeBygone(r)
			e.lookBack(ctx, &started, e.wishes())
			e.publish()
		case x := <-e.examples:
			e.takeExemplars(x)
			e.publish()
		case c := <-e.rereads:
			e.takeContent(c)
			e.publish()
		case <-deskChanged:
			e.publish()
		case <-settle.C:
			if e.early(begun) {
				settle.Reset(together)
				continue
			}
			e.publish()
		}
		e.readAgain(ctx, &started)
		if e.dirty && e.quiet() {
			e.publish()
		}
		switch {
		case e.dirty:
			settle.Reset(e.untilShown())
		default: // values age although nobody is asked: during a slow refresh too
			settle.Reset(e.o.Refresh)
		}
	}
}

// together is how long answers are collected before they are shown, so that one
// refresh is one burst of bytes and one hung query holds nobody up.
const together = 400 * time.Millisecond

// How long answers are held back while more keep coming in: until all is there for the
// first time, somebody waits.
const (
	longestHeld = 3 * time.Second
	firstHeld   = time.Second
)

// untilShown is how much longer to wait for answers that may still come.
func (e *Engine) untilShown() time.Duration {
	now := e.o.Now()
	if e.held.IsZero() {
		e.held = now
	}
	longest := firstHeld
	if j := e.views[moment{}]; j != nil && j.whole {
		longest = longestHeld
	}
	return max(min(together, e.held.Add(longest).Sub(now)), 0)
}

// firstPicture is how long the first picture waits for answers that are still out.
const firstPicture = 1500 * time.Millisecond

// early says that the first answers are still coming in: half of them would make
// everybody look unknown.
func (e *Engine) early(begun time.Time) bool {
	return e.views[moment{}] == nil && !e.quiet() && e.o.Now().Sub(begun) < firstPicture
}

// quiet says that no question is out.
func (e *Engine) quiet() bool { return len(e.inflight) == 0 }

// untilNext aligns refreshes to the clock, so that all lenses step together.
func (e *Engine) untilNext() time.Duration {
	every := e.o.Refresh + e.slowdown
	e.load.Refresh = every
	now := e.o.Now()
	wait := max(now.Truncate(every).Add(every).Sub(now), 10*time.Millisecond)
	if e.slowdown > 0 { // not everybody who was asked to slow down comes back at once
		wait += rand.N(e.slowdown/4 + 1)
	}
	return wait
}

// refresh is one beat: what became due is asked, what came in by logs is shown.
func (e *Engine) refresh(ctx context.Context, started *sync.WaitGroup) {
	e.pace()
	for _, a := range e.asked {
		a.beat()
	}
	e.load.LastRound, e.load.Samples, e.load.RoundTook = 0, 0, 0
	e.attend(ctx, started, true)
	e.dirty = true
}

// goOn asks a source that has answered everything what its answers made possible to
// ask. If that is nothing, what was due in the meantime is asked, after what is known
// was shown.
func (e *Engine) goOn(ctx context.Context, started *sync.WaitGroup, a *asked) {
	e.attend(ctx, started, false)
	if a.out > 0 || !a.owed {
		return
	}
	if e.quiet() {
		e.publish()
	}
	e.attend(ctx, started, true)
}

// pace slows the refresh down while answers take longer than it, and says so.
func (e *Engine) pace() {
	var worst time.Duration
	var who, why string
	for _, a := range e.asked {
		if a.busy > 0 { // answered 429 or 503
			worst, who, why = max(worst, e.o.Refresh+e.slowdown), a.state.Name, "asked us to slow down"
		} else if took := a.busyFor(e.o.Now()); took > worst {
			worst, who, why = took, a.state.Name, "needs "+health.Format(health.Seconds, took.Seconds())+" a round"
		}
	}
	switch every := e.o.Refresh + e.slowdown; {
	case worst >= every && e.slowdown < 2*time.Minute:
		e.slowdown = min(max(2*e.slowdown, e.o.Refresh), 2*time.Minute)
	case worst < every/4 && e.slowdown > 0:
		if e.slowdown /= 2; e.slowdown < e.o.Refresh/2 {
			e.slowdown = 0
		}
	}
	if e.load.RefreshWhy = ""; e.slowdown > 0 && who != "" {
		e.load.RefreshWhy = who + " " + why
	}
}

// attend asks what is missing for what the viewers look at; what was answered before,
// only if again says so.
func (e *Engine) attend(ctx context.Context, started *sync.WaitGroup, again bool) {
	wishes := e.wishes()
	for _, q := range e.missing(wishes, again) {
		if e.inflight[q.key()] || q.past && q.to.dug >= pastAtOnce { // another lens has just asked it, or it has to wait
			continue
		}
		e.inflight[q.key()] = true
		q.to.sent(q, e.o.Now())
		e.load.Queries++
		e.load.LastRound++
		started.Go(func() { e.ask(ctx, q) })
	}
	e.considerPlans(ctx, started, wishes)
	e.lookUpTraces(ctx, started, wishes)
	e.lookUpExemplars(ctx, started, wishes)
	e.lookBack(ctx, started, wishes)
	e.serve(wishes)
}

// witness reads symptoms for the rollback room: from the newest live snapshot, and
// by counting what was logged.
func (e *Engine) witness(service string, since time.Time, symptoms []health.Symptom) []health.Reading {
	snap := e.live.Load()
	if snap == nil {
		snap = &health.Snapshot{}
	}
	s, _ := snap.Service(service)
	readings := triage.Readings(s, since, snap.Rate, symptoms)
	for i, symptom := range symptoms {
		if symptom.Signal == triage.FailingSignal {
			readings[i] = triage.FailingNow(symptom, e.counter(service), since, e.o.Now())
		}
	}
	return readings
}

// counter counts the logged requests of a service.
func (e *Engine) counter(service string) triage.Counter {
	names := e.labelsOf(service)
	return func(from, to time.Time) health.Tally { return e.tallies.count(names, from, to) }
}
