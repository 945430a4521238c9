// Package prom is the Prometheus inside `sickbay demo`: the real PromQL engine
// over an in-memory store, behind the HTTP API a Prometheus server has.
//
//	store := prom.NewStore(24 * time.Hour)
//	up := store.Series(map[string]string{"__name__": "up", "job": "demo"})
//	err := store.Append(up, time.Now().UnixMilli(), 1)
//	rules, err := prom.NewRules(store, []prom.Rule{{Name: "Down", Expr: "up == 0", For: time.Minute}})
//	server := prom.NewServer(store, rules, time.Now)
//	server.SetReady(true)
//	http.Serve(listener, server)
//
// What is real: the parser, the engine, the XOR chunks. What is ours: the
// index, the handlers and the rule evaluator; `make integration` holds those
// against a Prometheus binary. Not there: native
// histograms, exemplars, query statistics, recording rules, keep_firing_for.
package prom
