package pane

import "testing"

func TestRedactMasksWhatHasTheFormOfASecret(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"mail ann@example.org now", "mail [email] now"},
		{"key sk-" + "proj-abcdefghijklmnop", "key [key]"},
		{"a\u200bnn@exam\u200bple.org", "[email]"},
		{"Authorization: Bear" + "er abc.def-ghi", "Authorization: [token]"},
		{"pass" + "word=hunter22", "[secret]"},
		{"https://bob:hunter2@host/x", "[login]host/x"},
		{"card 4111 1111 1111 1111.", "card [card]."},
		{"order 4111 1111 1111 1112", "order 4111 1111 1111 1112"},
		{"call +49 30 1234567", "call [phone]"},
		{"from 10.0.0.12:80", "from [IP]:80"},
		{"DE89 3704 0044 0532 0130 00", "[IBAN]"},
		{"2026-11-23T14:01:58Z took 1204 tokens", "2026-11-23T14:01:58Z took 1204 tokens"},
		{"", ""},
	} {
		if got := redact(c.in); got != c.want {
			t.Errorf("redact(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("ann@example.org 4111 1111 1111 1111")
	f.Fuzz(func(t *testing.T, s string) {
		once := redact(s)
		if twice := redact(once); twice != once && len(twice) > len(once)+64 {
			t.Errorf("redacting %q again makes it grow: %q", once, twice)
		}
	})
}
