package prom

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

func oddValue(rng *rand.Rand) float64 {
	switch rng.IntN(40) {
	case 0:
		return math.NaN()
	case 1:
		return math.Inf(1 - 2*rng.IntN(2))
	case 2:
		return math.Float64frombits(value.StaleNaN)
	case 3:
		return math.Copysign(0, -1)
	}
	return rng.NormFloat64() * 100
}

func TestEngineFindsTheSameInTheStoreAsInAPlainList(t *testing.T) {
	engine := newEngine()
	for seed := range uint64(3) {
		store, twin := twins(t, seed)
		for _, expr := range []string{
			`x_total`, `g`, `{service=~"a|b"}`, `{service!="", UUID=""}`, `{__name__=~"x.*|g"}`, `rate(x_total[2m])`,
			`sum by (service) (increase(x_total{pod!="0"}[7m]))`, `histogram_quantile(0.9, rate(h_bucket[5m]))`,
			`max_over_time(g[3m:20s])`, `x_total offset 10m`, `g @ 3000`, `topk(2, x_total)`, `bottomk(1, g)`,
			`count_over_time(g[1h])`, `last_over_time(g[90s])`, `absent(g{service="zzz"})`, `absent_over_time(x_total[1m])`,
			`changes(x_total[20m])`, `resets(x_total[1h])`, `deriv(g{service="a"}[5m])`, `timestamp(x_total)`,
		} {
			for _, step := range []time.Duration{7 * time.Second, time.Minute, 10 * time.Minute} {
				got, want := ranged(t, engine, store, expr, step), ranged(t, engine, twin, expr, step)
				if got != want {
					t.Fatalf("seed %d: %s at step %s\ngot  %.300s\nwant %.300s", seed, expr, step, got, want)
				}
			}
		}
	}
}

func ranged(t *testing.T, engine *promql.Engine, q storage.Queryable, expr string, step time.Duration) string {
	t.Helper()
	query, err := engine.NewRangeQuery(context.Background(), q, nil, expr, time.UnixMilli(1_000_000), time.UnixMilli(1_000_000+600*step.Milliseconds()), step)
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	return query.Exec(context.Background()).String()
}

func TestIteratorGoesWhereAListGoes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	store, twin := twins(t, 9)
	var reused chunkenc.Iterator
	for range 400 {
		a, b := rng.Int64N(13_000_000), rng.Int64N(13_000_000)
		mint, maxt := min(a, b), max(a, b)
		matcher := labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+")
		wants := map[string]storage.Series{}
		q, _ := twin.Querier(mint, maxt)
		for set := q.Select(context.Background(), true, nil, matcher); set.Next(); {
			wants[set.At().Labels().String()] = set.At()
		}
		q, _ = store.Querier(mint, maxt)
		for set := q.Select(context.Background(), true, nil, matcher); set.Next(); {
			reused = set.At().Iterator(reused)
			walk(t, rng, reused, wants[set.At().Labels().String()].Iterator(nil), maxt)
		}
	}
}

// walk moves both iterators by the same steps and leaps until they end, or
// until it has had enough, so that a half-used one is reused too.
func walk(t *testing.T, rng *rand.Rand, got, want chunkenc.Iterator, maxt int64) {
	t.Helper()
	for range 30 {
		var g, w chunkenc.ValueType
		if rng.IntN(2) == 0 {
			g, w = got.Next(), want.Next()
		} else {
			to := rng.Int64N(maxt + 30_000)
			g, w = got.Seek(to), want.Seek(to)
		}
		if g != w {
			t.Fatalf("got value type %s, want %s", g, w)
		}
		if g == chunkenc.ValNone {
			if got.Next() != chunkenc.ValNone || got.Seek(0) != chunkenc.ValNone || got.Err() != nil {
				t.Fatal("an iterator at its end went on")
			}
			return
		}
		gt, gv := got.At()
		wt, wv := want.At()
		if gt != wt || got.AtT() != wt || math.Float64bits(gv) != math.Float64bits(wv) {
			t.Fatalf("at %d %v, want %d %v", gt, gv, wt, wv)
		}
	}
}

func TestAppendRefusesWhatIsNotNewer(t *testing.T) {
	s := NewStore(0)
	r := s.Series(map[string]string{"__name__": "up"})
	for _, c := range []struct {
		name string
		ref  Ref
		t    int64
		v    float64
		want error
		text string
	}{
		{"the first", r, 1000, 1, nil, ""},
		{"the same again", r, 1000, 1, nil, ""},
		{"another value at the same time", r, 1000, 2, storage.ErrDuplicateSampleForTimestamp, `{__name__="up"}`},
		{"an older one", r, 999, 1, storage.ErrOutOfOrderSample, "older than the last one at 1000"},
		{"a newer one", r, 1001, 2, nil, ""},
		{"NaN", r, 1002, math.NaN(), nil, ""},
		{"the same NaN again", r, 1002, math.NaN(), nil, ""},
		{"to no series", Ref{}, 2000, 1, errors.ErrUnsupported, "the zero Ref has no series"},
	} {
		err := s.Append(c.ref, c.t, c.v)
		if (err == nil) != (c.want == nil) || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if c.want != nil && c.want != errors.ErrUnsupported && !errors.Is(err, c.want) {
			t.Errorf("%s: %v is not a %v", c.name, err, c.want)
		}
	}
	if got := ranged(t, newEngine(), s, `count_over_time(up[1h])`, time.Minute); !strings.Contains(got, "3 @") {
		t.Errorf("refused samples were kept: %.200s", got)
	}
}

func TestSeriesGivesOneHandleForOneLabelSet(t *testing.T) {
	s := NewStore(0)
	a := s.Series(map[string]string{"__name__": "up", "job": "x"})
	if b := s.Series(map[string]string{"job": "x", "__name__": "up", "empty": ""}); a != b {
		t.Error("an empty label made another series")
	}
	if b := s.Series(map[string]string{"__name__": "up", "job": "y"}); a == b {
		t.Error("two label sets share a series")
	}
	defer func() {
		if recover() == nil {
			t.Error("a series without a name was taken")
		}
	}()
	s.Series(map[string]string{"job": "x"})
}

func TestStalenessEndsASeriesAtOnce(t *testing.T) {
	s := NewStore(0)
	r := s.Series(map[string]string{"__name__": "up"})
	must(t, s.Append(r, 60_000, 1), s.Append(r, 120_000, 1), s.Stale(r, 180_000), s.Append(r, 600_000, 5))
	for at, want := range map[int64]string{
		59_000: "", 60_000: "1", 179_999: "1", 180_000: "", 400_000: "", 600_000: "5", 899_999: "5", 900_000: "",
	} {
		q, err := newEngine().NewInstantQuery(context.Background(), s, nil, "up", time.UnixMilli(at))
		if err != nil {
			t.Fatal(err)
		}
		vector, err := q.Exec(context.Background()).Vector()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(vector) == 1 {
			got = fmt.Sprint(vector[0].F)
		}
		if got != want {
			t.Errorf("at %d ms up is %q, want %q", at, got, want)
		}
	}
}

func TestRetentionForgetsWholeChunksAndEndedSeries(t *testing.T) {
	s := NewStore(time.Hour)
	long, ended := s.Series(map[string]string{"__name__": "long"}), s.Series(map[string]string{"__name__": "ended"})
	for i := range int64(3 * 86400 / 15) {
		must(t, s.Append(long, i*15_000, float64(i)))
		if i < 300 {
			must(t, s.Append(ended, i*15_000, 1))
		}
	}
	newest, _ := s.Newest()
	oldest := newest - time.Hour.Milliseconds()
	m := long.series
	if len(m.chunks) == 0 || m.chunks[0].mint > oldest {
		t.Errorf("something younger than the retention is gone: %d chunks", len(m.chunks))
	}
	slack := (samplesPerChunk*15_000 + s.retention/48)
	if m.chunks[0].mint < oldest-slack {
		t.Errorf("the oldest chunk begins %d ms before the retention", oldest-m.chunks[0].mint)
	}
	if n := len(ended.series.chunks) + len(ended.series.tail); n > 0 {
		t.Errorf("an ended series still keeps %d chunks and samples", n)
	}
	if views := s.views(math.MinInt64, math.MaxInt64, nil); len(views) != 1 {
		t.Errorf("%d series are seen, want the one that goes on", len(views))
	}
	must(t, s.Append(ended, newest, 2)) // and its handle is still good
	if views := s.views(math.MinInt64, math.MaxInt64, nil); len(views) != 2 {
		t.Error("a series that begins again is not seen")
	}
}

func TestSelectIsAlwaysInLabelOrder(t *testing.T) {
	store, _ := twins(t, 1)
	for _, matcher := range []*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, "__name__", "x_total"),
		labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"), // UUID sorts before __name__
		labels.MustNewMatcher(labels.MatchNotEqual, "service", ""),
	} {
		q, _ := store.Querier(0, math.MaxInt64)
		var got []labels.Labels
		for set := q.Select(context.Background(), false, nil, matcher); set.Next(); {
			got = append(got, set.At().Labels())
		}
		if len(got) < 2 || !slices.IsSortedFunc(got, labels.Compare) {
			t.Errorf("%s gives %v", matcher, got)
		}
	}
}

// Meant for -race: everything at once, and counters that never fall.
func TestQueriesDuringAppendsSeeWholeSamples(t *testing.T) {
	s := NewStore(20 * time.Minute)
	rules, err := NewRules(s, []Rule{{Name: "Many", Expr: `sum by (i) (n_total) > 100`}})
	must(t, err)
	server := NewServer(s, rules, nil)
	server.SetReady(true)
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(done)
		for i := range int64(500) {
			for j := range 8 {
				r := s.Series(map[string]string{"__name__": "n_total", "i": fmt.Sprint(j)})
				must(t, s.Append(r, i*5000, float64(i)))
			}
			if i%50 == 49 {
				must(t, rules.Eval(time.UnixMilli(i*5000)))
			}
		}
	})
	for range 3 {
		group.Go(func() {
			for open := true; open; {
				select {
				case <-done:
					open = false
				default:
				}
				for _, path := range []string{
					`/api/v1/query_range?query=resets(n_total[5m])&start=0&end=2500&step=60`,
					`/api/v1/series?match[]=n_total`, `/api/v1/alerts`, `/metrics`, `/api/v1/label/i/values`,
				} {
					if code, body := ask(server, path); code != 200 || strings.Contains(body, `,"1"]`) {
						t.Errorf("%s: %d %.200s", path, code, body)
					}
				}
			}
		})
	}
	group.Wait()
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}
