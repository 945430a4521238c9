package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"sickbay/config"
	"sickbay/engine"
	"sickbay/health"
	"sickbay/rollback"
	"sickbay/sources"
	"sickbay/themes"
)

// A house is everything below the screen, wired together.
type house struct {
	cfg     *config.Config
	engine  *engine.Engine
	desk    *rollback.Desk // nil: no journal could be opened; noDesk says why
	noDesk  error
	journal string
	sources []sources.Source

	patience time.Duration
}

// settings reads file, environment and flags, in this order of growing weight.
func (a *app) settings() (*config.Config, error) {
	path, err := config.Find(a.flags.config, a.getenv)
	if err != nil {
		return nil, exit{exitConfig, err}
	}
	cfg, err := config.LoadWith(path, a.getenv)
	if err != nil {
		return nil, exit{exitConfig, err}
	}
	a.redact = cfg.Redact
	if path != "" {
		if _, err := bind(cfg); err != nil { // whoever checks a file wants to hear of its keys as well
			return nil, exit{exitConfig, err}
		}
	}
	if err := cfg.ApplyEnv(a.getenv); err != nil {
		return nil, exit{exitConfig, err}
	}
	return cfg, a.applyFlags(cfg)
}

func (a *app) applyFlags(cfg *config.Config) error {
	for _, url := range a.flags.prometheus {
		cfg.AddPrometheus(url)
	}
	if len(a.flags.logs) > 0 {
		cfg.AddLogs(a.flags.logs)
	}
	if a.flags.window != "" {
		w, err := health.ParseSpan(a.flags.window)
		if err != nil || w < time.Minute {
			return exit{exitUsage, fmt.Errorf("--window %q: want a time span of at least a minute, like 15m, 1h or 7d", a.flags.window)}
		}
		cfg.Window = w
	}
	if t := a.flags.theme; t != "" {
		if !slices.Contains(themes.Names(), t) {
			return exit{exitUsage, fmt.Errorf("--theme %q: %s", t, strings.Join(themes.Names(), ", "))}
		}
		cfg.Theme = t
	}
	cfg.Write = cfg.Write || a.flags.write
	cfg.ASCII = cfg.ASCII || a.flags.ascii
	return nil
}

// moment reads --at.
func (a *app) moment() (time.Time, error) {
	s := a.flags.at
	if s == "" {
		return time.Time{}, nil
	}
	now := a.now().UTC()
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse("15:04", s); err == nil {
		t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
		if t.After(now) {
			t = t.AddDate(0, 0, -1)
		}
		return t, nil
	}
	return time.Time{}, exit{exitUsage, fmt.Errorf("--at %q: want 2026-01-31T13:50:00Z or 13:50 (UTC)", s)}
}

// build wires a config into a house. The caller closes it.
func (a *app) build(cfg *config.Config, journal string, o rollback.DeskOptions) (*house, error) {
	if len(cfg.Sources) == 0 {
		return nil, exit{exitConfig, errors.New("nobody to ask: give --prometheus URL, or a config with a [[source]], or try sickbay demo")}
	}
	h := &house{cfg: cfg, journal: journal, patience: cmp.Or(a.patience, patience)}
	var err error
	if h.sources, err = cfg.OpenSources(); err != nil {
		return nil, exit{exitConfig, err}
	}
	if err := h.openDesk(cfg, o); err != nil {
		h.Close()
		return nil, exit{exitConfig, err}
	}
	options := engine.Options{
		Sources: h.sources, Packs: cfg.Packs, Base: cfg.Window, Refresh: cfg.Refresh, Rate: cfg.RateWindow,
		DriftSpan: cfg.Drift.Window, DriftBack: cfg.Drift.Reference, DriftAgainst: cfg.Drift.Against, Baseline: filepath.Join(a.stateDir(), "baseline.json"),
		Write: cfg.Write, Redact: cfg.Redact, Now: a.now,
	}
	for _, s := range cfg.Services {
		options.Services = append(options.Services, engine.Override{Name: s.Name, Kind: s.Kind, Match: s.Match, Limits: s.Limits, Hide: s.Hide, Link: s.Link, Objectives: s.Objectives, DependsOn: s.DependsOn, Ignore: s.Ignore})
	}
	if h.desk != nil {
		options.Desk = h.desk
	}
	h.engine = engine.New(options)
	return h, nil
}

// openDesk opens targets and journal. Without a journal nothing can be done, and
// everything can still be looked at.
func (h *house) openDesk(cfg *config.Config, o rollback.DeskOptions) error {
	targets, err := cfg.OpenTargets()
	if err != nil {
		return err
	}
	var j *rollback.Journal
	if cfg.Write || fileExists(h.journal) {
		if j, h.noDesk = rollback.OpenJournal(h.journal); h.noDesk != nil {
			j = nil
		}
	}
	if o.Notices, err = cfg.OpenNotices(); err != nil {
		return err
	}
	o.Targets, o.Journal, o.Write = targets, j, cfg.Write
	h.desk = rollback.NewDesk(o)
	return nil
}

func fileExists(path string) bool { _, err := os.Stat(path); return err == nil }

// stateDir is where the journal lives.
func (a *app) stateDir() string {
	if x := a.getenv("XDG_STATE_HOME"); x != "" {
		return filepath.Join(x, "sickbay")
	}
	return filepath.Join(a.getenv("HOME"), ".local", "state", "sickbay")
}

func (a *app) journalPath() string { return filepath.Join(a.stateDir(), "journal.jsonl") }

// look loads the theme for a terminal, or for whatever stdout is.
func (a *app) look(cfg *config.Config) (*themes.Look, error) {
	l, err := themes.Load(cfg.Theme)
	if err != nil {
		return nil, exit{exitConfig, err}
	}
	return l.With(cfg.ASCII, a.colour()), nil
}

// colour honours https://no-color.org: present and not empty means no colour.
func (a *app) colour() bool { return a.getenv("NO_COLOR") == "" }

// terminal says whether stdout and stdin are one that can be drawn on.
func (a *app) terminal() (ok bool, why string) {
	out, isFile := a.out.(*os.File)
	in, inFile := a.in.(*os.File)
	switch {
	case !isFile || !term.IsTerminal(int(out.Fd())):
		return false, "standard output is not a terminal"
	case !inFile || !term.IsTerminal(int(in.Fd())):
		return false, "standard input is not a terminal"
	case a.getenv("TERM") == "dumb" || a.getenv("TERM") == "":
		return false, fmt.Sprintf("TERM=%q cannot move its cursor", a.getenv("TERM"))
	}
	return true, ""
}

// patience is how long one look at everything may take.
const patience = 30 * time.Second

// round looks once.
func (h *house) round(ctx context.Context, i health.Interest) *health.Snapshot {
	ctx, cancel := context.WithTimeout(ctx, h.patience)
	defer cancel()
	return h.engine.Round(ctx, i)
}
