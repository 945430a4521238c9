package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sickbay/themes"
)

func init() {
	commands["themes"] = func(a *app) *cobra.Command {
		return &cobra.Command{
			Use: "themes", Short: "the themes, each in its own colours", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				onTerminal, _ := a.terminal()
				for _, name := range themes.Names() {
					look, err := themes.Load(name)
					if err != nil {
						return exit{exitConfig, err}
					}
					look = look.With(a.flags.ascii, a.colour())
					line := fmt.Sprintf("%-14s %s %s %s %s %s %s\n", name,
						look.Paint(themes.OK, "ok"), look.Paint(themes.Warn, "warn"), look.Paint(themes.Critical, "critical"),
						look.Paint(themes.Unknown, "unknown"), look.Paint(themes.Faint, "old values"), look.Paint(themes.Accent, "selected"))
					if !onTerminal {
						line = fmt.Sprintf("%-14s %s\n", name, themes.Doc(name))
					}
					fmt.Fprint(a.out, line)
				}
				return nil
			},
		}
	}
}
