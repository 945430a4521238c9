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
	e := New(Options{Packs: []*packs.Pack{p}, Now: func() time.Time { return now }})
	a := newAsked(&fake{name: "main"})
	e.asked = append(e.asked, a)
	a.found = []packs.Found{{Pack: p, By: "service", Services: []string{"fraud"}}}
	v := e.Join()

	answered := func(query string, back time.Duration, n int, counts map[string]float64) {
		var got sources.Answer
		for class, count := range counts {
			got.Series = append(got.Series, sources.Series{
				Labels: map[string]string{"service": "fraud", "class": class}, Points: []health.Point{{T: at(n).UnixMilli(), V: count}},
			})
		}
		k := factKey{"main", e.expand(query, a.found[0], 0), moment{}, back}
		e.take(answer{q: question{what: aFact, to: a, fact: k, at: at(n)}, got: got})
		e.publish()
	}
	shown := func() []health.Drift {
		s, _ := v.Snapshot().Service("fraud")
		return s.Drift
	}
	classes, scores := p.Distributions[0].Query, p.Exported[0].Query
	answered(classes, 0, 10, map[string]float64{"allow": 9_000, "block": 1_000})
	if d := shown(); len(d) != 0 {
		t.Fatalf("compared with nothing: %+v", d)
	}
	answered(classes, e.o.DriftBack, 10, map[string]float64{"allow": 9_000, "block": 1_000})
	before := shown()
	if len(before) != 1 || before[0].Status != health.OK {
		t.Fatalf("two equal windows: %+v", before)
	}
	e.publish()
	if d := shown(); !reflect.DeepEqual(d, before) {
		t.Errorf("without an answer drift changed from %+v to %+v", before, d)
	}
	answered(classes, 0, 11, map[string]float64{"allow": 4_000, "block": 6_000})
	if d := shown(); len(d) != 1 || d[0].Status != health.Warn {
		t.Errorf("the mix has turned: %+v", d)
	}
	if before[0].Status != health.OK {
		t.Error("a snapshot that somebody holds was changed")
	}
	answered(scores, 0, 11, map[string]float64{"": 0.3})
	if d := shown(); len(d) != 2 {
		t.Errorf("a score of another tool came: %+v", d)
	}
}
