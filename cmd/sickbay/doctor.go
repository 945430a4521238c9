package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"sickbay/health"
	"sickbay/rollback"
)

func init() {
	commands["doctor"] = func(a *app) *cobra.Command {
		var asJSON bool
		c := &cobra.Command{
			Use: "doctor", Args: cobra.NoArgs,
			Short: "every source, pack, signal and pane: works, or why it will be empty",
			Long: "Looks once and says of every source, pack, service, signal, rollback target and view whether it works,\n" +
				"and where something is missing what exists that is most like it.\n" +
				"Exits with 1 when something that was configured cannot work.",
			RunE: func(c *cobra.Command, _ []string) error {
				remarks, err := a.examine(c)
				if err != nil {
					return err
				}
				return a.report(remarks, asJSON)
			},
		}
		c.Flags().BoolVar(&asJSON, "json", false, "for scripts")
		return c
	}
}

// A remark is one line of the doctor's report.
type remark struct {
	What   string `json:"what"` // source pack metric service signal target view
	Name   string `json:"name"`
	Works  bool   `json:"works"`
	Text   string `json:"text"`
	Broken bool   `json:"broken"` // it was configured, and cannot work
}

// examine looks once at everything, and then at what is missing.
func (a *app) examine(c *cobra.Command) ([]remark, error) {
	cfg, err := a.settings()
	if err != nil {
		return nil, err
	}
	at, err := a.moment()
	if err != nil {
		return nil, err
	}
	h, err := a.build(cfg, a.journalPath(), rollback.DeskOptions{})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	s := h.round(c.Context(), health.Interest{Lens: health.Lens{Window: cfg.Window, At: at}, Service: "*"})
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	return diagnose(ctx, s, h), nil
}

func (a *app) report(remarks []remark, asJSON bool) error {
	if asJSON {
		if err := a.document(remarks); err != nil {
			return err
		}
	} else {
		for _, r := range remarks {
			mark := "ok   "
			if r.Broken {
				mark = "FAIL "
			} else if !r.Works {
				mark = "empty"
			}
			fmt.Fprintf(a.out, "%s  %-7s %-34s %s\n", mark, r.What, a.clean(r.Name), a.clean(r.Text))
		}
	}
	if slices.ContainsFunc(remarks, func(r remark) bool { return r.Broken }) {
		return exit{exitFailed, nil}
	}
	return nil
}
