package triage

import (
	"reflect"
	"testing"
	"time"

	"sickbay/health"
)

func TestWhatSeveralSourcesSayOfOneChangeIsOneChange(t *testing.T) {
	change := func(source, service, kind, to string, at, uncertain time.Duration) health.Change {
		return health.Change{ID: source + to, Source: source, Service: service, Kind: kind, To: to, At: noon.Add(at), Uncertain: uncertain}
	}
	argo := change("argo", "chat", "deploy", "v5.3.1", -10*time.Minute, time.Minute)
	argo.Text, argo.URL = "synced", "https://argo/chat"
	pods := change("rollouts", "chat", "deploy", "5.3.1", -9*time.Minute, time.Second)
	pods.From, pods.Text = "5.3.0", "rollout of ai/chat"
	both := pods
	both.Source, both.URL = "rollouts, argo", "https://argo/chat"
	for name, c := range map[string]struct{ in, want []health.Change }{
		"nothing":          {[]health.Change{}, []health.Change{}},
		"one from two":     {[]health.Change{pods, argo}, []health.Change{both}},
		"other services":   {[]health.Change{pods, change("argo", "search", "deploy", "5.3.1", -10*time.Minute, 0)}, nil},
		"other kinds":      {[]health.Change{pods, change("argo", "chat", "prompt", "5.3.1", -10*time.Minute, 0)}, nil},
		"other versions":   {[]health.Change{pods, change("argo", "chat", "deploy", "5.3.2", -10*time.Minute, 0)}, nil},
		"an hour between":  {[]health.Change{pods, change("argo", "chat", "deploy", "5.3.1", -70*time.Minute, 0)}, nil},
		"twice by one":     {[]health.Change{pods, change("rollouts", "chat", "deploy", "5.3.1", -12*time.Minute, 0)}, nil},
		"unnamed versions": {[]health.Change{change("a", "chat", "deploy", "", 0, 0), change("b", "chat", "deploy", "", 0, 0)}, nil},
	} {
		if c.want == nil {
			c.want = c.in
		}
		if got := Merged(c.in); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestARegistryAndALabelNameOneVersionEachInItsWay(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{{"v32", "32", true}, {"5.3.1", "v5.3.1", true}, {"v32", "v32", true}, {"v32", "v33", false}, {"vision", "ision", false}, {"", "v", false}, {"v1", "1.0", false},
		{"a84d88e7", "a84d88e", true}, {"a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d", "sha-a84d88e", true}, {"a84d88e", "a84d88f", false},
		{"20261123", "20261124", false}, {"20261123", "2026112", false}, {"defaced", "defaced-1", false}, {"a84d8", "a84d88e", false}, {"sha-", "", false}} {
		if got := sameVersion(c.a, c.b); got != c.same || sameVersion(c.b, c.a) != got {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
	col := Column{Values: []string{"", "v31", "v32"}}
	if code, ok := col.code("32"); !ok || code != 2 {
		t.Errorf("32 is %d, %v", code, ok)
	}
	if _, ok := col.code("33"); ok {
		t.Error("33 was never seen")
	}
	var s Sightings
	for i, v := range []string{"v31", "v31", "v32"} {
		s.Look("label", "chat", noon.Add(time.Duration(i)*2*time.Minute), health.Lineage{Prompt: v})
	}
	told := []health.Change{{Source: "langfuse", Service: "chat", Kind: "prompt", To: "32", At: noon.Add(3 * time.Minute)}}
	if n := len(s.Changes(nil)); n != 1 {
		t.Errorf("%d changes where nobody told", n)
	}
	if n := len(s.Changes(told)); n != 0 {
		t.Errorf("%d changes where the registry told of it", n)
	}
}
