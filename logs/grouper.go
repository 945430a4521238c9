package logs

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

const (
	maxEntries = 1 << 17 // failures that are known one by one, of all groups …
	maxOfGroup = 1 << 14 // … and of one
	maxHealth  = 1 << 14 // records of one service that failing ones can be compared with
	keepFor    = 15 * 24 * time.Hour
)

// A Grouper brings together failing records that look alike, as they come in. Its
// memory is bounded, and what an Add costs depends on the records that are added
// only: of each failure it keeps the time, the id and a number that stands for its
// dimensions. It is not for several goroutines at once.
type Grouper struct {
	tree     *tree
	facts    *facts
	masker   masker
	groups   map[*group]bool
	services map[string]*service
	newest   int64
	pruned   int64
	entries  int
}

// NewGrouper makes an empty one.
func NewGrouper() *Grouper {
	return &Grouper{tree: newTree(), facts: newFacts(), groups: map[*group]bool{}, services: map[string]*service{}}
}

// Add counts records. They may be in any order and are not changed; those without
// a time do not count.
func (g *Grouper) Add(records []health.Request) {
	for _, r := range byTime(records) {
		if !r.At.IsZero() {
			g.add(r)
		}
	}
	if g.facts.full() {
		g.rebuild()
	}
	if g.newest-g.pruned > 10*minute {
		g.prune(g.newest - int64(keepFor))
	}
}

// byTime are the records, oldest first.
func byTime(records []health.Request) []*health.Request {
	all := make([]*health.Request, len(records))
	sorted := true
	for i := range records {
		all[i] = &records[i]
		sorted = sorted && (i == 0 || !records[i].At.Before(records[i-1].At))
	}
	if !sorted {
		slices.SortStableFunc(all, func(a, b *health.Request) int { return a.At.Compare(b.At) })
	}
	return all
}

func (g *Grouper) add(r *health.Request) {
	row := row{r.At.UnixNano(), g.facts.of(r)}
	g.newest = max(g.newest, row.at)
	s := g.services[r.Service]
	if s == nil {
		s = &service{seen: map[int32]int64{}}
		g.services[strings.Clone(r.Service)] = s
	}
	s.add(row, r.Failed)
	if !r.Failed {
		return
	}
	masked := g.masker.mask(r)
	n := g.tree.find(r.Service, cause(r), masked)
	v := n.leaf
	if v == nil {
		v = &group{node: n, id: n.id(), service: strings.Clone(r.Service)}
		n.leaf, g.groups[v] = v, true
	}
	v.add(entry{row, 1, strings.Clone(r.ID)}, r, masked)
	if g.entries++; len(v.entries) > maxOfGroup {
		g.entries -= v.thin()
	}
	if g.entries > maxEntries {
		g.relieve()
	}
}

// ID is the group of a failing record as it is now: Failure.ID. A record that was
// never added may have none.
func (g *Grouper) ID(r *health.Request) string {
	if !r.Failed {
		return ""
	}
	if n := g.tree.look(r.Service, cause(r), g.masker.mask(r)); n != nil && n.leaf != nil {
		return n.leaf.id
	}
	return r.Group
}

// Current is what a group is called now: groups become one when their words turn
// out to be names, and links to the former ones must go on working.
func (g *Grouper) Current(id string) string {
	v := g.tree.former[id]
	if v == nil {
		return id
	}
	for v.into != nil {
		v = v.into
	}
	return v.id
}

// Groups are the failures of the window that ends at now: see the function of the
// same name.
func (g *Grouper) Groups(now time.Time, window time.Duration) []health.Failure {
	var all []*counted
	w := span{now.UnixNano(), int64(window)}
	for v := range g.groups {
		if v.into != nil {
			delete(g.groups, v)
			continue
		}
		if c := v.count(w); c.count > 0 {
			c.state = g.services[v.service].state(c, w)
			all = append(all, c)
		}
	}
	slices.SortFunc(all, louder)
	out := make([]health.Failure, 0, min(len(all), maxGroups))
	for i, c := range all[:min(len(all), maxGroups)] {
		f := c.failure(w, g.facts)
		if i < maxCompared {
			f.InCommon = g.inCommon(c, w)
		}
		out = append(out, f)
	}
	return out
}

// span is a window: (now-length, now], in nanoseconds.
type span struct{ now, length int64 }

func (w span) start() int64 { return w.now - w.length }

// row is one record as far as it is compared with others.
type row struct {
	at    int64
	facts int32
}

// entry is one failure, or several of one minute.
type entry struct {
	row
	n  int32
	id string
}

// before is the index of the first row after t. all is sorted by time.
func before[T any](all []T, at func(*T) int64, t int64) int {
	lo, hi := 0, len(all)
	for lo < hi {
		if mid := (lo + hi) / 2; at(&all[mid]) <= t {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func rowAt(r *row) int64     { return r.at }
func entryAt(e *entry) int64 { return e.at }

// insert puts x behind everything that is not newer. Nearly always that is the end.
func insert[T any](all []T, x T, at func(*T) int64) []T {
	if n := len(all); n == 0 || at(&all[n-1]) <= at(&x) {
		return append(all, x)
	}
	return slices.Insert(all, before(all, at, at(&x)), x)
}

// group are the failures that look alike.
type group struct {
	node    *node
	into    *group // it has become part of this one
	id      string
	service string
	entries []entry  // by time
	samples []sample // of the newest ones, by time
}

// sample is a failure in words.
type sample struct {
	at      int64
	cause   string
	message string
	masked  string
}

const (
	maxSamples = 3
	maxExample = 1 << 10
)

func (v *group) add(e entry, r *health.Request, masked []byte) {
	v.entries = insert(v.entries, e, entryAt)
	n := len(v.samples)
	if n == maxSamples && e.at < v.samples[0].at {
		return
	}
	s := sample{at: e.at, cause: strings.Clone(cause(r)), message: strings.Clone(health.Cut(r.Message, maxExample))}
	if n > 0 && v.samples[n-1].masked == string(masked) {
		s.masked = v.samples[n-1].masked
	} else {
		s.masked = string(masked)
	}
	v.samples = insert(v.samples, s, func(s *sample) int64 { return s.at })
	if len(v.samples) > maxSamples {
		v.samples = append(v.samples[:0], v.samples[1:]...)
	}
}

// take unites two groups.
func (v *group) take(o *group) {
	v.entries = append(v.entries, o.entries...)
	slices.SortStableFunc(v.entries, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	v.samples = append(v.samples, o.samples...)
	slices.SortStableFunc(v.samples, func(a, b sample) int { return cmp.Compare(a.at, b.at) })
	v.samples = v.samples[max(0, len(v.samples)-maxSamples):]
	o.entries, o.samples = nil, nil
}
