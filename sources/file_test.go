package sources

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// tape is a file source whose rounds the test turns by hand.
type tape struct {
	t   *testing.T
	dir string
	w   *follower
	now time.Time
	got []Batch
}

func newTape(t *testing.T, globs ...string) *tape {
	p := &tape{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)}
	for i, g := range globs {
		globs[i] = filepath.Join(p.dir, g)
	}
	p.w = &follower{file: &file{name: "requests", globs: globs, history: 1 << 20}, ended: t.Context().Err, emit: func(b Batch) {
		b.Requests = slices.Clone(b.Requests)
		p.got = append(p.got, b)
	}}
	t.Cleanup(p.w.close)
	return p
}

func (p *tape) path(name string) string { return filepath.Join(p.dir, name) }

func (p *tape) write(name, text string) {
	p.t.Helper()
	file, err := os.OpenFile(p.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = file.WriteString(text)
		file.Close()
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *tape) rename(from, to string) {
	p.t.Helper()
	if err := os.Rename(p.path(from), p.path(to)); err != nil {
		p.t.Fatal(err)
	}
}

// round turns the tape once and says what came: messages, then counts, then the
// note in brackets, with the folder taken out.
func (p *tape) round() string {
	p.t.Helper()
	p.got = nil
	p.w.round(context.Background(), p.now)
	p.now = p.now.Add(time.Second)
	var said []string
	lines, bad, note := 0, 0, ""
	for _, b := range p.got {
		for _, r := range b.Requests {
			said = append(said, r.Message)
		}
		lines, bad, note = lines+b.Lines, bad+b.Bad, b.Note
		if b.Err != nil {
			note = "error: " + b.Err.Error()
		}
	}
	out := fmt.Sprintf("%s %d/%d", strings.Join(said, " "), lines, bad)
	if note != "" {
		out += " [" + strings.ReplaceAll(note, p.dir+"/", "") + "]"
	}
	if len(p.got) == 0 {
		out = "nothing"
	}
	return strings.TrimSpace(out)
}

func (p *tape) expect(want string) {
	p.t.Helper()
	if got := p.round(); got != want {
		p.t.Errorf("got  %s\nwant %s", got, want)
	}
}

// says is a line at a second of the minute.
func says(second int, message string) string {
	return fmt.Sprintf(`{"time":"2026-11-23T14:00:%02dZ","message":%q}`+"\n", second, message)
}

func TestWhatIsThereComesFirstInterleavedByTime(t *testing.T) {
	p := newTape(t, "*.jsonl")
	p.write("a.jsonl", says(1, "a1")+says(3, "a3")+says(5, "a5"))
	p.write("b.jsonl", says(2, "b2")+says(4, "b4"))
	p.write("c.jsonl.gz", "\x1f\x8b")
	p.write("other.log", says(1, "no"))
	p.expect("a1 b2 a3 b4 a5 5/0")
	if !p.got[len(p.got)-1].CaughtUp {
		t.Error("nobody was told that everything has come")
	}
	p.expect("nothing")
	p.write("a.jsonl", says(6, "a6"))
	p.write("b.jsonl", says(7, "b7"))
	p.expect("a6 b7 2/0")
	if p.got[0].CaughtUp {
		t.Error("caught up twice")
	}
}

func TestHalfALineWaitsForItsEnd(t *testing.T) {
	p := newTape(t, "a.jsonl")
	line := says(1, "whole")
	p.write("a.jsonl", line[:20])
	p.expect("0/0")
	p.write("a.jsonl", line[20:40])
	p.expect("nothing")
	p.write("a.jsonl", line[40:]+says(2, "next")+"{")
	p.expect("whole next 2/0")
}

func TestAFileIsFollowedThroughRotation(t *testing.T) {
	p := newTape(t, "a.jsonl")
	p.write("a.jsonl", says(1, "one"))
	p.expect("one 1/0")
	p.write("a.jsonl", says(2, "late"))
	p.rename("a.jsonl", "a.jsonl.1")
	p.write("a.jsonl", says(3, "new"))
	p.expect("late new 2/0 [a.jsonl was rotated]")
	p.write("a.jsonl.1", says(4, "to the old one")+"the last without an end")
	p.expect("to the old one 1/0")
	p.now = p.now.Add(linger)
	p.expect("the last without an end 1/1")
	if len(p.w.tails) != 1 {
		t.Errorf("%d files are still open", len(p.w.tails))
	}
	p.write("a.jsonl.1", says(5, "too late"))
	p.expect("nothing")
}

func TestARenamedFileIsNotReadTwice(t *testing.T) {
	p := newTape(t, "a.jsonl*")
	p.write("a.jsonl", says(1, "one"))
	p.expect("one 1/0")
	p.rename("a.jsonl", "a.jsonl.1")
	p.write("a.jsonl", says(2, "two"))
	p.expect("two 1/0")
}

func TestATruncatedFileIsReadFromItsBeginning(t *testing.T) {
	p := newTape(t, "a.jsonl")
	p.write("a.jsonl", says(1, "one")+says(2, "two"))
	p.expect("one two 2/0")
	if err := os.Truncate(p.path("a.jsonl"), 0); err != nil {
		t.Fatal(err)
	}
	p.write("a.jsonl", says(3, "three"))
	p.expect("three 1/0 [a.jsonl was truncated]")

	// And when it has grown beyond our place before we looked.
	if err := os.Truncate(p.path("a.jsonl"), 0); err != nil {
		t.Fatal(err)
	}
	p.write("a.jsonl", says(4, "four")+says(5, "five"))
	p.expect("four five 2/0 [a.jsonl was truncated]")
	p.write("a.jsonl", says(6, "six"))
	p.expect("six 1/0")
}

func TestACopyMadeBeforeTruncationIsNotReadTwice(t *testing.T) {
	p := newTape(t, "a*.jsonl")
	p.write("a.jsonl", says(1, "one")+says(2, "two"))
	p.expect("one two 2/0")
	p.write("a.jsonl", says(3, "three"))
	text, err := os.ReadFile(p.path("a.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	p.write("a-1.jsonl", string(text))
	if err := os.Truncate(p.path("a.jsonl"), 0); err != nil {
		t.Fatal(err)
	}
	p.expect("three 1/0 [a.jsonl was truncated]")
	p.write("a.jsonl", says(4, "four"))
	p.expect("four 1/0")
}

func TestNewFilesOfAPatternArePickedUp(t *testing.T) {
	p := newTape(t, "*/app.jsonl")
	p.expect("0/0 [waiting for */app.jsonl]")
	p.expect("nothing")
	if err := os.Mkdir(p.path("pod-1"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.write("pod-1/app.jsonl", says(1, "hello"))
	p.expect("hello 1/0")
	if err := os.Remove(p.path("pod-1/app.jsonl")); err != nil {
		t.Fatal(err)
	}
	p.expect("0/0 [waiting for */app.jsonl; pod-1/app.jsonl is gone]")
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	p := newTape(t, "a.jsonl", "b.jsonl")
	if err := os.Symlink(p.path("a.jsonl"), p.path("a.jsonl")); err != nil {
		t.Fatal(err)
	}
	p.expect("0/0 [error: requests: stat a.jsonl: too many levels of symbolic links]")
	if err := os.Remove(p.path("a.jsonl")); err != nil {
		t.Fatal(err)
	}
	p.write("a.jsonl", says(1, "back"))
	p.expect("back 1/0 [waiting for b.jsonl]")
}

func TestHistoryIsCutAtALine(t *testing.T) {
	p := newTape(t, "a.jsonl")
	p.w.history = 200
	var all strings.Builder
	for i := range 50 {
		all.WriteString(says(i, fmt.Sprint(i)))
	}
	p.write("a.jsonl", all.String())
	p.expect("46 47 48 49 4/0")
}

func TestALongLineIsCutAndTheNextIsWhole(t *testing.T) {
	p := newTape(t, "a.jsonl")
	p.w.history = 1 << 30
	p.write("a.jsonl", `{"message":"`+strings.Repeat("x", 3<<20)+"\"}\n"+says(2, "next")+strings.Repeat("y", 2<<20))
	p.round()
	var all []health.Request
	for _, b := range p.got {
		all = append(all, b.Requests...)
	}
	if len(all) != 3 || !strings.HasSuffix(all[0].Raw, "[cut]") || all[1].Message != "next" || !strings.HasSuffix(all[2].Raw, "[cut]") {
		t.Fatalf("%d records", len(all))
	}
	p.write("a.jsonl", strings.Repeat("y", 1<<20)+"\n"+says(3, "after"))
	p.expect("after 1/0")
}

func TestBatchesAreBounded(t *testing.T) {
	p := newTape(t, "a.jsonl")
	p.write("a.jsonl", strings.Repeat(says(1, "x"), 4500))
	p.round()
	total := 0
	for _, b := range p.got {
		if len(b.Requests) > maxBatch {
			t.Errorf("a batch of %d", len(b.Requests))
		}
		total += b.Lines
	}
	if total != 4500 || len(p.got) < 9 || len(p.got) > 11 {
		t.Errorf("%d lines in %d batches", total, len(p.got))
	}
}

func TestLinesWithoutATimeAreNotNow(t *testing.T) {
	p := newTape(t, "a.log")
	p.write("a.log", "ERROR boom\n")
	old := p.now.Add(-3 * time.Hour)
	if err := os.Chtimes(p.path("a.log"), old, old); err != nil {
		t.Fatal(err)
	}
	p.round()
	if at := p.got[0].Requests[0].At; !at.Equal(old) {
		t.Errorf("%v, want the time of the file, %v", at, old)
	}
	p.write("a.log", "ERROR again\n")
	now := p.now
	p.round() // it may go on
	p.round()
	if at := p.got[0].Requests[0].At; !at.Equal(now) {
		t.Errorf("%v, want now, %v", at, now)
	}
	p.write("a.log", "2026-11-23 13:00:00 ERROR dated\nERROR: undated\n"+`{"message":"x"}`+"\n")
	p.round()
	if at := p.got[0].Requests[1].At; at.Hour() != 13 {
		t.Errorf("%v, want the time of the line before", at)
	}
}

// TestFollowNoticesWhatIsWritten goes through the real watcher.
func TestFollowNoticesWhatIsWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.jsonl")
	ctx, cancel := context.WithCancel(t.Context())
	batches := make(chan Batch, 100)
	ended := make(chan error)
	f := &file{name: "requests", globs: []string{filepath.Join(dir, "*.jsonl")}, history: 1 << 20}
	go func() { ended <- f.Follow(ctx, func(b Batch) { batches <- b }) }()
	if b := <-batches; !b.CaughtUp {
		t.Errorf("first batch %+v", b)
	}
	began := time.Now()
	if err := os.WriteFile(path, []byte(says(1, "hello")), 0o600); err != nil {
		t.Fatal(err)
	}
	for b := range batches {
		if len(b.Requests) == 1 && b.Requests[0].Message == "hello" {
			break
		}
	}
	if took := time.Since(began); took > poll {
		t.Errorf("took %v: the watcher did not tell", took)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Second):
		t.Error("does not end")
	}
}

func TestABatchSaysHowMuchIsNotReadYet(t *testing.T) {
	p := newTape(t, "a.jsonl")
	p.write("a.jsonl", strings.Repeat(says(1, strings.Repeat("a word and another ", 20)), 3000))
	p.round()
	if n := len(p.got); n < 3 || p.got[0].Behind < p.got[1].Behind || p.got[0].Behind == 0 || p.got[n-1].Behind != 0 {
		t.Errorf("%d batches: the first with %d bytes behind, the next with %d, the last with %d", n, p.got[0].Behind, p.got[1].Behind, p.got[n-1].Behind)
	}
}

func BenchmarkFollow(b *testing.B) {
	dir := b.TempDir()
	line := says(1, strings.Repeat("a word and another ", 20))
	data := strings.Repeat(line, 20_000)
	path := filepath.Join(dir, "a.jsonl")
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		w := &follower{file: &file{globs: []string{path}, history: 1 << 30}, ended: b.Context().Err, emit: func(Batch) {}}
		w.round(context.Background(), time.Now())
		w.close()
	}
}
