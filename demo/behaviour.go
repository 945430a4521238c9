package demo

import "slices"

// A behaviour says how a service does: every rate and distribution from which
// its metrics and its request log are drawn. What a service has nothing to do
// with stays zero.
type behaviour struct {
	Load   float64 // requests, relative to its usual traffic
	Errors float64 // share of requests with a technical error
	Took   dist    // seconds per request
	First  dist    // seconds to the first token
	Gap    dist    // seconds between two tokens

	In, Out dist    // tokens per request
	USD     float64 // per request
	Cut     float64 // share of answers cut at their token limit
	Refused float64 // share of answers that refuse
	Quality dist    // judged score of an answer
	Thumb   float64 // share of ratings that are bad
	Outcome float64 // share of sessions that end in business success

	Retrieval dist    // similarity of the chunks found
	Empty     float64 // share of retrievals that find nothing
	Age       float64 // seconds since the documents of the index were read
	Foreign   float64 // share of chunks embedded by another model than the queries
	Grounded  dist    // judged score: does the answer follow from the chunks

	Steps     dist    // per task
	ToolFails float64 // share of tool calls
	Loops     float64 // share of tasks that repeat themselves
	Handoffs  float64 // share of tasks given to a person

	Features []feature
	Classes  []class // what is predicted, and how often
	Scores   dist    // predicted score
	Labels   float64 // seconds until the truth is known

	Running, Waiting float64 // requests per engine
	Cache            float64 // share of the KV cache in use
	Preempted        float64 // requests a second per engine

	Search dist // seconds per vector search

	Busy, Memory  float64 // shares of a GPU
	Heat, Current float64 // celsius, watts
}

// A feature is one input of a classic model.
type feature struct {
	Name   string
	Bounds []float64 // of its histogram
	Values dist
	Nulls  float64 // share of missing values
	Fresh  float64 // seconds since it was computed
}

// A class is one answer of a classifier.
type class struct {
	Name  string
	Share float64
}

// clone is a copy that may be altered.
func (b *behaviour) clone() *behaviour {
	c := *b
	c.Features = slices.Clone(b.Features)
	c.Classes = slices.Clone(b.Classes)
	return &c
}

// feature finds an input by name, to be altered.
func (b *behaviour) feature(name string) *feature {
	for i := range b.Features {
		if b.Features[i].Name == name {
			return &b.Features[i]
		}
	}
	return &feature{}
}

// toward goes a share s of the way from one value to another.
func toward(from, to, s float64) float64 { return from + (to-from)*s }
