package sources

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

// Past is a source of logs that can be asked about a time gone by: when the clock
// is set back to before the oldest record that is held.
type Past interface {
	Logs
	// Past emits the records in (from, to], at least the newest maxPast of them, in
	// batches that are each in order; the batches are not. It returns when ctx ends.
	Past(ctx context.Context, from, to time.Time, emit func(Batch)) error
}

// maxPast bounds the records of one look back: once so many were found, no older file is
// opened.
const maxPast = 50_000

// pastBatch is how many records are handed on at once: they hold on to their lines.
const pastBatch = 1000

// Past reads rotated files too, gzip'd or not, the newest first, as far as they
// were written to in that time.
func (f *file) Past(ctx context.Context, from, to time.Time, emit func(Batch)) error {
	found := 0
	for _, old := range f.older(from) {
		if found >= maxPast || ctx.Err() != nil {
			break
		}
		err := f.between(ctx, old, from, to, func(some []health.Request) {
			found += len(some)
			emit(Batch{Requests: some, Lines: len(some)})
		})
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return ctx.Err()
}

// older lists the files and their rotated ones that were written to after a time,
// newest first, each once.
func (f *file) older(from time.Time) []string {
	type found struct {
		path string
		info os.FileInfo
	}
	var all []found
	for _, g := range f.globs {
		dir, ext := filepath.Dir(g), filepath.Ext(g)
		stem := strings.TrimSuffix(filepath.Base(g), ext)
		for _, pattern := range []string{g, g + "?*", filepath.Join(dir, stem+`[\-._][0-9]*`+ext+"*")} {
			paths, _ := filepath.Glob(pattern) // made of one that was checked
			for _, p := range paths {
				info, err := os.Stat(p)
				if err != nil || !info.Mode().IsRegular() || info.ModTime().Before(from) || packedName(p) && filepath.Ext(p) != ".gz" ||
					slices.ContainsFunc(all, func(o found) bool { return os.SameFile(o.info, info) }) {
					continue
				}
				all = append(all, found{p, info})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return b.info.ModTime().Compare(a.info.ModTime()) })
	var paths []string
	for _, a := range all {
		paths = append(paths, a.path)
	}
	return paths
}

// between reads the records of a file in (from, to].
func (f *file) between(ctx context.Context, path string, from, to time.Time, emit func([]health.Request)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	o := f.options
	o.Origin = path
	var in io.Reader = file
	at := int64(0)
	if filepath.Ext(path) == ".gz" {
		z, err := gzip.NewReader(file)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		in = z
	} else if at, err = file.Seek(seekTime(file, from, o), io.SeekStart); err != nil {
		return err
	}
	err = readBetween(ctx, bufio.NewReaderSize(in, readSize), at, from, to, o, emit)
	if errors.Is(err, io.ErrUnexpectedEOF) { // it is being packed just now
		err = nil
	}
	return err
}

// readBetween reads lines until one is a good while after to: lines are nearly in order.
// The first of them stands at a place of the file, unpacked.
func readBetween(ctx context.Context, in *bufio.Reader, at int64, from, to time.Time, o logs.Options, emit func([]health.Request)) error {
	const late = time.Minute
	stream, last := logs.NewStream(o), time.Time{}
	var all, some []health.Request
	take := func(most int) {
		for _, r := range some {
			if r.At.IsZero() {
				r.At = last
			}
			if last = r.At; r.At.After(from) && !r.At.After(to) {
				all = append(all, r)
			}
		}
		if len(all) > most {
			emit(all)
			all = nil // who took them may hold them
		}
	}
	for ctx.Err() == nil && !last.After(to.Add(late)) {
		line, err := in.ReadString('\n')
		if len(line) <= maxLine {
			some = stream.LineAt(some[:0], strings.TrimSuffix(line, "\n"), at)
			take(pastBatch)
		}
		if at += int64(len(line)); err != nil {
			if !errors.Is(err, io.EOF) {
				take(0)
				return err
			}
			break
		}
	}
	some = stream.Flush(some[:0])
	take(0)
	return ctx.Err()
}

// seekTime finds where in a file to begin reading for records after a time: it
// halves the file as long as lines say their time.
func seekTime(file *os.File, from time.Time, o logs.Options) int64 {
	info, err := file.Stat()
	if err != nil {
		return 0
	}
	const near = 256 << 10
	lo, hi := int64(0), info.Size()
	for hi-lo > near {
		mid := lo + (hi-lo)/2
		at, ok := timeAt(file, mid, o)
		if !ok {
			return lo
		}
		if at.Before(from.Add(-time.Minute)) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// timeAt is the time of the first line after a place that says one.
func timeAt(file *os.File, at int64, o logs.Options) (time.Time, bool) {
	buf := make([]byte, 64<<10)
	n, _ := file.ReadAt(buf, at) // less than all is enough
	lines := strings.Split(string(buf[:n]), "\n")
	if len(lines) < 3 {
		return time.Time{}, false
	}
	stream := logs.NewStream(o)
	for _, line := range lines[1 : len(lines)-1] { // the first and the last may be cut
		for _, r := range stream.Line(nil, line) {
			if !r.At.IsZero() {
				return r.At, true
			}
		}
	}
	return time.Time{}, false
}
