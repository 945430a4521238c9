// Command logload is a tool for those who develop sickbay: logs of LLM requests as
// large and as fast as one likes, and what reading them costs.
//
//	logload --write FILE --size 200          200 MB of the last hour
//	logload --grow FILE --rate 20 --for 1m   20 MB/s more, to be followed
//	logload --keys --rate 20 --for 1m        how long keys take in bin/sickbay while it follows that
//	logload --report --size 200              what reading a log costs sickbay, jq and lnav
//	logload --intake FILE                    read a log with sickbay's file source, to be measured from outside
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

type options struct {
	write, grow string
	size        int64 // MB
	rate        float64
	span        time.Duration
	keys        bool
	tell        bool
	intake      string
	binary      string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "logload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	f := flag.NewFlagSet("logload", flag.ContinueOnError)
	f.StringVar(&o.write, "write", "", "write --size MB of the last hour into this `file` and end")
	f.StringVar(&o.grow, "grow", "", "append --rate MB/s to this `file` for a while")
	f.Int64Var(&o.size, "size", 200, "MB")
	f.Float64Var(&o.rate, "rate", 20, "MB/s")
	f.DurationVar(&o.span, "for", time.Minute, "how long")
	f.BoolVar(&o.keys, "keys", false, "press keys while a log grows by --rate, and say how long they take")
	f.BoolVar(&o.tell, "report", false, "read a log of --size MB with sickbay and others, and print a table")
	f.StringVar(&o.intake, "intake", "", "read this `file` with sickbay's file source and end")
	f.StringVar(&o.binary, "binary", "bin/sickbay", "sickbay itself")
	if err := f.Parse(args); err != nil {
		return err
	}
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("%q: everything is said by flags; --help lists them", f.Arg(0))
	case o.tell:
		return o.report(ctx, out)
	case o.intake != "":
		return intake(ctx, o.intake, out)
	case o.keys:
		return o.pressWhileGrowing(ctx, out)
	case o.write != "":
		return writePast(o.write, o.size*1e6, time.Now())
	case o.grow != "":
		return grow(ctx, o.grow, o.rate*1e6, o.span)
	}
	return errors.New("nothing to do: --help lists what can be done")
}

// writePast writes a log of the hour before now.
func writePast(path string, size int64, now time.Time) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(file, 1<<20)
	return errors.Join(newMill(1).past(b, size, now.Add(-58*time.Minute), now), b.Flush(), file.Close())
}

// grow appends to a file, in pieces of 20 ms as a busy program would.
func grow(ctx context.Context, path string, rate float64, span time.Duration) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	begun, m := time.Now(), newMill(uint64(os.Getpid()))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var piece []byte
	for done := 0.0; ; {
		piece = piece[:0]
		now := time.Now()
		for due := rate * now.Sub(begun).Seconds(); done+float64(len(piece)) < due; {
			piece = append(piece, m.next(now)...)
		}
		if _, err := file.Write(piece); err != nil {
			return err
		}
		done += float64(len(piece))
		if now.Sub(begun) >= span {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
