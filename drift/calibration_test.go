package drift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SICKBAY_CALIBRATE=1 (make calibrate) measures with as many draws as the tables of
// docs/drift.md had, and prints them; without it the same runs small and silent.
func draws(full, small int) int {
	if os.Getenv("SICKBAY_CALIBRATE") != "" {
		return full
	}
	return small
}

func say(format string, args ...any) {
	if os.Getenv("SICKBAY_CALIBRATE") != "" {
		fmt.Printf(format+"\n", args...)
	}
}

// falseAlarms is the promise: at most this share of looks at unchanged data.
const falseAlarms = 0.001

// TestUnchangedDataRaisesNoAlarm is the calibration: per look, level warn or worse
// before any hold, for one signal alone. One window is the reference (pinned, or
// before a deployment), or seven with their band.
func TestUnchangedDataRaisesNoAlarm(t *testing.T) {
	rng := rand.New(rand.NewPCG(20261123, 1))
	looks := draws(40_000, 200)
	say("unchanged data, %d looks each: share of looks at warn or worse, beside PSI > 0.1 and p ≤ 0.05 on the same data\n", looks)
	say("| data | n per window | cells | one reference window | seven | PSI > 0.1 | χ² p ≤ 0.05 |\n|---|---|---|---|---|---|---|")
	for _, kind := range []string{"histogram", "categorical"} {
		for _, n := range []float64{50, 200, 1000, 10_000, 100_000} {
			for _, cells := range []int{8, 12, 30} {
				var one, seven, psi, chi int
				for range looks {
					it := unchanged(rng, kind, cells, n, 7)
					seven += alarm(it)
					it.Earlier = it.Earlier[:1]
					one += alarm(it)
					r := Compare(it.Earlier[0], it.Current)
					psi += ifso(r.Detail.PSIEvidently > 0.1)
					chi += ifso(r.Detail.Chi2P <= 0.05)
				}
				f := func(k int) string { return share(k, looks) }
				say("| %s | %.0f | %d | %s | %s | %s | %s |", kind, n, cells, f(one), f(seven), f(psi), f(chi))
				limit := falseAlarms*float64(looks) + 3*math.Sqrt(falseAlarms*float64(looks))
				if float64(one) > limit || float64(seven) > limit {
					t.Errorf("%s, n %v, %d cells: %d alarms with one reference window, %d with seven, of %d looks without change; want at most %.0f", kind, n, cells, one, seven, looks, limit)
				}
			}
		}
	}
}

// TestShiftsAreFound is the other half: what is found of a shift of the mean, as one
// of fifty signals.
func TestShiftsAreFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(20261123, 2))
	looks := draws(4000, 100)
	sizes := []float64{0.1, 0.2, 0.3, 0.5, 0.7, 1}
	say("\nshift of the mean, 12 cells, one of 50 signals, seven reference windows: share found significant / at warn or worse (%d looks each)\n", looks)
	say("| n per window | detectable |"+strings.Repeat(" %gσ |", len(sizes))+"\n|---|---|"+strings.Repeat("---|", len(sizes)), anys(sizes)...)
	among50 := Options{Alpha: Alpha * minFamily / 50}
	for _, n := range []float64{50, 200, 1000, 10_000} {
		row := fmt.Sprintf("| %.0f | %.2fσ |", n, Detectable(7*n, n))
		for _, size := range sizes {
			significant, warned := 0, 0
			for range looks {
				it := unchanged(rng, "histogram", 12, n, 7)
				it.Current = normalCells(rng, 12, n, size)
				vs, _ := Judge([]Item{it}, Memory{}, noon, among50)
				significant += ifso(vs[0].Now != LevelOK)
				warned += ifso(severity(vs[0].Now) > 0)
			}
			row += fmt.Sprintf(" %.2f / %.2f |", float64(significant)/float64(looks), float64(warned)/float64(looks))
			if n == 1000 && size == 0.5 && float64(warned) < 0.95*float64(looks) {
				t.Errorf("a shift of 0.5 sigma at n = 1000 is at warn in %d of %d looks, want 95 in 100", warned, looks)
			}
		}
		say("%s", row)
	}
}

// TestDaysThatDiffer measures what the band is for: every window, the present one
// too, is shifted by a random daily amount.
func TestDaysThatDiffer(t *testing.T) {
	rng := rand.New(rand.NewPCG(20261123, 3))
	looks := draws(4000, 150)
	say("\nordinary days: every window shifted by its own normal amount of this sd; share of looks at warn or worse (%d looks each)\n", looks)
	say("| n per window | daily sd | no band (one window) | K = 4 | K = 7 | K = 14 | PSI > 0.1 |\n|---|---|---|---|---|---|---|")
	for _, n := range []float64{1000, 100_000} {
		for _, daily := range []float64{0.05, 0.1, 0.2, 0.4} {
			var none, four, seven, fourteen, psi int
			for range looks {
				var it Item
				for range 14 {
					it.Earlier = append(it.Earlier, normalCells(rng, 12, n, daily*rng.NormFloat64()))
				}
				it.Current = normalCells(rng, 12, n, daily*rng.NormFloat64())
				with := func(k int) int { return alarm(Item{Current: it.Current, Earlier: it.Earlier[:k]}) }
				none, four, seven, fourteen = none+with(1), four+with(4), seven+with(7), fourteen+with(14)
				psi += ifso(Compare(it.Earlier[0], it.Current).Detail.PSIEvidently > 0.1)
			}
			f := func(k int) string { return share(k, looks) }
			say("| %.0f | %gσ | %s | %s | %s | %s | %s |", n, daily, f(none), f(four), f(seven), f(fourteen), f(psi))
			if float64(seven) > 0.015*float64(looks)+6 { // three standard errors above, in the small run
				t.Errorf("n %v, daily sd %v: %d of %d ordinary days are an alarm", n, daily, seven, looks)
			}
		}
	}
}

// TestAQuietFleetIsQuiet runs fifty unchanged signals for a day: windows of an hour
// that slide, a look every two minutes, level with its hold, beside PSI > 0.1.
func TestAQuietFleetIsQuiet(t *testing.T) {
	rng := rand.New(rand.NewPCG(20261123, 4))
	days, signals, step := draws(20, 1), 50, 2*time.Minute
	const slots = 30 // in a window of an hour
	looks := 24 * slots
	if os.Getenv("SICKBAY_CALIBRATE") == "" {
		looks = 3 * slots
	}
	say("\n%d unchanged signals, %d days of looks every 2 min, windows of 1 h with 50 to 5000 requests, seven reference windows\n", signals, days)
	alarms, inAlarm, psiAlarms, inPSI := 0, 0, 0, 0
	for range days {
		fleet := make([]slider, signals)
		for i := range fleet {
			n := 50 * math.Pow(100, float64(i)/float64(signals-1))
			fleet[i] = newSlider(rng, []string{"histogram", "histogram", "categorical"}[i%3], []int{8, 12, 30}[i/3%3], n/slots, slots)
		}
		var mem Memory
		before := make([]int, signals)
		above := make([]bool, signals)
		for look := range looks {
			items := make([]Item, signals)
			for i := range fleet {
				items[i] = fleet[i].slide(rng)
				items[i].Key = strconv.Itoa(i)
			}
			var vs []Verdict
			vs, mem = Judge(items, mem, noon.Add(time.Duration(look)*step), Options{})
			for i, v := range vs {
				s := severity(v.Level)
				alarms += ifso(s > 0 && before[i] == 0)
				inAlarm += ifso(s > 0)
				before[i] = s
				psi := v.Result.Measured() && Compare(items[i].Earlier[0], items[i].Current).Detail.PSIEvidently > 0.1
				psiAlarms += ifso(psi && !above[i])
				inPSI += ifso(psi)
				above[i] = psi
			}
		}
	}
	hours := float64(days*looks) * step.Hours()
	say("| rule | alarms a day | share of time in alarm |\n|---|---|---|")
	all := float64(days * looks * signals)
	say("| sickbay | %.2f | %.6f |", float64(alarms)*24/hours, float64(inAlarm)/all)
	say("| PSI > 0.1 against the day before | %.0f | %.3f |", float64(psiAlarms)*24/hours, float64(inPSI)/all)
	if float64(alarms)*24/hours > 2 && alarms > 1 {
		t.Errorf("%d alarms in %.0f hours of a fleet where nothing changes", alarms, hours)
	}
}

// A slider is one signal whose windows move on slot by slot.
type slider struct {
	windows [8][][]float64 // [0] is the present one; by slot, by cell
	cells   Cells          // the layout
	mean    []float64      // per slot and cell
}

func newSlider(rng *rand.Rand, kind string, cells int, perSlot float64, slots int) slider {
	s := slider{cells: layoutOf(kind, cells), mean: sharesOf(kind, cells, 0)}
	for i := range s.mean {
		s.mean[i] *= perSlot
	}
	for w := range s.windows {
		for range slots {
			s.windows[w] = append(s.windows[w], s.slot(rng))
		}
	}
	return s
}

func (s *slider) slot(rng *rand.Rand) []float64 {
	counts := make([]float64, len(s.mean))
	for i, m := range s.mean {
		counts[i] = poisson(rng, m)
	}
	return counts
}

func (s *slider) slide(rng *rand.Rand) Item {
	it := Item{Window: time.Hour}
	for w := range s.windows {
		s.windows[w] = append(s.windows[w][1:], s.slot(rng))
		c := s.cells
		c.Counts = make([]float64, len(s.mean))
		for _, slot := range s.windows[w] {
			for i, v := range slot {
				c.Counts[i] += v
			}
		}
		if w == 0 {
			it.Current = c
		} else {
			it.Earlier = append(it.Earlier, c)
		}
	}
	return it
}

func share(k, n int) string { return strconv.FormatFloat(float64(k)/float64(n), 'f', 5, 64) }

func ifso(b bool) int {
	if b {
		return 1
	}
	return 0
}

func anys(vs []float64) (as []any) {
	for _, v := range vs {
		as = append(as, v)
	}
	return as
}

// unchanged is a window and k earlier ones of the same distribution, of about n
// observations each: as traffic is, the totals are Poisson too.
func unchanged(rng *rand.Rand, kind string, cells int, n float64, k int) Item {
	draw := func() Cells {
		c := layoutOf(kind, cells)
		c.Counts = sharesOf(kind, cells, 0)
		for i, p := range c.Counts {
			c.Counts[i] = poisson(rng, n*p)
		}
		return c
	}
	it := Item{Current: draw()}
	for range k {
		it.Earlier = append(it.Earlier, draw())
	}
	return it
}

// normalCells counts about n values of a normal variable, shifted, in a histogram.
func normalCells(rng *rand.Rand, cells int, n, shift float64) Cells {
	c := layoutOf("histogram", cells)
	c.Counts = sharesOf("histogram", cells, shift)
	for i, p := range c.Counts {
		c.Counts[i] = poisson(rng, n*p)
	}
	return c
}

// layoutOf is cells without counts: histogram bounds lie evenly from −2.2 to 2.2
// standard deviations.
func layoutOf(kind string, cells int) Cells {
	var c Cells
	for i := range cells {
		if kind == "categorical" {
			c.Labels = append(c.Labels, strconv.Itoa(i))
			continue
		}
		c.Bounds = append(c.Bounds, -2.2+4.4*float64(i)/float64(cells-2))
	}
	if c.Bounds != nil {
		c.Bounds[cells-1] = math.Inf(1)
	}
	return c
}

// sharesOf is what of a shifted normal variable falls into each cell; of categories
// the i-th has a share ∝ 1/i.
func sharesOf(kind string, cells int, shift float64) []float64 {
	p := make([]float64, cells)
	if kind == "categorical" {
		var sum float64
		for i := range p {
			p[i] = 1 / float64(i+1)
			sum += p[i]
		}
		for i := range p {
			p[i] /= sum
		}
		return p
	}
	below := 0.0
	for i, b := range layoutOf(kind, cells).Bounds {
		at := math.Erfc((shift-b)/math.Sqrt2) / 2
		p[i], below = at-below, at
	}
	return p
}

// poisson draws a count of this mean: by inversion when small, else by Hörmann's
// transformed rejection (PTRS, 1993), which is exact.
func poisson(rng *rand.Rand, mean float64) float64 {
	if mean < 10 {
		k, p := 0.0, rng.Float64()
		for limit := math.Exp(-mean); p > limit; k++ {
			p *= rng.Float64()
		}
		return k
	}
	root := math.Sqrt(mean)
	b := 0.931 + 2.53*root
	a := -0.059 + 0.02483*b
	v0 := 0.9277 - 3.6224/(b-2)
	for {
		u, v := rng.Float64()-0.5, rng.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + mean + 0.43)
		if us >= 0.07 && v <= v0 {
			return k
		}
		if k < 0 || us < 0.013 && v > us {
			continue
		}
		lg, _ := math.Lgamma(k + 1)
		if math.Log(v*(1.1239+1.1328/(b-3.4))/(a/(us*us)+b)) <= k*math.Log(mean)-mean-lg {
			return k
		}
	}
}

func TestPoissonDrawsHaveTheirMeanAndVariance(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	for _, mean := range []float64{0.3, 4, 12, 300} {
		const n = 20_000
		var sum, squares float64
		for range n {
			v := poisson(rng, mean)
			sum += v
			squares += (v - mean) * (v - mean)
		}
		if d := (sum/n - mean) / math.Sqrt(mean/n); math.Abs(d) > 4 {
			t.Errorf("mean %v: drawn %v", mean, sum/n)
		}
		if v := squares / n / mean; math.Abs(v-1) > 0.05+4*math.Sqrt(1/(mean*n)) {
			t.Errorf("mean %v: variance %v times that", mean, v)
		}
	}
}
