package demo

import "sickbay/demo/prom"

type ref = prom.Ref

// sink is where samples go: all the simulation knows of the store.
type sink interface {
	Series(labels map[string]string) prom.Ref
	Append(s prom.Ref, t int64, v float64) error
	Stale(s prom.Ref, t int64) error
	SetMeta(name, typ, help, unit string)
}
