package logs

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sickbay/health"
)

func TestMaskKeepsWhatIsTheSameAndHidesWhatDiffers(t *testing.T) {
	own := []string{"acme corp", "us-east-1", "search"}
	for in, want := range map[string]string{
		"":                                "",
		"upstream timeout":                "upstream timeout",
		"timeout after 30s":               "timeout after <*>",
		"waited 1.5 s, 3 left":            "waited <*> s, <*> left",
		"dial tcp 10.0.0.1:8080: refused": "dial tcp <*>: refused",
		"GET https://api.example.com/v1/chat/completions":     "GET https://api.example.com/<*>/chat/completions",
		"request 0af76519-16cd-43dd-8448-eb211c80319c failed": "request <*> failed",
		`model "gpt-4o mini" not found`:                       "model <*> not found",
		"can't open 'my file'":                                "can't open <*>",
		`an "unfinished quote`:                                `an "unfinished quote`,
		"quota of acme corp in us-east-1 is gone":             "quota of <e> in <e> is gone",
		"research is not search":                              "research is not <e>",
		"us-east-10 is not us-east-1":                         "<*> is not <e>",
		"key " + strings.Repeat("a", 40):                      "key <*>",
		"first line\nsecond 2":                                "first line",
		"tabs\tand  blanks ":                                  "tabs and blanks",
		"prompt_version=v32 failed":                           "prompt_version=<*> failed",
		"gone (attempt 2, request r-1)":                       "gone (attempt <*>, request <*>)",
		"HTTP/1.1 503":                                        "HTTP/<*> <*>",
		"1/2/3-4:5":                                           "<*>",
		"größer als 3":                                        "größer als <*>",
		strings.Repeat("a b ", 100):                           strings.TrimSpace(strings.Repeat("a b ", 20)),
	} {
		if got := string((&masker{own: own}).text(in)); got != want {
			t.Errorf("mask(%q)\ngot  %q\nwant %q", in, got, want)
		}
	}
}

func TestASignatureDependsOnServiceCauseAndMaskedMessage(t *testing.T) {
	base := health.Request{Service: "a", Error: "timeout", Message: "no answer in 30 s", ID: "1", Finish: "stop"}
	id, masked := Signature(base)
	if id != "6d0c31" || masked != "no answer in <*> s" {
		t.Errorf("signature %s %q has moved: links to failures would break, give the rules a new version", id, masked)
	}
	for name, c := range map[string]struct {
		change func(*health.Request)
		same   bool
	}{
		"another request":      {func(r *health.Request) { r.ID = "2"; r.Trace = "t"; r.Lineage.Prompt = "v9" }, true},
		"another number":       {func(r *health.Request) { r.Message = "no answer in 60 s" }, true},
		"another service":      {func(r *health.Request) { r.Service = "b" }, false},
		"another error":        {func(r *health.Request) { r.Error = "refused" }, false},
		"another message":      {func(r *health.Request) { r.Message = "no answer" }, false},
		"the same error again": {func(r *health.Request) { r.Level = "error"; r.Code = 504 }, true},
	} {
		r := base
		c.change(&r)
		if got, _ := Signature(r); (got == id) != c.same {
			t.Errorf("%s: id %s, was %s", name, got, id)
		}
	}
}

func TestTheRecordsOwnValuesAreMasked(t *testing.T) {
	a := health.Request{Message: "tool lookup refused for acme", Dims: []health.Field{{Name: "tool", Value: "lookup"}, {Name: "tenant", Value: "acme"}}}
	b := health.Request{Message: "tool track refused for globex", Dims: []health.Field{{Name: "tool", Value: "track"}, {Name: "tenant", Value: "globex"}}}
	idA, masked := Signature(a)
	if idB, _ := Signature(b); idA != idB || masked != "tool <e> refused for <e>" {
		t.Errorf("%s %s %q", idA, idB, masked)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("quota of acme 'x y' 10.0.0.1", "acme")
	f.Add("\"\\", "\\")
	f.Add("a\xffb 1", "\xff")
	f.Fuzz(func(t *testing.T, s, own string) {
		var list []string
		if own != "" {
			list = []string{own}
		}
		masked := string((&masker{own: list}).text(s))
		if len(masked) > 3*maxMasked {
			t.Errorf("%d bytes became %d", len(s), len(masked))
		}
		if strings.ContainsAny(masked, "0123456789\n") && !strings.ContainsAny(s, "\"'`") && own == "" && utf8.ValidString(s) {
			t.Errorf("mask(%q) = %q still has a digit", s, masked)
		}
	})
}

func BenchmarkSignature(b *testing.B) {
	r, _ := parser().Parse([]byte(whole))
	r.Message = `upstream returned 503 from "gpt-4o" in eu-west after 30.2s (request 0af76519-16cd-43dd-8448-eb211c80319c)`
	b.ReportAllocs()
	for b.Loop() {
		Signature(r)
	}
}
