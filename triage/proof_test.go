package triage

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sickbay/health"
)

// A trial is one simulated rollback: an incident of which before requests are
// known, and requests that come at 2 a second and fail with share after.
type trial struct {
	normal, ill, after float64 // shares of bad requests
	before             int     // requests of the incident
}

// run looks every 5 s for ten minutes, and says after how long it was called
// verified; 0: never.
func (c trial) run(r *rand.Rand) time.Duration {
	draw := func(n int, share float64) health.Tally { // the gaps between bad ones are geometric
		t := health.Tally{N: float64(n)}
		for at := 0.0; ; {
			at += 1 + math.Floor(math.Log(1-r.Float64())/math.Log1p(-share))
			if at > t.N {
				return t
			}
			t.Bad++
		}
	}
	ill, normal := draw(c.before, c.ill), health.Tally{N: 3600, Bad: 3600 * c.normal}
	var after health.Tally
	for at := 5 * time.Second; at <= 10*time.Minute; at += 5 * time.Second {
		more := draw(10, c.after)
		after.N, after.Bad = after.N+more.N, after.Bad+more.Bad
		if p := Prove(ill, normal, after); p.Verified() {
			return at
		}
	}
	return 0
}

// TestARollbackWithoutEffectIsHardlyEverVerified: the promise of the proof, at any
// look. A rollback that did nothing is called verified in at most 2 % of cases,
// although it is looked at 120 times; one that works is so within a minute.
func TestARollbackWithoutEffectIsHardlyEverVerified(t *testing.T) {
	for _, c := range []struct {
		name string
		trial
		runs    int
		most    float64       // share called verified
		least   float64       // likewise
		typical time.Duration // at most, in the median
	}{
		{name: "8 % stays 8 %", trial: trial{0.01, 0.08, 0.08, 600}, runs: 4000, most: 0.02},
		{name: "3 % stays 3 %", trial: trial{0.01, 0.03, 0.03, 600}, runs: 4000, most: 0.02},
		{name: "8 % stays 8 %, and of the incident little is known", trial: trial{0.01, 0.08, 0.08, 120}, runs: 4000, most: 0.02},
		{name: "8 % becomes 12 %", trial: trial{0.01, 0.08, 0.12, 600}, runs: 1000, most: 0.001},
		{name: "8 % becomes 1 %", trial: trial{0.01, 0.08, 0.01, 600}, runs: 1000, most: 1, least: 0.99, typical: time.Minute},
		{name: "half the way is not the way", trial: trial{0.01, 0.08, 0.04, 600}, runs: 1000, most: 0.20},
	} {
		r := rand.New(rand.NewPCG(7, 11))
		var found []time.Duration
		for range c.runs {
			if at := c.run(r); at > 0 {
				found = append(found, at)
			}
		}
		slices.Sort(found)
		share, middle := float64(len(found))/float64(c.runs), time.Duration(0)
		if len(found) > 0 {
			middle = found[len(found)/2]
		}
		t.Logf("%s: verified %.2f %% of %d, in the median after %s", c.name, 100*share, c.runs, middle)
		if share > c.most || share < c.least || c.typical > 0 && middle > c.typical {
			t.Errorf("%s: verified %.2f %% (%.2f to %.2f allowed), median %s (at most %s)", c.name, 100*share, 100*c.least, 100*c.most, middle, c.typical)
		}
	}
}

func TestProveSaysWhatItCan(t *testing.T) {
	ill, normal := health.Tally{N: 1000, Bad: 80}, health.Tally{N: 3000, Bad: 30}
	for _, c := range []struct {
		name                   string
		ill, normal, after     health.Tally
		enough, improved, well bool
	}{
		{"no request", ill, normal, health.Tally{}, false, false, true},
		{"59 good ones", ill, normal, health.Tally{N: 59}, false, false, true},
		{"60 good ones", ill, normal, health.Tally{N: 60}, true, true, true},
		{"as bad as it was", ill, normal, health.Tally{N: 1000, Bad: 80}, true, false, false},
		{"half as bad", ill, normal, health.Tally{N: 3000, Bad: 120}, true, true, false},
		{"rates make no whole requests", ill, normal, health.Tally{N: 600.4, Bad: 5.7}, true, true, true},
		{"everything failed, and now nothing", health.Tally{N: 500, Bad: 500}, normal, health.Tally{N: 60}, true, true, true},
		{"everything failed, and still does", health.Tally{N: 500, Bad: 500}, normal, health.Tally{N: 500, Bad: 500}, true, false, false},
		{"nothing is known of before the incident", ill, health.Tally{}, health.Tally{N: 600, Bad: 6}, true, true, true},
	} {
		p := Prove(c.ill, c.normal, c.after)
		if p.Enough() != c.enough || p.Improved && p.Enough() != c.improved || p.Well != c.well {
			t.Errorf("%s: enough %v improved %v well %v, E %.3g, limit %.3g", c.name, p.Enough(), p.Improved, p.Well, p.E, p.Limit)
		}
		if math.IsNaN(p.E) || p.E < 0 || math.IsNaN(p.Limit) {
			t.Errorf("%s: E %v, limit %v", c.name, p.E, p.Limit)
		}
	}
}

func FuzzProve(f *testing.F) {
	f.Add(600.0, 48.0, 3000.0, 30.0, 120.0, 1.0)
	f.Add(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
	f.Add(1e12, 1e12, 1.0, 1.0, 1e12, 0.0)
	f.Fuzz(func(t *testing.T, bn, bb, nn, nb, an, ab float64) {
		p := Prove(health.Tally{N: bn, Bad: bb}, health.Tally{N: nn, Bad: nb}, health.Tally{N: an, Bad: ab})
		if math.IsNaN(p.E) || p.E < 0 || math.IsNaN(p.Limit) || p.Limit < 0 || p.Limit > 1 {
			t.Errorf("E %v, limit %v", p.E, p.Limit)
		}
		if p.Verified() && (!(ab/an < bb/bn) || an < needed) {
			t.Errorf("%v of %v is called better than %v of %v", ab, an, bb, bn)
		}
	})
}

// ratioOf is a service with one ratio over the traffic, a point every 10 s for the
// last two hours; change is when the ratio goes from normal to ill.
func ratioOf(id string, now time.Time, change time.Duration, normal, ill float64) health.Service {
	traffic := health.Signal{ID: "traffic"}
	ratio := health.Signal{ID: id, Unit: health.Ratio, Bad: health.Up}
	for back := 2 * time.Hour; back >= 0; back -= 10 * time.Second {
		v := normal
		if back < change {
			v = ill
		}
		at := now.Add(-back).UnixMilli()
		traffic.Series, ratio.Series = append(traffic.Series, health.Point{T: at, V: 2}), append(ratio.Series, health.Point{T: at, V: v})
	}
	return health.Service{Name: "s", Since: now.Add(-change), Signals: []health.Signal{traffic, ratio}}
}

func TestRequestsAreCountedFromRatesOnceEach(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	s := ratioOf("errors", now, 10*time.Minute, 0.01, 0.08)
	got := Count(s, []health.Symptom{{Signal: "errors", Bad: health.Up, Limit: 0.02}, {Signal: "quality"}}, time.Minute, now)
	if b := got[0].Before; math.Abs(b.N-1200) > 121 || math.Abs(b.Share()-0.08) > 0.008 {
		t.Errorf("of the incident: %.0f requests, %.3f bad; want some 1200, 0.08", b.N, b.Share())
	}
	if n := got[0].Normal; math.Abs(n.N-3600) > 361 || math.Abs(n.Share()-0.01) > 1e-9 {
		t.Errorf("of before: %.0f requests, %.3f bad; want some 3600, 0.01", n.N, n.Share())
	}
	if got[1].Before.N != 0 {
		t.Errorf("the mean of a score was counted: %+v", got[1])
	}
	back := ratioOf("errors", now, -time.Hour, 0.01, 0.08)
	rs := Readings(back, now.Add(-5*time.Minute), time.Minute, got)
	if p := rs[0].Proof; p == nil || !p.Verified() || math.Abs(p.After.N-480) > 1 {
		t.Errorf("after: %+v", rs[0].Proof)
	}
	if !rs[0].Within() {
		t.Errorf("verified, and not within: %+v", rs[0])
	}
	if rs[1].Proof != nil {
		t.Errorf("a proof of what is not counted: %+v", rs[1])
	}
	still := ratioOf("errors", now, time.Hour, 0.01, 0.08)
	if r := Readings(still, now.Add(-5*time.Minute), time.Minute, got)[0]; r.Proof == nil || r.Proof.Verified() || r.Proof.Improved || r.Within() {
		t.Errorf("nothing changed, and it says %+v", r.Proof)
	}
}

func TestFewRequestsAreNoCount(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	s := ratioOf("errors", now, 10*time.Minute, 0.01, 0.08)
	for i := range s.Signals[0].Series {
		s.Signals[0].Series[i].V = 0.04 // 24 in ten minutes
	}
	if got := Count(s, []health.Symptom{{Signal: "errors"}}, time.Minute, now); got[0].Before.N != 0 {
		t.Errorf("%+v", got[0].Before)
	}
}

// TestFailingRequestsAreASymptom: where each request is logged, they are counted
// one by one, if they say that something is ill.
func TestFailingRequestsAreASymptom(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	begin := now.Add(-10 * time.Minute)
	counts := func(normal, ill float64) Counter {
		return func(from, to time.Time) health.Tally {
			t := health.Tally{From: from, To: to}
			for at := from; at.Before(to); at = at.Add(time.Second) {
				t.N += 2
				if t.Bad += 2 * normal; !at.Before(begin) {
					t.Bad += 2 * (ill - normal)
				}
			}
			return t
		}
	}
	s := health.Service{Name: "s", Since: begin}
	for _, c := range []struct {
		name        string
		count       Counter
		want        bool
		limitAround float64
	}{
		{"more fail than before", counts(0.01, 0.08), true, 0.0175},
		{"as many as before", counts(0.05, 0.05), false, 0},
		{"nothing is logged", counts(0, 0), false, 0},
		{"nobody counts", nil, false, 0},
		{"only few are logged now", func(from, to time.Time) health.Tally {
			t := counts(0.01, 0.08)(from, to)
			if to.Sub(from) <= waitFor {
				t.N = 40
			}
			return t
		}, false, 0},
	} {
		got, ok := Failing(s, c.count, now)
		if ok != c.want {
			t.Errorf("%s: %v %+v", c.name, ok, got)
		}
		if ok && (math.Abs(got.Limit-c.limitAround) > 0.005 || math.Abs(got.Value-0.08) > 0.01 || got.Bad != health.Up || got.Unit != health.Ratio) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	sick, _ := Failing(s, counts(0.01, 0.08), now)
	r := FailingNow(sick, func(from, to time.Time) health.Tally { return health.Tally{From: from, To: to, N: 200, Bad: 2} }, now, now.Add(2*time.Minute))
	if !r.Known || !r.Within() || r.Proof.After.N != 200 || math.Abs(r.Value-0.01) > 1e-9 {
		t.Errorf("%+v %+v", r, r.Proof)
	}
	if r := FailingNow(sick, func(from, to time.Time) health.Tally { return health.Tally{} }, now, now.Add(2*time.Minute)); r.Known || r.Within() {
		t.Errorf("without a request it says %+v", r)
	}
	if sick.Signal != FailingSignal {
		t.Errorf("%q", sick.Signal)
	}
}
