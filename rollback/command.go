package rollback

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "command",
		Doc: "Programs that say what runs and take it back, given as lists of arguments; no shell. " +
			"apply ends with 0 taken, 3 the target has moved, 4 not allowed, 5 refused and nothing was done; anything else is unknown.",
		Example: `service = "fraud-score"
kind = "model"
driver = "command"
current = ["modelctl", "current", "fraud-score"]
history = ["modelctl", "versions", "fraud-score"]
apply = ["modelctl", "set", "fraud-score", "--to", "{{to}}", "--expect", "{{from}}"]
env = ["MODELCTL_PROFILE"]
timeout = "15s"
`,
		Open: openCommand,
	})
}

type commandConfig struct {
	Current []string      `toml:"current"` // prints the version, or JSON with current, versions, token, ready, blocked
	History []string      `toml:"history"` // prints one version a line, newest first; optional
	Apply   []string      `toml:"apply"`   // {{to}} {{from}} {{token}} {{op}}
	Env     []string      `toml:"env"`     // names of variables to pass on, beside PATH, HOME, KUBECONFIG
	Timeout time.Duration `toml:"timeout"`
}

type commandTarget struct {
	info health.Target
	commandConfig
	caps Caps
}

// Exit codes of apply that say for certain what happened. Every other one but 0
// leaves it unknown: a tool that fails half way ends with 1, too.
const (
	exitMoved  = 3
	exitDenied = 4
	exitFailed = 5
)

func openCommand(info health.Target, decode Decode) (Target, error) {
	c := commandConfig{Timeout: defaultTimeout}
	if err := decode(&c); err != nil {
		return nil, err
	}
	if c.Timeout <= 0 {
		return nil, fmt.Errorf("timeout: %s is no time to wait; try \"15s\"", c.Timeout)
	}
	for _, part := range []struct {
		name   string
		argv   []string
		fields []string
		must   bool
	}{
		{"current", c.Current, nil, true},
		{"history", c.History, nil, false},
		{"apply", c.Apply, []string{"to", "from", "token", "op"}, true},
	} {
		if len(part.argv) == 0 && !part.must {
			continue
		}
		if err := checkArgv(part.argv, part.fields); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if !uses(c.Apply, "to") {
		return nil, errors.New("apply: it is never told where to go; add \"{{to}}\"")
	}
	for _, name := range c.Env {
		if !envName.MatchString(name) {
			return nil, fmt.Errorf("env: %q is not the name of a variable; values do not belong here", name)
		}
	}
	return &commandTarget{info: info, commandConfig: c, caps: commandCaps(c.Apply, c.Timeout)}, nil
}

func commandCaps(apply []string, timeout time.Duration) Caps {
	c := Caps{Deadline: timeout, CompareAndSwap: uses(apply, "from") || uses(apply, "token"), Idempotent: uses(apply, "op"), Words: "runs " + apply[0]}
	if c.CompareAndSwap {
		c.Words += ", which is told what to expect (whether it compares is up to it)"
	} else {
		c.Words += " · no compare-and-swap"
	}
	return c
}

var (
	envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	field   = regexp.MustCompile(`\{\{([^{}]*)\}\}`)
	around  = regexp.MustCompile(`^[A-Za-z0-9._:/@=,+-]*$`)               // what may stand beside a field
	value   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$`) // what a field may become
	shell   = regexp.MustCompile(`^(ba|da|z|k|mk|a|c|tc|fi)?sh$|^(cmd|powershell|pwsh)(\.exe)?$`)
	dashC   = regexp.MustCompile(`^(-[A-Za-z]*c[A-Za-z]*|--command|/[cC]|-Command)(=.*)?$`)
)

// checkArgv refuses what could make a shell read a value, and fields that do not
// exist.
func checkArgv(argv, fields []string) error {
	if len(argv) == 0 || argv[0] == "" {
		return errors.New("no command is given; write a list of arguments, the program first")
	}
	if isShell(argv) {
		return errors.New("a shell that reads a command from its arguments is refused; put it into a script and name the script")
	}
	for i, a := range argv {
		if strings.ContainsRune(a, 0) {
			return errors.New("an argument contains a zero byte")
		}
		if !strings.Contains(a, "{{") && !strings.Contains(a, "}}") {
			continue
		}
		if err := checkField(a, i, fields); err != nil {
			return err
		}
	}
	return nil
}

// isShell finds "sh -c" also behind env, sudo, nice and the like, and inside an
// argument that is a command line of its own.
func isShell(argv []string) bool {
	all := strings.Fields(strings.Join(argv, " "))
	for i, a := range all {
		if shell.MatchString(filepath.Base(strings.Trim(a, `'"`))) && slices.ContainsFunc(all[i+1:], dashC.MatchString) {
			return true
		}
	}
	return argv[0] == "eval" || strings.ContainsAny(argv[0], " \t\n|&;<>$`")
}

func checkField(arg string, i int, fields []string) error {
	found := field.FindAllStringSubmatchIndex(arg, -1)
	switch {
	case len(fields) == 0:
		return fmt.Errorf("%q: only apply has fields", arg)
	case i == 0:
		return errors.New("the program itself cannot be a field")
	case len(found) != 1:
		return fmt.Errorf("%q: one {{field}} in one argument", arg)
	}
	name := arg[found[0][2]:found[0][3]]
	if !slices.Contains(fields, name) {
		return fmt.Errorf("%q: there is no field %q, only %s; a reason is free text and never becomes an argument",
			arg, name, strings.Join(fields, ", "))
	}
	if !around.MatchString(arg[:found[0][0]] + arg[found[0][1]:]) {
		return fmt.Errorf("%q: only letters, digits and ._:/@=,+- may stand beside a field", arg)
	}
	return nil
}

func uses(argv []string, name string) bool {
	return slices.ContainsFunc(argv, func(a string) bool { return strings.Contains(a, "{{"+name+"}}") })
}

// fill puts the values of a plan into the arguments.
func fill(argv []string, p health.Plan, op string) ([]string, error) {
	values := map[string]string{"to": p.To, "from": p.From, "token": p.Token, "op": op}
	out := make([]string, len(argv))
	for i, a := range argv {
		m := field.FindStringSubmatch(a)
		if m == nil {
			out[i] = a
			continue
		}
		v := values[m[1]]
		if !value.MatchString(v) {
			return nil, fmt.Errorf("%s %q cannot be an argument: letters, digits and ._:/@- only, at most 128", m[1], tidy(v, 60))
		}
		out[i] = strings.Replace(a, m[0], v, 1)
	}
	return out, nil
}

func (t *commandTarget) Info() health.Target { return t.info }
func (t *commandTarget) Caps() Caps          { return t.caps }

func (t *commandTarget) Current(ctx context.Context) (State, error) {
	s, err := t.read(ctx)
	if err != nil {
		return State{}, unread(t, err)
	}
	s.At = time.Now()
	return s, nil
}

func (t *commandTarget) read(ctx context.Context) (State, error) {
	out, err := t.run(ctx, t.commandConfig.Current)
	if err != nil {
		return State{}, err
	}
	s, err := parseCommandState(out)
	if err != nil || len(t.History) == 0 {
		return s, err
	}
	out, err = t.run(ctx, t.History)
	if err != nil {
		return State{}, err
	}
	listed := stateOf(s.Version, parseVersions(out))
	s.History, s.Back = listed.History, listed.Back
	return s, nil
}

// parseCommandState reads what current prints: one version, or an object like
// the one of the http target with a token beside.
func parseCommandState(out []byte) (State, error) {
	out = bytes.TrimSpace(out)
	if !bytes.HasPrefix(out, []byte("{")) {
		if !value.Match(out) {
			return State{}, fmt.Errorf("%q is no version", tidy(string(out), 60))
		}
		return State{Version: string(out), Ready: true}, nil
	}
	var a struct {
		Current  string
		Token    string
		Ready    *bool
		Blocked  string
		Versions []commandVersion
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return State{}, fmt.Errorf("it prints something like JSON that is not: %s", tidy(string(out), 80))
	}
	if !value.MatchString(a.Current) {
		return State{}, fmt.Errorf("%q is no version", tidy(a.Current, 60))
	}
	s := State{Version: a.Current}
	if a.Versions != nil {
		var versions []health.Version
		for _, v := range a.Versions {
			versions = append(versions, health.Version{ID: v.Version, At: v.At, Note: v.Note})
		}
		s = stateOf(a.Current, usable(versions))
	}
	s.Token, s.Blocked = a.Token, tidy(a.Blocked, 200)
	s.Ready = a.Ready == nil || *a.Ready
	return s, nil
}

// commandVersion is a version as a string or as the object of the http target.
type commandVersion struct{ httpVersion }

func (v *commandVersion) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		return json.Unmarshal(b, &v.Version)
	}
	return json.Unmarshal(b, &v.httpVersion)
}

// parseVersions reads one version a line, newest first; what follows the version
// on its line is a note.
func parseVersions(out []byte) []health.Version {
	versions := []health.Version{}
	for line := range strings.Lines(string(out)) {
		id, note, _ := strings.Cut(strings.TrimSpace(line), " ")
		versions = append(versions, health.Version{ID: id, Note: note})
	}
	return usable(versions)
}

// usable keeps the versions that may become an argument.
func usable(versions []health.Version) []health.Version {
	return slices.DeleteFunc(versions, func(v health.Version) bool { return !value.MatchString(v.ID) })
}

func (t *commandTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	s, err := t.Current(ctx)
	if err != nil {
		return health.Plan{}, err
	}
	p, err := draft(t.info, t.caps, s, to, time.Now())
	if err != nil {
		return health.Plan{}, err
	}
	argv, err := fill(t.Apply, p, p.ID)
	if err != nil {
		return health.Plan{}, fmt.Errorf("%s: %w", t.info.Name, err)
	}
	p.Diff = append(p.Diff, "$ "+words(argv))
	return p, nil
}

// words shows arguments so that their borders can be seen.
func words(argv []string) string {
	var out []string
	for _, a := range argv {
		if !around.MatchString(a) || a == "" {
			a = strconv.Quote(a)
		}
		out = append(out, tidy(a, 120))
	}
	return strings.Join(out, " ")
}

func (t *commandTarget) Execute(ctx context.Context, p health.Plan, op, _ string) error {
	argv, err := fill(t.Apply, p, op)
	if err != nil {
		return fmt.Errorf("%w: nothing was started: %w", ErrFailed, err)
	}
	_, err = t.run(ctx, argv)
	var ended *exitError
	switch {
	case errors.Is(err, errNotStarted):
		return fmt.Errorf("%w: %w", ErrFailed, err)
	case !errors.As(err, &ended):
		return err
	}
	switch ended.code {
	case exitMoved:
		return fmt.Errorf("%w: %w", ErrMoved, err)
	case exitDenied:
		return fmt.Errorf("%w: %w", ErrDenied, err)
	case exitFailed:
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return err
}
