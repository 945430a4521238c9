package triage

import (
	"math"
	"time"

	"sickbay/health"
)

// Symptoms are the signals of s that are beyond their limits now, worst first:
// what has to become well for a rollback to have helped. Distributions are not
// among them, because the window they are taken over forgets slowly.
func Symptoms(s health.Service) []health.Symptom {
	var symptoms []health.Symptom
	for _, status := range []health.Status{health.Critical, health.Warn} {
		for _, sig := range s.Signals {
			if sig.Status != status || !limited(sig) {
				continue
			}
			symptoms = append(symptoms, health.Symptom{
				Signal: sig.ID, Title: title(sig), Unit: sig.Unit, Bad: sig.Bad, Value: sig.Value, Limit: *reached(sig.Limit),
			})
		}
	}
	return symptoms
}

// Readings says how symptoms stand on evidence that is newer than the act: the
// newest sample strictly after since + settle, where settle is how long a sample
// still carries what was before (the rate window). Without such a sample a reading
// is not known, and so neither good nor bad.
func Readings(s health.Service, since time.Time, settle time.Duration, symptoms []health.Symptom) []health.Reading {
	after := since.Add(settle)
	readings := make([]health.Reading, len(symptoms))
	for i, symptom := range symptoms {
		readings[i] = health.Reading{Symptom: symptom}
		p, ok := newestSample(s.Signal(symptom.Signal))
		if at := p.Time(); ok && at.After(after) {
			readings[i] = health.Reading{Symptom: symptom, Value: p.V, At: at, Known: true}
		}
	}
	return readings
}

// newestSample is the newest number of a signal, in Value or in the series.
func newestSample(sig health.Signal) (health.Point, bool) {
	p, ok := newest(sig)
	for i := len(sig.Series) - 1; i >= 0; i-- {
		last := sig.Series[i]
		if ok && last.T <= p.T {
			break
		}
		if !math.IsNaN(last.V) {
			return last, true
		}
	}
	return p, ok
}
