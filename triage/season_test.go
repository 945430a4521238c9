package triage

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// TestEarlierDaysSayWhatIsUsualAtThisHour looks at costs that are the same for the
// whole window, so that only other days can tell.
func TestEarlierDaysSayWhatIsUsualAtThisHour(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 1))
	level := func(v float64) []float64 { return stepAt(rng, 240, 0, v, v, .01*v) }
	cost := func(v float64) health.Signal {
		return fresh("cost", "cost", health.USDPerH, health.Up, 0, 0, level(v)...)
	}
	outcome := func(v float64) health.Signal {
		return fresh("outcome", "outcome", health.Ratio, health.Down, 0, 0, level(v)...)
	}
	for name, c := range map[string]struct {
		signal health.Signal
		days   []float64 // level of each, newest first; 0: nothing is held
		text   string    // of the finding; empty: none
		from   string    // of what the limit comes from
	}{
		"as always":                       {cost(3), []float64{3, 3.1, 2.9, 3}, "", "this hour of 4 earlier days"},
		"more than ever":                  {cost(9), []float64{3, 3.1, 2.9, 3}, "cost $", "this hour of 4 earlier days"},
		"one of the days was ill as well": {cost(9), []float64{9, 3.1, 2.9, 3}, "cost $", "this hour of 4 earlier days"},
		"a Monday after a weekend":        {cost(9), []float64{3, 3, 9, 9}, "", "this hour of 4 earlier days"},
		"less than ever is no harm":       {cost(1), []float64{3, 3, 3}, "", "this hour of 3 earlier days"},
		"an outcome lower than ever":      {outcome(.55), []float64{.75, .73, .74}, "outcome 55", "this hour of 3 earlier days"},
		"an outcome a little lower":       {outcome(.71), []float64{.75, .73, .74}, "", "this hour of 3 earlier days"},
		"two days are no habit":           {cost(9), []float64{3, 3}, "", "the beginning of the window, without the rhythm of the 2 earlier days that are held"},
		"a server set up this morning":    {cost(9), nil, "", "the beginning of the window; no earlier day is held"},
		"days of which nothing is held":   {cost(9), []float64{0, 0, 0}, "", "the beginning of the window; no earlier day is held"},
	} {
		var days [][]health.Point
		for i, v := range c.days {
			var day []health.Point
			for _, p := range fresh("cost", "cost", health.USDPerH, health.Up, 0, 0, level(v)...).Series {
				if at := p.Time().AddDate(0, 0, -i-1); v > 0 && at.Minute()%5 == 0 && at.Second() == 0 {
					day = append(day, health.Point{T: at.UnixMilli(), V: p.V})
				}
			}
			days = append(days, day)
		}
		got := judge1(health.Service{Name: "s", Signals: []health.Signal{failed(.001, .001), c.signal}}, func(in *Input) {
			in.Past = func(service, signal string) [][]health.Point {
				if service != "s" || signal == "errors" {
					t.Errorf("%s: asked for %s of %s", name, signal, service)
				}
				return days
			}
		})
		usual := got.Signal(c.signal.ID).Usual
		switch {
		case usual.From != c.from || usual.Limit == nil:
			t.Errorf("%s: from %q, want %q", name, usual.From, c.from)
		case c.text == "" && got.Status != health.OK:
			t.Errorf("%s: %v, %+v", name, got.Status, got.Findings)
		case c.text != "" && (got.Status != health.Warn || !strings.HasPrefix(got.Findings[0].Text, c.text) || !strings.HasSuffix(got.Findings[0].Text, " at this hour")):
			t.Errorf("%s: %v, %+v", name, got.Status, got.Findings)
		}
	}
}

func TestASignalOfThreeMinutesHasNoHabit(t *testing.T) {
	sig := fresh("cost", "cost", health.USDPerH, health.Up, 0, 0, times(12, 3)...)
	got := judge1(health.Service{Name: "s", Signals: []health.Signal{sig}})
	if u := got.Signal("cost").Usual; u.Limit != nil || !strings.HasPrefix(u.From, "nothing: what is known is too short") {
		t.Errorf("%+v", u)
	}
}

// TestADayIsReadBetweenItsPoints holds points every five minutes against a series
// with one every quarter of a minute.
func TestADayIsReadBetweenItsPoints(t *testing.T) {
	var day, now []health.Point
	at := noon.Add(-time.Hour)
	for i := range 241 {
		p := health.Point{T: at.Add(time.Duration(i) * 15 * time.Second).UnixMilli(), V: float64(i)}
		if now = append(now, p); i%20 == 0 {
			day = append(day, p)
		}
	}
	for i, p := range seasonless(now, [][]health.Point{day, day, day}) {
		if p.V != 120 {
			t.Fatalf("point %d is %v, want what is left without the rhythm: 120", i, p.V)
		}
	}
	if got := seasonless(now, [][]health.Point{day[:2]}); got[200].V != 200 {
		t.Errorf("an hour nobody knows: %v", got[200].V)
	}
}
