package engine

import (
	"reflect"
	"testing"

	"sickbay/health"
)

// TestTracesAndTheConfigSayWhoLeansOnWhom opens a trace in which the chat searches,
// and names a dependency in the config.
func TestTracesAndTheConfigSayWhoLeansOnWhom(t *testing.T) {
	e := New(Options{Services: []Override{{Name: "chat", Match: []string{"chat-svc"}, DependsOn: []string{"billing"}}}})
	from := newAsked(&fake{name: "traces"})
	e.lookups["t1"] = &lookup{said: map[string]traced{}}
	e.takeTrace(traced{key: "t1", from: from, trace: health.Trace{Spans: []health.TraceSpan{
		{ID: "1", Service: "chat-svc"}, {ID: "2", Parent: "1", Service: "chat-svc"}, {ID: "3", Parent: "2", Service: "search"},
		{ID: "4", Parent: "3", Service: "unknown-db"}, {ID: "5", Parent: "lost", Service: "billing"},
	}}})
	services := []health.Service{{Name: "billing"}, {Name: "chat"}, {Name: "search"}}
	e.tie(services, moment{})
	want := []health.Service{
		{Name: "billing", CalledBy: []string{"chat"}}, {Name: "chat", Calls: []string{"billing", "search"}}, {Name: "search", CalledBy: []string{"chat"}},
	}
	if !reflect.DeepEqual(services, want) {
		t.Errorf("%+v, want %+v", services, want)
	}
}
