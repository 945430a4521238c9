package engine

import (
	"slices"
	"time"

	"sickbay/health"
	"sickbay/packs"
)

// The past of the services themselves: what signals nobody set limits for were at
// this hour of earlier days. It is asked for once an hour, an hour ahead, coarsely,
// one question per signal and day for all services together, and last of all.
const (
	historyStep  = 5 * time.Minute
	historyChunk = time.Hour       // what is asked for ends at a full one, after now
	historyRetry = 5 * time.Minute // what was not answered is asked for again then
)

// historyDays are how many days back to look: three days in a row, and the same day
// of the week. Of a server that holds nothing of one the next is not asked for.
var historyDays = []int{1, 2, 3, 7}

// historyEnd is the end of the stretch of a day that a judgement at a time needs.
func historyEnd(at time.Time, day int) time.Time {
	return at.AddDate(0, 0, -day).Truncate(historyChunk).Add(historyChunk)
}

// historyQuestions asks for what is missing of earlier days, day by day.
func (e *Engine) historyQuestions(a *asked, m moment, now time.Time) []question {
	var qs []question
	at := e.endOf(m, historyStep)
	for _, f := range e.foundAt(a, m) {
		for _, s := range f.Pack.Signals {
			if !e.heldAgainstPast(f, s) {
				continue
			}
			for _, day := range historyDays {
				end := historyEnd(at, day)
				want := span{end.Add(-historyChunk - e.o.Base).Truncate(historyStep), end}
				key := frameKey{a.state.Name, e.expand(s.Query, f, historyStep), historyStep, end}
				fr := e.frame(key, now)
				if fr.to.IsZero() {
					if now.Sub(fr.dug) >= historyRetry {
						qs = append(qs, question{what: aRange, to: a, frame: key, span: want, past: true, again: !fr.dug.IsZero()})
					}
					break
				}
				if !fr.holds() {
					break
				}
			}
		}
	}
	return qs
}

// holds says whether there is any point.
func (f *frame) holds() bool {
	for _, l := range f.series {
		if len(l.points) > 0 {
			return true
		}
	}
	return false
}

// heldAgainstPast says whether a signal is judged by what it usually is: always
// asked for, bad in one direction, and somebody who has it has no limits for it.
func (e *Engine) heldAgainstPast(f packs.Found, s packs.Signal) bool {
	d, _ := packs.Lookup(s.ID)
	if s.Detail || d.Bad == health.Neutral && s.Bad == "" || s.Warn != nil || s.Critical != nil || d.Why != "" {
		return false
	}
	limited := map[string]bool{} // labels of those who have limits, or do not want to see it
	for _, o := range e.o.Services {
		if l := o.Limits[s.ID]; l.Warn != nil || l.Critical != nil || slices.Contains(o.Hide, s.ID) {
			limited[o.Name] = true
			for _, label := range o.Match {
				limited[label] = true
			}
		}
	}
	return slices.ContainsFunc(f.Services, func(label string) bool { return !limited[label] })
}

// past is what triage asks of earlier days: the points of each that is held, or
// nothing while they have not come.
func (e *Engine) past(services []health.Service, m moment) func(service, signal string) [][]health.Point {
	index := make(map[string]int, len(services))
	for i, s := range services {
		index[s.Name] = i
	}
	at := e.endOf(m, historyStep)
	return func(service, signal string) [][]health.Point {
		i, known := index[service]
		if !known {
			return nil
		}
		sig := services[i].Signal(signal)
		labels := e.labelsOf(service)
		var days [][]health.Point
		for _, day := range historyDays {
			end := historyEnd(at, day)
			for _, chunk := range []time.Time{end, end.Add(-historyChunk)} { // the one before, until this one has come
				if ps := e.seriesOf(&sig, labels, m, historyStep, chunk, time.Time{}, end); len(ps) > 0 {
					days = append(days, ps)
					break
				}
			}
		}
		return days
	}
}
