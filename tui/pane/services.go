package pane

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/themes"
	"sickbay/tui/chart"
)

func init() {
	register(Kind{
		Name:    "services",
		Title:   func(Input) string { return "SERVICES" },
		Draw:    drawServices,
		Items:   serviceIDs,
		Extent:  listExtent(serviceIDs, 1),
		Sorts:   serviceSorts,
		Explain: explainService,
		Explained: func(in Input) health.Named {
			s, _, v := explainedService(in)
			return namedSignal(&s, v)
		},
	})
}

func serviceIDs(in Input) []string {
	var ids []string
	for _, i := range serviceOrder(in) {
		ids = append(ids, in.Snap.Services[i].Name)
	}
	return ids
}

var serviceSorts = []string{"status", "name", "kind", "traffic", "errors", "p95"}

// serviceOrder is which services are shown, and in which order.
func serviceOrder(in Input) []int {
	all := in.Snap.Services
	var order []int
	for i := range all {
		if s := &all[i]; matches(in.State.Filter, s.Name, string(s.Kind), s.Version, s.Status.String()) {
			order = append(order, i)
		}
	}
	byName := func(a, b int) int { return cmp.Compare(all[a].Name, all[b].Name) }
	switch serviceSorts[min(max(in.State.Sort, 0), len(serviceSorts)-1)] {
	case "name":
		slices.SortStableFunc(order, byName)
	case "kind":
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(all[a].Kind, all[b].Kind), byName(a, b))
		})
	case "traffic":
		sortBySignal(order, all, "traffic")
	case "errors":
		sortBySignal(order, all, "errors")
	case "p95":
		sortBySignal(order, all, "latency_p95")
	}
	return order // the snapshot's own order is by status
}

// sortBySignal puts the largest value first and what has none last.
func sortBySignal(order []int, all []health.Service, id string) {
	key := make(map[int]float64, len(order))
	for _, i := range order {
		key[i] = math.Inf(-1)
		if s := signalOf(&all[i], id); s.State.HasValue() && !math.IsNaN(s.Value) {
			key[i] = s.Value
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(key[b], key[a]) })
}

// A column of the overview.
type column struct {
	title    string
	w        int // cells, the least; 0 for the columns that have no room
	keep     int // the smaller, the longer it stays while the pane gets narrow
	number   int // how many of the cells are for a number, standing right; 0: text
	write    func(in Input, r *row, s *health.Service, w int)
	selected bool // bold in the selected row
}

var serviceColumns = []column{
	{title: "SERVICE", w: 18, keep: 0, selected: true},
	{title: "KIND", w: 5, keep: 6, write: func(_ Input, r *row, s *health.Service, w int) { r.col(themes.Text, string(s.Kind), w) }},
	{title: "VERSION", w: 14, keep: 7, write: writeVersion},
	{title: "TRAFFIC", w: 15, keep: 3, write: writeTraffic},
	{title: "ERRORS", w: 8, keep: 1, number: 6, write: writeSignal("errors")},
	{title: "P95", w: 8, keep: 2, number: 6, write: writeSignal("latency_p95")},
	{title: "QUALITY", w: 7, keep: 4, number: 5, write: writeSignal("quality")},
	{title: "DRIFT", w: 7, keep: 5, number: 5, write: writeDrift},
	{title: "COST/H", w: 9, keep: 8, number: 7, write: writeSignal("cost")},
	{title: "OUTCOME", w: 9, keep: 9, number: 7, write: writeSignal("outcome")},
	{title: "WHY", w: 24, keep: 10, write: writeWhy},
}

// lead is the cursor, the sign of the status and a blank.
const lead = 3

// placeColumns gives every column its least width, most important first, as long
// as there is room, and shares what is left: names first, then versions,
// sparklines and reasons.
func placeColumns(w int) (cols []column, gap int) {
	gap = 1
	if w >= 130 {
		gap = 2
	}
	cols = make([]column, len(serviceColumns))
	rest := w - lead
	for k := range serviceColumns {
		i := slices.IndexFunc(serviceColumns, func(c column) bool { return c.keep == k })
		c := serviceColumns[i]
		if k > 0 && rest < c.w+gap {
			break
		}
		cols[i] = c
		rest -= c.w + gap
	}
	for _, grow := range []struct {
		title string
		upTo  int
	}{{"SERVICE", 20}, {"VERSION", 20}, {"TRAFFIC", 24}, {"SERVICE", 28}, {"VERSION", 24}, {"WHY", 1000}} {
		i := slices.IndexFunc(cols, func(c column) bool { return c.title == grow.title })
		if i < 0 {
			continue
		}
		more := max(min(rest, grow.upTo-cols[i].w), 0)
		cols[i].w, rest = cols[i].w+more, rest-more
	}
	return cols, gap
}

func drawServices(in Input, w, h int) []string {
	order := serviceOrder(in)
	switch {
	case len(in.Snap.Services) == 0 && in.Snap.Asking:
		return sheet(in, w, h, asking(in))
	case len(in.Snap.Services) == 0:
		return sheet(in, w, h, "no AI service found: sickbay doctor says what was looked for")
	case len(order) == 0:
		return sheet(in, w, h, "no service contains “"+in.State.Filter+"”")
	case h < 1:
		return nil
	}
	cols, gap := placeColumns(w)
	ids := make([]string, len(order))
	for i, at := range order {
		ids[i] = in.Snap.Services[at].Name
	}
	if in.State.Selected == "" {
		in.State.Selected = in.View.Service
	}
	head := newRow(in, w)
	head.gap(lead)
	for _, c := range cols {
		if c.selected {
			head.put(themes.Title, c.title).gap(2)
			head.col(themes.Faint, listExtent(serviceIDs, 1)(in, w, h).Words(), lead+c.w-head.used).gap(gap)
			continue
		}
		c.head(head, gap)
	}
	body := rows(in, w, h-1, ids, func(r *row, i int, name themes.Role) {
		s := &in.Snap.Services[order[i]]
		r.put(roleOf(s.Status), sign(in.Look, s.Status)).gap(1)
		for _, c := range cols {
			switch {
			case c.w == 0:
			case c.selected:
				r.col(name, s.Name, c.w).gap(gap)
			default:
				c.write(in, r, s, c.w)
				r.gap(gap)
			}
		}
	})
	return append([]string{head.String()}, body...)
}

// head writes the title above the numbers, which stand right.
func (c column) head(r *row, gap int) {
	switch {
	case c.w == 0:
		return
	case len(c.title) <= c.number:
		r.right(themes.Title, c.title, c.number).gap(c.w - c.number)
	default:
		r.col(themes.Title, c.title, c.w)
	}
	r.gap(gap)
}

// measured writes a number and, where it is beyond its limits, in which direction.
func measured(in Input, r *row, role themes.Role, text, mark string, w int) {
	if mark == "" {
		r.right(role, text, w-2).gap(2)
		return
	}
	r.right(role, text, w-2).put(role, " "+mark)
}

func writeSignal(id string) func(Input, *row, *health.Service, int) {
	return func(in Input, r *row, s *health.Service, w int) {
		v := signalOf(s, id)
		role, text := value(v)
		if v.State.HasValue() {
			text = coarse(v.Unit, v.Value, text)
		}
		mark := ""
		if v.State.HasValue() {
			mark = arrow(in.Look, v.Bad, v.Status)
		}
		measured(in, r, role, text, mark, w)
	}
}

// coarse is a value as a table of many compares it: in two digits. Decimals that nobody acts upon would go over the link with each refresh.
func coarse(u health.Unit, v float64, exact string) string {
	switch {
	case u == health.Ratio && v >= 0.0995 && v < 0.995:
		return strconv.FormatFloat(100*v, 'f', 0, 64) + " %"
	case u == health.USDPerH && v >= 9.995 && v < 99.5:
		return "$" + strconv.FormatFloat(v, 'f', 0, 64)
	case u == health.USDPerH && v >= 99.5 && v < 995:
		return "$" + strconv.FormatFloat(10*math.Round(v/10), 'f', 0, 64)
	case u == health.USDPerH:
		return strings.TrimSuffix(exact, "/h") // the column says so
	}
	return exact
}

func writeVersion(_ Input, r *row, s *health.Service, w int) {
	if s.Version == "" {
		r.col(themes.Faint, "–", w)
		return
	}
	r.col(themes.Text, s.Version, w)
}

// writeTraffic draws the course and the number, or, where there is no news, since
// when. What has no requests (a GPU) says the first number it has instead.
func writeTraffic(in Input, r *row, s *health.Service, w int) {
	v := signalOf(s, "traffic")
	spark := w - 7
	role, number := value(v)
	switch {
	case !s.Gone.IsZero():
		r.col(themes.Unknown, "gone "+short(in, s.Gone), spark)
	case v.State == health.Stale && !v.At.IsZero():
		text := "stale " + short(in, v.At)
		if width(text) > spark {
			text = short(in, v.At) + " old"
		}
		r.col(themes.Faint, text, spark)
	case v.State == health.Absent:
		if other := firstMeasured(s); other != nil {
			role, number = value(other)
			number = coarse(other.Unit, other.Value, number)
			r.col(themes.Faint, other.Short, spark).right(role, number, 7)
			return
		}
		r.gap(spark)
	default:
		r.own(themes.Faint, chart.Spark(v.Series, health.Up, in.Snap.At, in.Snap.Window, in.Look.ASCII, spark), spark)
	}
	r.right(role, number, 7)
}

// firstMeasured is the most telling signal of a service that has a value.
func firstMeasured(s *health.Service) *health.Signal {
	for _, id := range packs.Golden(s.Kind) {
		if v := signalOf(s, id); v.State.HasValue() && v.Short != "" {
			return v
		}
	}
	return nil
}

// writeDrift says the worst comparison; a score computed by others is dimmed,
// because nobody judges it here.
func writeDrift(in Input, r *row, s *health.Service, w int) {
	if len(s.Drift) == 0 {
		measured(in, r, themes.Faint, "–", "", w)
		return
	}
	d := s.Drift[0]
	role := themes.Text
	if d.Status == health.Warn || d.Status == health.Critical {
		role = roleOf(d.Status)
	}
	switch {
	case d.PSIAdj != nil:
		measured(in, r, role, health.PSI(*d.PSIAdj), arrow(in.Look, health.Up, d.Status), w)
	case d.Score != nil:
		measured(in, r, themes.Faint, health.Format(health.Score, *d.Score), "", w)
	default:
		measured(in, r, themes.Faint, "–", "", w)
	}
}

func writeWhy(_ Input, r *row, s *health.Service, w int) {
	if len(s.Findings) == 0 {
		r.gap(w)
		return
	}
	r.col(themes.Text, s.Findings[0].Text, w)
}
