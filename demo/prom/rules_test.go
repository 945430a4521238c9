package prom

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
)

// at is a time of the rule tests: minutes after an even hour.
func at(minutes float64) time.Time {
	return time.Unix(1_000_000*60, 0).Add(time.Duration(minutes * float64(time.Minute)))
}

// bells is a store in which bell{job="a"} rings (1) from minute 3 to 9 and
// from 12 to 13, and bell{job="b"} from 5 until its target disappears at 8.
func bells(t testing.TB) *Store {
	s := NewStore(0)
	a, b := s.Series(map[string]string{"__name__": "bell", "job": "a"}), s.Series(map[string]string{"__name__": "bell", "job": "b"})
	rings := func(m float64, spans ...float64) float64 {
		for i := 0; i < len(spans); i += 2 {
			if m >= spans[i] && m <= spans[i+1] {
				return 1
			}
		}
		return 0
	}
	for m := 0.0; m <= 20; m += 0.25 {
		ms := at(m).UnixMilli()
		err := s.Append(a, ms, rings(m, 3, 9, 12, 13))
		if m < 8 && err == nil {
			err = s.Append(b, ms, rings(m, 5, 8))
		} else if m == 8 && err == nil {
			err = s.Stale(b, ms)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

var bellRule = Rule{
	Name: "Rings", Expr: "bell > 0", For: 2 * time.Minute,
	Labels:      map[string]string{"severity": "page", "team": "{{ $labels.job }}-team"},
	Annotations: map[string]string{"text": "{{$labels.job}} rings {{ $value | humanizePercentage }}"},
}

// states draws ALERTS and ALERTS_FOR_STATE of one job, one letter a minute:
// p pending, f firing, - nothing. It fails when both are there at once.
func states(t *testing.T, s *Store, job string) string {
	t.Helper()
	engine := newEngine()
	count := func(expr string, m float64) promql.Vector {
		q, err := engine.NewInstantQuery(context.Background(), s, nil, expr, at(m))
		if err != nil {
			t.Fatal(err)
		}
		v, err := q.Exec(context.Background()).Vector()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var line strings.Builder
	for m := 0.0; m <= 20; m++ {
		alerts := count(fmt.Sprintf(`ALERTS{alertname="Rings",job=%q,severity="page",team="%s-team"}`, job, job), m)
		started := count(fmt.Sprintf(`ALERTS_FOR_STATE{job=%q}`, job), m)
		if len(alerts) > 1 || len(alerts) != len(started) {
			t.Fatalf("minute %v: %v and %v", m, alerts, started)
		}
		if len(alerts) == 0 {
			line.WriteByte('-')
			continue
		}
		line.WriteByte(alerts[0].Metric.Get("alertstate")[0])
	}
	return line.String()
}

const (
	wantA = "---ppfffff--pp-------" // 3–9 fires at 5; 12–13 is too short
	wantB = "-----ppf-------------" // 5–8 fires at 7; gone at 8
)

func TestAlertsWaitFireAndResolve(t *testing.T) {
	for name, run := range map[string]func(rs *Rules){
		"live": func(rs *Rules) {
			for m := 0.0; m <= 20; m++ {
				must(t, rs.Eval(at(m)))
			}
		},
		"backfilled": func(rs *Rules) { must(t, rs.Backfill(at(0), at(20), time.Minute)) },
		"backfilled, then live": func(rs *Rules) {
			must(t, rs.Backfill(at(0), at(4.5), time.Minute))
			for m := 5.0; m <= 20; m++ {
				must(t, rs.Eval(at(m)))
			}
		},
	} {
		s := bells(t)
		rs, err := NewRules(s, []Rule{bellRule})
		must(t, err)
		run(rs)
		if got := states(t, s, "a"); got != wantA {
			t.Errorf("%s: a is\n%s, want\n%s", name, got, wantA)
		}
		if got := states(t, s, "b"); got != wantB {
			t.Errorf("%s: b is\n%s, want\n%s", name, got, wantB)
		}
	}
}

func TestBackfillGivesWhatEvaluationGives(t *testing.T) {
	everything := func(s *Store) string {
		q, _ := newEngine().NewRangeQuery(context.Background(), s, nil, `{__name__=~"ALERTS.*"}`, at(0), at(20), 15*time.Second)
		return q.Exec(context.Background()).String()
	}
	one, other := bells(t), bells(t)
	rules := []Rule{bellRule, {Name: "AtOnce", Expr: `sum by (job) (bell) > 0`}, {Name: "Always", Expr: "vector(3)", For: time.Hour}, {Name: "Scalar", Expr: "1"}}
	a, err := NewRules(one, rules)
	must(t, err)
	b, err := NewRules(other, rules)
	must(t, err)
	must(t, a.Backfill(at(0), at(20), 30*time.Second))
	for m := 0.0; m <= 20; m += 0.5 {
		must(t, b.Eval(at(m)))
	}
	if got, want := everything(one), everything(other); got != want || !strings.Contains(got, "AtOnce") || !strings.Contains(got, "Scalar") {
		t.Errorf("backfilled\n%s\nlive\n%s", got, want)
	}
	if got, want := fmt.Sprint(a.alerts()), fmt.Sprint(b.alerts()); got != want {
		t.Errorf("backfilled %s\nlive %s", got, want)
	}
}

func TestAlertsForStateIsTheTimeTheyBegan(t *testing.T) {
	s := bells(t)
	rs, err := NewRules(s, []Rule{bellRule})
	must(t, err)
	must(t, rs.Backfill(at(0), at(8), time.Minute))
	got := ranged(t, newEngine(), s, `ALERTS_FOR_STATE{job="a"} offset -16h`, time.Minute)
	q, err := newEngine().NewInstantQuery(context.Background(), s, nil, `ALERTS_FOR_STATE{job="a"}`, at(8))
	must(t, err)
	v, err := q.Exec(context.Background()).Vector()
	if err != nil || len(v) != 1 || v[0].F != float64(at(3).Unix()) {
		t.Errorf("got %v, %v, want %d; %.100s", v, err, at(3).Unix(), got)
	}
}

func TestAFailingRuleSaysSoAndKeepsItsAlerts(t *testing.T) {
	s := bells(t)
	clash := s.Series(map[string]string{"__name__": "bell", "job": "a", "twin": "1"})
	rs, err := NewRules(s, []Rule{
		{Name: "Clash", Expr: "bell * on(job) bell > 0"},
		{Name: "Same", Expr: "bell >= 0", Labels: map[string]string{"job": "one", "twin": "one"}},
		{Name: "Fine", Expr: `bell{job="b"} >= 0`},
	})
	must(t, err)
	if err := rs.Eval(at(4)); err == nil || strings.Contains(err.Error(), "Clash") || !strings.Contains(err.Error(), `alert rule "Same": vector contains metrics with the same labelset`) {
		t.Errorf("at 4: %v", err)
	}
	must(t, s.Append(clash, at(6).UnixMilli(), 1))
	if err := rs.Eval(at(6)); err == nil || !strings.Contains(err.Error(), `alert rule "Clash": found duplicate series`) {
		t.Errorf("at 6: %v", err)
	}
	group := rs.list(func(string) bool { return true }, true).Groups[0]
	for i, want := range []string{"Clash err firing 1", "Same err inactive 0", "Fine ok firing 1"} {
		r := group.Rules[i]
		if got := fmt.Sprintf("%s %s %s %d", r.Name, r.Health, r.State, len(r.Alerts)); got != want {
			t.Errorf("got %s (%s), want %s", got, r.LastError, want)
		}
	}
}

func TestFaultsOfRulesAreAllReportedAtOnce(t *testing.T) {
	_, err := NewRules(NewStore(0), []Rule{
		{Name: "A", Expr: "up >"},
		{Name: "B", Expr: "up[5m]"},
		{Name: "C", Expr: "up", Labels: map[string]string{"x": "{{ $value }}"}},
		{Name: "D", Expr: "up", Annotations: map[string]string{"x": "{{ $lables.job }}"}},
		{Name: "E", Expr: "up", Annotations: map[string]string{"x": "{{ $labels.job"}},
		{Expr: "up"},
		{Name: "Good", Expr: "up"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`alert rule "A": expr: 1:5: parse error: unexpected end of input`,
		`alert rule "B": expr gives a matrix; an alert rule needs an instant vector`,
		`alert rule "C": label x shows $value`,
		`alert rule "D": annotation x: cannot read {{ $lables.job }}`,
		`alert rule "E": annotation x: "{{ $labels.job" is not closed with }}`,
		`alert rule "": a name is missing`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "Good") {
		t.Errorf("a good rule is blamed: %v", err)
	}
}

func TestBackfillRefusesAnEmptySpan(t *testing.T) {
	rs, err := NewRules(bells(t), []Rule{bellRule})
	must(t, err)
	for _, err := range []error{rs.Backfill(at(2), at(1), time.Minute), rs.Backfill(at(1), at(2), 0)} {
		if err == nil {
			t.Error("no error")
		}
	}
}

func TestTemplatesAreExpanded(t *testing.T) {
	ls := bells(t).Series(map[string]string{"__name__": "x", "job": "a"}).series.labels
	for _, c := range []struct {
		text string
		v    float64
		want string
	}{
		{"", 1, ""}, {"plain } text {", 1, "plain } text {"}, {"{{$labels.job}}{{ $labels.nothing }}!", 1, "a!"},
		{"{{ $value }}", 0.25, "0.25"}, {"{{ $value }}", math.Inf(1), "+Inf"},
		{"{{ $value | humanizePercentage }} bad", 0.12345, "12.35% bad"}, {"{{$value|printf \"%.1f\"}}", 2.345, "2.3"},
		{"{{ $value | humanize }}", 0, "0"}, {"{{ $value | humanize }}", 1234567, "1.235M"}, {"{{ $value | humanize }}", 0.0012, "1.2m"},
		{"{{ $value | humanize }}", -1500, "-1.5k"}, {"{{ $value | humanize }}", math.NaN(), "NaN"},
		{"{{ $value | humanizeDuration }}", 0, "0s"}, {"{{ $value | humanizeDuration }}", 0.0125, "12.5ms"},
		{"{{ $value | humanizeDuration }}", 59.5, "59.5s"}, {"{{ $value | humanizeDuration }}", 75, "1m 15s"},
		{"{{ $value | humanizeDuration }}", 3*3600 + 62, "3h 1m 2s"}, {"{{ $value | humanizeDuration }}", 90061, "1d 1h 1m 1s"},
		{"{{ $value | humanizeDuration }}", -75, "-1m 15s"},
	} {
		tmpl, err := parseTemplate(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := tmpl.expand(ls, c.v); got != c.want {
			t.Errorf("%q of %v is %q, want %q", c.text, c.v, got, c.want)
		}
	}
	for _, text := range []string{"{{", "{{ }}", "{{ $value | nothing }}", "{{ .Labels.job }}", "{{ $labels. }}", "{{ $labels.a | humanize }}", "{{ $value | printf x }}"} {
		if _, err := parseTemplate(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "{{ $value }}", "a {{$labels.x}} b {{ $value | humanize }}", "}}{{", "{{ $value | printf \"%d\" }}"} {
		f.Add(s, 1.5)
	}
	ls := bells(f).Series(map[string]string{"__name__": "x"}).series.labels
	f.Fuzz(func(t *testing.T, text string, v float64) {
		tmpl, err := parseTemplate(text)
		if err != nil {
			return
		}
		if got := tmpl.expand(ls, v); !strings.Contains(text, "{{") && got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}
