package packs

import (
	"regexp"
	"slices"
	"strings"
)

var placeholder = regexp.MustCompile(`\$[A-Za-z_][A-Za-z0-9_]*`)

// query folds a query onto one line and checks its placeholders.
func (c *checker) query(at, part, q string, needs ...string) string {
	q = fold(q)
	if q == "" {
		c.fault(at+".query", part, "query is missing")
		return q
	}
	for _, ph := range placeholder.FindAllString(q, -1) {
		if ph != "$by" && ph != "$rate" && ph != "$window" {
			c.fault(at+".query", part, "%s", Unknown("placeholder", ph, []string{"$by", "$rate", "$window"}))
		}
	}
	for _, n := range needs {
		if !word(q, n) {
			c.fault(at+".query", part, "query does not use %s", n)
		}
	}
	return q
}

func (c *checker) keeps(at, part, q, key, label string) {
	switch {
	case label == "" || q == "":
	case !anyLabel.MatchString(label):
		c.fault(at+"."+key, part, "%s: %q cannot be a label name", key, label)
	case !word(q, label):
		c.fault(at+".query", part, "query does not keep the label %q", label)
	}
}

// fold puts a query on one line.
func fold(q string) string {
	lines := strings.Split(q, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), " ")
}

// word says whether w stands in q by itself, not as part of a longer name.
func word(q, w string) bool {
	part := func(c byte) bool { return c != ':' && inName(c) }
	for at := 0; w != ""; {
		i := strings.Index(q[at:], w)
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(w)
		if (begin == 0 || !part(q[begin-1]) || !part(w[0])) && (end == len(q) || !part(q[end])) {
			return true
		}
		at = end
	}
	return false
}
