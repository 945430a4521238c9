package logs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// A mill writes log lines as an LLM gateway would: fifteen fields and more a line, 8 % errors, 20 % with
// captured messages, about 1200 bytes a line. The same seed writes the same log.
type mill struct {
	rng *rand.Rand
	at  time.Time
	n   int
	out bytes.Buffer
}

func newMill(seed uint64) *mill {
	return &mill{rng: rand.New(rand.NewPCG(seed, seed)), at: testNow.Add(-time.Hour)}
}

func pick(rng *rand.Rand, words string) string {
	all := strings.Fields(words)
	return all[rng.IntN(len(all))]
}

const prose = `the parcel was sent to the old address because the customer moved in spring and nobody told the warehouse about it; please look at
order and say when it will arrive, how much a return costs and whether the voucher from last month is still good "as promised" thank you kindly`

// talk is text of about n bytes as it stands in JSON, with line ends and quotes escaped.
func (m *mill) talk(n int) string {
	words := strings.Fields(strings.ReplaceAll(prose, `"`, `\"`))
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[m.rng.IntN(len(words))])
		switch m.rng.IntN(25) {
		case 0:
			b.WriteString(`.\n`)
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// line writes one line without its end.
func (m *mill) line() []byte {
	rng, b := m.rng, &m.out
	b.Reset()
	m.n++
	m.at = m.at.Add(time.Duration(rng.IntN(40)) * time.Millisecond)
	level, message := "info", "chat completed"
	failed := rng.IntN(100) < 8
	if failed {
		level = "error"
		message = [...]string{
			fmt.Sprintf(`upstream returned %d after %d.%d s (request req-%x)`, 500+rng.IntN(5), rng.IntN(60), rng.IntN(10), rng.Uint64()),
			`context_length_exceeded: ` + fmt.Sprint(8000+rng.IntN(9000)) + ` tokens`,
			`tool "lookup" refused for tenant t-` + fmt.Sprint(rng.IntN(40)),
		}[rng.IntN(3)]
	}
	fmt.Fprintf(b, `{"time":%q,"level":%q,"service":%q,"message":%q,"request_id":"req-%x","trace_id":"%016x%016x","duration_s":%.3f`,
		m.at.Format(time.RFC3339Nano), level, pick(rng, "support-chat code-assist summarizer llama-chat"), message, m.n*7919, rng.Uint64(), rng.Uint64(), rng.Float64()*9)
	if failed {
		fmt.Fprintf(b, `,"http.response.status_code":%d,"error.type":%q`, 500+rng.IntN(4), pick(rng, "timeout rate_limit upstream context_length"))
	} else {
		b.WriteString(`,"http.response.status_code":200`)
	}
	fmt.Fprintf(b, `,"gen_ai.operation.name":"chat","gen_ai.provider.name":%q,"gen_ai.request.model":%q,"gen_ai.usage.input_tokens":%d,"gen_ai.usage.output_tokens":%d,"gen_ai.response.finish_reasons":["stop"]`,
		pick(rng, "openai self azure"), pick(rng, "gpt-4o llama-3-70b mistral-large"), rng.IntN(9000), rng.IntN(900))
	fmt.Fprintf(b, `,"prompt_version":%q,"build_version":"1.4.2","cost_usd":%.5f,"tenant":"t-%d","region":%q`, pick(rng, "v31 v32"), rng.Float64()/50, rng.IntN(40), pick(rng, "eu-west us-east-1 ap-south"))
	if rng.IntN(5) == 0 {
		fmt.Fprintf(b, `,"gen_ai.input.messages":[{"role":"system","parts":[{"type":"text","content":"%s"}]},{"role":"user","parts":[{"type":"text","content":"%s"}]}]`, m.talk(1200), m.talk(600+rng.IntN(1000)))
		fmt.Fprintf(b, `,"gen_ai.output.messages":[{"role":"assistant","parts":[{"type":"text","content":"%s"}],"finish_reason":"stop"}]`, m.talk(300+rng.IntN(900)))
	}
	b.WriteByte('}')
	return b.Bytes()
}

// log is about n bytes of lines, each with its end.
func (m *mill) log(n int) []byte {
	all := make([]byte, 0, n+8<<10)
	for len(all) < n {
		all = append(append(all, m.line()...), '\n')
	}
	return all
}
