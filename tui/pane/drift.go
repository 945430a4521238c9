package pane

import (
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
		Explain: explainDrift,
	})
}

func driftTitle(in Input) string {
	s, ok := selectedService(in)
	if !ok {
		return "DRIFT"
	}
	title := "DRIFT of " + s.Name
	if i := slices.IndexFunc(s.Drift, func(d health.Drift) bool { return d.Against != "" }); i >= 0 {
		title += ": now against " + s.Drift[i].Against
	}
	return health.Clean(title)
}

// drifts are the comparisons that are shown. A score of another tool stands in the
// row of the comparison of the same thing, and in one of its own if there is none.
func drifts(in Input) []health.Drift {
	s, _ := selectedService(in)
	var out []health.Drift
	for _, d := range s.Drift {
		if d.Kind == "exported" && slices.ContainsFunc(s.Drift, func(v health.Drift) bool { return v.Kind != "exported" && same(v, d) }) {
			continue
		}
		if matches(in.State.Filter, d.Signal, d.Feature, d.Level, d.Tool) {
			out = append(out, d)
		}
	}
	return out
}

func same(a, b health.Drift) bool { return a.Signal == b.Signal && a.Feature == b.Feature }

// exported is what other tools say of the same thing: "evidently psi 2.16".
func exported(in Input, d health.Drift) string {
	s, _ := selectedService(in)
	var out []string
	for _, v := range s.Drift {
		if v.Kind == "exported" && d.Kind != "exported" && same(v, d) {
			out = append(out, strings.TrimSpace(v.Tool+" "+number(health.Score, v.Score)))
		}
	}
	return strings.Join(out, ", ")
}

func driftIDs(in Input) []string {
	var ids []string
	for _, d := range drifts(in) {
		ids = append(ids, DriftID(d))
	}
	return ids
}

func drawDrift(in Input, w, h int) []string {
	s, ok := selectedService(in)
	shown := drifts(in)
	switch {
	case in.Snap.Asking && len(shown) == 0:
		return sheet(in, w, h, asking(in))
	case !ok:
		return sheet(in, w, h, "no service is selected")
	case len(s.Drift) == 0:
		return sheet(in, w, h, "no distribution of "+s.Name+" is measured: drift needs histograms, categories or scores of a drift tool")
	case len(shown) == 0:
		return sheet(in, w, h, "nothing that is compared contains “"+in.State.Filter+"”")
	case h < 1:
		return nil
	}
	ids := driftIDs(in)
	if in.State.Selected == "" {
		in.State.Selected = in.View.Drift
	}
	name := 12
	for _, d := range shown {
		name = max(name, len(driftName(d)))
	}
	c := driftColumns{name: min(name+1, max(w/3, 8), 40), interval: w >= 63, n: w >= 77, tail: w >= 50}
	c.trend = w >= 97 && slices.ContainsFunc(shown, func(d health.Drift) bool { return len(d.Trend) > 0 })
	head := newRow(in.Look, w)
	c.head(head)
	body := rows(in, w, h-1, ids, func(r *row, i int, name themes.Role) { c.row(in, r, shown[i], name) })
	return append([]string{head.String()}, body...)
}

// driftColumns says which columns there is room for.
type driftColumns struct {
	name                     int
	interval, n, trend, tail bool
}

func (c driftColumns) head(r *row) {
	r.gap(3).col(themes.Title, "WHAT", c.name).gap(1).right(themes.Title, "SCORE", 6).gap(1)
	if c.interval {
		r.col(themes.Title, "   INTERVAL", 14).gap(1)
	}
	if c.n {
		r.right(themes.Title, "THEN", 6).gap(1).right(themes.Title, "NOW", 6).gap(2)
	}
	if c.trend {
		r.col(themes.Title, "TREND", 16).gap(2)
	}
	if c.tail {
		r.put(themes.Title, "LEVEL")
	}
}

func (c driftColumns) row(in Input, r *row, d health.Drift, name themes.Role) {
	judged := themes.Text
	if d.Status == health.Warn || d.Status == health.Critical {
		judged = roleOf(d.Status)
	}
	r.put(driftSignRole(d), driftSign(in.Look, d)).gap(1).col(name, driftName(d), c.name).gap(1)
	switch {
	case d.PSIAdj != nil:
		r.right(judged, health.Format(health.Score, *d.PSIAdj), 6)
	case d.Score != nil:
		r.right(themes.Faint, health.Format(health.Score, *d.Score), 6)
	default:
		r.right(themes.Faint, "–", 6)
	}
	r.gap(1)
	if c.interval {
		r.col(themes.Faint, interval(d), 14).gap(1)
	}
	if c.n {
		r.right(themes.Text, counted(d, d.NRef), 6).gap(1).right(themes.Text, counted(d, d.NCur), 6).gap(2)
	}
	if c.trend {
		r.own(themes.Text, chart.Spark(d.Trend, health.Up, in.Snap.At, in.Snap.Window, in.Look.ASCII, 16), 16).gap(2)
	}
	if c.tail {
		r.put(judged, levelWords(d))
		if !d.Since.IsZero() {
			r.put(themes.Faint, " since "+clock(in, d.Since))
		}
		if says := exported(in, d); says != "" && r.w-r.used > len(says)+4 {
			r.gap(2).put(themes.Faint, "("+says+")")
		}
	}
}

// driftName is what is compared: "feature amount", "answer length".
func driftName(d health.Drift) string {
	if d.Feature == "" {
		return d.Signal
	}
	return d.Signal + " " + d.Feature
}

// driftSign is the sign of the status; what cannot be judged, and what others
// judge, has a dot.
func driftSign(look *themes.Look, d health.Drift) string {
	if d.Kind == "exported" || d.PSIAdj == nil {
		return look.Glyph("·", ".")
	}
	return sign(look, d.Status)
}

func driftSignRole(d health.Drift) themes.Role {
	if d.Kind == "exported" || d.PSIAdj == nil {
		return themes.Faint
	}
	return roleOf(d.Status)
}

// interval is "0.11 to 0.21": where the score lies with 95 % certainty.
func interval(d health.Drift) string {
	if d.Low == nil || d.High == nil {
		return ""
	}
	return health.Format(health.Score, *d.Low) + " to " + health.Format(health.Score, *d.High)
}

// counted is how many were compared; nobody says that of a score of another tool.
func counted(d health.Drift, n float64) string {
	if d.Kind == "exported" && n == 0 {
		return "–"
	}
	return count(n)
}

func count(v float64) string { return health.Format(health.Count, v) }

// levelWords says the level as a word; an exported score says who computed it.
func levelWords(d health.Drift) string {
	if d.Kind == "exported" {
		if d.Tool == "" {
			return "by another tool, not judged here"
		}
		return "by " + d.Tool + ", not judged here"
	}
	switch d.Level {
	case "critical": // of the shift, which alone makes no service critical
		return "large shift"
	case "warn":
		return "shift"
	case "insufficient":
		return "too few to tell"
	case "no_data":
		return "no data"
	case "no_reference":
		return "no reference"
	case "small":
		return "small, within limits"
	}
	return d.Level
}

func explainDrift(in Input) [][2]string {
	d, ok := selectedDrift(in, in.State.Selected)
	if !ok {
		return nil
	}
	out := [][2]string{{"compared", driftName(d)}, {"kind", d.Kind}, {"level", levelWords(d)}}
	add := func(name, text string) {
		if text != "" {
			out = append(out, [2]string{name, text})
		}
	}
	add("against", d.Against)
	if d.PSIAdj != nil {
		add("score", health.Format(health.Score, *d.PSIAdj)+" PSI, less what chance alone would give")
	}
	add("interval", interval(d))
	add("others say", exported(in, d))
	add("tool", d.Tool)
	add("note", d.Note)
	add("query", d.Query)
	return out
}

// selectedDrift finds a comparison of the selected service by id; without an id
// the first.
func selectedDrift(in Input, id string) (health.Drift, bool) {
	s, _ := selectedService(in)
	if id == "" {
		id = in.View.Drift
	}
	for _, d := range s.Drift {
		if DriftID(d) == id {
			return d, true
		}
	}
	if len(s.Drift) > 0 && id == "" {
		return s.Drift[0], true
	}
	return health.Drift{}, false
}
