package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

func TestWhatIsWrittenIsALogOfTheSizeThatWasAskedFor(t *testing.T) {
	var b bytes.Buffer
	from := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	const size = 300_000
	if err := newMill(1).past(&b, size, from, from.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := b.Len(); n < size || n > size+10_000 {
		t.Errorf("%d bytes", n)
	}
	lines, failed, last := 0, 0, time.Time{}
	for line := range bytes.Lines(b.Bytes()) {
		var r struct {
			Time  time.Time `json:"time"`
			Level string    `json:"level"`
			ID    string    `json:"request_id"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if r.Time.Before(last) || r.ID == "" {
			t.Fatalf("out of order, or without an id: %s", line)
		}
		last = r.Time
		if lines++; r.Level == "error" {
			failed++
		}
	}
	if size/lines < 1000 || size/lines > 1500 || failed*100/lines < 5 || failed*100/lines > 12 || last.Before(from.Add(55*time.Minute)) {
		t.Errorf("%d lines, %d errors, until %v", lines, failed, last)
	}
}
