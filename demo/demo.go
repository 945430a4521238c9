// Package demo is a simulated AI stack in this process: services of every kind
// whose metrics carry the names of real exporters, behind a real Prometheus
// API, with a request log, a change feed, alert rules and a rollback endpoint
// that really changes what runs. One seeded simulation drives all of them.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sickbay/demo/prom"
)

// Options say which demo. The zero value is the quiet one on a free port.
type Options struct {
	Scenario string           // "" is quiet
	Seed     uint64           // of all chance; the same seed and Now give the same bytes
	Listen   string           // address of the HTTP APIs; "" is "127.0.0.1:0"
	Dir      string           // for the log and the config; "" is a temporary one, removed by Close
	Now      func() time.Time // nil: time.Now
	Live     bool             // go on by the clock; else only Advance does
}

// Info says where everything is.
type Info struct {
	Prometheus string `json:"prometheus"` // URL
	Logs       string `json:"logs"`       // path of the request log
	Config     string `json:"config"`     // path of a sickbay.toml for all of it
	Control    string `json:"control"`    // URL
}

// retention is how long samples are kept when a demo runs for days.
const retention = 26 * time.Hour

// alertHistory is how far back alert rules are evaluated at the start.
const alertHistory = time.Hour

// A Demo runs until Close.
type Demo struct {
	store    *prom.Store
	rules    *prom.Rules
	server   *prom.Server
	listener net.Listener
	mux      http.Handler
	http     *http.Server
	info     Info
	dir      string // to be removed; "" none
	now      func() time.Time
	stop     context.CancelFunc
	done     sync.WaitGroup

	mu    sync.Mutex // guards what follows
	world *world
	log   *requestLog
	err   error // that ended the simulation
}

// Start makes six hours of history and serves it. The demo ends with Close or
// ctx.
func Start(ctx context.Context, o Options) (*Demo, error) { return startWith(ctx, o, history) }

// startWith is Start with another length of history.
func startWith(ctx context.Context, o Options, past time.Duration) (*Demo, error) {
	s, ok := scenarios[orElse(o.Scenario, "quiet")]
	if !ok {
		return nil, fmt.Errorf("demo: unknown scenario %q; there are %s", o.Scenario, scenarioNames())
	}
	d := &Demo{now: o.Now}
	if d.now == nil {
		d.now = time.Now
	}
	if err := d.open(o); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.backfill(s, o.Seed, past); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.serve(ctx, o.Live)
	return d, nil
}

// open finds a place for the files and an address for the APIs.
func (d *Demo) open(o Options) error {
	dir := o.Dir
	if dir == "" {
		temporary, err := os.MkdirTemp("", "sickbay-demo-")
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		d.dir, dir = temporary, temporary
	}
	if err := d.openFiles(dir); err != nil {
		return err
	}
	l, err := net.Listen("tcp", orElse(o.Listen, "127.0.0.1:0"))
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	d.listener = l
	d.info.Prometheus = "http://" + l.Addr().String()
	d.info.Control = d.info.Prometheus
	return nil
}

func (d *Demo) openFiles(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	d.info.Logs, d.info.Config = filepath.Join(dir, "requests.jsonl"), filepath.Join(dir, "sickbay.toml")
	if d.log, err = createLog(d.info.Logs); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// backfill makes the history and writes the config.
func (d *Demo) backfill(s *Scenario, seed uint64, past time.Duration) error {
	now := d.now().UTC()
	d.store = prom.NewStore(retention)
	d.world = newWorld(d.store, d.log, s, seed, now, past)
	if err := d.advance(now); err != nil {
		return err
	}
	var err error
	if d.rules, err = prom.NewRules(d.store, alertRules()); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := d.rules.Backfill(now.Add(-min(alertHistory, past)).Truncate(coarse), d.world.now, coarse); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := os.WriteFile(d.info.Config, []byte(configFile(d.info, d.world.services)), 0o600); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// serve answers on the listener and, when live, follows the clock.
func (d *Demo) serve(ctx context.Context, live bool) {
	d.server = prom.NewServer(d.store, d.rules, d.now)
	d.server.SetReady(true)
	mux := d.control()
	mux.Handle("/", d.server)
	d.mux = mux
	d.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ctx, d.stop = context.WithCancel(ctx)
	d.done.Go(func() { _ = d.http.Serve(d.listener) }) // it always ends with ErrServerClosed
	if live {
		d.done.Go(func() { d.follow(ctx) })
	}
}

// follow advances at every full scrape interval until ctx ends.
func (d *Demo) follow(ctx context.Context) {
	for {
		now := d.now()
		timer := time.NewTimer(now.Truncate(fine).Add(fine).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			d.Advance(d.now())
		}
	}
}

// Advance runs the simulation up to a time. After an error it stands still;
// Close reports it.
func (d *Demo) Advance(to time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return
	}
	from := d.world.now
	if d.err = d.advance(to); d.err != nil {
		return
	}
	for t := from.Truncate(coarse).Add(coarse); !t.After(d.world.now); t = t.Add(coarse) {
		if err := d.rules.Eval(t); err != nil {
			d.err = fmt.Errorf("demo: %w", err)
			return
		}
	}
}

// advance moves the world and lets nobody wait for the lines of its log.
func (d *Demo) advance(to time.Time) error {
	if err := d.world.advance(to.UTC()); err != nil {
		return err
	}
	if err := d.log.Flush(); err != nil {
		return fmt.Errorf("demo: request log: %w", err)
	}
	return nil
}

// Info says where everything is.
func (d *Demo) Info() Info { return d.info }

// Handler is everything the demo serves, for use without a port.
func (d *Demo) Handler() http.Handler { return d.mux }

// Close ends the demo, removes its temporary files and says what ended the
// simulation before, if anything did.
func (d *Demo) Close() error {
	var errs []error
	if d.stop != nil {
		d.stop()
		errs = append(errs, d.http.Close())
	} else if d.listener != nil {
		errs = append(errs, d.listener.Close())
	}
	d.done.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.log != nil {
		errs = append(errs, d.log.close())
	}
	if d.dir != "" {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(append(errs, d.err)...)
}
