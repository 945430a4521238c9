package packs

import (
	"slices"
	"strings"
)

// Narrow adds a label matcher, like `service="chat"`, to every selector of a
// PromQL expression, so that a server reads only the series of one service. It
// understands the queries of packs: TestEveryQueryCanBeNarrowed holds it to the
// real parser.
func Narrow(query, matcher string) string {
	n := narrower{in: query, matcher: matcher}
	for n.at < len(n.in) {
		n.step()
	}
	return n.out.String()
}

// MetricsOf lists the metric names an expression reads, each once, sorted. Names
// that only a matcher tells are not among them.
func MetricsOf(query string) []string {
	n := narrower{in: query}
	for n.at < len(n.in) {
		n.step()
	}
	return distinct(n.names)
}

type narrower struct {
	in      string
	at      int
	matcher string
	out     strings.Builder
	names   []string // of metrics, in order of appearance
	list    bool     // the next parenthesis holds label names, not an expression
}

// words that stand where a metric name could stand, and are none.
var grammar = strings.Fields("by without on ignoring group_left group_right and or unless offset bool atan2 inf nan " +
	"sum min max avg group stddev stdvar count count_values bottomk topk quantile limitk limit_ratio")

// lists are the words that are followed by label names in parentheses.
var lists = strings.Fields("by without on ignoring group_left group_right")

func (n *narrower) step() {
	switch c := n.in[n.at]; {
	case c == '"' || c == '\'' || c == '`':
		n.copy(quoted(n.in[n.at:]))
	case c == '[':
		n.copy(strings.IndexByte(n.in[n.at:]+"]", ']') + 1)
	case c == '(' && n.list:
		n.list = false
		n.copy(strings.IndexByte(n.in[n.at:]+")", ')') + 1)
	case c == '{':
		n.braces()
	case c >= '0' && c <= '9' || c == '.':
		n.copy(span(n.in[n.at:], inNumber))
	case inName(c):
		n.word()
	default:
		n.copy(1)
	}
}

// word copies a keyword, a function or a metric name; the last is narrowed.
func (n *narrower) word() {
	length := span(n.in[n.at:], inName)
	name := n.in[n.at : n.at+length]
	word := strings.ToLower(name)
	n.copy(length)
	rest := strings.TrimLeft(n.in[n.at:], " \t\n")
	switch {
	case slices.Contains(lists, word):
		n.list = strings.HasPrefix(rest, "(")
	case slices.Contains(grammar, word) || strings.HasPrefix(rest, "("):
	case strings.HasPrefix(rest, "{"):
		n.names = append(n.names, name)
		n.copy(len(n.in) - n.at - len(rest))
		n.braces()
	default:
		n.names = append(n.names, name)
		n.out.WriteString("{" + n.matcher + "}")
	}
}

// braces copies the matchers of a selector and adds one.
func (n *narrower) braces() {
	n.copy(1)
	begin := n.at
	for n.at < len(n.in) && n.in[n.at] != '}' {
		if c := n.in[n.at]; c == '"' || c == '\'' || c == '`' {
			n.copy(quoted(n.in[n.at:]))
			continue
		}
		n.copy(1)
	}
	if inside := strings.TrimRight(strings.TrimSpace(n.in[begin:n.at]), ","); inside != "" && !strings.HasSuffix(strings.TrimSpace(n.in[begin:n.at]), ",") {
		n.out.WriteString(", ")
	}
	n.out.WriteString(n.matcher)
	if n.at < len(n.in) {
		n.copy(1)
	}
}

func (n *narrower) copy(length int) {
	end := min(n.at+length, len(n.in))
	n.out.WriteString(n.in[n.at:end])
	n.at = end
}

func span(s string, in func(byte) bool) int {
	i := 0
	for i < len(s) && in(s[i]) {
		i++
	}
	return max(i, 1)
}

func inName(c byte) bool {
	return c == '_' || c == ':' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// inNumber also takes the letters of durations and exponents: 5m, 1e3.
func inNumber(c byte) bool { return c == '.' || inName(c) }

// quoted is the length of a string literal with its quotes.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] != '`':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}
