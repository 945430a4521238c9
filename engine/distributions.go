package engine

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"sickbay/drift"
	"sickbay/health"
	"sickbay/sources"
)

// A viewKey is a moment at which distributions are compared, and with what. A
// verdict is made of those with no choice of somebody's.
type viewKey struct {
	at      moment
	against health.Reference
}

// Comparisons are all distributions of all services at one viewKey, and what has to
// be remembered from one look to the next.
type comparisons struct {
	memory   drift.Memory
	heard    heard
	details  heard               // as of which they were put into words
	subjects map[string]*subject // by their key
	lists    map[string][]health.Drift
	trends   map[string][]health.Point
	since    map[string]onsetNote
	seen     map[string]watch
	asked    *seeding        // not answered yet
	seeding  *seeding        // the last that was
	waiting  map[rowKey]bool // for windows without which something cannot be compared
	used     time.Time

	// What has to be asked besides what all share.
	rows   map[rowKey]bool
	facts  map[factKey]wantedFact
	frames map[frameKey]span
}

// A wantedFact is for which time something is asked, and what its answer changes.
type wantedFact struct {
	at    time.Time
	feeds feed
}

func newComparisons() *comparisons {
	return &comparisons{
		subjects: map[string]*subject{}, lists: map[string][]health.Drift{},
		trends: map[string][]health.Point{}, since: map[string]onsetNote{}, seen: map[string]watch{},
	}
}

// heard is what comparisons were made of. Each part changes with what is heard.
type heard struct {
	answers          uint64
	services, change int
	pinned           uint64
}

// An onsetNote is when something began to be different, and whether that was found in
// its series.
type onsetNote struct {
	at    time.Time
	found bool
}

// A group is one distribution of one service.
type group struct{ service, signal, feature string }

func (g group) key() string { return g.service + "\x00" + g.signal + "\x00" + g.feature }

// A subject is one distribution of one service with the windows it is compared with.
type subject struct {
	group
	w        watched
	expr     string // the query of the windows, for the series of the onset
	end      time.Time
	ref      reference
	ends     []time.Time // of the earlier windows
	tallies  []tally     // earlier windows as they came
	current  drift.Cells
	earlier  []drift.Cells
	bad      []string
	native   bool
	turned   bool // it was a classic histogram and is a native one, or the other way
	short    bool // counts were corrected
	missing  string
	warnings []string
	waits    bool // its reference is still being asked for
	verdict  drift.Verdict
}

// drifts gives every service its list of comparisons, made anew when something was
// heard since.
func (e *Engine) drifts(v viewKey, services []health.Service) {
	c := e.drifting[v]
	if c == nil {
		c = newComparisons()
		e.drifting[v] = c
	}
	c.used = e.o.Now()
	now := heard{e.driftHeard, len(services), len(e.changes.byID), e.pins.version()}
	if now != c.heard {
		c.heard = now
		e.compareAll(v, c, services)
	}
	if now.answers = now.answers + e.detailHeard; now != c.details {
		c.details = now
		e.putIntoWords(v, c, services)
	}
	for i := range services {
		services[i].Drift = slices.Clone(c.lists[services[i].Name])
		services[i].Baseline, _ = e.pinned(services[i].Name)
	}
}

// compareAll evaluates every distribution. The levels are decided over all of them
// together, so that a hundred comparisons do not find what one would not.
func (e *Engine) compareAll(v viewKey, c *comparisons, services []health.Service) {
	there := map[string]bool{}
	for _, s := range services {
		there[s.Name] = true
	}
	c.rows, c.facts, c.waiting = map[rowKey]bool{}, map[factKey]wantedFact{}, map[rowKey]bool{}
	now := v.at
	if now.IsZero() {
		now = e.o.Now()
	}
	best := map[string]*subject{}
	for _, a := range e.asked {
		for _, w := range e.watchedBy(a, v.at) {
			for _, s := range e.subjects(v, c, w, there) {
				if old := best[s.key()]; old == nil || s.before(old) {
					best[s.key()] = s
				}
			}
		}
	}
	var judged []*subject
	for _, key := range slices.Sorted(maps.Keys(best)) {
		if s := best[key]; !s.waits {
			judged = append(judged, s)
		}
	}
	e.look(v, c, judged, now)
	for key, s := range best {
		asks := !s.waits && s.verdict.Level == drift.LevelPending && c.asks(s)
		switch old := c.subjects[key]; {
		case s.waits && old != nil, asks && old != nil && old.ill():
			best[key] = old // what was said of it stands until there is an answer
		case s.waits:
			delete(best, key)
		}
	}
	c.subjects = best
	c.forget(now.Add(-e.o.DriftSpan))
	if len(c.waiting) > 0 || c.asked != nil {
		e.wake()
	}
}

// forget drops what is remembered of subjects that are gone, or were not looked at
// since a time.
func (c *comparisons) forget(since time.Time) {
	gone := func(key string) bool { return c.subjects[key] == nil }
	maps.DeleteFunc(c.trends, func(key string, _ []health.Point) bool { return gone(key) })
	maps.DeleteFunc(c.since, func(key string, _ onsetNote) bool { return gone(key) })
	maps.DeleteFunc(c.seen, func(_ string, w watch) bool { return w.newest.Before(since) })
}

// before says which of two packs that measure the same of a service is believed.
func (s *subject) before(o *subject) bool {
	if has, had := total(s.current) > 0, total(o.current) > 0; has != had {
		return has
	}
	return s.w.f.Pack != o.w.f.Pack && s.w.f.Pack.Before(o.w.f.Pack)
}

func total(c drift.Cells) float64 {
	sum := 0.0
	for _, v := range c.Counts {
		sum += v
	}
	return sum
}

// subjects splits the answers for one distribution by service and feature.
func (e *Engine) subjects(v viewKey, c *comparisons, w watched, there map[string]bool) []*subject {
	fa := e.facts[factKey{w.a.state.Name, w.expr, v.at, 0}]
	if fa == nil || fa.at.IsZero() {
		return nil // not answered yet
	}
	now := maps.Clone(e.byGroup(w, fa.series, &fa.groups))
	for g := range e.wasThere(v, w) {
		if _, is := now[g]; !is {
			now[g] = nil // it was there, and is silent
		}
	}
	var all []*subject
	for g, series := range now {
		if !there[g.service] || w.d.Kind == "categorical" && unlabelled(series, w.d.Label) {
			continue
		}
		s := &subject{group: g, w: w, end: fa.at, warnings: fa.warnings}
		e.choose(v, c, s, series)
		all = append(all, s)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].key() < all[j].key() })
	return all
}

// groups are the series of an answer by group, as one distribution tells them apart;
// made when first wanted.
type groups map[string]map[group][]sources.Series

// byGroup splits series, once.
func (e *Engine) byGroup(w watched, series []sources.Series, done *groups) map[group][]sources.Series {
	as := w.f.By + "\x00" + w.d.Signal + "\x00" + w.d.Feature
	if parts, known := (*done)[as]; known {
		return parts
	}
	parts := map[group][]sources.Series{}
	if *done == nil {
		*done = groups{}
	}
	(*done)[as] = parts
	for _, s := range series {
		if name := e.serviceOf(s.Labels[w.f.By]); name != "" {
			g := group{name, w.d.Signal, s.Labels[w.d.Feature]}
			parts[g] = append(parts[g], s)
		}
	}
	return parts
}

// wasThere lists the groups of which the newest earlier window knows enough to miss
// them.
func (e *Engine) wasThere(v viewKey, w watched) map[group]bool {
	lead, shared := e.lead(v)
	k := lead.row(w, v.at)
	r := e.rows[k]
	if !shared || r == nil || r.end.IsZero() {
		return nil
	}
	were := map[group]bool{}
	for g, series := range e.byGroup(w, r.series, &r.groups) {
		if s := (&subject{w: w}); total(s.cells(count(series, w.d, r.end.Add(-k.step)))[0]) >= drift.MinN {
			were[g] = true
		}
	}
	return were
}

// unlabelled says that nobody exports the label a category would be in.
func unlabelled(series []sources.Series, label string) bool {
	return len(series) > 0 && !slices.ContainsFunc(series, func(s sources.Series) bool { return s.Labels[label] != "" })
}

// choose takes the first reference of which anything is held.
func (e *Engine) choose(v viewKey, c *comparisons, s *subject, series []sources.Series) {
	now := count(series, s.w.d, s.end)
	rs := e.references(v, s.service, s.end)
	failed := false
	for i, r := range rs {
		k := r.row(s.w, v.at)
		held := e.rows[k]
		c.rows[k] = true
		if held == nil || held.end.IsZero() && held.err == nil {
			c.waiting[k], s.waits = true, true
			return
		}
		if held.end.IsZero() { // the next may do, until this one is answered
			failed = true
			continue
		}
		windows := append([]tally{now}, e.earlier(s, held, k)...)
		if i < len(rs)-1 && !slices.ContainsFunc(windows[1:], tally.any) {
			continue
		}
		s.settle(r, k, windows)
		s.warnings = slices.Concat(s.warnings, held.warnings)
		switch {
		case failed:
			s.missing = rs[0].what() + " could not be asked for"
		case i > 0:
			s.missing = "nothing is held of " + rs[0].what()
		case held.n < k.n:
			s.missing = "the server finds more windows too many"
		}
		return
	}
	s.settle(rs[0], rs[0].row(s.w, v.at), []tally{now})
	s.missing = "earlier windows could not be asked for"
}

// what names a reference of which nothing is held.
func (r reference) what() string {
	switch r.kind {
	case health.SameHour:
		return "earlier days"
	case health.LastWeek:
		return "earlier weeks"
	case health.Deployment:
		return "the time before " + r.change
	}
	return "the windows " + health.Span(r.step) + " apart"
}

// earlier counts the windows of a row, those of this group only.
func (e *Engine) earlier(s *subject, held *row, k rowKey) []tally {
	own := e.byGroup(s.w, held.series, &held.groups)[s.group]
	s.ends = k.ends(held)
	tallies := make([]tally, len(s.ends))
	for i, end := range s.ends {
		tallies[i] = count(own, s.w.d, end)
	}
	return tallies
}

// settle takes a reference.
func (s *subject) settle(r reference, k rowKey, windows []tally) {
	s.ref, s.expr, s.tallies = r, k.expr, windows[1:]
	if len(windows) == 1 {
		s.ends = nil
	}
	s.fill(windows)
}

// serviceOf is the name under which a label value is shown.
func (e *Engine) serviceOf(label string) string {
	for _, o := range e.o.Services {
		for _, m := range o.Match {
			if m == label {
				return o.Name
			}
		}
	}
	return label
}

func lastValue(s sources.Series) float64 {
	if len(s.Points) == 0 || math.IsNaN(s.Points[len(s.Points)-1].V) {
		return 0
	}
	return max(s.Points[len(s.Points)-1].V, 0)
}

// oneOf is a matcher for label values.
func oneOf(values []string) string {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	if len(values) == 1 {
		return "=" + strconv.Quote(values[0])
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return "=~" + strconv.Quote(strings.Join(quoted, "|"))
}
