package sources

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// rotations are how log files are put away. Each is called with the path while nobody writes.
var rotations = map[string]func(t *testing.T, path string, n int){
	"renamed to .1 .2 .3": func(t *testing.T, path string, n int) {
		for i := 8; i >= 1; i-- {
			_ = os.Rename(fmt.Sprintf("%s.%d", path, i), fmt.Sprintf("%s.%d", path, i+1)) // it may not be there yet
		}
		must(t, os.Rename(path, path+".1"))
	},
	"renamed with a date": func(t *testing.T, path string, n int) {
		must(t, os.Rename(path, fmt.Sprintf("%s-%04d", path, n)))
	},
	"copied and truncated": func(t *testing.T, path string, n int) {
		copyFile(t, path, fmt.Sprintf("%s.%d", path, n))
		must(t, os.Truncate(path, 0))
	},
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// copyFile copies as cp does: bit by bit, so that a half copy can be seen.
func copyFile(t *testing.T, from, to string) {
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	out, err := os.Create(to)
	must(t, err)
	defer out.Close()
	for err == nil {
		_, err = io.CopyN(out, in, 4<<10)
	}
}

// TestRotationLosesNoLineAndReadsNoneTwice writes under load while files are rotated many times a second, with
// patterns that match the rotated files and patterns that do not.
func TestRotationLosesNoLineAndReadsNoneTwice(t *testing.T) {
	for how, rotate := range rotations {
		for _, pattern := range []string{"app.log", "app.log*"} {
			t.Run(how+" seen by "+pattern, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				path := filepath.Join(dir, "app.log")
				must(t, os.WriteFile(path, nil, 0o600))
				ctx, cancel := context.WithCancel(t.Context())
				got, ended := map[string]int{}, make(chan struct{})
				lines := make(chan []string, 100)
				f := &file{name: "x", globs: []string{filepath.Join(dir, pattern)}, history: 1 << 30}
				go func() {
					defer close(ended)
					must(t, f.Follow(ctx, func(b Batch) {
						var ids []string
						for _, r := range b.Requests {
							ids = append(ids, r.ID)
						}
						lines <- ids
					}))
				}()
				want := 0
				out, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
				must(t, err)
				for n := range 8 {
					for range 400 {
						want++
						_, err := fmt.Fprintf(out, `{"request_id":"r%d","message":"some words that make a line as long as lines are"}`+"\n", want)
						must(t, err)
						if want%100 == 0 { // time for a round in between, now and then
							time.Sleep(time.Duration(want%7) * 8 * time.Millisecond)
						}
					}
					rotate(t, path, n)
					must(t, out.Close())
					out, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
					must(t, err)
				}
				must(t, out.Close())
				for patience := time.After(10 * time.Second); len(got) < want; {
					select {
					case ids := <-lines:
						for _, id := range ids {
							got[id]++
						}
						continue
					case <-patience:
					}
					break
				}
				time.Sleep(2 * gather) // for lines that would come twice
				cancel()
				<-ended
				close(lines)
				for ids := range lines {
					for _, id := range ids {
						got[id]++
					}
				}
				twice := 0
				for _, n := range got {
					if n > 1 {
						twice++
					}
				}
				if len(got) != want {
					from := 0
					for i := 1; i <= want+1; i++ {
						missing := i <= want && got[fmt.Sprint("r", i)] == 0
						if missing && from == 0 {
							from = i
						} else if !missing && from != 0 {
							t.Logf("r%d to r%d are missing", from, i-1)
							from = 0
						}
					}
				}
				if len(got) != want || twice > 0 {
					t.Errorf("%d of %d lines came, %d of them twice", len(got), want, twice)
				}
			})
		}
	}
}

func TestACopyInTheMakingIsNotANewFile(t *testing.T) {
	p := newTape(t, "a*.jsonl")
	var all string
	for i := range 20 {
		all += says(i, fmt.Sprint("m", i))
	}
	p.write("a.jsonl", all)
	p.round()
	p.write("a-1.jsonl", all[:300])
	p.expect("nothing")
	p.write("a.jsonl", says(30, "new"))
	p.write("a-1.jsonl", all[300:]+says(30, "new"))
	must(t, os.Truncate(p.path("a.jsonl"), 0))
	p.expect("new 1/0 [a.jsonl was truncated]")
	p.expect("0/0")
	p.expect("nothing")
}
