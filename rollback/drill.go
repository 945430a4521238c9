package rollback

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sickbay/health"
)

// evDrill is a rehearsal; Data.Text says what came of it, Data.Blocked what stood in
// the way.
const evDrill = "drill"

// A DrillStep is one step of a rehearsal.
type DrillStep struct {
	Name string
	OK   bool
	Text string // what was found; with OK false: what stands in the way
}

// Drill walks every step of the ladder but the write, and writes into the journal that
// it did. It changes nothing at the target; where the target's system has a dry run, it
// is asked for one. The error is about the target's name or the journal; what stands in
// the way of a rollback is in the steps.
func (d *Desk) Drill(ctx context.Context, target string, by health.Actor) ([]DrillStep, error) {
	t := d.targets[target]
	if t == nil {
		return nil, fmt.Errorf("there is no rollback target %q; there are: %s", tidy(target, 80), d.listed())
	}
	r := rehearsal{Desk: d, target: t, by: person(by)}
	r.walk(ctx)
	if err := r.remember(); err != nil {
		return r.steps, err
	}
	return r.steps, nil
}

type rehearsal struct {
	*Desk
	target Target
	by     *Person
	steps  []DrillStep
}

func (r *rehearsal) ok(name, format string, args ...any) {
	r.steps = append(r.steps, DrillStep{name, true, fmt.Sprintf(format, args...)})
}

func (r *rehearsal) blocked(name string, err error) {
	r.steps = append(r.steps, DrillStep{name, false, because(err)})
}

func (r *rehearsal) walk(ctx context.Context) {
	info, now := r.target.Info(), time.Now()
	read, cancel := context.WithTimeout(ctx, r.o.Deadline)
	s, err := r.target.Current(read)
	cancel()
	if err != nil {
		r.blocked("read", err)
		return
	}
	r.ok("read", "runs %s; knows %d others", s.Version, len(s.History))
	p, err := r.Plan(ctx, info.Name, "", nil)
	if err != nil {
		r.blocked("plan", err)
		return
	}
	to, _ := find(s.History, p.To)
	r.ok("plan", "%s → %s%s", p.From, p.To, aged(to, now))
	for _, w := range p.Warnings {
		if !strings.HasPrefix(w, "nothing is outside its limit now") { // a rehearsal is for calm days
			r.ok("careful", "%s", w)
		}
	}
	op := operation{plan: p, target: r.target, Rollback: health.Rollback{ID: p.ID, Target: p.Target, From: p.From, To: p.To}}
	if state, why := r.fresh(ctx, op); state != "" {
		r.blocked("look again", fmt.Errorf("%s", why))
	} else {
		r.ok("look again", "nothing has moved between plan and write")
	}
	r.use(p.ID)
	r.local(op, now)
}

func aged(v health.Version, now time.Time) string {
	if v.At.IsZero() {
		return ""
	}
	return ", " + health.Ago(now.Sub(v.At)) + " old"
}

// local are the steps on this host: the lock, what the journal says, and whether it
// can be written.
func (r *rehearsal) local(op operation, now time.Time) {
	if r.o.Journal == nil {
		r.blocked("journal", errNoJournal)
		return
	}
	l, err := takeLocks(r.dir(), r.parts(op.Target), holderNow(health.Actor(*r.by), op.ID))
	if err != nil {
		r.blocked("lock", err)
	} else {
		r.ok("lock", "nobody else is at it on this host")
		if err := r.may(op, now); err != nil {
			r.blocked("cool-down", err)
		} else {
			r.ok("cool-down", "over, and no operation is without an end")
		}
		l.release()
	}
	r.ok("the write", "left out: %s", r.target.Caps().Words)
}

// stumbled is the first thing that stands in the way.
func (r *rehearsal) stumbled() string {
	for _, s := range r.steps {
		if !s.OK {
			return s.Name + ": " + s.Text
		}
	}
	return ""
}

// remember writes the rehearsal into the journal, which is a step of it.
func (r *rehearsal) remember() error {
	info := r.target.Info()
	if r.o.Journal == nil {
		return nil
	}
	d := Data{By: r.by, Service: info.Service, Target: info.Name, Kind: info.Kind, Driver: info.Driver, Sickbay: r.o.Version,
		Text: "rehearsed " + info.Name + ": every step but the write worked"}
	if d.Blocked = r.stumbled(); d.Blocked != "" {
		d.Text = "rehearsed " + info.Name + ": it would not go, " + d.Blocked
	}
	if _, err := r.o.Journal.Append("", evDrill, d); err != nil {
		r.blocked("journal", err)
		return err
	}
	r.ok("journal", "written and on the disk")
	return nil
}

// rehearsed is when each target was last rehearsed, and what came of it.
func rehearsed(lines []Line) map[string]Line {
	last := map[string]Line{}
	for _, l := range lines {
		if l.Ev == evDrill {
			last[l.Data.Target] = l
		}
	}
	return last
}
