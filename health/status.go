// Package health is sickbay's vocabulary: the words every other room speaks.
// It leans on nobody, starts nothing and asks nobody.
package health

import "fmt"

// Status says how something is. The zero value is Unknown: nothing is well
// until it has been seen to be well.
type Status uint8

// The four statuses, from the careful zero value to the worst.
const (
	Unknown Status = iota
	OK
	Warn
	Critical
)

var statusNames = [...]string{"unknown", "ok", "warn", "critical"}

// String is the word used on the screen and in JSON.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// Sign is the one-cell mark that repeats the status without colour.
func (s Status) Sign() string {
	return [...]string{"?", "✓", "▲", "✗"}[min(int(s), 3)]
}

// Letter is Sign for terminals without Unicode.
func (s Status) Letter() string {
	return [...]string{"?", "+", "!", "x"}[min(int(s), 3)]
}

// MarshalText writes the word, so that JSON never carries a number.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// rank orders by how much attention a status deserves: unknown stands between
// ok and warn, because not knowing is worse than knowing that all is well.
func (s Status) rank() int { return [...]int{1, 0, 2, 3}[min(int(s), 3)] }

// Worse says whether s deserves more attention than t.
func (s Status) Worse(t Status) bool { return s.rank() > t.rank() }

// State says what kind of value a signal has. The zero value is Absent: a
// number that nobody gave us is not zero.
type State uint8

// The states of a value.
const (
	Absent      State = iota // the query answered, with nothing for this service
	Fresh                    // newest sample is no older than the signal may be
	Stale                    // the last good value, older than that
	NaN                      // the answer is not a number (0/0: usually no traffic)
	Unreachable              // the source did not answer and there is no older value
	Partial                  // answered, but not by everybody (warnings, k of n)
)

var stateNames = [...]string{"absent", "fresh", "stale", "nan", "unreachable", "partial"}

// String is the word used on the screen and in JSON.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// MarshalText writes the word.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// HasValue says whether a value in this state can be drawn as a number.
func (s State) HasValue() bool { return s == Fresh || s == Stale || s == Partial }
