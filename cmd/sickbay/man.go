package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func init() {
	commands["man"] = func(a *app) *cobra.Command {
		return &cobra.Command{
			Use: "man [COMMAND]", Short: "the manual page, to read with man -l -", Args: cobra.MaximumNArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				page, rest, err := c.Root().Find(args)
				if err != nil || len(rest) > 0 {
					return exit{exitUsage, fmt.Errorf("no command is called %q; sickbay --help lists them", args[0])}
				}
				var b bytes.Buffer
				date := time.Time{}
				title := strings.ToUpper(strings.ReplaceAll(page.CommandPath(), " ", "-"))
				if err := doc.GenMan(page, &doc.GenManHeader{Title: title, Section: "1", Source: "sickbay " + version, Date: &date}, &b); err != nil {
					return exit{exitFailed, err}
				}
				// No date: the page of one version is always the same.
				_, err = a.out.Write(bytes.Replace(b.Bytes(), []byte(date.Format("Jan 2006")), nil, 1))
				return err
			},
		}
	}
}
