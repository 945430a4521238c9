package rollback

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sickbay/health"
)

// A Line is one line of the journal:
//
//	<sha256 of the JSON, hex> SP <JSON> LF
//
// The hash is of the bytes as written, so that nobody needs a canonical form,
// and each line carries the hash of the line before it:
//
//	┌──────── hash 1 ◄─── prev ──┐ ┌──────── hash 2 ◄─── prev ──┐
//	│ {"seq":1,…,"prev":""}      │ │ {"seq":2,…,"prev":hash 1}  │ …
//
// An edited, removed or moved line breaks the chain. A cut end or a journal
// written anew does not: for that, keep the newest hash somewhere else.
type Line struct {
	V    int       `json:"v"`
	Seq  int       `json:"seq"`
	TS   time.Time `json:"ts"`
	Mono float64   `json:"mono,omitempty"` // seconds since the host was started: nobody sets that clock
	Boot string    `json:"boot,omitempty"` // boot id of the host: clocks before and after a boot do not compare
	Host string    `json:"host"`
	PID  int       `json:"pid"`
	Op   string    `json:"op,omitempty"` // operation id; empty for notes
	Ev   string    `json:"ev"`           // a health.OpState, "note", "step", "fence", "drill", "notice", "declined" or "torn_tail_found"
	Data Data      `json:"data"`
	Prev string    `json:"prev"`

	Hash string `json:"-"`
}

// Events that are no state of an operation.
const (
	evNote  = "note"
	evTorn  = "torn_tail_found"
	evStep  = "step"  // of a bundle
	evFence = "fence" // a late request is being made to fail

	evNotice   = "notice"   // somebody was told of the end, or could not be
	evDeclined = "declined" // an order that sickbay itself did not carry out
)

// Data is what a line says. It never holds prompts, answers or secrets.
type Data struct {
	By       *Person           `json:"by,omitempty"`
	Service  string            `json:"service,omitempty"`
	Target   string            `json:"target,omitempty"`
	Kind     string            `json:"kind,omitempty"`
	Driver   string            `json:"driver,omitempty"`
	From     string            `json:"from,omitempty"`
	To       string            `json:"to,omitempty"`
	Token    string            `json:"token,omitempty"`
	Typed    string            `json:"typed,omitempty"`
	Override string            `json:"override,omitempty"` // typed to go on within the cool-down
	Reason   string            `json:"reason,omitempty"`
	Diff     []string          `json:"diff,omitempty"`
	Warnings []string          `json:"warnings,omitempty"`
	Lineage  map[string]string `json:"lineage,omitempty"` // what every target of the service runs, before and after
	Symptoms []symptom         `json:"symptoms,omitempty"`
	Readings []reading         `json:"readings,omitempty"`
	Until    time.Time         `json:"until,omitzero"`
	Text     string            `json:"text,omitempty"`
	Blocked  string            `json:"blocked,omitempty"` // what a rehearsal stumbled over, and why a notice failed
	Sickbay  string            `json:"sickbay,omitempty"` // version of the program

	Offset int64  `json:"offset,omitempty"` // of a torn line: where it starts,
	Bytes  int    `json:"bytes,omitempty"`  // how long it is,
	Sum    string `json:"sum,omitempty"`    // and the hash of what is left of it
}

// Person is a health.Actor as the journal writes him.
type Person struct {
	User string `json:"user"`
	Sudo string `json:"sudo,omitempty"`
	SSH  string `json:"ssh,omitempty"`
	Host string `json:"host,omitempty"`
	TTY  string `json:"tty,omitempty"`
}

type symptom struct {
	Signal string      `json:"signal"`
	Title  string      `json:"title,omitempty"`
	Unit   health.Unit `json:"unit,omitempty"`
	Bad    health.Bad  `json:"bad,omitempty"`
	Value  *float64    `json:"value"` // null: no number
	Limit  *float64    `json:"limit"`
	Before *tally      `json:"before,omitempty"` // requests of the incident
	Normal *tally      `json:"normal,omitempty"` // requests before it
}

type reading struct {
	Signal string    `json:"signal"`
	Value  *float64  `json:"value"` // null: nothing newer than the act
	At     time.Time `json:"at,omitzero"`
	Within bool      `json:"within"`
	Proof  *proof    `json:"proof,omitempty"`
}

// tally is a health.Tally, and proof the numbers of a health.Proof that are not
// in the symptom.
type tally struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	N    float64   `json:"n"`
	Bad  float64   `json:"bad"`
}

type proof struct {
	After    tally   `json:"after"`
	E        float64 `json:"e"`
	Limit    float64 `json:"limit"`
	Need     int     `json:"need"`
	Improved bool    `json:"improved"`
	Well     bool    `json:"well"`
}

// maxLine is longer than any line sickbay writes.
const maxLine = 1 << 20

var errLine = errors.New("not a line of a journal")

// format writes a line with its hash.
func (l Line) format() ([]byte, error) {
	js, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	if len(js) > maxLine-66 {
		return nil, fmt.Errorf("a line of %d bytes is too long for the journal", len(js))
	}
	sum := sha256.Sum256(js)
	out := make([]byte, 0, len(js)+66)
	out = hex.AppendEncode(out, sum[:])
	out = append(out, ' ')
	out = append(out, js...)
	return append(out, '\n'), nil
}

// parseLine reads a line without its line end and checks it against its hash.
func parseLine(b []byte) (Line, error) {
	if len(b) < 66 || b[64] != ' ' {
		return Line{}, errLine
	}
	sum, js := string(b[:64]), b[65:]
	if got := sumOf(js); got != sum {
		return Line{}, fmt.Errorf("its hash is %s and it says %s: it was changed", got[:8], tidy(sum[:8], 8))
	}
	l := Line{Hash: sum}
	if err := json.Unmarshal(js, &l); err != nil {
		return Line{}, errLine
	}
	if l.V != 1 {
		return Line{}, fmt.Errorf("written as version %d, this sickbay reads version 1", l.V)
	}
	return l, nil
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// entry is the line as the screen shows it.
func (l Line) entry() health.Entry {
	e := health.Entry{Seq: l.Seq, At: l.TS, Op: l.Op, Event: l.Ev, Service: l.Data.Service, Text: l.Data.Text, Hash: l.Hash}
	if l.Data.By != nil {
		e.By = Who(health.Actor(*l.Data.By))
	}
	if l.Ev == evDeclined {
		e.Text = fmt.Sprintf("%s %s → %s: %s", l.Data.Target, l.Data.From, l.Data.To, l.Data.Text)
	}
	if l.Ev == string(health.OpPlanned) {
		e.Text = fmt.Sprintf("%s %s → %s: %s", l.Data.Target, l.Data.From, l.Data.To, l.Data.Reason)
		if l.Data.Override != "" {
			e.Text += " (the cool-down was overridden)"
		}
	}
	return e
}
