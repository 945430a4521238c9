package sources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"sickbay/logs"
)

func init() {
	register(Kind{
		Name: "file",
		Doc:  "Log files, followed through rotation and truncation: JSON lines, logfmt or plain text.",
		Example: `kind = "file"
name = "requests"
paths = ["/var/log/app/*.jsonl"]
service = ""                      # of lines that name none
history = 64                      # MiB that are read at the start, newest first
`,
		Open: openFile,
	})
}

const (
	maxBatch = 2000
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
	Paths   []string `toml:"paths"`
	Service string   `toml:"service"`
	History int64    `toml:"history"`
}

type file struct {
	name    string
	globs   []string
	service string
	history int64 // bytes
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
	f := &file{name: name, service: c.Service, history: c.History << 20}
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
	w := &follower{file: f, emit: emit}
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

// packed files are what rotation leaves behind; they hold nothing new.
func packedName(path string) bool {
	switch filepath.Ext(path) {
	case ".gz", ".zst", ".bz2", ".xz", ".zip":
		return true
	}
	return false
}

// A follower is one run of Follow.
type follower struct {
	*file
	emit  func(Batch)
	watch *fsnotify.Watcher // nil: only polling
	tails []*tail
	turn  int
	batch Batch
	notes []string
	said  string // what the newest batch said about the state of things
}

func (w *follower) events() <-chan fsnotify.Event {
	if w.watch == nil {
		return nil
	}
	return w.watch.Events
}

func (w *follower) failures() <-chan error {
	if w.watch == nil {
		return nil
	}
	return w.watch.Errors
}

func (w *follower) close() {
	if w.watch != nil {
		w.watch.Close()
	}
	for _, t := range w.tails {
		t.file.Close()
	}
}

// round looks for new files, reads everything that is there and emits it.
func (w *follower) round(ctx context.Context, now time.Time) {
	w.turn++
	w.notes = nil
	err := w.scan(now)
	var ready []*tail
	for _, t := range w.tails {
		grown, truncated, err := t.grown()
		if truncated {
			w.note("%s was truncated", t.path)
		}
		if err != nil {
			w.note("cannot read %s: %v", t.path, bare(err))
		} else if grown {
			ready = append(ready, t)
		}
	}
	w.merge(ctx, ready, now)
	w.retire(now)
	if len(w.tails) > 0 {
		err = nil // the others are read, and the notes name those that are not
	}
	w.flush(err)
}

func (w *follower) note(format string, args ...any) {
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

// scan finds the files that the patterns match now. The newest come first, and
// history is shared out among them. It returns the last error.
func (w *follower) scan(now time.Time) (failed error) {
	type found struct {
		path string
		info os.FileInfo
	}
	var all []found
	for _, g := range w.globs {
		w.watchFolder(filepath.Dir(g))
		paths, _ := filepath.Glob(g) // the pattern was checked when the source was opened
		if len(paths) == 0 {
			w.note("waiting for %s", g)
		}
		for _, p := range paths {
			info, err := os.Stat(p)
			switch {
			case err != nil:
				if !errors.Is(err, fs.ErrNotExist) {
					failed = err
				}
			case !info.IsDir() && !packedName(p):
				all = append(all, found{p, info})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return b.info.ModTime().Compare(a.info.ModTime()) })
	left, over := w.history, 0
	for _, f := range all {
		if t := w.known(f.info); t != nil {
			t.path, t.seen, t.unseen = f.path, w.turn, time.Time{}
			continue
		}
		if len(w.tails) >= maxFiles {
			over++
			continue
		}
		from, whole := w.begin(f.path, f.info.Size(), &left)
		t, err := openTail(f.path, from, logs.Options{Service: w.service})
		if err != nil {
			failed = err
			w.note("cannot read %s: %v", f.path, bare(err))
			continue
		}
		t.skip = !whole
		t.seen = w.turn
		w.tails = append(w.tails, t)
		w.watchFolder(filepath.Dir(f.path))
	}
	if over > 0 {
		w.note("%d files more than the %d that are followed", over, maxFiles)
	}
	w.missing(now)
	return failed
}

// begin says where to begin in a file that was not there before: at the start of
// all as far back as history reaches, later at its beginning, or where the file
// ended that it was copied from. whole says that a line begins there.
func (w *follower) begin(path string, size int64, left *int64) (from int64, whole bool) {
	if w.turn == 1 {
		take := min(size, *left)
		*left -= take
		return size - take, take == size
	}
	for _, t := range w.tails {
		if from, ok := t.continues(path); ok {
			return from, true
		}
	}
	return 0, true
}

// missing marks the files that no path leads to any more.
func (w *follower) missing(now time.Time) {
	for _, t := range w.tails {
		if t.seen == w.turn || !t.unseen.IsZero() {
			continue
		}
		t.unseen = now
		what := "is gone"
		if slices.ContainsFunc(w.tails, func(o *tail) bool { return o.seen == w.turn && o.path == t.path }) {
			what = "was rotated"
		}
		w.note("%s %s", t.path, what)
	}
}

func (w *follower) known(info os.FileInfo) *tail {
	for _, t := range w.tails {
		if os.SameFile(t.info, info) {
			return t
		}
	}
	return nil
}

// watchFolder asks to be told of changes in a folder. A pattern in its name
// matches no folder; those it stands for are watched when files are found in them.
func (w *follower) watchFolder(dir string) {
	if w.watch != nil && !slices.Contains(w.watch.WatchList(), dir) {
		_ = w.watch.Add(dir) // if it cannot be watched it is polled
	}
}

// merge reads files that are each in order of time into batches that are, too.
func (w *follower) merge(ctx context.Context, ready []*tail, now time.Time) {
	advance := func(t *tail) {
		undated := now
		if w.turn == 1 {
			undated = t.info.ModTime()
		}
		if err := t.next(&w.batch, undated); err != nil {
			w.note("cannot read %s: %v", t.path, bare(err))
		}
		if !t.has {
			t.rest()
		}
	}
	for _, t := range ready {
		advance(t)
	}
	for ctx.Err() == nil {
		var first *tail
		for _, t := range ready {
			if t.has && (first == nil || t.head.At.Before(first.head.At)) {
				first = t
			}
		}
		if first == nil {
			return
		}
		w.add(first)
		advance(first)
	}
}

// add puts the head of a file into the batch, and the batch on its way when it is
// full.
func (w *follower) add(t *tail) {
	w.batch.Requests = append(w.batch.Requests, t.head)
	if len(w.batch.Requests) == maxBatch {
		w.send()
	}
}

// retire closes files that no path leads to any more, once they had time to end.
func (w *follower) retire(now time.Time) {
	w.tails = slices.DeleteFunc(w.tails, func(t *tail) bool {
		if t.unseen.IsZero() || now.Sub(t.unseen) < linger {
			return false
		}
		if t.finish(&w.batch, now) {
			w.add(t)
		}
		t.file.Close()
		return true
	})
}

// flush ends a round: it sends what is left with the state of things, unless
// there is nothing new to say.
func (w *follower) flush(err error) {
	note := strings.Join(w.notes, "; ")
	said := note
	if err != nil {
		said = err.Error()
		if len(w.batch.Requests) > 0 { // who reads Err looks no further
			w.send()
		}
		w.batch.Err = fmt.Errorf("%s: %w", w.name, err)
	}
	w.batch.Note, w.batch.CaughtUp = note, w.turn == 1
	if len(w.batch.Requests) > 0 || w.batch.CaughtUp || said != w.said {
		w.send()
	}
	w.said = said
}

func (w *follower) send() {
	b := w.batch
	w.batch = Batch{}
	w.emit(b)
}

// bare is an error without the path it repeats.
func bare(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
