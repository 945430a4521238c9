package health

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"
)

// A Rule of redaction: what is masked, as what, and how it is found.
type Rule struct {
	What string         // what stands there instead, in brackets: "token"
	Form *regexp.Regexp // what it looks like; a first group is kept in front of the mask

	// What a text must have before the form is tried, because forms are dear:
	hint   []string           // one of these, in lower case; nil: nothing
	digits int                // so many digits
	marks  string             // each of these bytes, as often as it stands here
	sure   func(string) bool  // a match that is not sure stays; nil: the form is enough
	parts  func(string) []int // which parts of a match are meant, as pairs of positions; nil: all of it
}

// A Redactor masks what must not be seen. None (nil) and the zero value know the
// forms below.
type Redactor struct {
	More []Rule

	made map[string]string // of texts; nil: nothing is remembered
}

// Remembering is a Redactor with the same rules that remembers what it made of texts,
// for a screen that draws the same ones again and again: to search a line costs ten
// microseconds. It belongs to one goroutine.
func (r *Redactor) Remembering() *Redactor {
	out := &Redactor{made: map[string]string{}}
	if r != nil {
		out.More = r.More
	}
	return out
}

// What is remembered: so many texts, none longer than this.
const (
	madeTexts = 8192
	madeBytes = 1024
)

// shortest is the length of the shortest text that can hold a secret: "a@b.eu".
const shortest = 6

// Redact masks secrets and personal data: "[email]", "password=[secret]". It finds
// what has a form; names and addresses in free text have none, and stay. Addresses
// of private networks stay as well: they belong to machines, and an operator needs
// them. Escape sequences and invisible characters do not hide a secret: where one
// is found they are taken out with it. Text without any is returned as it is.
func Redact(s string) string { return (*Redactor)(nil).Redact(s) }

// Redact masks what the rules find, the standard ones first.
func (r *Redactor) Redact(s string) string {
	if len(s) < shortest && (r == nil || len(r.More) == 0) {
		return s
	}
	if r == nil || r.made == nil || len(s) > madeBytes {
		return r.search(s)
	}
	masked, known := r.made[s]
	if !known {
		if len(r.made) >= madeTexts {
			clear(r.made)
		}
		masked = r.search(s)
		r.made[s] = masked
	}
	return masked
}

func (r *Redactor) search(s string) string {
	bare := visible(s)
	low := strings.ToLower(bare)
	var bytes [256]int
	for i := range len(bare) {
		bytes[bare[i]]++
	}
	out := bare
	for i := range standard {
		if standard[i].possible(low, &bytes) {
			out = standard[i].mask(out)
		}
	}
	if r != nil {
		for _, x := range r.More {
			out = x.mask(out)
		}
	}
	if out == bare {
		return s // what is odd about it is for Clean to show
	}
	return out
}

// possible is the cheap question before the dear one.
func (x *Rule) possible(low string, bytes *[256]int) bool {
	digits := 0
	for c := '0'; c <= '9'; c++ {
		digits += bytes[c]
	}
	if digits < x.digits {
		return false
	}
	for i := range len(x.marks) {
		if bytes[x.marks[i]] < strings.Count(x.marks, x.marks[i:i+1]) {
			return false
		}
	}
	for _, h := range x.hint {
		if strings.Contains(low, h) {
			return true
		}
	}
	return x.hint == nil
}

func (x Rule) mask(s string) string {
	found := x.Form.FindAllStringSubmatchIndex(s, -1)
	if found == nil {
		return s
	}
	var b strings.Builder
	end := 0
	for _, at := range found {
		if x.sure != nil && !x.sure(s[at[0]:at[1]]) {
			continue
		}
		meant := []int{0, at[1] - at[0]}
		if x.parts != nil {
			meant = x.parts(s[at[0]:at[1]])
		}
		for ; len(meant) > 0; meant = meant[2:] {
			from, to := at[0]+meant[0], at[0]+meant[1]
			if len(at) > 3 && at[2] == at[0] {
				from = at[3] // the first group says what it is: that may be seen
			}
			b.WriteString(s[end:from])
			b.WriteString("[" + x.What + "]")
			end = to
		}
	}
	b.WriteString(s[end:])
	return b.String()
}

// standard are the forms of keys, tokens and logins as their issuers document them,
// and of what belongs to a person.
var standard = []Rule{
	{What: "key", hint: []string{"-----begin"}, Form: regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`)},
	{What: "token", hint: []string{"eyj"}, Form: regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?`)},
	{What: "key", hint: []string{"sk-", "sk_", "pk_", "rk_", "sk.", "akia", "asia", "aiza", "ya29", "hf_", "hvs.", "hvb.", "npm_", "pypi-", "glsa_", "glc_", "dop_v1"},
		Form: regexp.MustCompile(`\b(?:(?:sk|pk|rk)[-_.]|AIza|AKIA|ASIA|ya29[-_.]|hf_|hv[sb]\.|npm_|pypi-|glsa_|glc_|dop_v1_)[\w.-]{12,}`)},
	{What: "key", hint: []string{"gh", "github_pat", "glpat", "xox", "xapp"},
		Form: regexp.MustCompile(`\b(?:gh[opsur]|github_pat|glpat|xox[abeprs]|xapp)[-_][\w-]{12,}`)},
	{What: "key", hint: []string{"sk", "ac"}, digits: 6, Form: regexp.MustCompile(`\b(?:SK|AC)[0-9a-f]{32}\b`)},
	{What: "webhook", hint: []string{"hooks.slack.com", "webhooks/"}, Form: regexp.MustCompile(`(https?://[\w.-]+/)(?:services|api/webhooks|workflows)/[\w/-]{16,}`)},
	{What: "token", hint: []string{"bearer", "basic"}, Form: regexp.MustCompile(`(?i)\b(?:bearer|basic)\s+[\w.~+/=-]{8,}`)},
	{What: "secret", hint: []string{"cookie"}, Form: regexp.MustCompile(`(?i)(\b(?:set-)?cookie["']?\s*[:=]\s*["']?)[^\s"',;&\[][^\s"',;&]{3,}`)},
	{What: "secret", hint: []string{"authorization"},
		Form: regexp.MustCompile(`(?i)(\bauthorization["']?\s*[:=]\s*["']?(?:[\w-]+\s+)?)[^\s"',;&\[]{8,}`), sure: numbered},
	{What: "secret", hint: []string{"passw", "pwd", "secret", "key", "token", "session", "sig"},
		Form: regexp.MustCompile(`(?i)(\b[\w-]*(?:password|passwd|pwd|secret|(?:api|access|account|private)[_-]?key|token|session|\bsig)["']?\s*[:=]\s*["']?)[^\s"',;&\[][^\s"',;&]{3,}`)},
	{What: "login", hint: []string{"://"}, marks: "@::", Form: regexp.MustCompile(`\b\w+://[^\s/:@]+:[^\s/@]+@`)},
	{What: "email", marks: "@.", Form: regexp.MustCompile(`[\w.%+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}`)},
	{What: "IBAN", digits: 10, Form: regexp.MustCompile(`\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b`)},
	{What: "card", digits: 13, Form: regexp.MustCompile(`\b\d(?:[ -]?\d){12,}\b`), parts: cards},
	{What: "SSN", digits: 9, marks: "--", Form: regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`)},
	{What: "NINO", digits: 6, Form: regexp.MustCompile(`\b[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b`)},
	{What: "phone", digits: 6, marks: "+", Form: regexp.MustCompile(`\+\d{1,3}[ /-]?(?:\(?\d{1,4}\)?[ /-]?){2,5}\d{2,}`)},
	{What: "IP", digits: 4, marks: "...", Form: regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}\b`), sure: public},
	{What: "IP", marks: "::", Form: regexp.MustCompile(`\b[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:]*[0-9A-Fa-f]\b`), sure: public},
}

// numbered tells a credential from a word.
func numbered(s string) bool { return strings.ContainsAny(s, "0123456789") }

// escapes are sequences as they came, and as Clean shows them: what a server said was
// made harmless long before it is printed.
var escapes = regexp.MustCompile("[\x1b\u241b](?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\u2407\x1b\u241b]*(?:[\x07\u2407]|[\x1b\u241b]\\\\)?|[ -/]*[0-~])|\u2039[0-9A-F]{2,6}\u203a")

// visible takes out what a token could be split with.
func visible(s string) string {
	odd := func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f || r == unicode.ReplacementChar || pictured(r) ||
			r > 0x7e && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) || r < 0xa0)
	}
	if strings.IndexFunc(s, odd) < 0 && !strings.Contains(s, "‹") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if odd(r) && r != unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(escapes.ReplaceAllString(s, ""), "\ufffd"))
}

// pictured says whether a rune is the picture of a control byte, but for those that
// stand between words.
func pictured(r rune) bool {
	return r >= '␀' && r <= '␡' && r != '␉' && r != '␊' && r != '␍'
}

// public says whether an address is one of the open internet.
func public(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && !a.IsPrivate() && !a.IsLoopback() && !a.IsUnspecified() && !a.IsLinkLocalUnicast()
}

// cards finds payment cards in a run of groups of digits: beside its date, or behind
// another number, a card is still one. They have 13 to 19 digits, and begin with 3 to 6
// or 2221 to 2720 (ISO/IEC 7812-1): a time in milliseconds and a date do not.
func cards(run string) []int {
	var out []int
	begins, ends := []int{0}, []int{}
	for i := range len(run) {
		if run[i] == ' ' || run[i] == '-' {
			begins, ends = append(begins, i+1), append(ends, i)
		}
	}
	ends = append(ends, len(run))
	for i := 0; i < len(begins); i++ {
		from := begins[i]
		for j := min(len(ends)-1, i+18); j >= i && issued(run[from:]); j-- {
			if n := ends[j] - from - (j - i); n >= 13 && n <= 19 && luhn(run[from:ends[j]]) {
				out, i = append(out, from, ends[j]), j
				break
			}
		}
	}
	return out
}

// issued says whether cards begin so.
func issued(s string) bool {
	return s[0] >= '3' && s[0] <= '6' || len(s) > 3 && s[:4] >= "2221" && s[:4] <= "2720"
}

// luhn is the check digit of payment cards (ISO/IEC 7812-1).
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
