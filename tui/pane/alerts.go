package pane

import (
	"cmp"
	"fmt"
	"slices"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name:    "alerts",
		Title:   alertsTitle,
		Draw:    drawAlerts,
		Items:   alertIDs,
		Extent:  listExtent(alertIDs, 0),
		Explain: explainAlert,
	})
}

func alertsTitle(in Input) string {
	count := map[string]int{}
	for i := range in.Snap.Alerts {
		count[stateOf(&in.Snap.Alerts[i])]++
	}
	title := "ALERTS"
	for _, state := range []string{"firing", "pending", "silenced", "inhibited"} {
		if n := count[state]; n > 0 {
			title += fmt.Sprintf("  %d %s", n, state)
		}
	}
	return title
}

// stateOf is what an alert does: call, wait, or be kept quiet.
func stateOf(a *health.Alert) string {
	switch {
	case len(a.Silenced) > 0:
		return "silenced"
	case len(a.Inhibited) > 0:
		return "inhibited"
	}
	return a.State
}

// alerts are those that the filter lets through, grouped by service: in the order in
// which each first occurs, which is that of urgency; those that name none come last.
func alerts(in Input) []*health.Alert {
	var out []*health.Alert
	group := map[string]int{}
	for i := range in.Snap.Alerts {
		a := &in.Snap.Alerts[i]
		if !matches(in.State.Filter, a.Name, a.Service, a.Severity, stateOf(a), a.Text) {
			continue
		}
		if _, ok := group[a.Service]; !ok {
			group[a.Service] = len(group)
		}
		out = append(out, a)
	}
	group[""] = len(in.Snap.Alerts)
	slices.SortStableFunc(out, func(a, b *health.Alert) int { return cmp.Compare(group[a.Service], group[b.Service]) })
	return out
}

func alertIDs(in Input) []string {
	var ids []string
	for _, a := range alerts(in) {
		ids = append(ids, AlertID(*a))
	}
	return ids
}

func drawAlerts(in Input, w, h int) []string {
	shown := alerts(in)
	switch {
	case len(in.Snap.Alerts) == 0 && in.Snap.Asking:
		return sheet(in, w, h, asking(in))
	case len(in.Snap.Alerts) == 0:
		return sheet(in, w, h, "no alert is pending or firing")
	case len(shown) == 0:
		return sheet(in, w, h, "no alert contains “"+in.State.Filter+"”")
	}
	ids := alertIDs(in)
	wide, service := 10, 7
	for _, a := range shown {
		wide, service = max(wide, len(a.Name)), max(service, len(a.Service))
	}
	wide = min(wide, max(w*2/5, 10), 32)
	service = min(service, 20)
	return rows(in, w, h, ids, func(r *row, i int, name themes.Role) {
		a := shown[i]
		r.col(name, a.Name, wide).gap(1)
		if w >= 40 {
			role := themes.Text
			if i > 0 && shown[i-1].Service == a.Service {
				role = themes.Faint // of the same group
			}
			r.col(role, orDash(a.Service), service).gap(1)
		}
		r.right(themes.Text, ago(in, a.Since), 8).gap(2)
		r.put(severityRole(a), a.Severity)
		if state := stateOf(a); state != "firing" {
			r.gap(1).put(themes.Faint, state)
		}
		if text := wide + service + 24; w >= text+16 {
			r.gap(2).to(text).put(themes.Text, a.Text)
		}
	})
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// severityRole knows the words that rules use; an alert that only waits is dimmed.
func severityRole(a *health.Alert) themes.Role {
	if a.State != "firing" || a.Quiet() {
		return themes.Faint
	}
	switch a.Severity {
	case "critical", "page", "error", "high":
		return themes.Critical
	case "warning", "warn", "ticket", "medium":
		return themes.Warn
	}
	return themes.Text
}

func explainAlert(in Input) [][2]string {
	ids := alertIDs(in)
	if len(ids) == 0 {
		return nil
	}
	a := alerts(in)[selectedIndex(in, ids)]
	out := [][2]string{{"alert", a.Name}, {"service", orDash(a.Service)}, {"severity", a.Severity},
		{"state", stateOf(a) + " since " + clock(in, a.Since) + ", " + ago(in, a.Since)}, {"says", a.Text}}
	if a.Value != nil {
		out = append(out, [2]string{"value", health.Format(health.Count, *a.Value)})
	}
	for _, l := range a.Labels {
		out = append(out, [2]string{l.Name, l.Value})
	}
	return append(out, [2]string{"source", a.Source})
}
