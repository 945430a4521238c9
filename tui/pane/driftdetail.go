package pane

import (
	"math"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name: "driftdetail",
		Title: func(in Input) string {
			r, ok := openDrift(in)
			if !ok {
				return "THEN AND NOW"
			}
			return in.safe("THEN AND NOW  " + r.What() + " of " + r.Of.Name)
		},
		Draw:    func(in Input, w, h int) []string { return driftPage(in, w).cut(in.State.Offset, h) },
		Lines:   func(in Input, w int) int { return len(driftPage(in, w).rows) },
		Extent:  textExtent(driftPage),
		Explain: func(in Input) [][2]string { in.State.Selected = ""; return explainDrift(in) },
	})
}

// openDrift is the comparison that is looked at.
func openDrift(in Input) (DriftRow, bool) {
	in.State.Selected = ""
	return selectedDrift(in)
}

// besideWidth is from how many cells on the numbers stand beside the distributions
// and not below them.
const besideWidth = 104

// driftPage is the verdict on one comparison and what it did, both distributions
// on one axis with the windows before them, and the numbers.
func driftPage(in Input, w int) *page {
	p := newPage(in, w)
	r, ok := openDrift(in)
	if !ok {
		p.wrap(themes.Faint, 1, "no comparison is selected")
		return p
	}
	p.verdict(r)
	p.story(r)
	if w >= besideWidth {
		left, right := newPage(in, w*62/100), newPage(in, w-w*62/100)
		left.distributions(r)
		right.numbers(r)
		p.rows = append(p.rows, abreast(left, right)...)
	} else {
		p.distributions(r)
		p.numbers(r)
	}
	p.origin(r)
	return p
}

// abreast are the rows of two pages next to each other.
func abreast(left, right *page) []string {
	out := make([]string, max(len(left.rows), len(right.rows)))
	for i := range out {
		for _, p := range []*page{left, right} {
			if i < len(p.rows) {
				out[i] += p.rows[i]
			} else {
				out[i] += blanks(p.w)
			}
		}
	}
	return out
}

// verdict is a sentence: how far, how sure, since when.
func (p *page) verdict(r DriftRow) {
	if r.Kind == "exported" {
		p.wrap(themes.Text, 1, "score "+r.Shift()+", computed by "+orDash(r.Tool))
		p.wrap(themes.Faint, 1, "shown as exported: sickbay does not know its limits and does not judge it")
		return
	}
	text := r.Sentences()[0]
	if r.Moved() && !r.Since.IsZero() {
		text += " since " + clock(p.in, r.Since)
	}
	if r.PSIAdj != nil && r.Level != "insufficient" {
		text += ": PSI " + r.Shift()
		if i := r.Interval(); i != "" {
			text += " (" + i + ")"
		}
	}
	if r.Band != nil && r.Level != "insufficient" {
		text += ", ordinary windows reach " + health.PSI(*r.Band)
	}
	p.hang(r.role(), 3, 3, func(row *row) { row.gap(1).put(r.signRole(), r.sign(p.in.Look)) }, text)
}

// story is what moved beside it: the outcome, the onset, and what changed near it.
func (p *page) story(r DriftRow) {
	if r.Outcome != "" {
		p.fact("outcome", themes.Text, r.Outcome)
	}
	if r.Onset != (health.Onset{}) {
		p.fact("onset", themes.Text, onsetWords(p.in, r.Onset))
	}
	name, role := "near it", themes.Strong // the nearest, which comes first
	for _, id := range r.Near {
		for i := range p.in.Snap.Changes {
			if c := &p.in.Snap.Changes[i]; c.ID == id {
				p.fact(name, role, nearWords(p.in, r, c))
				name, role = "", themes.Text
			}
		}
	}
}

// onsetWords is "a step up at 13:50 ± 15 s, and it lasts".
func onsetWords(in Input, o health.Onset) string {
	text := "a " + map[string]string{"step": "step", "ramp": "slow change", "spread": "change of spread"}[o.Kind]
	if text == "a " {
		text = "a change"
	}
	switch {
	case o.Kind == "spread" && o.Up:
		text = "a wider spread"
	case o.Kind == "spread":
		text = "a narrower spread"
	case o.Up:
		text += " up"
	default:
		text += " down"
	}
	if o.Kind == "ramp" {
		text += " from "
	} else {
		text += " at "
	}
	text += clock(in, o.At)
	if o.Step > 0 {
		text += " ± " + health.Ago(o.Step)
	}
	if o.End.IsZero() {
		return text + ", and it lasts"
	}
	return text + ", until " + clock(in, o.End)
}

// nearWords is a change and how long before the onset it was: "13:49 data v7 → v8,
// 1 m before".
func nearWords(in Input, r DriftRow, c *health.Change) string {
	text := clock(in, c.At) + " " + c.Kind
	if v := health.FromTo(c.From, c.To); v != "" {
		text += " " + v
	}
	if c.Service != r.Of.Name && c.Service != "" {
		text += " of " + c.Service
	}
	began := r.Onset.At
	if began.IsZero() {
		began = r.Since
	}
	if d := began.Sub(c.At); !began.IsZero() && !c.At.IsZero() {
		switch {
		case d.Abs() < time.Second:
			text += ", at the same time"
		case d > 0:
			text += ", " + health.Ago(d) + " before"
		default:
			text += ", " + health.Ago(-d) + " after"
		}
	}
	return text
}

// numbers are what a second look asks for.
func (p *page) numbers(r DriftRow) {
	if r.Kind != "exported" {
		p.blank()
		p.fact("counted", themes.Text, health.Rough(r.NRef)+" then, "+health.Rough(r.NCur)+" now")
		p.fact("certainty", themes.Text, certainty(r))
		if r.Gap != nil {
			what := "between the cumulative shares"
			if r.Kind == "categorical" {
				what = "of one share"
			}
			p.fact("gap", themes.Text, health.Format(health.Ratio, *r.Gap)+", the widest "+what)
		}
	}
	if says := r.Others(); says != "" {
		p.fact("others say", themes.Text, says+", shown as exported and not judged here")
	}
	for i, m := range r.Measures {
		if i == 0 {
			p.blank()
		}
		p.measure(m)
	}
}

// certainty says how likely the shift is by chance, and what would have been seen.
func certainty(r DriftRow) string {
	text := "not known"
	if r.P != nil {
		text = probability(*r.P) + " by chance"
	}
	if d := r.Detectable; d != nil && r.Kind != "categorical" && *d > 0 && *d < 1e3 {
		text += "; a shift of " + strconv.FormatFloat(*d, 'g', 2, 64) + " sigma would be seen"
	}
	return text
}

// probability says a p-value no more precisely than anybody can use it.
func probability(p float64) string {
	switch {
	case math.IsNaN(p):
		return "p not known"
	case p < 0.0001:
		return "p < 0.0001"
	}
	return "p = " + strconv.FormatFloat(p, 'g', 1, 64)
}

// measure is one number as the field names it, its bound, and what to keep in mind,
// as far as there is room: e says all of it.
func (p *page) measure(m health.Measure) {
	p.line(func(r *row) {
		name := measureName(m)
		if p.in.Look.ASCII {
			name = spelt.Replace(name)
		}
		r.gap(1).col(themes.Faint, name, min(max(p.w-22, 12), 21)).gap(1).right(themes.Text, figure(m.Value), 6)
		if says := measureSays(m); says != "" && p.w-r.used > 6 {
			r.gap(2).put(themes.Faint, says)
		}
	})
}

// spelt are the names of measures in letters everybody has.
var spelt = strings.NewReplacer("χ²", "chi-square", "L∞", "L-inf", "σ", "sigma")

func measureName(m health.Measure) string {
	if m.Base != "" {
		return m.Name + ", " + m.Base
	}
	return m.Name
}

func measureSays(m health.Measure) string {
	says := m.Note
	if m.Bound != nil {
		says = "bound " + figure(*m.Bound)
		if m.Note != "" {
			says += "; " + m.Note
		}
	}
	return says
}

// figure is a number of any size, in two digits or decimals.
func figure(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || a > 1e15:
		return "–"
	case a >= 9.95:
		return health.Rough(v)
	case a >= 0.00995 || a == 0:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 1, 64)
}

// origin is where the numbers come from.
func (p *page) origin(r DriftRow) {
	p.blank()
	if r.Against != "" {
		p.fact("then is", themes.Text, r.Against)
	}
	if r.Note != "" {
		p.fact("note", themes.Text, r.Note)
	}
	if r.Query != "" {
		p.fact("query", themes.Faint, r.Query)
	}
}
