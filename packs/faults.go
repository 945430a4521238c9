package packs

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// A Fault is one thing wrong in a TOML file: where, what, and the way out.
type Fault struct {
	File string
	Line int    // 0: not known
	Part string // `signal "errors"`; "" the file as a whole
	Text string // `unknown key "quer"; did you mean "query"?`
}

// Error is one line: file, line, part, what.
func (f Fault) Error() string {
	where := f.File
	if f.Line > 0 {
		where = fmt.Sprintf("%s:%d", where, f.Line)
	}
	if f.Part != "" {
		where += ": " + f.Part
	}
	return where + ": " + f.Text
}

// Faults are all that is wrong, in the order of the file.
type Faults []Fault

// Error is one fault a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Err is nil when there is no fault: a Faults in an error is never nil.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Sorted puts the faults in the order of the lines they are on.
func (f Faults) Sorted() Faults {
	sort.SliceStable(f, func(i, j int) bool { return f[i].Line < f[j].Line })
	return f
}

// Unknown says that word is not one of known, with the nearest of them, or all
// of them when none is near.
func Unknown(what, word string, known []string) string {
	said := fmt.Sprintf("unknown %s %q", what, word)
	if near := Nearest(word, known); near != "" {
		return said + fmt.Sprintf("; did you mean %q?", near)
	}
	if len(known) == 0 {
		return said + "; there is none"
	}
	list := append([]string(nil), known...)
	sort.Strings(list)
	return said + "; there is: " + strings.Join(list, ", ")
}

// Nearest is the known name a mistyped word most probably meant, "" when none is
// near enough: a third of its letters may be wrong, at least one, at most three.
func Nearest(word string, known []string) string {
	best, name := 4, ""
	for _, k := range known {
		limit := min(3, max(1, len(k)/3))
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d <= limit && (d < best || d == best && k < name) {
			best, name = d, k
		}
	}
	return name
}

// distance is the number of letters to insert, drop, replace or swap with their
// neighbour to make b of a: "tiemout" is one swap away from "timeout".
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64 // no key is that long, and a hostile one must cost nothing
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			step := 1
			if a[i-1] == b[j-1] {
				step = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+step)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

var (
	tableLine = regexp.MustCompile(`^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?`)
	keyLine   = regexp.MustCompile(`^\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=`)
)

// Lines finds the line of every table and key of a TOML text by its path:
// "drift.window", "source[1].timeout", "service[0].limits.outcome". It is a
// reader of layout, good enough to point at; what cannot be found is not there.
func Lines(data []byte) map[string]int {
	found, count := map[string]int{}, map[string]int{}
	table, quote := "", ""
	for i, line := range strings.Split(string(data), "\n") {
		if quote != "" { // inside """ or ''': nothing here is a key
			if strings.Contains(line, quote) {
				quote = ""
			}
			continue
		}
		if m := tableLine.FindStringSubmatch(line); m != nil {
			table = indexed(m[2], m[1] == "[[", count)
			found[table] = i + 1
			continue
		}
		if m := keyLine.FindStringSubmatch(line); m != nil {
			path := strings.Trim(m[1], `"'`)
			if table != "" {
				path = table + "." + path
			}
			if _, twice := found[path]; !twice {
				found[path] = i + 1
			}
		}
		for _, q := range []string{`"""`, `'''`} {
			if strings.Count(line, q)%2 == 1 {
				quote = q
			}
		}
	}
	return found
}

// indexed writes the path of a table with the index of the array table it is
// in: the second [[service]] is service[1], a [service.limits] below it
// service[1].limits.
func indexed(name string, array bool, count map[string]int) string {
	parts := strings.Split(name, ".")
	path := ""
	for i, p := range parts {
		if path += strings.Trim(strings.TrimSpace(p), `"'`); i < len(parts)-1 {
			if n := count[path]; n > 0 {
				path += fmt.Sprintf("[%d]", n-1)
			}
			path += "."
		}
	}
	if array {
		path, count[path] = fmt.Sprintf("%s[%d]", path, count[path]), count[path]+1
	}
	return path
}
