package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sickbay/demo"
	"sickbay/health"
	"sickbay/rollback"
)

// workshop is a folder for all that tests build and start; it goes with them.
var workshop string

func TestMain(m *testing.M) {
	flag.Parse()
	// Most tests wait for a terminal, and may do so together; those that work take
	// turns, see console.run.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(func() int {
		var err error
		if workshop, err = os.MkdirTemp("", "sickbay-test-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(workshop)
		defer closeStacks()
		return m.Run()
	}())
}

// built compiles one of our commands as users get it, without the race detector.
func built(name, pkg string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		path := filepath.Join(workshop, name)
		if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
		}
		return path, nil
	})
}

var (
	buildSickbay = built("sickbay", ".")
	buildFrozen  = built("frozen", "./testdata/frozen")
)

// binary is the program itself.
func binary(t testing.TB) string {
	t.Helper()
	path, err := buildSickbay()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// closeStacks ends what serves the frozen stacks: it lives as long as its input.
var closeStacks = func() {}

// stacks are all scenarios at storyTime, served by a process that is started once.
var stacks = sync.OnceValues(func() (map[string]demo.Info, error) {
	path, err := buildFrozen()
	if err != nil {
		return nil, err
	}
	c := exec.Command(path, storyTime.Format(time.RFC3339), workshop)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	closeStacks = func() { in.Close(); _ = c.Wait() }
	var places map[string]demo.Info
	return places, json.NewDecoder(out).Decode(&places)
})

// stack is one scenario at storyTime.
func stack(t testing.TB, scenario string) demo.Info {
	t.Helper()
	places, err := stacks()
	if err != nil {
		t.Fatal(err)
	}
	return places[scenario]
}

// beforeTimeout does something shortly before a test that hangs is ended by force,
// when no Cleanup runs: no process of ours may outlive us.
func beforeTimeout(t testing.TB, do func()) {
	if d, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if end, limited := d.Deadline(); limited {
			timer := time.AfterFunc(time.Until(end)-3*time.Second, do)
			t.Cleanup(func() { timer.Stop() })
		}
	}
}

// glance is one look at everything in the bad-prompt stack. Tests that only read it
// share it: under the race detector a look costs seconds.
func glance(t testing.TB) *health.Snapshot { return glanceAt(t, "bad-prompt") }

// glances are the looks at each scenario at storyTime.
var glances sync.Map // scenario to func() (*health.Snapshot, error)

// glanceAt is one look at everything in the stack of a scenario.
func glanceAt(t testing.TB, scenario string) *health.Snapshot {
	t.Helper()
	config := stack(t, scenario).Config // fails here if there is none
	look, _ := glances.LoadOrStore(scenario, sync.OnceValues(func() (*health.Snapshot, error) { return lookAt(scenario, config) }))
	s, err := look.(func() (*health.Snapshot, error))()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func lookAt(scenario, config string) (*health.Snapshot, error) {
	work <- struct{}{}
	defer func() { <-work }()
	a := &app{getenv: func(string) string { return "" }, now: func() time.Time { return storyTime }, patience: leisure}
	a.flags.config = config
	cfg, err := a.settings()
	if err != nil {
		return nil, err
	}
	h, err := a.build(cfg, filepath.Join(workshop, scenario+".jsonl"), rollback.DeskOptions{})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.round(context.Background(), health.Interest{Lens: health.Lens{Window: cfg.Window}, Service: "*"}), nil
}

// altered is a copy of a config with some text replaced.
func altered(t testing.TB, config string, oldnew ...string) string {
	t.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(string(text), oldnew[i]) {
			t.Fatalf("%s: no %q to replace", config, oldnew[i])
		}
	}
	return written(t, strings.NewReplacer(oldnew...).Replace(string(text)))
}

// written is a config file with this text.
func written(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sickbay.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A console is somebody who types command lines, in a home of his own.
type console struct {
	t     testing.TB
	env   map[string]string
	now   func() time.Time
	types string // when he is asked something
}

// at storyTime is when all but live tests happen.
func newConsole(t testing.TB) *console {
	home := t.TempDir()
	return &console{t: t, now: func() time.Time { return storyTime }, env: map[string]string{
		"HOME": home, "XDG_STATE_HOME": filepath.Join(home, "state"), "TERM": "xterm-256color",
	}}
}

// A said is what came of a command line.
type said struct {
	code     int
	out, err string
	took     time.Duration
}

// leisure is the patience of looks whose time nobody measures: under the race
// detector, on a machine that has other things to do.
const leisure = 2 * time.Minute

// longer is a cool-down that does not end while a slow machine comes to the next command.
const longer = time.Hour

// work is one for each processor: a look at everything has a deadline, and should
// not miss it because twenty tests look at once under the race detector.
var work = make(chan struct{}, runtime.GOMAXPROCS(0))

// run is sickbay with arguments, without a process around it.
func (c *console) run(args ...string) said {
	c.t.Helper()
	work <- struct{}{}
	defer func() { <-work }()
	var out, err bytes.Buffer
	a := &app{
		in: strings.NewReader(c.types), out: &out, err: &err, now: c.now, patience: leisure, coolDown: longer,
		getenv: func(name string) string { return c.env[name] },
	}
	began := time.Now()
	code := a.run(c.t.Context(), args)
	return said{code, out.String(), err.String(), time.Since(began)}
}

// want runs and insists on an exit code.
func (c *console) want(code int, args ...string) said {
	c.t.Helper()
	s := c.run(args...)
	if s.code != code {
		c.t.Fatalf("sickbay %s: exit code %d, want %d\nout: %s\nerr: %s", strings.Join(args, " "), s.code, code, clip(s.out), s.err)
	}
	return s
}

// clip keeps a failure readable.
func clip(s string) string {
	if len(s) > 2000 {
		return s[:2000] + "…"
	}
	return s
}

// documentOf is the whole document of one scenario: of bad-prompt as the command
// prints it, of the others as it would.
func documentOf(t *testing.T, scenario string) string {
	t.Helper()
	if scenario == "bad-prompt" {
		return badPrompt(t)
	}
	var out bytes.Buffer
	if err := (&app{out: &out}).document(glanceAt(t, scenario).Document(storyTime)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var badPromptDocument struct {
	sync.Once
	text string
}

// badPrompt is what sickbay snapshot prints: three tests read it.
func badPrompt(t *testing.T) string {
	t.Helper()
	config := stack(t, "bad-prompt").Config
	badPromptDocument.Do(func() {
		badPromptDocument.text = newConsole(t).want(0, "snapshot", "--config", config, "--format", "json").out
	})
	if badPromptDocument.text == "" {
		t.Fatal("another test could not look at it")
	}
	return badPromptDocument.text
}
