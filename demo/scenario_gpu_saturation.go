package demo

import "time"

func init() {
	register(&Scenario{
		Name:  "gpu-saturation",
		Title: "a tenant's batch job fills the GPUs, requests queue",
		Story: "Tenant globex started a batch job against llama-chat without asking. Its two replicas are full: requests queue, " +
			"the KV cache is exhausted, first tokens come late and some requests time out. Nothing was deployed, so there is nothing " +
			"to take back; limit the tenant or add replicas.",
		guilty: "llama-chat", kind: "load",
		share: 1, rise: 20 * time.Second, grow: 80 * time.Second,
		hit: map[string]func(*behaviour, float64){
			"llama-chat": func(b *behaviour, s float64) {
				b.Load = toward(1.3, 2.1, s)
				b.Errors = toward(0.01, 0.13, s)
				b.Running = toward(22, 64, s)
				b.Waiting = toward(4, 92, s)
				b.Cache = toward(0.7, 0.996, s)
				b.Preempted = toward(0.1, 2.4, s)
				b.First = around(toward(0.8, 7.5, s), 0.4)
				b.Took = around(toward(3.5, 15, s), 0.35)
				b.Gap = b.Gap.times(toward(1.2, 2.1, s))
			},
			"gpu-node-1": hotGPU,
			"gpu-node-2": hotGPU,
		},
		tell: map[string]func(*scribe, *record){"llama-chat": func(w *scribe, r *record) {
			if w.rng.Float64() < 0.5 {
				r.Tenant = "globex"
				r.input("Classify the sentiment of review " + w.digits("######") + ": \"" + w.pick(
					"arrived late but works", "love it", "broke after two days", "as described") + "\"")
				if !r.failing() {
					r.answer(w.pick("positive", "negative", "neutral"))
				}
			}
		}},
	})
}

func hotGPU(b *behaviour, s float64) {
	b.Busy = toward(0.85, 0.99, s)
	b.Heat = toward(b.Heat, 87, s)
	b.Memory = 0.90
	b.Current = toward(b.Current, 660, s)
}
