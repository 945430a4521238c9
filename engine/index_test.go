package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// TestAnIndexFindsWhatASearchFinds lets series come, go and be replaced: what is
// found by the index is what looking at every series finds.
func TestAnIndexFindsWhatASearchFinds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	f := &frame{series: map[string]*line{}}
	for n := 1; n < 300; n++ {
		got := ticks(n, n)
		if rnd.IntN(20) == 0 {
			got = ticks(n*100, n*100) // far away: everything is replaced
		}
		var a sources.Answer
		for range rnd.IntN(5) {
			a.Series = append(a.Series, sources.Series{
				Labels: map[string]string{"service": fmt.Sprint("s", rnd.IntN(8))},
				Points: []health.Point{{T: got.to.UnixMilli(), V: 1}},
			})
		}
		f.merge(got, tick, a, at(n))
		if rnd.IntN(3) == 0 {
			f.trim(f.to.Add(-5 * tick))
		}
		for s := range 8 {
			name := fmt.Sprint("s", s)
			var want []*line
			for _, l := range f.series {
				if l.labels["service"] == name {
					want = append(want, l)
				}
			}
			if found := f.about("service", name); !slices.Equal(found, want) {
				t.Fatalf("after %d answers: %d series of %s found, want %d", n, len(found), name, len(want))
			}
		}
	}
}

// TestAFactIsFoundInTheNewestAnswer asks before and after an answer.
func TestAFactIsFoundInTheNewestAnswer(t *testing.T) {
	e, to := New(Options{}), newAsked(&fake{name: "main"})
	k := factKey{source: "main", expr: "versions"}
	for n, services := range [][]string{{"a"}, {"a", "b"}, {"b"}, {}} {
		var got sources.Answer
		for _, name := range services {
			got.Series = append(got.Series, sources.Series{Labels: map[string]string{"service": name}})
		}
		e.take(answer{q: question{what: aFact, to: to, fact: k, at: at(n)}, got: got})
		for _, name := range []string{"a", "b", "c"} {
			found := e.facts[k].about("service", name)
			if want := slices.Contains(services, name); want != (len(found) == 1) {
				t.Errorf("answer %d: %d series of %s, there %v", n, len(found), name, want)
			}
		}
	}
}

// BenchmarkPublish is one picture of many services with 20 signals of an hour: what
// one service costs must not depend on how many others there are.
func BenchmarkPublish(b *testing.B) {
	for _, services := range []int{50, 500} {
		b.Run(fmt.Sprint(services, " services"), func(b *testing.B) {
			e := crowded(services)
			b.ReportAllocs()
			for b.Loop() {
				e.publish()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(services), "µs/service")
		})
	}
}

// crowded is an engine that knows all of an hour of many services.
func crowded(services int) *Engine {
	now := at(360)
	p := &packs.Pack{ID: "app", Kind: health.LLM, Detect: []string{"app_total"}, Identity: []string{"service"}}
	for _, id := range packs.IDs()[:20] {
		p.Signals = append(p.Signals, packs.Signal{ID: id, Query: id + " by ($by)"})
	}
	e := New(Options{Packs: []*packs.Pack{p}, Now: func() time.Time { return now }})
	a := newAsked(&fake{name: "main"})
	e.asked, a.tried = append(e.asked, a), true
	found := packs.Found{Pack: p, By: "service"}
	for s := range services {
		found.Services = append(found.Services, fmt.Sprintf("service-%03d", s))
	}
	a.found = []packs.Found{found}
	step := stepOf(e.o.Base)
	for i, signal := range p.Signals {
		k := frameKey{"main", e.expand(signal.Query, found, step), step, moment{}}
		var got sources.Answer
		for s, name := range found.Services {
			series := sources.Series{Labels: map[string]string{"service": name}}
			for n := range 361 {
				series.Points = append(series.Points, health.Point{T: at(n).UnixMilli(), V: float64((i+s+n)%7) / 1000})
			}
			got.Series = append(got.Series, series)
		}
		e.take(answer{q: question{what: aRange, to: a, frame: k, span: ticks(0, 360)}, got: got})
	}
	e.Join()
	return e
}
