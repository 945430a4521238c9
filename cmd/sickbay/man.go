package main

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func init() {
	commands["man"] = func(a *app) *cobra.Command {
		return &cobra.Command{
			Use: "man [COMMAND]", Short: "the manual page, to read with man -l -", Args: cobra.MaximumNArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				page, _, err := c.Root().Find(args)
				if err != nil {
					return exit{exitUsage, err}
				}
				date := time.Time{} // no date: the page of one version is always the same
				return doc.GenMan(page, &doc.GenManHeader{Title: "SICKBAY", Section: "1", Source: "sickbay " + version, Date: &date}, a.out)
			},
		}
	}
}
