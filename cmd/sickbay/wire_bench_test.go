package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"sickbay/config"
	"sickbay/demo"
	"sickbay/health"
	"sickbay/rollback"
	"sickbay/tui"
	"sickbay/tui/pane"
)

// The budgets of design section 9, in bytes: a first picture, a refresh on average,
// one key in a long list. An idle second is 0.
var budgets = map[string]struct{ paint, refresh, key float64 }{
	"80x24": {4096, 300, 75}, "120x40": {9216, 800, 75},
}

const (
	beat      = 10 * time.Second // between two refreshes: as configured by default, and each has new data
	refreshes = 36               // measured; six minutes, so that the header's clock and all ages are in it
	before    = 100 * time.Millisecond
	pressed   = 12                    // keys measured
	silence   = 80 * time.Millisecond // no byte for so long: the picture is there (a frame takes 17)
)

// A wire is a terminal that counts what it is sent.
type wire struct{ n, last atomic.Int64 }

func (w *wire) Write(p []byte) (int, error) {
	w.n.Add(int64(len(p)))
	w.last.Store(time.Now().UnixNano())
	return len(p), nil
}

// settled waits for silence and says how many bytes came since it was last asked.
func (w *wire) settled(atLeast time.Duration) float64 {
	atLeast = max(atLeast, silence)
	for began := time.Now(); time.Since(began) < atLeast || time.Since(time.Unix(0, w.last.Load())) < silence; {
		time.Sleep(5 * time.Millisecond)
	}
	return float64(w.n.Swap(0))
}

// A tape is a ward that shows recorded snapshots, one after another.
type tape struct {
	all     []*health.Snapshot
	at      atomic.Int64
	changed chan struct{}
}

func (t *tape) Snapshot() *health.Snapshot                 { return t.all[t.at.Load()] }
func (t *tape) Changed() <-chan struct{}                   { return t.changed }
func (t *tape) Want(health.Interest)                       {}
func (t *tape) Submit(health.Order) (id string, err error) { return "", io.EOF }
func (t *tape) now() time.Time                             { return t.Snapshot().At }
func (t *tape) next()                                      { t.at.Add(1); t.changed <- struct{}{} }

// recorded is the bad-prompt demo with the detail of all services.
var recorded = sync.OnceValues(func() ([]*health.Snapshot, error) {
	return record("bad-prompt", health.Interest{Service: "*"})
})

// record is what the engine says of a demo at every beat from storyTime on, after a
// first snapshot in which nobody has answered yet. The clock is not the real one: it
// stands still a moment before a beat is due until all has been said, so that the
// engine beats again and again and finds nothing to ask.
func record(scenario string, want health.Interest) ([]*health.Snapshot, error) {
	dir := filepath.Join(workshop, "tape-"+scenario)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var clock atomic.Int64
	clock.Store(storyTime.Add(-before).UnixNano())
	now := func() time.Time { return time.Unix(0, clock.Load()).UTC() }
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d, err := demo.Start(ctx, demo.Options{Scenario: scenario, Seed: 1, Dir: dir, Now: now})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	text, err := os.ReadFile(d.Info().Config)
	if err != nil {
		return nil, err
	}
	// Minutes pass within seconds here: what is allowed in a real one is too little.
	path := filepath.Join(dir, "tape.toml")
	hurried := bytes.Replace(text, []byte("name = \"main\"\n"), []byte("name = \"main\"\nmax_queries_per_minute = 60000\n"), 1)
	if err := os.WriteFile(path, hurried, 0o600); err != nil {
		return nil, err
	}
	cfg, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	a := &app{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }, now: now}
	h, err := a.build(cfg, filepath.Join(dir, "tape.jsonl"), rollback.DeskOptions{})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	running := make(chan struct{})
	go func() { defer close(running); h.engine.Run(ctx) }()
	defer func() { cancel(); <-running }()
	v := h.engine.Join()
	want.Window = cfg.Window
	v.Want(want)
	all := []*health.Snapshot{v.Snapshot()}
	for i := range refreshes + 1 {
		if i > 0 {
			d.Advance(time.Unix(0, clock.Add(int64(beat))))
		}
		s := v.Snapshot()
		for began := time.Now(); s.Asking || !s.At.Equal(now()) || s.Load.LastRound > 0 || unanswered(s) || time.Since(began) < 700*time.Millisecond; s = v.Snapshot() {
			time.Sleep(5 * time.Millisecond) // logs are read a moment after they were written
		}
		all = append(all, s)
	}
	return all, nil
}

// unanswered says whether a question is still out.
func unanswered(s *health.Snapshot) bool {
	answered := 0
	for _, src := range s.Sources {
		answered += src.Asked
	}
	return answered < s.Load.Queries
}

// A viewer is the real program on a counted wire.
type viewer struct {
	*tea.Program
	tape *tape
	wire *wire
}

// show runs the screen on a tape until the benchmark's iteration ends it.
func show(b *testing.B, w, h int, screen string) (viewer, func()) {
	b.Helper()
	all, err := recorded()
	if err != nil {
		b.Fatal(err)
	}
	return play(b, all, w, h, screen)
}

// play is show with a tape of one's own.
func play(b *testing.B, all []*health.Snapshot, w, h int, screen string) (viewer, func()) {
	b.Helper()
	v := viewer{tape: &tape{all: all, changed: make(chan struct{}, 1)}, wire: &wire{}}
	in, keyboard := io.Pipe()
	m := tui.New(v.tape, tui.Options{Name: "demo", Now: v.tape.now, Window: time.Hour, View: pane.View{Screen: screen}})
	v.Program = tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(v.wire), tea.WithWindowSize(w, h), tea.WithFPS(60),
		tea.WithColorProfile(colorprofile.ANSI), tea.WithEnvironment([]string{"TERM=xterm-256color"}), tea.WithoutSignalHandler())
	ended := make(chan struct{})
	go func() { defer close(ended); _, _ = v.Run() }()
	return v, func() { v.Kill(); <-ended; keyboard.Close(); close(v.tape.changed) }
}

// hit presses a key so many times and says what one of them takes.
func (v viewer) hit(k rune, times int) float64 {
	sum := 0.0
	for range times {
		v.Send(tea.KeyPressMsg{Code: k, Text: string(k)})
		sum += v.wire.settled(0)
	}
	return sum / float64(times)
}

// BenchmarkWire is a session of six minutes in the overview, and what it puts on
// the wire: B/first-paint, B/idle (a second), B/refresh (average) and B/key (j and k
// in the list of failures, drawn alone).
func BenchmarkWire(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		name := fmt.Sprintf("%dx%d", size[0], size[1])
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				session(b, size[0], size[1], name)
			}
		})
	}
}

func session(b *testing.B, w, h int, name string) {
	v, end := show(b, w, h, "overview")
	defer end()
	asking := v.wire.settled(300 * time.Millisecond)
	v.tape.next()
	paint := asking + v.wire.settled(300*time.Millisecond)
	idle := v.wire.settled(time.Second)
	refresh, most := 0.0, 0.0
	for range refreshes {
		v.tape.next()
		n := v.wire.settled(0)
		refresh, most = refresh+n/refreshes, max(most, n)
	}
	v.hit('4', 1)
	v.hit('z', 1)
	key := (v.hit('j', pressed) + v.hit('k', pressed)) / 2
	budget := budgets[name]
	for _, m := range []struct {
		what        string
		got, budget float64
	}{{"first-paint", paint, budget.paint}, {"idle", idle, 0}, {"refresh", refresh, budget.refresh}, {"key", key, budget.key}} {
		b.ReportMetric(m.got, "B/"+m.what)
		if m.got > m.budget {
			b.Errorf("%s at %s: %.0f bytes, budget %.0f", m.what, name, m.got, m.budget)
		}
	}
	b.ReportMetric(0, "ns/op") // it waits for silence: how long it takes says nothing
	b.Logf("bytes at %s: first paint %.0f of %.0f, refresh %.0f of %.0f (largest %.0f), key %.0f of %.0f, idle second %.0f of 0",
		name, paint, budget.paint, refresh, budget.refresh, most, key, budget.key, idle)
}

// BenchmarkWireOfEveryView is an average refresh and a key (j) in every view.
func BenchmarkWireOfEveryView(b *testing.B) {
	const some = 8 // refreshes and keys
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		for _, screen := range tui.Screens() {
			b.Run(fmt.Sprintf("%s-%dx%d", screen, size[0], size[1]), func(b *testing.B) {
				for b.Loop() {
					v, end := show(b, size[0], size[1], screen)
					v.tape.next()
					v.wire.settled(300 * time.Millisecond)
					refresh := 0.0
					for range some {
						v.tape.next()
						refresh += v.wire.settled(0) / some
					}
					b.ReportMetric(refresh, "B/refresh")
					b.ReportMetric(v.hit('j', some), "B/key")
					b.ReportMetric(0, "ns/op")
					end()
				}
			})
		}
	}
}
