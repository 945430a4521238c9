package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/themes"
)

// maxFile is the largest config that is read: this is a config, not a log.
const maxFile = 1 << 20

// Load reads a config file and the user's own packs; path "" is no file. The
// error is a Faults with everything that is wrong, in the order of the file.
func Load(path string) (*Config, error) { return load(path, os.Getenv) }

// LoadWith is Load for an environment that is not the process's own. Without a path
// it is what holds without a file: the defaults, and the user's own packs.
func LoadWith(path string, getenv func(string) string) (*Config, error) { return load(path, getenv) }

func load(path string, getenv func(string) string) (*Config, error) {
	var data []byte
	if path != "" {
		var err error
		if data, err = read(path); err != nil {
			return nil, Faults{{File: path, Text: err.Error()}}
		}
	}
	own := filepath.Join(UserDir(getenv), "packs")
	if UserDir(getenv) == "" {
		own = ""
	}
	c, err := parse(path, data, own)
	if err != nil {
		return nil, err
	}
	c.Path = path
	return c, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err) // without the path: the fault names it
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errors.New("is larger than 1 MiB: that is no config of sickbay")
	}
	return data, err
}

// Parse checks a config. The user's own packs are only read when it names their
// folder. The error is a Faults with everything that is wrong.
func Parse(name string, data []byte) (*Config, error) { return parse(name, data, "") }

func parse(name string, data []byte, ownPacks string) (*Config, error) {
	raw := map[string]any{}
	if _, err := toml.Decode(string(data), &raw); err != nil {
		return nil, Faults{packs.Syntax(name, err)}
	}
	c := Default()
	r := &reader{file: name, lines: packs.Lines(data)}
	top := r.table("", "", raw)
	top.duration("window", &c.Window, windows)
	top.duration("refresh", &c.Refresh, refreshes)
	top.duration("rate_window", &c.RateWindow, rateWindows)
	top.boolean("write", &c.Write)
	top.boolean("ascii", &c.ASCII)
	top.choice("theme", &c.Theme, "theme", themes.Names())
	top.choice("content", &c.Content, "value", []string{"hidden", "redacted", "full"})
	top.text("packs", &c.PacksDir)
	r.packs(&c, ownPacks)
	r.drift(&c, top.sub("drift"))
	for i, t := range top.subs("source") {
		r.source(&c, i, t)
	}
	for i, t := range top.subs("service") {
		r.service(&c, i, t)
	}
	for i, t := range top.subs("rollback") {
		r.rollback(&c, i, t)
	}
	for i, t := range top.subs("notice") {
		r.notice(&c, i, t)
	}
	for i, t := range top.subs("redact") {
		r.redact(&c, i, t)
	}
	r.keys(&c, top.sub("keys"))
	top.rest()
	if len(r.faults) > 0 {
		return nil, r.faults.Sorted()
	}
	return &c, nil
}

// packs reads the user's own packs: where the config says, which must be there,
// or where they usually are, which need not.
func (r *reader) packs(c *Config, usual string) {
	dir := c.PacksDir
	if dir == "" {
		dir = usual
	} else if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		r.fault("packs", "", "packs: there is no folder %s; make it, or drop the key", dir)
		return
	}
	if dir == "" {
		return
	}
	own, err := packs.LoadDir(dir)
	var faults Faults
	if errors.As(err, &faults) {
		r.faults = append(r.faults, faults...)
	} else if err != nil {
		r.fault("packs", "", "packs: %v", err)
	}
	c.PacksDir, c.Packs = dir, packs.Merge(c.Packs, own)
}

// references are the words for what windows are compared with; a length of time is
// the fourth way to say it.
var references = []string{string(health.SameHour), string(health.LastWeek), string(health.Deployment)}

func (r *reader) drift(c *Config, t *table) {
	t.duration("window", &c.Drift.Window, drifts)
	var reference string
	t.text("reference", &reference)
	t.rest()
	if reference == "" {
		return
	}
	if contains(references, reference) {
		c.Drift.Against = health.Reference(reference)
		return
	}
	if !strings.ContainsAny(reference, "0123456789") {
		t.fault("reference", "reference: %s; or a length of time, like \"1h\"", packs.Unknown("reference", reference, references))
		return
	}
	back, wrong := drifts.parse(reference)
	switch {
	case wrong != "":
		t.fault("reference", "reference: %s", wrong)
	case back < c.Drift.Window:
		t.fault("reference", "reference %s is less than window %s: both would count the same requests; make it at least as long",
			health.Span(back), health.Span(c.Drift.Window))
	default:
		c.Drift.Against, c.Drift.Reference = health.Earlier, back
	}
}

func (r *reader) service(c *Config, i int, t *table) {
	var s Service
	var kind string
	t.text("name", &s.Name)
	if t.part = fmt.Sprintf("service %q", s.Name); s.Name == "" {
		t.part = fmt.Sprintf("service %d", i+1)
		t.fault("name", `name is missing: name = "support-chat"`)
	}
	t.choice("kind", &kind, "kind", []string{string(health.LLM), string(health.RAG), string(health.Agent), string(health.ML), string(health.Infra)})
	t.list("match", &s.Match)
	t.list("hide", &s.Hide)
	t.list("depends_on", &s.DependsOn)
	t.list("ignore", &s.Ignore)
	var link string
	t.text("request_url", &link)
	var err error
	if s.Link, err = health.NewLinkTemplate(link); err != nil {
		t.fault("request_url", "request_url: %v", err)
	}
	s.Kind, s.Limits = health.Kind(kind), map[string]health.Limit{}
	if len(s.Match) == 0 && s.Name != "" {
		s.Match = []string{s.Name}
	}
	for _, id := range s.Hide {
		if !contains(signals(c), id) {
			t.fault("hide", "hide: %s", packs.Unknown("signal", id, signals(c)))
		}
	}
	for _, rule := range s.Ignore {
		if !contains(health.Rules(), rule) {
			t.fault("ignore", "ignore: %s", packs.Unknown("rule", rule, health.Rules()))
		}
	}
	limits := t.sub("limits")
	for _, id := range limits.names() {
		r.limit(c, &s, id, limits)
	}
	objectives := t.sub("objectives")
	for _, id := range objectives.names() {
		r.objective(c, &s, id, objectives)
	}
	t.rest()
	r.claim(c, s, t)
	c.Services = append(c.Services, s)
}

// claim reports what another service has taken already.
func (r *reader) claim(c *Config, s Service, t *table) {
	for _, o := range c.Services {
		if o.Name == s.Name && s.Name != "" {
			t.fault("name", "there are two services of this name; put them together")
		}
		for _, m := range s.Match {
			if contains(o.Match, m) && o.Name != s.Name {
				t.fault("match", "match: %q belongs to service %q already", m, o.Name)
			}
		}
	}
}

func (r *reader) limit(c *Config, s *Service, id string, limits *table) {
	bad, ok := direction(c, id)
	if !ok {
		limits.fault(id, "limits: %s", packs.Unknown("signal", id, signals(c)))
		return
	}
	t, l := limits.sub(id), health.Limit{Source: "config"}
	if r.file != "" {
		l.Source = filepath.Base(r.file)
	}
	t.number("warn", &l.Warn)
	t.number("critical", &l.Critical)
	t.rest()
	if w, k := l.Warn, l.Critical; w != nil && k != nil {
		if bad == health.Up && *k < *w || bad == health.Down && *k > *w {
			limits.fault(id, "limits: %s: critical %v is reached before warn %v; this signal is worse %s", id, *k, *w, bad)
		}
	}
	if bad == health.Neutral && (l.Warn != nil || l.Critical != nil) {
		limits.fault(id, "limits: %s is neither worse up nor down, so it has no limits", id)
	}
	s.Limits[id] = l
}

// objective takes what share of requests was promised to be good.
func (r *reader) objective(c *Config, s *Service, id string, objectives *table) {
	var share *float64
	objectives.number(id, &share)
	bad, ok := direction(c, id)
	d, _ := packs.Lookup(id)
	switch {
	case !ok:
		objectives.fault(id, "objectives: %s", packs.Unknown("signal", id, signals(c)))
	case d.Unit != health.Ratio || bad == health.Neutral:
		objectives.fault(id, "objectives: %s is no share of requests that can be good or bad; errors and outcome are", id)
	case share != nil && (*share <= 0 || *share >= 1):
		objectives.fault(id, "objectives: %s: %v is no share between 0 and 1, like 0.995", id, *share)
	case share != nil:
		if s.Objectives == nil {
			s.Objectives = map[string]float64{}
		}
		s.Objectives[id] = *share
	}
}

// direction says in which direction a signal becomes worse, and whether there is
// such a signal at all.
func direction(c *Config, id string) (health.Bad, bool) {
	if d, ok := packs.Lookup(id); ok {
		return d.Bad, true
	}
	for _, p := range c.Packs {
		for _, s := range p.Signals {
			if s.ID == id {
				return health.Bad(s.Bad), true
			}
		}
	}
	return "", false
}

// signals are the names of all signals: those of the catalogue and those only a
// pack knows.
func signals(c *Config) []string {
	ids := packs.IDs()
	for _, p := range c.Packs {
		for _, s := range p.Signals {
			if !contains(ids, s.ID) {
				ids = append(ids, s.ID)
			}
		}
	}
	return ids
}

func (r *reader) keys(c *Config, t *table) {
	for _, action := range t.names() {
		var keys []string
		if t.list(action, &keys); len(keys) == 0 {
			t.fault(action, "%s: no key; to have none, write %s = [\"none\"]", action, action)
			continue
		}
		c.Keys[action] = strings.Join(keys, " ")
	}
}
