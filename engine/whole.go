package engine

import (
	"sickbay/health"
	"sickbay/sources"
)

// slim is the source of a record, if its records lack their content.
func (e *Engine) slim(r health.Request) (sources.Slim, bool) {
	for _, t := range e.tails {
		if t.state.Name == r.Source {
			s, ok := t.source.(sources.Slim)
			return s, ok
		}
	}
	return nil, false
}

// withContent puts into a record what is only read when somebody opens it.
func (e *Engine) withContent(r health.Request) health.Request {
	if s, ok := e.slim(r); ok {
		return s.Full(r)
	}
	return r
}
