package rollback

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"sickbay/health"
)

// A past is what a target was seen to run, for systems that keep no history of
// their own: an alias that moves, a label, a flag. It is one JSON line per change in
// a file beside the journal, and so only knows what happened while some sickbay
// looked.
type past struct {
	path string
	mu   sync.Mutex
	size int64            // of the file when it was read
	seen []health.Version // oldest first, folded: see fold
}

// sighted is a line of the file.
type sighted struct {
	At      time.Time `json:"at"`
	Version string    `json:"version"`
}

// keepSeen bounds what of a long history is used.
const keepSeen = 200

// newPast keeps the history of a target at path, or at the usual place.
func newPast(path, target string) *past {
	if path == "" {
		path = filepath.Join(stateHome(), "history", lockName(target)+".jsonl")
	}
	return &past{path: path}
}

// stateHome is where sickbay keeps what is to stay: as the journal does.
func stateHome() string {
	if x := os.Getenv("XDG_STATE_HOME"); x != "" {
		return filepath.Join(x, "sickbay")
	}
	return filepath.Join(os.Getenv("HOME"), ".local", "state", "sickbay")
}

// fold reads a history as a stack: a version that comes again takes what was tried
// after it away. So the version before a rolled back one is what was there before
// it, and not what was rolled back.
func fold(seen []health.Version, v health.Version) []health.Version {
	if i := slices.IndexFunc(seen, func(o health.Version) bool { return o.ID == v.ID }); i >= 0 {
		return seen[:i+1]
	}
	return append(seen, v)
}

// saw notes that the target runs version now, if that is news, and returns the version
// that was seen before it: "" where none was. since is when it came, as far as known.
func (p *past) saw(version string, now time.Time) (before string, since time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err = p.load(); err == nil && (len(p.seen) == 0 || p.seen[len(p.seen)-1].ID != version) {
		err = p.add(sighted{now.UTC(), version})
	}
	p.seen = fold(p.seen, health.Version{ID: version, At: now})
	n := len(p.seen)
	if n > 1 {
		before, since = p.seen[n-2].ID, p.seen[n-1].At
	}
	if err != nil {
		err = fmt.Errorf("what it ran before cannot be kept: %w", err)
	}
	return before, since, err
}

// load reads the file again if it has changed: other sickbays write it, too.
func (p *past) load() error {
	f, err := os.Open(p.path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := checkOwn(f); err != nil {
		return fmt.Errorf("%s %w", p.path, err)
	}
	info, err := f.Stat()
	if err != nil || info.Size() == p.size {
		return err
	}
	all, err := readPast(f)
	if err != nil {
		return err
	}
	p.seen, p.size = nil, info.Size()
	for _, v := range all {
		p.seen = fold(p.seen, v)
	}
	return nil
}

// readPast reads the lines that can be read, the newest keepSeen of them.
func readPast(r io.Reader) ([]health.Version, error) {
	var all []health.Version
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var s sighted
		if json.Unmarshal(lines.Bytes(), &s) != nil || !plainID(s.Version) {
			continue
		}
		if all = append(all, health.Version{ID: s.Version, At: s.At}); len(all) > 2*keepSeen {
			all = slices.Clone(all[keepSeen:])
		}
	}
	return all[max(0, len(all)-keepSeen):], lines.Err()
}

func (p *past) add(s sighted) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return err
	}
	f, err := openOwn(p.path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := flock(f, syscall.LOCK_EX); err != nil {
		return err
	}
	n, err := f.Write(append(line, '\n'))
	if p.size += int64(n); err != nil {
		return err
	}
	return f.Sync()
}

// remembered completes a state with what was seen before: where to go back to, and
// since when the present version is there.
func (p *past) remembered(s State, now time.Time) State {
	before, since, err := p.saw(s.Version, now)
	if err != nil {
		s.Notes = append(s.Notes, because(err))
	}
	if s.Since.IsZero() {
		s.Since = since
	}
	if _, still := find(s.History, before); before != "" && (still || s.History == nil) {
		s.Back = before
		return s
	}
	if s.Back != "" {
		s.Notes = append(s.Notes, "what it ran before "+s.Version+" was not seen: "+s.Back+" is a guess, the newest below it")
	}
	return s
}
