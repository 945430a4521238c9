package rollback

import (
	"time"

	"sickbay/health"
)

// Symptoms, readings and proofs as the journal writes them, and back.

func fromSymptoms(in []health.Symptom) []symptom {
	var out []symptom
	for _, s := range in {
		v := symptom{Signal: s.Signal, Title: s.Title, Unit: s.Unit, Bad: s.Bad, Value: health.Num(s.Value), Limit: health.Num(s.Limit)}
		if s.Before.N > 0 {
			v.Before, v.Normal = fromTally(s.Before), fromTally(s.Normal)
		}
		out = append(out, v)
	}
	return out
}

func toSymptoms(in []symptom) []health.Symptom {
	var out []health.Symptom
	for _, s := range in {
		if s.Limit == nil {
			continue
		}
		v := health.Symptom{Signal: s.Signal, Title: s.Title, Unit: s.Unit, Bad: s.Bad, Limit: *s.Limit, Before: s.Before.health(), Normal: s.Normal.health()}
		if s.Value != nil {
			v.Value = *s.Value
		}
		out = append(out, v)
	}
	return out
}

// fromTally writes a count; one that holds no number is none.
func fromTally(t health.Tally) *tally {
	if health.Num(t.N) == nil || health.Num(t.Bad) == nil || t.N <= 0 {
		return nil
	}
	return &tally{t.From.UTC(), t.To.UTC(), t.N, t.Bad}
}

func (t *tally) health() health.Tally {
	if t == nil {
		return health.Tally{}
	}
	return health.Tally{From: t.From, To: t.To, N: t.N, Bad: t.Bad}
}

func fromReadings(in []health.Reading) []reading {
	var out []reading
	for _, r := range in {
		v := reading{Signal: r.Symptom.Signal, Within: r.Within()}
		if r.Known {
			v.Value, v.At = health.Num(r.Value), r.At.UTC()
		}
		if p := r.Proof; p != nil && health.Num(p.E) != nil && health.Num(p.Limit) != nil {
			v.Proof = &proof{E: p.E, Limit: p.Limit, Need: p.Need, Improved: p.Improved, Well: p.Well}
			if after := fromTally(p.After); after != nil {
				v.Proof.After = *after
			}
		}
		out = append(out, v)
	}
	return out
}

func toReadings(symptoms []health.Symptom, in []reading) []health.Reading {
	var got []health.Reading
	for _, r := range in {
		if r.Value == nil {
			continue
		}
		v := health.Reading{Symptom: health.Symptom{Signal: r.Signal}, Value: *r.Value, At: r.At, Known: true}
		if p := r.Proof; p != nil {
			v.Proof = &health.Proof{After: p.After.health(), E: p.E, Limit: p.Limit, Need: p.Need, Improved: p.Improved, Well: p.Well}
		}
		got = append(got, v)
	}
	return newer(symptoms, got, time.Time{})
}

// newer is one reading per symptom, in their order, known only if it is newer
// than the act: old data prove nothing.
func newer(symptoms []health.Symptom, got []health.Reading, since time.Time) []health.Reading {
	out := make([]health.Reading, len(symptoms))
	for i, s := range symptoms {
		out[i] = health.Reading{Symptom: s}
		for _, r := range got {
			if r.Symptom.Signal != s.Signal || !r.Known || !r.At.After(since) || health.Num(r.Value) == nil {
				continue
			}
			out[i] = health.Reading{Symptom: s, Value: r.Value, At: r.At, Known: true}
			if r.Proof != nil && s.Before.N > 0 {
				p := *r.Proof
				p.Before, p.Normal = s.Before, s.Normal
				out[i].Proof = &p
			}
		}
	}
	return out
}

// proofOf is the proof among readings: the first, for requests that are counted
// one by one come before those that metrics tell of.
func proofOf(rs []health.Reading) *health.Proof {
	for _, r := range rs {
		if r.Proof != nil {
			return r.Proof
		}
	}
	return nil
}
