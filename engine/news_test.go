package engine

import (
	"reflect"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// TestDriftIsComparedAnewWithEveryAnswer publishes between answers and after them: in
// between nothing changes, after one everything says what the answer says.
func TestDriftIsComparedAnewWithEveryAnswer(t *testing.T) {
	now := at(360)
	p := &packs.Pack{
		ID: "app", Kind: health.ML, Identity: []string{"service"},
		Distributions: []packs.Distribution{{Signal: "class", Kind: "categorical", Query: "classes by ($by)", Label: "class"}},
		Exported:      []packs.Exported{{Signal: "feature", Query: "scores by ($by)", Tool: "evidently", Method: "psi"}},
	}
	e := New(Options{Packs: []*packs.Pack{p}, DriftBack: time.Hour, Now: func() time.Time { return now }})
	a := newAsked(&fake{name: "main"})
	e.asked = append(e.asked, a)
	a.found = []packs.Found{{Pack: p, By: "service", Services: []string{"fraud"}}}
	v := e.Join()

	answered := func(q question, ends []time.Time, counts map[string]float64) {
		var got sources.Answer
		for class, count := range counts {
			s := sources.Series{Labels: map[string]string{"service": "fraud", "class": class}}
			for _, end := range ends {
				s.Points = append(s.Points, health.Point{T: end.UnixMilli(), V: count})
			}
			got.Series = append(got.Series, s)
		}
		q.to = a
		e.take(answer{q: q, got: got})
		e.publish()
	}
	current := func(query string, n int, f feed, counts map[string]float64) {
		k := factKey{"main", e.expand(query, a.found[0], 0), moment{}, 0}
		answered(question{what: aFact, fact: k, at: at(n), feeds: f}, []time.Time{at(n)}, counts)
	}
	shown := func() []health.Drift {
		s, _ := v.Snapshot().Service("fraud")
		return s.Drift
	}
	classes, scores := p.Distributions[0].Query, p.Exported[0].Query
	current(classes, 10, looks, map[string]float64{"allow": 9_000, "block": 1_000})
	if d := shown(); len(d) != 0 {
		t.Fatalf("compared with nothing: %+v", d)
	}
	lead, _ := e.lead(viewKey{})
	k := lead.row(e.watchedBy(a, moment{})[0], moment{})
	answered(question{what: aRow, row: k, span: span{at(10).Add(-time.Hour), at(10)}, feeds: looks},
		[]time.Time{at(10).Add(-time.Hour), at(10)}, map[string]float64{"allow": 9_000, "block": 1_000})
	before := shown()
	if len(before) != 1 || before[0].Status != health.OK {
		t.Fatalf("two equal windows: %+v", before)
	}
	e.publish()
	if d := shown(); !reflect.DeepEqual(d, before) {
		t.Errorf("without an answer drift changed from %+v to %+v", before, d)
	}
	current(classes, 11, looks, map[string]float64{"allow": 4_000, "block": 6_000})
	if d := shown(); len(d) != 1 || d[0].Level != "pending" {
		t.Errorf("the mix has turned: %+v", d)
	}
	now = now.Add(e.hold())
	current(classes, 12, looks, map[string]float64{"allow": 4_000, "block": 6_000})
	if d := shown(); len(d) != 1 || d[0].Status != health.Warn {
		t.Errorf("and stays so: %+v", d)
	}
	if before[0].Status != health.OK {
		t.Error("a snapshot that somebody holds was changed")
	}
	current(scores, 12, details, map[string]float64{"": 0.3})
	if d := shown(); len(d) != 2 {
		t.Errorf("a score of another tool came: %+v", d)
	}
}
