package pane

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/themes"
)

// opened is a comparison as the engine tells it while somebody has it open.
func opened(d health.Drift) health.Drift {
	d.Band, d.Detectable = health.Num(0.04), health.Num(0.04)
	for i := range 12 {
		w := health.DriftWindow{End: before(time.Duration(12-i) * 15 * mnt), N: 21000, PSIAdj: health.Num(0.01 * float64(i%4))}
		for j, share := range d.Ref {
			w.Shares = append(w.Shares, share*(1+0.1*math.Sin(float64(i*7+j))))
		}
		d.Windows = append(d.Windows, w)
	}
	d.Measures = []health.Measure{
		{Name: "PSI", Base: "nats", Value: 0.1634}, {Name: "JS distance", Base: "base 2", Value: 0.1402}, {Name: "KS", Value: 0.18, Bound: health.Num(0.31)},
		{Name: "Wasserstein", Value: 41.2, Bound: health.Num(12.5), Note: "lower bound: mass above the last bucket"},
	}
	d.Onset = health.Onset{At: before(20 * mnt), Kind: "step", Up: true, Score: 9.1, Step: 15 * sec}
	d.Near = []string{"c3", "c9"}
	d.Outcome = "fraud caught 91 % unchanged"
	return d
}

// drifting is a ward with one comparison of every level.
func drifting() *health.Snapshot {
	s := ward()
	var all []health.Drift
	for i, level := range []string{"ok", "insufficient", "small", "no_reference", "pending", "warn", "critical", "single_cell", "stale"} {
		d := health.Drift{Service: "code-assist", Signal: "signal", Feature: fmt.Sprint(i), Kind: "histogram", Level: level, NRef: 40, NCur: 12, PSIAdj: health.Num(0.1 * float64(i)), Detectable: health.Num(0.7)}
		switch level {
		case "warn":
			d.Status = health.Warn
		case "critical":
			d.Status = health.Critical
		}
		all = append(all, d)
	}
	all = append(all, health.Drift{Service: "code-assist", Signal: "elsewhere", Kind: "exported", Tool: "evidently psi", Score: health.Num(3)})
	for i := range s.Services {
		switch v := &s.Services[i]; v.Name {
		case "code-assist": // well
			v.Drift = all
		case "support-chat": // its quality is ill
			v.Drift = []health.Drift{{Service: v.Name, Signal: "hurts", Kind: "histogram", Level: "critical", Status: health.Critical, PSIAdj: health.Num(0.3)}}
		default:
			v.Drift = nil
		}
	}
	return s
}

func TestDriftIsOrderedByConsequence(t *testing.T) {
	var got []string
	for _, r := range Drifts(drifting()) {
		got = append(got, r.Level+r.Kind[:1])
	}
	want := "criticalh criticalh warnh pendingh smallh e insufficienth no_referenceh staleh okh single_cellh"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	if first := Drifts(drifting())[0]; first.Of.Name != "support-chat" {
		t.Errorf("%s is first, not the shift whose outcome moved", first.What())
	}
}

func TestScoresThatTrembleLeaveTheOrderAsItIs(t *testing.T) {
	s := ward()
	order := func(tremble float64) string {
		for i := range s.Services {
			for j := range s.Services[i].Drift {
				if d := &s.Services[i].Drift[j]; d.PSIAdj != nil {
					d.PSIAdj = health.Num(*d.PSIAdj + tremble*math.Sin(float64(i*9+j)))
				}
			}
		}
		return fmt.Sprint(driftIDs(Input{Snap: s}))
	}
	if a, b := order(0), order(0.004); a != b {
		t.Errorf("first %q, then %q", a, b)
	}
}

func TestTooFewRequestsAreNoAlarmAndSayWhatCannotBeSeen(t *testing.T) {
	in := Input{Snap: drifting(), Look: testLook(t), Now: now}
	text := drawn(t, "drift", in, 120, 20)
	if !strings.Contains(text, "too few requests: shifts under 0.7 sigma cannot be seen") {
		t.Errorf("120 cells do not say it:\n%s", text)
	}
	if text := drawn(t, "drift", in, 80, 20); !strings.Contains(text, "too few: under 0.7 sigma unseen") {
		t.Errorf("80 cells do not say it:\n%s", text)
	}
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "too few") && strings.Contains(line, "0.10") {
			t.Errorf("a score that says nothing is shown: %q", line)
		}
	}
	for _, r := range Drifts(in.Snap) {
		if r.Level == "insufficient" {
			in.View.Service, in.View.Drift = r.Of.Name, DriftID(*r.Drift)
		}
	}
	if text := drawn(t, "driftdetail", in, 80, 20); !strings.Contains(text, "shifts under 0.7 sigma cannot be seen") || strings.Contains(text, "PSI 0.1") {
		t.Errorf("the detail:\n%s", text)
	}
}

func TestWhatIsOldIsDimmedAndKeepsItsNumber(t *testing.T) {
	k, _ := Get("drift")
	look := testLook(t)
	for _, line := range k.Draw(Input{Snap: drifting(), Look: look, Now: now}, 100, 20) {
		if strings.Contains(line, "stale") {
			if want := look.Prefix(themes.Faint) + "0.80"; !strings.Contains(line, want) {
				t.Errorf("no %q in %q", want, line)
			}
			return
		}
	}
	t.Error("there is no stale row")
}

func TestWhatMovedIsMarkedWithoutColour(t *testing.T) {
	in := scene(t, "driftdetail")
	for _, c := range []struct {
		ascii      bool
		up, down   string
		bar, shade string
	}{{false, "▲+10", "▼−18", "━", "▓"}, {true, "^+10", "v-18", "#", "+"}} {
		in.Look = in.Look.With(c.ascii, false)
		text := strings.Join(func() []string { k, _ := Get("driftdetail"); return k.Draw(in, 100, 30) }(), "\n")
		for _, part := range []string{c.up, c.down, c.bar, c.shade} {
			if !strings.Contains(text, part) {
				t.Errorf("ascii %v: no %q in\n%s", c.ascii, part, text)
			}
		}
		if strings.Contains(text, "\x1b[3") || strings.Contains(text, "\x1b[9") {
			t.Errorf("ascii %v: there is colour in it", c.ascii)
		}
	}
}

func TestASmallSampleMarksNothing(t *testing.T) {
	in := scene(t, "driftdetail")
	for i := range in.Snap.Services {
		for j := range in.Snap.Services[i].Drift {
			in.Snap.Services[i].Drift[j].NRef, in.Snap.Services[i].Drift[j].NCur = 40, 30
		}
	}
	if text := drawn(t, "driftdetail", in, 100, 12); strings.Contains(text, "▲+") || strings.Contains(text, "▼−") {
		t.Errorf("40 against 30 requests prove nothing:\n%s", text)
	}
}

func TestTheDetailTellsTheWholeStory(t *testing.T) {
	in := scene(t, "driftdetail")
	for _, w := range []int{80, 160} {
		text := drawn(t, "driftdetail", in, w, 60)
		for _, part := range []string{
			"shift since 13:42: PSI 0.16 (0.11–0.21), ordinary windows reach 0.04", "outcome", "fraud caught 91 % unchanged",
			"a step up at 13:42 ± 15 s, and it lasts", "13:21 deploy 2.14.0 → 2.14.1 of support-chat, 21 m before",
			"11:02→now", "JS distance, base 2", "Wasserstein", "bound 13; lower bound: ", "88k then, 21k now",
			"then is", "the same 15 m one hour before", "increase(ai_feature_value_bucket[15m])",
		} {
			if !strings.Contains(text, part) {
				t.Errorf("%d cells: no %q in\n%s", w, part, text)
			}
		}
		k, _ := Get("driftdetail")
		if says := fmt.Sprint(k.Explain(in)); !strings.Contains(says, "[Wasserstein 41; bound 13; lower bound: mass above the last bucket]") {
			t.Errorf("e does not say all of a measure: %s", says)
		}
		if strings.Contains(text, "c9") {
			t.Errorf("a change nobody knows is named:\n%s", text)
		}
	}
}

func TestFiguresThatChangeWithEveryRequestAreRounded(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{health.Rough(12273.1), "12k"}, {health.Rough(1764), "1.8k"}, {health.Rough(424.3), "420"}, {health.Rough(97.6), "98"}, {health.Rough(7.4), "7"}, {health.Rough(0), "0"}, {health.Rough(995), "1k"},
		{health.Rough(math.NaN()), "–"}, {health.Rough(math.Inf(1)), "–"},
		{health.PSI(0.16342), "0.16"}, {health.PSI(0.999), "1.0"}, {health.PSI(2.112), "2.1"}, {health.PSI(31.4), "31"}, {health.PSI(0), "0.00"}, {health.PSI(math.NaN()), "–"}, {health.PSI(1e300), "–"},
		{wholePercent(0.2351), "24 %"}, {wholePercent(0.001), "<1 %"}, {wholePercent(0), "0 %"}, {wholePercent(1), "100 %"}, {wholePercent(math.NaN()), "–"}, {wholePercent(-1), "–"}, {wholePercent(1e9), "–"},
		{figure(41.2), "41"}, {figure(2.1634), "2.16"}, {figure(0.00123), "0.001"}, {figure(math.Inf(-1)), "–"},
		{probability(0.00001), "p < 0.0001"}, {probability(0.0312), "p = 0.03"}, {probability(math.NaN()), "p not known"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestARowOfTheDriftPaneIsFoundByItsID(t *testing.T) {
	rows := Drifts(drifting())
	for _, r := range rows {
		service, id := SplitDrift(r.ID())
		key, own := DriftKey(id)
		if service != r.Of.Name || key != r.Key() || own != (r.Kind != "exported") {
			t.Errorf("%q: service %q, key %q, own %v", r.ID(), service, key, own)
		}
		in := Input{Snap: drifting(), Look: testLook(t), Now: now}
		in.View.Service, in.View.Drift = service, id
		if got, ok := openDrift(in); !ok || got.ID() != r.ID() {
			t.Errorf("%q opens %q", r.ID(), got.ID())
		}
	}
	if n := len(rows); n != len(slices.Compact(driftIDs(Input{Snap: drifting()}))) {
		t.Errorf("ids are not unique")
	}
}

func BenchmarkDriftOf500Services(b *testing.B) {
	snap := crowd()
	b.ReportAllocs()
	for b.Loop() {
		Drifts(snap)
	}
}
