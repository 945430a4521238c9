package packs

import (
	"context"
	"math"
	"testing"
	"time"

	"sickbay/demo/prom"
)

func TestTheScrapeIntervalIsFoundWhateverPacksAreThere(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	for _, every := range []time.Duration{5 * time.Second, 15 * time.Second, time.Minute} {
		store := prom.NewStore(time.Hour)
		for _, name := range []string{"vllm:num_requests_running", "collection_points", "collections_vector_total"} {
			r := store.Series(map[string]string{"__name__": name, "service": "x"})
			for tm := at.Add(-30 * time.Minute); tm.Before(at); tm = tm.Add(every) {
				if err := store.Append(r, tm.UnixMilli(), 1); err != nil {
					t.Fatal(err)
				}
			}
		}
		var found []Found
		for _, p := range All() {
			found = append(found, Found{Pack: p, By: "service"})
		}
		q, err := engine.NewInstantQuery(context.Background(), store, nil, IntervalQuery(found), at)
		if err != nil {
			t.Fatal(err)
		}
		res := q.Exec(context.Background())
		v, err := res.Vector()
		if err != nil || len(v) != 1 {
			t.Fatalf("%v: %v, %v", every, v, err)
		}
		if got := Interval(v[0].F); got != every {
			t.Errorf("scraped every %v, found %v of %v", every, got, v[0].F)
		}
	}
}

func TestAnAnswerThatIsNoIntervalSaysNothing(t *testing.T) {
	for _, v := range []float64{0, -5, math.NaN(), math.Inf(1), 5000, 0.001} {
		if got := Interval(v); got != 0 {
			t.Errorf("%v became %v", v, got)
		}
	}
}
