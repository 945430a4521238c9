package logs

import (
	"bytes"
	"fmt"
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
// when everything that differs from record to record is masked. The id is six hex
// digits of a hash over the first words; it depends on the record alone, not on what
// came before. A Grouper goes further: it finds words that differ by looking at
// many records.
func Signature(r health.Request) (id, masked string) {
	var m masker
	text := m.mask(&r)
	return signatureID(r.Service, cause(&r), text), string(text)
}

// signatureID hashes a masked message, as far as it counts.
func signatureID(service, cause string, masked []byte) string {
	h := fnv1a(fnv1a(fnvBasis, version+"|"), service)
	h = fnv1a(fnv1a(fnv1a(h, "|"), cause), "|")
	for _, b := range head(masked) {
		h = (h ^ uint64(b)) * fnvPrime
	}
	return fmt.Sprintf("%016x", h)[:6]
}

// head is the part of a masked message that counts: its first words.
func head(masked []byte) []byte {
	end := 0
	for range maxLevels {
		n := bytes.IndexByte(masked[end:], ' ')
		if n < 0 {
			return masked
		}
		end += n + 1
	}
	return masked[:end-1]
}

// A masker writes a message with stars for what differs from record to record.
// Its buffers are used again for the next one.
type masker struct {
	own    []string
	out    []byte
	tokens int
	last   string // the star at the end of out, "" if something else is
	held   []byte // separators since then, not yet written
}

// mask returns the masked message, until the next one is masked.
func (m *masker) mask(r *health.Request) []byte {
	m.own = m.own[:0]
	l := &r.Lineage
	for _, v := range [...]string{l.Build, l.Model, l.Prompt, l.Index, l.Data, l.Config, r.Name} {
		m.mine(v)
	}
	for _, d := range r.Dims {
		m.mine(d.Value)
	}
	return m.text(r.Message)
}

// mine adds a value of the record itself. Times and numbers are masked anyway.
func (m *masker) mine(v string) {
	if len(v) >= minOwn && v != "true" && v != "false" {
		m.own = append(m.own, v)
	}
}

// text reads the first line of a message once, from left to right.
//
//	HTTP 503 from us-east-1 after 30s: "quota of acme"  →  HTTP <*> from <e> after <*>: <*>
func (m *masker) text(message string) []byte {
	m.out, m.held, m.last, m.tokens = m.out[:0], m.held[:0], "", 0
	line := message[:min(len(message), maxMasked)]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	for i := 0; i < len(line) && m.tokens < maxTokens; {
		own, quoted := 0, 0
		if i == 0 || !inWord(line[i-1]) {
			own, quoted = m.ownAt(line, i), quotedAt(line, i)
		}
		if own > 0 {
			m.star(ownField)
			i += own
		} else if quoted > 0 {
			m.star(anything)
			i += quoted
		} else if n, digit := wordAt(line, i); n > 0 {
			m.word(line[i:i+n], digit)
			i += n
		} else {
			m.separator(line[i])
			i++
		}
	}
	m.flush()
	return bytes.TrimSpace(m.out)
}

func (m *masker) flush() {
	m.out = append(m.out, m.held...)
	m.held, m.last = m.held[:0], ""
}

// star writes a star. Two of them with only .:-_/ between become one.
func (m *masker) star(s string) {
	m.tokens++
	if m.last == s && s == anything && len(bytes.Trim(m.held, ".:-_/")) == 0 {
		m.held = m.held[:0]
		return
	}
	m.flush()
	m.out = append(m.out, s...)
	m.last = s
}

func (m *masker) word(w string, digit bool) {
	if len(w) > maxRun || digit {
		m.star(anything)
		return
	}
	m.flush()
	m.tokens++
	m.out = append(m.out, w...)
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

// ownAt is the length of the longest value of the record itself that stands at i
// and ends where a word does.
func (m *masker) ownAt(s string, i int) int {
	longest := 0
	for _, v := range m.own {
		if end := i + len(v); len(v) > longest && s[i] == v[0] && end <= len(s) && s[i:end] == v && (end == len(s) || !inWord(s[end])) {
			longest = len(v)
		}
	}
	return longest
}

// inWord says whether a byte belongs to a word: letters, digits, what ids are
// made of, and everything that is not ASCII.
func inWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-' || b >= 0x80
}

// wordAt is the length of the word that begins at i, and whether a digit is in it.
func wordAt(s string, i int) (n int, digit bool) {
	for n = i; n < len(s) && inWord(s[n]); n++ {
		digit = digit || s[n] >= '0' && s[n] <= '9'
	}
	return n - i, digit
}

// quotedAt is the length of a quoted piece that begins at i, quotes included. An
// apostrophe inside of a word ends none.
func quotedAt(s string, i int) int {
	q := s[i]
	if q != '"' && q != '\'' && q != '`' {
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
