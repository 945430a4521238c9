package rollback

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"sickbay/health"
)

// redacted stands where one of our own credentials was.
const redacted = "[secret]"

// redact takes credentials and personal data out of a text for the journal, and
// leaves it on one line. Escape sequences and invisible characters go first: a token
// that is split by one is still a token.
func redact(s string) string { return health.Redact(visible(s)) }

var sequence = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-9;:?]*[ -/]*[@-~]")

// visible leaves what a person can see, on one line, at most 4,000 bytes.
func visible(s string) string {
	if len(s) > 4000 {
		s = s[:4000] + "…"
	}
	s = sequence.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Variation_Selector), r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
}

// clean is the data as it may be written down. Versions, tokens and names are
// kept as they are: they were checked when the plan was made, and a restart
// needs them byte for byte.
func (d Data) clean() Data {
	d.Reason, d.Text, d.Typed, d.Blocked = redact(d.Reason), redact(d.Text), redact(d.Typed), redact(d.Blocked)
	d.Override = redact(d.Override)
	d.Diff, d.Warnings = redactAll(d.Diff), redactAll(d.Warnings)
	return d
}

func redactAll(in []string) []string {
	var out []string
	for _, s := range in {
		out = append(out, redact(s))
	}
	return out
}
