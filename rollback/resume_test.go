package rollback

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
)

func TestAnOperationWithoutAnEndIsTakenUp(t *testing.T) {
	journal := func(states ...health.OpState) []health.OpState { return states }
	for _, c := range []struct {
		name   string
		states []health.OpState // of the former process
		runs   string
		after  time.Duration
		value  float64
		want   string // what is added
	}{
		{"planned: nothing was sent", journal(health.OpPlanned), "v32", 0, 1, "abandoned"},
		{"sending, and it happened", journal(health.OpPlanned, health.OpSending), "v31", 0, 0.91, "unknown, applied, recovered"},
		{"sending, and it did not", journal(health.OpPlanned, health.OpSending), "v32", 0, 1, "unknown, not applied"},
		{"sending, a day ago", journal(health.OpPlanned, health.OpSending), "v32", 24 * time.Hour, 1, "unknown, not applied"},
		{"sending, and somebody changed it", journal(health.OpPlanned, health.OpSending), "v33", 0, 1, "unknown, moved by other"},
		{"accepted, and it happened", journal(health.OpPlanned, health.OpSending, health.OpAccepted), "v31", 0, 0.91, "unknown, applied, recovered"},
		{"unknown, and it happened", journal(health.OpPlanned, health.OpSending, health.OpUnknown), "v31", 0, 0.91, "applied, recovered"},
		{"applied, and it helps", journal(health.OpPlanned, health.OpSending, health.OpApplied), "v31", time.Minute, 0.91, "recovered"},
		{"applied, and it does not help", journal(health.OpPlanned, health.OpSending, health.OpApplied), "v31", time.Minute, 0.6, "not recovered"},
		{"applied, and nobody looked in time", journal(health.OpPlanned, health.OpSending, health.OpApplied), "v31", time.Hour, 0.6, "not recovered"},
		{"recovered: it has an end", journal(health.OpPlanned, health.OpSending, health.OpApplied, health.OpRecovered), "v31", 0, 1, ""},
		{"refused: it has an end", journal(health.OpPlanned, health.OpSending, health.OpRefused), "v32", 0, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := openTest(t)
				for _, s := range c.states {
					d := Data{By: &Person{User: "bob"}, Service: "support-chat", Target: "support-chat/prompt", From: "v32", To: "v31", Token: "g1",
						Reason: "too many refusals", Symptoms: fromSymptoms(ill)}
					if s == health.OpApplied {
						d.Until = time.Now().Add(5 * time.Minute)
					}
					if _, err := j.Append("op-old", string(s), d); err != nil {
						t.Fatal(err)
					}
				}
				before := tape(j)
				time.Sleep(c.after)
				f := newPlay()
				f.runs = c.runs
				b := workAs(t, f, DeskOptions{Journal: j, Write: false}, always(c.value)) // taking up is not writing
				op := b.finish()
				if got := strings.TrimPrefix(strings.TrimPrefix(tape(j), before), ", "); got != c.want {
					t.Errorf("added: %q, want %q", got, c.want)
				}
				if f.sent() != 0 {
					t.Errorf("sent %d times: an operation taken up never sends", f.sent())
				}
				if op.ID != "op-old" || op.By != "bob" || op.From != "v32" || op.To != "v31" || op.Reason != "too many refusals" {
					t.Errorf("operation %+v", op)
				}
			})
		})
	}
}

func TestARunningOperationOfAnotherProcessIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openTest(t)
		l, err := takeLock(NewDesk(DeskOptions{Journal: j}).dir(), "support-chat/prompt", holder{PID: 41})
		if err != nil {
			t.Fatal(err)
		}
		b := work(t, newPlay(), DeskOptions{Journal: j}, nil)
		b.append(health.OpPlanned, health.OpSending)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := tape(j); got != "planned, sending" {
			t.Errorf("the journal says: %s", got)
		}
		if ops := b.desk.Operations(); len(ops) != 1 || ops[0].State != health.OpSending {
			t.Errorf("operations %+v", ops)
		}
		l.release() // its process died
		b.finish()
		if got := tape(j); got != "planned, sending, unknown, moved by other" {
			t.Errorf("and then the journal says: %s", got)
		}
	})
}

// TestAConfigThatChangedLosesNoOperation: sickbay reads its config once, so it is another
// one that may lack the target. It says so, sends nothing and ends nothing.
func TestAConfigThatChangedLosesNoOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openTest(t)
		for _, s := range []health.OpState{health.OpPlanned, health.OpSending} {
			if _, err := j.Append("op-old", string(s), Data{Service: "docs-answers", Target: "docs-answers/index", From: "i2", To: "i1"}); err != nil {
				t.Fatal(err)
			}
		}
		f := newPlay() // of support-chat/prompt
		b := workAs(t, f, DeskOptions{Journal: j, Write: true}, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := tape(j); got != "planned, sending" || f.sent() != 0 {
			t.Errorf("the journal says %s, sent %d times", got, f.sent())
		}
		ops := b.desk.Operations()
		if len(ops) != 1 || ops[0].State != health.OpSending || !strings.Contains(ops[0].Text, "no [[rollback]] of this config names docs-answers/index") {
			t.Errorf("operations %+v", ops)
		}
	})
}

// TestWhatAnotherSickbayDoesIsSeenWithinASecondOrTwo: who, where, and until when; the
// next look at the targets may be far.
func TestWhatAnotherSickbayDoesIsSeenWithinASecondOrTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, j := newPlay(), openTest(t)
		a := work(t, f, DeskOptions{Journal: j}, always(0.91))
		b := work(t, f, DeskOptions{Journal: reopen(t, j.Path()), Refresh: time.Hour}, always(0.91))
		synctest.Wait()
		a.submit(a.plan("v30", ill...))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		host, _ := os.Hostname()
		where := fmt.Sprintf("pid %d on %s", os.Getpid(), host)
		if ops := b.desk.Operations(); len(ops) != 1 || ops[0].State.Ended() || ops[0].Where != where || ops[0].Whose() != ops[0].By+", "+where {
			t.Errorf("the other shows %+v, want it at work, %s", ops, where)
		}
		if ops := a.desk.Operations(); ops[0].Where != "" {
			t.Errorf("its own is said to be elsewhere: %+v", ops[0])
		}
		a.finish()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if ops := b.desk.Operations(); len(ops) != 1 || ops[0].State != health.OpRecovered || ops[0].Where != "" {
			t.Errorf("and at the end %+v", ops)
		}
	})
}

func TestAnOperationOfAnotherHostIsTakenUpWhenItIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openTest(t)
		b := work(t, newPlay(), DeskOptions{Journal: j}, nil)
		synctest.Wait()
		b.appendFrom("elsewhere", health.OpPlanned)
		time.Sleep(forgotten - time.Minute)
		synctest.Wait()
		if got := tape(j); got != "planned" {
			t.Errorf("too early: %s", got)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := tape(j); got != "planned, abandoned" {
			t.Errorf("after %s: %s", forgotten, got)
		}
	})
}

func TestAJournalThatFailsOnTheWay(t *testing.T) {
	t.Run("before the request: nothing is sent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newPlay()
			b := work(t, f, DeskOptions{}, nil)
			o := b.plan("", ill...)
			synctest.Wait()
			f.locked(func() { f.current = func(int) error { b.desk.o.Journal.Close(); return nil } }) // at the last look before the write
			b.submit(o)
			op := b.finish()
			if f.sent() != 0 || op.State != health.OpFailed || !strings.Contains(op.Text, "nothing was sent: the journal cannot be written") {
				t.Errorf("sent %d times, operation %+v", f.sent(), op)
			}
		})
	})
	t.Run("after the request: it is said loudly", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newPlay()
			b := work(t, f, DeskOptions{}, always(0.91))
			f.locked(func() {
				f.execute = func(_ context.Context, f *play, p health.Plan) error { b.desk.o.Journal.Close(); return f.swap(p) }
			})
			b.submit(b.plan("", ill...))
			op := b.finish()
			if op.State != health.OpRecovered || !strings.Contains(op.Text, "NOT IN THE JOURNAL") {
				t.Errorf("operation %+v", op)
			}
		})
	})
}

// onDisk is a target in a file, for processes that die.
type onDisk struct {
	path string
	die  func(point string)
}

func (d onDisk) Info() health.Target { return info("disk") }
func (d onDisk) Caps() Caps          { return Caps{} }

func (d onDisk) Current(context.Context) (State, error) {
	b, err := os.ReadFile(d.path)
	if err != nil {
		return State{}, err
	}
	d.die("reading")
	s := stateOf(string(b), []health.Version{{ID: "v32"}, {ID: "v31"}})
	s.Token = "g-" + string(b)
	return s, nil
}

func (d onDisk) Plan(ctx context.Context, to string) (health.Plan, error) {
	s, err := d.Current(ctx)
	if err != nil {
		return health.Plan{}, err
	}
	return draft(d.Info(), Caps{}, s, to, time.Now())
}

func (d onDisk) Execute(_ context.Context, p health.Plan, _, _ string) error {
	d.die("before the effect")
	err := errors.Join(os.WriteFile(d.path+".writes", append(readIf(d.path+".writes"), '.'), 0o600),
		os.WriteFile(d.path, []byte(p.To), 0o600))
	d.die("after the effect")
	return err
}

// beVictim rolls back and kills itself at the point SICKBAY_TEST_POINT.
func beVictim() int {
	j, err := OpenJournal(os.Getenv("SICKBAY_TEST_PATH"))
	if err != nil {
		return 1
	}
	die := func(point string) {
		if said := tape(j); point == "reading" && said != "" {
			point += " after " + said
		}
		if point == os.Getenv("SICKBAY_TEST_POINT") {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	target := onDisk{path: os.Getenv("SICKBAY_TEST_STATE"), die: die}
	d := NewDesk(DeskOptions{Targets: []Target{target}, Journal: j, Write: true, Refresh: time.Hour, Watch: time.Second})
	p, err := d.Plan(context.Background(), "support-chat/prompt", "", ill)
	if err != nil {
		return 2
	}
	go d.Run(context.Background(), nil)
	if _, err := d.Submit(health.Order{Do: health.DoRollback, Plan: p, Reason: "answers became worse", Typed: p.Target}); err != nil {
		return 3
	}
	for tape(j) != "planned, sending, accepted, applied" {
		time.Sleep(time.Millisecond)
	}
	die("applied")
	return 4
}

func TestAProcessThatIsKilledLeavesTheTruth(t *testing.T) {
	for _, c := range []struct {
		point  string
		want   string
		writes int
	}{
		{"reading after planned", "planned, abandoned", 0},
		{"before the effect", "planned, sending, unknown, not applied", 0},
		{"after the effect", "planned, sending, unknown, applied, unproven", 1},
		{"reading after planned, sending, accepted", "planned, sending, accepted, unknown, applied, unproven", 1},
		{"applied", "planned, sending, accepted, applied, unproven", 1},
	} {
		t.Run(c.point, func(t *testing.T) {
			j, state := openTest(t), file(t, "state", "v32")
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "SICKBAY_TEST_ROLE=victim", "SICKBAY_TEST_PATH="+j.Path(), "SICKBAY_TEST_STATE="+state,
				"SICKBAY_TEST_POINT="+c.point, "GORACE="+quickExit)
			err := cmd.Run()
			if st, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || st.Signal() != syscall.SIGKILL {
				t.Fatalf("it was not killed: %v", err)
			}
			d := NewDesk(DeskOptions{Targets: []Target{onDisk{path: state, die: func(string) {}}}, Journal: j,
				Settle: time.Millisecond, Watch: 20 * time.Millisecond, Look: 5 * time.Millisecond})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { d.Run(ctx, nil); close(done) }()
			for end := time.Now().Add(5 * time.Second); !strings.HasSuffix(tape(j), c.want) && time.Now().Before(end); {
				time.Sleep(5 * time.Millisecond)
			}
			cancel()
			<-done
			if got := tape(j); got != c.want {
				t.Errorf("the journal says: %s\nwant:             %s", got, c.want)
			}
			if n := len(readIf(state + ".writes")); n != c.writes {
				t.Errorf("written %d times, want %d", n, c.writes)
			}
			if r := mustVerify(t, j.Path(), ""); !r.OK() {
				t.Errorf("the chain is broken: %v", r.Faults)
			}
		})
	}
}
