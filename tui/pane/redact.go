package pane

import (
	"regexp"
	"strings"
	"unicode"
)

// redactions are what is masked in prompts and answers shown redacted. They find
// what has a form; names and addresses in free text have none, and stay.
var redactions = []struct {
	what string
	form *regexp.Regexp
	sure func(match string) bool // nil: the form is enough
}{
	{"key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)`), nil},
	{"token", regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*`), nil},
	{"key", regexp.MustCompile(`\b(sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[abprs]|hf|AIza|AKIA|ASIA|ya29)[-_.]?[\w-]{12,}`), nil},
	{"token", regexp.MustCompile(`(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}`), nil},
	{"secret", regexp.MustCompile(`(?i)\b[\w-]*(password|passwd|secret|api[_-]?key|token|cookie)["']?\s*[:=]\s*["']?[^\s"',;&]{4,}`), nil},
	{"login", regexp.MustCompile(`\b\w+://[^\s/:@]+:[^\s/@]+@`), nil},
	{"email", regexp.MustCompile(`[\w.%+-]+@[\w-]+(\.[\w-]+)+`), nil},
	{"IBAN", regexp.MustCompile(`\b[A-Z]{2}\d{2}( ?[A-Z0-9]{4}){3,7}( ?[A-Z0-9]{1,3})?\b`), nil},
	{"card", regexp.MustCompile(`\b\d([ -]?\d){12,18}\b`), luhn},
	{"SSN", regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`), nil},
	{"phone", regexp.MustCompile(`\+\d{1,3}[ -/]?(\(?\d{1,4}\)?[ -/]?){2,5}\d{2,}`), nil},
	{"IP", regexp.MustCompile(`\b(\d{1,3}\.){3}\d{1,3}\b`), nil},
}

// redact masks what looks like a secret or belongs to a person: "[email]". What
// is invisible is taken out first, so that it cannot split a token in two.
func redact(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || r < ' ' && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	for _, x := range redactions {
		s = x.form.ReplaceAllStringFunc(s, func(m string) string {
			if x.sure != nil && !x.sure(m) {
				return m
			}
			return "[" + x.what + "]"
		})
	}
	return s
}

// luhn is the check digit of payment cards.
func luhn(s string) bool {
	sum, double := 0, false
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] < '0' || s[i] > '9' {
			continue
		}
		d := int(s[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, double = sum+d, !double
	}
	return sum%10 == 0
}
