package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheHoursOfARotatedFileAreThereWhenTheClockIsSetBack: what failed then, how it
// compares with the hour before it, and one request with all that its line says, from
// files that nobody reads while the clock is right.
func TestTheHoursOfARotatedFileAreThereWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	records := func(from time.Time, n int, name, message string) []byte {
		var b bytes.Buffer
		for i := range n {
			at := from.Add(time.Duration(i) * 6 * time.Second)
			level, said := "info", `"message":"answered"`
			if i%10 == 9 {
				level, said = "error", fmt.Sprintf(`"message":%q,"error.type":"timeout"`, message)
			}
			fmt.Fprintf(&b, `{"time":%q,"level":%q,"service":"chat","request_id":"%s-%d","duration_s":0.2,%s}`+"\n", at.Format(time.RFC3339), level, name, i, said)
		}
		return b.Bytes()
	}
	dir := t.TempDir()
	write := func(name string, text []byte, at time.Time) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(records(now.Add(-8*time.Hour), 1200, "old", "upstream gone"))
	_ = z.Close()
	write("chat.jsonl.2.gz", packed.Bytes(), now.Add(-6*time.Hour))
	write("chat.jsonl.1", records(now.Add(-6*time.Hour), 600, "mid", "disk full"), now.Add(-5*time.Hour))
	write("chat.jsonl", records(now.Add(-30*time.Minute), 300, "new", "quota exceeded"), now)

	c := newConsole(t)
	c.now = func() time.Time { return now }
	config := written(t, fmt.Sprintf("[[source]]\nkind = \"file\"\nname = \"requests\"\npaths = [%q]\n", filepath.Join(dir, "chat.jsonl")))
	for _, look := range []struct {
		at    time.Time
		shows string
		not   string
	}{
		{now, "quota exceeded", "disk full"},
		{now.Add(-5 * time.Hour), "disk full", "quota exceeded"},
		{now.Add(-6*time.Hour - time.Minute), "upstream gone", "disk full"},
	} {
		said := c.want(0, "snapshot", "--config", config, "--view", "failures", "--at", look.at.Format(time.RFC3339)).out
		if !strings.Contains(said, look.shows) || strings.Contains(said, look.not) {
			t.Errorf("at %s there should be %q and no %q:\n%s", look.at.Format(time.TimeOnly), look.shows, look.not, said)
		}
	}
	said := c.want(0, "snapshot", "--config", config, "--at", now.Add(-6*time.Hour-time.Minute).Format(time.RFC3339), "--request", "old-1109").out
	for _, want := range []string{"upstream gone", `"request_id": "old-1109"`} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q of the request:\n%s", want, said)
		}
	}
}
