package prom

import (
	"context"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// Querier looks at the samples in [mint, maxt], Unix ms, both included.
func (s *Store) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{store: s, mint: mint, maxt: maxt}, nil
}

type querier struct {
	store      *Store
	mint, maxt int64
}

func (q *querier) Close() error { return nil }

// Select gives the matching series that have samples in the window, always in
// label order: without it, ties in topk and the like fall out differently than
// in a real Prometheus.
func (q *querier) Select(_ context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	mint, maxt, limit := q.mint, q.maxt, 0
	if hints != nil {
		mint, maxt, limit = max(mint, hints.Start), min(maxt, hints.End), hints.Limit
	}
	views := q.store.views(mint, maxt, matchers)
	if limit > 0 && len(views) > limit {
		views = views[:limit]
	}
	return &seriesSet{views: views, mint: mint, maxt: maxt, at: -1}
}

func (q *querier) LabelNames(_ context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	set := map[string]struct{}{}
	for _, v := range q.store.views(q.mint, q.maxt, matchers) {
		v.labels.Range(func(l labels.Label) { set[l.Name] = struct{}{} })
	}
	return sorted(set, hints), nil, nil
}

func (q *querier) LabelValues(_ context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	set := map[string]struct{}{}
	for _, v := range q.store.views(q.mint, q.maxt, matchers) {
		if value := v.labels.Get(name); value != "" {
			set[value] = struct{}{}
		}
	}
	return sorted(set, hints), nil, nil
}

func sorted(set map[string]struct{}, hints *storage.LabelHints) []string {
	list := slices.Sorted(maps.Keys(set))
	if hints != nil && hints.Limit > 0 && len(list) > hints.Limit {
		list = list[:hints.Limit]
	}
	return list
}

// views takes what the matching series have in [mint, maxt], in label order.
//
// The index knows metric names only. All series of one name are at hand, in
// order, and the other matchers are put to each of them: for the thousand
// buckets of the largest metric that is 0.1 ms of a query of 50, and every
// index that is not there need not be kept, merged or believed.
func (s *Store) views(mint, maxt int64, matchers []*labels.Matcher) []view {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, m := range matchers {
		if m.Type == labels.MatchEqual && m.Name == model.MetricNameLabel {
			return collect(nil, s.byName[m.Value], mint, maxt, matchers)
		}
	}
	var views []view
	for _, list := range s.byName {
		views = collect(views, list, mint, maxt, matchers)
	}
	slices.SortFunc(views, func(a, b view) int { return labels.Compare(a.labels, b.labels) })
	return views
}

func collect(views []view, list []*memSeries, mint, maxt int64, matchers []*labels.Matcher) []view {
	for _, m := range list {
		if !matches(m.labels, matchers) {
			continue
		}
		if v, ok := m.within(mint, maxt); ok {
			views = append(views, v)
		}
	}
	return views
}

func matches(ls labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

type seriesSet struct {
	views      []view
	mint, maxt int64
	at         int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.views) }
func (s *seriesSet) At() storage.Series                { return windowed{&s.views[s.at], s.mint, s.maxt} }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// windowed is a storage.Series: a view, clipped to the sample.
type windowed struct {
	*view
	mint, maxt int64
}

func (w windowed) Labels() labels.Labels { return w.labels }

func (w windowed) Iterator(reuse chunkenc.Iterator) chunkenc.Iterator {
	it, ok := reuse.(*iterator)
	if !ok {
		it = &iterator{Iterator: chunkenc.NewNopIterator()}
	}
	it.reset(w)
	return it
}
