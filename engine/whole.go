package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

// Bounds on reading again what is not held.
const (
	maxContents     = 32 // held
	contentPatience = 10 * time.Second
)

// A contentKey is a record in its file.
type contentKey struct {
	source, origin string
	offset         int64
	id             string
}

// A content is a record as it was read again where it stands.
type content struct {
	key  contentKey
	r    health.Request
	err  error
	done bool
	used time.Time
}

func keyOf(r health.Request) contentKey { return contentKey{r.Source, r.Origin, r.Offset, r.ID} }

// logOf is the source of a record, if it is one that is followed.
func (e *Engine) logOf(r health.Request) sources.Logs {
	for _, t := range e.tails {
		if t.state.Name == r.Source {
			return t.source
		}
	}
	return nil
}

// slim says whether the content of a record is only read when somebody opens it.
func (e *Engine) slim(r health.Request) bool {
	switch e.logOf(r).(type) {
	case sources.Slim, sources.Reread:
		return true
	}
	return false
}

// withContent puts into a record what is only read when somebody opens it: from its
// line, if that is held, else from where the line stands. That takes a moment.
func (e *Engine) withContent(r health.Request) health.Request {
	source := e.logOf(r)
	if _, ok := source.(sources.Reread); ok && r.Length > 0 {
		return e.again(r)
	}
	if s, ok := source.(sources.Slim); ok {
		if r = s.Full(r); r.Raw+r.Prompt+r.Answer == "" {
			r.Unread = "its line is not held any more: only the newest lines of this source are, and it cannot be asked again"
		}
	}
	return r
}

// again is a record as it was read again, or says that it is being read.
func (e *Engine) again(r health.Request) health.Request {
	c := e.contents[keyOf(r)]
	if c == nil {
		c = &content{key: keyOf(r)}
		e.contents[c.key] = c
		e.unread = append(e.unread, r)
	}
	c.used = e.o.Now()
	switch {
	case !c.done:
		r.Reading = true
	case c.err != nil:
		r.Unread = e.masked(c.err.Error())
	default:
		q := c.r
		q.Group, q.Signs = r.Group, r.Signs
		return q
	}
	return r
}

// readAgain reads what was opened and is not held.
func (e *Engine) readAgain(ctx context.Context, started *sync.WaitGroup) {
	for _, r := range e.unread {
		source := e.logOf(r).(sources.Reread)
		started.Go(func() {
			within, cancel := context.WithTimeout(ctx, contentPatience)
			defer cancel()
			c := content{key: keyOf(r), done: true}
			if c.r, c.err = source.Reread(within, r); c.err != nil && within.Err() != nil {
				c.err = fmt.Errorf("%s: its line could not be read within %v", r.Source, contentPatience)
			}
			select {
			case e.rereads <- c:
			case <-ctx.Done():
			}
		})
	}
	e.unread = nil
}

// takeContent notes what was read, and forgets what nobody has looked at for longest.
func (e *Engine) takeContent(c content) {
	c.used = e.o.Now()
	e.contents[c.key] = &c
	for len(e.contents) > maxContents {
		var oldest *content
		for _, o := range e.contents {
			if o.done && (oldest == nil || o.used.Before(oldest.used)) {
				oldest = o
			}
		}
		if oldest == nil {
			return
		}
		delete(e.contents, oldest.key)
	}
}

// opening says whether the content of an open request is still being read.
func (e *Engine) opening(id string) bool {
	if id == "" {
		return false
	}
	r, _, ok := e.recordOfID(id)
	c := e.contents[keyOf(r)]
	return ok && c != nil && !c.done
}
