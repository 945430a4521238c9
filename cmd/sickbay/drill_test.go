package main

import (
	"strings"
	"testing"
)

func TestADrillRehearsesAndChangesNothing(t *testing.T) {
	t.Parallel()
	d := stack(t, "bad-prompt")
	c := newConsole(t)
	before := runs(t, d, "support-chat/prompt")
	s := c.want(0, "drill", "support-chat", "--target", "support-chat/prompt", "--config", d.Config)
	for _, part := range []string{"support-chat/prompt (http)\n", "ok  read        runs v32", "ok  plan        v32 → v31", "ok  look again", "ok  lock", "ok  cool-down",
		"ok  the write   left out: compare-and-swap by ETag", "ok  journal", "ok  proof       ", "1 of 1 would go\n"} {
		if !strings.Contains(s.out, part) {
			t.Errorf("no %q in:\n%s", part, s.out)
		}
	}
	if after := runs(t, d, "support-chat/prompt"); after != before {
		t.Errorf("it ran %s and runs %s", before, after)
	}
	if show := c.want(0, "journal", "show").out; strings.Count(show, "\n") != 1 || !strings.Contains(show, "drill") || !strings.Contains(show, "every step but the write worked") {
		t.Errorf("the journal says:\n%s", show)
	}
	c.want(0, "journal", "verify")
	if s := c.want(exitUsage, "drill", "gpu-node-1", "--config", d.Config); !strings.Contains(s.err, "no [[rollback]] of the config is gpu-node-1") {
		t.Errorf("%+v", s)
	}
	dead := written(t, "[[source]]\nkind = \"prometheus\"\nurl = \"http://127.0.0.1:1\"\n[[rollback]]\nservice = \"a\"\nkind = \"prompt\"\ndriver = \"http\"\nurl = \"http://127.0.0.1:1/x\"\n")
	if s := c.want(exitUnproved, "drill", "--config", dead); !strings.Contains(s.out, "NO  read") || !strings.Contains(s.out, "0 of 1 would go") {
		t.Errorf("%+v", s)
	}
}
