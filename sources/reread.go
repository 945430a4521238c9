package sources

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"sickbay/health"
	"sickbay/logs"
)

// Reread is a source of logs whose records stand somewhere: nobody has to hold the
// lines of a hundred thousand of them because one may be opened.
type Reread interface {
	// Reread reads a record again that has a Length, with everything that is in its
	// line. The error says why that is not there any more.
	Reread(ctx context.Context, r health.Request) (health.Request, error)
}

// maxReread bounds the bytes of one record that are read again: a line, or the pieces
// of one, or a traceback.
const maxReread = 4 << 20

// beyond is how much more is read, to see whether a line of about maxLine goes on.
const beyond = 16

// Reread looks in the file the record came from, then in those that rotation made of
// it: a file that was renamed or copied has the same line in the same place.
func (f *file) Reread(ctx context.Context, r health.Request) (health.Request, error) {
	var failed error
	for _, path := range descendants(r.Origin) {
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		text, err := excerpt(path, r.Offset, min(r.Length, maxReread)+beyond)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if all, ok := f.again(r, text); ok {
			return all, nil
		}
	}
	if failed != nil {
		return r, fmt.Errorf("%s: %w", f.name, failed)
	}
	return r, fmt.Errorf("%s: its line is not in %s any more, nor in a file beside it: it was rotated away, or the file was written anew", f.name, r.Origin)
}

// again parses the lines of a record, and says whether they are the ones that are meant.
func (f *file) again(r health.Request, text string) (health.Request, bool) {
	o := f.options
	o.Origin = r.Origin
	all := logs.Again(o, text[:min(r.Length, len(text))])
	if r.Length <= maxLine && len(text) > maxLine { // it was cut when it was read: see tail.fill
		all = append(all, logs.Again(o, health.Cut(text, maxLine))...)
	}
	for _, q := range all {
		if q.ID == r.ID && (q.At.IsZero() || q.At.Equal(r.At)) {
			q = o.Full(q)
			r.Raw, r.Prompt, r.Answer, r.Chunks, r.Tools, r.Scores = q.Raw, q.Prompt, q.Answer, q.Chunks, q.Tools, q.Scores
			return r, true
		}
	}
	return r, false
}

// descendants are a file and those beside it that rotation may have made of it, newest
// first, packed ones last.
func descendants(path string) []string {
	type found struct {
		path string
		info os.FileInfo
	}
	var all []found
	dir, base := filepath.Dir(path), filepath.Base(path)
	entries, _ := os.ReadDir(dir) // who cannot be listed has no others
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !rotatedName(e.Name(), base) && !(ext == ".gz" && rotatedName(e.Name()[:len(e.Name())-len(ext)], base)) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && (!packedName(e.Name()) || filepath.Ext(e.Name()) == ".gz") {
			all = append(all, found{filepath.Join(dir, e.Name()), info})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int {
		if x, y := packedName(a.path), packedName(b.path); x != y {
			if y {
				return -1
			}
			return 1
		}
		return b.info.ModTime().Compare(a.info.ModTime())
	})
	paths := []string{path}
	for _, a := range all[:min(len(all), maxFiles)] {
		paths = append(paths, a.path)
	}
	return paths
}

// excerpt reads some bytes of a file, unpacked. A file that is not there, or too short,
// has none.
func excerpt(path string, from int64, n int) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", nil // to open it may take for ever
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var in io.Reader = io.NewSectionReader(file, from, int64(n))
	if packedName(path) {
		z, err := gzip.NewReader(file)
		if err != nil {
			return "", nil // it is being packed just now, or no gzip
		}
		if _, err := io.CopyN(io.Discard, z, from); err != nil {
			return "", nil
		}
		in = io.LimitReader(z, int64(n))
	}
	text, err := io.ReadAll(in)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return string(text), err
}
