// Package packs knows what to look at: one TOML file per exporter says how it is
// recognised and which query feeds which signal.
package packs

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

// A Pack is what one exporter offers.
type Pack struct {
	ID       string      `toml:"-"` // the file's name
	Title    string      `toml:"title"`
	Kind     health.Kind `toml:"kind"`     // of a service it sees; "" leaves it to other packs
	Rank     int         `toml:"rank"`     // who is believed where packs measure the same: see Before
	Guest    bool        `toml:"guest"`    // only speaks of services other packs see, and makes none
	Read     string      `toml:"read"`     // source file and version where the names were read
	Detect   []string    `toml:"detect"`   // any of these proves its presence: name, name{label!=""}, name{label=""}
	Identity []string    `toml:"identity"` // labels that may name the service, best first
	Sample   string      `toml:"sample"`   // exposition lines that must be detected

	Signals       []Signal       `toml:"signal"`
	Distributions []Distribution `toml:"distribution"`
	Exported      []Exported     `toml:"exported"` // drift scores computed by others
	Versions      []Version      `toml:"version"`
	Calls         []Tie          `toml:"calls"`  // labels that name what a service leans on
	Serves        []Tie          `toml:"serves"` // labels under which others know a service
}

// A Signal says how a pack measures a signal of the catalogue.
type Signal struct {
	ID       string   `toml:"id"` // in Catalogue, or with Title and Unit of its own
	Title    string   `toml:"title"`
	Unit     string   `toml:"unit"`
	Bad      string   `toml:"bad"`
	Query    string   `toml:"query"` // with $by and $rate
	Warn     *float64 `toml:"warn"`
	Critical *float64 `toml:"critical"`
	Why      string   `toml:"why"`    // where the limits come from
	Detail   bool     `toml:"detail"` // only asked when the service is open
}

// A Distribution can be compared with itself at another time.
type Distribution struct {
	Signal  string `toml:"signal"`  // in words: "prompt length"
	Kind    string `toml:"kind"`    // "histogram" or "categorical"
	Query   string `toml:"query"`   // with $by and $window; keeps le, or Label
	Label   string `toml:"label"`   // categorical: which label is the category
	Bad     string `toml:"bad"`     // categorical: expression of the categories that are rare and bad: "length|error"
	Native  bool   `toml:"native"`  // histogram: each series is a whole one, without le
	Feature string `toml:"feature"` // label that names the feature, "" none
}

// IsBad says whether a category is one whose growth is bad.
func (d Distribution) IsBad(category string) bool {
	if d.Bad == "" {
		return false
	}
	bad, err := regexp.Compile("^(?:" + d.Bad + ")$")
	return err == nil && bad.MatchString(category) // Parse has refused what does not compile
}

// Exported is a drift score computed by somebody else: shown, never judged.
type Exported struct {
	Signal  string `toml:"signal"`
	Query   string `toml:"query"`
	Feature string `toml:"feature"`
	Tool    string `toml:"tool"`   // label or literal
	Method  string `toml:"method"` // label or literal
	Base    string `toml:"base"`   // label or literal: of the logarithm, "nats" or "base 2"; "": see Base
}

// Base is the logarithm a tool's method is known to use, "" where it has none or
// nobody knows: the Jensen-Shannon distance of Evidently is in nats, that of NannyML
// to base 2 (20 % larger), and both are called the same.
func Base(tool, method string) string {
	name := func(s string) string {
		return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
	}
	base, ok := bases[name(tool)]
	if m := name(method); ok && (strings.HasPrefix(m, "js") || strings.Contains(m, "jensen")) {
		return base
	}
	return ""
}

// bases of the Jensen-Shannon distance: evidently jensenshannon.py (scipy's
// default), nannyml univariate/methods.py (base=2), TFDV anomalies/metrics.cc.
var bases = map[string]string{"evidently": "nats", "nannyml": "base 2", "tfdv": "base 2", "tensorflowdatavalidation": "base 2"}

// A Version says which label of which series names a version. Where a service
// has several, the one with the greatest value is what it runs.
type Version struct {
	What  string `toml:"what"`  // build model prompt index data config
	Query string `toml:"query"` // with $by; the label is kept
	Label string `toml:"label"`
}

// A Tie is one end of "belongs to": where one pack says that its service calls
// model x, and another that its service serves model x, the first leans on the
// second.
type Tie struct {
	What  string `toml:"what"`  // model, collection, pod; service: its own name, which nobody has to serve
	Query string `toml:"query"` // with $by; the label is kept
	Label string `toml:"label"`
}

// A Presence is one metric name with one set of identity labels, as found.
type Presence struct {
	Metric string
	Labels map[string]string
	Series int // how many; 0 counts as one
}

// Found is a pack that is present and how its services are told apart.
type Found struct {
	Pack     *Pack
	By       string   // the identity label in use
	Services []string // its values, sorted
}

// Expand fills a query template. by is a label name, window and rate are at
// least a second.
func Expand(query, by string, rate, window time.Duration) string {
	return strings.NewReplacer("$by", by, "$rate", promDuration(rate), "$window", promDuration(window)).Replace(query)
}

// promDuration writes d as PromQL reads it.
func promDuration(d time.Duration) string {
	return strconv.FormatInt(int64(max(d, time.Second)/time.Second), 10) + "s"
}
