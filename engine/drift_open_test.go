package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// TestAnOpenComparisonTellsEverythingAboutItself: chat's answers have been long for an
// hour, and fewer of them help.
func TestAnOpenComparisonTellsEverythingAboutItself(t *testing.T) {
	var began time.Time
	withTape(t, func(p *tape, _ *Options) {
		began = time.Now().Add(-time.Hour)
		p.longSince(began)
		was := p.counted
		p.counted = func(service, metric string, end time.Time, over time.Duration) map[string]float64 {
			if service == "chat" && metric == "outcome" && end.After(began) {
				return map[string]float64{"": 0.81}
			}
			return was(service, metric, end, over)
		}
		p.changes = []health.Change{
			deployed("near", "v1", "v2", time.Hour+30*time.Second), deployed("nearer", "v2", "v3", time.Hour+10*time.Second),
			deployed("far", "v3", "v4", 30*time.Minute),
			{ID: "other", At: began, Kind: "deploy", Service: "fraud", From: "a", To: "b"},
		}
	}, func(w driftWard) {
		plain, v := w.Join(), w.Join()
		lens := health.Lens{Window: 3 * time.Hour}
		v.Want(health.Interest{Lens: lens, Service: "chat", Drift: answerLength})
		w.later(25 * time.Second)
		d := w.drift(v, "chat", answerLength)
		if d.Level != "critical" {
			t.Fatalf("level %s", d.Level)
		}
		names := map[string]bool{}
		for _, m := range d.Measures {
			names[m.Name] = true
		}
		for _, want := range []string{"PSI", "JS distance", "KS", "Hellinger", "TVD"} {
			if !names[want] {
				t.Errorf("no %s among %v", want, names)
			}
		}
		if n := len(d.Windows); n != 7 || !slices.IsSortedFunc(d.Windows, func(a, b health.DriftWindow) int { return a.End.Compare(b.End) }) {
			t.Errorf("%d windows: %+v", n, d.Windows)
		}
		for _, one := range d.Windows {
			if one.N < 900 || one.PSIAdj == nil || len(one.Shares) != len(d.Cells) {
				t.Errorf("window %+v for the cells %v", one, d.Cells)
			}
		}
		if off := d.Onset.At.Sub(began).Abs(); d.Onset.At.IsZero() || off > 2*d.Onset.Step || !d.Onset.Up || !d.Onset.End.IsZero() || d.Onset.Kind != "step" {
			t.Errorf("it began at %v: onset %+v", began, d.Onset)
		}
		if !d.Since.Equal(w.drift(plain, "chat", answerLength).Since) || d.Since.Sub(began).Abs() > 2*time.Minute {
			t.Errorf("since %v", d.Since)
		}
		if !slices.Equal(d.Near, []string{"nearer", "near"}) {
			t.Errorf("near it: %v", d.Near)
		}
		if !strings.HasSuffix(d.Outcome, "fell from 93.0 % to 81.0 %") {
			t.Errorf("outcome: %q", d.Outcome)
		}
		if p := w.drift(plain, "chat", answerLength); len(p.Measures)+len(p.Windows) != 0 {
			t.Error("a viewer who has nothing open is told all of it too")
		}
		v.Want(health.Interest{Lens: lens, Service: "fraud", Drift: "finish reason"})
		w.later(25 * time.Second)
		if d := w.drift(v, "fraud", "finish reason"); !strings.HasSuffix(d.Outcome, "unchanged (93.0 %)") || !d.Onset.At.IsZero() || len(d.Measures) == 0 {
			t.Errorf("outcome %q, onset %+v, %d measures", d.Outcome, d.Onset, len(d.Measures))
		}
	})
}

// TestWhatComesBackEveryDayIsNoOnset: long answers every day at this hour.
func TestWhatComesBackEveryDayIsNoOnset(t *testing.T) {
	for name, daily := range map[string]bool{"every day": true, "today": false} {
		withTape(t, func(p *tape, _ *Options) {
			start := time.Now()
			was := p.counted
			p.counted = func(service, metric string, end time.Time, over time.Duration) map[string]float64 {
				since := start.Sub(end)
				if daily {
					since = (since%oneDay + oneDay) % oneDay
				}
				if metric == "lengths" && since >= 0 && since < time.Hour {
					return long()
				} else if metric == "lengths" {
					return short()
				}
				return was(service, metric, end, over)
			}
		}, func(w driftWard) {
			v := w.Join()
			v.Want(health.Interest{Service: "chat", Drift: answerLength})
			w.later(25 * time.Second)
			if d := w.drift(v, "chat", answerLength); d.Onset.At.IsZero() != daily {
				t.Errorf("%s: level %s, onset %+v", name, d.Level, d.Onset)
			}
		})
	}
}

func TestAPinnedWindowIsComparedWithAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "baseline.json")
	var pinned time.Time
	with := func(test func(driftWard)) {
		withTape(t, func(p *tape, o *Options) {
			o.Baseline = path
			p.longSince(time.Now().Add(-3 * time.Hour)) // days ago it was otherwise
		}, test)
	}
	with(func(w driftWard) {
		v := w.Join()
		v.Want(health.Interest{Lens: health.Lens{Against: health.Baseline}})
		w.later(25 * time.Second)
		if d := w.drift(v, "chat", answerLength); d.Level != "critical" || !strings.Contains(d.Against, "earlier days") {
			t.Fatalf("before anything is pinned: %s against %s", d.Level, d.Against)
		}
		pinned = time.Now().Add(-time.Hour)
		order := health.Order{Do: health.DoBaseline, Plan: health.Plan{Service: "chat", At: pinned}, By: health.Actor{User: "kim"}}
		if _, err := v.Submit(order); err != nil {
			t.Fatal(err)
		}
		w.later(15 * time.Second)
		d := w.drift(v, "chat", answerLength)
		if d.Status != health.OK || d.Against != "the 15m pinned at "+pinned.UTC().Truncate(time.Minute).Format("2006-01-02 15:04") || d.NRef > 1100 {
			t.Errorf("%s against %s, n %v", d.Level, d.Against, d.NRef)
		}
		if d := w.drift(v, "fraud", answerLength); !strings.Contains(d.Against, "earlier days") {
			t.Errorf("the other service is compared with %s", d.Against)
		}
		if s, _ := v.Snapshot().Service("chat"); s.Status != health.Warn || s.Baseline.IsZero() {
			t.Errorf("chat is %v, pinned %v: the verdict is as it was", s.Status, s.Baseline)
		}
		for name, bad := range map[string]health.Order{
			"no service": {Do: health.DoBaseline},
			"future":     {Do: health.DoBaseline, Plan: health.Plan{Service: "chat", At: time.Now().Add(time.Hour)}},
		} {
			if _, err := v.Submit(bad); err == nil || !strings.HasPrefix(err.Error(), "nothing was pinned: ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	with(func(w driftWard) { // another start
		v := w.Join()
		v.Want(health.Interest{Lens: health.Lens{Against: health.Baseline}})
		w.later(25 * time.Second)
		if d := w.drift(v, "chat", answerLength); !strings.Contains(d.Against, "pinned") {
			t.Errorf("after a new start it is compared with %s", d.Against)
		}
	})
}

func TestADamagedFileOfPinsIsLeftAloneAndSaid(t *testing.T) {
	for name, text := range map[string]string{"half a file": `{"version":1,"serv`, "another version": `{"version":7}`, "no JSON": "hello"} {
		path := filepath.Join(t.TempDir(), "baseline.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		e := New(Options{Baseline: path})
		_, err := e.Join().Submit(health.Order{Do: health.DoBaseline, Plan: health.Plan{Service: "chat"}})
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("%s: %v", name, err)
		}
		if now, _ := os.ReadFile(path); string(now) != text {
			t.Errorf("%s: the file is now %q", name, now)
		}
	}
	dir := t.TempDir()
	e := New(Options{Baseline: filepath.Join(dir, "file", "baseline.json")})
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Join().Submit(health.Order{Do: health.DoBaseline, Plan: health.Plan{Service: "chat"}}); err == nil {
		t.Error("it was pinned where nothing can be written")
	} else if _, pinned := e.pins.of("chat"); pinned {
		t.Error("what could not be kept is in use")
	}
}

// FuzzPins reads any file: it is of use or left alone, and never a panic.
func FuzzPins(f *testing.F) {
	f.Add([]byte(`{"version":1,"services":{"chat":{"end":"2026-11-23T10:00:00Z","by":"kim","at":"2026-11-23T10:01:00Z"}}}`))
	f.Add([]byte(`{"version":1,"services":{"chat":null}}`))
	f.Add([]byte(`{"version":1e9}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "baseline.json")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		p := openPins(path)
		err := p.set("chat", pin{End: time.Unix(1, 0).UTC()})
		if (err == nil) != (p.fault == nil) {
			t.Errorf("fault %v, and set says %v", p.fault, err)
		}
		if _, there := p.of("chat"); err == nil && !there {
			t.Error("what was pinned is not there")
		}
	})
}
