package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A terminal is sickbay in one of 120x40, made by script(1).
type terminal struct {
	cmd  *exec.Cmd
	keys io.WriteCloser
	pid  int

	mu   sync.Mutex
	said []byte        // since the newest key
	news chan struct{} // of one
}

// open starts sickbay in a home of its own.
func open(ctx context.Context, dir, binary string, args ...string) (*terminal, error) {
	script, err := exec.LookPath("script")
	if err != nil {
		return nil, fmt.Errorf("no terminal can be made without script(1): %w", err)
	}
	pid := filepath.Join(dir, "pid")
	line := fmt.Sprintf("stty rows 40 cols 120; echo $$ > %s; exec %s %s", pid, binary, strings.Join(args, " "))
	t := &terminal{cmd: exec.CommandContext(ctx, script, "-qfc", line, "/dev/null"), news: make(chan struct{}, 1)}
	t.cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_STATE_HOME="+dir, "TERM=xterm-256color")
	if t.keys, err = t.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	go t.listen(out)
	if !t.wait(ctx, "sickbay", 10*time.Second) {
		t.close()
		return nil, fmt.Errorf("%s did not start", binary)
	}
	text, err := os.ReadFile(pid)
	if err == nil {
		t.pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	return t, err
}

func (t *terminal) listen(out io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := out.Read(buf)
		t.mu.Lock()
		t.said = append(t.said, buf[:n]...)
		t.mu.Unlock()
		select {
		case t.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// press types something and says how long it took until a text was drawn.
func (t *terminal) press(ctx context.Context, key, until string) (time.Duration, error) {
	t.mu.Lock()
	t.said = t.said[:0]
	t.mu.Unlock()
	begun := time.Now()
	if _, err := io.WriteString(t.keys, key); err != nil {
		return 0, err
	}
	if !t.wait(ctx, until, 10*time.Second) {
		return 0, fmt.Errorf("nothing happened within 10 s of the key %q", key)
	}
	return time.Since(begun), nil
}

// wait says whether a text was drawn since the newest key within a while.
func (t *terminal) wait(ctx context.Context, until string, patience time.Duration) bool {
	over := time.After(patience)
	for {
		t.mu.Lock()
		seen := bytes.Contains(t.said, []byte(until))
		t.mu.Unlock()
		if seen {
			return true
		}
		select {
		case <-t.news:
		case <-over:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// close ends sickbay as a user would.
func (t *terminal) close() {
	_, _ = io.WriteString(t.keys, "q") // it may have ended by itself
	done := make(chan struct{})
	go func() { defer close(done); _ = t.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(3 * time.Second):
		_ = t.cmd.Process.Kill()
		<-done
	}
}
