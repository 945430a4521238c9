package packs

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// intervalOver is the span whose samples are counted to find the scrape interval.
const intervalOver = 5 * time.Minute

// IntervalQuery is one instant query whose single value is the scrape interval, in
// seconds, of most of what the packs found: a span, divided by the samples in it.
func IntervalQuery(found []Found) string {
	var names []string
	for _, f := range found {
		for _, d := range f.Pack.Metrics() {
			names = append(names, regexp.QuoteMeta(d))
		}
	}
	span := promDuration(intervalOver)
	return "quantile(0.5, " + strings.TrimSuffix(span, "s") + " / count_over_time({__name__=~" +
		strconv.Quote(strings.Join(distinct(names), "|")) + "}[" + span + "]))"
}

// RateFor is the shortest span over which a rate of series scraped at an interval
// can be believed: four scrapes, so that one that is lost leaves two pairs.
func RateFor(interval time.Duration) time.Duration { return 4 * interval }
