// Package logs says what one line of a log means: its format, its fields,
// whether it tells of a failure, and which failures look alike. It reads no files
// and starts nothing.
package logs

import (
	"bytes"
	"hash/fnv"
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
}

// A Parser reads the lines of one stream. It remembers which format the stream
// has, so it is not for several goroutines at once.
type Parser struct {
	o          Options
	clock      clock
	structured int // lines that had fields
	loose      int // lines that had none
	dims       []health.Field
}

// NewParser makes a parser for one stream.
func NewParser(o Options) *Parser {
	p := &Parser{o: o, clock: clock{o.Now, o.Zone}}
	if p.clock.now == nil {
		p.clock.now = time.Now
	}
	if p.clock.zone == nil {
		p.clock.zone = time.UTC
	}
	return p
}

// Parse reads one line without its newline: a JSON object, logfmt, or plain
// text. Every line becomes a Request; ok is false for one that is not of the
// stream's format: broken JSON, or plain text among lines with fields. A line over
// 64 KB is read whole and kept cut, with a mark. At is zero when the line has no
// time. The strings of a Request may share the memory of its Raw; line itself is
// not kept.
func (p *Parser) Parse(line []byte) (r health.Request, ok bool) {
	line = bytes.TrimPrefix(bytes.Trim(line, "\r\n\x00"), []byte("\ufeff"))
	rec := record{clock: &p.clock, dims: p.dims}
	rec.reset(string(line))
	switch p.read(&rec) {
	case withFields:
		p.structured++
		ok = true
	case withoutFields:
		ok = p.loose >= p.structured
		p.loose++
	}
	rec.finish(p.o)
	p.dims = rec.dims
	return rec.Request, ok
}

// format is how a line was read.
type format uint8

const (
	broken format = iota
	withFields
	withoutFields
)

// read fills rec from its Raw.
func (p *Parser) read(rec *record) format {
	line := rec.Raw
	if s := strings.TrimLeft(line, " \t"); s != "" && s[0] == '{' {
		if fields(s, func(name string, v value) { rec.add(name, v, 0) }) {
			return withFields
		}
		rec.reset(line)
		rec.Message = line
		return broken
	}
	if looksLikeLogfmt(line) && logfmt(line, func(name string, v value) { rec.add(name, v, 0) }) {
		return withFields
	}
	rec.reset(line)
	rec.plain(line)
	return withoutFields
}

// reset forgets what a format found that turned out to be the wrong one.
func (rec *record) reset(line string) {
	*rec = record{Request: health.Request{Raw: line}, clock: rec.clock, dims: rec.dims[:0]}
}

// finish brings together what only all fields of a line can tell.
func (rec *record) finish(o Options) {
	r := &rec.Request
	r.Origin = o.Origin
	if r.Service == "" {
		r.Service = o.Service
	}
	rec.tell()
	r.Failed = failed(r)
	if r.ID == "" {
		r.ID = firstOf(rec.responseID, r.Trace)
	}
	if r.ID == "" {
		r.ID = "line-" + hash(r.Raw)
	}
	r.Dims = append([]health.Field(nil), rec.dims...)
	rec.cut()
	if r.Failed {
		r.Group, _ = Signature(*r)
	}
}

// hash is a short name for a text, the same everywhere and always.
func hash(s string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // a hash never fails
	return strconv.FormatUint(h.Sum64(), 16)
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// badFinish are the finish reasons that mean a request did not do its work. A
// tool call or an answer at its length limit is not among them.
var badFinish = map[string]bool{
	"content_filter": true, "error": true, "refusal": true, "safety": true, "recitation": true, "blocklist": true,
	"prohibited_content": true, "malformed_function_call": true, "abort": true, "cancelled": true,
}

// badLabel are the labels with which an evaluation says that an answer is bad.
var badLabel = map[string]bool{
	"fail": true, "failed": true, "failing": true, "incorrect": true, "wrong": true, "bad": true, "poor": true,
	"unfaithful": true, "ungrounded": true, "not_grounded": true, "hallucination": true, "hallucinated": true,
	"irrelevant": true, "not_relevant": true, "unsafe": true, "toxic": true,
}

func listed(list map[string]bool, s string) bool {
	return s != "" && (list[s] || list[strings.ToLower(s)])
}

// failed says whether a record tells of a failure: an error type, a status code
// of 429 or from 500, a bad finish reason, a bad evaluation, or a line that calls
// itself an error.
func failed(r *health.Request) bool {
	return r.Error != "" || failedCode(r.Code) || listed(badFinish, r.Finish) || badScore(r.Scores) != "" ||
		r.Level == levelError || r.Level == levelFatal
}

func failedCode(code int) bool { return code == 429 || code >= 500 && code < 600 }

// badScore is the first evaluation with a bad label, in words.
func badScore(scores []health.Field) string {
	for _, s := range scores {
		if listed(badLabel, s.Value) {
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
	case listed(badFinish, r.Finish):
		return r.Finish
	case failedCode(r.Code):
		return strconv.Itoa(r.Code)
	case bad != "":
		return bad
	}
	return r.Level
}
