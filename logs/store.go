package logs

import (
	"cmp"
	"encoding/hex"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"sickbay/health"
)

// maxAdded is how many records usually come at once, at most.
const maxAdded = 512

// Bounds on what a Store holds, unless it is told otherwise.
const (
	storeRecords = 100_000
	storeBytes   = 32 << 20
	storeHeavy   = 16 << 20
)

// A Store holds the newest records in order of time, each in a fraction of the memory
// of a health.Request: what many have in common once, the rest as bytes that the
// garbage collector does not look at. What is heavy and only looked at when somebody
// opens a record (its Raw, what was said and found, what tools were told and answered)
// is not held of a record that can be read again where it stands (Length), and of the
// others as long as there is room. Prompt and Answer of a record that has a Raw come
// from it: Options.Full.
//
// It is not for several goroutines at once, and the zero Store is empty.
type Store struct {
	MaxRecords int // 0: 100 000
	MaxBytes   int // of all records, without what is heavy; 0: 32 MiB
	MaxHeavy   int // bytes of what is heavy; 0: 16 MiB

	slots   []slot  // by time
	pages   []*page // in the order in which they were written; nil: nothing of it is held any more
	first   uint32  // number of the first of them
	lost    int
	bytes   int // of all slots
	written int // of all pages
	heavy   int // of all pages
	scratch writer
	numbers []float64 // that nobody points to yet
}

// A slot is what is looked at of every record. It holds no pointers.
type slot struct {
	at      int64  // Unix nanoseconds
	page    uint32 // number
	text    uint32 // where the rest stands in the page
	size    uint32 // bytes it takes there, with what it brought into the page's lists
	hash    uint32 // of its id
	service uint16 // word of the page
	group   uint16 // word of the page
	failed  bool
}

// noTime stands for the zero time.
const noTime = math.MinInt64

// nanoseconds are what a time is sorted by: one that is too far away for an int64 is as
// far as it goes.
func nanoseconds(t time.Time) int64 {
	switch y := t.Year(); {
	case t.IsZero():
		return noTime
	case y < 1700:
		return noTime + 1
	case y > 2200:
		return math.MaxInt64
	}
	return t.UnixNano()
}

func timeOf(at int64) time.Time {
	if at == noTime {
		return time.Time{}
	}
	return time.Unix(0, at).UTC()
}

// Len is how many records are held, Lost how many older ones were dropped.
func (s *Store) Len() int  { return len(s.slots) }
func (s *Store) Lost() int { return s.lost }

// Add holds more records. They may be in any order and are not changed.
func (s *Store) Add(more []health.Request) {
	if len(more) == 0 {
		return
	}
	n := len(s.slots)
	if most := cmp.Or(s.MaxRecords, storeRecords); n+len(more) > cap(s.slots) { // twice as many, but no more than there will be
		s.slots = slices.Grow(s.slots, max(len(more), min(n, most+most/32-n+maxAdded)))
	}
	for _, r := range byTime(more) {
		s.slots = append(s.slots, s.write(r))
	}
	if n > 0 && s.slots[n].at < s.slots[n-1].at {
		s.weave(n)
	}
	s.bound()
}

// weave puts the slots from n on where they belong: several files, late lines. Only
// what is newer than the oldest of them moves.
func (s *Store) weave(n int) {
	from := s.after(s.slots[n].at, n)
	more, rest := slices.Clone(s.slots[n:]), s.slots[from:n]
	at := len(s.slots)
	for len(more) > 0 { // from behind, so that nothing is overwritten that is still needed
		at--
		if k := len(rest); k > 0 && rest[k-1].at > more[len(more)-1].at {
			s.slots[at], rest = rest[k-1], rest[:k-1]
		} else {
			s.slots[at], more = more[len(more)-1], more[:len(more)-1]
		}
	}
}

// after is the index of the first of n slots that is newer than a time.
func (s *Store) after(at int64, n int) int {
	return sort.Search(n, func(i int) bool { return s.slots[i].at > at })
}

// bound drops the oldest records when there are too many, and what is heavy of the
// oldest pages. A few more than wanted are let in, so that it does not happen every
// time.
func (s *Store) bound() {
	if most := cmp.Or(s.MaxRecords, storeRecords); len(s.slots) > most+most/32 {
		s.drop(len(s.slots) - most)
	}
	for most := cmp.Or(s.MaxBytes, storeBytes); s.bytes > most && len(s.slots) > 0; {
		s.drop(len(s.slots)/16 + 1)
	}
	for i := 0; i < len(s.pages)-1 && s.heavy > cmp.Or(s.MaxHeavy, storeHeavy); i++ {
		if p := s.pages[i]; p != nil {
			s.heavy -= p.relieve()
		}
	}
	if s.written > 2*s.bytes+8*pageText { // few records hold many pages
		s.rewrite()
	}
}

// drop forgets the oldest records.
func (s *Store) drop(n int) {
	for i := range s.slots[:n] {
		h := &s.slots[i]
		p := s.page(h)
		s.bytes -= int(h.size)
		if p.held--; p.held == 0 && p != s.pages[len(s.pages)-1] {
			s.free(h.page)
		}
	}
	s.slots = s.slots[:copy(s.slots, s.slots[n:])]
	s.lost += n
}

// free gives up a page of which no record is held.
func (s *Store) free(number uint32) {
	p := s.pages[number-s.first]
	s.written -= p.bytes
	s.heavy -= p.relieve()
	s.pages[number-s.first] = nil
	for len(s.pages) > 0 && s.pages[0] == nil {
		s.pages, s.first = s.pages[1:], s.first+1
	}
}

// rewrite puts all records into new pages: where old and young ones came together, most
// of a page may be of records that are not held any more.
func (s *Store) rewrite() {
	old := Store{slots: s.slots, pages: s.pages, first: s.first}
	s.first += uint32(len(s.pages))
	s.pages, s.bytes, s.written, s.heavy = nil, 0, 0, 0
	var r health.Request
	for i := range old.slots {
		h := &old.slots[i]
		old.read(h, &r)
		r.Trace = old.page(h).trace(h)
		s.slots[i] = s.write(&r)
	}
}

func (s *Store) page(h *slot) *page { return s.pages[h.page-s.first] }

// write puts a record into the newest page.
func (s *Store) write(r *health.Request) slot {
	n := len(s.pages)
	if n == 0 || s.pages[n-1].full() {
		if n > 0 {
			s.pages[n-1].seal()
			if number := s.first + uint32(n) - 1; s.pages[n-1].held == 0 {
				s.free(number)
			}
		}
		s.pages = append(s.pages, newPage())
		n = len(s.pages)
	}
	p := s.pages[n-1]
	written, heavy := p.bytes, p.heavyBytes()
	h := p.write(r, &s.scratch)
	h.page, h.size = s.first+uint32(n)-1, uint32(p.bytes-written)
	s.bytes, s.written, s.heavy = s.bytes+p.bytes-written, s.written+p.bytes-written, s.heavy+p.heavyBytes()-heavy
	return h
}

// read fills a record, but for its Trace, using again the memory of its lists.
func (s *Store) read(h *slot, r *health.Request) { s.page(h).read(h, r, &s.numbers) }

// Find returns the newest record with this id.
func (s *Store) Find(id string) (r health.Request, ok bool) {
	i, ok := s.index(id)
	if ok {
		r = s.own(&s.slots[i])
	}
	return r, ok
}

// own is a record that shares no memory with a page: who keeps it would keep that, too.
func (s *Store) own(h *slot) (r health.Request) {
	s.read(h, &r)
	r.Trace = s.page(h).trace(h)
	for _, t := range []*string{&r.ID, &r.Message, &r.Raw, &r.Prompt, &r.Answer} {
		*t = strings.Clone(*t)
	}
	for i := range r.Chunks {
		c := &r.Chunks[i]
		c.ID, c.Text = strings.Clone(c.ID), strings.Clone(c.Text)
	}
	for i := range r.Tools {
		t := &r.Tools[i]
		t.Arguments, t.Result = strings.Clone(t.Arguments), strings.Clone(t.Result)
	}
	return r
}

// index looks at every record: 100 000 take 50 µs, and an index of all would have to be
// kept up for those few that somebody opens.
func (s *Store) index(id string) (int, bool) {
	hash := hashOf(id)
	for i := len(s.slots) - 1; i >= 0; i-- {
		if h := &s.slots[i]; h.hash == hash && s.page(h).id(h) == id {
			return i, true
		}
	}
	return 0, false
}

// FindAll returns the newest records with these ids, as far as they are held, by id.
func (s *Store) FindAll(ids []string) map[string]health.Request {
	found := make(map[string]health.Request, len(ids))
	wanted := make(map[string]bool, len(ids))
	var may [1 << 10]uint64 // a bit for every value of the last 16 bits of a hash that is looked for
	for _, id := range ids {
		wanted[id] = true
		hash := hashOf(id)
		may[hash>>6&0x3ff] |= 1 << (hash & 63)
	}
	for i := len(s.slots) - 1; i >= 0 && len(found) < len(wanted); i-- {
		h := &s.slots[i]
		if may[h.hash>>6&0x3ff]>>(h.hash&63)&1 == 0 {
			continue
		}
		if id := s.page(h).id(h); wanted[id] {
			if _, newer := found[id]; !newer {
				r := s.own(h)
				found[r.ID] = r
			}
		}
	}
	return found
}

func hashOf(id string) uint32 { return uint32(place(id) >> 32) }

// Until are the records up to a time, oldest first.
func (s *Store) Until(t time.Time) Records { return s.Between(time.Time{}, t) }

// Between are the records after a time and up to another, oldest first.
func (s *Store) Between(from, to time.Time) Records {
	end := s.after(nanoseconds(to), len(s.slots))
	begin := 0
	if !from.IsZero() {
		begin = s.after(nanoseconds(from), end)
	}
	return Records{s, begin, end}
}

// Records are some records of a Store, by time. They are good until the next Add.
type Records struct {
	s          *Store
	begin, end int
}

// Len is how many they are.
func (r Records) Len() int { return r.end - r.begin }

// Newest are at most n of them.
func (r Records) Newest(n int) Records { return Records{r.s, max(r.begin, r.end-n), r.end} }

// Around are those up to n places before and after the record with this id; i is its
// place among them.
func (s *Store) Around(id string, n int) (near Records, i int, ok bool) {
	at, ok := s.index(id)
	if !ok {
		return Records{}, 0, false
	}
	near = Records{s, max(0, at-n), min(len(s.slots), at+n+1)}
	return near, at - near.begin, true
}

func (r Records) slot(i int) *slot { return &r.s.slots[r.begin+i] }

// At is when one of them was, Service whose it is, Failed whether it failed, Group the
// id of its failure group: all that without reading it.
func (r Records) At(i int) time.Time   { return timeOf(r.slot(i).at) }
func (r Records) Service(i int) string { h := r.slot(i); return r.s.page(h).words.all[h.service] }
func (r Records) Failed(i int) bool    { return r.slot(i).failed }
func (r Records) Group(i int) string   { h := r.slot(i); return r.s.page(h).words.all[h.group] }

// OfTrace is the id of the first of them that has one and belongs to a trace, whatever
// case that is written in.
func (r Records) OfTrace(trace string) (id string, ok bool) {
	bytes, notHex := hex.DecodeString(trace)
	for i := range r.Len() {
		h := r.slot(i)
		p := r.s.page(h)
		text, packed := p.traceOf(h)
		if packed && notHex == nil && text == string(bytes) || !packed && strings.EqualFold(text, trace) {
			if id := p.id(h); id != "" {
				return strings.Clone(id), true
			}
		}
	}
	return "", false
}

// Own is a record to keep.
func (r Records) Own(i int) health.Request { return r.s.own(r.slot(i)) }

// Read fills a record to look at, but for its Trace. The memory of its lists is used again: what was read
// into it before is gone.
func (r Records) Read(i int, into *health.Request) { r.s.read(r.slot(i), into) }
