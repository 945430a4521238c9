package sources

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"time"

	"sickbay/health"
)

// A ledger is a server that knows what was altered, and is asked for it seldom:
// whoever deploys does not do it every five seconds.
type ledger struct {
	*web
	kind     string
	every    time.Duration
	services map[string]string // what they call it, and the service it is
	// list asks for everything since a time. What could be read comes with an error.
	list func(ctx context.Context, since time.Time) ([]health.Change, error)

	mu    sync.Mutex
	asked time.Time
	known []health.Change
	err   error
}

// ledgerConfig is what all of them have.
type ledgerConfig struct {
	Every    time.Duration     `toml:"every"`
	Services map[string]string `toml:"services"`
}

const (
	ledgerEvery   = 30 * time.Second
	ledgerExample = `every = "30s"        # between two looks
services = { }       # their names and yours, where they differ: { "chat-prod" = "support-chat" }
`
	perPage  = 100
	maxPages = 20
)

// open makes a ledger at a server of web; list is to be set.
func (c *ledgerConfig) open(at *webConfig, name, kind, server string) (*ledger, error) {
	w, err := at.open(name, server)
	if err != nil {
		return nil, err
	}
	if c.Every == 0 {
		c.Every = ledgerEvery
	}
	if c.Every < time.Second {
		return nil, fmt.Errorf(`every: %v is no time between two looks; try "30s"`, c.Every)
	}
	return &ledger{web: w, kind: kind, every: c.Every, services: c.Services}, nil
}

func (l *ledger) About() (kind, where string) { return l.kind, l.where() }

// Version is empty: what these servers say of themselves needs rights that reading
// changes does not.
func (l *ledger) Version(context.Context) (string, error) { return "", nil }

// Changes looks again when it is time, and repeats what it knows until then.
func (l *ledger) Changes(ctx context.Context, since time.Time) ([]health.Change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.asked.IsZero() || now.Sub(l.asked) >= l.every {
		known, err := l.list(ctx, since)
		if ctx.Err() != nil {
			return nil, err
		}
		if l.asked, l.err = now, err; err == nil || len(known) > 0 {
			l.known = known[:min(len(known), maxChanges)]
		}
	}
	var all []health.Change
	for _, c := range l.known {
		if !c.At.Before(since) {
			c.Source = l.name
			all = append(all, c)
		}
	}
	return all, l.err
}

// service is whose a name of theirs is.
func (l *ledger) service(name string) string { return cmp.Or(l.services[name], name) }

// get asks for one JSON document.
func (l *ledger) get(ctx context.Context, path string, query url.Values, into any) error {
	err := l.lookUp(ctx, path, query, func(r io.Reader) error { return decode(r, into) })
	if errors.Is(err, ErrNotFound) {
		return &failure{l.name + ": 404 not found: nothing of that name, or not for us: check url and what is asked for, and the rights of the token", ErrRefused}
	}
	return notThere(err)
}

// A watch notices what moved between two looks at what keeps no history.
type watch struct {
	at   time.Time
	seen map[string]string
	kept []health.Change
}

// maxWatched bounds what is remembered of one server.
const maxWatched = 10_000

// moved compares what is with what was at the look before, and passes each
// difference to tell with the time in the middle between them, and how well it is
// known. The first look has nothing to compare with.
func (w *watch) moved(now time.Time, is map[string]string, tell func(key, from, to string, at time.Time, uncertain time.Duration)) {
	if w.seen != nil {
		half := now.Sub(w.at) / 2
		for key, to := range is {
			if from := w.seen[key]; from != to {
				tell(key, from, to, now.Add(-half), half)
			}
		}
		for key, from := range w.seen {
			if _, there := is[key]; !there {
				tell(key, from, "", now.Add(-half), half)
			}
		}
	}
	w.at, w.seen = now, is
}

// keep remembers a change that nobody else does, for as long as anybody asks.
func (w *watch) keep(c health.Change, since time.Time) {
	w.kept = append(w.kept, c)
	for len(w.kept) > maxChanges || w.kept[0].At.Before(since) {
		w.kept = w.kept[1:]
	}
}

// between is a stretch of time as a moment and how well it is known.
func between(from, to time.Time) (at time.Time, uncertain time.Duration) {
	if from.IsZero() || to.Before(from) {
		return to, 0
	}
	half := to.Sub(from) / 2
	return from.Add(half), half
}

// brief is a revision as people say it.
func brief(revision string) string {
	if len(revision) == 40 {
		return revision[:8]
	}
	return revision
}
