package engine

import (
	"cmp"
	"math"
	"sort"
	"time"

	"sickbay/drift"
	"sickbay/packs"
	"sickbay/sources"
)

// A tally is what one window of one group holds, as it came.
type tally struct {
	cumulative map[string]float64 // by le
	native     []drift.Bucket
	whole      bool               // native histograms came, empty ones too
	counts     map[string]float64 // by category
}

func (t tally) any() bool {
	for _, v := range t.cumulative {
		if v > 0 {
			return true
		}
	}
	for _, v := range t.counts {
		if v > 0 {
			return true
		}
	}
	return len(t.native) > 0
}

// count takes what the series of a group say of a window.
func count(series []sources.Series, d packs.Distribution, end time.Time) tally {
	t := tally{cumulative: map[string]float64{}, counts: map[string]float64{}}
	at := end.UnixMilli()
	for _, s := range series {
		for _, p := range s.Points {
			switch {
			case p.T != at || math.IsNaN(p.V) || math.IsInf(p.V, 0):
			case d.Kind != "histogram":
				t.counts[cmp.Or(s.Labels[d.Label], noCategory)] += max(p.V, 0)
			case !d.Native:
				t.cumulative[s.Labels["le"]] += max(p.V, 0)
			}
		}
		for _, h := range s.Histograms {
			if h.T != at || d.Kind != "histogram" {
				continue
			}
			t.whole = true
			for _, b := range h.Buckets {
				if b.Count > 0 && b.Upper > b.Lower {
					t.native = append(t.native, drift.Bucket(b))
				}
			}
		}
	}
	return t
}

// noCategory is what requests without one are called: no error type, no model.
const noCategory = "none"

// cells brings windows onto cells. Native histograms of all of them onto the edges
// they share; where a service turned from classic histograms to native ones, both.
func (s *subject) cells(windows ...tally) []drift.Cells {
	all := make([]drift.Cells, len(windows))
	classic := false
	for i, t := range windows {
		s.native = s.native || t.whole
		classic = classic || len(t.cumulative) > 0
		if s.w.d.Kind != "histogram" {
			all[i] = categories(t.counts)
		} else if len(t.cumulative) > 0 {
			all[i], _ = drift.FromBuckets(t.cumulative) // what is no histogram is compared as nothing: "no data"
		}
	}
	if !s.native {
		return all
	}
	s.turned = classic
	buckets := make([][]drift.Bucket, len(windows))
	for i, t := range windows {
		if buckets[i] = t.native; !t.whole {
			buckets[i] = asBuckets(all[i])
		}
	}
	return drift.AlignNative(buckets...)
}

// asBuckets are the cells of a classic histogram as native buckets.
func asBuckets(c drift.Cells) []drift.Bucket {
	var all []drift.Bucket
	lower := math.Inf(-1)
	for i, upper := range c.Bounds {
		if i == 0 && upper > 0 {
			lower = 0 // as histogram_quantile reads it
		}
		if c.Counts[i] > 0 {
			all = append(all, drift.Bucket{Lower: lower, Upper: upper, Count: c.Counts[i]})
		}
		lower = upper
	}
	return all
}

func categories(counts map[string]float64) drift.Cells {
	var c drift.Cells
	for l := range counts {
		c.Labels = append(c.Labels, l)
	}
	sort.Strings(c.Labels)
	for _, l := range c.Labels {
		c.Counts = append(c.Counts, counts[l])
	}
	return c
}

// fill makes cells of windows, the newest first.
func (s *subject) fill(windows []tally) {
	cells := s.cells(windows...)
	for i := range cells {
		deflated := drift.Deflate(cells[i], s.w.e.o.DriftSpan, s.w.a.every)
		s.short = s.short || total(deflated) < total(cells[i])
		cells[i] = deflated
	}
	s.current, s.earlier, s.bad = cells[0], cells[1:], nil
	seen := map[string]bool{}
	for _, c := range cells {
		for _, l := range c.Labels {
			if !seen[l] && s.w.d.IsBad(l) {
				s.bad = append(s.bad, l)
			}
			seen[l] = true
		}
	}
	sort.Strings(s.bad)
}
