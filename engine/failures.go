package engine

import (
	"slices"
	"time"

	"sickbay/health"
	"sickbay/logs"
	"sickbay/triage"
)

// Bounds on what failing requests are compared for.
const (
	groupsCompared = 12 // the loudest
	fewestCompared = 5  // failing requests: fewer say nothing
	sentencesShown = 3
)

// grouping is what a list of failures was made of.
type grouping struct {
	at      time.Time
	window  time.Duration
	held    *logs.Store
	records int // ever held
}

// A sharing remembers what a group had in common: to find out costs more than to
// count, and nobody reads it twice within a refresh.
type sharing struct {
	at     time.Time // when it was found out
	count  int
	shared []health.Shared
}

type sharingKey struct {
	id     string
	window time.Duration
	moment moment
}

// failures groups the records of a window. Judgement and screen usually ask for the
// same one: it is grouped once. What is shown of a record is masked here, before
// anybody can draw, copy or export it.
func (e *Engine) failures(m moment, at time.Time, window time.Duration) []health.Failure {
	held, grouper := e.memory(m)
	key := grouping{at, window, held, held.Lost() + held.Len()}
	if groups, done := e.grouped[key]; done {
		return groups
	}
	groups := grouper.Groups(at, window)
	for i := range groups {
		g := &groups[i]
		if i < groupsCompared && g.Count >= fewestCompared {
			g.Shared = e.shares(sharingKey{g.ID, window, m}, g, at)
		}
		if len(g.Shared) > 0 {
			g.InCommon = nil
			for _, s := range g.Shared {
				g.InCommon = append(g.InCommon, s.Text)
			}
		}
		g.Signature, g.Example = e.masked(g.Signature), e.masked(g.Example)
		for j, s := range g.InCommon {
			g.InCommon[j] = e.masked(s)
		}
	}
	if len(e.grouped) > 8 {
		clear(e.grouped)
	}
	e.grouped[key] = groups
	return groups
}

// worstFirst is the order in which failures are read: what is new or grown before
// what is known, and of these the failures of whoever is worst before all others.
// Else the order stays.
func worstFirst(groups []health.Failure, services []health.Service) []health.Failure {
	status := make(map[string]health.Status, len(services))
	for _, s := range services {
		status[s.Name] = s.Status
	}
	groups = slices.Clone(groups)
	slices.SortStableFunc(groups, func(a, b health.Failure) int {
		switch {
		case a.Changed() && !b.Changed():
			return -1
		case b.Changed() && !a.Changed():
			return 1
		case status[a.Service].Worse(status[b.Service]):
			return -1
		case status[b.Service].Worse(status[a.Service]):
			return 1
		}
		return 0
	})
	return groups
}

// shares is what the requests of a group have that healthy ones of the same
// minutes have not, found out once a refresh, or when there are many more of them.
func (e *Engine) shares(k sharingKey, g *health.Failure, at time.Time) []health.Shared {
	now := e.o.Now()
	if c, ok := e.inCommon[k]; ok && now.Sub(c.at) < e.o.Refresh && g.Count <= 2*c.count {
		return c.shared
	}
	held, grouper := e.memory(k.moment)
	table := triage.Contrast(held.Between(at.Add(-k.window), at), g.Service, func(group string) bool {
		return grouper.Current(group) == g.ID
	})
	var shared []health.Shared
	for _, d := range triage.Dimensions(table, time.Time{}) {
		if d.ExplainedBy == "" && len(shared) < sentencesShown {
			shared = append(shared, health.Shared{Text: e.masked(d.String()), Fields: d.Fields})
		}
	}
	if len(e.inCommon) > 8*groupsCompared {
		clear(e.inCommon)
	}
	e.inCommon[k] = sharing{now, g.Count, shared}
	return shared
}

// maskedHeld is how many texts are remembered with what is left of them.
const maskedHeld = 4096

// masked is a text without secrets and personal data. The same texts come again and
// again, and to search one costs ten microseconds.
func (e *Engine) masked(text string) string {
	if text == "" {
		return ""
	}
	safe, known := e.safe[text]
	if !known {
		if len(e.safe) >= maskedHeld {
			clear(e.safe)
		}
		safe = e.o.Redact.Redact(text)
		e.safe[text] = safe
	}
	return safe
}

// maskedAll masks each text of a list, which nobody else has seen yet.
func (e *Engine) maskedAll(texts []string) []string {
	for i, t := range texts {
		texts[i] = e.masked(t)
	}
	return texts
}
