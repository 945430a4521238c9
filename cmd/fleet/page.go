package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// epoch is when every counter of the fleet began at nothing. What is exposed is a
// function of the time since then and of nothing else: a fleet that is started
// again, or whose past is written into blocks, tells the same story.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A pulse is how busy one pod is: its day has ups and downs, but never stops.
type pulse struct{ depth, period, phase float64 }

// busy is for how many seconds of usual load a pod has worked by then. It only
// grows.
func (p pulse) busy(t float64) float64 {
	w := 2 * math.Pi / p.period
	return t + p.depth/w*(1-math.Cos(w*t+p.phase))
}

// sway is between -1 and 1.
func (p pulse) sway(t float64) float64 { return math.Sin(2*math.Pi/p.period*t + p.phase) }

// A law says how a value follows from time.
type law uint8

const (
	events law = iota // whole events so far: a of them a second
	bucket            // the share b of those events that are at most the bound
	sum               // what those events add up to: b each
	level             // about a, give or take the share b
	stands            // a
	ahead             // a seconds in the future
)

// A series is one line of the page without its value.
type series struct {
	head string // name{labels}
	of   *beat
	law  law
	a, b float64
}

// A beat is a pulse and what it says at the time that is being written.
type beat struct {
	pulse
	now, busySince, swaying float64
}

func (b *beat) at(t float64) { b.now, b.busySince, b.swaying = t, b.busy(t), b.sway(t) }

// value is what the series says at the time of its beat.
func (s *series) value() float64 {
	switch s.law {
	case events:
		return math.Floor(s.a * s.of.busySince)
	case bucket:
		return math.Floor(s.b * math.Floor(s.a*s.of.busySince))
	case sum:
		return s.b * math.Floor(s.a*s.of.busySince)
	case level:
		return s.a * (1 + s.b*s.of.swaying)
	case ahead:
		return float64(epoch.Unix()) + s.of.now + s.a
	}
	return s.a
}

// A page is all that is exposed, family by family.
type page struct {
	beats    []*beat
	families map[string]*family
	names    []string // of the families, sorted
	series   int
}

type family struct {
	kind   string // counter gauge histogram
	series []*series
}

func newPage() *page { return &page{families: map[string]*family{}} }

func (p *page) add(name, kind string, s *series) {
	f := p.families[name]
	if f == nil {
		f = &family{kind: kind}
		p.families[name] = f
		i, _ := slices.BinarySearch(p.names, name)
		p.names = slices.Insert(p.names, i, name)
	}
	f.series = append(f.series, s)
	p.series++
}

// write is one scrape at a time, in the text format.
func (p *page) write(to io.Writer, at time.Time) error {
	p.turn(at)
	w := bufio.NewWriterSize(to, 1<<16)
	var number []byte
	for _, name := range p.names {
		f := p.families[name]
		w.WriteString("# TYPE " + name + " " + f.kind + "\n")
		for _, s := range f.series {
			w.WriteString(s.head)
			number = append(appendValue(append(number[:0], ' '), s.value()), '\n')
			w.Write(number)
		}
	}
	return w.Flush()
}

// history is every scrape of a stretch of time in the OpenMetrics format, with the
// labels a server would have put to each line: what promtool makes blocks of.
func (p *page) history(to io.Writer, from, until time.Time, every time.Duration, job, instance string) error {
	w := bufio.NewWriterSize(to, 1<<20)
	scraped := fmt.Sprintf(",job=%q,instance=%q} ", job, instance)
	var line []byte
	for at := from; !at.After(until); at = at.Add(every) {
		p.turn(at)
		stamp := strconv.FormatInt(at.Unix(), 10) + "\n"
		for _, name := range p.names {
			for _, s := range p.families[name].series {
				line = append(append(line[:0], strings.TrimSuffix(s.head, "}")...), scraped...)
				line = append(append(appendValue(line, s.value()), ' '), stamp...)
				if _, err := w.Write(line); err != nil {
					return err
				}
			}
		}
	}
	w.WriteString("# EOF\n")
	return w.Flush()
}

func (p *page) turn(at time.Time) {
	t := at.Sub(epoch).Seconds()
	for _, b := range p.beats {
		b.at(t)
	}
}

// appendValue writes a number; most of them are whole.
func appendValue(to []byte, v float64) []byte {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return strconv.AppendInt(to, int64(v), 10)
	}
	return strconv.AppendFloat(to, v, 'g', 9, 64)
}

// A pod is one replica that exposes its series under labels of its own.
type pod struct {
	page   *page
	beat   *beat
	labels []string // name, value, name, value
	rate   float64  // requests a second
	ill    bool
}

// with is the pod under more labels.
func (p pod) with(more ...string) pod {
	p.labels = append(slices.Clone(p.labels), more...)
	return p
}

// head writes name{labels}.
func (p pod) head(name string, more ...string) string {
	var b strings.Builder
	b.WriteString(name + "{")
	pairs := append(slices.Clone(p.labels), more...)
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i] + "=" + strconv.Quote(pairs[i+1]))
	}
	b.WriteByte('}')
	return b.String()
}

// counter counts so many events a second.
func (p pod) counter(name string, perSecond float64, more ...string) {
	p.page.add(name, "counter", &series{p.head(name, more...), p.beat, events, perSecond, 0})
}

// spent adds up an amount per request.
func (p pod) spent(name string, each float64, more ...string) {
	p.page.add(name, "counter", &series{p.head(name, more...), p.beat, sum, p.rate, each})
}

// gauge is about a value, give or take a tenth.
func (p pod) gauge(name string, about float64, more ...string) {
	p.page.add(name, "gauge", &series{p.head(name, more...), p.beat, level, about, 0.1})
}

// fixed is a gauge that never changes.
func (p pod) fixed(name string, value float64, more ...string) {
	p.page.add(name, "gauge", &series{p.head(name, more...), p.beat, stands, value, 0})
}

// future is a gauge that holds a time so many seconds ahead.
func (p pod) future(name string, ahead_ float64, more ...string) {
	p.page.add(name, "gauge", &series{p.head(name, more...), p.beat, ahead, ahead_, 0})
}

// histogram spreads so many events a second over buckets.
func (p pod) histogram(name string, bounds []float64, d spread, perSecond float64, more ...string) {
	for _, le := range bounds {
		s := &series{p.head(name+"_bucket", append(slices.Clone(more), "le", strconv.FormatFloat(le, 'g', -1, 64))...), p.beat, bucket, perSecond, d.below(le)}
		p.page.add(name, "histogram", s)
	}
	p.page.add(name, "histogram", &series{p.head(name+"_bucket", append(slices.Clone(more), "le", "+Inf")...), p.beat, events, perSecond, 0})
	p.page.add(name, "histogram", &series{p.head(name+"_sum", more...), p.beat, sum, perSecond, d.mean()})
	p.page.add(name, "histogram", &series{p.head(name+"_count", more...), p.beat, events, perSecond, 0})
}

// A spread is how observations lie: log-normal around a median.
type spread struct{ median, sigma float64 }

func (d spread) below(x float64) float64 {
	if x <= 0 {
		return 0
	}
	return 0.5 * math.Erfc(-math.Log(x/d.median)/d.sigma/math.Sqrt2)
}

func (d spread) mean() float64 { return d.median * math.Exp(d.sigma*d.sigma/2) }
