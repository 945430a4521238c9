package drift

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// FromBuckets makes cells of a classic Prometheus histogram: cumulative counts by
// the text of le. "1" and "1.0" are the same bound and are added. Counts that
// fall, because buckets were extrapolated or scraped apart, are lifted to the
// largest before them, as histogram_quantile does. NaN buckets are left out.
func FromBuckets(cumulative map[string]float64) (Cells, error) {
	byBound := make(map[float64]float64, len(cumulative))
	for le, v := range cumulative {
		bound, err := strconv.ParseFloat(le, 64)
		if err != nil || math.IsNaN(bound) {
			return Cells{}, fmt.Errorf("bucket bound le=%q is not a number", le)
		}
		if !math.IsNaN(v) {
			byBound[bound] += v
		}
	}
	if len(byBound) == 0 {
		return Cells{}, errors.New("histogram without buckets")
	}
	c := Cells{Bounds: slices.Sorted(maps.Keys(byBound))}
	c.Counts = make([]float64, len(c.Bounds))
	var below float64
	for i, b := range c.Bounds {
		at := max(below, byBound[b])
		c.Counts[i], below = at-below, at
	}
	return c, nil
}

// A Bucket is one bucket of a native histogram, not cumulative.
type Bucket struct{ Lower, Upper, Count float64 }

// FromNative makes cells of two native histograms, whose schemas may differ: it
// keeps the edges that lie inside no bucket of either and adds up what is
// between. An empty cell in front carries the lowest edge.
func FromNative(ref, cur []Bucket) (Cells, Cells) {
	c := AlignNative(ref, cur)
	return c[0], c[1]
}

// AlignNative is FromNative of any number of windows: empty buckets are not in the
// data, so that all that are to be compared must be aligned together. A histogram
// without buckets becomes cells that are all empty.
func AlignNative(windows ...[]Bucket) []Cells {
	edges := sharedEdges(slices.Concat(windows...))
	cells := make([]Cells, len(windows))
	for i, w := range windows {
		cells[i] = fill(edges, w)
	}
	return cells
}

// sharedEdges lists the finite or upper edges that split no bucket. It sorts its
// argument.
func sharedEdges(all []Bucket) []float64 {
	edges := make([]float64, 0, 2*len(all))
	for _, b := range all {
		edges = append(edges, b.Lower, b.Upper)
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	slices.SortFunc(all, func(a, b Bucket) int {
		switch {
		case a.Lower < b.Lower:
			return -1
		case a.Lower > b.Lower:
			return 1
		}
		return 0
	})
	kept := make([]float64, 0, len(edges))
	reach, next := math.Inf(-1), 0 // how far the buckets that began before the edge go
	for _, e := range edges {
		for next < len(all) && all[next].Lower < e {
			reach = max(reach, all[next].Upper)
			next++
		}
		if e >= reach && !math.IsInf(e, -1) && !math.IsNaN(e) {
			kept = append(kept, e)
		}
	}
	return kept
}

// fill counts buckets into cells that end at the edges.
func fill(edges []float64, buckets []Bucket) Cells {
	c := Cells{Bounds: edges, Counts: make([]float64, len(edges))}
	for _, b := range buckets {
		if i, _ := slices.BinarySearch(edges, b.Upper); i < len(edges) {
			c.Counts[i] += b.Count
		}
	}
	return c
}
