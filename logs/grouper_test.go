package logs

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// traffic makes n records of three hours before testNow, oldest first, no two of one moment.
func traffic(rng *rand.Rand, n int) []health.Request {
	all := make([]health.Request, n)
	for i := range all {
		r := with(healthy, fmt.Sprintf("prompt_version=v%d region=r%d tenant=t%d", rng.IntN(2), rng.IntN(3), rng.IntN(20)))
		r.Service = fmt.Sprintf("service-%d", rng.IntN(3))
		r.At = testNow.Add(-time.Duration(n-1-i) * 3 * time.Hour / time.Duration(n))
		r.ID = fmt.Sprint("r", i)
		kind := rng.IntN(40)
		if kind < 4 && i < n/2 || kind == 5 && i > n*2/3 || kind == 6 && i > n*9/10 {
			r.Failed, r.Error = true, fmt.Sprintf("error-%d", kind)
			r.Message = fmt.Sprintf("step %d of %s failed after %d s", kind, "<x>", rng.IntN(60))
			if kind == 5 {
				r.Lineage.Prompt = "v1"
			}
			r.Group, _ = Signature(r)
		}
		all[i] = r
	}
	return all
}

func TestAGrouperAgreesWithGroupingEverythingAtOnce(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 7))
		all := traffic(rng, 3000)
		late := slices.Clone(all)
		for i := range late { // some come late, as from several files
			if j := max(0, i-rng.IntN(40)); seed%2 == 1 {
				late[i], late[j] = late[j], late[i]
			}
		}
		g := NewGrouper()
		for rest := late; len(rest) > 0; {
			n := min(len(rest), 1+rng.IntN(200))
			g.Add(rest[:n])
			rest = rest[n:]
		}
		for _, window := range []time.Duration{5 * time.Minute, hour, 6 * hour} {
			for _, now := range []time.Time{testNow, testNow.Add(-37 * time.Minute), testNow.Add(-2 * hour), testNow.Add(hour)} {
				got, want := g.Groups(now, window), oracleGroups(now, window, all)
				if now.Before(testNow) { // of the past, only ids are kept
					for i := range got {
						got[i].Example = ""
					}
					for i := range want {
						want[i].Example = ""
					}
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("seed %d, %v until %v:\ngot  %+v\nwant %+v", seed, window, now, got, want)
				}
			}
		}
	}
}

func TestWordsThatDifferEverywhereBecomeAStar(t *testing.T) {
	g := NewGrouper()
	names := strings.Fields("ann bob cid dan eve fay gus hal ida jon kim leo")
	var ids []string
	for i, name := range names {
		r := failing("no account for " + name + " in the ledger")
		r.At, r.ID = testNow.Add(-time.Duration(i)*time.Second), name
		g.Add([]health.Request{r})
		ids = append(ids, g.ID(&r))
	}
	got := g.Groups(testNow, hour)
	if len(got) != 1 || got[0].Count != len(names) || got[0].Signature != "no account for <*> in the ledger" || got[0].Example != "no account for ann in the ledger" {
		t.Fatalf("%+v", got)
	}
	for i, id := range ids {
		if now := g.Current(id); now != got[0].ID {
			t.Errorf("the group that %s began is called %s, want %s", names[i], now, got[0].ID)
		}
	}
	if len(got[0].Requests) != len(names) || got[0].Requests[0] != "ann" {
		t.Errorf("requests %v", got[0].Requests)
	}
	r := failing("no account for zoe in the ledger")
	if id := g.ID(&r); id != got[0].ID {
		t.Errorf("zoe would be in %s", id)
	}
}

func TestAGrouperIsBoundedWhateverComesIn(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	word := func() string {
		b := make([]byte, 3+rng.IntN(6))
		for i := range b {
			b[i] = byte('a' + rng.IntN(26))
		}
		return string(b)
	}
	g := NewGrouper()
	const n = 30_000
	for i := range n {
		r := failing(word() + " " + word() + " " + word() + " " + word())
		r.Service, r.Error, r.ID = "s"+word()[:2], word()[:3], fmt.Sprint(i)
		r.At = testNow.Add(time.Duration(i-n) * time.Second)
		r.Dims = []health.Field{{Name: "user", Value: word()}, {Name: word(), Value: "x"}, {Name: "region", Value: word()[:1]}}
		g.Add([]health.Request{r})
	}
	if g.tree.nodes > 2*maxNodes || len(g.tree.former) > maxFormer || len(g.facts.sets) > maxFacts+1 || g.entries > maxEntries {
		t.Errorf("%d nodes, %d former ids, %d sets of facts, %d entries", g.tree.nodes, len(g.tree.former), len(g.facts.sets), g.entries)
	}
	nodes, total := -1, 0
	g.tree.each(func(*node) { nodes++ })
	if nodes != g.tree.nodes {
		t.Errorf("%d nodes are there, %d were counted", nodes, g.tree.nodes)
	}
	for v := range g.groups {
		for _, e := range v.entries {
			total += int(e.n)
		}
		if v.into == nil && v.node.leaf != v {
			t.Fatalf("group %s is not where it thinks", v.id)
		}
	}
	if total != n {
		t.Errorf("%d failures of %d are counted", total, n)
	}
}

func TestOldFailuresAreCountedByTheMinuteThenForgotten(t *testing.T) {
	g := NewGrouper()
	const n = 3 * maxOfGroup
	for i := range n {
		r := failing("x")
		r.At, r.ID = testNow.Add(-time.Duration(n-i)*time.Second), fmt.Sprint(i)
		g.Add([]health.Request{r})
	}
	f := g.Groups(testNow, 24*hour)[0]
	if f.Count != n {
		t.Errorf("%d of %d", f.Count, n)
	}
	if f = g.Groups(testNow, hour)[0]; f.Count != 3599 || f.Spark[3] != 300 {
		t.Errorf("the newest hour: %d, %v", f.Count, f.Spark)
	}
	r := healthy
	r.At = testNow.Add(keepFor + 25*hour)
	g.Add([]health.Request{r})
	if len(g.groups) != 0 || g.tree.nodes != 0 || len(g.services) != 1 {
		t.Errorf("%d groups, %d nodes, %d services are left", len(g.groups), g.tree.nodes, len(g.services))
	}
}

func BenchmarkGrouperAdd(b *testing.B) {
	all := traffic(rand.New(rand.NewPCG(1, 2)), 100_000)
	b.ReportAllocs()
	for b.Loop() {
		g := NewGrouper()
		g.Add(all)
	}
	b.ReportMetric(float64(len(all))*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkGrouperGroups(b *testing.B) {
	g := NewGrouper()
	g.Add(traffic(rand.New(rand.NewPCG(1, 2)), 100_000))
	b.ReportAllocs()
	for b.Loop() {
		g.Groups(testNow, hour)
	}
}

func TestGroupsOfAnyMessagesDoNotDependOnTheirOrder(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 3))
		words := 9 + rng.IntN(14) // around the fan, so that much becomes stars in one order or another
		all := make([]health.Request, 40+rng.IntN(400))
		for i := range all {
			var m []string
			for range rng.IntN(6) {
				m = append(m, string(rune('a'+rng.IntN(words))))
			}
			all[i] = failing(strings.Join(m, " "))
			all[i].At, all[i].ID = testNow.Add(-time.Duration(i)*time.Second), fmt.Sprint(i)
		}
		want := NewGrouper()
		want.Add(all)
		mixed, got := slices.Clone(all), NewGrouper()
		rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		got.Add(mixed)
		for i := range all {
			if a, b := want.ID(&all[i]), got.ID(&all[i]); a != b {
				t.Fatalf("seed %d: %q is in %s, or in %s in another order", seed, all[i].Message, a, b)
			}
		}
		if a, b := want.Groups(testNow, hour), got.Groups(testNow, hour); !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d:\n%+v\n%+v", seed, a, b)
		}
	}
}
