package triage

import (
	"math"
	"slices"
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
// is not known, and so neither good nor bad. Those whose requests were counted
// before are counted again.
func Readings(s health.Service, since time.Time, settle time.Duration, symptoms []health.Symptom) []health.Reading {
	after := since.Add(settle)
	readings := make([]health.Reading, len(symptoms))
	for i, symptom := range symptoms {
		readings[i] = health.Reading{Symptom: symptom}
		p, ok := newestSample(s.Signal(symptom.Signal))
		at := p.Time()
		if !ok || !at.After(after) {
			continue
		}
		readings[i] = health.Reading{Symptom: symptom, Value: p.V, At: at, Known: true}
		if symptom.Before.N > 0 {
			proof := Prove(symptom.Before, symptom.Normal, fromRates(s, symptom.Signal, since.Add(inFlight), at, settle))
			proof.Well = proof.Well && readings[i].Within() // by its own limit, too
			readings[i].Proof = &proof
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

// The proof looks at a count as often as it likes and errs as seldom as if it had
// looked once. With p0 the share of bad requests in the incident, an e-value is how
// much likelier what came since is if bad requests became rarer than if they did
// not, averaged over how much rarer. If nothing improved, it ever reaches x with a
// probability of at most 1/x (Ville 1939; Ramdas et al., "Game-theoretic statistics
// and safe anytime-valid inference", 2023).
const (
	convincing = 20.0 // e-value: at most 1 of 20, and much less since p0 is a lower bound
	needed     = 60   // requests on either side
	z90, z95   = 1.645, 1.96
)

// rarer are the alternatives: bad requests are so many times as frequent.
var rarer = []float64{0.1, 0.2, 0.35, 0.5, 0.65, 0.8}

// Prove compares the requests after a rollback with those of the incident (ill) and
// of the time before it (normal; N 0: not known). Better than in the incident is
// measured against the lower bound of what the incident was; as before it means
// a share of at most Limit, which is the larger of 1.25 times the upper bound of
// normal and normal + 0.5 percentage points.
func Prove(ill, normal, after health.Tally) health.Proof {
	p := health.Proof{Before: ill, Normal: normal, After: after, Need: needed, E: 1, Limit: usual(ill, normal)}
	p.Well = after.Share() <= p.Limit
	if ill.N >= needed && after.N > 0 {
		p0, _ := wilson(ill, z90)
		p.E = eValue(after, p0)
	}
	p.Improved = after.N >= needed && p.E >= convincing
	return p
}

// usual is the share of bad requests up to which all is as before the incident; half
// of the incident's where nothing is known of before.
func usual(ill, normal health.Tally) float64 {
	if normal.N < needed {
		return clampShare(ill.Share() / 2)
	}
	_, high := wilson(normal, z95)
	return clampShare(max(1.25*high, normal.Share()+0.005))
}

// clampShare makes a share of whatever came: rates are not always what they should be.
func clampShare(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

// eValue is the mixture of likelihood ratios of t against the share p0.
func eValue(t health.Tally, p0 float64) float64 {
	bad, good := min(max(t.Bad, 0), t.N), t.N-min(max(t.Bad, 0), t.N)
	if p0 = min(p0, 1-1e-9); !(p0 > 0) {
		return 1
	}
	sum := 0.0
	for _, c := range rarer {
		sum += math.Exp(bad*math.Log(c) + good*(math.Log1p(-c*p0)-math.Log1p(-p0)))
	}
	if e := sum / float64(len(rarer)); e <= math.MaxFloat64 {
		return e
	}
	return math.MaxFloat64
}

// wilson is the Wilson score interval of a share (Wilson 1927); 0 to 1 of nothing.
func wilson(t health.Tally, z float64) (low, high float64) {
	if !(t.N > 0) || math.IsInf(t.N, 1) {
		return 0, 1
	}
	p := clampShare(t.Bad / t.N)
	d := 1 + z*z/t.N
	middle := (p + z*z/(2*t.N)) / d
	half := z * math.Sqrt(p*(1-p)/t.N+z*z/(4*t.N*t.N)) / d
	return clampShare(middle - half), clampShare(middle + half)
}

// perRequest are the ratios whose whole is the traffic, so that the two of them make
// a count of requests.
var perRequest = []string{"errors", "refusals", "finish_length", "loops"}

// How far back an incident and the time before it are counted, and how close to the
// incident's beginning the time before it may come.
const (
	incidentSpan = 30 * time.Minute
	normalSpan   = 30 * time.Minute
	apart        = time.Minute
)

// begun is since when a service has been ill; ten minutes ago, where nobody knows.
func begun(s health.Service, now time.Time) time.Time {
	since := s.Since
	for _, f := range s.Findings {
		if !f.Since.IsZero() && (since.IsZero() || f.Since.Before(since)) {
			since = f.Since
		}
	}
	if since.IsZero() || since.After(now) {
		since = now.Add(-10 * time.Minute)
	}
	if oldest := now.Add(-incidentSpan); since.Before(oldest) {
		return oldest
	}
	return since
}

// Count adds to symptoms how many requests of the incident, and of the time before
// it, were bad: of those that are ratios of the traffic and had requests enough.
func Count(s health.Service, symptoms []health.Symptom, rate time.Duration, now time.Time) []health.Symptom {
	symptoms = slices.Clone(symptoms)
	from := begun(s, now)
	for i, symptom := range symptoms {
		if before := fromRates(s, symptom.Signal, from, now, rate); before.N >= needed {
			symptoms[i].Before = before
			symptoms[i].Normal = fromRates(s, symptom.Signal, from.Add(-normalSpan-apart), from.Add(-apart), rate)
		}
	}
	return symptoms
}

// fromRates counts requests by a ratio and the traffic. A sample at t speaks of
// (t-rate, t], so samples at least rate apart count each request once. Nobody can
// count by a signal that is no ratio of the traffic: of it N is 0.
func fromRates(s health.Service, signal string, from, to time.Time, rate time.Duration) health.Tally {
	t := health.Tally{From: from, To: from}
	if rate <= 0 || !slices.Contains(perRequest, signal) {
		return t
	}
	traffic := map[int64]float64{}
	for _, p := range s.Signal("traffic").Series {
		traffic[p.T] = p.V
	}
	next := from.Add(rate)
	for _, p := range s.Signal(signal).Series {
		at := p.Time()
		v, ok := traffic[p.T]
		if at.Before(next) || at.After(to) || !ok || !(v >= 0) || !(p.V >= 0) {
			continue
		}
		n := v * rate.Seconds()
		t.N, t.Bad, t.To = t.N+n, t.Bad+n*min(p.V, 1), at
		next = at.Add(rate)
	}
	return t
}

// FailingSignal names the symptom that is counted request by request, from logs. No
// metric is called so.
const FailingSignal = "failing_requests"

// A Counter counts the requests of one service that ended within [from, to), and
// those of them that failed.
type Counter func(from, to time.Time) health.Tally

// Failing is the share of failing requests as a symptom, and whether it is one: there
// were requests enough, they are logged fast enough to be counted again, and more of
// them failed than before the incident. Each request counts by itself, so this is the
// best proof there is where they are logged.
func Failing(s health.Service, count Counter, now time.Time) (health.Symptom, bool) {
	if count == nil {
		return health.Symptom{}, false
	}
	from := begun(s, now)
	before, normal := count(from, now), count(from.Add(-normalSpan-apart), from.Add(-apart))
	limit := usual(before, normal)
	low, _ := wilson(before, z90)
	if soon := count(now.Add(-waitFor), now); soon.N < needed {
		return health.Symptom{}, false // a sample of them: by the time there are enough, everybody knows
	}
	if before.N < needed || before.Bad < 1 || low <= limit && normal.N >= needed || normal.N < needed && low < 0.01 {
		return health.Symptom{}, false
	}
	return health.Symptom{
		Signal: FailingSignal, Title: "failing requests", Unit: health.Ratio, Bad: health.Up,
		Value: before.Share(), Limit: limit, Before: before, Normal: normal,
	}, true
}

// waitFor is how long a proof may wait for requests enough.
const waitFor = 150 * time.Second

// inFlight is how long after a rollback requests still end that began before it.
const inFlight = 15 * time.Second

// FailingNow is how the symptom of Failing stands, counting what came since and had
// time to begin after it.
func FailingNow(symptom health.Symptom, count Counter, since, now time.Time) health.Reading {
	r := health.Reading{Symptom: symptom}
	from := since.Add(inFlight)
	if count == nil || !now.After(from) {
		return r
	}
	proof := Prove(symptom.Before, symptom.Normal, count(from, now))
	if proof.After.N == 0 {
		return r
	}
	proof.Limit = symptom.Limit
	r.Known, r.At, r.Proof = true, now, &proof
	r.Value = proof.After.Share()
	return r
}
