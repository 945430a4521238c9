package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/rollback"
	"sickbay/sources"
)

// A section is what a kind of source, target or notice decodes for itself.
type section struct {
	table map[string]any // without the keys every section has
	file  string
	part  string           // `source "main"`
	line  func(string) int // of a key; nil: it came from a flag
}

var (
	sourceKeys    = []string{"kind", "name"}
	rollbackKeys  = []string{"service", "kind", "driver", "name"}
	rollbackKinds = []string{"prompt", "model", "index", "data", "tool", "config", "cache", "deploy"}
)

func (r *reader) source(c *Config, i int, t *table) {
	var s SourceSection
	t.text("kind", &s.Kind)
	t.text("name", &s.Name)
	if s.Name == "" {
		s.Name = s.Kind
	}
	if t.part = fmt.Sprintf("source %q", s.Name); s.Name == "" {
		t.part = fmt.Sprintf("source %d", i+1)
	}
	names := make([]string, 0, len(sources.Kinds()))
	for _, k := range sources.Kinds() {
		names = append(names, k.Name)
	}
	if !r.known(t, "kind", s.Kind, names) {
		return
	}
	if c.hasSource(s.Name) {
		t.fault("name", "there are two sources of this name; give each a name of its own")
	}
	s.section = r.section(t, sourceKeys)
	src, faults := s.open()
	if r.faults = append(r.faults, faults...); src != nil {
		_ = src.Close() // it was only tried
	}
	c.Sources = append(c.Sources, s)
}

func (r *reader) rollback(c *Config, i int, t *table) {
	var s RollbackSection
	t.text("service", &s.Service)
	t.text("kind", &s.Kind)
	t.text("driver", &s.Driver)
	s.Name = s.Service + "/" + s.Kind
	t.text("name", &s.Name)
	t.part = fmt.Sprintf("rollback %q", s.Name)
	if s.Service == "" {
		t.part = fmt.Sprintf("rollback %d", i+1)
		t.fault("service", `service is missing: say whose: service = "support-chat"`)
	}
	names := make([]string, 0, len(rollback.Kinds()))
	for _, k := range rollback.Kinds() {
		names = append(names, k.Name)
	}
	known := r.known(t, "kind", s.Kind, rollbackKinds)
	if !r.known(t, "driver", s.Driver, names) || !known || s.Service == "" {
		return
	}
	once(t, c.Rollbacks, func(o RollbackSection) bool { return o.Name == s.Name })
	s.section = r.section(t, rollbackKeys)
	_, faults := s.open()
	r.faults = append(r.faults, faults...)
	c.Rollbacks = append(c.Rollbacks, s)
}

func (r *reader) notice(c *Config, i int, t *table) {
	var s NoticeSection
	t.text("kind", &s.Kind)
	s.Name = s.Kind
	t.text("name", &s.Name)
	if t.part = fmt.Sprintf("notice %q", s.Name); s.Name == "" {
		t.part = fmt.Sprintf("notice %d", i+1)
	}
	names := make([]string, 0, len(rollback.NoticeKinds()))
	for _, k := range rollback.NoticeKinds() {
		names = append(names, k.Name)
	}
	if !r.known(t, "kind", s.Kind, names) {
		return
	}
	once(t, c.Notices, func(o NoticeSection) bool { return o.Name == s.Name })
	s.section = r.section(t, sourceKeys)
	_, faults := s.open()
	r.faults = append(r.faults, faults...)
	c.Notices = append(c.Notices, s)
}

// once refuses a name that one of the sections before has.
func once[S any](t *table, before []S, same func(S) bool) {
	if slices.ContainsFunc(before, same) {
		t.fault("name", "there are two of this name; give each a name of its own")
	}
}

// known says whether a key that must be there is, and is one of from.
func (r *reader) known(t *table, key, value string, from []string) bool {
	switch {
	case contains(from, value):
		return true
	case value != "":
		t.fault(key, "%s", packs.Unknown(key, value, from))
	case t.values[key] == nil || t.values[key] == "":
		t.fault(key, "%s is missing; there is: %s", key, strings.Join(from, ", "))
	}
	return false
}

func (r *reader) section(t *table, generic []string) section {
	s := section{table: map[string]any{}, file: r.file, part: t.part, line: func(key string) int { return r.line(t.at(key)) }}
	for k, v := range t.values {
		if !contains(generic, k) {
			s.table[k] = v
		}
	}
	return s
}

func (s SourceSection) open() (sources.Source, Faults) {
	var example string
	for _, k := range sources.Kinds() {
		if k.Name == s.Kind {
			example = k.Example
		}
	}
	var faults Faults
	src, err := sources.Open(s.Kind, s.Name, s.decoder(example, &faults))
	return src, s.outcome(faults, err)
}

func (s RollbackSection) open() (rollback.Target, Faults) {
	var example string
	for _, k := range rollback.Kinds() {
		if k.Name == s.Driver {
			example = k.Example
		}
	}
	var faults Faults
	info := health.Target{Name: s.Name, Service: s.Service, Kind: s.Kind, Driver: s.Driver}
	t, err := rollback.Open(info, s.decoder(example, &faults))
	return t, s.outcome(faults, err)
}

func (s NoticeSection) open() (rollback.Notice, Faults) {
	var example string
	for _, k := range rollback.NoticeKinds() {
		if k.Name == s.Kind {
			example = k.Example
		}
	}
	var faults Faults
	n, err := rollback.OpenNotice(s.Kind, s.Name, s.decoder(example, &faults))
	return n, s.outcome(faults, err)
}

// outcome is what is wrong with a section: its keys, else what its kind says.
func (s section) outcome(faults Faults, err error) Faults {
	if len(faults) > 0 || err == nil {
		return faults
	}
	text := err.Error()
	if _, after, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(text, s.part) {
		text = after // the part is said already
	}
	key, _, _ := strings.Cut(text, ":")
	return Faults{{File: s.from(), Line: s.lineOf(key), Part: s.part, Text: text}}
}

func (s section) from() string {
	if s.file == "" {
		return "command line"
	}
	return s.file
}

func (s section) lineOf(key string) int {
	if s.line == nil {
		return 0
	}
	return s.line(key)
}

var errKeys = errors.New("the section has faults")

// decoder fills a kind's struct from the section, key by key, so that every fault
// is found and is known by its key. Each is written out and read again by itself:
// the decoder's own list of unknown keys does not tell the second [[source]] from
// the first.
func (s section) decoder(example string, faults *Faults) func(into any) error {
	return func(into any) error {
		for _, key := range keysOf(s.table) {
			if text := s.decode(key, into, example); text != "" {
				*faults = append(*faults, Fault{File: s.from(), Line: s.lineOf(key), Part: s.part, Text: text})
			}
		}
		if len(*faults) > 0 {
			return errKeys
		}
		return nil
	}
}

// decode puts one key into the struct and says what is wrong with it.
func (s section) decode(key string, into any, example string) (wrong string) {
	var text bytes.Buffer
	if err := toml.NewEncoder(&text).Encode(map[string]any{key: s.table[key]}); err != nil {
		return fmt.Sprintf("%s: cannot be read: %v", key, err)
	}
	md, err := toml.Decode(text.String(), into)
	var at toml.ParseError
	switch {
	case errors.As(err, &at):
		return fmt.Sprintf("%s: %s", at.LastKey, at.Message)
	case err != nil:
		return fmt.Sprintf("%s: %s is not what this key takes; see config.example.toml", key, show(s.table[key]))
	}
	if unknown := md.Undecoded(); len(unknown) > 0 { // the first is the outermost
		return hint(unknown[0], example)
	}
	return ""
}

var exampleKey = regexp.MustCompile(`(?m)(?:^|[\s,{#])([a-z][a-z0-9_]*)\s*=`)

// hint names the key of the example that was probably meant: the example of a
// kind shows every key it knows.
func hint(key toml.Key, example string) string {
	var keys []string
	for _, m := range exampleKey.FindAllStringSubmatch(example, -1) {
		keys = append(keys, m[1])
	}
	if near := packs.Nearest(key[len(key)-1], keys); near != "" {
		return fmt.Sprintf("unknown key %q; did you mean %q?", key.String(), near)
	}
	return fmt.Sprintf("unknown key %q; config.example.toml shows those there are", key.String())
}
