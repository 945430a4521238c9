package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"sickbay/health"
)

// TestADocumentIsPlainAndMeansTheSame: what a terminal could act on is escaped, what
// nobody may see is masked, and everything else is read back as it was.
func TestADocumentIsPlainAndMeansTheSame(t *testing.T) {
	for _, text := range []string{
		"", "plain", `quote " back \ slash \" <&>`, "tab\tnewline\nend", "esc \x1b[31m del \x7f", "C1 \u009b31m", "bidi \u202e", "tag \U000e0041", "emoji 👩‍🚀 é ü",
		"name user@example.org", "bad \xff utf-8",
	} {
		var out bytes.Buffer
		if err := (&app{out: &out}).document(map[string][]string{"texts": {text, "after"}}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSuffix(line, "\n"); health.Clean(line) != line {
				t.Errorf("%q is written as %q", text, line)
			}
		}
		var back map[string][]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil {
			t.Fatalf("%q: %v in %s", text, err, out.String())
		}
		if want := strings.ToValidUTF8(health.Redact(text), "\ufffd"); back["texts"][0] != want || back["texts"][1] != "after" {
			t.Errorf("%q is read back as %q", text, back["texts"])
		}
	}
}
