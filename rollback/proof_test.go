package rollback

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
)

// failing is a symptom that is counted request by request.
var failing = health.Symptom{Signal: "failing_requests", Title: "failing requests", Unit: health.Ratio, Bad: health.Up, Value: 0.081, Limit: 0.017,
	Before: health.Tally{N: 1200, Bad: 97}, Normal: health.Tally{N: 3600, Bad: 36}}

// counting is a witness that counts n requests after the act, of which bad failed.
func counting(n, bad float64, improved, well bool) Witness {
	return func(_ string, _ time.Time, ss []health.Symptom) (out []health.Reading) {
		for _, s := range ss {
			r := health.Reading{Symptom: s, Value: 0.91, At: time.Now(), Known: true}
			if s.Before.N > 0 {
				r.Value = bad / max(n, 1)
				r.Proof = &health.Proof{Before: s.Before, Normal: s.Normal, After: health.Tally{N: n, Bad: bad}, E: 31, Limit: s.Limit, Need: 60, Improved: improved, Well: well}
			}
			out = append(out, r)
		}
		return out
	}
}

func TestWhatIsCountedDecides(t *testing.T) {
	for _, c := range []struct {
		name    string
		witness Witness
		want    health.OpState
		text    string
		within  time.Duration // of being applied
	}{
		{"enough, better, and as before", counting(240, 2, true, true), health.OpRecovered, "failing requests 8.1 % → 0.8 % of 240 requests, normal up to 1.7 %: verified", 10 * time.Second},
		{"better, and not as before", counting(600, 24, true, false), health.OpNotRecovered, "improved, and not as before the incident", time.Hour},
		{"no better", counting(600, 48, false, false), health.OpNotRecovered, "8.1 % → 8.0 % of 600 requests, normal up to 1.7 %: not improved", time.Hour},
		{"too few to say", counting(41, 0, false, true), health.OpUnproven, "failing requests unproven: 41 of 60 requests", time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := work(t, newPlay(), DeskOptions{}, c.witness)
				b.submit(b.plan("", ill[0], failing))
				op := b.finish()
				if op.State != c.want || !strings.Contains(op.Text, c.text) || strings.Contains(op.Text, "looks") {
					t.Errorf("%s: %q, want %s, %q", op.State, op.Text, c.want, c.text)
				}
				if took := b.desk.Entries(1)[0].At.Sub(op.Applied); took > c.within {
					t.Errorf("said after %s", took)
				}
				if op.Proof == nil || op.Proof.Before.N != 1200 || op.Proof.Normal.Bad != 36 {
					t.Fatalf("the numbers are not with the operation: %+v", op.Proof)
				}
				j := reopen(t, b.desk.o.Journal.Path())
				again := replay(j.Lines(), j.when)[0]
				if !reflect.DeepEqual(again.Proof, op.Proof) {
					t.Errorf("the journal keeps %+v of %+v", again.Proof, op.Proof)
				}
			})
		})
	}
}
