package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sickbay/config"
	"sickbay/packs"
)

func init() {
	commands["packs"] = func(a *app) *cobra.Command {
		return &cobra.Command{
			Use: "packs [ID]", Short: "what sickbay knows how to look at, and the queries it would ask", Args: cobra.MaximumNArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				cfg, err := a.settings()
				if err != nil {
					return err
				}
				all := cfg.Packs
				if len(args) == 0 {
					for _, p := range all {
						fmt.Fprintf(a.out, "%-14s %-6s %2d signals  %s\n", a.clean(p.ID), a.clean(string(p.Kind)), len(p.Signals), a.clean(p.Title))
					}
					return nil
				}
				for _, p := range all {
					if p.ID == args[0] {
						a.describePack(p, cfg)
						return nil
					}
				}
				return exit{exitUsage, fmt.Errorf("no pack is called %q; sickbay packs lists them", args[0])}
			},
		}
	}
}

func (a *app) describePack(p *packs.Pack, cfg *config.Config) {
	show := func(q string) string {
		return strings.Join(strings.Fields(a.clean(packs.Expand(q, "service", cfg.RateWindow, cfg.Drift.Window))), " ")
	}
	fmt.Fprintf(a.out, "%s: %s\nread in %s\nfound by %s\nservices told apart by %s\n\n", p.ID, a.clean(p.Title), a.clean(p.Read),
		strings.Join(p.Detect, ", "), strings.Join(p.Identity, ", "))
	for _, s := range p.Signals {
		fmt.Fprintf(a.out, "%s\n    %s\n", s.ID, show(s.Query))
	}
	for _, d := range p.Distributions {
		fmt.Fprintf(a.out, "drift of %s (%s)\n    %s\n", a.clean(d.Signal), d.Kind, show(d.Query))
	}
	for _, v := range p.Versions {
		fmt.Fprintf(a.out, "%s version from label %s\n    %s\n", v.What, v.Label, show(v.Query))
	}
}
