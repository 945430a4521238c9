package packs

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"sickbay/health"
)

//go:embed *.toml
var embedded embed.FS

// All are the packs sickbay brings along, sorted by id. They are checked by
// TestEveryPack, so a fault in one is a fault in this program.
func All() []*Pack {
	all, faults := loadFS(embedded, "")
	if len(faults) > 0 {
		panic("embedded packs: " + faults.Error())
	}
	return all
}

// LoadDir reads the user's own packs, sorted by id. A folder that does not exist
// holds none. The error is a Faults with everything wrong in all files.
func LoadDir(dir string) ([]*Pack, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	all, faults := loadFS(os.DirFS(dir), dir)
	return all, faults.Err()
}

// Merge puts own packs to others; one with the same id takes its place.
func Merge(all, own []*Pack) []*Pack {
	byID := map[string]*Pack{}
	for _, p := range append(append([]*Pack(nil), all...), own...) {
		byID[p.ID] = p
	}
	merged := make([]*Pack, 0, len(byID))
	for _, p := range byID {
		merged = append(merged, p)
	}
	sort.Slice(merged, func(i, j int) bool { return merged[i].ID < merged[j].ID })
	return merged
}

func loadFS(fsys fs.FS, dir string) ([]*Pack, Faults) {
	names, err := fs.Glob(fsys, "*.toml") // sorted
	if err != nil {
		return nil, Faults{{File: dir, Text: err.Error()}}
	}
	var all []*Pack
	var faults Faults
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			faults = append(faults, Fault{File: filepath.Join(dir, name), Text: err.Error()})
			continue
		}
		p, wrong := Parse(filepath.Join(dir, name), data)
		if faults = append(faults, wrong...); len(wrong) == 0 {
			all = append(all, p)
		}
	}
	return all, faults
}

// Parse reads one pack and lists everything wrong with it. The pack is whole
// only when nothing is: its signals then carry title, unit and direction, taken
// from the catalogue where the file does not give them.
func Parse(file string, data []byte) (*Pack, Faults) {
	p := &Pack{ID: strings.TrimSuffix(filepath.Base(file), ".toml")}
	md, err := toml.Decode(string(data), p)
	if err != nil {
		return nil, Faults{Syntax(file, err)}
	}
	c := &checker{file: file, lines: sync.OnceValue(func() map[string]int { return Lines(data) }), pack: p}
	for _, key := range md.Undecoded() {
		c.unknownKey(key)
	}
	c.head()
	for i := range p.Signals {
		c.signal(i)
	}
	for i := range p.Distributions {
		c.distribution(i)
	}
	for i := range p.Exported {
		c.exported(i)
	}
	for i := range p.Versions {
		c.version(i)
	}
	for i := range p.Calls {
		c.tie("calls", i, &p.Calls[i])
	}
	for i := range p.Serves {
		c.tie("serves", i, &p.Serves[i])
	}
	return p, c.faults.Sorted()
}

// typed is how the decoder words a value of the wrong type.
var typed = regexp.MustCompile(`^(?:toml: )?(?:line (\d+) )?\(last key "(.*?)"\): (.*)$`)

// Syntax turns an error of the TOML decoder into a fault with its line.
func Syntax(file string, err error) Fault {
	var at toml.ParseError
	if errors.As(err, &at) {
		return Fault{File: file, Line: at.Position.Line, Text: at.Message}
	}
	f := Fault{File: file, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	if m := typed.FindStringSubmatch(err.Error()); m != nil {
		f.Line, _ = strconv.Atoi(m[1]) // absent: 0, not known
		f.Text = m[2] + ": " + m[3]
	}
	return f
}

// known are the keys of each part of a pack; a test holds them to the structs.
var known = map[string][]string{
	"":             {"title", "kind", "rank", "guest", "read", "detect", "identity", "sample", "signal", "distribution", "exported", "version", "calls", "serves"},
	"signal":       {"id", "title", "unit", "bad", "query", "warn", "critical", "why", "detail"},
	"distribution": {"signal", "kind", "query", "label", "bad", "native", "feature"},
	"exported":     {"signal", "query", "feature", "tool", "method", "base"},
	"version":      {"what", "query", "label"},
	"calls":        {"what", "query", "label"},
	"serves":       {"what", "query", "label"},
}

var (
	kinds = []string{string(health.LLM), string(health.RAG), string(health.Agent), string(health.ML), string(health.Infra)}
	units = []string{string(health.Ratio), string(health.Score), string(health.Seconds), string(health.PerSecond), string(health.Tokens),
		string(health.TokensPS), string(health.USD), string(health.USDPerH), string(health.Bytes), string(health.Celsius), string(health.Count)}
	ties     = []string{"model", "collection", "pod", "service"}
	versions = []string{"build", "model", "prompt", "index", "data", "config"}
)

var (
	plainLabel = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) // any server understands it
	anyLabel   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)
)

// A checker collects what is wrong with one pack.
type checker struct {
	file   string
	lines  func() map[string]int // of keys; counted when the first fault wants to know
	pack   *Pack
	faults Faults
}

func (c *checker) fault(path, part, format string, args ...any) {
	line, ok := c.lines()[path]
	for !ok && strings.Contains(path, ".") { // a missing key is missing in its table
		path = path[:strings.LastIndexByte(path, '.')]
		line, ok = c.lines()[path]
	}
	c.faults = append(c.faults, Fault{File: c.file, Line: line, Part: part, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) unknownKey(key toml.Key) {
	if len(key) == 1 {
		c.fault(key[0], "", "%s", Unknown("key", key[0], known[""]))
		return
	}
	if len(key) > 2 {
		return // a table inside an unknown key: the key itself is named already
	}
	for i := 0; ; i++ { // toml does not say in which of the tables it is
		if _, there := c.lines()[fmt.Sprintf("%s[%d]", key[0], i)]; !there {
			c.fault(key[0], key[0], "%s", Unknown("key", key[1], known[key[0]]))
			return
		}
		if path := fmt.Sprintf("%s[%d].%s", key[0], i, key[1]); c.lines()[path] > 0 {
			c.fault(path, key[0], "%s", Unknown("key", key[1], known[key[0]]))
			return
		}
	}
}

func (c *checker) head() {
	p := c.pack
	if p.Title == "" {
		c.fault("title", "", `title is missing: title = "vLLM"`)
	}
	if p.Kind != "" {
		c.oneOf("kind", "", "kind", string(p.Kind), kinds)
	}
	if len(p.Detect) == 0 {
		c.fault("detect", "", `detect is missing: name metrics that prove the exporter is there: detect = ["vllm:num_requests_running"]`)
	}
	for _, d := range p.Detect {
		if _, ok := parseProof(d); !ok {
			c.fault("detect", "", `detect: %q is neither a metric nor one with labels that must be there or must not: name{label!=""} or name{label=""}`, d)
		}
	}
	if len(p.Identity) == 0 {
		c.fault("identity", "", `identity is missing: name the labels that may name the service: identity = ["service"]`)
	}
	for _, l := range p.Identity {
		if !plainLabel.MatchString(l) {
			c.fault("identity", "", "identity: %q cannot be a label name", l)
		}
	}
	c.sample()
}

// sample proves that the pack detects what its author had before his eyes.
func (c *checker) sample() {
	if strings.TrimSpace(c.pack.Sample) == "" {
		c.fault("sample", "", "sample is missing: paste some lines of the exporter's /metrics, so that detect can be checked")
		return
	}
	names := SampleNames(c.pack.Sample)
	for _, metric := range c.pack.Metrics() {
		if names[metric] {
			return
		}
	}
	if len(c.pack.Detect) > 0 {
		c.fault("sample", "", "sample has none of the metrics in detect")
	}
}

// SampleNames are the metric names of exposition lines.
func SampleNames(sample string) map[string]bool {
	names := map[string]bool{}
	for _, line := range strings.Split(sample, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, `{"`) { // a UTF-8 name stands inside the braces
			if name, _, ok := strings.Cut(line[2:], `"`); ok {
				names[name] = true
			}
		} else if end := strings.IndexAny(line, "{ "); end > 0 && line[0] != '#' {
			names[line[:end]] = true
		}
	}
	return names
}

func (c *checker) oneOf(path, part, what, word string, from []string) {
	for _, f := range from {
		if word == f {
			return
		}
	}
	c.fault(path, part, "%s", Unknown(what, word, from))
}

func (c *checker) signal(i int) {
	s := &c.pack.Signals[i]
	at, part := fmt.Sprintf("signal[%d]", i), fmt.Sprintf("signal %q", s.ID)
	if s.ID == "" {
		c.fault(at+".id", fmt.Sprintf("signal %d", i+1), `id is missing: id = "errors"`)
		return
	}
	for _, o := range c.pack.Signals[:i] {
		if o.ID == s.ID {
			c.fault(at+".id", part, "there are two of this id; one query a signal, joined with \"or\"")
			break
		}
	}
	s.Query = c.query(at, part, s.Query, "$by")
	c.identify(at, part, s)
	c.limits(at, part, s)
}

// identify fills title, unit and direction from the catalogue, or demands them.
func (c *checker) identify(at, part string, s *Signal) {
	d, ok := Lookup(s.ID)
	if !ok {
		if s.Title == "" || s.Unit == "" {
			c.fault(at+".id", part, "%s; or give it a title and a unit of its own", Unknown("signal", s.ID, IDs()))
			return
		}
		c.oneOf(at+".unit", part, "unit", s.Unit, units)
		if s.Bad != "" {
			c.oneOf(at+".bad", part, "direction", s.Bad, []string{string(health.Up), string(health.Down)})
		}
		return
	}
	if s.Unit != "" && s.Unit != string(d.Unit) {
		c.fault(at+".unit", part, "unit is %q, but this signal is in %s; convert in the query and drop the key", s.Unit, d.Unit)
	}
	if s.Bad != "" && s.Bad != string(d.Bad) {
		c.fault(at+".bad", part, "bad is %q, but this signal is worse %s; drop the key", s.Bad, d.Bad)
	}
	s.Unit, s.Bad = string(d.Unit), string(d.Bad)
	if s.Title == "" {
		s.Title = d.Title
	}
}

func (c *checker) limits(at, part string, s *Signal) {
	if s.Warn == nil && s.Critical == nil {
		return
	}
	if s.Why == "" {
		c.fault(at+".why", part, "limits without a why: say where they come from")
	}
	if s.Bad == "" {
		c.fault(at+".warn", part, "limits on a signal that is neither worse up nor down")
	}
	for _, v := range []*float64{s.Warn, s.Critical} {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			c.fault(at+".warn", part, "a limit is a number")
			return
		}
	}
	if s.Warn == nil || s.Critical == nil {
		return
	}
	if s.Bad == string(health.Up) && *s.Critical < *s.Warn || s.Bad == string(health.Down) && *s.Critical > *s.Warn {
		c.fault(at+".critical", part, "critical %v is reached before warn %v: this signal is worse %s", *s.Critical, *s.Warn, s.Bad)
	}
}

func (c *checker) distribution(i int) {
	d := &c.pack.Distributions[i]
	at, part := fmt.Sprintf("distribution[%d]", i), fmt.Sprintf("distribution %q", d.Signal)
	if d.Signal == "" {
		c.fault(at+".signal", part, `signal is missing: say what is compared: signal = "prompt length"`)
	}
	c.oneOf(at+".kind", part, "kind", d.Kind, []string{"histogram", "categorical"})
	d.Query = c.query(at, part, d.Query, "$by", "$window")
	switch {
	case d.Kind == "histogram" && !d.Native && !word(d.Query, "le"):
		c.fault(at+".query", part, "query of a histogram does not keep le; native = true says that each series is a whole one")
	case d.Kind == "histogram" && d.Native && word(d.Query, "le"):
		c.fault(at+".native", part, "a native histogram has no le; drop the key, or ask for the series without _bucket")
	case d.Kind == "categorical" && d.Label == "":
		c.fault(at+".label", part, "label is missing: which label is the category")
	case d.Kind == "categorical" && d.Native:
		c.fault(at+".native", part, "only a histogram can be native")
	}
	if _, err := regexp.Compile(d.Bad); err != nil {
		c.fault(at+".bad", part, "bad: %q is no expression: %v", d.Bad, err)
	} else if d.Bad != "" && d.Kind != "categorical" {
		c.fault(at+".bad", part, "only categories can be bad; a histogram moves")
	}
	c.keeps(at, part, d.Query, "label", d.Label)
	c.keeps(at, part, d.Query, "feature", d.Feature)
}

func (c *checker) exported(i int) {
	e := &c.pack.Exported[i]
	at, part := fmt.Sprintf("exported[%d]", i), fmt.Sprintf("exported %q", e.Signal)
	if e.Signal == "" {
		c.fault(at+".signal", part, `signal is missing: say what is compared: signal = "feature"`)
	}
	if e.Tool == "" || e.Method == "" {
		c.fault(at+".tool", part, "tool and method are missing: a score of somebody else is only worth something with both")
	}
	e.Query = c.query(at, part, e.Query, "$by")
	c.keeps(at, part, e.Query, "feature", e.Feature)
}

func (c *checker) version(i int) {
	v := &c.pack.Versions[i]
	at, part := fmt.Sprintf("version[%d]", i), fmt.Sprintf("version %q", v.What)
	c.oneOf(at+".what", part, "what", v.What, versions)
	if v.Label == "" {
		c.fault(at+".label", part, "label is missing: which label names the version")
	}
	v.Query = c.query(at, part, v.Query, "$by")
	c.keeps(at, part, v.Query, "label", v.Label)
}

func (c *checker) tie(end string, i int, t *Tie) {
	at, part := fmt.Sprintf("%s[%d]", end, i), fmt.Sprintf("%s %q", end, t.What)
	c.oneOf(at+".what", part, "what", t.What, ties)
	if t.Label == "" {
		c.fault(at+".label", part, "label is missing: which label names the other side")
	}
	t.Query = c.query(at, part, t.Query, "$by")
	c.keeps(at, part, t.Query, "label", t.Label)
}
