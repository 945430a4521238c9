package logs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// templates are what 36 places in the code of an AI gateway would log. {…} is what differs: numbers, ids, names
// of people and files, words of a text, and values that the record carries as dimensions as well.
var templates = strings.Split(strings.TrimSpace(`
upstream returned {n} after {d} (request {id})
context_length_exceeded: {n} tokens, at most {n} are allowed
rate limit reached for {model} in {region}: retry after {d}
tool {tool} failed: connection refused
tool {tool} returned an empty answer for {tenant}
tool {tool} timed out after {d}
policy "{text}" matched, answer withheld
user {name} is not allowed to use {model}
no document of {file} could be read
index {index} is {d} old, refusing to answer from it
embedding of chunk {id} failed: {text}
cannot parse the answer of {model}: unexpected end of JSON input at {n}
dial tcp {ip}: connect: no route to host
read tcp {ip}->{ip}: connection reset by peer
tls: failed to verify certificate for {host}
json: cannot unmarshal string into field {name} of type int
worker {n} crashed with exit code {n}
CUDA out of memory: tried to allocate {n} MiB on device {n}
quota of {tenant} used up: {n} of {n}
session {id} expired
session {id} belongs to {name}, not to {name}
prompt template {name} has no variable {name}
answer for {name} was cut at {n} tokens
cache lookup {id} took {d}, going on without
queue is full ({n} waiting), request {id} refused
model {model} is not loaded on {host}
GET /v1/{name}/{id} answered {n}
POST /v1/chat/completions answered {n} in {d}
retrieval found nothing for "{text}"
groundedness {f} is below {f} for {id}
guardrail blocked the answer: {text}
agent stopped after {n} steps without an answer
feature {name} is missing in {n} rows
could not write {file}: no space left on device
database is locked by {name} since {d}
panic: runtime error: index out of range [{n}] with length {n}
`), "\n")

var people = func() (all []string) {
	for _, a := range strings.Fields("al be ca do el fra gi hen isa jo ka lu ma ni ol pe qui ro sa ti") {
		for _, b := range strings.Fields("bert cia dora ela fried gret hild ina jan kus lena mar nold olf pha rix sine tor una vin") {
			all = append(all, a+b)
		}
	}
	return all
}()

// failures are n records of the templates and which template each is of.
func failures(seed uint64, n int) (all []health.Request, truth []int) {
	rng := rand.New(rand.NewPCG(seed, 36))
	all, truth = make([]health.Request, n), make([]int, n)
	one := func(words string) string { return pick(rng, words) }
	for i := range all {
		r := &all[i]
		truth[i] = rng.IntN(len(templates))
		dims := []health.Field{{Name: "tenant", Value: one("acme globex initech umbrella hooli")}, {Name: "region", Value: one("eu-west us-east ap-south")},
			{Name: "model", Value: one("gpt-4o llama-chat mistral-large")}, {Name: "tool", Value: one("lookup search track refund weather sql browser calendar")}}
		var b strings.Builder
		for rest := templates[truth[i]]; ; {
			before, after, more := strings.Cut(rest, "{")
			b.WriteString(before)
			if !more {
				break
			}
			what, after, _ := strings.Cut(after, "}")
			rest = after
			switch what {
			case "n":
				fmt.Fprint(&b, rng.IntN(100000))
			case "f":
				fmt.Fprintf(&b, "%.2f", rng.Float64())
			case "d":
				fmt.Fprintf(&b, "%d.%ds", rng.IntN(60), rng.IntN(10))
			case "id":
				fmt.Fprintf(&b, "%08x-%04x", rng.Uint32(), rng.IntN(1<<16))
			case "ip":
				fmt.Fprintf(&b, "10.%d.%d.%d:%d", rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.IntN(65536))
			case "name":
				b.WriteString(people[rng.IntN(len(people))])
			case "host":
				b.WriteString(people[rng.IntN(len(people))] + ".example.com")
			case "file":
				b.WriteString("/data/" + people[rng.IntN(len(people))] + ".pdf")
			case "index":
				fmt.Fprintf(&b, "idx-%d", rng.IntN(30))
			case "text":
				for w := range 2 + rng.IntN(5) {
					if w > 0 {
						b.WriteByte(' ')
					}
					b.WriteString(strings.Trim(pick(rng, prose), `"`))
				}
			default:
				for _, d := range dims {
					if d.Name == what {
						b.WriteString(d.Value)
					}
				}
			}
		}
		*r = health.Request{Service: "gateway", Level: "error", Failed: true, Message: b.String(), ID: fmt.Sprint(i), Dims: dims, At: testNow.Add(-time.Duration(n-i) * time.Millisecond)}
	}
	return all, truth
}

// grouped says how well records were grouped: how many groups there are, and how many of the records are in a
// group with all records of their template and no others.
func grouped(g *Grouper, all []health.Request, truth []int) (groups int, right, pure float64) {
	of := map[string]map[int]int{}
	size := make([]int, len(templates))
	for i := range all {
		id := g.ID(&all[i])
		if of[id] == nil {
			of[id] = map[int]int{}
		}
		of[id][truth[i]]++
		size[truth[i]]++
	}
	exact, alone := 0, 0
	for _, in := range of {
		for k, n := range in {
			if len(in) == 1 {
				alone += n
				if n == size[k] {
					exact += n
				}
			}
		}
	}
	return len(of), float64(exact) / float64(len(all)), float64(alone) / float64(len(all))
}

func testCorpus(t testing.TB, n int) {
	all, truth := failures(1, n)
	g := NewGrouper()
	g.Add(all)
	groups, right, pure := grouped(g, all, truth)
	t.Logf("%d lines of %d templates: %d groups, %.1f %% of the lines in exactly right ones, %.1f %% in pure ones, %d nodes", n, len(templates), groups, 100*right, 100*pure, g.tree.nodes)
	if right < 0.90 || pure < 0.95 {
		t.Errorf("want 90 %% exactly right and 95 %% pure")
		worst(t, g, all, truth)
	}
	back, back2 := slices.Clone(all), NewGrouper()
	slices.Reverse(back)
	back2.Add(back)
	same := 0
	for i := range all {
		if g.ID(&all[i]) == back2.ID(&all[i]) {
			same++
		}
	}
	if same != len(all) {
		t.Errorf("%d of %d have the same id in reversed order", same, len(all))
	}
}

// worst says which templates were torn apart or thrown together.
func worst(t testing.TB, g *Grouper, all []health.Request, truth []int) {
	of := map[int]map[string]int{}
	for i := range all {
		if of[truth[i]] == nil {
			of[truth[i]] = map[string]int{}
		}
		of[truth[i]][g.ID(&all[i])]++
	}
	for k, ids := range of {
		if len(ids) > 1 {
			t.Logf("%d groups: %s", len(ids), templates[k])
		}
	}
}

func TestMessagesOfOneTemplateAreOneGroupInAnyOrder(t *testing.T) {
	n := 10_000
	if os.Getenv("SICKBAY_LONG") != "" {
		n = 300_000
	}
	testCorpus(t, n)
}

func BenchmarkSignatures300k(b *testing.B) {
	all, truth := failures(2, 300_000)
	b.ReportAllocs()
	var g *Grouper
	began := cpu()
	for b.Loop() {
		g = NewGrouper()
		g.Add(all)
	}
	b.ReportMetric(float64(len(all)*b.N)/(cpu()-began).Seconds(), "lines/cpu-s")
	groups, right, _ := grouped(g, all, truth)
	b.ReportMetric(float64(groups), "groups")
	b.ReportMetric(100*right, "%right")
	runtime.KeepAlive(g)
}
