package pane

import (
	"cmp"
	"slices"
	"strings"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/chart"
)

func init() {
	register(Kind{
		Name:    "drift",
		Title:   driftTitle,
		Draw:    drawDrift,
		Items:   driftIDs,
		Extent:  listExtent(driftIDs, 1),
		Sorts:   driftSorts,
		Explain: explainDrift,
	})
}

// driftTitle says what the selected comparison compares with: services may have
// references of their own, such as what was before their last deployment.
func driftTitle(in Input) string {
	title := "DRIFT"
	if in.View.Against != "" {
		title += " against " + string(in.View.Against)
	}
	r, ok := selectedDrift(in)
	switch {
	case !ok || r.Against == "":
		return in.safe(title)
	case in.View.Against == "":
		return in.safe(title + ": now against " + r.Against)
	}
	return in.safe(title + ": " + r.Against)
}

var driftSorts = []string{"consequence", "service", "score"}

// shownDrifts are the comparisons of all services, as this viewer orders them.
func shownDrifts(in Input) []DriftRow {
	all := Drifts(in.Snap)
	shown := all[:0]
	for _, r := range all {
		if matches(in.State.Filter, r.Of.Name, r.Signal, r.Feature, r.Level, r.Tool) {
			shown = append(shown, r)
		}
	}
	switch driftSorts[min(max(in.State.Sort, 0), len(driftSorts)-1)] {
	case "service":
		slices.SortStableFunc(shown, func(a, b DriftRow) int { return cmp.Compare(a.Of.Name, b.Of.Name) })
	case "score":
		slices.SortStableFunc(shown, func(a, b DriftRow) int { return cmp.Compare(b.shift(), a.shift()) })
	}
	return shown
}

func driftIDs(in Input) []string {
	var ids []string
	for _, r := range shownDrifts(in) {
		ids = append(ids, r.ID())
	}
	return ids
}

func drawDrift(in Input, w, h int) []string {
	shown := shownDrifts(in)
	switch {
	case in.Snap.Asking && len(shown) == 0:
		return sheet(in, w, h, asking(in))
	case len(shown) == 0 && in.State.Filter != "":
		return sheet(in, w, h, "nothing that is compared contains “"+in.State.Filter+"”")
	case len(shown) == 0:
		return sheet(in, w, h, "no distribution of any service is measured: drift needs histograms, categories or scores of a drift tool")
	case h < 1:
		return nil
	}
	ids := make([]string, len(shown))
	for i, r := range shown {
		ids[i] = r.ID()
	}
	c := newDriftColumns(shown, w)
	head := newRow(in, w)
	c.head(head)
	body := rows(in, w, h-1, ids, func(r *row, i int, name themes.Role) { c.row(in, r, shown[i], name) })
	return append([]string{head.String()}, body...)
}

// driftColumns are how wide the columns are; 0 is one there is no room for.
type driftColumns struct {
	service, what, n, interval, level, since, trend int

	short bool // not all names fit, so that features are called by their own
}

// The widths of columns whose texts have one.
const (
	countedWidth  = 9  // "12k/7.3k"
	scoreWidth    = 5  // "0.46"
	intervalWidth = 9  // "0.41–0.51"
	levelWidth    = 12 // "no reference"
	sinceWidth    = 6  // "13:50", "Nov 22"
	othersWidth   = 21 // "(evidently psi 2.22)"
	trendWidth    = 16
)

func newDriftColumns(shown []DriftRow, w int) driftColumns {
	c := driftColumns{service: 7, what: 8}
	others, trends := false, false
	for _, r := range shown {
		c.service, c.what = max(c.service, len(r.Of.Name)), max(c.what, len(r.What()))
		trends = trends || len(r.Trend) > 0
		others = others || r.Others() != ""
	}
	widest := c.what
	c.service, c.what = min(c.service, max(w*16/100, 6), 20), min(c.what, max(w*18/100, min(w*22/100, 17), 8), 32)
	c.short = widest > c.what
	left := w - 3 - c.service - 1 - c.what - 1 - scoreWidth - 2 // the rest goes to what is missed most
	take := func(n, gap int, wanted bool) int {
		if !wanted || left < n+gap {
			return 0
		}
		left -= n + gap
		return n
	}
	c.level = take(levelWidth, 0, true)
	c.interval = take(intervalWidth, 1, true)
	c.n = take(countedWidth, 1, true)
	c.since = take(sinceWidth, 1, true)
	if others && left >= othersWidth+2+trendWidth/2 {
		left -= othersWidth + 2
	}
	if trends && left >= trendWidth/2+2 {
		c.trend = min(left-2, trendWidth)
	}
	return c
}

func (c driftColumns) head(r *row) {
	r.gap(3).col(themes.Title, "SERVICE", c.service).gap(1).col(themes.Title, "WHAT", c.what).gap(1)
	if c.n > 0 {
		r.right(themes.Title, "THEN/NOW", c.n).gap(1)
	}
	r.right(themes.Title, "SCORE", scoreWidth).gap(1)
	if c.interval > 0 {
		r.col(themes.Title, "INTERVAL", c.interval).gap(1)
	}
	r.gap(1).col(themes.Title, "LEVEL", c.level).gap(1)
	if c.since > 0 {
		r.col(themes.Title, "SINCE", c.since).gap(1)
	}
	if c.trend > 0 {
		r.gap(1).col(themes.Title, "TREND", c.trend)
	}
}

func (c driftColumns) row(in Input, r *row, d DriftRow, name themes.Role) {
	what := d.What()
	if c.short {
		what = d.shortly()
	}
	r.put(d.signRole(), d.sign(in.Look)).gap(1).col(name, d.Of.Name, c.service).gap(1).col(name, what, c.what).gap(1)
	if c.n > 0 {
		r.right(themes.Text, d.Counted(), c.n).gap(1)
	}
	if d.Level == "insufficient" { // its score says nothing, and must not be read
		r.gap(1).put(themes.Text, fitting(d.Sentences(), r.w-r.used-1))
		return
	}
	judged := d.role()
	score := judged
	if d.PSIAdj == nil {
		score = themes.Faint
	}
	r.right(score, d.Shift(), scoreWidth).gap(1)
	if d.Kind == "exported" {
		r.gap(1).put(themes.Faint, d.Words())
		return
	}
	if c.interval > 0 {
		r.col(themes.Faint, d.Interval(), c.interval).gap(1)
	}
	if r.gap(1); c.level == 0 {
		return
	}
	r.col(judged, d.Words(), c.level).gap(1)
	if c.since > 0 {
		r.col(themes.Faint, d.since(in), c.since).gap(1)
	}
	if c.trend > 0 {
		r.gap(1).own(themes.Text, chart.SparkFrom(largeShift, d.Trend, health.Up, in.Snap.At, in.Snap.Window, in.Look.ASCII, c.trend), c.trend)
	}
	if says := d.Others(); says != "" && r.w-r.used > len(says)+4 {
		r.gap(2).put(themes.Faint, "("+says+")")
	}
}

// largeShift is the PSI to which trends reach at least: below it nothing is large.
const largeShift = 0.25

// fitting is the longest of some ways to say the same that fits, else the last.
func fitting(ways []string, w int) string {
	for _, s := range ways {
		if len(s) <= w {
			return s
		}
	}
	return ways[len(ways)-1]
}

func explainDrift(in Input) [][2]string {
	r, ok := selectedDrift(in)
	if !ok {
		return nil
	}
	out := [][2]string{{"compared", r.What() + " of " + r.Of.Name}, {"kind", r.Kind}, {"level", r.Sentences()[0]}}
	add := func(name, text string) {
		if text != "" {
			out = append(out, [2]string{name, text})
		}
	}
	add("against", r.Against)
	if r.PSIAdj != nil {
		add("score", r.Shift()+" PSI, less what chance alone would give; from 0.10 it is a shift, from 0.25 a large one, if it is certain as well")
	}
	add("interval", r.Interval())
	if r.Band != nil {
		add("ordinary", "windows before this one reach "+health.PSI(*r.Band)+" against each other")
	}
	add("others say", r.Others())
	add("tool", r.Tool)
	for _, m := range r.Measures {
		add(measureName(m), strings.TrimSuffix(figure(m.Value)+"; "+measureSays(m), "; "))
	}
	add("note", r.Note)
	add("query", r.Query)
	return out
}

// selectedDrift is the row that is selected in the list, or what the view says is
// open; without either the first of the service that is looked at.
func selectedDrift(in Input) (DriftRow, bool) {
	all := Drifts(in.Snap)
	id := in.State.Selected
	if !slices.ContainsFunc(all, func(r DriftRow) bool { return r.ID() == id }) {
		id = in.View.Service + "\x00" + in.View.Drift
	}
	of := -1
	for i, r := range all {
		if r.ID() == id {
			return r, true
		}
		if of < 0 && r.Of.Name == in.View.Service {
			of = i
		}
	}
	if of >= 0 && in.View.Drift == "" {
		return all[of], true
	}
	return DriftRow{}, false
}

func count(v float64) string { return health.Format(health.Count, v) }
