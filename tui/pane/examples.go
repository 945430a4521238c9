package pane

import (
	"strconv"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name: "examples",
		Title: func(in Input) string {
			if s, ok := having(in); ok {
				return in.safe("NEWEST REQUESTS with " + s.Name())
			}
			return "NEWEST REQUESTS"
		},
		Draw:   drawExamples,
		Items:  exampleIDs,
		Extent: listExtent(exampleIDs, 0),
	})
}

func exampleIDs(in Input) []string {
	f, _ := selectedFailure(in)
	want, chosen := having(in)
	var ids []string
	for _, id := range f.Requests {
		if r := in.Snap.Requests[id]; matches(in.State.Filter, id, r.Message, r.Error) && (!chosen || hasAll(r, want)) {
			ids = append(ids, id)
		}
	}
	return ids
}

func drawExamples(in Input, w, h int) []string {
	ids := exampleIDs(in)
	if len(ids) == 0 {
		return sheet(in, w, h, noExamples(in))
	}
	idWidth := 12
	for _, id := range ids {
		idWidth = max(idWidth, min(len(id), 24))
	}
	return rows(in, w, h, ids, func(r *row, i int, name themes.Role) {
		q, known := in.Snap.Requests[ids[i]]
		if !known {
			r.col(name, ids[i], w-1)
			return
		}
		r.col(themes.Faint, clockSeconds(in, q), 9).col(name, ids[i], idWidth).gap(1)
		if w >= 60 {
			r.right(themes.Text, number(health.Seconds, q.Duration), 7).gap(1)
		}
		r.put(outcomeRole(q), reason(q)).gap(1).put(themes.Text, in.Redact.Redact(q.Message))
	})
}

func noExamples(in Input) string {
	f, ok := selectedFailure(in)
	switch {
	case !ok:
		return "no failure is selected"
	case len(f.Requests) == 0:
		return "its log lines carry no request id, so no single request can be opened"
	case in.State.Filter == "":
		return "none of its newest requests has " + in.View.Having
	}
	return "no request contains “" + in.State.Filter + "”"
}

// reason is in one word why a request failed.
func reason(q health.Request) string {
	switch {
	case q.Error != "":
		return q.Error
	case q.Code >= 400:
		return "HTTP " + strconv.Itoa(q.Code)
	case q.Finish != "":
		return q.Finish
	case q.Failed:
		return "failed"
	}
	return "ok"
}

func clockSeconds(in Input, q health.Request) string {
	if q.At.IsZero() {
		return "–"
	}
	return q.At.In(in.Now.Location()).Format("15:04:05")
}
