package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"sickbay/demo"
	"sickbay/health"
	"sickbay/rollback"
)

// TestTheTrueCauseIsFirstWhateverChanceBrings looks once at every incident as many
// seeds and times of day tell it, with SICKBAY_SURVEY=8: so many of each scenario.
func TestTheTrueCauseIsFirstWhateverChanceBrings(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("SICKBAY_SURVEY"))
	if err != nil {
		t.Skip("many incidents: with SICKBAY_SURVEY=8")
	}
	right, strong, all := 0, 0, 0
	for _, s := range demo.Scenarios() {
		for i := range n {
			at := storyTime.Add(time.Duration(i) * (2*time.Hour + 41*time.Minute))
			snap, was := surveyed(t, s.Name, uint64(i+1), at)
			if s.Name == "quiet" {
				for _, svc := range snap.Services {
					if svc.Status != health.OK {
						t.Errorf("quiet, seed %d at %s: %s is %s: %+v", i+1, at.Format("15:04"), svc.Name, svc.Status, svc.Findings)
					}
				}
				continue
			}
			svc, _ := snap.Service(*was.Guilty)
			all++
			if len(svc.Suspects) == 0 || svc.Suspects[0].Kind != was.Kind || was.Rollback != nil && svc.Suspects[0].To != was.To {
				t.Errorf("%s, seed %d at %s: the change was at %s, since %s; suspects:", s.Name, i+1, at.Format("15:04"), was.At.Format("15:04:05"), svc.Since.Format("15:04:05"))
				for _, x := range svc.Suspects {
					t.Logf("  %s %.1f %s %s %q %q", x.Label, x.Score, x.What(), x.At.Format("15:04:05"), x.RuledOut, x.Evidence)
				}
				for _, f := range svc.Findings {
					t.Logf("  since %s %s", f.Since.Format("15:04:05"), f.Text)
				}
				continue
			}
			right++
			if svc.Suspects[0].Label == "strong" {
				strong++
			}
		}
	}
	t.Logf("right first %d of %d, strong %d", right, all, strong)
}

func surveyed(t *testing.T, scenario string, seed uint64, at time.Time) (*health.Snapshot, truth) {
	t.Helper()
	now := func() time.Time { return at }
	d, err := demo.Start(context.Background(), demo.Options{Scenario: scenario, Seed: seed, Dir: t.TempDir(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	a := &app{getenv: func(string) string { return "" }, now: now, patience: leisure}
	a.flags.config = d.Info().Config
	cfg, err := a.settings()
	if err != nil {
		t.Fatal(err)
	}
	h, err := a.build(cfg, filepath.Join(t.TempDir(), "journal.jsonl"), rollback.DeskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	return h.round(context.Background(), health.Interest{Lens: health.Lens{Window: cfg.Window}, Service: "*"}), truthOf(t, d.Info().Control)
}
