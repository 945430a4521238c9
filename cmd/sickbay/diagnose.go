package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"sickbay/health"
	"sickbay/packs"
	"sickbay/sources"
)

// A diagnosis collects remarks. It asks the sources again about what is missing.
type diagnosis struct {
	ctx     context.Context
	snap    *health.Snapshot
	house   *house
	names   map[string][]string // of metrics, by source
	unnamed map[string]error    // sources that would not list theirs
	remarks []remark
}

// diagnose says of everything a screen would show whether it will be there.
func diagnose(ctx context.Context, s *health.Snapshot, h *house) []remark {
	d := &diagnosis{ctx: ctx, snap: s, house: h, names: map[string][]string{}, unnamed: map[string]error{}}
	for _, src := range h.sources {
		if n, ok := src.(sources.Names); ok {
			list, err := n.MetricNames(ctx, s.At)
			if d.names[src.Name()] = list; err != nil {
				d.unnamed[src.Name()] = err
			}
		}
	}
	d.sources()
	d.packs()
	d.strangers()
	d.services()
	d.views()
	return d.remarks
}

func (d *diagnosis) say(what, name string, works bool, text string) {
	d.remarks = append(d.remarks, remark{What: what, Name: name, Works: works, Text: text})
}

func (d *diagnosis) fail(what, name, text string) {
	d.remarks = append(d.remarks, remark{What: what, Name: name, Text: text, Broken: true})
}

func (d *diagnosis) sources() {
	for _, src := range d.snap.Sources {
		about := strings.TrimSpace(fmt.Sprintf("%s %s %s", src.Kind, src.Where, src.Version))
		switch {
		case !src.OK:
			d.fail("source", src.Name, about+": "+complaint(src))
		case src.Log:
			d.say("source", src.Name, true, fmt.Sprintf("%s, %s", about, counted(src)))
		default:
			d.say("source", src.Name, true, about+skewed(src))
		}
	}
}

// counted is what came of a log.
func counted(src health.SourceState) string {
	text := fmt.Sprintf("%d lines, %d of them not understood, %d dropped", src.Lines, src.BadLines, src.Dropped)
	if src.Behind > 0 {
		text += fmt.Sprintf(", %s not read yet", health.Format(health.Bytes, float64(src.Behind)))
	}
	if src.Lag != nil {
		text += ", lag " + health.Format(health.Seconds, *src.Lag)
	}
	return text
}

// skewed warns of clocks that differ: ages and onsets are wrong by as much.
func skewed(src health.SourceState) string {
	if src.Skew.Abs().Seconds() < 5 {
		return ""
	}
	return fmt.Sprintf("; its clock and ours differ by %s: ages are wrong by as much", health.Ago(src.Skew.Abs()))
}

// packs says which packs see services, and which of the others nearly would.
func (d *diagnosis) packs() {
	seen := map[string][]string{}
	for _, v := range d.snap.Services {
		for _, id := range v.Packs {
			seen[id] = append(seen[id], v.Name)
		}
	}
	for _, p := range d.house.cfg.Packs {
		services, found := seen[p.ID]
		if found {
			d.say("pack", p.ID, true, fmt.Sprintf("sees %d services: %s", len(services), strings.Join(services[:min(len(services), 5)], ", ")))
			continue
		}
		for source, names := range d.names {
			for _, metric := range p.Metrics() {
				if slices.Contains(names, metric) {
					d.say("pack", p.ID, false, fmt.Sprintf("%s has %s, but none of its series has a label that names a service (%s)",
						source, metric, strings.Join(p.Identity, ", ")))
				}
			}
		}
	}
}

// strangersShown bounds how many look-alikes are named.
const strangersShown = 10

// strangers are metrics that no pack knows and that look like what a pack knows: an
// exporter sickbay has no pack for.
func (d *diagnosis) strangers() {
	owner := map[string]string{} // of families
	for _, p := range d.house.cfg.Packs {
		for _, m := range p.Reads() {
			owner[packs.Family(m)] = p.ID
		}
	}
	known := make([]string, 0, len(owner))
	for m := range owner {
		known = append(known, m)
	}
	sort.Strings(known)
	seen := map[string]bool{}
	for _, names := range d.names {
		for _, name := range names {
			name = packs.Family(name)
			if owner[name] != "" || seen[name] || len(seen) >= strangersShown {
				continue
			}
			if like := packs.Similar(name, known); like != "" {
				seen[name] = true
				d.say("metric", name, false, fmt.Sprintf("no pack knows it; it looks like %s of pack %s: a pack of your own could map it (sickbay packs %s)", like, owner[like], owner[like]))
			}
		}
	}
}

func (d *diagnosis) services() {
	if len(d.snap.Services) == 0 {
		d.say("service", "(none)", false, "no metric of any pack is there: sickbay packs lists what would be recognised")
	}
	for _, v := range d.snap.Services {
		text := fmt.Sprintf("%s, seen by %s", v.Kind, strings.Join(v.Packs, ", "))
		if r := v.Replicas; r.Most > 0 && r.Now < r.Most {
			text += fmt.Sprintf("; %d of %d replicas report", r.Now, r.Most)
		}
		if !v.Gone.IsZero() {
			text += "; gone since " + v.Gone.Format("15:04")
		}
		d.say("service", v.Name, v.Gone.IsZero(), text)
		golden := packs.Golden(v.Kind)
		for _, sig := range v.Signals {
			if sig.State != health.Absent || slices.Contains(golden, sig.ID) { // what is usual of other kinds is not missed
				d.signal(v, sig)
			}
		}
		for _, t := range v.Targets {
			if t.Blocked != "" {
				d.fail("target", t.Name, t.Blocked)
				continue
			}
			d.say("target", t.Name, true, fmt.Sprintf("%s, runs %s, %d versions to go back to", t.Driver, t.Current, len(t.Previous)))
		}
	}
}

func (d *diagnosis) signal(v health.Service, sig health.Signal) {
	name := v.Name + " " + sig.ID
	switch {
	case sig.State == health.Fresh || sig.State == health.Partial && sig.Note == "":
		d.say("signal", name, true, health.Format(sig.Unit, sig.Value)+" ("+sig.Pack+")")
	case sig.State == health.Absent:
		d.say("signal", name, false, d.whyAbsent(v, sig))
	case sig.State == health.NaN:
		d.say("signal", name, false, "not a number: usually nothing was divided by nothing, there is no traffic")
	default:
		d.say("signal", name, sig.State == health.Partial, strings.TrimSuffix(sig.State.String()+": "+sig.Note, ": "))
	}
}

// whyAbsent finds out what of a query is missing, and what there is instead.
func (d *diagnosis) whyAbsent(v health.Service, sig health.Signal) string {
	if err := d.unnamed[sig.Source]; err != nil {
		return "no sample; what exists cannot be listed: " + err.Error()
	}
	metrics := packs.MetricsOf(sig.Query)
	var have []string
	for _, m := range metrics {
		if slices.Contains(d.names[sig.Source], m) {
			have = append(have, m)
		}
	}
	if len(have) == 0 {
		text := "no metric is called " + strings.Join(metrics, " or ")
		for _, m := range metrics {
			if like := packs.Similar(m, d.names[sig.Source]); like != "" {
				return text + "; most like it is " + like
			}
		}
		return text
	}
	return d.whySilent(v, sig, have[0])
}

// whySilent says why a metric that exists says nothing about a service.
func (d *diagnosis) whySilent(v health.Service, sig health.Signal, metric string) string {
	for _, src := range d.house.sources {
		m, ok := src.(sources.Metrics)
		if !ok || src.Name() != sig.Source {
			continue
		}
		a, err := m.Instant(d.ctx, "count({__name__="+inQuotes(metric)+"})", d.snap.At)
		switch {
		case errors.Is(err, sources.ErrRefused):
			return metric + " may not be read: " + err.Error()
		case err != nil:
			return err.Error()
		case len(a.Series) == 0:
			return metric + " has had no sample for 5 m"
		}
	}
	return metric + " is there, but not for " + v.Name + ": its series lack the label or this service does not count it"
}

func inQuotes(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// views says which views will be empty, and what would fill them.
func (d *diagnosis) views() {
	has := func(kind string) bool {
		return slices.ContainsFunc(d.snap.Sources, func(s health.SourceState) bool { return s.Kind == kind && s.OK })
	}
	comparisons := 0
	for _, v := range d.snap.Services {
		comparisons += len(v.Drift)
	}
	d.say("view", "overview", len(d.snap.Services) > 0, fmt.Sprintf("%d services", len(d.snap.Services)))
	d.say("view", "drift", comparisons > 0, fmt.Sprintf("%d comparisons of distributions and exported scores", comparisons))
	if has("file") {
		d.say("view", "failures", true, fmt.Sprintf("%d groups in the last %s", len(d.snap.Failures), health.Span(d.snap.Window)))
	} else {
		d.say("view", "failures", false, "no log source: --logs GLOB, or a [[source]] of kind \"file\"")
	}
	if has("feed") {
		d.say("view", "changes", true, fmt.Sprintf("%d changes", len(d.snap.Changes)))
	} else {
		d.say("view", "changes", false, "no feed of changes: a [[source]] of kind \"feed\"; without it nothing can be suspected")
	}
	d.say("view", "alerts", true, fmt.Sprintf("%d pending or firing", len(d.snap.Alerts)))
	switch {
	case d.house.noDesk != nil:
		d.fail("view", "journal", d.house.noDesk.Error())
	case !d.house.cfg.Write:
		d.say("view", "journal", true, "read-only: rollbacks and notes need --write")
	default:
		d.say("view", "journal", true, d.house.journal)
	}
}
