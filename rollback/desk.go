package rollback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sickbay/health"
)

// DeskOptions is what a desk works with. A zero duration means its default; a
// negative CoolDown means none.
type DeskOptions struct {
	Targets []Target
	Journal *Journal // nil: nothing can be done, only looked at
	Notices []Notice // who is told of the end of an operation
	Write   bool     // false: read-only
	Version string   // of sickbay, for the journal

	CoolDown time.Duration // between rollbacks of one target, but for undoing one; 5 m
	Deadline time.Duration // of one request to a target; 15 s
	Settle   time.Duration // until a target must run what it was told; 2 m
	Ask      time.Duration // between two questions what runs, after an answer was lost; 10 s
	Watch    time.Duration // until the symptoms must be gone; 5 m
	Look     time.Duration // between two looks at the symptoms; 5 s
	Refresh  time.Duration // between two looks at the targets; 15 s
}

func (o DeskOptions) withDefaults() DeskOptions {
	for _, d := range []struct {
		of *time.Duration
		is time.Duration
	}{
		{&o.CoolDown, 5 * time.Minute}, {&o.Deadline, 15 * time.Second}, {&o.Settle, 2 * time.Minute}, {&o.Ask, 10 * time.Second},
		{&o.Watch, 5 * time.Minute}, {&o.Look, 5 * time.Second}, {&o.Refresh, 15 * time.Second},
	} {
		if *d.of == 0 {
			*d.of = d.is
		}
	}
	return o
}

// A Desk is where rollbacks are ordered. Run is the one goroutine that changes
// its state; each operation has a goroutine of its own, which tells Run how far
// it has come:
//
//	Submit ──order──► Run ──start──► climb: send, ask, look ──news──► Run ──► Operations
//	                   └── journal: planned       └── journal: every step
type Desk struct {
	o       DeskOptions
	targets map[string]Target // by name; never changed
	names   []string          // in the order of the config

	orders  chan order
	news    chan operation
	seen    chan sighting
	gone    chan struct{} // closed when Run has returned
	begun   atomic.Bool
	changed chan struct{}
	writing sync.WaitGroup // operations that have not ended or been let go

	view atomic.Pointer[view] // what everybody else sees

	issue sync.Mutex
	plans map[string]health.Plan // issued and not yet used, by id
}

// view is published whole and never changed.
type view struct {
	targets []health.Target
	ops     []health.Rollback
}

type order struct {
	health.Order
	answer chan error
}

// NewDesk makes a desk. It starts nothing and asks nobody until Run.
func NewDesk(o DeskOptions) *Desk {
	d := &Desk{
		o: o.withDefaults(), targets: map[string]Target{},
		orders: make(chan order), news: make(chan operation), seen: make(chan sighting),
		gone: make(chan struct{}), changed: make(chan struct{}, 1), plans: map[string]health.Plan{},
	}
	for _, t := range o.Targets {
		name := t.Info().Name
		if d.targets[name] == nil {
			d.targets[name] = t
			d.names = append(d.names, name)
		}
	}
	for _, t := range d.targets {
		if b, ok := t.(*bundleTarget); ok {
			b.bind(d.targets)
		}
	}
	newClerk(d).publish()
	return d
}

// Targets are the targets as last seen, in the order of the config. It never
// blocks; the slice must not be changed.
func (d *Desk) Targets() []health.Target { return d.view.Load().targets }

// Operations are the operations known, newest first: those of this process and
// those in the journal. It never blocks; the slice must not be changed.
func (d *Desk) Operations() []health.Rollback { return d.view.Load().ops }

// Entries are the newest n entries of the journal, newest first. It never blocks.
func (d *Desk) Entries(n int) []health.Entry {
	if d.o.Journal == nil {
		return nil
	}
	return d.o.Journal.Entries(n)
}

// Changed says "look again"; said twice is said once. It has one reader.
func (d *Desk) Changed() <-chan struct{} { return d.changed }

func (d *Desk) poke() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// Plan looks at what going back would mean; it changes nothing, and it works
// without Run. An empty to means the version before the current one.
func (d *Desk) Plan(ctx context.Context, target, to string, symptoms []health.Symptom) (health.Plan, error) {
	t := d.targets[target]
	if t == nil {
		return health.Plan{}, fmt.Errorf("there is no rollback target %q; there are: %s", tidy(target, 80), d.listed())
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Deadline)
	defer cancel()
	p, err := t.Plan(ctx, to)
	if err != nil {
		return health.Plan{}, err
	}
	for _, s := range symptoms {
		if health.Num(s.Limit) != nil { // without a limit there is no telling when it is well
			p.Symptoms = append(p.Symptoms, s)
		}
	}
	p.Warnings = append(append(p.Warnings, d.clocks(target)...), d.fromHistory(p)...)
	p.Override = d.toOverride(p)
	if len(p.Symptoms) == 0 {
		p.Warnings = append(p.Warnings, "nothing is outside its limit now: whether it helped cannot be shown")
	}
	d.remember(p)
	return p, nil
}

// clocks are the warnings that follow from the clocks of those who were just asked.
func (d *Desk) clocks(target string) []string {
	var w []string
	for _, name := range d.parts(target) {
		t, ok := d.targets[name].(interface{ skewed() string })
		if !ok {
			continue
		}
		if words := t.skewed(); words != "" {
			w = append(w, name+": "+words)
		}
	}
	return w
}

func (d *Desk) listed() string {
	if len(d.names) == 0 {
		return "none (add a [[rollback]] section to the config)"
	}
	return strings.Join(d.names, ", ")
}

// remember keeps what was issued, so that only what was planned here is done,
// and only once.
func (d *Desk) remember(p health.Plan) {
	d.issue.Lock()
	defer d.issue.Unlock()
	for id, q := range d.plans {
		if time.Since(q.Expires) > time.Hour {
			delete(d.plans, id)
		}
	}
	d.plans[p.ID] = p
}

func (d *Desk) issued(id string) (health.Plan, bool) {
	d.issue.Lock()
	defer d.issue.Unlock()
	p, ok := d.plans[id]
	return p, ok
}

func (d *Desk) use(id string) {
	d.issue.Lock()
	defer d.issue.Unlock()
	delete(d.plans, id)
}

var (
	errReadOnly = errors.New("read-only: start sickbay with --write to roll back")
	errGone     = errors.New("nothing was done: the desk is closed; start sickbay again")
	errNobody   = errors.New("nothing was done: nobody is at the desk")
)

// Submit takes an order: it checks it, writes it into the journal and returns
// the operation's id; the act goes on by itself and shows in Operations. An
// error means that nothing was done and says why.
func (d *Desk) Submit(o health.Order) (id string, err error) {
	if o.Do == health.DoNote {
		return "", d.Note(o.By, o.Plan.Service, o.Reason)
	}
	if err := d.check(&o, time.Now()); err != nil {
		return "", d.declined(o, err)
	}
	a := order{o, make(chan error, 1)}
	select {
	case d.orders <- a:
	case <-d.gone:
		return "", errGone
	case <-time.After(5 * time.Second):
		return "", errNobody
	}
	if err := <-a.answer; err != nil {
		return "", d.declined(o, err)
	}
	return o.Plan.ID, nil
}

// declined writes down that an order was not carried out, and why: who tried is part
// of the record. It returns why. A sickbay that is read-only tried nothing.
func (d *Desk) declined(o health.Order, why error) error {
	if d.o.Write && d.o.Journal != nil && d.targets[o.Plan.Target] != nil {
		_, _ = d.o.Journal.Append("", evDeclined, Data{By: person(o.By), Service: o.Plan.Service, Target: o.Plan.Target, From: o.Plan.From, To: o.Plan.To,
			Reason: o.Reason, Text: why.Error(), Sickbay: d.o.Version}) // that it cannot be written is why nothing is done, or does not change it
		d.poke()
	}
	return why
}

// Note writes a line into the journal and does nothing else. It is allowed when
// sickbay is read-only.
func (d *Desk) Note(by health.Actor, service, text string) error {
	if d.o.Journal == nil {
		return errNoJournal
	}
	if text = strings.TrimSpace(text); text == "" {
		return errors.New("an empty note was not written")
	}
	if _, err := d.o.Journal.Append("", evNote, Data{By: person(by), Service: service, Text: text, Sickbay: d.o.Version}); err != nil {
		return err
	}
	d.poke()
	return nil
}

func person(a health.Actor) *Person {
	if a == (health.Actor{}) {
		a = Me()
	}
	p := Person(a)
	return &p
}

// Drain waits until no operation's request is in flight any more, or ctx ends.
// Call it after Run has returned and before the process ends: the answer to a
// request that was cut off is unknown.
func (d *Desk) Drain(ctx context.Context) {
	done := make(chan struct{})
	go func() { d.writing.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// clerk is the state of Run: nobody else touches it.
type clerk struct {
	*Desk
	known map[string]health.Target   // as last seen, by name
	own   map[string]health.Rollback // operations of this process, by id
	asked map[string]bool            // targets that are being looked at just now
}

func newClerk(d *Desk) *clerk {
	return &clerk{Desk: d, known: map[string]health.Target{}, own: map[string]health.Rollback{}, asked: map[string]bool{}}
}

type sighting struct {
	name  string
	at    time.Time
	state State
	err   error
}

// Run is the desk at work until ctx ends. It takes up operations that a former
// process left without an end, looks at the targets, and carries out orders; w
// tells how symptoms stand. When ctx ends, a request that is already being sent
// is neither cancelled nor waited for (see Drain). Run works once.
func (d *Desk) Run(ctx context.Context, w Witness) {
	if !d.begun.CompareAndSwap(false, true) {
		return
	}
	defer close(d.gone)
	c := newClerk(d)
	var looking sync.WaitGroup
	defer looking.Wait()
	tick, glance := time.NewTicker(d.o.Refresh), time.NewTicker(glances)
	defer tick.Stop()
	defer glance.Stop()
	c.adopt(ctx, w)
	c.lookAround(ctx, &looking)
	c.publish()
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-d.orders:
			o.answer <- c.start(ctx, w, o.Order)
		case op := <-d.news:
			c.own[op.ID] = op.Rollback
		case s := <-d.seen:
			c.note(s)
		case <-tick.C:
			c.adopt(ctx, w)
			c.lookAround(ctx, &looking)
		case <-glance.C:
			if !c.toldByOthers() {
				continue
			}
			c.adopt(ctx, w)
		}
		c.publish()
	}
}

// glances is how often the journal is looked at for what other sickbays of this host
// have written: what they do has to be seen here before somebody does it as well.
const glances = time.Second

// toldByOthers says whether another process has written into the journal since.
func (c *clerk) toldByOthers() bool { return c.o.Journal != nil && c.o.Journal.grown() }

// lookAround asks every target what it runs; at most one question to each is
// under way.
func (c *clerk) lookAround(ctx context.Context, looking *sync.WaitGroup) {
	for name, t := range c.targets {
		if c.asked[name] {
			continue
		}
		c.asked[name] = true
		looking.Go(func() {
			read, cancel := context.WithTimeout(ctx, c.o.Deadline)
			defer cancel()
			s := sighting{name: name, at: time.Now()} // the answer may be as old as the question
			s.state, s.err = t.Current(read)
			select {
			case c.seen <- s:
			case <-ctx.Done():
			}
		})
	}
}

// note keeps what was seen. An error never takes the last good look with it.
func (c *clerk) note(s sighting) {
	c.asked[s.name] = false
	v := c.known[s.name]
	if s.err != nil {
		v.Blocked = because(s.err)
	} else {
		v.Current, v.Previous, v.Blocked, v.At = s.state.Version, s.state.History, s.state.Blocked, s.at
		v.Ready, v.Back, v.Notice = s.state.Ready, s.state.Back, strings.Join(s.state.Notes, "; ")
	}
	c.known[s.name] = v
}

// publish shows everybody what the clerk knows.
func (c *clerk) publish() {
	v := &view{}
	drills := map[string]Line{}
	if c.o.Journal != nil {
		drills = rehearsed(c.o.Journal.Lines())
	}
	for _, name := range c.names {
		t, seen := c.targets[name].Info(), c.known[name]
		t.Current, t.Previous, t.Blocked, t.At = seen.Current, seen.Previous, seen.Blocked, seen.At
		t.Ready, t.Back, t.Notice = seen.Ready, seen.Back, seen.Notice
		t.Caps = c.targets[name].Caps().Words
		t.Drilled, t.Drill = drills[name].TS, drills[name].Data.Blocked
		v.targets = append(v.targets, t)
	}
	for _, op := range slices.Backward(c.replay()) {
		r := op.Rollback
		if mine, ok := c.own[op.ID]; ok {
			r = mine
		} else if !r.State.Ended() {
			r.Where = fmt.Sprintf("pid %d on %s", op.pid, tidy(op.host, 40))
			if c.targets[op.Target] == nil { // the config has changed since
				r.Text = "no [[rollback]] of this config names " + tidy(op.Target, 80) + ": nobody here can ask what it runs"
			}
		}
		v.ops = append(v.ops, r)
		if len(v.ops) == 100 {
			break
		}
	}
	c.view.Store(v)
	c.poke()
}
