package rollback

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
)

// play is a target in memory. Its hooks may change what it does.
type play struct {
	mu      sync.Mutex
	runs    string
	gen     int
	execs   int
	reads   int
	blocked string
	caps    Caps
	execute func(ctx context.Context, f *play, p health.Plan) error // nil: compares, sets
	current func(n int) error                                       // n counts from 1
}

func newPlay() *play {
	return &play{runs: "v32", gen: 1, caps: Caps{CompareAndSwap: true, Words: "compare-and-swap"}}
}

func (f *play) Info() health.Target { return info("play") }
func (f *play) Caps() Caps          { return f.caps }

func (f *play) Current(ctx context.Context) (State, error) {
	f.mu.Lock()
	f.reads++
	n, hook := f.reads, f.current
	f.mu.Unlock()
	if hook != nil {
		if err := hook(n); err != nil {
			return State{}, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := stateOf(f.runs, []health.Version{{ID: "v32"}, {ID: "v31"}, {ID: "v30"}})
	s.Token, s.Blocked, s.At = fmt.Sprint("g", f.gen), f.blocked, time.Now()
	return s, ctx.Err()
}

func (f *play) Plan(ctx context.Context, to string) (health.Plan, error) {
	s, err := f.Current(ctx)
	if err != nil {
		return health.Plan{}, err
	}
	return draft(f.Info(), f.caps, s, to, time.Now())
}

func (f *play) Execute(ctx context.Context, p health.Plan, op, reason string) error {
	f.mu.Lock()
	f.execs++
	hook := f.execute
	f.mu.Unlock()
	if hook != nil {
		return hook(ctx, f, p)
	}
	return f.swap(p)
}

func (f *play) swap(p health.Plan) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.Token != fmt.Sprint("g", f.gen) {
		return ErrMoved
	}
	f.runs, f.gen = p.To, f.gen+1
	return nil
}

func (f *play) set(v string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs, f.gen = v, f.gen+1
}

func (f *play) locked(do func()) { f.mu.Lock(); defer f.mu.Unlock(); do() }

func (f *play) sent() int { f.mu.Lock(); defer f.mu.Unlock(); return f.execs }

var ill = []health.Symptom{{Signal: "quality", Title: "quality", Unit: health.Score, Bad: health.Down, Value: 0.61, Limit: 0.80}}

// always is a witness that sees the value v on fresh data.
func always(v float64) Witness {
	return func(_ string, _ time.Time, ss []health.Symptom) (out []health.Reading) {
		for _, s := range ss {
			out = append(out, health.Reading{Symptom: s, Value: v, At: time.Now(), Known: true})
		}
		return out
	}
}

// bench is a desk at work in a test, on a journal of its own.
type bench struct {
	*testing.T
	desk  *Desk
	play  *play
	stop  context.CancelFunc
	ended chan struct{}
}

func work(t *testing.T, f *play, o DeskOptions, w Witness) *bench {
	t.Helper()
	if o.Journal == nil {
		o.Journal = openTest(t)
	}
	o.Write = true
	return workAs(t, f, o, w)
}

// workAs takes the options as they are.
func workAs(t *testing.T, f *play, o DeskOptions, w Witness) *bench {
	o.Targets = []Target{f}
	ctx, cancel := context.WithCancel(context.Background())
	b := &bench{T: t, desk: NewDesk(o), play: f, stop: cancel, ended: make(chan struct{})}
	go func() { b.desk.Run(ctx, w); close(b.ended) }()
	t.Cleanup(func() { cancel(); <-b.ended; b.desk.Drain(context.Background()) })
	return b
}

func (b *bench) plan(to string, symptoms ...health.Symptom) health.Order {
	b.Helper()
	p, err := b.desk.Plan(context.Background(), "support-chat/prompt", to, symptoms)
	if err != nil {
		b.Fatal(err)
	}
	return health.Order{Do: health.DoRollback, Plan: p, By: health.Actor{User: "ann"}, Reason: "answers became worse", Typed: p.Target}
}

func (b *bench) submit(o health.Order) string {
	b.Helper()
	id, err := b.desk.Submit(o)
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// finish waits until the newest operation has ended, for at most an hour.
func (b *bench) finish() health.Rollback {
	b.Helper()
	for range 3600 {
		time.Sleep(time.Second)
		synctest.Wait()
		if ops := b.desk.Operations(); len(ops) > 0 && ops[0].State.Ended() {
			return ops[0]
		}
	}
	b.Fatalf("no end in sight: %+v", b.desk.Operations())
	return health.Rollback{}
}

// tape is the journal read as a sentence.
func tape(j *Journal) string {
	var events []string
	for _, l := range j.Lines() {
		if l.Op != "" {
			events = append(events, l.Ev)
		}
	}
	return strings.Join(events, ", ")
}

func TestTheJournalTellsWhatHappened(t *testing.T) {
	lost := errors.New("connection reset by peer")
	other := []health.Symptom{ill[0], {Signal: "errors", Unit: health.Ratio, Bad: health.Up, Value: 0.2, Limit: 0.05}}
	for _, c := range []struct {
		name     string
		prepare  func(f *play)
		between  func(f *play) // after the plan was made, before it is submitted
		witness  Witness
		symptoms []health.Symptom
		want     string
		sent     int
		text     string // part of the last word
	}{
		{name: "it helps", witness: always(0.91), symptoms: ill, sent: 1,
			want: "planned, sending, accepted, applied, recovered", text: "quality 0.91, limit 0.80: within, 2 of 2 looks"},
		{name: "it does not help", witness: always(0.62), symptoms: ill, sent: 1,
			want: "planned, sending, accepted, applied, not recovered", text: "quality 0.62, limit 0.80: still outside"},
		{name: "one of two becomes well", witness: always(0.91), symptoms: other, sent: 1,
			want: "planned, sending, accepted, applied, not recovered", text: "errors 91.0 %, limit 5.0 %: still outside"},
		{name: "nobody measures", witness: nil, symptoms: ill, sent: 1,
			want: "planned, sending, accepted, applied, unproven", text: "quality: nothing newer than the rollback yet"},
		{name: "all data are older than the act", symptoms: ill, sent: 1, witness: func(_ string, since time.Time, ss []health.Symptom) []health.Reading {
			return []health.Reading{{Symptom: ss[0], Value: 0.99, At: since, Known: true}}
		}, want: "planned, sending, accepted, applied, unproven"},
		{name: "one good sample is seen again and again", symptoms: ill, sent: 1, witness: func(_ string, since time.Time, ss []health.Symptom) []health.Reading {
			return []health.Reading{{Symptom: ss[0], Value: 0.99, At: since.Add(time.Second), Known: true}}
		}, want: "planned, sending, accepted, applied, unproven", text: "1 of 2 looks"},
		{name: "one of two is measured", symptoms: other, sent: 1, witness: func(_ string, _ time.Time, ss []health.Symptom) []health.Reading {
			return []health.Reading{{Symptom: ss[0], Value: 0.99, At: time.Now(), Known: true}}
		}, want: "planned, sending, accepted, applied, unproven"},
		{name: "nothing was ill", witness: always(1), sent: 1,
			want: "planned, sending, accepted, applied, unproven", text: "nothing was ill"},
		{name: "somebody deployed meanwhile", between: func(f *play) { f.set("v33") }, witness: always(1), symptoms: ill,
			want: "planned, moved by other", text: "nothing was sent: support-chat/prompt runs v33 now"},
		{name: "somebody touched it meanwhile", between: func(f *play) { f.set("v32") }, witness: always(1), symptoms: ill,
			want: "planned, moved by other", text: "was changed since the plan was made"},
		{name: "it was blocked meanwhile", between: func(f *play) { f.locked(func() { f.blocked = "paused" }) }, symptoms: ill,
			want: "planned, refused", text: "nothing was sent: support-chat/prompt is blocked: paused"},
		{name: "it cannot be read any more", between: unreadable(lost), symptoms: ill,
			want: "planned, failed", text: "nothing was sent: connection reset"},
		{name: "the credentials expired", between: unreadable(ErrDenied), symptoms: ill,
			want: "planned, denied", text: "nothing was sent"},
		{name: "it moves between the look and the write", symptoms: ill, sent: 1, prepare: func(f *play) {
			f.execute = func(_ context.Context, f *play, p health.Plan) error { f.set("v33"); return f.swap(p) }
		}, want: "planned, sending, refused"},
		{name: "it is not allowed", symptoms: ill, sent: 1, prepare: fails(ErrDenied), want: "planned, sending, denied"},
		{name: "the request is wrong", symptoms: ill, sent: 1, prepare: fails(fmt.Errorf("%w: 404", ErrFailed)), want: "planned, sending, failed", text: "404"},
		{name: "the answer is lost and it happened", witness: always(0.91), symptoms: ill, sent: 1, prepare: func(f *play) {
			f.execute = func(_ context.Context, f *play, p health.Plan) error { f.swap(p); return lost }
		}, want: "planned, sending, unknown, applied, recovered"},
		{name: "the answer is lost and it happens late", witness: always(0.91), symptoms: ill, sent: 1, prepare: func(f *play) {
			f.execute = func(_ context.Context, f *play, p health.Plan) error {
				time.AfterFunc(45*time.Second, func() { f.swap(p) })
				return lost
			}
		}, want: "planned, sending, unknown, applied, recovered"},
		{name: "the request is lost", symptoms: ill, sent: 1, prepare: fails(lost),
			want: "planned, sending, unknown, not applied", text: "not applied so far: support-chat/prompt still runs v32"},
		{name: "no answer in time", symptoms: ill, sent: 1, prepare: func(f *play) {
			f.execute = func(ctx context.Context, _ *play, _ health.Plan) error { <-ctx.Done(); return ctx.Err() }
		}, want: "planned, sending, unknown, not applied"},
		{name: "the answer is lost and nobody can be asked for five minutes", witness: always(0.91), symptoms: ill, sent: 1, prepare: func(f *play) {
			f.execute = func(_ context.Context, f *play, p health.Plan) error {
				f.swap(p)
				back := time.Now().Add(5 * time.Minute)
				f.locked(func() {
					f.current = func(int) error {
						if time.Now().Before(back) {
							return lost
						}
						return nil
					}
				})
				return lost
			}
		}, want: "planned, sending, unknown, applied, recovered"},
		{name: "it is taken and takes a minute", witness: always(0.91), symptoms: ill, sent: 1, prepare: func(f *play) {
			f.execute = func(_ context.Context, f *play, p health.Plan) error {
				time.AfterFunc(time.Minute, func() { f.swap(p) })
				return nil
			}
		}, want: "planned, sending, accepted, applied, recovered"},
		{name: "it is taken and never happens", symptoms: ill, sent: 1, prepare: fails(nil),
			want: "planned, sending, accepted, not applied"},
		{name: "it is taken and something else happens", symptoms: ill, sent: 1, prepare: func(f *play) {
			f.execute = func(_ context.Context, f *play, p health.Plan) error { f.set("v34"); return nil }
		}, want: "planned, sending, accepted, moved by other", text: "runs v34, which is neither v32 nor v31"},
		{name: "it is applied and somebody changes it again", witness: always(0.62), symptoms: ill, sent: 1, prepare: func(f *play) {
			f.execute = func(_ context.Context, f *play, p health.Plan) error {
				time.AfterFunc(time.Minute, func() { f.set("v33") })
				return f.swap(p)
			}
		}, want: "planned, sending, accepted, applied, moved by other", text: "somebody else changed it: support-chat/prompt runs v33"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newPlay()
				if c.prepare != nil {
					c.prepare(f)
				}
				b := work(t, f, DeskOptions{}, c.witness)
				o := b.plan("", c.symptoms...)
				if c.between != nil {
					c.between(f)
				}
				b.submit(o)
				end := b.finish()
				if got := tape(b.desk.o.Journal); got != c.want {
					t.Errorf("the journal says: %s\nwant:             %s", got, c.want)
				}
				if f.sent() != c.sent {
					t.Errorf("sent %d times, want %d", f.sent(), c.sent)
				}
				if !strings.Contains(end.Text, c.text) {
					t.Errorf("the last word is %q, want %q in it", end.Text, c.text)
				}
				if !strings.HasSuffix(c.want, string(end.State)) {
					t.Errorf("it ended as %s", end.State)
				}
				if r := mustVerify(t, b.desk.o.Journal.Path(), ""); !r.OK() {
					t.Errorf("the chain is broken: %v", r.Faults)
				}
			})
		})
	}
}

func fails(err error) func(*play) {
	return func(f *play) { f.execute = func(context.Context, *play, health.Plan) error { return err } }
}

func unreadable(err error) func(*play) {
	return func(f *play) { f.locked(func() { f.current = func(int) error { return err } }) }
}

func TestEveryStepIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := work(t, newPlay(), DeskOptions{}, always(0.91))
		synctest.Wait()
		if ts := b.desk.Targets(); len(ts) != 1 || ts[0].Current != "v32" || len(ts[0].Previous) != 2 || ts[0].Caps != "compare-and-swap" {
			t.Errorf("targets %+v", ts)
		}
		<-b.desk.Changed()
		id := b.submit(b.plan("", ill...))
		time.Sleep(6 * time.Second)
		synctest.Wait()
		op := b.desk.Operations()[0]
		if op.ID != id || op.State != health.OpApplied || op.Text != "quality 0.91, limit 0.80: within, 1 of 2 looks" || !op.Readings[0].Within() ||
			op.From != "v32" || op.To != "v31" || op.By != "ann" || op.Applied.IsZero() || op.Until.Sub(op.Applied) != 5*time.Minute {
			t.Errorf("operation %+v", op)
		}
		select {
		case <-b.desk.Changed():
		default:
			t.Error("nobody was told to look again")
		}
		b.finish()
		if es := b.desk.Entries(2); len(es) != 2 || es[0].Event != "recovered" || es[1].Event != "applied" || es[0].By != "ann" || es[0].Op != id {
			t.Errorf("entries %+v", es)
		}
	})
}

func TestSettlingTimeIsNotMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newPlay()
		f.caps.Settle = 30 * time.Second
		var since time.Time
		b := work(t, f, DeskOptions{}, func(s string, at time.Time, ss []health.Symptom) []health.Reading {
			since = at
			return always(0.91)(s, at, ss)
		})
		b.submit(b.plan("", ill...))
		op := b.finish()
		if !since.Equal(op.Applied.Add(30 * time.Second)) {
			t.Errorf("asked for data since %s, applied at %s", since, op.Applied)
		}
		if e := b.desk.Entries(1)[0]; e.At.Sub(op.Applied) < 30*time.Second {
			t.Errorf("recovered %s after it was applied", e.At.Sub(op.Applied))
		}
	})
}

func TestWhatIsRefusedWasNotDone(t *testing.T) {
	asIs := func(*bench, *health.Order) {}
	for _, c := range []struct {
		name  string
		order func(b *bench, o *health.Order)
		want  string
	}{
		{"read-only", asIs, "start sickbay with --write"},
		{"no journal", asIs, "there is no journal"},
		{"a journal that cannot be written", func(b *bench, o *health.Order) { b.desk.o.Journal.Close() }, "the journal cannot be written"},
		{"an order nobody knows", func(b *bench, o *health.Order) { o.Do = "delete" }, `unknown order "delete"`},
		{"no such target", func(b *bench, o *health.Order) { o.Plan.Target = "x" }, `no rollback target "x"`},
		{"a plan from elsewhere", func(b *bench, o *health.Order) { o.Plan.ID = "op-1" }, "was not made here"},
		{"a plan changed on the way", func(b *bench, o *health.Order) { o.Plan.To = "v30" }, "was not made here"},
		{"a token changed on the way", func(b *bench, o *health.Order) { o.Plan.Token = "g2" }, "was not made here"},
		{"an old plan", func(b *bench, o *health.Order) { time.Sleep(planAge + time.Second) }, "the plan is 61 s old and holds for 60 s"},
		{"an old plan that looks young", func(b *bench, o *health.Order) {
			time.Sleep(planAge + time.Second)
			o.Plan.Expires = time.Now().Add(time.Hour)
		}, "the plan is 61 s old"},
		{"nothing typed", func(b *bench, o *health.Order) { o.Typed = "" }, "type the name of the target: support-chat/prompt"},
		{"typed in capitals", func(b *bench, o *health.Order) { o.Typed = "Support-chat/prompt" }, "type the name"},
		{"typed with a blank", func(b *bench, o *health.Order) { o.Typed += " " }, "type the name"},
		{"typed with a letter that looks alike", func(b *bench, o *health.Order) { o.Typed = "support-chat/\u0440rompt" }, "type the name"},
		{"a short reason", func(b *bench, o *health.Order) { o.Reason = "it is bad" }, "the reason has 9 characters and needs 10"},
		{"a reason of blanks", func(b *bench, o *health.Order) { o.Reason = "bad            " }, "the reason has 3 characters"},
		{"a reason of many bytes", func(b *bench, o *health.Order) { o.Reason = "äöüäöüäöü" }, "the reason has 9 characters"},
		{"a target somebody else is at", func(b *bench, o *health.Order) {
			l, err := takeLock(b.desk.dir(), o.Plan.Target, holder{PID: 41, Host: "web-1", User: "bob", At: time.Now()})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(l.release)
		}, "is busy: bob is at it since"},
		{"an operation of another host has no end", func(b *bench, o *health.Order) {
			b.appendFrom("elsewhere", health.OpPlanned, health.OpSending)
		}, "is busy: op-old by bob is sending and has no end yet"},
		{"the cool-down", func(b *bench, o *health.Order) {
			b.append(health.OpPlanned, health.OpSending, health.OpApplied, health.OpRecovered)
		}, "was rolled back 0 s ago; wait 5 m more, undo it by going to v40, or type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := openTest(t)
				options := DeskOptions{Journal: j, Write: c.name != "read-only"}
				if c.name == "no journal" {
					options.Journal = nil
				}
				b := workAs(t, newPlay(), options, nil)
				o := b.plan("", ill...)
				synctest.Wait() // the desk has opened: what follows is news to it
				c.order(b, &o)
				synctest.Wait()
				id, err := b.desk.Submit(o)
				if err == nil || id != "" || !strings.Contains(err.Error(), c.want) {
					t.Errorf("it says %q, %v, want %q", id, err, c.want)
				}
				if err != nil && !strings.Contains(err.Error(), "nothing was done") && !strings.Contains(err.Error(), "read-only") {
					t.Errorf("it does not say that nothing was done: %v", err)
				}
				synctest.Wait()
				if b.play.sent() != 0 || b.play.runs != "v32" {
					t.Errorf("sent %d times, it runs %s", b.play.sent(), b.play.runs)
				}
				for _, l := range j.Lines() {
					if l.Op == o.Plan.ID {
						t.Errorf("the journal holds %+v", l)
					}
				}
			})
		})
	}
}

// append writes an operation of bob's, v40 to v39, into the journal.
func (b *bench) append(states ...health.OpState) {
	b.Helper()
	b.appendFrom(b.desk.o.Journal.host, states...)
}

// appendFrom does so as another process, maybe on another host.
func (b *bench) appendFrom(host string, states ...health.OpState) {
	b.Helper()
	j := reopen(b.T, b.desk.o.Journal.Path())
	j.host = host
	for _, s := range states {
		_, err := j.Append("op-old", string(s), Data{By: &Person{User: "bob"}, Service: "support-chat",
			Target: "support-chat/prompt", From: "v40", To: "v39", Reason: "too many refusals"})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func TestOneRollbackOfATargetAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := work(t, newPlay(), DeskOptions{}, nil)
		first, second := b.plan("", ill...), b.plan("v30", ill...)
		b.submit(first)
		if _, err := b.desk.Submit(second); err == nil || !strings.Contains(err.Error(), "is busy") {
			t.Errorf("a second one: %v", err)
		}
		b.finish()
		if _, err := b.desk.Submit(first); err == nil || !strings.Contains(err.Error(), "it has been used") {
			t.Errorf("the same plan again: %v", err)
		}
		if b.play.sent() != 1 {
			t.Errorf("sent %d times", b.play.sent())
		}
	})
}

func TestAnUndoNeedsNoCoolDownAndAnotherRollbackDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := work(t, newPlay(), DeskOptions{}, always(0.91))
		b.submit(b.plan("v31", ill...))
		b.finish()
		on := b.plan("v30", ill...)
		if w := strings.Join(on.Plan.Warnings, "\n"); !strings.Contains(w, "rolled back 6 s ago: wait 294 s more") && !strings.Contains(w, "wait 4 m more") {
			t.Errorf("the plan does not warn of the cool-down: %q", w)
		}
		if _, err := b.desk.Submit(on); err == nil || !strings.Contains(err.Error(), "undo it by going to v32") {
			t.Errorf("on to v30: %v", err)
		}
		undo := b.plan("v32", ill...)
		if w := strings.Join(undo.Plan.Warnings, "\n"); !strings.Contains(w, "v32 was itself rolled back") || !strings.Contains(w, "by ann: answers became worse") {
			t.Errorf("the plan does not warn that v32 was rolled back: %q", w)
		}
		b.submit(undo)
		b.finish()
		time.Sleep(6 * time.Minute)
		b.submit(b.plan("v30", ill...))
		if b.finish(); b.play.runs != "v30" || b.play.sent() != 3 {
			t.Errorf("it runs %s after %d requests", b.play.runs, b.play.sent())
		}
	})
}

// TestAnUndoIsWatchedToItsOwnVerdict: after a rollback, whether it helped or not, the
// undo climbs the same ladder and is judged by what was ill when it was planned.
func TestAnUndoIsWatchedToItsOwnVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		well        string // the version that is well
		first, then health.OpState
	}{
		"the rollback helped, and the undo brings the illness back": {"v31", health.OpRecovered, health.OpNotRecovered},
		"the rollback made it worse, and the undo mends it":         {"v32", health.OpNotRecovered, health.OpRecovered},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newPlay()
				b := work(t, f, DeskOptions{}, func(s string, since time.Time, ss []health.Symptom) []health.Reading {
					quality := 0.61
					f.locked(func() {
						if f.runs == c.well {
							quality = 0.91
						}
					})
					return always(quality)(s, since, ss)
				})
				b.submit(b.plan("", ill...))
				first := b.finish()
				b.submit(b.plan(first.From, ill...)) // at once: undoing needs no cool-down
				then := b.finish()
				if first.State != c.first || then.State != c.then || then.From != first.To || then.To != first.From || f.runs != "v32" || f.sent() != 2 {
					t.Errorf("%s %s, then %s %s; it runs %s after %d requests", first.State, first.Text, then.State, then.Text, f.runs, f.sent())
				}
				if want := "planned, sending, accepted, applied, " + string(c.first) + ", planned, sending, accepted, applied, " + string(c.then); tape(b.desk.o.Journal) != want {
					t.Errorf("the journal says %s", tape(b.desk.o.Journal))
				}
			})
		})
	}
}

// TestTheCoolDownIsOverriddenOnlyByTypingIt: refused by default; whoever types the words
// goes on, and both are in the journal.
func TestTheCoolDownIsOverriddenOnlyByTypingIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := work(t, newPlay(), DeskOptions{}, always(0.91))
		first := b.plan("v31", ill...)
		if first.Plan.Override != "" {
			t.Errorf("nothing was rolled back yet, and the plan wants %q typed", first.Plan.Override)
		}
		b.submit(first)
		b.finish()
		if undo := b.plan("v32", ill...); undo.Plan.Override != "" {
			t.Errorf("an undo wants %q typed", undo.Plan.Override)
		}
		on := b.plan("v30", ill...)
		if on.Plan.Override != "override cool-down" {
			t.Fatalf("the plan wants %q typed", on.Plan.Override)
		}
		for _, typed := range []string{"", "Override cool-down", "override cool-down ", "yes"} {
			on.Override = typed
			if _, err := b.desk.Submit(on); err == nil || !strings.Contains(err.Error(), "type: override cool-down") {
				t.Errorf("typed %q: %v", typed, err)
			}
		}
		if b.play.sent() != 1 {
			t.Fatalf("sent %d times", b.play.sent())
		}
		on.Override = on.Plan.Override
		b.submit(on)
		if b.finish(); b.play.runs != "v30" {
			t.Errorf("it runs %s", b.play.runs)
		}
		var declined, overridden int
		for _, l := range b.desk.o.Journal.Lines() {
			switch {
			case l.Ev == evDeclined && strings.Contains(l.entry().Text, "cool-down") && l.entry().By == "ann" && l.Data.Reason != "":
				declined++
			case l.Ev == "planned" && l.Data.Override == "override cool-down" && strings.Contains(l.entry().Text, "(the cool-down was overridden)"):
				overridden++
			}
		}
		if declined != 4 || overridden != 1 {
			t.Errorf("the journal has %d refusals and %d overrides, want 4 and 1: %s", declined, overridden, tape(b.desk.o.Journal))
		}
	})
}

func TestTheCoolDownCanBeShortened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := work(t, newPlay(), DeskOptions{CoolDown: -1}, always(0.91))
		b.submit(b.plan("v31", ill...))
		b.finish()
		b.submit(b.plan("v30", ill...))
		if b.finish(); b.play.runs != "v30" {
			t.Errorf("it runs %s", b.play.runs)
		}
	})
}

func TestOfTwoSickbaysOneRollsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, j := newPlay(), openTest(t)
		a := work(t, f, DeskOptions{Journal: j}, always(0.91))
		b := work(t, f, DeskOptions{Journal: reopen(t, j.Path())}, always(0.91))
		orders := []health.Order{a.plan("", ill...), b.plan("v30", ill...)}
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, d := range []*Desk{a.desk, b.desk} {
			wg.Go(func() { _, errs[i] = d.Submit(orders[i]) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("two orders gave %v and %v, want one refused", errs[0], errs[1])
		}
		for _, err := range errs {
			if err != nil && !strings.Contains(err.Error(), "is busy") {
				t.Errorf("the other was told %v", err)
			}
		}
		a.finish()
		time.Sleep(time.Minute)
		synctest.Wait()
		if f.sent() != 1 {
			t.Errorf("sent %d times", f.sent())
		}
		for _, d := range []*Desk{a.desk, b.desk} {
			if ops := d.Operations(); len(ops) != 1 || ops[0].State != health.OpRecovered {
				t.Errorf("a desk shows %+v", ops)
			}
		}
	})
}

func TestLeavingCancelsNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newPlay()
		f.execute = func(ctx context.Context, f *play, p health.Plan) error {
			time.Sleep(10 * time.Second)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return f.swap(p)
		}
		b := work(t, f, DeskOptions{}, always(0.91))
		b.submit(b.plan("", ill...))
		time.Sleep(time.Second)
		start := time.Now()
		b.stop()
		<-b.ended
		if time.Since(start) != 0 {
			t.Errorf("Run went on for %s", time.Since(start))
		}
		b.desk.Drain(context.Background())
		if f.runs != "v31" || tape(b.desk.o.Journal) != "planned, sending, accepted" {
			t.Errorf("it runs %s, the journal says: %s", f.runs, tape(b.desk.o.Journal))
		}
		if _, err := b.desk.Submit(b.plan("", ill...)); err == nil || !strings.Contains(err.Error(), "the desk is closed") {
			t.Errorf("an order to a closed desk: %v", err)
		}
	})
}

func TestNobodyAtTheDeskIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, desk: NewDesk(DeskOptions{Targets: []Target{newPlay()}, Journal: openTest(t), Write: true})}
		if _, err := b.desk.Submit(b.plan("")); err == nil || !strings.Contains(err.Error(), "nobody is at the desk") {
			t.Errorf("it says %v", err)
		}
	})
}

func TestANoteIsALineInTheJournalAndNothingElse(t *testing.T) {
	d := NewDesk(DeskOptions{Journal: openTest(t)})
	if err := d.Note(health.Actor{User: "ann"}, "support-chat", "called the prompt's owner"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Submit(health.Order{Do: health.DoNote, Plan: health.Plan{Service: "support-chat"}, Reason: "again"}); err != nil {
		t.Fatal(err)
	}
	es := d.Entries(5)
	if len(es) != 2 || es[1].By != "ann" || es[1].Service != "support-chat" || es[0].Text != "again" || es[0].By == "" || es[0].Event != "note" {
		t.Errorf("entries %+v", es)
	}
	if err := d.Note(health.Actor{}, "", " "); err == nil {
		t.Error("an empty note was written")
	}
	if err := NewDesk(DeskOptions{}).Note(health.Actor{}, "", "x"); err == nil || NewDesk(DeskOptions{}).Entries(3) != nil {
		t.Error("a note went nowhere")
	}
}

func TestALostTargetKeepsItsLastGoodLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newPlay()
		f.current = func(n int) error {
			if n > 1 {
				return errors.New("503 \x1b[2J")
			}
			return nil
		}
		b := work(t, f, DeskOptions{}, nil)
		synctest.Wait()
		seen := time.Now()
		time.Sleep(time.Minute)
		synctest.Wait()
		tgt := b.desk.Targets()[0]
		if tgt.Current != "v32" || !tgt.At.Equal(seen) || tgt.Blocked != "503 ␛[2J" {
			t.Errorf("target %+v, want v32 as of %s", tgt, seen)
		}
		if _, err := b.desk.Plan(context.Background(), "nowhere", "", nil); err == nil || !strings.Contains(err.Error(), "there are: support-chat/prompt") {
			t.Errorf("a plan for nowhere: %v", err)
		}
	})
}
