package rollback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sickbay/health"
)

// minReason is how many characters a reason needs: enough for a word that
// somebody else can use tomorrow.
const minReason = 10

var errUsed = errors.New("nothing was done: this plan was not made here, or it has been used; make a new one")

var errNoJournal = errors.New("nothing was done: there is no journal to write it down")

// An operation is one rollback on its way up the ladder.
type operation struct {
	health.Rollback
	by   *Person
	plan health.Plan
	sent time.Time // when the request left; zero: not yet
	host string    // whose process did the newest step
	pid  int       // that process; 0: not known
	last time.Time // when that was

	overrode string // what was typed to go on within the cool-down; "": it was over

	target Target
	locks  locks
	looks  int                  // looks in a row at which all was within its limit
	newest map[string]time.Time // sample of each symptom at the last such look
}

// check holds an order against everything that can be known without asking
// anybody, and completes it with the plan as it was issued.
func (d *Desk) check(o *health.Order, now time.Time) error {
	switch {
	case o.Do != health.DoRollback:
		return fmt.Errorf("nothing was done: unknown order %q", tidy(string(o.Do), 40))
	case !d.o.Write:
		return errReadOnly
	case d.o.Journal == nil:
		return errNoJournal
	case d.targets[o.Plan.Target] == nil:
		return fmt.Errorf("nothing was done: there is no rollback target %q", tidy(o.Plan.Target, 80))
	}
	if err := d.o.Journal.Err(); err != nil {
		return fmt.Errorf("nothing was done: %w", err)
	}
	p, ok := d.issued(o.Plan.ID)
	switch {
	case !ok || p.Target != o.Plan.Target || p.From != o.Plan.From || p.To != o.Plan.To || p.Token != o.Plan.Token:
		return errUsed
	case now.After(p.Expires):
		return fmt.Errorf("nothing was done: the plan is %s old and holds for %s; make a new one",
			health.Ago(now.Sub(p.At)), health.Ago(p.Expires.Sub(p.At)))
	case o.Typed != p.Target:
		return fmt.Errorf("nothing was done: to confirm, type the name of the target: %s", p.Target)
	case o.Override != "" && o.Override != overrideWords:
		return fmt.Errorf("nothing was done: to go on within the cool-down, type: %s", overrideWords)
	}
	o.Reason = strings.TrimSpace(o.Reason)
	if n := utf8.RuneCountInString(o.Reason); n < minReason {
		return fmt.Errorf("nothing was done: the reason has %d characters and needs %d", n, minReason)
	}
	o.Plan = p
	return nil
}

// start climbs the rungs that need the desk's state: nobody else at the target,
// cool-down over, and the order on disk. Then it lets the operation go.
func (c *clerk) start(ctx context.Context, w Witness, o health.Order) error {
	p := o.Plan
	for _, r := range c.own {
		if c.overlap(r.Target, p.Target) && !r.State.Ended() {
			return fmt.Errorf("nothing was done: %s is busy: %s by %s is %s", r.Target, r.ID, r.Whose(), r.State)
		}
	}
	if _, ok := c.issued(p.ID); !ok {
		return errUsed // the same order twice, and the first has ended already
	}
	by := person(o.By)
	l, err := takeLocks(c.dir(), c.parts(p.Target), holderNow(health.Actor(*by), p.ID))
	if err != nil {
		return fmt.Errorf("nothing was done: %w", err)
	}
	op := operation{by: by, plan: p, target: c.targets[p.Target], locks: l, host: by.Host, overrode: o.Override, Rollback: health.Rollback{
		ID: p.ID, Service: p.Service, Target: p.Target, Kind: p.Kind, From: p.From, To: p.To,
		By: Who(health.Actor(*by)), Reason: redact(o.Reason), At: time.Now(),
	}}
	if err := c.may(op, time.Now()); err != nil {
		l.release()
		return fmt.Errorf("nothing was done: %w", err)
	}
	op, err = c.step(op, health.OpPlanned, "checking that nothing has moved since", o.Typed)
	if err != nil {
		l.release()
		return fmt.Errorf("nothing was done: %w", err)
	}
	c.use(p.ID)
	c.launch(ctx, w, op)
	return nil
}

func (c *clerk) launch(ctx context.Context, w Witness, op operation) {
	c.own[op.ID] = op.Rollback
	c.writing.Go(func() { c.climb(ctx, w, op) })
}

// may asks the journal, under the target's lock: is there an operation without
// an end, and is the cool-down over?
func (d *Desk) may(op operation, now time.Time) error {
	if err := d.o.Journal.Refresh(); err != nil {
		return err
	}
	var latest operation
	for _, before := range d.replay() {
		switch {
		case !d.overlap(before.Target, op.Target):
		case !before.State.Ended():
			return fmt.Errorf("%s is busy: %s by %s is %s and has no end yet", before.Target, before.ID, before.By, before.State)
		case !before.Applied.IsZero():
			latest = before
		}
	}
	if left := d.cooling(latest, op.To, now); left > 0 && op.overrode != overrideWords {
		return fmt.Errorf("%s was rolled back %s ago; wait %s more, undo it by going to %s, or type: %s (on the command line --override-cool-down)",
			op.Target, health.Ago(now.Sub(latest.Applied)), health.Ago(left), latest.From, overrideWords)
	}
	return nil
}

// overrideWords is what has to be typed to go on within the cool-down.
const overrideWords = "override cool-down"

// toOverride is what has to be typed for a plan besides the target's name.
func (d *Desk) toOverride(p health.Plan) string {
	for _, before := range slices.Backward(d.replay()) {
		if d.overlap(before.Target, p.Target) && !before.Applied.IsZero() {
			if d.cooling(before, p.To, time.Now()) > 0 {
				return overrideWords
			}
			return ""
		}
	}
	return ""
}

// cooling is how long a target has to be left alone after a rollback; undoing
// it is allowed at once.
func (d *Desk) cooling(before operation, to string, now time.Time) time.Duration {
	if to == before.From || d.o.CoolDown < 0 {
		return 0
	}
	return before.Applied.Add(d.o.CoolDown).Sub(now)
}

// fromHistory are the warnings that follow from what was done before.
func (d *Desk) fromHistory(p health.Plan) []string {
	var w []string
	now, newest := time.Now(), true
	for _, before := range slices.Backward(d.replay()) {
		if before.Target != p.Target || before.Applied.IsZero() {
			continue
		}
		if newest {
			if left := d.cooling(before, p.To, now); left > 0 {
				w = append(w, fmt.Sprintf("rolled back %s ago: wait %s more", health.Ago(now.Sub(before.Applied)), health.Ago(left)))
			}
			newest = false
		}
		if before.From == p.To {
			return append(w, fmt.Sprintf("%s was itself rolled back %s ago by %s: %s",
				p.To, health.Ago(now.Sub(before.Applied)), before.By, before.Reason))
		}
	}
	return w
}

// climb carries an operation on until it ends or ctx does.
//
//	planned ─send─► accepted ┐
//	    │              │     ├─ask─► applied ─look─► recovered · not recovered · unproven
//	    │              ▼     │  └──► not applied · moved by other
//	    │           unknown ─┘
//	    └─► moved by other · refused · denied · failed · abandoned · partial
func (d *Desk) climb(ctx context.Context, w Witness, op operation) {
	for !op.State.Ended() && ctx.Err() == nil {
		switch op.State {
		case health.OpPlanned:
			op = d.send(ctx, op)
		case health.OpApplied:
			op = d.look(ctx, w, op)
		default:
			op = d.ask(ctx, op)
		}
	}
	op.locks.release() // before the news: who hears of the end may order again
	d.tell(op)
	d.tellAll(ctx, op)
}

// tell lets Run know how far an operation has come.
func (d *Desk) tell(op operation) {
	select {
	case d.news <- op:
	case <-d.gone:
	}
}

// say moves an operation to another state, in the journal first. A line that
// cannot be written after the request has left does not undo what happened: it
// is kept in memory and said loudly.
func (d *Desk) say(op operation, state health.OpState, text string) operation {
	next, err := d.step(op, state, text, "")
	if err != nil {
		next.Text += " — NOT IN THE JOURNAL: " + because(err)
	}
	d.tell(next)
	return next
}

// step writes one step of an operation into the journal.
func (d *Desk) step(op operation, state health.OpState, text, typed string) (operation, error) {
	op.State, op.Text = state, text
	if state.Ended() {
		op.Until = time.Time{}
		op.Told = d.toTell(op)
	}
	data := Data{By: op.by, Service: op.Service, Target: op.Target, Text: text, Until: op.Until, Sickbay: d.o.Version}
	if state == health.OpPlanned {
		p := op.plan
		data.Kind, data.Driver, data.From, data.To, data.Token = p.Kind, p.Driver, p.From, p.To, p.Token
		data.Reason, data.Typed, data.Override, data.Diff, data.Warnings = op.Reason, typed, op.overrode, p.Diff, p.Warnings
		data.Symptoms = fromSymptoms(p.Symptoms)
	} else {
		data.From, data.To, data.Readings = op.From, op.To, fromReadings(op.Readings)
	}
	if state == health.OpPlanned || state.Ended() {
		data.Lineage = d.lineage(op)
	}
	_, err := d.o.Journal.Append(op.ID, string(state), data)
	return op, err
}

// lineage is what every target of the service runs, as last seen: model, prompt, index
// and data that answers were made of.
func (d *Desk) lineage(op operation) map[string]string {
	runs := map[string]string{}
	for _, t := range d.Targets() {
		if t.Service == op.Service && t.Current != "" {
			runs[t.Name] = t.Current
		}
	}
	if op.State == health.OpPlanned {
		runs[op.Target] = op.From
	}
	return runs
}

// send compares once more, writes down that it is going to, and makes the one
// attempt.
func (d *Desk) send(ctx context.Context, op operation) operation {
	if state, why := d.fresh(ctx, op); state != "" {
		return d.say(op, state, "nothing was sent: "+why)
	}
	now := time.Now()
	sending, err := d.step(op, health.OpSending, "asking "+op.Target+" to go to "+op.To, "")
	if err != nil {
		op.State, op.Text = health.OpFailed, "nothing was sent: "+because(err)
		return op
	}
	op = sending
	op.sent = now
	d.tell(op)
	// From here on nobody's leaving cancels it: a request cut off half way is
	// the worst of all answers.
	write, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(d.o.Deadline, op.target.Caps().Deadline))
	defer cancel()
	err = op.target.Execute(reporting(write, d.steps(op)), op.plan, op.ID, op.Reason)
	switch {
	case errors.Is(err, ErrPartial):
		return d.say(op, health.OpPartial, because(err))
	case err == nil:
		return d.say(op, health.OpAccepted, "the request was taken; reading back what runs")
	case errors.Is(err, ErrMoved):
		return d.say(op, health.OpRefused, because(err))
	case errors.Is(err, ErrDenied):
		return d.say(op, health.OpDenied, because(err))
	case errors.Is(err, ErrFailed):
		return d.say(op, health.OpFailed, because(err))
	}
	return d.say(op, health.OpUnknown, "it may have happened: "+because(err)+"; asking the target every 10 s")
}

// steps writes down what a bundle is about to do, and has done, in the middle of its
// one attempt.
func (d *Desk) steps(op operation) func(text string) error {
	return func(text string) error {
		_, err := d.o.Journal.Append(op.ID, evStep, Data{By: op.by, Service: op.Service, Target: op.Target, Text: text, Sickbay: d.o.Version})
		if err == nil {
			op.Text = text
			d.tell(op)
		}
		return err
	}
}

type reporter struct{}

// reporting lets what runs under ctx say how far it has come. It does nothing more
// when that cannot be written down.
func reporting(ctx context.Context, say func(text string) error) context.Context {
	return context.WithValue(ctx, reporter{}, say)
}

func report(ctx context.Context, format string, args ...any) error {
	if say, ok := ctx.Value(reporter{}).(func(string) error); ok {
		return say(fmt.Sprintf(format, args...))
	}
	return nil
}

// parts are a target and, of a bundle, what it rolls back.
func (d *Desk) parts(name string) []string {
	names := []string{name}
	if b, ok := d.targets[name].(*bundleTarget); ok {
		names = append(names, b.c.Targets...)
	}
	return names
}

// overlap says whether two targets are one, or one is a part of the other.
func (d *Desk) overlap(a, b string) bool {
	theirs := d.parts(b)
	return slices.ContainsFunc(d.parts(a), func(n string) bool { return slices.Contains(theirs, n) })
}

// fresh reads the target again: is it still what the plan was made on? An empty
// state means yes.
func (d *Desk) fresh(ctx context.Context, op operation) (health.OpState, string) {
	read, cancel := context.WithTimeout(ctx, d.o.Deadline)
	defer cancel()
	s, err := op.target.Current(read)
	switch {
	case ctx.Err() != nil:
		return health.OpAbandoned, "sickbay was closed"
	case errors.Is(err, ErrDenied):
		return health.OpDenied, because(err)
	case err != nil:
		return health.OpFailed, because(err)
	case s.Version != op.From:
		return health.OpMoved, fmt.Sprintf("%s runs %s now, the plan was made on %s", op.Target, tidy(s.Version, 60), op.From)
	case s.Token != op.plan.Token:
		return health.OpMoved, op.Target + " was changed since the plan was made"
	case s.Blocked != "":
		return health.OpRefused, op.Target + " is blocked: " + tidy(s.Blocked, 160)
	}
	return "", ""
}
