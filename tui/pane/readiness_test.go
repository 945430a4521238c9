package pane

import (
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

func TestATargetSaysHowReadyItIs(t *testing.T) {
	calm := health.Target{Name: "chat/prompt", Service: "chat", Kind: "prompt", Current: "v32", Back: "v31",
		Previous: []health.Version{{ID: "v33"}, {ID: "v31", At: before(72 * time.Hour)}}}
	for _, c := range []struct {
		name   string
		change func(*health.Target)
		want   string
	}{
		{"never rehearsed", func(*health.Target) {}, "goes to v31, 3 d old · never rehearsed"},
		{"rehearsed", func(t *health.Target) { t.Drilled = before(26 * time.Hour) }, "rehearsed 1 d 2 h ago"},
		{"rehearsed in vain", func(t *health.Target) { t.Drilled, t.Drill = before(time.Hour), "read: 401 Unauthorized" }, "rehearsed 1 h ago: read: 401 Unauthorized"},
		{"kept by GitOps", func(t *health.Target) { t.Notice = "Argo CD keeps it" }, "never rehearsed · Argo CD keeps it"},
		{"blocked", func(t *health.Target) { t.Blocked = "auto-sync is on" }, "prompt v32: blocked, auto-sync is on"},
	} {
		target := calm
		c.change(&target)
		in := Input{Snap: &health.Snapshot{At: now, Services: []health.Service{{Name: "chat", Targets: []health.Target{target}}}}, Look: testLook(t), Now: now}
		if got := drawn(t, "running", in, 120, 8); !strings.Contains(got, c.want) {
			t.Errorf("%s: no %q in\n%s", c.name, c.want, got)
		}
	}
}

func TestAProofIsShownWithBeforeAndAfter(t *testing.T) {
	p := health.Proof{Before: health.Tally{N: 1200, Bad: 97}, After: health.Tally{N: 240, Bad: 2}, Limit: 0.017, Need: 60, Improved: true, Well: true}
	for _, c := range []struct {
		change func(*health.Proof)
		want   string
	}{
		{func(*health.Proof) {}, "refusals 8.1 % of 1.2k before, 0.8 % of 240 since, normal up to 1.7 %: verified"},
		{func(p *health.Proof) { p.Well = false }, "improved, and not as before the incident"},
		{func(p *health.Proof) { p.Improved = false }, "not improved"},
		{func(p *health.Proof) { p.After = health.Tally{N: 41} }, "refusals unproven: 41 of 60 requests since"},
	} {
		proof := p
		c.change(&proof)
		op := health.Rollback{ID: "op-1", Target: "chat/prompt", From: "v32", To: "v31", State: health.OpApplied,
			Readings: []health.Reading{{Symptom: health.Symptom{Title: "refusals", Unit: health.Ratio}, Known: true, Proof: &proof}}}
		in := Input{Snap: &health.Snapshot{At: now, Rollbacks: []health.Rollback{op}}, Look: testLook(t), Now: now}
		if got := drawn(t, "rollbacks", in, 120, 8); !strings.Contains(got, c.want) {
			t.Errorf("no %q in\n%s", c.want, got)
		}
	}
}

func TestAChartExplainsItsRollbacks(t *testing.T) {
	op := health.Rollback{Service: "chat", Target: "chat/prompt", From: "v32", To: "v31", State: health.OpRecovered, Applied: before(5 * mnt),
		Readings: []health.Reading{{Symptom: health.Symptom{Signal: "quality", Title: "quality", Unit: health.Score, Bad: health.Down, Value: 0.61, Limit: 0.8}, Value: 0.91, Known: true}}}
	in := Input{Snap: &health.Snapshot{At: now, Rollbacks: []health.Rollback{op, {Service: "other", Applied: now}}}, Look: testLook(t), Now: now}
	got := explainRollbacks(in, &health.Service{Name: "chat"}, &health.Signal{ID: "quality"})
	if want := "13:57 chat/prompt v32 → v31, recovered: quality was 0.61, now 0.91, limit 0.80: well"; len(got) != 1 || got[0][1] != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// chartAfter draws one chart of a service named chat, an hour of quality.
func chartAfter(t *testing.T, ops []health.Rollback, changes []health.Change) string {
	t.Helper()
	var points []health.Point
	for m := range 60 {
		points = append(points, health.Point{T: before(time.Duration(60-m) * mnt).UnixMilli(), V: 0.9})
	}
	quality := health.Signal{ID: "quality", Title: "answers judged good", Unit: health.Score, Bad: health.Down, Value: 0.91, State: health.Fresh, At: now, Series: points}
	snap := &health.Snapshot{At: now, Window: time.Hour, Step: mnt, Live: true, Rollbacks: ops, Changes: changes,
		Services: []health.Service{{Name: "chat", Kind: health.LLM, Signals: []health.Signal{quality}}}}
	return drawn(t, "charts", Input{Snap: snap, View: View{Service: "chat"}, Look: testLook(t), Now: now}, 60, 8)
}

func TestAChartShowsBeforeAndAfterOfARollback(t *testing.T) {
	op := health.Rollback{Service: "chat", Target: "chat/prompt", From: "v32", To: "v31", State: health.OpRecovered, At: before(5 * mnt), Applied: before(5 * mnt),
		Readings: []health.Reading{{Symptom: health.Symptom{Signal: "quality", Value: 0.61, Limit: 0.8, Bad: health.Down}, Value: 0.9, Known: true}}}
	old := op
	old.At, old.Applied = before(2*time.Hour), before(2*time.Hour)
	told := health.Change{Kind: "rollback", Service: "chat", From: "v32", To: "v31", At: before(5 * mnt)}
	deployed := health.Change{Kind: "deploy", Service: "chat", From: "1", To: "2", At: before(5 * mnt)}
	elsewhere := told
	elsewhere.At = before(30 * mnt)
	for _, c := range []struct {
		name    string
		ops     []health.Rollback
		changes []health.Change
		title   string
		marks   string
	}{
		{"no rollback", nil, []health.Change{deployed}, "answers judged good  0.91", "D"},
		{"a rollback", []health.Rollback{op}, nil, "answers judged good  0.61 R 0.91", "R"},
		{"told by a feed as well", []health.Rollback{op}, []health.Change{told}, "answers judged good  0.61 R 0.91", "R"},
		{"with a deployment beside it", []health.Rollback{op}, []health.Change{deployed}, "answers judged good  0.61 R 0.91", "R"},
		{"and one that somebody else made before", []health.Rollback{op}, []health.Change{elsewhere}, "answers judged good  0.61 R 0.91", "R R"},
		{"one before the window", []health.Rollback{old}, nil, "answers judged good  0.91", ""},
	} {
		got := strings.Split(chartAfter(t, c.ops, c.changes), "\n")
		if line := strings.TrimSpace(strings.TrimLeft(got[0], "▌ ")); line != c.title && !strings.HasPrefix(line, c.title+"  ") {
			t.Errorf("%s: the title is %q, want %q", c.name, line, c.title)
		}
		if marks := strings.Join(strings.FieldsFunc(got[1], func(r rune) bool { return r < 'A' || r > 'Z' }), " "); marks != c.marks {
			t.Errorf("%s: the marks are %q, want %q\n%s", c.name, marks, c.marks, strings.Join(got, "\n"))
		}
	}
}

// TestASuspectThatWasTakenBackIsNotOfferedAgain: R would go further back than it asks
// for; and what no deployment caused, no version before takes away.
func TestASuspectThatWasTakenBackIsNotOfferedAgain(t *testing.T) {
	prompt := health.Target{Name: "chat/prompt", Service: "chat", Kind: "prompt", Current: "v32", Previous: []health.Version{{ID: "v31"}, {ID: "v30"}}}
	again := prompt
	again.Current, again.Previous = "v31", []health.Version{{ID: "v32"}, {ID: "v30"}}
	op := health.Rollback{Target: "chat/prompt", Service: "chat", From: "v32", To: "v31", By: "ann", State: health.OpRecovered, Applied: before(3 * mnt)}
	changed := health.Suspect{Rank: 1, Label: "strong", Kind: "prompt", From: "v31", To: "v32"}
	for _, c := range []struct {
		name    string
		target  health.Target
		ops     []health.Rollback
		suspect health.Suspect
		offers  string
		says    string
	}{
		{"it runs", prompt, nil, changed, "rolls prompt back: v32 → v31", ""},
		{"it was taken back", again, []health.Rollback{op}, changed, "", "taken back 13:59 by ann: recovered"},
		{"by somebody else", again, nil, changed, "", "taken back: it runs v31 again"},
		{"load", prompt, nil, health.Suspect{Rank: 1, Label: "strong", Kind: "load"}, "", "no version before takes that away"},
		{"a provider", prompt, nil, health.Suspect{Rank: 1, Label: "strong", Kind: "external", Service: "aws.bedrock"}, "", "no version before takes that away"},
		{"nobody recorded it", prompt, nil, health.Suspect{Rank: 1, Label: "likely", Kind: "unrecorded"}, "rolls prompt back", ""},
	} {
		svc := health.Service{Name: "chat", Status: health.Critical, Targets: []health.Target{c.target}, Suspects: []health.Suspect{c.suspect}}
		in := Input{Snap: &health.Snapshot{At: now, Write: true, Services: []health.Service{svc}, Rollbacks: c.ops}, View: View{Service: "chat"}, Look: testLook(t), Now: now}
		got := drawn(t, "suspects", in, 100, 6)
		if strings.Contains(got, "rolls ") != (c.offers != "") || !strings.Contains(got, c.offers) || !strings.Contains(got, c.says) {
			t.Errorf("%s: offers %q, says %q, want it of\n%s", c.name, c.offers, c.says, got)
		}
	}
}
