package pane

import (
	"time"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name:    "changes",
		Title:   func(Input) string { return "CHANGES" },
		Draw:    drawChanges,
		Items:   changeIDs,
		Extent:  listExtent(changeIDs, 0),
		Explain: explainChange,
	})
}

func changes(in Input) []*health.Change {
	var out []*health.Change
	for i := range in.Snap.Changes {
		if c := &in.Snap.Changes[i]; matches(in.State.Filter, c.Kind, c.Service, c.From, c.To, c.Text) {
			out = append(out, c)
		}
	}
	return out
}

func changeIDs(in Input) []string {
	var ids []string
	for _, c := range changes(in) {
		ids = append(ids, c.ID)
	}
	return ids
}

func drawChanges(in Input, w, h int) []string {
	shown := changes(in)
	switch {
	case len(in.Snap.Changes) == 0 && in.Snap.Asking:
		return sheet(in, w, h, asking(in))
	case len(in.Snap.Changes) == 0:
		return sheet(in, w, h, "no change is known: a [[source]] of kind feed, argocd, github or another that knows, or version labels in the metrics, would tell")
	case len(shown) == 0:
		return sheet(in, w, h, "no change contains “"+in.State.Filter+"”")
	}
	ids := changeIDs(in)
	service, versions, sure := 8, 10, 0
	for _, c := range shown {
		service, versions = max(service, len(c.Service)), max(versions, len([]rune(health.FromTo(c.From, c.To))))
		if c.Uncertain > 0 {
			sure = max(sure, 2+len(health.Ago(c.Uncertain)))
		}
	}
	when := clockWidth(in, len(shown), func(i int) time.Time { return shown[i].At })
	service, versions = min(service, 18, max(w/4, 1)), min(versions, 28, max(w/3, 1))
	return rows(in, w, h, ids, func(r *row, i int, name themes.Role) {
		c := shown[i]
		role := themes.Text
		if c.Kind == "rollback" {
			role = themes.Accent
		}
		within := ""
		if c.Uncertain > 0 { // how well its time is known
			within = in.Look.Glyph("±", "+-") + health.Ago(c.Uncertain)
		}
		r.col(themes.Faint, clock(in, c.At), when).gap(1).col(themes.Faint, within, sure).col(role, c.Kind, 8).gap(1)
		r.col(name, orDash(c.Service), service).gap(1)
		r.col(themes.Text, health.FromTo(c.From, c.To), versions).gap(1).put(themes.Text, c.Text)
	})
}

func explainChange(in Input) [][2]string {
	ids := changeIDs(in)
	if len(ids) == 0 {
		return nil
	}
	c := changes(in)[selectedIndex(in, ids)]
	at := clock(in, c.At) + ", " + ago(in, c.At) + " ago"
	if c.Uncertain > 0 {
		at += ", known to within " + health.Ago(c.Uncertain)
	}
	out := [][2]string{{"change", c.Kind + " " + health.FromTo(c.From, c.To)}, {"service", orDash(c.Service)}, {"at", at}, {"says", c.Text}}
	if c.URL != "" {
		out = append(out, [2]string{"link", c.URL})
	}
	return append(out, [2]string{"source", c.Source})
}
