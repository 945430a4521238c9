package chart

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
	"sickbay/themes"
)

func look(t testing.TB) *themes.Look {
	t.Helper()
	l, err := themes.Load("default")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var at = time.Date(2026, 11, 23, 14, 2, 0, 0, time.UTC)

// series is f sampled every step over an hour; x runs from 0 to 1.
func series(step time.Duration, f func(x float64) float64) []health.Point {
	var out []health.Point
	for t := at.Add(-time.Hour); !t.After(at); t = t.Add(step) {
		out = append(out, health.Point{T: t.UnixMilli(), V: f(1 - float64(at.Sub(t))/float64(time.Hour))})
	}
	return out
}

func limits(warn, critical float64) health.Limit {
	return health.Limit{Warn: &warn, Critical: &critical}
}

func hourOf(unit health.Unit, bad health.Bad, points []health.Point) Chart {
	return Chart{Lines: [][]health.Point{points}, Unit: unit, Bad: bad, At: at, Window: time.Hour, Step: 15 * time.Second}
}

// plain is a drawing without its colours, a line each, blanks at the end cut.
func plain(rows []string) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString("\n" + strings.TrimRight(ansi.Strip(r), " "))
	}
	return b.String()
}

func TestDrawings(t *testing.T) {
	ramp := series(15*time.Second, func(x float64) float64 { return 40 * x })
	hole := series(15*time.Second, func(x float64) float64 {
		if x > 0.4 && x < 0.6 {
			return math.NaN()
		}
		return 0.9 - 0.3*x
	})
	spike := series(15*time.Second, func(x float64) float64 {
		if math.Abs(x-0.5) < 0.001 {
			return 9
		}
		return 1
	})
	errors := hourOf(health.Ratio, health.Up, series(15*time.Second, func(x float64) float64 {
		if x < 0.8 {
			return 0.004
		}
		return 0.07
	}))
	errors.Limit = limits(0.02, 0.05)
	errors.Marks = []Mark{{At: at.Add(-12 * time.Minute), Letter: 'P'}, {At: at.Add(-40 * time.Minute), Letter: 'D'}, {At: at.Add(-2 * time.Hour), Letter: 'X'}}
	for _, c := range []struct {
		name  string
		c     Chart
		w, h  int
		ascii bool
		want  string
	}{
		{"a ramp rises", hourOf(health.PerSecond, health.Neutral, ramp), 40, 6, false, drawingRamp},
		{"NaN is a hole", hourOf(health.Score, health.Down, hole), 40, 6, false, drawingHole},
		{"one spike of 240 samples survives", hourOf(health.Count, health.Up, spike), 30, 5, false, drawingSpike},
		{"limits, a change each and what is outside of the window is not drawn", errors, 60, 9, false, drawingLimits},
		{"ASCII", errors, 60, 9, true, drawingASCII},
		{"nothing known", hourOf(health.Seconds, health.Up, nil), 30, 5, false, drawingNothing},
		{"no room for axes", hourOf(health.Count, health.Up, spike), 12, 2, false, drawingSmall},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := plain(c.c.Draw(look(t).With(c.ascii, true), c.w, c.h)); got != c.want {
				t.Errorf("got:%s\nwant:%s", got, c.want)
			}
		})
	}
}

// checkRectangle holds a drawing to h rows of w cells that carry nothing but SGR.
func checkRectangle(t *testing.T, rows []string, w, h int) {
	t.Helper()
	if len(rows) != h {
		t.Fatalf("%dx%d: %d rows", w, h, len(rows))
	}
	for _, r := range rows {
		if n := ansi.StringWidth(r); n != w {
			t.Fatalf("%dx%d: a row of %d cells: %q", w, h, n, r)
		}
		if strings.HasSuffix(r, themes.Reset) != strings.Contains(r, "\x1b[") {
			t.Fatalf("%dx%d: a role leaks out of %q", w, h, r)
		}
	}
}

func TestEveryChartFillsItsRectangleWhateverTheNumbers(t *testing.T) {
	wild := []float64{0, 1, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64,
		math.SmallestNonzeroFloat64, 1e299, 1e-300, 42}
	i := 0
	zigzag := series(15*time.Second, func(float64) float64 { i++; return wild[i%len(wild)] })
	same := series(15*time.Second, func(float64) float64 { return 1e18 })
	backwards := []health.Point{{T: at.UnixMilli(), V: 1}, {T: 0, V: 2}, {T: math.MinInt64 / 2, V: 3}, {T: math.MaxInt64 / 2, V: 4}}
	l := look(t)
	for _, points := range [][]health.Point{nil, zigzag, same, backwards, {{T: at.UnixMilli(), V: 3}}} {
		c := hourOf(health.Ratio, health.Up, points)
		c.Lines = append(c.Lines, points)
		c.Marks = []Mark{{At: at, Letter: 'D'}, {At: at, Letter: 'D'}, {Letter: 'X'}}
		c.Limit = limits(math.NaN(), math.Inf(1))
		for _, unit := range []health.Unit{health.Ratio, health.Score, health.Seconds, health.Bytes, health.Celsius, "furlongs"} {
			c.Unit = unit
			for w := 1; w < 70; w += 3 {
				for h := 1; h < 14; h++ {
					checkRectangle(t, c.Draw(l, w, h), w, h)
				}
			}
		}
		for w := range 20 {
			if n := ansi.StringWidth(Spark(points, health.Up, at, time.Hour, false, w)); n != w {
				t.Fatalf("a sparkline of %d cells, want %d", n, w)
			}
		}
	}
	for _, c := range []Chart{{}, {Window: -time.Hour, Step: -1}, {At: at, Window: math.MaxInt64, Step: math.MaxInt64}} {
		checkRectangle(t, c.Draw(l, 40, 8), 40, 8)
	}
	if rows := (Chart{}).Draw(l, 0, 3); len(rows) != 3 {
		t.Errorf("0x3: %d rows", len(rows))
	}
	if rows := (Chart{}).Draw(l, 3, -1); len(rows) != 0 {
		t.Errorf("3x-1: %d rows", len(rows))
	}
}

func FuzzChart(f *testing.F) {
	f.Add(int64(0), 1.0, int64(60_000), 2.0, int64(3600), 40, 8)
	f.Add(int64(-1), math.NaN(), int64(1<<60), math.Inf(-1), int64(-5), 1, 1)
	l := look(f)
	f.Fuzz(func(t *testing.T, t1 int64, v1 float64, t2 int64, v2 float64, window int64, w, h int) {
		w, h = w&127, h&31
		if w == 0 {
			return
		}
		c := Chart{Lines: [][]health.Point{{{T: t1, V: v1}, {T: t2, V: v2}}}, At: time.UnixMilli(t2),
			Window: time.Duration(window) * time.Second, Limit: health.Limit{Warn: &v1, Critical: &v2}}
		for _, c.Unit = range []health.Unit{health.Ratio, health.Score, health.Seconds, health.Bytes} {
			checkRectangle(t, c.Draw(l, w, h), w, h)
		}
	})
}

func TestAChartStandsStillUntilAJumpHasElapsed(t *testing.T) {
	all := series(5*time.Second, func(x float64) float64 { return 10 + 8*math.Sin(x*40) })
	l := look(t)
	changed, n := 0, 0
	var before []rune
	for now := at.Add(-20 * time.Minute); now.Before(at); now = now.Add(10 * time.Second) {
		c := hourOf(health.Count, health.Neutral, all)
		c.At, c.Window, c.Step = now, 30*time.Minute, 5*time.Second
		for len(c.Lines[0]) > 0 && c.Lines[0][len(c.Lines[0])-1].Time().After(now) {
			c.Lines[0] = c.Lines[0][:len(c.Lines[0])-1]
		}
		drawing := []rune(strings.Join(c.Draw(l, 60, 8), "\n"))
		if before != nil {
			n++
			changed += differences(before, drawing)
		}
		before = drawing
	}
	if mean := float64(changed) / float64(n); mean > 25 {
		t.Errorf("a refresh changes %.1f cells of 480, want at most 25", mean)
	}
}

func differences(a, b []rune) int {
	n := max(len(a), len(b)) - min(len(a), len(b))
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

func TestScalesAreRound(t *testing.T) {
	for _, c := range []struct {
		name   string
		lo, hi float64
		unit   health.Unit
		limit  health.Limit
		want   scale
	}{
		{"zero is in it", 40, 42, health.PerSecond, health.Limit{}, scale{0, 60, 20}},
		{"not for scores far away", 0.91, 0.94, health.Score, health.Limit{}, scale{0.9, 1, 0.05}},
		{"a limit in reach does not pull in the next", 0.001, 0.008, health.Ratio, limits(0.02, 0.05), scale{0, 0.02, 0.005}},
		{"a limit out of reach", 0.9, 1.9, health.Seconds, limits(30, 90), scale{0, 2, 0.5}},
		{"nothing but zero shows the limits", 0, 0, health.Ratio, limits(0.02, 0.05), scale{0, 0.06, 0.02}},
		{"limits under a score", 0.88, 0.93, health.Score, limits(0.8, 0.7), scale{0.7, 1, 0.1}},
		{"below zero", -7200, 3600, health.Seconds, health.Limit{}, scale{-7200, 3600, 3600}},
		{"hours", 100, 80000, health.Seconds, health.Limit{}, scale{0, 86400, 21600}},
		{"KiB", 0, 3000, health.Bytes, health.Limit{}, scale{0, 3000, 1000}},
		{"no data", huge, -huge, health.Count, health.Limit{}, scale{0, 1, 0.5}},
		{"nothing is above 100 %", 0.97, 1, health.Ratio, health.Limit{}, scale{0, 1, 0.5}},
	} {
		got := newScale(c.lo, c.hi, c.unit, c.limit)
		if math.Abs(got.lo-c.want.lo)+math.Abs(got.hi-c.want.hi)+math.Abs(got.step-c.want.step) > 1e-9 {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestThinningKeepsWhatMattersAndHoles(t *testing.T) {
	f := frame{perDot: 1000, first: 0, dots: 10}
	nan := math.NaN()
	points := []health.Point{{T: 0, V: 1}, {T: 500, V: 7}, {T: 1000, V: 2}, {T: 2000, V: nan}, {T: 3000, V: 4}, {T: 7000, V: 5}}
	want := map[health.Bad][]bucket{
		health.Up:   {{0, 7, true}, {1, 2, false}, {3, 4, true}, {7, 5, true}},
		health.Down: {{0, 1, true}, {1, 2, false}, {3, 4, true}, {7, 5, true}},
	}
	for bad, w := range want {
		got := f.thin(points, time.Second, bad)
		if len(got) != len(w) {
			t.Fatalf("%s: got %v, want %v", bad, got, w)
		}
		for i := range w {
			if got[i] != w[i] {
				t.Errorf("%s: bucket %d is %v, want %v", bad, i, got[i], w[i])
			}
		}
	}
}

func TestSparklines(t *testing.T) {
	ramp := series(15*time.Second, func(x float64) float64 { return 100 * x })
	hole := append(append([]health.Point{}, ramp[:60]...), ramp[180:]...)
	for _, c := range []struct{ name, got, want string }{
		{"a ramp", Spark(ramp, health.Up, at, time.Hour, false, 8), "▂▃▃▄▄▅▅▆"},
		{"ASCII", Spark(ramp, health.Up, at, time.Hour, true, 8), ".::--==+"},
		{"a hole is blank", Spark(hole, health.Up, at, time.Hour, false, 8), "▂▂   ▅▅▆"},
		{"zero is seen", Spark(series(time.Minute, func(float64) float64 { return 0 }), health.Up, at, time.Hour, false, 4), "▁▁▁▁"},
		{"nothing", Spark(nil, health.Up, at, time.Hour, false, 4), "    "},
		{"far below the axis", SparkFrom(1000, ramp, health.Up, at, time.Hour, false, 8), "▁▁▁▁▁▂▂▂"},
		{"above the axis", SparkFrom(10, ramp, health.Up, at, time.Hour, false, 8), "▂▃▃▄▄▅▅▆"},
		{"counts", SparkCounts([]int{0, 1, 2, 4, 8}, false, 5), "▁▂▂▄▆"},
		{"counts are added up, never dropped", SparkCounts([]int{0, 0, 0, 9, 0, 0}, false, 3), "▁▆▁"},
		{"a column is never wider than another", SparkCounts([]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, false, 8), "▆▆▆▆▆▆  "},
		{"few counts", SparkCounts([]int{3}, false, 3), "▆  "},
		{"no counts", SparkCounts(nil, false, 3), "   "},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestBars(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"half", HBar(0.5, false, 4), "━━  "},
		{"half a cell", HBar(0.125, false, 4), "╸   "},
		{"never invisible", HBar(1e-9, false, 4), "╸   "},
		{"nothing", HBar(0, false, 4), "    "},
		{"no number", HBar(math.NaN(), false, 4), "    "},
		{"too much", HBar(math.Inf(1), false, 4), "━━━━"},
		{"ASCII", HBar(0.5, true, 4), "##  "},
		{"no room", HBar(0.5, true, 0), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	if got := Shared([]float64{0.2, math.NaN()}, []float64{0.4, math.Inf(1)}); got != 0.4 {
		t.Errorf("the shared axis ends at %v, want 0.4", got)
	}
}

func TestSeveralMarksOfAColumnAreCountedButForTheOneThatIsKept(t *testing.T) {
	d, r := Mark{At: at.Add(-30 * time.Minute), Letter: 'D'}, Mark{At: at.Add(-30 * time.Minute), Letter: 'R', Keep: true}
	for _, c := range []struct {
		marks []Mark
		want  string
	}{
		{[]Mark{d}, "D"}, {[]Mark{d, d}, "2"}, {[]Mark{r}, "R"}, {[]Mark{d, r}, "R"}, {[]Mark{r, d}, "R"}, {[]Mark{d, r, d}, "R"},
	} {
		h := hourOf(health.Count, health.Up, series(time.Minute, func(float64) float64 { return 0 }))
		h.Marks = c.marks
		top, _, _ := strings.Cut(strings.TrimPrefix(plain(h.Draw(look(t), 40, 6)), "\n"), "\n")
		if got := strings.Trim(top, "0123456789┤ "); c.want != "2" && got != c.want || !strings.HasSuffix(strings.TrimSpace(top), c.want) {
			t.Errorf("%d marks: %q, want %s", len(c.marks), top, c.want)
		}
	}
}

func BenchmarkChart60x8(b *testing.B) {
	l := look(b)
	c := hourOf(health.Seconds, health.Up, series(15*time.Second, func(x float64) float64 { return 2 + math.Sin(x*30) }))
	c.Limit = limits(8, 20)
	c.Marks = []Mark{{At: at.Add(-12 * time.Minute), Letter: 'P'}}
	b.ReportAllocs()
	for b.Loop() {
		c.Draw(l, 60, 8)
	}
}

func BenchmarkSpark8(b *testing.B) {
	points := series(15*time.Second, func(x float64) float64 { return 2 + math.Sin(x*30) })
	b.ReportAllocs()
	for b.Loop() {
		Spark(points, health.Up, at, time.Hour, false, 8)
	}
}

// TestAValuePastALimitHasItsColour also where it is drawn in the limit's own row: two
// rows are all there is between what is good and what is bad in a small chart.
func TestAValuePastALimitHasItsColour(t *testing.T) {
	l := look(t)
	warn, critical := limits(0.8, 0.5), limits(0.8, 0.7)
	for name, c := range map[string]struct {
		v     float64
		bad   health.Bad
		limit health.Limit
		want  themes.Role
	}{
		"good":                 {.9, health.Down, critical, themes.Line1},
		"below warn":           {.75, health.Down, warn, themes.LimitW},
		"below critical":       {.65, health.Down, critical, themes.LimitC},
		"above critical":       {.75, health.Up, limits(.6, .7), themes.LimitC},
		"nothing bad about it": {.65, "", critical, themes.Line1},
	} {
		t.Run(name, func(t *testing.T) {
			chart := hourOf(health.Score, c.bad, series(15*time.Second, func(x float64) float64 {
				if x < .5 {
					return .95 // so that the scale has both
				}
				return c.v
			}))
			chart.Limit = c.limit
			g := l.Prefix(c.want)
			got := ""
			for _, row := range chart.Draw(l, 40, 4)[:3] {
				if i := strings.LastIndexAny(row, "⠉⠒⠤⣀⠁⠂⠄⡀⠈⠐⠠⢀"); i >= 0 {
					got = row[strings.LastIndex(row[:i], "\x1b["):i]
				}
			}
			if !strings.HasPrefix(got, g) {
				t.Errorf("the newest value is drawn in %q, want %q", got, g)
			}
		})
	}
}
