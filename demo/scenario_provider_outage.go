package demo

import "time"

func init() {
	register(&Scenario{
		Name:  "provider-outage",
		Title: "a provider that answers part of the requests is down",
		Story: "triage-agent sends close to half of its requests to aws.bedrock, the others to anthropic. Bedrock is overloaded: nearly " +
			"everything sent there times out. Nothing of ours changed, so there is nothing to take back; send the requests to " +
			"anthropic until Bedrock is well again.",
		guilty: "triage-agent", kind: "external",
		share: 0.40, rise: 20 * time.Second, grow: 40 * time.Second,
		provider: "aws.bedrock",
		hit: map[string]func(*behaviour, float64){"triage-agent": func(b *behaviour, s float64) {
			b.Errors = toward(0.20, 0.82, s)
			b.Outcome = toward(0.60, 0.15, s)
		}},
	})
}
