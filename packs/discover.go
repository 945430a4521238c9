package packs

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

// DetectQuery is one instant query that tells which packs are present, or were within
// the last so long, and by which labels their services could be told apart. Its answer,
// one Presence a series, goes to Discover.
func DetectQuery(packs []*Pack, within time.Duration) string {
	var names, labels []string
	for _, p := range packs {
		for _, d := range p.proofs() {
			names = append(names, regexp.QuoteMeta(d.metric))
			for l := range d.labels {
				labels = append(labels, l)
			}
		}
		labels = append(labels, p.Identity...)
	}
	series := "{__name__=~" + strconv.Quote(strings.Join(distinct(names), "|")) + "}"
	if within > 0 { // the one function over time that keeps the name
		series = "last_over_time(" + series + "[" + promDuration(within) + "])"
	}
	return "count by (" + strings.Join(append([]string{"__name__"}, distinct(labels)...), ", ") + ") (" + series + ")"
}

// A proof is a metric that only one exporter has. Where two have the same name,
// a label that must be there, or must not, tells whose a series is.
type proof struct {
	metric string
	labels map[string]bool // whether it must be there
}

var condition = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(!?=)""$`)

// parseProof reads an entry of detect; false when it is of no such form.
func parseProof(text string) (proof, bool) {
	name, rest, conditional := strings.Cut(text, "{")
	p := proof{metric: name, labels: map[string]bool{}}
	if !conditional {
		return p, name != ""
	}
	rest, closed := strings.CutSuffix(rest, "}")
	for _, part := range strings.Split(rest, ",") {
		m := condition.FindStringSubmatch(strings.ReplaceAll(part, " ", ""))
		if m == nil {
			return proof{}, false
		}
		p.labels[m[1]] = m[2] == "!="
	}
	return p, closed && name != ""
}

func (d proof) of(o Presence) bool {
	for l, there := range d.labels {
		if (o.Labels[l] != "") != there {
			return false
		}
	}
	return true
}

func (p *Pack) proofs() []proof {
	var all []proof
	for _, text := range p.Detect {
		if d, ok := parseProof(text); ok {
			all = append(all, d)
		}
	}
	return all
}

// Metrics are the names of the metrics of Detect.
func (p *Pack) Metrics() []string {
	var names []string
	for _, d := range p.proofs() {
		names = append(names, d.metric)
	}
	return distinct(names)
}

// distinct sorts and drops what is there twice.
func distinct(words []string) []string {
	seen, out := map[string]bool{}, make([]string, 0, len(words))
	for _, w := range words {
		if !seen[w] {
			seen[w] = true
			out = append(out, w)
		}
	}
	sort.Strings(out)
	return out
}

// Discover says which packs are present, in their order, which label tells their
// services apart and what the services are called: the first label of the pack's
// identity that is not empty on most of its series.
func Discover(packs []*Pack, present []Presence) []Found {
	byMetric := map[string][]Presence{}
	for _, p := range present {
		byMetric[p.Metric] = append(byMetric[p.Metric], p)
	}
	var found []Found
	for _, p := range packs {
		var own []Presence
		for _, d := range p.proofs() {
			for _, o := range byMetric[d.metric] {
				if d.of(o) {
					own = append(own, o)
				}
			}
		}
		if by := identity(p, own); by != "" {
			found = append(found, Found{Pack: p, By: by, Services: values(own, by)})
		}
	}
	return found
}

// identity chooses the label; "" when no series has any of them.
func identity(p *Pack, own []Presence) string {
	best, by := 0, ""
	for _, label := range p.Identity {
		covered := 0
		for _, o := range own {
			if o.Labels[label] != "" {
				covered += max(o.Series, 1)
			}
		}
		if covered > best {
			best, by = covered, label
		}
	}
	return by
}

func values(own []Presence, label string) []string {
	var all []string
	for _, o := range own {
		if v := o.Labels[label]; v != "" {
			all = append(all, v)
		}
	}
	return distinct(all)
}

// rank says how much a kind tells about a service: whatever calls a model may
// also retrieve, and whatever retrieves may be an agent.
var rank = map[health.Kind]int{health.Infra: 1, health.ML: 2, health.LLM: 3, health.RAG: 4, health.Agent: 5}

// Kinds gives every service seen by any pack but a guest its kind, the most
// telling one when several packs see it, "" when no pack knows.
func Kinds(found []Found) map[string]health.Kind {
	kinds := map[string]health.Kind{}
	for _, f := range found {
		if f.Pack.Guest {
			continue
		}
		for _, s := range f.Services {
			if old, seen := kinds[s]; !seen || rank[f.Pack.Kind] > rank[old] {
				kinds[s] = f.Pack.Kind
			}
		}
	}
	return kinds
}

// Before says whether p's answer is preferred to o's where both measure a signal
// of a service: the application knows what it was asked, a gateway what it
// forwarded, a server what it computed.
func (p *Pack) Before(o *Pack) bool {
	if p.Rank != o.Rank {
		return p.Rank > o.Rank
	}
	return p.ID < o.ID
}

// Limit is where a value of s starts to be warn and critical for a service of a
// kind: what the pack says, else what the catalogue says.
func (p *Pack) Limit(s Signal, kind health.Kind) health.Limit {
	if s.Warn != nil || s.Critical != nil {
		return health.Limit{Warn: s.Warn, Critical: s.Critical, Source: "pack " + p.ID + ": " + s.Why}
	}
	d, _ := Lookup(s.ID)
	return d.Limit(kind)
}
