package pane

import (
	"cmp"
	"slices"
	"time"

	"sickbay/health"
)

// A waterfall is a trace as it is drawn: who called whom, when, and what of it
// decided how long the whole took.
type waterfall struct {
	rows  []fallRow
	began time.Time
	lasts time.Duration
	spent map[health.SpanKind]time.Duration // of what decided, by kind
}

// A fallRow is one span, or several that are alike and follow each other.
type fallRow struct {
	spans  []int // into the trace, in rounds of period
	period int
	depth  int
	same   bool // each round has the arguments of the first
	failed int
	took   time.Duration
	on     []stretch // where something is done
	deep   []stretch // where that decides, here or in what it calls and is not shown
}

func (r *fallRow) times() int { return len(r.spans) / r.period }

// A stretch is from and to, counted from the beginning of the trace.
type stretch struct{ from, to time.Duration }

// A fallMaker makes a waterfall.
type fallMaker struct {
	t        *health.Trace
	children [][]int
	own      [][]stretch // what of each span decides and is its own
	shape    []shape
	w        waterfall
}

// A shape is what makes spans alike: what they do and what they call, with and
// without what it was done to.
type shape struct{ strict, loose uint64 }

// newWaterfall arranges a trace. Spans whose caller is not there, or who call each
// other in a circle, stand at the edge.
func newWaterfall(t *health.Trace) *waterfall {
	m := &fallMaker{t: t, children: make([][]int, len(t.Spans)+1), own: make([][]stretch, len(t.Spans)+1), shape: make([]shape, len(t.Spans)+1)}
	m.w.spent = map[health.SpanKind]time.Duration{}
	m.span()
	m.link()
	root := len(t.Spans) // nobody's: calls those that nobody calls
	m.look(root)
	m.decide(root, 0, m.w.lasts)
	for i, own := range m.own[:root] {
		for _, s := range own {
			m.w.spent[t.Spans[i].Kind] += s.to - s.from
		}
	}
	m.lay(m.children[root], 0)
	return &m.w
}

// span finds when the trace begins and ends. What is more than a day off is a clock
// that is wrong, not a request.
func (m *fallMaker) span() {
	for i, s := range m.t.Spans {
		if i == 0 || s.Start.Before(m.w.began) {
			m.w.began = s.Start
		}
	}
	for i := range m.t.Spans {
		if s := m.at(i); s.to <= longestTrace {
			m.w.lasts = max(m.w.lasts, s.to)
		}
	}
}

const longestTrace = 24 * time.Hour

// at is when span i happened.
func (m *fallMaker) at(i int) stretch {
	if i == len(m.t.Spans) {
		return stretch{0, m.w.lasts}
	}
	s := &m.t.Spans[i]
	from := max(s.Start.Sub(m.w.began), 0)
	return stretch{from, from + min(max(s.Duration, 0), longestTrace)}
}

// link finds who calls whom.
func (m *fallMaker) link() {
	byID := make(map[string]int, len(m.t.Spans))
	for i, s := range m.t.Spans {
		if _, twice := byID[s.ID]; !twice && s.ID != "" {
			byID[s.ID] = i
		}
	}
	root := len(m.t.Spans)
	caller := make([]int, root)
	for i, s := range m.t.Spans {
		caller[i] = root
		if p, ok := byID[s.Parent]; ok && p != i {
			caller[i] = p
		}
	}
	free := make([]int, root) // 0: not looked at, else the walk that found it; -1: leads to the root
	for i := range caller {
		at := i
		for ; at != root && free[at] == 0; at = caller[at] {
			free[at] = i + 1
		}
		if at != root && free[at] == i+1 {
			caller[at] = root // a circle: it is cut here
		}
	}
	for i, c := range caller {
		m.children[c] = append(m.children[c], i)
	}
}

// look finds out what is alike, from the leaves up.
func (m *fallMaker) look(i int) {
	var s shape
	if i < len(m.t.Spans) {
		v := &m.t.Spans[i]
		s.loose = hashed(0, string(v.Kind), v.Service, labelOf(v))
		s.strict = hashed(s.loose, v.Arguments)
	}
	for _, c := range m.children[i] {
		m.look(c)
		s.loose, s.strict = s.loose*31+m.shape[c].loose, s.strict*31+m.shape[c].strict
	}
	m.shape[i] = s
}

// hashed is FNV-1a over some texts, each with an end.
func hashed(h uint64, texts ...string) uint64 {
	h ^= 14695981039346656037
	for _, t := range texts {
		for i := range len(t) {
			h = (h ^ uint64(t[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	return h
}

// decide walks back from the end of a span: what ended last decided when that was,
// and what ended before it began decided when it could begin. What lies between is
// the span's own, unless something is under way there that ends later.
func (m *fallMaker) decide(i int, from, to time.Duration) {
	calls := slices.Clone(m.children[i])
	slices.SortFunc(calls, func(a, b int) int { return cmp.Or(cmp.Compare(m.at(b).to, m.at(a).to), cmp.Compare(b, a)) })
	end := to
	underWay := -1 // the one that began first
	step := func(c int) {
		s := m.at(c)
		if s.to < to {
			m.own[i] = append(m.own[i], stretch{s.to, to})
		}
		begin := max(s.from, from)
		m.decide(c, begin, min(s.to, to))
		to = begin
	}
	for _, c := range calls {
		s := m.at(c)
		if s.from >= to || s.to <= from || s.from == s.to {
			continue
		}
		if min(s.to, end) > to {
			if underWay < 0 || s.from < m.at(underWay).from {
				underWay = c
			}
			continue
		}
		if underWay >= 0 && m.at(underWay).from >= s.to {
			step(underWay)
			underWay = -1
		}
		step(c)
		if underWay >= 0 && m.at(underWay).from >= to {
			underWay = -1
		}
	}
	if underWay >= 0 && from < to {
		step(underWay)
	}
	if from < to {
		m.own[i] = append(m.own[i], stretch{from, to})
	}
}

// maxFolded is how many spans may repeat in the same order and still be one row.
const maxFolded = 4

// A fold is times rounds of period things each, beginning with the one at at.
type fold struct{ at, period, times int }

// foldRuns finds what repeats. One thing does when it comes twice, several in the
// same order when they come three times.
func foldRuns(n int, same func(i, j int) bool) []fold {
	var all []fold
	for i := 0; i < n; {
		best := fold{i, 1, 1}
		for period := 1; period <= maxFolded && i+2*period <= n; period++ {
			k := 0
			for i+period+k < n && same(i+period+k, i+k) {
				k++
			}
			if f := (fold{i, period, k/period + 1}); f.times >= min(period, 2)+1 && f.times*period > best.times*best.period {
				best = f
			}
		}
		all = append(all, best)
		i += best.period * best.times
	}
	return all
}

// minLoose is from how many spans on those that differ in their arguments only are
// one row.
const minLoose = 4

// lay makes the rows of some spans and of what they call.
func (m *fallMaker) lay(spans []int, depth int) {
	strict := func(i, j int) bool { return m.shape[spans[i]].strict == m.shape[spans[j]].strict }
	loose := func(i, j int) bool { return m.shape[spans[i]].loose == m.shape[spans[j]].loose }
	all := foldRuns(len(spans), strict)
	folds := map[int]fold{}
	for _, f := range all {
		folds[f.at] = f
	}
	for i := 0; i < len(spans); {
		f, ok := folds[i]
		if !ok { // in the middle of what was folded loosely
			f = fold{i, 1, 1}
		}
		same := true
		if f.times == 1 {
			n := 1
			for i+n < len(spans) && loose(i, i+n) {
				n++
			}
			if n >= minLoose {
				f, same = fold{i, 1, n}, false
			}
		}
		m.row(spans[i:i+f.period*f.times], f.period, depth, same)
		i += f.period * f.times
	}
}

// row adds a row. What it calls is shown below it unless it stands for several.
func (m *fallMaker) row(spans []int, period, depth int, same bool) {
	r := fallRow{spans: spans, period: period, depth: depth, same: same}
	for _, i := range spans {
		s := m.at(i)
		r.on = append(r.on, s)
		r.took += s.to - s.from
		if m.t.Spans[i].Error != "" {
			r.failed++
		}
		if len(spans) == 1 {
			r.deep = m.own[i]
			continue
		}
		m.below(i, func(c int) { r.deep = append(r.deep, m.own[c]...) })
	}
	m.w.rows = append(m.w.rows, r)
	if len(spans) == 1 {
		m.lay(m.children[spans[0]], depth+1)
	}
}

func (m *fallMaker) below(i int, visit func(int)) {
	visit(i)
	for _, c := range m.children[i] {
		m.below(c, visit)
	}
}

// labelOf says what a span does, shorter than its name where it can be said.
func labelOf(s *health.TraceSpan) string {
	name := s.Name
	switch {
	case s.Kind == health.SpanTool && s.Tool != "":
		return s.Tool
	case s.Kind == health.SpanAgent && s.Agent != "" && s.Operation != "":
		name = s.Operation + " " + s.Agent
	case s.Kind == health.SpanModel && s.Model != "" && s.Operation != "":
		name = s.Operation + " " + s.Model
	}
	if name == "" {
		return "a span without name"
	}
	return name
}
