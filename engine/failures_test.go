package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

// talk is a batch of requests of one service: those of prompt v32 fail.
func talk(n int, message string) sources.Batch {
	b := sources.Batch{CaughtUp: true}
	for i := range n {
		r := health.Request{
			ID: fmt.Sprint("req-", i), At: at(300).Add(time.Duration(i) * time.Second), Service: "chat", Name: "chat",
			Lineage: health.Lineage{Prompt: "v31"}, Dims: []health.Field{{Name: "region", Value: []string{"eu", "us"}[i%2]}},
		}
		if i%3 == 0 {
			r.Lineage.Prompt, r.Failed, r.Error, r.Message = "v32", true, "refusal", message
		}
		b.Requests = append(b.Requests, r)
	}
	return b
}

// reading is an engine that has read one batch.
func reading(b sources.Batch) *Engine {
	now := at(300).Add(5 * time.Minute)
	e := New(Options{Now: func() time.Time { return now }})
	t := &tail{}
	e.tails = append(e.tails, t)
	e.read(batch{from: t, Batch: b})
	return e
}

func TestFailingRequestsSayWhatTheyHaveInCommon(t *testing.T) {
	e := reading(talk(120, "refused by policy"))
	groups := e.failures(moment{}, e.o.Now(), time.Hour)
	if len(groups) != 1 || len(groups[0].Shared) == 0 || len(groups[0].InCommon) != len(groups[0].Shared) {
		t.Fatalf("groups: %+v", groups)
	}
	if want := []health.Field{{Name: "prompt_version", Value: "v32"}}; !slices.Equal(groups[0].Shared[0].Fields, want) || !strings.Contains(groups[0].InCommon[0], "40 of 40 failing") {
		t.Errorf("shared: %+v", groups[0].Shared)
	}
	r, _ := e.records.Find(groups[0].Requests[0])
	if r.Group != groups[0].ID || !r.Has(groups[0].Shared[0].Fields[0]) {
		t.Errorf("request %+v of group %s", r, groups[0].ID)
	}
}

func TestNoSecretOfALogReachesASnapshot(t *testing.T) {
	const secret = "hunter22hunter"
	e := reading(talk(60, "login failed for ann@example.org with password="+secret))
	for _, g := range e.failures(moment{}, e.o.Now(), time.Hour) {
		if text := fmt.Sprintf("%+v", g); strings.Contains(text, secret) || strings.Contains(text, "ann@") {
			t.Errorf("a failure tells it: %s", text)
		}
	}
	e.take(answer{q: question{what: someChanges, to: newAsked(&fake{name: "main"})}, changes: []health.Change{{ID: "c", At: at(300), Text: "token=" + secret}}})
	if text := fmt.Sprintf("%+v", e.changes.between(at(0), at(400))); strings.Contains(text, secret) {
		t.Errorf("a change tells it: %s", text)
	}
}

func TestFailuresOfTheIllComeFirst(t *testing.T) {
	groups := []health.Failure{
		{ID: "new elsewhere", Service: "well", State: "new", Count: 9},
		{ID: "grown here", Service: "ill", State: "grown", Count: 3},
		{ID: "known elsewhere", Service: "well", State: "known", Count: 90},
		{ID: "known here", Service: "ill", State: "known", Count: 8},
		{ID: "once here", Service: "ill", State: "new", Count: 1},
	}
	var got []string
	for _, f := range worstFirst(groups, []health.Service{{Name: "well"}, {Name: "ill", Status: health.Critical}}) {
		got = append(got, f.ID)
	}
	want := []string{"grown here", "new elsewhere", "known here", "once here", "known elsewhere"}
	if !slices.Equal(got, want) {
		t.Errorf("failures are read as %q, want %q", got, want)
	}
	if groups[0].ID != "new elsewhere" {
		t.Error("the list that is remembered was sorted")
	}
}
