package demo

import (
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"sickbay/health"
)

// converse fills a request to something that talks.
func (w *scribe) converse(s *service, b *behaviour, r *record) {
	r.Provider, r.RequestModel, r.Model = orElse(r.Provider, s.provider), s.model, s.model
	if r.ModelVersion != "" {
		r.Model = r.ModelVersion
	}
	r.ResponseID = "chatcmpl-" + w.hex(8)
	r.PromptName = s.name
	if r.Prompt == "" {
		r.PromptName = ""
	}
	r.TokensIn = int(b.In.draw(w.rng)) + 1
	r.TokensOut = int(b.Out.draw(w.rng)) + 1
	r.First = round(min(b.First.draw(w.rng), r.Duration), 3)
	r.Cost = round(b.USD*float64(r.TokensIn)/w.in.meanOf(b.In), 6)
	r.Finish = []string{"stop"}
	topic := w.rng.IntN(len(s.voice.talk))
	ask := s.voice.talk[topic]
	r.input(w.digits(ask.question))
	r.answer(w.digits(ask.answer))
	if s.kind == health.RAG {
		w.retrieve(s, b, r, topic)
	}
	if s.kind == health.Agent {
		w.work(s, b, r)
	}
	w.mishap(s, b, r)
}

// mishap decides what went wrong with a conversation, if anything did: one
// thing at most, the technical ones first.
func (w *scribe) mishap(s *service, b *behaviour, r *record) {
	switch {
	case r.ErrorType != "":
	case w.chance(b.Errors):
		w.technical(s, b, r)
	case w.chance(b.Refused):
		r.fail("warn", "refused_by_policy", 200, "answer refused by policy P-"+w.digits("##")+" for conversation c-"+w.digits("#####"))
		r.answer("I'm sorry, I can't help with that request.")
		r.Finish = []string{"content_filter"}
	case w.chance(b.Cut):
		r.Finish = []string{"length"}
		r.TokensOut = 1024
		r.Level, r.Message = "warn", "answer cut at max_tokens=1024"
	case w.chance(s.judged):
		w.evaluate(b, r)
	}
}

// evaluate lets a judge look at the answer.
func (w *scribe) evaluate(b *behaviour, r *record) {
	q := b.Quality.draw(w.rng)
	r.judge("answer_relevance", q, "incorrect")
	if q < 0.5 {
		r.Message = fmt.Sprintf("evaluation answer_relevance: incorrect, score %.2f below 0.50", q)
	}
	if b.Grounded.shape == never {
		return
	}
	g := b.Grounded.draw(w.rng)
	r.judge("groundedness", g, "fail")
	if g < 0.5 && r.Message == "" {
		r.Message = fmt.Sprintf("evaluation groundedness: answer not supported by %d documents, score %.2f", len(r.Documents), g)
	}
}

// technical is one of the failures every such system knows.
func (w *scribe) technical(s *service, b *behaviour, r *record) {
	r.Finish, r.Output, r.TokensOut, r.First = nil, nil, 0, 0
	u := w.rng.Float64()
	if b.Errors > 0.05 { // overloaded: nearly all of them wait too long
		u *= 0.45
	}
	switch {
	case u < 0.45:
		r.Duration = round(30+w.rng.Float64()*0.2, 3)
		r.fail("error", "timeout", 504, fmt.Sprintf("upstream %s timed out after %d ms (attempt %d, request %s)",
			r.Provider, int(r.Duration*1000), 1+w.rng.IntN(3), r.RequestID))
	case u < 0.75:
		r.Duration = round(0.05+0.1*w.rng.Float64(), 3)
		r.fail("error", "rate_limit_exceeded", 429, fmt.Sprintf(
			"rate limit reached for %s in organization org-%s on tokens per min: limit 200000, used %d, requested %d",
			s.model, w.hex(6), 195000+w.rng.IntN(5000), r.TokensIn))
	case u < 0.92:
		n := 128001 + w.rng.IntN(40000)
		r.TokensIn = n
		r.Duration = round(0.1+0.2*w.rng.Float64(), 3)
		r.fail("error", "context_length_exceeded", 400, fmt.Sprintf(
			"this model's maximum context length is 128000 tokens, however your messages resulted in %d tokens", n))
	default:
		r.fail("error", "connection_error", 502, fmt.Sprintf("connection to 10.%d.%d.%d:443 reset by peer",
			w.rng.IntN(256), w.rng.IntN(256), w.rng.IntN(256)))
	}
}

// retrieve fills the documents a RAG service found.
// A good search begins with the passage on its topic.
func (w *scribe) retrieve(s *service, b *behaviour, r *record, topic int) {
	if w.chance(b.Empty) {
		r.fail("warn", "retrieval_empty", 200, fmt.Sprintf("no documents above score 0.30 in index %s for query of %d tokens",
			r.Index, 6+w.rng.IntN(20)))
		r.answer("I could not find anything about that in the documents.")
		return
	}
	r.QueryModel, r.IndexModel = newEmbedding, embeddedBy(r.RequestID, b.Foreign)
	best, all := b.Retrieval.draw(w.rng), s.voice.documents
	first := topic
	if best < 0.6 {
		first += 1 + w.rng.IntN(len(all)-1)
	}
	for i := range 3 + w.rng.IntN(2) {
		d := all[(first+i)%len(all)]
		r.Documents = append(r.Documents, document{
			ID: d.id + "#" + w.digits("##"), Score: round(best*math.Pow(0.93, float64(i)), 3),
			Age: math.Round(b.Age + w.rng.Float64()*30*3600), Content: d.text,
		})
	}
}

// embeddedBy is the model that embedded what was found: for a share of the requests
// another one than embeds the questions. The id decides, not chance: what is drawn
// for the others stays what it was.
func embeddedBy(request string, foreign float64) string {
	h := fnv.New32a()
	h.Write([]byte(request))
	if float64(h.Sum32()>>8)/(1<<24) < foreign {
		return oldEmbedding
	}
	return newEmbedding
}

// work fills the tool calls of an agent's task.
func (w *scribe) work(s *service, b *behaviour, r *record) {
	steps := max(int(b.Steps.draw(w.rng)*0.8), 1)
	if w.chance(b.Loops) {
		w.loop(s, b, r, max(steps, 9))
		return
	}
	for i := range min(steps, 12) {
		c := s.voice.calls[i%len(s.voice.calls)]
		t := toolCall{Name: c.name, Arguments: w.digits(c.arguments), Result: w.digits(c.result), Duration: round(0.1+w.rng.ExpFloat64()*0.3, 3)}
		if w.chance(b.ToolFails) {
			t.Result, t.Error = "", w.pick("HTTP 503 from backend", "deadline of 5000 ms exceeded", "invalid argument: page_token")
		}
		r.Tools = append(r.Tools, t)
	}
}

// loop repeats one call until the task is stopped.
func (w *scribe) loop(s *service, b *behaviour, r *record, steps int) {
	c := s.voice.calls[0]
	arguments, result := w.digits(c.arguments), w.digits(c.result)
	for range min(steps, 24) {
		t := toolCall{Name: c.name, Arguments: arguments, Result: result, Duration: round(0.2+w.rng.ExpFloat64()*0.4, 3)}
		if w.chance(b.ToolFails) {
			t.Result, t.Error = "", "invalid argument: page_token"
		}
		r.Tools = append(r.Tools, t)
	}
	r.fail("error", "loop_detected", 200, fmt.Sprintf("task T-%s stopped after %d steps: %s called %d times with the same arguments",
		w.digits("######"), steps+3, c.name, len(r.Tools)))
	r.answer("I was not able to finish this task and have passed it to a colleague.")
	r.Finish = []string{"max_steps"}
}

// summary is the message of a record about which nothing else is to say.
func (w *scribe) summary(r *record) string {
	took := time.Duration(r.Duration * float64(time.Second)).Round(time.Millisecond)
	switch {
	case r.Prediction != "":
		return fmt.Sprintf("predicted %s in %v", r.Prediction, took)
	case len(r.Tools) > 0:
		return fmt.Sprintf("task done in %v with %d tool calls", took, len(r.Tools))
	case len(r.Documents) > 0:
		return fmt.Sprintf("answered from %d documents in %v", len(r.Documents), took)
	}
	return fmt.Sprintf("answered in %v", took)
}
