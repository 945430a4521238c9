package pane

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name: "trace",
		Title: func(in Input) string {
			return in.safe(strings.TrimSpace("TRACE " + in.Snap.Requests[in.View.Request].Trace))
		},
		Draw:   func(in Input, w, h int) []string { return tracePage(in, w).cut(in.State.Offset, h) },
		Lines:  func(in Input, w int) int { return len(tracePage(in, w).rows) },
		Extent: textExtent(tracePage),
	})
}

// tracePage is everything the trace of the open request tells, or its steps where no
// trace is known.
func tracePage(in Input, w int) *page {
	p := newRequestPage(in, w)
	p.id = in.View.Request
	q, ok := in.Snap.Requests[in.View.Request]
	t := in.Snap.Traces[q.Trace]
	switch {
	case in.View.Request == "":
		p.wrap(themes.Faint, 1, "no request is open")
	case !ok:
		p.wrap(themes.Faint, 1, "nothing is known of "+in.View.Request+" yet")
	case t.State == health.TraceFound:
		p.fall(&t, math.MaxInt)
	default:
		p.traceState(q, t)
		p.steps(q)
	}
	return p
}

// further adds what is peculiar about a request, where to look further, and why there
// is no trace.
func (p *page) further(q health.Request) {
	for _, s := range q.Signs {
		p.fact("peculiar", themes.Warn, p.shown(s.Kind+": "+s.Text))
	}
	if q.Link != "" {
		p.fact("link", themes.Link, q.Link)
	}
	if t, asked := p.in.Snap.Traces[q.Trace]; q.Trace != "" && asked && t.State != health.TraceFound {
		p.traceState(q, t)
	}
}

// trace adds the trace of a request as a waterfall, if it is known.
func (p *page) trace(q health.Request) {
	if t := p.in.Snap.Traces[q.Trace]; q.Trace != "" && t.State == health.TraceFound {
		if len(p.rows) > 0 {
			p.blank()
		}
		p.fall(&t, rowsBeside)
	}
}

// rowsBeside is how many rows of a trace stand among other things.
const rowsBeside = 40

// traceState says why there is no trace.
func (p *page) traceState(q health.Request, t health.Trace) {
	role, text := themes.Faint, t.Note
	switch {
	case q.Trace == "":
		text = "its record names no trace"
	case text == "":
		text = "nobody knows traces: no [[source]] of kind jaeger, tempo or otlp"
	case t.State == health.TraceFailed:
		role = themes.Warn
	}
	p.fact("trace", role, text)
}

// steps draws tool calls as a waterfall when nobody has the trace. Their times are
// not known: they are laid end to end.
func (p *page) steps(q health.Request) {
	if len(q.Tools) == 0 {
		return
	}
	var t health.Trace
	at := time.Unix(0, 0)
	for _, c := range q.Tools {
		s := health.TraceSpan{Kind: health.SpanTool, Tool: c.Name, Name: c.Name, Arguments: c.Arguments, Error: c.Error, Start: at}
		s.Duration = time.Duration(tookOf(c) * float64(time.Second))
		at = at.Add(s.Duration)
		t.Spans = append(t.Spans, s)
	}
	p.blank()
	p.head(fmt.Sprintf("STEPS  %s", plural(len(q.Tools), "tool call")))
	p.spans(&t, newWaterfall(&t), math.MaxInt)
	p.wrap(themes.Faint, 1, "as logged, laid end to end: what lay between them is not known")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// fall adds the heading, what took the time, the waterfall, and how to read it.
func (p *page) fall(t *health.Trace, most int) {
	w := newWaterfall(t)
	services := map[string]bool{}
	for _, s := range t.Spans {
		services[s.Service] = true
	}
	head := fmt.Sprintf("TRACE  %s, %s, %s", plural(len(t.Spans), "span"), plural(len(services), "service"), health.Format(health.Seconds, w.lasts.Seconds()))
	if t.Source != "" {
		head += ", from " + t.Source
	}
	p.head(head)
	if text := w.whatTook(); text != "" {
		p.wrap(themes.Text, 1, text)
	}
	if p.spans(t, w, most) {
		heavy, light := p.in.Look.Glyph("━", "#"), p.in.Look.Glyph("─", "-")
		p.wrap(themes.Faint, 1, heavy+" decided how long it took   "+light+" beside that")
	}
	if t.Cut > 0 {
		p.wrap(themes.Warn, 1, plural(t.Cut, "span")+" more left out: there were too many")
	}
	if t.Note != "" {
		p.wrap(themes.Warn, 1, p.shown(t.Note))
	}
}

// whatTook is "tools took 61 % of the time, models 34 %, the rest 5 %".
func (w *waterfall) whatTook() string {
	type part struct {
		words string
		d     time.Duration
	}
	words := map[health.SpanKind]string{health.SpanModel: "models", health.SpanTool: "tools", health.SpanRetrieval: "retrieval"}
	var parts []part
	rest, all := time.Duration(0), time.Duration(0)
	for _, k := range []health.SpanKind{health.SpanModel, health.SpanTool, health.SpanRetrieval} {
		parts = append(parts, part{words[k], w.spent[k]})
	}
	for k, d := range w.spent {
		if all += d; words[k] == "" {
			rest += d
		}
	}
	parts = slices.DeleteFunc(parts, func(p part) bool { return p.d == 0 })
	slices.SortStableFunc(parts, func(a, b part) int { return int(min(max(b.d-a.d, -1), 1)) })
	if all <= 0 || len(parts) == 0 {
		return ""
	}
	parts = append(parts, part{"the rest", rest})
	for i := range parts {
		parts[i].words += fmt.Sprintf(" %.0f %%", 100*float64(parts[i].d)/float64(all))
	}
	texts := make([]string, len(parts))
	for i := range parts {
		texts[i] = parts[i].words
	}
	return "of the time: " + strings.Join(texts, ", ")
}

// A fallLayout is where the columns of a waterfall stand.
type fallLayout struct{ name, bar, took, detail int }

const tookWidth = 8

// layout gives names what they need, within bounds, and the bars the rest. Where
// there is much room, what spans say of themselves stands behind them.
func (w *waterfall) layout(t *health.Trace, width int) fallLayout {
	widest := 10
	for i := range w.rows {
		name, times := w.rows[i].label(t, math.MaxInt)
		widest = max(widest, 2+indentOf(w.rows[i].depth)+utf8.RuneCountInString(name)+len(times))
	}
	l := fallLayout{took: tookWidth}
	if width >= 100 {
		l.detail = min(width/3, 44)
	}
	room := width - l.took - l.detail - 3
	if room < 24 {
		return fallLayout{name: max(width-tookWidth-1, 1), took: min(tookWidth, max(width-2, 0))}
	}
	l.name = min(widest, max(room*45/100, 12))
	l.bar = room - l.name
	return l
}

func indentOf(depth int) int { return min(depth, 8) }

// label is what a row is called, and " x14" where it stands for several. Where there
// is no room for a whole round, its tool is called, or its last.
func (r *fallRow) label(t *health.Trace, room int) (name, times string) {
	names := make([]string, r.period)
	short := ""
	for i, s := range r.spans[:r.period] {
		names[i] = labelOf(&t.Spans[s])
		if short == "" || t.Spans[s].Kind == health.SpanTool {
			short = names[i]
		}
	}
	if n := r.times(); n > 1 {
		times = fmt.Sprintf(" x%d", n)
	}
	if name = strings.Join(names, " → "); utf8.RuneCountInString(name)+len(times) > room {
		name = short
	}
	return name, times
}

// folded says what a row that stands for several has in common.
func (r *fallRow) folded(t *health.Trace) string {
	switch {
	case r.times() < 2:
		return ""
	case !r.same:
		return "other arguments each time"
	case slices.ContainsFunc(r.spans, func(i int) bool { return t.Spans[i].Arguments != "" }):
		return "same arguments"
	}
	return ""
}

// spans adds the time axis and the rows, and says whether there was room for bars.
func (p *page) spans(t *health.Trace, w *waterfall, most int) (bars bool) {
	if len(w.rows) == 0 {
		p.wrap(themes.Faint, 1, "it has no spans")
		return false
	}
	l := w.layout(t, p.w)
	if l.bar > 0 && w.lasts > 0 {
		p.line(func(r *row) { r.to(l.name+2).put(themes.Faint, axis(w.lasts, l.bar)) })
	}
	for i := range w.rows {
		if i == most {
			p.wrap(themes.Faint, 1, fmt.Sprintf("%d rows more", len(w.rows)-most))
			break
		}
		p.fallRow(t, w, l, &w.rows[i])
	}
	return l.bar > 0 && w.lasts > 0
}

// fallRow is one row: a mark, what was done, when, how long it took, and what it
// says of itself.
func (p *page) fallRow(t *health.Trace, w *waterfall, l fallLayout, f *fallRow) {
	first := &t.Spans[f.spans[f.period-1]]
	p.line(func(r *row) {
		mark, name := " ", themes.Text
		if f.failed > 0 {
			mark, name = sign(p.in.Look, health.Critical), themes.Critical
		} else if f.times() > 1 {
			name = themes.Warn
		}
		r.put(themes.Critical, mark).gap(1 + indentOf(f.depth))
		room := max(l.name-2-indentOf(f.depth), 0)
		label, times := f.label(t, room)
		if label = p.shown(label); utf8.RuneCountInString(label)+len(times) > room {
			r.col(name, label, max(room-len(times), 0))
		} else {
			r.put(name, label)
		}
		r.put(name, times).to(l.name)
		if l.bar > 0 {
			r.gap(2)
			for _, b := range w.bar(f, l.bar) {
				role := kindRole(first.Kind)
				if f.failed > 0 {
					role = themes.Critical
				}
				switch b.mark {
				case barLight:
					r.own(themes.Faint, strings.Repeat(p.in.Look.Glyph("─", "-"), b.n), b.n)
				case barHeavy:
					r.own(role, strings.Repeat(p.in.Look.Glyph("━", "#"), b.n), b.n)
				default:
					r.gap(b.n)
				}
			}
		}
		r.right(themes.Text, health.Format(health.Seconds, f.took.Seconds()), l.took)
		if l.detail > 0 {
			r.gap(2).put(themes.Faint, p.shown(p.says(t, f)))
		} else if text := f.folded(t); text != "" && l.bar == 0 {
			r.put(themes.Warn, " "+text)
		}
	})
	if text := f.folded(t); text != "" && l.detail == 0 && l.bar > 0 {
		p.wrap(themes.Warn, 2+indentOf(f.depth), text)
	}
	if f.failed > 0 {
		p.wrap(themes.Critical, min(2+indentOf(f.depth), max(p.w-12, 0)), p.shown(p.errorOf(t, f)))
	}
}

// errorOf is the first error of a row, and how many of its spans failed.
func (p *page) errorOf(t *health.Trace, f *fallRow) string {
	for _, i := range f.spans {
		if e := t.Spans[i].Error; e != "" {
			if len(f.spans) > 1 {
				return fmt.Sprintf("%d failed: %s", f.failed, e)
			}
			return e
		}
	}
	return ""
}

// says is what a span tells of models, tokens and documents.
func (p *page) says(t *health.Trace, f *fallRow) string {
	var parts []string
	add := func(format string, v *float64, unit health.Unit) {
		if v != nil {
			parts = append(parts, fmt.Sprintf(format, health.Format(unit, *v)))
		}
	}
	if text := f.folded(t); text != "" {
		parts = append(parts, text)
	}
	if len(f.spans) == 1 {
		s := &t.Spans[f.spans[0]]
		add("%s in", s.TokensIn, health.Count)
		add("%s out", s.TokensOut, health.Count)
		add("first token after %s", s.TTFT, health.Seconds)
		add("%s found", s.Documents, health.Count)
		if s.Finish != "" && s.Finish != "stop" {
			parts = append(parts, "finish "+s.Finish)
		}
		if s.Kind == health.SpanTool && !p.hidden() && s.Arguments != "" {
			parts = append(parts, s.Arguments)
		}
		if len(parts) == 0 {
			parts = append(parts, s.Service)
		}
	}
	return strings.Join(parts, ", ")
}

// kindRole is how a span is painted; the words say the same without colour.
func kindRole(k health.SpanKind) themes.Role {
	switch k {
	case health.SpanModel:
		return themes.Line1
	case health.SpanTool:
		return themes.Line2
	case health.SpanRetrieval:
		return themes.Line3
	}
	return themes.Line4
}

const (
	barNone = iota
	barLight
	barHeavy
)

// A barPart is some cells of one kind.
type barPart struct{ mark, n int }

// bar draws when something was done in n cells: those that it fills half or more,
// heavily where half of that decided. What is too short for a cell has one all the
// same.
func (w *waterfall) bar(f *fallRow, n int) []barPart {
	on, deep := w.cover(f.on, n), w.cover(f.deep, n)
	least := min(0.5, slices.Max(on))
	var parts []barPart
	for c := range n {
		mark := barNone
		switch {
		case on[c] < least || on[c] == 0:
		case 2*deep[c] >= on[c]:
			mark = barHeavy
		default:
			mark = barLight
		}
		if k := len(parts); k > 0 && parts[k-1].mark == mark {
			parts[k-1].n++
		} else {
			parts = append(parts, barPart{mark, 1})
		}
	}
	return parts
}

// cover says how much of each of n cells some stretches fill, in cells.
func (w *waterfall) cover(all []stretch, n int) []float64 {
	cells := make([]float64, n)
	if w.lasts <= 0 {
		return cells
	}
	perCell := float64(w.lasts) / float64(n)
	for _, s := range all {
		from, to := float64(s.from)/perCell, float64(s.to)/perCell
		from = min(from, float64(n)-1e-9)
		for c := int(from); c < n && float64(c) < max(to, from+1e-9); c++ {
			cells[c] += max(min(to, float64(c+1))-max(from, float64(c)), 1e-9)
		}
	}
	return cells
}

// axis writes times at round distances over n cells.
func axis(lasts time.Duration, n int) string {
	const apart = 10 // cells between two times, at least
	total := lasts.Seconds()
	step := math.Pow(10, math.Floor(math.Log10(total/max(float64(n)/apart, 1))))
	for _, f := range []float64{1, 2, 5, 10, 20} {
		if step*f/total*float64(n) >= apart {
			step *= f
			break
		}
	}
	line := []rune(blanks(n))
	for i := 0; ; i++ {
		at := int(math.Round(float64(i) * step / total * float64(n)))
		label := []rune(health.Format(health.Seconds, float64(i)*step))
		if i == 0 {
			label = []rune("0")
		}
		if at+len(label) > n || i > n {
			return strings.TrimRight(string(line), " ")
		}
		copy(line[at:], label)
	}
}

// round is the heading of calls that go in a circle, with what all rounds cost.
func (p *page) round(calls []health.ToolCall, period int, whole *run) {
	names := make([]string, 0, period+1)
	for _, c := range calls[:period] {
		names = append(names, c.Name)
	}
	names = append(names, names[0])
	took := newRun(calls).all
	p.line(func(r *row) {
		r.gap(1).put(themes.Warn, fmt.Sprintf("%s  %d rounds, same arguments", strings.Join(names, " → "), len(calls)/period))
		if took > 0 {
			r.put(themes.Faint, "  "+health.Format(health.Seconds, took))
		}
		whole.bar(r, calls)
	})
}
