package logs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

func stream(o Options) *Stream {
	o.Now = func() time.Time { return testNow }
	return NewStream(o)
}

// told reads lines and says what records became of them: time, level, error, message with | for line ends.
func told(s *Stream, text string) []string {
	var all []health.Request
	for _, line := range strings.Split(text, "\n") {
		all = s.Line(all, line)
	}
	var said []string
	for _, r := range s.Flush(all) {
		at := "-"
		if !r.At.IsZero() {
			at = r.At.Format("15:04:05")
		}
		said = append(said, strings.TrimSpace(fmt.Sprintf("%s %s %s: %s", at, r.Level, r.Error, strings.ReplaceAll(r.Message, "\n", "|"))))
	}
	return said
}

func TestWhatBelongsTogetherIsOneRecord(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"JSON lines": {`{"message":"a"}` + "\n" + `{"message":"b"}`, "-  : a\n-  : b"},
		"a Python traceback behind its line": {
			"2026-11-23 14:00:00,1 ERROR app cannot answer\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nopenai.RateLimitError: slow down\n2026-11-23 14:00:01,1 INFO app next",
			"14:00:00 error RateLimitError: app cannot answer|Traceback (most recent call last):|  File \"a.py\", line 3, in f|    g()|openai.RateLimitError: slow down\n14:00:01 info : app next"},
		"a traceback between JSON lines": {
			`{"message":"a"}` + "\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\nValueError: bad\n" + `{"message":"b"}`,
			"-  : a\n- error ValueError: ValueError: bad|Traceback (most recent call last):|  File \"a.py\", line 3, in f|ValueError: bad\n-  : b"},
		"one exception during another": {
			"Traceback (most recent call last):\n  File \"a.py\"\nKeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"b.py\"\nValueError: bad",
			"- error ValueError: ValueError: bad|Traceback (most recent call last):|  File \"a.py\"|KeyError: 'x'|During handling of the above exception, another exception occurred:|Traceback (most recent call last):|  File \"b.py\"|ValueError: bad"},
		"Java": {
			"2026-11-23T14:00:00Z ERROR failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:3)\nCaused by: java.io.IOException: disk\n\t... 3 more",
			"14:00:00 error IOException: failed|java.lang.IllegalStateException: no|\tat a.B.c(B.java:3)|Caused by: java.io.IOException: disk|\t... 3 more"},
		"a panic of Go": {
			"2026/11/23 14:00:00 serving\npanic: runtime error: index out of range [3]\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:3 +0x1\nexit status 2",
			"14:00:00  : serving\n- fatal panic: runtime error: index out of range [3]|goroutine 1 [running]:|main.main()|\t/app/main.go:3 +0x1|exit status 2"},
		"lines without times stay apart": {"INFO:     one\nINFO:     two", "- info : one\n- info : two"},
		"containerd": {
			`2026-11-23T14:00:00.5Z stdout F {"message":"a"}` + "\n" + `2026-11-23T14:00:01.5Z stderr P {"message":` + "\n" + `2026-11-23T14:00:01.6Z stderr F "b"}` + "\n2026-11-23T14:00:02Z stderr F plain\n2026-11-23T14:00:03Z stderr F   more",
			"14:00:00  : a\n14:00:01  : b\n14:00:02  : plain|  more"},
		"Docker": {
			`{"log":"{\"message\":\"a\"}\n","stream":"stdout","time":"2026-11-23T14:00:00.5Z"}` + "\n" + `{"log":"half ","stream":"stdout","time":"2026-11-23T14:00:01Z"}` + "\n" + `{"log":"a line\n","stream":"stdout","time":"2026-11-23T14:00:01Z"}`,
			"14:00:00  : a\n14:00:01  : half a line"},
		"not Docker": {`{"log":"hello","service":"a"}`, "-  : hello"},
		"syslog":     {`<34>Nov 23 14:00:00 gpu-1 app[7]: disk full` + "\n" + `<165>1 2026-11-23T14:00:01Z gpu-1 app 7 - - up`, "14:00:00  : gpu-1 app[7]: disk full\n14:00:01  : gpu-1 app 7 - - up"},
		"windows":    {"{\"message\":\"a\"}\r\n\r\n", "-  : a"},
		"logfmt":     {"level=info msg=a\nlevel=info msg=b", "- info : a\n- info : b"},
	} {
		if got := strings.Join(told(stream(Options{}), c.in), "\n"); got != c.want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestWhatIsJoinedHasAnEnd(t *testing.T) {
	s := stream(Options{})
	got := told(s, "2026-11-23T14:00:00Z ERROR x"+strings.Repeat("\n  more", 450))
	if len(got) != 3 {
		t.Errorf("%d records", len(got))
	}
	s = stream(Options{})
	if got := told(s, strings.Repeat("2026-11-23T14:00:00Z stdout P "+strings.Repeat("x", 16<<10)+"\n", 40)+"2026-11-23T14:00:00Z stdout F end"); len(got) != 1 || len(got[0]) > maxPartial {
		t.Errorf("%d records, the first of %d bytes", len(got), len(got[0]))
	}
}

func TestWhatTheUserSaysAboutFields(t *testing.T) {
	o := Options{
		Fields: map[string]string{"svc.id": "service", "org": "tenant", "noise": "ignore", "batch_id": "dimension", "q": "prompt"},
		Fail:   map[string][]string{"verdict": {"rejected"}},
		Finish: []string{"length"},
	}
	if err := o.Check(); err != nil {
		t.Error(err)
	}
	s := stream(o)
	r := s.Line(nil, `{"svc":{"id":"chat"},"service":"wrong","org":"acme","noise":"x","batch_id":"7","q":"hello","verdict":"rejected"}`)[0]
	if r.Service != "chat" || fmt.Sprint(r.Dims) != "[{tenant acme} {batch_id 7} {verdict rejected}]" || !r.Failed || r.Error != "verdict rejected" || full(r).Prompt != "hello" {
		t.Errorf("%+v", r)
	}
	if r := s.Line(nil, `{"finish_reason":"length","message":"m"}`)[0]; !r.Failed || r.Error != "length" || r.Group == "" {
		t.Errorf("%+v", r)
	}
	if want := `JSON lines (2 of 2 lines): finish from finish_reason, message from message, prompt from q (config), service from svc.id (config), tenant from org (config); dimensions batch_id, verdict`; s.Decided() != want {
		t.Errorf("got  %s\nwant %s", s.Decided(), want)
	}
	if err := (Options{Fields: map[string]string{"a": "servise"}}).Check(); err == nil || !strings.HasPrefix(err.Error(), `fields: "a" cannot mean "servise"; it can mean agent, answer,`) {
		t.Error(err)
	}
}

func TestAStreamSaysWhatItDecided(t *testing.T) {
	for in, want := range map[string]string{
		"": "nothing has come yet",
		"2026-11-23T14:00:00Z stdout F {\"ts\":1,\"lvl\":\"info\",\"tier\":\"gold\"}\n2026-11-23T14:00:00Z stdout F {\"lvl": `JSON lines in CRI (1 of 2 lines, 1 bad): level from lvl; dimensions tier`,
		"level=info msg=a tier=gold": "logfmt (1 of 1 lines): level from level, message from msg; dimensions tier",
		"hello\nworld":               "plain text (2 of 2 lines)",
	} {
		s := stream(Options{})
		if in != "" {
			told(s, in)
		}
		if got := s.Decided(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, s := range []string{
		"{}\nx\n y", "Traceback (most recent call last):\n a\nb", "2026-11-23T14:00:00Z stdout P a\n2026-11-23T14:00:00Z stdout F b", `{"log":"a","time":"2026-11-23T14:00:00Z"}` + "\n{",
		"<1>x\n<12>\n<", "panic: x\n)\n \t", "\x00\n\xff\n\r",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := stream(Options{})
		var all []health.Request
		lines := strings.Split(text, "\n")
		for _, l := range lines {
			all = s.Line(all, l)
		}
		all = s.Flush(all)
		if s.Holds() || len(all) > len(lines) || s.Bad > s.Lines {
			t.Errorf("%q: %d records of %d lines, %d bad", text, len(all), len(lines), s.Bad)
		}
		for _, r := range all {
			if r.ID == "" || r.Failed != (r.Group != "") || len(r.Raw) > maxJoinedSize+maxPartial {
				t.Errorf("%q: %+v", text, r)
			}
		}
	})
}
