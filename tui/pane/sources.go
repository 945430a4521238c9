package pane

import (
	"fmt"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name:    "sources",
		Title:   sourcesTitle,
		Draw:    drawSources,
		Items:   sourceIDs,
		Explain: explainSource,
	})
}

func sourcesTitle(in Input) string {
	ill := 0
	for _, s := range in.Snap.Sources {
		if !s.OK {
			ill++
		}
	}
	if ill == 0 {
		return fmt.Sprintf("SOURCES  %d", len(in.Snap.Sources))
	}
	return fmt.Sprintf("SOURCES  %d, %d not answering", len(in.Snap.Sources), ill)
}

func shownSources(in Input) []*health.SourceState {
	var out []*health.SourceState
	for i := range in.Snap.Sources {
		if s := &in.Snap.Sources[i]; matches(in.State.Filter, s.Name, s.Kind, s.Where, s.Error) {
			out = append(out, s)
		}
	}
	return out
}

func sourceIDs(in Input) []string {
	var ids []string
	for _, s := range shownSources(in) {
		ids = append(ids, s.Name)
	}
	return ids
}

func drawSources(in Input, w, h int) []string {
	if len(in.Snap.Sources) == 0 {
		return sheet(in, w, h, "no source is configured: sickbay --prometheus URL --logs GLOB")
	}
	ids := sourceIDs(in)
	p := newPage(in, w)
	p.line(func(r *row) {
		r.gap(3).col(themes.Title, "SOURCE", 12).gap(1).col(themes.Title, "KIND", 10).gap(1).right(themes.Title, "AGE", 8).gap(1).
			right(themes.Title, "TOOK", 7).gap(2).put(themes.Title, "SAYS")
	})
	for i, s := range shownSources(in) {
		p.begin()
		p.source(s, i == selectedIndex(in, ids))
	}
	p.begin()
	p.blank()
	p.load()
	return p.cutAt(selectedIndex(in, ids), h)
}

func (p *page) source(s *health.SourceState, selected bool) {
	says := 45 // below its title
	if p.w < says+24 {
		says = 5
	}
	lead := func(r *row) {
		name, status := cursor(p.in, r, selected), sourceStatus(s)
		age := "never"
		if !s.At.IsZero() {
			age = ago(p.in, s.At)
		}
		r.put(roleOf(status), sign(p.in.Look, status)).gap(1).col(name, s.Name, 12).gap(1).col(themes.Text, s.Kind, 10).gap(1).
			right(themes.Text, age, 8).gap(1).right(themes.Text, took(s.Took), 7)
	}
	if says == 5 {
		p.line(lead)
		lead = nil
	}
	p.hang(themes.Text, says, says, lead, saying(s))
	if s.Where != "" {
		p.wrap(themes.Faint, 5, s.Where)
	}
	if s.Error != "" {
		p.wrap(themes.Critical, 5, s.Error)
	}
	for _, t := range s.Warnings {
		p.wrap(themes.Warn, 5, t)
	}
	if s.Note != "" {
		p.wrap(themes.Faint, 5, s.Note)
	}
}

func sourceStatus(s *health.SourceState) health.Status {
	switch {
	case !s.OK && s.At.IsZero() && s.Error == "":
		return health.Unknown // it has not answered yet, and has not failed either
	case !s.OK:
		return health.Critical
	case len(s.Warnings) > 0:
		return health.Warn
	}
	return health.OK
}

func took(d time.Duration) string {
	if d <= 0 {
		return "–"
	}
	return health.Format(health.Seconds, d.Seconds())
}

// saying is what a source has brought: answers or lines, and what of it was lost.
func saying(s *health.SourceState) string {
	var parts []string
	add := func(yes bool, format string, args ...any) {
		if yes {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(s.Version != "", "version %s", s.Version)
	add(s.Asked > 0, "asked %s", count(float64(s.Asked)))
	add(s.Failed > 0, "failed %s", count(float64(s.Failed)))
	if s.Log {
		parts = append(parts, following(s)...)
	}
	add(s.Bytes > 0, "%s", health.Format(health.Bytes, float64(s.Bytes)))
	add(s.Skew.Abs() >= time.Second, "clock %s", skewWords(s.Skew))
	return strings.Join(parts, ", ")
}

// following is what is said of a log: how much came, how fast, how late, and what is
// missing of it.
func following(s *health.SourceState) []string {
	parts := []string{fmt.Sprintf("%s lines", count(float64(s.Lines)))}
	switch {
	case s.Reading && s.Behind > 0:
		parts = append(parts, health.Format(health.Bytes, float64(s.Behind))+" of history to go")
	case s.Reading:
		parts = append(parts, "reading")
	default:
		parts = append(parts, count(s.LinesPerSecond)+"/s")
	}
	if s.Lag != nil {
		parts = append(parts, "lag "+health.Format(health.Seconds, *s.Lag))
	}
	if s.Behind > 0 && !s.Reading {
		parts = append(parts, health.Format(health.Bytes, float64(s.Behind))+" behind")
	}
	parts = append(parts, count(float64(s.Dropped))+" dropped")
	if s.BadLines > 0 {
		parts = append(parts, count(float64(s.BadLines))+" not readable")
	}
	return parts
}

func skewWords(d time.Duration) string {
	if d < 0 {
		return health.Ago(-d) + " behind ours"
	}
	return health.Ago(d) + " ahead of ours"
}

// load is what sickbay itself costs.
func (p *page) load() {
	l := p.in.Snap.Load
	p.head("WHAT SICKBAY ITSELF COSTS THEM")
	round := fmt.Sprintf("%s questions, %s samples", count(float64(l.LastRound)), count(float64(l.Samples)))
	if l.RoundTook > 0 {
		round += ", took " + took(l.RoundTook)
	}
	p.fact("newest round", themes.Text, round)
	refresh := "every " + health.Ago(l.Refresh)
	if l.RefreshWhy != "" {
		refresh += ": " + l.RefreshWhy
	}
	p.fact("refresh", themes.Text, refresh)
	p.fact("since start", themes.Text, fmt.Sprintf("%s questions, %s", count(float64(l.Queries)), health.Format(health.Bytes, float64(l.Bytes))))
	held := fmt.Sprintf("%s series, %s log records", count(float64(l.SeriesCached)), count(float64(l.Records)))
	if l.RecordsLost > 0 {
		held += fmt.Sprintf(", %s older ones dropped", count(float64(l.RecordsLost)))
	}
	p.fact("held", themes.Text, held)
}

func explainSource(in Input) [][2]string {
	ids := sourceIDs(in)
	if len(ids) == 0 {
		return nil
	}
	s := shownSources(in)[selectedIndex(in, ids)]
	out := [][2]string{{"source", s.Name}, {"kind", s.Kind}, {"where", s.Where}, {"version", orDash(s.Version)}}
	if s.At.IsZero() {
		out = append(out, [2]string{"newest", "it has never answered"})
	} else {
		out = append(out, [2]string{"newest", ago(in, s.At) + " ago"})
	}
	out = append(out, [2]string{"brought", saying(s)}, [2]string{"clock", skewWords(s.Skew)})
	if s.Error != "" {
		out = append(out, [2]string{"error", s.Error})
	}
	for _, t := range s.Warnings {
		out = append(out, [2]string{"warning", t})
	}
	return out
}
