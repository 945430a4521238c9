package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

const (
	lengths      = "sum by (service, le) (increase(lengths_bucket[900s]))"
	answerLength = "answer length"
)

func TestOneQuestionBringsAllWindowsAndPastOnesAreNotAskedAgain(t *testing.T) {
	withTape(t, nil, func(w driftWard) {
		v := w.Join()
		w.later(2 * time.Second)
		if d := w.drift(v, "chat", answerLength); d.Level != "ok" || d.NCur < 900 || d.NRef < 7*900 {
			t.Fatalf("level %s, n %v and %v", d.Level, d.NRef, d.NCur)
		}
		if all, right := w.tape.count("range "+lengths), w.tape.count("range "+lengths+" 8 points"); all != 1 || right != 1 {
			t.Errorf("%d questions for ranges of windows, %d of them for eight", all, right)
		}
		if n := w.tape.count("instant " + lengths); n != 0 {
			t.Errorf("the newest window was asked for %d times besides", n)
		}
		w.later(14 * time.Minute)
		ranges, instants := w.tape.count("range "+lengths), w.tape.count("instant "+lengths)
		if ranges != 1 || instants < 13 || instants > 15 {
			t.Errorf("in a quarter of an hour the past was asked for %d times, the newest window %d times", ranges, instants)
		}
		w.later(3 * time.Minute)
		if n := w.tape.count("range " + lengths); n != 2 {
			t.Errorf("a window later the past was asked for %d times in all", n)
		}
	})
}

func TestNobodyCausesMoreQuestionsAboutDriftThanOne(t *testing.T) {
	withTape(t, nil, func(w driftWard) {
		w.Join()
		w.later(time.Minute)
		before := w.tape.count("")
		w.later(5 * time.Minute)
		alone := w.tape.count("") - before
		for range 50 {
			w.Join()
		}
		before = w.tape.count("")
		w.later(5 * time.Minute)
		if together := w.tape.count("") - before; together > alone {
			t.Errorf("51 viewers asked %d questions, one %d", together, alone)
		}
	})
}

// deployed is a change of chat.
func deployed(id, from, to string, ago time.Duration) health.Change {
	return health.Change{ID: id, At: time.Now().Add(-ago), Kind: "prompt", Service: "chat", From: from, To: to}
}

func TestWhatIsComparedWithIsChosenAndSaid(t *testing.T) {
	for name, c := range map[string]struct {
		set     func(*tape, *Options)
		lens    health.Reference
		against string
		windows float64 // of about 1000 each
		level   string
	}{
		"earlier days":         {nil, "", "the same 15m of 7 earlier days", 7, "ok"},
		"three days are held":  {func(p *tape, _ *Options) { p.heldFor(80 * time.Hour) }, "", "the same 15m of 3 earlier days", 3, "ok"},
		"since yesterday":      {func(p *tape, _ *Options) { p.heldFor(30 * time.Hour) }, "", "the same 15m of yesterday", 1, "ok"},
		"since this morning":   {func(p *tape, _ *Options) { p.heldFor(5 * time.Hour) }, "", "5 times 15m, 1h apart (nothing is held of earlier days)", 5, "ok"},
		"since half an hour":   {func(p *tape, _ *Options) { p.heldFor(35 * time.Minute) }, "", "the 30m before (nothing is held of earlier days)", 2, "ok"},
		"just now":             {func(p *tape, _ *Options) { p.heldFor(time.Minute) }, "", "the 15m before (nothing is held of earlier days)", 0, "no_reference"},
		"last weeks":           {func(_ *tape, o *Options) { o.DriftAgainst = health.LastWeek }, "", "the same 15m of 4 earlier weeks", 4, "ok"},
		"one week is held":     {func(p *tape, o *Options) { o.DriftAgainst = health.LastWeek; p.heldFor(8 * oneDay) }, "", "the same 15m of last week", 1, "ok"},
		"no week is held":      {func(p *tape, o *Options) { o.DriftAgainst = health.LastWeek; p.heldFor(3 * oneDay) }, "", "the same 15m of 3 earlier days (nothing is held of earlier weeks)", 3, "ok"},
		"half an hour earlier": {func(_ *tape, o *Options) { o.DriftBack = 30 * time.Minute }, "", "7 times 15m, 30m apart", 7, "ok"},
		"a lens":               {nil, health.LastWeek, "the same 15m of 4 earlier weeks", 4, "ok"},
		"a lens that wants what was not configured": {nil, health.Earlier, "7 times 15m, 1h apart", 7, "ok"},
		"a deployment in the window": {func(p *tape, _ *Options) {
			p.changes = []health.Change{deployed("c1", "v1", "v2", 9*time.Minute+30*time.Second)}
		}, "", "the 105m before prompt v1 → v2 at 23:50", 7, "ok"},
		"a deployment before the window": {func(p *tape, _ *Options) {
			p.changes = []health.Change{deployed("c1", "v1", "v2", 20*time.Minute)}
		}, "", "the same 15m of 7 earlier days", 7, "ok"},
		"the last deployment was asked for": {func(p *tape, o *Options) {
			o.DriftAgainst = health.Deployment
			p.changes = []health.Change{deployed("c1", "v1", "v2", 3*time.Hour), deployed("c0", "v0", "v1", 4*time.Hour)}
		}, "", "the 1h before prompt v1 → v2 at 21:00", 4, "ok"},
		"another service was deployed": {func(p *tape, o *Options) {
			o.DriftAgainst = health.Deployment
			p.changes = []health.Change{{ID: "c", At: time.Now().Add(-time.Hour), Kind: "prompt", Service: "fraud", From: "a", To: "b"}}
		}, "", "the same 15m of 7 earlier days", 7, "ok"},
		"what was taken back is no deployment": {func(p *tape, _ *Options) {
			p.changes = []health.Change{deployed("c1", "v1", "v2", 9*time.Minute), deployed("c2", "v2", "v1", 4*time.Minute)}
		}, "", "the same 15m of 7 earlier days", 7, "ok"},
		"nothing was pinned": {nil, health.Baseline, "the same 15m of 7 earlier days", 7, "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			withTape(t, c.set, func(w driftWard) {
				v := w.Join()
				v.Want(health.Interest{Lens: health.Lens{Against: c.lens}})
				w.later(25 * time.Second)
				d := w.drift(v, "chat", answerLength)
				if d.Against != c.against || d.Level != c.level || d.NRef < c.windows*950 || d.NRef > c.windows*1050 {
					t.Errorf("against %q, level %s, n %.0f; want %q, %s, %v windows", d.Against, d.Level, d.NRef, c.against, c.level, c.windows)
				}
			})
		})
	}
}

func TestAShiftIsPendingBeforeItIsCriticalAndClearsTheSameWay(t *testing.T) {
	withTape(t, nil, func(w driftWard) {
		v := w.Join()
		w.later(5*time.Minute + time.Second)
		began := time.Now()
		w.tape.set(func(p *tape) { was := p.counted; p.longSince(began); _ = was })
		level := map[string]time.Duration{}
		for range 90 {
			w.later(10 * time.Second)
			l := w.drift(v, "chat", answerLength).Level
			if _, seen := level[l]; !seen {
				level[l] = time.Since(began)
			}
		}
		hold := w.hold()
		if p, c := level["pending"], level["critical"]; p == 0 || c < p+hold-20*time.Second || c > p+hold+2*time.Minute {
			t.Errorf("pending after %v, critical after %v; it has to hold for %v", p, c, hold)
		}
		d := w.drift(v, "chat", answerLength)
		if d.Status != health.Warn || d.Since.Before(began) || d.Since.After(began.Add(2*time.Minute)) || len(d.Trend) < 10 {
			t.Errorf("status %v since %v, trend of %d; it began %v", d.Status, d.Since, len(d.Trend), began)
		}
		s, _ := v.Snapshot().Service("chat")
		if s.Status != health.Warn || s.Drift[0].Key() != answerLength {
			t.Errorf("the service is %v and what moved is %s", s.Status, s.Drift[0].Key())
		}
		if o := w.drift(v, "fraud", answerLength); o.Level != "ok" {
			t.Errorf("the other service is %s", o.Level)
		}
		ended := time.Now()
		w.tape.set(func(p *tape) {
			p.counted = func(_, metric string, end time.Time, _ time.Duration) map[string]float64 {
				if metric != "lengths" {
					return nil
				}
				return shakes(short(), end)
			}
		})
		w.later(90 * time.Second)
		if d := w.drift(v, "chat", answerLength); d.Level != "critical" || !strings.Contains(d.Note, "back already") {
			t.Errorf("right after the end it is %s, %q", d.Level, d.Note)
		}
		w.later(hold + time.Minute)
		if d := w.drift(v, "chat", answerLength); d.Level != "ok" || !d.Since.IsZero() {
			t.Errorf("%v after the end it is %s since %v", time.Since(ended), d.Level, d.Since)
		}
	})
}

// TestTheFirstLookKnowsHowLongItHasBeenSo is what one picture printed shows.
func TestTheFirstLookKnowsHowLongItHasBeenSo(t *testing.T) {
	for name, c := range map[string]struct {
		ago   time.Duration
		level string
	}{"for an hour": {time.Hour, "critical"}, "for a minute": {time.Minute, "pending"}} {
		withTape(t, func(p *tape, _ *Options) { p.longSince(time.Now().Add(-c.ago)) }, func(w driftWard) {
			v := w.Join()
			w.later(2 * time.Second)
			if d := w.drift(v, "chat", answerLength); d.Level != c.level {
				t.Errorf("%s: %s", name, d.Level)
			}
			if n := w.tape.count("instant " + lengths); n != 1 {
				t.Errorf("%s: %d questions for how it was", name, n)
			}
		})
	}
}

func TestAVerdictDoesNotDependOnWhatSomebodyComparesWith(t *testing.T) {
	// As it has been for most of a week, and unlike before: days do not mind, weeks do.
	withTape(t, func(p *tape, _ *Options) { p.longSince(time.Now().Add(time.Hour - oneWeek)) }, func(w driftWard) {
		plain, other := w.Join(), w.Join()
		other.Want(health.Interest{Lens: health.Lens{Against: health.LastWeek}})
		w.later(10 * time.Minute)
		if d := w.drift(plain, "chat", answerLength); d.Status != health.OK {
			t.Errorf("against days it is %s", d.Level)
		}
		d := w.drift(other, "chat", answerLength)
		if d.Level != "critical" || d.Status != health.Warn {
			t.Errorf("against weeks it is %s, %v, %s", d.Level, d.Status, d.Against)
		}
		for _, v := range []*Viewer{plain, other} {
			if s, _ := v.Snapshot().Service("chat"); s.Status != health.OK || len(s.Findings) != 0 {
				t.Errorf("chat is %v: %+v", s.Status, s.Findings)
			}
		}
		other.Want(health.Interest{})
		w.later(20 * time.Second)
		if d := w.drift(other, "chat", answerLength); d.Status != health.OK {
			t.Errorf("back at days it is %s", d.Level)
		}
	})
}

func TestAScoreOfAnotherToolIsShownAndNeverJudged(t *testing.T) {
	withTape(t, func(p *tape, _ *Options) { p.score = 0.9 }, func(w driftWard) {
		v := w.Join()
		w.later(2 * time.Second)
		d := w.drift(v, "chat", "feature/length")
		if d.Kind != "exported" || d.Level != "exported" || d.Status != health.Unknown || *d.Score != 0.9 || d.Tool != "nannyml jensen_shannon base 2" {
			t.Errorf("%+v", d)
		}
		if s, _ := v.Snapshot().Service("chat"); s.Status != health.OK {
			t.Errorf("it made the service %v", s.Status)
		}
	})
}

func TestARareBadCategoryCountsByItsRate(t *testing.T) {
	withTape(t, func(p *tape, _ *Options) {
		was := p.counted
		p.counted = func(service, metric string, end time.Time, over time.Duration) map[string]float64 {
			if service == "chat" && metric == "classes" && end.After(time.Now().Add(-time.Hour)) {
				return map[string]float64{"stop": 9_400, "length": 590, "error": 10}
			}
			return was(service, metric, end, over)
		}
	}, func(w driftWard) {
		v := w.Join()
		w.later(10 * time.Minute)
		d := w.drift(v, "chat", "finish reason")
		if *d.PSIAdj >= 0.1 || *d.Gap >= 0.1 {
			t.Fatalf("PSI %v and gap %v say it themselves", *d.PSIAdj, *d.Gap)
		}
		if d.Status != health.Warn || !strings.Contains(d.Note, "length 6.6 times as often: 0.9 % → 5.9 %") {
			t.Errorf("%s, %q", d.Level, d.Note)
		}
		if d := w.drift(v, "fraud", "finish reason"); d.Level != "ok" {
			t.Errorf("the other service is %s", d.Level)
		}
	})
}

func TestWhatIsPeculiarAboutTheDataIsSaid(t *testing.T) {
	hourAgo := func() time.Time { return time.Now().Add(-time.Hour) }
	for name, c := range map[string]struct {
		set   func(*tape, *Options)
		level string
		note  string
	}{
		"nothing":     {nil, "ok", ""},
		"a restart":   {func(p *tape, _ *Options) { p.longSince(hourAgo()); p.resets = 2 }, "critical", "2 restarts in this window"},
		"few scrapes": {func(p *tape, _ *Options) { p.every = 60 }, "ok", "windows of 15 scrapes: counts corrected"},
		"native":      {func(p *tape, _ *Options) { p.native = func(string, time.Time) bool { return true } }, "ok", ""},
		"native and long": {func(p *tape, _ *Options) {
			p.native = func(string, time.Time) bool { return true }
			p.longSince(hourAgo())
		}, "critical", ""},
		"native since an hour": {func(p *tape, _ *Options) {
			p.native = func(_ string, end time.Time) bool { return end.After(time.Now().Add(-time.Hour)) }
		}, "ok", "a classic histogram has become a native one"},
		"an odd day": {func(p *tape, _ *Options) {
			odd, was := time.Now().Add(-3*oneDay), p.counted
			p.counted = func(service, metric string, end time.Time, over time.Duration) map[string]float64 {
				if metric == "lengths" && end.Sub(odd).Abs() < time.Hour {
					return shakes(long(), end)
				}
				return was(service, metric, end, over)
			}
		}, "ok", "the window of Dec 29 00:00 is left out"},
		"it fell silent": {func(p *tape, _ *Options) {
			was := p.counted
			p.counted = func(service, metric string, end time.Time, over time.Duration) map[string]float64 {
				if service == "chat" && metric == "lengths" && end.After(time.Now().Add(-time.Hour)) {
					return nil
				}
				return was(service, metric, end, over)
			}
		}, "no_current", ""},
	} {
		t.Run(name, func(t *testing.T) {
			withTape(t, c.set, func(w driftWard) {
				v := w.Join()
				w.later(30 * time.Second)
				d := w.drift(v, "chat", answerLength)
				if d.Level != c.level || !strings.Contains(d.Note, c.note) || c.note == "" && d.Note != "" {
					t.Errorf("level %s, note %q; want %s, %q", d.Level, d.Note, c.level, c.note)
				}
			})
		})
	}
}

func TestAServerThatFindsAllWindowsTooManyIsAskedForFewer(t *testing.T) {
	withTape(t, func(p *tape, _ *Options) {
		p.fail = func(question string) error {
			if strings.HasSuffix(question, "8 points") {
				return errTape
			}
			return nil
		}
	}, func(w driftWard) {
		v := w.Join()
		w.later(25 * time.Second)
		if d := w.drift(v, "chat", answerLength); d.Level != "ok" || d.Against != "the same 15m of 4 earlier days (the server finds more windows too many)" {
			t.Errorf("%s against %s", d.Level, d.Against)
		}
	})
}

// TestAServerThatMovesTimesIsAskedForOneWindowAfterTheOther: the query frontend of
// Thanos begins a range at a multiple of its step, which is midnight for days.
func TestAServerThatMovesTimesIsAskedForOneWindowAfterTheOther(t *testing.T) {
	withTape(t, func(p *tape, _ *Options) {
		time.Sleep(7 * time.Minute) // a bubble begins at midnight
		p.aligns = true
		p.longSince(time.Now().Add(-time.Hour))
	}, func(w driftWard) {
		v := w.Join()
		w.later(25 * time.Second)
		if d := w.drift(v, "chat", answerLength); d.Level != "critical" || d.Against != "the same 15m of 7 earlier days" {
			t.Errorf("%s against %s", d.Level, d.Against)
		}
		w.later(16 * time.Minute)
		if n := w.tape.count("range " + lengths); n != 1 {
			t.Errorf("it was asked for ranges %d times", n)
		}
	})
}

func TestEarlierWindowsThatCannotBeAskedForAreNoLastingHarm(t *testing.T) {
	withTape(t, nil, func(w driftWard) {
		v := w.Join()
		w.later(time.Minute)
		before := w.drift(v, "chat", answerLength)
		w.tape.set(func(p *tape) { p.fail = func(string) error { return errTape } })
		w.later(20 * time.Minute)
		if d := w.drift(v, "chat", answerLength); d.Level != before.Level || d.NRef != before.NRef {
			t.Errorf("while the server fails: %s with %v, before %s with %v", d.Level, d.NRef, before.Level, before.NRef)
		}
		w.tape.set(func(p *tape) { p.fail = nil })
		w.later(2 * time.Minute)
		if d := w.drift(v, "chat", answerLength); d.Level != "ok" {
			t.Errorf("afterwards: %s", d.Level)
		}
	})
}

func TestTheClockSetBackComparesWhatWasThen(t *testing.T) {
	withTape(t, func(p *tape, _ *Options) { p.longSince(time.Now().Add(-time.Hour)) }, func(w driftWard) {
		v := w.Join()
		v.Want(health.Interest{Lens: health.Lens{At: time.Now().Add(-2 * time.Hour).UTC()}})
		w.later(30 * time.Second)
		if d := w.drift(v, "chat", answerLength); d.Level != "ok" {
			t.Errorf("two hours ago it was %s", d.Level)
		}
		v.Want(health.Interest{Lens: health.Lens{At: time.Now().Add(-10 * time.Minute).UTC()}})
		w.later(30 * time.Second)
		if d := w.drift(v, "chat", answerLength); d.Level != "critical" {
			t.Errorf("ten minutes ago it was %s", d.Level)
		}
	})
}

// BenchmarkDrift compares 500 distributions with seven earlier windows each, as it is
// done when the newest ones have come in.
func BenchmarkDrift(b *testing.B) {
	e, services := manyDistributions(500)
	b.ReportAllocs()
	for b.Loop() {
		e.driftHeard++
		e.drifts(viewKey{}, services)
	}
}

// manyDistributions is an engine that was told of a histogram of so many services.
func manyDistributions(n int) (*Engine, []health.Service) {
	now := at(360)
	p := tapePack()
	p[0].Distributions, p[0].Exported = p[0].Distributions[:1], nil
	e := New(Options{Packs: p, Now: func() time.Time { now = now.Add(time.Minute); return now }})
	a := newAsked(&tape{})
	e.asked = append(e.asked, a)
	found := packs.Found{Pack: p[0], By: "service"}
	var services []health.Service
	var got sources.Answer
	end := now.Truncate(time.Minute)
	for i := range n {
		name := fmt.Sprintf("service-%03d", i)
		found.Services = append(found.Services, name)
		services = append(services, health.Service{Name: name})
		for j, le := range bounds {
			s := sources.Series{Labels: map[string]string{"service": name, "le": le}}
			for k := range 8 {
				t := end.Add(-time.Duration(7-k) * oneDay)
				s.Points = append(s.Points, health.Point{T: t.UnixMilli(), V: float64((j + 1) * (100 + (i+k)%5))})
			}
			got.Series = append(got.Series, s)
		}
	}
	a.found = []packs.Found{found}
	lead, _ := e.lead(viewKey{})
	k := lead.row(e.watchedBy(a, moment{})[0], moment{})
	e.take(answer{q: question{what: aRow, to: a, row: k, span: span{end.Add(-7 * oneDay), end}, feeds: looks}, got: got})
	return e, services
}
