package rollback

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sickbay/health"
)

// How often a target is asked what it runs after a request was taken, and when
// nobody has been able to tell for long.
const (
	askTaken = 2 * time.Second
	askLong  = time.Minute
)

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// ask reads back what the target runs: nothing else proves a rollback.
func (d *Desk) ask(ctx context.Context, op operation) operation {
	read, cancel := context.WithTimeout(ctx, d.o.Deadline)
	s, err := op.target.Current(read)
	cancel()
	if ctx.Err() != nil {
		return op
	}
	now := time.Now()
	overdue := now.Sub(op.sent) >= max(d.o.Settle, op.target.Caps().Patience)
	next, text := verdict(op, s, err, overdue)
	if b, ok := op.target.(*bundleTarget); ok && next == health.OpMoved {
		next, text = b.verdict(op, s.Version, overdue)
	}
	if next == health.OpApplied {
		return d.applied(op, text, now)
	}
	if next == health.OpNotApplied {
		text = d.fence(ctx, op, text)
	}
	if next != op.State {
		return d.say(op, next, text)
	}
	op.Text = text
	d.tell(op)
	pause(ctx, d.askAgain(op.State, overdue))
	return op
}

// fence makes a request that may still be on its way fail, where the target can do
// that, so that "not applied" is for good. It is a write: it is written down first,
// and not made where sickbay is read-only.
func (d *Desk) fence(ctx context.Context, op operation, text string) string {
	t, can := op.target.(Fencer)
	if !can || !d.o.Write {
		return text
	}
	if _, err := d.o.Journal.Append(op.ID, evFence, Data{By: op.by, Service: op.Service, Target: op.Target,
		Text: "making a late request fail", Sickbay: d.o.Version}); err != nil {
		return text
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Deadline)
	defer cancel()
	if err := t.Fence(ctx, op.plan); err != nil {
		return text + " (it could not be made to fail: " + because(err) + ")"
	}
	return "not applied: " + op.Target + " runs " + op.From + ", and a late request cannot come through any more"
}

func (d *Desk) askAgain(state health.OpState, overdue bool) time.Duration {
	switch {
	case state == health.OpAccepted:
		return min(askTaken, d.o.Ask)
	case overdue:
		return askLong
	}
	return d.o.Ask
}

// verdict says what a look at the target means for an operation that was sent.
// The same state means: ask again. overdue means that a late request has had its
// time.
func verdict(op operation, s State, err error, overdue bool) (health.OpState, string) {
	runs := tidy(s.Version, 60)
	switch {
	case err != nil && overdue:
		return health.OpUnknown, "whether it happened cannot be told: " + because(err)
	case err != nil:
		return op.State, "reading back: " + because(err)
	case s.Version == op.To && s.Ready:
		return health.OpApplied, "read back: " + op.Target + " runs " + op.To
	case s.Version == op.To && overdue:
		return health.OpApplied, "read back: " + op.Target + " runs " + op.To + ", and is still not ready"
	case s.Version == op.To:
		return op.State, op.To + " is there and not ready yet"
	case s.Version == "":
		return op.State, op.Target + " does not say what it runs"
	case s.Version != op.From:
		return health.OpMoved, fmt.Sprintf("%s runs %s, which is neither %s nor %s: somebody else changed it", op.Target, runs, op.From, op.To)
	case overdue:
		return health.OpNotApplied, fmt.Sprintf("not applied so far: %s still runs %s; a late request may yet come through", op.Target, runs)
	}
	return op.State, fmt.Sprintf("%s still runs %s", op.Target, runs)
}

// applied begins the watch, if there is something to be watched.
func (d *Desk) applied(op operation, text string, now time.Time) operation {
	op.Applied = now
	op.Until = now.Add(op.target.Caps().Settle + d.o.Watch)
	op = d.say(op, health.OpApplied, text)
	if len(op.plan.Symptoms) == 0 {
		return d.say(op, health.OpUnproven, op.To+" runs; nothing was ill when it was planned, so whether it helped cannot be shown")
	}
	return op
}

// look waits for the next look at the symptoms and takes it.
func (d *Desk) look(ctx context.Context, w Witness, op operation) operation {
	if other := d.overtaken(op); other != "" {
		return d.say(op, health.OpMoved, "it was applied, and then somebody else changed it: "+op.Target+" runs "+other)
	}
	since := op.Applied.Add(op.target.Caps().Settle)
	if w != nil {
		op.Readings = w(op.Service, since, op.plan.Symptoms)
	}
	op.Readings = newer(op.plan.Symptoms, op.Readings, since)
	op = counted(op)
	op.Proof = proofOf(op.Readings)
	text := op.words()
	switch {
	case op.looks >= op.looksNeeded():
		return d.say(op, health.OpRecovered, text)
	case time.Now().Before(op.Until):
		op.Text = text
		d.tell(op)
		pause(ctx, max(0, min(d.o.Look, time.Until(op.Until))))
		return op
	case op.outside():
		return d.say(op, health.OpNotRecovered, text)
	}
	return d.say(op, health.OpUnproven, text)
}

// looksNeeded is how many looks in a row must find every symptom within its limit:
// one good sample may be luck. A proof by counting requests is none, however often
// it is looked at.
func (op operation) looksNeeded() int {
	if op.Proof != nil {
		return 1
	}
	return 2
}

// overtaken is the version that somebody else has set since, as far as the desk
// has seen.
func (d *Desk) overtaken(op operation) string {
	for _, t := range d.Targets() {
		if t.Name == op.Target && t.At.After(op.Applied) && t.Current != "" && t.Current != op.To {
			return tidy(t.Current, 60)
		}
	}
	return ""
}

// counted counts a look at which all is within its limit. The same samples seen
// again are the same look.
func counted(op operation) operation {
	fresh := map[string]time.Time{}
	again := false
	for _, r := range op.Readings {
		if !r.Within() {
			op.looks, op.newest = 0, nil
			return op
		}
		fresh[r.Symptom.Signal] = r.At
		again = again || !r.At.After(op.newest[r.Symptom.Signal])
	}
	if !again {
		op.looks, op.newest = op.looks+1, fresh
	}
	return op
}

// outside says whether a symptom is known to be still ill. One that is counted by
// too few requests is not known.
func (op operation) outside() bool {
	for _, r := range op.Readings {
		if r.Known && !r.Within() && (r.Proof == nil || r.Proof.Enough()) {
			return true
		}
	}
	return false
}

// words says how the symptoms stand: "quality 0.91, limit 0.80: within, 1 of 2
// looks".
func (op operation) words() string {
	var parts []string
	all := true
	for _, r := range op.Readings {
		parts = append(parts, readingWords(r))
		all = all && r.Within()
	}
	text := strings.Join(parts, "; ")
	if n := op.looksNeeded(); all && n > 1 {
		text += fmt.Sprintf(", %d of %d looks", op.looks, n)
	}
	return text
}

func readingWords(r health.Reading) string {
	s := r.Symptom
	name := s.Title
	if name == "" {
		name = s.Signal
	}
	switch {
	case !r.Known:
		return name + ": nothing newer than the rollback yet"
	case r.Proof != nil:
		return name + " " + proofWords(*r.Proof)
	case r.Within():
		return fmt.Sprintf("%s %s, limit %s: within", name, health.Format(s.Unit, r.Value), health.Format(s.Unit, s.Limit))
	}
	return fmt.Sprintf("%s %s, limit %s: still outside", name, health.Format(s.Unit, r.Value), health.Format(s.Unit, s.Limit))
}

// proofWords says what counting has come to: "8.1 % → 0.9 % of 240 requests, normal
// up to 1.7 %: verified".
func proofWords(p health.Proof) string {
	if !p.Enough() {
		return fmt.Sprintf("unproven: %.0f of %d requests", p.After.N, p.Need)
	}
	text := fmt.Sprintf("%s → %s of %.0f requests, normal up to %s: ", health.Format(health.Ratio, p.Before.Share()),
		health.Format(health.Ratio, p.After.Share()), p.After.N, health.Format(health.Ratio, p.Limit))
	switch {
	case p.Verified():
		return text + "verified"
	case p.Improved:
		return text + "improved, and not as before the incident"
	}
	return text + "not improved"
}
