package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// A mill writes log lines as the gateway of an LLM service would: sixteen fields and
// more a line, 8 % errors, every fifth with the messages, about 1200 bytes a line. The
// same seed writes the same log, but for its times.
type mill struct {
	rng  *rand.Rand
	n    int
	line bytes.Buffer
}

func newMill(seed uint64) *mill { return &mill{rng: rand.New(rand.NewPCG(seed, seed))} }

func (m *mill) pick(words string) string {
	all := strings.Fields(words)
	return all[m.rng.IntN(len(all))]
}

const prose = `the parcel was sent to the old address because the customer moved in spring and nobody told the warehouse about it; please look at
order and say when it will arrive, how much a return costs and whether the voucher from last month is still good \"as promised\" thank you kindly`

// talk is text of about n bytes as it stands in JSON, with line ends and quotes escaped.
func (m *mill) talk(n int) string {
	words := strings.Fields(prose)
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[m.rng.IntN(len(words))])
		if m.rng.IntN(25) == 0 {
			b.WriteString(`.\n`)
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// next is one line with its end. It is good until the next one.
func (m *mill) next(at time.Time) []byte {
	rng, b := m.rng, &m.line
	b.Reset()
	m.n++
	level, message, failure := "info", "chat completed", `,"http.response.status_code":200`
	if rng.IntN(100) < 8 {
		level, message = "error", m.complaint()
		failure = fmt.Sprintf(`,"http.response.status_code":%d,"error.type":%q`, 500+rng.IntN(4), m.pick("timeout rate_limit upstream context_length"))
	}
	fmt.Fprintf(b, `{"time":%q,"level":%q,"service":%q,"message":%q,"request_id":"req-%x","trace_id":"%016x%016x","duration_s":%.3f%s`,
		at.UTC().Format(time.RFC3339Nano), level, m.pick("support-chat code-assist summarizer llama-chat"), message, m.n*7919, rng.Uint64(), rng.Uint64(), rng.Float64()*9, failure)
	fmt.Fprintf(b, `,"gen_ai.operation.name":"chat","gen_ai.provider.name":%q,"gen_ai.request.model":%q,"gen_ai.usage.input_tokens":%d,"gen_ai.usage.output_tokens":%d,"gen_ai.response.finish_reasons":["stop"],"gen_ai.response.time_to_first_chunk":%.3f`,
		m.pick("openai self azure"), m.pick("gpt-4o llama-3-70b mistral-large"), rng.IntN(9000), rng.IntN(900), rng.Float64())
	fmt.Fprintf(b, `,"prompt_version":%q,"build_version":"1.4.2","cost_usd":%.5f,"tenant":"t-%d","region":%q`,
		m.pick("v31 v32"), rng.Float64()/50, rng.IntN(40), m.pick("eu-west us-east-1 ap-south"))
	if rng.IntN(5) == 0 {
		fmt.Fprintf(b, `,"gen_ai.input.messages":[{"role":"system","parts":[{"type":"text","content":"%s"}]},{"role":"user","parts":[{"type":"text","content":"%s"}]}]`, m.talk(1200), m.talk(600+rng.IntN(1000)))
		fmt.Fprintf(b, `,"gen_ai.output.messages":[{"role":"assistant","parts":[{"type":"text","content":"%s"}],"finish_reason":"stop"}]`, m.talk(300+rng.IntN(900)))
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// complaint is the message of a request that failed.
func (m *mill) complaint() string {
	switch m.rng.IntN(3) {
	case 0:
		return fmt.Sprintf(`upstream returned %d after %d.%d s (request req-%x)`, 500+m.rng.IntN(5), m.rng.IntN(60), m.rng.IntN(10), m.rng.Uint64())
	case 1:
		return fmt.Sprintf(`context_length_exceeded: %d tokens`, 8000+m.rng.IntN(9000))
	}
	return fmt.Sprintf(`tool lookup refused for tenant t-%d`, m.rng.IntN(40))
}

// past writes n bytes of log, evenly from one time to another.
func (m *mill) past(to io.Writer, n int64, from, until time.Time) error {
	span := until.Sub(from)
	for done := int64(0); done < n; {
		line := m.next(from.Add(time.Duration(float64(span) * float64(done) / float64(n))))
		if _, err := to.Write(line); err != nil {
			return err
		}
		done += int64(len(line))
	}
	return nil
}
