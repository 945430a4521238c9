package engine

import (
	"testing"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

func TestTheHealthyNeighbourIsTheOneMostAlikeThenTheNearest(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	dims := func(region, tenant string) []health.Field {
		return []health.Field{{Name: "region", Value: region}, {Name: "tenant", Value: tenant}}
	}
	var held logs.Store
	held.Add([]health.Request{
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
		of, _ := held.Find(id)
		of.ID = id
		if got, _ := neighbour(&held, of); got.ID != want {
			t.Errorf("beside %q lies %q, want %q", id, got.ID, want)
		}
	}
}
