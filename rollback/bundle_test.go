package rollback

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
)

// named gives a play a name of its own.
type part struct {
	*play
	name string
}

func (p part) Info() health.Target {
	return health.Target{Name: p.name, Service: "support-chat", Kind: "prompt", Driver: "play"}
}

func (p part) Plan(ctx context.Context, to string) (health.Plan, error) { return planFor(ctx, p, to) }

// trio is a bundle of three plays a, b, c, all at v32.
func trio(t *testing.T) (*bundleTarget, [3]*play) {
	t.Helper()
	target, err := Open(info("bundle"), fromTOML(`targets = ["a", "b", "c"]
patience = "1m"`))
	if err != nil {
		t.Fatal(err)
	}
	plays := [3]*play{newPlay(), newPlay(), newPlay()}
	b := target.(*bundleTarget)
	b.bind(map[string]Target{"a": part{plays[0], "a"}, "b": part{plays[1], "b"}, "c": part{plays[2], "c"}})
	return b, plays
}

func join3(v string) string { return v + between + v + between + v }

func bundleWorld(t *testing.T) world {
	b, plays := trio(t)
	return world{
		target: b, names: [4]string{"", join3("v32"), join3("v31"), join3("v30")}, order: []string{join3("v31")}, moved: join3("v33"),
		writes: func() int {
			n := 0
			for _, p := range plays {
				n = max(n, p.sent())
			}
			return n
		},
		runs: func() string { return plays[0].runs + between + plays[1].runs + between + plays[2].runs },
		move: func() {
			for _, p := range plays {
				p.set("v33")
			}
		},
		hang: func() {
			for _, p := range plays {
				p.locked(func() {
					p.current = func(int) error { time.Sleep(100 * time.Millisecond); return errors.New("it hangs") }
				})
			}
		},
	}
}

func TestABundleStopsAtTheFirstFailureAndSaysWhatWasDone(t *testing.T) {
	lost := errors.New("connection reset by peer")
	for _, c := range []struct {
		name    string
		prepare func(p [3]*play)
		class   error
		want    []string
		sent    [3]int
	}{
		{"all is well", func([3]*play) {}, nil, nil, [3]int{1, 1, 1}},
		{"the first refuses: nothing was done", func(p [3]*play) { fails(ErrDenied)(p[0]) }, ErrDenied, []string{"nothing was done", "stopped at a", "not begun: b, c"}, [3]int{1, 0, 0}},
		{"the second refuses", func(p [3]*play) { fails(ErrDenied)(p[1]) }, ErrPartial, []string{"done: a;", "stopped at b", "not begun: c"}, [3]int{1, 1, 0}},
		{"the second's answer is lost, and it happened", func(p [3]*play) {
			p[1].execute = func(_ context.Context, f *play, pl health.Plan) error { f.swap(pl); return lost }
		}, nil, nil, [3]int{1, 1, 1}},
		{"the second's answer is lost, and it did not", func(p [3]*play) { fails(lost)(p[1]) }, ErrPartial,
			[]string{"done: a;", "stopped at b: whether it happened is not known", "not begun: c"}, [3]int{1, 1, 0}},
		{"the third moved meanwhile", func(p [3]*play) {
			p[1].execute = func(_ context.Context, f *play, pl health.Plan) error { p[2].set("v33"); return f.swap(pl) }
		}, ErrPartial, []string{"done: a, b;", "stopped at c", "v33"}, [3]int{1, 1, 0}},
		{"the first's answer is lost, and it did not happen", func(p [3]*play) { fails(lost)(p[0]) }, nil, []string{"stopped at a: whether it happened is not known"}, [3]int{1, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, plays := trio(t)
				c.prepare(plays)
				p, err := b.Plan(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				var said []string
				err = b.Execute(reporting(t.Context(), func(s string) error { said = append(said, s); return nil }), p, p.ID, "worse answers")
				for _, w := range c.want {
					if err == nil || !strings.Contains(err.Error(), w) {
						t.Errorf("it says %v, want %q", err, w)
					}
				}
				if c.class != nil && !errors.Is(err, c.class) || c.class == nil && (errors.Is(err, ErrPartial) || len(c.want) == 0 && err != nil) {
					t.Errorf("of class %v, want %v", err, c.class)
				}
				if got := [3]int{plays[0].sent(), plays[1].sent(), plays[2].sent()}; got != c.sent {
					t.Errorf("sent %v, want %v", got, c.sent)
				}
				if len(said) == 0 || said[0] != "1 of 3: a v32 → v31: asking" {
					t.Errorf("reported %q", said)
				}
			})
		})
	}
}

func TestABundleIsWrittenDownStepByStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, plays := trio(t)
		fails(ErrDenied)(plays[2])
		j := openTest(t)
		var targets []Target
		for i, n := range []string{"a", "b", "c"} {
			targets = append(targets, part{plays[i], n})
		}
		d := NewDesk(DeskOptions{Targets: append(targets, b), Journal: j, Write: true})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { d.Run(ctx, always(0.91)); close(done) }()
		defer func() { stop(); <-done; d.Drain(context.Background()) }()
		p, err := d.Plan(ctx, "support-chat/prompt", "", ill)
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(p.Diff, "\n"); !strings.Contains(text, "1. a: v32 → v31") || !strings.Contains(text, "3. c: v32 → v31") {
			t.Errorf("diff %q", p.Diff)
		}
		q, err := d.Plan(ctx, "b", "", ill)
		if err != nil {
			t.Fatal(err)
		}
		order := func(p health.Plan) error {
			_, err := d.Submit(health.Order{Do: health.DoRollback, Plan: p, Reason: "answers became worse", Typed: p.Target})
			return err
		}
		if err := order(p); err != nil {
			t.Fatal(err)
		}
		if err := order(q); err == nil || !strings.Contains(err.Error(), "support-chat/prompt is busy") {
			t.Errorf("a part of a bundle that is being rolled back: %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got, want := tape(j), "planned, sending, step, step, step, step, step, partial"; got != want {
			t.Errorf("the journal says: %s\nwant:             %s", got, want)
		}
		op := d.Operations()[0]
		if op.State != health.OpPartial || !strings.Contains(op.Text, "done: a, b; stopped at c") {
			t.Errorf("%s: %s", op.State, op.Text)
		}
	})
}

// TestAHalfDoneBundleOfADeadProcessIsCalledThat: nothing is sent by the one that takes
// it up.
func TestAHalfDoneBundleOfADeadProcessIsCalledThat(t *testing.T) {
	for runs, want := range map[[3]string]string{
		{"v31", "v32", "v32"}: "unknown, partial",
		{"v31", "v31", "v31"}: "unknown, applied, recovered",
		{"v32", "v32", "v32"}: "unknown, not applied",
		{"v31", "v33", "v32"}: "unknown, moved by other",
	} {
		t.Run(fmt.Sprint(runs), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, plays := trio(t)
				j := openTest(t)
				for _, s := range []health.OpState{health.OpPlanned, health.OpSending} {
					j.Append("op-old", string(s), Data{By: &Person{User: "bob"}, Service: "support-chat", Target: "support-chat/prompt",
						From: join3("v32"), To: join3("v31"), Reason: "too many refusals", Symptoms: fromSymptoms(ill)})
				}
				var targets []Target
				for i, n := range []string{"a", "b", "c"} {
					plays[i].runs = runs[i]
					targets = append(targets, part{plays[i], n})
				}
				d := NewDesk(DeskOptions{Targets: append(targets, b), Journal: j, Write: true})
				ctx, stop := context.WithCancel(context.Background())
				done := make(chan struct{})
				go func() { d.Run(ctx, always(0.91)); close(done) }()
				time.Sleep(10 * time.Minute)
				stop()
				<-done
				if got := strings.TrimPrefix(tape(j), "planned, sending, "); got != want {
					t.Errorf("added %s, want %s", got, want)
				}
				if n := plays[0].sent() + plays[1].sent() + plays[2].sent(); n != 0 {
					t.Errorf("sent %d times", n)
				}
			})
		})
	}
}

func TestABundleSaysWhatIsWrongWithIt(t *testing.T) {
	for section, want := range map[string]string{
		`targets = ["a"]`:                             "two or more",
		`targets = ["a", "a"]`:                        "is there twice",
		`targets = ["a", "support-chat/prompt"]`:      "cannot be in itself",
		"targets = [\"a\", \"b\"]\npatience = \"0s\"": "no time to wait",
	} {
		if _, err := Open(info("bundle"), fromTOML(section)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", section, err, want)
		}
	}
	b, plays := trio(t)
	if _, err := NewDesk(DeskOptions{Targets: []Target{b}}).Plan(t.Context(), "support-chat/prompt", "", nil); err == nil || !strings.Contains(err.Error(), `"a" is no [[rollback]]`) {
		t.Errorf("without its parts: %v", err)
	}
	b, plays = trio(t)
	plays[1].blocked = "paused"
	if s, err := b.Current(t.Context()); err != nil || s.Blocked != "b: paused" {
		t.Errorf("%+v, %v", s, err)
	}
	plays[1].blocked, plays[1].runs = "", "v30"
	if s, _ := b.Current(t.Context()); s.Back != "v31|v30|v31" || !strings.Contains(strings.Join(s.Notes, ""), "b stays at v30") {
		t.Errorf("%+v", s)
	}
	if p, err := b.Plan(t.Context(), "v31|v31|v32"); err != nil || !strings.Contains(strings.Join(p.Diff, "\n"), "3. c: stays at v32") {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestAFenceMakesNotAppliedCertain, and is written down before it is made.
func TestAFenceMakesNotAppliedCertain(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		write bool
		want  string
		tape  string
	}{
		{"it works", nil, true, "a late request cannot come through any more", "planned, sending, unknown, fence, not applied"},
		{"it does not", ErrMoved, true, "a late request may yet come through (it could not be made to fail", "planned, sending, unknown, fence, not applied"},
		{"read-only", nil, false, "a late request may yet come through", "planned, sending, unknown, not applied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := openTest(t)
				for _, s := range []health.OpState{health.OpPlanned, health.OpSending} {
					j.Append("op-old", string(s), Data{By: &Person{User: "bob"}, Service: "support-chat", Target: "support-chat/prompt", From: "v32", To: "v31", Token: "g1"})
				}
				f := &fenced{play: newPlay(), err: c.err}
				d := NewDesk(DeskOptions{Targets: []Target{f}, Journal: j, Write: c.write})
				ctx, stop := context.WithCancel(context.Background())
				done := make(chan struct{})
				go func() { d.Run(ctx, nil); close(done) }()
				time.Sleep(10 * time.Minute)
				stop()
				<-done
				if got := tape(j); got != c.tape {
					t.Errorf("the journal says: %s\nwant:             %s", got, c.tape)
				}
				if op := d.Operations()[0]; !strings.Contains(op.Text, c.want) {
					t.Errorf("%q, want %q", op.Text, c.want)
				}
			})
		})
	}
}

type fenced struct {
	*play
	err error
}

func (f *fenced) Fence(context.Context, health.Plan) error { return f.err }
