package sources

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func journal(t *testing.T, argv ...string) *journald {
	s := mustOpen(t, "journald", `units = ["chat.service"]`).(*journald)
	s.argv, s.again = argv, time.Millisecond
	return s
}

// child writes a script that stands for journalctl: what it does with where to begin is up to it.
func child(t *testing.T, script string) string {
	if runtime.GOOS == "windows" {
		t.Skip("the child is a shell script")
	}
	path := filepath.Join(t.TempDir(), "journalctl")
	must(t, os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	return path
}

// TestTheJournalIsRead reads entries as a real journald (systemd 252) wrote them for systemd-cat and a program that
// speaks its protocol.
func TestTheJournalIsRead(t *testing.T) {
	recorded, err := filepath.Abs("testdata/journald.jsonl")
	must(t, err)
	j := journal(t, child(t, "cat "+recorded+"; exec sleep 60"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got gathered
	ended := make(chan error, 1)
	go func() {
		ended <- j.Follow(ctx, func(b Batch) {
			if got.add(b); len(got.records) == 4 {
				cancel()
			}
		})
	}()
	select {
	case err := <-ended:
		must(t, err)
	case <-time.After(20 * time.Second):
		t.Fatalf("still waiting: %s", got.messages())
	}
	var said []string
	for _, r := range got.records {
		said = append(said, fmt.Sprintf("%s %s %s %s %s: %s", r.At.Format("15:04:05.000"), r.Service, r.Level, r.Error, r.Origin, strings.ReplaceAll(r.Message, "\n", "|")))
	}
	want := []string{
		"07:36:22.288 chat error timeout journal chat: upstream gone",
		"07:36:22.308 worker error ValueError journal worker: cannot answer|Traceback (most recent call last):|  File \"a.py\", line 3|ValueError: bad",
		"07:36:22.328 raw warn  journal raw: bad \xff\xfe bytes",
		"07:36:22.870 multi error  journal multi: first line|second line",
	}
	for _, w := range want {
		found := false
		for _, s := range said {
			found = found || s == w
		}
		if !found {
			t.Errorf("missing %s\nin %s", w, strings.Join(said, "\n   "))
		}
	}
	for _, r := range got.records {
		if r.Failed != (r.Level == "error") || r.Failed != (r.Group != "") {
			t.Errorf("%s: failed %v, group %q", r.Message, r.Failed, r.Group)
		}
	}
}

func TestAJournalctlThatEndsIsStartedAgainWhereItWas(t *testing.T) {
	log := filepath.Join(t.TempDir(), "asked")
	j := journal(t, child(t, `for a; do last=$a; done; echo "$last" >> `+log+`
case "$last" in
--since=*) echo '{"__CURSOR":"c1","MESSAGE":"{\"message\":\"one\"}"}'; echo broken; echo lost >&2; exit 1;;
*) echo '{"__CURSOR":"c2","MESSAGE":"{\"message\":\"two\"}"}'; exec sleep 60;;
esac`))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got gathered
	notes := ""
	must(t, j.Follow(ctx, func(b Batch) {
		got.add(b)
		notes += b.Note
		if len(got.records) == 2 {
			cancel()
		}
	}))
	asked, err := os.ReadFile(log)
	must(t, err)
	if want := "--since=-3600s\n--after-cursor=c1\n"; string(asked) != want {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if got.messages() != "one ; two" || got.bad != 1 || notes != "journalctl ended (lost) and is started again" {
		t.Errorf("%s, %d bad, %q", got.messages(), got.bad, notes)
	}
}

func TestNoArgumentOfTheJournalLooksLikeAnOption(t *testing.T) {
	for section, want := range map[string]string{
		`units = ["--output=cat"]`:       `units: "--output=cat" is no name of a unit`,
		`units = ["a b"]`:                `units: "a b" is no name of a unit`,
		`matches = ["-D/etc"]`:           `matches: "-D/etc" is not FIELD=value`,
		`matches = ["lower=x"]`:          `matches: "lower=x" is not FIELD=value`,
		`history = "-1h"`:                `history: -1h0m0s is no length of time`,
		`fields = { a = "nonsense" }`:    `fields: "a" cannot mean "nonsense"`,
		`matches = ["CONTAINER_NAME=x"]`: "",
	} {
		_, err := Open("journald", "j", decoder(section))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %s", section, err, want)
		}
	}
	j := mustOpen(t, "journald", `units = ["a.service"]
matches = ["X=1"]`).(*journald)
	if got := strings.Join(j.argv, " "); got != "journalctl --output=json --follow --no-pager --quiet --all --unit=a.service X=1" {
		t.Error(got)
	}
}

// TestARealJournal needs a running journald whose journal may be read: SICKBAY_JOURNALD=1.
func TestARealJournal(t *testing.T) {
	if os.Getenv("SICKBAY_JOURNALD") == "" {
		t.Skip("no journald: start one and set SICKBAY_JOURNALD=1")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	n := 0
	s := mustOpen(t, "journald", `matches = ["SYSLOG_IDENTIFIER=chat"]`)
	version, err := s.(About).Version(ctx)
	must(t, s.(Logs).Follow(ctx, func(b Batch) {
		if n += len(b.Requests); n > 0 && b.CaughtUp {
			cancel()
		}
	}))
	t.Logf("%d records from systemd %s, %v", n, version, err)
	if n == 0 {
		t.Error("nothing came")
	}
}
