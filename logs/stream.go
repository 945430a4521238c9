package logs

import (
	"strings"
	"time"

	"sickbay/health"
)

const (
	maxJoined     = 200       // lines of one record
	maxJoinedSize = 64 << 10  // bytes of them
	maxPartial    = 256 << 10 // bytes of a line that a container runtime has cut in pieces
)

// A Stream turns the lines of one stream into records. It takes off what container
// runtimes and syslog put around a line, puts the pieces of long lines together,
// and joins a traceback to the line it belongs to. Where a line without fields
// ends is only known when the next one comes, so the newest one is held back.
type Stream struct {
	p *Parser

	held   health.Request
	holds  bool
	bad    bool  // held is not of the stream's format
	joined int   // lines of held
	from   int64 // where held begins, …
	to     int64 // … and where it ends
	trace  traceback
	timed  bool // lines without fields have times, so one without belongs to the one before

	partial  strings.Builder // pieces of a line
	pieces   int64           // where the first of them begins
	wrapping string          // how lines are wrapped: "", "CRI", "Docker", "syslog"

	Lines int // read, since the beginning
	Bad   int // that were not of the stream's format: each is a record of plain text
}

// NewStream makes a stream. Its records are slim: see Options.Full.
func NewStream(o Options) *Stream { return &Stream{p: NewParser(o)} }

// Line reads one line without its end and appends the records that are now
// complete: none, or up to two. The records share the memory of the line.
func (s *Stream) Line(all []health.Request, line string) []health.Request {
	return s.LineAt(all, line, nowhere)
}

// nowhere is where a line stands that cannot be read again.
const nowhere = -1

// LineAt is Line of a line that can be read again where it stands: at is how many bytes
// of the file are before it. The records say where they stand, too.
func (s *Stream) LineAt(all []health.Request, line string, at int64) []health.Request {
	s.Lines++
	end := at + int64(len(line))
	line = strings.TrimSuffix(line, "\r")
	if len(line) > 0 && line[0] == '{' && !strings.HasPrefix(line, dockerPrefix) && s.partial.Len() == 0 {
		return s.whole(s.Flush(all), line, time.Time{}, at, end) // the usual case
	}
	w := unwrap(line)
	if w.kind != "" {
		s.wrapping = w.kind
	}
	if w.piece || s.partial.Len() > 0 {
		if s.partial.Len() == 0 {
			s.pieces = at
		}
		if s.partial.Len()+len(w.line) <= maxPartial {
			s.partial.WriteString(w.line)
		}
		if w.piece {
			return all
		}
		w.line, at = s.partial.String(), s.pieces
		s.partial.Reset()
	}
	if strings.TrimSpace(w.line) == "" {
		return all
	}
	if w.line[0] == '{' {
		return s.whole(s.Flush(all), w.line, w.at, at, end)
	}
	return s.plain(all, w, at, end)
}

// Entry reads an entry of a log that knows where entries end: one record, even if
// it has several lines. One that has a single line may still be part of the one
// before.
func (s *Stream) Entry(all []health.Request, text string) []health.Request {
	text = strings.TrimRight(text, "\r\n")
	first, rest, several := strings.Cut(text, "\n")
	if !several {
		return s.Line(all, text)
	}
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") { // JSON in several lines
		return s.Line(all, strings.TrimLeft(strings.ReplaceAll(text, "\n", " "), " \t\r"))
	}
	all = s.Line(all, first)
	for s.holds && rest != "" && s.joined < maxJoined && len(s.held.Raw) < maxJoinedSize {
		if first, rest, _ = strings.Cut(rest, "\n"); first != "" {
			s.join(first)
		}
	}
	return all
}

// Flush gives out the record that is held back.
func (s *Stream) Flush(all []health.Request) []health.Request {
	if !s.holds {
		return all
	}
	if s.bad {
		s.Bad++
	}
	s.trace.end(&s.held)
	stands(&s.held, s.from, s.to)
	all = append(all, s.held)
	s.held, s.holds, s.trace = health.Request{}, false, traceback{}
	return all
}

// Holds says whether a record is held back.
func (s *Stream) Holds() bool { return s.holds }

// stands says where a record is in its file.
func stands(r *health.Request, from, to int64) {
	if from >= 0 {
		r.Offset, r.Length = from, int(to-from)
	}
}

// whole reads a line that is a record by itself.
func (s *Stream) whole(all []health.Request, line string, at time.Time, from, to int64) []health.Request {
	all = append(all, health.Request{})
	r := &all[len(all)-1]
	if !s.read(r, line) {
		s.Bad++
	}
	stands(r, from, to)
	if r.At.IsZero() {
		r.At = at
	}
	return all
}

func (s *Stream) read(r *health.Request, line string) (ok bool) {
	return s.p.into(r, line, len(line) <= maxRaw)
}

// plain reads a line that may go on, or be part of the one before.
func (s *Stream) plain(all []health.Request, w wrapped, from, to int64) []health.Request {
	if s.holds && s.joined < maxJoined && len(s.held.Raw)+len(w.line) < maxJoinedSize && s.continues(w.line) {
		s.join(w.line)
		s.to = to
		return all
	}
	all = s.Flush(all)
	s.holds, s.joined, s.from, s.to = true, 1, from, to
	s.bad = !s.read(&s.held, w.line)
	if !s.held.At.IsZero() && s.p.how == withoutFields {
		s.timed = true
	}
	if s.held.At.IsZero() {
		s.held.At = w.at
	}
	s.trace.begin(w.line)
	if s.p.how == withFields { // logfmt has no second line
		all = s.Flush(all)
	}
	return all
}

// continues says whether a line belongs to the one before.
func (s *Stream) continues(line string) bool {
	if line[0] == ' ' || line[0] == '\t' || s.trace.goesOn(line) {
		return true
	}
	if panics(line) { // whatever was written before it
		return false
	}
	for _, p := range []string{"Traceback (most recent call last)", "at ", "Caused by: ", "... "} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	if !s.timed || looksLikeLogfmt(line) {
		return false
	}
	_, _, timed := s.p.clock.leading(line)
	if !timed {
		level, after := leadingLevel(line)
		if level != "" { // the time may stand behind it
			_, _, timed = s.p.clock.leading(after)
		}
	}
	if !timed && len(line) > 21 && line[5] == ' ' {
		_, _, _, timed = s.p.rec.klog(line)
	}
	return !timed
}

func (s *Stream) join(line string) {
	s.joined++
	s.trace.next(line)
	s.held.Raw += "\n" + line
	if len(s.held.Message)+len(line) < maxMessage {
		s.held.Message += "\n" + line
	}
}

// A traceback follows the lines of an exception as Python and Go print it.
type traceback struct {
	python, golang bool
	exception      string // "ValueError: bad"
}

func (t *traceback) begin(line string) {
	t.python = strings.HasPrefix(line, "Traceback (most recent call last)")
	if t.golang = panics(line); t.golang {
		t.exception = line
	}
}

func panics(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}

// goesOn says whether a line that is not indented is part of it: the exception at
// the end of a traceback, everything of a panic.
func (t *traceback) goesOn(line string) bool {
	if t.golang {
		return strings.HasPrefix(line, "goroutine ") || strings.HasPrefix(line, "created by ") || strings.HasSuffix(line, ")") ||
			strings.HasPrefix(line, "[signal ") || strings.HasPrefix(line, "exit status ")
	}
	return t.python || strings.HasPrefix(line, "During handling of the above") || strings.HasPrefix(line, "The above exception was")
}

func (t *traceback) next(line string) {
	switch {
	case strings.HasPrefix(line, "Traceback (most recent call last)"):
		t.python = true
	case t.python && line[0] != ' ' && line[0] != '\t': // the exception ends it
		t.exception, t.python = line, false
	case strings.HasPrefix(line, "Caused by: "):
		t.exception = strings.TrimPrefix(line, "Caused by: ")
	}
}

// end says of a record that it failed, and by which exception.
func (t *traceback) end(r *health.Request) {
	if t.exception == "" {
		return
	}
	kind, _, _ := strings.Cut(t.exception, ":")
	if i := strings.LastIndexByte(kind, '.'); i >= 0 {
		kind = kind[i+1:]
	}
	if r.Error == "" && kind != "" && !strings.ContainsAny(kind, " \t") && len(kind) <= maxDim {
		r.Error = strings.Clone(kind)
	}
	if strings.HasPrefix(r.Message, "Traceback (most recent call last)") {
		r.Message = health.Cut(t.exception+"\n"+r.Message, maxMessage)
	}
	if r.Level == "" {
		r.Level = levelError
	}
	r.Failed = true
	r.Group, _ = Signature(*r)
}

// Again reads lines that were one record, or were around it.
func Again(o Options, text string) []health.Request {
	o.Words = nil // they belong to another goroutine
	s := NewStream(o)
	var all []health.Request
	for line := range strings.Lines(text) {
		all = s.Line(all, strings.TrimSuffix(line, "\n"))
	}
	return s.Flush(all)
}
