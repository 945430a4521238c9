package main

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// nobodyAt is an address where nobody listens.
func nobodyAt(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// deaf is an address where somebody listens and never answers.
func deaf(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "http://" + l.Addr().String() // the kernel takes connections; nobody reads them
}

// withoutPrometheus is the config of a stack whose Prometheus is somewhere else.
func withoutPrometheus(t testing.TB, config, place, url string) string {
	t.Helper()
	return altered(t, config, `name = "main"`+"\n"+`url = "`+place+`"`, `name = "main"`+"\n"+`timeout = "2s"`+"\n"+`url = "`+url+`"`)
}

func TestCheckIsUnknownWhilePrometheusIsAway(t *testing.T) {
	t.Parallel()
	quiet := stack(t, "quiet")
	for _, c := range []struct{ name, config, says string }{
		{"nobody listens", withoutPrometheus(t, quiet.Config, quiet.Prometheus, nobodyAt(t)), "refuse"},
		{"it never answers", withoutPrometheus(t, quiet.Config, quiet.Prometheus, deaf(t)), "source   main: "},
		{"it is the only source, and away", written(t, "[[source]]\nkind = \"prometheus\"\nname = \"main\"\ntimeout = \"1s\"\nurl = \""+nobodyAt(t)+"\"\n"), "refuse"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newConsole(t).want(3, "check", "--config", c.config)
			if s.took > 3*patience { // a second or two on a quiet machine; the rest is for noisy ones
				t.Errorf("it took %s, its deadline is %s", s.took, 3*patience)
			}
			t.Logf("%s", s.took.Round(time.Millisecond))
			if !strings.Contains(s.out, c.says) || strings.Contains(s.out, "\nok") || strings.HasPrefix(s.out, "ok") {
				t.Errorf("it says %q, want %q and nobody ok", s.out, c.says)
			}
		})
	}
}

func TestCheckJudgesOneService(t *testing.T) {
	t.Parallel()
	snap := glance(t)
	for _, c := range []struct {
		service string
		code    int
		begins  string
	}{
		{"", 2, "critical support-chat\n"},
		{"support-chat", 2, "critical support-chat\n"},
		{"translator", 0, "ok       translator\n"},
	} {
		for _, asJSON := range []bool{false, true} {
			var out bytes.Buffer
			a := &app{out: &out, now: func() time.Time { return storyTime }}
			err := a.check(snap, c.service, asJSON)
			if got := codeOf(err); got != c.code {
				t.Errorf("check --service %q --json=%v: exit code %d, want %d", c.service, asJSON, got, c.code)
			}
			if asJSON {
				if got := statuses(t, out.String()); c.service != "" && len(got) != 1 || c.service != "" && got[c.service] == "" {
					t.Errorf("check --service %q --json: %v", c.service, got)
				}
			} else if !strings.HasPrefix(out.String(), c.begins) || c.service != "" && strings.Contains(out.String(), "\nok") {
				t.Errorf("check --service %q: %q, want %q and nobody else", c.service, out.String(), c.begins)
			}
		}
	}
	var out bytes.Buffer
	a := &app{out: &out, now: func() time.Time { return storyTime }}
	if err := a.check(snap, "suport-chat", false); codeOf(err) != 3 || !strings.Contains(err.Error(), `"suport-chat"`) || out.Len() > 0 {
		t.Errorf("a service that is not there: %v, out %q", err, out.String())
	}
}

// codeOf is the exit code an error asks for.
func codeOf(err error) int {
	var e exit
	if errors.As(err, &e) {
		return e.code
	}
	return 0
}

func TestCheckBeforeTheIncidentIsOK(t *testing.T) {
	t.Parallel()
	config := stack(t, "bad-prompt").Config
	before := newConsole(t).want(0, "check", "--config", config, "--service", "support-chat", "--at", "13:40")
	if !strings.HasPrefix(before.out, "ok       support-chat\n") {
		t.Errorf("%q", before.out)
	}
}
