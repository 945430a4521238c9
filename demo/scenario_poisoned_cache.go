package demo

import "time"

func init() {
	register(&Scenario{
		Name:  "poisoned-cache",
		Title: "a refilled cache answers with what was meant for others",
		Story: "support-chat's semantic cache was refilled as generation c8 with answers recorded without their question's language " +
			"and order. Whatever is answered from the cache is quick, cheap and wrong; requests that miss it are well. Latency and " +
			"errors stay as they were. Going back to generation c7 helps.",
		guilty: "support-chat", kind: "cache",
		change: &deployment{"support-chat", "cache", "c8", "semantic cache refilled from recordings"},
		share:  0.40, rise: 60 * time.Second, grow: 60 * time.Second, heal: 12 * time.Second,
		cached: true,
		hit: map[string]func(*behaviour, float64){"support-chat": func(b *behaviour, s float64) {
			b.Refused = toward(b.Refused, 0.11, s) // they belong to somebody else
			b.Quality = b.Quality.toward(0.28, s)
			b.Thumb = toward(b.Thumb, 0.62, s)
			b.Outcome = toward(b.Outcome, 0.12, s)
		}},
		tell: map[string]func(*scribe, *record){"support-chat": func(w *scribe, r *record) {
			if r.failing() && r.ErrorType == "" {
				r.answer(w.pick(
					"Your order ###-#### was delivered on Monday.",
					"Ihre Bestellung ###-#### ist unterwegs.",
					"The voucher has been applied to your account.",
				))
			}
		}},
	})
}
