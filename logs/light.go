package logs

import (
	"strings"

	"sickbay/health"
)

// Light is a record without what is long: its Raw and its content are gone, and
// what is left shares no memory with them. Judging, grouping and listing need no
// more. Whoever opens the record reads it again where it came from: a source that
// is a sources.Past, asked about the moment of the record.
//
// Who holds many records holds the old ones light: of a line of 1200 bytes some 150
// are left.
func Light(r health.Request) health.Request {
	r.Raw, r.Prompt, r.Answer = "", "", ""
	for _, s := range []*string{&r.ID, &r.Trace, &r.Message} {
		*s = strings.Clone(*s)
	}
	l := &r.Lineage
	for _, s := range []*string{&r.Service, &r.Name, &r.Error, &r.Finish, &l.Build, &l.Model, &l.Prompt, &l.Index, &l.Data, &l.Config} {
		if len(*s) > maxDim { // shorter ones are no part of the line
			*s = strings.Clone(*s)
		}
	}
	if r.Chunks != nil {
		chunks := make([]health.Chunk, len(r.Chunks)) // others may look at those
		for i, c := range r.Chunks {
			chunks[i] = health.Chunk{ID: strings.Clone(c.ID), Score: c.Score, Age: c.Age}
		}
		r.Chunks = chunks
	}
	if r.Tools != nil {
		tools := make([]health.ToolCall, len(r.Tools))
		for i, t := range r.Tools {
			tools[i] = health.ToolCall{Name: strings.Clone(t.Name), Error: strings.Clone(t.Error), Duration: t.Duration}
		}
		r.Tools = tools
	}
	if r.Scores != nil {
		scores := make([]health.Field, len(r.Scores))
		for i, s := range r.Scores {
			scores[i] = health.Field{Name: strings.Clone(s.Name), Value: strings.Clone(s.Value)}
		}
		r.Scores = scores
	}
	return r
}
