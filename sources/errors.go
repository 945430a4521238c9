package sources

import "errors"

// Errors that say what kind of failure an answer was. Anything else means that
// the source could not be reached or did not finish in time.
var (
	// ErrRefused: the source is there and will not answer this question: a bad
	// query, a limit, missing rights. Other questions may be answered.
	ErrRefused = errors.New("refused")
	// ErrBusy: the source asks for mercy (429, 503).
	ErrBusy = errors.New("busy")
)
