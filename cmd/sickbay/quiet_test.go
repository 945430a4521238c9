package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sickbay/demo"
	"sickbay/engine"
	"sickbay/health"
	"sickbay/rollback"
)

// A vigil is one engine that watches on while a test moves its clock, and what it
// said.
type vigil struct {
	clock  atomic.Pointer[time.Time]
	viewer *engine.Viewer
	t      *testing.T

	looks int
	warns map[string]time.Time // finding of a service, since when
	flaps map[string]int       // changes of status, by service; the first is none
	was   map[string]health.Status
}

// watch begins one over a stack.
func watch(t *testing.T, config string, at time.Time) *vigil {
	return attend(t, config, at, rollback.DeskOptions{})
}

// attend is watch with a desk of one's own.
func attend(t *testing.T, config string, at time.Time, o rollback.DeskOptions) *vigil {
	v := &vigil{t: t, warns: map[string]time.Time{}, flaps: map[string]int{}, was: map[string]health.Status{}}
	v.clock.Store(&at)
	a := &app{getenv: func(string) string { return "" }, now: func() time.Time { return *v.clock.Load() }, patience: leisure}
	a.flags.config = altered(t, config, "name = \"main\"\n", "name = \"main\"\nmax_queries_per_minute = 60000\n") // its minutes are shorter than the gate's
	cfg, err := a.settings()
	if err != nil {
		t.Fatal(err)
	}
	h, err := a.build(cfg, filepath.Join(t.TempDir(), "journal.jsonl"), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	v.viewer = h.engine.Join()
	go func() { defer close(done); h.engine.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; h.Close() })
	return v
}

// look moves the clock, and returns the first snapshot of that time that has all of
// its answers. The engine is woken by another wish, again and again: its own
// beat is of a clock that stands still.
func (v *vigil) look(at time.Time) *health.Snapshot {
	v.t.Helper()
	v.clock.Store(&at)
	v.looks++
	wake := time.NewTicker(300 * time.Millisecond)
	defer wake.Stop()
	give := time.After(leisure)
	for n := 0; ; {
		v.viewer.Want(health.Interest{Service: fmt.Sprintf("nobody %d %d", v.looks, n)})
		select {
		case <-v.viewer.Changed():
			if s := v.viewer.Snapshot(); !s.Asking && s.At.Equal(at) && answered(s) {
				v.rest()
				return s
			}
		case <-wake.C:
			n++
		case <-give:
			v.t.Fatalf("no whole snapshot was published at %v", at)
		}
	}
}

// rest waits until no more answers come: one that is still out when the clock jumps
// would look like a server that takes half a minute, and be asked less often.
func (v *vigil) rest() {
	for {
		select {
		case <-v.viewer.Changed():
		case <-time.After(100 * time.Millisecond):
			return
		}
	}
}

// answered says that nothing is old or unknown only because the clock jumped.
func answered(s *health.Snapshot) bool {
	for _, svc := range s.Services {
		if svc.Status == health.Unknown || slices.ContainsFunc(svc.Signals, func(sig health.Signal) bool { return sig.State == health.Stale }) {
			return false
		}
	}
	return len(s.Services) > 0
}

// note holds one snapshot against what quiet means.
func (v *vigil) note(s *health.Snapshot) {
	at := s.At.Format("15:04:05")
	for _, svc := range s.Services {
		if was, known := v.was[svc.Name]; known && was != svc.Status {
			v.flaps[svc.Name]++
			v.t.Logf("%s %s was %s, is %s", at, svc.Name, was, svc.Status)
		}
		v.was[svc.Name] = svc.Status
		for _, f := range svc.Findings {
			switch f.Status {
			case health.Critical:
				v.t.Errorf("%s %s is critical: %s", at, svc.Name, f.Text)
			case health.Warn:
				what := svc.Name + " " + f.Rule + " " + f.Signal
				if _, known := v.warns[what]; !known {
					v.warns[what] = s.At
					v.t.Logf("%s %s: %s", at, what, f.Text)
				}
			}
		}
		for _, x := range svc.Suspects {
			if x.Label == "strong" {
				v.t.Errorf("%s %s: %s %s is strongly suspected of nothing", at, svc.Name, x.Kind, x.To)
			}
		}
	}
}

// verdict says what came of it.
func (v *vigil) verdict() {
	flaps := 0
	var who []string
	for name, n := range v.flaps {
		flaps += n
		who = append(who, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(who)
	v.t.Logf("looks=%d services=%d warns=%d flaps=%d %s", v.looks, len(v.was), len(v.warns), flaps, strings.Join(who, ", "))
	if len(v.warns) > 1 {
		v.t.Errorf("%d warnings, one may be: %v", len(v.warns), v.warns)
	}
	if flaps > 2 { // to warn and back
		v.t.Errorf("the status of a service changed %d times, one warning is two", flaps)
	}
	if len(v.was) < 14 {
		v.t.Errorf("only %d services were looked at", len(v.was))
	}
}

// TestSixQuietHours watches the quiet demo: no critical verdict, one warning at most,
// nobody strongly suspected. It looks a few times at hours that were; with
// SICKBAY_QUIET=6h it looks every half minute at so many hours to come, as `sickbay`
// does, and prints what it saw.
func TestSixQuietHours(t *testing.T) {
	t.Parallel()
	span, err := time.ParseDuration(os.Getenv("SICKBAY_QUIET"))
	if err != nil {
		work <- struct{}{}
		defer func() { <-work }()
		v := watch(t, stack(t, "quiet").Config, storyTime.Add(-5*time.Hour))
		for _, minutes := range []time.Duration{300, 250, 200, 150, 110, 80, 40, 0} {
			v.note(v.look(storyTime.Add(-minutes * time.Minute)))
		}
		v.verdict()
		return
	}
	now := storyTime
	d, err := demo.Start(context.Background(), demo.Options{Scenario: "quiet", Seed: 1, Dir: t.TempDir(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	v := watch(t, d.Info().Config, now)
	for end := now.Add(span); now.Before(end); {
		v.note(v.look(now))
		now = now.Add(30 * time.Second)
		d.Advance(now)
	}
	v.verdict()
}

// TestTheTrueCauseIsFirstSoonAfterTheOnset goes through the first minutes of every
// incident, a look every 10 s, with SICKBAY_LONG: when is the guilty service ill, and
// when is the true cause the first suspect, for good?
func TestTheTrueCauseIsFirstSoonAfterTheOnset(t *testing.T) {
	if os.Getenv("SICKBAY_LONG") == "" {
		t.Skip("many looks at every scenario: with SICKBAY_LONG=1")
	}
	for _, s := range demo.Scenarios() {
		if s.Name == "quiet" {
			continue
		}
		d := newStory(t, "quiet")
		v := watch(t, d.Info().Config, storyTime)
		v.look(storyTime)
		w := httptest.NewRecorder()
		d.Handler().ServeHTTP(w, httptest.NewRequest("POST", "/scenario", strings.NewReader(`{"scenario":"`+s.Name+`"}`)))
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", s.Name, w.Code, w.Body)
		}
		truth := truthOf(t, d.Info().Control)
		ill, right, strong, onset := time.Duration(-1), time.Duration(-1), time.Duration(-1), time.Time{}
		for after := 10 * time.Second; after <= 5*time.Minute; after += 10 * time.Second {
			d.pass(truth.At.Add(after).Sub(*d.clock.Load()))
			svc, _ := v.look(truth.At.Add(after)).Service(*truth.Guilty)
			if sick := svc.Status == health.Warn || svc.Status == health.Critical; sick && ill < 0 {
				ill = after
			}
			if onset.IsZero() || !svc.Since.IsZero() && svc.Since.Before(onset) {
				onset = svc.Since
			}
			switch first := svc.Suspects; {
			case len(first) == 0 || first[0].Kind != truth.Kind || truth.Rollback != nil && first[0].To != truth.To:
				right, strong = -1, -1
			default:
				if right < 0 {
					right = after
				}
				if strong < 0 && first[0].Label == "strong" {
					strong = after
				}
			}
		}
		t.Logf("%-18s ill after %v, right suspect first after %v, strong after %v; first bad sign %v after the change", s.Name, ill, right, strong, onset.Sub(*truth.At).Round(time.Second))
		if right < 0 || right-ill > 90*time.Second {
			t.Errorf("%s: the right suspect is not first within 90 s after the service fell ill", s.Name)
		}
	}
}
