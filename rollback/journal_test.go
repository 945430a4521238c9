package rollback

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sickbay/health"
)

func openTest(t testing.TB) *Journal {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "state", "journal.jsonl"))
}

func reopen(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	j.mono = func() float64 { return time.Since(time.Unix(0, 0)).Seconds() } // the clock of a bubble of synctest
	t.Cleanup(func() { j.Close() })
	return j
}

func note(t testing.TB, j *Journal, text string) health.Entry {
	t.Helper()
	e, err := j.Append("", evNote, Data{By: &Person{User: "ann"}, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustVerify(t testing.TB, path, anchor string) Report {
	t.Helper()
	r, err := VerifyFile(path, anchor)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheJournalIsAChainThatSurvivesReopening(t *testing.T) {
	j := openTest(t)
	first := note(t, j, "one")
	note(t, j, "two")
	j.Close()
	k := reopen(t, j.Path())
	last := note(t, k, "three")
	r := mustVerify(t, j.Path(), first.Hash)
	if !r.OK() || r.Lines != 3 || r.Head != last.Hash {
		t.Errorf("report %+v, want 3 whole lines with head %s", r, last.Hash)
	}
	if es := k.Entries(2); len(es) != 2 || es[0].Text != "three" || es[1].Text != "two" || es[0].Seq != 3 || es[0].By != "ann" {
		t.Errorf("newest two entries are %+v", es)
	}
	info, err := os.Stat(j.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the journal has mode %v, want 0600 (%v)", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(j.Path())); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its directory has mode %v, want 0700 (%v)", info.Mode(), err)
	}
}

func TestEverySingleFlippedBitIsFound(t *testing.T) {
	j := openTest(t)
	for _, s := range []string{"one", "two", "three"} {
		note(t, j, s)
	}
	good := read(t, j.Path())
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			if r, err := Verify(bytes.NewReader(bad), ""); err != nil || r.OK() {
				t.Fatalf("bit %d of byte %d flipped and nothing found (%v)", bit, i, err)
			}
		}
	}
}

func TestVerifyFindsWhatWasDoneToTheLines(t *testing.T) {
	j := openTest(t)
	for i := range 5 {
		note(t, j, fmt.Sprint("note ", i))
	}
	lines := bytes.SplitAfter(read(t, j.Path()), []byte("\n"))[:5]
	head := j.Entries(1)[0].Hash
	forged, err := Line{V: 1, Seq: 3, Ev: evNote, Prev: string(lines[1][:64])}.format()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		lines  [][]byte
		anchor string
		want   string // part of the first fault; empty: none
	}{
		{"nothing", lines, head, ""},
		{"an anchor in capitals", lines, strings.ToUpper(head), ""},
		{"one is missing in the middle", slices.Concat(lines[:2], lines[3:]), "", "line 3 (byte "},
		{"the beginning is missing", lines[2:], "", "its beginning is missing"},
		{"two changed places", [][]byte{lines[0], lines[2], lines[1], lines[3], lines[4]}, "", "does not follow"},
		{"one is there twice", slices.Concat(lines[:2], lines[1:]), "", "does not follow"},
		{"one was written anew", slices.Concat(lines[:2], [][]byte{forged}, lines[3:]), "", "does not follow"},
		{"one was edited", slices.Concat(lines[:2], [][]byte{bytes.Replace(lines[2], []byte("note 2"), []byte("note 7"), 1)}, lines[3:]), "", "it was changed"},
		{"the end is missing, no anchor", lines[:3], "", ""},
		{"the end is missing, with an anchor", lines[:3], head, "the anchor is not in the chain"},
		{"the last line is torn", slices.Concat(lines[:4], [][]byte{lines[4][:40]}), "", "line 5"},
		{"the last line end is missing", slices.Concat(lines[:4], [][]byte{bytes.TrimSpace(lines[4])}), "", "no line end"},
		{"rubbish", [][]byte{[]byte("hello\n")}, "", "not a line of a journal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Verify(bytes.NewReader(slices.Concat(c.lines...)), c.anchor)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c.want == "" && !r.OK():
				t.Errorf("found %v, want nothing", r.Faults)
			case c.want != "" && (r.OK() || !strings.Contains(r.Faults[0].String(), c.want)):
				t.Errorf("found %v, want %q", r.Faults, c.want)
			}
		})
	}
}

func TestATornTailIsKeptAndNamed(t *testing.T) {
	j := openTest(t)
	note(t, j, "before the power cut")
	j.Close()
	torn := []byte(`0123456789abcdef {"v":1,"seq":2,"ev":"sen`)
	f, err := os.OpenFile(j.Path(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Write(torn)
	f.Close()
	if mustVerify(t, j.Path(), "").OK() {
		t.Error("a torn tail that nobody has named yet was not found")
	}
	k := reopen(t, j.Path())
	note(t, k, "after it")
	b := read(t, j.Path())
	if !bytes.Contains(b, append(torn, '\n')) {
		t.Errorf("the torn tail was not kept:\n%s", b)
	}
	if r := mustVerify(t, j.Path(), ""); !r.OK() || r.Torn != 1 || r.Lines != 3 {
		t.Errorf("report %+v, want 3 lines, 1 torn, no fault", r)
	}
	if es := k.Entries(9); len(es) != 3 || es[1].Event != evTorn || es[1].Seq != 2 || es[0].Seq != 3 {
		t.Errorf("entries %+v", es)
	}
	changed := bytes.Replace(b, []byte(`"ev":"sen`), []byte(`"ev":"SEN`), 1)
	if r, _ := Verify(bytes.NewReader(changed), ""); r.OK() {
		t.Error("the torn line was changed afterwards and nothing found")
	}
}

func TestTheJournalRefusesAPathThatOthersControl(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(path string) error
		want    string
	}{
		{"a symbolic link", func(p string) error {
			return os.Symlink(filepath.Join(filepath.Dir(p), "elsewhere"), p)
		}, "symbolic link"},
		{"a hard link", func(p string) error {
			if err := os.WriteFile(p+"2", nil, 0o600); err != nil {
				return err
			}
			return os.Link(p+"2", p)
		}, "hard link"},
		{"writable by the group", func(p string) error {
			if err := os.WriteFile(p, nil, 0o600); err != nil {
				return err
			}
			return os.Chmod(p, 0o620)
		}, "can be written by others (mode 0620)"},
		{"writable by the world", func(p string) error {
			if err := os.WriteFile(p, nil, 0o600); err != nil {
				return err
			}
			return os.Chmod(p, 0o602)
		}, "can be written by others"},
		{"a directory writable by the world", func(p string) error {
			return os.Chmod(filepath.Dir(p), 0o777)
		}, "directory"},
		{"a directory in its place", func(p string) error { return os.Mkdir(p, 0o700) }, "directory"},
		{"somebody else's", func(p string) error {
			if err := os.WriteFile(p, nil, 0o600); err != nil {
				return err
			}
			if os.Geteuid() != 0 {
				return errSkip
			}
			return os.Chown(p, 12345, -1)
		}, "belongs to user 12345"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.jsonl")
			if err := c.prepare(path); err == errSkip {
				t.Skip("needs root to give a file away")
			} else if err != nil {
				t.Fatal(err)
			}
			j, err := OpenJournal(path)
			if err == nil {
				j.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %q, want %q in it", err, c.want)
			}
		})
	}
}

var errSkip = fmt.Errorf("skip")

func TestTheFirstWriteErrorEndsAllWriting(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, j *Journal)
		want  string
	}{
		{"the disk refuses", func(t *testing.T, j *Journal) {
			f, err := os.Open(j.path) // readable, and every write fails
			if err != nil {
				t.Fatal(err)
			}
			j.f.Close()
			j.f = f
		}, "bad file descriptor"},
		{"the file was removed", func(t *testing.T, j *Journal) { os.Remove(j.path) }, "no such file"},
		{"another file is in its place", func(t *testing.T, j *Journal) {
			os.Rename(j.path, j.path+".1")
			os.WriteFile(j.path, nil, 0o600)
		}, "moved"},
		{"it was cut", func(t *testing.T, j *Journal) { os.Truncate(j.path, 10) }, "it was cut"},
		{"it became writable by all", func(t *testing.T, j *Journal) { os.Chmod(j.path, 0o666) }, "written by others"},
		{"it was closed", func(t *testing.T, j *Journal) { j.Close() }, "closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := openTest(t)
			note(t, j, "good")
			c.spoil(t, j)
			for range 2 {
				_, err := j.Append("", evNote, Data{Text: "lost"})
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "cannot be written") {
					t.Errorf("it says %v, want %q", err, c.want)
				}
			}
			if j.Err() == nil {
				t.Error("the journal does not say that it cannot be written")
			}
			if es := j.Entries(5); len(es) != 1 || es[0].Text != "good" {
				t.Errorf("entries %+v, want the one that is on the disk", es)
			}
		})
	}
}

func beWriter() int {
	j, err := OpenJournal(os.Getenv("SICKBAY_TEST_PATH"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	n, _ := strconv.Atoi(os.Getenv("SICKBAY_TEST_N"))
	for i := range n {
		if _, err := j.Append("", evNote, Data{Text: fmt.Sprint("line ", i)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

func TestProcessesAndGoroutinesShareOneJournal(t *testing.T) {
	const processes, lines = 3, 25
	j := openTest(t)
	var wg sync.WaitGroup
	for range processes {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "SICKBAY_TEST_ROLE=writer", "GORACE="+quickExit, "SICKBAY_TEST_PATH="+j.Path(), fmt.Sprint("SICKBAY_TEST_N=", lines))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("a writer ended with %v: %s", err, out)
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range lines {
				note(t, j, "from here")
			}
		})
	}
	wg.Wait()
	if r := mustVerify(t, j.Path(), ""); !r.OK() || r.Lines != (processes+2)*lines {
		t.Errorf("%d lines with faults %v, want %d without", r.Lines, r.Faults, (processes+2)*lines)
	}
}

func TestALongJournalIsOpenedByItsEnd(t *testing.T) {
	j := openTest(t)
	note(t, j, "one")
	long := strings.Repeat("x", 3900)
	for range keepBytes/4000 + 50 {
		b, err := Line{V: 1, Seq: j.seq + 1, TS: time.Now().UTC(), Ev: evNote, Data: Data{Text: long}, Prev: j.last}.format()
		if err != nil {
			t.Fatal(err)
		}
		j.f.Write(b)
		j.last, j.seq = string(b[:64]), j.seq+1
	}
	want := j.seq
	k := reopen(t, j.Path())
	if e := note(t, k, "last"); e.Seq != want+1 {
		t.Errorf("the next entry has number %d, want %d", e.Seq, want+1)
	}
	if r := mustVerify(t, j.Path(), ""); !r.OK() || r.Lines != want+1 {
		t.Errorf("%d lines, faults %v", r.Lines, r.Faults)
	}
}

func TestSecretsDoNotReachTheJournal(t *testing.T) {
	j := openTest(t)
	for _, c := range []struct{ text, want string }{
		{"Authorization: Bearer abcdefgh12345678", "Authorization: [token]"},
		{"Authorization: Digest abcdefgh12345678", "Authorization: Digest [secret]"},
		{"curl -u x https://ann:hunter22@host/path", "curl -u x [login]host/path"},
		{"password=hunter2222 was wrong", "password=[secret] was wrong"},
		{`{"api_key": "k-123456789"}`, `{"api_key": "[secret]"}`},
		{`{"private_key": "k-123456789"}`, `{"private_key": "[secret]"}`},
		{"key sk-abcdefghijklmnopqrstuv", "key [key]"},
		{"ghp_abcdefghijklmnopqrstuvwxyz0123", "[key]"},
		{"AKIAABCDEFGHIJKLMNOP", "[key]"},
		{"eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abcdef", "[token]"},
		{"split sk-abcdefghij\u200bklmnopqrstuv", "split [key]"},
		{"split sk-abcdefghij\x1b[0mklmnopqrstuv", "split [key]"},
		{"-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "[key]"},
		{"ann@example.org asked for it", "[email] asked for it"},
	} {
		note(t, j, c.text)
		if e := j.Entries(1)[0]; e.Text != c.want {
			t.Errorf("%q became %q, want %q", c.text, e.Text, c.want)
		}
	}
	keep := "quality fell after prompt v32, ticket OPS-1234, 0.61 < 0.80"
	if note(t, j, keep); j.Entries(1)[0].Text != keep {
		t.Errorf("%q became %q", keep, j.Entries(1)[0].Text)
	}
	if bytes.Contains(read(t, j.Path()), []byte("hunter")) {
		t.Error("a password is on the disk")
	}
}

func TestExportIsForPeopleAndForPrograms(t *testing.T) {
	j := openTest(t)
	for _, s := range []health.OpState{health.OpPlanned, health.OpSending, health.OpRefused} {
		_, err := j.Append("op-1", string(s), Data{By: &Person{User: "ann"}, Target: "a/prompt", From: "v2", To: "v1", Reason: "worse *answers*"})
		if err != nil {
			t.Fatal(err)
		}
	}
	note(t, j, "<script>")
	var md, js, bad bytes.Buffer
	hostile, err := Line{V: 1, Seq: 5, Ev: evNote, Data: Data{Text: "x \u202e \x1b[2J y"}}.format()
	if err != nil {
		t.Fatal(err)
	}
	b := append(read(t, j.Path()), hostile...)
	if err := Export(&md, bytes.NewReader(b), "md"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## a/prompt v2 → v1", `worse \*answers\*`, "**refused**", "‹202E› ␛\\[2J", "## Notes", "&lt;script&gt;", string(hostile[:64])} {
		if !strings.Contains(md.String(), want) {
			t.Errorf("no %q in\n%s", want, md.String())
		}
	}
	if err := Export(&js, bytes.NewReader(b), "json"); err != nil {
		t.Fatal(err)
	}
	var back []struct{ Hash, Ev, Op string }
	if err := json.Unmarshal(js.Bytes(), &back); err != nil || len(back) != 5 || back[2].Ev != "refused" || len(back[2].Hash) != 64 {
		t.Errorf("json gives %+v (%v)", back, err)
	}
	if err := Export(&bad, bytes.NewReader(b), "xml"); err == nil {
		t.Error("a format nobody knows was accepted")
	}
	if es, err := ReadEntries(bytes.NewReader(b)); err != nil || len(es) != 5 || es[0].Event != evNote {
		t.Errorf("entries read back: %+v (%v)", es, err)
	}
}

func FuzzJournalLine(f *testing.F) {
	good, err := Line{V: 1, Seq: 1, Ev: evNote, Data: Data{Text: "ok"}}.format()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.TrimSpace(good))
	f.Add([]byte(""))
	f.Add(good[:70])
	f.Add(append([]byte(sumOf([]byte("null"))), " null"...))
	f.Add(append([]byte(sumOf([]byte(`{"v":1,"seq":-1}`))), ` {"v":1,"seq":-1}`...))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseLine(b)
		if err != nil {
			return
		}
		if l.Hash != sumOf(b[65:]) || l.V != 1 {
			t.Errorf("accepted %q as %+v", b, l)
		}
		replay([]Line{l, l}, func(l Line) time.Time { return l.TS })
		again, err := l.format()
		if err != nil {
			t.Fatalf("a line that was read cannot be written: %v", err)
		}
		if back, err := parseLine(bytes.TrimSuffix(again, []byte("\n"))); err != nil || back.Ev != l.Ev || back.Seq != l.Seq {
			t.Errorf("%q does not come back: %+v (%v)", b, back, err)
		}
	})
}

// TestAFullDiskIsSaidAndNothingIsLost: on a real one, where the test may mount it.
func TestAFullDiskIsSaidAndNothingIsLost(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Skip("a small disk cannot be mounted here:", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	j := reopen(t, filepath.Join(dir, "journal.jsonl"))
	written := 0
	for {
		if _, err := j.Append("", evNote, Data{Text: strings.Repeat("x", 500)}); err != nil {
			if !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "cannot be written") {
				t.Errorf("a full disk is %v", err)
			}
			break
		}
		written++
	}
	d := NewDesk(DeskOptions{Targets: []Target{newPlay()}, Journal: j, Write: true})
	p, err := d.Plan(t.Context(), "support-chat/prompt", "", ill)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Submit(health.Order{Do: health.DoRollback, Plan: p, Reason: "answers became worse", Typed: p.Target}); err == nil || !strings.Contains(err.Error(), "nothing was done: the journal cannot be written") {
		t.Errorf("a rollback on a full disk: %v", err)
	}
	j.Close()
	r, err := VerifyFile(j.Path(), "")
	if err != nil || r.Lines != written {
		t.Errorf("%d lines of %d are whole, %v", r.Lines, written, err)
	}
}

// TestAClockThatIsSetDoesNotAgeAnOperation: how long ago something was is told by the
// clock nobody sets.
func TestAClockThatIsSetDoesNotAgeAnOperation(t *testing.T) {
	j := openTest(t)
	now := j.mono()
	for _, c := range []struct {
		name string
		line Line
		want time.Duration // ago
	}{
		{"the clock was set back an hour", Line{TS: time.Now().Add(time.Hour), Mono: now - 30, Boot: j.boot}, 30 * time.Second},
		{"the clock was set forward an hour", Line{TS: time.Now().Add(-time.Hour), Mono: now - 30, Boot: j.boot}, 30 * time.Second},
		{"the host was started anew", Line{TS: time.Now().Add(-time.Hour), Mono: now - 30, Boot: "another"}, time.Hour},
		{"an older sickbay wrote it", Line{TS: time.Now().Add(-time.Minute), Boot: j.boot}, time.Minute},
	} {
		if got := time.Since(j.when(c.line)); got < c.want || got > c.want+10*time.Second {
			t.Errorf("%s: it was %s ago, want %s", c.name, got, c.want)
		}
	}
}
