package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sickbay/health"
	"sickbay/rollback"
)

func init() {
	commands["journal"] = func(a *app) *cobra.Command {
		c := &cobra.Command{
			Use: "journal", Short: "the record of what was done: show, verify, export",
			Long: "Every rollback and note is a line of $XDG_STATE_HOME/sickbay/journal.jsonl (~/.local/state if that is not set),\n" +
				"each carrying the hash of the one before it. FILE reads another journal.",
			Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
		}
		c.AddCommand(a.journalShow(), a.journalVerify(), a.journalExport())
		return c
	}
}

// journalFile opens the journal named, or the usual one.
func (a *app) journalFile(args []string) (*os.File, error) {
	path := a.journalPath()
	if len(args) > 0 {
		path = args[0]
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && len(args) == 0 {
		return nil, exit{exitFailed, fmt.Errorf("no journal yet at %s: nothing was ever done from here (a demo keeps its own and names it when it ends)", path)}
	}
	if err != nil {
		return nil, exit{exitFailed, err}
	}
	return f, nil
}

func (a *app) journalShow() *cobra.Command {
	return &cobra.Command{
		Use: "show [FILE]", Short: "what was done, oldest first", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := a.journalFile(args)
			if err != nil {
				return err
			}
			defer f.Close()
			entries, err := rollback.ReadEntries(f)
			if err != nil {
				return exit{exitFailed, err}
			}
			slices.SortStableFunc(entries, func(a, b health.Entry) int { return a.Seq - b.Seq })
			if len(entries) == 0 {
				fmt.Fprintln(a.err, "sickbay: the journal has no entries")
			}
			for _, e := range entries {
				fmt.Fprintf(a.out, "%s  %-13s %-16s %-14s %s\n", e.At.UTC().Format("2006-01-02 15:04:05"),
					a.clean(e.Event), a.clean(e.Service), a.clean(e.By), a.clean(e.Text))
			}
			return nil
		},
	}
}

func (a *app) journalVerify() *cobra.Command {
	var anchor string
	c := &cobra.Command{
		Use: "verify [FILE]", Short: "whether a line was changed, removed or put in", Args: cobra.MaximumNArgs(1),
		Long: "Follows the chain of hashes. It finds edits, and lines removed from or moved within the middle. A tail that was cut\n" +
			"off is only found with --anchor: the hash of a line that was written down elsewhere.",
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := a.journalFile(args)
			if err != nil {
				return err
			}
			defer f.Close()
			report, err := rollback.Verify(f, anchor)
			if err != nil {
				return exit{exitFailed, err}
			}
			if !report.OK() {
				var faults []string
				for _, fault := range report.Faults {
					faults = append(faults, fault.String())
				}
				return exit{exitFailed, fmt.Errorf("%s: the chain is broken:\n  %s", f.Name(), strings.Join(faults, "\n  "))}
			}
			fmt.Fprintf(a.out, "ok: %d lines, head %s\n", report.Lines, report.Head)
			return nil
		},
	}
	c.Flags().StringVar(&anchor, "anchor", "", "`HASH` of a line that must be there")
	return c
}

func (a *app) journalExport() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "export [FILE]", Short: "the journal as a document", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "md" && format != "json" {
				return exit{exitUsage, fmt.Errorf("--format %q: md or json", format)}
			}
			f, err := a.journalFile(args)
			if err != nil {
				return err
			}
			defer f.Close()
			to := a.out
			if format == "json" {
				to = plainWriter{to}
			}
			if err := rollback.Export(to, f, format); err != nil {
				return exit{exitFailed, err}
			}
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "md", "md or json")
	return c
}
