package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sickbay/health"
)

func init() {
	commands["doctor"] = func(a *app) *cobra.Command {
		var asJSON bool
		c := &cobra.Command{
			Use: "doctor", Args: cobra.NoArgs,
			Short: "every source and signal: works, or why it will be empty",
			Long: "Looks once and says of every source, service, signal and rollback target whether it works.\n" +
				"Exits with 1 when something that was configured cannot work.",
			RunE: func(c *cobra.Command, _ []string) error {
				s, err := a.lookOnce(c, health.Interest{Service: "*"})
				if err != nil {
					return err
				}
				return a.report(s, asJSON)
			},
		}
		c.Flags().BoolVar(&asJSON, "json", false, "for scripts")
		return c
	}
}

// A remark is one line of the doctor's report.
type remark struct {
	What   string `json:"what"` // source service signal target
	Name   string `json:"name"`
	Works  bool   `json:"works"`
	Text   string `json:"text"`
	Broken bool   `json:"broken"` // it was configured, and cannot work
}

func (a *app) report(s *health.Snapshot, asJSON bool) error {
	remarks := examine(s)
	broken := slices.ContainsFunc(remarks, func(r remark) bool { return r.Broken })
	if asJSON {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(remarks); err != nil {
			return exit{exitFailed, err}
		}
	} else {
		for _, r := range remarks {
			mark := "ok   "
			if r.Broken {
				mark = "FAIL "
			} else if !r.Works {
				mark = "empty"
			}
			fmt.Fprintf(a.out, "%s  %-7s %-34s %s\n", mark, r.What, clean(r.Name), clean(r.Text))
		}
	}
	if broken {
		return exit{exitFailed, nil}
	}
	return nil
}

// examine looks at everything a screen would show.
func examine(s *health.Snapshot) []remark {
	var all []remark
	for _, src := range s.Sources {
		all = append(all, examineSource(src))
	}
	if len(s.Services) == 0 {
		all = append(all, remark{"service", "(none)", false, "no metric of any pack is there: sickbay packs lists what would be recognised", false})
	}
	for _, v := range s.Services {
		all = append(all, remark{"service", v.Name, v.Gone.IsZero(), fmt.Sprintf("%s, seen by %s", v.Kind, strings.Join(v.Packs, ", ")), false})
		for _, sig := range v.Signals {
			all = append(all, examineSignal(v, sig))
		}
		for _, t := range v.Targets {
			all = append(all, remark{"target", t.Name, t.Blocked == "", orNot(t.Blocked, fmt.Sprintf("%s, runs %s, %d versions to go back to", t.Driver, t.Current, len(t.Previous))), t.Blocked != ""})
		}
	}
	return all
}

func examineSource(src health.SourceState) remark {
	text := strings.TrimSpace(fmt.Sprintf("%s %s %s", src.Kind, src.Where, src.Version))
	if !src.OK {
		return remark{"source", src.Name, false, text + ": " + orNot(src.Error, "did not answer"), true}
	}
	if src.Lines > 0 || src.BadLines > 0 {
		text += fmt.Sprintf(", %d lines, %d of them not understood", src.Lines, src.BadLines)
	}
	return remark{"source", src.Name, true, text, false}
}

func examineSignal(v health.Service, sig health.Signal) remark {
	name := v.Name + " " + sig.ID
	switch {
	case sig.State == health.Fresh:
		return remark{"signal", name, true, health.Format(sig.Unit, sig.Value) + " (" + sig.Pack + ")", false}
	case sig.State == health.Absent:
		return remark{"signal", name, false, "no sample in the window; asked: " + oneLine(sig.Query), false}
	case sig.Note != "":
		return remark{"signal", name, false, sig.State.String() + ": " + sig.Note, false}
	}
	return remark{"signal", name, false, sig.State.String(), false}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
