package triage

import (
	"cmp"
	"math"
	"slices"
	"time"

	"sickbay/health"
)

// A limit is crossed by two looks in a row, and left again by two looks on the
// good side or by one that is well on it. One sample alone changes nothing.
const (
	looksToChange = 2
	wellWithin    = 0.05 // of the limit
)

// A track is what is remembered of one signal.
type track struct {
	upTo           int64 // newest sample that was looked at, Unix milliseconds
	warn, critical latch
	seen           time.Time // newest sample that was a number
	since          time.Time // since when the signal is beyond, while it is
	unusual        bool      // it is not what it usually is
}

// A latch is one limit of one signal: on while the signal counts as beyond it.
type latch struct {
	on        bool
	looked    bool
	bad, good uint8 // looks in a row
}

// look takes one value into account. The first look decides alone: there is
// nothing it could flap from, and nothing is ok before it was seen to be ok.
func (l *latch) look(v float64, limit *float64, bad health.Bad) {
	if limit == nil {
		*l = latch{}
		return
	}
	first := !l.looked
	l.looked = true
	if beyond(v, *limit, bad) {
		l.bad, l.good = min(l.bad+1, looksToChange), 0
		l.on = l.on || first || l.bad >= looksToChange
		return
	}
	l.bad, l.good = 0, min(l.good+1, looksToChange)
	if l.good >= looksToChange || within(v, *limit, bad) > wellWithin*math.Abs(*limit) && *limit != 0 {
		l.on = false
	}
}

// beyond says whether v is on the bad side. The limit itself is still good, as in
// health.Reading.
func beyond(v, limit float64, bad health.Bad) bool { return within(v, limit, bad) < 0 }

// within is how far v is on the good side of a limit; negative: beyond it.
func within(v, limit float64, bad health.Bad) float64 {
	if bad == health.Down {
		return v - limit
	}
	return limit - v
}

// limited says whether a signal is judged at all.
func limited(sig health.Signal) bool {
	return sig.Bad != health.Neutral && (sig.Limit.Warn != nil || sig.Limit.Critical != nil)
}

// follow looks at the samples of sig that are newer than those looked at before.
func (t track) follow(sig health.Signal) track {
	from := t.upTo
	look := func(ms int64, v float64) {
		if ms <= from || math.IsNaN(v) {
			return
		}
		t.upTo, t.seen = max(t.upTo, ms), time.UnixMilli(ms).UTC()
		if limited(sig) {
			t.warn.look(v, sig.Limit.Warn, sig.Bad)
			t.critical.look(v, sig.Limit.Critical, sig.Bad)
		}
	}
	for i := t.decisive(sig, firstAfter(sig.Series, from)); i < len(sig.Series); i++ {
		look(sig.Series[i].T, sig.Series[i].V)
	}
	if p, ok := newest(sig); ok && p.T > t.upTo {
		look(p.T, p.V)
	}
	return t
}

// firstAfter is the index of the first point after ms. Usually only the tail is new
// from one look to the next.
func firstAfter(points []health.Point, ms int64) int {
	if n := len(points); n > 4 && points[n-4].T <= ms {
		for n > 0 && points[n-1].T > ms {
			n--
		}
		return n
	}
	i, _ := slices.BinarySearchFunc(points, ms+1, func(p health.Point, ms int64) int { return cmp.Compare(p.T, ms) })
	return i
}

// decisive is the newest point from which on looking gives the same as looking from
// first: two in a row on one side of a limit decide, whatever was before.
func (t track) decisive(sig health.Signal, first int) int {
	points := sig.Series
	var warn, critical run
	for i := len(points) - 1; i > first; i-- {
		v := points[i].V
		if math.IsNaN(v) {
			continue
		}
		if !limited(sig) || warn.back(v, sig.Limit.Warn, sig.Bad) && critical.back(v, sig.Limit.Critical, sig.Bad) {
			return i
		}
	}
	return first
}

// A run counts looks on one side of a limit, going back in time.
type run struct {
	bad     bool
	length  uint8
	decided bool
}

// back takes one more into account, and says whether the run has decided.
func (r *run) back(v float64, limit *float64, bad health.Bad) bool {
	if limit == nil || r.decided {
		return true
	}
	if side := beyond(v, *limit, bad); side != r.bad {
		r.bad, r.length = side, 0
	}
	r.length++
	r.decided = r.length >= looksToChange
	return r.decided
}

// newest is the value of the signal as a point, if it is one.
func newest(sig health.Signal) (health.Point, bool) {
	if !sig.State.HasValue() || sig.At.IsZero() || math.IsNaN(sig.Value) {
		return health.Point{}, false
	}
	return health.Point{T: sig.At.UnixMilli(), V: sig.Value}, true
}

// status judges the signal as it is now. What is not measured now is not known
// now, whatever it was.
func (t track) status(sig health.Signal) health.Status {
	current := sig.State == health.Fresh || sig.State == health.Partial
	switch {
	case !limited(sig) || !current || t.seen.IsZero():
		return health.Unknown
	case t.critical.on:
		return health.Critical
	case t.warn.on:
		return health.Warn
	}
	return health.OK
}

// was is what the signal was when it was last a number.
func (t track) was() health.Status {
	switch {
	case t.critical.on:
		return health.Critical
	case t.warn.on:
		return health.Warn
	}
	return health.OK
}

// missed says whether sig should be there and is not: it is one of those every
// service lives by, or was ill when last seen. It is forgotten a window later.
func (t track) missed(sig health.Signal, in Input) bool {
	wasIll := t.warn.on || t.critical.on
	switch {
	case t.seen.IsZero() || in.Now.Sub(t.seen) > max(in.Window, 5*time.Minute):
		return false
	case sig.State == health.NaN: // usually 0/0: no traffic, which shows elsewhere
		return wasIll
	case sig.State == health.Fresh || sig.State == health.Partial:
		return false
	}
	return wasIll || golden[sig.Group]
}

// golden are the groups whose silence is news.
var golden = map[string]bool{"traffic": true, "errors": true, "latency": true, "saturation": true}

// reached is the limit that says where well ends: warn, or critical if alone.
func reached(l health.Limit) *float64 {
	if l.Warn != nil {
		return l.Warn
	}
	return l.Critical
}

// crossed walks back through the series to where the signal went beyond its
// limit. One good point on the way is noise, two in a row are the time before.
// Where the whole series is beyond, an older known time is kept.
func crossed(sig health.Signal, known time.Time) time.Time {
	limit := *reached(sig.Limit)
	var since time.Time
	good := 0
	step := func(p health.Point) bool {
		switch {
		case math.IsNaN(p.V):
		case beyond(p.V, limit, sig.Bad):
			since, good = p.Time(), 0
		default:
			good++
		}
		return good < 2
	}
	n := len(sig.Series)
	if p, ok := newest(sig); ok && (n == 0 || p.T > sig.Series[n-1].T) && !step(p) {
		return since
	}
	for i := n - 1; i >= 0; i-- {
		if !step(sig.Series[i]) {
			return since
		}
	}
	return earlier(since, known)
}
