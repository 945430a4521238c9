package rollback

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sickbay/health"
)

// The failure matrix: every step of the ladder at which a process can be killed, with
// everything that can happen to its one request.
var (
	killPoints = []string{
		"", // it is not killed: it ends by itself
		"before the last look", "after the last look", "before the request", "server: before the effect", "server: after the effect",
		"after the answer", "before reading back", "after reading back", "when it is applied", "while it is watched", "when it has ended",
	}
	faults = []string{"none", "cut after the effect", "cut before the effect", "forbidden", "moved", "late"}
)

// lateBy is how long after its connection has died a request still comes through.
const lateBy = 50 * time.Millisecond

// arena is a deployer that does to a request what the fault says, and kills its sender
// where the point is on its side.
type arena struct {
	mu    sync.Mutex
	runs  string
	gen   int
	posts int
	fault string
	point string
}

func (a *arena) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("ETag", fmt.Sprintf(`"g%d"`, a.gen))
	if r.Method == http.MethodGet {
		fmt.Fprintf(w, `{"current":%q,"versions":[{"version":"v32"},{"version":"v31"}]}`, a.runs)
		return
	}
	a.posts++
	var o struct{ To string }
	json.NewDecoder(r.Body).Decode(&o)
	pid, _ := strconv.Atoi(r.Header.Get("X-Pid"))
	kill := func(point string) {
		if a.point == point {
			syscall.Kill(pid, syscall.SIGKILL)
			panic(http.ErrAbortHandler)
		}
	}
	match, gen := r.Header.Get("If-Match"), a.gen
	apply := func() {
		if match == fmt.Sprintf(`"g%d"`, a.gen) && gen == a.gen {
			a.runs, a.gen = o.To, a.gen+1
		}
	}
	kill("server: before the effect")
	switch a.fault {
	case "cut before the effect":
		panic(http.ErrAbortHandler)
	case "forbidden":
		w.WriteHeader(403)
		return
	case "moved":
		a.runs, a.gen = "v33", a.gen+1
		w.WriteHeader(412)
		return
	case "late":
		time.AfterFunc(lateBy, func() { a.mu.Lock(); defer a.mu.Unlock(); apply() })
		panic(http.ErrAbortHandler)
	}
	if match != fmt.Sprintf(`"g%d"`, gen) {
		w.WriteHeader(412)
		fmt.Fprintf(w, `{"current":%q}`, a.runs)
		return
	}
	apply()
	kill("server: after the effect")
	if a.fault == "cut after the effect" {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(202)
	fmt.Fprintf(w, `{"current":%q}`, a.runs)
}

// doomed is a target that kills its own process at a point.
type doomed struct {
	Target
	j     *Journal
	point string
}

func (d *doomed) die(point string) {
	if point == d.point {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (d *doomed) Current(ctx context.Context) (State, error) {
	said := tape(d.j)
	switch {
	case said == "planned":
		d.die("before the last look")
	case strings.HasPrefix(said, "planned, sending, "):
		d.die("before reading back")
	}
	s, err := d.Target.Current(ctx)
	switch {
	case said == "planned":
		d.die("after the last look")
	case strings.HasPrefix(said, "planned, sending, "):
		d.die("after reading back")
	}
	return s, err
}

func (d *doomed) Execute(ctx context.Context, p health.Plan, op, reason string) error {
	d.die("before the request")
	err := d.Target.Execute(ctx, p, op, reason)
	d.die("after the answer")
	return err
}

// hasty are options under which a ladder is climbed in a moment.
func hasty(j *Journal, targets ...Target) DeskOptions {
	return DeskOptions{Targets: targets, Journal: j, Write: true, Refresh: 20 * time.Millisecond, Ask: 20 * time.Millisecond,
		Settle: 16 * lateBy, Watch: 200 * time.Millisecond, Look: 10 * time.Millisecond}
}

// beKilled climbs the ladder against the server at SICKBAY_TEST_PATH and dies at the
// point SICKBAY_TEST_POINT, or when there is nothing more to do.
func beKilled() int {
	j, err := OpenJournal(os.Getenv("SICKBAY_TEST_STATE"))
	if err != nil {
		return 1
	}
	target, err := openArena(os.Getenv("SICKBAY_TEST_PATH"))
	if err != nil {
		return 2
	}
	point := os.Getenv("SICKBAY_TEST_POINT")
	d := &doomed{target, j, point}
	looks := 0
	witness := func(_ string, _ time.Time, ss []health.Symptom) []health.Reading {
		if looks++; looks == 1 {
			d.die("when it is applied")
		}
		d.die("while it is watched")
		return always(0.91)("", time.Time{}, ss)
	}
	desk := NewDesk(hasty(j, d))
	ctx := context.Background()
	p, err := desk.Plan(ctx, "support-chat/prompt", "", ill)
	if err != nil {
		return 3
	}
	go desk.Run(ctx, witness)
	if _, err := desk.Submit(health.Order{Do: health.DoRollback, Plan: p, Reason: "answers became worse", Typed: p.Target}); err != nil {
		return 4
	}
	for ops := desk.Operations(); len(ops) == 0 || !ops[0].State.Ended(); ops = desk.Operations() {
		time.Sleep(time.Millisecond)
	}
	d.die("when it has ended")
	return 0
}

func openArena(url string) (Target, error) {
	return Open(info("http"), fromTOML(fmt.Sprintf("url = %q\nheaders = { X-Pid = \"%d\" }", url, os.Getpid())))
}

// TestKilledAtEveryStepTheTruthIsFound: whatever happens to the request and wherever
// its process dies, the next sickbay says what really is, sends nothing, and finds a
// journal that is whole.
func TestKilledAtEveryStepTheTruthIsFound(t *testing.T) {
	slots, all := make(chan struct{}, 8), sync.WaitGroup{}
	var cases, killed atomic.Int32
	for _, point := range killPoints {
		for _, fault := range faults {
			if testing.Short() && point != "" && fault != "none" {
				continue
			}
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				died, err := killedAt(t, point, fault)
				if err != nil {
					t.Errorf("killed %q, request %q: %v", point, fault, err)
				}
				if cases.Add(1); died {
					killed.Add(1)
				} else if point != "" && fault == "none" {
					t.Errorf("killed %q: it was not", point)
				}
			})
		}
	}
	all.Wait()
	t.Logf("%d of %d processes were killed; the others ended before they came to that step", killed.Load(), cases.Load())
}

func killedAt(t *testing.T, point, fault string) (died bool, err error) {
	a := &arena{runs: "v32", gen: 1, fault: fault, point: point}
	url, j := serve(t, a), openTest(t)
	j.mono = uptime // the clock of the process that will be killed
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SICKBAY_TEST_ROLE=killed", "SICKBAY_TEST_PATH="+url, "SICKBAY_TEST_STATE="+j.Path(), "SICKBAY_TEST_POINT="+point, "GORACE="+quickExit)
	err = cmd.Run()
	if st, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok {
		died = st.Signal() == syscall.SIGKILL
	}
	if err != nil && !died {
		return died, fmt.Errorf("the first sickbay: %w", err)
	}
	target, err := openArena(url)
	if err != nil {
		return died, err
	}
	d := NewDesk(hasty(j, target))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { d.Run(ctx, always(0.91)); close(done) }()
	defer func() { cancel(); <-done }()
	end := time.Now().Add(20 * time.Second)
	for ops := d.Operations(); len(ops) == 0 || !ops[0].State.Ended(); ops = d.Operations() {
		if time.Now().After(end) {
			return died, fmt.Errorf("no end after 20 s: %s", tape(j))
		}
		time.Sleep(5 * time.Millisecond)
	}
	return died, judge(a, j, d.Operations()[0])
}

// judge holds what the journal says against what really was.
func judge(a *arena, j *Journal, op health.Rollback) error {
	a.mu.Lock()
	runs, posts := a.runs, a.posts
	a.mu.Unlock()
	said := tape(j)
	if r, err := VerifyFile(j.Path(), ""); err != nil || !r.OK() {
		return fmt.Errorf("the journal is broken: %v %v", err, r.Faults)
	}
	want := map[string]bool{"v31": true}
	switch op.State {
	case health.OpRecovered, health.OpNotRecovered, health.OpUnproven:
	case health.OpMoved:
		want = map[string]bool{"v33": true}
	case health.OpRefused:
		want = map[string]bool{"v33": true, "v32": true}
	case health.OpNotApplied, health.OpDenied, health.OpFailed, health.OpAbandoned:
		want = map[string]bool{"v32": true}
	default:
		return fmt.Errorf("it ends as %s", op.State)
	}
	switch {
	case !want[runs]:
		return fmt.Errorf("a wrong verdict: %s, and %s runs (%s)", op.State, runs, said)
	case posts > 1:
		return fmt.Errorf("sent %d times (%s)", posts, said)
	case posts == 1 && !strings.Contains(said, "sending"):
		return fmt.Errorf("sent without a line in the journal (%s)", said)
	case posts == 0 && op.State != health.OpAbandoned && op.State != health.OpNotApplied:
		return fmt.Errorf("nothing was sent, and it ends as %s (%s)", op.State, said)
	}
	return nil
}

// TestTwoSickbaysWithNothingButTheTargetInCommon: other users, other hosts, no lock
// between them. Compare-and-swap lets exactly one through, and the other says so.
func TestTwoSickbaysWithNothingButTheTargetInCommon(t *testing.T) {
	for round := range 10 {
		a := &arena{runs: "v32", gen: 1, fault: "none", point: "nowhere"}
		url := serve(t, a)
		var desks [2]*Desk
		var orders [2]health.Order
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		for i := range desks {
			target, err := openArena(url)
			if err != nil {
				t.Fatal(err)
			}
			desks[i] = NewDesk(hasty(openTest(t), target))
			running.Go(func() { desks[i].Run(ctx, always(0.91)) })
			p, err := desks[i].Plan(ctx, "support-chat/prompt", "", ill)
			if err != nil {
				t.Fatal(err)
			}
			orders[i] = health.Order{Do: health.DoRollback, Plan: p, Reason: "answers became worse", Typed: p.Target}
		}
		var all sync.WaitGroup
		for i, d := range desks {
			all.Go(func() {
				if _, err := d.Submit(orders[i]); err != nil {
					t.Error(err)
				}
				for ops := d.Operations(); len(ops) == 0 || !ops[0].State.Ended(); ops = d.Operations() {
					time.Sleep(time.Millisecond)
				}
			})
		}
		all.Wait()
		cancel()
		running.Wait()
		ends := map[health.OpState]int{}
		for _, d := range desks {
			ends[d.Operations()[0].State]++
		}
		if ends[health.OpRecovered] != 1 || ends[health.OpRefused]+ends[health.OpMoved] != 1 || a.runs != "v31" || a.gen != 2 {
			t.Errorf("round %d: they end as %v, %s runs in state %d", round, ends, a.runs, a.gen)
		}
	}
}
