package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sickbay/config"
	"sickbay/health"
	"sickbay/rollback"
	"sickbay/themes"
	"sickbay/tui"
	"sickbay/tui/pane"
)

func init() {
	commands["snapshot"] = func(a *app) *cobra.Command {
		var o snapshotFlags
		c := &cobra.Command{
			Use: "snapshot", Args: cobra.NoArgs,
			Short: "one picture, printed: text, ansi, svg or json",
			RunE:  func(c *cobra.Command, _ []string) error { return a.snapshot(c, o) },
		}
		c.Flags().StringVar(&o.view, "view", "overview", "which `VIEW`: "+strings.Join(tui.Screens(), ", "))
		c.Flags().StringVar(&o.service, "service", "", "the `SERVICE` that is selected")
		c.Flags().StringVar(&o.request, "request", "", "the request `ID` that is open; trace:ID opens a trace")
		c.Flags().StringVar(&o.size, "size", "120x40", "columns and rows")
		c.Flags().StringVar(&o.format, "format", "text", "text, ansi, svg or json")
		return c
	}
}

type snapshotFlags struct{ view, service, request, size, format string }

func (a *app) snapshot(c *cobra.Command, o snapshotFlags) error {
	w, h, err := parseSize(o.size)
	if err != nil {
		return exit{exitUsage, err}
	}
	if !slices.Contains([]string{"text", "ansi", "svg", "json"}, o.format) {
		return exit{exitUsage, fmt.Errorf("--format %q: text, ansi, svg or json", o.format)}
	}
	if o.request != "" {
		o.view = "request"
	}
	if !slices.Contains(tui.Screens(), o.view) {
		return exit{exitUsage, fmt.Errorf("--view %q: %s", o.view, strings.Join(tui.Screens(), ", "))}
	}
	cfg, err := a.settings()
	if err != nil {
		return err
	}
	at, err := a.moment()
	if err != nil {
		return err
	}
	house, err := a.build(cfg, a.journalPath(), rollback.DeskOptions{})
	if err != nil {
		return err
	}
	defer house.Close()
	v := pane.View{Screen: o.view, Service: o.service, Request: o.request, Window: cfg.Window, At: at, Content: cfg.Content}
	i := interestOf(v)
	if o.format == "json" {
		i.Service = "*" // the promise has every signal, not only those a picture needs
	}
	s := house.round(c.Context(), i)
	if err := o.missing(s); err != nil {
		return exit{exitFailed, err}
	}
	if o.format != "json" {
		if s, err = a.opened(c.Context(), s, &v, glass{a, cfg, a.journalPath(), i}); err != nil {
			return err
		}
	}
	if o.format == "json" {
		return a.document(s.Document(a.now()))
	}
	look, err := a.look(cfg)
	if err != nil {
		return err
	}
	if o.format == "text" {
		look = look.With(cfg.ASCII, false)
	}
	return a.picture(a.out, s, seen{v, &cfg.Redact}, w, h, look, o.format)
}

// opened looks again where a view is about one thing that nobody named: the comparison
// that moved most, the request of the loudest failure.
func (a *app) opened(ctx context.Context, s *health.Snapshot, v *pane.View, g glass) (*health.Snapshot, error) {
	switch {
	case v.Screen == "drift":
		return g.openWorst(ctx, s, v.Service)
	case v.Screen == "request" && v.Request == "" && len(s.Services) > 0:
		if v.Failure, v.Request = newestFailure(s, cmp.Or(v.Service, s.Services[0].Name)); v.Request != "" {
			return g.openRequest(ctx, v.Request)
		}
	}
	return s, nil
}

// missing says what of that which was named is not there.
func (o snapshotFlags) missing(s *health.Snapshot) error {
	if _, ok := s.Service(o.service); !ok && o.service != "" {
		return fmt.Errorf("no service is called %q here", o.service)
	}
	if r := s.Requests[o.request]; strings.HasPrefix(o.request, health.TraceOnly) && r.Missing != "" {
		return errors.New(r.Missing)
	} else if o.request != "" && r.At.IsZero() && r.Raw == "" {
		return fmt.Errorf("no record of a request %q is held here; it may be older than the newest %d records", o.request, s.Load.Records)
	}
	return nil
}

// seen is what is looked at, and what is masked in it.
type seen struct {
	pane.View
	redact *health.Redactor
}

// picture draws one screen in one format.
func (a *app) picture(to io.Writer, s *health.Snapshot, v seen, w, h int, look *themes.Look, format string) error {
	state := tui.NewState(v.View)
	state.Redact = v.redact
	screen := tui.Screen(s, state, w, h, look, a.now())
	switch format {
	case "text":
		screen = tui.Text(screen)
	case "svg":
		screen = tui.SVG(screen, w, h, "sickbay: "+v.Screen)
	}
	_, err := io.WriteString(to, strings.TrimRight(screen, "\n")+"\n")
	return err
}

func parseSize(s string) (w, h int, err error) {
	columns, rows, _ := strings.Cut(s, "x")
	w, errW := strconv.Atoi(columns)
	h, errH := strconv.Atoi(rows)
	if errW != nil || errH != nil || w < 1 || h < 1 || w > 500 || h > 200 {
		return 0, 0, fmt.Errorf("--size %q: want columns x rows, like 120x40, at most 500x200", s)
	}
	return w, h, nil
}

// lookAtAll prints every view of a demo, or writes the pictures into a folder.
func (a *app) lookAtAll(ctx context.Context, path, pictures string) error {
	cfg, err := config.Load(path)
	if err != nil {
		return exit{exitConfig, err}
	}
	if err := a.applyFlags(cfg); err != nil {
		return err
	}
	h, err := a.build(cfg, filepath.Join(a.stateDir(), "look.jsonl"), rollback.DeskOptions{})
	if err != nil {
		return err
	}
	defer h.Close()
	i := health.Interest{Lens: health.Lens{Window: cfg.Window}, Service: "*"}
	s := h.round(ctx, i)
	look, err := a.look(cfg)
	if err != nil {
		return err
	}
	for _, screen := range tui.Screens() {
		v := pane.View{Screen: screen, Window: cfg.Window, Content: "full"}
		if len(s.Services) > 0 {
			v.Service = s.Services[0].Name
		}
		if v.Failure, v.Request = newestFailure(s, v.Service); screen == "request" && v.Request == "" {
			continue
		}
		g, s := glass{a, cfg, filepath.Join(a.stateDir(), "look.jsonl"), i}, s
		switch screen {
		case "drift":
			s, err = g.openWorst(ctx, s, v.Service)
		case "request":
			s, err = g.openRequest(ctx, v.Request)
		}
		if err != nil {
			return err
		}
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			if err := a.show(s, seen{v, &cfg.Redact}, size[0], size[1], look, pictures); err != nil {
				return exit{exitFailed, err}
			}
		}
	}
	return nil
}

func (a *app) show(s *health.Snapshot, v seen, w, h int, look *themes.Look, pictures string) error {
	name := fmt.Sprintf("%s-%dx%d", v.Screen, w, h)
	if pictures == "" {
		fmt.Fprintf(a.out, "── %s ──\n", name)
		return a.picture(a.out, s, v, w, h, look.With(look.ASCII, false), "text")
	}
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(pictures, name+".svg"))
	if err != nil {
		return err
	}
	defer f.Close()
	return a.picture(f, s, v, w, h, look, "svg")
}

// newestFailure is the loudest failure group of a service and its newest request.
func newestFailure(s *health.Snapshot, service string) (group, request string) {
	for _, f := range s.Failures {
		if f.Service == service && len(f.Requests) > 0 {
			return f.ID, f.Requests[0]
		}
	}
	return "", ""
}
