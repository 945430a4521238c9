package packs

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"sickbay/health"
)

// every query of a pack, with the labels its answer must have.
func queries(p *Pack) map[string]struct {
	template string
	keeps    []string
} {
	all := map[string]struct {
		template string
		keeps    []string
	}{}
	add := func(what, name, q string, keeps ...string) {
		keeps = slices.DeleteFunc(append(keeps, "by"), func(s string) bool { return s == "" })
		slices.Sort(keeps)
		all[what+" "+name] = struct {
			template string
			keeps    []string
		}{q, keeps}
	}
	for _, s := range p.Signals {
		add("signal", s.ID, s.Query)
	}
	for _, d := range p.Distributions {
		if d.Kind == "histogram" && !d.Native {
			add("distribution", d.Signal, d.Query, "le", d.Feature)
		} else { // without a category a native histogram is whole
			add("distribution", d.Signal, d.Query, d.Label, d.Feature)
		}
	}
	for _, e := range p.Exported {
		keeps := []string{e.Feature}
		for _, w := range []string{e.Tool, e.Method, e.Base} { // a label, or the word itself
			if regexp.MustCompile(`by \([^)]*\b` + regexp.QuoteMeta(w) + `\b`).MatchString(e.Query) {
				keeps = append(keeps, w)
			}
		}
		add("exported", e.Signal, e.Query, keeps...)
	}
	for _, v := range p.Versions {
		add("version", v.What, v.Query, v.Label)
	}
	return all
}

func TestEveryPack(t *testing.T) {
	all := All()
	exporters := slices.DeleteFunc(slices.Clone(all), func(p *Pack) bool { return strings.HasPrefix(p.ID, "ai-") })
	if len(exporters) < 25 {
		t.Errorf("only %d exporters are known", len(exporters))
	}
	for _, p := range all {
		t.Run(p.ID, func(t *testing.T) {
			if p.Read == "" {
				t.Error("does not say where its names were read")
			}
			for name, q := range queries(p) {
				expr := parse(t, name, Expand(q.template, "by", time.Minute, time.Hour))
				if expr == nil {
					continue
				}
				if got := slices.Sorted(maps.Keys(kept(expr))); !slices.Equal(got, q.keeps) {
					t.Errorf("%s: its answer has the labels %v, want %v", name, got, q.keeps)
				}
				for _, d := range bareDivisions(expr) {
					t.Errorf("%s: divides by %s, which may be 0; write (… > 0)", name, d)
				}
			}
			if n := len(queries(p)); n > 20 {
				t.Errorf("asks %d queries", n)
			}
			for _, s := range p.Signals {
				if s.Title == "" || !slices.Contains(units, s.Unit) {
					t.Errorf("signal %s: title %q, unit %q", s.ID, s.Title, s.Unit)
				}
			}
			detected := Discover(all, presences(t, p.Sample))
			if !slices.ContainsFunc(detected, func(f Found) bool { return f.Pack.ID == p.ID && len(f.Services) > 0 }) {
				t.Errorf("its sample does not detect it")
			}
			for _, f := range detected {
				// An agent that says what it costs speaks as an application too: the
				// ai_* packs are one vocabulary.
				if f.Pack.ID != p.ID && !(f.Pack.ID == "ai-app" && strings.HasPrefix(p.ID, "ai-")) {
					t.Errorf("its sample detects %s too", f.Pack.ID)
				}
			}
		})
	}
}

func TestEveryQueryIsTheSameForAnyIdentityLabel(t *testing.T) {
	for _, p := range All() {
		for _, by := range p.Identity {
			for name, q := range queries(p) {
				parse(t, p.ID+" "+name+" by "+by, Expand(q.template, by, 15*time.Second, time.Minute))
			}
		}
	}
}

func TestNoQueryCarriesAKeyOrAPerson(t *testing.T) {
	for _, p := range All() {
		for name, q := range queries(p) {
			for _, secret := range []string{"hashed_api_key", "api_key_alias", "end_user", "user_email", "client_ip"} {
				if strings.Contains(q.template, secret) {
					t.Errorf("%s %s: asks for %s", p.ID, name, secret)
				}
			}
		}
	}
}

func TestTheCatalogueIsWhole(t *testing.T) {
	measured, seen := map[string]bool{}, map[string]bool{}
	for _, p := range All() {
		for _, s := range p.Signals {
			measured[s.ID] = true
		}
	}
	for _, d := range Catalogue() {
		if seen[d.ID] {
			t.Errorf("%s is there twice", d.ID)
		}
		seen[d.ID] = true
		if d.Title == "" || len([]rune(d.Short)) > 8 || d.Short == "" || d.Short != strings.ToUpper(d.Short) {
			t.Errorf("%s: title %q, short %q", d.ID, d.Title, d.Short)
		}
		if !slices.Contains(units, string(d.Unit)) {
			t.Errorf("%s: unit %q", d.ID, d.Unit)
		}
		if groups := "traffic errors latency saturation tokens cost quality freshness safety drift outcome"; !slices.Contains(strings.Fields(groups), d.Group) {
			t.Errorf("%s: group %q", d.ID, d.Group)
		}
		if (d.Warn != 0 || d.Critical != 0) && d.Why == "" {
			t.Errorf("%s: limits without a reason", d.ID)
		}
		if !measured[d.ID] {
			t.Errorf("%s: no pack measures it", d.ID)
		}
		for _, kind := range append(kinds, "") {
			l := d.Limit(health.Kind(kind))
			if l.Warn == nil || l.Critical == nil {
				continue
			}
			if d.Bad == health.Up && *l.Critical <= *l.Warn || d.Bad == health.Down && *l.Critical >= *l.Warn || d.Bad == health.Neutral {
				t.Errorf("%s of %q: warn %v, critical %v, worse %q", d.ID, kind, *l.Warn, *l.Critical, d.Bad)
			}
		}
	}
	for _, kind := range append(kinds, "") {
		for _, id := range append(Golden(health.Kind(kind)), Columns()...) {
			if !seen[id] {
				t.Errorf("golden for %q: %q is not in the catalogue", kind, id)
			}
		}
	}
}

func TestALimitIsThePacksElseTheCataloguesForTheKind(t *testing.T) {
	own, pack := Signal{ID: "latency_p95", Warn: health.Num(3), Why: "measured"}, &Pack{ID: "mine"}
	for _, c := range []struct {
		signal Signal
		kind   health.Kind
		want   string
	}{
		{Signal{ID: "latency_p95"}, health.LLM, "8 20"},
		{Signal{ID: "latency_p95"}, health.Agent, "30 90"},
		{Signal{ID: "latency_p95"}, health.ML, "0.25 1"},
		{Signal{ID: "gpu_util"}, health.Infra, "0.95 -"},
		{Signal{ID: "retrain_due"}, health.ML, "0 -"},
		{Signal{ID: "outcome"}, health.LLM, "- -"},
		{Signal{ID: "of its own"}, health.LLM, "- -"},
		{own, health.LLM, "3 -"},
	} {
		l, say := pack.Limit(c.signal, c.kind), func(v *float64) string {
			if v == nil {
				return "-"
			}
			return fmt.Sprint(*v)
		}
		if got := say(l.Warn) + " " + say(l.Critical); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.signal.ID, c.kind, got, c.want)
		}
		if (l.Warn != nil) != (l.Source != "") {
			t.Errorf("%s of %s: says %q", c.signal.ID, c.kind, l.Source)
		}
	}
}

func parse(t *testing.T, name, query string) parser.Expr {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, query)
		return nil
	}
	if expr.Type() != parser.ValueTypeVector {
		t.Errorf("%s: is a %s, not a vector", name, expr.Type())
	}
	return expr
}

// kept are the labels an answer can have; "*" stands for all there are.
func kept(e parser.Expr) map[string]bool {
	switch e := e.(type) {
	case *parser.AggregateExpr:
		if e.Without {
			return map[string]bool{"*": true}
		}
		by := map[string]bool{}
		for _, l := range e.Grouping {
			by[l] = true
		}
		return by
	case *parser.BinaryExpr:
		left, right := kept(e.LHS), kept(e.RHS)
		switch {
		case e.LHS.Type() == parser.ValueTypeScalar:
			return right
		case e.Op == parser.LOR:
			maps.Copy(left, right)
		case e.VectorMatching != nil && e.VectorMatching.Card != parser.CardOneToOne && !e.Op.IsSetOperator():
			left["*"] = true // group_left: not looked into
		}
		return left
	case *parser.Call:
		left := map[string]bool{}
		for _, a := range e.Args {
			if a.Type() != parser.ValueTypeScalar {
				maps.Copy(left, kept(a))
			}
		}
		if e.Func.Name == "histogram_quantile" {
			delete(left, "le")
		}
		return left
	case *parser.ParenExpr:
		return kept(e.Expr)
	case *parser.UnaryExpr:
		return kept(e.Expr)
	case *parser.NumberLiteral:
		return map[string]bool{}
	}
	return map[string]bool{"*": true}
}

// bareDivisions are the divisors that no "> 0" guards.
func bareDivisions(e parser.Expr) (bare []string) {
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		b, ok := n.(*parser.BinaryExpr)
		if !ok || b.Op != parser.DIV {
			return nil
		}
		divisor := b.RHS
		for {
			p, ok := divisor.(*parser.ParenExpr)
			if !ok {
				break
			}
			divisor = p.Expr
		}
		switch d := divisor.(type) {
		case *parser.NumberLiteral:
		case *parser.BinaryExpr:
			if zero, ok := d.RHS.(*parser.NumberLiteral); ok && d.Op == parser.GTR && zero.Val == 0 && !d.ReturnBool {
				return nil
			}
			bare = append(bare, divisor.String())
		default:
			bare = append(bare, divisor.String())
		}
		return nil
	})
	return bare
}

// presences reads exposition lines as the answer to the detect query would tell
// of them.
func presences(t *testing.T, sample string) (all []Presence) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(sample), "\n") {
		end := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || end < 0 {
			continue
		}
		ls, err := parser.NewParser(parser.Options{}).ParseMetric(strings.TrimSpace(line[:end]))
		if err != nil {
			t.Errorf("sample line %q: %v", line, err)
			continue
		}
		p := Presence{Metric: ls.Get(model.MetricNameLabel), Labels: map[string]string{}}
		ls.Range(func(l labels.Label) { p.Labels[l.Name] = l.Value })
		all = append(all, p)
	}
	return all
}
