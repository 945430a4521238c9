package health

import (
	"math"
	"time"
)

// A Document is a snapshot as scripts read it: a promise. Fields are only ever
// added. A number that is not known is null, never 0; a list is never null.
type Document struct {
	At        string             `json:"at"`
	Window    string             `json:"window"`
	Sources   []DocumentSource   `json:"sources"`
	Services  []DocumentService  `json:"services"`
	Failures  []DocumentFailure  `json:"failures"`
	Changes   []DocumentChange   `json:"changes"`
	Alerts    []DocumentAlert    `json:"alerts"`
	Rollbacks []DocumentRollback `json:"rollbacks"`
}

// DocumentSource is who answered.
type DocumentSource struct {
	Name  string   `json:"name"`
	Kind  string   `json:"kind"`
	OK    bool     `json:"ok"`
	AgeS  *float64 `json:"age_s"`
	Error *string  `json:"error"`

	// Of logs; null: it is none.
	Lines          *float64 `json:"lines"`
	LinesPerSecond *float64 `json:"lines_per_second"`
	LagS           *float64 `json:"lag_s"` // null: nothing was written since sickbay began to follow
	BehindBytes    *float64 `json:"behind_bytes"`
	Dropped        *float64 `json:"dropped"`
	Unreadable     *float64 `json:"unreadable"`
}

// DocumentService is one judged service.
type DocumentService struct {
	Name     string            `json:"name"`
	Kind     Kind              `json:"kind"`
	Status   Status            `json:"status"`
	Since    *string           `json:"since"`
	Version  *string           `json:"version"`
	Reasons  []DocumentReason  `json:"reasons"`
	Signals  []DocumentSignal  `json:"signals"`
	Drift    []DocumentDrift   `json:"drift"`
	Suspects []DocumentSuspect `json:"suspects"`
	Rollback DocumentTargets   `json:"rollback"`
}

// DocumentReason is one finding.
type DocumentReason struct {
	Signal string   `json:"signal"`
	Text   string   `json:"text"`
	Value  *float64 `json:"value"`
	Limit  *float64 `json:"limit"`
	Status Status   `json:"status"`
}

// DocumentSignal is one measured value.
type DocumentSignal struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Unit   Unit     `json:"unit"`
	Value  *float64 `json:"value"`
	State  State    `json:"state"`
	AgeS   *float64 `json:"age_s"`
	Status Status   `json:"status"`
}

// DocumentDrift is one comparison of distributions.
type DocumentDrift struct {
	Signal     string   `json:"signal"`
	Feature    string   `json:"feature"`
	Kind       string   `json:"kind"`
	PSIAdj     *float64 `json:"psi_adj"`
	Low        *float64 `json:"low"`
	High       *float64 `json:"high"`
	Gap        *float64 `json:"gap"`
	P          *float64 `json:"p"`
	NReference float64  `json:"n_reference"`
	NCurrent   float64  `json:"n_current"`
	Level      string   `json:"level"`

	Status     Status   `json:"status"`
	Since      *string  `json:"since"`
	Against    *string  `json:"against"`    // reference, in words
	Band       *float64 `json:"band"`       // psi_adj that ordinary windows reach
	Detectable *float64 `json:"detectable"` // smallest shift that would be seen, in sigma
	Tool       *string  `json:"tool"`       // of exported scores: who computed it, and how
	Score      *float64 `json:"score"`      // as exported
	Note       *string  `json:"note"`
	Onset      *string  `json:"onset"`   // this and what follows: of the comparison that is open
	Near       []string `json:"near"`    // ids of changes around the onset, nearest first
	Outcome    *string  `json:"outcome"` // what the outcome did meanwhile
}

// DocumentSuspect is one possible cause.
type DocumentSuspect struct {
	Rank     int      `json:"rank"`
	Label    string   `json:"label"`
	Score    float64  `json:"score"`
	Kind     string   `json:"kind"`
	Change   *string  `json:"change"`
	From     *string  `json:"from"`
	To       *string  `json:"to"`
	At       *string  `json:"at"`
	Evidence []string `json:"evidence"`
	RuledOut *string  `json:"ruled_out"` // why it cannot be
	Service  *string  `json:"service"`   // whose change it is
}

// DocumentTargets is what could be taken back.
type DocumentTargets struct {
	Targets []DocumentTarget `json:"targets"`
}

// DocumentTarget is one rollback target.
type DocumentTarget struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`
	Current  *string  `json:"current"`
	Previous []string `json:"previous"`
	Blocked  *string  `json:"blocked"`

	Ready     bool    `json:"ready"`     // current serves, and no rollout is under way
	Back      *string `json:"back"`      // where a rollback would go
	Rehearsed *string `json:"rehearsed"` // when every step but the write was last tried
	Notice    *string `json:"notice"`    // who would bring the present version back
}

// DocumentFailure is one group of failures.
type DocumentFailure struct {
	ID        string   `json:"id"`
	Service   string   `json:"service"`
	Signature string   `json:"signature"`
	Count     int      `json:"count"`
	State     string   `json:"state"`
	First     string   `json:"first"`
	Last      string   `json:"last"`
	Example   *string  `json:"example"`
	InCommon  []string `json:"in_common"`
}

// DocumentChange is one change.
type DocumentChange struct {
	ID      string `json:"id"`
	At      string `json:"at"`
	Kind    string `json:"kind"`
	Service string `json:"service"`
	From    string `json:"from"`
	To      string `json:"to"`
	Text    string `json:"text"`
}

// DocumentAlert is one alert.
type DocumentAlert struct {
	Name     string  `json:"name"`
	Service  *string `json:"service"`
	Severity string  `json:"severity"`
	State    string  `json:"state"`
	Since    string  `json:"since"`
}

// DocumentRollback is one operation.
type DocumentRollback struct {
	ID      string  `json:"id"`
	Service string  `json:"service"`
	Target  string  `json:"target"`
	From    string  `json:"from"`
	To      string  `json:"to"`
	By      string  `json:"by"`
	Reason  string  `json:"reason"`
	State   OpState `json:"state"`
	At      string  `json:"at"`

	// The proof by counting requests; null: they could not be counted.
	ShareBefore *float64 `json:"share_before"` // of bad requests, in the incident
	ShareAfter  *float64 `json:"share_after"`
	Requests    *float64 `json:"requests"` // since the rollback
}

// Document is the snapshot for scripts. Ages are counted from now.
func (s *Snapshot) Document(now time.Time) Document {
	return Document{
		At: stamp(s.At), Window: s.Window.String(),
		Sources:   each(s.Sources, func(v SourceState) DocumentSource { return v.document(now) }),
		Services:  each(s.Services, func(v Service) DocumentService { return v.document(s.At) }),
		Failures:  each(s.Failures, Failure.document),
		Changes:   each(s.Changes, Change.document),
		Alerts:    each(s.Alerts, Alert.document),
		Rollbacks: each(s.Rollbacks, Rollback.document),
	}
}

func (v SourceState) document(now time.Time) DocumentSource {
	d := DocumentSource{Name: v.Name, Kind: v.Kind, OK: v.OK, Error: text(v.Error)}
	if !v.At.IsZero() {
		d.AgeS = Num(max(now.Sub(v.At).Seconds(), 0))
	}
	if v.Log {
		d.Lines, d.LinesPerSecond, d.LagS = Num(float64(v.Lines)), Num(v.LinesPerSecond), number(v.Lag)
		d.BehindBytes, d.Dropped, d.Unreadable = Num(float64(v.Behind)), Num(float64(v.Dropped)), Num(float64(v.BadLines))
	}
	return d
}

func (s Service) document(now time.Time) DocumentService {
	return DocumentService{
		Name: s.Name, Kind: s.Kind, Status: s.Status, Since: moment(s.Since), Version: text(s.Version),
		Reasons: each(s.Findings, func(f Finding) DocumentReason {
			return DocumentReason{f.Signal, f.Text, number(f.Value), number(f.Limit), f.Status}
		}),
		Signals:  each(s.Signals, func(v Signal) DocumentSignal { return v.document(now) }),
		Drift:    each(s.Drift, Drift.document),
		Suspects: each(s.Suspects, Suspect.document),
		Rollback: DocumentTargets{each(s.Targets, Target.document)},
	}
}

func (s Signal) document(now time.Time) DocumentSignal {
	d := DocumentSignal{ID: s.ID, Title: s.Title, Unit: s.Unit, State: s.State, Status: s.Status}
	if s.State.HasValue() {
		d.Value = Num(s.Value)
	}
	if !s.At.IsZero() {
		d.AgeS = Num(max(now.Sub(s.At).Seconds(), 0))
	}
	return d
}

func (d Drift) document() DocumentDrift {
	return DocumentDrift{
		d.Signal, d.Feature, d.Kind, number(d.PSIAdj), number(d.Low), number(d.High), number(d.Gap), number(d.P),
		finite(d.NRef), finite(d.NCur), d.Level,
		d.Status, moment(d.Since), text(d.Against), number(d.Band), number(d.Detectable),
		text(d.Tool), number(d.Score), text(d.Note), moment(d.Onset.At), list(d.Near), text(d.Outcome),
	}
}

func (s Suspect) document() DocumentSuspect {
	return DocumentSuspect{
		s.Rank, s.Label, finite(s.Score), s.Kind, text(s.Change), text(s.From), text(s.To), moment(s.At), list(s.Evidence), text(s.RuledOut), text(s.Service),
	}
}

func (t Target) document() DocumentTarget {
	return DocumentTarget{
		t.Name, t.Kind, text(t.Current), each(t.Previous, func(v Version) string { return v.ID }), text(t.Blocked),
		t.Ready, text(t.Back), moment(t.Drilled), text(t.Notice),
	}
}

func (f Failure) document() DocumentFailure {
	return DocumentFailure{
		f.ID, f.Service, f.Signature, f.Count, f.State, stamp(f.First), stamp(f.Last), text(f.Example), list(f.InCommon),
	}
}

func (c Change) document() DocumentChange {
	return DocumentChange{c.ID, stamp(c.At), c.Kind, c.Service, c.From, c.To, c.Text}
}

func (a Alert) document() DocumentAlert {
	return DocumentAlert{a.Name, text(a.Service), a.Severity, a.State, stamp(a.Since)}
}

func (r Rollback) document() DocumentRollback {
	d := DocumentRollback{ID: r.ID, Service: r.Service, Target: r.Target, From: r.From, To: r.To, By: r.By, Reason: r.Reason, State: r.State, At: stamp(r.At)}
	if p := r.Proof; p != nil {
		d.ShareBefore, d.ShareAfter, d.Requests = Num(p.Before.Share()), Num(p.After.Share()), Num(p.After.N)
	}
	return d
}

// each maps a list; the result is never null in JSON.
func each[A, B any](as []A, f func(A) B) []B {
	bs := make([]B, 0, len(as))
	for _, a := range as {
		bs = append(bs, f(a))
	}
	return bs
}

func list(s []string) []string { return append(make([]string, 0, len(s)), s...) }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func moment(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func number(p *float64) *float64 {
	if p == nil {
		return nil
	}
	return Num(*p)
}

func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
