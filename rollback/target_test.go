package rollback

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"sickbay/health"
)

// fromTOML decodes a section the way the config room does: a key that nobody
// took is an error.
func fromTOML(section string) Decode {
	return func(into any) error {
		var common struct{ Service, Kind, Driver string }
		md, err := toml.Decode(section, &common)
		if err != nil {
			return err
		}
		md2, err := toml.Decode(section, into)
		if err != nil {
			return err
		}
		for _, k := range md2.Undecoded() {
			if k.String() != "service" && k.String() != "kind" && k.String() != "driver" {
				return fmt.Errorf("unknown key %q", k)
			}
		}
		_ = md
		return nil
	}
}

func info(driver string) health.Target {
	return health.Target{Name: "support-chat/prompt", Service: "support-chat", Kind: "prompt", Driver: driver}
}

// A world is a target on something that runs v32 and knows v33, v32, v31, v30.
type world struct {
	target Target
	writes func() int    // how often it was changed through the target
	runs   func() string // the version it runs now
	move   func()        // somebody else sets it to v33
	hang   func()        // from now on nobody answers

	// Of servers: from now on every answer is this code and repeats the credentials.
	fail func(code int)
	// The same of every answer to a write.
	refuse func(code int)
	sent   func() int // how many writes were asked for, kept or not

	// What it runs and knows, if that is not v32 and v33, v31, v30: newer, current,
	// before and long before, in its own names; "" where there is none.
	names [4]string
	order []string // of the others, where a refusal lists them in another order
	moved string   // what move sets it to; "": the newer one
}

func (w world) name(i int) string {
	if w.names == [4]string{} {
		return [4]string{"v33", "v32", "v31", "v30"}[i]
	}
	return w.names[i]
}

// others are the versions known beside the current one, as a refusal lists them.
func (w world) others() string {
	all := w.order
	for _, i := range []int{0, 2, 3} {
		if w.order != nil {
			break
		}
		if w.name(i) != "" {
			all = append(all, w.name(i))
		}
	}
	return strings.Join(all, ", ")
}

// worlds has one for every kind: a new kind needs one too.
var worlds = map[string]func(t *testing.T) world{
	"http":    httpWorld,
	"command": commandWorld,

	"kubernetes":             kubernetesWorld,
	"kubernetes statefulset": statefulWorld,
	"mlflow":                 mlflowWorld,
	"langfuse":               langfuseWorld,
	"litellm":                litellmWorld,
	"launchdarkly":           launchDarklyWorld,
	"flagd":                  flagdWorld,
	"github":                 githubWorld,
	"gitlab":                 gitlabWorld,
	"argocd":                 argocdWorld,
	"argo-rollouts":          rolloutsWorld,
	"kserve":                 kserveWorld,
	"helm":                   helmWorld,
	"bundle":                 bundleWorld,
}

func TestEveryTarget(t *testing.T) {
	for _, k := range Kinds() {
		if worlds[k.Name] == nil {
			t.Errorf("%s has no world to be tested in; add one to worlds", k.Name)
		}
		t.Run(k.Name+": its example decodes, and a misspelt key does not", func(t *testing.T) { exampleDecodes(t, k) })
	}
	for name, make := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Run("a plan changes nothing", func(t *testing.T) { planChangesNothing(t, make(t)) })
			t.Run("a plan says where it cannot go", func(t *testing.T) { planRefuses(t, make(t)) })
			t.Run("execute does it once and reads back", func(t *testing.T) { executeWorks(t, make(t)) })
			t.Run("execute refuses a target that has moved", func(t *testing.T) { executeRefuses(t, make(t)) })
			t.Run("everything ends with its context", func(t *testing.T) { everythingEnds(t, make(t)) })
			t.Run("it says what it guarantees", func(t *testing.T) { capsAreSaid(t, make(t)) })
			t.Run("refusals have their class and no credentials", func(t *testing.T) { refusalsAreClassed(t, make(t)) })
			t.Run("a refused write has its class", func(t *testing.T) { writesAreClassed(t, name, make(t)) })
		})
	}
}

// capsAreSaid: a target without compare-and-swap says so, in its words and in its plan.
func capsAreSaid(t *testing.T, w world) {
	c := w.target.Caps()
	if c.Words == "" {
		t.Error("it guarantees nothing, and does not say so")
	}
	p, err := w.target.Plan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if warned := strings.Contains(strings.Join(p.Warnings, "\n"), "no compare-and-swap"); warned == c.CompareAndSwap {
		t.Errorf("compare-and-swap is %v, and the plan warns of %q", c.CompareAndSwap, p.Warnings)
	}
	if !c.CompareAndSwap && !strings.Contains(c.Words, "no compare-and-swap") {
		t.Errorf("no compare-and-swap, and its words are %q", c.Words)
	}
}

func refusalsAreClassed(t *testing.T, w world) {
	if w.fail == nil {
		t.Skip("nobody answers it with a code")
	}
	p, err := w.target.Plan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	before := w.sent()
	for code, class := range map[int]error{401: ErrDenied, 403: ErrDenied, 404: ErrFailed, 429: ErrFailed, 500: nil, 503: nil} {
		w.fail(code)
		_, read := w.target.Current(t.Context())
		_, plan := w.target.Plan(t.Context(), "")
		write := w.target.Execute(t.Context(), p, p.ID, "worse answers")
		for what, err := range map[string]error{"Current": read, "Plan": plan, "Execute": write} {
			if err == nil || !strings.Contains(err.Error(), fmt.Sprint(code)) || strings.Contains(err.Error(), secretToken) {
				t.Errorf("%s at %d: %v", what, code, err)
			}
		}
		if class == ErrDenied && !errors.Is(read, ErrDenied) {
			t.Errorf("Current at %d is %v", code, read)
		}
	}
	if w.writes() != 0 || w.sent() > before+6 {
		t.Errorf("written %d times, and asked for %d times", w.writes(), w.sent()-before)
	}
}

// writesAreClassed: what a code says about whether something happened. Nil is that nobody
// can tell.
func writesAreClassed(t *testing.T, name string, w world) {
	if w.refuse == nil || name == "helm" {
		t.Skip("its write is answered by no code")
	}
	p, err := w.target.Plan(t.Context(), w.name(2))
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]error{400: ErrFailed, 401: ErrDenied, 403: ErrDenied, 404: ErrFailed, 409: ErrMoved, 412: ErrMoved, 422: ErrFailed, 429: ErrFailed, 500: nil, 502: nil, 503: nil}
	switch name {
	case "kubernetes", "kubernetes statefulset", "argo-rollouts", "kserve":
		want[422] = ErrMoved // a failed test of a JSON Patch
	case "litellm":
		want[400] = nil // it may come after the write
	}
	before := w.sent()
	for code, class := range want {
		w.refuse(code)
		err := w.target.Execute(t.Context(), p, p.ID, "worse answers")
		if err == nil || !strings.Contains(err.Error(), fmt.Sprint(code)) || strings.Contains(err.Error(), secretToken) {
			t.Errorf("%d: %v", code, err)
		}
		for _, c := range []error{ErrMoved, ErrDenied, ErrFailed, ErrPartial} {
			if errors.Is(err, c) != (c == class) {
				t.Errorf("%d is %v, want %v", code, err, class)
			}
		}
	}
	if w.writes() != 0 || w.sent() != before+len(want) {
		t.Errorf("written %d times, and asked for %d times, want one attempt each of %d", w.writes(), w.sent()-before, len(want))
	}
}

func exampleDecodes(t *testing.T, k Kind) {
	if k.Doc == "" || !strings.Contains(k.Example, `driver = "`+k.Name+`"`) {
		t.Errorf("doc %q, example %q: both are shown to people", k.Doc, k.Example)
	}
	if _, err := Open(info(k.Name), fromTOML(k.Example)); err != nil {
		t.Errorf("its own example is refused: %v", err)
	}
	_, err := Open(info(k.Name), fromTOML("timout = \"15s\"\n"+k.Example))
	if err == nil || !strings.Contains(err.Error(), "timout") || !strings.Contains(err.Error(), `"support-chat/prompt"`) {
		t.Errorf("a misspelt key gives %v", err)
	}
}

func planChangesNothing(t *testing.T, w world) {
	p, err := w.target.Plan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if p.From != w.name(1) || p.To != w.name(2) {
		t.Errorf("from %s to %s, want %s to %s: %s is not before it", p.From, p.To, w.name(1), w.name(2), w.name(0))
	}
	if p.ID == "" || p.Target != "support-chat/prompt" || p.Service != "support-chat" || p.Kind != "prompt" || p.Expires.Sub(p.At) != planAge {
		t.Errorf("the plan is not filled: %+v", p)
	}
	if len(p.Diff) < 2 || !strings.HasPrefix(p.Diff[0], "- prompt "+w.name(1)) || !strings.HasPrefix(p.Diff[1], "+ prompt "+w.name(2)) {
		t.Errorf("diff %q", p.Diff)
	}
	if old := w.name(3); old != "" {
		q, err := w.target.Plan(t.Context(), old)
		if err != nil || q.To != old || q.ID == p.ID {
			t.Errorf("to %s: %+v, %v", old, q, err)
		}
	}
	if w.writes() != 0 || w.runs() != w.name(1) {
		t.Errorf("planning wrote %d times, and it runs %s", w.writes(), w.runs())
	}
}

func planRefuses(t *testing.T, w world) {
	for to, want := range map[string]string{
		w.name(1): "already runs " + w.name(1), "v9": "no version v9; it knows " + w.others(),
		"v31; rm": "is no version", "v\u0440": "is no version", "--help": "no version --help",
	} {
		if _, err := w.target.Plan(t.Context(), to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("to %q: %v, want %q", to, err, want)
		}
	}
}

func executeWorks(t *testing.T, w world) {
	p, err := w.target.Plan(t.Context(), w.name(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.target.Execute(t.Context(), p, p.ID, "worse answers"); err != nil {
		t.Fatal(err)
	}
	s, err := w.target.Current(t.Context())
	if err != nil || s.Version != w.name(2) || !s.Ready || w.writes() != 1 {
		t.Errorf("reads back %+v, %v, written %d times", s, err, w.writes())
	}
	if _, there := find(s.History, w.name(1)); !there || s.Back != w.name(3) || s.At.IsZero() {
		t.Errorf("history %+v, back %q", s.History, s.Back)
	}
}

func executeRefuses(t *testing.T, w world) {
	p, err := w.target.Plan(t.Context(), w.name(2))
	if err != nil {
		t.Fatal(err)
	}
	w.move()
	if err := w.target.Execute(t.Context(), p, p.ID, "worse answers"); !errors.Is(err, ErrMoved) {
		t.Errorf("it says %v, want ErrMoved", err)
	}
	if w.writes() != 0 || w.runs() != or(w.moved, w.name(0)) {
		t.Errorf("written %d times, and it runs %s", w.writes(), w.runs())
	}
}

func everythingEnds(t *testing.T, w world) {
	p, err := w.target.Plan(t.Context(), w.name(2))
	if err != nil {
		t.Fatal(err)
	}
	w.hang()
	for name, do := range map[string]func(context.Context) error{
		"Current": func(ctx context.Context) error { _, err := w.target.Current(ctx); return err },
		"Plan":    func(ctx context.Context) error { _, err := w.target.Plan(ctx, ""); return err },
		"Execute": func(ctx context.Context) error { return w.target.Execute(ctx, p, p.ID, "worse answers") },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		start := time.Now()
		err := do(ctx)
		cancel()
		if err == nil || time.Since(start) > 30*time.Second {
			t.Errorf("%s ended with %v after %s", name, err, time.Since(start))
		}
		if errors.Is(err, ErrMoved) || errors.Is(err, ErrDenied) || errors.Is(err, ErrFailed) && !strings.Contains(err.Error(), "nothing was ") {
			t.Errorf("%s claims that nothing happened: %v", name, err)
		}
	}
}

func TestADraftWarnsOfWhatDeservesASecondThought(t *testing.T) {
	now := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return now.Add(-d) }
	versions := func(cur, prev time.Duration) []health.Version {
		return []health.Version{{ID: "v2", At: at(cur)}, {ID: "v1", At: at(prev), Note: "calm\x1b[2J"}}
	}
	cas := Caps{CompareAndSwap: true}
	day := 24 * time.Hour
	for _, c := range []struct {
		name  string
		caps  Caps
		state State
		to    string
		want  string // part of the warning; empty: none
	}{
		{"all is well", cas, stateOf("v2", versions(time.Hour, day)), "", ""},
		{"no compare-and-swap", Caps{}, stateOf("v2", versions(time.Hour, day)), "", "no compare-and-swap"},
		{"a young version", cas, stateOf("v2", versions(40*time.Second, day)), "", "v2 is only 40 s old"},
		{"an old one to go back to", cas, stateOf("v2", versions(time.Hour, 41*day)), "", "v1 is 41 d old"},
		{"not ready", cas, State{Version: "v2", History: []health.Version{{ID: "v1"}}}, "v1", "not ready"},
		{"no list", cas, State{Version: "v2", Ready: true}, "v1", "nobody checked that v1 exists"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := draft(info("http"), c.caps, c.state, c.to, now)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(p.Warnings, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("warnings %q, want %q", got, c.want)
			}
			if strings.Contains(strings.Join(p.Diff, ""), "\x1b") {
				t.Errorf("an escape came through: %q", p.Diff)
			}
		})
	}
	p, err := draft(info("http"), cas, stateOf("v2", versions(14*time.Minute, 3*day)), "", now)
	if err != nil {
		t.Fatal(err)
	}
	if want := "- prompt v2  deployed 14 m ago | + prompt v1  deployed 3 d ago  calm␛[2J"; strings.Join(p.Diff, " | ") != want {
		t.Errorf("diff %q, want %q", strings.Join(p.Diff, " | "), want)
	}
}

func TestADraftIsRefusedWhereThereIsNothingToGoBackTo(t *testing.T) {
	v1 := []health.Version{{ID: "v1"}}
	for _, c := range []struct {
		name  string
		state State
		to    string
		want  string
	}{
		{"blocked", State{Version: "v2", Blocked: "auto-sync is on"}, "", "cannot be rolled back now: auto-sync is on"},
		{"no current version", State{}, "v1", "does not say what it runs"},
		{"no version before", stateOf("v1", []health.Version{{ID: "v2"}, {ID: "v1"}}), "", "knows no version before v1; name one of v2"},
		{"only one version", stateOf("v1", v1), "", "knows no version but v1"},
		{"no list", State{Version: "v2"}, "", "keeps no list of versions"},
		{"a version with a blank", State{Version: "v2"}, "v 1", "is no version"},
	} {
		_, err := draft(info("http"), Caps{}, c.state, c.to, time.Now())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestAnUnknownKindIsNamed(t *testing.T) {
	if _, err := Open(info("kubectl"), nil); err == nil || !strings.Contains(err.Error(), `"kubectl"`) {
		t.Errorf("it says %v", err)
	}
}

func TestMeIsWhoTheSystemSays(t *testing.T) {
	t.Setenv("SUDO_USER", "ann")
	t.Setenv("SSH_CONNECTION", "10.0.0.7 50001 10.0.0.1 22")
	a := Me()
	if a.User == "" || a.Sudo != "ann" || a.SSH != "10.0.0.7" || a.Host == "" {
		t.Errorf("actor %+v", a)
	}
	if got, want := Who(health.Actor{User: "root", Sudo: "ann", SSH: "10.0.0.7"}), "root (sudo by ann) from 10.0.0.7"; got != want {
		t.Errorf("who is %q, want %q", got, want)
	}
	if got := Who(health.Actor{User: "x\x1b[2J"}); strings.Contains(got, "\x1b") {
		t.Errorf("an escape came through: %q", got)
	}
}

// file is a path in a directory of the test's own.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
