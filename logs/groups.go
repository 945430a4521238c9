package logs

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

const (
	maxGroups   = 200
	maxRequests = 50
	slots       = 12 // slices of a window in Spark
	growth      = 3  // times as many as before …
	growthMin   = 10 // … and so many more make a group that has grown
	maxVersions = 8
)

// Groups brings together the failing records of the window that ends at now and
// look alike, loudest first (new, grown, the others by count), at most 200. The window before it tells what is new:
//
//	new    none in the window before, and records of the service old enough to know
//	grown  at least three times as many as before, and at least ten more
//	known  everything else
//
// records may be in any order and are not changed; those newer than now or older
// than two windows do not count. Who has records coming in keeps a Grouper.
func Groups(now time.Time, window time.Duration, records []health.Request) []health.Failure {
	g := NewGrouper()
	g.Add(records)
	return g.Groups(now, window)
}

// counted is a group as it looks in one window.
type counted struct {
	*group
	within         []entry // of the window, by time
	count, earlier int     // failures in it, and in the one before
	first, last    int64
	state          string
}

func (v *group) count(w span) *counted {
	from, start, end := before(v.entries, entryAt, w.start()-w.length), before(v.entries, entryAt, w.start()), before(v.entries, entryAt, w.now)
	c := &counted{group: v, within: v.entries[start:end]}
	for _, e := range v.entries[from:start] {
		c.earlier += int(e.n)
	}
	for _, e := range c.within {
		c.count += int(e.n)
	}
	if from < end {
		c.first, c.last = v.entries[from].at, v.entries[end-1].at
	}
	return c
}

func (c *counted) loudness() int {
	switch {
	case c.state == "new" && c.count >= health.FewestNew:
		return 0
	case c.state == "grown":
		return 1
	}
	return 2
}

func louder(a, b *counted) int {
	return cmp.Or(
		cmp.Compare(a.loudness(), b.loudness()),
		cmp.Compare(b.count, a.count),
		strings.Compare(a.id, b.id),
		strings.Compare(a.service, b.service),
	)
}

// failure is what is drawn of a group.
func (c *counted) failure(w span, known *facts) health.Failure {
	newest := c.sample(w.now)
	f := health.Failure{
		ID: c.id, Service: c.service, ErrorType: newest.cause, Signature: c.signature(newest.masked), Example: newest.message,
		Count: c.count, Before: c.earlier, State: c.state,
		First: time.Unix(0, c.first).UTC(), Last: time.Unix(0, c.last).UTC(),
		Spark: make([]int, slots),
	}
	for i := len(c.within) - 1; i >= 0 && len(f.Requests) < maxRequests; i-- {
		f.Requests = append(f.Requests, c.within[i].id)
	}
	sets := map[int32]bool{}
	for _, e := range c.within {
		// The window is (start, now]: a record of this very moment is in the last slice.
		f.Spark[min(max((e.at-w.start()-1)/max(w.length/slots, 1), 0), slots-1)] += int(e.n)
		sets[e.facts] = true
	}
	f.Versions = versionsOf(sets, known)
	return f
}

// sample is the newest one that is not after now, of those that are kept.
func (c *counted) sample(now int64) sample {
	at := before(c.samples, func(s *sample) int64 { return s.at }, now)
	return c.samples[max(at-1, 0)]
}

// signature is a masked message with the first words as the tree has them.
func (c *counted) signature(masked string) string {
	if c.node.text {
		return c.node.path()
	}
	return c.node.path() + masked[len(head([]byte(masked))):]
}

func versionsOf(sets map[int32]bool, known *facts) []string {
	seen := map[health.Field]bool{}
	for n := range sets {
		for _, d := range known.get(n) {
			if isVersion(d) {
				seen[d] = true
			}
		}
	}
	var all []string
	for d := range seen {
		all = append(all, strings.TrimSuffix(d.Name, versionSuffix)+" "+d.Value)
	}
	slices.Sort(all)
	return all[:min(len(all), maxVersions)]
}

// versionSuffix ends the names of dimensions that are versions.
const versionSuffix = "_version"

func isVersion(d health.Field) bool { return strings.HasSuffix(d.Name, versionSuffix) }

// versions are the parts of a record's lineage, as dimensions. A model that is
// known by its name alone is a dimension already.
func versions(r *health.Request) iter.Seq[health.Field] {
	return func(yield func(health.Field) bool) {
		l := r.Lineage
		for _, d := range r.Dims {
			if d.Value == l.Model && (d.Name == "model" || d.Name == "response_model") {
				l.Model = ""
			}
		}
		for _, d := range l.Versions() {
			if d.Value != "" && !yield(d) {
				return
			}
		}
	}
}

// dimensions are everything a record may have in common with others. A name may
// come more than once, with different values: the tools of an agent.
func dimensions(r *health.Request) iter.Seq[health.Field] {
	return func(yield func(health.Field) bool) {
		for d := range versions(r) {
			if !yield(d) {
				return
			}
		}
		if r.Name != "" && !yield(health.Field{Name: "operation", Value: r.Name}) {
			return
		}
		for _, d := range r.Dims {
			if !yield(d) {
				return
			}
		}
	}
}
