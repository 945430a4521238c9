package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"sickbay/health"
	"sickbay/tui/chart"
)

// A report is what somebody has to know who takes over. Every text in it is masked
// and clean; its JSON is for machines, and keys are only added.
type report struct {
	At       time.Time       `json:"at"`
	Since    time.Time       `json:"since"`
	Service  string          `json:"service,omitempty"` // the only one it is about; "" all
	Services []reportService `json:"services"`
	Timeline []reportEvent   `json:"timeline"`
	Failures []reportFailure `json:"failures"`
	Alerts   []reportEvent   `json:"alerts"`
	Actions  []reportEvent   `json:"actions"`
	Open     []string        `json:"open"`
	Well     []string        `json:"well"` // services of which there is nothing to say
}

type reportService struct {
	Name     string          `json:"name"`
	Kind     string          `json:"kind"`
	Status   string          `json:"status"`
	Since    *time.Time      `json:"since"`
	Version  string          `json:"version,omitempty"`
	Reasons  []string        `json:"reasons"`
	Suspects []reportSuspect `json:"suspects"`
	Charts   []reportChart   `json:"charts"`
}

type reportSuspect struct {
	Text     string   `json:"text"`
	Label    string   `json:"label"`
	Score    float64  `json:"score"`
	Evidence []string `json:"evidence"`
	RuledOut string   `json:"ruled_out,omitempty"`
}

// A reportChart is one signal over the window: its points in equal slices, null where
// nothing was measured.
type reportChart struct {
	Title  string     `json:"title"`
	Now    string     `json:"now"`
	Limit  string     `json:"limit,omitempty"`
	Points []*float64 `json:"points"`
	limit  *float64
	line   string // the same as a sparkline
}

type reportEvent struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"`
	Service string    `json:"service,omitempty"`
	Text    string    `json:"text"`
	By      string    `json:"by,omitempty"`
}

type reportFailure struct {
	Service  string    `json:"service"`
	Text     string    `json:"text"`
	Count    int       `json:"count"`
	State    string    `json:"state"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	InCommon []string  `json:"in_common"`
}

const (
	reportSlices = 60
	reportBefore = 30 * time.Minute // of the first finding
)

// handOver puts together what is known: a function of what it is given. A zero since
// is half an hour before the first finding.
func handOver(s *health.Snapshot, entries []health.Entry, since time.Time, service string, redact health.Redactor) *report {
	w := reporter{redact: redact, at: s.At, window: s.Window}
	r := &report{At: s.At.UTC(), Since: since.UTC(), Service: w.text(service)}
	if since.IsZero() {
		r.Since = beginning(s, service)
	}
	w.since = r.Since
	for _, v := range s.Services {
		switch {
		case service != "" && v.Name != service:
		case v.Status == health.OK && service == "":
			r.Well = append(r.Well, w.text(v.Name))
		default:
			r.Services = append(r.Services, w.service(v))
		}
	}
	of := func(name string) bool { return service == "" || name == service || name == "" }
	for _, f := range s.Failures {
		if of(f.Service) && !f.Last.Before(r.Since) {
			r.Failures = append(r.Failures, w.failure(f))
		}
	}
	for _, a := range s.Alerts {
		if of(a.Service) {
			r.Alerts = append(r.Alerts, w.alert(a))
		}
	}
	for _, e := range entries {
		if of(e.Service) && !e.At.Before(r.Since) {
			r.Actions = append(r.Actions, reportEvent{e.At.UTC(), w.text(e.Event), w.text(e.Service), w.text(e.Text), w.text(e.By)})
		}
	}
	r.Timeline = w.timeline(s, r, of)
	r.Open = w.open(s, service)
	return r
}

// beginning is half an hour before anything began that is still there.
func beginning(s *health.Snapshot, service string) time.Time {
	first := s.At
	for _, v := range s.Services {
		for _, f := range v.Findings {
			if (service == "" || v.Name == service) && !f.Since.IsZero() && f.Since.Before(first) {
				first = f.Since
			}
		}
	}
	return first.Add(-reportBefore).UTC()
}

// A reporter makes outside text harmless and masks it.
type reporter struct {
	redact health.Redactor
	since  time.Time
	at     time.Time // of the snapshot
	window time.Duration
}

func (w reporter) text(s string) string { return health.Clean(w.redact.Redact(s)) }

func (w reporter) texts(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = w.text(s)
	}
	return out
}

func (w reporter) service(v health.Service) reportService {
	out := reportService{Name: w.text(v.Name), Kind: string(v.Kind), Status: v.Status.String(), Version: w.text(v.Version)}
	if !v.Since.IsZero() {
		at := v.Since.UTC()
		out.Since = &at
	}
	for _, f := range v.Findings {
		text := f.Text
		if !f.Since.IsZero() {
			text += ", since " + clock(f.Since)
		}
		out.Reasons = append(out.Reasons, w.text(f.Status.String()+": "+text))
	}
	for _, x := range v.Suspects {
		out.Suspects = append(out.Suspects, reportSuspect{w.text(suspectWords(x)), x.Label, x.Score, w.texts(x.Evidence), w.text(x.RuledOut)})
	}
	for _, sig := range v.Signals {
		if sig.Status == health.Warn || sig.Status == health.Critical || sig.ID == "traffic" || sig.ID == "errors" || sig.ID == "latency_p95" {
			if len(sig.Series) > 1 {
				out.Charts = append(out.Charts, w.chart(sig))
			}
		}
	}
	return out
}

// suspectWords is "prompt v31 → v32 of support-chat at 13:50".
func suspectWords(x health.Suspect) string {
	text := x.What()
	if x.Change != "" && x.Service != "" {
		text += " of " + x.Service
	}
	if !x.At.IsZero() {
		text += " at " + clock(x.At)
	}
	return text
}

// chart cuts a series into equal slices of time and takes the mean of each.
func (w reporter) chart(sig health.Signal) reportChart {
	c := reportChart{Title: w.text(cmp.Or(sig.Title, sig.ID)), Now: "no value", Points: make([]*float64, reportSlices)}
	c.line = chart.Spark(sig.Series, sig.Bad, w.at, w.window, false, reportSlices)
	if sig.State.HasValue() {
		c.Now = health.Format(sig.Unit, sig.Value)
	}
	if c.limit = sig.Limit.Warn; c.limit == nil {
		c.limit = sig.Limit.Critical
	}
	if c.limit != nil {
		c.Limit = health.Format(sig.Unit, *c.limit)
	}
	first, last := sig.Series[0].T, sig.Series[len(sig.Series)-1].T
	var sum [reportSlices]float64
	var n [reportSlices]int
	for _, p := range sig.Series {
		if math.IsNaN(p.V) || math.IsInf(p.V, 0) {
			continue
		}
		i := min(int(float64(p.T-first)/float64(max(last-first, 1))*reportSlices), reportSlices-1)
		sum[i], n[i] = sum[i]+p.V, n[i]+1
	}
	for i := range n {
		if n[i] > 0 {
			c.Points[i] = health.Num(sum[i] / float64(n[i]))
		}
	}
	return c
}

func (w reporter) failure(f health.Failure) reportFailure {
	return reportFailure{w.text(f.Service), w.text(f.Signature), f.Count, f.State, f.First.UTC(), f.Last.UTC(), w.texts(f.InCommon)}
}

func (w reporter) alert(a health.Alert) reportEvent {
	text := a.Name
	if a.Severity != "" {
		text += " (" + a.Severity + ")"
	}
	if a.Text != "" {
		text += ": " + a.Text
	}
	state := a.State
	if a.Quiet() {
		state += ", kept quiet"
	}
	return reportEvent{At: a.Since.UTC(), What: state, Service: w.text(a.Service), Text: w.text(text)}
}

// timeline is everything that has a time, oldest first.
func (w reporter) timeline(s *health.Snapshot, r *report, of func(string) bool) []reportEvent {
	var all []reportEvent
	add := func(at time.Time, what, service, text, by string) {
		if !at.IsZero() && !at.Before(w.since) && of(service) {
			all = append(all, reportEvent{at.UTC(), what, w.text(service), w.text(text), w.text(by)})
		}
	}
	for _, c := range s.Changes {
		text := health.FromTo(c.From, c.To)
		if c.Uncertain > 0 {
			text += " (± " + health.Ago(c.Uncertain) + ")"
		}
		if c.Text != "" {
			text += ": " + c.Text
		}
		add(c.At, c.Kind, c.Service, text, "")
	}
	for _, v := range s.Services {
		for _, f := range v.Findings {
			add(f.Since, f.Status.String(), v.Name, f.Text, "")
		}
	}
	for _, a := range s.Alerts {
		add(a.Since, "alert", a.Service, a.Name, "")
	}
	for _, f := range s.Failures {
		if f.State == "new" {
			add(f.First, "failure", f.Service, f.Signature, "")
		}
	}
	for _, e := range r.Actions {
		all = append(all, reportEvent{e.At, "did: " + e.What, e.Service, e.Text, e.By})
	}
	slices.SortStableFunc(all, func(a, b reportEvent) int { return a.At.Compare(b.At) })
	return all
}

// open are the questions nobody has answered yet.
func (w reporter) open(s *health.Snapshot, service string) []string {
	var all []string
	ask := func(format string, args ...any) { all = append(all, w.text(fmt.Sprintf(format, args...))) }
	for _, v := range s.Services {
		if service != "" && v.Name != service {
			continue
		}
		ill := v.Status == health.Warn || v.Status == health.Critical
		strong := len(v.Suspects) > 0 && v.Suspects[0].Label == "strong"
		switch {
		case v.Status == health.Unknown && len(v.Findings) > 0:
			ask("How is %s? %s", v.Name, v.Findings[0].Text)
		case ill && !strong:
			ask("What made %s ill? No single suspect is strong.", v.Name)
		case ill && v.Suspects[0].Change == "":
			ask("Who looks after %s? There is nothing to roll back for %s.", suspectWords(v.Suspects[0]), v.Name)
		case ill:
			ask("Is %s to be taken back? %s is %s.", suspectWords(v.Suspects[0]), v.Name, v.Status)
		}
	}
	for _, o := range s.Rollbacks {
		if (service == "" || o.Service == service) && (!o.State.Ended() || o.State == health.OpUnproven || o.State == health.OpNotRecovered) {
			ask("Did the rollback of %s of %s to %s help? It is %s. %s", o.Kind, o.Service, o.To, o.State, o.Text)
		}
	}
	for _, src := range s.Sources {
		if !src.OK {
			ask("When is %s back? %s", src.Name, complaint(src))
		}
	}
	return all
}

// clock is a time of day in UTC, with its date where it is not today's.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
