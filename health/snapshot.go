package health

import (
	"iter"
	"strings"
	"time"
)

// A Snapshot is everything known through one Lens at one moment. It is never
// changed once published; the next one shares whatever stayed the same.
type Snapshot struct {
	Version uint64        // grows with every publication of this lens
	At      time.Time     // the moment described: now, or where the clock was set to
	Window  time.Duration // how far back the series reach
	Step    time.Duration // distance between points of the series
	Rate    time.Duration // over which rates are taken, at least
	Live    bool          // At follows the clock
	Asking  bool          // nothing has answered yet: the first questions are out
	Reading bool          // logs are still being read from their beginning: what is newest in them may be to come
	Write   bool          // actions are allowed

	Services  []Service // worst first, then by name
	Failures  []Failure // loudest first: new, grown, known
	Changes   []Change  // newest first
	Alerts    []Alert   // firing first, newest first
	Silences  []Silence // in force or to come; soonest to end first
	Sources   []SourceState
	Rollbacks []Rollback          // operations, newest first
	Journal   []Entry             // newest first, at most 200
	Requests  map[string]Request  // those somebody has open, and neighbours of theirs
	Traces    map[string]Trace    // of the requests somebody has open, by trace id
	Plans     map[string]Planned  // rollbacks somebody is considering, by Interest.Plan
	Exemplars map[Named]Exemplars // of the signals somebody has explained
	Load      Load
}

// Service finds a service by name.
func (s *Snapshot) Service(name string) (Service, bool) {
	for _, v := range s.Services {
		if v.Name == name {
			return v, true
		}
	}
	return Service{}, false
}

// Failure finds a failure group by id.
func (s *Snapshot) Failure(id string) (Failure, bool) {
	for _, f := range s.Failures {
		if f.ID == id {
			return f, true
		}
	}
	return Failure{}, false
}

// Worst is the status that deserves most attention among all services, and
// Unknown when there is none.
func (s *Snapshot) Worst() Status {
	if len(s.Services) == 0 {
		return Unknown
	}
	worst := OK
	for _, v := range s.Services {
		if v.Status.Worse(worst) {
			worst = v.Status
		}
	}
	return worst
}

// Load is what sickbay itself costs its sources and its host.
type Load struct {
	Queries      int           // asked of all sources since start
	LastRound    int           // asked in the newest refresh
	Samples      int           // received in the newest refresh
	Bytes        int64         // received since start
	RoundTook    time.Duration // newest refresh, first question to last answer
	Refresh      time.Duration // distance between refreshes now
	RefreshWhy   string        // why it is slower than configured; empty: it is not
	Records      int           // log records held
	RecordsLost  int           // log records dropped because more came than is held
	SeriesCached int
}

// Kind is the kind of a service. It decides which signals are golden.
type Kind string

// The kinds of service.
const (
	LLM   Kind = "llm"
	RAG   Kind = "rag"
	Agent Kind = "agent"
	ML    Kind = "ml"
	Infra Kind = "infra" // what the others stand on: GPUs, vector databases
)

// A Service is one AI system as its operators name it.
type Service struct {
	Name     string
	Kind     Kind
	Status   Status
	Since    time.Time // when the present status began; zero: not known
	Version  string    // what it runs, in words: "prompt v32"
	Lineage  Lineage
	Findings []Finding // why the status is what it is, worst first
	Signals  []Signal  // in the order of the catalogue
	Drift    []Drift   // worst first
	Suspects []Suspect // best first
	Targets  []Target  // what could be rolled back
	Packs    []string  // ids of the packs that see it
	Replicas Replicas
	Calls    []string  // services it leans on, as far as labels tell
	CalledBy []string  // services that lean on it
	Gone     time.Time // when its last sample was seen, if it has none now
	Baseline time.Time // end of the window pinned for it: Baseline can be compared with; zero: none is
}

// Replicas is how many instances of a service report, and which of them is unlike
// the others. The zero value says that nothing is known.
type Replicas struct {
	Now  int       // that report
	Most int       // that reported at any time within the last quarter of an hour
	Each []Replica // of the service somebody has open; by name
}

// A Replica is one instance of a service.
type Replica struct {
	Name    string
	Values  []ReplicaValue
	Deviant string // what is unlike the others, in words; empty: nothing
}

// ReplicaValue is one signal of one replica.
type ReplicaValue struct {
	Signal string
	Title  string
	Unit   Unit
	Value  float64
}

// Signal finds a signal by id; an unknown id is an absent signal.
func (s Service) Signal(id string) Signal {
	for _, v := range s.Signals {
		if v.ID == id {
			return v
		}
	}
	return Signal{ID: id}
}

// Lineage names the versions of everything that makes an answer.
type Lineage struct {
	Build  string // code, image or revision
	Model  string
	Prompt string
	Index  string
	Data   string
	Config string
}

// Unit is the unit of a value, always a base unit; Format turns it into words.
type Unit string

// The units. Ratio is 0..1 and drawn as a percentage; score is 0..1 drawn as is.
const (
	Ratio     Unit = "ratio"
	Score     Unit = "score"
	Seconds   Unit = "seconds"
	PerSecond Unit = "per_second"
	Tokens    Unit = "tokens"
	TokensPS  Unit = "tokens_per_second"
	USD       Unit = "usd"
	USDPerH   Unit = "usd_per_hour"
	Bytes     Unit = "bytes"
	Celsius   Unit = "celsius"
	Count     Unit = "count"
)

// Bad says in which direction a signal becomes worse.
type Bad string

// Directions.
const (
	Up      Bad = "up"
	Down    Bad = "down"
	Neutral Bad = "" // neither: traffic
)

// Limit is where a value starts to be warn and critical. Nil: no such limit.
type Limit struct {
	Warn, Critical *float64
	Source         string // who says so: "pack vllm", "config", …
}

// Usual is what a signal was before, and where a warning begins. Nil: not known.
type Usual struct {
	Value, Limit *float64
	From         string // what says so: "this hour of 4 earlier days"; "" nobody was asked
}

// A Signal is one measured property of one service.
type Signal struct {
	ID    string // the field's word for it, the same whatever exporter: "errors", "latency_p95"
	Title string // "errors"
	Short string // column title, at most 8 cells: "ERRORS"
	Unit  Unit
	Bad   Bad
	Group string // traffic errors latency saturation tokens cost quality freshness safety drift outcome

	Value  float64 // meaningful only when State.HasValue
	State  State
	At     time.Time // of the newest sample; zero: none
	Status Status
	Limit  Limit
	Usual  Usual  // of a signal without limits: what it is held against instead
	Note   string // why the state is what it is, in words: a server's warning or error

	Objective *float64 // share of good requests that was promised, 0..1; nil: none. For ratios and scores
	Detail    bool     // asked only while somebody looks at its service: no verdict may depend on it

	Series []Point // over the window; a hole in time is a hole here, NaN stays NaN
	Pack   string  // id of the pack whose query this is
	Source string  // name of the source that answered
	Query  string  // as sent
}

// A Point is one sample. T is Unix milliseconds.
type Point struct {
	T int64
	V float64
}

// Time is T as a time in UTC.
func (p Point) Time() time.Time { return time.UnixMilli(p.T).UTC() }

// A Finding is one reason for a status: what fired, the number, the limit.
type Finding struct {
	Service string
	Signal  string // id of the signal, or of the drift feature, or ""
	Rule    string // "limit", "detector", "drift", "stale", "alert", …
	Text    string // "answers judged good 0.61, limit 0.80"
	Value   *float64
	Limit   *float64
	Bad     Bad
	Status  Status
	Since   time.Time // zero: not known
}

// A Failure is a group of failing records that look alike.
type Failure struct {
	ID        string // stable: the same for the same masked message, whatever the order
	Service   string
	ErrorType string // error.type, or the finish reason, or the status code
	Signature string // the masked message
	Count     int    // in the window
	Before    int    // in the window before it
	State     string // "new", "grown", "known"
	First     time.Time
	Last      time.Time
	Example   string   // newest message, unmasked
	Requests  []string // ids, newest first, at most 50
	InCommon  []string // sentences: "prompt_version=v32 — 121 of 135 failing (90 %)"
	Shared    []Shared // the same, with the properties they speak of, where that is known
	Spark     []int    // counts in equal slices of the window, oldest first
	Versions  []string // version labels seen
}

// FewestNew is how many records make a new group one to look at first. Fewer may be
// what always happens now and then.
const FewestNew = 5

// Changed says whether it happens more than it used to.
func (f Failure) Changed() bool {
	return f.State == "grown" || f.State == "new" && f.Count >= FewestNew
}

// Shared is what failing requests have that healthy ones have not.
type Shared struct {
	Text   string
	Fields []Field // one property, or two that fail only together
}

// Name is "prompt_version=v32", or two of them joined by "&".
func (s Shared) Name() string {
	name := ""
	for i, f := range s.Fields {
		if i > 0 {
			name += " & "
		}
		name += f.Name + "=" + f.Value
	}
	return name
}

// Properties is everything a request may have in common with others, by name: the
// versions of its lineage, its operation and its dimensions. Empty values are none.
func (r *Request) Properties() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, f := range r.Lineage.Versions() {
			if f.Value != "" && !yield(f.Name, f.Value) {
				return
			}
		}
		if r.Name != "" && !yield("operation", r.Name) {
			return
		}
		for _, f := range r.Dims {
			if f.Value != "" && !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

// Versions are the parts of a lineage as properties of requests are named.
func (l Lineage) Versions() [6]Field {
	return [...]Field{
		{"prompt_version", l.Prompt}, {"model_version", l.Model}, {"index_version", l.Index},
		{"data_version", l.Data}, {"build_version", l.Build}, {"config_version", l.Config},
	}
}

// Has says whether a request has a property, named as Properties names it.
func (r *Request) Has(f Field) bool {
	for name, value := range r.Properties() {
		if name == f.Name && value == f.Value {
			return true
		}
	}
	return false
}

// A Request is one request (or run, or prediction) as the logs tell it. Text in
// it comes from outside: it is cleaned when it is drawn, not here.
type Request struct {
	ID      string
	Missing string // why nothing but the id is known, in words; empty: it is known
	Reading bool   // its content comes as soon as somebody opens it
	Unread  string // why its content cannot be read any more, in words
	At      time.Time
	Service string
	Name    string // operation: "chat", "predict", "invoke_agent"
	Level   string // "error", "warn", "info", …
	Failed  bool
	Code    int    // HTTP status; 0: not logged
	Error   string // error.type
	Finish  string // finish reason
	Message string
	Lineage Lineage
	Dims    []Field // everything it may have in common with others: tenant, region, tool…

	Duration  *float64 // seconds
	TTFT      *float64 // seconds
	TokensIn  *float64
	TokensOut *float64
	CostUSD   *float64
	Trace     string
	Link      string // to its page in the UI of the tracing or log system; "" none is configured

	Prompt string // empty: content was not captured
	Answer string
	Chunks []Chunk
	Tools  []ToolCall
	Scores []Field // evaluations: name and value or label
	Signs  []Sign  // what is peculiar about it, worst first

	Raw    string // the record as it came, cut at 64 KB; empty: it is not held, or read again when somebody opens it
	Origin string // file or stream it came from
	Offset int64  // where it begins in Origin, in bytes …
	Length int    // … and how long it is there; 0: it cannot be read again from Origin
	Source string // name of the source it came from
	Group  string // id of its failure group, if it failed
}

// Field is a name and a value.
type Field struct{ Name, Value string }

// A Chunk is one piece of retrieved context.
type Chunk struct {
	ID    string
	Score *float64
	Age   *float64 // seconds since it was indexed
	Text  string
}

// A ToolCall is one step of an agent.
type ToolCall struct {
	Name, Arguments, Result, Error string
	Duration                       *float64 // seconds
}

// A Change is something that was altered: the usual suspect.
type Change struct {
	ID        string
	At        time.Time
	Uncertain time.Duration // ± how well At is known
	Kind      string        // deploy prompt model config index data tool flag cache rollback
	Service   string
	From, To  string
	Text      string
	URL       string
	Source    string
	Dim       string // property of requests that carries To, e.g. "prompt_version"; empty: not said
}

// An Alert is a rule of the monitoring system that is pending or firing.
type Alert struct {
	Name     string
	Service  string // "" when its labels name none
	Severity string
	State    string // "pending", "firing"
	Since    time.Time
	Text     string
	Value    *float64
	Labels   []Field
	Source   string

	ID        string   // of the alert at its source; "" it gives none
	Silenced  []string // ids of the silences that keep it quiet
	Inhibited []string // ids of the alerts it is kept quiet for
	Link      string   // where the rule is looked at; only http and https
	Expr      string   // what its rule asks for, in PromQL; "" not known
}

// Quiet says whether somebody decided that an alert calls nobody.
func (a Alert) Quiet() bool { return len(a.Silenced) > 0 || len(a.Inhibited) > 0 }

// Drift compares one distribution now with a reference.
type Drift struct {
	Service string
	Signal  string // what is compared: "prompt length"
	Feature string // for ML features: its name
	Kind    string // "histogram", "categorical", "exported"

	PSIAdj, Low, High, Gap, P *float64
	NRef, NCur                float64
	Level                     string // ok small warn critical insufficient pending no_data no_reference
	Status                    Status
	Since                     time.Time
	Detectable                *float64 // smallest shift in sigma that could be seen with this many requests
	Band                      *float64 // PSI_adj that ordinary days reach; nil: too few windows to say

	Tool    string   // for exported scores: who computed it, and how
	Score   *float64 // as exported; never judged by our limits
	Cells   []string // labels of the cells, same length as both shares
	Ref     []float64
	Cur     []float64
	Trend   []Point // PSI_adj of earlier looks, oldest first
	Windows []DriftWindow
	Note    string
	Query   string
	Against string // the reference in words: "the same 15 m one hour before"

	Measures []Measure // every number of the detail view; only of the one somebody has open
	Onset    Onset     // since when it moved, found in its series; only of the one somebody has open
	Near     []string  // ids of the changes near the onset, nearest first
	Outcome  string    // what the outcome did meanwhile: "answers judged good unchanged"
}

// Key names a comparison within its service: Signal, or "Signal/Feature".
func (d Drift) Key() string {
	if d.Feature == "" {
		return d.Signal
	}
	return d.Signal + "/" + d.Feature
}

// A DriftWindow is the same distribution in an earlier window, cells as in the
// Drift it belongs to.
type DriftWindow struct {
	End    time.Time
	N      float64
	PSIAdj *float64 // against the other windows before the present one
	Shares []float64
}

// A Measure is one distance between two distributions, named as the field names it.
type Measure struct {
	Name  string // "JS distance"
	Base  string // "base 2", "nats", "" where there is none
	Value float64
	Bound *float64 // what the unbucketed data may differ by, or reach at most
	Note  string   // what to keep in mind: "lower bound: mass above the last bucket"
}

// An Onset is when a series changed. The zero value: not found.
type Onset struct {
	At    time.Time
	End   time.Time     // zero: it still lasts
	Kind  string        // step ramp spread
	Up    bool          // it rose, or spread
	Score float64       // of the scan; 4.6 is the threshold
	Step  time.Duration // ± how well At is known
}

// A Suspect is a possible cause, with its evidence. The score is the sum of the
// points in the evidence lines.
type Suspect struct {
	Rank     int
	Label    string // "strong", "likely", "unclear"
	Score    float64
	Kind     string // kind of the change, "load" or "external"
	Change   string // id of the change, "" for load and external
	Service  string
	From, To string
	At       time.Time
	Evidence []string
	RuledOut string // why it cannot be; empty: it can
}

// What names a suspect in words: "prompt v31 → v32", "a change nobody recorded".
func (s Suspect) What() string {
	switch s.Kind {
	case "load":
		return "more traffic than fits"
	case "external":
		return "something at " + s.Service
	case "unrecorded":
		return "a change nobody recorded"
	}
	return strings.TrimSpace(s.Kind + " " + FromTo(s.From, s.To))
}

// FromTo is "v31 → v32"; either may be unknown.
func FromTo(from, to string) string {
	switch {
	case from == "" && to == "":
		return ""
	case from == "":
		return "→ " + to
	case to == "":
		return from
	}
	return from + " → " + to
}

// SourceState says who answers, how fast, how old that is and what is missing.
type SourceState struct {
	Name, Kind, Where string // Where never carries credentials
	OK                bool
	At                time.Time // last good answer or line; zero: never
	Error             string    // newest failure; empty after the next success
	Warnings          []string
	Version           string
	Took              time.Duration // newest answer
	Asked             int           // questions since start
	Failed            int
	Bytes             int64
	Log               bool          // it is followed line by line: what follows is about that
	Lines             int           // since start
	LinesPerSecond    float64       // over the last minute
	BadLines          int           // could not be read as the format of the source
	Dropped           int           // lines that came faster than they could be read
	Lag               *float64      // seconds: how old the newest record was when it was read; nil: none came since the start
	Behind            int64         // bytes that are there and wait to be read
	Reading           bool          // what was there at the start is still being read
	Skew              time.Duration // its clock minus ours
	PerMinute         int           // questions sent in the last minute
	PerMinuteMax      int           // no more are sent; 0: not bounded
	Cut               int           // series left out of its newest answers, at least
	Note              string        // what is peculiar about it, in words
}
