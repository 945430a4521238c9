package packs

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const whole = `
title = "Mine"
detect = ["mine_total"]
identity = ["service"]
sample = 'mine_total{service="a"} 1'
`

func TestEveryFaultOfAPackIsNamedWithItsLineAndAWayOut(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string // what must be said, in this order
	}{
		"nothing wrong": {whole, nil},
		"not TOML":      {"title = \"x\"\ndetect = [", []string{"p.toml:2: "}},
		"wrong type":    {"title = 3", []string{"p.toml:1: title: incompatible types"}},
		"empty":         {"", []string{"title is missing", "detect is missing", "identity is missing", "sample is missing"}},
		"unknown keys": {whole + "idenity = 1\n[[signal]]\nid = \"traffic\"\nqery = \"x\"\n[extra]\na = 1", []string{
			`p.toml:6: unknown key "idenity"; did you mean "identity"?`,
			`p.toml:7: signal "traffic": query is missing`,
			`p.toml:9: signal: unknown key "qery"; did you mean "query"?`, `p.toml:10: unknown key "extra"; there is: calls, detect, `}},
		"bad label and kind": {`kind = "lmm"` + strings.Replace(whole, `["service"]`, `["the service"]`, 1), []string{
			`p.toml:1: unknown kind "lmm"; did you mean "llm"?`, `p.toml:4: identity: "the service" cannot be a label name`}},
		"half a condition": {strings.Replace(whole, `["mine_total"]`, `["mine_total{a=\"1\"}", "mine_total{a!=\"\""]`, 1), []string{
			`detect: "mine_total{a=\"1\"}" is neither`, `detect: "mine_total{a!=\"\"" is neither`}},
		"sample of something else": {strings.Replace(whole, "mine_total{", "yours_total{", 1), []string{"p.toml:5: sample has none of the metrics in detect"}},
		"placeholders": {whole + "[[signal]]\nid = \"traffic\"\nquery = \"sum(rate(x[$rte])) by ($bye)\"", []string{
			`signal "traffic": unknown placeholder "$rte"; did you mean "$rate"?`, `unknown placeholder "$bye"; did you mean "$by"?`, `query does not use $by`}},
		"unknown signal": {whole + "[[signal]]\nid = \"trafic\"\nquery = \"sum by ($by) (x)\"", []string{
			`p.toml:7: signal "trafic": unknown signal "trafic"; did you mean "traffic"?; or give it a title and a unit of its own`}},
		"signal of its own": {whole + "[[signal]]\nid = \"own\"\ntitle = \"Own\"\nunit = \"secs\"\nbad = \"sideways\"\nquery = \"sum by ($by) (x)\"", []string{
			`unknown unit "secs"`, `unknown direction "sideways"; there is: down, up`}},
		"other unit": {whole + "[[signal]]\nid = \"errors\"\nunit = \"count\"\nbad = \"down\"\nquery = \"sum by ($by) (x)\"", []string{
			`unit is "count", but this signal is in ratio`, `bad is "down", but this signal is worse up`}},
		"limits": {whole + "[[signal]]\nid = \"errors\"\nquery = \"sum by ($by) (x)\"\nwarn = 0.5\ncritical = 0.1\n[[signal]]\nid = \"quality\"\nquery = \"sum by ($by) (x)\"\nwarn = nan\nwhy = \"w\"\n[[signal]]\nid = \"traffic\"\nwarn = 1\nwhy = \"w\"\nquery = \"sum by ($by) (x)\"", []string{
			`limits without a why`, `critical 0.1 is reached before warn 0.5: this signal is worse up`, `signal "quality": a limit is a number`, `signal "traffic": limits on a signal that is neither`}},
		"twice": {whole + "[[signal]]\nid = \"queue\"\nquery = \"sum by ($by) (x)\"\n[[signal]]\nid = \"queue\"\nquery = \"sum by ($by) (y)\"", []string{`p.toml:10: signal "queue": there are two`}},
		"no id": {whole + "[[signal]]\nquery = \"sum by ($by) (x)\"", []string{`signal 1: id is missing`}},
		"distributions": {whole + "[[distribution]]\nkind = \"histogramm\"\nquery = \"sum by ($by) (x)\"\n[[distribution]]\nsignal = \"a\"\nkind = \"histogram\"\nquery = \"sum by ($by, file) (increase(x[$window]))\"\n[[distribution]]\nsignal = \"b\"\nkind = \"categorical\"\nfeature = \"f\"\nquery = \"sum by ($by) (increase(x[$window]))\"", []string{
			`signal is missing`, `unknown kind "histogramm"; did you mean "histogram"?`, `query does not use $window`,
			`distribution "a": query of a histogram does not keep le`, `distribution "b": label is missing`, `distribution "b": query does not keep the label "f"`}},
		"what a distribution cannot be": {whole + "[[distribution]]\nsignal = \"a\"\nkind = \"histogram\"\nnative = true\nbad = \"5..\"\nquery = \"sum by ($by, le) (increase(x[$window]))\"\n[[distribution]]\nsignal = \"b\"\nkind = \"categorical\"\nlabel = \"c\"\nnative = true\nbad = \"5(\"\nquery = \"sum by ($by, c) (increase(x[$window]))\"", []string{
			`p.toml:9: distribution "a": a native histogram has no le`, `p.toml:10: distribution "a": only categories can be bad`,
			`p.toml:16: distribution "b": only a histogram can be native`, `p.toml:17: distribution "b": bad: "5(" is no expression`}},
		"exported and versions": {whole + "[[exported]]\nsignal = \"x\"\nquery = \"max by ($by) (y)\"\n[[version]]\nwhat = \"promt\"\nquery = \"max by ($by) (y)\"\nlabel = \"v\"", []string{
			`exported "x": tool and method are missing`, `version "promt": unknown what "promt"; did you mean "prompt"?`, `query does not keep the label "v"`}},
	} {
		_, faults := Parse("p.toml", []byte(c.text))
		rest := faults.Error()
		for _, want := range c.want {
			at := strings.Index(rest, want)
			if at < 0 {
				t.Errorf("%s: no %q (in this order) in\n%s", name, want, faults.Error())
				continue
			}
			rest = rest[at+len(want):]
		}
		if len(faults) < len(c.want) || len(c.want) == 0 && len(faults) > 0 {
			t.Errorf("%s: %d faults\n%s", name, len(faults), faults.Error())
		}
	}
}

func TestTheKnownKeysAreThoseOfTheStructs(t *testing.T) {
	for part, v := range map[string]any{"": Pack{}, "signal": Signal{}, "distribution": Distribution{}, "exported": Exported{}, "version": Version{}} {
		var want []string
		for i := range reflect.TypeOf(v).NumField() {
			if tag := reflect.TypeOf(v).Field(i).Tag.Get("toml"); tag != "-" {
				want = append(want, tag)
			}
		}
		if !slices.Equal(known[part], want) {
			t.Errorf("%q: %v, want %v", part, known[part], want)
		}
	}
}

func TestOwnPacksAreReadFromAFolderAndReplaceThoseOfTheSameName(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("vllm.toml", whole)
	write("zeta.toml", whole)
	write("note.txt", "not a pack")
	own, err := LoadDir(dir)
	if err != nil || len(own) != 2 {
		t.Fatalf("%d packs, %v", len(own), err)
	}
	merged := Merge(All(), own)
	if len(merged) != len(All())+1 || merged[len(merged)-1].ID != "zeta" {
		t.Errorf("%d packs of %d", len(merged), len(All()))
	}
	for _, p := range merged {
		if p.ID == "vllm" && p.Title != "Mine" {
			t.Error("the own vllm pack did not replace the other")
		}
	}
	write("broken.toml", "titel = 1")
	write("worse.toml", "= 1")
	if own, err = LoadDir(dir); err == nil || !strings.Contains(err.Error(), "broken.toml") || !strings.Contains(err.Error(), "worse.toml") || len(own) != 2 {
		t.Errorf("%d packs, %v", len(own), err)
	}
	if own, err = LoadDir(filepath.Join(dir, "nowhere")); own != nil || err != nil {
		t.Errorf("a folder that is not there: %v, %v", own, err)
	}
}

func TestABadCategoryIsNamedWhole(t *testing.T) {
	for _, c := range []struct {
		bad, category string
		want          bool
	}{
		{"length|error", "error", true}, {"length|error", "errors", false}, {"5..", "503", true}, {"5..", "1503", false},
		{"[^O].*|O[^K].*", "OK", false}, {"[^O].*|O[^K].*", "ABORTED", true}, {".+", "", false}, {"", "error", false},
	} {
		if got := (Distribution{Bad: c.bad}).IsBad(c.category); got != c.want {
			t.Errorf("%q of %q: %v", c.category, c.bad, got)
		}
	}
}

func TestTheBaseOfAnotherToolsScoreIsSaid(t *testing.T) {
	for _, c := range []struct{ tool, method, want string }{
		{"Evidently", "Jensen-Shannon distance", "nats"}, {"evidently", "js_distance", "nats"}, {"nannyml", "jensen_shannon", "base 2"},
		{"nannyml", "hellinger", ""}, {"evidently", "psi", ""}, {"mine", "jensenshannon", ""},
	} {
		if got := Base(c.tool, c.method); got != c.want {
			t.Errorf("%s of %s is in %q, want %q", c.method, c.tool, got, c.want)
		}
	}
}

func TestNearestIsAMistypedWordNotAnotherOne(t *testing.T) {
	names := []string{"timeout", "url", "paths", "kind", "name", "window", "reference"}
	for word, want := range map[string]string{
		"timout": "timeout", "tiemout": "timeout", "TIMEOUT": "timeout", "time_out": "timeout", "ulr": "url", "uri": "url",
		"path": "paths", "nmae": "name", "referense": "reference", "": "", "zzzz": "", "x": "", "interval": "", strings.Repeat("a", 1<<16): "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("Nearest(%.20q) = %q, want %q", word, got, want)
		}
	}
}

func TestLinesPointsAtKeysAndTables(t *testing.T) {
	got := Lines([]byte("a = 1\n[b]\nc = \"\"\"\nd = 2\n\"\"\"\n[[s]]\nx = 1\n  [s.t]\n  y = 2\n[[s]]\n\"x\" = 3\ne.f = 1\n[ b . g ]\nh=1 # [no]\n"))
	for path, want := range map[string]int{"a": 1, "b": 2, "b.c": 3, "b.d": 0, "s[0]": 6, "s[0].x": 7, "s[0].t": 8, "s[0].t.y": 9, "s[1]": 10, "s[1].x": 11, "s[1].e.f": 12, "b.g.h": 14} {
		if got[path] != want {
			t.Errorf("%s is on line %d, want %d", path, got[path], want)
		}
	}
}

func FuzzParse(f *testing.F) {
	names, _ := filepath.Glob("*.toml")
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(whole + "[[signal]]\nid = 1\n[signal.x]\n"))
	f.Add([]byte("[[signal]]\n[[signal.signal]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, faults := Parse("fuzz.toml", data)
		if len(faults) == 0 && (p.Title == "" || len(p.Detect) == 0 || len(Discover([]*Pack{p}, nil)) != 0) {
			t.Errorf("a pack without %v has no fault", p)
		}
		for _, fault := range faults {
			if fault.Text == "" || fault.File != "fuzz.toml" {
				t.Errorf("fault %+v says nothing", fault)
			}
		}
	})
}

func TestThePackInTheReadmeLoads(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(data), "```toml\n")
	text, _, _ = strings.Cut(text, "```")
	if _, faults := Parse("README.md", []byte(text)); len(faults) > 0 {
		t.Error(faults)
	}
	for _, p := range All() {
		if !strings.HasPrefix(p.ID, "ai-") {
			continue
		}
		for name := range SampleNames(p.Sample) {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				name = strings.TrimSuffix(name, suffix)
			}
			if !strings.Contains(string(data), name) {
				t.Errorf("%s: the convention does not name %s", p.ID, name)
			}
		}
	}
}
