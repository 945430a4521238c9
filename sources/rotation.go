package sources

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// How a follower finds its way when files are renamed, copied and truncated.

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

// packed files are what rotation leaves behind; they hold nothing new.
func packedName(path string) bool {
	switch filepath.Ext(path) {
	case ".gz", ".zst", ".bz2", ".xz", ".zip":
		return true
	}
	return false
}
