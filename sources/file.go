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
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"sickbay/health"
	"sickbay/logs"
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
	name    string
	globs   []string
	options logs.Options
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
	f := &file{name: name, options: o, history: c.History << 20}
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
	said  string        // what the newest batch said about the state of things
	holds bool          // a line is held back that may go on
	size  int           // of the newest batch
	old   []os.FileInfo // rotated files that hold nothing new
	words *logs.Lexicon
	buf   []byte
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
	w.notes, w.holds = nil, false
	if w.buf == nil {
		w.buf = make([]byte, readSize)
	}
	err := w.scan(now)
	w.beside(now)
	var ready []*tail
	for _, t := range w.tails {
		grown, truncated, err := t.grown()
		if truncated {
			w.note("%s was truncated", t.path)
			w.rescue(t, now)
			err = t.restart()
		}
		if err != nil {
			w.note("cannot read %s: %v", t.path, bare(err))
		} else if grown || t.stream.Holds() {
			ready = append(ready, t)
		}
	}
	for _, t := range w.tails { // copies that were found meanwhile
		if t.seen == w.turn && !t.unseen.IsZero() && !slices.Contains(ready, t) {
			ready = append(ready, t)
		}
	}
	w.merge(ctx, ready, now)
	w.retire(now)
	if len(w.tails) > 0 {
		err = nil // the others are read, and the notes name those that are not
	}
	w.flush(err, now)
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
		from, whole, wait := w.begin(f.path, f.info.Size(), &left)
		if wait {
			continue
		}
		t, err := w.open(f.path, from)
		if err != nil {
			failed = err
			continue
		}
		t.skip = !whole
		w.watchFolder(filepath.Dir(f.path))
	}
	if over > 0 {
		w.note("%d files more than the %d that are followed", over, maxFiles)
	}
	w.missing(now)
	return failed
}

// open follows one more file.
func (w *follower) open(path string, from int64) (*tail, error) {
	if w.words == nil {
		w.words = logs.NewLexicon()
	}
	o := w.options
	o.Words = w.words
	t, err := openTail(path, from, o)
	if err != nil {
		w.note("cannot read %s: %v", path, bare(err))
		return nil, err
	}
	t.seen = w.turn
	w.tails = append(w.tails, t)
	return t, nil
}

// begin says where to begin in a file that was not there before: at the start of
// all as far back as history reaches, later at its beginning, or where the file
// ended that it was copied from. whole says that a line begins there, wait that it
// is a copy of what is followed anyway.
func (w *follower) begin(path string, size int64, left *int64) (from int64, whole, wait bool) {
	if w.turn == 1 {
		take := min(size, *left)
		*left -= take
		return size - take, take == size, false
	}
	if slices.ContainsFunc(w.tails, func(t *tail) bool { return t.path == path }) {
		return 0, true, false // the file was put away, and this is the new one
	}
	for _, t := range w.tails {
		switch is, from := t.kin(path); is {
		case twin:
			return 0, false, true
		case heir:
			return from, true, false
		}
	}
	return 0, true, false
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

// rescue looks for the copy of a file that was truncated just now, with what was
// written to it since we read it.
func (w *follower) rescue(t *tail, now time.Time) {
	w.siblings(t, func(path string, info os.FileInfo) {
		if is, from := t.kin(path); is == heir {
			w.adopt(path, from, now)
		} else if is == twin { // an old copy: it will look like a stranger
			w.old = append(w.old, info)
		}
	})
}

// beside looks for files that no pattern leads to and that were put away beside
// the followed ones since the last look: they came and went in between, or are a
// copy. Those that were there at the start are left alone.
func (w *follower) beside(now time.Time) {
	looked := map[string]bool{}
	for _, t := range slices.Clone(w.tails) {
		if looked[t.path] || !w.matches(t.path) {
			continue
		}
		looked[t.path] = true
		w.siblings(t, func(path string, info os.FileInfo) {
			if w.turn == 1 {
				w.old = append(w.old, info)
			} else if from, _, wait := w.begin(path, info.Size(), nil); !wait {
				w.adopt(path, from, now)
			}
		})
	}
}

// maxOld bounds the files that are known to hold nothing new.
const maxOld = 1000

// siblings visits the files beside this one that are named like its rotated ones,
// are not followed and may hold something new.
func (w *follower) siblings(t *tail, visit func(path string, info os.FileInfo)) {
	dir, base := filepath.Dir(t.path), filepath.Base(t.path)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !rotatedName(e.Name(), base) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && !packedName(path) && !w.matches(path) && w.known(info) == nil &&
			!slices.ContainsFunc(w.old, func(o os.FileInfo) bool { return os.SameFile(o, info) }) {
			visit(path, info)
		}
	}
	w.old = w.old[max(0, len(w.old)-maxOld):]
}

// rotatedName says whether a file may be what rotation made of one called base:
// app.log.1, app.log-20261123, app-2026-11-23.log.
func rotatedName(name, base string) bool {
	if strings.HasPrefix(name, base) {
		return len(name) > len(base)
	}
	ext := filepath.Ext(base)
	middle, ok := strings.CutPrefix(name, strings.TrimSuffix(base, ext))
	if middle, ok2 := strings.CutSuffix(middle, ext); ok && ok2 && len(middle) > 1 {
		return strings.Contains("-._", middle[:1]) && middle[1] >= '0' && middle[1] <= '9'
	}
	return false
}

// adopt reads a file once to its end that no pattern leads to.
func (w *follower) adopt(path string, from int64, now time.Time) {
	if t, err := w.open(path, from); err == nil {
		t.unseen = now
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

// merge reads what is new in files into batches.
func (w *follower) merge(ctx context.Context, ready []*tail, now time.Time) {
	if len(ready) == 1 && w.turn > 1 || len(w.tails) == 1 {
		w.drain(ctx, ready, now)
	} else {
		w.weave(ctx, ready, now)
	}
	for _, t := range ready {
		if t.stream.Holds() { // it may go on: look once more, soon
			t.quiet++
			w.holds = true
		}
	}
}

// undated is when lines happened of a file that has no times.
func (w *follower) undated(t *tail, now time.Time) time.Time {
	if w.turn == 1 {
		return t.info.ModTime()
	}
	return now
}

// drain reads one file to its end, straight into the batch.
func (w *follower) drain(ctx context.Context, ready []*tail, now time.Time) {
	for _, t := range ready {
		undated := w.undated(t, now)
		for more := true; more && ctx.Err() == nil; {
			w.room()
			var err error
			if w.batch.Requests, more, err = t.into(w.batch.Requests, &w.batch, w.buf, undated, w.turn == 1 || t.quiet > 0); err != nil {
				w.note("cannot read %s: %v", t.path, bare(err))
			}
			if len(w.batch.Requests) >= maxBatch-1 {
				w.send()
			}
		}
	}
}

// weave reads several files, each in order of time, into batches that are, too.
func (w *follower) weave(ctx context.Context, ready []*tail, now time.Time) {
	heads := make([]*health.Request, len(ready))
	advance := func(i int) {
		t := ready[i]
		var err error
		if heads[i], err = t.next(&w.batch, w.buf, w.undated(t, now), w.turn == 1 || t.quiet > 0); err != nil {
			w.note("cannot read %s: %v", t.path, bare(err))
		}
	}
	for i := range ready {
		advance(i)
	}
	for ctx.Err() == nil {
		first := -1
		for i, h := range heads {
			if h != nil && (first < 0 || h.At.Before(heads[first].At)) {
				first = i
			}
		}
		if first < 0 {
			return
		}
		w.add(heads[first])
		advance(first)
	}
}

// add puts a record into the batch, and the batch on its way when it is full.
func (w *follower) add(r *health.Request) {
	w.room()
	w.batch.Requests = append(w.batch.Requests, *r)
	if len(w.batch.Requests) == maxBatch {
		w.send()
	}
}

// room makes a batch of about the size of the one before.
func (w *follower) room() {
	if w.batch.Requests == nil {
		w.batch.Requests = make([]health.Request, 0, min(max(w.size, 16), maxBatch))
	}
}

// retire closes files that no path leads to any more, once they had time to end.
func (w *follower) retire(now time.Time) {
	w.tails = slices.DeleteFunc(w.tails, func(t *tail) bool {
		if t.unseen.IsZero() || now.Sub(t.unseen) < linger {
			return false
		}
		t.finish(&w.batch, now)
		for i := range t.ready {
			w.add(&t.ready[i])
		}
		if info, err := t.file.Stat(); err == nil {
			w.old = append(w.old, info)
		}
		t.file.Close()
		return true
	})
}

// flush ends a round: it sends what is left with the state of things, unless
// there is nothing new to say.
func (w *follower) flush(err error, now time.Time) {
	note := strings.Join(w.notes, "; ")
	said := note
	if err != nil {
		said = err.Error()
		if len(w.batch.Requests) > 0 { // who reads Err looks no further
			w.send()
		}
		w.batch.Err = fmt.Errorf("%s: %w", w.name, err)
	}
	if n := len(w.batch.Requests); n > 0 && w.turn > 1 {
		w.batch.Lag = max(0, now.Sub(w.batch.Requests[n-1].At))
	}
	w.batch.Note, w.batch.CaughtUp = note, w.turn == 1
	if len(w.batch.Requests) > 0 || w.batch.Lines > 0 || w.batch.CaughtUp || said != w.said {
		w.send()
	}
	w.said = said
	w.decide()
}

func (w *follower) send() {
	b := w.batch
	w.size = len(b.Requests)
	w.batch = Batch{}
	w.emit(b)
}

// decide says how the file is read in which most came, for the sources view.
func (w *follower) decide() {
	var most *tail
	for _, t := range w.tails {
		if most == nil || t.stream.Lines > most.stream.Lines {
			most = t
		}
	}
	if most != nil {
		said := most.stream.Decided()
		w.decided.Store(&said)
	}
}

// Usage says how the lines are read.
func (f *file) Usage() Usage {
	if said := f.decided.Load(); said != nil {
		return Usage{Note: *said}
	}
	return Usage{}
}

// bare is an error without the path it repeats.
func bare(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
