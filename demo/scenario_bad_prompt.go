package demo

import "time"

func init() {
	register(&Scenario{
		Name:  "bad-prompt",
		Title: "a new prompt makes the shop's chat refuse and answer worse",
		Story: "support-chat got prompt v32, whose new policy section makes it refuse harmless questions about orders " +
			"and answer others beside the point. Latency and errors stay as they were. Going back to prompt v31 helps.",
		guilty: "support-chat", kind: "prompt",
		change: &deployment{"support-chat", "prompt", "v32", "policy section rewritten: never discuss single orders"},
		share:  0.92, rise: 40 * time.Second, heal: 10 * time.Second,
		hit: map[string]func(*behaviour, float64){"support-chat": func(b *behaviour, _ float64) {
			b.Refused = 0.17
			b.Quality = score(0.60, 1.1)
			b.Thumb = 0.41
			b.Outcome = 0.33
			b.Out = b.Out.times(0.55)
			b.In = b.In.times(1.25)
		}},
		tell: map[string]func(*scribe, *record){"support-chat": func(w *scribe, r *record) {
			if r.ErrorType == "refused_by_policy" {
				r.answer(w.pick(
					"I'm sorry, but I can't discuss individual orders. Is there anything else I can help with?",
					"For privacy reasons I'm not able to look into a specific order or return.",
					"I cannot help with that. Please consult our general terms and conditions.",
				))
				return
			}
			if r.failing() {
				r.answer(w.pick(
					"Our policy describes returns in general. Please read the section on returns.",
					"Orders are handled according to our terms. Thank you for your interest in our shop!",
					"You can find information about delivery in the help centre.",
				))
			}
		}},
	})
}
