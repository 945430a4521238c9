package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/BurntSushi/toml"

	"sickbay/logs"
	"sickbay/sources"

	"sickbay/cmd/internal/proc"
)

// runs is how often everybody reads the file: the run that took least is told, since
// others may work on the machine.
const runs = 3

// A reader is a program that reads the log from one end to the other.
type reader struct {
	name string
	does string
	path string // empty: it is not installed
	args []string
	env  []string
	says func(out []byte) error // nil, or whether it did what it should
}

// A reading is what one run took.
type reading struct {
	cpu, wall time.Duration
	most      int64 // bytes resident
}

// report reads one log with everybody who can, and prints a table.
func (o options) report(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "logload-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	log := filepath.Join(dir, "requests.jsonl")
	if err := writePast(log, o.size*1e6, time.Now()); err != nil {
		return err
	}
	lines, failed, err := countOf(log) // and it is in the page cache then
	if err != nil {
		return err
	}
	readers, err := o.readers(dir, log, failed)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, %s, %d cores: a log of %d MB, %d lines, %d of them errors; the best of %d runs each\n\n",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), machine(), runtime.NumCPU(), o.size, lines, failed, runs)
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprint(w, "| who \t| does \t| CPU s \t| MB per CPU s \t| wall s \t| RSS at most |\n|---\t|---\t|---:\t|---:\t|---:\t|---:|\n")
	var missing []string
	for _, r := range readers {
		if r.path == "" {
			missing = append(missing, r.name)
			continue
		}
		best, err := r.read(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Fprintf(w, "| %s \t| %s \t| %.2f \t| %.0f \t| %.2f \t| %d MB |\n", r.name, r.does,
			best.cpu.Seconds(), float64(o.size)/best.cpu.Seconds(), best.wall.Seconds(), best.most/1e6)
	}
	if err := o.resident(ctx, w, dir); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, name := range missing {
		fmt.Fprintf(out, "\n%s is not installed here: it was not measured\n", name)
	}
	return nil
}

// countOf counts lines and errors. It holds little: what this process occupies when it
// starts another counts as that one's.
func countOf(path string) (lines, failed int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		lines++
		if bytes.Contains(in.Bytes(), []byte(`"level":"error"`)) {
			failed++
		}
	}
	return lines, failed, in.Err()
}

// machine is the name of the processor.
func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // not everywhere
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// sickbayConfig reads a whole log.
const sickbayConfig = `[[source]]
kind = "file"
name = "requests"
paths = [%q]
history = %d
`

// lnavFormat tells lnav what a line means.
const lnavFormat = `{"llm_log": {"title": "LLM requests", "json": true, "file-type": "json", "hide-extra": true,
 "timestamp-field": "time", "level-field": "level", "body-field": "message",
 "line-format": [{"field": "__timestamp__"}, " ", {"field": "service"}, " ", {"field": "message"}],
 "value": {"service": {"kind": "string"}, "message": {"kind": "string"}, "request_id": {"kind": "string"}, "error.type": {"kind": "string"}}}}
`

// readers are all who are compared.
func (o options) readers(dir, log string, failed int) ([]reader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	settings, format := filepath.Join(dir, "sickbay.toml"), filepath.Join(dir, ".lnav", "formats", "llm", "format.json")
	err = errors.Join(
		os.WriteFile(settings, fmt.Appendf(nil, sickbayConfig, log, o.size+1), 0o600),
		os.MkdirAll(filepath.Dir(format), 0o700), os.WriteFile(format, []byte(lnavFormat), 0o600),
	)
	if err != nil {
		return nil, err
	}
	home := []string{"HOME=" + dir, "XDG_CONFIG_HOME=", "XDG_STATE_HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color"}
	counted := func(out []byte) error {
		if !strings.Contains(string(out), fmt.Sprint(failed)) {
			return fmt.Errorf("does not find %d errors: %.200q", failed, out)
		}
		return nil
	}
	installed := func(name string) string {
		path, _ := exec.LookPath(name) // whoever is not there is said to be missing
		return path
	}
	return []reader{
		{"sickbay's file source", "parses every field, holds the newest 100,000 records", self, []string{"--intake", log}, home, nil},
		{"sickbay snapshot", "that, groups failures, compares them, draws a picture", o.binary,
			[]string{"snapshot", "--config", settings, "--view", "failures", "--size", "120x40", "--format", "json"}, home, hasFailures},
		{"lnav", "counts the errors, in SQL", installed("lnav"),
			[]string{"-n", "-c", ";SELECT count(*) AS n FROM llm_log WHERE log_level = 'error'", log}, home, counted},
		{"jq", "counts the errors", installed("jq"), []string{"-n", `reduce (inputs | select(.level == "error")) as $x (0; . + 1)`, log}, home, counted},
		{"grep", "counts the errors, without parsing", installed("grep"), []string{"-c", `"level":"error"`, log}, home, counted},
	}, nil
}

func hasFailures(out []byte) error {
	var document struct{ Failures []any }
	if err := json.Unmarshal(out, &document); err != nil {
		return err
	}
	if len(document.Failures) == 0 {
		return errors.New("it saw no failures")
	}
	return nil
}

// read runs a reader, and tells the run that took least CPU and the most memory of all.
func (r reader) read(ctx context.Context) (best reading, err error) {
	for i := range runs {
		c := exec.CommandContext(ctx, r.path, r.args...)
		c.Env = r.env
		begun := time.Now()
		out, err := c.Output()
		if err != nil {
			return best, err
		}
		one := reading{cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime(), wall: time.Since(begun)}
		if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
			one.most = u.Maxrss << 10 // in KB, on Linux
		}
		if r.says != nil {
			if err := r.says(out); err != nil {
				return best, err
			}
		}
		most := max(best.most, one.most)
		if i == 0 || one.cpu < best.cpu {
			best = one
		}
		best.most = most
	}
	return best, nil
}

// resident is what the dashboard occupies once it has read everything.
func (o options) resident(ctx context.Context, w io.Writer, dir string) error {
	t, err := open(ctx, dir, o.binary, "--config", filepath.Join(dir, "sickbay.toml"))
	if err != nil {
		fmt.Fprintf(w, "| sickbay dashboard \t| %v \t| \t| \t| \t|  |\n", err)
		return nil
	}
	defer t.close()
	if err := pause(ctx, 20*time.Second); err != nil {
		return err
	}
	u, err := proc.UsageOf(t.pid)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| sickbay dashboard \t| that, at 120x40, for 20 s \t| %.2f \t| \t| \t| %d MB |\n", u.CPU.Seconds(), u.Most/1e6)
	return nil
}

// intake reads a log as the engine does, and holds it as the engine does.
func intake(ctx context.Context, path string, out io.Writer) error {
	source, err := sources.Open("file", "requests", func(into any) error {
		return toml.Unmarshal(fmt.Appendf(nil, "paths = [%q]\nhistory = 1048576", path), into)
	})
	if err != nil {
		return err
	}
	defer source.Close()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var held logs.Store
	err = source.(sources.Logs).Follow(reading, func(b sources.Batch) {
		held.Add(b.Requests)
		if b.CaughtUp {
			stop()
		}
	})
	fmt.Fprintln(out, held.Len(), "records are held,", held.Lost(), "older ones were dropped")
	return err
}
