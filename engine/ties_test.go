package engine

import (
	"reflect"
	"testing"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
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

// TestLabelsOfBothSidesSayWhoLeansOnWhom: the chat calls a model that the server
// serves, and a graph of traces names callers and called.
func TestLabelsOfBothSidesSayWhoLeansOnWhom(t *testing.T) {
	e := New(Options{Services: []Override{{Name: "search", Match: []string{"search-svc"}}}})
	from := newAsked(&fake{name: "main"})
	found := func(by string, calls, serves []packs.Tie) {
		from.found = append(from.found, packs.Found{Pack: &packs.Pack{Calls: calls, Serves: serves}, By: by})
	}
	found("service", []packs.Tie{{What: "model", Query: "chat", Label: "model"}}, nil)
	found("job", nil, []packs.Tie{{What: "model", Query: "vllm", Label: "name"}})
	found("client", []packs.Tie{{What: "service", Query: "graph", Label: "server"}}, nil)
	e.asked = append(e.asked, from)
	told := func(query string, labels ...map[string]string) {
		f := &fact{}
		for _, l := range labels {
			f.series = append(f.series, sources.Series{Labels: l})
		}
		e.facts[factKey{"main", query, moment{}, 0}] = f
	}
	told("chat", map[string]string{"service": "chat", "model": "llama"}, map[string]string{"service": "chat", "model": "nobody serves it"})
	told("vllm", map[string]string{"job": "gpu-server", "name": "llama"})
	told("graph", map[string]string{"client": "chat", "server": "search-svc"}, map[string]string{"client": "user", "server": "chat"}, map[string]string{"client": "search-svc", "server": "search-svc"})
	services := []health.Service{{Name: "chat"}, {Name: "gpu-server"}, {Name: "search"}}
	e.tie(services, moment{})
	want := []health.Service{
		{Name: "chat", Calls: []string{"gpu-server", "search"}}, {Name: "gpu-server", CalledBy: []string{"chat"}}, {Name: "search", CalledBy: []string{"chat"}},
	}
	if !reflect.DeepEqual(services, want) {
		t.Errorf("%+v, want %+v", services, want)
	}
}
