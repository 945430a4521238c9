package triage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

var detectNow = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// calls writes "a1 a1 b2! c=x" as calls: a with arguments 1 and no result, b that
// failed, c with result x.
func calls(text string) []health.ToolCall {
	var all []health.ToolCall
	for _, w := range strings.Fields(text) {
		c := health.ToolCall{}
		w, c.Result, _ = strings.Cut(w, "=")
		if strings.HasSuffix(w, "!") {
			w, c.Error = strings.TrimSuffix(w, "!"), "HTTP 503"
		}
		c.Name, c.Arguments = w[:1], w[1:]
		all = append(all, c)
	}
	return all
}

func TestSignsOfOneRun(t *testing.T) {
	for _, c := range []struct{ name, calls, want string }{
		{"nothing was called", "", ""},
		{"different calls", "a1 b1 c1 d1 a2 b2 c2 d2", ""},
		{"asked twice and a third time", "a1 a1 a1 b1", ""},
		{"the same call without end", "p a1=x a1=x a1=x a1=x a1=x", "identical calls: a x5, same arguments"},
		{"results nobody logged", "a1 a1 a1 a1", "identical calls: a x4, same arguments"},
		{"waiting until it is done", "a1=no a1=no a1=no a1=no a1=yes", ""},
		{"pages are other arguments", "a1=x a2=y a3=z a4=u a5=v", ""},
		{"round and round", "a1=x b1=y a1=x b1=y a1=x b1=y", "cycle: a → b → a, 3 rounds, same arguments"},
		{"round and round with three", "z a b c a b c a b c a", "cycle: a → b → c → a, 3 rounds, same arguments"},
		{"only twice round", "a b a b", ""},
		{"round with other arguments", "a1 b1 a2 b2 a3 b3", ""},
		{"round until something is found", "a=n b=n a=n b=n a=n b=found", ""},
		{"nothing new, in no order", "a=1 b=2 c=3 d=4 c=3 a=1 b=2 a=1 d=4 c=3", "no progress: the last 6 of 10 calls repeat earlier ones and bring nothing new"},
		{"updates that all say ok", "a1=ok a2=ok a3=ok a4=ok a5=ok a6=ok a7=ok a8=ok", ""},
		{"the same mistake again", "a1! b a1! c a1!", "failing call repeated: a failed 3 times, same arguments"},
		{"a mistake, mended", "a1! a2! a3! a4", ""},
		{"a loop of failures", "a1! a1! a1! a1!", "identical calls: a x4, same arguments; failing call repeated: a failed 4 times, same arguments"},
	} {
		var got []string
		for _, s := range Signs(health.Request{Tools: calls(c.calls)}) {
			got = append(got, s.Kind+": "+s.Text)
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", c.name, c.calls, strings.Join(got, "; "), c.want)
		}
	}
}

// past is n requests over the hour before the window, and more in the window, in
// which every k-th is made by ill.
func past(n, more, k int, well, ill func(i int) health.Request) []*health.Request {
	var all []*health.Request
	add := func(r health.Request, at time.Time, i int) {
		r.ID, r.At = fmt.Sprintf("req-%d", i), at
		r.Signs = Signs(r)
		all = append(all, &r)
	}
	for i := range n {
		add(well(i), detectNow.Add(-DetectWindow-time.Hour+time.Hour*time.Duration(i)/time.Duration(n)), i)
	}
	for i := range more {
		r := well(i)
		if k > 0 && i%k == 0 {
			r = ill(i)
		}
		add(r, detectNow.Add(-DetectWindow+DetectWindow*time.Duration(i+1)/time.Duration(more+1)), n+i)
	}
	return all
}

func task(i int) health.Request {
	return health.Request{Tools: calls(fmt.Sprintf("a%d b%d=x c%d", i, i, i)), Lineage: health.Lineage{Build: "2.0"}, CostUSD: health.Num(0.03)}
}

func answered(i int) health.Request {
	return health.Request{Chunks: []health.Chunk{{ID: "d1", Score: health.Num(0.8), Age: health.Num(5 * 3600)}, {ID: "d2", Score: health.Num(0.4), Age: health.Num(900 * 3600)}},
		Dims: []health.Field{{Name: "query_embedding_model", Value: "e-large"}, {Name: "index_embedding_model", Value: "e-large"}}}
}

func TestEveryDetectorSpeaksOnlyWhenItShould(t *testing.T) {
	agent := func(ill string) func(int) health.Request {
		return func(i int) health.Request { r := task(i); r.Tools = calls(ill); return r }
	}
	rag := func(change func(*health.Request)) func(int) health.Request {
		return func(i int) health.Request { r := answered(i); change(&r); return r }
	}
	for _, c := range []struct {
		name      string
		well, ill func(int) health.Request
		every     int // of how many requests one is ill
		status    health.Status
		want      string
	}{
		{"loops", task, agent("a1 a1 a1 a1 a1"), 5, health.Critical, "identical calls again and again in 20.0 % of 100 tasks: a x5, same arguments (req-295)"},
		{"few loops", task, agent("a1 a1 a1 a1 a1"), 20, health.Warn, "identical calls again and again in 5.0 % of 100 tasks: a x5, same arguments (req-280)"},
		{"circles", task, agent("a b a b a b"), 20, health.Warn, "calls in a circle in 5.0 % of 100 tasks: a → b → a, 3 rounds, same arguments (req-280)"},
		{"no progress", task, agent("a b c a b a c a b a b"), 20, health.Warn, "no progress in 5.0 % of 100 tasks: the last 8 of 11 calls repeat earlier ones and bring nothing new (req-280)"},
		{"failures", task, agent("a1! b a1! c a1!"), 20, health.Warn, "failing calls repeated unchanged in 5.0 % of 100 tasks: a failed 3 times, same arguments (req-280)"},
		{"a new tool", task, agent("a1 x1"), 25, health.Warn, "tool x is called in 4.0 % of 100 tasks; in 200 tasks before it was never used by build 2.0 (req-275)"},
		{"costs", task, func(i int) health.Request { r := task(i); r.CostUSD = health.Num(0.41); return r }, 10, health.Warn, "cost runs away: 10.0 % of 100 requests take over 5 times the usual $0.03, up to $0.41 (req-290)"},
		{"empty", answered, func(int) health.Request { return health.Request{Error: "retrieval_empty"} }, 5, health.Critical, "retrieval finds nothing in 20.0 % of 100 requests (req-295)"},
		{"dissimilar", answered, rag(func(r *health.Request) { r.Chunks[0].Score = health.Num(0.31) }), 4, health.Warn, "little similarity: the best chunk is below 0.45 in 25.0 % of 100 retrievals, here 0.40 (req-296)"},
		{"stale", answered, rag(func(r *health.Request) { r.Chunks[0].Age = health.Num(11 * 86400) }), 2, health.Warn, "stale documents: in 50.0 % of 100 retrievals no chunk is younger than 3 d, here 11 d (req-298)"},
		{"mixed", answered, rag(func(r *health.Request) {
			r.Dims = []health.Field{{Name: "embedding_model", Value: "e-large"}, {Name: "index.embedding_model", Value: "e-small"}}
		}), 10, health.Warn, "embedding models differ in 10.0 % of 100 retrievals: query e-large, index e-small (req-290)"},
		{"well, an agent", task, nil, 0, health.OK, ""},
		{"well, retrieval", answered, nil, 0, health.OK, ""},
		{"four loops of a hundred are chance", task, agent("a1 a1 a1 a1 a1"), 30, health.OK, ""},
		{"a cache that never finds", func(int) health.Request { return health.Request{} }, nil, 0, health.OK, ""},
	} {
		got := Detect(health.Service{Name: "s"}, past(200, 100, c.every, c.well, c.ill), detectNow)
		if c.want == "" {
			if len(got) > 0 {
				t.Errorf("%s: %+v", c.name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Text != c.want || got[0].Status != c.status || got[0].Rule != "detector" || got[0].Service != "s" || got[0].Value == nil {
			t.Errorf("%s: got\n%+v\nwant %s %s", c.name, got, c.status, c.want)
			continue
		}
		if began := detectNow.Add(-DetectWindow); got[0].Since.Before(began) || got[0].Since.After(began.Add(DetectWindow/2)) {
			t.Errorf("%s: since %v", c.name, got[0].Since)
		}
	}
}

func TestADetectorUsesTheLimitsOfTheService(t *testing.T) {
	loops := past(200, 100, 10, task, func(i int) health.Request { r := task(i); r.Tools = calls("a a a a a"); return r })
	s := health.Service{Name: "s", Signals: []health.Signal{{ID: "loops", Limit: health.Limit{Warn: health.Num(0.3), Critical: health.Num(0.5)}}}}
	if got := Detect(s, loops, detectNow); len(got) > 0 {
		t.Errorf("below the limit of the config: %+v", got)
	}
	if got := Detect(health.Service{}, loops, detectNow); len(got) != 1 || *got[0].Limit != 0.02 {
		t.Errorf("%+v", got)
	}
}

func TestWhatBeganBeforeTheWindowIsSaidToHaveBegunThen(t *testing.T) {
	began := detectNow.Add(-40 * time.Minute)
	all := past(400, 100, 3, task, func(i int) health.Request { r := task(i); r.Tools = calls("a a a a a"); return r })
	for i, r := range all {
		if r.At.After(began) && i%3 == 0 {
			r.Tools = calls("a a a a a")
			r.Signs = Signs(*r)
		}
	}
	got := Detect(health.Service{}, all, detectNow)
	if len(got) == 0 || got[0].Since.Sub(began).Abs() > 2*time.Minute {
		t.Errorf("began at %v: %+v", began, got)
	}
}

func TestAQuietAgentWithChanceInItIsLeftAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		all := past(400, 180, 0, func(i int) health.Request {
			r := task(i)
			r.CostUSD = health.Num(0.03 * (0.4 + rng.ExpFloat64()*0.5))
			if rng.Float64() < 0.002 {
				r.Tools = calls("a a a a a")
			}
			return r
		}, nil)
		if got := Detect(health.Service{}, all, detectNow); len(got) > 0 {
			t.Fatalf("%+v", got)
		}
	}
}

func TestDetectionChangesNothingItWasGiven(t *testing.T) {
	all := past(60, 40, 2, task, task)
	before := slices.Clone(all)
	Detect(health.Service{}, all, detectNow)
	if !slices.Equal(all, before) || Detect(health.Service{}, nil, detectNow) != nil {
		t.Error("it did")
	}
}

func FuzzSigns(f *testing.F) {
	f.Add("a1 a1 a1 a1 b! b! b!")
	f.Add("a b a b a b c c c c c c c c")
	f.Fuzz(func(t *testing.T, text string) {
		var tools []health.ToolCall
		for _, w := range strings.Fields(text) {
			c := health.ToolCall{Name: w[:1], Arguments: w[1:]}
			if strings.HasSuffix(w, "!") {
				c.Error = w
			}
			tools = append(tools, c)
			if len(tools) == 256 {
				break
			}
		}
		for _, s := range Signs(health.Request{Tools: tools}) {
			if s.Kind == "" || s.Text == "" {
				t.Errorf("%+v", s)
			}
		}
	})
}

func BenchmarkSigns(b *testing.B) {
	r := health.Request{Tools: calls(strings.Repeat("a1 b2 c3 a1 b2 d4 ", 4))}
	for b.Loop() {
		Signs(r)
	}
}

func BenchmarkDetect(b *testing.B) {
	all := past(400, 200, 3, task, func(i int) health.Request { r := task(i); r.Tools = calls("a a a a a"); return r })
	b.ReportAllocs()
	for b.Loop() {
		Detect(health.Service{}, all, detectNow)
	}
}

// TestDearRequestsThatAlwaysWereAreNoNews looks at services of which one request in
// seventy costs five times the middle, at any hour, and at one in which that began.
func TestDearRequestsThatAlwaysWereAreNoNews(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	dear := func(from time.Time, share float64) []*health.Request {
		all := past(220, 70, 0, func(int) health.Request {
			return health.Request{CostUSD: health.Num(0.004 * math.Exp(0.73*rng.NormFloat64()))}
		}, nil)
		for _, r := range all {
			if r.At.After(from) && rng.Float64() < share {
				*r.CostUSD += 0.05
			}
		}
		return all
	}
	const looks = 120
	news := 0
	for range looks {
		news += len(Detect(health.Service{}, dear(detectNow, 0), detectNow))
	}
	if news > 1 {
		t.Errorf("%d of %d looks at what is usual found news", news, looks)
	}
	for _, ago := range []time.Duration{5 * time.Minute, 20 * time.Minute, 40 * time.Minute} {
		if got := Detect(health.Service{}, dear(detectNow.Add(-ago), 0.3), detectNow); len(got) != 1 {
			t.Errorf("dear since %v: %+v", ago, got)
		}
	}
}

// TestWhatIsAlwaysBeyondItsLimitIsNoChance looks at an agent of which one task in
// twenty loops, as it has for an hour.
func TestWhatIsAlwaysBeyondItsLimitIsNoChance(t *testing.T) {
	n := 0
	loops := func(i int) health.Request {
		r := task(i)
		if n++; n%20 == 0 {
			r.Tools = calls("a1 a1 a1 a1 a1")
		}
		return r
	}
	if got := Detect(health.Service{}, past(240, 100, 0, loops, nil), detectNow); len(got) != 1 || !strings.Contains(got[0].Text, "5.0 % of 100 tasks") {
		t.Errorf("%+v", got)
	}
}
