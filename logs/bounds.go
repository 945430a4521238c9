package logs

import (
	"cmp"
	"slices"
)

// How a Grouper stays within its bounds: old failures are counted by the minute,
// then by longer, then forgotten.

// grains are the times within which old failures of a group become one entry.
var grains = [...]int64{minute, 10 * minute, 60 * minute, 24 * 60 * minute}

// thin makes the older half of a group's entries fewer, as few as need be, and
// says by how many.
func (v *group) thin() int {
	was := len(v.entries)
	for _, grain := range grains {
		old := v.entries[:len(v.entries)/2]
		rest := v.entries[len(v.entries)/2:]
		kept := v.entries[:0]
		for _, e := range old {
			if n := len(kept); n > 0 && kept[n-1].at/grain == e.at/grain {
				e.n += kept[n-1].n
				kept[n-1] = e
			} else {
				kept = append(kept, e)
			}
		}
		v.entries = append(kept, rest...)
		if len(v.entries) < was*3/4 {
			break
		}
	}
	return was - len(v.entries)
}

// relieve makes room for a quarter of all entries.
func (g *Grouper) relieve() {
	const enough = maxEntries * 3 / 4
	all := make([]*group, 0, len(g.groups))
	for v := range g.groups {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b *group) int { return cmp.Or(len(b.entries)-len(a.entries), cmp.Compare(a.id, b.id)) })
	for _, v := range all {
		if g.entries <= enough || len(v.entries) < 4 {
			break
		}
		g.entries -= v.thin()
	}
	for keep := int64(keepFor); g.entries > enough && keep > 0; keep /= 2 {
		g.prune(g.newest - keep)
	}
}

// prune forgets what happened until a time, and groups and services of which
// nothing is left.
func (g *Grouper) prune(until int64) {
	g.pruned = g.newest
	g.entries = 0
	for v := range g.groups {
		v.entries = slices.Delete(v.entries, 0, before(v.entries, entryAt, until))
		if g.entries += len(v.entries); len(v.entries) > 0 {
			continue
		}
		delete(g.groups, v)
		if v.into == nil {
			v.node.leaf = nil
			g.tree.prune(v.node)
		}
	}
	for name, s := range g.services {
		s.healthy = slices.Delete(s.healthy, 0, before(s.healthy, rowAt, until))
		if n := len(s.heads); n == 0 || s.heads[n-1] < g.newest-int64(keepFor) {
			delete(g.services, name)
		}
	}
}

// rebuild gives up facts that nothing refers to.
func (g *Grouper) rebuild() {
	used := make([]bool, len(g.facts.sets))
	g.eachRow(func(r *row) { used[r.facts] = true })
	number := g.facts.rebuild(used)
	g.eachRow(func(r *row) { r.facts = number[r.facts] })
	for _, s := range g.services {
		seen := map[int32]int64{}
		for n, at := range s.seen {
			if first, ok := seen[number[n]]; used[n] && (!ok || at < first) {
				seen[number[n]] = at
			}
		}
		s.seen = seen
	}
}

func (g *Grouper) eachRow(visit func(*row)) {
	for v := range g.groups {
		for i := range v.entries {
			visit(&v.entries[i].row)
		}
	}
	for _, s := range g.services {
		for i := range s.healthy {
			visit(&s.healthy[i])
		}
	}
}
