package main

import (
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
	quiet := stack(t, "quiet")
	for _, c := range []struct{ name, config, says string }{
		{"nobody listens", withoutPrometheus(t, quiet.Config, quiet.Prometheus, nobodyAt(t)), "connection refused"},
		{"it never answers", withoutPrometheus(t, quiet.Config, quiet.Prometheus, deaf(t)), "source   main: "},
		{"it is the only source, and away", written(t, "[[source]]\nkind = \"prometheus\"\nname = \"main\"\ntimeout = \"1s\"\nurl = \""+nobodyAt(t)+"\"\n"), "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			s := newConsole(t).want(3, "check", "--config", c.config)
			if took := time.Since(began); took > patience+5*time.Second {
				t.Errorf("it took %s, its deadline is %s", took, patience)
			} else {
				t.Logf("%s", took.Round(time.Millisecond))
			}
			if !strings.Contains(s.out, c.says) || strings.Contains(s.out, "\nok") || strings.HasPrefix(s.out, "ok") {
				t.Errorf("it says %q, want %q and nobody ok", s.out, c.says)
			}
		})
	}
}

func TestCheckJudgesOneService(t *testing.T) {
	t.Parallel()
	config := stack(t, "bad-prompt").Config
	c := newConsole(t)
	for _, one := range []struct {
		args string
		code int
		want string
	}{
		{"--service support-chat", 2, "critical support-chat\n"},
		{"--service translator", 0, "ok       translator\n"},
	} {
		s := c.want(one.code, append([]string{"check", "--config", config}, strings.Fields(one.args)...)...)
		if !strings.HasPrefix(s.out, one.want) || strings.Contains(s.out, "\nok") {
			t.Errorf("check %s: %q, want %q and nobody else", one.args, s.out, one.want)
		}
	}
	if got := statuses(t, c.want(2, "check", "--config", config, "--json", "--service", "support-chat").out); len(got) != 1 || got["support-chat"] != "critical" {
		t.Errorf("check --json --service: %v", got)
	}
	if s := c.want(3, "check", "--config", config, "--service", "suport-chat"); !strings.Contains(s.err, `"suport-chat"`) {
		t.Errorf("a service that is not there: %q", s.err)
	}
}

func TestCheckBeforeTheIncidentIsOK(t *testing.T) {
	t.Parallel()
	config := stack(t, "bad-prompt").Config
	before := newConsole(t).want(0, "check", "--config", config, "--service", "support-chat", "--at", "13:40")
	if !strings.HasPrefix(before.out, "ok       support-chat\n") {
		t.Errorf("%q", before.out)
	}
}
