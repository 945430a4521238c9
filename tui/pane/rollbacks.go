package pane

import (
	"strings"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name:  "rollbacks",
		Title: func(Input) string { return "ROLLBACKS" },
		Draw: func(in Input, w, h int) []string {
			ids := rollbackIDs(in)
			return rollbacksPage(in, w, ids).cutAt(selectedIndex(in, ids), h)
		},
		Items: rollbackIDs,
		Extent: func(in Input, w, h int) Extent {
			ids := rollbackIDs(in)
			return rollbacksPage(in, w, ids).extentAt(selectedIndex(in, ids), h)
		},
	})
}

func rollbackIDs(in Input) []string {
	var ids []string
	for _, r := range rollbacks(in) {
		ids = append(ids, r.ID)
	}
	return ids
}

func rollbacks(in Input) []health.Rollback {
	var out []health.Rollback
	for _, r := range in.Snap.Rollbacks {
		if matches(in.State.Filter, r.Target, r.By, r.Reason, string(r.State)) {
			out = append(out, r)
		}
	}
	return out
}

func rollbacksPage(in Input, w int, ids []string) *page {
	p := newPage(in, w)
	if len(in.Snap.Rollbacks) == 0 {
		p.wrap(themes.Faint, 1, "sickbay has rolled nothing back")
	}
	for i, op := range rollbacks(in) {
		p.begin()
		p.operation(op, i == selectedIndex(in, ids))
	}
	return p
}

func (p *page) operation(op health.Rollback, selected bool) {
	p.line(func(r *row) {
		name := cursor(p.in, r, selected)
		r.put(themes.Faint, clock(p.in, op.At)).gap(1).put(opRole(op.State), string(op.State)).gap(2).
			put(name, op.Target).gap(1).put(themes.Text, health.FromTo(op.From, op.To))
	})
	if text := besideReadings(op); text != "" {
		p.wrap(themes.Text, 3, text)
	}
	for _, v := range op.Readings {
		p.wrap(themes.Text, 3, readingWords(v))
	}
	p.wrap(themes.Faint, 3, "by "+op.Whose()+": "+op.Reason)
	for _, t := range op.Told {
		switch {
		case t.Err != "":
			p.wrap(themes.Warn, 3, t.Who+" could not be told: "+t.Err)
		case t.Done:
			p.wrap(themes.Faint, 3, "told "+t.Who)
		}
	}
}

// besideReadings is the newest word on an operation, without what its readings say
// with more words below it: of that only a loss that comes behind a dash is left.
func besideReadings(op health.Rollback) string {
	if len(op.Readings) == 0 || !strings.HasPrefix(op.Text, op.Readings[0].Symptom.Title+" ") {
		return op.Text
	}
	_, loss, _ := strings.Cut(op.Text, " — ")
	return loss
}

// opRole is calm only where something is proved.
func opRole(s health.OpState) themes.Role {
	switch {
	case s == health.OpRecovered:
		return themes.OK
	case !s.Ended():
		return themes.Accent
	case s == health.OpNotRecovered || s == health.OpPartial:
		return themes.Critical
	}
	return themes.Warn
}

// readingWords is "refusals was 8.0 %, now 0.9 %, limit 2.0 %: well".
func readingWords(v health.Reading) string {
	s := v.Symptom
	if v.Proof != nil {
		return s.Title + " " + proofWords(*v.Proof)
	}
	words := s.Title + " was " + health.Format(s.Unit, s.Value) + ", "
	limit := ", limit " + health.Format(s.Unit, s.Limit)
	switch {
	case !v.Known:
		return words + "nothing newer than the rollback yet" + limit
	case v.Within():
		return words + "now " + health.Format(s.Unit, v.Value) + limit + ": well"
	}
	return words + "now " + health.Format(s.Unit, v.Value) + limit + ": still ill"
}

// proofWords is what counting requests has come to: "8.1 % of 1,204 before, 0.9 % of
// 240 since, normal up to 1.7 %: verified".
func proofWords(p health.Proof) string {
	if !p.Enough() {
		return "unproven: " + health.Format(health.Count, p.After.N) + " of " + health.Format(health.Count, float64(p.Need)) + " requests since"
	}
	words := health.Format(health.Ratio, p.Before.Share()) + " of " + health.Format(health.Count, p.Before.N) + " before, " +
		health.Format(health.Ratio, p.After.Share()) + " of " + health.Format(health.Count, p.After.N) + " since, normal up to " + health.Format(health.Ratio, p.Limit)
	switch {
	case p.Verified():
		return words + ": verified"
	case p.Improved:
		return words + ": improved, and not as before the incident"
	}
	return words + ": not improved"
}
