package engine

import (
	"strings"

	"sickbay/health"
)

// handleOf are the properties of requests that name what another service serves.
var handleOf = map[string]string{
	"model": "model", "request.model": "model", "response.model": "model", "model_name": "model",
	"collection": "collection", "collection_name": "collection", "db.collection.name": "collection",
	"pod": "pod", "k8s.pod.name": "pod",
}

// callee are the properties that name another service itself.
var callee = map[string]bool{"peer.service": true, "server.address": true, "upstream": true, "upstream_service": true}

// owner tells which service a value of a request's property belongs to: who alone
// serves what it names, as the ties of the packs have it, or who is called so. ""
// is nobody.
func (e *Engine) owner(services []health.Service, m moment) func(dimension, value string) string {
	var serves map[handle][]string
	return func(dimension, value string) string {
		name := strings.TrimPrefix(dimension, "gen_ai.")
		if what, ok := handleOf[name]; ok {
			if serves == nil {
				_, serves = e.handles(m)
			}
			if by := serves[handle{what, value}]; len(by) == 1 {
				return by[0]
			}
			return ""
		}
		if callee[name] {
			for _, s := range services {
				if s.Name == value {
					return value
				}
			}
		}
		return ""
	}
}
