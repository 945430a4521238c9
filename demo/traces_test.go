package demo

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestEveryLoggedRequestHasATrace(t *testing.T) {
	d, _ := startFrom(t, "tool-loop", 3, 3*time.Minute)
	kinds := map[string]int{}
	for i, r := range records(t, d, "") {
		if i%7 != 0 {
			continue
		}
		w := do(d, httptest.NewRequest("GET", "/api/traces/"+r.TraceID, nil))
		var a jaegerAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 || len(a.Data) != 1 {
			t.Fatalf("%d %v: %s", w.Code, err, w.Body)
		}
		kinds[r.Operation]++
		fits(t, r, a.Data[0])
		if again := do(d, httptest.NewRequest("GET", "/api/traces/"+r.TraceID, nil)); again.Body.String() != w.Body.String() {
			t.Fatal("the same trace is another when it is asked for again")
		}
	}
	if kinds["chat"] == 0 || kinds["invoke_agent"] == 0 || kinds["predict"] == 0 {
		t.Errorf("%v", kinds)
	}
	w := do(d, httptest.NewRequest("GET", "/api/traces/"+strings.Repeat("0", 32), nil))
	if w.Code != 404 || !strings.Contains(w.Body.String(), `"errors":[{"code":404,"msg":"trace not found"}]`) {
		t.Errorf("a trace nobody has: %d %s", w.Code, w.Body)
	}
	if w := do(d, httptest.NewRequest("GET", "/api/services", nil)); w.Code != 200 || !strings.Contains(w.Body.String(), `"travel-agent"`) {
		t.Errorf("services: %d %s", w.Code, w.Body)
	}
}

// fits says whether a trace tells of the same request as its line in the log.
func fits(t *testing.T, r record, tr jaegerTrace) {
	t.Helper()
	at := r.at(t).UnixMicro()
	ids, tools, broken := map[string]bool{}, 0, 0
	for i, s := range tr.Spans {
		if s.Start+s.Duration > at+10 || s.Duration < 0 || float64(s.Start) < float64(at)-r.Duration*1e6-10 {
			t.Fatalf("%s of %d µs at %d is not within the %g s before %d", s.Name, s.Duration, s.Start, r.Duration, at)
		}
		if i > 0 && (len(s.References) != 1 || !ids[s.References[0].SpanID]) {
			t.Fatalf("%s has no caller", s.Name)
		}
		ids[s.SpanID] = true
		if strings.HasPrefix(s.Name, "execute_tool ") {
			tools++
		}
		for _, tag := range s.Tags {
			if tag.Key == "error" {
				broken++
			}
		}
	}
	if len(ids) != len(tr.Spans) || tools != len(r.Tools) {
		t.Fatalf("%d spans with %d ids, %d of %d tools", len(tr.Spans), len(ids), tools, len(r.Tools))
	}
	if r.Status >= 400 && broken == 0 {
		t.Fatalf("%s failed with %d, and no span says so", r.RequestID, r.Status)
	}
}
