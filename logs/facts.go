package logs

import (
	"slices"
	"strings"

	"sickbay/health"
)

const (
	maxFacts  = 20_000 // different sets of facts
	maxNames  = 200    // dimensions
	maxValues = 1_000  // of one dimension; one that has more is an id, and is no use
)

// facts gives every set of dimensions a number: many records have the same ones.
// Dimensions with too many values are left out, so that what is kept is bounded.
type facts struct {
	sets   [][]health.Field           // by number
	number map[string]int32           // by what key writes
	values map[string]map[string]bool // of every dimension; nil of those that are left out
	recent [1 << 12]seat
	buf    []byte
	fields []health.Field
}

// A seat remembers a record's facts, so that they are not put together again for
// the next record that has the same.
type seat struct {
	lineage health.Lineage
	name    string
	dims    []health.Field
	number  int32
}

func newFacts() *facts {
	return &facts{number: map[string]int32{}, values: map[string]map[string]bool{}}
}

// of returns the number of a record's facts.
func (f *facts) of(r *health.Request) int32 {
	h := place(r.Lineage.Build) ^ place(r.Lineage.Prompt)<<1 ^ place(r.Lineage.Model)<<2 ^ uint64(len(r.Dims))
	for _, d := range r.Dims {
		h = mix(h ^ place(d.Value))
	}
	s := &f.recent[h%uint64(len(f.recent))]
	if s.number != 0 && s.lineage == r.Lineage && s.name == r.Name && slices.Equal(s.dims, r.Dims) {
		return s.number - 1
	}
	n := f.add(r)
	*s = seat{r.Lineage, r.Name, r.Dims, n + 1}
	return n
}

func (f *facts) add(r *health.Request) int32 {
	f.fields = f.fields[:0]
	for d := range dimensions(r) {
		if f.worth(d) {
			f.fields = append(f.fields, d)
		}
	}
	return f.put()
}

// worth says whether a dimension has few values, counting this one.
func (f *facts) worth(d health.Field) bool {
	seen, known := f.values[d.Name]
	if !known {
		if len(f.values) >= maxNames {
			return false
		}
		seen = map[string]bool{}
		f.values[strings.Clone(d.Name)] = seen
	}
	if seen != nil && !seen[d.Value] {
		if seen[d.Value] = true; len(seen) > maxValues {
			f.values[d.Name], seen = nil, nil
		}
	}
	return seen != nil
}

func (f *facts) get(n int32) []health.Field { return f.sets[n] }

// full says that it is time to rebuild.
func (f *facts) full() bool { return len(f.sets) > maxFacts }

// rebuild keeps what is used, and leaves out the dimensions that have most values
// as long as that is still too much. It returns the new numbers by the old ones.
func (f *facts) rebuild(used []bool) []int32 {
	for {
		old := f.sets
		number := make([]int32, len(old))
		f.sets, f.number = nil, map[string]int32{}
		clear(f.recent[:])
		for i, set := range old {
			if used[i] {
				number[i] = f.keep(set)
			}
		}
		if len(f.sets) <= maxFacts/2 {
			return number
		}
		f.forget()
		f.sets = old
	}
}

// keep adds a set as far as it is worth it.
func (f *facts) keep(set []health.Field) int32 {
	f.fields = f.fields[:0]
	for _, d := range set {
		if f.values[d.Name] != nil {
			f.fields = append(f.fields, d)
		}
	}
	return f.put()
}

// forget gives up the dimension with most values.
func (f *facts) forget() {
	most := ""
	for name, seen := range f.values {
		if n := len(f.values[most]); len(seen) > n || len(seen) == n && name < most {
			most = name
		}
	}
	f.values[most] = nil
}

// put finds or makes the set that is in fields.
func (f *facts) put() int32 {
	f.buf = f.buf[:0]
	for _, d := range f.fields {
		f.buf = append(append(append(append(f.buf, d.Name...), 0), d.Value...), 0)
	}
	n, ok := f.number[string(f.buf)]
	if !ok {
		n = int32(len(f.sets))
		f.sets = append(f.sets, slices.Clone(f.fields))
		f.number[string(f.buf)] = n
	}
	return n
}
