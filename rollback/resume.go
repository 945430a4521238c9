package rollback

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sickbay/health"
)

// forgotten is how old the newest step of another host's operation must be
// before this one takes it up: locks do not reach across hosts.
const forgotten = 10 * time.Minute

func (d *Desk) dir() string { return filepath.Dir(d.o.Journal.Path()) }

// replay reads the journal as operations, oldest first.
func (d *Desk) replay() []operation {
	if d.o.Journal == nil {
		return nil
	}
	return replay(d.o.Journal.Lines(), d.o.Journal.when)
}

func replay(lines []Line, when func(Line) time.Time) []operation {
	var ops []operation
	at := map[string]int{}
	for _, l := range lines {
		i, known := at[l.Op]
		switch {
		case l.Op == "":
		case l.Ev == string(health.OpPlanned) && !known:
			at[l.Op] = len(ops)
			ops = append(ops, begun(l, when))
		case known:
			ops[i] = ops[i].after(l, when)
		}
	}
	return ops
}

// begun is the operation that a "planned" line began.
func begun(l Line, when func(Line) time.Time) operation {
	e, x := l.entry(), l.Data
	p := health.Plan{ID: l.Op, Target: x.Target, Service: x.Service, Kind: x.Kind, Driver: x.Driver, From: x.From, To: x.To,
		Token: x.Token, Diff: x.Diff, Warnings: x.Warnings, At: l.TS, Expires: l.TS, Symptoms: toSymptoms(x.Symptoms)}
	return operation{by: x.By, plan: p, host: l.Host, pid: l.PID, last: when(l), Rollback: health.Rollback{
		ID: l.Op, Service: x.Service, Target: x.Target, Kind: x.Kind, From: x.From, To: x.To,
		By: e.By, Reason: x.Reason, State: health.OpPlanned, At: l.TS,
	}}
}

// after is the operation one line later. Events of a newer sickbay are passed
// over: what they mean is not known here.
func (op operation) after(l Line, when func(Line) time.Time) operation {
	if l.Ev == evNotice {
		op.Told = append(slices.Clip(op.Told), l.told())
	}
	if !isState(l.Ev) {
		return op
	}
	op.State, op.Text, op.host, op.pid, op.last = health.OpState(l.Ev), l.Data.Text, l.Host, l.PID, when(l)
	op.Until = l.Data.Until
	switch op.State {
	case health.OpSending:
		op.sent = when(l)
	case health.OpApplied:
		op.Applied = when(l)
	}
	if l.Data.Readings != nil {
		op.Readings = toReadings(op.plan.Symptoms, l.Data.Readings)
		op.Proof = proofOf(op.Readings)
	}
	return op
}

func isState(ev string) bool {
	switch health.OpState(ev) {
	case health.OpPlanned, health.OpSending, health.OpAccepted, health.OpUnknown, health.OpApplied, health.OpRecovered,
		health.OpNotRecovered, health.OpUnproven, health.OpNotApplied, health.OpMoved, health.OpRefused, health.OpDenied,
		health.OpFailed, health.OpAbandoned, health.OpPartial:
		return true
	}
	return false
}

// adopt takes up operations that have no end and nobody at them: those of a
// process that died. It never sends anything.
func (c *clerk) adopt(ctx context.Context, w Witness) {
	if c.o.Journal == nil || c.o.Journal.Refresh() != nil || c.o.Journal.Err() != nil {
		return
	}
	for _, op := range c.replay() {
		_, mine := c.own[op.ID]
		target := c.targets[op.Target]
		if mine || op.State.Ended() || target == nil || !c.ownerless(op) {
			continue
		}
		l, err := takeLocks(c.dir(), c.parts(op.Target), holderNow(Me(), op.ID))
		if err != nil {
			continue // its process is at it
		}
		op, ok := c.newest(op.ID) // it may have ended before the lock was ours
		if !ok || op.State.Ended() {
			l.release()
			continue
		}
		op.target, op.locks = target, l
		c.takeUp(ctx, w, op)
	}
}

func (c *clerk) ownerless(op operation) bool {
	host, _ := os.Hostname()
	return op.host == host || time.Since(op.last) > forgotten
}

func (c *clerk) newest(id string) (operation, bool) {
	if c.o.Journal.Refresh() != nil {
		return operation{}, false
	}
	for _, op := range c.replay() {
		if op.ID == id {
			return op, true
		}
	}
	return operation{}, false
}

// takeUp goes on with an operation where the journal leaves it: what was only
// planned was never sent; what was being sent may have happened.
func (c *clerk) takeUp(ctx context.Context, w Witness, op operation) {
	var err error
	switch op.State {
	case health.OpPlanned:
		op, err = c.step(op, health.OpAbandoned, "sickbay ended before anything was sent", "")
	case health.OpSending, health.OpAccepted:
		op, err = c.step(op, health.OpUnknown, "sickbay ended before it could read back what runs; asking the target, sending nothing", "")
	}
	if err != nil {
		op.Text += " — NOT IN THE JOURNAL: " + because(err)
	}
	if op.State.Ended() {
		op.locks.release()
		c.own[op.ID] = op.Rollback
		return
	}
	c.launch(ctx, w, op)
}
