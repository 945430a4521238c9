package engine

import (
	"testing"
	"time"

	"sickbay/health"
)

func TestTheHealthyNeighbourIsTheOneMostAlikeThenTheNearest(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	dims := func(region, tenant string) []health.Field {
		return []health.Field{{Name: "region", Value: region}, {Name: "tenant", Value: tenant}}
	}
	var r records
	r.add([]health.Request{
		{ID: "far", Service: "chat", Name: "chat", At: begin.Add(-time.Minute), Dims: dims("eu", "acme")},
		{ID: "alike", Service: "chat", Name: "chat", At: begin.Add(-time.Second), Dims: dims("eu", "acme")},
		{ID: "near", Service: "chat", Name: "chat", At: begin.Add(-time.Millisecond), Dims: dims("us", "acme")},
		{ID: "bad", Service: "chat", Name: "chat", At: begin, Failed: true, Dims: dims("eu", "acme")},
		{ID: "other service", Service: "docs", Name: "chat", At: begin, Dims: dims("eu", "acme")},
		{ID: "also failed", Service: "chat", Name: "chat", At: begin, Failed: true, Dims: dims("eu", "acme")},
		{ID: "too old", Service: "lone", Name: "chat", At: begin.Add(-2 * neighbourTime)},
		{ID: "alone", Service: "lone", Name: "chat", At: begin, Failed: true},
	})
	for id, want := range map[string]string{"bad": "alike", "alone": "", "unknown": ""} {
		of, _ := r.find(id)
		of.ID = id
		if got, _ := r.neighbour(of); got.ID != want {
			t.Errorf("beside %q lies %q, want %q", id, got.ID, want)
		}
	}
}

func TestRecordsStayInOrderAndBounded(t *testing.T) {
	var r records
	begin := time.Unix(1_800_000_000, 0)
	for i := range 130 {
		var batch []health.Request
		for j := range 1000 {
			n := i*1000 + j
			late := 0
			if n%97 == 0 {
				late = 500 // lines of another file, half a second old
			}
			batch = append(batch, health.Request{ID: time.Duration(n).String(), At: begin.Add(time.Duration(n-late) * time.Millisecond)})
		}
		r.add(batch)
	}
	if n := len(r.all); n > maxRecords*11/10 || n < maxRecords {
		t.Errorf("%d records are held", n)
	}
	if r.lost+len(r.all) != 130_000 {
		t.Errorf("%d lost and %d held are not all", r.lost, len(r.all))
	}
	for i := range r.all {
		if i > 0 && r.all[i].At.Before(r.all[i-1].At) {
			t.Fatalf("record %d is older than the one before it", i)
		}
		if got, ok := r.find(r.all[i].ID); !ok || got.ID != r.all[i].ID {
			t.Fatalf("record %d is found as %q", i, got.ID)
		}
	}
	if len(r.byID) != len(r.all) {
		t.Errorf("%d ids for %d records", len(r.byID), len(r.all))
	}
}
