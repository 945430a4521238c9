package triage

import (
	"slices"
	"sort"
	"strings"
	"time"

	"sickbay/health"
)

// maxRows bounds the requests one ill service is compared over. More are thinned
// evenly, failing and healthy ones alike, so that every share stays what it is.
const maxRows = 4000

// incidentOf is what is known about an ill service, seen from it.
func incidentOf(s health.Service, all []health.Service, in Input, mem *recall) Incident {
	i := Incident{
		Now: in.Now, Step: stepOf(s), Changes: in.Changes, Parts: mem.partsOf(all),
		Requests: mem.columns(in, s.Name),
		Owner:    in.owner,
	}
	for _, f := range s.Findings {
		if ill(f.Status) {
			i.Alarm = Alarm{Service: s.Name, Signal: f.Signal, Since: f.Since}
			break // findings are sorted: this is the worst that began first
		}
	}
	return i
}

// always are the signals that are there whatever somebody looks at.
func always(signals []health.Signal) []health.Signal {
	if !slices.ContainsFunc(signals, func(s health.Signal) bool { return s.Detail }) {
		return signals
	}
	return slices.DeleteFunc(slices.Clone(signals), func(s health.Signal) bool { return s.Detail })
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

// owner asks who was given, then knows providers.
func (in Input) owner(dimension, value string) string {
	if in.Owner != nil {
		if name := in.Owner(dimension, value); name != "" {
			return name
		}
	}
	return providers(dimension, value)
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

// columns makes a table of some requests, evenly picked.
func columns(records Records, own []int32) Requests {
	rows := min(len(own), maxRows)
	t := &table{index: map[string]int{}, rows: rows}
	t.At, t.Failed = make([]int64, 0, rows), make([]bool, 0, rows)
	var r health.Request
	for i := range rows {
		records.Read(int(own[i*len(own)/rows]), &r)
		t.add(&r)
	}
	return t.done()
}

// byService is where the requests of each service are, since a time.
func byService(records Records, since time.Time) map[string][]int32 {
	all := map[string][]int32{}
	if records == nil {
		return all
	}
	from := sort.Search(records.Len(), func(k int) bool { return !records.At(k).Before(since) })
	for k := from; k < records.Len(); k++ {
		name := records.Service(k)
		all[name] = append(all[name], int32(k))
	}
	return all
}

// A table collects requests as columns. A request without a column's property has
// the value "".
type table struct {
	Requests
	rows  int
	index map[string]int
	codes []map[string]uint32
}

func (t *table) add(r *health.Request) {
	row, expected := len(t.At), 0
	t.At, t.Failed = append(t.At, r.At.UnixMilli()), append(t.Failed, r.Failed)
	for name, value := range r.Properties() {
		i := t.place(name, expected)
		expected = i + 1
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

// place is the column of a name, made if it is new. Requests of a service usually
// have the same properties in the same order.
func (t *table) place(name string, expected int) int {
	if expected < len(t.Columns) && t.Columns[expected].Name == name {
		return expected
	}
	i, known := t.index[name]
	if !known {
		i = len(t.Columns)
		t.index[name] = i
		t.Columns = append(t.Columns, Column{Name: name, Values: []string{""}, Codes: make([]uint32, 0, t.rows)})
		t.codes = append(t.codes, map[string]uint32{"": 0})
	}
	return i
}

func (t *table) done() Requests {
	for i := range t.Columns {
		for c := &t.Columns[i]; len(c.Codes) < len(t.At); {
			c.Codes = append(c.Codes, 0)
		}
	}
	return t.Requests
}

// A recall remembers for a while what costs to find out and nobody needs every
// second: shifts of signals, and the requests of who is ill as columns.
type recall struct {
	now           time.Time
	before, after *recalled
	own           map[string][]int32 // of the present look, as what follows; nil: nobody asked yet
	parts         []Part
	byName        map[string]*Part
	callers       map[string][]string
}

type recalled struct {
	shifts  map[shiftKey]shiftNote
	tables  map[string]tableNote
	customs map[signalKey]custom
	sweeps  map[int64]*sweep // by when the symptoms began
}

// newRecalled is empty, and as large as the one before.
func newRecalled(before *recalled) recalled {
	return recalled{
		shifts: make(map[shiftKey]shiftNote, len(before.shifts)), tables: map[string]tableNote{},
		customs: make(map[signalKey]custom, len(before.customs)), sweeps: map[int64]*sweep{},
	}
}

// A tableNote is a table of requests and when it was made.
type tableNote struct {
	Requests
	made time.Time
}

// tableRefresh is how long a table is believed while requests come in.
const tableRefresh = 15 * time.Second

// partsOf are all services as parts of an incident: the same for everybody who is ill.
func (c *recall) partsOf(all []health.Service) []Part {
	if c.parts == nil {
		c.parts = make([]Part, len(all))
		for k, o := range all {
			c.parts[k] = Part{Name: o.Name, Calls: o.Calls, Signals: always(o.Signals), Drifted: drifted(o), Well: !ill(o.Status)}
		}
	}
	return c.parts
}

func (c *recall) columns(in Input, service string) Requests {
	note, kept := c.before.tables[service]
	if !kept || c.now.Sub(note.made) >= tableRefresh {
		if c.own == nil {
			c.own = byService(in.Records, in.Now.Add(-in.Window))
		}
		note = tableNote{columns(in.Records, c.own[service]), c.now}
	}
	c.after.tables[service] = note
	return note.Requests
}

// A shiftKey is a signal, as it is or without its season.
type shiftKey struct {
	signalKey
	seasonless bool
}

func (c *recall) shiftOf(key shiftKey, sig health.Signal, calm int64) (shift, bool) {
	if len(sig.Series) == 0 {
		return shift{}, false
	}
	first, last := sig.Series[0].T, sig.Series[len(sig.Series)-1].T
	note, kept := c.after.shifts[key]
	if !kept {
		note, kept = c.before.shifts[key]
	}
	// The window moves on while nothing else changes: where the baseline ends is
	// compared with where it begins.
	same := kept && near(calm-first, note.calm) &&
		(note.upTo == last || c.now.Sub(note.looked) < shiftRefresh)
	if !same {
		note = shiftNote{calm: calm - first, upTo: last, looked: c.now}
		note.shift, note.ok = shiftOf(sig, calm)
	}
	c.after.shifts[key] = note
	return note.shift, note.ok
}

// near says whether two lengths of time, in milliseconds, differ by less than what
// makes a shift worth looking for again.
func near(a, b int64) bool { return max(a-b, b-a) < shiftRefresh.Milliseconds() }

// A shiftNote is a shift that was looked for.
type shiftNote struct {
	shift
	ok     bool
	calm   int64 // length of the baseline
	upTo   int64 // newest point that was looked at
	looked time.Time
}

// shiftRefresh is how long a shift is believed while new points come in.
const shiftRefresh = 30 * time.Second
