// Package sources knows who can be asked: one file per kind. A source answers
// questions and follows streams; it keeps no history and judges nothing.
package sources

import (
	"context"
	"fmt"
	"io"
	"sort"
	"time"

	"sickbay/health"
)

// A Source is somebody who can be asked, and any of the abilities below.
type Source interface {
	Name() string
	io.Closer
}

// Metrics answers PromQL.
type Metrics interface {
	Source
	// Range returns what there is between start and end, both multiples of
	// step: holes stay holes, NaN stays NaN. An Answer with warnings is still
	// an answer. It returns when ctx ends.
	Range(ctx context.Context, expr string, start, end time.Time, step time.Duration) (Answer, error)
	// Instant returns at most one point per series.
	Instant(ctx context.Context, expr string, at time.Time) (Answer, error)
}

// An Answer is what came back, whole or not.
type Answer struct {
	Series   []Series
	Warnings []string
	Bytes    int64
	Took     time.Duration
	Skew     time.Duration // server's clock minus ours, from its Date header; 0: not known
	Cut      int           // series left out because there were too many, at least; a warning says so
}

// Series is one line of an answer: numbers, or native histograms, or both where a
// server took over from the one to the other.
type Series struct {
	Labels     map[string]string
	Points     []health.Point
	Histograms []Histogram

	id string // of the labels, if somebody has found it out
}

// ID is one string for one set of labels.
func (s Series) ID() string {
	if s.id == "" {
		return identity(s.Labels)
	}
	return s.id
}

// A Histogram is one native histogram. Buckets hold counts of their own, not
// cumulative ones, ascending; an empty bucket is not there.
type Histogram struct {
	T          int64 // Unix milliseconds
	Count, Sum float64
	Buckets    []Bucket
}

// A Bucket counts what lies between two bounds; which of them belongs to it is not
// kept.
type Bucket struct{ Lower, Upper, Count float64 }

// Logs follows a stream of records.
type Logs interface {
	Source
	// Follow first emits what is already there, oldest first, then what comes,
	// in batches and in order, until ctx ends. Follow reconnects by itself and says so
	// in the batch's Note. The records of a batch are good until the next emit has
	// returned: who takes batches one after the other is done with it by then.
	Follow(ctx context.Context, emit func(Batch)) error
}

// A Batch is some records and the counts since the batch before.
type Batch struct {
	Requests []health.Request
	Lines    int
	Bad      int // lines that were not of the source's format; they are in Requests as plain text
	Dropped  int
	Bytes    int64
	Behind   int64  // bytes that are there and were not read yet
	CaughtUp bool   // everything that was there when Follow began has been emitted
	Note     string // "rotated", "truncated", "waiting for app.jsonl", "" all is well
	Err      error  // why nothing can be read just now; nil: all is well
}

// Slim is a source of logs whose records lack what is only looked at when somebody
// opens one: prompt, answer, texts of chunks.
type Slim interface {
	// Full puts the content into a record. It reads what the record itself holds.
	Full(r health.Request) health.Request
}

// Changes lists what was altered.
type Changes interface {
	Source
	// Changes returns what is known to have changed since then, in any order.
	// Changes may come together with an error: these could be read, others not.
	Changes(ctx context.Context, since time.Time) ([]health.Change, error)
}

// Alerts lists what the monitoring system complains about.
type Alerts interface {
	Source
	// Alerts returns ErrMissing when the source has nothing of the kind.
	Alerts(ctx context.Context) ([]health.Alert, error)
}

// About says what and where a source is, for the sources view.
type About interface {
	// About never contains credentials.
	About() (kind, where string)
	// Version asks the server who it is; an empty version is a good answer, and so
	// is ErrMissing: it does not know the question.
	Version(ctx context.Context) (string, error)
}

// Used says how a source is used and what it is like, for the sources view. It
// never blocks.
type Used interface{ Usage() Usage }

// Usage is what a source is asked just now.
type Usage struct {
	PerMinute    int    // questions sent in the last minute
	PerMinuteMax int    // no more are sent; those that are left wait
	Cut          int    // series left out of the newest answers of all questions, at least
	Note         string // what is peculiar about the server, in words
}

// Decode fills a struct from the kind's own section of the config; unknown keys
// are reported by the config room.
type Decode func(into any) error

// Kind is a kind of source: how a section of the config becomes one.
type Kind struct {
	Name    string
	Doc     string // one sentence for the docs
	Example string // a section for config.example.toml, without the [[source]] line
	Open    func(name string, decode Decode) (Source, error)
}

var kinds = map[string]Kind{}

func register(k Kind) { kinds[k.Name] = k }

// Kinds lists all kinds by name.
func Kinds() []Kind {
	all := make([]Kind, 0, len(kinds))
	for _, k := range kinds {
		all = append(all, k)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// Open makes a source of a kind. It does not talk to anybody yet.
func Open(kind, name string, decode Decode) (Source, error) {
	k, ok := kinds[kind]
	if !ok {
		return nil, fmt.Errorf("source %q: unknown kind %q", name, kind)
	}
	s, err := k.Open(name, decode)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", name, err)
	}
	return s, nil
}
