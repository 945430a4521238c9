package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cursor is what is drawn of a selected row: nothing but a key moves it.
const cursor = "▌"

// pressWhileGrowing follows a file that grows and presses keys in the list of failures.
func (o options) pressWhileGrowing(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "logload-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "requests.jsonl")
	if err := writePast(path, 20e6, time.Now()); err != nil {
		return err
	}
	t, err := open(ctx, dir, o.binary, "--logs", path)
	if err != nil {
		return err
	}
	defer t.close()
	if _, err := t.press(ctx, "4", cursor); err != nil {
		return err
	}
	growing, stop := context.WithCancel(ctx)
	defer stop()
	grown := make(chan error, 1)
	go func() { grown <- grow(growing, path, o.rate*1e6, o.span) }()
	before, err := usageOf(t.pid)
	if err != nil {
		return err
	}
	begun := time.Now()
	var took []time.Duration
	for time.Since(begun) < o.span {
		if err := pause(ctx, 50*time.Millisecond+rand.N(200*time.Millisecond)); err != nil { // at any moment of whatever it does
			return err
		}
		d, err := t.press(ctx, []string{"j", "k"}[len(took)%2], cursor)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	after, err := usageOf(t.pid)
	if err := errors.Join(err, <-grown); err != nil {
		return err
	}
	slices.Sort(took)
	at := func(share float64) time.Duration { return took[int(share*float64(len(took)-1))].Round(100 * time.Microsecond) }
	fmt.Fprintf(out, "%d keys in %v while a log grew by %g MB/s: half within %v, 99 %% within %v, all within %v\n",
		len(took), time.Since(begun).Round(time.Second), o.rate, at(.5), at(.99), at(1))
	fmt.Fprintf(out, "%.0f %% of a core, %d MB resident, %d MB at most\n",
		100*(after.cpu-before.cpu).Seconds()/time.Since(begun).Seconds(), after.resident/1e6, after.most/1e6)
	return o.behind(ctx, out, t)
}

// behind prints what the sources view says of the log.
func (o options) behind(ctx context.Context, out io.Writer, t *terminal) error {
	if _, err := t.press(ctx, "7", "SAYS"); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range strings.Split(plain(string(t.said)), "\n") {
		if strings.Contains(line, "lines") {
			fmt.Fprintln(out, "sources:", strings.TrimSpace(line))
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
