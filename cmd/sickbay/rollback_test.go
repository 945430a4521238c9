package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sickbay/demo"
	"sickbay/health"
)

// runs is the version a target of a demo runs, asked as sickbay asks it.
func runs(t testing.TB, d demo.Info, target string) string {
	t.Helper()
	r, err := http.Get(d.Control + "/rollback/" + target)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var slot struct{ Current string }
	if err := json.NewDecoder(r.Body).Decode(&slot); err != nil {
		t.Fatal(err)
	}
	return slot.Current
}

// journalOf is where somebody's journal is.
func (c *console) journalOf() string {
	return filepath.Join(c.env["XDG_STATE_HOME"], "sickbay", "journal.jsonl")
}

func TestADryRunShowsThePlanAndDoesNothing(t *testing.T) {
	t.Parallel()
	d := stack(t, "bad-prompt")
	c := newConsole(t)
	s := c.want(0, "rollback", "support-chat", "--target", "support-chat/prompt", "--dry-run", "--config", d.Config)
	for _, part := range []string{"support-chat/prompt: v32 → v31 (http)", "the system: compare-and-swap by ETag", "- prompt v32", "+ prompt v31", "ill now: answers judged good 0.6", "limit 0.80", "ill now: refusals"} {
		if !strings.Contains(s.out, part) {
			t.Errorf("the plan has no %q:\n%s", part, s.out)
		}
	}
	if v := runs(t, d, "support-chat/prompt"); v != "v32" {
		t.Errorf("after a dry run it runs %s", v)
	}
	if fileExists(c.journalOf()) {
		t.Error("a dry run has left a journal")
	}
}

func TestARollbackThatCannotBeDoesNothing(t *testing.T) {
	t.Parallel()
	d := stack(t, "bad-prompt")
	for _, c := range []struct {
		args string
		code int
		says []string
	}{
		{"--target support-chat/prompt --yes", exitUsage, []string{"nothing was done", "read-only", "--write"}},
		{"--target support-chat/prompt --to v99 --write --yes", exitNotDone, []string{"nothing was done", "v99"}},
	} {
		args := append([]string{"rollback", "support-chat", "--config", d.Config, "--reason", "quality fell after v32"}, strings.Fields(c.args)...)
		s := newConsole(t).want(c.code, args...)
		for _, part := range c.says {
			if !strings.Contains(s.err, part) {
				t.Errorf("%s: it says %q, without %q", c.args, s.err, part)
			}
		}
		if v := runs(t, d, "support-chat/prompt"); v != "v32" {
			t.Errorf("%s: it runs %s", c.args, v)
		}
	}
}

func TestTheTargetMustBeClear(t *testing.T) {
	t.Parallel()
	snap := glance(t)
	for _, c := range []struct{ service, target, want, says string }{
		{"support-chat", "support-chat/prompt", "support-chat/prompt", ""},
		{"support-chat", "", "", "support-chat/prompt or support-chat/"},
		{"support-chat", "support-chat/promt", "", `no target "support-chat/promt"`},
		{"support-chat", "docs-answers/index", "", `no target "docs-answers/index"`},
		{"suport-chat", "", "", `"suport-chat"`},
		{"gpu-node-1", "", "", "no [[rollback]] of the config names gpu-node-1"},
	} {
		got, err := chooseTarget(snap, c.service, c.target)
		if got != c.want || (err == nil) != (c.says == "") {
			t.Errorf("%s --target %q: %q, %v", c.service, c.target, got, err)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "nothing was done: ") || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s --target %q: it says %q, without %q", c.service, c.target, err, c.says)
		}
	}
}

func TestTheNameIsTypedUnlessYesIsGiven(t *testing.T) {
	t.Parallel()
	d := stack(t, "tool-loop") // where nobody else looks at code-assist
	const target = "code-assist/deploy"
	before := runs(t, d, target)
	do := func(types string, code int) said {
		c := newConsole(t)
		c.types = types
		return c.want(code, "rollback", "code-assist", "--target", target, "--config", d.Config, "--write", "--reason", "to see what happens")
	}
	for _, wrong := range []string{"", "Code-Assist/Deploy\n"} {
		if s := do(wrong, exitNotDone); !strings.Contains(s.out, "type "+target+" to do it: ") || s.err == "" {
			t.Errorf("typed %q: out %q, err %q", wrong, s.out, s.err)
		}
		if v := runs(t, d, target); v != before {
			t.Fatalf("typed %q, and it runs %s instead of %s", wrong, v, before)
		}
	}
	do(target+"\n", exitUnproved) // nothing is ill there: whether it helped cannot be shown
	if v := runs(t, d, target); v == before {
		t.Errorf("typed as asked, and it still runs %s", v)
	}
}

// TestTheCoolDownIsOverriddenByFlagAndWords: after one rollback the next is refused; the
// flag asks for words to be typed, and with --yes counts as them.
func TestTheCoolDownIsOverriddenByFlagAndWords(t *testing.T) {
	t.Parallel()
	d := stack(t, "tool-loop") // where nobody else looks at support-chat
	const target = "support-chat/prompt"
	first := runs(t, d, target)
	c := newConsole(t)
	do := func(code int, types string, more ...string) said {
		c.types = types
		return c.want(code, append([]string{"rollback", "support-chat", "--target", target, "--config", d.Config, "--write", "--reason", "to see what happens"}, more...)...)
	}
	do(exitUnproved, "", "--yes")
	second := runs(t, d, target)
	third := olderThan(t, d, target, second, first)
	if s := do(exitNotDone, "", "--yes", "--to", third); !strings.Contains(s.err, "wait ") || !strings.Contains(s.err, "--override-cool-down") {
		t.Errorf("within the cool-down it says %q", s.err)
	}
	if s := do(exitNotDone, target+"\nno\n", "--override-cool-down", "--to", third); !strings.Contains(s.out, "type override cool-down to do it before") {
		t.Errorf("it asks %q", s.out)
	}
	if v := runs(t, d, target); v != second {
		t.Fatalf("refused twice, and it runs %s instead of %s", v, second)
	}
	do(exitUnproved, target+"\noverride cool-down\n", "--override-cool-down", "--to", third)
	if v := runs(t, d, target); v != third {
		t.Errorf("overridden, and it runs %s instead of %s", v, third)
	}
	show := c.want(0, "journal", "show").out
	if strings.Count(show, "declined ") != 2 || strings.Count(show, "(the cool-down was overridden)") != 1 {
		t.Errorf("the journal says\n%s", show)
	}
}

// olderThan is a version of a target that is neither of two.
func olderThan(t *testing.T, d demo.Info, target, a, b string) string {
	t.Helper()
	r, err := http.Get(d.Control + "/rollback/" + target)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var slot struct{ Versions []struct{ Version string } }
	if err := json.NewDecoder(r.Body).Decode(&slot); err != nil {
		t.Fatal(err)
	}
	for _, v := range slot.Versions {
		if v.Version != a && v.Version != b {
			return v.Version
		}
	}
	t.Fatalf("%s has no third version: %+v", target, slot)
	return ""
}

// TestTheJournalTellsWhatWasDone: a rollback's own journal is shown, verified and
// exported; a line that was changed is found.
func TestTheJournalTellsWhatWasDone(t *testing.T) {
	t.Parallel()
	d := stack(t, "tool-loop") // where nobody else looks at legal-search
	c := newConsole(t)
	before := runs(t, d, "legal-search/deploy")
	s := c.want(exitUnproved, "rollback", "legal-search", "--target", "legal-search/deploy", "--config", d.Config, "--write", "--yes", "--reason", "to see what happens")
	after := runs(t, d, "legal-search/deploy")
	if after == before || !strings.Contains(s.out, "unproven: "+after+" runs") {
		t.Fatalf("%s before, %s after:\n%s", before, after, s.out)
	}
	show := c.want(0, "journal", "show").out
	if n := strings.Count(show, "\n"); n != 5 {
		t.Errorf("%d lines:\n%s", n, show)
	}
	for _, part := range []string{"planned ", "sending ", "accepted ", "applied ", "unproven ", before + " → " + after, "to see what happens"} {
		if !strings.Contains(show, part) {
			t.Errorf("no %q in:\n%s", part, show)
		}
	}
	if v := c.want(0, "journal", "verify").out; !strings.HasPrefix(v, "ok: 5 lines, head ") {
		t.Errorf("%q", v)
	}
	head := strings.TrimSpace(strings.TrimPrefix(c.want(0, "journal", "verify", c.journalOf()).out, "ok: 5 lines, head "))
	c.want(0, "journal", "verify", "--anchor", head)
	if s := c.want(exitFailed, "journal", "verify", "--anchor", strings.Repeat("0", 64)); s.out != "" || s.err == "" {
		t.Errorf("an anchor that is not there: %+v", s)
	}
	if md := c.want(0, "journal", "export").out; !strings.Contains(md, "## legal-search/deploy "+before+" → "+after) {
		t.Errorf("%q", md)
	}
	var exported any
	if err := json.Unmarshal([]byte(c.want(0, "journal", "export", "--format", "json").out), &exported); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(c.journalOf())
	if err != nil {
		t.Fatal(err)
	}
	forged := filepath.Join(t.TempDir(), "journal.jsonl")
	if err := os.WriteFile(forged, []byte(strings.Replace(string(text), "to see what happens", "to see what happenz", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := c.want(exitFailed, "journal", "verify", forged); !strings.Contains(s.err, "the chain is broken") || !strings.Contains(s.err, forged) {
		t.Errorf("a forged journal: %+v", s)
	}
}

// live is a demo that lives by the clock, in a process of its own, until the test
// ends. The process may be stopped and killed.
func live(t testing.TB, args ...string) (demo.Info, *exec.Cmd) {
	t.Helper()
	c := exec.Command(binary(t), append([]string{"demo", "--no-tui"}, args...)...)
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	beforeTimeout(t, func() { _ = c.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var info demo.Info
	if err := json.Unmarshal([]byte(line), &info); err != nil {
		t.Fatalf("the first line is %q: %v", line, err)
	}
	return info, c
}

// TestARollbackRecovers: the whole ladder on a demo that lives, from a command line.
// Then somebody else takes over.
func TestARollbackRecovers(t *testing.T) {
	if testing.Short() {
		t.Skip("recovery takes a minute and a half: not with -short")
	}
	t.Parallel()
	d, _ := live(t, "--scenario", "bad-prompt")
	c := newConsole(t)
	c.now = time.Now
	d.Config = planted(t, d)
	ask := exec.Command(binary(t), "rollback", "support-chat", "--target", "support-chat/prompt", "--to", "v31", "--config", d.Config,
		"--write", "--yes", "--reason", "quality fell after v32, see "+secretMail) // a process of its own: it waits, and need not do so under the race detector
	ask.Env = append(os.Environ(), "XDG_STATE_HOME="+c.env["XDG_STATE_HOME"])
	began := time.Now()
	out, err := ask.CombinedOutput()
	t.Logf("ended after %s:\n%s", time.Since(began).Round(time.Second), out)
	if v := runs(t, d, "support-chat/prompt"); err != nil || v != "v31" || !strings.Contains(string(out), "  recovered: ") {
		t.Errorf("it runs %s: %v", v, err)
	}
	if v := c.want(0, "journal", "verify").out; !strings.HasPrefix(v, "ok: ") {
		t.Error(v)
	}
	c.want(exitNotDone, "rollback", "support-chat", "--target", "support-chat/prompt", "--config", d.Config, "--write", "--yes",
		"--to", olderThan(t, d, "support-chat/prompt", "v31", "v32"), "--reason", "further back, the key is "+secretKey) // within the cool-down: refused, and written down
	handsOver(t, c, d)
}

func TestEveryEndHasItsExitCode(t *testing.T) {
	t.Parallel()
	for state, want := range map[health.OpState]int{
		health.OpRecovered: 0, health.OpNotRecovered: exitUnproved, health.OpUnproven: exitUnproved, health.OpPartial: exitUnproved,
		health.OpUnknown: exitUnknown, health.OpNotApplied: exitNotDone, health.OpMoved: exitNotDone, health.OpRefused: exitNotDone,
		health.OpDenied: exitNotDone, health.OpFailed: exitNotDone, health.OpAbandoned: exitNotDone,
	} {
		var e exit
		if err := outcome(health.Rollback{State: state}); errors.As(err, &e) != (want != 0) || e.code != want {
			t.Errorf("%s: %v, want %d", state, err, want)
		}
	}
	var e exit
	if err := outcome(health.Rollback{State: health.OpMoved, Applied: storyTime}); !errors.As(err, &e) || e.code != exitUnproved {
		t.Errorf("applied, then changed by somebody else: %v", err)
	}
}
