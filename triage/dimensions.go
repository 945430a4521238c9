package triage

import (
	"fmt"
	"math"
	"strings"
	"time"

	"sickbay/health"
)

// A Dimension is something that failing requests have and healthy ones of the same
// minutes have not: a value, or two values that fail only together.
type Dimension struct {
	Fields []health.Field // one or two
	Same   []health.Field // other values of the very same requests

	Failing, All     int // requests that have it: how many fail, of how many
	Elsewhere, Other int // requests that do not: how many fail, of how many

	Phi         float64 // correlation with failing, by which they are ranked; √(χ²/n)
	Lift        float64 // how many times as common among failing as among healthy requests; +Inf: no healthy one has it
	Ratio       float64 // how many times as often requests with it fail, with half-counts
	RatioLow    float64 // lower end of its 99 % interval
	Explained   float64 // share of the failing requests that would be fine without it
	ExplainLow  float64 // at least, by RatioLow
	Chance      float64 // p of the G-test with Williams' correction
	ExplainedBy string  // it only comes with this one, which is listed before it; "": it stands for itself
}

// String is the sentence that is shown:
//
//	prompt_version=v32 — 121 of 135 failing (90 %), elsewhere 3 of 410
func (d Dimension) String() string {
	return fmt.Sprintf("%s — %d of %d failing (%.0f %%), elsewhere %d of %d",
		d.Name(), d.Failing, d.All, math.Round(100*float64(d.Failing)/float64(max(d.All, 1))), d.Elsewhere, d.Other)
}

// Name is the dimension alone: "model_version=m43 & region=us-east", and what else
// the same requests have: "provider=self ≡ model=llama-chat".
func (d Dimension) Name() string {
	var parts []string
	for _, f := range d.Fields {
		parts = append(parts, f.Name+"="+f.Value)
	}
	name := strings.Join(parts, " & ")
	for _, f := range d.Same {
		name += " ≡ " + f.Name + "=" + f.Value
	}
	return name
}

// Detail says how sure that is and how much it explains.
func (d Dimension) Detail() string {
	if d.ExplainedBy != "" {
		return "explained by " + d.ExplainedBy
	}
	total := d.Failing + d.Elsewhere
	return fmt.Sprintf("has %d of all %d failing (%.0f %%), ×%.3g as often as without it, p=%.0e, without it at least %.0f %% of the failures would be gone",
		d.Failing, total, math.Round(100*float64(d.Failing)/float64(max(total, 1))), d.Ratio, d.Chance, math.Floor(100*d.ExplainLow))
}

// Dimensions compares failing with healthy requests since an onset: best first,
// then those that are explained by the first. Only requests since then are
// compared: otherwise every version that came everywhere at that time looks guilty.
// Without an onset (zero) the one is taken that the failing requests show by
// themselves, and all of them if they show none. The healthy requests may be a sample if
// every one of them had the same chance to be in it.
func Dimensions(r Requests, since time.Time) []Dimension {
	if since.IsZero() {
		since, _ = r.failingSince()
	}
	from := 0
	if !since.IsZero() {
		from = r.from(since)
	}
	b := blame{requests: r, from: from}
	for _, failed := range r.Failed[from:] {
		if failed {
			b.failing++
		} else {
			b.healthy++
		}
	}
	all := b.singles()
	all = all[:min(len(all), maxSingles)]
	if pair, ok := b.pairs(all); ok {
		all = append([]trait{pair}, all...)
	}
	return b.sorted(all)
}

// sorted puts what the first explains behind what stands for itself.
func (b *blame) sorted(all []trait) []Dimension {
	var own, explained []Dimension
	for i, t := range all {
		d := b.dimension(t)
		if i == 0 {
			own = append(own, d)
			continue
		}
		held, varies := b.holding(all[0], func(k int) (bool, bool) { return b.has(t, k), true })
		switch {
		case !varies:
			own[0].Same = append(own[0].Same, d.Fields...)
		case held < explainedBy:
			d.ExplainedBy = own[0].Name()
			explained = append(explained, d)
		default:
			own = append(own, d)
		}
	}
	for i := range explained {
		explained[i].ExplainedBy = own[0].Name()
	}
	return append(own, explained...)
}

func (b *blame) dimension(t trait) Dimension {
	d := Dimension{
		Failing: int(t.a), All: int(t.a + t.b), Elsewhere: int(t.c), Other: int(t.c + t.d),
		Phi: t.phi(), Lift: (t.a / b.failing) / (t.b / b.healthy), Chance: t.chance(),
	}
	d.Ratio, d.RatioLow = t.ratio()
	d.Explained, d.ExplainLow = t.explained()
	for _, p := range t.parts {
		d.Fields = append(d.Fields, health.Field{Name: p.name, Value: p.value})
	}
	return d
}

// maxContrast bounds the requests that are laid side by side. More are thinned
// evenly, healthy and failing ones apart, each with the same chance.
const maxContrast = 20_000

// Contrast makes a table of failing requests, by time, and of the healthy ones of
// the same service: failing says which failure groups are meant.
// Failing requests of other kinds are left out, so that nobody looks healthy for
// failing otherwise.
func Contrast(records Records, service string, failing func(group string) bool) Requests {
	var bad, good []int
	for i := range records.Len() {
		switch {
		case records.Service(i) != service:
		case !records.Failed(i):
			good = append(good, i)
		case failing(records.Group(i)):
			bad = append(bad, i)
		}
	}
	bad, good = evenly(bad, maxContrast), evenly(good, maxContrast)
	t := &table{index: map[string]int{}, rows: len(bad) + len(good)}
	var r health.Request
	for len(bad)+len(good) > 0 {
		next := &good
		if len(good) == 0 || len(bad) > 0 && bad[0] < good[0] {
			next = &bad
		}
		records.Read((*next)[0], &r)
		t.add(&r)
		*next = (*next)[1:]
	}
	return t.done()
}

// evenly picks at most n of all, evenly.
func evenly(all []int, n int) []int {
	if len(all) <= n {
		return all
	}
	kept := make([]int, n)
	for i := range kept {
		kept[i] = all[i*len(all)/n]
	}
	return kept
}

// Sentences are what is shown of a comparison: at most n, of those that stand for
// themselves.
func Sentences(all []Dimension, n int) []string {
	var said []string
	for _, d := range all {
		if d.ExplainedBy == "" && len(said) < n {
			said = append(said, d.String())
		}
	}
	return said
}
