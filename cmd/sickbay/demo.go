package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sickbay/config"
	"sickbay/demo"
	"sickbay/rollback"
)

func init() {
	commands["demo"] = func(a *app) *cobra.Command {
		var o demoFlags
		c := &cobra.Command{
			Use: "demo", Args: cobra.NoArgs,
			Short: "a simulated AI stack in this process, and the dashboard on it",
			Long:  "Brings its own Prometheus, logs, deployments and an incident. Needs nothing but this binary.\n\nScenarios:\n" + scenarioList(),
			RunE:  func(c *cobra.Command, _ []string) error { return a.demo(c, o) },
		}
		c.Flags().StringVar(&o.scenario, "scenario", "bad-prompt", "what goes wrong: "+strings.Join(scenarioNames(), ", "))
		c.Flags().Uint64Var(&o.seed, "seed", 1, "`NUMBER` that makes the same story again")
		c.Flags().BoolVar(&o.noTUI, "no-tui", false, "serve until interrupted; the first line printed says where, as JSON")
		c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0", "`ADDR` to serve on")
		c.Flags().BoolVar(&o.look, "look", false, "print every view at 80x24 and 120x40 and end")
		c.Flags().StringVar(&o.pictures, "pictures", "", "write the views of --look as SVG into this `DIR`")
		c.Flags().Lookup("pictures").Hidden = true
		return c
	}
}

type demoFlags struct {
	scenario, listen, pictures string
	seed                       uint64
	noTUI, look                bool
}

func scenarioNames() []string {
	var names []string
	for _, s := range demo.Scenarios() {
		names = append(names, s.Name)
	}
	return names
}

func scenarioList() string {
	var b strings.Builder
	for _, s := range demo.Scenarios() {
		fmt.Fprintf(&b, "  %-16s %s\n", s.Name, s.Title)
	}
	return b.String()
}

// storyTime is when the pictures of the docs are taken: the same every time.
var storyTime = time.Date(2026, 11, 20, 14, 2, 0, 0, time.UTC)

func (a *app) demo(c *cobra.Command, o demoFlags) error {
	if !slices.Contains(scenarioNames(), o.scenario) {
		return exit{exitUsage, fmt.Errorf("no scenario is called %q: %s", o.scenario, strings.Join(scenarioNames(), ", "))}
	}
	if ok, why := a.terminal(); !ok && !o.noTUI && !o.look {
		return exit{exitUsage, errors.New(why + "; sickbay demo --no-tui serves without a dashboard")}
	}
	options := demo.Options{Scenario: o.scenario, Seed: o.seed, Listen: o.listen, Live: true}
	if o.look {
		a.now = func() time.Time { return storyTime }
		options.Live, options.Now = false, a.now
	}
	d, err := demo.Start(c.Context(), options)
	if err != nil {
		return exit{exitFailed, err}
	}
	defer d.Close()
	switch info := d.Info(); {
	case o.noTUI:
		if err := json.NewEncoder(a.out).Encode(info); err != nil {
			return exit{exitFailed, err}
		}
		<-c.Context().Done()
		return nil
	case o.look:
		return a.lookAtAll(c.Context(), info.Config, o.pictures)
	default:
		return a.demoDashboard(c, info.Config)
	}
}

// demoDashboard opens the dashboard on the demo. Its journal is its own: what is
// done to a simulation does not belong into the record of production.
func (a *app) demoDashboard(c *cobra.Command, path string) error {
	cfg, err := config.Load(path)
	if err != nil {
		return exit{exitConfig, err}
	}
	if err := a.applyFlags(cfg); err != nil {
		return err
	}
	journal := filepath.Join(a.stateDir(), "demo-"+a.now().UTC().Format("20060102-150405")+".jsonl")
	h, err := a.build(cfg, journal, rollback.DeskOptions{Version: version, CoolDown: -1})
	if err != nil {
		return err
	}
	defer h.Close()
	err = a.watch(c.Context(), h, "demo")
	if fileExists(journal) && cfg.Write {
		fmt.Fprintf(a.out, "what you did in this demo is written down: sickbay journal show %s\n", journal)
	}
	return err
}
