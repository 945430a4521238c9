package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/rollback"
	"sickbay/sources"
)

func TestEveryFaultIsNamedWithItsLineAndAWayOut(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string // what must be said, in this order
	}{
		"empty":        {"", nil},
		"not TOML":     {"window = \"1h\"\n[drift\n", []string{"c.toml:3: "}},
		"a key twice":  {"theme = \"default\"\ntheme = \"light\"\n", []string{"c.toml:2: "}},
		"typos on top": {"windw = \"1h\"\n\n[drif]\n", []string{`c.toml:1: unknown key "windw"; did you mean "window"?`, `c.toml:3: unknown key "drif"; did you mean "drift"?`}},
		"a foreign key": {"# x\ninterval = 3", []string{
			`c.toml:2: unknown key "interval"; there is: ascii, content, drift, keys, notice, packs, rate_window, redact, refresh, rollback, service, source, theme, window, write`}},
		"lengths of time": {"window = \"1 hour\"\nrefresh = 10\nrate_window = \"-1m\"\n[drift]\nwindow = \"1s\"\nreference = \"9999999999999999999d\"", []string{
			`c.toml:1: window: "1 hour" is not a length of time; write it like "10s", "15m", "1h" or "7d"`,
			`c.toml:2: refresh: 10 is not a length of time; write it like`, `c.toml:3: rate_window: "-1m" is not`,
			`c.toml:5: drift: window: 1s is too short; the shortest is 10s`, `c.toml:6: drift: reference: "9999999999999999999d" is too long`}},
		"too short":           {`refresh = "100ms"`, []string{"c.toml:1: refresh: 100ms is too short; the shortest is 1s"}},
		"overlapping windows": {"[drift]\nwindow = \"2h\"\nreference = \"1h\"", []string{"c.toml:3: drift: reference 1h is less than window 2h"}},
		"references":          {"[drift]\nreference = \"weeks\"", []string{`c.toml:2: drift: reference: unknown reference "weeks"; did you mean "week"?; or a length of time, like "1h"`}},
		"no reference":        {"[drift]\nreference = 3", []string{"c.toml:2: drift: reference: 3 is not text in quotes"}},
		"wrong types": {"write = \"yes\"\nascii = 1\ntheme = [\"default\"]\ndrift = 3\nkeys = \"x\"", []string{
			`c.toml:1: write: "yes" is not true or false`, `c.toml:2: ascii: 1 is not true or false`, `c.toml:3: theme: a list is not text in quotes`,
			`c.toml:4: drift: 3 is not a table`, `c.toml:5: keys: "x" is not a table`}},
		"choices": {"theme = \"defalt\"\ncontent = \"all\"", []string{
			`c.toml:1: theme: unknown theme "defalt"; did you mean "default"?`, `c.toml:2: content: unknown value "all"; there is: full, hidden, redacted`}},
		"packs": {`packs = "no/such/folder"`, []string{"c.toml:1: packs: there is no folder no/such/folder"}},
		"services": {"[[service]]\nkind = \"lmm\"\n[[service]]\nname = \"a\"\nmach = [\"x\"]\nmatch = [1, \"x\", \"\"]\nhide = [\"laency_p95\"]\n[[service]]\nname = \"a\"\nignore = [\"alerts\"]\n[[service]]\nname = \"b\"\nmatch = \"x\"", []string{
			`c.toml:1: service 1: name is missing: name = "support-chat"`, `c.toml:2: service 1: kind: unknown kind "lmm"; did you mean "llm"?`,
			`c.toml:5: service "a": unknown key "mach"; did you mean "match"?`, `c.toml:6: service "a": match: 1 is not text in quotes`, `match: an empty text`,
			`c.toml:7: service "a": hide: unknown signal "laency_p95"; did you mean "latency_p95"?`,
			`c.toml:9: service "a": there are two services of this name`, `c.toml:10: service "a": ignore: unknown rule "alerts"; did you mean "alert"?`, `c.toml:13: service "b": match: "x" belongs to service "a" already`}},
		"one service": {"[service]\nname = \"a\"", []string{"c.toml:1: service: there can be several; start each with [[service]]"}},
		"objectives": {"[[service]]\nname = \"a\"\n[service.objectives]\nerrors = 1.5\noutcom = 0.9\ncost = 0.9\n", []string{
			`c.toml:4: service "a": objectives: errors: 1.5 is no share between 0 and 1, like 0.995`,
			`c.toml:5: service "a": objectives: unknown signal "outcom"; did you mean "outcome"?`,
			`c.toml:6: service "a": objectives: cost is no share of requests that can be good or bad; errors and outcome are`}},
		"limits": {"[[service]]\nname = \"a\"\n[service.limits]\noutcom = { warn = 1 }\nerrors = { warn = 0.5, critical = 0.1 }\nquality = { warm = 0.5, critical = \"x\" }\ncost = 3\ntraffic = { warn = 1 }\nqueue = { warn = inf }", []string{
			`c.toml:4: service "a": limits: unknown signal "outcom"; did you mean "outcome"?`,
			`c.toml:5: service "a": limits: errors: critical 0.1 is reached before warn 0.5; this signal is worse up`,
			`c.toml:6: service "a": critical: "x" is not a number`, `c.toml:6: service "a": unknown key "warm"; did you mean "warn"?`,
			`c.toml:7: service "a": cost: 3 is not a table`, `c.toml:8: service "a": limits: traffic is neither worse up nor down`, `c.toml:9: service "a": warn: +Inf is no limit`}},
		"sources": {"[[source]]\nname = \"x\"\n[[source]]\nkind = \"prometeus\"\n[[source]]\nkind = 3", []string{
			`c.toml:1: source "x": kind is missing; there is: `, `c.toml:4: source "prometeus": unknown kind "prometeus"; `, `c.toml:6: source: kind: 3 is not text in quotes`}},
		"rollbacks": {"[[rollback]]\nkind = \"prompt\"\ndriver = \"htp\"\nurl = \"http://x\"\n[[rollback]]\nservice = \"a\"\nkind = \"promt\"\n", []string{
			`c.toml:1: rollback 1: service is missing: say whose: service = "support-chat"`, `c.toml:3: rollback 1: unknown driver "htp"; did you mean "http"?`,
			`c.toml:5: rollback "a/promt": driver is missing; there is: argo-rollouts, argocd, bundle, command, flagd, github, gitlab, helm, http, kserve, kubernetes, langfuse, launchdarkly, litellm, mlflow`, `c.toml:7: rollback "a/promt": unknown kind "promt"; did you mean "prompt"?`}},
		"inside a rollback": {httpRollback + httpRollback + "timout = \"5s\"\ntimeout = true\n" + strings.Replace(httpRollback, "prompt\"", "model\"", 1) + "timout = \"5s\"\n[rollback.header]\nA = \"b\"\n", []string{
			`c.toml:8: rollback "a/prompt": there are two of this name`,
			`c.toml:13: rollback "a/prompt": unknown key "timout"; did you mean "timeout"?`, `c.toml:14: rollback "a/prompt": timeout: true is not what this key takes; see config.example.toml`,
			`c.toml:21: rollback "a/model": unknown key "timout"; did you mean "timeout"?`, `c.toml:22: rollback "a/model": unknown key "header"; did you mean "headers"?`}},
		"inside sources": {"[[source]]\nkind = \"prometheus\"\nurl = \"http://x\"\ntimout = \"5s\"\n[[source]]\nkind = \"prometheus\"\nname = \"b\"\nurl = \"http://x\"\nbasic_auth = { usrname = \"x\" }\ntimeout = \"soon\"\n[source.tls_config]\nca_fil = \"x\"\n[[source]]\nkind = \"prometheus\"\nurl = \"http://x\"\n[[source]]\nkind = \"file\"\nurl = \"http://x\"\n", []string{
			`c.toml:4: source "prometheus": unknown key "timout"; did you mean "timeout"?`, `c.toml:9: source "b": unknown key "basic_auth.usrname"; did you mean "username"?`,
			`c.toml:10: source "b": timeout: invalid duration: "soon"`, `c.toml:11: source "b": unknown key "tls_config.ca_fil"; did you mean "ca_file"?`,
			`c.toml:13: source "prometheus": there are two sources of this name`, `c.toml:18: source "file": unknown key "url"; config.example.toml shows those there are`}},
		"what a kind says":   {"[[source]]\nkind = \"prometheus\"\n", []string{`c.toml:1: source "prometheus": url`}},
		"what a driver says": {strings.Replace(httpRollback, "http://", "gopher://", 1), []string{`rollback "a/prompt": `}},
		"redaction": {"[[redact]]\nform = \"(\"\n[[redact]]\nname = \"a\"\nform = \"x*\"\n[[redact]]\nname = \"b\"\nfrom = \"y\"\n", []string{
			`c.toml:1: redact 1: name is missing`, `c.toml:2: redact 1: form: error parsing regexp`, `c.toml:5: redact "a": form "x*" matches nothing at all`,
			`c.toml:6: redact "b": form is missing`, `c.toml:8: redact "b": unknown key "from"; did you mean "form"?`}},
		"links": {"[[service]]\nname = \"a\"\nrequest_url = \"https://{service}/x\"\n[[source]]\nkind = \"jaeger\"\nurl = \"http://x\"\ntrace_url = \"javascript:{trace_id}\"\n", []string{
			`c.toml:3: service "a": request_url: is not an http or https address`, `c.toml:7: source "jaeger": trace_url: is not an http or https address`}},
		"keys": {"[keys]\nrollback = []\ndown = [\"j\", 1]\n", []string{`c.toml:2: keys: rollback: no key; to have none`, `c.toml:3: keys: down: 1 is not text`}},
	} {
		_, err := Parse("c.toml", []byte(c.text))
		if len(c.want) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var faults Faults
		if !errors.As(err, &faults) {
			t.Errorf("%s: %v is no Faults", name, err)
			continue
		}
		rest := err.Error()
		for _, want := range c.want {
			at := strings.Index(rest, want)
			if at < 0 {
				t.Errorf("%s: no %q (in this order) in\n%s", name, want, err)
				continue
			}
			rest = rest[at+len(want):]
		}
	}
}

const httpRollback = `
[[rollback]]
service = "a"
kind = "prompt"
driver = "http"
url = "http://127.0.0.1:1/rollback"
`

func TestWhatDriftIsComparedWithIsAWordOrALengthOfTime(t *testing.T) {
	for text, want := range map[string]Drift{
		"":                                    {15 * time.Minute, 0, health.SameHour},
		"[drift]\nwindow = \"6h\"":            {6 * time.Hour, 0, health.SameHour},
		"[drift]\nreference = \"week\"":       {15 * time.Minute, 0, health.LastWeek},
		"[drift]\nreference = \"deployment\"": {15 * time.Minute, 0, health.Deployment},
		"[drift]\nwindow = \"2m\"\nreference = \"1h30m\"": {2 * time.Minute, 90 * time.Minute, health.Earlier},
		"[drift]\nwindow = \"1h\"\nreference = \"1h\"":    {time.Hour, time.Hour, health.Earlier},
	} {
		c, err := Parse("c.toml", []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if c.Drift != want {
			t.Errorf("%q: %+v, want %+v", text, c.Drift, want)
		}
	}
}

func TestAWholeConfigIsRead(t *testing.T) {
	c, err := Parse("dir/c.toml", []byte(`
window = "1h30m"
refresh = "5s"
rate_window = "30s"
write = true
theme = "light"
ascii = true
content = "full"
drift = { window = "2m", reference = "30m" }
[[service]]
name = "chat"
kind = "rag"
match = ["chat-a", "chat-b"]
hide = ["cost"]
depends_on = ["vector-db"]
ignore = ["past", "alert"]
[service.objectives]
errors = 0.995
[service.limits]
outcome = { warn = 1, critical = 0.45 }
dead_replicas = { critical = 2 }
[[service]]
name = "plain"
[keys]
down = ["j", "down", "space"]
rollback = "ctrl+r"
`+httpRollback))
	if err != nil {
		t.Fatal(err)
	}
	if c.Window != 90*time.Minute || c.Refresh != 5*time.Second || c.RateWindow != 30*time.Second || !c.Write || !c.ASCII ||
		c.Theme != "light" || c.Content != "full" || c.Drift != (Drift{2 * time.Minute, 30 * time.Minute, health.Earlier}) {
		t.Errorf("%+v", c)
	}
	chat := c.Services[0]
	if chat.Name != "chat" || chat.Kind != health.RAG || !slices.Equal(chat.Match, []string{"chat-a", "chat-b"}) || !slices.Equal(chat.Hide, []string{"cost"}) {
		t.Errorf("%+v", chat)
	}
	if l := chat.Limits["outcome"]; *l.Warn != 1 || *l.Critical != 0.45 || l.Source != "c.toml" {
		t.Errorf("%+v", l)
	}
	if chat.Objectives["errors"] != 0.995 || !slices.Equal(chat.DependsOn, []string{"vector-db"}) || !slices.Equal(chat.Ignore, []string{"past", "alert"}) {
		t.Errorf("%+v", chat)
	}
	if l := chat.Limits["dead_replicas"]; l.Warn != nil || *l.Critical != 2 {
		t.Errorf("%+v", l)
	}
	for value, want := range map[string]string{"chat-b": "chat", "plain": "plain", "chat": "chat", "new": "new"} {
		if got := c.ServiceFor(value).Name; got != want {
			t.Errorf("%s belongs to %s, want %s", value, got, want)
		}
	}
	if c.Keys["down"] != "j down space" || c.Keys["rollback"] != "ctrl+r" {
		t.Errorf("%v", c.Keys)
	}
	targets, err := c.OpenTargets()
	if err != nil || len(targets) != 1 {
		t.Fatalf("%v, %v", targets, err)
	}
	if got := targets[0].Info(); got.Name != "a/prompt" || got.Service != "a" || got.Kind != "prompt" || got.Driver != "http" {
		t.Errorf("%+v", got)
	}
}

func TestTheEnvironmentBeatsTheFile(t *testing.T) {
	env := map[string]string{"SICKBAY_WINDOW": "6h", "SICKBAY_REFRESH": "30s", "SICKBAY_WRITE": "1", "SICKBAY_ASCII": "true", "SICKBAY_THEME": "light",
		"SICKBAY_PROMETHEUS": "http://prom:9090", "SICKBAY_LOGS": "/a/*.log:/b.log"}
	c, err := Parse("c.toml", []byte(`window = "1h"`))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ApplyEnv(func(k string) string { return env[k] }); err != nil {
		t.Fatal(err)
	}
	c.AddPrometheus("http://prom:9090/other")
	if c.Window != 6*time.Hour || c.Refresh != 30*time.Second || !c.Write || !c.ASCII || c.Theme != "light" {
		t.Errorf("%+v", c)
	}
	open, err := c.OpenSources()
	if err != nil || len(open) != 3 {
		t.Errorf("%d sources, %v", len(open), err)
	}
	for _, src := range open {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
	var said []string
	for _, s := range c.Sources {
		said = append(said, s.Kind+" "+s.Name+" "+fmt.Sprint(s.table))
	}
	if got, want := strings.Join(said, "\n"), "prometheus prom:9090 map[url:http://prom:9090]\nfile logs map[paths:[/a/*.log /b.log]]\nprometheus prom:9090-2 map[url:http://prom:9090/other]"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for name := range env {
		env[name] = "no idea"
	}
	env["SICKBAY_LOGS"] = ""
	err = c.ApplyEnv(func(k string) string { return env[k] })
	for _, name := range []string{"SICKBAY_WINDOW", "SICKBAY_REFRESH", "SICKBAY_WRITE", "SICKBAY_ASCII", "SICKBAY_THEME"} {
		if err == nil || !strings.Contains(err.Error(), "environment: "+name+": ") {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	if c.Window != 6*time.Hour {
		t.Error("a variable that cannot be read changed something")
	}
	if open, err := c.OpenSources(); err == nil || open != nil || err.Error() != `environment: source "prometheus": url: is not an http or https address` {
		t.Errorf("%v, %v", open, err)
	}
}

func TestTheFileThatIsMeantIsFound(t *testing.T) {
	home, work := t.TempDir(), t.TempDir()
	t.Chdir(work)
	write := func(path string) string {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	usual, xdg, named := filepath.Join(home, ".config/sickbay/config.toml"), filepath.Join(home, "xdg/sickbay/config.toml"), write(filepath.Join(home, "named.toml"))
	find := func(flag string, env ...string) (string, error) {
		vars := map[string]string{"HOME": home}
		for i := 0; i < len(env); i += 2 {
			vars[env[i]] = env[i+1]
		}
		return Find(flag, func(k string) string { return vars[k] })
	}
	expect := func(what, want string, got string, err error) {
		t.Helper()
		if got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", what, got, err, want)
		}
	}
	got, err := find("")
	expect("nothing there", "", got, err)
	write("sickbay.toml")
	got, err = find("")
	expect("in the working directory", "sickbay.toml", got, err)
	write(usual)
	got, err = find("")
	expect("in the user's folder", usual, got, err)
	got, err = find("", "XDG_CONFIG_HOME", "relative")
	expect("a relative XDG_CONFIG_HOME is ignored", usual, got, err)
	got, err = find("", "XDG_CONFIG_HOME", filepath.Join(home, "xdg"))
	expect("XDG_CONFIG_HOME without a config", "sickbay.toml", got, err)
	write(xdg)
	got, err = find("", "XDG_CONFIG_HOME", filepath.Join(home, "xdg"))
	expect("XDG_CONFIG_HOME", xdg, got, err)
	got, err = find("", "SICKBAY_CONFIG", named)
	expect("SICKBAY_CONFIG", named, got, err)
	got, err = find(named, "SICKBAY_CONFIG", "nowhere.toml")
	expect("--config", named, got, err)
	for what, c := range map[string][]string{
		`config nowhere.toml (from --config): no such file`:        {"nowhere.toml"},
		`config nowhere.toml (from $SICKBAY_CONFIG): no such file`: {"", "SICKBAY_CONFIG", "nowhere.toml"},
		`config ` + home + ` (from --config): is a folder`:         {home},
	} {
		if got, err := find(c[0], c[1:]...); err == nil || got != "" || !strings.HasPrefix(err.Error(), what) {
			t.Errorf("%q, %v; want %q", got, err, what)
		}
	}
}

func TestLoadingReadsTheUsersOwnPacks(t *testing.T) {
	home := t.TempDir()
	getenv := func(k string) string { return map[string]string{"HOME": home}[k] }
	path := filepath.Join(home, ".config/sickbay/config.toml")
	own := filepath.Join(home, ".config/sickbay/packs/mine.toml")
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(own, "title = \"Mine\"\ndetect = [\"mine\"]\nidentity = [\"service\"]\nsample = \"mine 1\"\n[[signal]]\nid = \"mood\"\ntitle = \"mood\"\nunit = \"score\"\nbad = \"down\"\nquery = \"avg by ($by) (mood)\"\n")
	write(path, "[[service]]\nname = \"a\"\n[service.limits]\nmood = { warn = 0.5 }\n")
	c, err := load(path, getenv)
	if err != nil {
		t.Fatal(err)
	}
	if c.Path != path || c.PacksDir != filepath.Dir(own) || len(c.Packs) != len(packs.All())+1 {
		t.Errorf("%q, %q, %d packs", c.Path, c.PacksDir, len(c.Packs))
	}
	if c, err = load("", getenv); err != nil || c.Path != "" || len(c.Packs) != len(packs.All())+1 {
		t.Errorf("without a file: %+v, %v", c, err)
	}
	write(own, "titel = \"Mine\"")
	write(path, "windw = \"1h\"")
	if _, err = load(path, getenv); err == nil || !strings.Contains(err.Error(), own+":1: ") || !strings.Contains(err.Error(), path+":1: ") {
		t.Errorf("not both files are named: %v", err)
	}
	write(path, strings.Repeat("# padding\n", maxFile/10+1))
	if _, err = load(path, getenv); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("%v", err)
	}
	if _, err = load(filepath.Join(home, "gone.toml"), getenv); err == nil || !strings.Contains(err.Error(), "gone.toml: no such file") {
		t.Errorf("%v", err)
	}
}

func TestTheExampleShowsEveryKeyWithItsDefault(t *testing.T) {
	data, err := os.ReadFile("../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("config.example.toml", data)
	if err != nil {
		t.Fatal(err)
	}
	d := Default()
	if c.Window != d.Window || c.Refresh != d.Refresh || c.RateWindow != d.RateWindow || c.Write != d.Write || c.Theme != d.Theme ||
		c.ASCII != d.ASCII || c.Content != d.Content || c.Drift != d.Drift || c.PacksDir != d.PacksDir {
		t.Errorf("shows %+v, but what holds is %+v", *c, d)
	}
	for part, wrong := range map[string]string{"": "zzzzzzzzz = 1", "drift": "[drift]\nzzzzzzzzz = 1", "service": "[[service]]\nname = \"a\"\nzzzzzzzzz = 1",
		"limits": "[[service]]\nname = \"a\"\nlimits = { errors = { zzzzzzzzz = 1 } }"} {
		_, err := Parse("x", []byte(wrong))
		if err == nil {
			t.Fatalf("%q has no fault", wrong)
		}
		_, keys, ok := strings.Cut(err.Error(), "; there is: ")
		if !ok {
			t.Fatalf("%v does not list the keys there are", err)
		}
		for _, key := range strings.Split(keys, ", ") {
			if !regexp.MustCompile(`(?m)(^|^# |[{,] )\[*`+key+` *(=|\]|\.)`).Match(data) && !strings.Contains(string(data), "[[service."+key) && !strings.Contains(string(data), "[service."+key) {
				t.Errorf("%s: the key %q is not in the example", part, key)
			}
		}
	}
}

var update = flag.Bool("update", false, "write the examples of all kinds into config.example.toml")

// TestTheExampleShowsEveryKind keeps the sections of the example what the kinds
// themselves say: after adding one, go test ./config -update writes it there.
func TestTheExampleShowsEveryKind(t *testing.T) {
	const path = "../config.example.toml"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := blocks(string(data), "Sources", "[[source]]\n", sourceExamples())
	want = blocks(want, "Rollbacks", "[[rollback]]\n", rollbackExamples())
	want = blocks(want, "Notices", "[[notice]]\n", noticeExamples())
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatal("config.example.toml does not show the kinds as they are; go test ./config -update writes them")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// blocks replaces what stands below the comment under a heading.
func blocks(text, heading, table string, examples []string) string {
	before, rest, _ := strings.Cut(text, "# ── "+heading)
	comment, rest, _ := strings.Cut(rest, "\n\n")
	_, after, _ := strings.Cut(rest, "# ── ")
	var b strings.Builder
	b.WriteString(before + "# ── " + heading + comment + "\n\n")
	for _, e := range examples {
		b.WriteString(table + strings.TrimSpace(e) + "\n\n")
	}
	b.WriteString("# ── " + after)
	return b.String()
}

func sourceExamples() (all []string) {
	for _, k := range sources.Kinds() {
		all = append(all, k.Example)
	}
	return all
}

func rollbackExamples() (all []string) {
	for _, k := range rollback.Kinds() {
		all = append(all, k.Example)
	}
	return all
}

func noticeExamples() (all []string) {
	for _, k := range rollback.NoticeKinds() {
		all = append(all, k.Example)
	}
	return all
}

// TestEveryKindHasAnExampleThatOpens holds sources, targets and notices to what the
// example config is made of.
func TestEveryKindHasAnExampleThatOpens(t *testing.T) {
	for what, examples := range map[string][]string{"source": sourceExamples(), "rollback": rollbackExamples(), "notice": noticeExamples()} {
		for _, e := range examples {
			c, err := Parse("example", []byte("[["+what+"]]\n"+e))
			if err != nil {
				t.Errorf("%v\n%s", err, e)
			} else if len(c.Sources)+len(c.Rollbacks)+len(c.Notices) != 1 {
				t.Errorf("%d sources, %d rollbacks, %d notices\n%s", len(c.Sources), len(c.Rollbacks), len(c.Notices), e)
			}
		}
	}
}

func FuzzConfig(f *testing.F) {
	example, err := os.ReadFile("../config.example.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(httpRollback))
	f.Add([]byte("[[service]]\nname = 1\n[service.limits.errors]\nwarn = nan\n[keys]\na.b = 1\n"))
	f.Add([]byte("source = [1, {kind = \"file\"}]\nservice = [[]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "packs") {
			return // would read folders
		}
		c, err := Parse("f.toml", data)
		var faults Faults
		if err != nil && (!errors.As(err, &faults) || len(faults) == 0) {
			t.Errorf("%v is no Faults", err)
		}
		if err == nil && (c.Window <= 0 || c.Refresh <= 0 || c.RateWindow <= 0 || (c.Drift.Against == health.Earlier) != (c.Drift.Reference >= c.Drift.Window)) {
			t.Errorf("%+v", c)
		}
	})
}
