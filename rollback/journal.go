package rollback

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"sickbay/health"
)

// A Journal is the record of what was done, on disk, shared by all sickbays of
// one user on one host. A line is on the disk when Append returns. After the
// first error it writes nothing more: what cannot be written down is not done.
type Journal struct {
	path, host, boot string
	mono             func() float64 // seconds since the host was started; 0: not known

	turn chan struct{} // holds one token; who has it owns the next four, while the file's lock keeps other processes out
	f    *os.File
	off  int64  // how far the file has been read: the end of its last whole line
	last string // hash of the newest line
	seq  int

	first atomic.Pointer[error]  // the first write error
	lines atomic.Pointer[[]Line] // newest keepLines, oldest first; replaced, never changed
}

// keepLines and keepBytes bound what is held in memory of a long journal.
const (
	keepLines = 2000
	keepBytes = 4 << 20
)

// OpenJournal opens the journal or creates it, its directory (0700) included.
// It refuses a path that somebody else could have prepared or could change.
func OpenJournal(path string) (*Journal, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	_, missing := os.Lstat(path)
	f, err := openOwn(path)
	if err == nil {
		err = localDisk(f)
	}
	if err == nil && missing != nil {
		err = syncDir(dir) // else the file's name may not survive a power cut
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &Journal{path: path, f: f, mono: uptime, turn: make(chan struct{}, 1)}
	j.turn <- struct{}{}
	j.host, _ = os.Hostname()
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		j.boot = strings.TrimSpace(string(b))
	}
	j.lines.Store(&[]Line{})
	if err := j.Refresh(); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// uptime is how long the host runs, sleep included (CLOCK_BOOTTIME), as proc(5) has it.
func uptime() float64 {
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	s, _ := strconv.ParseFloat(first, 64)
	return s
}

// when is a line's moment by this process's clock. A clock that was set meanwhile does
// not matter, as long as the host was not started anew.
func (j *Journal) when(l Line) time.Time {
	if now := j.mono(); l.Boot == j.boot && j.boot != "" && l.Mono > 0 && now >= l.Mono {
		return time.Now().Add(-time.Duration((now - l.Mono) * float64(time.Second)))
	}
	return l.TS
}

// Path is where the journal is.
func (j *Journal) Path() string { return j.path }

// Close closes the file. Lines already appended are on the disk.
func (j *Journal) Close() error {
	defer j.mine()()
	closed := errors.New("it was closed")
	j.first.CompareAndSwap(nil, &closed)
	return j.f.Close()
}

// mine waits for the turn and returns what ends it.
func (j *Journal) mine() (done func()) {
	<-j.turn
	return func() { j.turn <- struct{}{} }
}

// Err is why the journal cannot be written; nil: it can. It never blocks.
func (j *Journal) Err() error {
	if err := j.first.Load(); err != nil {
		return fmt.Errorf("the journal cannot be written: %s: %w", j.path, *err)
	}
	return nil
}

// Append writes one line and returns when it is on the disk. op is the
// operation id, empty for a note. Credentials in d are redacted.
func (j *Journal) Append(op, ev string, d Data) (health.Entry, error) {
	defer j.mine()()
	if err := j.Err(); err != nil {
		return health.Entry{}, err
	}
	if err := flock(j.f, syscall.LOCK_EX); err != nil {
		// not an error of the file: the next line may find it free
		return health.Entry{}, fmt.Errorf("the journal cannot be written: %s: %w", j.path, err)
	}
	defer funlock(j.f)
	l, err := j.write(op, ev, d.clean())
	if err != nil {
		j.first.CompareAndSwap(nil, &err)
		return health.Entry{}, j.Err()
	}
	return l.entry(), nil
}

// write runs when it is its turn, under the lock of the file.
func (j *Journal) write(op, ev string, d Data) (Line, error) {
	if err := j.inPlace(); err != nil {
		return Line{}, err
	}
	rest, err := j.catchUp()
	if err != nil {
		return Line{}, err
	}
	var out []byte
	var added []Line
	last, seq := j.last, j.seq
	add := func(op, ev string, d Data) error {
		l := Line{V: 1, Seq: seq + 1, TS: time.Now().UTC(), Mono: j.mono(), Boot: j.boot, Host: j.host, PID: os.Getpid(),
			Op: op, Ev: ev, Data: d, Prev: last}
		b, err := l.format()
		if err != nil {
			return err
		}
		l.Hash = string(b[:64])
		last, seq = l.Hash, l.Seq
		out, added = append(out, b...), append(added, l)
		return nil
	}
	if len(rest) > 0 {
		// Nobody else writes now, so this is what a power cut left. It is
		// evidence: its line is ended and named, never removed.
		out = append(out, '\n')
		torn := Data{Offset: j.off, Bytes: len(rest), Sum: sumOf(rest), Text: "a line was torn; it is kept"}
		if err := add("", evTorn, torn); err != nil {
			return Line{}, err
		}
	}
	if err := add(op, ev, d); err != nil {
		return Line{}, err
	}
	if _, err := j.f.Write(out); err != nil {
		return Line{}, err
	}
	if err := j.f.Sync(); err != nil {
		return Line{}, err
	}
	j.off += int64(len(rest) + len(out))
	j.last, j.seq = last, seq
	j.remember(added)
	return added[len(added)-1], nil
}

// inPlace sees to it that the file being written is the one people will read.
func (j *Journal) inPlace() error {
	here, err := j.f.Stat()
	if err != nil {
		return err
	}
	there, err := os.Lstat(j.path)
	if err != nil {
		return err
	}
	if !os.SameFile(here, there) {
		return errors.New("the file was moved and another put in its place: restart sickbay")
	}
	return checkOwn(j.f)
}

// Refresh reads what other processes have written.
func (j *Journal) Refresh() error {
	defer j.mine()()
	if _, err := j.catchUp(); err != nil {
		return fmt.Errorf("journal: %s: %w", j.path, err)
	}
	return nil
}

// grown says whether there is something to refresh.
func (j *Journal) grown() bool {
	defer j.mine()()
	info, err := j.f.Stat()
	return err == nil && info.Size() != j.off
}

// catchUp reads the whole lines that came since the last look and returns the
// piece of a line behind them, if any. A line that cannot be read is left to
// Verify; the chain goes on from the last that could.
func (j *Journal) catchUp() (rest []byte, err error) {
	info, err := j.f.Stat()
	if err != nil {
		return nil, err
	}
	size, from := info.Size(), j.off
	switch {
	case size < from:
		return nil, fmt.Errorf("it was cut from %d to %d bytes while sickbay ran: restart, then run sickbay journal verify", from, size)
	case size == from:
		return nil, nil
	case size-from > keepBytes:
		from = size - keepBytes // a long journal at start: its end is enough
	}
	b := make([]byte, size-from)
	if _, err := j.f.ReadAt(b, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	end := bytes.LastIndexByte(b, '\n') + 1
	var fresh []Line
	for raw := range bytes.SplitSeq(b[:end], []byte{'\n'}) {
		if l, err := parseLine(raw); err == nil {
			fresh = append(fresh, l)
			j.last, j.seq = l.Hash, l.Seq
		}
	}
	j.off = from + int64(end)
	j.remember(fresh)
	return b[end:], nil
}

func (j *Journal) remember(fresh []Line) {
	if len(fresh) == 0 {
		return
	}
	all := slices.Concat(*j.lines.Load(), fresh)
	all = slices.Clone(all[max(0, len(all)-keepLines):])
	j.lines.Store(&all)
}

// Lines are the newest lines known, oldest first; they must not be changed. It
// never blocks.
func (j *Journal) Lines() []Line { return *j.lines.Load() }

// head is the newest hash known; "" of an empty journal.
func (j *Journal) head() string {
	if lines := j.Lines(); len(lines) > 0 {
		return lines[len(lines)-1].Hash
	}
	return ""
}

// Entries are the newest n lines known, newest first. It never blocks.
func (j *Journal) Entries(n int) []health.Entry {
	lines := j.Lines()
	lines = lines[max(0, len(lines)-n):]
	out := make([]health.Entry, 0, len(lines))
	for _, l := range slices.Backward(lines) {
		out = append(out, l.entry())
	}
	return out
}
