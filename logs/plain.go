package logs

import (
	"strings"
	"time"
)

// looksLikeLogfmt says whether a line begins with key=.
func looksLikeLogfmt(line string) bool {
	for i := range len(line) {
		switch b := line[i]; {
		case b == '=':
			return i > 0
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '_', b == '.', b == '-', b == '@', b == '/':
		default:
			return false
		}
	}
	return false
}

// logfmt takes every key=value of a line and says whether it was one: at least
// two pairs, and a level, a message, a time or an error among them. A word without
// a value counts as true.
func (rec *record) logfmt(line string) bool {
	var pairs, known int
	var before int32
	take := func(key string, v value) meaning {
		before = rec.p.shape.find(0, key, before)
		f := rec.p.shape.at(before)
		rec.add(f, v)
		return f.meaning
	}
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		end := strings.IndexAny(line, "= \t")
		if end < 0 {
			end = len(line)
		}
		key := line[:end]
		if line = line[end:]; line == "" || line[0] != '=' {
			take(key, value{boolean, false, "true"})
			continue
		}
		var v value
		v, line = logfmtValue(line[1:])
		pairs++
		switch take(key, v) {
		case aTime, aLevel, aMessage, anErrorText, anErrorType:
			known++
		}
	}
	return pairs >= 2 && known > 0
}

// logfmtValue reads a value and returns what comes after it.
func logfmtValue(s string) (value, string) {
	if s != "" && s[0] == '"' {
		q := scanner{s: s}
		if v, ok := q.value(); ok {
			return v, s[q.i:]
		}
	}
	end := strings.IndexAny(s, " \t")
	if end < 0 {
		end = len(s)
	}
	return value{text, false, s[:end]}, s[end:]
}

// plain reads a line without fields: a time and a level at its beginning, in
// either order, and the rest as the message.
func (rec *record) plain(line string) {
	rest := strings.TrimLeft(line, " \t")
	if rest != line { // continues the line before it
		rec.Message = line
		return
	}
	if t, level, after, ok := rec.klog(line); ok {
		rec.At, rec.Level, rec.Message = t, level, after
		return
	}
	t, rest, timed := rec.p.clock.leading(rest)
	level, after := leadingLevel(rest)
	if !timed && level != "" {
		if u, later, ok := rec.p.clock.leading(after); ok {
			t, after = u, later
		}
	}
	rec.At, rec.Level, rec.Message = t, level, after
}

// klog reads the header of Kubernetes components: "E1123 14:02:00.000000 1 file.go:12] ".
func (rec *record) klog(line string) (at time.Time, level, rest string, ok bool) {
	if len(line) < 22 || line[5] != ' ' || !strings.Contains("IWEF", line[:1]) {
		return
	}
	clock, after, _ := strings.Cut(line[6:], " ")
	at, ok = rec.p.clock.read(line[1:3] + "-" + line[3:5] + " " + clock)
	if !ok {
		return
	}
	level = map[byte]string{'I': levelInfo, 'W': levelWarn, 'E': levelError, 'F': levelFatal}[line[0]]
	if _, message, found := strings.Cut(after, "] "); found {
		after = message
	}
	return at, level, after, true
}

// leadingLevel looks for a level among the first words of a line: ERROR,
// [error], error:, ERROR:root:, <error>. A word in small letters needs such a sign,
// since "error" also begins sentences.
func leadingLevel(s string) (level, rest string) {
	rest = s
	for words := 0; words < 4 && rest != ""; words++ {
		word, after, _ := strings.Cut(rest, " ")
		bare := strings.Trim(word, "[]()<>|:")
		name, tail, _ := strings.Cut(bare, ":")
		marked := len(bare) < len(word) || tail != "" || name == strings.ToUpper(name)
		if level = levelNamed(name); level != "" && marked {
			if words > 0 { // what stands between time and level belongs to the message
				return level, s
			}
			if tail != "" {
				after = strings.TrimSpace(tail + " " + after)
			}
			return level, strings.TrimLeft(after, " -|:")
		}
		rest = after
	}
	return "", s
}
