package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"sickbay/demo"
)

// promise is the JSON of design section 4 with the type of every value: string,
// number, bool, time (RFC 3339), list (of strings), one of some words, …? may be null.
var promise = map[string]map[string]string{
	"":                              {"at": "time", "window": "span", "sources": "[]", "services": "[]", "failures": "[]", "changes": "[]", "alerts": "[]", "rollbacks": "[]"},
	"sources[]":                     {"name": "string", "kind": "string", "ok": "bool", "age_s": "number?", "error": "string?", "lines": "number?", "lines_per_second": "number?", "lag_s": "number?", "behind_bytes": "number?", "dropped": "number?", "unreadable": "number?"},
	"services[]":                    {"name": "string", "kind": "llm|rag|agent|ml|infra", "status": "ok|warn|critical|unknown", "since": "time?", "version": "string?", "reasons": "[]", "signals": "[]", "drift": "[]", "suspects": "[]", "rollback": "{}"},
	"services[].reasons[]":          {"signal": "string", "text": "string", "value": "number?", "limit": "number?", "status": "ok|warn|critical|unknown"},
	"services[].signals[]":          {"id": "string", "title": "string", "unit": "string", "value": "number?", "state": "fresh|stale|absent|nan|unreachable|partial", "age_s": "number?", "status": "ok|warn|critical|unknown"},
	"services[].drift[]":            {"signal": "string", "feature": "string", "kind": "histogram|categorical|exported", "psi_adj": "number?", "low": "number?", "high": "number?", "gap": "number?", "p": "number?", "n_reference": "number", "n_current": "number", "level": "string", "status": "ok|warn|critical|unknown", "since": "time?", "against": "string?", "band": "number?", "detectable": "number?", "tool": "string?", "score": "number?", "note": "string?", "onset": "time?", "near": "list", "outcome": "string?"},
	"services[].suspects[]":         {"rank": "number", "label": "strong|likely|unclear", "score": "number", "kind": "string", "change": "string?", "from": "string?", "to": "string?", "at": "time?", "evidence": "list", "ruled_out": "string?", "service": "string?"},
	"services[].rollback":           {"targets": "[]"},
	"services[].rollback.targets[]": {"name": "string", "kind": "string", "current": "string?", "previous": "list", "blocked": "string?", "ready": "bool", "back": "string?", "rehearsed": "time?", "notice": "string?"},
	"failures[]":                    {"id": "string", "service": "string", "signature": "string", "count": "number", "state": "new|grown|known", "first": "time", "last": "time", "example": "string?", "in_common": "list"},
	"changes[]":                     {"id": "string", "at": "time", "kind": "string", "service": "string", "from": "string", "to": "string", "text": "string"},
	"alerts[]":                      {"name": "string", "service": "string?", "severity": "string", "state": "pending|firing", "since": "time"},
	"rollbacks[]":                   {"id": "string", "service": "string", "target": "string", "from": "string", "to": "string", "by": "string", "reason": "string", "state": "string", "at": "time", "share_before": "number?", "share_after": "number?", "requests": "number?"},
}

// broken lists where a document breaks the promise. seen counts the objects of
// each path, so that a test knows what it has looked at.
func broken(path string, v any, seen map[string]int) (faults []string) {
	object, ok := v.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%q is %T, not an object", path, v)}
	}
	seen[path]++
	for key := range object {
		if promise[path][key] == "" {
			faults = append(faults, fmt.Sprintf("%q has %q, which was never promised", path, key))
		}
	}
	for key, kind := range promise[path] {
		value, there := object[key]
		at := strings.TrimPrefix(path+"."+key, ".")
		switch {
		case !there:
			faults = append(faults, fmt.Sprintf("%q is missing", at))
		case kind == "{}":
			faults = append(faults, broken(at, value, seen)...)
		case kind == "[]":
			list, ok := value.([]any)
			if !ok {
				faults = append(faults, fmt.Sprintf("%q is %v, not a list", at, value))
			}
			for _, one := range list {
				faults = append(faults, broken(at+"[]", one, seen)...)
			}
		case !fits(value, kind):
			faults = append(faults, fmt.Sprintf("%q is %#v, not %s", at, value, kind))
		}
	}
	sort.Strings(faults)
	return faults
}

// fits says whether a value is of a kind.
func fits(v any, kind string) bool {
	kind, mayBeNull := strings.CutSuffix(kind, "?")
	if v == nil {
		return mayBeNull
	}
	s, isString := v.(string)
	switch kind {
	case "string":
		return isString
	case "number":
		_, ok := v.(float64)
		return ok
	case "bool":
		_, ok := v.(bool)
		return ok
	case "time":
		at, err := time.Parse(time.RFC3339, s)
		return isString && err == nil && at.Year() > 2000
	case "span":
		d, err := time.ParseDuration(s)
		return isString && err == nil && d > 0
	case "list":
		list, ok := v.([]any)
		return ok && !slices.ContainsFunc(list, func(one any) bool { _, ok := one.(string); return !ok })
	}
	return isString && slices.Contains(strings.Split(kind, "|"), s)
}

func TestThePromiseIsBrokenByWhatBreaksIt(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`{"at":"now","window":"1h0m0s","sources":[],"services":[],"failures":[],"changes":[],"alerts":[],"rollbacks":[]}`:                                                                                     `"at" is "now", not time`,
		`{"at":"2026-11-20T14:02:00Z","window":"1h0m0s","sources":null,"services":[],"failures":[],"changes":[],"alerts":[],"rollbacks":[]}`:                                                                  `"sources" is <nil>, not a list`,
		`{"at":"2026-11-20T14:02:00Z","window":"1h0m0s","sources":[{"name":"a","kind":"b","ok":true,"age_s":"3","error":null}],"services":[],"failures":[],"changes":[],"alerts":[],"rollbacks":[],"more":1}`: `"sources[].age_s" is "3", not number?`,
	} {
		var v any
		if err := json.Unmarshal([]byte(document), &v); err != nil {
			t.Fatal(err)
		}
		if faults := broken("", v, map[string]int{}); !slices.Contains(faults, want) {
			t.Errorf("%s: faults %q, want %q", document, faults, want)
		}
	}
}

// guilty is who is to blame in a scenario; "" nobody.
var guilty = map[string]string{
	"quiet": "", "bad-prompt": "support-chat", "stale-index": "docs-answers", "feature-drift": "fraud-score",
	"tool-loop": "triage-agent", "gpu-saturation": "llama-chat",
	"bad-model-region": "fraud-score", "provider-outage": "triage-agent", "poisoned-cache": "support-chat",
}

func TestEveryScenarioNamesTheGuiltyAndNobodyElse(t *testing.T) {
	t.Parallel()
	for _, s := range demo.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			blame, known := guilty[s.Name]
			if !known {
				t.Fatalf("say in this test who is guilty of %s", s.Name)
			}
			config := stack(t, s.Name).Config
			c := newConsole(t)
			picture := documentOf(t, s.Name)
			holdsThePromise(t, picture)
			status := statuses(t, picture)
			for name, st := range status {
				switch bad := st == "critical" || st == "warn"; {
				case name == blame && !bad:
					t.Errorf("the guilty %s is %s", name, st)
				case name != blame && (st == "critical" || st == "unknown"):
					t.Errorf("%s is %s, and %s is guilty", name, st, blame)
				case blame == "" && st != "ok":
					t.Errorf("%s is %s, and nothing is wrong", name, st)
				}
			}
			if _, there := status[blame]; blame != "" && !there {
				t.Errorf("%s is not there", blame)
			}
			if s.Name == "bad-prompt" { // looks of their own: one story is enough, of the others see TestCheckAndTheScreenNeverDisagree
				agrees(t, c, config, status)
			}
		})
	}
}

// holdsThePromise checks every key and value of a document.
func holdsThePromise(t *testing.T, out string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, clip(out))
	}
	seen := map[string]int{}
	for _, f := range broken("", v, seen) {
		t.Error(f)
	}
	for path, least := range map[string]int{"services[]": 12, "services[].signals[]": 100, "services[].drift[]": 20, "services[].rollback.targets[]": 10, "sources[]": 3, "failures[]": 1, "changes[]": 5} {
		if seen[path] < least {
			t.Errorf("only %d of %s", seen[path], path)
		}
	}
}

// statuses are the services of a document or of its services part.
func statuses(t testing.TB, out string) map[string]string {
	t.Helper()
	type service struct{ Name, Status string }
	var whole struct{ Services []service }
	err := json.Unmarshal([]byte(out), &whole)
	if strings.HasPrefix(out, "[") {
		err = json.Unmarshal([]byte(out), &whole.Services)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, clip(out))
	}
	byName := map[string]string{}
	for _, s := range whole.Services {
		byName[s.Name] = s.Status
	}
	return byName
}

// agrees says that check, check --json and the screen tell what the document told,
// and that check's exit code is the worst of it.
func agrees(t *testing.T, c *console, config string, want map[string]string) {
	t.Helper()
	code := 0
	for _, st := range want {
		code = max(code, map[string]int{"ok": 0, "warn": 1, "critical": 2}[st])
	}
	same(t, "check", spoken(c.want(code, "check", "--config", config).out), want)
	same(t, "check --json", statuses(t, c.want(code, "check", "--json", "--config", config).out), want)
	same(t, "the screen", onScreen(c.want(0, "snapshot", "--config", config, "--size", "160x100").out), want)
}

// spoken are the services that check tells of.
func spoken(out string) map[string]string {
	byName := map[string]string{}
	for _, line := range strings.Split(out, "\n") {
		if st, name, ok := strings.Cut(line, " "); ok && st != "" && st != "source" {
			byName[strings.TrimSpace(name)] = st
		}
	}
	return byName
}

func same(t *testing.T, who string, got, want map[string]string) {
	t.Helper()
	for name, st := range want {
		if got[name] != st {
			t.Errorf("%s says %s is %q, the document says %q", who, name, got[name], st)
		}
	}
	for name := range got {
		if want[name] == "" {
			t.Errorf("%s knows %s, the document does not", who, name)
		}
	}
}

// onScreen reads the list of services from a picture: sign, then name, from the
// column titles to the line below the list.
func onScreen(picture string) map[string]string {
	signs := map[string]string{"✓": "ok", "▲": "warn", "✗": "critical", "?": "unknown"}
	got := map[string]string{}
	_, list, _ := strings.Cut(picture, " SERVICE ")
	for _, line := range strings.Split(list, "\n")[1:] {
		if strings.HasPrefix(line, "──") {
			break
		}
		f := strings.Fields(strings.TrimLeft(line, "▌ "))
		if len(f) > 1 && signs[f[0]] != "" {
			got[f[1]] = signs[f[0]]
		}
	}
	return got
}
