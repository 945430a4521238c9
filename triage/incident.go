package triage

import (
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// An Incident is what is known at the moment when somebody asks what changed. The
// zero values are the careful ones: without Calls there is no call path, without
// Requests nobody is compared, and both are simply no evidence.
type Incident struct {
	Now     time.Time
	Step    time.Duration // distance of the points of the signals
	Alarm   Alarm         // what is ill
	Parts   []Part
	Changes []health.Change

	Requests Requests
	Owner    func(dimension, value string) string // the service a value belongs to; "" nobody's; may be nil
}

// An Alarm is the signal that called for help.
type Alarm struct {
	Service, Signal string
	Since           time.Time // known so far: its alert, or when it crossed its limit
}

// A Part is one service and what it leans on.
type Part struct {
	Name     string
	Calls    []string
	External bool // nobody here deploys it
	Well     bool // judged not to be ill: no cause is looked for in it, unless it is known to be leant on
	Signals  []health.Signal
	Drifted  []string // distributions that moved
}

// Requests are many requests as columns, by time. A column is a property that
// requests have in common with others: a version, a region, a tool.
type Requests struct {
	At      []int64 // Unix milliseconds, ascending
	Failed  []bool
	Columns []Column
}

// A Column holds one value per request, as an index into Values.
type Column struct {
	Name   string
	Values []string
	Codes  []uint32
}

// code is the index of a value, if any request ever had it: of a version also as
// others write it.
func (c *Column) code(value string) (uint32, bool) {
	if i := slices.Index(c.Values, value); i >= 0 {
		return uint32(i), true
	}
	i := slices.IndexFunc(c.Values, func(v string) bool { return sameVersion(v, value) })
	return uint32(max(i, 0)), i >= 0
}

// sameVersion says whether two texts name one version: a registry says 32 where a
// label says v32.
func sameVersion(a, b string) bool { return plainVersion(a) == plainVersion(b) }

func plainVersion(v string) string {
	if len(v) > 1 && v[0] == 'v' && v[1] >= '0' && v[1] <= '9' {
		return v[1:]
	}
	if c := strings.TrimPrefix(v, "sha-"); isCommit(c) { // of images
		return c[:shortCommit]
	}
	return v
}

// shortCommit is as much of a commit as everybody says: git seven digits of it,
// GitLab and a registry eight, an API all forty.
const shortCommit = 7

// isCommit says whether a version can only be a commit: a date has no letters.
func isCommit(v string) bool {
	if len(v) < shortCommit || len(v) > 40 {
		return false
	}
	digit, letter := false, false
	for i := range len(v) {
		switch c := v[i]; {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'a' && c <= 'f':
			letter = true
		default:
			return false
		}
	}
	return digit && letter
}

// from is the index of the first request at or after t.
func (r Requests) from(t time.Time) int {
	ms := t.UnixMilli()
	lo, hi := 0, len(r.At)
	for lo < hi {
		if mid := (lo + hi) / 2; r.At[mid] < ms {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
