package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sickbay/demo"
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
	for _, part := range []string{"support-chat/prompt: v32 → v31 (http)", "- prompt v32", "+ prompt v31", "ill now: answers judged good 0.6", "limit 0.80", "ill now: refusals"} {
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
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"read-only":        {[]string{"support-chat", "--target", "support-chat/prompt", "--yes"}, exitUsage, []string{"nothing was done", "read-only", "--write"}},
		"no such service":  {[]string{"suport-chat", "--write", "--yes"}, exitNotDone, []string{"nothing was done", `"suport-chat"`}},
		"several targets":  {[]string{"support-chat", "--write", "--yes"}, exitNotDone, []string{"nothing was done", "support-chat/prompt or support-chat/"}},
		"no such target":   {[]string{"support-chat", "--target", "support-chat/promt", "--write", "--yes"}, exitNotDone, []string{"nothing was done", `"support-chat/promt"`, "support-chat/prompt or"}},
		"no such version":  {[]string{"support-chat", "--target", "support-chat/prompt", "--to", "v99", "--write", "--yes"}, exitNotDone, []string{"nothing was done", "v99"}},
		"no target at all": {[]string{"gpu-node-1", "--write", "--yes"}, exitNotDone, []string{"nothing was done", "[[rollback]]", "gpu-node-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"rollback", "--config", d.Config, "--reason", "quality fell after v32"}, c.args...)
			s := newConsole(t).want(c.code, args...)
			for _, part := range c.says {
				if !strings.Contains(s.err, part) {
					t.Errorf("it says %q, without %q", s.err, part)
				}
			}
			if v := runs(t, d, "support-chat/prompt"); v != "v32" {
				t.Errorf("it runs %s", v)
			}
		})
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
	for _, wrong := range []string{"", "yes\n", "Code-Assist/Deploy\n", target + " \n"} {
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
func TestARollbackRecovers(t *testing.T) {
	if testing.Short() {
		t.Skip("recovery takes a minute and a half: not with -short")
	}
	t.Parallel()
	d, _ := live(t, "--scenario", "bad-prompt")
	c := newConsole(t)
	c.now = time.Now
	c.want(2, "check", "--config", d.Config, "--service", "support-chat")
	began := time.Now()
	s := c.want(0, "rollback", "support-chat", "--target", "support-chat/prompt", "--to", "v31", "--config", d.Config,
		"--write", "--yes", "--reason", "quality fell after v32")
	t.Logf("recovered after %s:\n%s", time.Since(began).Round(time.Second), s.out)
	if v := runs(t, d, "support-chat/prompt"); v != "v31" || !strings.Contains(s.out, "  recovered: ") {
		t.Errorf("it runs %s:\n%s", v, s.out)
	}
	if v := c.want(0, "journal", "verify").out; !strings.HasPrefix(v, "ok: ") {
		t.Error(v)
	}
}
