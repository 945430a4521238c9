package health

import "time"

// A Lens is through what a viewer looks: how far back, and from when.
type Lens struct {
	Window time.Duration
	At     time.Time // zero: live
	// Against names what distributions are compared with; "" is what the config
	// says. A verdict never depends on it.
	Against Reference
}

// A Reference is what a distribution of now is compared with.
type Reference string

// The references.
const (
	SameHour   Reference = "days"       // the same hour of earlier days
	LastWeek   Reference = "week"       // the same hour of the same day of earlier weeks
	Earlier    Reference = "earlier"    // the windows a fixed time before, as the config has it
	Deployment Reference = "deployment" // the window before the last deployment
	Baseline   Reference = "baseline"   // the window somebody pinned
)

// An Interest is what one viewer is looking at: comparable, replaced whole.
type Interest struct {
	Lens
	Service string // whose detail signals are wanted; "" none
	Drift   string // Drift.Key of the comparison of Service that is open; "" none
	Request string // id of the request that is open
	Plan    string // "service/target" or "service/target@version" whose rollback is considered
	Traced  Named  // signal whose slowest requests are looked for; zero: none
	Hidden  bool   // paused: nothing needs to be asked for this viewer
}

// An Actor is who acts.
type Actor struct {
	User string // OS user
	Sudo string // user behind sudo, if any
	SSH  string // client address of the SSH connection, if any
	Host string
	TTY  string
}

// Verb is what an Order asks for.
type Verb string

// The verbs.
const (
	DoRollback Verb = "rollback"
	DoNote     Verb = "note" // a line in the journal, nothing else
	// DoBaseline pins a window of Plan.Service as what its distributions are compared
	// with under Baseline: the one that ends at Plan.At, or now where that is zero.
	DoBaseline Verb = "baseline"
	// DoReport writes down what is seen; nothing outside changes. Plan.Service: only
	// that one; "" all of them. The id that comes back is the path of what was written.
	DoReport Verb = "report"
	// DoSilence asks the monitoring system to call nobody about Order.Silence for a
	// while, DoExpire to end the silence of that ID now. Both need --write, and both
	// are in the journal before they are asked for.
	DoSilence Verb = "silence"
	DoExpire  Verb = "expire"
)

// AllRequests in Order.Reveals means the content of every request.
const AllRequests = "*"

// An Order asks for something to be done. It carries the plan that was on the
// screen, so that what is done is what was seen.
type Order struct {
	Do       Verb
	Plan     Plan
	By       Actor
	Reason   string  // at least 10 characters for a rollback
	Typed    string  // what was typed to confirm: must equal Plan.Target's Name, bytes compared
	Override string  // what was typed to go on within the cool-down: must equal Plan.Override
	Silence  Silence // of DoSilence and DoExpire
	// Reveals is what a viewer will see in full once the note is written: the id of
	// a request, or AllRequests.
	Reveals string
}

// A Target is one thing of a service that can be taken back.
type Target struct {
	Name     string // unique: "support-chat/prompt"
	Service  string
	Kind     string // prompt model index data tool config deploy
	Driver   string // "http", "command", …
	Current  string // "" not known
	Previous []Version
	Blocked  string // why it cannot be used now; empty: it can
	Caps     string // what the system guarantees, in words
	At       time.Time
	Ready    bool      // Current serves, and no rollout is under way
	Back     string    // what R would go back to; "" nothing is known to be there
	Notice   string    // what is worth knowing before the key is pressed: "Argo CD will set it forward again"
	Drilled  time.Time // when every step but the write was last rehearsed; zero: never
	Drill    string    // what that rehearsal stumbled over; "" nothing
}

// A Version is one thing a target could be set to.
type Version struct {
	ID   string
	At   time.Time // when it was deployed; zero: not known
	Note string
}

// A Plan is a rollback that was looked at and not yet done. It dies at Expires.
type Plan struct {
	ID       string // operation id, also the idempotency key
	Target   string // Target.Name
	Service  string
	Kind     string
	Driver   string
	From, To string
	Token    string   // opaque state of the target the plan was made on: compare-and-swap
	Diff     []string // "-" and "+" lines
	Warnings []string
	At       time.Time
	Expires  time.Time
	Symptoms []Symptom // what is ill now and has to become well
	// Override is what has to be typed besides the target's name, because the cool-down
	// after the rollback before is not over; "": nothing.
	Override string
}

// A Symptom is a signal outside its limit when the plan was made.
type Symptom struct {
	Signal string
	Title  string
	Unit   Unit
	Bad    Bad
	Value  float64
	Limit  float64

	Before Tally // requests of the incident up to the plan; N 0: they cannot be counted
	Normal Tally // requests of the half hour before the incident; N 0: not known
}

// A Tally is how many requests there were in a stretch of time, and how many of
// them were bad. Neither is whole when they come from rates.
type Tally struct {
	From, To time.Time
	N, Bad   float64
}

// Share is the bad ones' share, 0 to 1; of no request it is 0.
func (t Tally) Share() float64 {
	if t.N <= 0 {
		return 0
	}
	return t.Bad / t.N
}

// A Proof compares the requests since a rollback with those of the incident. It
// holds at whatever moment it is looked at, and however often.
type Proof struct {
	Before, Normal, After Tally
	E                     float64 // e-value against "no better than in the incident"
	Limit                 float64 // the share up to which it is as before the incident
	Need                  int     // requests without which nothing is said
	Improved              bool    // fewer are bad than in the incident
	Well                  bool    // and no more than before it, as far as can be told
}

// Enough says whether there are requests enough to say anything.
func (p Proof) Enough() bool { return p.After.N >= float64(p.Need) }

// Verified says that it helped: better than in the incident, and as before it.
func (p Proof) Verified() bool { return p.Enough() && p.Improved && p.Well }

// A Reading is how a symptom stands on data newer than the act.
type Reading struct {
	Symptom Symptom
	Value   float64
	At      time.Time // of the sample
	Known   bool      // false: there is no sample newer than the act
	Proof   *Proof    // by counting requests; nil: the symptom is not counted
}

// Within says whether the reading is on the good side of the symptom's limit; where
// requests are counted, whether that is proved.
func (r Reading) Within() bool {
	if !r.Known {
		return false
	}
	if r.Proof != nil {
		return r.Proof.Verified()
	}
	if r.Symptom.Bad == Down {
		return r.Value >= r.Symptom.Limit
	}
	return r.Value <= r.Symptom.Limit
}

// Planned is a plan, or why there is none yet.
type Planned struct {
	Asking bool
	Plan   Plan
	Err    string
}

// OpState is how far an operation has come.
type OpState string

// The states of an operation. Only Recovered claims that it helped, and only
// NotApplied, Refused, Denied, Failed and Abandoned claim that nothing was done.
const (
	OpPlanned      OpState = "planned"
	OpSending      OpState = "sending"
	OpAccepted     OpState = "accepted" // the system took the request; nothing is proved
	OpUnknown      OpState = "unknown"  // sent, and no answer that tells: reality is being asked
	OpApplied      OpState = "applied"  // read back: the target runs To; the symptom is being watched
	OpRecovered    OpState = "recovered"
	OpNotRecovered OpState = "not recovered"
	OpUnproven     OpState = "unproven" // applied, and too little data to say whether it helped
	OpNotApplied   OpState = "not applied"
	OpMoved        OpState = "moved by other" // somebody else changed the target meanwhile
	OpRefused      OpState = "refused"        // by the target: state moved, conflict
	OpDenied       OpState = "denied"         // by the target: credentials
	OpFailed       OpState = "failed"         // by the target: nothing happened
	OpAbandoned    OpState = "abandoned"      // sickbay ended before anything was sent
	OpPartial      OpState = "partial"        // of a bundle, some was done before it stopped
)

// Ended says whether nothing more will happen in this state.
func (s OpState) Ended() bool {
	switch s {
	case OpPlanned, OpSending, OpAccepted, OpUnknown, OpApplied:
		return false
	}
	return true
}

// A Rollback is one operation.
type Rollback struct {
	ID       string
	Service  string
	Target   string
	Kind     string
	From, To string
	By       string
	Reason   string
	State    OpState
	At       time.Time // when it was ordered
	Applied  time.Time // when the target was first seen at To; zero: not yet
	Until    time.Time // when watching ends
	Text     string    // newest word on it: "quality 0.91 within 0.80, 2 of 3 looks"
	Readings []Reading
	Proof    *Proof // before and after by counting requests; nil: they could not be counted, or not yet
	Told     []Told // who was to hear of its end, and did
	Where    string // whose sickbay is at it, while it is another one: "pid 4711 on jump-1"
}

// Whose is who ordered it, and where if that was another sickbay: "ann, pid 4711 on jump-1".
func (r Rollback) Whose() string {
	if r.Where == "" {
		return r.By
	}
	return r.By + ", " + r.Where
}

// Told is what came of a notice.
type Told struct {
	Who  string
	Done bool   // it was tried
	Err  string // why it failed
}

// An Entry is one line of the journal.
type Entry struct {
	Seq     int
	At      time.Time
	Op      string // operation id, "" for notes
	Event   string
	By      string
	Service string
	Text    string
	Hash    string
}
