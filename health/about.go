package health

import "strings"

// About is the signal of a service that an expression in PromQL, such as the rule of
// an alert, speaks of: the one whose query shares most metrics with it, and where
// several do, most conditions on labels; of equals the worst. false: none does.
func (s Service) About(expr string) (Signal, bool) {
	about := wordsOf(expr)
	best, at := 0.0, -1
	for i, sig := range s.Signals {
		has := wordsOf(sig.Query)
		shared := alike(about.metrics, has.metrics)
		if shared < 1./3 {
			continue
		}
		score := shared + alike(about.labels, has.labels)/2
		if at < 0 || score > best || score == best && sig.Status.Worse(s.Signals[at].Status) {
			best, at = score, i
		}
	}
	if at < 0 {
		return Signal{}, false
	}
	return s.Signals[at], true
}

// alike is the share of what either has that both have; of nothing, nothing.
func alike(a, b map[string]bool) float64 {
	both := 0
	for w := range a {
		if b[w] {
			both++
		}
	}
	if both == 0 {
		return 0
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

// exprWords are the metrics an expression names and its conditions on labels.
type exprWords struct{ metrics, labels map[string]bool }

// grouping are words of PromQL before a list of labels in round brackets.
var grouping = map[string]bool{"by": true, "without": true, "on": true, "ignoring": true, "group_left": true, "group_right": true}

var operator = map[string]bool{"and": true, "or": true, "unless": true, "bool": true, "offset": true, "inf": true, "nan": true}

// wordsOf reads an expression as far as it has to be understood: it need not be a
// right one.
func wordsOf(expr string) exprWords {
	w := exprWords{map[string]bool{}, map[string]bool{}}
	for expr != "" {
		switch c := expr[0]; {
		case c == '{':
			inside, rest := bracketed(expr, '}')
			w.conditions(inside)
			expr = rest
		case c == '[':
			_, expr = bracketed(expr, ']')
		case c == '"' || c == '\'' || c == '`':
			expr = expr[quotedLen(expr):]
		case c >= '0' && c <= '9':
			expr = strings.TrimLeft(expr, "0123456789abcdefghijklmnopqrstuvwxyz._")
		case inName(c):
			name := expr[:len(expr)-len(strings.TrimLeftFunc(expr, func(r rune) bool { return r < 128 && inName(byte(r)) }))]
			expr = strings.TrimLeft(expr[len(name):], " \t\n")
			switch lower := strings.ToLower(name); {
			case grouping[lower]:
				if strings.HasPrefix(expr, "(") {
					_, expr = bracketed(expr, ')')
				}
			case operator[lower] || strings.HasPrefix(expr, "(") || aggregates(expr): // a function
			default:
				w.metrics[family(name)] = true
			}
		default:
			expr = expr[1:]
		}
	}
	return w
}

// aggregates says whether "sum by (a) (b)" goes on behind its first word.
func aggregates(rest string) bool {
	word, _, _ := strings.Cut(rest, "(")
	word = strings.ToLower(strings.TrimSpace(word))
	return word == "by" || word == "without"
}

// conditions reads `a="b",c!~"d"`.
func (w exprWords) conditions(inside string) {
	for inside != "" {
		at := strings.IndexAny(inside, "\"'`")
		if at < 0 {
			return
		}
		n := quotedLen(inside[at:])
		condition := strings.Join(strings.Fields(strings.Trim(inside[:at], ", \t\n")), "")
		value := strings.Trim(inside[at:at+n], "\"'`")
		switch {
		case condition == "" || condition == "__name__=":
			w.metrics[family(value)] = true
		default:
			w.labels[condition+value] = true
		}
		inside = inside[at+n:]
	}
}

// bracketed is what stands between the bracket expr begins with and the next one that
// closes, outside of quotes, and what comes after it.
func bracketed(expr string, closing byte) (inside, rest string) {
	for i := 1; i < len(expr); i++ {
		switch c := expr[i]; c {
		case closing:
			return expr[1:i], expr[i+1:]
		case '"', '\'', '`':
			i += quotedLen(expr[i:]) - 1
		}
	}
	return expr[1:], ""
}

// quotedLen is how long the quoted text is that expr begins with.
func quotedLen(expr string) int {
	for i := 1; i < len(expr); i++ {
		switch {
		case expr[i] == '\\' && expr[0] != '`':
			i++
		case expr[i] == expr[0]:
			return i + 1
		}
	}
	return len(expr)
}

func inName(c byte) bool {
	return c == '_' || c == ':' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// family is a metric without what a histogram adds to its name.
func family(metric string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if short, ok := strings.CutSuffix(metric, suffix); ok {
			return short
		}
	}
	return metric
}
