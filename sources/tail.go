package sources

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

const (
	maxLine  = 1 << 20 // bytes of a line that are read
	readSize = 128 << 10
	markSize = 1 << 10 // bytes before the place we stand at, and at the beginning, to know a file again: many lines end alike
	minMark  = 64      // fewer tell nothing
)

// A tail is one followed file. It is known by what it is, not by its name, so
// that a renamed file is not read twice.
type tail struct {
	path   string
	file   *os.File
	info   os.FileInfo
	stream *logs.Stream

	read    int64     // bytes taken from the file
	head    []byte    // the first of them
	mark    []byte    // the last of them
	page    string    // whole lines that were taken and not yet looked at
	pageAt  int64     // where they begin in the file
	lineAt  int64     // where the newest line begins
	partial []byte    // a line whose end has not been written yet
	skip    bool      // the rest of a line is not wanted: it was too long, or began before us
	last    time.Time // of the newest record with a time: a line without one happened then
	seen    int       // round in which a path led to it
	unseen  time.Time // when no path led to it any more; zero: one does

	ready []health.Request // records read ahead, from at on
	at    int
	bad   int       // of the stream, that are counted
	came  time.Time // when the line was read that is held back
	quiet int       // rounds since something was added to it
}

// openTail opens a file to read what stands behind from, and then what comes.
func openTail(path string, from int64, o logs.Options) (*tail, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "read", Path: path, Err: errors.New("is no regular file")}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	o.Origin = path
	t := &tail{path: path, file: file, info: info, stream: logs.NewStream(o)}
	if t.read, err = file.Seek(from, io.SeekStart); err != nil {
		file.Close()
		return nil, err
	}
	if from > 0 {
		t.head = head(file)
		t.head = t.head[:min(from, int64(len(t.head)))]
		t.mark = make([]byte, min(from, markSize))
		if _, err := file.ReadAt(t.mark, from-int64(len(t.mark))); err != nil {
			t.head, t.mark = nil, nil // it was truncated just now
		}
	}
	return t, nil
}

// grown says whether there is something to read, and whether it is another text:
// a file that became shorter, or whose bytes before our place are others than those
// we read, was truncated and written anew.
func (t *tail) grown() (grown, truncated bool, err error) {
	info, err := t.file.Stat()
	if err != nil {
		return false, false, err
	}
	if info.Size() == t.read && (t.read == 0 || info.ModTime().Equal(t.info.ModTime())) {
		return false, false, nil
	}
	t.info = info
	if info.Size() < t.read || !t.atMark(t.file) {
		return info.Size() > 0, true, nil
	}
	return info.Size() > t.read, false, nil
}

// restart goes back to the beginning of a truncated file.
func (t *tail) restart() error {
	_, err := t.file.Seek(0, io.SeekStart)
	t.read, t.page, t.partial, t.head, t.mark, t.skip = 0, "", nil, nil, nil, false
	return err
}

// atMark says whether a file has, before our place, the bytes that we read there.
func (t *tail) atMark(file *os.File) bool {
	buf := make([]byte, len(t.mark))
	_, err := file.ReadAt(buf, t.read-int64(len(buf)))
	return err == nil && bytes.Equal(buf, t.mark)
}

// cut says whether the file was truncated since we read it.
func (t *tail) cut() bool {
	info, err := t.file.Stat()
	return err == nil && (info.Size() < t.read || !t.atMark(t.file))
}

// kinship is what a file is to another that is followed.
type kinship int

const (
	stranger kinship = iota
	twin             // a copy, or one in the making, of a file that is still there
	heir             // a copy of a file that was truncated since
)

// kin says whether a file is a copy of this one, and where in it the first line
// stands that we have not read.
func (t *tail) kin(path string) (is kinship, from int64) {
	file, err := os.Open(path)
	if err != nil {
		return twin, 0 // it is looked at again
	}
	defer file.Close()
	mine := t.head
	if t.read == 0 {
		mine = head(t.file)
	}
	its := head(file)
	n := min(len(its), len(mine))
	switch {
	case n < minMark && len(its) >= minMark, !bytes.Equal(its[:n], mine[:n]):
		return stranger, 0
	case t.read > 0 && t.cut() && t.atMark(file):
		return heir, t.read - int64(len(t.partial))
	}
	return twin, 0
}

// head is the beginning of a file.
func head(file *os.File) []byte {
	buf := make([]byte, markSize)
	n, _ := file.ReadAt(buf, 0) // what cannot be read is not there
	return buf[:n]
}

// note remembers the beginning and the end of what was read, as it was read: the
// file may be another a moment later.
func (t *tail) note(chunk []byte) {
	if left := markSize - len(t.head); left > 0 {
		t.head = append(t.head, chunk[:min(left, len(chunk))]...)
	}
	t.mark = append(t.mark, chunk[max(0, len(chunk)-markSize):]...)
	t.mark = append(t.mark[:0], t.mark[max(0, len(t.mark)-markSize):]...)
	t.read += int64(len(chunk))
}

// line returns the next whole line without its end; ok is false at the end of
// what is there. Lines share the memory of the page they came in. The buffer is
// only used meanwhile.
func (t *tail) line(buf []byte) (line string, ok bool, err error) {
	for t.page == "" {
		n, err := t.file.Read(buf)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return "", false, err
		}
		t.note(buf[:n])
		t.fill(buf[:n])
	}
	line, t.page, _ = strings.Cut(t.page, "\n")
	t.lineAt = t.pageAt
	t.pageAt += int64(len(line)) + 1
	return line, true, nil
}

// fill makes a page of whole lines and keeps what is left.
func (t *tail) fill(chunk []byte) {
	if t.skip {
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			return
		}
		chunk, t.skip = chunk[end+1:], false
	}
	t.pageAt = t.read - int64(len(chunk)+len(t.partial))
	last := bytes.LastIndexByte(chunk, '\n')
	if last >= 0 {
		var page strings.Builder // one copy; adding two strings would make two
		page.Grow(len(t.partial) + last + 1)
		page.Write(t.partial)
		page.Write(chunk[:last+1])
		t.page = page.String()
		t.partial = append(t.partial[:0], chunk[last+1:]...)
		return
	}
	t.partial = append(t.partial, chunk...)
	if len(t.partial) > maxLine {
		t.page = health.Cut(string(t.partial), maxLine) + "\n"
		t.partial, t.skip = nil, true
	}
}

// next reads one record ahead; nil: there is none. undated is when a line happened if
// the file has no times at all. flush says that nothing more is to be waited for.
func (t *tail) next(b *Batch, buf []byte, undated time.Time, flush bool) (*health.Request, error) {
	for t.at == len(t.ready) {
		all, more, err := t.into(t.ready[:0], b, buf, undated, flush)
		t.ready, t.at = all, 0
		if len(all) == 0 && (err != nil || !more) {
			return nil, err
		}
	}
	t.at++
	return &t.ready[t.at-1], nil
}

// into reads one line and appends the records that are complete now. more says that
// it is worth to go on.
func (t *tail) into(all []health.Request, b *Batch, buf []byte, undated time.Time, flush bool) (got []health.Request, more bool, err error) {
	line, ok, err := t.line(buf)
	n := len(all)
	switch {
	case err != nil:
		return all, false, err
	case ok:
		b.Lines++
		b.Bytes += int64(len(line)) + 1
		t.quiet = 0
		if !t.stream.Holds() {
			t.came = undated
		}
		all = t.stream.LineAt(all, line, t.lineAt)
	case flush && t.stream.Holds():
		all = t.stream.Flush(all)
	default:
		return all, false, nil
	}
	t.date(b, t.came, all[n:])
	t.came = undated
	return all, ok, nil
}

// finish takes a last line that nobody will end.
func (t *tail) finish(b *Batch, now time.Time) {
	all := t.ready[:0]
	if len(bytes.TrimSpace(t.partial)) > 0 {
		b.Lines++
		b.Bytes += int64(len(t.partial))
		all = t.stream.LineAt(all, string(t.partial), t.read-int64(len(t.partial)))
		t.partial = nil
	}
	t.ready, t.at = t.stream.Flush(all), 0
	t.date(b, now, t.ready)
}

// date says when records happened that say no time.
func (t *tail) date(b *Batch, undated time.Time, all []health.Request) {
	b.Bad += t.stream.Bad - t.bad
	t.bad = t.stream.Bad
	for i := range all {
		switch r := &all[i]; {
		case !r.At.IsZero():
			t.last = r.At
		case !t.last.IsZero():
			r.At = t.last
		default:
			r.At = undated
		}
	}
}
