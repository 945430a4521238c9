package main

import (
	"time"

	"sickbay/health"
	"sickbay/tui/pane"
)

// A driftDocument is one comparison for scripts, as in snapshot --format json, and
// what is known only where one comparison was asked for. Fields are only ever added.
type driftDocument struct {
	Service string `json:"service"`
	health.DocumentDrift
	Measures []measureDocument `json:"measures"`
	Windows  []windowDocument  `json:"windows"` // the reference, oldest first
}

type measureDocument struct {
	Name  string   `json:"name"`
	Base  string   `json:"base"` // "base 2", "nats"; "" where there is none
	Value *float64 `json:"value"`
	Bound *float64 `json:"bound"` // what the unbucketed data may differ by, or reach at most
	Note  string   `json:"note"`
}

type windowDocument struct {
	End    string   `json:"end"`
	N      *float64 `json:"n"`
	PSIAdj *float64 `json:"psi_adj"` // against the other windows
}

// driftJSON prints all comparisons, those of other tools in objects of their own.
func (a *app) driftJSON(s *health.Snapshot, rows []pane.DriftRow) error {
	known := map[string]driftDocument{}
	for i, service := range s.Document(a.now()).Services {
		for j, doc := range service.Drift {
			d := &s.Services[i].Drift[j]
			known[driftID(service.Name, d)] = driftDocument{service.Name, doc, measuresOf(d), windowsOf(d)}
		}
	}
	out := make([]driftDocument, 0, len(rows))
	for _, r := range rows {
		out = append(out, known[driftID(r.Of.Name, r.Drift)])
		for i := range r.Of.Drift { // those that stand in this row on the screen
			if d := &r.Of.Drift[i]; d.Kind == "exported" && r.Kind != "exported" && d.Key() == r.Key() {
				out = append(out, known[driftID(r.Of.Name, d)])
			}
		}
	}
	if err := a.document(out); err != nil {
		return err
	}
	return nil
}

func driftID(service string, d *health.Drift) string { return service + "\x00" + pane.DriftID(*d) }

func measuresOf(d *health.Drift) []measureDocument {
	out := make([]measureDocument, 0, len(d.Measures))
	for _, m := range d.Measures {
		out = append(out, measureDocument{m.Name, m.Base, health.Num(m.Value), finite(m.Bound), m.Note})
	}
	return out
}

func windowsOf(d *health.Drift) []windowDocument {
	out := make([]windowDocument, 0, len(d.Windows))
	for _, w := range d.Windows {
		out = append(out, windowDocument{w.End.UTC().Format(time.RFC3339), health.Num(w.N), finite(w.PSIAdj)})
	}
	return out
}

// finite is null for what is not known or no number.
func finite(v *float64) *float64 {
	if v == nil {
		return nil
	}
	return health.Num(*v)
}
