package packs

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// intervalOver is the span whose samples are counted to find the scrape interval.
const intervalOver = 5 * time.Minute

// IntervalQuery is one instant query whose single value is the scrape interval, in
// seconds, of most of what the packs found: a span, divided by the samples in it.
// The metrics are joined one by one: counting drops their names, and series that
// only differ by name would clash.
func IntervalQuery(found []Found) string {
	hosts := slices.DeleteFunc(slices.Clone(found), func(f Found) bool { return f.Pack.Guest })
	if len(hosts) == 0 { // what a guest sees is a whole cluster
		hosts = found
	}
	var counts []string
	for _, f := range hosts {
		for _, m := range f.Pack.Metrics() {
			counts = append(counts, "count_over_time({__name__="+strconv.Quote(m)+"}["+promDuration(intervalOver)+"])")
		}
	}
	span := strconv.Itoa(int(intervalOver / time.Second))
	return "quantile(0.5, " + span + " / (" + strings.Join(distinct(counts), " or ") + "))"
}

// usual are the intervals at which people scrape, in seconds. Counting samples in a
// span is wrong by one, and by a scrape that was lost.
var usual = []float64{1, 2, 5, 10, 15, 20, 30, 60, 120, 300}

// Interval is the usual scrape interval nearest to the answer of IntervalQuery; 0
// when it says nothing.
func Interval(seconds float64) time.Duration {
	best, far := 0.0, math.Inf(1)
	for _, u := range usual {
		if d := math.Abs(math.Log(seconds / u)); d < far { // false for NaN, and for Log of what is not positive
			best, far = u, d
		}
	}
	if far > 0.5 {
		return 0
	}
	return time.Duration(best) * time.Second
}

// RateFor is the shortest span over which a rate of series scraped at an interval
// can be believed: four scrapes, so that one that is lost leaves two pairs.
func RateFor(interval time.Duration) time.Duration { return 4 * interval }
