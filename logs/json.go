package logs

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is what a JSON value is. The zero value is nothing.
type kind uint8

const (
	nothing kind = iota // null, or not there
	text
	number
	boolean
	list
	object
)

// value is one JSON value: where it stands in the line, not yet decoded. raw is
// a part of the line: for text what is between the quotes, else all of it.
type value struct {
	kind    kind
	escaped bool // text has backslashes in it
	raw     string
}

// text is the value as a person would write it: text decoded, null as "",
// everything else as it stands in the line.
func (v value) text() string {
	switch {
	case v.kind == nothing:
		return ""
	case v.escaped:
		return unescape(v.raw)
	}
	return v.raw
}

// number reads a number, or text that is one.
func (v value) number() (float64, bool) {
	if v.kind != number && v.kind != text {
		return 0, false
	}
	return decimal(v.raw)
}

// tens are the powers of ten that a float64 holds exactly.
var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// decimal reads a number. One of at most 15 digits without an exponent is an
// exact whole number divided by an exact power of ten: no other way is rounded
// better, and none is faster.
func decimal(s string) (float64, bool) {
	i, minus := 0, false
	if s != "" && s[0] == '-' {
		i, minus = 1, true
	}
	var mantissa uint64
	first, point := i, -1
	for ; i < len(s); i++ {
		if b := s[i]; b >= '0' && b <= '9' {
			mantissa = mantissa*10 + uint64(b-'0')
		} else if b == '.' && point < 0 {
			point = i
		} else {
			return slowDecimal(s)
		}
	}
	digits, after := i-first, 0
	if point >= 0 {
		digits, after = digits-1, i-point-1
	}
	if digits == 0 || digits > 15 {
		return slowDecimal(s)
	}
	f := float64(mantissa) / tens[after]
	if minus {
		f = -f
	}
	return f, true
}

func slowDecimal(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// wholeNumber reads a number of at most nine digits.
func wholeNumber(s string) (n int, ok bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// maxDepth is how many brackets may stand open at once.
const maxDepth = 64

// fields calls visit for every field of an object, in order, and says whether
// it was one. Structure is checked at the level visited: brackets must match
// below it, and what stands between them is checked when it is visited.
func fields(obj string, visit func(key string, v value)) bool {
	s := scanner{s: obj}
	if !s.take('{') {
		return false
	}
	for first := true; ; first = false {
		if s.take('}') {
			return s.end()
		}
		if !first && !s.take(',') {
			return false
		}
		key, ok := s.value()
		if !ok || key.kind != text || !s.take(':') {
			return false
		}
		v, ok := s.value()
		if !ok {
			return false
		}
		visit(key.text(), v)
	}
}

// items calls visit for every item of a list and says whether it was one.
func items(l string, visit func(v value)) bool {
	s := scanner{s: l}
	if !s.take('[') {
		return false
	}
	for first := true; ; first = false {
		if s.take(']') {
			return s.end()
		}
		if !first && !s.take(',') {
			return false
		}
		v, ok := s.value()
		if !ok {
			return false
		}
		visit(v)
	}
}

// scanner reads a JSON text from left to right, in time linear in its length.
type scanner struct {
	s string
	i int
}

func (s *scanner) blank() {
	for s.i < len(s.s) && s.s[s.i] <= ' ' {
		switch s.s[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// take skips blanks and then b, if that is what comes.
func (s *scanner) take(b byte) bool {
	s.blank()
	if s.i < len(s.s) && s.s[s.i] == b {
		s.i++
		return true
	}
	return false
}

// end says whether nothing but blanks is left.
func (s *scanner) end() bool {
	s.blank()
	return s.i == len(s.s)
}

func (s *scanner) value() (value, bool) {
	s.blank()
	if s.i == len(s.s) {
		return value{}, false
	}
	start := s.i
	switch b := s.s[s.i]; b {
	case '"':
		escaped, ok := s.quoted()
		if !ok {
			return value{}, false
		}
		return value{text, escaped, s.s[start+1 : s.i-1]}, true
	case '{', '[':
		if !s.brackets() {
			return value{}, false
		}
		k := list
		if b == '{' {
			k = object
		}
		return value{k, false, s.s[start:s.i]}, true
	case 't':
		return s.word("true", boolean)
	case 'f':
		return s.word("false", boolean)
	case 'n':
		return s.word("null", nothing)
	}
	for s.i < len(s.s) && numeric(s.s[s.i]) {
		s.i++
	}
	return value{number, false, s.s[start:s.i]}, s.i > start
}

// name takes the name of a field if it is this one, in which nothing is escaped.
func (s *scanner) name(key string) bool {
	s.blank()
	if end := s.i + 1 + len(key); end < len(s.s) && s.s[s.i] == '"' && s.s[end] == '"' && s.s[s.i+1:end] == key {
		s.i = end + 1
		return true
	}
	return false
}

// key reads the name of a field and the colon behind it.
func (s *scanner) key() (string, bool) {
	s.blank()
	if s.i == len(s.s) || s.s[s.i] != '"' {
		return "", false
	}
	start := s.i + 1
	escaped, ok := s.quoted()
	if !ok {
		return "", false
	}
	key := s.s[start : s.i-1]
	if escaped {
		key = unescape(key)
	}
	return key, s.take(':')
}

func (s *scanner) word(w string, k kind) (value, bool) {
	if !strings.HasPrefix(s.s[s.i:], w) {
		return value{}, false
	}
	s.i += len(w)
	return value{k, false, w}, true
}

func numeric(b byte) bool {
	return b >= '0' && b <= '9' || b == '-' || b == '+' || b == '.' || b == 'e' || b == 'E'
}

// quoted skips a string and says whether it holds backslashes. Most of a log
// line is inside of strings, so it leaps from quote to quote.
func (s *scanner) quoted() (escaped, ok bool) {
	from := s.i + 1
	end := strings.IndexByte(s.s[from:], '"')
	if end >= 0 && strings.IndexByte(s.s[from:from+end], '\\') < 0 { // the usual case
		s.i = from + end + 1
		return false, true
	}
	for end = -1; ; {
		if end < from {
			q := strings.IndexByte(s.s[from:], '"')
			if q < 0 {
				return false, false
			}
			end = from + q
		}
		back := strings.IndexByte(s.s[from:end], '\\')
		if back < 0 {
			s.i = end + 1
			return escaped, true
		}
		escaped = true
		if from += back + 2; from > len(s.s) {
			return false, false
		}
	}
}

// brackets skips an object or a list. It counts instead of calling itself: the
// bits of shape say, for every open bracket, whether it is a brace.
func (s *scanner) brackets() bool {
	var shape uint64
	for depth := 0; s.i < len(s.s); {
		switch b := s.s[s.i]; b {
		case '"':
			if _, ok := s.quoted(); !ok {
				return false
			}
			continue
		case '{', '[':
			if depth++; depth > maxDepth {
				return false
			}
			shape <<= 1
			if b == '{' {
				shape |= 1
			}
		case '}', ']':
			if shape&1 == 1 != (b == '}') {
				return false
			}
			shape >>= 1
			if depth--; depth == 0 {
				s.i++
				return true
			}
		}
		s.i++
	}
	return false
}

// unescape decodes the backslashes of a JSON string. What is no known escape
// stays as it is; half a surrogate pair becomes U+FFFD.
func unescape(raw string) string {
	var out strings.Builder
	out.Grow(len(raw))
	for {
		back := strings.IndexByte(raw, '\\')
		if back < 0 || back+1 == len(raw) {
			out.WriteString(raw)
			return out.String()
		}
		out.WriteString(raw[:back])
		r, n := escape(raw[back:])
		if n == 0 {
			out.WriteByte('\\')
			n = 1
		} else {
			out.WriteRune(r)
		}
		raw = raw[back+n:]
	}
}

// escape decodes the escape that s begins with and says how long it is; 0: none.
func escape(s string) (rune, int) {
	switch s[1] {
	case '"', '\\', '/':
		return rune(s[1]), 2
	case 'n':
		return '\n', 2
	case 't':
		return '\t', 2
	case 'r':
		return '\r', 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'u':
		r, ok := hex4(s)
		if !ok {
			return 0, 0
		}
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if low, ok := hex4(s[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	}
	return 0, 0
}

// hex4 reads \uXXXX.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 32)
	return rune(n), err == nil
}
