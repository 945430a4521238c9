package triage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

var (
	noon = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	nan  = math.NaN()
)

const step = 15 * time.Second

// ending makes points that end at end.
func ending(end time.Time, values ...float64) []health.Point {
	points := make([]health.Point, len(values))
	for i, v := range values {
		points[i] = health.Point{T: end.Add(-time.Duration(len(values)-1-i) * step).UnixMilli(), V: v}
	}
	return points
}

// fresh is a signal whose newest value is the last of the series, at noon.
func fresh(id, group string, unit health.Unit, bad health.Bad, warn, critical float64, values ...float64) health.Signal {
	s := health.Signal{ID: id, Title: id, Unit: unit, Bad: bad, Group: group, State: health.Fresh, Source: "main", At: noon, Series: ending(noon, values...)}
	if n := len(values); n > 0 {
		s.Value = values[n-1]
	}
	if warn != 0 {
		s.Limit.Warn = &warn
	}
	if critical != 0 {
		s.Limit.Critical = &critical
	}
	return s
}

func failed(values ...float64) health.Signal {
	s := fresh("errors", "errors", health.Ratio, health.Up, .02, .05, values...)
	s.Title = "failed requests"
	return s
}

func good(values ...float64) health.Signal {
	s := fresh("quality", "quality", health.Score, health.Down, .80, .70, values...)
	s.Title = "answers judged good"
	return s
}

func lost(s health.Signal, state health.State, ago time.Duration) health.Signal {
	s.State = state
	s.At = noon.Add(-ago)
	for i := range s.Series {
		s.Series[i].T -= ago.Milliseconds()
	}
	if state == health.Absent {
		s.At, s.Value = time.Time{}, 0
	}
	return s
}

func judge1(s health.Service, more ...func(*Input)) health.Service {
	in := Input{Services: []health.Service{s}, Now: noon, Window: time.Hour, RateWindow: time.Minute}
	for _, f := range more {
		f(&in)
	}
	out, _ := Judge(in, Memory{})
	return out[0]
}

func times(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }

func TestALimitIsCrossedByTwoLooksAndLeftByTwoOrByOneWellWithin(t *testing.T) {
	for name, c := range map[string]struct {
		signal health.Signal
		want   health.Status
	}{
		"always well":                              {failed(.01, .01, .01), health.OK},
		"one look beyond is nothing":               {failed(.01, .01, .9), health.OK},
		"two looks beyond warn":                    {failed(.01, .03, .03), health.Warn},
		"two looks beyond critical":                {failed(.01, .06, .06), health.Critical},
		"beyond warn, once beyond critical":        {failed(.01, .03, .06), health.Warn},
		"the limit itself is good":                 {failed(.01, .02, .02, .02), health.OK},
		"one look just within changes nothing":     {failed(.03, .03, .0195), health.Warn},
		"two looks just within are enough":         {failed(.03, .03, .0195, .0195), health.OK},
		"one look well within is enough":           {failed(.03, .03, .018), health.OK},
		"from critical well within is only warn":   {failed(.06, .06, .04), health.Warn},
		"a hole between is no look":                {failed(.01, .03, nan, .03), health.Warn},
		"the first look decides alone":             {failed(.03), health.Warn},
		"low is bad: two looks below":              {good(.9, .75, .75), health.Warn},
		"low is bad: two looks below critical":     {good(.9, .61, .61), health.Critical},
		"low is bad: one look just above":          {good(.7, .75, .81), health.Warn},
		"low is bad: well above":                   {good(.7, .75, .85), health.OK},
		"a limit of zero seconds left":             {zeroLimit(100, -5, -10), health.Warn},
		"a limit of zero is left by two looks":     {zeroLimit(-5, -5, 100), health.Warn},
		"only critical, beyond it":                 {fresh("x", "errors", health.Count, health.Up, 0, 5, 1, 9, 9), health.Critical},
		"only critical, within":                    {fresh("x", "errors", health.Count, health.Up, 0, 5, 1, 4, 4), health.OK},
		"without limits nothing is judged":         {fresh("x", "errors", health.Count, health.Up, 0, 0, 9, 9, 9), health.Unknown},
		"without a bad direction neither":          {fresh("x", "traffic", health.Count, health.Neutral, 1, 1, 9, 9, 9), health.Unknown},
		"stale is not known, whatever it was":      {lost(failed(.01, .01), health.Stale, 3*time.Minute), health.Unknown},
		"no number is not known":                   {lost(failed(.01, .01), health.NaN, 0), health.Unknown},
		"partial counts":                           {lost(failed(.03, .03), health.Partial, 0), health.Warn},
		"a value newer than its series is a look":  {later(failed(.01, .03), .03), health.Warn},
		"a value as new as its series is the same": {failed(.01, .03), health.OK},
	} {
		s := judge1(health.Service{Name: "s", Signals: []health.Signal{c.signal}})
		if got := s.Signals[0].Status; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func zeroLimit(values ...float64) health.Signal {
	zero := 0.0
	s := fresh("retrain_due", "freshness", health.Seconds, health.Down, 0, 0, values...)
	s.Limit.Warn = &zero
	return s
}

// later gives s a value 5 s after its series.
func later(s health.Signal, v float64) health.Signal {
	s.Value = v
	for i := range s.Series {
		s.Series[i].T -= 5000
	}
	return s
}

func TestAServiceIsAsIllAsItsWorstFindingAndSaysSo(t *testing.T) {
	alert := func(severity, state, service string) func(*Input) {
		return func(in *Input) {
			in.Alerts = append(in.Alerts, health.Alert{Name: "AnswerQualityLow", Severity: severity, State: state, Service: service, Since: noon.Add(-8 * time.Minute)})
		}
	}
	moved := func(level, kind, feature string) health.Service {
		return health.Service{Name: "s", Signals: []health.Signal{failed(.01, .01)}, Drift: []health.Drift{{
			Signal: "prompt length", Feature: feature, Kind: kind, Level: level, NCur: 5000,
			PSIAdj: health.Num(.41), Low: health.Num(.33), High: health.Num(.50), Gap: health.Num(.3), Since: noon.Add(-time.Minute),
		}}}
	}
	bySmallPSI := moved("warn", "categorical", "")
	bySmallPSI.Drift[0].PSIAdj, bySmallPSI.Drift[0].Low, bySmallPSI.Drift[0].High, bySmallPSI.Drift[0].Gap = health.Num(.04), health.Num(.01), health.Num(.09), health.Num(.12)
	one := func(signals ...health.Signal) health.Service { return health.Service{Name: "s", Signals: signals} }
	note := lost(failed(.01, .01), health.Unreachable, 3*time.Minute)
	note.Note = "connection refused"
	for name, c := range map[string]struct {
		service health.Service
		with    []func(*Input)
		status  health.Status
		texts   []string
	}{
		"all is well": {one(failed(.01, .01)), nil, health.OK, nil},
		"the value and where well ends, critical first": {
			one(failed(.01, .031, .031), good(.9, .61, .61)), nil, health.Critical,
			[]string{"answers judged good 0.61, limit 0.80", "failed requests 3.1 %, limit 2.0 %"}},
		"a firing alert alone is a warning":      {one(failed(.01, .01)), []func(*Input){alert("critical", "firing", "s")}, health.Warn, []string{"alert AnswerQualityLow is firing (critical)"}},
		"a pending alert is not":                 {one(failed(.01, .01)), []func(*Input){alert("critical", "pending", "s")}, health.OK, nil},
		"nor one that only informs":              {one(failed(.01, .01)), []func(*Input){alert("info", "firing", "s")}, health.OK, nil},
		"an alert of another marks nobody":       {one(failed(.01, .01)), []func(*Input){alert("critical", "firing", "t"), alert("critical", "firing", "")}, health.OK, nil},
		"limits explain before alerts":           {one(failed(.01, .03, .03)), []func(*Input){alert("page", "firing", "s")}, health.Warn, []string{"failed requests 3.0 %, limit 2.0 %", "alert AnswerQualityLow is firing (page)"}},
		"a feature that moved":                   {moved("critical", "histogram", "amount"), nil, health.Warn, []string{"feature amount: distribution moved, PSI 0.41 [0.33–0.50], limit 0.10, n 5k"}},
		"a distribution without a feature":       {moved("warn", "histogram", ""), nil, health.Warn, []string{"prompt length: distribution moved, PSI 0.41 [0.33–0.50], limit 0.10, n 5k"}},
		"moved in one category, PSI being small": {bySmallPSI, nil, health.Warn, []string{"prompt length: distribution moved, PSI 0.04 [0.01–0.09], 12.0 % of it moved, limit 10.0 %, n 5k"}},
		"drift that has yet to hold":             {moved("pending", "histogram", "amount"), nil, health.OK, nil},
		"significant, but small":                 {moved("small", "histogram", "amount"), nil, health.OK, nil},
		"a score computed by others":             {moved("critical", "exported", "amount"), nil, health.OK, nil},
		"a golden signal has gone":               {one(good(.9, .9), lost(failed(.01, .01), health.Stale, 3*time.Minute)), nil, health.Unknown, []string{"no data from main for 3 m: failed requests"}},
		"and the source says why":                {one(good(.9, .9), note), nil, health.Unknown, []string{"no data from main for 3 m: failed requests (connection refused)"}},
		"absent, and it was there":               {one(good(.9, .9), lost(failed(.01, .01), health.Absent, 3*time.Minute)), nil, health.Unknown, []string{"no data from main for 3 m: failed requests"}},
		"absent, and never was there":            {one(good(.9, .9), health.Signal{ID: "errors", Group: "errors", Bad: health.Up}), nil, health.OK, nil},
		"what is not golden may go":              {one(failed(.01, .01), lost(good(.9, .9), health.Stale, 3*time.Minute)), nil, health.OK, nil},
		"unless it was ill when last seen":       {one(failed(.01, .01), lost(good(.6, .6), health.NaN, 0)), nil, health.Unknown, []string{"no data from main for 0 s: answers judged good (critical when last seen)"}},
		"many at once are one line": {
			one(good(.9, .9), lost(failed(0, 0), health.Stale, 3*time.Minute), lost(fresh("p95", "latency", health.Seconds, health.Up, 8, 20, 1, 1), health.Stale, 4*time.Minute),
				lost(fresh("traffic", "traffic", health.PerSecond, health.Neutral, 0, 0, 1, 1), health.Stale, 3*time.Minute), lost(fresh("queue", "saturation", health.Count, health.Up, 9, 20, 1, 1), health.Stale, 3*time.Minute)),
			nil, health.Unknown, []string{"no data from main for 4 m: failed requests, p95 and 2 more"}},
		"the service has gone":             {health.Service{Name: "s", Gone: noon.Add(-22 * time.Minute), Signals: []health.Signal{lost(failed(0), health.Absent, 22*time.Minute)}}, nil, health.Unknown, []string{"no data from s for 22 m: nothing of it is seen any more"}},
		"nothing has a limit":              {one(fresh("traffic", "traffic", health.PerSecond, health.Neutral, 0, 0, 1, 1)), nil, health.Unknown, []string{"nothing is measured that could be judged"}},
		"nothing at all":                   {one(), nil, health.Unknown, []string{"nothing is measured that could be judged"}},
		"never answered":                   {one(unreached()), nil, health.Unknown, []string{"nothing is known: main does not answer"}},
		"no traffic, no ratio":             {one(health.Signal{ID: "errors", Group: "errors", Bad: health.Up, State: health.NaN, Limit: failed().Limit}), nil, health.Unknown, []string{"nothing to judge: no value is a number, usually because there is no traffic"}},
		"ill beats unknown":                {one(good(.9, .61, .61), lost(failed(.01, .01), health.Stale, 3*time.Minute)), nil, health.Critical, []string{"answers judged good 0.61, limit 0.80", "no data from main for 3 m: failed requests"}},
		"an alert where nothing is judged": {one(), []func(*Input){alert("page", "firing", "s")}, health.Warn, []string{"alert AnswerQualityLow is firing (page)"}},
	} {
		s := judge1(c.service, c.with...)
		var texts []string
		for _, f := range s.Findings {
			texts = append(texts, f.Text)
			if f.Service != "s" || f.Rule == "" {
				t.Errorf("%s: a finding of %q by rule %q", name, f.Service, f.Rule)
			}
		}
		if s.Status != c.status || !slices.Equal(texts, c.texts) {
			t.Errorf("%s: %v\n got %q\nwant %v\n     %q", name, s.Status, texts, c.status, c.texts)
		}
	}
}

func unreached() health.Signal {
	s := failed()
	s.State, s.At, s.Series = health.Unreachable, time.Time{}, nil
	return s
}

func TestSinceIsWhereTheSeriesWentBeyond(t *testing.T) {
	minute := func(n float64) time.Time { return noon.Add(-time.Duration(n * float64(time.Minute))) }
	for name, c := range map[string]struct {
		values []float64
		want   time.Time
	}{
		"where it crossed the limit of well":  {append(times(20, .01), append(times(4, .03), times(4, .06)...)...), minute(7 * .25)},
		"a single good point is noise":        {append(times(20, .01), .06, .06, .01, .06, .06), minute(1)},
		"two good points are the time before": {append(times(20, .06), .01, .01, .06, .06, .06), minute(.5)},
		"holes are neither":                   {append(times(20, .01), .06, nan, nan, nan, .06, .06), minute(1.25)},
		"as far back as there is a series":    {times(21, .06), minute(5)},
	} {
		s := judge1(health.Service{Name: "s", Signals: []health.Signal{failed(c.values...)}})
		if len(s.Findings) != 1 || !s.Findings[0].Since.Equal(c.want) || !s.Since.Equal(c.want) {
			t.Errorf("%s: since %v, want %v", name, s.Since.Format(time.TimeOnly), c.want.Format(time.TimeOnly))
		}
	}

	now := health.Service{Name: "s", Signals: []health.Signal{failed(.06, .06, .06)}}
	in := Input{Services: []health.Service{now}, Now: noon, Window: 30 * time.Second}
	old := Memory{signals: map[signalKey]track{{"s", "errors"}: {since: minute(50)}}}
	if got, _ := Judge(in, old); !got[0].Since.Equal(minute(50)) {
		t.Errorf("a series that is beyond throughout forgets that it was so before: since %v", got[0].Since)
	}

	noSeries := health.Service{Name: "s", Signals: []health.Signal{failed()}}
	noSeries.Signals[0].Value, noSeries.Signals[0].At = .06, time.Time{}
	alert := health.Alert{Name: "A", Service: "s", State: "firing", Since: minute(9)}
	if s := judge1(noSeries, func(in *Input) { in.Alerts = []health.Alert{alert} }); !s.Since.Equal(minute(9)) {
		t.Errorf("without a series since is %v, want that of the alert", s.Since)
	}
}

func TestOneLookAtTheSeriesSaysWhatManyLooksSaid(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	const length, window = 400, 120
	for range 12 {
		values := make([]float64, length)
		level := .02
		for i := range values {
			level = min(max(level+rng.NormFloat64()*.003, 0), .08)
			values[i] = max(0, level+rng.NormFloat64()*.002)
		}
		var mem Memory
		for i := window; i < length; i++ {
			s := health.Service{Name: "s", Signals: []health.Signal{failed(values[i-window : i]...)}}
			shift := time.Duration(i) * step
			s.Signals[0].At = noon.Add(shift)
			for j := range s.Signals[0].Series {
				s.Signals[0].Series[j].T += shift.Milliseconds()
			}
			in := Input{Services: []health.Service{s}, Now: noon.Add(shift), Window: window * step}
			var many []health.Service
			many, mem = Judge(in, mem)
			one, _ := Judge(in, Memory{})
			if many[0].Status != one[0].Status {
				t.Fatalf("at %d: %v after many looks, %v at the first; tail %v", i, many[0].Status, one[0].Status, values[i-5:i])
			}
		}
	}
}

func TestLooksBetweenTwoPointsCount(t *testing.T) {
	s := health.Service{Name: "s", Signals: []health.Signal{failed(.01, .01, .01)}}
	var mem Memory
	look := func(after time.Duration, v float64) health.Status {
		s.Signals = slices.Clone(s.Signals)
		s.Signals[0].Value, s.Signals[0].At = v, noon.Add(after)
		var out []health.Service
		out, mem = Judge(Input{Services: []health.Service{s}, Now: noon.Add(after), Window: time.Hour}, mem)
		return out[0].Status
	}
	for i, c := range []struct {
		after time.Duration
		v     float64
		want  health.Status
	}{{0, .01, health.OK}, {5, .03, health.OK}, {5, .03, health.OK}, {10, .03, health.Warn}, {15, .0198, health.Warn}, {20, .03, health.Warn}, {25, .01, health.OK}} {
		if got := look(c.after*time.Second, c.v); got != c.want {
			t.Errorf("look %d: %v, want %v", i, got, c.want)
		}
	}
}

func TestNothingFlapsAtItsLimit(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, c := range []struct {
		name  string
		noise func(i int) float64
		most  int // changes of status in 1000 looks
	}{
		{"spikes of one look", func(i int) float64 { return .01 + .5*float64(i%2) }, 1},
		{"dips of one look, just within", func(i int) float64 { return .03 - .0105*float64(i%2) }, 1},
		{"noise well below", func(int) float64 { return .01 + .002*rng.NormFloat64() }, 0},
		{"noise well above", func(int) float64 { return .03 + .002*rng.NormFloat64() }, 1},
	} {
		var l latch
		limit, changes := .02, 0
		for i := range 1000 {
			was := l.on
			l.look(c.noise(i), &limit, health.Up)
			if l.on != was {
				changes++
			}
		}
		if changes > c.most {
			t.Errorf("%s: %d changes, want at most %d", c.name, changes, c.most)
		}
	}
}

func TestOKSaysSinceWhenItHasBeenSeenToBecomeSo(t *testing.T) {
	in := func(now time.Time, values ...float64) Input {
		s := failed(values...)
		s.At = now
		for i := range s.Series {
			s.Series[i].T += now.Sub(noon).Milliseconds()
		}
		return Input{Services: []health.Service{{Name: "s", Signals: []health.Signal{s}}}, Now: now, Window: time.Hour}
	}
	ill, mem := Judge(in(noon, .01, .06, .06), Memory{})
	well, mem := Judge(in(noon.Add(time.Minute), .06, .01, .01), mem)
	still, mem := Judge(in(noon.Add(2*time.Minute), .01, .01, .01), mem)
	if ill[0].Status != health.Critical || well[0].Status != health.OK || !well[0].Since.Equal(noon.Add(time.Minute)) || !still[0].Since.Equal(well[0].Since) {
		t.Errorf("%v, then %v since %v, then since %v", ill[0].Status, well[0].Status, well[0].Since, still[0].Since)
	}
	if first, _ := Judge(in(noon, .01, .01), Memory{}); !first[0].Since.IsZero() {
		t.Errorf("ok at the first look since %v, want not known", first[0].Since)
	}
	if back, _ := Judge(in(noon.Add(-time.Hour), .01, .06, .06), mem); back[0].Status != health.Critical {
		t.Errorf("with the clock set back %v, want what the series said then", back[0].Status)
	}
}

func TestNormalNamesTheGroupsThatAreWell(t *testing.T) {
	latency := fresh("p95", "latency", health.Seconds, health.Up, 8, 20, 1, 1)
	slow := fresh("ttft", "latency", health.Seconds, health.Up, 2, 5, 9, 9)
	queue := fresh("queue", "saturation", health.Count, health.Up, 10, 50, 1, 1)
	for want, signals := range map[string][]health.Signal{
		"":                     nil,
		"errors are normal":    {failed(.01, .01), fresh("traffic", "traffic", health.PerSecond, health.Neutral, 0, 0, 1)},
		"latency is normal":    {latency, good(.1, .1)},
		"saturation is normal": {latency, slow, queue},
		"quality is normal":    {good(.9, .9), lost(latency, health.Stale, time.Minute)},
		"latency, errors and saturation are normal": {queue, failed(.01, .01), latency, good(.1, .1)},
	} {
		if got := Normal(judge1(health.Service{Name: "s", Signals: signals})); got != want {
			t.Errorf("Normal = %q, want %q", got, want)
		}
	}
}

func TestJudgeChangesNothingItIsGiven(t *testing.T) {
	in := ward(rand.New(rand.NewPCG(1, 2)), 4, 6, 60)
	before := fmt.Sprintf("%+v", in)
	first, mem := Judge(in, Memory{})
	remembered := fmt.Sprintf("%+v", mem)
	second, _ := Judge(in, Memory{})
	if after := fmt.Sprintf("%+v", in); after != before {
		t.Error("the input was changed")
	}
	Judge(in, mem)
	if fmt.Sprintf("%+v", mem) != remembered {
		t.Error("the memory was changed")
	}
	for i := range first {
		a, b := first[i], second[i]
		if a.Status != b.Status || !reflect.DeepEqual(a.Findings, b.Findings) || !reflect.DeepEqual(a.Suspects, b.Suspects) {
			t.Errorf("%s was judged in two ways", a.Name)
		}
	}
}

// TestWhatHoldsForEveryVerdict looks at wards made at random.
func TestWhatHoldsForEveryVerdict(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 120 {
		in := ward(rng, 1+rng.IntN(5), rng.IntN(8), 10+rng.IntN(80))
		services, _ := Judge(in, Memory{})
		for i, s := range services {
			if s.Name != in.Services[i].Name {
				t.Fatal("the order changed")
			}
			worst := health.OK
			for j, f := range s.Findings {
				if f.Status == health.OK || f.Text == "" || strings.Contains(f.Text, "NaN") {
					t.Errorf("finding %+v", f)
				}
				if j > 0 && f.Status.Worse(s.Findings[j-1].Status) && s.Findings[0].Rule != ruleStale {
					t.Errorf("%v comes after %v", f.Status, s.Findings[j-1].Status)
				}
				if f.Status.Worse(worst) {
					worst = f.Status
				}
				if f.Since.After(in.Now) {
					t.Errorf("%q began in the future", f.Text)
				}
			}
			lost := s.Status == health.Unknown && len(s.Findings) > 0 && strings.Contains(s.Findings[0].Text, "critical when last seen")
			if s.Status != worst && !(lost && worst == health.Warn) {
				t.Errorf("%s is %v, its worst finding %v", s.Name, s.Status, worst)
			}
			if !ill(s.Status) && len(s.Suspects) > 0 {
				t.Errorf("%s is %v and has suspects", s.Name, s.Status)
			}
			if len(s.Signals) == 0 && s.Status == health.OK {
				t.Errorf("%s is ok and nothing was seen", s.Name)
			}
			for _, sus := range s.Suspects {
				checkSum(t, sus)
			}
		}
	}
}

// ward makes services at random, some of them ill, some not seen, with changes.
func ward(rng *rand.Rand, services, signals, points int) Input {
	in := Input{Now: noon, Window: time.Duration(points) * step, RateWindow: time.Minute}
	groups := []string{"errors", "latency", "saturation", "quality", "traffic"}
	ids := []string{"errors", "latency_p95", "kv_cache", "quality", "traffic", "refusals", "steps", "ttft_p95"}
	for i := range services {
		s := health.Service{Name: fmt.Sprintf("service-%d", i), Kind: health.LLM}
		for j := range signals {
			values := make([]float64, points)
			start, size := rng.IntN(points), 0.0
			if rng.IntN(4) == 0 {
				size = rng.Float64() * 3
			}
			for k := range values {
				values[k] = 1 + .1*rng.NormFloat64()
				if k >= start {
					values[k] += size
				}
				if rng.IntN(20) == 0 {
					values[k] = nan
				}
			}
			bad := []health.Bad{health.Up, health.Down, health.Neutral}[rng.IntN(3)]
			id := ids[j%len(ids)]
			if j >= len(ids) {
				id += fmt.Sprint(j)
			}
			sig := fresh(id, groups[j%len(groups)], health.Count, bad, 1.5, 2.5, values...)
			if id == "traffic" {
				sig.Bad = health.Neutral
			}
			if math.IsNaN(sig.Value) {
				sig.State = health.NaN
			} else if rng.IntN(8) == 0 {
				sig = lost(sig, health.State(rng.IntN(6)), time.Duration(rng.IntN(300))*time.Second)
			}
			s.Signals = append(s.Signals, sig)
		}
		in.Services = append(in.Services, s)
	}
	kinds := []string{"prompt", "model", "deploy", "index", "data", "tool", "flag", "rollback", "new kind"}
	for i := range 8 {
		in.Changes = append(in.Changes, health.Change{
			ID: fmt.Sprint(i), Kind: kinds[rng.IntN(len(kinds))], Service: fmt.Sprintf("service-%d", rng.IntN(services+1)),
			From: "v31", To: "v32", At: noon.Add(-time.Duration(rng.IntN(points*15)) * time.Second), Uncertain: time.Duration(rng.IntN(60)) * time.Second,
		})
	}
	in.Failures = []health.Failure{{ID: "f", Service: "service-0", State: "new", Versions: []string{"prompt v32"}, InCommon: []string{"prompt_version=v32 — 121 of 135 failing (90 %)"}}}
	return in
}

func BenchmarkJudge30ServicesOf25SignalsWith360Points(b *testing.B) {
	in := ward(rand.New(rand.NewPCG(3, 3)), 30, 25, 360)
	for i := range in.Services { // five of thirty are ill
		for j := range in.Services[i].Signals {
			if sig := &in.Services[i].Signals[j]; i >= 5 {
				sig.Limit.Warn, sig.Limit.Critical = health.Num(100), health.Num(200)
				if sig.Bad == health.Down {
					sig.Bad = health.Up
				}
			}
		}
	}
	b.Run("first look", func(b *testing.B) {
		for b.Loop() {
			Judge(in, Memory{})
		}
	})
	b.Run("next look", func(b *testing.B) {
		_, mem := Judge(in, Memory{})
		for b.Loop() {
			Judge(in, mem)
		}
	})
}
