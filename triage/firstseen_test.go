package triage

import (
	"slices"
	"testing"
	"time"

	"sickbay/health"
)

func TestAVersionSeenForTheFirstTimeIsAChange(t *testing.T) {
	at := func(min float64) time.Time { return noon.Add(time.Duration(min * float64(time.Minute))) }
	prompt := func(v string) health.Lineage { return health.Lineage{Prompt: v, Build: "1.9.0"} }
	type look struct {
		min float64
		l   health.Lineage
	}
	rolled := []look{{0, prompt("v31")}, {5, prompt("v31")}, {5.5, prompt("v32")}, {6, prompt("v31")}, {7, prompt("v32")}}
	recorded := func(kind, to string, min float64, unsure time.Duration) []health.Change {
		return []health.Change{{ID: "chg-1", Kind: kind, Service: "s", To: to, At: at(min), Uncertain: unsure}}
	}
	for name, c := range map[string]struct {
		looks    []look
		recorded []health.Change
		want     string // to
		at       time.Time
		unsure   time.Duration
	}{
		"nobody announced it":                {rolled, nil, "v32", at(5.25), 15 * time.Second},
		"the feed knows it":                  {rolled, recorded("prompt", "v32", 4, 0), "", time.Time{}, 0},
		"the feed knows it, a little late":   {rolled, recorded("prompt", "v32", 6, 0), "", time.Time{}, 0},
		"the feed knows it, but not when":    {rolled, recorded("prompt", "v32", 20, 15*time.Minute), "", time.Time{}, 0},
		"the feed knows another":             {rolled, recorded("prompt", "v30", 5, 0), "v32", at(5.25), 15 * time.Second},
		"the feed knows it of another day":   {rolled, recorded("prompt", "v32", -1440, 0), "v32", at(5.25), 15 * time.Second},
		"the feed knows a model of the name": {rolled, recorded("model", "v32", 5, 0), "v32", at(5.25), 15 * time.Second},
		"sickbay rolled back to it":          {rolled, recorded("rollback", "v32", 5, 0), "", time.Time{}, 0},
		"the feed names no version":          {rolled, recorded("prompt", "", 5, 0), "", time.Time{}, 0},
		"there from the beginning":           {[]look{{0, prompt("v32")}, {5, prompt("v32")}}, nil, "", time.Time{}, 0},
		"in the first minute":                {[]look{{0, prompt("v31")}, {.5, prompt("v32")}}, nil, "", time.Time{}, 0},
		"the first version there ever was":   {[]look{{0, health.Lineage{}}, {5, prompt("v32")}}, nil, "", time.Time{}, 0},
		"seen late, known less well":         {[]look{{0, prompt("v31")}, {5, prompt("v31")}, {15, prompt("v32")}}, nil, "v32", at(10), 5 * time.Minute},
		"looks out of order":                 {[]look{{0, prompt("v31")}, {5, prompt("v31")}, {7, prompt("v32")}, {5.5, prompt("v32")}}, nil, "v32", at(5.25), 15 * time.Second},
	} {
		var s Sightings
		for _, l := range c.looks {
			s.Look("log", "s", at(l.min), l.l)
		}
		got := s.Changes(c.recorded)
		if c.want == "" {
			if len(got) > 0 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].To != c.want || got[0].From != "v31" || got[0].Kind != "prompt" || !got[0].At.Equal(c.at) || got[0].Uncertain != c.unsure {
			t.Errorf("%s: %+v, want %s at %v ± %v", name, got, c.want, c.at, c.unsure)
		}
	}
}

func TestALabelThatChangesAllTheTimeIsNoVersion(t *testing.T) {
	var s Sightings
	for i := range 1000 {
		s.Look("log", "s", noon.Add(time.Duration(i)*time.Second), health.Lineage{Build: time.Duration(i).String(), Prompt: "v1"})
	}
	if got := s.Changes(nil); len(got) > 0 {
		t.Errorf("%d changes", len(got))
	}
	if n := len(s.of[runs{"s", "deploy", "log"}].versions); n > derivedMax {
		t.Errorf("%d versions are remembered", n)
	}
}

func TestTwoWitnessesTellOneChangeAndMayNameVersionsDifferently(t *testing.T) {
	var s Sightings
	for i := range 30 {
		at := noon.Add(time.Duration(i) * 10 * time.Second)
		l := health.Lineage{Prompt: "v31", Model: "m-2025"}
		if i > 15 {
			l.Prompt = "v32"
		}
		s.Look("log", "s", at, l)
		if l.Model = "m"; i%3 == 0 {
			s.Look("label", "s", at, l)
		}
	}
	got := s.Changes(nil)
	if len(got) != 1 || got[0].To != "v32" || got[0].Uncertain != 5*time.Second {
		t.Errorf("%+v", got)
	}
}

func TestChangesAreInOrderAndTheSameEveryTime(t *testing.T) {
	var s Sightings
	for i := range 20 {
		l := health.Lineage{Prompt: "p" + string(rune('a'+i/5)), Model: "m" + string(rune('a'+i/7)), Index: "i" + string(rune('a'+i/9))}
		s.Look("log", "one", noon.Add(time.Duration(i)*time.Minute), l)
		s.Look("log", "two", noon.Add(time.Duration(i)*time.Minute), l)
	}
	first := s.Changes(nil)
	if len(first) != 14 || !slices.IsSortedFunc(first, func(a, b health.Change) int { return a.At.Compare(b.At) }) {
		t.Errorf("%d changes: %+v", len(first), first)
	}
	if !slices.Equal(first, s.Changes(nil)) {
		t.Error("another order")
	}
}

func TestNamesFromOutsideDoNotFillTheMemory(t *testing.T) {
	var s Sightings
	for i := range 3 * tellersMax {
		s.Look("log", time.Duration(i).String(), noon, health.Lineage{Build: "1"})
	}
	if len(s.recent) > tellersMax || len(s.of) > tellersMax {
		t.Errorf("%d tellers of %d things", len(s.recent), len(s.of))
	}
}

func BenchmarkLook(b *testing.B) {
	var s Sightings
	l := health.Lineage{Build: "1.9.0", Model: "m47", Prompt: "v31"}
	b.ReportAllocs()
	for i := range b.N {
		s.Look("log", "support-chat", noon.Add(time.Duration(i)*time.Millisecond), l)
	}
}
