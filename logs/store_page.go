package logs

import (
	"encoding/hex"
	"strings"

	"sickbay/health"
)

// How large a page becomes.
const (
	pageText  = 256 << 10 // bytes
	pageHeavy = 1 << 20   // bytes
	pageWords = 1 << 13   // of its lists
)

// A page holds records as text, and once what several of them have.
type page struct {
	words    roll[string]         // of services, groups, levels, errors …
	lineages roll[health.Lineage] // of versions
	fields   roll[health.Field]   // of dimensions

	text    strings.Builder
	heavy   strings.Builder
	sealed  bool
	dropped bool   // what is heavy was given up
	light   string // text of a sealed page
	weight  string // and what is heavy

	held  int // records
	bytes int // of text and lists
}

// A roll gives numbers to what comes again and again.
type roll[T comparable] struct {
	all    []T
	number map[T]uint32    // nil in a page that is sealed
	recent *[1 << 7]uint32 // numbers+1, by a hash: nearly always that is all that is asked
}

// of is the number of a value with a hash.
func (l *roll[T]) of(v T, hash uint64, copied func(T) T) (n uint32, isNew bool) {
	if l.number == nil {
		l.number, l.recent = map[T]uint32{}, new([1 << 7]uint32)
	}
	seat := &l.recent[hash%uint64(len(l.recent))]
	if *seat > 0 && l.all[*seat-1] == v {
		return *seat - 1, false
	}
	n, known := l.number[v]
	if !known {
		v = copied(v) // it may share the memory of a whole page of lines
		n = uint32(len(l.all))
		l.all, l.number[v] = append(l.all, v), n
	}
	*seat = n + 1
	return n, !known
}

func (l *roll[T]) seal() {
	l.all = append(make([]T, 0, len(l.all)), l.all...)
	l.number, l.recent = nil, nil
}

func newPage() *page {
	p := &page{}
	p.text.Grow(pageText + pageText/16)
	p.words.of("", place(""), strings.Clone) // the first word
	return p
}

func (p *page) full() bool {
	return p.text.Len() >= pageText || p.heavy.Len() >= pageHeavy || len(p.words.all)+len(p.fields.all)+len(p.lineages.all) >= pageWords
}

// seal ends a page: nothing is written to it any more.
func (p *page) seal() {
	p.light, p.weight = p.text.String(), strings.Clone(p.heavy.String())
	if len(p.light) < pageText || p.text.Cap() > 2*pageText {
		p.light = strings.Clone(p.light)
	}
	p.text, p.heavy, p.sealed = strings.Builder{}, strings.Builder{}, true
	p.words.seal()
	p.lineages.seal()
	p.fields.seal()
}

// relieve gives up what is heavy, and says how many bytes that were.
func (p *page) relieve() int {
	n := p.heavyBytes()
	p.heavy, p.weight, p.dropped = strings.Builder{}, "", true
	return n
}

func (p *page) heavyBytes() int { return p.heavy.Len() + len(p.weight) }

func (p *page) written() string {
	if p.sealed {
		return p.light
	}
	return p.text.String()
}

func (p *page) weighing() string {
	if p.sealed {
		return p.weight
	}
	return p.heavy.String()
}

func (p *page) word(s string) uint32 {
	if s == "" {
		return 0
	}
	n, isNew := p.words.of(s, place(s), strings.Clone)
	if isNew {
		p.bytes += len(s) + wordCost
	}
	return n
}

func (p *page) lineage(l health.Lineage) uint32 {
	n, isNew := p.lineages.of(l, place(l.Build)^place(l.Prompt)^place(l.Model), func(l health.Lineage) health.Lineage {
		for _, s := range []*string{&l.Build, &l.Model, &l.Prompt, &l.Index, &l.Data, &l.Config} {
			*s = strings.Clone(*s)
		}
		return l
	})
	if isNew {
		p.bytes += 6*wordCost + len(l.Build) + len(l.Model) + len(l.Prompt) + len(l.Index) + len(l.Data) + len(l.Config)
	}
	return n
}

func (p *page) field(f health.Field) uint32 {
	n, isNew := p.fields.of(f, place(f.Value)^place(f.Name), func(f health.Field) health.Field {
		return health.Field{Name: p.words.all[p.word(f.Name)], Value: strings.Clone(f.Value)}
	})
	if isNew {
		p.bytes += 2*wordCost + len(f.Value)
	}
	return n
}

// wordCost is about what a string takes besides its bytes, in a list.
const wordCost = 24

// has says which of some numbers there are, a bit each.
func has(fs ...*float64) (bits uint64) {
	for i, f := range fs {
		if f != nil {
			bits |= 1 << i
		}
	}
	return bits
}

// What a record has besides its numbers: the bits of its first value.
const (
	hasNumbers = 5 // bits
	hasLists   = 1 << (hasNumbers + iota)
	hasPlace
	hasHeavy
)

// write appends a record.
func (p *page) write(r *health.Request, w *writer) slot {
	p.held++
	h := slot{at: nanoseconds(r.At), text: uint32(p.text.Len()), hash: hashOf(r.ID), service: uint16(p.word(r.Service)), group: uint16(p.word(r.Group)), failed: r.Failed}
	w.buf = w.buf[:0]
	w.string(r.ID)
	w.trace(r.Trace)
	numbers := []*float64{r.Duration, r.TTFT, r.TokensIn, r.TokensOut, r.CostUSD}
	bits := has(numbers...)
	if len(r.Chunks)+len(r.Tools)+len(r.Scores)+len(r.Signs) > 0 {
		bits |= hasLists
	}
	heavy := r.Length == 0 && weighs(r)
	if r.Length > 0 {
		bits |= hasPlace
	}
	if heavy {
		bits |= hasHeavy
	}
	w.number(bits)
	for _, f := range numbers {
		w.float(f)
	}
	for _, s := range []string{r.Name, r.Level, r.Error, r.Finish, r.Origin, r.Source} {
		w.number(uint64(p.word(s)))
	}
	w.number(uint64(max(r.Code, 0)))
	w.number(uint64(p.lineage(r.Lineage)))
	w.number(uint64(len(r.Dims)))
	for _, d := range r.Dims {
		w.number(uint64(p.field(d)))
	}
	w.string(r.Message)
	if bits&hasPlace != 0 {
		w.number(uint64(r.Offset))
		w.number(uint64(r.Length))
	}
	if bits&hasLists != 0 {
		p.writeLists(r, w)
	}
	if heavy {
		w.number(uint64(p.heavy.Len()))
	}
	p.text.Write(w.buf)
	p.bytes += len(w.buf)
	if heavy {
		p.weigh(r, w)
	}
	return h
}

// writeLists appends what a record has several of, without their texts.
func (p *page) writeLists(r *health.Request, w *writer) {
	w.number(uint64(len(r.Chunks)))
	for _, c := range r.Chunks {
		w.string(c.ID)
		w.number(has(c.Score, c.Age))
		w.float(c.Score)
		w.float(c.Age)
	}
	w.number(uint64(len(r.Tools)))
	for _, t := range r.Tools {
		w.number(uint64(p.word(t.Name)))
		w.number(uint64(p.word(t.Error)))
		w.number(has(t.Duration))
		w.float(t.Duration)
	}
	w.number(uint64(len(r.Scores)))
	for _, f := range r.Scores {
		w.number(uint64(p.field(f)))
	}
	w.number(uint64(len(r.Signs)))
	for _, s := range r.Signs {
		w.number(uint64(p.word(s.Kind)))
		w.number(uint64(p.word(s.Text)))
	}
}

// weighs says whether a record has anything heavy.
func weighs(r *health.Request) bool {
	return len(r.Raw)+len(r.Prompt)+len(r.Answer)+len(r.Chunks)+len(r.Tools) > 0
}

// weigh appends what is heavy: what writeLists left out.
func (p *page) weigh(r *health.Request, w *writer) {
	w.buf = w.buf[:0]
	for _, s := range []string{r.Raw, r.Prompt, r.Answer} {
		w.string(s)
	}
	for i := range r.Chunks {
		w.string(r.Chunks[i].Text)
	}
	for i := range r.Tools {
		w.string(r.Tools[i].Arguments)
		w.string(r.Tools[i].Result)
	}
	p.heavy.Write(w.buf)
}

// id is the id of a record.
func (p *page) id(h *slot) string {
	c := cursor{p.written()[h.text:]}
	return c.string()
}

// trace is the trace of a record, in memory of its own.
func (p *page) trace(h *slot) string {
	text, packed := p.traceOf(h)
	if packed {
		return hex.EncodeToString([]byte(text))
	}
	return strings.Clone(text)
}

// traceOf is the trace as it was written.
func (p *page) traceOf(h *slot) (text string, packed bool) {
	c := cursor{p.written()[h.text:]}
	c.string()
	n := c.number()
	return c.rest[:n>>1], n&1 != 0
}

// read fills a record, but for its trace.
func (p *page) read(h *slot, r *health.Request, free *[]float64) {
	c := cursor{p.written()[h.text:]}
	words := p.words.all
	word := func() string { return words[c.number()] }
	*r = health.Request{
		ID: c.string(), At: timeOf(h.at), Service: words[h.service], Group: words[h.group], Failed: h.failed,
		Dims: r.Dims[:0], Chunks: r.Chunks[:0], Tools: r.Tools[:0], Scores: r.Scores[:0], Signs: r.Signs[:0],
	}
	c.skipTrace()
	bits := c.number()
	for i, f := range []**float64{&r.Duration, &r.TTFT, &r.TokensIn, &r.TokensOut, &r.CostUSD} {
		*f = c.float(bits>>i&1 != 0, free)
	}
	for _, s := range []*string{&r.Name, &r.Level, &r.Error, &r.Finish, &r.Origin, &r.Source} {
		*s = word()
	}
	r.Code = int(c.number())
	r.Lineage = p.lineages.all[c.number()]
	for range c.number() {
		r.Dims = append(r.Dims, p.fields.all[c.number()])
	}
	r.Message = c.string()
	if bits&hasPlace != 0 {
		r.Offset, r.Length = int64(c.number()), int(c.number())
	}
	if bits&hasLists != 0 {
		p.readLists(&c, r, free)
	}
	if bits&hasHeavy != 0 && !p.dropped {
		p.readHeavy(int(c.number()), r)
	}
}

func (p *page) readLists(c *cursor, r *health.Request, free *[]float64) {
	for range c.number() {
		chunk := health.Chunk{ID: c.string()}
		bits := c.number()
		chunk.Score, chunk.Age = c.float(bits&1 != 0, free), c.float(bits&2 != 0, free)
		r.Chunks = append(r.Chunks, chunk)
	}
	for range c.number() {
		tool := health.ToolCall{Name: p.words.all[c.number()], Error: p.words.all[c.number()]}
		tool.Duration = c.float(c.number() != 0, free)
		r.Tools = append(r.Tools, tool)
	}
	for range c.number() {
		r.Scores = append(r.Scores, p.fields.all[c.number()])
	}
	for range c.number() {
		r.Signs = append(r.Signs, health.Sign{Kind: p.words.all[c.number()], Text: p.words.all[c.number()]})
	}
}

func (p *page) readHeavy(at int, r *health.Request) {
	c := cursor{p.weighing()[at:]}
	r.Raw, r.Prompt, r.Answer = c.string(), c.string(), c.string()
	for i := range r.Chunks {
		r.Chunks[i].Text = c.string()
	}
	for i := range r.Tools {
		r.Tools[i].Arguments, r.Tools[i].Result = c.string(), c.string()
	}
}
