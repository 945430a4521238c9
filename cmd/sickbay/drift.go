package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sickbay/config"
	"sickbay/health"
	"sickbay/rollback"
	"sickbay/themes"
	"sickbay/tui"
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
				"ones, scores of other tools (shown with tool and metric, never judged), what cannot be told, and what did not move.\n" +
				"Where one comparison is left it is looked at closely: both distributions, the windows before, since when it moved,\n" +
				"what changed near that, what the outcome did, and the numbers of all measures.\n\n" +
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
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	i := health.Interest{Lens: health.Lens{Window: cfg.Window, Against: health.Reference(o.reference)}}
	if i.At, err = a.moment(); err != nil {
		return err
	}
	g := glass{a, cfg, a.journalPath(), i}
	s, err := g.look(c.Context())
	if err != nil {
		return err
	}
	if rows := o.rows(s); len(rows) == 1 {
		if s, err = g.open(c.Context(), s, rows[0]); err != nil {
			return err
		}
	}
	return a.drift(s, o)
}

// A glass is what is looked through more than once, each time with an engine of its
// own: which comparison is to be open is known only after the first look.
type glass struct {
	*app
	cfg     *config.Config
	journal string
	i       health.Interest
}

func (g glass) look(ctx context.Context) (*health.Snapshot, error) {
	h, err := g.build(g.cfg, g.journal, rollback.DeskOptions{})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.round(ctx, g.i), nil
}

// openWorst looks again with that comparison open which the drift view shows first: of
// a service, if it has one, and else the worst of all.
func (g glass) openWorst(ctx context.Context, s *health.Snapshot, service string) (*health.Snapshot, error) {
	rows := pane.Drifts(s)
	if len(rows) == 0 {
		return s, nil
	}
	of := slices.IndexFunc(rows, func(r pane.DriftRow) bool { return r.Of.Name == service })
	return g.open(ctx, s, rows[max(of, 0)])
}

// open looks again with a comparison open. Nobody knows more of what another tool
// computed.
func (g glass) open(ctx context.Context, s *health.Snapshot, r pane.DriftRow) (*health.Snapshot, error) {
	if r.Kind == "exported" {
		return s, nil
	}
	g.i.Service, g.i.Drift = r.Of.Name, r.Key()
	return g.look(ctx)
}

// openRequest looks again with a request open: its line is read, its trace looked up.
func (g glass) openRequest(ctx context.Context, id string) (*health.Snapshot, error) {
	g.i.Request = id
	return g.look(ctx)
}

// rows are the comparisons that were asked for.
func (o driftFlags) rows(s *health.Snapshot) []pane.DriftRow {
	return slices.DeleteFunc(pane.Drifts(s), func(r pane.DriftRow) bool {
		return o.service != "" && r.Of.Name != o.service || !o.names(r)
	})
}

// drift prints the comparisons of a snapshot.
func (a *app) drift(s *health.Snapshot, o driftFlags) error {
	if _, ok := s.Service(o.service); !ok && o.service != "" {
		return exit{exitFailed, fmt.Errorf("no service is called %q here", o.service)}
	}
	rows := o.rows(s)
	if len(rows) == 0 && o.signal != "" {
		return exit{exitFailed, fmt.Errorf("no signal or feature called %q is compared here; sickbay drift lists what is", o.signal)}
	}
	for _, src := range s.Sources {
		if !src.OK {
			fmt.Fprintf(a.err, "source   %s: %s\n", a.clean(src.Name), a.clean(complaint(src)))
		}
	}
	if o.json {
		return a.driftJSON(s, rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(a.out, "nothing is compared: drift needs histograms, categories or scores of a drift tool")
		return nil
	}
	if err := a.driftTable(rows); err != nil {
		return err
	}
	if len(rows) == 1 {
		return a.driftDetail(s, rows[0])
	}
	return nil
}

// driftDetail prints below the table what the drift view shows of one comparison.
func (a *app) driftDetail(s *health.Snapshot, r pane.DriftRow) error {
	look, err := themes.Load("default")
	if err != nil {
		return exit{exitFailed, err}
	}
	in := pane.Input{Snap: s, Look: look.With(a.flags.ascii, false), Now: s.At, Redact: a.redact.Remembering()}
	in.View.Service, in.View.Drift = r.Of.Name, pane.DriftID(*r.Drift)
	k, _ := pane.Get("driftdetail")
	const columns = 100 // below it the numbers stand under the bars, where there is room for them
	for _, line := range k.Draw(in, columns, k.Lines(in, columns)) {
		fmt.Fprintln(a.out, strings.TrimRight(tui.Text(line), " \n"))
	}
	return nil
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
			fields[i] = a.clean(f)
		}
		fmt.Fprintln(w, strings.Join(fields, "\t"))
	}
	if err := w.Flush(); err != nil {
		return exit{exitFailed, err}
	}
	fmt.Fprintln(a.out)
	for _, g := range againstWhat(rows) {
		fmt.Fprintln(a.out, a.clean(g))
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
