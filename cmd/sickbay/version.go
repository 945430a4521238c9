package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func init() {
	commands["version"] = func(a *app) *cobra.Command {
		return &cobra.Command{
			Use: "version", Short: "which sickbay this is", Args: cobra.NoArgs,
			Run: func(*cobra.Command, []string) {
				fmt.Fprintf(a.out, "sickbay %s (%s %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			},
		}
	}
}
