package config

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"time"

	"sickbay/packs"
)

// A reader collects every fault of one file instead of stopping at the first.
type reader struct {
	file   string
	lines  map[string]int
	faults Faults
}

func (r *reader) fault(path, part, format string, args ...any) {
	r.faults = append(r.faults, Fault{File: r.file, Line: r.line(path), Part: part, Text: fmt.Sprintf(format, args...)})
}

// line is where a path is, or the table that lacks it.
func (r *reader) line(path string) int {
	for path != "" {
		if n, ok := r.lines[path]; ok {
			return n
		}
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
	}
	return 0
}

// A table is one table of the file. Each key is asked for once; those nobody
// asked for are unknown.
type table struct {
	r          *reader
	path, part string
	values     map[string]any
	asked      []string
}

func (r *reader) table(path, part string, values map[string]any) *table {
	return &table{r: r, path: path, part: part, values: values}
}

func (t *table) at(key string) string {
	if t.path == "" {
		return key
	}
	return t.path + "." + key
}

func (t *table) fault(key, format string, args ...any) { t.r.fault(t.at(key), t.part, format, args...) }

// get finds a value of type T; a value of another type is a fault.
func get[T any](t *table, key, want string) (v T, ok bool) {
	t.asked = append(t.asked, key)
	raw, there := t.values[key]
	if !there {
		return v, false
	}
	if v, ok = raw.(T); !ok {
		t.fault(key, "%s: %s is not %s", key, show(raw), want)
	}
	return v, ok
}

// show writes a value as the user would recognise it.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case map[string]any:
		return "a table"
	case []map[string]any, []any:
		return "a list"
	}
	return fmt.Sprint(v)
}

func (t *table) text(key string, into *string) {
	if v, ok := get[string](t, key, "text in quotes"); ok {
		*into = v
	}
}

func (t *table) boolean(key string, into *bool) {
	if v, ok := get[bool](t, key, "true or false"); ok {
		*into = v
	}
}

func (t *table) duration(key string, into *time.Duration, r span) {
	v, ok := get[string](t, key, `a length of time; write it like "10s", "15m", "1h" or "7d"`)
	if !ok {
		return
	}
	d, wrong := r.parse(v)
	if wrong != "" {
		t.fault(key, "%s: %s", key, wrong)
		return
	}
	*into = d
}

func (t *table) number(key string, into **float64) {
	t.asked = append(t.asked, key)
	raw, there := t.values[key]
	if !there {
		return
	}
	var n float64
	switch v := raw.(type) {
	case float64:
		n = v
	case int64:
		n = float64(v)
	default:
		t.fault(key, "%s: %s is not a number", key, show(raw))
		return
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		t.fault(key, "%s: %v is no limit; leave the key out to have none", key, n)
		return
	}
	*into = &n
}

// choice is one of some words; what says what they are.
func (t *table) choice(key string, into *string, what string, from []string) {
	v, ok := get[string](t, key, "text in quotes")
	if !ok {
		return
	}
	if !contains(from, v) {
		t.fault(key, "%s: %s", key, packs.Unknown(what, v, from))
		return
	}
	*into = v
}

// list is some texts; one text may stand alone.
func (t *table) list(key string, into *[]string) {
	t.asked = append(t.asked, key)
	switch v := t.values[key].(type) {
	case nil:
	case string:
		*into = []string{v}
	case []any:
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				t.fault(key, "%s: %s is not text in quotes", key, show(e))
				continue
			}
			*into = append(*into, s)
		}
	default:
		t.fault(key, `%s: %s is not a list of texts; write %s = ["a", "b"]`, key, show(v), key)
	}
	for _, s := range *into {
		if strings.TrimSpace(s) == "" {
			t.fault(key, "%s: an empty text is in the list", key)
		}
	}
}

// sub is the table of a key, empty when there is none.
func (t *table) sub(key string) *table {
	part := t.part
	if part == "" {
		part = key
	}
	values, _ := get[map[string]any](t, key, "a table")
	return t.r.table(t.at(key), part, values)
}

// subs are the tables of a key that can be there several times.
func (t *table) subs(key string) []*table {
	t.asked = append(t.asked, key)
	var all []*table
	add := func(values map[string]any) {
		all = append(all, t.r.table(fmt.Sprintf("%s[%d]", t.at(key), len(all)), key, values))
	}
	switch v := t.values[key].(type) {
	case nil:
	case []map[string]any:
		for _, values := range v {
			add(values)
		}
	case []any: // source = [{ kind = "file" }]
		for _, e := range v {
			values, ok := e.(map[string]any)
			if !ok {
				t.fault(key, "%s: %s is not a table; start each with [[%s]]", key, show(e), key)
				continue
			}
			add(values)
		}
	default:
		t.fault(key, "%s: there can be several; start each with [[%s]]", key, key)
	}
	return all
}

// names are the keys there are, sorted, for tables whose keys the user chooses.
func (t *table) names() []string { return keysOf(t.values) }

func keysOf(values map[string]any) []string {
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// rest reports the keys nobody asked for.
func (t *table) rest() {
	for _, n := range t.names() {
		if !contains(t.asked, n) {
			t.fault(n, "%s", packs.Unknown("key", n, t.asked))
		}
	}
}
