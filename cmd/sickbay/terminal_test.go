package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A terminal is tmux with one program in it, which is read from its screen and
// driven by its keyboard. The tmux is private to the test: its own socket, no config.
//
// The program runs below a shell. When it has ended, the shell says with which code,
// and whether the terminal is set as it was before:
//
//	left with 0, terminal as before
type terminal struct {
	t      testing.TB
	socket string
	dir    string // of the test: state, pid
}

var terminals atomic.Int32

// openTerminal runs sickbay with arguments on a screen of w columns and h rows.
func openTerminal(t testing.TB, w, h int, args ...string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("no tmux here: nobody looks at the screen of the real program")
	}
	program := binary(t)
	dir, err := os.MkdirTemp("", "tm") // short: it will hold a socket
	if err != nil {
		t.Fatal(err)
	}
	m := &terminal{t: t, dir: dir, socket: fmt.Sprintf("sickbay-%d-%d", os.Getpid(), terminals.Add(1))}
	t.Cleanup(func() { _ = m.command("kill-server").Run(); os.RemoveAll(dir) })
	beforeTimeout(t, func() { _ = m.command("kill-server").Run() })
	line := shellWord(program)
	for _, a := range args {
		line += " " + shellWord(a)
	}
	script := filepath.Join(dir, "run.sh")
	text := `before=$(stty -g)
sh -c 'echo $$ > "$0" && exec "$@"' ` + shellWord(filepath.Join(dir, "pid")) + " " + line + `
code=$?
[ "$before" = "$(stty -g)" ] && echo "left with $code, terminal as before" || echo "left with $code, terminal spoilt"
exec cat
`
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	m.tmux("start-server", ";", "set", "-g", "status", "off", ";", "set", "-s", "escape-time", "0", ";",
		"set", "-g", "default-terminal", "tmux-256color", ";",
		"new-session", "-d", "-s", "t", "-x", strconv.Itoa(w), "-y", strconv.Itoa(h), "sh "+shellWord(script), ";",
		"set", "-g", "window-size", "manual")
	return m
}

func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (m *terminal) command(args ...string) *exec.Cmd {
	c := exec.Command("tmux", append([]string{"-u", "-L", m.socket, "-f", "/dev/null"}, args...)...)
	for _, e := range os.Environ() { // nothing of whoever runs the tests may change what is seen
		if name, _, _ := strings.Cut(e, "="); name != "TMUX" && name != "NO_COLOR" && !strings.HasPrefix(name, "SICKBAY_") {
			c.Env = append(c.Env, e)
		}
	}
	c.Env = append(c.Env, "LC_ALL=C.UTF-8", "TMUX_TMPDIR="+m.dir, "TMPDIR="+m.dir, "HOME="+m.dir,
		"XDG_STATE_HOME="+filepath.Join(m.dir, "state"), "XDG_CONFIG_HOME="+filepath.Join(m.dir, "config"))
	return c
}

func (m *terminal) tmux(args ...string) string {
	m.t.Helper()
	out, err := m.command(args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// press sends keys by the names tmux gives them: j, Enter, Escape, C-y.
func (m *terminal) press(keys ...string) {
	m.t.Helper()
	m.tmux(append([]string{"send-keys", "-t", "t"}, keys...)...)
}

// write types a text, one character after another.
func (m *terminal) write(text string) {
	m.t.Helper()
	for _, r := range text {
		m.tmux("send-keys", "-t", "t", "-l", string(r))
	}
}

// screen is what is to be seen; lines that were wrapped are one.
func (m *terminal) screen() string {
	m.t.Helper()
	return m.tmux("capture-pane", "-p", "-J", "-t", "t")
}

// painted is the screen with its colours.
func (m *terminal) painted() string {
	m.t.Helper()
	return m.tmux("capture-pane", "-p", "-e", "-t", "t")
}

// ask is a property of the terminal, in the language of tmux.
func (m *terminal) ask(format string) string {
	m.t.Helper()
	return strings.TrimSpace(m.tmux("display", "-p", "-t", "t", format))
}

func (m *terminal) resize(w, h int) {
	m.t.Helper()
	m.tmux("resize-window", "-t", "t", "-x", strconv.Itoa(w), "-y", strconv.Itoa(h))
}

// until looks at the screen until it is as it should be, and says how long that took.
func (m *terminal) until(what string, within time.Duration, is func(screen string) bool) (string, time.Duration) {
	m.t.Helper()
	began := time.Now()
	for {
		s := m.screen()
		took := time.Since(began)
		if is(s) {
			return s, took
		}
		if took > within {
			m.t.Fatalf("within %s there was not %s; the screen:\n%s", within, what, s)
		}
		if took > time.Second { // what comes at once is measured, what takes long is waited for
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// sees waits for a pattern and returns the screen it is on.
func (m *terminal) sees(pattern string, within time.Duration) string {
	m.t.Helper()
	s, _ := m.until("/"+pattern+"/", within, regexp.MustCompile(pattern).MatchString)
	return s
}

// rests leaves the keyboard alone for so long, as the dialog demands it, while the
// screen keeps showing a pattern.
func (m *terminal) rests(d time.Duration, pattern string) {
	m.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s := m.screen(); !regexp.MustCompile(pattern).MatchString(s) {
			m.t.Fatalf("/%s/ went away; the screen:\n%s", pattern, s)
		}
	}
}

// pid is the process id of sickbay.
func (m *terminal) pid() int {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, "pid"))
	if err != nil {
		m.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		m.t.Fatal(err)
	}
	return pid
}

// alive says whether a process is there and is no mere entry of a dead one.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

// gone waits until a process has ended.
func gone(t testing.TB, pid int, within time.Duration) {
	t.Helper()
	for end := time.Now().Add(within); alive(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d is still there after %s", pid, within)
		}
	}
}

// restored insists on a terminal as a shell wants it, after sickbay has ended with
// an exit code: modes as before, no alternate screen, a cursor, no mouse. It
// returns what is left on the screen.
func (m *terminal) restored(code int, within time.Duration) string {
	m.t.Helper()
	s := m.sees(`left with \d+`, within)
	if want := fmt.Sprintf("left with %d, terminal as before", code); !strings.Contains(s, want) {
		m.t.Errorf("no %q on the screen:\n%s", want, s)
	}
	if got := m.ask("alternate #{alternate_on} cursor #{cursor_flag} mouse #{mouse_any_flag} keypad #{keypad_cursor_flag}"); got != "alternate 0 cursor 1 mouse 0 keypad 0" {
		m.t.Errorf("the terminal is left with %s", got)
	}
	gone(m.t, m.pid(), time.Second)
	return s
}
