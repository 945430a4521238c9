package triage

import (
	"iter"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// maxRows bounds the requests one ill service is compared over. More are thinned
// evenly, failing and healthy ones alike, so that every share stays what it is.
const maxRows = 8000

// incidentOf is what is known about an ill service, seen from it.
func incidentOf(s health.Service, all []health.Service, in Input) Incident {
	i := Incident{
		Now: in.Now, Step: stepOf(s), Changes: in.Changes, Parts: make([]Part, len(all)),
		Requests: columns(in.Records, s.Name, in.Now.Add(-in.Window)),
		Owner:    in.Owner,
	}
	if i.Owner == nil {
		i.Owner = providers
	}
	for _, f := range s.Findings {
		if ill(f.Status) {
			i.Alarm = Alarm{Service: s.Name, Signal: f.Signal, Since: f.Since}
			break // findings are sorted: this is the worst that began first
		}
	}
	for k, o := range all {
		i.Parts[k] = Part{Name: o.Name, Calls: o.Calls, Signals: o.Signals, Drifted: drifted(o)}
	}
	return i
}

func drifted(s health.Service) []string {
	var names []string
	for _, d := range s.Drift {
		if d.Status == health.Warn {
			names = append(names, driftName(d))
		}
	}
	return names
}

// providers knows the one dimension whose values are somebody else's services
// wherever they occur.
func providers(dimension, value string) string {
	switch strings.TrimPrefix(dimension, "gen_ai.") {
	case "provider", "provider.name", "system":
		return value
	}
	return ""
}

// stepOf is the distance of the points of a service's series.
func stepOf(s health.Service) time.Duration {
	const usual = 30 * time.Second
	for _, sig := range s.Signals {
		var gaps []float64
		for i := 1; i < min(len(sig.Series), 10); i++ {
			gaps = append(gaps, float64(sig.Series[i].T-sig.Series[i-1].T))
		}
		if d := time.Duration(median(gaps)) * time.Millisecond; d > 0 {
			return d
		}
	}
	return usual
}

// columns makes a table of the requests of one service since a time.
func columns(records []health.Request, service string, since time.Time) Requests {
	from, _ := slices.BinarySearchFunc(records, since, func(r health.Request, t time.Time) int { return r.At.Compare(t) })
	n := 0
	for k := from; k < len(records); k++ {
		if records[k].Service == service {
			n++
		}
	}
	every := max(1, (n+maxRows-1)/maxRows)
	t := tableOf(n / every)
	n = 0
	for k := from; k < len(records); k++ {
		r := &records[k]
		if r.Service != service {
			continue
		}
		if n++; n%every == 0 {
			t.add(r)
		}
	}
	return t.done()
}

// A table collects requests as columns. A request without a column's property has
// the value "".
type table struct {
	Requests
	index map[string]int
	codes []map[string]uint32
}

func tableOf(rows int) *table {
	t := &table{index: map[string]int{}}
	t.At, t.Failed = make([]int64, 0, rows), make([]bool, 0, rows)
	return t
}

func (t *table) add(r *health.Request) {
	row := len(t.At)
	t.At, t.Failed = append(t.At, r.At.UnixMilli()), append(t.Failed, r.Failed)
	for name, value := range properties(r) {
		i, known := t.index[name]
		if !known {
			i = len(t.Columns)
			t.index[name] = i
			t.Columns = append(t.Columns, Column{Name: name, Values: []string{""}})
			t.codes = append(t.codes, map[string]uint32{"": 0})
		}
		c := &t.Columns[i]
		code, known := t.codes[i][value]
		if !known {
			code = uint32(len(c.Values))
			c.Values, t.codes[i][value] = append(c.Values, value), code
		}
		for len(c.Codes) < row {
			c.Codes = append(c.Codes, 0)
		}
		if len(c.Codes) == row {
			c.Codes = append(c.Codes, code)
		}
	}
}

func (t *table) done() Requests {
	for i := range t.Columns {
		for c := &t.Columns[i]; len(c.Codes) < len(t.At); {
			c.Codes = append(c.Codes, 0)
		}
	}
	return t.Requests
}

// properties is everything a request may have in common with others.
func properties(r *health.Request) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		l := r.Lineage
		for _, f := range [...]health.Field{
			{Name: "prompt_version", Value: l.Prompt}, {Name: "model_version", Value: l.Model}, {Name: "index_version", Value: l.Index},
			{Name: "data_version", Value: l.Data}, {Name: "build_version", Value: l.Build}, {Name: "config_version", Value: l.Config},
			{Name: "operation", Value: r.Name},
		} {
			if f.Value != "" && !yield(f.Name, f.Value) {
				return
			}
		}
		for _, f := range r.Dims {
			if f.Value != "" && !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

// A shiftCache remembers shifts for a while, since nobody needs them every second.
type shiftCache struct {
	now           time.Time
	before, after map[signalKey]shiftNote
}

func (c *shiftCache) shiftOf(service string, sig health.Signal, known time.Time) (shift, bool) {
	var upTo int64
	if n := len(sig.Series); n > 0 {
		upTo = sig.Series[n-1].T
	}
	key := signalKey{service, sig.ID}
	note, kept := c.after[key]
	if !kept {
		note, kept = c.before[key]
	}
	same := kept && note.known.Equal(known) && (note.upTo == upTo || c.now.Sub(note.looked) < shiftRefresh)
	if !same {
		note = shiftNote{known: known, upTo: upTo, looked: c.now}
		note.shift, note.ok = shiftOf(sig, known)
	}
	c.after[key] = note
	return note.shift, note.ok
}

// A shiftNote is a shift that was looked for.
type shiftNote struct {
	shift
	ok     bool
	known  time.Time
	upTo   int64 // newest point that was looked at
	looked time.Time
}

// shiftRefresh is how long a shift is believed while new points come in.
const shiftRefresh = 30 * time.Second
