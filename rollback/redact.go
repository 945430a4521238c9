package rollback

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const redacted = "‹redacted›"

// secrets are the shapes of credentials that must not reach the journal. A
// shape with groups keeps its first two: the name before the value.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`()()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`),
	regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)()[^/\s@:]*:[^/\s@]+@`),
	regexp.MustCompile(`(?i)\b(bearer|basic)( +)[a-z0-9._~+/=-]{8,}`),
	regexp.MustCompile(`(?i)((?:authorization|api[_-]?key|token|secret|passw(?:or)?d|pwd|private[_-]?key|cookie)["']?)( *[:=] *["']?)[^\s"',;&]{4,}`),
	regexp.MustCompile(`()()\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}`),
	regexp.MustCompile(`()()\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|hf_[A-Za-z0-9]{20,})`),
	regexp.MustCompile(`()()\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|ya29\.[\w-]{20,})`),
	regexp.MustCompile(`()()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*`),
}

var sequence = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-9;:?]*[ -/]*[@-~]")

// redact takes credentials out of a text for the journal. Escape sequences and
// invisible characters go first: a token that is split by one is still a token.
func redact(s string) string {
	s = visible(s)
	for _, re := range secrets {
		s = re.ReplaceAllString(s, "${1}${2}"+redacted)
	}
	return s
}

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
