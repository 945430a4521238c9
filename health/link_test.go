package health

import (
	"net/url"
	"strings"
	"testing"
)

func TestALinkLeadsOnlyWhereTheTemplateSays(t *testing.T) {
	for _, c := range []struct{ template, id, want string }{
		{"https://j.example/trace/{trace_id}", "4bf92f35", "https://j.example/trace/4bf92f35"},
		{"https://j.example/trace/{trace_id}", "../../admin?x=1#y", "https://j.example/trace/..%2F..%2Fadmin%3Fx%3D1%23y"},
		{"https://j.example/trace/{trace_id}", "..", ""},
		{"https://j.example/trace/{trace_id}", "", ""},
		{"https://j.example/trace/{trace_id}", strings.Repeat("a", 513), ""},
		{"https://l.example/?q={trace_id}&to=x", "a&b=c {service}\x1b]8;;", "https://l.example/?q=a%26b%3Dc%20%7Bservice%7D%1B%5D8%3B%3B&to=x"},
		{"https://l.example/ü", "a", ""},
		{"", "a", ""},
	} {
		tpl, err := NewLinkTemplate(c.template)
		if err != nil {
			t.Fatalf("%s: %v", c.template, err)
		}
		if c.template == "https://l.example/ü" {
			c.want = c.template // nothing to fill in
		}
		if got := tpl.Fill(map[string]string{"trace_id": c.id}); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.template, c.id, got, c.want)
		}
	}
}

func TestATemplateThatCouldLeadAnywhereIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"https://{trace_id}/x":                 "is not an http or https address",
		"https://a{service}.example/x":         "the host must not be filled in",
		"https://a.example:{trace_id}/":        "the host must not be filled in",
		"javascript:alert({trace_id})":         "is not an http or https address",
		"file:///etc/{trace_id}":               "is not an http or https address",
		"https://u:p@a.example/{trace_id}":     "credentials do not belong in it",
		"https://a.example/{trace}":            "has a brace that is none of {trace_id}, {request_id}, {service}, {from_ms}, {to_ms}",
		"https://a.example/\x1b]8;;{trace_id}": "has characters that do not belong in an address",
		"https://a.example/ {trace_id}":        "has characters that do not belong in an address",
		"/trace/{trace_id}":                    "is not an http or https address",
	} {
		if _, err := NewLinkTemplate(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzLink(f *testing.F) {
	f.Add("https://a.example/x/{trace_id}?s={service}#{request_id}", "../%2e%2e/\x00")
	f.Add("http://a.example{trace_id}", "@b.example")
	f.Fuzz(func(t *testing.T, template, v string) {
		tpl, err := NewLinkTemplate(template)
		if err != nil {
			return
		}
		link := tpl.Fill(map[string]string{"trace_id": v, "request_id": v, "service": v, "from_ms": "1", "to_ms": "2"})
		if link == "" {
			return
		}
		if Clean(link) != link {
			t.Errorf("%q is not clean", link)
		}
		empty, _ := url.Parse(tpl.Fill(map[string]string{"trace_id": "a", "request_id": "a", "service": "a", "from_ms": "1", "to_ms": "2"}))
		if u, err := url.Parse(link); err == nil && empty != nil && (u.Host != empty.Host || u.Scheme != empty.Scheme || u.User != nil) {
			t.Errorf("%q with %q leads to %q", template, v, link)
		}
	})
}
