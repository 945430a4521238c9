package engine

import (
	"testing"
	"time"

	"sickbay/health"
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
