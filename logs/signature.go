package logs

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"sickbay/health"
)

// version is part of every signature: when the rules below change it does too,
// so that two sickbays never give one id to different things.
const version = "sig.v1"

const (
	anything  = "<*>" // what differs from record to record
	ownField  = "<e>" // what the record carries as a dimension
	maxMasked = 300   // bytes of a message that are looked at
	maxTokens = 40    // words of it that are kept
	maxRun    = 32    // bytes of a word that is still a word
	minOwn    = 3     // bytes of a dimension's value that is looked for
)

// Signature says which failures look alike: the same service, cause and message
// when everything that differs from record to record is masked. The id is six
// hex digits of a hash; it depends on the record alone, not on what came before.
func Signature(r health.Request) (id, masked string) {
	masked = mask(r.Message, ownValues(&r))
	h := fnv.New64a()
	fmt.Fprintf(h, "%s|%s|%s|%s", version, r.Service, cause(&r), masked)
	return fmt.Sprintf("%016x", h.Sum64())[:6], masked
}

// ownValues are the values of the record's dimensions, longest first. Times and
// numbers are masked anyway.
func ownValues(r *health.Request) []string {
	var all []string
	for d := range dimensions(r) {
		if len(d.Value) >= minOwn && d.Value != "true" && d.Value != "false" {
			all = append(all, d.Value)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(all)
}

// mask reads the first line of a message once, from left to right.
//
//	HTTP 503 from us-east-1 after 30s: "quota of acme"  →  HTTP <*> from <e> after <*>: <*>
func mask(message string, own []string) string {
	line, _, _ := strings.Cut(message, "\n")
	line = line[:min(len(line), maxMasked)]
	var m masker
	for i := 0; i < len(line) && m.tokens < maxTokens; {
		if n := ownAt(line, i, own); n > 0 {
			m.star(ownField)
			i += n
		} else if n := quotedAt(line, i); n > 0 {
			m.star(anything)
			i += n
		} else if n := wordAt(line, i); n > 0 {
			m.word(line[i : i+n])
			i += n
		} else {
			m.separator(line[i])
			i++
		}
	}
	m.flush()
	return strings.TrimSpace(m.out.String())
}

// masker writes words, stars and what stands between them. Two stars with only
// .:-_/ between them become one.
type masker struct {
	out    strings.Builder
	tokens int
	last   string // the star at the end of out, "" if something else is
	held   []byte // separators since then, not yet written
}

func (m *masker) flush() {
	m.out.Write(m.held)
	m.held, m.last = m.held[:0], ""
}

func (m *masker) star(s string) {
	m.tokens++
	if m.last == s && s == anything && strings.Trim(string(m.held), ".:-_/") == "" {
		m.held = m.held[:0]
		return
	}
	m.flush()
	m.out.WriteString(s)
	m.last = s
}

func (m *masker) word(w string) {
	if len(w) > maxRun || strings.ContainsAny(w, "0123456789") {
		m.star(anything)
		return
	}
	m.flush()
	m.tokens++
	m.out.WriteString(w)
}

// separator keeps a byte between words; several blanks are one.
func (m *masker) separator(b byte) {
	if b == '\t' {
		b = ' '
	}
	if n := len(m.held); b == ' ' && n > 0 && m.held[n-1] == ' ' {
		return
	}
	m.held = append(m.held, b)
}

// inWord says whether a byte belongs to a word: letters, digits, what ids are
// made of, and everything that is not ASCII.
func inWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-' || b >= 0x80
}

// wordAt is the length of the word that begins at i.
func wordAt(s string, i int) int {
	n := i
	for n < len(s) && inWord(s[n]) {
		n++
	}
	return n - i
}

// ownAt is the length of a value of the record itself that stands at i as a
// whole word.
func ownAt(s string, i int, own []string) int {
	if i > 0 && inWord(s[i-1]) {
		return 0
	}
	for _, v := range own {
		if end := i + len(v); strings.HasPrefix(s[i:], v) && (end == len(s) || !inWord(s[end])) {
			return len(v)
		}
	}
	return 0
}

// quotedAt is the length of a quoted piece that begins at i, quotes included. An
// apostrophe inside of a word begins none.
func quotedAt(s string, i int) int {
	q := s[i]
	if q != '"' && q != '\'' && q != '`' || i > 0 && inWord(s[i-1]) {
		return 0
	}
	for j := i + 1; j < len(s); j++ {
		switch {
		case s[j] == '\\':
			j++
		case s[j] == q && (j+1 == len(s) || !inWord(s[j+1])):
			return j + 1 - i
		}
	}
	return 0
}
