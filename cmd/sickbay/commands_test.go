package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"sickbay/packs"
	"sickbay/themes"
)

// everyCommand is each command there is, sickbay itself and cobra's own included.
func everyCommand(t *testing.T) []*cobra.Command {
	root := (&app{getenv: func(string) string { return "" }}).root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	var all []*cobra.Command
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		all = append(all, c)
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	walk(root)
	if len(all) < 15 {
		t.Fatalf("only %d commands", len(all))
	}
	return all
}

// pathOf is a command as typed, without the program's name.
func pathOf(c *cobra.Command) []string { return strings.Fields(c.CommandPath())[1:] }

func TestEveryCommandSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	for _, c := range everyCommand(t) {
		if c.Short == "" {
			t.Errorf("%s has no Short", c.CommandPath())
		}
		s := newConsole(t).want(0, append(pathOf(c), "--help")...)
		if !strings.Contains(s.out, "Usage:\n  "+c.CommandPath()) || s.err != "" {
			t.Errorf("%s --help: out %q err %q", c.CommandPath(), clip(s.out), s.err)
		}
	}
}

func TestAFlagNobodyKnowsIsAUsageError(t *testing.T) {
	t.Parallel()
	for _, c := range everyCommand(t) {
		if c.Name() == "help" {
			continue // it takes whatever follows for a command's name
		}
		s := newConsole(t).want(exitUsage, append(pathOf(c), "--no-such-flag")...)
		if want := "sickbay: unknown flag: --no-such-flag; " + c.CommandPath() + " --help shows how it is called\n"; s.err != want || s.out != "" {
			t.Errorf("%s: out %q, err %q, want %q", c.CommandPath(), s.out, s.err, want)
		}
	}
}

func TestEverySubcommandOfTheDesignIsThere(t *testing.T) {
	t.Parallel()
	for _, name := range strings.Fields("check demo doctor journal man packs rollback snapshot themes version") { // completion comes with cobra
		if commands[name] == nil {
			t.Errorf("there is no subcommand %s", name)
		}
	}
}

// TestWhatIsWrongIsSaidWithTheWayOut: every refusal has its exit code, says what is
// wrong and what can be done, on stderr and in one line unless a file has many faults.
func TestWhatIsWrongIsSaidWithTheWayOut(t *testing.T) {
	t.Parallel()
	const nobody = "127.0.0.1:1" // port 1: connection refused
	timeout := written(t, "[[source]]\nkind = \"prometheus\"\nname = \"main\"\nurl = \"http://"+nobody+"\"\ntimout = \"10s\"\n")
	many := written(t, "windo = \"1h\"\nrefresh = \"soon\"\ntheme = \"drak\"\n")
	keys := written(t, "[[source]]\nkind = \"prometheus\"\nname = \"main\"\nurl = \"http://"+nobody+"\"\n[keys]\nquitt = \"x\"\n")
	for _, c := range []struct {
		args string
		env  string // NAME=VALUE
		code int
		says []string
	}{
		{"chek", "", exitUsage, []string{`unknown command "chek"`, "did you mean check?"}},
		{"check surplus", "", exitUsage, []string{`"surplus"`, "sickbay check --help"}},
		{"rollback", "", exitUsage, []string{"one SERVICE", "sickbay rollback --help"}},
		{"rollback a b --reason because-it-is-bad", "", exitUsage, []string{"one SERVICE", "2 are named"}},
		{"rollback support-chat", "", exitUsage, []string{"--reason", "at least 10 characters"}},
		{"rollback support-chat --reason short", "", exitUsage, []string{"--reason", "at least 10 characters"}},
		{"rollback support-chat --reason quality-fell-after-v32 --prometheus http://" + nobody, "", exitUsage, []string{"nothing was done", "read-only", "--write"}},
		{"man nosuch", "", exitUsage, []string{`"nosuch"`, "sickbay --help"}},
		{"man check surplus", "", exitUsage, []string{"sickbay man --help"}},
		{"packs nosuch", "", exitUsage, []string{`"nosuch"`, "sickbay packs lists them"}},
		{"journal nosuch", "", exitUsage, []string{`"nosuch"`, "sickbay journal --help"}},
		{"journal verfy", "", exitUsage, []string{`"verfy"`, "did you mean verify?"}},
		{"journal export --format pdf", "", exitUsage, []string{`"pdf"`, "md or json"}},
		{"journal show", "", exitFailed, []string{"no journal yet at", "journal.jsonl"}},
		{"journal show /no/such/file", "", exitFailed, []string{"/no/such/file", "no such file"}},
		{"demo", "", exitUsage, []string{"not a terminal", "--no-tui"}},
		{"demo --scenario bad-promt", "", exitUsage, []string{`"bad-promt"`, "bad-prompt"}},
		{"demo --no-tui --listen nonsense", "", exitFailed, []string{"nonsense", "missing port"}},
		{"snapshot --size 120", "", exitUsage, []string{`"120"`, "120x40"}},
		{"snapshot --size 0x5", "", exitUsage, []string{`"0x5"`, "120x40"}},
		{"snapshot --size 80x24x3", "", exitUsage, []string{`"80x24x3"`, "120x40"}},
		{"snapshot --size 9999x9999", "", exitUsage, []string{`"9999x9999"`, "500x200"}},
		{"snapshot --size -5x10", "", exitUsage, []string{`"-5x10"`}},
		{"snapshot --view overvew", "", exitUsage, []string{`"overvew"`, "overview, service"}},
		{"snapshot --format png", "", exitUsage, []string{`"png"`, "text, ansi, svg or json"}},
		{"snapshot --theme drak --prometheus http://" + nobody, "", exitUsage, []string{`"drak"`, "default, high-contrast, light"}},
		{"snapshot --window 3 --prometheus http://" + nobody, "", exitUsage, []string{`--window "3"`, "15m, 1h or 7d"}},
		{"snapshot --at noon --prometheus http://" + nobody, "", exitUsage, []string{`--at "noon"`, "13:50 (UTC)"}},
		{"check --at yesterday --prometheus http://" + nobody, "", exitUsage, []string{`--at "yesterday"`, "13:50 (UTC)"}},
		{"--prometheus http://" + nobody, "", exitUsage, []string{"not a terminal", "sickbay snapshot"}},

		{"check", "", exitConfig, []string{"nobody to ask", "--prometheus URL", "sickbay demo"}},
		{"check --config /no/such.toml", "", exitConfig, []string{"/no/such.toml", "--config", "no such file"}},
		{"check", "SICKBAY_CONFIG=/no/such.toml", exitConfig, []string{"/no/such.toml", "$SICKBAY_CONFIG", "no such file"}},
		{"check", "SICKBAY_WINDOW=soon", exitConfig, []string{"SICKBAY_WINDOW", "soon"}},
		{"check --config " + timeout, "", exitConfig, []string{timeout, `"timout"`, `did you mean "timeout"?`}},
		{"check --config " + many, "", exitConfig, []string{many + ":1", `"windo"`, `"window"?`, many + ":2", "refresh", many + ":3", `"drak"`, "default"}},
		{"check --prometheus not-a-url", "", exitConfig, []string{"command line", "url", "http"}},
		{"check --config " + keys, "", exitConfig, []string{keys, `"quitt"`, `did you mean "quit"?`}},
	} {
		t.Run(c.args+" "+c.env, func(t *testing.T) {
			person := newConsole(t)
			if name, value, ok := strings.Cut(c.env, "="); ok {
				person.env[name] = value
			}
			s := person.want(c.code, strings.Fields(c.args)...)
			if s.out != "" {
				t.Errorf("on stdout: %q", clip(s.out))
			}
			if !strings.HasPrefix(s.err, "sickbay: ") || !strings.HasSuffix(s.err, "\n") {
				t.Errorf("not a line of sickbay: %q", s.err)
			}
			for _, part := range c.says {
				if !strings.Contains(s.err, part) {
					t.Errorf("it says %q, without %q", s.err, part)
				}
			}
		})
	}
}

func TestEveryShellGetsItsCompletion(t *testing.T) {
	t.Parallel()
	for shell, sign := range map[string]string{
		"bash": "complete -o default -F __start_sickbay sickbay", "zsh": "#compdef sickbay", "fish": "complete -c sickbay", "powershell": "Register-ArgumentCompleter -CommandName 'sickbay'",
	} {
		if s := newConsole(t).want(0, "completion", shell); !strings.Contains(s.out, sign) {
			t.Errorf("%s: no %q in %q", shell, sign, clip(s.out))
		}
	}
}

func TestTheManualHasAPageForEveryCommand(t *testing.T) {
	t.Parallel()
	whole := newConsole(t).want(0, "man").out
	for _, part := range []string{`.TH "SICKBAY" "1" "" `, "Prometheus", "--write", "sickbay-demo(1)"} {
		if !strings.Contains(strings.ReplaceAll(whole, `\-`, "-"), part) {
			t.Errorf("the page has no %q", part)
		}
	}
	for name := range commands {
		page := newConsole(t).want(0, "man", name).out
		if want := `.TH "SICKBAY-` + strings.ToUpper(name) + `" "1" "" `; !strings.Contains(page, want) {
			t.Errorf("%s: no %q in %q", name, want, clip(page))
		}
		if page != newConsole(t).want(0, "man", name).out {
			t.Errorf("%s: the page is another each time", name)
		}
	}
}

func TestPacksAreListedAndEachIsDescribedWithItsQueries(t *testing.T) {
	t.Parallel()
	list := newConsole(t).want(0, "packs").out
	if n, want := strings.Count(list, "\n"), len(packs.All()); n != want {
		t.Errorf("%d lines for %d packs:\n%s", n, want, list)
	}
	for _, p := range packs.All() {
		if !strings.Contains(list, p.ID) {
			t.Errorf("%s is not in the list", p.ID)
		}
		s := newConsole(t).want(0, "packs", p.ID)
		for _, sig := range p.Signals {
			if !strings.Contains(s.out, "\n"+sig.ID+"\n    ") {
				t.Errorf("%s does not show the query of %s", p.ID, sig.ID)
			}
		}
		for _, left := range []string{"$by", "$rate", "$window"} {
			if strings.Contains(s.out, left) {
				t.Errorf("%s: a query with %s in it cannot be pasted into a Prometheus", p.ID, left)
			}
		}
	}
}

func TestThemesAreListed(t *testing.T) {
	t.Parallel()
	s := newConsole(t).want(0, "themes")
	for _, name := range themes.Names() {
		if !strings.Contains(s.out, "\n"+name) && !strings.HasPrefix(s.out, name) {
			t.Errorf("%s is not in %q", name, s.out)
		}
	}
	if strings.Contains(s.out, "\x1b") {
		t.Errorf("colours into a file: %q", s.out)
	}
}

func TestTheVersionIsOneLine(t *testing.T) {
	t.Parallel()
	if s := newConsole(t).want(0, "version"); !strings.HasPrefix(s.out, "sickbay "+version+" (go") || strings.Count(s.out, "\n") != 1 {
		t.Errorf("%q", s.out)
	}
}

func TestAPackOfTheUsersOwnNeedsNoConfig(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	home := t.TempDir()
	c.env["XDG_CONFIG_HOME"] = home
	if err := os.MkdirAll(filepath.Join(home, "sickbay", "packs"), 0o755); err != nil {
		t.Fatal(err)
	}
	own := "title = \"Mine\"\nkind = \"llm\"\nread = \"our own source, 2026\"\ndetect = [\"mine_requests_total\"]\nidentity = [\"service\"]\n" +
		"sample = '''\nmine_requests_total{service=\"a\"} 1\n'''\n[[signal]]\nid = \"traffic\"\nquery = \"sum by ($by) (rate(mine_requests_total[$rate]))\"\n"
	if err := os.WriteFile(filepath.Join(home, "sickbay", "packs", "mine.toml"), []byte(own), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := c.want(0, "packs", "mine").out; !strings.Contains(out, "mine_requests_total") {
		t.Errorf("it says\n%s", out)
	}
}
