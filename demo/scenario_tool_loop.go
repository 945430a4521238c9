package demo

import "time"

func init() {
	register(&Scenario{
		Name:  "tool-loop",
		Title: "a new build of the ticket agent repeats the same call until it is stopped",
		Story: "triage-agent was deployed as 2.15.0, which drops the page token from the answer of search_tickets: the agent asks " +
			"for the first page again and again until its step limit ends the task. Steps, tool errors, cost and duration rise, " +
			"fewer tickets are resolved. Going back to build 2.14.0 helps.",
		guilty: "triage-agent", kind: "deploy",
		change: &deployment{"triage-agent", "deploy", "2.15.0", "release 2.15.0: tool results are compacted"},
		share:  0.95, rise: 45 * time.Second, grow: 90 * time.Second, heal: 12 * time.Second,
		hit: map[string]func(*behaviour, float64){"triage-agent": func(b *behaviour, s float64) {
			b.Loops = toward(0.12, 0.38, s)
			b.Steps = around(toward(14, 28, s), 0.4)
			b.ToolFails = toward(0.06, 0.22, s)
			b.Took = around(toward(18, 31, s), 0.35)
			b.In = b.In.times(toward(2, 4.2, s))
			b.USD *= toward(2, 4.4, s)
			b.Quality = score(0.84, 0.9)
			b.Outcome = 0.49
			b.Handoffs = 0.24
		}},
	})
}
