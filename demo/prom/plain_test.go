package prom

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// plain is the store one would write in five minutes: lists, looked through
// from the start. What it and Store disagree about, Store has wrong.
type plain struct{ series []*plainSeries }

type plainSeries struct {
	ls      labels.Labels
	samples []sample
}

func (p *plain) Querier(mint, maxt int64) (storage.Querier, error) {
	return &plainQuerier{p, mint, maxt}, nil
}

type plainQuerier struct {
	*plain
	mint, maxt int64
}

func (q *plainQuerier) Close() error { return nil }

func (q *plainQuerier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (q *plainQuerier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (q *plainQuerier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	set := &plainSet{at: -1}
	for _, s := range q.series {
		if !matches(s.ls, matchers) {
			continue
		}
		clipped := &plainSeries{ls: s.ls}
		for _, p := range s.samples {
			if p.t >= q.mint && p.t <= q.maxt {
				clipped.samples = append(clipped.samples, p)
			}
		}
		set.list = append(set.list, clipped)
	}
	slices.SortFunc(set.list, func(a, b *plainSeries) int { return labels.Compare(a.ls, b.ls) })
	return set
}

type plainSet struct {
	list []*plainSeries
	at   int
}

func (s *plainSet) Next() bool                        { s.at++; return s.at < len(s.list) }
func (s *plainSet) At() storage.Series                { return s.list[s.at] }
func (s *plainSet) Err() error                        { return nil }
func (s *plainSet) Warnings() annotations.Annotations { return nil }

func (s *plainSeries) Labels() labels.Labels { return s.ls }

func (s *plainSeries) Iterator(chunkenc.Iterator) chunkenc.Iterator {
	return &plainIterator{Iterator: chunkenc.NewNopIterator(), samples: s.samples, at: -1}
}

type plainIterator struct {
	chunkenc.Iterator
	samples []sample
	at      int
}

func (it *plainIterator) At() (int64, float64) { return it.samples[it.at].t, it.samples[it.at].v }
func (it *plainIterator) AtT() int64           { return it.samples[it.at].t }

func (it *plainIterator) Next() chunkenc.ValueType {
	if it.at++; it.at < len(it.samples) {
		return chunkenc.ValFloat
	}
	return chunkenc.ValNone
}

func (it *plainIterator) Seek(t unixMs) chunkenc.ValueType {
	it.at = max(it.at, 0)
	for it.at < len(it.samples) && it.samples[it.at].t < t {
		it.at++
	}
	if it.at < len(it.samples) {
		return chunkenc.ValFloat
	}
	return chunkenc.ValNone
}

// twins makes the same series in a Store and in a plain one: counters and
// gauges with gaps, uneven intervals, resets, NaN, Inf and ends.
func twins(tb testing.TB, seed uint64) (*Store, *plain) {
	rng := rand.New(rand.NewPCG(seed, 7))
	store, twin := NewStore(0), &plain{}
	for _, labelSet := range []map[string]string{
		{"__name__": "x_total", "service": "b", "pod": "1"}, {"__name__": "x_total", "service": "a", "pod": "1"},
		{"__name__": "x_total", "service": "a", "pod": "0"}, {"__name__": "x_total", "service": "c", "UUID": "u"},
		{"__name__": "h_bucket", "le": "0.5"}, {"__name__": "h_bucket", "le": "+Inf"}, {"__name__": "h_bucket", "le": "1"},
		{"__name__": "g", "service": "a"}, {"__name__": "g", "service": "b"}, {"__name__": "g"},
	} {
		ref := store.Series(labelSet)
		s := &plainSeries{ls: labels.FromMap(labelSet)}
		twin.series = append(twin.series, s)
		v, t := 0.0, int64(1_000_000+rng.IntN(15_000))
		for range 700 {
			t += 15_000
			switch rng.IntN(60) {
			case 0:
				t += int64(rng.IntN(900_000)) // a gap
			case 1:
				v = 0 // a restart
			case 2:
				t += int64(rng.IntN(1000)) // late
			}
			if labelSet["__name__"] == "g" {
				v = oddValue(rng)
			} else {
				v += float64(rng.IntN(50))
			}
			s.samples = append(s.samples, sample{t, v})
			if err := store.Append(ref, t, v); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return store, twin
}
