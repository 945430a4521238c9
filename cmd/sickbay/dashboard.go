package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sickbay/config"
	"sickbay/health"
	"sickbay/rollback"
	"sickbay/tui"
	"sickbay/tui/pane"
)

// dashboard is sickbay without a subcommand.
func (a *app) dashboard(c *cobra.Command, _ []string) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	if ok, why := a.terminal(); !ok {
		return exit{exitUsage, errors.New(why + "; sickbay snapshot prints one picture, sickbay check one judgement")}
	}
	h, err := a.build(cfg, a.journalPath(), rollback.DeskOptions{Version: version})
	if err != nil {
		return err
	}
	defer h.Close()
	return a.watch(c.Context(), h, "")
}

// watch shows the dashboard until its viewer leaves. SIGTERM, SIGHUP and a lost
// terminal end ctx: the screen is restored and a rollback under way is written down.
func (a *app) watch(ctx context.Context, h *house, name string) error {
	look, err := a.look(h.cfg)
	if err != nil {
		return err
	}
	at, err := a.moment()
	if err != nil {
		return err
	}
	keys, err := bind(h.cfg)
	if err != nil {
		return exit{exitConfig, err}
	}
	if h.noDesk != nil && h.cfg.Write {
		fmt.Fprintln(a.err, "sickbay: read-only:", a.clean(h.noDesk.Error()))
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); h.engine.Run(running) }()
	defer func() { stop(); <-done }()
	v := h.engine.Join()
	defer v.Leave()
	ward := scribe{v, filepath.Join(a.stateDir(), "reports"), a.allEntries, h.cfg.Redact}
	err = tui.Run(ctx, ward, tui.Options{
		Look: look, Write: h.cfg.Write, Name: name, Window: h.cfg.Window, Content: h.cfg.Content, Redact: &h.cfg.Redact, Keys: keys,
		View: pane.View{At: at}, Actor: rollback.Me(), Now: a.now,
	})
	if err != nil && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return exit{exitFailed, err}
	}
	return nil
}

// bind reads the keys of a config.
func bind(cfg *config.Config) (tui.Keys, error) {
	rebind := map[string][]string{}
	for action, keys := range cfg.Keys {
		rebind[action] = strings.Fields(keys)
	}
	keys, err := tui.Bind(rebind)
	if err != nil {
		return keys, fmt.Errorf("%s: %w", cfg.Path, err)
	}
	return keys, nil
}

// Close waits a moment for a write that is on its way, and closes what was opened.
// The engine must have stopped.
func (h *house) Close() {
	if h.desk != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		h.desk.Drain(ctx)
		cancel()
	}
	for _, s := range h.sources {
		s.Close()
	}
}

// interestOf is what a picture needs to know.
func interestOf(v pane.View) health.Interest {
	i := tui.NewState(v).Interest()
	if v.Screen == "request" {
		i.Request = v.Request
	}
	return i
}
