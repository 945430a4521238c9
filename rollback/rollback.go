// Package rollback takes things back: targets (one file per kind), the ladder
// every rollback climbs, the journal on disk and the proof afterwards.
package rollback

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"sickbay/health"
)

// Caps says what a target's system guarantees.
type Caps struct {
	CompareAndSwap bool          // the write itself fails when the state moved
	Idempotent     bool          // the operation id makes a second request harmless
	Settle         time.Duration // after applied, before its effect can be measured
	Deadline       time.Duration // of the one attempt, where it needs longer than others
	Patience       time.Duration // until it must run what it was told, where that takes longer
	Words          string        // the same, for people
}

// State is what a target is now.
type State struct {
	Version string
	Token   string // opaque; changes whenever the target does
	Ready   bool
	Blocked string // why it cannot be rolled back now
	At      time.Time
	History []health.Version // newest first, without Version itself; nil: the target keeps no list
	Since   time.Time        // when Version was deployed; zero: not known
	Back    string           // the newest version before Version; "" none is known
	Notes   []string         // what deserves a second thought, before anybody plans anything
}

// Errors that classify an answer. Anything else after a request was sent is
// unknown: it may have happened.
var (
	ErrMoved  = errors.New("the target has moved since the plan was made") // 409 412, and 422 where that is what a failed comparison answers
	ErrDenied = errors.New("the target refused the credentials")           // 401 403
	ErrFailed = errors.New("the target refused the request")               // other 4xx: nothing happened
	// ErrPartial is a bundle's: some of it was done before it stopped.
	ErrPartial = errors.New("only a part was rolled back")
)

// A Target is one thing that can be taken back. Only Execute writes.
type Target interface {
	Info() health.Target // Name, Service, Kind, Driver
	Caps() Caps
	Current(ctx context.Context) (State, error)
	// Plan looks, and never touches. An empty to means the newest version
	// before the current one.
	Plan(ctx context.Context, to string) (health.Plan, error)
	// Execute makes exactly one attempt and is never retried; op is the
	// operation id. An error that is none of ErrMoved, ErrDenied and ErrFailed
	// means that it may have happened.
	Execute(ctx context.Context, p health.Plan, op, reason string) error
}

// A Fencer is a target that can make a write of its own that may still be on its way
// fail when it arrives, by a harmless write of what that one compares. After it, "not
// applied" is certain. ErrMoved means that the target is no longer what p was made on.
type Fencer interface {
	Fence(ctx context.Context, p health.Plan) error
}

// planFor is how all targets plan: what is seen now, and what follows from it.
func planFor(ctx context.Context, t Target, to string) (health.Plan, error) {
	s, err := t.Current(ctx)
	if err != nil {
		return health.Plan{}, err
	}
	return draft(t.Info(), t.Caps(), s, to, time.Now())
}

// still looks once more before a write whose system does not compare: all that can
// be done there. Nothing has been sent when it fails.
func still(ctx context.Context, t Target, p health.Plan) error {
	s, err := t.Current(ctx)
	if err := same(s, p, err); err != nil {
		return err
	}
	if s.Blocked != "" {
		return fmt.Errorf("%w: nothing was sent: %s", ErrFailed, s.Blocked)
	}
	return nil
}

// same is nil while a target is what the plan was made on, as a look just saw it or
// could not. Nothing has been sent when it is not.
func same(s State, p health.Plan, err error) error {
	switch {
	case err != nil:
		return notSent(err)
	case s.Version != p.From || s.Token != p.Token:
		return fmt.Errorf("%w: it runs %s", ErrMoved, tidy(s.Version, 60))
	}
	return nil
}

// notSent is the class of an error that came before the one attempt was made.
func notSent(err error) error {
	if errors.Is(err, ErrDenied) {
		return fmt.Errorf("nothing was sent: %w", err)
	}
	return fmt.Errorf("%w: nothing was sent: %s", ErrFailed, because(err))
}

// looked is what a look saw, or which target could not be read.
func looked(t Target, s State, err error) (State, error) {
	if err != nil {
		return State{}, unread(t, err)
	}
	return s, nil
}

// unread says which target could not be read.
func unread(t Target, err error) error {
	return fmt.Errorf("%s cannot be read: %w", t.Info().Name, err)
}

// Decode fills a struct from the kind's own section of the config.
type Decode func(into any) error

// Kind is a kind of target.
type Kind struct {
	Name    string
	Doc     string
	Example string // a section for config.example.toml, without the [[rollback]] line
	Open    func(info health.Target, decode Decode) (Target, error)
}

var kinds = map[string]Kind{}

func register(k Kind) { kinds[k.Name] = k }

// Kinds lists all kinds by name.
func Kinds() []Kind {
	all := make([]Kind, 0, len(kinds))
	for _, k := range kinds {
		all = append(all, k)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// Open makes a target of a kind. It does not talk to anybody yet.
func Open(info health.Target, decode Decode) (Target, error) {
	k, ok := kinds[info.Driver]
	if !ok {
		return nil, fmt.Errorf("rollback %q: unknown kind %q", info.Name, info.Driver)
	}
	t, err := k.Open(info, decode)
	if err != nil {
		return nil, fmt.Errorf("rollback %q: %w", info.Name, err)
	}
	return t, nil
}

// A Witness reads how symptoms stand on data newer than since.
type Witness func(service string, since time.Time, symptoms []health.Symptom) []health.Reading
