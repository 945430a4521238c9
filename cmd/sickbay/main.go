// Command sickbay is a terminal dashboard for the health of AI systems in
// production. This room wires the others together and decides nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sickbay/health"
)

// version is set by the Makefile.
var version = "dev"

// Exit codes beyond 0. check has its own three.
const (
	exitFailed = 1
	exitUsage  = 64 // as in sysexits.h
	exitConfig = 78
)

// An exit is an error that says with which code the program ends.
type exit struct {
	code int
	err  error // nil: nothing to print
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

// An app is what a subcommand has in its hands.
type app struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	now      func() time.Time
	patience time.Duration // with one look at everything; 0: patience
	coolDown time.Duration // between rollbacks of one target; 0: the desk's own
	flags    flags
	redact   health.Redactor // of the config, once it was read; what is printed passes it
}

// flags are those every subcommand understands.
type flags struct {
	config     string
	prometheus []string
	logs       []string
	write      bool
	window     string
	at         string
	theme      string
	ascii      bool
}

// commands is filled by the files of the subcommands, one each.
var commands = map[string]func(*app) *cobra.Command{}

// growth is how much garbage, in percent of what is held, may come together before it
// is collected: half of what Go does by itself. sickbay runs on other people's machines,
// and that costs it 5 % more CPU (docs/performance.md). $GOGC beats it.
const growth = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv, now: time.Now}
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run is main without the process: it returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	var e exit
	if !errors.As(err, &e) { // cobra's own errors are about how it was called
		e = exit{exitUsage, fmt.Errorf("%w; %s", err, wayOut(c))}
	}
	if e.err != nil {
		fmt.Fprintln(a.err, "sickbay:", a.clean(e.err.Error()))
	}
	return e.code
}

// wayOut is what somebody can do who called a command as it cannot be called.
func wayOut(c *cobra.Command) string {
	c.SuggestionsMinimumDistance = 2
	if meant := c.SuggestionsFor(c.Flags().Arg(0)); c.Flags().NArg() > 0 && len(meant) > 0 {
		return "did you mean " + strings.Join(meant, " or ") + "?"
	}
	return c.CommandPath() + " --help shows how it is called"
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "sickbay",
		Short: "the health of AI systems in production, in a terminal",
		Long: "sickbay pulls metrics, drift scores and recent failures of AI services from Prometheus and logs\n" +
			"into live panes, with keys to inspect requests and to roll back. It reads; it acts only with --write.\n\n" +
			"No Prometheus at hand? sickbay demo brings its own.",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          a.dashboard,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	f := root.PersistentFlags()
	f.StringVar(&a.flags.config, "config", "", "config `file` (else $SICKBAY_CONFIG, $XDG_CONFIG_HOME/sickbay/config.toml, ./sickbay.toml)")
	f.StringArrayVar(&a.flags.prometheus, "prometheus", nil, "`URL` of a Prometheus, or of what speaks its API")
	f.StringArrayVar(&a.flags.logs, "logs", nil, "`GLOB` of log files to follow")
	f.BoolVar(&a.flags.write, "write", false, "allow actions: rollbacks")
	f.StringVar(&a.flags.window, "window", "", "how far back to look: 5m 15m 1h 6h 24h 7d")
	f.StringVar(&a.flags.at, "at", "", "look from this `time` instead of now (RFC 3339, or 15:04)")
	f.StringVar(&a.flags.theme, "theme", "", "colours (see sickbay themes)")
	f.BoolVar(&a.flags.ascii, "ascii", false, "draw with ASCII characters only")
	names := make([]string, 0, len(commands))
	for name := range commands {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		root.AddCommand(commands[name](a))
	}
	return root
}
