package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sickbay/health"
	"sickbay/rollback"
)

func init() {
	commands["rollback"] = func(a *app) *cobra.Command {
		var o rollbackFlags
		c := &cobra.Command{
			Use: "rollback SERVICE --reason TEXT", Args: oneService,
			Short: "take a service back to an earlier version, and say whether it helped",
			Long: "Climbs the same ladder as the key R: plan, confirmation, journal, one attempt, read back, watch the symptom.\n" +
				"Needs --write. Within the cool-down after the rollback before (5 minutes) it is refused, but for undoing it, or with --override-cool-down.\n" +
				"Exit codes: 0 recovered (or --dry-run was fine), 1 applied, in part or whole, but not recovered or unproven,\n" +
				"2 nothing was done, 3 unknown, 64 usage, 78 config.",
			RunE: func(c *cobra.Command, args []string) error { return a.rollback(c.Context(), args[0], o) },
		}
		c.Flags().StringVar(&o.to, "to", "", "`VERSION` to go back to (default: the newest before the present one)")
		c.Flags().StringVar(&o.target, "target", "", "`NAME` of the target, when the service has several")
		c.Flags().StringVar(&o.reason, "reason", "", "why, for the journal: at least 10 characters")
		c.Flags().BoolVar(&o.dry, "dry-run", false, "show the plan, do nothing")
		c.Flags().BoolVar(&o.yes, "yes", false, "do not ask for the target's name")
		c.Flags().BoolVar(&o.override, "override-cool-down", false, "go on within the cool-down after the rollback before; asks for words to type, but with --yes")
		return c
	}
}

func oneService(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one SERVICE is rolled back at a time, %d are named", len(args))
	}
	return nil
}

type rollbackFlags struct {
	to, target, reason string
	dry, yes, override bool
}

// Exit codes of sickbay rollback.
const (
	exitUnproved = 1
	exitNotDone  = 2
	exitUnknown  = 3
)

func (a *app) rollback(ctx context.Context, service string, o rollbackFlags) error {
	if !o.dry && len([]rune(strings.TrimSpace(o.reason))) < 10 {
		return exit{exitUsage, errors.New("--reason: say why in at least 10 characters; it goes to the journal")}
	}
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	if !o.dry && !cfg.Write {
		return exit{exitUsage, errors.New("nothing was done: sickbay is read-only; add --write")}
	}
	h, err := a.build(cfg, a.journalPath(), rollback.DeskOptions{Version: version, CoolDown: a.coolDown})
	if err != nil {
		return err
	}
	defer h.Close()
	return a.climb(ctx, h, service, o)
}

// climb runs the engine while the ladder is climbed.
func (a *app) climb(ctx context.Context, h *house, service string, o rollbackFlags) error {
	ctx, cancel := context.WithCancel(ctx)
	v := h.engine.Join()
	done := make(chan struct{})
	go func() { defer close(done); h.engine.Run(ctx) }()
	defer func() { v.Leave(); cancel(); <-done }()

	wait := func(what string, until func(*health.Snapshot) bool) (*health.Snapshot, error) {
		ctx, cancel := context.WithTimeout(ctx, h.patience)
		defer cancel()
		for {
			if s := v.Snapshot(); until(s) {
				return s, nil
			}
			select {
			case <-v.Changed():
			case <-ctx.Done():
				return nil, exit{exitNotDone, fmt.Errorf("nothing was done: %s did not come within %s", what, h.patience)}
			}
		}
	}
	s, err := wait("an answer of the sources", func(s *health.Snapshot) bool { return !s.Asking })
	if err != nil {
		return err
	}
	target, err := chooseTarget(s, service, o.target)
	if err != nil {
		return exit{exitNotDone, err}
	}
	key := target
	if o.to != "" {
		key += "@" + o.to
	}
	v.Want(health.Interest{Plan: key})
	s, err = wait("a plan", func(s *health.Snapshot) bool { p, ok := s.Plans[key]; return ok && !p.Asking })
	if err != nil {
		return err
	}
	planned := s.Plans[key]
	if planned.Err != "" {
		return exit{exitNotDone, fmt.Errorf("nothing was done: %s", planned.Err)}
	}
	a.showPlan(planned.Plan, s)
	if o.dry {
		return nil
	}
	return a.act(ctx, v, planned.Plan, o)
}

func chooseTarget(s *health.Snapshot, service, name string) (string, error) {
	v, ok := s.Service(service)
	if !ok {
		return "", fmt.Errorf("nothing was done: no service is called %q here", service)
	}
	var names []string
	for _, t := range v.Targets {
		if names = append(names, t.Name); t.Name == name {
			return name, nil
		}
	}
	switch {
	case len(names) == 0:
		return "", fmt.Errorf("nothing was done: no [[rollback]] of the config names %s", service)
	case name != "":
		return "", fmt.Errorf("nothing was done: %s has no target %q; choose --target %s", service, name, strings.Join(names, " or "))
	case len(names) > 1:
		return "", fmt.Errorf("nothing was done: %s has several targets; choose --target %s", service, strings.Join(names, " or "))
	}
	return names[0], nil
}

func (a *app) showPlan(p health.Plan, s *health.Snapshot) {
	fmt.Fprintf(a.out, "%s: %s → %s (%s)\n", a.clean(p.Target), a.clean(p.From), a.clean(p.To), a.clean(p.Driver))
	v, _ := s.Service(p.Service)
	for _, t := range v.Targets {
		if t.Name == p.Target && t.Caps != "" {
			fmt.Fprintln(a.out, "  the system: "+a.clean(t.Caps))
		}
	}
	for _, l := range p.Diff {
		fmt.Fprintln(a.out, "  "+a.clean(l))
	}
	for _, w := range p.Warnings {
		fmt.Fprintln(a.out, "  careful: "+a.clean(w))
	}
	for _, s := range p.Symptoms {
		fmt.Fprintf(a.out, "  ill now: %s %s, limit %s\n", s.Title, health.Format(s.Unit, s.Value), health.Format(s.Unit, s.Limit))
	}
}

// watched is what a viewer sees and may order.
type watched interface {
	Snapshot() *health.Snapshot
	Changed() <-chan struct{}
	Submit(health.Order) (string, error)
}

// act submits the plan and reports until the operation has ended.
func (a *app) act(ctx context.Context, v watched, p health.Plan, o rollbackFlags) error {
	order := health.Order{Do: health.DoRollback, Plan: p, By: rollback.Me(), Reason: o.reason, Typed: p.Target}
	if o.override {
		order.Override = p.Override
	}
	if !o.yes {
		keyboard := bufio.NewReader(a.in)
		order.Typed = a.typed(keyboard, p.Target, "do it")
		if order.Override != "" {
			order.Override = a.typed(keyboard, p.Override, "do it before the cool-down is over")
		}
	}
	id, err := v.Submit(order)
	if err != nil {
		return exit{exitNotDone, err}
	}
	last := ""
	for {
		for _, op := range v.Snapshot().Rollbacks {
			if op.ID != id {
				continue
			}
			if line := string(op.State) + ": " + op.Text; line != last {
				last = line
				fmt.Fprintf(a.out, "%s  %s\n", a.now().UTC().Format(time.TimeOnly), a.clean(line))
			}
			if op.State.Ended() {
				a.told(ctx, v, op)
				return outcome(op)
			}
		}
		select {
		case <-v.Changed():
		case <-ctx.Done():
			return exit{exitUnknown, errors.New("stopped watching; the operation itself is not cancelled: see sickbay journal show")}
		}
	}
}

// told waits a moment for what came of the notices, and says it. It does not change how
// the operation ended.
func (a *app) told(ctx context.Context, v watched, op health.Rollback) {
	ctx, cancel := context.WithTimeout(ctx, 12*time.Second)
	defer cancel()
	for slices.ContainsFunc(op.Told, func(t health.Told) bool { return !t.Done }) && ctx.Err() == nil {
		select {
		case <-v.Changed():
		case <-ctx.Done():
		}
		for _, now := range v.Snapshot().Rollbacks {
			if now.ID == op.ID {
				op = now
			}
		}
	}
	for _, t := range op.Told {
		switch {
		case t.Err != "":
			fmt.Fprintln(a.err, "sickbay:", a.clean(t.Who), "could not be told:", a.clean(t.Err))
		case t.Done:
			fmt.Fprintln(a.out, "told", a.clean(t.Who))
		}
	}
}

// typed asks for words to be typed, and returns what was.
func (a *app) typed(keyboard *bufio.Reader, words, to string) string {
	fmt.Fprintf(a.out, "type %s to %s: ", words, to)
	line, _ := keyboard.ReadString('\n')
	return strings.TrimRight(line, "\r\n")
}

func outcome(op health.Rollback) error {
	switch op.State {
	case health.OpRecovered:
		return nil
	case health.OpNotRecovered, health.OpUnproven, health.OpPartial:
		return exit{exitUnproved, nil}
	case health.OpUnknown:
		return exit{exitUnknown, nil}
	}
	if !op.Applied.IsZero() { // it was done, and somebody else changed it since
		return exit{exitUnproved, nil}
	}
	return exit{exitNotDone, nil}
}
