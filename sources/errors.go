package sources

import (
	"errors"
	"fmt"
	"time"
)

// Errors that say what kind of failure an answer was. Anything else means that
// the source could not be reached, let nobody in or did not finish in time: what
// befell one question will befell the next, so one is enough to see whether it is
// back.
var (
	// ErrRefused: the source is there and will not answer this question: a bad
	// query, a limit. Other questions may be answered.
	ErrRefused = errors.New("refused")
	// ErrBusy: the source asks for mercy (429, 503). A *Busy says for how long.
	ErrBusy = errors.New("busy")
	// ErrMissing: the source does not have what was asked for at all, such as
	// alerts. It is well, and need not be asked again for a long time.
	ErrMissing = errors.New("missing")
)

// Busy is an ErrBusy of a source that said how long to leave it in peace.
type Busy struct {
	After time.Duration // from now
	text  string
}

func (b *Busy) Error() string        { return b.text }
func (b *Busy) Is(target error) bool { return target == ErrBusy }

// failure is an error with its kind: ErrRefused, ErrBusy, ErrMissing or nil.
type failure struct {
	text string
	kind error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.kind }

// said is what a server answered instead of what was asked for.
type said struct{ words string }

func (s *said) Error() string { return s.words }

// unreadable is an answer that came whole and makes no sense.
type unreadable struct{ why string }

func (u *unreadable) Error() string { return fmt.Sprintf("answer cannot be read: %s", u.why) }
