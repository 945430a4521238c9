package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// sizes are what is measured: the number of queries must not grow from the first
// to the last.
var sizes = []plan{{50, 5_000}, {500, 50_000}}

// past is how much each server knows when it starts: the hour that is looked at,
// and what drift is compared with.
const past = 80 * time.Minute

// perform measures against a real Prometheus of every size, prints the table and
// says what does not hold.
func (o options) perform(ctx context.Context, out io.Writer) error {
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		fmt.Fprintln(out, "nothing was measured: no prometheus is installed here (Debian: apt install prometheus)")
		return nil
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		fmt.Fprintln(out, "nothing was measured: prometheus is installed, promtool is not")
		return nil
	}
	var all []figures
	for _, size := range sizes {
		o.plan = size
		f, err := o.against(ctx, out, prometheus, promtool)
		if err != nil {
			return fmt.Errorf("%d services: %w", size.services, err)
		}
		all = append(all, f)
	}
	fmt.Fprintln(out)
	printFigures(out, all)
	return hold(all)
}

// hold says which promises the figures break.
func hold(all []figures) error {
	var broken []error
	small, large := all[0], all[len(all)-1]
	if small.first.queries != large.first.queries {
		broken = append(broken, fmt.Errorf("the number of queries grows with services: %d for %d services, %d for %d",
			small.first.queries, small.services, large.first.queries, large.services))
	}
	if large.later.queries > small.later.queries+small.later.queries/10 {
		broken = append(broken, fmt.Errorf("the number of queries a refresh grows with services: %d for %d services, %d for %d",
			small.later.queries, small.services, large.later.queries, large.services))
	}
	for _, f := range all {
		if f.seen != f.services {
			broken = append(broken, fmt.Errorf("%d of %d services are on the screen", f.seen, f.services))
		}
		if f.refreshes == 0 {
			broken = append(broken, fmt.Errorf("%d services: no whole refresh was seen", f.services))
		}
		if f.later.samples*20 > f.full() {
			broken = append(broken, fmt.Errorf("%d services: a refresh fetches %d samples, more than 1/20 of %d", f.services, f.later.samples, f.full()))
		}
	}
	return errors.Join(broken...)
}

// against runs a fleet and a Prometheus that scrapes it, and measures.
func (o options) against(ctx context.Context, out io.Writer, prometheus, promtool string) (figures, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dir, err := os.MkdirTemp("", "fleet-perf-")
	if err != nil {
		return figures{}, err
	}
	defer os.RemoveAll(dir)
	if o.listen, err = freePort(); err != nil {
		return figures{}, err
	}
	data := filepath.Join(dir, "data")
	fmt.Fprintf(out, "%s  %d services with %d series: writing %v of their past\n", clock(), o.services, o.series, past)
	if err := o.fill(ctx, promtool, dir, data); err != nil {
		return figures{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return figures{}, err
	}
	fleet, err := begin(ctx, self, "--listen", o.listen, "--services", fmt.Sprint(o.services), "--series", fmt.Sprint(o.series))
	if err != nil {
		return figures{}, err
	}
	defer end(fleet, cancel)
	address, err := freePort()
	if err != nil {
		return figures{}, err
	}
	settings := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("scrape_configs:\n- job_name: fleet\n  scrape_interval: %s\n  scrape_timeout: 10s\n  static_configs: [{targets: [%q]}]\n", o.interval, o.listen)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return figures{}, err
	}
	server, err := begin(ctx, prometheus, "--config.file="+settings, "--storage.tsdb.path="+data, "--web.listen-address="+address, "--log.level=warn")
	if err != nil {
		return figures{}, err
	}
	defer end(server, cancel)
	o.prometheus, o.pid = "http://"+address, server.Process.Pid
	if err := ready(ctx, o.prometheus); err != nil {
		return figures{}, err
	}
	if err := wait(ctx, 3*o.interval); err != nil { // some scrapes join the past to the present
		return figures{}, err
	}
	return o.figures(ctx, out)
}

// fill writes the past of the fleet into the blocks of a server.
func (o options) fill(ctx context.Context, promtool, dir, data string) error {
	text := filepath.Join(dir, "past.om")
	f, err := os.Create(text)
	if err != nil {
		return err
	}
	o.backfill = past
	if err := errors.Join(o.past(f), f.Close()); err != nil {
		return err
	}
	if said, err := exec.CommandContext(ctx, promtool, "tsdb", "create-blocks-from", "openmetrics", "-q", text, data).CombinedOutput(); err != nil {
		return fmt.Errorf("promtool: %w\n%s", err, said)
	}
	return os.Remove(text)
}

// begin starts a program that ends with ctx.
func begin(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Stderr = new(bytes.Buffer)
	return c, c.Start()
}

// end stops what begin started, and waits for it.
func end(c *exec.Cmd, cancel func()) {
	cancel()
	_ = c.Wait() // it was killed
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func ready(ctx context.Context, base string) error {
	for range 300 {
		if r, err := http.Get(base + "/-/ready"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("prometheus was not ready within a minute")
}
