package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sickbay/config"
	"sickbay/health"
	"sickbay/rollback"
)

func init() {
	commands["drill"] = func(a *app) *cobra.Command {
		var target string
		c := &cobra.Command{
			Use: "drill [SERVICE]", Args: cobra.MaximumNArgs(1),
			Short: "rehearse rollbacks: every step but the write",
			Long: "Walks the ladder of every [[rollback]] of the config, or of one service's: reads the target, plans, lets its system try where it\n" +
				"can, looks again, takes the lock, asks the journal, and sees whether recovery could be measured. Nothing is written but a line\n" +
				"of the journal, which the changes view shows as the last rehearsal. Exit codes: 0 all would go, 1 something stands in the way,\n" +
				"64 usage, 78 config.",
			RunE: func(c *cobra.Command, args []string) error {
				return a.drill(c.Context(), strings.Join(args, ""), target)
			},
		}
		c.Flags().StringVar(&target, "target", "", "`NAME` of one target")
		return c
	}
}

func (a *app) drill(ctx context.Context, service, target string) error {
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	targets, err := cfg.OpenTargets()
	if err != nil {
		return exit{exitConfig, err}
	}
	j, err := rollback.OpenJournal(a.journalPath())
	if err != nil {
		return exit{exitFailed, err}
	}
	defer j.Close()
	// Read-only: an operation that somebody else has not ended is not touched.
	desk := rollback.NewDesk(rollback.DeskOptions{Targets: targets, Journal: j, Version: version})
	snap := a.seen(ctx, cfg)
	ready, all := 0, 0
	for _, t := range targets {
		info := t.Info()
		if service != "" && info.Service != service || target != "" && info.Name != target {
			continue
		}
		all++
		steps, err := desk.Drill(ctx, info.Name, rollback.Me())
		if err != nil {
			return exit{exitFailed, err}
		}
		if a.rehearsed(info, append(steps, measurable(snap, info.Service))) {
			ready++
		}
	}
	if all == 0 {
		return exit{exitUsage, fmt.Errorf("nothing to rehearse: no [[rollback]] of the config is %s", strings.TrimSpace(service+" "+target))}
	}
	fmt.Fprintf(a.out, "%d of %d would go\n", ready, all)
	if ready < all {
		return exit{exitUnproved, nil}
	}
	return nil
}

// seen is one look at the services; nil where there is nobody to ask.
func (a *app) seen(ctx context.Context, cfg *config.Config) *health.Snapshot {
	h, err := a.build(cfg, a.journalPath(), rollback.DeskOptions{})
	if err != nil {
		return nil
	}
	defer h.Close()
	return h.round(ctx, health.Interest{Lens: health.Lens{Window: cfg.Window}})
}

// measurable says whether recovery could be seen afterwards.
func measurable(s *health.Snapshot, service string) rollback.DrillStep {
	step := rollback.DrillStep{Name: "proof"}
	if s == nil {
		step.Text = "no [[source]]: whether it helped could never be shown"
		return step
	}
	v, ok := s.Service(service)
	fresh, limited := 0, 0
	for _, sig := range v.Signals {
		if sig.State != health.Fresh {
			continue
		}
		if fresh++; sig.Limit.Warn != nil || sig.Limit.Critical != nil {
			limited++
		}
	}
	switch {
	case !ok:
		step.Text = "no source sees a service of this name: whether it helped could never be shown"
	case limited == 0:
		step.Text = fmt.Sprintf("%d signals are fresh and none has a limit: whether it helped could not be shown", fresh)
	default:
		step.OK, step.Text = true, fmt.Sprintf("%d signals are fresh, %d of them have limits to recover to", fresh, limited)
	}
	return step
}

// rehearsed prints the steps and says whether nothing stands in the way.
func (a *app) rehearsed(info health.Target, steps []rollback.DrillStep) bool {
	fmt.Fprintf(a.out, "%s (%s)\n", a.clean(info.Name), a.clean(info.Driver))
	ready := true
	for _, s := range steps {
		sign := "ok"
		switch {
		case !s.OK:
			sign, ready = "NO", false
		case s.Name == "careful":
			sign = "!"
		}
		fmt.Fprintf(a.out, "  %-3s %-11s %s\n", sign, s.Name, a.clean(s.Text))
	}
	return ready
}
