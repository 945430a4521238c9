package drift

import (
	"maps"
	"time"
)

// An Item is one signal at one look.
type Item struct {
	Key     string        // names the signal: unique among the items, the same at every look
	Current Cells         // the window that is judged
	Earlier []Cells       // reference windows in any order: one gives a level, MinBand of them a band
	Window  time.Duration // length of Current: a quarter of it is how long a level must hold; 0: not at all
	Bad     []string      // categories whose growth is bad, each judged by Rate besides
	Limits  Options       // thresholds of this signal, but for Alpha; zero fields: those given to Judge
}

// A Verdict is what is said about an Item.
type Verdict struct {
	Key string
	Evaluation
	Adjusted   float64   // p after Holm over everything judged at this look
	Level      Level     // to be shown: Now, after it held; LevelPending until then
	Now        Level     // of this look alone
	Since      time.Time // the look since which it is pending, warn or critical; else zero
	Clearing   bool      // Level stands although Now is below it: that has not held yet
	Rates      []Rate    // as Item.Bad
	Detectable float64   // see Detectable
}

// minFamily is the least number of comparisons a look counts for. Alone, a signal
// would be found different once in a hundred looks at Alpha, and a look is taken
// every minute; among twenty it is once in two thousand.
const minFamily = 20

// Judge judges all items of one look together. A comparison is at warn or critical
// when its p is at most Alpha after Holm over all of them, its effect matters, and
// it is outside of its Band; and it is shown so when this was true at every look
// for a quarter of the window. It goes the same way.
//
// A look without a verdict (too few requests) shows that, and neither confirms nor
// clears anything. Memory of what was not judged for a whole window is forgotten, as
// when time runs backwards. Judge keeps no argument and changes none.
func Judge(items []Item, mem Memory, now time.Time, o Options) ([]Verdict, Memory) {
	verdicts := make([]Verdict, len(items))
	for i, it := range items {
		verdicts[i] = it.evaluate()
	}
	adjust(verdicts)
	next := mem.kept(now)
	alpha := o.withDefaults().Alpha
	for i, it := range items {
		v := &verdicts[i]
		limits := it.Limits.or(o).withDefaults()
		limits.Alpha = alpha
		v.decide(limits)
		next.signals[it.Key] = v.hold(next.signals[it.Key], now, it.Window)
	}
	return verdicts, next
}

// evaluate computes everything that needs no other item.
func (it Item) evaluate() Verdict {
	b, fits := together(append([]Cells{it.Current}, it.Earlier...))
	v := Verdict{Key: it.Key, Evaluation: b.evaluate(fits), Adjusted: 1}
	v.Detectable = Detectable(v.Result.NRef, v.Result.NCur)
	for i, w := range v.Windows {
		if w.Odd {
			b.counts[i+1] = nil
		}
	}
	v.Rates = b.rates(it.Bad)
	return v
}

// adjust applies Holm to the p-values of everything that has a verdict.
func adjust(verdicts []Verdict) {
	var ps []*float64
	for i := range verdicts {
		v := &verdicts[i]
		if v.Result.State == OK {
			v.Adjusted = v.Result.P
			ps = append(ps, &v.Adjusted)
		}
		for j := range v.Rates {
			if r := &v.Rates[j]; r.State == OK {
				ps = append(ps, &r.Adjusted)
			}
		}
	}
	family := make([]float64, max(len(ps), minFamily))
	for i := range family {
		family[i] = 1
		if i < len(ps) {
			family[i] = *ps[i]
		}
	}
	adjusted := Holm(family)
	for i, p := range ps {
		*p = adjusted[i]
	}
}

// decide fills what this look alone says.
func (v *Verdict) decide(o Options) {
	v.Now = Level(v.Result.State)
	if v.Result.State == OK {
		v.Now = o.level(v.Result, v.Adjusted)
		if severity(v.Now) > 0 && v.Band.Inside {
			v.Now = LevelSmall
		}
	}
	for i := range v.Rates {
		r := &v.Rates[i]
		r.Level = o.rateLevel(*r)
		// A rare outcome may be the only thing that can be judged: all else is in one cell.
		if severity(r.Level) > severity(v.Now) {
			v.Now = r.Level
		}
	}
}

// severity orders the levels that are alarms.
func severity(l Level) int {
	switch l {
	case LevelWarn:
		return 1
	case LevelCritical:
		return 2
	}
	return 0
}

// judged says whether the look counts for holding and clearing. Where everything is
// in one cell, then as now, nothing moved for certain.
func (v *Verdict) judged() bool {
	return v.Result.State == OK || v.Result.State == SingleCell || severity(v.Now) > 0
}

// hold compares this look with those before, fills what is shown, and returns
// what to remember.
func (v *Verdict) hold(h held, now time.Time, window time.Duration) held {
	v.Level = v.Now
	if !v.judged() {
		h.warn.since, h.critical.since = time.Time{}, time.Time{}
		return h
	}
	h.looked, h.window = now, window
	h.warn = h.warn.look(severity(v.Now) >= 1, now, window/4)
	h.critical = h.critical.look(severity(v.Now) >= 2, now, window/4)
	switch {
	case h.critical.on:
		v.Level, v.Since = LevelCritical, h.warn.began
	case h.warn.on:
		v.Level, v.Since = LevelWarn, h.warn.began
	case h.warn.over:
		v.Level, v.Since = LevelPending, h.warn.since
	}
	v.Clearing = severity(v.Level) > severity(v.Now)
	return h
}

// Memory is what Judge remembers of earlier looks. The zero value remembers
// nothing and is ready.
type Memory struct{ signals map[string]held }

// held is the memory of one signal.
type held struct {
	looked         time.Time // of the last look with a verdict
	window         time.Duration
	warn, critical bar
}

// kept copies what is not out of date.
func (m Memory) kept(now time.Time) Memory {
	next := Memory{maps.Clone(m.signals)}
	if next.signals == nil {
		next.signals = map[string]held{}
	}
	maps.DeleteFunc(next.signals, func(_ string, h held) bool {
		return now.Before(h.looked) || now.Sub(h.looked) > h.window
	})
	return next
}

// A bar is a threshold that must be passed for a while before it counts.
type bar struct {
	over  bool      // at the last look
	since time.Time // of the first look of this kind; zero: there was none
	on    bool
	began time.Time // the first look of those that put it on
}

func (b bar) look(over bool, now time.Time, hold time.Duration) bar {
	if b.since.IsZero() || over != b.over {
		b.over, b.since = over, now
	}
	switch held := now.Sub(b.since) >= hold; {
	case held && over && !b.on:
		b.on, b.began = true, b.since
	case held && !over:
		b.on, b.began = false, time.Time{}
	}
	return b
}
