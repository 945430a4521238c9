package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sickbay/health"
	"sickbay/tui/pane"
)

func init() {
	commands["drift"] = func(a *app) *cobra.Command {
		var o driftFlags
		c := &cobra.Command{
			Use: "drift", Args: cobra.NoArgs,
			Short: "which distributions moved, how far, how sure and since when",
			Long: "Looks once and prints every comparison of a distribution now with the same one before, what matters most first:\n" +
				"large shifts of services whose outcome or quality is ill, large shifts, shifts, those that must still last, small\n" +
				"ones, scores of other tools (shown with tool and metric, never judged), what cannot be told, and what did not move.\n\n" +
				"It prints and does not judge: the exit code is 0 whatever moved (sickbay check judges), 1 when a service or a\n" +
				"signal that was named is not there, 64 usage, 78 config.",
			RunE: func(c *cobra.Command, _ []string) error { return a.driftOnce(c, o) },
		}
		c.Flags().StringVar(&o.service, "service", "", "this `service` only")
		c.Flags().StringVar(&o.signal, "signal", "", "this `signal` or feature only")
		c.Flags().StringVar(&o.reference, "reference", "", "compare with `WHAT`: "+strings.Join(referenceNames(), ", ")+" (else as configured)")
		c.Flags().BoolVar(&o.json, "json", false, "a list of objects, one for each comparison")
		return c
	}
}

type driftFlags struct {
	service, signal, reference string
	json                       bool
}

var references = []health.Reference{health.SameHour, health.LastWeek, health.Earlier, health.Deployment, health.Baseline}

func referenceNames() []string {
	var names []string
	for _, r := range references {
		names = append(names, string(r))
	}
	return names
}

func (a *app) driftOnce(c *cobra.Command, o driftFlags) error {
	if o.reference != "" && !slices.Contains(referenceNames(), o.reference) {
		return exit{exitUsage, fmt.Errorf("--reference %q: %s", o.reference, strings.Join(referenceNames(), ", "))}
	}
	s, err := a.lookOnce(c, health.Interest{Lens: health.Lens{Against: health.Reference(o.reference)}})
	if err != nil {
		return err
	}
	return a.drift(s, o)
}

// drift prints the comparisons of a snapshot.
func (a *app) drift(s *health.Snapshot, o driftFlags) error {
	if _, ok := s.Service(o.service); !ok && o.service != "" {
		return exit{exitFailed, fmt.Errorf("no service is called %q here", o.service)}
	}
	var rows []pane.DriftRow
	for _, r := range pane.Drifts(s) {
		if o.service == "" || r.Of.Name == o.service {
			rows = append(rows, r)
		}
	}
	if rows = slices.DeleteFunc(rows, func(r pane.DriftRow) bool { return !o.names(r) }); len(rows) == 0 && o.signal != "" {
		return exit{exitFailed, fmt.Errorf("no signal or feature called %q is compared here; sickbay drift lists what is", o.signal)}
	}
	for _, src := range s.Sources {
		if !src.OK {
			fmt.Fprintf(a.err, "source   %s: %s\n", clean(src.Name), clean(complaint(src)))
		}
	}
	if o.json {
		return a.driftJSON(s, rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(a.out, "nothing is compared: drift needs histograms, categories or scores of a drift tool")
		return nil
	}
	return a.driftTable(rows)
}

// names says whether a comparison is of the signal that was named.
func (o driftFlags) names(r pane.DriftRow) bool {
	return o.signal == "" || slices.ContainsFunc([]string{r.Signal, r.Feature, r.Key(), r.What()}, func(s string) bool {
		return strings.EqualFold(s, o.signal)
	})
}

func (a *app) driftTable(rows []pane.DriftRow) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVICE\tWHAT\tTHEN/NOW\tSCORE\tINTERVAL\tSINCE\tLEVEL")
	for _, r := range rows {
		since := "–"
		if r.Moved() && !r.Since.IsZero() {
			since = r.Since.UTC().Format("Jan 2 15:04")
		}
		level := r.Sentences()[0]
		if others := r.Others(); others != "" {
			level += " (" + others + ")"
		}
		if r.Outcome != "" {
			level += "; " + r.Outcome
		}
		fields := []string{r.Of.Name, r.What(), r.Counted(), r.Shift(), orNot(r.Interval(), "–"), since, level}
		for i, f := range fields {
			fields[i] = health.Clean(f)
		}
		fmt.Fprintln(w, strings.Join(fields, "\t"))
	}
	if err := w.Flush(); err != nil {
		return exit{exitFailed, err}
	}
	fmt.Fprintln(a.out)
	for _, g := range againstWhat(rows) {
		fmt.Fprintln(a.out, clean(g))
	}
	return nil
}

// againstWhat says what "then" is: of all, or of each service where they differ.
func againstWhat(rows []pane.DriftRow) []string {
	var order []string
	services := map[string][]string{}
	for _, r := range rows {
		if r.Against == "" {
			continue
		}
		if services[r.Against] == nil {
			order = append(order, r.Against)
		}
		if !slices.Contains(services[r.Against], r.Of.Name) {
			services[r.Against] = append(services[r.Against], r.Of.Name)
		}
	}
	out := make([]string, 0, len(order))
	for _, against := range order {
		line := "then is " + against
		if len(order) > 1 {
			line += ": " + strings.Join(services[against], ", ")
		}
		out = append(out, line)
	}
	return out
}

// A driftDocument is one comparison for scripts, as in snapshot --format json.
type driftDocument struct {
	Service string `json:"service"`
	health.DocumentDrift
}

// driftJSON prints all comparisons, those of other tools in objects of their own.
func (a *app) driftJSON(s *health.Snapshot, rows []pane.DriftRow) error {
	known := map[string]health.DocumentDrift{}
	for i, d := range s.Document(a.now()).Services {
		for j := range d.Drift {
			known[rowID(s.Services[i].Name, s.Services[i].Drift[j])] = d.Drift[j]
		}
	}
	out := make([]driftDocument, 0, len(rows))
	for _, r := range rows {
		out = append(out, driftDocument{r.Of.Name, known[rowID(r.Of.Name, *r.Drift)]})
		for _, d := range r.Of.Drift { // those that stand in this row on the screen
			if d.Kind == "exported" && r.Kind != "exported" && d.Key() == r.Key() {
				out = append(out, driftDocument{r.Of.Name, known[rowID(r.Of.Name, d)]})
			}
		}
	}
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return exit{exitFailed, err}
	}
	return nil
}

func rowID(service string, d health.Drift) string { return service + "\x00" + pane.DriftID(d) }
