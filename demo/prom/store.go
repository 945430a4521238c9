package prom

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
)

// Store keeps series in memory and is a storage.Queryable. Any number of
// goroutines may append and query at once: a query sees the samples that were
// there when it selected them, and never waits for more than one append.
type Store struct {
	retention int64 // ms; 0 keeps everything

	mu        sync.RWMutex
	byHash    map[uint64][]*memSeries
	byName    map[string][]*memSeries // each list in label order
	meta      map[string]meta
	newest    int64 // time of the newest sample, ms
	nextSweep int64
	packer    packer
}

// Ref is a cheap handle of one series, valid as long as its store. The zero
// Ref belongs to no series and cannot be appended to.
type Ref struct{ series *memSeries }

type meta struct{ Type, Help, Unit string }

// NewStore makes an empty store that forgets samples once they are older than
// retention, measured from the newest sample. It forgets whole chunks, so some
// samples live up to 120 scrapes longer. Zero or less keeps everything.
func NewStore(retention time.Duration) *Store {
	return &Store{
		retention: max(0, retention.Milliseconds()),
		byHash:    map[uint64][]*memSeries{},
		byName:    map[string][]*memSeries{},
		meta:      map[string]meta{},
		newest:    math.MinInt64,
		nextSweep: math.MinInt64,
	}
}

// Series gets or creates the series with exactly these labels; an empty value
// means no such label, as everywhere in Prometheus. It panics when __name__ is
// missing: that is a mistake in the program, not in its input.
func (s *Store) Series(labelSet map[string]string) Ref {
	return s.series(labels.FromMap(labelSet).WithoutEmpty())
}

func (s *Store) series(ls labels.Labels) Ref {
	name := ls.Get(model.MetricNameLabel)
	if name == "" {
		panic(fmt.Sprintf("prom: series %s has no %s", ls, model.MetricNameLabel))
	}
	hash := ls.Hash()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.byHash[hash] {
		if labels.Equal(m.labels, ls) {
			return Ref{m}
		}
	}
	m := &memSeries{labels: ls, lastT: math.MinInt64}
	s.byHash[hash] = append(s.byHash[hash], m)
	// Kept in label order here, once, so that no query has to sort: the engine
	// breaks ties (topk, for one) by the order it is given.
	list := s.byName[name]
	at, _ := slices.BinarySearchFunc(list, ls, func(m *memSeries, ls labels.Labels) int {
		return labels.Compare(m.labels, ls)
	})
	s.byName[name] = slices.Insert(list, at, m)
	return Ref{m}
}

// Append adds the value v at time t (Unix milliseconds). Time moves forward
// only: an older sample is refused with storage.ErrOutOfOrderSample, another
// value at the same time with storage.ErrDuplicateSampleForTimestamp; the same
// value again is no error.
func (s *Store) Append(r Ref, t int64, v float64) error {
	m := r.series
	if m == nil {
		return fmt.Errorf("append at %d: the zero Ref has no series; get one from Store.Series", t)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t <= m.lastT {
		return m.refuse(t, v)
	}
	m.append(t, v, &s.packer)
	if t > s.newest {
		s.newest = t
		if s.retention > 0 && t >= s.nextSweep {
			s.sweep()
		}
	}
	return nil
}

// Stale marks the series as ended at t: queries stop seeing it at once instead
// of five minutes later. Appending to it afterwards begins it again.
func (s *Store) Stale(r Ref, t int64) error {
	return s.Append(r, t, math.Float64frombits(value.StaleNaN))
}

// SetMeta says what a metric is, for /api/v1/metadata and the TYPE and HELP
// lines of /metrics. A histogram is named without _bucket, _sum, _count.
func (s *Store) SetMeta(name, typ, help, unit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meta[name] = meta{Type: typ, Help: help, Unit: unit}
}

// Newest is the time of the newest sample in Unix milliseconds, and whether
// there is one.
func (s *Store) Newest() (t int64, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.newest, s.newest != math.MinInt64
}

// sweep forgets what is older than the retention. The series themselves stay:
// a demo makes few new ones, and a Ref in somebody's hand must stay good.
func (s *Store) sweep() {
	oldest := s.newest - s.retention
	for _, list := range s.byHash {
		for _, m := range list {
			m.forget(oldest)
		}
	}
	s.nextSweep = s.newest + s.retention/48
}

// refuse says why a sample at or before the last one cannot be appended.
func (m *memSeries) refuse(t int64, v float64) error {
	if t < m.lastT {
		return fmt.Errorf("%s: sample at %d is older than the last one at %d: %w", m.labels, t, m.lastT, storage.ErrOutOfOrderSample)
	}
	if math.Float64bits(v) == math.Float64bits(m.lastV) {
		return nil
	}
	return fmt.Errorf("%s: %w", m.labels, storage.NewDuplicateFloatErr(t, m.lastV, v))
}
