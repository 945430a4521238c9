package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sickbay/health"
	"sickbay/rollback"
)

func init() {
	commands["check"] = func(a *app) *cobra.Command {
		var service string
		var asJSON bool
		c := &cobra.Command{
			Use: "check", Args: cobra.NoArgs,
			Short: "one judgement as an exit code: 0 ok, 1 warn, 2 critical, 3 unknown",
			Long: "Looks once and says how the services are, worst first. The exit code is the worst status among them:\n" +
				"0 ok, 1 warn, 2 critical, 3 unknown (stale or missing data is unknown, never ok), 64 usage, 78 config.",
			RunE: func(c *cobra.Command, _ []string) error {
				s, err := a.lookOnce(c, health.Interest{})
				if err != nil {
					return err
				}
				return a.check(s, service, asJSON)
			},
		}
		c.Flags().StringVar(&service, "service", "", "judge this `service` only")
		c.Flags().BoolVar(&asJSON, "json", false, "the services part of snapshot --format json")
		return c
	}
}

// lookOnce builds the house of the flags and looks at it once.
func (a *app) lookOnce(c *cobra.Command, i health.Interest) (*health.Snapshot, error) {
	cfg, err := a.settings()
	if err != nil {
		return nil, err
	}
	if i.At, err = a.moment(); err != nil {
		return nil, err
	}
	h, err := a.build(cfg, a.journalPath(), rollback.DeskOptions{})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	i.Window = cfg.Window
	return h.round(c.Context(), i), nil
}

// exitOf is the exit code of a status.
func exitOf(s health.Status) int {
	return map[health.Status]int{health.OK: 0, health.Warn: 1, health.Critical: 2, health.Unknown: 3}[s]
}

func (a *app) check(s *health.Snapshot, service string, asJSON bool) error {
	doc := s.Document(a.now())
	worst, services := s.Worst(), s.Services
	if service != "" {
		one, ok := s.Service(service)
		if !ok {
			return exit{exitOf(health.Unknown), fmt.Errorf("no service is called %q here", service)}
		}
		worst, services = one.Status, []health.Service{one}
		doc.Services = slices.DeleteFunc(doc.Services, func(d health.DocumentService) bool { return d.Name != service })
	}
	if asJSON {
		if err := a.document(doc.Services); err != nil {
			return err
		}
		return quietly(worst)
	}
	for _, v := range services {
		fmt.Fprintf(a.out, "%-8s %s\n", v.Status, a.clean(v.Name))
		for _, f := range v.Findings {
			fmt.Fprintf(a.out, "         %s%s\n", a.clean(f.Text), since(s, f))
		}
	}
	for _, src := range s.Sources {
		if !src.OK {
			fmt.Fprintf(a.out, "source   %s: %s\n", a.clean(src.Name), a.clean(complaint(src)))
		}
	}
	if len(services) == 0 {
		fmt.Fprintln(a.out, "unknown  no service is seen by any source")
	}
	return quietly(worst)
}

// complaint is why a source does not answer, without its name, which errors begin with.
func complaint(src health.SourceState) string {
	return orNot(strings.TrimPrefix(src.Error, src.Name+": "), "did not answer")
}

func since(s *health.Snapshot, f health.Finding) string {
	if f.Since.IsZero() {
		return ""
	}
	return ", for " + health.Ago(s.At.Sub(f.Since))
}

func orNot(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func quietly(s health.Status) error {
	if code := exitOf(s); code != 0 {
		return exit{code, nil}
	}
	return nil
}
