package pane

import (
	"fmt"
	"strconv"
	"time"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/chart"
)

func init() {
	register(Kind{
		Name:    "failures",
		Title:   failuresTitle,
		Draw:    drawFailures,
		Items:   failureIDs,
		Extent:  listExtent(failureIDs, 0),
		Sorts:   nil,
		Explain: explainFailure,
	})
}

func failuresTitle(in Input) string {
	count := map[string]int{}
	for _, f := range in.Snap.Failures {
		count[f.State]++
	}
	title := "FAILURES"
	sep := "  "
	for _, state := range []string{"new", "grown", "known"} {
		if count[state] > 0 {
			title += fmt.Sprintf("%s%s %d", sep, state, count[state])
			sep = " · "
		}
	}
	return title
}

func failures(in Input) []*health.Failure {
	var out []*health.Failure
	for i := range in.Snap.Failures {
		if f := &in.Snap.Failures[i]; matches(in.State.Filter, f.Service, f.Signature, f.State, f.ErrorType) {
			out = append(out, f)
		}
	}
	return out
}

func failureIDs(in Input) []string {
	var ids []string
	for _, f := range failures(in) {
		ids = append(ids, f.ID)
	}
	return ids
}

func drawFailures(in Input, w, h int) []string {
	shown := failures(in)
	switch {
	case len(in.Snap.Failures) == 0 && in.Snap.Asking:
		return sheet(in, w, h, asking(in))
	case len(in.Snap.Failures) == 0 && !hasLogs(in):
		return sheet(in, w, h, "no log source is configured: failures are grouped from log records (--logs, or a [[source]] of kind file)")
	case len(in.Snap.Failures) == 0:
		return sheet(in, w, h, "no failures in the last "+window(in))
	case len(shown) == 0:
		return sheet(in, w, h, "no failure contains “"+in.State.Filter+"”")
	}
	ids := failureIDs(in)
	if in.State.Selected == "" {
		in.State.Selected = in.View.Failure
	}
	service, spark, when := 0, 0, 8
	for _, f := range shown {
		when = max(when, width(span(in, f.First, f.Last)))
		service = max(service, min(width(health.Clean(f.Service)), 16))
	}
	switch { // whose failure it is comes before how it went
	case w < 50:
		service = 0
	case w >= 110:
		spark = 12
	case w >= 76:
		spark = 6
	}
	return rows(in, w, h, ids, func(r *row, i int, _ themes.Role) {
		f := shown[i]
		r.col(stateRole(f.State), f.State, 6).right(themes.Text, strconv.Itoa(f.Count), 5).gap(1)
		if spark > 0 {
			r.own(themes.Faint, chart.SparkCounts(f.Spark, in.Look.ASCII, spark), spark).gap(1)
		}
		r.col(themes.Faint, span(in, f.First, f.Last), when).gap(1)
		if service > 0 {
			r.col(themes.Text, f.Service, service).gap(1)
		}
		r.put(themes.Text, f.Signature) // never bold: the far end of the row would be sent again with each key
	})
}

// hasLogs says whether any source brings log records.
func hasLogs(in Input) bool {
	for _, s := range in.Snap.Sources {
		if s.Lines > 0 || s.Kind == "file" || s.Kind == "loki" || s.Kind == "journald" {
			return true
		}
	}
	return len(in.Snap.Sources) == 0
}

func stateRole(state string) themes.Role {
	switch state {
	case "new":
		return themes.Critical
	case "grown":
		return themes.Warn
	}
	return themes.Faint
}

// span is "13:51→now", with "now" for the last two minutes; days instead of times
// where the beginning is older than one.
func span(in Input, first, last time.Time) string {
	return moment(in, first) + in.Look.Glyph("→", ">") + moment(in, last)
}

func moment(in Input, t time.Time) string {
	switch age := in.Now.Sub(t); {
	case t.IsZero():
		return "?"
	case age < 2*time.Minute:
		return "now"
	case age >= 24*time.Hour:
		return t.In(in.Now.Location()).Format("Jan 2")
	}
	return t.In(in.Now.Location()).Format("15:04")
}

func explainFailure(in Input) [][2]string {
	id := in.State.Selected
	if id == "" {
		id = in.View.Failure
	}
	f, ok := in.Snap.Failure(id)
	if !ok {
		return nil
	}
	return [][2]string{
		{"failure", f.Signature},
		{"service", f.Service},
		{"error", f.ErrorType},
		{"count", fmt.Sprintf("%d in the last %s, %d in the %s before", f.Count, window(in), f.Before, window(in))},
		{"state", f.State + ": " + stateMeaning(f.State)},
		{"seen", clock(in, f.First) + " to " + clock(in, f.Last)},
		{"newest", f.Example},
	}
}

func stateMeaning(state string) string {
	switch state {
	case "new":
		return "never seen before this window"
	case "grown":
		return "seen before, and more often now"
	}
	return "seen before, about as often"
}
