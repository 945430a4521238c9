package triage

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// isIt says whether a finding is the right one: exactly these values, or others of the very same requests.
func isIt(d Dimension, want map[string]string) bool {
	right := func(fields []health.Field) bool {
		return len(fields) == len(want) && !slices.ContainsFunc(fields, func(f health.Field) bool { return want[f.Name] != f.Value })
	}
	if right(d.Fields) {
		return true
	}
	return slices.ContainsFunc(d.Same, func(f health.Field) bool { return right([]health.Field{f}) })
}

func TestTheRightDimensionComesFirst(t *testing.T) {
	dir := os.Getenv("SICKBAY_INCIDENTS")
	if dir == "" {
		dir = filepath.Join("testdata", "incidents")
	}
	var truths []incidentTruth
	readCase(t, filepath.Join(dir, "truth.json"), &truths)
	var first, n, shown [2]int
	for _, truth := range truths {
		if len(truth.Truth.Dims) == 0 {
			continue
		}
		var c incidentCase
		readCase(t, filepath.Join(dir, truth.ID+".json.gz"), &c)
		half := 0
		if c.Hard {
			half = 1
		}
		found := Dimensions(c.incident(t).Requests, time.Unix(truth.Truth.Onset, 0))
		n[half]++
		shown[half] += len(Sentences(found, 100))
		if len(found) > 0 && isIt(found[0], truth.Truth.Dims) {
			first[half]++
		} else {
			t.Logf("%s %s: want %v, got\n\t%v", truth.ID, truth.Truth.Scenario, truth.Truth.Dims, found)
		}
	}
	for half, name := range []string{"clean", "hard"} {
		share := float64(first[half]) / float64(max(n[half], 1))
		fmt.Printf("dimensions %s top1=%.3f n=%d, %.1f findings a case\n", name, share, n[half], float64(shown[half])/float64(max(n[half], 1)))
		if want := []float64{0.95, 0.90}[half]; n[half] > 0 && share < want {
			t.Errorf("%s: the right one is first in %.3f, want %.2f", name, share, want)
		}
	}
}

// crowd are n requests with columns of some values each, of which a part fails.
func crowd(n, columns, values int, seed uint64) Requests {
	rng := rand.New(rand.NewPCG(seed, 12))
	r := Requests{At: make([]int64, n), Failed: make([]bool, n)}
	for i := range columns {
		c := Column{Name: fmt.Sprintf("d%d", i), Codes: make([]uint32, n)}
		for v := range values {
			c.Values = append(c.Values, fmt.Sprintf("v%d", v))
		}
		for k := range c.Codes {
			c.Codes[k] = uint32(rng.IntN(values))
		}
		r.Columns = append(r.Columns, c)
	}
	for k := range n {
		r.At[k] = int64(k)
		odds := 100
		if r.Columns[0].Codes[k] == 1 {
			odds = 4
		}
		r.Failed[k] = rng.IntN(odds) == 0
	}
	return r
}

func TestADimensionIsASentence(t *testing.T) {
	r := Requests{Columns: []Column{{Name: "prompt_version", Values: []string{"v31", "v32"}}, {Name: "model", Values: []string{"m6", "m7"}}, {Name: "region", Values: []string{"eu", "us"}}}}
	add := func(n, version, failing int) {
		for i := range n {
			k := len(r.At)
			r.At, r.Failed = append(r.At, int64(k)*1000), append(r.Failed, i < failing)
			for c, code := range []int{version, version, k % 2} {
				r.Columns[c].Codes = append(r.Columns[c].Codes, uint32(code))
			}
		}
	}
	add(410, 0, 3)
	add(135, 1, 121)
	got := Dimensions(r, time.UnixMilli(0))
	if len(got) != 1 {
		t.Fatalf("%v", got)
	}
	if want := "prompt_version=v32 ≡ model=m7 — 121 of 135 failing (90 %), elsewhere 3 of 410"; got[0].String() != want || !slices.Equal(Sentences(got, 3), []string{want}) {
		t.Errorf("got  %s\nwant %s", got[0], want)
	}
	if !strings.Contains(got[0].Detail(), "has 121 of all 124 failing (98 %), ×105 as often") {
		t.Error(got[0].Detail())
	}
}

func TestTwoValuesThatFailOnlyTogetherAreOne(t *testing.T) {
	r := crowd(8000, 4, 3, 2)
	rng := rand.New(rand.NewPCG(5, 5))
	for k := range r.Failed {
		r.Failed[k] = rng.IntN(100) == 0 || r.Columns[1].Codes[k] == 2 && r.Columns[3].Codes[k] == 0 && rng.IntN(2) == 0
	}
	got := Dimensions(r, time.UnixMilli(0))
	if len(got) == 0 || got[0].Name() != "d1=v2 & d3=v0" {
		t.Fatalf("%v", got)
	}
	for _, d := range got[1:] {
		if d.ExplainedBy != got[0].Name() {
			t.Errorf("%v stands for itself", d)
		}
	}
}

func TestNothingIsFoundWhereFailingIsChance(t *testing.T) {
	found := 0
	for seed := range uint64(60) {
		r := crowd(3000, 12, 6, seed)
		rng := rand.New(rand.NewPCG(seed, 99))
		for k := range r.Failed {
			r.Failed[k] = rng.IntN(20) == 0
		}
		found += len(Dimensions(r, time.UnixMilli(0)))
	}
	if found > 3 {
		t.Errorf("%d findings in 60 tables of chance", found)
	}
}

func TestContrastLeavesOutWhatFailsOtherwise(t *testing.T) {
	var all heldWhole
	for i := range 60 {
		r := health.Request{Service: "a", At: noon.Add(time.Duration(i) * time.Second), Group: []string{"", "g", "h"}[i%3], Failed: i%3 > 0}
		r.Lineage.Prompt = fmt.Sprint("v", i%3)
		all = append(all, r, health.Request{Service: "b", At: r.At})
	}
	r := Contrast(all, "a", func(group string) bool { return group == "g" })
	if len(r.At) != 40 || !slices.IsSorted(r.At) {
		t.Errorf("%d requests", len(r.At))
	}
	if got := Sentences(Dimensions(r, time.Time{}), 3); len(got) != 1 || got[0] != "prompt_version=v1 — 20 of 20 failing (100 %), elsewhere 0 of 20" {
		t.Errorf("%q", got)
	}
}

func BenchmarkDimensions(b *testing.B) {
	for name, values := range map[string]int{"12 dimensions": 8, "12 dimensions of 50 values": 50} {
		b.Run("100k x "+name, func(b *testing.B) {
			r := crowd(100_000, 12, values, 1)
			b.ReportAllocs()
			for b.Loop() {
				Dimensions(r, time.UnixMilli(0))
			}
		})
	}
}
