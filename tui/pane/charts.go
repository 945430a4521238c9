package pane

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/themes"
	"sickbay/tui/chart"
)

func init() {
	register(Kind{
		Name: "charts",
		Title: func(in Input) string {
			s, ok := selectedService(in)
			if !ok {
				return "SIGNALS"
			}
			return in.safe(s.Name + "  " + string(s.Kind) + "  " + s.Version)
		},
		Draw:    drawCharts,
		Items:   chartIDs,
		Explain: explainChart,
		Explained: func(in Input) health.Named {
			s, _, v := explainedChart(in)
			return namedSignal(&s, v)
		},
	})
}

// charted are the signals of a service that are drawn: the golden ones of its
// kind first, then what else is measured. What was never there has no chart.
func charted(in Input, s *health.Service) []*health.Signal {
	var out []*health.Signal
	add := func(v *health.Signal) {
		if (v.State != health.Absent || len(v.Series) > 0) && matches(in.State.Filter, v.ID, v.Title) {
			out = append(out, v)
		}
	}
	golden := map[string]bool{}
	for _, id := range packs.Golden(s.Kind) {
		golden[id] = true
		add(signalOf(s, id))
	}
	for i := range s.Signals {
		if v := &s.Signals[i]; !golden[v.ID] {
			add(v)
		}
	}
	return out
}

func chartIDs(in Input) []string {
	s, _ := selectedService(in)
	var ids []string
	for _, v := range charted(in, &s) {
		ids = append(ids, v.ID)
	}
	return ids
}

// A tile is as wide as a chart needs to say something. It is a title and a few
// rows of line, fewer on a low screen; the lowest ones have a time axis as well.
const (
	tileWidth = 38
	tileHigh  = 5
	tileLow   = 4
)

// tiling is how many charts stand beside each other and how high each row of them
// is: all n if they fit, otherwise as many as can be read.
func tiling(n, w, h int) (across int, high []int) {
	across = min(max(w/tileWidth, 1), max(n, 1))
	if n <= 4 { // few charts look better large
		across = min(across, 2)
	}
	least := tileHigh
	if h < 4*tileHigh {
		least = tileLow
	}
	down := max(min((n+across-1)/across, (h-1)/least), 1)
	high = make([]int, down)
	for i := range high {
		high[i] = (h - 1 + i) / down // the lower ones first get what is left
	}
	high[down-1]++
	return across, high
}

func drawCharts(in Input, w, h int) []string {
	s, ok := selectedService(in)
	all := charted(in, &s)
	switch {
	case !ok && in.Snap.Asking, ok && in.Snap.Asking && len(all) == 0:
		return sheet(in, w, h, asking(in))
	case !ok:
		return sheet(in, w, h, "no service is selected")
	case len(all) == 0 && in.State.Filter != "":
		return sheet(in, w, h, "no signal contains “"+in.State.Filter+"”")
	case len(all) == 0:
		return sheet(in, w, h, "nothing is measured of "+s.Name+": sickbay doctor says what was looked for")
	case w < 1 || h < 1:
		return fill(nil, w, h)
	}
	selected := selectedIndex(in, chartIDs(in))
	t := tiles{Input: in, service: &s, selected: all[selected], wide: w}
	if in.State.Large {
		return t.tile(all[selected], false, h)
	}
	across, high := tiling(len(all), w, h)
	first := firstSeen(selected/across, (len(all)+across-1)/across, len(high)) * across
	return t.lay(all[first:], across, high, w, h)
}

// tiles are charts that line up: all as wide, with value axes as wide.
type tiles struct {
	Input
	service  *health.Service
	selected *health.Signal
	wide     int // of one
	axis     int // of the value axis of each
}

// lay puts charts into rows of the given heights.
func (t tiles) lay(signals []*health.Signal, across int, high []int, w, h int) []string {
	t.wide = (w - (across - 1)) / across
	var rows [][]*health.Signal
	for _, th := range high {
		row := signals[:min(across, len(signals))]
		for _, v := range row {
			t.axis = max(t.axis, chartOf(t.Input, t.service, v).AxisWidth(t.wide, th-1))
		}
		rows, signals = append(rows, row), signals[len(row):]
	}
	var out []string
	for i, row := range rows {
		below := 0 // as many have another chart below them
		if i < len(rows)-1 {
			below = len(rows[i+1])
		}
		rest := blanks(w - len(row)*(t.wide+1) + 1)
		for _, line := range t.row(row, below, high[i]) {
			out = append(out, line+rest)
		}
	}
	return fill(out, w, h)
}

// row puts charts beside each other, a column between them blank. Those that have
// others below them have no time axis.
func (t tiles) row(signals []*health.Signal, below, h int) []string {
	out := make([]string, h)
	for i, v := range signals {
		for y, line := range t.tile(v, i < below, h) {
			if i > 0 {
				out[y] += " "
			}
			out[y] += line
		}
	}
	return out
}

// tile is one chart with its title.
func (t tiles) tile(v *health.Signal, stacked bool, h int) []string {
	title := t.title(v)
	if h < 2 {
		return fill([]string{title}, t.wide, h)
	}
	c := chartOf(t.Input, t.service, v)
	c.Stacked, c.Axis = stacked, t.axis
	return append([]string{title}, c.Draw(t.Look, t.wide, h-1)...)
}

// title says what, how much, and beyond which limit; after a rollback how much before
// and since, as they lie left and right of its mark: "refusals  15.5 % R 0.3 %".
func (t tiles) title(v *health.Signal) string {
	in, w := t.Input, t.wide
	r := newRow(in, w)
	name := cursor(in, r, v == t.selected)
	role, text := value(v)
	if mark := arrow(in.Look, v.Bad, v.Status); mark != "" && v.State.HasValue() {
		text += " " + mark
	}
	before := ""
	if was, rolled := beforeRollback(in, t.service, v); rolled {
		before = was + " "
	}
	title, note := titleOf(v), tileNote(in, v)
	numbers := width(before) + width(text)
	if before != "" {
		numbers += width("R ")
	}
	if width(title)+numbers+width(note)+5 > w {
		note = ""
	}
	if room := w - numbers - 3; width(title) > room && room > 8 { // the numbers are never cut
		title = ansi.Truncate(in.safe(title), room, in.Look.Glyph("…", "~"))
	}
	r.put(name, title).gap(2)
	if before != "" {
		r.put(themes.Faint, before).put(themes.Marker, "R ")
	}
	r.put(role, text)
	if note != "" {
		r.gap(2).put(themes.Faint, note)
	}
	return r.String()
}

// titleOf is the signal's title without what its unit says anyway.
func titleOf(v *health.Signal) string {
	if v.Title == "" {
		return v.ID
	}
	return strings.ReplaceAll(strings.Replace(v.Title, ", 95th percentile", " p95", 1), ", ", " ")
}

// tileNote says the state if it is not fresh, otherwise the limits.
func tileNote(in Input, v *health.Signal) string {
	switch {
	case v.State == health.Stale && !v.At.IsZero():
		return "stale " + ago(in, v.At)
	case v.State != health.Fresh:
		return v.State.String()
	}
	if l := limitWords(v.Unit, v.Limit); l != "" {
		return "limit " + l
	}
	return ""
}

func chartOf(in Input, s *health.Service, v *health.Signal) chart.Chart {
	c := chart.Chart{Lines: [][]health.Point{v.Series}, Unit: v.Unit, Bad: v.Bad, Limit: v.Limit,
		Marks: marksOf(in, s), At: in.Snap.At, Window: in.Snap.Window, Step: in.Snap.Step}
	if !in.Snap.Live {
		c.Now = clock(in, in.Snap.At)
	}
	return c
}

// marksOf are the changes of a service, and the rollbacks that were seen to be
// applied. A rollback is never counted away, and one that a feed tells of as well is
// one mark.
func marksOf(in Input, s *health.Service) []chart.Mark {
	var out []chart.Mark
	for _, c := range in.Snap.Changes {
		if c.Service == s.Name && !ours(in, c) {
			out = append(out, chart.Mark{At: c.At, Letter: letter(c.Kind), Keep: c.Kind == "rollback"})
		}
	}
	for _, r := range in.Snap.Rollbacks {
		if r.Service == s.Name && !r.Applied.IsZero() {
			out = append(out, chart.Mark{At: r.Applied, Letter: 'R', Keep: true})
		}
	}
	return out
}

// ours says whether a change is one of sickbay's own rollbacks, told by somebody else.
func ours(in Input, c health.Change) bool {
	return slices.ContainsFunc(in.Snap.Rollbacks, func(r health.Rollback) bool {
		return r.Service == c.Service && r.From == c.From && r.To == c.To && !r.Applied.IsZero() &&
			!c.At.Before(r.At.Add(-time.Minute)) && !c.At.After(r.Applied.Add(time.Minute))
	})
}

// beforeRollback is what a signal was when the newest rollback within the window was
// planned for it: the number that stands left of the mark R.
func beforeRollback(in Input, s *health.Service, v *health.Signal) (words string, ok bool) {
	for _, op := range in.Snap.Rollbacks { // newest first
		if op.Service != s.Name || op.Applied.IsZero() || op.Applied.After(in.Snap.At) || in.Snap.At.Sub(op.Applied) > in.Snap.Window {
			continue
		}
		for _, r := range op.Readings {
			if r.Symptom.Signal == v.ID {
				return health.Format(v.Unit, r.Symptom.Value), true
			}
		}
	}
	return "", false
}

// letter marks a change by the first letter of its kind.
func letter(kind string) rune {
	if kind == "" || kind[0] > 'z' || !unicode.IsLetter(rune(kind[0])) {
		return '*'
	}
	return unicode.ToUpper(rune(kind[0]))
}

func explainChart(in Input) [][2]string {
	s, ok, v := explainedChart(in)
	if !ok {
		return nil
	}
	return append(append(explainSignal(in, v), explainSlowest(in, &s, v)...), explainRollbacks(in, &s, v)...)
}

// explainedChart is the selected signal and whose it is, if there is one.
func explainedChart(in Input) (s health.Service, ok bool, v *health.Signal) {
	s, ok = selectedService(in)
	all := charted(in, &s)
	if !ok || len(all) == 0 {
		return s, false, nil
	}
	return s, true, all[selectedIndex(in, chartIDs(in))]
}

// explainRollbacks are the marks R of a chart: what the signal was before and is since.
func explainRollbacks(in Input, s *health.Service, v *health.Signal) [][2]string {
	var out [][2]string
	for _, op := range in.Snap.Rollbacks {
		if op.Service != s.Name || op.Applied.IsZero() {
			continue
		}
		words := clock(in, op.Applied) + " " + op.Target + " " + health.FromTo(op.From, op.To) + ", " + string(op.State)
		for _, r := range op.Readings {
			if r.Symptom.Signal == v.ID {
				words += ": " + readingWords(r)
			}
		}
		out = append(out, [2]string{"rollback", words})
	}
	return out
}
