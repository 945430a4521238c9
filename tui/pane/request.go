package pane

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/chart"
)

func init() {
	register(Kind{
		Name: "request",
		Title: func(in Input) string {
			title := "REQUEST " + in.View.Request
			if in.View.Beside != "" {
				title += "  beside " + in.View.Beside
			}
			return in.safe(title)
		},
		Draw: func(in Input, w, h int) []string {
			p := requestPages(in, w)
			return p.cut(in.State.Offset, h)
		},
		Lines:  func(in Input, w int) int { return len(requestPages(in, w).rows) },
		Extent: textExtent(requestPages),
		Search: true,
	})
}

// requestPages is the open request, or what of it holds the text that is looked for.
func requestPages(in Input, w int) *page {
	p := wholeRequest(in, w)
	if in.State.Filter == "" {
		return p
	}
	if p.only(in.State.Filter); len(p.rows) == 0 {
		p.wrap(themes.Faint, 1, "nothing that is shown of it contains “"+in.State.Filter+"”")
	}
	return p
}

// wholeRequest is what is known of the open request, and where there is room beside
// that what was said. Another request may stand beside it instead.
func wholeRequest(in Input, w int) *page {
	q, ok := in.Snap.Requests[in.View.Request]
	switch {
	case ok && q.Missing == "" && in.View.Beside != "" && w >= 60:
		good := requestPage(in, in.View.Beside, w-w/2-2, nil)
		bad := requestPage(in, in.View.Request, w/2-1, good.told)
		return beside(in, w, w/2, bad, requestPage(in, in.View.Beside, w-w/2-2, bad.told))
	case ok && q.Missing == "" && w >= 110:
		x := w*2/5 + 1 // a trace id fits beside its name
		left, right := newRequestPage(in, x-1), newRequestPage(in, w-x-2)
		left.id, right.id = in.View.Request, in.View.Request
		left.about(q)
		left.blank()
		left.circumstances(q)
		right.said(q)
		shorter := left
		if len(right.rows) <= len(left.rows) {
			shorter = right
		}
		shorter.trace(q)
		right.raw(q)
		return beside(in, w, x, left, right)
	}
	return requestPage(in, in.View.Request, w, nil)
}

// beside puts two pages next to each other, with a line in column x.
func beside(in Input, w, x int, left, right *page) *page {
	both := newPage(in, w)
	line := in.Look.Paint(themes.Border, "│") + " "
	for i := range max(len(left.rows), len(right.rows)) {
		both.rows = append(both.rows, left.at(i)+blanks(x-left.w)+line+right.at(i))
	}
	return both
}

// at is row i, blank beyond the end.
func (p *page) at(i int) string {
	if i < len(p.rows) {
		return p.rows[i]
	}
	return blanks(p.w)
}

func newRequestPage(in Input, w int) *page {
	p := newPage(in, w)
	p.wide = true
	return p
}

// requestPage is one request; what the facts of another say otherwise is marked.
func requestPage(in Input, id string, w int, other map[string]string) *page {
	p := newRequestPage(in, w)
	p.id, p.other = id, other
	q, ok := in.Snap.Requests[id]
	switch {
	case id == "":
		p.wrap(themes.Faint, 1, "no request is open")
	case !ok && in.Snap.Asking:
		p.wrap(themes.Faint, 1, asking(in))
	case !ok:
		p.wrap(themes.Faint, 1, "asking for "+id+"… if nothing comes, it is older than what is held")
	case q.Missing != "":
		p.wrap(themes.Faint, 1, q.Missing)
	default:
		p.about(q)
		p.trace(q)
		p.blank()
		p.said(q)
		p.blank()
		p.circumstances(q)
		p.raw(q)
	}
	return p
}

// about is what is known of a request.
func (p *page) about(q health.Request) {
	p.summary(q)
	p.lineage(q.Lineage)
	for _, d := range q.Dims {
		if what, ok := strings.CutSuffix(d.Name, "_version"); ok { // of what the lineage has no word for
			p.fact(what, themes.Text, p.shown(d.Value))
		}
	}
	p.blank()
	p.timing(q)
	p.further(q)
}

// circumstances are where it ran, for whom, and how it was judged.
func (p *page) circumstances(q health.Request) {
	for _, d := range q.Dims {
		if name := dimension(d, q.Lineage); name != "" {
			p.fact(name, themes.Text, p.shown(d.Value))
		}
	}
	p.scores(q.Scores)
}

// dimension is how a dimension is called beside the lineage, which knows model and
// prompt under the same names; "": the lineage says it already.
func dimension(d health.Field, l health.Lineage) string {
	switch d.Name {
	case "model":
		if d.Value == l.Model {
			return ""
		}
		return "asked for"
	case "response_model":
		if d.Value == l.Model {
			return ""
		}
		return "answered by"
	case "prompt":
		return "prompt name"
	}
	if strings.HasSuffix(d.Name, "_version") {
		return ""
	}
	return strings.ReplaceAll(d.Name, "_", " ")
}

// said is what went in, what came out and what was done in between.
func (p *page) said(q health.Request) {
	if q.Reading && q.Prompt+q.Answer == "" {
		p.head("CONTENT")
		p.wrap(themes.Faint, 1, "reading it…")
		p.chunks(q)
		p.tools(q.Tools)
		return
	}
	if q.Unread != "" && q.Prompt+q.Answer == "" {
		p.head("CONTENT")
		p.wrap(themes.Faint, 1, "it cannot be read any more: see the record below")
		p.chunks(q)
		p.tools(q.Tools)
		return
	}
	if s, _ := p.in.Snap.Service(q.Service); s.Kind != health.ML || q.Prompt+q.Answer != "" { // a classic model is asked nothing in words
		p.content("PROMPT", q.Prompt)
		p.blank()
		p.content("ANSWER", q.Answer)
	}
	p.chunks(q)
	p.tools(q.Tools)
}

// summary is what happened, to whom and when.
func (p *page) summary(q health.Request) {
	p.hang(outcomeRole(q), 1, 1, nil, outcomeWords(q))
	if q.Message != "" {
		p.wrap(themes.Text, 1, p.shown(q.Message))
	}
	p.blank()
	p.fact("service", themes.Text, strings.TrimSpace(q.Service+"  "+q.Name))
	if !q.At.IsZero() {
		p.fact("time", themes.Text, clockSeconds(p.in, q)+", "+ago(p.in, q.At)+" ago")
	}
	if q.Trace != "" {
		p.fact("trace", themes.Text, q.Trace)
	}
	if f, ok := p.in.Snap.Failure(q.Group); ok {
		p.fact("failure", themes.Text, f.Signature+", "+times(f.Count)+" in "+window(p.in))
	}
}

// times is "once", "46 times".
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

func outcomeRole(q health.Request) themes.Role {
	switch {
	case q.Failed:
		return themes.Critical
	case q.At.IsZero():
		return themes.Unknown
	}
	return themes.OK
}

// outcomeWords is "failed: refusal, HTTP 200, finish content_filter".
func outcomeWords(q health.Request) string {
	var parts []string
	if q.Error != "" {
		parts = append(parts, q.Error)
	}
	if q.Code != 0 && q.Code != 200 {
		parts = append(parts, fmt.Sprintf("HTTP %d", q.Code))
	}
	if q.Finish != "" && q.Finish != "stop" {
		parts = append(parts, "finish "+q.Finish)
	}
	word := "ok"
	switch {
	case q.Failed:
		word = "failed"
	case q.At.IsZero():
		word = "not known" // there is no record of it
	}
	if len(parts) == 0 {
		return word
	}
	return word + ": " + strings.Join(parts, ", ")
}

// timing is how long it took, how much of that before the first token, and what
// went through.
func (p *page) timing(q health.Request) {
	if q.Duration != nil {
		text := "took " + health.Format(health.Seconds, *q.Duration)
		if q.TTFT != nil {
			text = "first token after " + health.Format(health.Seconds, *q.TTFT) + ", all after " + health.Format(health.Seconds, *q.Duration)
		}
		p.fact("timing", themes.Text, text)
		if w := min(p.w-p.factWidth()-2, 40); q.TTFT != nil && *q.Duration > 0 && w > 8 {
			p.line(func(r *row) {
				waited := strings.TrimRight(chart.HBar(*q.TTFT / *q.Duration, true, w), " ")
				rest := max(w-len(waited), 0)
				r.to(p.factWidth()).put(themes.Faint, strings.Repeat(p.in.Look.Glyph("─", "."), len(waited))).
					put(themes.Line1, strings.Repeat(p.in.Look.Glyph("━", "#"), rest))
			})
		}
	}
	var parts []string
	for _, v := range []struct {
		n     *float64
		where string
	}{{q.TokensIn, " in"}, {q.TokensOut, " out"}} {
		if v.n != nil {
			parts = append(parts, health.Format(health.Count, *v.n)+v.where)
		}
	}
	if len(parts) > 0 {
		p.fact("tokens", themes.Text, strings.Join(parts, ", "))
	}
	if q.CostUSD != nil {
		p.fact("cost", themes.Text, health.Format(health.USD, *q.CostUSD))
	}
}

// content shows what was said, as far as this viewer wants it shown.
func (p *page) content(title, text string) {
	p.head(title)
	switch {
	case text == "":
		p.wrap(themes.Faint, 1, "content not captured")
	case p.hidden():
		p.wrap(themes.Faint, 1, count(float64(utf8.RuneCountInString(text)))+" characters, hidden (v shows them)")
	default:
		p.lines(themes.Text, 1, p.shown(text))
	}
}

func (p *page) hidden() bool { return p.in.View.Content != "redacted" && !p.full() }

// full says whether this viewer may see everything of the request that is open.
func (p *page) full() bool {
	v := p.in.View
	return v.Content == "full" || v.Reveal != "" && v.Reveal == p.id
}

// shown is content as this viewer may see it.
func (p *page) shown(text string) string {
	if p.full() {
		return text
	}
	return p.in.Redact.Redact(text)
}

// lines adds text that has line ends of its own.
func (p *page) lines(role themes.Role, indent int, text string) {
	for _, l := range health.CleanLines(text) {
		p.wrap(role, indent, l)
	}
}

func (p *page) chunks(q health.Request) {
	chunks := q.Chunks
	empty := len(chunks) == 0 && strings.Contains(strings.ToLower(q.Error), "retriev")
	if len(chunks) == 0 && !empty {
		return
	}
	p.blank()
	p.head(fmt.Sprintf("RETRIEVED CHUNKS  %d", len(chunks)))
	if empty {
		p.wrap(themes.Warn, 1, "nothing was found")
	}
	for _, c := range chunks {
		mark := p.tell("chunk "+c.ID, "")
		p.line(func(r *row) {
			r.put(themes.Warn, mark).to(1).right(themes.Text, number(health.Score, c.Score), 6).gap(2).put(themes.Text, c.ID)
			if c.Age != nil {
				r.put(themes.Faint, "  indexed "+health.Format(health.Seconds, *c.Age)+" ago")
			}
		})
		if c.Text != "" && !p.hidden() {
			p.lines(themes.Faint, 9, p.shown(c.Text))
		}
	}
}

// tools folds calls that are the same and follow each other: a loop is one line, a
// circle is one round.
func (p *page) tools(calls []health.ToolCall) {
	if len(calls) == 0 {
		return
	}
	p.blank()
	p.head(fmt.Sprintf("TOOL CALLS  %d", len(calls)))
	whole := newRun(calls)
	for _, f := range foldRuns(len(calls), func(i, j int) bool {
		return calls[i].Name == calls[j].Name && calls[i].Arguments == calls[j].Arguments
	}) {
		round := calls[f.at : f.at+f.period*f.times]
		if f.period == 1 {
			p.calls(round, whole)
			continue
		}
		p.round(round, f.period, whole)
		for i := range f.period {
			p.calls(round[i:i+1], nil)
		}
	}
}

// calls adds one call, or several with the same name and arguments.
func (p *page) calls(same []health.ToolCall, whole *run) {
	c := same[0]
	failed, took := 0, 0.0
	for _, v := range same {
		if v.Error != "" {
			failed++
		}
		if v.Duration != nil {
			took += *v.Duration
		}
	}
	p.line(func(r *row) {
		r.gap(1).put(themes.Strong, c.Name)
		if len(same) > 1 {
			r.put(themes.Warn, fmt.Sprintf(" x%d, same arguments", len(same)))
		}
		if failed > 0 {
			r.put(themes.Critical, fmt.Sprintf("  %d failed", failed))
		}
		if took > 0 {
			r.put(themes.Faint, "  "+health.Format(health.Seconds, took))
		}
		if whole != nil {
			whole.bar(r, same)
		}
	})
	if c.Error != "" {
		p.wrap(themes.Critical, 3, p.shown(c.Error))
	}
	if p.hidden() {
		return
	}
	if c.Arguments != "" {
		p.wrap(themes.Text, 3, p.shown(c.Arguments))
	}
	if c.Result != "" {
		p.wrap(themes.Faint, 3, p.in.Look.Glyph("→ ", "> ")+p.shown(c.Result))
	}
}

func (p *page) scores(scores []health.Field) {
	if len(scores) == 0 {
		return
	}
	p.blank()
	p.head("EVALUATIONS")
	wide := p.factWidth()
	for _, s := range scores {
		wide = max(wide, min(len(s.Name)+3, p.w/2))
	}
	for _, s := range scores {
		p.hang(themes.Text, wide, wide, func(r *row) { r.gap(1).col(themes.Faint, s.Name, wide-2) }, s.Value)
	}
}

// mostRaw is how much of a record is shown: beyond it, nobody reads.
const mostRaw = 16 << 10

// raw shows the record as it came. It carries the content, so it is hidden with it.
func (p *page) raw(q health.Request) {
	if len(p.rows) > 0 {
		p.blank()
	}
	p.head("RECORD")
	if q.Origin != "" {
		p.wrap(themes.Faint, 1, "from "+q.Origin)
	}
	switch {
	case q.Unread != "":
		p.wrap(themes.Warn, 1, q.Unread)
	case q.Reading:
		p.wrap(themes.Faint, 1, "reading it…")
	case strings.HasPrefix(q.ID, health.TraceOnly):
		p.wrap(themes.Faint, 1, "no record of it is held: this is what its trace says")
	case q.Raw == "":
		p.wrap(themes.Faint, 1, "the record is not held any more")
	case p.hidden() && carriesContent(q):
		p.wrap(themes.Faint, 1, "hidden, because it carries the content")
	default:
		p.lines(themes.Text, 1, health.Cut(indented(p.shown(q.Raw)), mostRaw))
	}
}

func carriesContent(q health.Request) bool {
	return q.Prompt != "" || q.Answer != "" || len(q.Chunks) > 0 || len(q.Tools) > 0
}

// indented writes JSON with a field a line; what is no JSON stays as it is.
func indented(raw string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(raw), "", "  "); err != nil {
		return raw
	}
	return b.String()
}
