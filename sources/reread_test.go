package sources

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

// asked is a line of a request with what was asked, n bytes long and more.
func asked(id string, n int) string {
	return fmt.Sprintf(`{"time":"2026-11-23T13:00:00Z","request_id":%q,"gen_ai.prompt":%q}`, id, strings.Repeat("why ", n/4))
}

// readOnce is what a source of files reads of them at the start, held as the engine
// holds it: without lines.
func readOnce(t *testing.T, globs ...string) (*file, *logs.Store) {
	t.Helper()
	f := &file{name: "requests", globs: globs, history: 1 << 30}
	var held logs.Store
	ctx, cancel := context.WithCancel(t.Context())
	must(t, f.Follow(ctx, func(b Batch) {
		held.Add(b.Requests)
		if b.CaughtUp {
			cancel()
		}
	}))
	return f, &held
}

func TestARecordIsReadAgainWhereItStands(t *testing.T) {
	trace := "2026-11-23 13:00:01 ERROR it broke\nTraceback (most recent call last):\n  File \"a.py\", line 1\nValueError: bad"
	for name, text := range map[string]string{
		"JSON":             asked("r1", 40) + "\n" + asked("r2", 40) + "\n",
		"a DOS file":       asked("r1", 40) + "\r\n" + asked("r2", 40) + "\r\n",
		"many pages":       strings.Repeat(asked("other", 2000)+"\n", 200) + asked("r2", 40) + "\n" + strings.Repeat(asked("other", 2000)+"\n", 200),
		"CRI":              "2026-11-23T13:00:00Z stdout F " + asked("r1", 40) + "\n2026-11-23T13:00:00Z stdout F " + asked("r2", 40) + "\n",
		"CRI in pieces":    "2026-11-23T13:00:00Z stdout P " + asked("r2", 40)[:50] + "\n2026-11-23T13:00:00Z stdout F " + asked("r2", 40)[50:] + "\n",
		"Docker":           fmt.Sprintf(`{"log":%q,"stream":"stdout","time":"2026-11-23T13:00:00Z"}`, asked("r2", 40)+"\n") + "\n",
		"a long line":      asked("r2", 200<<10) + "\n",
		"no end":           asked("r1", 40) + "\n" + asked("r2", 40) + "\n" + `{"half`,
		"a traceback":      asked("r1", 40) + "\n" + trace + "\n" + asked("r2", 40) + "\n",
		"plain":            "2026-11-23 13:00:00 INFO one\n2026-11-23 13:00:01 INFO two\n",
		"much longer":      strings.Repeat("ü", maxLine) + "\n" + asked("r2", 40) + "\n",
		"longer than read": strings.Repeat("x", maxLine+5000) + "\n" + asked("r2", 40) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.log")
			must(t, os.WriteFile(path, []byte(text), 0o600))
			f, held := readOnce(t, path)
			all := held.Until(time.Now().AddDate(1, 0, 0))
			if all.Len() == 0 {
				t.Fatal("nothing was read")
			}
			for i := range all.Len() {
				var r health.Request
				all.Read(i, &r)
				if r.Raw+r.Prompt != "" {
					t.Fatalf("held with its line: %+v", r)
				}
				got, err := f.Reread(t.Context(), r)
				must(t, err)
				if got.Raw == "" || got.ID != r.ID || r.ID == "r2" && !strings.HasPrefix(got.Prompt, "why why") {
					t.Errorf("%s read again: %.300q", r.ID, got.Raw)
				}
				if strings.HasPrefix(r.Message, "it broke") && !strings.Contains(got.Raw, "ValueError: bad") {
					t.Errorf("the end of a traceback is missing: %q", got.Raw)
				}
			}
		})
	}
}

func TestARecordIsFoundInWhatRotationMadeOfItsFile(t *testing.T) {
	first := asked("r1", 40) + "\n" + asked("r2", 40) + "\n"
	later := strings.Repeat(asked("later", 40)+"\n", 5)
	for name, c := range map[string]struct {
		rotate func(path string) error
		gone   string // of the error; empty: it is found
	}{
		"renamed": {func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, []byte(later), 0o600))
		}, ""},
		"renamed with a date, and nothing new": {func(path string) error {
			return os.Rename(path, strings.TrimSuffix(path, ".log")+"-20261123.log")
		}, ""},
		"copied and truncated": {func(path string) error {
			return errors.Join(os.WriteFile(path+".1", []byte(first), 0o600), os.WriteFile(path, []byte(later), 0o600))
		}, ""},
		"packed": {func(path string) error {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, err := z.Write([]byte(first))
			return errors.Join(err, z.Close(), os.WriteFile(path+".2.gz", b.Bytes(), 0o600), os.WriteFile(path, []byte(later), 0o600))
		}, ""},
		"written anew": {func(path string) error { return os.WriteFile(path, []byte(later), 0o600) }, "its line is not in "},
		"deleted":      {os.Remove, "its line is not in "},
		"a folder":     {func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, "its line is not in "},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.log")
			must(t, os.WriteFile(path, []byte(first), 0o600))
			f, held := readOnce(t, path)
			must(t, c.rotate(path))
			r, ok := held.Find("r2")
			got, err := f.Reread(t.Context(), r)
			switch {
			case !ok:
				t.Fatal("it was not read")
			case c.gone == "" && (err != nil || !strings.HasPrefix(got.Prompt, "why")):
				t.Errorf("%+v, %v", got, err)
			case c.gone != "" && (err == nil || !strings.Contains(err.Error(), c.gone)):
				t.Errorf("%+v, error %v", got, err)
			}
		})
	}
}
