package main

import (
	"fmt"
	"strconv"
)

// A plan says what is simulated.
type plan struct{ services, series int }

// A part is what one kind of service exposes: some of it once a service, the rest
// once a replica.
type part struct {
	kind    string
	rate    float64   // requests a second of one replica
	service func(pod) // nil: everything is per replica
	replica func(pod)
	host    bool // it is known by its Hostname as well
}

// mix is what ten services are. Every pack of the fleet is met from ten services
// on, so that the questions asked are the same for fifty and for five hundred.
var mix = []part{
	{kind: "gateway-chat", rate: 4, service: litellm, replica: application},
	{kind: "otel-chat", rate: 3, replica: func(p pod) { otel(p); application(p) }},
	{kind: "vllm-chat", rate: 6, replica: vllm},
	{kind: "docs-answers", rate: 2, service: index, replica: func(p pod) { retrieval(p); application(p) }},
	{kind: "ticket-agent", rate: 0.5, replica: agent},
	{kind: "risk-model", rate: 20, service: monitor, replica: func(p pod) { kserve(p); requests(p) }},
	{kind: "rank-model", rate: 40, replica: kserve},
	{kind: "summarizer", rate: 1, replica: application},
	{kind: "vector-db", rate: 15, replica: qdrant},
	{kind: "gpu-node", rate: 1, replica: dcgm, host: true},
}

// illEvery makes one service of so many slow and faulty: judging ill services is
// part of the work. It has no divisor in common with the length of the mix, so that
// every kind has its ill ones.
const illEvery = 23

// anAgent is the place of the agent in the mix.
const anAgent = 4

// build makes exactly the services and the series of a plan. What the services do
// not need with one replica each goes into more replicas, and the last few into
// more tools of an agent.
func (pl plan) build() (*page, error) {
	if pl.services < len(mix) {
		return nil, fmt.Errorf("--services %d: at least %d, one of each kind", pl.services, len(mix))
	}
	p := newPage()
	replicas := make([]int, pl.services)
	for i := range pl.services {
		if m := mix[i%len(mix)]; m.service != nil {
			m.service(pl.pod(p, i, 0))
		}
		pl.replica(p, i, replicas)
	}
	if p.series > pl.series {
		return nil, fmt.Errorf("%d services have %d series with one replica each; --series has to be at least that", pl.services, p.series)
	}
	for i, idle := 0, 0; idle < pl.services; i = (i + 1) % pl.services {
		if p.series+pl.more(i) > pl.series {
			idle++
			continue
		}
		idle = 0
		pl.replica(p, i, replicas)
	}
	for n := 0; p.series < pl.series; n++ {
		pl.pod(p, anAgent, 0).counter("ai_agent_tool_calls_total", 0.1, "tool", "tool-"+strconv.Itoa(n), "outcome", "ok")
	}
	return p, nil
}

func (pl plan) replica(p *page, i int, replicas []int) {
	mix[i%len(mix)].replica(pl.pod(p, i, replicas[i]))
	replicas[i]++
}

// more is how many series one more replica of a service has.
func (pl plan) more(i int) int {
	p := newPage()
	mix[i%len(mix)].replica(pl.pod(p, i, 0))
	return p.series
}

// pod is a replica of the service with a number.
func (pl plan) pod(p *page, i, replica int) pod {
	m := mix[i%len(mix)]
	name := fmt.Sprintf("%s-%03d", m.kind, i/len(mix)+1)
	b := &beat{pulse: pulse{depth: 0.3, period: float64(1200 + 37*(i%29)), phase: float64(i + 3*replica)}}
	p.beats = append(p.beats, b)
	labels := []string{"service", name}
	if m.host {
		labels = append(labels, "Hostname", name)
	}
	return pod{
		page: p, beat: b, rate: m.rate, ill: i%illEvery == illEvery-1,
		labels: append(labels, "pod", fmt.Sprintf("%s-%d", name, replica)),
	}
}
