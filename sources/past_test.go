package sources

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestThePastIsReadFromRotatedAndPackedFiles(t *testing.T) {
	dir := t.TempDir()
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	hour := func(name string, from int, pack bool) { // an hour of lines, one a second
		var b bytes.Buffer
		for i := range 3600 {
			fmt.Fprintf(&b, `{"time":%q,"request_id":"%s-%d","message":"%0200d"}`+"\n", noon.Add(time.Duration(from)*time.Hour+time.Duration(i)*time.Second).Format(time.RFC3339), name, i, i)
		}
		if pack {
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, err := w.Write(b.Bytes())
			must(t, err)
			must(t, w.Close())
			b = z
		}
		must(t, os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600))
		end := noon.Add(time.Duration(from+1) * time.Hour)
		must(t, os.Chtimes(filepath.Join(dir, name), end, end))
	}
	hour("app.log.3.gz", -4, true)
	hour("app.log.2.gz", -3, true)
	hour("app-2026.log", -2, false)
	hour("app.log", -1, false)
	f := &file{name: "x", globs: []string{filepath.Join(dir, "app.log")}}
	for _, c := range []struct {
		from, to time.Duration
		want     int
		first    string
	}{
		{-90 * time.Minute, -30 * time.Minute, 3600, "app-2026.log-1801"},
		{-150 * time.Minute, -149 * time.Minute, 60, "app.log.2.gz-1801"},
		{-5 * time.Hour, 0, 4 * 3600, "app.log.3.gz-0"},
		{-10 * time.Minute, -9 * time.Minute, 60, "app.log-3001"},
		{-9 * time.Hour, -8 * time.Hour, 0, ""},
	} {
		n, first, at := 0, "", noon
		must(t, f.Past(context.Background(), noon.Add(c.from), noon.Add(c.to), func(b Batch) {
			for _, r := range b.Requests {
				if n++; r.At.Before(at) {
					first, at = r.ID, r.At
				}
			}
		}))
		if n != c.want || first != c.first {
			t.Errorf("%v to %v: %d records, the first is %s; want %d, %s", c.from, c.to, n, first, c.want, c.first)
		}
	}
}
