package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// TestASignalWithoutLimitsIsHeldAgainstTheSameHourOfEarlierDays lets the cost be high
// for the whole window, which only other days can tell, and counts what asking costs.
func TestASignalWithoutLimitsIsHeldAgainstTheSameHourOfEarlierDays(t *testing.T) {
	for name, c := range map[string]struct {
		held   int // days that the server holds
		from   string
		status health.Status
		asked  int // questions for earlier days
	}{
		"a week":           {7, "this hour of 4 earlier days", health.Warn, 4},
		"three days":       {3, "this hour of 3 earlier days", health.Warn, 4},
		"a day and a half": {1, "the beginning of the window, without the rhythm of the one earlier day that is held", health.OK, 2},
		"six hours":        {0, "the beginning of the window; no earlier day is held", health.OK, 1},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of every bubble
			f := &fake{name: "main", every: 15, value: func(service string, at time.Time) (float64, bool) {
				ago := begin.Sub(at)
				v := 3 + 0.01*float64(at.Unix()/300%3)
				if service == "chat" && ago < 12*time.Hour {
					v *= 3
				}
				return v, ago < 8*time.Hour+time.Duration(c.held)*24*time.Hour
			}}
			inWardOf(t, Options{Packs: costPack()}, func() []sources.Source { return []sources.Source{f} }, func(w ward) {
				v := w.Join()
				w.later(30 * time.Second)
				sig := w.signal(v, "chat", "cost")
				chat, _ := v.Snapshot().Service("chat")
				if sig.Usual.From != c.from || chat.Status != c.status {
					t.Errorf("%v by %q: %+v", chat.Status, sig.Usual.From, chat.Findings)
				}
				if other, _ := v.Snapshot().Service("fraud"); other.Status != health.OK {
					t.Errorf("fraud is as always, and %v: %+v", other.Status, other.Findings)
				}
				if n := past(f.log()); n != c.asked {
					t.Errorf("%d questions for earlier days, want %d", n, c.asked)
				}
				w.later(30 * time.Minute)
				if n := past(f.log()); n > 2*c.asked {
					t.Errorf("%d questions within half an hour", n)
				}
			})
		})
	}
}

// past counts the questions for earlier days: they alone end long before now.
func past(log []string) int {
	n := 0
	for _, q := range log {
		if strings.HasPrefix(q, "range cost by (service) [300s]") {
			n++
		}
	}
	return n
}

func costPack() []*packs.Pack {
	p := onePack()
	p[0].Signals = []packs.Signal{{ID: "errors", Query: "errors by ($by) [$rate]", Warn: health.Num(100)}, {ID: "cost", Query: "cost by ($by) [$rate]"}}
	return p
}

func TestOnlySignalsThatNobodyLimitsAreAskedOfEarlierDays(t *testing.T) {
	f := packs.Found{By: "service", Services: []string{"chat", "fraud"}}
	limit := health.Limit{Warn: health.Num(5)}
	for name, c := range map[string]struct {
		signal   packs.Signal
		services []Override
		want     bool
	}{
		"cost":                      {packs.Signal{ID: "cost"}, nil, true},
		"a limit of the catalogue":  {packs.Signal{ID: "errors"}, nil, false},
		"a limit of the pack":       {packs.Signal{ID: "cost", Warn: health.Num(1)}, nil, false},
		"only in detail":            {packs.Signal{ID: "cost", Detail: true}, nil, false},
		"neither up nor down":       {packs.Signal{ID: "traffic"}, nil, false},
		"one service has limits":    {packs.Signal{ID: "cost"}, []Override{{Name: "chat", Limits: map[string]health.Limit{"cost": limit}}}, true},
		"all services have limits":  {packs.Signal{ID: "cost"}, []Override{{Name: "chat", Limits: map[string]health.Limit{"cost": limit}}, {Name: "f", Match: []string{"fraud"}, Limits: map[string]health.Limit{"cost": limit}}}, false},
		"one limits, one hides it":  {packs.Signal{ID: "cost"}, []Override{{Name: "chat", Hide: []string{"cost"}}, {Name: "fraud", Limits: map[string]health.Limit{"cost": limit}}}, false},
		"a signal of somebody else": {packs.Signal{ID: "my_backlog", Bad: "up"}, nil, true},
	} {
		e := New(Options{Services: c.services})
		if got := e.heldAgainstPast(f, c.signal); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheOwnerOfWhatAModelNamesIsWhoServesIt(t *testing.T) {
	e := New(Options{})
	a := newAsked(&fake{name: "main"})
	e.asked = append(e.asked, a)
	p := &packs.Pack{ID: "vllm", Serves: []packs.Tie{{What: "model", Query: "models", Label: "model_name"}}}
	a.found = []packs.Found{{Pack: p, By: "service", Services: []string{"llama", "qwen", "qwen-2"}}}
	fa := e.fact(factKey{"main", e.expand("models", a.found[0], 0), moment{}, 0}, time.Now())
	for service, model := range map[string]string{"llama": "llama-3", "qwen": "qwen-3", "qwen-2": "qwen-3"} {
		fa.series = append(fa.series, sources.Series{Labels: map[string]string{"service": service, "model_name": model}})
	}
	owner := e.owner([]health.Service{{Name: "vector-db"}}, moment{})
	var got []string
	for _, c := range [][2]string{{"gen_ai.request.model", "llama-3"}, {"model", "qwen-3"}, {"peer.service", "vector-db"}, {"peer.service", "x"}, {"tenant", "llama-3"}} {
		got = append(got, owner(c[0], c[1]))
	}
	if want := []string{"llama", "", "vector-db", "", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
