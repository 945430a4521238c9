package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"sickbay/config"
	"sickbay/demo/prom"
	"sickbay/engine"
	"sickbay/health"
	"sickbay/packs"
)

// A row of the report is one pack: what of it gets a value when a server has
// nothing but the lines its author wrote down.
type row struct {
	pack            string
	services        int
	filled, signals int
	native          int      // signals besides, that read what a page of text cannot show
	empty           []string // "latency_p95: the sample has no foo_bucket"
	found           string   // the label that tells its services apart; empty: it was not detected
}

// native says whether a query reads native histograms: they have no text format.
func native(query string) bool {
	return histogramFunc.MatchString(query) || strings.Contains(query, "histogram_quantile") && !strings.Contains(query, "le)")
}

var histogramFunc = regexp.MustCompile(`histogram_(sum|count|avg|fraction)\(`)

// packsReport serves the sample of every pack, one after the other, to the demo's
// Prometheus, lets the real engine look, and prints what got a value.
func packsReport(ctx context.Context, out io.Writer, all []*packs.Pack) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PACK\tBY\tSERVICES\tSIGNALS\tFILLED\tSHARE\tEMPTY, AND WHY")
	filled, signals := 0, 0
	for _, p := range all {
		r, err := examine(ctx, p)
		if err != nil {
			return err
		}
		filled, signals = filled+r.filled, signals+r.signals
		why := append(r.marks(p), r.empty...)
		why = append(why, "")
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\t%s\n", r.pack, r.found, r.services, r.signals, r.filled, r.share(), why[0])
		for _, line := range why[1:] {
			if line != "" {
				fmt.Fprintf(w, "\t\t\t\t\t\t%s\n", line)
			}
		}
	}
	fmt.Fprintf(w, "%d packs\t\t\t%d\t%d\t%s\t\n", len(all), signals, filled, row{filled: filled, signals: signals}.share())
	return w.Flush()
}

// share is the part of the signals that is filled; in words where there are none that
// a sample could fill.
func (r row) share() string {
	switch {
	case r.signals > 0:
		return fmt.Sprintf("%3d %%", 100*r.filled/r.signals)
	case r.native > 0:
		return "native"
	}
	return "-"
}

// marks say what is peculiar about a pack.
func (r row) marks(p *packs.Pack) []string {
	var all []string
	if p.Guest {
		all = append(all, "guest: it speaks of services that other packs make, here of one that a host pack made")
	}
	if r.native > 0 {
		all = append(all, fmt.Sprintf("%d read native histograms, which no sample line can show", r.native))
	}
	if len(p.Signals) == 0 {
		all = append(all, "no signals: "+knows(p))
	}
	return all
}

// knows lists what a pack is for besides signals.
func knows(p *packs.Pack) string {
	var all []string
	for _, part := range []struct {
		n          int
		one, other string
	}{
		{len(p.Versions), "version", "versions"}, {len(p.Distributions), "distribution", "distributions"},
		{len(p.Exported), "score of another tool", "scores of other tools"}, {len(p.Calls) + len(p.Serves), "tie", "ties"},
	} {
		switch {
		case part.n == 1:
			all = append(all, "1 "+part.one)
		case part.n > 1:
			all = append(all, fmt.Sprintf("%d %s", part.n, part.other))
		}
	}
	return strings.Join(all, ", ")
}

// examine is one pack under the real engine.
func examine(ctx context.Context, p *packs.Pack) (row, error) {
	r := row{pack: p.ID}
	samples, err := samplesOf([]*packs.Pack{p})
	if err != nil {
		return r, err
	}
	snap, err := look(ctx, p, samples)
	if err != nil {
		return r, fmt.Errorf("pack %s: %w", p.ID, err)
	}
	r.services = len(snap.Services)
	measured := map[string]health.Signal{}
	for _, s := range snap.Services {
		r.found = identityOf(p, samples, s.Name)
		for _, sig := range s.Signals {
			if filled(sig) || !filled(measured[sig.ID]) {
				measured[sig.ID] = sig
			}
		}
	}
	for _, s := range p.Signals {
		sig := measured[s.ID]
		if !filled(sig) && native(s.Query) {
			r.native++
			continue
		}
		if r.signals++; filled(sig) {
			r.filled++
		} else {
			r.empty = append(r.empty, s.ID+": "+why(s.Query, sig, samples))
		}
	}
	return r, nil
}

// filled says whether a signal has a number.
func filled(s health.Signal) bool {
	return len(s.Series) > 0 && s.Value == s.Value && (s.State == health.Fresh || s.State == health.Partial || s.State == health.Stale)
}

// why says what a query would have needed.
func why(query string, sig health.Signal, samples []sample) string {
	has := map[string]bool{}
	for _, s := range samples {
		has[s.name] = true
	}
	var lacks []string
	for _, name := range packs.MetricsOf(query) {
		if !has[name] {
			lacks = append(lacks, name)
		}
	}
	switch {
	case len(lacks) > 0:
		return "the sample has no " + strings.Join(lacks, ", ")
	case sig.Note != "":
		return sig.Note
	case sig.State == health.NaN:
		return "all its metrics are there, but the answer is NaN: buckets without +Inf or events?"
	}
	return "all its metrics are there, but not with the labels it asks for"
}

// identityOf is the label that has the name of a service.
func identityOf(p *packs.Pack, samples []sample, service string) string {
	for _, label := range p.Identity {
		for _, s := range samples {
			if s.labels[label] == service {
				return label
			}
		}
	}
	return "?"
}

// host is a pack of services that guests speak of: those make none themselves.
var host = &packs.Pack{ID: "host", Detect: []string{"host_of_guests"}, Identity: []string{"service"}}

// hosted adds the services that the samples of a guest speak of.
func hosted(p *packs.Pack, samples []sample) ([]*packs.Pack, []sample) {
	if !p.Guest {
		return []*packs.Pack{p}, samples
	}
	all, known := slices.Clone(samples), map[string]bool{"": true}
	for _, s := range samples {
		for _, label := range p.Identity {
			if name := s.labels[label]; !known[name] {
				known[name] = true
				all = append(all, sample{name: host.Detect[0], labels: map[string]string{"service": name}, value: 1})
			}
		}
	}
	return []*packs.Pack{p, host}, all
}

// look lets samples age by an hour and a half and takes one picture of them.
func look(ctx context.Context, p *packs.Pack, samples []sample) (*health.Snapshot, error) {
	now := time.Now()
	shown, samples := hosted(p, samples)
	store, err := aged(samples, now)
	if err != nil {
		return nil, err
	}
	server := prom.NewServer(store, nil, func() time.Time { return now })
	server.SetReady(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &http.Server{Handler: server}
	go h.Serve(l) //nolint:errcheck // it ends with Close
	defer h.Close()

	cfg := config.Default()
	cfg.AddPrometheus("http://" + l.Addr().String())
	all, err := cfg.OpenSources()
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		defer s.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	e := engine.New(engine.Options{Sources: all, Packs: shown, Base: cfg.Window, Rate: cfg.RateWindow, Refresh: cfg.Refresh})
	return e.Round(ctx, health.Interest{Lens: health.Lens{Window: cfg.Window}, Service: "*"}), ctx.Err()
}

// aged is a store that has scraped the samples every 15 s until now.
func aged(samples []sample, now time.Time) (*prom.Store, error) {
	const every, back = 15 * time.Second, 90 * time.Minute
	store := prom.NewStore(0)
	for _, s := range samples {
		labels := map[string]string{"__name__": s.name, "job": "sample", "instance": "127.0.0.1:9400"}
		for k, v := range s.labels { // as with honor_labels: what the line says stands
			labels[k] = v
		}
		ref := store.Series(labels)
		for after := time.Duration(0); after <= back; after += every {
			if err := store.Append(ref, now.Add(after-back).UnixMilli(), s.at(after)); err != nil {
				return nil, err
			}
		}
	}
	return store, nil
}
