package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sickbay/health"
	"sickbay/rollback"
)

func init() {
	commands["report"] = func(a *app) *cobra.Command {
		var o reportFlags
		c := &cobra.Command{
			Use: "report", Args: cobra.NoArgs,
			Short: "what happened and was done, to hand over: md, html or json",
			Long: "Looks once and writes down who is ill and why, what is suspected with its evidence, what happened when, the\n" +
				"failures, what was done (from the journal) and what is still open. Secrets and personal data that have a form are\n" +
				"masked; names in free text are not found. The page needs no network.\n\n" +
				"The exit code is 0 whatever is reported (sickbay check judges), 1 when the service is not there, 64 usage, 78 config.",
			RunE: func(c *cobra.Command, _ []string) error { return a.handover(c, o) },
		}
		c.Flags().StringVar(&o.since, "since", "", "begin at this `TIME` (as --at), or so long ago: 2h (else half an hour before the first finding)")
		c.Flags().StringVar(&o.service, "service", "", "this `service` only")
		c.Flags().StringVar(&o.format, "format", "md", "md, html or json")
		return c
	}
}

type reportFlags struct{ since, service, format string }

func (a *app) handover(c *cobra.Command, o reportFlags) error {
	if !slices.Contains([]string{"md", "html", "json"}, o.format) {
		return exit{exitUsage, fmt.Errorf("--format %q: md, html or json", o.format)}
	}
	since, err := a.sinceOf(o.since)
	if err != nil {
		return err
	}
	s, err := a.lookOnce(c, health.Interest{Service: "*"})
	if err != nil {
		return err
	}
	if _, ok := s.Service(o.service); !ok && o.service != "" {
		return exit{exitFailed, fmt.Errorf("no service is called %q here", o.service)}
	}
	entries, err := a.allEntries()
	if err != nil {
		return exit{exitFailed, err}
	}
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	r := handOver(s, entries, since, o.service, cfg.Redact)
	switch o.format {
	case "json":
		return a.document(r)
	case "html":
		return r.html(a.out)
	}
	return r.markdown(a.out)
}

// sinceOf is a time, or how long ago; nothing is the zero time.
func (a *app) sinceOf(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := health.ParseSpan(s); err == nil && d > 0 {
		return a.now().Add(-d), nil
	}
	at := *a
	at.flags.at = s
	t, err := at.moment()
	if err != nil {
		return t, exit{exitUsage, fmt.Errorf("--since %q: want a time like 13:50 or 2026-11-23T13:50:00Z, or how long ago, like 2h", s)}
	}
	return t, nil
}

// allEntries reads the whole journal: a report holds every line of its time. None is
// no error.
func (a *app) allEntries() ([]health.Entry, error) {
	f, err := os.Open(a.journalPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := rollback.ReadEntries(f)
	slices.SortStableFunc(entries, func(a, b health.Entry) int { return a.Seq - b.Seq })
	return entries, err
}
