package demo

import (
	"math/rand/v2"
	"time"

	"sickbay/health"
)

// newServices makes the whole stack as it was deployed before start. Rates are
// high enough that a half minute of any of them is no matter of luck.
func newServices() []*service {
	var all []*service
	all = append(all, newChats()...)
	all = append(all, newRAGs()...)
	all = append(all, newAgents()...)
	all = append(all, newModels()...)
	return append(all, newInfra(all)...)
}

func newChats() []*service {
	chat := func(name, model, provider string, rps, peak, took, tokensIn, tokensOut, usd float64) *service {
		s := &service{
			name: name, kind: health.LLM, rps: rps, peak: peak, logs: 0.10,
			operation: "chat", provider: provider, model: model,
			exporters: []string{"otel", "litellm", "answers"}, judged: 0.3,
			base: behaviour{
				Load: 1, Errors: 0.002, Took: around(took, 0.45), First: around(took/4, 0.4),
				In: around(tokensIn, 0.6), Out: around(tokensOut, 0.55), USD: usd, Cut: 0.006,
				Refused: 0.003, Quality: score(0.93, 0.9), Thumb: 0.06, Outcome: 0.74,
			},
			outcome: [2]float64{0.60, 0.45},
		}
		s.replicas(2)
		return s
	}
	support := chat("support-chat", "gpt-4.1-mini", "openai", 12, 15, 1.6, 780, 140, 0.0006)
	support.logs = 0.30
	support.release("prompt", "v29", 40*day, "first with order lookup")
	support.release("prompt", "v30", 19*day, "shorter greetings")
	support.release("prompt", "v31", 6*day, "returns policy of November")
	support.release("model", "gpt-4.1-mini-2025-04-14", 30*day, "")
	support.release("deploy", "5.3.0", 12*day, "")
	support.release("deploy", "5.3.1", 4*day, "retry on 502")
	support.cached = 0.42
	support.release("cache", "c7", 22*day, "refilled with bge-m3")
	support.voice = supportVoice

	code := chat("code-assist", "claude-sonnet-4", "anthropic", 14, 14, 1.2, 2600, 210, 0.0110)
	code.release("prompt", "v12", 21*day, "")
	code.release("deploy", "4.7.1", 9*day, "")
	code.release("deploy", "4.7.2", 2*day, "larger context window")
	code.release("config", "r211", 3*day, "")
	code.outcome = [2]float64{0.55, 0.40}
	code.voice = codeVoice

	summary := chat("summarizer", "gpt-4.1-mini", "openai", 10, 11, 2.1, 3900, 320, 0.0021)
	summary.release("prompt", "v9", 33*day, "")
	summary.release("prompt", "v10", 8*day, "keeps figures")
	summary.release("config", "r88", 5*day, "")
	summary.voice = summaryVoice

	translate := chat("translator", "gemini-2.5-flash", "gcp.vertex_ai", 16, 9, 0.9, 420, 380, 0.0004)
	translate.release("prompt", "v5", 50*day, "")
	translate.release("deploy", "2.1.0", 25*day, "")
	translate.outcome = [2]float64{0.55, 0.40}
	translate.voice = translateVoice

	llama := &service{
		name: "llama-chat", kind: health.LLM, rps: 10, peak: 16, logs: 0.22,
		operation: "chat", provider: "vllm", model: "meta-llama/Llama-3.3-70B-Instruct",
		exporters: []string{"vllm"},
		base: behaviour{
			Load: 1, Errors: 0.003, Took: around(2.3, 0.4), First: around(0.32, 0.4), Gap: around(0.024, 0.25),
			In: around(900, 0.6), Out: around(190, 0.5), Cut: 0.008,
			Running: 14, Waiting: 0.6, Cache: 0.46, Preempted: 0.002,
		},
		voice: llamaVoice,
	}
	llama.replicas(2)
	llama.release("deploy", "v0.11.2", 16*day, "")
	llama.release("model", "llama-3.3-70b-fp8", 16*day, "")
	return []*service{support, code, summary, translate, llama}
}

func newRAGs() []*service {
	rag := func(name, model string, rps, peak, took float64) *service {
		s := &service{
			name: name, kind: health.RAG, rps: rps, peak: peak, logs: 0.10,
			operation: "chat", provider: "openai", model: model,
			exporters: []string{"otel", "answers", "retrieval"}, judged: 0.35,
			base: behaviour{
				Load: 1, Errors: 0.002, Took: around(took, 0.4), First: around(took/4, 0.35),
				In: around(3200, 0.4), Out: around(230, 0.5), USD: 0.0018, Cut: 0.005,
				Refused: 0.003, Quality: score(0.92, 0.9), Thumb: 0.07, Outcome: 0.78,
				Retrieval: score(0.80, 0.45), Empty: 0.006, Age: 5 * 3600, Foreign: 0, Grounded: score(0.93, 0.8),
			},
			outcome: [2]float64{0.65, 0.50},
		}
		s.replicas(2)
		return s
	}
	docs := rag("docs-answers", "gpt-4.1", 12, 13, 2.0)
	docs.logs = 0.30
	docs.release("index", "idx-1107", 16*day, "")
	docs.release("index", "idx-1114", 9*day, "")
	docs.release("index", "idx-1121", 2*day, "nightly, text-embedding-3-large")
	docs.release("prompt", "v22", 20*day, "")
	docs.release("prompt", "v23", 7*day, "cites sections")
	docs.release("model", "gpt-4.1-2025-04-14", 30*day, "")
	docs.voice = docsVoice

	legal := rag("legal-search", "claude-opus-4", 10, 10, 2.4)
	legal.release("index", "lex-0311", 11*day, "")
	legal.release("index", "lex-0312", 4*day, "")
	legal.release("deploy", "1.18.3", 6*day, "")
	legal.base.USD, legal.base.Age = 0.021, 9*3600
	legal.voice = legalVoice

	shop := rag("product-search", "gpt-4.1-mini", 14, 18, 1.1)
	shop.release("index", "p-118", 1*day, "")
	shop.release("prompt", "v40", 15*day, "")
	shop.base.USD, shop.base.Age = 0.0007, 2*3600
	shop.voice = shopVoice
	return []*service{docs, legal, shop}
}

func newAgents() []*service {
	agent := func(name, model string, rps, peak, steps, took, usd float64) *service {
		s := &service{
			name: name, kind: health.Agent, rps: rps, peak: peak, logs: 0.12,
			operation: "invoke_agent", provider: "anthropic", model: model,
			exporters: []string{"agent", "answers"}, judged: 0.3,
			base: behaviour{
				Load: 1, Errors: 0.002, Took: around(took, 0.4), In: around(9000, 0.5), Out: around(700, 0.5), USD: usd,
				Refused: 0.003, Quality: score(0.91, 0.9), Thumb: 0.08, Outcome: 0.84,
				Steps: around(steps, 0.35), ToolFails: 0.012, Loops: 0.002, Handoffs: 0.11,
			},
			outcome: [2]float64{0.72, 0.58},
		}
		s.replicas(2)
		return s
	}
	triage := agent("triage-agent", "claude-sonnet-4", 11, 12, 5.5, 7, 0.031)
	triage.logs = 0.30
	triage.release("deploy", "2.13.0", 13*day, "")
	triage.release("deploy", "2.14.0", 5*day, "ticket merge tool")
	triage.release("prompt", "v8", 13*day, "")
	triage.release("prompt", "v9", 3*day, "asks once before closing")
	triage.fallback = choice{"aws.bedrock", 0.45}
	triage.voice = triageVoice

	travel := agent("travel-agent", "gpt-4.1", 10, 19, 6.5, 9, 0.044)
	travel.release("prompt", "v18", 8*day, "")
	travel.release("deploy", "3.2.0", 11*day, "")
	travel.voice = travelVoice
	return []*service{triage, travel}
}

// newInfra is what the others stand on: their indexes lie in the vector database,
// the pods of the model server on the GPU nodes.
func newInfra(others []*service) []*service {
	vector := &service{
		name: "vector-db", kind: health.Infra, rps: 60, peak: 14, exporters: []string{"qdrant"},
		base: behaviour{Load: 1, Errors: 0.0005, Search: around(0.012, 0.55)},
	}
	vector.replicas(2)
	vector.release("config", "ef-96", 14*day, "")
	var served []string
	for _, s := range others {
		if s.kind == health.RAG {
			vector.holds = append(vector.holds, s.name)
		}
		if s.provider == "vllm" {
			served = append(served, s.pods...)
		}
	}
	all := []*service{vector}
	for i, name := range []string{"gpu-node-1", "gpu-node-2"} {
		node := &service{
			name: name, kind: health.Infra, peak: 16, exporters: []string{"dcgm"},
			base: behaviour{Load: 1, Busy: 0.66 - 0.05*float64(i), Memory: 0.87, Heat: 66 - 3*float64(i), Current: 420},
		}
		node.pods = []string{"dcgm-exporter-" + name}
		node.holds = served[i : i+1]
		all = append(all, node)
	}
	return all
}

const day = 24 * time.Hour

// release adds a version that was deployed so long before the start; the last
// one added runs. Times are made absolute by settle.
func (s *service) release(kind, version string, ago time.Duration, note string) {
	p := s.slot(kind)
	if p == nil {
		p = &slot{service: s.name, kind: kind, answered: map[string]answer{}}
		s.slots = append(s.slots, p)
	}
	p.releases = append(p.releases, release{version: version, at: time.Time{}.Add(ago), note: note})
	p.before, p.current = p.current, version
}

// settle turns the ages given to release into times before start, at odd
// minutes as deployments are.
func (s *service) settle(start time.Time, rng *rand.Rand) {
	for _, p := range s.slots {
		for i, r := range p.releases {
			ago := r.at.Sub(time.Time{})
			if p.kind != "cache" { // a cache is refilled at the full hour
				ago += time.Duration(rng.IntN(9*3600)) * time.Second
			}
			p.releases[i].at = start.Add(-ago).Truncate(time.Second)
		}
		p.since = p.releases[len(p.releases)-1].at
		p.before = p.current
	}
}
