package demo

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

func readLog(t testing.TB, d *Demo) string {
	t.Helper()
	b, err := os.ReadFile(d.Info().Logs)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// records are those of one service, or all with "".
func records(t testing.TB, d *Demo, service string) []record {
	t.Helper()
	var all []record
	for line := range strings.Lines(readLog(t, d)) {
		if service != "" && !strings.Contains(line, `"service":"`+service+`"`) {
			continue
		}
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, r)
	}
	return all
}

func (r record) at(t testing.TB) time.Time {
	at, err := time.Parse(time.RFC3339Nano, r.Time)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// version of what a scenario changed.
func (r record) version(kind string) string {
	return map[string]string{"prompt": r.Prompt, "model": r.ModelVersion, "index": r.Index, "data": r.Data, "deploy": r.Build, "cache": r.CacheVersion}[kind]
}

func everyLineCarriesTheFieldsOfItsKind(t *testing.T, d *Demo) {
	for line := range strings.Lines(readLog(t, d)) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		want := []string{"time", "level", "service", "message", "request_id", "trace_id", "duration_s", "http.response.status_code", "gen_ai.operation.name", "tenant", "region"}
		failed := m["error.type"] != nil
		switch op := m["gen_ai.operation.name"]; {
		case op == "predict":
			want = append(want, "model_version", "ml.features")
		case op == "invoke_agent" && !failed:
			want = append(want, "gen_ai.tool.calls", "build_version")
		case !failed:
			want = append(want, "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.response.finish_reasons", "gen_ai.input.messages",
				"gen_ai.output.messages", "gen_ai.response.model", "gen_ai.response.id", "gen_ai.response.time_to_first_chunk")
		}
		if strings.Contains(m["service"].(string), "docs-answers") && !failed {
			want = append(want, "gen_ai.retrieval.documents", "index_version", "prompt_version", "cost_usd")
		}
		for _, k := range want {
			if m[k] == nil {
				t.Fatalf("no %s in %s", k, line)
			}
		}
		if strings.Contains(line, "#####") {
			t.Fatalf("digits were not filled in: %s", line)
		}
	}
}

func theLogIsInOrderAndDenserAtItsEnd(t *testing.T, d *Demo) {
	all := records(t, d, "")
	if !raced && (len(all) < 15_000 || len(all) > 25_000) {
		t.Errorf("%d records of history", len(all))
	}
	late, last := 0, time.Time{}
	for _, r := range all {
		at := r.at(t)
		if at.Before(last) || at.After(noon) {
			t.Fatalf("record of %v after %v", at, last)
		}
		if last = at; at.After(noon.Add(-densePart)) {
			late++
		}
	}
	if late*2 < len(all) {
		t.Errorf("%d of %d records are of the newer third", late, len(all))
	}
}

func failingRecordsCarryTheGuiltyVersion(t *testing.T, d *Demo, sc Scenario) {
	t.Helper()
	var before, beforeFail, after, afterFail, withVersion int
	for _, r := range records(t, d, sc.guilty) {
		switch at := r.at(t); {
		case at.Before(noon.Add(-beforeNow - jitterSecs*time.Second)):
			before++
			if r.failing() {
				beforeFail++
			}
		case at.After(noon.Add(-beforeNow + 2*time.Minute)):
			after++
			if r.failing() {
				afterFail++
				if sc.change != nil && r.version(sc.kind) == sc.change.to {
					withVersion++
				}
			}
		}
	}
	was, is := float64(beforeFail)/float64(before), float64(afterFail)/float64(after)
	if was > 0.07 || is < 0.1 {
		t.Errorf("failing before %.3f of %d, after %.3f of %d", was, before, is, after)
	}
	if sc.change != nil && float64(withVersion) < 0.9*float64(afterFail) {
		t.Errorf("%d of %d failing records carry %s", withVersion, afterFail, sc.change.to)
	}
}

func TestALoopingTaskRepeatsTheSameCall(t *testing.T) {
	d, _ := startFrom(t, "tool-loop", 1, 5*time.Minute)
	seen := 0
	for _, r := range records(t, d, "triage-agent") {
		if r.ErrorType != "loop_detected" || r.Build != "2.15.0" {
			continue
		}
		seen++
		for _, c := range r.Tools {
			if c.Name != r.Tools[0].Name || c.Arguments != r.Tools[0].Arguments {
				t.Fatalf("calls differ: %+v", r.Tools)
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d looping tasks", seen)
	}
}

func theUsualFailuresAreThere(t *testing.T, d *Demo) {
	if raced {
		t.Skip("they are rare, and raced tests see little history")
	}
	kinds := map[string]int{}
	for _, r := range records(t, d, "") {
		kinds[r.ErrorType]++
	}
	for _, k := range []string{"timeout", "rate_limit_exceeded", "context_length_exceeded", "refused_by_policy"} {
		if kinds[k] == 0 {
			t.Errorf("no %s in %v", k, kinds)
		}
	}
}
