package engine

import (
	"testing"
	"time"

	"sickbay/health"
	"sickbay/triage"
)

func TestRequestsAreCountedByServiceAndTime(t *testing.T) {
	var c tallies
	at := func(s int) time.Time { return time.Date(2026, 11, 23, 14, 0, s, 0, time.UTC) }
	for s := range 60 {
		c.add([]health.Request{{Service: "a", At: at(s), Failed: s%10 == 0}, {Service: "a-canary", At: at(s)}, {Service: "b", At: at(s)}, {At: at(s)}, {Service: "a"}}, at(s))
	}
	for _, x := range []struct {
		names    map[string]bool
		from, to int
		n, bad   float64
	}{
		{map[string]bool{"a": true}, 0, 60, 60, 6},
		{map[string]bool{"a": true, "a-canary": true}, 0, 60, 120, 6},
		{map[string]bool{"a": true}, 1, 19, 10, 1}, // whole steps: 5 to 15
		{map[string]bool{"c": true}, 0, 60, 0, 0},
		{map[string]bool{"a": true}, 30, 10, 0, 0},
	} {
		if got := c.count(x.names, at(x.from), at(x.to)); got.N != x.n || got.Bad != x.bad {
			t.Errorf("%v %d to %d: %+v, want %v of %v", x.names, x.from, x.to, got, x.bad, x.n)
		}
	}
	c.add([]health.Request{{Service: "b", At: at(0).Add(3 * time.Hour)}}, at(0).Add(3*time.Hour))
	if len(c.by["a"]) != 0 || len(c.by) != 1 {
		t.Errorf("three hours later it holds %v", c.by)
	}
}

// TestARollbackIsProvedByWhatWasLogged: from the log to the reading the rollback room
// gets, with the service under another label's name as well.
func TestARollbackIsProvedByWhatWasLogged(t *testing.T) {
	began := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	now := began
	e := New(Options{Now: func() time.Time { return now }, Services: []Override{{Name: "chat", Match: []string{"chat", "chat-canary"}}}})
	log := func(from time.Time, d time.Duration, every int) { // one of every fails
		for i := range int(d / time.Second) {
			at := from.Add(time.Duration(i) * time.Second)
			e.tallies.add([]health.Request{{Service: "chat", At: at, Failed: i%every == 0}, {Service: "chat-canary", At: at}}, at)
		}
	}
	log(began.Add(-time.Hour), 50*time.Minute, 50)     // 1 %
	log(began.Add(-10*time.Minute), 10*time.Minute, 5) // 10 %
	ill := health.Service{Name: "chat", Since: began.Add(-10 * time.Minute)}
	symptoms := e.counted(ill, []health.Symptom{{Signal: "quality"}})
	if len(symptoms) != 2 || symptoms[1].Signal != triage.FailingSignal || symptoms[1].Before.N < 1190 || symptoms[1].Before.Share() < 0.09 {
		t.Fatalf("symptoms %+v", symptoms)
	}
	log(began, 3*time.Minute, 50)
	now = began.Add(3 * time.Minute)
	r := e.witness("chat", began, symptoms)
	if len(r) != 2 || r[0].Known || !r[1].Within() || r[1].Proof.After.N < 300 {
		t.Errorf("readings %+v", r)
	}
	if got := e.counted(ill, nil); len(got) != 0 {
		t.Errorf("nothing is ill, and %+v", got)
	}
}
