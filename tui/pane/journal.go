package pane

import (
	"strconv"
	"time"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name:    "journal",
		Title:   func(Input) string { return "JOURNAL" },
		Draw:    drawJournal,
		Items:   entryIDs,
		Extent:  listExtent(entryIDs, 0),
		Explain: explainEntry,
	})
}

func entries(in Input) []*health.Entry {
	var out []*health.Entry
	for i := range in.Snap.Journal {
		if e := &in.Snap.Journal[i]; matches(in.State.Filter, e.Event, e.By, e.Service, e.Text, e.Op) {
			out = append(out, e)
		}
	}
	return out
}

func entryIDs(in Input) []string {
	var ids []string
	for _, e := range entries(in) {
		ids = append(ids, strconv.Itoa(e.Seq))
	}
	return ids
}

func drawJournal(in Input, w, h int) []string {
	shown := entries(in)
	switch {
	case len(in.Snap.Journal) == 0:
		return sheet(in, w, h, "the journal is empty: it records every rollback and every note (m writes one)")
	case len(shown) == 0:
		return sheet(in, w, h, "no entry contains “"+in.State.Filter+"”")
	}
	ids := entryIDs(in)
	event, service := 8, 7
	for _, e := range shown {
		event, service = max(event, len(e.Event)), max(service, len(e.Service))
	}
	when := clockWidth(in, len(shown), func(i int) time.Time { return shown[i].At })
	event, service = min(event, 16), min(service, 18, max(w/4, 1))
	return rows(in, w, h, ids, func(r *row, i int, _ themes.Role) {
		e := shown[i]
		r.col(themes.Faint, clock(in, e.At), when).gap(1).col(themes.Text, e.Event, event).gap(1) // never bold: each key would send it again
		if w >= 50 {
			r.col(themes.Text, e.By, 8).gap(1).col(themes.Text, orDash(e.Service), service).gap(1)
		}
		r.put(themes.Text, e.Text)
	})
}

func explainEntry(in Input) [][2]string {
	ids := entryIDs(in)
	if len(ids) == 0 {
		return nil
	}
	e := entries(in)[selectedIndex(in, ids)]
	return [][2]string{{"entry", strconv.Itoa(e.Seq)}, {"event", e.Event}, {"at", clock(in, e.At)}, {"by", e.By},
		{"service", orDash(e.Service)}, {"operation", orDash(e.Op)}, {"says", e.Text}, {"hash", e.Hash}}
}
