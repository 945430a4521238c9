package sources

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

const (
	maxLine  = 1 << 20 // bytes of a line that are read
	readSize = 64 << 10
	markSize = 64 // bytes before the place we stand at, to know the file again
)

// A tail is one followed file. It is known by what it is, not by its name, so
// that a renamed file is not read twice.
type tail struct {
	path   string
	file   *os.File
	info   os.FileInfo
	parser *logs.Parser
	reader *bufio.Reader

	read    int64     // bytes taken from the file
	mark    []byte    // the last of them
	partial []byte    // a line whose end has not been written yet
	skip    bool      // the rest of a line is not wanted: it was too long, or began before us
	last    time.Time // of the newest record with a time: a line without one happened then
	seen    int       // round in which a path led to it
	unseen  time.Time // when no path led to it any more; zero: one does

	head health.Request // the next record, read ahead
	has  bool
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
	t := &tail{path: path, file: file, info: info, parser: logs.NewParser(o), reader: bufio.NewReaderSize(file, readSize)}
	if t.read, err = file.Seek(from, io.SeekStart); err != nil {
		file.Close()
		return nil, err
	}
	return t, nil
}

// grown says whether there is something to read. A file that became shorter, or
// whose bytes before our place are others than those we read, was truncated and
// written anew: it is read from its beginning.
func (t *tail) grown() (grown, truncated bool, err error) {
	info, err := t.file.Stat()
	if err != nil {
		return false, false, err
	}
	if info.Size() == t.read {
		return false, false, nil
	}
	if info.Size() < t.read || !t.atMark(t.file) {
		if _, err := t.file.Seek(0, io.SeekStart); err != nil {
			return false, true, err
		}
		t.reader.Reset(t.file)
		t.read, t.partial, t.mark, t.skip = 0, nil, nil, false
		return info.Size() > 0, true, nil
	}
	return true, false, nil
}

// atMark says whether a file has, before our place, the bytes that we read there.
func (t *tail) atMark(file *os.File) bool {
	buf := make([]byte, len(t.mark))
	_, err := file.ReadAt(buf, t.read-int64(len(buf)))
	return err == nil && bytes.Equal(buf, t.mark)
}

// continues says whether another file is a copy of this one, made before this one
// was truncated, and where in it the first line stands that we have not read.
func (t *tail) continues(path string) (from int64, ok bool) {
	if len(t.mark) < markSize { // too little to tell
		return 0, false
	}
	file, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer file.Close()
	return t.read - int64(len(t.partial)), t.atMark(file)
}

// rest remembers where reading stopped.
func (t *tail) rest() {
	n := min(t.read, markSize)
	t.mark = append(t.mark[:0], make([]byte, n)...)
	if _, err := t.file.ReadAt(t.mark, t.read-n); err != nil {
		t.mark = t.mark[:0]
	}
}

// line returns the next whole line, without its end, until the next call; nil
// at the end of what is there.
func (t *tail) line() ([]byte, error) {
	for {
		piece, err := t.reader.ReadSlice('\n')
		t.read += int64(len(piece))
		if err == nil && len(t.partial) == 0 && !t.skip {
			return piece[:len(piece)-1], nil // the usual case: nothing is copied
		}
		if !t.skip {
			t.partial = append(t.partial, piece...)
		}
		switch {
		case err == nil && t.skip:
			t.skip = false
		case err == nil:
			line := t.partial[:len(t.partial)-1]
			t.partial = t.partial[:0]
			return line, nil
		case len(t.partial) > maxLine:
			line := health.Cut(string(t.partial), maxLine)
			t.partial, t.skip = nil, true
			return []byte(line), nil
		case errors.Is(err, io.EOF):
			return nil, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// next reads one record ahead into head. undated is when a line happened if the
// file has no times at all.
func (t *tail) next(b *Batch, undated time.Time) error {
	t.has = false
	for {
		line, err := t.line()
		if err != nil || line == nil {
			return err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			t.take(line, b, undated)
			return nil
		}
	}
}

// finish takes a last line that nobody will end.
func (t *tail) finish(b *Batch, now time.Time) bool {
	if len(bytes.TrimSpace(t.partial)) == 0 {
		return false
	}
	t.take(t.partial, b, now)
	t.partial = nil
	return true
}

func (t *tail) take(line []byte, b *Batch, undated time.Time) {
	r, ok := t.parser.Parse(line)
	b.Lines++
	b.Bytes += int64(len(line)) + 1
	if !ok {
		b.Bad++
	}
	switch {
	case !r.At.IsZero():
		t.last = r.At
	case !t.last.IsZero():
		r.At = t.last
	default:
		r.At = undated
	}
	t.head, t.has = r, true
}
