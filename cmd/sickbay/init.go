package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sickbay/health"
)

func init() {
	commands["init"] = func(a *app) *cobra.Command {
		return &cobra.Command{
			Use: "init", Args: cobra.NoArgs,
			Short: "look at what is there, print a config for it",
			Long: "Looks at the sources of the flags, environment or present config once and prints a commented config with what it\n" +
				"found. Nothing is written: sickbay init --prometheus URL > ~/.config/sickbay/config.toml",
			RunE: func(c *cobra.Command, _ []string) error {
				s, err := a.lookOnce(c, health.Interest{Service: "*"})
				if err != nil {
					return err
				}
				a.printConfig(s)
				return nil
			},
		}
	}
}

// printConfig writes what was found as TOML. Names come from outside: they are
// quoted, and cleaned. They are not masked, for then nothing would be called so: a
// service that is called by a secret is left out.
func (a *app) printConfig(s *health.Snapshot) {
	p := func(format string, args ...any) { fmt.Fprintf(a.out, format+"\n", args...) }
	p("# sickbay, from what was there on %s. Every key: config.example.toml.", s.At.UTC().Format("2006-01-02 15:04 UTC"))
	p("# sickbay doctor says what works and what will be empty.")
	p("\nwindow  = %q", health.Span(s.Window))
	p("refresh = %q", s.Load.Refresh.String())
	p("write   = false   # true, or --write: rollbacks are allowed")
	for _, src := range s.Sources {
		a.printSource(src)
	}
	if len(s.Services) == 0 {
		p("\n# No service was recognised: sickbay packs lists what would be, sickbay doctor what is missing.")
	}
	for _, v := range s.Services {
		a.printService(v)
	}
	p("\n# What can be taken back is not visible from metrics. One section for each thing that was deployed:")
	p("# [[rollback]]\n# service = %s\n# kind    = \"prompt\"   # prompt model index data deploy config", inQuotes(a.firstName(s)))
	p("# driver  = \"http\"     # docs/rollback-http.md says what it has to answer; or \"command\"\n# url     = \"https://…/rollback\"")
}

func (a *app) firstName(s *health.Snapshot) string {
	for _, v := range s.Services {
		if a.redact.Redact(v.Name) == v.Name {
			return health.Clean(v.Name)
		}
	}
	return "my-service"
}

func (a *app) printSource(src health.SourceState) {
	fmt.Fprintf(a.out, "\n[[source]]\nkind = %s\nname = %s", inQuotes(src.Kind), inQuotes(health.Clean(src.Name)))
	switch where := health.Clean(src.Where); {
	case strings.Contains(where, "://"):
		fmt.Fprintf(a.out, "\nurl = %s", inQuotes(strings.Fields(where)[0]))
	case src.Kind == "file" || src.Kind == "otlp":
		fmt.Fprintf(a.out, "\npaths = [%s]", inQuotes(where))
	case src.Kind == "feed":
		fmt.Fprintf(a.out, "\npath = %s", inQuotes(where))
	}
	if !src.OK {
		fmt.Fprintf(a.out, "   # did not answer: %s", oneLine(a.clean(src.Error)))
	}
	fmt.Fprintln(a.out)
}

// printService writes a service with its limits as they are, to be changed.
func (a *app) printService(v health.Service) {
	if masked := a.redact.Redact(v.Name); masked != v.Name {
		fmt.Fprintf(a.out, "\n# a service is left out, for its name holds what nobody may see: %s\n", oneLine(health.Clean(masked)))
		return
	}
	fmt.Fprintf(a.out, "\n[[service]]            # seen by %s\nname = %s\nkind = %s\n# [service.limits]       # as they are now\n",
		strings.Join(v.Packs, ", "), inQuotes(health.Clean(v.Name)), inQuotes(string(v.Kind)))
	for _, sig := range v.Signals {
		if text := limitText(sig.Limit); text != "" {
			fmt.Fprintf(a.out, "# %-20s = { %s }   # now %s\n", sig.ID, text, now(sig))
		}
	}
}

func now(sig health.Signal) string {
	if !sig.State.HasValue() {
		return sig.State.String()
	}
	return health.Format(sig.Unit, sig.Value)
}

func limitText(l health.Limit) string {
	var parts []string
	if l.Warn != nil {
		parts = append(parts, fmt.Sprintf("warn = %v", *l.Warn))
	}
	if l.Critical != nil {
		parts = append(parts, fmt.Sprintf("critical = %v", *l.Critical))
	}
	return strings.Join(parts, ", ")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
