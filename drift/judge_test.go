package drift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// shifted is an Item of n latencies per window against seven unchanged ones.
func shifted(rng *rand.Rand, key string, n int, shift float64) Item {
	it := Item{Key: key, Current: sample(rng, "histogram", n, shift), Window: time.Hour}
	for range 7 {
		it.Earlier = append(it.Earlier, sample(rng, "histogram", n, 0))
	}
	return it
}

func TestALevelMustHoldForAQuarterOfTheWindow(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	well, warn := shifted(rng, "a", 2000, 0), shifted(rng, "a", 2000, 0.45)
	ill, few := shifted(rng, "a", 2000, 1), shifted(rng, "a", 20, 1)
	for name, c := range map[string]struct {
		looks string // one a five minutes: . well, w warn, c critical, ? too few, _ no look
		want  string // o ok or small, p pending, w warn, c critical, ? insufficient
		since int    // look since which the last is so; -1: none
	}{
		"nothing":                              {"....", "oooo", -1},
		"one bad look":                         {".c..", "opoo", -1},
		"a quarter of an hour":                 {".cccc", "opppc", 1},
		"critical for a while, warn for long":  {".wcwcw", "opppww", 1},
		"it becomes worse":                     {".wwwwcccc", "opppwwwwc", 1},
		"and better again":                     {".cccc...." + ".", "opppccccoo", -1},
		"one good look does not clear":         {".cccc.ccc", "opppccccc", 1},
		"a look without a verdict interrupts":  {".ccc?cc", "oppp?pp", 5},
		"and does not clear":                   {".cccc?..", "opppc?cc", 1},
		"a gap shorter than a window":          {".cccc___c", "opppc___c", 1},
		"a pause of more than a window":        {".cccc_____________c", "opppc_____________p", 18},
		"it was so from the first look":        {"ccccc", "pppcc", 0},
		"from critical to warn, then well":     {".cccc" + "wwww" + "....", "opppc" + "cccw" + "wwwo", -1},
		"a pause while it is pending":          {".cc_c", "opp_c", 1},
		"few for longer than a window":         {".cccc?????????????c", "opppc?????????????p", 18},
		"warn and critical in turn stays warn": {".wcwcwcwc", "opppwwwww", 1},
	} {
		var mem Memory
		var last Verdict
		got := ""
		for i, l := range c.looks {
			item, ok := map[rune]Item{'.': well, 'w': warn, 'c': ill, '?': few}[l]
			if !ok {
				got += "_"
				continue
			}
			var vs []Verdict
			vs, mem = Judge([]Item{item}, mem, noon.Add(time.Duration(i)*5*time.Minute), Options{})
			last = vs[0]
			got += map[Level]string{LevelOK: "o", LevelSmall: "o", LevelPending: "p", LevelWarn: "w", LevelCritical: "c", "insufficient": "?"}[last.Level]
			if cleared := severity(last.Level) > severity(last.Now); cleared != last.Clearing {
				t.Errorf("%s: look %d: %s, now %s, clearing %v", name, i, last.Level, last.Now, last.Clearing)
			}
		}
		since := time.Time{}
		if c.since >= 0 {
			since = noon.Add(time.Duration(c.since) * 5 * time.Minute)
		}
		if got != c.want || !last.Since.Equal(since) {
			t.Errorf("%s:\n%s gives\n%s since %v, want\n%s since %v", name, c.looks, got, last.Since, c.want, since)
		}
	}
}

func TestWithoutAWindowALevelCountsAtOnce(t *testing.T) {
	it := shifted(rand.New(rand.NewPCG(22, 1)), "a", 2000, 1)
	it.Window = 0
	vs, _ := Judge([]Item{it}, Memory{}, noon, Options{})
	if vs[0].Level != LevelCritical || !vs[0].Since.Equal(noon) {
		t.Errorf("%s since %v, want critical since noon", vs[0].Level, vs[0].Since)
	}
}

func TestJudgeChangesNothingItIsGiven(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 1))
	items := []Item{shifted(rng, "a", 2000, 1), shifted(rng, "b", 2000, 0)}
	items[1].Earlier[3] = Cells{}
	copied := fmt.Sprintf("%v", items)
	_, mem := Judge(items, Memory{}, noon, Options{})
	before := fmt.Sprintf("%v", mem)
	first, _ := Judge(items, mem, noon.Add(20*time.Minute), Options{})
	second, _ := Judge(items, mem, noon.Add(20*time.Minute), Options{})
	if fmt.Sprintf("%v", items) != copied || fmt.Sprintf("%v", mem) != before {
		t.Error("an argument was changed")
	}
	if fmt.Sprint(first) != fmt.Sprint(second) {
		t.Error("the same arguments give different verdicts")
	}
}

func TestTimeThatRunsBackwardsStartsAfresh(t *testing.T) {
	it := shifted(rand.New(rand.NewPCG(24, 1)), "a", 2000, 1)
	_, mem := Judge([]Item{it}, Memory{}, noon, Options{})
	vs, mem := Judge([]Item{it}, mem, noon.Add(20*time.Minute), Options{})
	if vs[0].Level != LevelCritical {
		t.Fatalf("after twenty minutes: %s", vs[0].Level)
	}
	if vs, _ = Judge([]Item{it}, mem, noon.Add(-time.Hour), Options{}); vs[0].Level != LevelPending {
		t.Errorf("an hour before the first look: %s, want pending", vs[0].Level)
	}
	if _, mem = Judge(nil, mem, noon.Add(3*time.Hour), Options{}); len(mem.signals) != 0 {
		t.Errorf("%d signals are remembered for hours without a look", len(mem.signals))
	}
}

func TestOneSignalAloneIsJudgedAsOneOfTwenty(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 1))
	it := shifted(rng, "a", 300, 0.25)
	vs, _ := Judge([]Item{it}, Memory{}, noon, Options{})
	if want := min(1, 20*vs[0].Result.P); math.Abs(vs[0].Adjusted-want) > 1e-12 {
		t.Errorf("p %.3g adjusted to %.3g, want %.3g", vs[0].Result.P, vs[0].Adjusted, want)
	}
}

func TestASignalMayHaveLimitsOfItsOwn(t *testing.T) {
	it := shifted(rand.New(rand.NewPCG(26, 1)), "a", 2000, 1)
	it.Window = 0
	it.Limits = Options{PSIWarn: 5, PSICritical: 9, GapWarn: .9, GapCritical: .95, Alpha: 1e-300}
	if vs, _ := Judge([]Item{it}, Memory{}, noon, Options{}); vs[0].Level != LevelSmall {
		t.Errorf("beyond no limit of its own: %s, want small", vs[0].Level)
	}
	it.Limits = Options{}
	if vs, _ := Judge([]Item{it}, Memory{}, noon, Options{PSICritical: 9, GapCritical: .95}); vs[0].Level != LevelWarn {
		t.Errorf("critical is far: %s, want warn", vs[0].Level)
	}
}

// TestWhatChangesFromDayToDayIsNoDrift: windows that each lie elsewhere, none of
// which is like another, as those of real services.
func TestWhatChangesFromDayToDayIsNoDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 1))
	const n, draws, daily = 20_000, 150, 0.25
	alarms, without, found := 0, 0, 0
	for range draws {
		var it Item
		for range 7 {
			it.Earlier = append(it.Earlier, normalCells(rng, 12, n, daily*rng.NormFloat64()))
		}
		it.Current = normalCells(rng, 12, n, daily*rng.NormFloat64())
		alarms += alarm(it)
		without += alarm(Item{Current: it.Current, Earlier: it.Earlier[:1]})
		it.Current = normalCells(rng, 12, n, 8*daily)
		found += alarm(it)
	}
	if alarms > draws/20 || without < draws/4 || found < draws*9/10 {
		t.Errorf("ordinary days: %d alarms with a band, %d without; %d of real shifts found, of %d each", alarms, without, found, draws)
	}
}

func alarm(it Item) int {
	vs, _ := Judge([]Item{it}, Memory{}, noon, Options{})
	if severity(vs[0].Now) > 0 {
		return 1
	}
	return 0
}

func TestWindowsAreComparedWithEachOther(t *testing.T) {
	inf := math.Inf(1)
	hist := func(counts ...float64) Cells { return Cells{Bounds: []float64{1, 2, inf}, Counts: counts} }
	wide := Cells{Bounds: []float64{1, 1.5, 2, inf}, Counts: []float64{100, 40, 60, 100}}
	like := hist(100, 100, 100)
	for name, c := range map[string]struct {
		current Cells
		earlier []Cells
		state   State
		psi     string // by window: 0 as the others, + not quite, ! odd, . none
		k       int
	}{
		"all alike":                                 {like, []Cells{like, like, like, like}, OK, "0000", 4},
		"three make no band":                        {like, []Cells{like, like, like}, OK, "000", 3},
		"one of five is no reference":               {like, []Cells{like, like, hist(10, 10, 280), like, like}, OK, "00!00", 4},
		"one of four is needed":                     {like, []Cells{like, like, hist(10, 10, 280), like}, OK, "++!+", 4},
		"one is empty":                              {like, []Cells{like, {}, like, like, like}, OK, "0.000", 4},
		"one has few":                               {like, []Cells{like, hist(9, 9, 9), like, like, like}, OK, "0.000", 4},
		"a release added a bound":                   {wide, []Cells{like, like, wide, like}, OK, "0000", 4},
		"another layout is left out":                {like, []Cells{like, {Bounds: []float64{7, 8}, Counts: []float64{50, 50}}, like}, OK, "0.0", 2},
		"categories do not fit":                     {like, []Cells{{Labels: []string{"a"}, Counts: []float64{50}}}, Incompatible, ".", 0},
		"no reference":                              {like, nil, NoReference, "", 0},
		"nothing now":                               {Cells{}, []Cells{like, like}, NoCurrent, "00", 2},
		"nothing at all":                            {Cells{}, []Cells{{}}, NoData, ".", 0},
		"one reference is not compared with itself": {like, []Cells{like}, OK, ".", 0},
		"the current one is broken":                 {Cells{Bounds: []float64{1}}, []Cells{like}, Incompatible, ".", 0},
	} {
		e := Evaluate(c.current, c.earlier)
		got := ""
		for _, w := range e.Windows {
			switch {
			case math.IsNaN(w.PSIAdj):
				got += "."
			case w.Odd || w.PSIAdj > 1:
				got += "!"
			case w.PSIAdj > 0.05:
				got += "+"
			default:
				got += "0"
			}
			if w.Shares != nil && (len(w.Shares) != len(e.Result.Shares) && e.Result.Measured() || math.Abs(added(w.Shares)-1) > 1e-9) {
				t.Errorf("%s: shares %v of %d cells", name, w.Shares, len(e.Result.Shares))
			}
		}
		if e.Result.State != c.state || got != c.psi || e.Band.K != c.k || math.IsNaN(e.Band.Limit) != (c.k < MinBand) {
			t.Errorf("%s: %s, windows %q, band %+v; want %s, %q of %d", name, e.Result.State, got, e.Band, c.state, c.psi, c.k)
		}
	}
}

func TestTheIncidentOfTuesdayDoesNotHideTodays(t *testing.T) {
	rng := rand.New(rand.NewPCG(30, 1))
	it := shifted(rng, "a", 2000, 0.8)
	it.Window = 0
	it.Earlier[4] = sample(rng, "histogram", 2000, 2)
	vs, _ := Judge([]Item{it}, Memory{}, noon, Options{})
	if v := vs[0]; v.Level != LevelCritical || !v.Windows[4].Odd || v.Band.K != 6 || math.Abs(v.Result.NRef-12000) > 1 {
		t.Errorf("%s by %v, band %+v, Tuesday %+v", v.Level, v.Result, v.Band, v.Windows[4])
	}
}

func TestEarlierWindowsCountTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(28, 1))
	it := shifted(rng, "a", 500, 0.3)
	pooled, ok := Pool(it.Earlier)
	if !ok {
		t.Fatal("windows of one layout cannot be pooled")
	}
	if got, want := Evaluate(it.Current, it.Earlier).Result, Compare(pooled, it.Current); fmt.Sprint(got) != fmt.Sprint(want) || got.NRef != 3500 {
		t.Errorf("%v, want %v", got, want)
	}
	if _, ok := Pool([]Cells{{Labels: []string{"a"}, Counts: []float64{1}}, it.Current}); ok {
		t.Error("categories and a histogram are pooled")
	}
	both, _ := Pool([]Cells{{Labels: []string{"a", "b"}, Counts: []float64{1, 2}}, {}, {Labels: []string{"c", "a"}, Counts: []float64{4, 8}}})
	if !slices.Equal(both.Labels, []string{"a", "b", "c"}) || !slices.Equal(both.Counts, []float64{9, 2, 4}) {
		t.Errorf("pooled categories %v", both)
	}
}

// TestPredictionFactorsAreStudents computes the table again: f/√(1+1/K) is exceeded
// by Student's t of K−1 degrees of freedom once in five hundred times, and that tail is
// half of I at (K−1)/(K−1+t²).
func TestPredictionFactorsAreStudents(t *testing.T) {
	for i, f := range predictionFactors {
		k := float64(i + MinBand)
		q := f / math.Sqrt(1+1/k)
		x := (k - 1) / (k - 1 + q*q)
		if tail := betaInc((k-1)/2, 0.5, x, 1-x) / 2; math.Abs(tail-0.002) > 1e-6 {
			t.Errorf("K = %v: %v is exceeded with probability %.6f, want 0.002", k, f, tail)
		}
	}
}

func TestACoarseLayoutIsNamed(t *testing.T) {
	inf := math.Inf(1)
	most := Cells{Bounds: []float64{1, 2, inf}, Counts: []float64{10, 30, 60}}
	if !Evaluate(most, []Cells{most}).Coarse {
		t.Error("60 % in one cell is not coarse")
	}
	even := Cells{Bounds: []float64{1, 2, inf}, Counts: []float64{30, 30, 40}}
	if Evaluate(even, []Cells{even}).Coarse {
		t.Error("40 % in the largest cell is coarse")
	}
}

func TestFewScrapesCountLess(t *testing.T) {
	c := Cells{Labels: []string{"a", "b"}, Counts: []float64{100, 40}}
	for name, w := range map[string]struct {
		window, scrape time.Duration
		want           float64
	}{
		"twenty scrapes":     {5 * time.Minute, 15 * time.Second, 100},
		"four scrapes":       {time.Minute, 15 * time.Second, 75},
		"scrape not known":   {time.Minute, 0, 100},
		"less than a scrape": {10 * time.Second, 15 * time.Second, 0},
		"no window":          {0, 15 * time.Second, 0},
	} {
		if got := Deflate(c, w.window, w.scrape).Counts[0]; math.Abs(got-w.want) > 1e-9 || c.Counts[0] != 100 {
			t.Errorf("%s: %v, want %v", name, got, w.want)
		}
	}
}

func TestEveryMeasureHasItsNameAndRange(t *testing.T) {
	rng := rand.New(rand.NewPCG(29, 1))
	for _, kind := range []string{"histogram", "categorical"} {
		r := Compare(sample(rng, kind, 900, 0), sample(rng, kind, 900, 0.4))
		seen := map[string]bool{}
		for _, m := range r.Measures() {
			name := strings.TrimSpace(m.Name + " " + m.Base)
			if seen[name] || m.Note == "" || math.IsNaN(m.Value) || m.Value < 0 {
				t.Errorf("%s: %+v", kind, m)
			}
			seen[name] = true
			if m.Bound != nil && (math.IsNaN(*m.Bound) || m.Name == "KS" && *m.Bound < m.Value) {
				t.Errorf("%s: bound %v of %+v", kind, *m.Bound, m)
			}
		}
		for _, name := range []string{"PSI, adjusted nats", "PSI nats", "KL (Evidently) nats", "JS divergence base 2", "JS divergence nats", "JS distance base 2", "JS distance nats", "Hellinger", "TVD", "L∞", "χ²", "G"} {
			if !seen[name] {
				t.Errorf("%s: %s is missing", kind, name)
			}
		}
		if ordered := seen["KS"] && seen["Wasserstein"] && seen["Wasserstein / sd"]; ordered != (kind == "histogram") {
			t.Errorf("%s: distances of ordered data: %v", kind, seen)
		}
	}
	if ms := (Result{State: NoData}).Measures(); ms != nil {
		t.Errorf("without data: %v", ms)
	}
}

func FuzzJudgeNeverGivesNonsense(f *testing.F) {
	f.Add(uint64(1), uint8(12), uint8(7), true)
	f.Add(uint64(2), uint8(0), uint8(4), false)
	f.Add(uint64(3), uint8(60), uint8(5), true)
	f.Fuzz(func(t *testing.T, seed uint64, size, k uint8, ordered bool) {
		rng := rand.New(rand.NewPCG(seed, 9))
		it := Item{Key: "a", Current: anyCells(rng, int(size), ordered), Window: time.Hour, Bad: []string{"0", "none"}}
		for range k % 12 {
			c := anyCells(rng, int(size)+rng.IntN(3)-1, ordered != (rng.IntN(9) == 0))
			if rng.IntN(8) == 0 {
				c.Counts = c.Counts[:len(c.Counts)/2] // lengths that contradict each other
			}
			it.Earlier = append(it.Earlier, c)
		}
		var mem Memory
		for look := range 3 {
			var vs []Verdict
			vs, mem = Judge([]Item{it, it}, mem, noon.Add(time.Duration(look)*10*time.Minute), Options{})
			checkVerdict(t, vs[0])
		}
	})
}

// checkVerdict refuses numbers that cannot be.
func checkVerdict(t *testing.T, v Verdict) {
	t.Helper()
	numbers := map[string]float64{"n ref": v.Result.NRef, "n cur": v.Result.NCur, "adjusted": v.Adjusted}
	if v.Result.Measured() {
		numbers["psi"], numbers["gap"], numbers["p"] = v.Result.PSIAdj, v.Result.Gap, v.Result.P
		numbers["low"], numbers["high"] = v.Result.Low, v.Result.High
	}
	for i, w := range v.Windows {
		numbers[fmt.Sprint("n of window ", i)] = w.N
		for _, s := range w.Shares {
			numbers["share"] = s
		}
		if w.PSIAdj < 0 || math.IsInf(w.PSIAdj, 0) {
			t.Errorf("window %d: %+v", i, w)
		}
	}
	if v.Band.K >= MinBand {
		numbers["band"] = v.Band.Limit
	}
	for _, r := range v.Rates {
		numbers["rate p"], numbers["rate ref"], numbers["rate cur"], numbers["low ratio"] = r.P, r.Ref, r.Cur, r.Low
		if math.IsNaN(r.Ratio) || math.IsNaN(r.High) || r.High < r.Low {
			t.Errorf("rate %+v", r)
		}
	}
	for _, m := range v.Result.Measures() {
		numbers[m.Name+m.Base] = m.Value
	}
	for name, x := range numbers {
		if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
			t.Errorf("%s is %v (%v)", name, x, v.Result)
		}
	}
	if v.Level == "" || math.IsNaN(v.Detectable) {
		t.Errorf("level %q, detectable %v", v.Level, v.Detectable)
	}
}
