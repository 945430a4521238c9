package pane

import (
	"math"
	"strings"

	"sickbay/health"
	"sickbay/themes"
)

// A run is the tool calls of a request, as far as they have been drawn. Nobody logs
// when each began: they are laid end to end.
type run struct{ done, all float64 } // seconds

func newRun(calls []health.ToolCall) *run {
	r := &run{}
	for _, c := range calls {
		r.all += tookOf(c)
	}
	return r
}

// tookOf is how long a call took in seconds, 0 where it is not known.
func tookOf(c health.ToolCall) float64 {
	if c.Duration == nil || !(*c.Duration > 0) || *c.Duration > longestTrace.Seconds() {
		return 0
	}
	return *c.Duration
}

const (
	stepBar  = 24 // cells of the bar behind a call
	stepRoom = 70 // a row has to have for it
)

// bar draws behind a call, or several, which part of the run they are, where there
// is room for it.
func (s *run) bar(row *row, calls []health.ToolCall) {
	from := s.done
	for _, c := range calls {
		s.done += tookOf(c)
	}
	begin := row.w - stepBar - 1
	if s.all <= 0 || s.done == from || row.w < stepRoom || row.used+2 > begin {
		return
	}
	a := min(int(math.Round(from/s.all*stepBar)), stepBar-1)
	n := max(int(math.Round(s.done/s.all*stepBar))-a, 1)
	row.to(begin+a).own(themes.Line2, strings.Repeat(row.look.Glyph("━", "#"), n), n)
}
