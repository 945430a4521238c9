package demo

import "time"

func init() {
	register(&Scenario{
		Name:  "stale-index",
		Title: "the documentation's index was rebuilt from an old snapshot with another embedding model",
		Story: "docs-answers was switched to index idx-1122, built from a snapshot eleven days old and mostly embedded with " +
			"text-embedding-3-small while queries use text-embedding-3-large. Retrieval scores fall, searches find nothing, " +
			"answers do not follow from the documents. Going back to index idx-1121 helps.",
		guilty: "docs-answers", kind: "index",
		change: &deployment{"docs-answers", "index", "idx-1122", "nightly rebuild (resumed from snapshot)"},
		share:  1, rise: 45 * time.Second, grow: 60 * time.Second, heal: 12 * time.Second,
		hit: map[string]func(*behaviour, float64){"docs-answers": func(b *behaviour, s float64) {
			b.Retrieval = b.Retrieval.toward(0.36, s)
			b.Empty = toward(b.Empty, 0.24, s)
			b.Age = 11 * 24 * 3600
			b.Foreign = toward(0, 0.61, s)
			b.Grounded = score(0.58, 1.0)
			b.Quality = score(0.64, 1.0)
			b.Thumb = 0.33
			b.Outcome = 0.44
		}},
		tell: map[string]func(*scribe, *record){"docs-answers": func(w *scribe, r *record) {
			if r.failing() && r.ErrorType == "" {
				r.answer(w.pick(
					"Set `legacy_auth: true` in settings.yml and restart the gateway.",
					"Version 2.x does not support this. Upgrade to 3.0 when it is released.",
					"The documentation does not mention this option.",
				))
			}
		}},
	})
}
