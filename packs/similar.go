package packs

import "strings"

// Similar finds the known metric name that shares most words with a name: exporters
// that measure the same thing call it by the same words in another order, with
// another prefix or unit. Empty: none shares enough.
func Similar(name string, known []string) string {
	best, found := 0.5, ""
	for _, k := range known {
		if s := likeness(name, k); s > best && k != name || s == best && found != "" && k < found {
			best, found = s, k
		}
	}
	return found
}

// likeness is the share of the words of two names that both have, 0..1. Words that
// say nothing about what is measured count for nothing.
func likeness(a, b string) float64 {
	wa, wb := telling(a), telling(b)
	if len(wa) < 2 || len(wb) < 2 {
		return 0 // one word in common is chance
	}
	both, almost := 0, 0
	for w := range wa {
		if wb[w] {
			both++
		} else if misspelt(w, wa, wb) {
			almost++
		}
	}
	return (float64(both) + 0.9*float64(almost)) / float64(len(wa)+len(wb)-both-almost)
}

// misspelt says whether one of the others is this word but for one letter.
func misspelt(w string, wa, wb map[string]bool) bool {
	for o := range wb {
		if !wa[o] && len(w) >= 5 && len(o) >= 5 && oneLetter(w, o) {
			return true
		}
	}
	return false
}

// oneLetter says whether two words differ by one letter: another, or one too many.
func oneLetter(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return i < len(b) && len(b)-len(a) <= 1 && (a[i:] == b[i+1:] || i < len(a) && a[i+1:] == b[i+1:])
}

// Family is the name under which an exporter declares a metric: without what
// histograms and counters add to it.
func Family(name string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum", "_total", "_created"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			return base
		}
	}
	return name
}

// Reads lists the names of everything a pack asks for, each once, sorted.
func (p *Pack) Reads() []string {
	names := p.Metrics()
	for _, s := range p.Signals {
		names = append(names, MetricsOf(s.Query)...)
	}
	for _, d := range p.Distributions {
		names = append(names, MetricsOf(d.Query)...)
	}
	for _, x := range p.Exported {
		names = append(names, MetricsOf(x.Query)...)
	}
	for _, v := range p.Versions {
		names = append(names, MetricsOf(v.Query)...)
	}
	for _, t := range append(append([]Tie(nil), p.Calls...), p.Serves...) {
		names = append(names, MetricsOf(t.Query)...)
	}
	return distinct(names)
}

// mute are the words of names that come from conventions, not from what is measured.
var mute = map[string]bool{
	"total": true, "bucket": true, "sum": true, "count": true, "seconds": true, "ms": true, "ratio": true, "bytes": true, "metric": true,
}

func telling(name string) map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == ':' || r == '.' }) {
		if !mute[w] {
			words[w] = true
		}
	}
	return words
}
