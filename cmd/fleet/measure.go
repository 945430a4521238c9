package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"sickbay/config"
	"sickbay/engine"
	"sickbay/health"
)

// Figures are what sickbay costs against one server.
type figures struct {
	services, seriesScraped int

	listed         time.Duration // start of the engine to all services and some values on the screen
	valued         time.Duration // start of the engine to every value there is
	overview       time.Duration // start of the engine to everything answered, an hour back
	seen, signals  int           // services, and values, on the screen then
	first          cost          // of everything up to then
	later          cost          // of a refresh after that, on average
	most           cost          // of the dearest of them
	refreshes      int           // that were watched
	step           time.Duration // between two points of a series
	failed         string        // questions that failed until the overview was full, and why the last one did
	refresh        time.Duration // between two, at the end
	why            string        // it is slower than configured
	engineCPU      time.Duration // a minute
	pictures       int           // published a minute
	picture        time.Duration // sickbay snapshot, from exec to exit
	programCPU     time.Duration // a minute of sickbay in a terminal of 120x40
	resident       int64         // bytes, after the minutes
	terminal       int64         // bytes to the terminal a refresh, on average
	serverCPU      time.Duration // a minute of the Prometheus while nobody asks
	serverCPUAsked time.Duration // a minute of it while sickbay asks
}

// cost is what one refresh asks of a server and receives.
type cost struct {
	queries, samples int
	bytes            int64
}

// pointsAt is how many points of one series are in an hour.
func pointsAt(step time.Duration) int { return int(time.Hour/step) + 1 }

// full is how many samples fetching everything anew would bring, at the 15 s in which
// the issue counts.
func (f figures) full() int {
	return f.first.samples * pointsAt(15*time.Second) / pointsAt(max(f.step, time.Second))
}

// measureOne measures against a server that somebody else runs.
func (o options) measureOne(ctx context.Context, out io.Writer) error {
	if o.prometheus == "" {
		return errors.New("--measure needs --prometheus URL")
	}
	f, err := o.figures(ctx, out)
	if err != nil {
		return err
	}
	printFigures(out, []figures{f})
	return nil
}

// figures measures the engine inside this process, then the program in a terminal.
func (o options) figures(ctx context.Context, log io.Writer) (figures, error) {
	f := figures{services: o.services, seriesScraped: o.series}
	var err error
	if o.pid > 0 {
		fmt.Fprintf(log, "%s  the server alone, one minute\n", clock())
		if f.serverCPU, err = during(ctx, o.pid, time.Minute); err != nil {
			return f, err
		}
	}
	fmt.Fprintf(log, "%s  the engine, %d min\n", clock(), o.minutes)
	if err := o.watchEngine(ctx, &f); err != nil {
		return f, err
	}
	if o.binary != "" {
		fmt.Fprintf(log, "%s  %s in a terminal, %d min\n", clock(), filepath.Base(o.binary), o.minutes)
		if err := o.watchProgram(ctx, &f); err != nil {
			return f, err
		}
	}
	return f, nil
}

func clock() string { return time.Now().Format(time.TimeOnly) }

// during is how long a process computes in a minute, measured over a while.
func during(ctx context.Context, pid int, d time.Duration) (time.Duration, error) {
	before, err := cpuOf(pid)
	if err != nil {
		return 0, err
	}
	if err := wait(ctx, d); err != nil {
		return 0, err
	}
	after, err := cpuOf(pid)
	return time.Duration(float64(after-before) / d.Minutes()), err
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watchEngine runs an engine as the program does, with one viewer of the overview.
func (o options) watchEngine(ctx context.Context, f *figures) error {
	cfg := config.Default()
	cfg.AddPrometheus(o.prometheus)
	all, err := cfg.OpenSources()
	if err != nil {
		return err
	}
	for _, s := range all {
		defer s.Close()
	}
	e := engine.New(engine.Options{
		Sources: all, Packs: cfg.Packs, Base: cfg.Window, Refresh: cfg.Refresh, Rate: cfg.RateWindow,
		DriftSpan: cfg.Drift.Window, DriftBack: cfg.Drift.Reference,
	})
	// Refreshes keep to the clock: begin soon after one, so that the first is whole.
	if err := wait(ctx, time.Until(time.Now().Truncate(cfg.Refresh).Add(cfg.Refresh+200*time.Millisecond))); err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	begun := time.Now()
	go func() { defer close(done); e.Run(running) }()
	defer func() { stop(); <-done }()
	v := e.Join()
	defer v.Leave()
	w := &watch{v: v, refresh: cfg.Refresh, beats: map[int64]cost{}}
	enough := func(s *health.Snapshot) bool {
		services, signals := counted(s)
		if f.listed == 0 && services > 0 && signals > 0 {
			f.listed = time.Since(begun)
		}
		if signals > f.signals { // the time of the last one stays
			f.valued, f.signals = time.Since(begun), signals
		}
		return !s.Asking && len(s.Services) > 0
	}
	if err := w.until(ctx, time.Now().Add(2*time.Minute), enough); err != nil {
		return fmt.Errorf("the overview never was whole: %w", err)
	}
	f.overview = time.Since(begun)
	f.seen, f.signals = counted(v.Snapshot())
	f.first, f.step = w.sofar(), v.Snapshot().Step
	f.failed = complaints(v.Snapshot())

	before, err := cpuOf(os.Getpid())
	if err != nil {
		return err
	}
	since, version := time.Now(), v.Snapshot().Version
	stopProfile, err := o.profiled(f.services)
	if err != nil {
		return err
	}
	// Whole minutes of whole beats: what is asked for once a minute counts once.
	first := since.Truncate(cfg.Refresh).Add(cfg.Refresh)
	last := first.Add(time.Duration(o.minutes) * time.Minute)
	if err := w.until(ctx, last.Add(cfg.Refresh/2), nil); err != nil {
		return err
	}
	after, err := cpuOf(os.Getpid())
	if err := errors.Join(err, stopProfile()); err != nil {
		return err
	}
	f.engineCPU = time.Duration(float64(after-before) / time.Since(since).Minutes())
	f.pictures = int(float64(v.Snapshot().Version-version) / time.Since(since).Minutes())
	f.later, f.most, f.refreshes = w.between(since, last.Add(time.Millisecond))
	load := v.Snapshot().Load
	f.refresh, f.why = load.Refresh, load.RefreshWhy
	return nil
}

// profiled writes down where the engine spends its time and memory until the
// function returned is called. Without --profile it does nothing.
func (o options) profiled(services int) (stop func() error, err error) {
	if o.profile == "" {
		return func() error { return nil }, nil
	}
	times, err := os.Create(filepath.Join(o.profile, fmt.Sprintf("cpu-%d.pprof", services)))
	if err != nil {
		return nil, err
	}
	heap, err := os.Create(filepath.Join(o.profile, fmt.Sprintf("heap-%d.pprof", services)))
	if err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		runtime.GC()
		return errors.Join(pprof.WriteHeapProfile(heap), times.Close(), heap.Close())
	}, pprof.StartCPUProfile(times)
}

// complaints says how many questions failed, and why the last one did.
func complaints(s *health.Snapshot) string {
	n, last := 0, ""
	for _, src := range s.Sources {
		if n += src.Failed; src.Error != "" {
			last = " " + health.Clean(src.Error)
		}
	}
	return strconv.Itoa(n) + last
}

// counted is how many services there are and how many signals have a value.
func counted(s *health.Snapshot) (services, signals int) {
	for _, v := range s.Services {
		for _, sig := range v.Signals {
			if filled(sig) {
				signals++
			}
		}
	}
	return len(s.Services), signals
}

// watch writes down what every beat of an engine cost.
type watch struct {
	v       *engine.Viewer
	refresh time.Duration
	beats   map[int64]cost // cumulative queries and bytes, samples of the beat
}

// until looks at every snapshot until one is enough (nil: none is), or a time.
func (w *watch) until(ctx context.Context, end time.Time, enough func(*health.Snapshot) bool) error {
	over := time.NewTimer(time.Until(end))
	defer over.Stop()
	for {
		s := w.v.Snapshot()
		if l := s.Load; l.Queries > 0 {
			at := s.At.Truncate(w.refresh).Unix()
			w.beats[at] = cost{l.Queries, max(l.Samples, w.beats[at].samples), l.Bytes}
		}
		if enough != nil && enough(s) {
			return nil
		}
		select {
		case <-w.v.Changed():
		case <-over.C:
			if enough != nil {
				return errors.New("time is up")
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sofar is the cost of all beats there were.
func (w *watch) sofar() cost {
	var c cost
	for _, b := range w.beats {
		c.queries, c.bytes = max(c.queries, b.queries), max(c.bytes, b.bytes)
		c.samples += b.samples
	}
	return c
}

// between is the cost of a beat, of those that lie wholly in a stretch of time: the
// average, the most, and how many there were.
func (w *watch) between(from, to time.Time) (average, most cost, n int) {
	var sum cost
	for at := from.Truncate(w.refresh).Add(w.refresh); at.Add(w.refresh).Before(to); at = at.Add(w.refresh) {
		before, ok := w.beats[at.Add(-w.refresh).Unix()]
		b, now := w.beats[at.Unix()]
		if !ok || !now {
			continue
		}
		c := cost{b.queries - before.queries, b.samples, b.bytes - before.bytes}
		sum = cost{sum.queries + c.queries, sum.samples + c.samples, sum.bytes + c.bytes}
		most = cost{max(most.queries, c.queries), max(most.samples, c.samples), max(most.bytes, c.bytes)}
		n++
	}
	if n > 0 {
		average = cost{sum.queries / n, sum.samples / n, sum.bytes / int64(n)}
	}
	return average, most, n
}

// watchProgram measures sickbay itself: one picture, then the dashboard in a
// terminal made by script(1).
func (o options) watchProgram(ctx context.Context, f *figures) error {
	dir, err := os.MkdirTemp("", "fleet-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	home := append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_STATE_HOME="+dir, "TERM=xterm-256color")

	begun := time.Now()
	snapshot := exec.CommandContext(ctx, o.binary, "snapshot", "--prometheus", o.prometheus)
	snapshot.Env = home
	if text, err := snapshot.CombinedOutput(); err != nil {
		return fmt.Errorf("%s snapshot: %w\n%s", o.binary, err, text)
	}
	f.picture = time.Since(begun)

	script, err := exec.LookPath("script")
	if err != nil {
		return nil // no terminal can be made: the rest is measured without
	}
	seen, pidFile := filepath.Join(dir, "seen"), filepath.Join(dir, "pid")
	line := fmt.Sprintf("stty rows 40 cols 120; echo $$ > %s; exec %s --prometheus %s", pidFile, o.binary, o.prometheus)
	terminal := exec.CommandContext(ctx, script, "-qfc", line, seen)
	terminal.Env = home
	keys, err := terminal.StdinPipe() // nobody types
	if err != nil {
		return err
	}
	if err := terminal.Start(); err != nil {
		return err
	}
	defer func() { keys.Close(); terminal.Process.Kill(); terminal.Wait() }() //nolint:errcheck // it was killed
	return o.watchTerminal(ctx, f, seen, pidFile)
}

// watchTerminal lets the dashboard run, first until it is whole.
func (o options) watchTerminal(ctx context.Context, f *figures, seen, pidFile string) error {
	if err := wait(ctx, f.overview+25*time.Second); err != nil {
		return err
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return fmt.Errorf("%s did not start: %w", o.binary, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	server := time.Duration(0)
	if o.pid > 0 {
		if server, err = cpuOf(o.pid); err != nil {
			return err
		}
	}
	bytesBefore := sizeOf(seen)
	if f.programCPU, err = during(ctx, pid, time.Duration(o.minutes)*time.Minute); err != nil {
		return fmt.Errorf("%s ended early: %w", o.binary, err)
	}
	f.terminal = (sizeOf(seen) - bytesBefore) / int64(6*o.minutes)
	if o.pid > 0 {
		now, err := cpuOf(o.pid)
		if err != nil {
			return err
		}
		f.serverCPUAsked = (now - server) / time.Duration(o.minutes)
	}
	if f.resident, err = residentOf(pid); err != nil {
		return err
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Signal(os.Interrupt)
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// printFigures is a table, one column a measurement, that Markdown understands.
func printFigures(out io.Writer, all []figures) {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	line := func(what string, value func(figures) string) {
		fmt.Fprintf(w, "| %s\t", what)
		for _, f := range all {
			fmt.Fprintf(w, "| %s\t", value(f))
		}
		fmt.Fprintln(w, "|")
	}
	line("services", func(f figures) string { return strconv.Itoa(f.services) })
	fmt.Fprintf(w, "|---\t%s|\n", strings.Repeat("|---\t", len(all)))
	line("series scraped", func(f figures) string { return grouped(int64(f.seriesScraped)) })
	line("start to all services and the first values", func(f figures) string { return f.listed.Round(10 * time.Millisecond).String() })
	line("start to every value", func(f figures) string { return f.valued.Round(10 * time.Millisecond).String() })
	line("start to full overview, an hour back", func(f figures) string { return f.overview.Round(10 * time.Millisecond).String() })
	line("services, values then", func(f figures) string { return fmt.Sprintf("%d, %s", f.seen, grouped(int64(f.signals))) })
	line("until then: queries", func(f figures) string { return grouped(int64(f.first.queries)) })
	line("until then: samples", func(f figures) string { return grouped(int64(f.first.samples)) })
	line("until then: bytes received", func(f figures) string { return grouped(f.first.bytes) })
	line("until then: questions that failed", func(f figures) string { return f.failed })
	line("a refresh after it: queries (most)", func(f figures) string { return pair(int64(f.later.queries), int64(f.most.queries)) })
	line("a refresh after it: samples (most)", func(f figures) string { return pair(int64(f.later.samples), int64(f.most.samples)) })
	line("a refresh after it: bytes received (most)", func(f figures) string { return pair(f.later.bytes, f.most.bytes) })
	line("a full fetch of 1 h at 15 s: samples", func(f figures) string { return grouped(int64(f.full())) })
	line("a refresh is that, divided by (worst)", func(f figures) string {
		return pair(int64(f.full()/max(f.later.samples, 1)), int64(f.full()/max(f.most.samples, 1)))
	})
	line("refresh at the end", func(f figures) string { return strings.TrimSpace(f.refresh.String() + " " + f.why) })
	line("pictures published a minute", func(f figures) string { return strconv.Itoa(f.pictures) })
	line("engine, CPU s a minute", func(f figures) string { return seconds(f.engineCPU) })
	line("sickbay snapshot, exec to exit", func(f figures) string { return f.picture.Round(10 * time.Millisecond).String() })
	line("sickbay at 120x40, CPU s a minute", func(f figures) string { return seconds(f.programCPU) })
	line("sickbay at 120x40, RSS at the end", func(f figures) string { return fmt.Sprintf("%d MB", f.resident/1_000_000) })
	line("sickbay at 120x40, bytes a refresh", func(f figures) string { return grouped(f.terminal) })
	line("Prometheus, CPU s a minute alone", func(f figures) string { return seconds(f.serverCPU) })
	line("Prometheus, CPU s a minute with us", func(f figures) string { return seconds(f.serverCPUAsked) })
	w.Flush()
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) }

func pair(a, b int64) string { return grouped(a) + " (" + grouped(b) + ")" }

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
