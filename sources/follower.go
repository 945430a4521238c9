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

	"sickbay/health"
	"sickbay/logs"
)

// A follower is one run of Follow.
type follower struct {
	*file
	emit  func(Batch)
	ended func() error      // not nil: nobody takes batches any more
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
	used  [2][]health.Request // lists of the batches before: the older one is free
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

// room makes a batch of about the size of the one before, of the one before that if
// there is enough room in it.
func (w *follower) room() {
	if w.batch.Requests != nil {
		return
	}
	n := min(max(w.size, 16), maxBatch)
	if free := w.used[1]; cap(free) >= n {
		w.batch.Requests = free[:0]
		return
	}
	w.batch.Requests = make([]health.Request, 0, n)
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
	w.batch.Note, w.batch.CaughtUp = note, w.turn == 1
	if len(w.batch.Requests) > 0 || w.batch.Lines > 0 || w.batch.CaughtUp || said != w.said {
		w.send()
	}
	w.said = said
	w.used = [2][]health.Request{} // they hold the text of what they held, and it may be long until more comes
	w.decide()
}

func (w *follower) send() {
	b := w.batch
	for _, t := range w.tails {
		b.Behind += max(0, t.info.Size()-t.read)
	}
	w.size = len(b.Requests)
	w.batch = Batch{}
	w.emit(b)
	if w.used = [2][]health.Request{b.Requests, w.used[0]}; w.ended() != nil {
		w.used = [2][]health.Request{} // it may not have been taken, and the one before is still looked at
	}
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

// bare is an error without the path it repeats.
func bare(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
