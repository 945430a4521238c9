package engine

import (
	"cmp"
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
	"sickbay/packs"
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
	since    map[string]since
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
		trends: map[string][]health.Point{}, since: map[string]since{}, seen: map[string]watch{},
	}
}

// heard is what comparisons were made of. Each part changes with what is heard.
type heard struct {
	answers          uint64
	services, change int
	pinned           uint64
}

// A since is when something began to be different, and whether that was found in
// its series.
type since struct {
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
	var order []*subject
	chosen := map[string]*subject{}
	for _, a := range e.asked {
		for _, w := range e.watchedBy(a) {
			for _, s := range e.subjects(v, c, w, there) {
				key := s.key()
				if old := chosen[key]; old == nil {
					order = append(order, s)
				} else if !s.before(old) {
					continue
				} else {
					*old, s = *s, old // it keeps its place
					continue
				}
				chosen[key] = s
			}
		}
	}
	judged := make([]*subject, 0, len(order))
	for _, s := range order {
		if s.waits {
			if old := c.subjects[s.key()]; old != nil { // what was said of it stands until then
				chosen[s.key()] = old
			} else {
				delete(chosen, s.key())
			}
			continue
		}
		judged = append(judged, s)
	}
	e.look(v, c, judged, now)
	for _, s := range judged { // being asked how it was makes nothing of what is known already
		if old := c.subjects[s.key()]; old != nil && old.ill() && s.verdict.Level == drift.LevelPending && c.asks(s) {
			chosen[s.key()] = old
		}
	}
	c.subjects = chosen
	if len(c.waiting) > 0 || c.asked != nil {
		e.wake()
	}
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
	for i, r := range rs {
		k := r.row(s.w, v.at)
		held := e.rows[k]
		if held == nil || held.end.IsZero() && held.err == nil {
			c.rows[k], c.waiting[k], s.waits = true, true, true
			return
		}
		if held.end.IsZero() { // it failed: the next may do, and this one is tried again
			c.rows[k] = true
			continue
		}
		c.rows[k] = true
		windows := append([]tally{now}, e.earlier(s, held, k)...)
		s.warnings = append(s.warnings[:len(s.warnings):len(s.warnings)], held.warnings...)
		if held.n < k.n {
			s.missing = "the server finds more windows too many"
		}
		if i == len(rs)-1 || slices.ContainsFunc(windows[1:], func(t tally) bool { return t.any() }) {
			s.settle(r, k, windows)
			if i > 0 {
				s.missing = "nothing is held of " + rs[0].what()
			}
			return
		}
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

// fill makes cells of windows, the newest first.
func (s *subject) fill(windows []tally) {
	cells := s.cells(windows...)
	for i := range cells {
		deflated := drift.Deflate(cells[i], s.w.e.o.DriftSpan, s.w.a.every)
		s.short = s.short || total(deflated) < total(cells[i])
		cells[i] = deflated
	}
	s.current, s.earlier, s.bad = cells[0], cells[1:], nil
	seen := map[string]bool{}
	for _, c := range cells {
		for _, l := range c.Labels {
			if !seen[l] && s.w.d.IsBad(l) {
				s.bad = append(s.bad, l)
			}
			seen[l] = true
		}
	}
	sort.Strings(s.bad)
}

// A tally is what one window of one group holds, as it came.
type tally struct {
	cumulative map[string]float64 // by le
	native     []drift.Bucket
	whole      bool               // native histograms came, empty ones too
	counts     map[string]float64 // by category
}

func (t tally) any() bool {
	for _, v := range t.cumulative {
		if v > 0 {
			return true
		}
	}
	for _, v := range t.counts {
		if v > 0 {
			return true
		}
	}
	return len(t.native) > 0
}

// count takes what the series of a group say of a window.
func count(series []sources.Series, d packs.Distribution, end time.Time) tally {
	t := tally{cumulative: map[string]float64{}, counts: map[string]float64{}}
	at := end.UnixMilli()
	for _, s := range series {
		for _, p := range s.Points {
			switch {
			case p.T != at || math.IsNaN(p.V) || math.IsInf(p.V, 0):
			case d.Kind != "histogram":
				t.counts[cmp.Or(s.Labels[d.Label], noCategory)] += max(p.V, 0)
			case !d.Native:
				t.cumulative[s.Labels["le"]] += max(p.V, 0)
			}
		}
		for _, h := range s.Histograms {
			if h.T != at || d.Kind != "histogram" {
				continue
			}
			t.whole = true
			for _, b := range h.Buckets {
				if b.Count > 0 && b.Upper > b.Lower {
					t.native = append(t.native, drift.Bucket(b))
				}
			}
		}
	}
	return t
}

// noCategory is what requests without one are called: no error type, no model.
const noCategory = "none"

// cells brings windows onto cells. Native histograms of all of them onto the edges
// they share; where a service turned from classic histograms to native ones, both.
func (s *subject) cells(windows ...tally) []drift.Cells {
	all := make([]drift.Cells, len(windows))
	classic := false
	for i, t := range windows {
		s.native = s.native || t.whole
		classic = classic || len(t.cumulative) > 0
		if s.w.d.Kind != "histogram" {
			all[i] = categories(t.counts)
		} else if len(t.cumulative) > 0 {
			all[i], _ = drift.FromBuckets(t.cumulative) // what is no histogram is compared as nothing: "no data"
		}
	}
	if !s.native {
		return all
	}
	s.turned = classic
	buckets := make([][]drift.Bucket, len(windows))
	for i, t := range windows {
		if buckets[i] = t.native; !t.whole {
			buckets[i] = asBuckets(all[i])
		}
	}
	return drift.AlignNative(buckets...)
}

// asBuckets are the cells of a classic histogram as native buckets.
func asBuckets(c drift.Cells) []drift.Bucket {
	var all []drift.Bucket
	lower := math.Inf(-1)
	for i, upper := range c.Bounds {
		if i == 0 && upper > 0 {
			lower = 0 // as histogram_quantile reads it
		}
		if c.Counts[i] > 0 {
			all = append(all, drift.Bucket{Lower: lower, Upper: upper, Count: c.Counts[i]})
		}
		lower = upper
	}
	return all
}

func categories(counts map[string]float64) drift.Cells {
	var c drift.Cells
	for l := range counts {
		c.Labels = append(c.Labels, l)
	}
	sort.Strings(c.Labels)
	for _, l := range c.Labels {
		c.Counts = append(c.Counts, counts[l])
	}
	return c
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
