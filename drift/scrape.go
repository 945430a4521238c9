package drift

import "time"

// fewScrapes is how many scrapes a window needs before extrapolation does no harm.
const fewScrapes = 20

// Deflate takes off what increase() adds. Between the k scrapes of a window lie
// k−1 gaps, and increase extrapolates to k: counts are too large by 1/(W/s − 1) and
// p-values too small; at 4 scrapes a p below 0.05 comes up 9 to 13 times in a
// hundred without any change. With W/s below 20 the counts are multiplied by
// 1 − s/W; above, or where scrape is not known (0), they stay. A window of one scrape
// or less holds no increase, and its counts become 0. The cells share their bounds
// and labels with c.
func Deflate(c Cells, window, scrape time.Duration) Cells {
	if scrape <= 0 || window >= fewScrapes*scrape {
		return c
	}
	by := max(0, 1-scrape.Seconds()/window.Seconds())
	if window <= 0 {
		by = 0
	}
	counts := make([]float64, len(c.Counts))
	for i, v := range c.Counts {
		counts[i] = v * by
	}
	return Cells{Bounds: c.Bounds, Labels: c.Labels, Counts: counts}
}
