package tui

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"sickbay/health"
)

// A wire counts what a program sends to its terminal.
type wire struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

// sent is how many bytes came since the last time it was asked.
func (w *wire) sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.b.Reset()
	return w.b.Len()
}

// TestTheLinkIsTreatedKindly runs the real program on a clock of its own and
// counts every byte, in 16 colours as over a slow link.
func TestTheLinkIsTreatedKindly(t *testing.T) {
	for _, c := range []struct {
		w, h           int
		paint, refresh int // what a first picture and a refresh may take
	}{{80, 24, 4096, 300}, {120, 40, 9216, 800}} {
		t.Run(fmt.Sprintf("%dx%d", c.w, c.h), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { countBytes(t, c.w, c.h, c.paint, c.refresh) })
		})
	}
}

func countBytes(t *testing.T, w, h, paint, refresh int) {
	ward, out := &still{snap: longIncident(), changed: make(chan struct{}, 1)}, &wire{}
	ctx, cancel := context.WithCancel(t.Context())
	start := time.Now()
	m := New(ward, Options{Name: "demo", Now: func() time.Time { return noon.Add(time.Since(start)) }})
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(nil), tea.WithOutput(out), tea.WithWindowSize(w, h), tea.WithFPS(30),
		tea.WithColorProfile(colorprofile.ANSI), tea.WithEnvironment([]string{"TERM=xterm", "SSH_TTY=/dev/pts/1"}), tea.WithoutSignalHandler())
	ended := make(chan struct{})
	go func() { defer close(ended); _, _ = p.Run() }()
	step := func(what string, budget int, do func()) {
		t.Helper()
		do()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := out.sent(); n > budget {
			t.Errorf("%s: %d bytes, budget %d", what, n, budget)
		} else {
			t.Logf("%s: %d bytes of %d", what, n, budget)
		}
	}
	step("first picture", paint, func() {})
	step("an idle second", 0, func() {})
	step("a refresh", refresh, func() {
		ward.snap = refreshed(ward.snap)
		ward.changed <- struct{}{}
	})
	const keys = 10
	for _, l := range []struct {
		view   rune
		what   string
		perKey int
	}{{'8', "keys in a long list", 75}, {'6', "keys in a long list with the details of each row below", 200}} {
		p.Send(tea.KeyPressMsg{Code: l.view, Text: string(l.view)})
		time.Sleep(time.Second)
		out.sent()
		step(l.what, keys*l.perKey, func() {
			for range keys {
				p.Send(tea.KeyPressMsg{Code: 'j', Text: "j"})
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
	cancel()
	<-ended
	close(ward.changed)
	time.Sleep(time.Minute) // commands cannot be cancelled: the tick ends by itself
}

// longIncident is the fixture with long lists of failures, alerts and entries.
func longIncident() *health.Snapshot {
	snap := ward()
	for i := range 200 {
		f := snap.Failures[2]
		f.ID, f.Signature = fmt.Sprintf("f%d", i+10), fmt.Sprintf("tool %d answered <*>", i)
		snap.Failures = append(snap.Failures, f)
		snap.Alerts = append(snap.Alerts, health.Alert{Name: fmt.Sprintf("QueueLong%d", i), Service: "llama-chat", State: "firing", Severity: "warning", Since: at(float64(i))})
		snap.Journal = append(snap.Journal, health.Entry{Seq: i + 100, At: at(float64(i)), Event: "note", By: "ann", Service: "llama-chat", Text: fmt.Sprintf("looked at host %d", i)})
	}
	return snap
}

// refreshed is the next snapshot: ten seconds later, numbers a little different.
func refreshed(old *health.Snapshot) *health.Snapshot {
	snap := *old
	snap.Version, snap.At = old.Version+1, old.At.Add(10*time.Second)
	snap.Services = append([]health.Service(nil), old.Services...)
	for i := range snap.Services {
		v := &snap.Services[i]
		v.Signals = append([]health.Signal(nil), v.Signals...)
		for j := range v.Signals {
			s := &v.Signals[j]
			s.Value *= 1 + 0.02*float64((i+j)%3-1)
			s.At = snap.At
			s.Series = append(append([]health.Point(nil), s.Series[1:]...), health.Point{T: snap.At.UnixMilli(), V: s.Value})
		}
	}
	return &snap
}
