package logs

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

const hour = time.Hour

// at makes n records, one every step, the newest of them ago before testNow.
func at(n int, ago, step time.Duration, r health.Request) []health.Request {
	all := make([]health.Request, n)
	for i := range all {
		all[i] = r
		all[i].At = testNow.Add(-ago - time.Duration(n-1-i)*step)
		all[i].ID = fmt.Sprintf("%s-%s-%d", r.Service, r.At.Format("05"), i)
	}
	return all
}

func failing(message string) health.Request {
	return health.Request{Service: "chat", Failed: true, Error: "timeout", Message: message}
}

var healthy = health.Request{Service: "chat", Level: "info", Message: "done"}

func TestTheWindowBeforeTellsWhatIsNew(t *testing.T) {
	long := at(1, 2*hour-time.Minute, 0, healthy)
	for name, c := range map[string]struct {
		records [][]health.Request
		want    string
	}{
		"none before":                      {[][]health.Request{long, at(3, 0, time.Minute, failing("x"))}, "new 3 after 0"},
		"a few more than before":           {[][]health.Request{long, at(5, hour, time.Minute, failing("x")), at(12, 0, time.Minute, failing("x"))}, "known 12 after 5"},
		"three times as many and ten more": {[][]health.Request{long, at(5, hour, time.Minute, failing("x")), at(15, 0, time.Minute, failing("x"))}, "grown 15 after 5"},
		"three times a little":             {[][]health.Request{long, at(2, hour, time.Minute, failing("x")), at(8, 0, time.Minute, failing("x"))}, "known 8 after 2"},
		"nothing old enough to tell":       {[][]health.Request{at(3, 0, time.Minute, failing("x"))}, "known 3 after 0"},
		"a short log, quiet at first":      {[][]health.Request{at(1, 30*time.Minute, 0, healthy), at(3, 0, time.Minute, failing("x"))}, "new 3 after 0"},
		"only before":                      {[][]health.Request{long, at(3, hour, time.Minute, failing("x"))}, ""},
		"too old and in the future":        {[][]health.Request{at(3, 2*hour, time.Minute, failing("x")), at(1, -time.Minute, 0, failing("x"))}, ""},
	} {
		var all []health.Request
		for _, r := range c.records {
			all = append(all, r...)
		}
		got := ""
		for _, f := range Groups(testNow, hour, all) {
			got += fmt.Sprintf("%s %d after %d", f.State, f.Count, f.Before)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestTheLoudestGroupsComeFirst(t *testing.T) {
	all := at(1, 2*hour-time.Minute, 0, healthy)
	for message, n := range map[string][2]int{ // before and now
		"new and many": {0, 6}, "grown": {3, 20}, "known, many": {30, 40}, "new, few": {0, 4}, "known, few": {2, 2},
	} {
		all = append(all, at(n[0], hour, time.Second, failing(message))...)
		all = append(all, at(n[1], 0, time.Second, failing(message))...)
	}
	var got []string
	for _, f := range Groups(testNow, hour, all) {
		got = append(got, f.Signature)
	}
	if want := []string{"new and many", "grown", "known, many", "new, few", "known, few"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAGroupSaysEverythingAboutItself(t *testing.T) {
	r := failing("no answer in 30 s")
	r.Lineage.Prompt = "v32"
	all := append(at(1, 119*time.Minute, 0, healthy), at(60, 0, 30*time.Second, r)...)
	other := failing("refused")
	all = append(all, at(2, 10*time.Minute, time.Minute, other)...)
	got := Groups(testNow, hour, all)
	if len(got) != 2 {
		t.Fatalf("%d groups", len(got))
	}
	f := got[0]
	if f.Count != 60 || f.Service != "chat" || f.ErrorType != "timeout" || f.Signature != "no answer in <*> s" || f.Example != "no answer in 30 s" {
		t.Errorf("%+v", f)
	}
	if !f.Last.Equal(testNow) || !f.First.Equal(testNow.Add(-59*30*time.Second)) {
		t.Errorf("from %v to %v", f.First, f.Last)
	}
	if len(f.Requests) != 50 || f.Requests[0] != "chat-00-59" {
		t.Errorf("%d requests, newest %s", len(f.Requests), f.Requests[0])
	}
	if want := []int{0, 0, 0, 0, 0, 0, 10, 10, 10, 10, 10, 10}; !reflect.DeepEqual(f.Spark, want) {
		t.Errorf("spark %v, want %v", f.Spark, want)
	}
	if !reflect.DeepEqual(f.Versions, []string{"prompt v32"}) {
		t.Errorf("versions %v", f.Versions)
	}
	if id, _ := Signature(r); f.ID != id {
		t.Errorf("id %s, want %s", f.ID, id)
	}
}

func TestGroupsDoNotDependOnTheOrderOfRecords(t *testing.T) {
	var all []health.Request
	for i := range 30 {
		r := failing(strings.Repeat("a", i%7) + " failed")
		r.Dims = []health.Field{{Name: "region", Value: []string{"eu", "us"}[i%2]}}
		all = append(all, at(1, time.Duration(i)*time.Minute, 0, r)...)
		all[len(all)-1].ID = fmt.Sprint(i)
	}
	want := Groups(testNow, hour, all)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if got := Groups(testNow, hour, all); !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	}
}

// with sets dimensions "name=value name=value".
func with(r health.Request, dims string) health.Request {
	for _, d := range strings.Fields(dims) {
		name, v, _ := strings.Cut(d, "=")
		switch name {
		case "prompt_version":
			r.Lineage.Prompt = v
		default:
			r.Dims = append(r.Dims, health.Field{Name: name, Value: v})
		}
	}
	return r
}

func TestWhatFailingRecordsHaveInCommon(t *testing.T) {
	const min = time.Minute
	for name, c := range map[string]struct {
		records [][]health.Request
		want    []string
	}{
		"a canary fails": {[][]health.Request{
			at(18, 0, 30*time.Second, with(failing("x"), "prompt_version=v32 region=eu")),
			at(2, 0, 10*min, with(failing("x"), "prompt_version=v31 region=eu")),
			at(90, 0, 6*time.Second, with(healthy, "prompt_version=v31 region=eu")),
			at(10, 0, 30*time.Second, with(healthy, "prompt_version=v32 region=eu")),
		}, []string{"prompt_version v32 — 18 of 20 failing (90 %), 10 % of healthy"}},
		"everybody is as ill": {[][]health.Request{
			at(20, 0, 30*time.Second, with(failing("x"), "region=eu")),
			at(100, 0, 6*time.Second, with(healthy, "region=eu")),
		}, nil},
		"too few to say": {[][]health.Request{
			at(4, 0, 30*time.Second, with(failing("x"), "region=us")),
			at(100, 0, 6*time.Second, with(healthy, "region=eu")),
		}, nil},
		"healthy before, nobody healthy since": {[][]health.Request{
			at(20, 0, 30*time.Second, with(failing("x"), "region=us")),
			at(100, 20*min, 6*time.Second, with(healthy, "region=eu")),
		}, nil},
		"another service does not count": {[][]health.Request{
			at(20, 0, 30*time.Second, with(failing("x"), "region=us")),
			at(100, 0, 6*time.Second, with(health.Request{Service: "search"}, "region=eu")),
		}, nil},
		"a version that came everywhere at once": {[][]health.Request{
			at(100, 12*min, 10*time.Second, with(healthy, "prompt_version=v31")),
			at(12, 0, min, with(healthy, "prompt_version=v32")),
			at(20, 0, 30*time.Second, with(failing("x"), "prompt_version=v32")),
		}, []string{"prompt_version v32 — all 20 failing, and first seen 90 s before them"}},
		"a version that was always there": {[][]health.Request{
			at(100, 0, 30*time.Second, with(healthy, "prompt_version=v31")),
			at(20, 0, 30*time.Second, with(failing("x"), "prompt_version=v31")),
		}, nil},
		"at most three, best first": {[][]health.Request{
			at(20, 0, 30*time.Second, with(failing("x"), "a=1x b=1x c=1x d=1x")),
			at(10, 0, 30*time.Second, with(healthy, "a=1x b=2x c=2x d=2x")),
			at(10, 0, 30*time.Second, with(healthy, "a=2x b=2x c=2x d=2x")),
		}, []string{"b 1x — 20 of 20 failing (100 %), 0 % of healthy", "c 1x — 20 of 20 failing (100 %), 0 % of healthy", "d 1x — 20 of 20 failing (100 %), 0 % of healthy"}},
	} {
		var all []health.Request
		for _, r := range c.records {
			all = append(all, r...)
		}
		got := Groups(testNow, hour, all)
		if len(got) != 1 || !reflect.DeepEqual(got[0].InCommon, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got[0].InCommon, c.want)
		}
	}
}

func BenchmarkGroups(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	all := make([]health.Request, 100_000)
	for i := range all {
		r := with(healthy, fmt.Sprintf("prompt_version=v%d region=r%d tenant=t%d model=m%d provider=p%d", rnd.IntN(2), rnd.IntN(3), rnd.IntN(40), rnd.IntN(3), rnd.IntN(2)))
		r.Service = fmt.Sprintf("service-%d", i%12)
		r.At = testNow.Add(-time.Duration(i) * 70 * time.Millisecond)
		if rnd.IntN(20) == 0 {
			r.Failed, r.Error, r.Message = true, fmt.Sprintf("error-%d", rnd.IntN(8)), "it failed"
			r.Group, _ = Signature(r)
		}
		all[i] = r
	}
	for b.Loop() {
		Groups(testNow, hour, all)
	}
}
