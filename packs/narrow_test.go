package packs

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

const oneService = `service="a\"b"`

func TestEveryQueryCanBeNarrowed(t *testing.T) {
	for _, p := range All() {
		var queries []string
		for _, s := range p.Signals {
			queries = append(queries, s.Query)
		}
		for _, d := range p.Distributions {
			queries = append(queries, d.Query)
		}
		for _, q := range queries {
			for _, by := range []string{"service", "service, pod, instance"} {
				holdNarrowed(t, p.ID, Expand(q, by, time.Minute, time.Hour))
			}
		}
	}
}

func TestNarrowingReachesEverySelectorAndNothingElse(t *testing.T) {
	for _, q := range []string{
		`up`, `up{}`, `up{job="x",}`, `sum by (job, pod) (rate(x_total{a="}"}[5m]))`, `{__name__=~"a|b"}`,
		`a / on (service) group_left (pod) b offset 5m`, `histogram_quantile(0.95, sum by (le) (rate(x_bucket[1m])))`,
		`x > 1e3 or 2 * y == bool 0`, `label_replace(up, "a", "$1", "b", "(.*)")`, `sum(x) without (pod) and topk(3, y)`,
		`max_over_time((a - b)[1h:1m])`, `vllm:e2e_seconds_count unless ignoring(le) z`, `quantile by (a) (0.5, x @ 1700000000)`,
	} {
		holdNarrowed(t, "by hand", q)
	}
}

// holdNarrowed compares with what the real parser makes of it.
func holdNarrowed(t *testing.T, who, query string) {
	t.Helper()
	p := parser.NewParser(parser.Options{})
	want, err := p.ParseExpr(query)
	if err != nil {
		return // names with dots need a newer server; they are parsed elsewhere
	}
	got, err := p.ParseExpr(Narrow(query, oneService))
	if err != nil {
		t.Errorf("%s: %s became %s: %v", who, query, Narrow(query, oneService), err)
		return
	}
	matcher := labels.MustNewMatcher(labels.MatchEqual, "service", `a"b`)
	parser.Inspect(want, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			v.LabelMatchers = append(v.LabelMatchers, matcher)
		}
		return nil
	})
	// The parser puts the name's own matcher last: compare what is printed.
	if a, b := p2(t, p, want.String()), p2(t, p, got.String()); a != b {
		t.Errorf("%s: %s\n narrowed %s\n want     %s", who, query, b, a)
	}
}

// p2 parses what was printed once more, so that both are printed the same way.
func p2(t *testing.T, p parser.Parser, s string) string {
	t.Helper()
	e, err := p.ParseExpr(s)
	if err != nil {
		t.Fatal(err)
	}
	return e.String()
}

func FuzzNarrow(f *testing.F) {
	for _, p := range All() {
		for _, s := range p.Signals {
			f.Add(s.Query)
		}
	}
	f.Fuzz(func(t *testing.T, q string) {
		if n := Narrow(q, `a="b"`); len(n) < len(q) {
			t.Errorf("%q lost something: %q", q, n)
		}
	})
}
