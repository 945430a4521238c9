// Command fleet is a tool for those who develop sickbay: a fleet of simulated AI
// services to measure against, and the measuring.
//
//	fleet --services 500 --series 50000 --listen 127.0.0.1:9400   serve /metrics
//	fleet --samples vllm --listen 127.0.0.1:9400                  serve the sample of a pack ("all": of every pack)
//	fleet --backfill 1h > past.om                                 the past, for promtool tsdb create-blocks-from openmetrics
//	fleet --packs-report                                          which signals the samples of the packs fill
//	fleet --measure --prometheus URL                              what sickbay costs against that server
//	fleet --perf                                                  all of docs/performance.md, with a Prometheus of its own
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"sickbay/packs"
)

type options struct {
	plan
	listen     string
	samples    string
	backfill   time.Duration
	interval   time.Duration
	report     bool
	measure    bool
	perf       bool
	prometheus string
	pid        int
	binary     string
	minutes    int
	profile    string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	f := flag.NewFlagSet("fleet", flag.ContinueOnError)
	f.IntVar(&o.services, "services", 500, "how many services")
	f.IntVar(&o.series, "series", 50_000, "how many series they have together")
	f.StringVar(&o.listen, "listen", "127.0.0.1:9400", "where to serve /metrics")
	f.StringVar(&o.samples, "samples", "", "serve the sample lines of this pack instead; all: of every pack")
	f.DurationVar(&o.backfill, "backfill", 0, "write so much of the past as OpenMetrics and end")
	f.DurationVar(&o.interval, "interval", 15*time.Second, "between two scrapes")
	f.BoolVar(&o.report, "packs-report", false, "print which signals the samples of the packs fill")
	f.BoolVar(&o.measure, "measure", false, "measure sickbay against --prometheus")
	f.BoolVar(&o.perf, "perf", false, "measure sickbay against a Prometheus with 50 and with 500 services")
	f.StringVar(&o.prometheus, "prometheus", "", "URL of the server to measure against")
	f.IntVar(&o.pid, "pid", 0, "process of that server, to see what we cost it")
	f.StringVar(&o.binary, "binary", "", "sickbay itself, to be measured in a terminal as well")
	f.StringVar(&o.profile, "profile", "", "folder for profiles of the engine while it is measured")
	f.IntVar(&o.minutes, "minutes", 3, "how long to measure each")
	if err := f.Parse(args); err != nil {
		return err
	}
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("%q: everything is said by flags; --help lists them", f.Arg(0))
	case o.report:
		return packsReport(ctx, out, packs.All())
	case o.perf:
		return o.perform(ctx, out)
	case o.measure:
		return o.measureOne(ctx, out)
	case o.backfill > 0:
		return o.past(out)
	}
	return o.serve(ctx, out)
}

// past writes what would have been scraped until now.
func (o options) past(out io.Writer) error {
	p, err := o.build()
	if err != nil {
		return err
	}
	now := time.Now().Truncate(o.interval)
	return p.history(out, now.Add(-o.backfill), now, o.interval, "fleet", o.listen)
}

func (o options) serve(ctx context.Context, out io.Writer) error {
	var handler http.Handler
	if o.samples != "" {
		chosen, err := choose(packs.All(), o.samples)
		if err != nil {
			return err
		}
		if handler, err = newPatient(chosen, time.Now); err != nil {
			return err
		}
		fmt.Fprintf(out, "serving the samples of %d packs at http://%s/metrics\n", len(chosen), o.listen)
	} else {
		p, err := o.build()
		if err != nil {
			return err
		}
		handler = &target{page: p, now: time.Now}
		fmt.Fprintf(out, "serving %d services with %d series at http://%s/metrics\n", o.services, p.series, o.listen)
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	go func() { <-ctx.Done(); server.Close() }()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
