// Package logs says what one line of a log means: its format, its fields,
// whether it tells of a failure, and which failures look alike. It reads no files
// and starts nothing.
package logs

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

const (
	maxRaw     = 64 << 10 // bytes of a record that are kept
	maxMessage = 4 << 10  // and of its message
	maxContent = 64 << 10 // and of a prompt, an answer, a chunk, a tool's result
)

// Options are what a line does not say about itself.
type Options struct {
	Service string           // of lines that name none
	Origin  string           // file or stream, kept in every Request
	Now     func() time.Time // for times without a year; nil: time.Now
	Zone    *time.Location   // of times without a zone; nil: UTC
	Words   *Lexicon         // shared with other parsers of the same goroutine; nil: its own

	Fields map[string]string   // what a field means that is not understood: "svc.id" is "service"; see Meanings
	Fail   map[string][]string // values of a field with which a record has failed, whatever else it says
	Finish []string            // finish reasons that mean a failure, besides those everybody knows
}

// A Parser reads the lines of one stream. It remembers which format and which
// fields the stream has, so it is not for several goroutines at once.
type Parser struct {
	o          Options
	clock      clock
	words      *Lexicon
	shape      shape
	rec        record
	numbers    []float64 // that nobody points to yet
	structured int       // lines that had fields
	loose      int       // lines that had none
	logfmts    int       // structured ones that were logfmt
	how        format    // the newest line was read
}

// NewParser makes a parser for one stream.
func NewParser(o Options) *Parser {
	p := &Parser{o: o, clock: clock{now: o.Now, zone: o.Zone}, words: o.Words, shape: newShape(o.mapping())}
	if p.clock.now == nil {
		p.clock.now = time.Now
	}
	if p.clock.zone == nil {
		p.clock.zone = time.UTC
	}
	if p.words == nil {
		p.words = NewLexicon()
	}
	p.rec.p = p
	return p
}

// Parse reads one line without its newline: a JSON object, logfmt, or plain
// text. Every line becomes a Request; ok is false for one that is not of the
// stream's format: broken JSON, or plain text among lines with fields. A line over
// 64 KB is read whole and kept cut, with a mark. At is zero when the line has no
// time. The strings of a Request may share the memory of its Raw; line itself is
// not kept.
func (p *Parser) Parse(line []byte) (r health.Request, ok bool) {
	ok = p.into(&r, string(line), false)
	return r, ok
}

// Slim reads a line into r like Parse, but leaves out what is only looked at when
// somebody opens the record: Prompt, Answer and the texts of Chunks. Options.Full
// puts them in. The strings of r share the memory of line, and its dimensions that of other
// records: they must not be changed.
func (p *Parser) Slim(r *health.Request, line string) (ok bool) {
	return p.into(r, line, len(line) <= maxRaw) // of a longer one Raw does not hold everything
}

// Full is a record with everything that is in its Raw, read as a parser with these
// options reads it.
func (o Options) Full(r health.Request) health.Request {
	if len(r.Raw) == 0 || len(r.Raw) > maxRaw {
		return r
	}
	o.Words = nil // they belong to another goroutine
	all, _ := NewParser(o).Parse([]byte(r.Raw))
	if r.Prompt == "" {
		r.Prompt = all.Prompt
	}
	if r.Answer == "" {
		r.Answer = all.Answer
	}
	if all.Chunks != nil {
		r.Chunks = all.Chunks
	}
	return r
}

func (p *Parser) into(r *health.Request, line string, slim bool) (ok bool) {
	line = strings.TrimPrefix(strings.Trim(line, "\r\n\x00"), "\ufeff")
	rec := &p.rec
	rec.slim = slim
	rec.reset(r, line)
	p.shape.bound()
	switch p.how = rec.read(); p.how {
	case withFields:
		p.structured++
		ok = true
	case withoutFields:
		ok = p.loose >= p.structured
		p.loose++
	}
	rec.finish(p.o)
	rec.Request = nil
	return ok
}

// num returns a pointer to a number. They are made by the hundred.
func (p *Parser) num(f float64) *float64 {
	if len(p.numbers) == 0 {
		p.numbers = make([]float64, 128)
	}
	n := &p.numbers[0]
	*n, p.numbers = f, p.numbers[1:]
	return n
}

// format is how a line was read.
type format uint8

const (
	broken format = iota
	withFields
	withoutFields
)

// read fills the record from its Raw.
func (rec *record) read() format {
	line := rec.Raw
	if s := strings.TrimLeft(line, " \t"); s != "" && s[0] == '{' {
		scan := scanner{s: s, i: 1}
		if rec.object(&scan, 0, 0) && scan.end() {
			return withFields
		}
		rec.reset(rec.Request, line)
		rec.Message = line
		return broken
	}
	if looksLikeLogfmt(line) && rec.logfmt(line) {
		rec.p.logfmts++
		return withFields
	}
	rec.reset(rec.Request, line)
	rec.plain(line)
	return withoutFields
}

// reset begins a record, and forgets what a format found that turned out to be
// the wrong one.
func (rec *record) reset(r *health.Request, line string) {
	*r = health.Request{Raw: line}
	*rec = record{Request: r, p: rec.p, slim: rec.slim, dims: rec.dims[:0]}
}

// finish brings together what only all fields of a line can tell.
func (rec *record) finish(o Options) {
	r := rec.Request
	r.Origin = o.Origin
	if r.Service == "" {
		r.Service = o.Service
	}
	rec.tell()
	if slices.Contains(o.Finish, r.Finish) {
		rec.broken = r.Finish
	}
	r.Failed = rec.broken != "" || failed(r)
	if r.Failed && r.Error == "" && rec.broken != "" {
		r.Error = rec.broken
	}
	if r.ID == "" {
		r.ID = firstOf(rec.responseID, r.Trace)
	}
	if r.ID == "" {
		r.ID = "line-" + hash(r.Raw)
	}
	r.Dims = rec.p.words.set(rec.dims)
	rec.cut()
	if r.Failed {
		r.Group, _ = Signature(*r)
	}
}

// hash is a short name for a text, the same everywhere and always: FNV-1a.
func hash(s string) string { return strconv.FormatUint(fnv1a(fnvBasis, s), 16) }

const fnvBasis, fnvPrime = 0xcbf29ce484222325, 0x100000001b3

// fnv1a goes on with a hash.
func fnv1a(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// badFinish says whether a finish reason means that a request did not do its
// work. A tool call or an answer at its length limit does not.
func badFinish(s string) bool {
	switch s {
	case "", "stop", "end_turn", "length", "tool_calls", "tool_use", "max_tokens":
		return false
	}
	switch strings.ToLower(s) {
	case "content_filter", "error", "refusal", "safety", "recitation", "blocklist",
		"prohibited_content", "malformed_function_call", "abort", "cancelled":
		return true
	}
	return false
}

// badLabel are the labels with which an evaluation says that an answer is bad.
var badLabel = map[string]bool{
	"fail": true, "failed": true, "failing": true, "incorrect": true, "wrong": true, "bad": true, "poor": true,
	"unfaithful": true, "ungrounded": true, "not_grounded": true, "hallucination": true, "hallucinated": true,
	"irrelevant": true, "not_relevant": true, "unsafe": true, "toxic": true,
}

// failed says whether a record tells of a failure: an error type, a status code
// of 429 or from 500, a bad finish reason, a bad evaluation, or a line that calls
// itself an error.
func failed(r *health.Request) bool {
	return r.Error != "" || failedCode(r.Code) || badFinish(r.Finish) || badScore(r.Scores) != "" ||
		r.Level == levelError || r.Level == levelFatal
}

func failedCode(code int) bool { return code == 429 || code >= 500 && code < 600 }

// badScore is the first evaluation with a bad label, in words.
func badScore(scores []health.Field) string {
	for _, s := range scores {
		if badLabel[strings.ToLower(s.Value)] {
			return strings.TrimSpace(s.Name + " " + s.Value)
		}
	}
	return ""
}

// cause is why a record failed, in few words: the error type, the finish reason,
// the status code, the evaluation, or the level.
func cause(r *health.Request) string {
	switch bad := badScore(r.Scores); {
	case r.Error != "":
		return r.Error
	case badFinish(r.Finish):
		return r.Finish
	case failedCode(r.Code):
		return strconv.Itoa(r.Code)
	case bad != "":
		return bad
	}
	return r.Level
}

// Dress adds what is known about a record from where it came, as far as the line
// itself does not say it: a service and a level.
func Dress(r *health.Request, service, level string) {
	if r.Service == "" {
		r.Service = service
	}
	if r.Level == "" && level != "" {
		r.Level = level
		r.Failed = r.Failed || failed(r)
	}
	if r.Failed {
		r.Group, _ = Signature(*r)
	}
}

// LevelOfPriority is the level of a priority of syslog: 0 emergency to 7 debug.
func LevelOfPriority(p string) string {
	n, ok := wholeNumber(p)
	if !ok || n > 7 {
		return ""
	}
	return [...]string{levelFatal, levelFatal, levelFatal, levelError, levelWarn, levelInfo, levelInfo, levelDebug}[n]
}

// LevelNamed is the level a name means, "" if it means none.
func LevelNamed(name string) string { return levelNamed(name) }
