package pane

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sickbay/health"
	"sickbay/themes"
)

// A DriftRow is one comparison of one service, as tables show it.
type DriftRow struct {
	Of *health.Service
	*health.Drift
	rank int // by consequence, the worst 0
}

// Drifts are the comparisons of all services, what matters most first: shifts whose
// outcome moved, then shifts by size, then what must last, what is small, what other
// tools say, and what cannot be told. A score of another tool stands in the row of
// the comparison of the same thing, and in one of its own if there is none.
func Drifts(snap *health.Snapshot) []DriftRow {
	var all []DriftRow
	for i := range snap.Services {
		s := &snap.Services[i]
		own := compared(s)
		for j := range s.Drift {
			if d := &s.Drift[j]; d.Kind != "exported" || !own[d.Key()] {
				all = append(all, DriftRow{s, d, consequence(s, d)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b DriftRow) int {
		if a.rank != b.rank {
			return cmp.Compare(a.rank, b.rank)
		}
		if a.rank <= rankPending { // the others stay where they are, however their scores tremble
			if c := cmp.Compare(b.shift(), a.shift()); c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(a.Of.Name, b.Of.Name), cmp.Compare(a.Signal, b.Signal), cmp.Compare(a.Feature, b.Feature), cmp.Compare(a.Tool, b.Tool))
	})
	return all
}

// compared are the keys of what sickbay compares itself, where others do as well.
func compared(s *health.Service) map[string]bool {
	others := false
	for i := range s.Drift {
		others = others || s.Drift[i].Kind == "exported"
	}
	if !others {
		return nil
	}
	own := make(map[string]bool, len(s.Drift))
	for i := range s.Drift {
		if d := &s.Drift[i]; d.Kind != "exported" {
			own[d.Key()] = true
		}
	}
	return own
}

// The ranks of consequence.
const (
	rankHurts = iota // a large shift, and the outcome or the quality is ill
	rankLarge
	rankShift
	rankPending
	rankSmall
	rankExported
	rankUntold
	rankOK
	rankNothing // there is no distribution: one value only, or none
)

func consequence(s *health.Service, d *health.Drift) int {
	if d.Kind == "exported" {
		return rankExported
	}
	switch d.Level {
	case "critical":
		if hurt(s) {
			return rankHurts
		}
		return rankLarge
	case "warn":
		return rankShift
	case "pending":
		return rankPending
	case "small":
		return rankSmall
	case "ok":
		return rankOK
	case "single_cell", "no_data":
		return rankNothing
	}
	return rankUntold
}

// hurt says whether what a service is for is ill: its outcome, or its quality.
func hurt(s *health.Service) bool {
	for i := range s.Signals {
		v := &s.Signals[i]
		if (v.Group == "outcome" || v.Group == "quality") && (v.Status == health.Warn || v.Status == health.Critical) {
			return true
		}
	}
	return false
}

// ID tells a row from all others of a snapshot.
func (r DriftRow) ID() string { return r.Of.Name + "\x00" + DriftID(*r.Drift) }

// What is what is compared: "feature amount", "answer length".
func (r DriftRow) What() string {
	if r.Feature == "" {
		return r.Signal
	}
	return r.Signal + " " + r.Feature
}

// shortly is What without what goes without saying.
func (r DriftRow) shortly() string {
	if r.Signal == "feature" && r.Feature != "" {
		return r.Feature
	}
	return r.What()
}

// shift is the score by which rows are ordered, as far as it is shown.
func (r DriftRow) shift() float64 {
	for _, v := range []*float64{r.PSIAdj, r.Score} {
		if v != nil && *v == *v {
			return float64(int64(min(max(*v, 0), 1e6)*100 + 0.5))
		}
	}
	return -1
}

// Shift is the score: sickbay's PSI, or what another tool exports.
func (r DriftRow) Shift() string {
	switch {
	case r.Level == "insufficient":
		return "–"
	case r.PSIAdj != nil:
		return health.PSI(*r.PSIAdj)
	case r.Score != nil:
		return health.PSI(*r.Score)
	}
	return "–"
}

// Interval is "0.11–0.21": where the score lies with 95 % certainty.
func (r DriftRow) Interval() string {
	if r.Low == nil || r.High == nil || r.Level == "insufficient" {
		return ""
	}
	return health.PSI(*r.Low) + "–" + health.PSI(*r.High)
}

// Counted is how many were compared, then and now; nobody says that of a score of
// another tool.
func (r DriftRow) Counted() string {
	if r.Kind == "exported" && r.NRef == 0 && r.NCur == 0 {
		return "–"
	}
	return health.Rough(r.NRef) + "/" + health.Rough(r.NCur)
}

// Words is the level in words, short enough for a column; an exported score says
// who computed it.
func (r DriftRow) Words() string {
	if r.Kind == "exported" {
		if r.Tool == "" {
			return "by another tool, not judged here"
		}
		return "by " + r.Tool + ", not judged here"
	}
	if w, ok := driftWords[r.Level]; ok {
		return w
	}
	return r.Level
}

// driftWords say the levels. "critical" is of the shift, which alone makes no
// service critical.
var driftWords = map[string]string{
	"ok": "ok", "small": "small", "warn": "shift", "critical": "large shift", "pending": "must last", "insufficient": "too few",
	"no_data": "no data", "no_reference": "no reference", "no_current": "nothing now", "incompatible_layout": "other cells", "single_cell": "one value",
}

// driftMeaning is what a level means, where its word alone does not say it.
var driftMeaning = map[string]string{
	"ok":                  "ok: no shift is certain",
	"stale":               "stale: this is what was known last",
	"small":               "small: certain, and too small to matter",
	"pending":             "must last to be a shift",
	"no_data":             "no data: nothing was measured, then or now",
	"no_reference":        "no reference: nothing was measured then",
	"no_current":          "nothing is measured now",
	"incompatible_layout": "the cells of then and now have no bounds in common",
	"single_cell":         "one value only, then and now: there is nothing to compare",
}

// Sentences are sentences about the level, the longest first.
func (r DriftRow) Sentences() []string {
	if r.Level == "insufficient" && r.Kind != "exported" {
		if d := r.Detectable; d != nil && r.Kind != "categorical" && *d > 0 && *d < 1e3 {
			sigma := strings.TrimSuffix(fmt.Sprintf("%.1f", *d), ".0")
			return []string{
				"too few requests: shifts under " + sigma + " sigma cannot be seen",
				"too few: under " + sigma + " sigma unseen",
				"too few",
			}
		}
		return []string{"too few requests to tell", "too few"}
	}
	if m, ok := driftMeaning[r.Level]; ok && r.Kind != "exported" {
		return []string{m, r.Words()}
	}
	return []string{r.Words()}
}

// Others is what other tools say of the same thing: "evidently psi 2.16".
func (r DriftRow) Others() string {
	if r.Kind == "exported" {
		return ""
	}
	var out []string
	for i := range r.Of.Drift {
		if v := &r.Of.Drift[i]; v.Kind == "exported" && v.Signal == r.Signal && v.Feature == r.Feature {
			out = append(out, strings.TrimSpace(v.Tool+" "+number(health.Score, v.Score)))
		}
	}
	return strings.Join(out, ", ")
}

// Moved says whether the row is, or is about to be, a shift.
func (r DriftRow) Moved() bool { return r.rank <= rankPending }

// since is when the shift began, for a column.
func (r DriftRow) since(in Input) string {
	if !r.Moved() || r.Since.IsZero() {
		return ""
	}
	return moment(in, r.Since)
}

// role is the role of the verdict; what is no shift is no alarm, and what is old is
// dimmed.
func (r DriftRow) role() themes.Role {
	if r.Level == "stale" {
		return themes.Faint
	}
	if r.Status == health.Warn || r.Status == health.Critical {
		return roleOf(r.Status)
	}
	return themes.Text
}

// sign is the sign of the status; what cannot be judged, and what others judge, has
// a dot.
func (r DriftRow) sign(look *themes.Look) string {
	if r.rank >= rankExported && r.rank != rankOK || r.PSIAdj == nil {
		return look.Glyph("·", ".")
	}
	if r.rank == rankPending {
		return look.Glyph("▸", ">")
	}
	return sign(look, r.Status)
}

func (r DriftRow) signRole() themes.Role {
	if r.rank >= rankPending && r.rank != rankSmall && r.rank != rankOK || r.PSIAdj == nil {
		return themes.Faint
	}
	return roleOf(r.Status)
}
