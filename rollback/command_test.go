package rollback

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// beTool is a small deployment tool: it keeps the running version in the file
// SICKBAY_TEST_STATE and counts its writes beside it.
func beTool() int {
	state := os.Getenv("SICKBAY_TEST_STATE")
	b, err := os.ReadFile(state)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	runs := string(b)
	if _, err := os.Stat(state + ".hang"); err == nil {
		select {}
	}
	switch args := os.Args[1:]; args[0] {
	case "current":
		fmt.Println(runs)
	case "history":
		fmt.Print("v33\nv32 faster\nv31 calm \x1b[2J\n\nv30\nv29;rm\n--help\n")
	case "apply":
		if args[4] != runs {
			fmt.Fprintln(os.Stderr, "it runs", runs)
			return exitMoved
		}
		os.WriteFile(state+".writes", append(readIf(state+".writes"), '.'), 0o600)
		os.WriteFile(state, []byte(args[2]), 0o600)
	case "env":
		fmt.Println(`{"current":"v1","versions":["` + strings.Join(os.Environ(), `","`) + `"]}`)
	case "exit":
		fmt.Fprint(os.Stderr, "because \x1b[2J of it")
		code, _ := strconv.Atoi(args[1])
		return code
	case "flood":
		for range maxAnswer/1024 + 1 {
			fmt.Print(strings.Repeat("x", 1024))
		}
	case "child":
		leaveChild(args[1])
	}
	return 0
}

func readIf(path string) []byte { b, _ := os.ReadFile(path); return b }

// tool opens a command target on the tool above.
func tool(t *testing.T, state, more string) (Target, error) {
	t.Helper()
	t.Setenv("SICKBAY_TEST_ROLE", "tool")
	t.Setenv("SICKBAY_TEST_STATE", state)
	t.Setenv("GORACE", quickExit)
	me := strconv.Quote(os.Args[0])
	section := fmt.Sprintf(`current = [%s, "current"]
history = [%s, "history"]
apply = [%s, "apply", "--to", "{{to}}", "--expect", "{{from}}"]
env = ["SICKBAY_TEST_ROLE", "SICKBAY_TEST_STATE", "GORACE"]
`, me, me, me)
	if more != "" {
		name, _, _ := strings.Cut(more, " ")
		var kept []string
		for _, line := range strings.Split(section, "\n") {
			if !strings.HasPrefix(line, name+" ") {
				kept = append(kept, line)
			}
		}
		section = strings.Join(kept, "\n") + strings.ReplaceAll(more, "ME", me) + "\n"
	}
	return Open(info("command"), fromTOML(section))
}

func commandWorld(t *testing.T) world {
	state := file(t, "state", "v32")
	target, err := tool(t, state, "")
	if err != nil {
		t.Fatal(err)
	}
	return world{
		target: target,
		writes: func() int { return len(readIf(state + ".writes")) },
		runs:   func() string { return string(readIf(state)) },
		move:   func() { write(t, state, "v33") },
		hang:   func() { write(t, state+".hang", "") },
	}
}

func TestTheCommandSectionIsCheckedWhenItIsRead(t *testing.T) {
	const good = `apply = ["d", "{{to}}"]`
	for _, c := range []struct{ current, apply, want string }{
		{`["d", "current"]`, good, ""},
		{`["d"]`, `apply = ["d", "--to={{to}}", "--expect={{from}}", "--key", "{{op}}", "{{token}}"]`, ""},
		{`["bash", "/opt/current.sh"]`, good, ""},
		{`["ssh", "host", "modelctl", "current"]`, good, ""},
		{`[]`, good, "current: no command"},
		{`["d"]`, ``, "apply: no command"},
		{`["d"]`, `apply = ["d", "v31"]`, "never told where to go"},
		{`["sh", "-c", "cat x"]`, good, "a shell that reads"},
		{`["/bin/bash", "-lc", "cat x"]`, good, "a shell that reads"},
		{`["bash", "-cx", "cat x"]`, good, "a shell that reads"},
		{`["env", "A=b", "/usr/bin/zsh", "-c", "cat x"]`, good, "a shell that reads"},
		{`["sudo", "-u", "x", "sh", "-c", "cat x"]`, good, "a shell that reads"},
		{`["env", "-S", "sh -c 'cat x'"]`, good, "a shell that reads"},
		{`["ssh", "host", "sh -c 'cat x'"]`, good, "a shell that reads"},
		{`["busybox", "ash", "-c", "x"]`, good, "a shell that reads"},
		{`["cmd.exe", "/c", "x"]`, good, "a shell that reads"},
		{`["pwsh", "-Command", "x"]`, good, "a shell that reads"},
		{`["cat x | head"]`, good, "a shell that reads"},
		{`["d", "{{to}}"]`, good, "only apply has fields"},
		{`["d"]`, `apply = ["{{to}}"]`, "the program itself"},
		{`["d"]`, `apply = ["d", "{{to}}{{from}}"]`, "one {{field}} in one argument"},
		{`["d"]`, `apply = ["d", "{{to"]`, "one {{field}}"},
		{`["d"]`, `apply = ["d", "to}}"]`, "one {{field}}"},
		{`["d"]`, `apply = ["d", "{{reason}}", "{{to}}"]`, "never becomes an argument"},
		{`["d"]`, `apply = ["d", "{{To}}"]`, "no field"},
		{`["d"]`, `apply = ["ssh", "h", "set {{to}}"]`, "may stand beside"},
		{`["d"]`, `apply = ["python3", "-c", "set('{{to}}')"]`, "may stand beside"},
		{`["d", "a\u0000b"]`, good, "zero byte"},
		{`["d"]`, good + "\n" + `env = ["A=b"]`, "not the name of a variable"},
		{`["d"]`, good + "\n" + `timeout = "-1s"`, "no time to wait"},
	} {
		section := "current = " + c.current + "\n" + c.apply
		_, err := Open(info("command"), fromTOML(section))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", section, err, c.want)
		}
	}
}

func TestOnlyPlainValuesBecomeArguments(t *testing.T) {
	argv := []string{"d", "--to={{to}}", "{{from}}", "a b"}
	got, err := fill(argv, health.Plan{To: "v31", From: "registry/x:1.2@sha256-abc"}, "op")
	if err != nil || strings.Join(got, "|") != "d|--to=v31|registry/x:1.2@sha256-abc|a b" {
		t.Errorf("filled as %q, %v", got, err)
	}
	if w := words(got); w != `d --to=v31 registry/x:1.2@sha256-abc "a b"` {
		t.Errorf("shown as %s", w)
	}
	for _, bad := range []string{"", "-v31", "--help", "v31 x", "v31;x", "$(x)", "`x`", "v31\n", "v31\x00", "{{from}}", "../x", "v\u0440", "@file", strings.Repeat("v", 129)} {
		if _, err := fill(argv, health.Plan{To: bad, From: "v1"}, "op"); err == nil {
			t.Errorf("%q became an argument", bad)
		}
	}
}

func TestTheArgumentsAreInThePlan(t *testing.T) {
	w := commandWorld(t)
	p, err := w.target.Plan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if last := p.Diff[len(p.Diff)-1]; !strings.HasPrefix(last, "$ ") || !strings.HasSuffix(last, " apply --to v31 --expect v32") {
		t.Errorf("diff %q", p.Diff)
	}
}

func TestEveryExitCodeHasItsClass(t *testing.T) {
	unknown := errors.New("unknown")
	for code, want := range map[int]error{0: nil, 1: unknown, 2: unknown, 3: ErrMoved, 4: ErrDenied, 5: ErrFailed, 126: unknown} {
		target, err := tool(t, file(t, "state", "v32"), fmt.Sprintf(`apply = [ME, "exit", "%d", "{{to}}"]`, code))
		if err != nil {
			t.Fatal(err)
		}
		err = target.Execute(t.Context(), health.Plan{To: "v31", From: "v32"}, "op", "x")
		if got := class(err, unknown); got != want {
			t.Errorf("exit code %d is %v, class %v, want %v", code, err, got, want)
		}
		if err != nil && !strings.Contains(err.Error(), "because ␛[2J of it") {
			t.Errorf("exit code %d says %q", code, err)
		}
	}
}

func TestACommandThatCannotStartHasDoneNothing(t *testing.T) {
	target, err := tool(t, file(t, "state", "v32"), `apply = ["/nowhere/deploy", "{{to}}"]`)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Execute(t.Context(), health.Plan{To: "v31"}, "op", "x"); !errors.Is(err, ErrFailed) {
		t.Errorf("it says %v, want ErrFailed", err)
	}
	if err := target.Execute(t.Context(), health.Plan{To: "-v31"}, "op", "x"); !errors.Is(err, ErrFailed) {
		t.Errorf("a value that is no argument: %v, want ErrFailed", err)
	}
}

func TestACommandSeesACleanEnvironment(t *testing.T) {
	t.Setenv("DEPLOY_PROFILE", "prod")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "nobody-needs-this")
	target, err := tool(t, file(t, "state", "v32"), `current = [ME, "env"]`)
	if err != nil {
		t.Fatal(err)
	}
	out, err := target.(*commandTarget).run(t.Context(), target.(*commandTarget).commandConfig.Current)
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"nobody-needs-this", "DEPLOY_PROFILE"} {
		if strings.Contains(string(out), leak) {
			t.Errorf("the command sees %s: %s", leak, out)
		}
	}
	for _, need := range []string{"PATH=", "SICKBAY_TEST_ROLE=tool"} {
		if !strings.Contains(string(out), need) {
			t.Errorf("the command does not see %s: %s", need, out)
		}
	}
}

func TestACommandThatPrintsTooMuchIsSaid(t *testing.T) {
	target, err := tool(t, file(t, "state", "v32"), `current = [ME, "flood"]`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.Current(t.Context()); err == nil || !strings.Contains(err.Error(), "more than 1 MB") {
		t.Errorf("it says %v", err)
	}
}

func TestTheWholeProcessGroupEndsAtTheDeadline(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	write(t, state, "v32")
	target, err := tool(t, state, `apply = [ME, "child", "`+filepath.Join(dir, "pid")+`", "{{to}}"]`)
	if err != nil {
		t.Fatal(err)
	}
	target.(*commandTarget).Timeout = 700 * time.Millisecond
	start := time.Now()
	err = target.Execute(t.Context(), health.Plan{To: "v31"}, "op", "x")
	if err == nil || class(err, nil) != nil || time.Since(start) > time.Minute {
		t.Errorf("ended with %v after %s, want unknown at the deadline", err, time.Since(start))
	}
	pid, err := strconv.Atoi(string(readIf(filepath.Join(dir, "pid"))))
	if err != nil {
		t.Skip("the child had no time to start")
	}
	if !diesSoon(pid) {
		t.Errorf("process %d outlived its group", pid)
	}
}

func TestCurrentIsAVersionOrAnObject(t *testing.T) {
	for _, c := range []struct{ out, want, history string }{
		{"v32\n", "v32", ""},
		{` {"current":"v32","token":"t-1","versions":["v33","v32","v31"]}`, "v32", "v33 v31"},
		{`{"current":"v32","versions":[{"version":"v31","note":"n"},"-x"]}`, "v32", "v31"},
		{"v32 v33", "", ""}, {"", "", ""}, {"{", "", ""}, {`{"current":""}`, "", ""}, {"-v", "", ""}, {`{"current":"a b"}`, "", ""},
	} {
		s, err := parseCommandState([]byte(c.out))
		if (err != nil) != (c.want == "") || s.Version != c.want {
			t.Errorf("%q: %+v, %v, want %q", c.out, s, err, c.want)
		}
		var got []string
		for _, v := range s.History {
			got = append(got, v.ID)
		}
		if strings.Join(got, " ") != c.history {
			t.Errorf("%q: history %q, want %q", c.out, got, c.history)
		}
	}
}

func FuzzCommandState(f *testing.F) {
	f.Add([]byte("v32\n"))
	f.Add([]byte(`{"current":"v32","token":"t","versions":["v31",{"version":"v30","at":"2026-11-20T10:00:00Z"}]}`))
	f.Add([]byte("v31 a note\n\n-v\nv30"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseCommandState(b); err == nil {
			checkState(t, s)
		}
		for _, v := range parseVersions(b) {
			if !value.MatchString(v.ID) {
				t.Errorf("%q was read as a version", v.ID)
			}
		}
	})
}

func FuzzArguments(f *testing.F) {
	f.Add("d", "--to={{to}}", "v31")
	f.Add("sh", "-c", "x")
	f.Add("d", "{{to}}{{from}}", "--help")
	f.Fuzz(func(t *testing.T, program, arg, to string) {
		argv := []string{program, arg}
		if checkArgv(argv, []string{"to", "from"}) != nil {
			return
		}
		got, err := fill(argv, health.Plan{To: to, From: "v1"}, "op")
		if err != nil {
			return
		}
		if len(got) != 2 || got[0] != program || strings.Contains(got[1], "{{to}}") && !strings.Contains(to, "{{") {
			t.Errorf("%q with %q became %q", argv, to, got)
		}
	})
}
