package main

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sickbay/demo"
)

// Waits are for slow machines under load; what is promised is measured and logged.
const (
	soon   = time.Minute // a program starts, a dialog opens
	healed = 100 * time.Second
)

// freePort is an address where nobody listens yet.
func freePort(t testing.TB) string {
	t.Helper()
	return strings.TrimPrefix(nobodyAt(t), "http://")
}

// TestTheWholeLoopByKeys is why sickbay exists: see it, ask why, roll back, watch it
// recover. At the smaller size the dialog is left again, and nothing was done.
func TestTheWholeLoopByKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		w, h   int
		cancel bool
	}{{80, 24, true}, {120, 40, false}} {
		t.Run(fmt.Sprintf("%dx%d", c.w, c.h), func(t *testing.T) {
			if testing.Short() && !c.cancel {
				t.Skip("recovery takes a minute: not with -short")
			}
			t.Parallel()
			listen := freePort(t)
			d := demo.Info{Control: "http://" + listen}
			m := openTerminal(t, c.w, c.h, "demo", "--scenario", "bad-prompt", "--write", "--listen", listen)
			m.sees(`▌✗ support-chat `, soon)
			m.press("4") // the log has been read when its failures are there
			m.sees(`(?m)^▌(new|grown) .* support-chat `, soon)
			m.press("1")
			m.sees(`▌✗ support-chat `, soon)

			m.press("i") // one key from the overview to the failing request
			m.sees(`(?s)REQUEST req-.*failed.* prompt +v32\b`, soon)
			m.press("Escape")
			m.sees(`WHY support-chat is critical`, soon)
			toPlan(m)
			if c.cancel {
				m.press("Escape")
				m.sees(`nothing was rolled back`, soon)
			} else {
				rollBack(m)
			}
			want := map[bool]string{true: "v32", false: "v31"}[c.cancel]
			if v := runs(t, d, "support-chat/prompt"); v != want {
				t.Errorf("it runs %s, want %s", v, want)
			}
			m.press("q")
			journal := regexp.MustCompile(`sickbay journal show (\S+\.jsonl)`).FindStringSubmatch(m.restored(0, soon))
			if journal == nil {
				t.Fatalf("the journal is not named:\n%s", m.screen())
			}
			said := newConsole(t).want(0, "journal", "verify", journal[1])
			if c.cancel != strings.HasPrefix(said.out, "ok: 0 lines") || !strings.HasPrefix(said.out, "ok: ") {
				t.Errorf("the journal: %s", said.out)
			}
			t.Logf("the journal: %s", said.out)
		})
	}
}

// toPlan opens the dialog on what the first suspect points to and chooses it.
func toPlan(m *terminal) {
	m.t.Helper()
	const rest = 600 * time.Millisecond // more than the dialog is deaf
	m.press("R")
	m.sees(`▌ support-chat/prompt +v32 → v31`, soon)
	m.rests(rest, `ROLL BACK support-chat`)
	m.press("Enter")
	m.sees(`plan +v32 → v31 +by http`, soon)
	m.rests(rest, `type its name: support-chat/prompt`)
}

// rollBack fills the dialog, confirms and waits until the symptoms are gone.
func rollBack(m *terminal) {
	m.t.Helper()
	m.press("Tab")
	m.sees(`▌ target`, soon)
	m.write("support-chat/prompt")
	m.press("Tab")
	m.sees(`▌ reason`, soon)
	m.write("quality fell after v32")
	m.sees(`target +support-chat/prompt\s.*\n.*reason .*quality fell after v32`, soon)
	m.press("C-y")
	began := time.Now()
	m.sees(`accepted|applied`, soon)
	s := m.sees(`(^|[^t]) recovered`, healed)
	m.t.Logf("recovered %s after ctrl+y", time.Since(began).Round(time.Second))
	if strings.Contains(s, "not recovered") {
		m.t.Errorf("the screen:\n%s", s)
	}
}

func TestASignalRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			m := openTerminal(t, 80, 24, "--config", stack(t, "quiet").Config)
			m.sees(`READ-ONLY`, soon)
			if err := syscall.Kill(m.pid(), sig); err != nil {
				t.Fatal(err)
			}
			m.restored(0, soon)
		})
	}
}

// TestALostTerminalEndsTheProgram: the SSH connection breaks, the window is closed.
func TestALostTerminalEndsTheProgram(t *testing.T) {
	t.Parallel()
	m := openTerminal(t, 80, 24, "demo", "--scenario", "quiet")
	m.sees(`✓ ad-ranking`, soon)
	pid := m.pid()
	m.tmux("kill-server")
	gone(t, pid, soon)
}

func TestTheWindowMayBecomeTooSmallAndLargeAgain(t *testing.T) {
	t.Parallel()
	m := openTerminal(t, 80, 24, "--config", stack(t, "bad-prompt").Config)
	m.sees(`READ-ONLY`, soon)
	m.resize(30, 8)
	m.sees(`window too small`, soon)
	m.resize(120, 40)
	m.sees(`q quit|\? keys`, soon)
	m.resize(80, 24)
	s := m.sees(`\? keys`, soon)
	if n := strings.Count(strings.TrimRight(s, "\n"), "\n") + 1; n != 24 {
		t.Errorf("%d lines:\n%s", n, s)
	}
	m.press("q")
	m.restored(0, soon)
}

// reacts presses a key and measures until the screen shows a pattern and does not
// show another, unless that is "".
func (m *terminal) reacts(key, pattern, without string) time.Duration {
	m.t.Helper()
	began := time.Now()
	m.press(key)
	m.until("/"+pattern+"/ without /"+without+"/ after "+key, soon, func(s string) bool {
		return regexp.MustCompile(pattern).MatchString(s) && (without == "" || !regexp.MustCompile(without).MatchString(s))
	})
	took := time.Since(began)
	if took > 2*time.Second { // promised are 100 ms; here twenty tests run at once, and about 20 ms are tmux's own processes
		m.t.Errorf("%s: %s until /%s/", key, took, pattern)
	}
	return took
}

// tour goes through the views and says how long the slowest key took.
func (m *terminal) tour() time.Duration {
	m.t.Helper()
	slowest := time.Duration(0)
	for _, k := range [][3]string{
		{"7", `(?m)^ SOURCES`}, {"5", `(?m)^ CHANGES`}, {"3", `(?m)^ DRIFT`}, {"2", `latency p95`}, {"8", `(?m)^ JOURNAL`},
		{"?", `KEYS of`}, {"Escape", `(?m)^ JOURNAL`, `KEYS of`}, {"1", `SERVICE .*KIND`},
	} {
		slowest = max(slowest, m.reacts(k[0], k[1], k[2]))
	}
	return slowest
}

// TestLookingAtAServiceLeavesItsVerdictAlone: what is asked only while somebody looks
// at a service grows old when he looks elsewhere, and that is no missing data.
func TestLookingAtAServiceLeavesItsVerdictAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("values need half a minute to become stale: not with -short")
	}
	t.Parallel()
	m := openTerminal(t, 120, 40, "demo", "--scenario", "quiet")
	m.sees(`✓ 17 ok +\? 0 unknown`, soon)
	m.press("2")
	m.sees(`latency p95`, soon)
	m.sees(`latency,? median`, soon) // is asked in this view only
	m.press("1")
	m.sees(`SERVICE .*KIND`, soon)
	m.rests(45*time.Second, `✓ 17 ok +\? 0 unknown`)
}

// TestTheFirstFrameWaitsForNobody: with a backend that never answers there is a
// frame at once, and keys work.
func TestTheFirstFrameWaitsForNobody(t *testing.T) {
	t.Parallel()
	binary(t)
	config := written(t, "[[source]]\nkind = \"prometheus\"\nname = \"main\"\nurl = \""+deaf(t)+"\"\n")
	began := time.Now()
	m := openTerminal(t, 120, 40, "--config", config)
	m.sees(`asking…`, soon)
	t.Logf("a frame %s after tmux was started", time.Since(began).Round(time.Millisecond))
	for _, k := range [][2]string{{"7", `SOURCES`}, {"5", `(?m)^ CHANGES`}, {"1", `SERVICE .*KIND|asking…`}} {
		t.Logf("key %s: %s", k[0], m.reacts(k[0], k[1], "").Round(time.Millisecond))
	}
	m.press("q")
	m.restored(0, soon)
}

// TestAnOutageIsSurvived: Prometheus hangs, dies and comes back at its old address.
func TestAnOutageIsSurvived(t *testing.T) {
	if testing.Short() {
		t.Skip("values need half a minute to become stale: not with -short")
	}
	t.Parallel()
	listen := freePort(t)
	d, server := live(t, "--scenario", "bad-prompt", "--listen", listen)
	m := openTerminal(t, 120, 40, "--config", d.Config)
	m.sees(`▌✗ support-chat .* s +0\.\d+ ▼`, soon)
	t.Logf("keys while all is well: at most %s", m.tour().Round(time.Millisecond))

	if err := server.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	m.press("1")
	before := rowOf(m.sees(`▌. support-chat `, soon))
	t.Logf("keys while every question hangs: at most %s", m.tour().Round(time.Millisecond))
	s := m.sees(`main does not answer`, 40*time.Second)
	if got := rowOf(s); got[3] != before[3] || got[4] != before[4] {
		t.Errorf("values went away:\n%q before\n%q now", before, got)
	}
	t.Logf("keys while questions fail: at most %s", m.tour().Round(time.Millisecond))
	s = m.sees(`[1-9]\d? unknown`, 60*time.Second) // values become stale, one after another
	if got := rowOf(s); got[3] != before[3] || got[4] != before[4] {
		t.Errorf("stale values went away:\n%q before\n%q now", before, got)
	}
	dimmed := regexp.MustCompile(`\x1b\[[\d;]*2m[^\x1b]* ms`)
	m.until("a stale value dimmed", soon, func(string) bool { return dimmed.MatchString(lineWith(m.painted(), "ad-ranking")) })

	if err := server.Process.Kill(); err != nil { // it can never go on
		t.Fatal(err)
	}
	_ = server.Wait()
	portIsFree(t, listen)
	live(t, "--scenario", "bad-prompt", "--listen", listen)
	m.press("j") // so that a failure shows why somebody is still unknown
	_, took := m.until("all fresh again", 60*time.Second, func(s string) bool {
		return strings.Contains(s, " 0 unknown") && strings.Contains(s, "live") && strings.Contains(s, "✗ support-chat")
	})
	t.Logf("fresh %s after the return", took.Round(time.Millisecond))
	m.press("q")
	m.restored(0, soon)
}

// portIsFree waits until an address can be listened on again.
func portIsFree(t testing.TB, address string) {
	t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
		l, err := net.Listen("tcp", address)
		if err == nil {
			l.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// lineWith is the line of a screen that has a text in it.
func lineWith(screen, text string) string {
	for _, l := range strings.Split(screen, "\n") {
		if strings.Contains(l, text) {
			return l
		}
	}
	return ""
}

// rowOf are the columns of support-chat in the overview from the sign on: sign and
// name, kind, version, p95, cost.
func rowOf(screen string) []string {
	l := lineWith(screen, " support-chat ")
	m := regexp.MustCompile(`(. support-chat) +(\w+) +(prompt \w+) .* (\S+ m?s) .* (\$\S+) `).FindStringSubmatch(l)
	if m == nil {
		return []string{l, "", "", "", ""}
	}
	return m[1:]
}
