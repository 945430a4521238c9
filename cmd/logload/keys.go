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

	"sickbay/cmd/internal/proc"
)

// letters are typed into the filter of the failures: each is drawn by nothing but its key.
var letters = strings.Split("αβγδεζηθικλμνξοπρστυφχψω", "")

// A typist types letter by letter, and begins anew when all were typed.
type typist struct {
	*terminal
	typed int
}

func (t *typist) next(ctx context.Context) (time.Duration, error) {
	i := t.typed % len(letters)
	if i == 0 {
		if _, err := io.WriteString(t.keys, "\x1b"); err != nil {
			return 0, err
		}
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return 0, err
		}
		if _, err := t.press(ctx, "/", "/"); err != nil {
			return 0, err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
	t.typed++
	return t.press(ctx, letters[i], letters[i])
}

// pressWhileGrowing follows a file that grows and types into the list of failures.
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
	if _, err := t.press(ctx, "4", "FAILURES"); err != nil {
		return err
	}
	growing, stop := context.WithCancel(ctx)
	defer stop()
	grown := make(chan error, 1)
	go func() { grown <- grow(growing, path, o.rate*1e6, o.span) }()
	before, err := proc.UsageOf(t.pid)
	if err != nil {
		return err
	}
	begun := time.Now()
	var took []time.Duration
	hand := typist{terminal: t}
	for time.Since(begun) < o.span {
		if err := pause(ctx, 50*time.Millisecond+rand.N(200*time.Millisecond)); err != nil { // at any moment of whatever it does
			return err
		}
		d, err := hand.next(ctx)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	after, err := proc.UsageOf(t.pid)
	if err := errors.Join(err, <-grown); err != nil {
		return err
	}
	slices.Sort(took)
	at := func(share float64) time.Duration {
		return took[int(share*float64(len(took)-1))].Round(100 * time.Microsecond)
	}
	fmt.Fprintf(out, "%d keys in %v while a log grew by %g MB/s: half within %v, 99 %% within %v, all within %v\n",
		len(took), time.Since(begun).Round(time.Second), o.rate, at(.5), at(.99), at(1))
	fmt.Fprintf(out, "%.0f %% of a core, %d MB resident, %d MB at most\n",
		100*(after.CPU-before.CPU).Seconds()/time.Since(begun).Seconds(), after.Resident/1e6, after.Most/1e6)
	return o.behind(ctx, out, t)
}

// behind prints what the sources view says of the log.
func (o options) behind(ctx context.Context, out io.Writer, t *terminal) error {
	if _, err := io.WriteString(t.keys, "\x1b"); err != nil { // out of the filter
		return err
	}
	if err := pause(ctx, 300*time.Millisecond); err != nil {
		return err
	}
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
