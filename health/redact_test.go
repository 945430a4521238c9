package health_test

import (
	"strings"
	"testing"

	"sickbay/health"
)

func TestRedactMasksWhatHasTheFormOfASecret(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"mail ann@example.org now", "mail [email] now"},
		{"key sk-" + "proj-abcdefghijklmnop", "key [key]"},
		{"a\u200bnn@exam\u200bple.org", "[email]"},
		{"ann\x1b[0m@example.org", "[email]"},
		{health.Clean("ann\x1b[0m@exam\u200bple.org\nnext"), "[email]␊next"},
		{"Authorization: Bear" + "er abc.def-ghi", "Authorization: [token]"},
		{"pass" + "word=hunter22 in", "pass" + "word=[secret] in"},
		{`{"api_key": "abcd` + `efgh", "x": 1}`, `{"api_key": "[secret]", "x": 1}`},
		{"https://bob:hunter2@host/x", "[login]host/x"},
		{"card 4111 1111 1111 1111.", "card [card]."},
		{"order 4111 1111 1111 1112", "order 4111 1111 1111 1112"},
		{"card 4111 1111 1111 1111 12/29", "card [card] 12/29"},
		{"12/29 3782 822463 10005 4242424242424242 7", "12/29 [card] [card] 7"},
		{"at 1763900000003", "at 1763900000003"},
		{"report-20261123-130100.md", "report-20261123-130100.md"},
		{"2223003122003222", "[card]"},
		{"at 1763900000003 1763900000003", "at 1763900000003 1763900000003"},
		{"call +49 30 1234567", "call [phone]"},
		{"from 93.184.216.34:80", "from [IP]:80"},
		{"from 10.0.0.12:80 and fd00::1 at 14:01:58", "from 10.0.0.12:80 and fd00::1 at 14:01:58"},
		{"DE89 3704 0044 0532 0130 00", "[IBAN]"},
		{"2026-11-23T14:01:58Z took 1204 tokens", "2026-11-23T14:01:58Z took 1204 tokens"},
		{"max_tokens=4096 exceeded, cursor \x1b[2J", "max_tokens=4096 exceeded, cursor \x1b[2J"},
		{"", ""},
	} {
		if got := health.Redact(c.in); got != c.want {
			t.Errorf("Redact(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestNoSecretOfTheCorpusIsSeen(t *testing.T) {
	for _, it := range corpus(t) {
		raw := string(it.Bytes)
		got := health.Redact(raw)
		switch it.Expect {
		case "kept":
			if got != raw {
				t.Errorf("%s %s: %q was redacted to %q", it.ID, it.Name, raw, got)
			}
		case "redacted":
			if got == raw {
				t.Errorf("%s %s: %q was not redacted", it.ID, it.Name, raw)
			}
			cleaned := health.Redact(health.Clean(raw)) // as what a server said is, by the time it is printed
			for _, secret := range it.MustNo {
				if strings.Contains(cleaned, secret[:len(secret)/2]) || strings.Contains(cleaned, secret[len(secret)/2:]) {
					t.Errorf("%s %s: cleaned before, a half of %q is still in %q", it.ID, it.Name, secret, cleaned)
				}
				if strings.Contains(got, secret) || strings.Contains(got, secret[:len(secret)/2]) || strings.Contains(got, secret[len(secret)/2:]) {
					t.Errorf("%s %s: a half of %q is still in %q", it.ID, it.Name, secret, got)
				}
			}
			if twice := health.Redact(got); twice != got {
				t.Errorf("%s %s: redacted again, %q becomes %q", it.ID, it.Name, got, twice)
			}
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("ann@example.org 4111 1111 1111 1111")
	f.Add("pass" + "word=[secret]")
	f.Fuzz(func(t *testing.T, s string) {
		once := health.Redact(s)
		if twice := health.Redact(once); twice != once && len(twice) > len(once)+64 {
			t.Errorf("redacting %q again makes it grow: %q", once, twice)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	line := "upstream answered 503 after 12.4 s for model gpt-4o-mini in eu-west-1, request 7f3a9c, retry 3 of 5"
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		health.Redact(line)
	}
}
