package sources

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

func init() {
	register(Kind{
		Name: "file",
		Doc:  "Log files, followed through rotation and truncation: JSON lines, logfmt or plain text.",
		Example: `kind = "file"
name = "requests"
paths = ["/var/log/app/*.jsonl"]
history = 64                      # MiB that are read at the start, newest first
` + lineExample,
		Open: openFile,
	})
}

const (
	maxBatch = 500
	maxFiles = 200
	// gather is how long news may come together before they are read.
	gather = 200 * time.Millisecond
	// poll is how often to look when nothing tells us to: not every file system
	// tells, and a new folder has no watch yet.
	poll = 2 * time.Second
	// linger is how long a file is still read after its path led elsewhere: a
	// program may write to the old file for a moment after it was rotated.
	linger = 10 * time.Second
)

type fileConfig struct {
	lineConfig
	Paths   []string `toml:"paths"`
	History int64    `toml:"history"`
}

type file struct {
	lined
	name    string
	globs   []string
	history int64                  // bytes
	decided atomic.Pointer[string] // how lines are read
}

func openFile(name string, decode Decode) (Source, error) {
	c := fileConfig{History: 64}
	if err := decode(&c); err != nil {
		return nil, err
	}
	if len(c.Paths) == 0 {
		return nil, errors.New(`paths: is missing; say which files: paths = ["/var/log/app/*.jsonl"]`)
	}
	if c.History < 0 || c.History > 1<<20 {
		return nil, fmt.Errorf("history: %d MiB cannot be; say how much of the files to read at the start", c.History)
	}
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	f := &file{name: name, lined: lined{o}, history: c.History << 20}
	for _, p := range c.Paths {
		p, err := expand(p)
		if err != nil {
			return nil, fmt.Errorf("paths: %w", err)
		}
		if _, err := filepath.Match(p, ""); err != nil || p == "" {
			return nil, fmt.Errorf("paths: %q is not a pattern of file names", p)
		}
		f.globs = append(f.globs, filepath.Clean(p))
	}
	return f, nil
}

func (f *file) Name() string                            { return f.name }
func (f *file) Close() error                            { return nil }
func (f *file) About() (kind, where string)             { return "file", strings.Join(f.globs, " ") }
func (f *file) Version(context.Context) (string, error) { return "", nil }

// Follow reads what the files hold now, interleaved by time, then what is
// written to them. It returns nil when ctx ends, and no sooner.
func (f *file) Follow(ctx context.Context, emit func(Batch)) error {
	w := &follower{file: f, emit: emit, ended: ctx.Err}
	defer w.close()
	if watch, err := fsnotify.NewWatcher(); err == nil { // without one, polling has to do
		w.watch = watch
	}
	w.round(ctx, time.Now())

	tick := time.NewTicker(poll)
	defer tick.Stop()
	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.events():
			if due == nil && f.matches(filepath.Clean(e.Name)) {
				due = time.After(gather)
			}
		case <-w.failures(): // overflow: the next look finds what was missed
		case <-due:
			due = nil
			w.round(ctx, time.Now())
		case <-tick.C:
			w.round(ctx, time.Now())
		}
		if w.holds && due == nil {
			due = time.After(gather)
		}
	}
}

func (f *file) matches(path string) bool {
	for _, g := range f.globs {
		if ok, _ := filepath.Match(g, path); ok {
			return true
		}
	}
	return false
}

// Usage says how the lines are read.
func (f *file) Usage() Usage {
	if said := f.decided.Load(); said != nil {
		return Usage{Note: *said}
	}
	return Usage{}
}
