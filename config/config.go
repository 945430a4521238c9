// Package config turns the user's TOML, environment and flags into checked
// values. It opens what is written there; it talks to nobody.
package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/rollback"
	"sickbay/sources"
	"sickbay/themes"
)

// A Fault is one thing wrong: file, line, part, what, and the way out.
type Fault = packs.Fault

// Faults are all things wrong. An error of Parse, Load and ApplyEnv is one.
type Faults = packs.Faults

// Config is what the user wants. Flags are set by plain assignment.
type Config struct {
	Path       string // the file it came from; "" no file
	Window     time.Duration
	Refresh    time.Duration
	RateWindow time.Duration
	Write      bool   // actions are allowed
	Theme      string // one of themes.Names
	ASCII      bool
	Content    string          // of prompts and answers: "hidden", "redacted", "full"
	Redact     health.Redactor // masks secrets, and what the user's own rules find
	Drift      Drift
	PacksDir   string // the user's own packs; "" the folder packs beside his config
	Packs      []*packs.Pack

	Sources   []SourceSection
	Services  []Service
	Rollbacks []RollbackSection
	Notices   []NoticeSection
	Keys      map[string]string // action to keys, divided by blanks: "ctrl+r R"
}

// Drift says which windows are compared: the last Window, and earlier ones of the
// same length. Against says which: those of earlier days, of earlier weeks, from
// before the last deployment, or (health.Earlier) every Reference before now.
type Drift struct {
	Window    time.Duration
	Reference time.Duration // 0 unless Against is health.Earlier
	Against   health.Reference
}

// A Service is what the user says about a service that was or will be found.
type Service struct {
	Name   string
	Kind   health.Kind // "" as found
	Match  []string    // label values that are this service; several become one
	Limits map[string]health.Limit
	Hide   []string            // signals nobody wants to see
	Link   health.LinkTemplate // to a request in the UI of the log or tracing system

	Objectives map[string]float64 // share of good requests that was promised, by signal
	DependsOn  []string           // services it leans on
	Ignore     []string           // rules that judge nothing of it, of health.Rules
}

// A SourceSection is one [[source]]: its kind opens the rest of it.
type SourceSection struct {
	Kind, Name string
	section
}

// A RollbackSection is one [[rollback]]: its driver opens the rest of it.
type RollbackSection struct {
	Name    string // unique; "service/kind" unless given
	Service string
	Kind    string // what is taken back: prompt model index data tool config deploy
	Driver  string // how: http command
	section
}

// A NoticeSection is one [[notice]]: its kind opens the rest of it.
type NoticeSection struct {
	Kind, Name string
	section
}

// Default is what holds when nobody says otherwise.
func Default() Config {
	return Config{
		Window:     time.Hour,
		Refresh:    10 * time.Second,
		RateWindow: time.Minute,
		Theme:      "default",
		Content:    "hidden",
		Drift:      Drift{Window: 15 * time.Minute, Against: health.SameHour},
		Packs:      packs.All(),
		Keys:       map[string]string{},
	}
}

// ServiceFor finds the service a label value belongs to. A value that nobody
// claims is a service of that name.
func (c *Config) ServiceFor(value string) Service {
	for _, s := range c.Services {
		for _, m := range s.Match {
			if m == value {
				return s
			}
		}
	}
	return Service{Name: value, Match: []string{value}}
}

// AddPrometheus adds a Prometheus to ask, named after its host.
func (c *Config) AddPrometheus(address string) {
	name := "prometheus"
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		name = u.Host
	}
	c.addSource("prometheus", name, map[string]any{"url": address})
}

// AddLogs adds files to follow.
func (c *Config) AddLogs(globs []string) {
	paths := make([]any, len(globs))
	for i, g := range globs {
		paths[i] = g
	}
	c.addSource("file", "logs", map[string]any{"paths": paths})
}

func (c *Config) addSource(kind, name string, table map[string]any) {
	unique := name
	for n := 2; c.hasSource(unique); n++ {
		unique = fmt.Sprintf("%s-%d", name, n)
	}
	c.Sources = append(c.Sources, SourceSection{Kind: kind, Name: unique, section: section{table: table, part: fmt.Sprintf("source %q", unique)}})
}

func (c *Config) hasSource(name string) bool {
	for _, s := range c.Sources {
		if s.Name == name {
			return true
		}
	}
	return false
}

// ApplyEnv puts SICKBAY_* variables over what the file says. The error is a
// Faults with every variable that cannot be used.
func (c *Config) ApplyEnv(getenv func(string) string) error {
	var faults Faults
	wrong := func(name, format string, args ...any) {
		faults = append(faults, Fault{File: "environment", Part: name, Text: fmt.Sprintf(format, args...)})
	}
	duration := func(name string, into *time.Duration, r span) {
		if v := getenv(name); v != "" {
			d, text := r.parse(v)
			if text != "" {
				wrong(name, "%s", text)
				return
			}
			*into = d
		}
	}
	truth := func(name string, into *bool) {
		if v := getenv(name); v != "" {
			b, err := strconv.ParseBool(v)
			if err != nil {
				wrong(name, "%q is neither true nor false", v)
				return
			}
			*into = b
		}
	}
	duration("SICKBAY_WINDOW", &c.Window, windows)
	duration("SICKBAY_REFRESH", &c.Refresh, refreshes)
	truth("SICKBAY_WRITE", &c.Write)
	truth("SICKBAY_ASCII", &c.ASCII)
	if v := getenv("SICKBAY_THEME"); v != "" {
		if !contains(themes.Names(), v) {
			wrong("SICKBAY_THEME", "%s", packs.Unknown("theme", v, themes.Names()))
		} else {
			c.Theme = v
		}
	}
	before := len(c.Sources)
	if v := getenv("SICKBAY_PROMETHEUS"); v != "" {
		c.AddPrometheus(v)
	}
	if v := getenv("SICKBAY_LOGS"); v != "" {
		c.AddLogs(filepath.SplitList(v))
	}
	for i := range c.Sources[before:] {
		c.Sources[before+i].file = "environment"
	}
	return faults.Err()
}

// OpenSources opens every source. Nobody is asked yet. When one cannot be
// opened, none stays open and the error is a Faults.
func (c *Config) OpenSources() ([]sources.Source, error) {
	var open []sources.Source
	var faults Faults
	for _, s := range c.Sources {
		src, wrong := s.open()
		if faults = append(faults, wrong...); src != nil {
			open = append(open, src)
		}
	}
	if len(faults) > 0 {
		for _, src := range open {
			_ = src.Close() // the fault is what matters
		}
		return nil, faults
	}
	return open, nil
}

// OpenTargets opens every rollback target. Nothing is looked at yet.
func (c *Config) OpenTargets() ([]rollback.Target, error) {
	var open []rollback.Target
	var faults Faults
	for _, r := range c.Rollbacks {
		t, wrong := r.open()
		if faults = append(faults, wrong...); t != nil {
			open = append(open, t)
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return open, nil
}

// OpenNotices opens who is told of rollbacks. Nobody is told yet.
func (c *Config) OpenNotices() ([]rollback.Notice, error) {
	var open []rollback.Notice
	var faults Faults
	for _, s := range c.Notices {
		n, wrong := s.open()
		if faults = append(faults, wrong...); n != nil {
			open = append(open, n)
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return open, nil
}

func contains(list []string, word string) bool {
	for _, l := range list {
		if l == word {
			return true
		}
	}
	return false
}
