package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sickbay/health"
)

// Pins are the windows somebody called good, by service. They are kept in a file and
// may be read and set from any goroutine.
type pins struct {
	path string // "" keeps nothing beyond this process

	mu    sync.Mutex
	all   map[string]pin
	moves uint64
	fault error // why the file could not be read
}

// A pin is the end of one such window, and who chose it.
type pin struct {
	End time.Time `json:"end"`
	By  string    `json:"by,omitempty"`
	At  time.Time `json:"at"`
}

// pinFile is how pins are kept.
type pinFile struct {
	Version  int            `json:"version"`
	Services map[string]pin `json:"services"`
}

// mostPinBytes is more than any number of services needs.
const mostPinBytes = 1 << 20

// openPins reads what was pinned. A file that cannot be read is a fault that is said
// when somebody pins; until then nothing is pinned, and the file stays as it is.
func openPins(path string) *pins {
	p := &pins{path: path, all: map[string]pin{}}
	if path == "" {
		return p
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p
	case err == nil && (!info.Mode().IsRegular() || info.Size() > mostPinBytes):
		err = errors.New("is no file of pinned windows")
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	var f pinFile
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err == nil && f.Version != 1 {
		err = fmt.Errorf("is of version %d, this sickbay knows 1", f.Version)
	}
	if err != nil {
		p.fault = fmt.Errorf("baseline: %s: %w; move it away to pin anew", path, err)
		return p
	}
	for service, one := range f.Services {
		if !one.End.IsZero() {
			p.all[service] = one
		}
	}
	return p
}

func (p *pins) version() uint64 { p.mu.Lock(); defer p.mu.Unlock(); return p.moves }

// of is the end of the window pinned for a service.
func (p *pins) of(service string) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, ok := p.all[service]
	return one.End, ok
}

// set pins a window and keeps that before it is used. After an error everything is
// as it was.
func (p *pins) set(service string, one pin) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != nil {
		return p.fault
	}
	next := maps.Clone(p.all)
	next[service] = one
	if err := p.write(next); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	p.all = next
	p.moves++
	return nil
}

// write replaces the file in one step: half of it is never there.
func (p *pins) write(all map[string]pin) error {
	if p.path == "" {
		return nil
	}
	data, err := json.MarshalIndent(pinFile{1, all}, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(p.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".baseline-*") // for its owner only
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), p.path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what matters is why it could not be written
	}
	return err
}

// pinned is the end of the window that was pinned for a service.
func (e *Engine) pinned(service string) (time.Time, bool) { return e.pins.of(service) }

// pin takes an order. The window ends where the order says, aligned as windows are,
// so that what is compared is what was looked at.
func (e *Engine) pin(o health.Order) error {
	now := e.o.Now()
	end := o.Plan.At
	switch {
	case o.Plan.Service == "":
		return errors.New("nothing was pinned: the order names no service")
	case end.IsZero():
		end = now
	case end.After(now):
		return errors.New("nothing was pinned: the window ends in the future")
	}
	end = end.Truncate(e.driftEveryNow()).UTC()
	if err := e.pins.set(o.Plan.Service, pin{end, o.By.User, now.UTC()}); err != nil {
		return fmt.Errorf("nothing was pinned: %w", err)
	}
	e.wake()
	return nil
}
