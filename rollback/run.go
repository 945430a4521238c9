package rollback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// errNotStarted marks a command that never ran.
var errNotStarted = errors.New("the command could not be started")

// exitError is a command that ended by itself with a code other than 0.
type exitError struct {
	name string
	code int
	said string
}

func (e *exitError) Error() string {
	s := fmt.Sprintf("%s ended with %d", e.name, e.code)
	if e.said != "" {
		s += ": " + e.said
	}
	return s
}

func (t *commandTarget) run(ctx context.Context, argv []string) ([]byte, error) {
	return run(ctx, t.Timeout, environment(t.Env), argv)
}

// run starts a command in a process group of its own, with env as its whole
// environment and no input, and returns what it printed. At the deadline the whole
// group is killed.
func run(ctx context.Context, timeout time.Duration, env, argv []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stdout, stderr := &capped{max: maxAnswer}, &capped{max: 4096}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	killGroup := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel = killGroup
	cmd.WaitDelay = time.Second
	name := tidy(filepath.Base(argv[0]), 60)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %s", errNotStarted, tidy(err.Error(), 160))
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s was killed: %w", name, context.Cause(ctx))
	case errors.Is(err, exec.ErrWaitDelay):
		_ = killGroup() // somebody of the group still holds the pipe, so the group is still ours
		return nil, fmt.Errorf("%s ended and left processes behind that were killed", name)
	case errors.As(err, &exit) && exit.Exited():
		return nil, &exitError{name, exit.ExitCode(), tidy(firstOf(stderr.b.String(), stdout.b.String()), 160)}
	case err != nil:
		return nil, fmt.Errorf("%s: %s", name, tidy(err.Error(), 160))
	case stdout.over:
		return nil, fmt.Errorf("%s printed more than 1 MB", name)
	}
	return stdout.b.Bytes(), nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// environment is all a command gets to know of ours.
func environment(extra []string) []string {
	env := []string{}
	for _, name := range slices.Concat([]string{"PATH", "HOME", "KUBECONFIG"}, extra) {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// capped keeps the beginning and swallows the rest, so that a command that
// prints too much is not killed by a full pipe in the middle of its work.
type capped struct {
	b    bytes.Buffer
	max  int
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	if room := c.max - c.b.Len(); len(p) > room {
		c.over = true
		c.b.Write(p[:room])
	} else {
		c.b.Write(p)
	}
	return len(p), nil
}
