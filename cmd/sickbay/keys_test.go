package main

import (
	"regexp"
	"testing"

	"sickbay/demo"
)

// TestOneKeyLeadsFromAnySickServiceToARequestThatSuffers: in every scenario the worst
// service is selected in the overview, and i opens a request of it that failed, made
// by what the scenario put in place.
func TestOneKeyLeadsFromAnySickServiceToARequestThatSuffers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts every scenario: not with -short")
	}
	t.Parallel()
	for _, s := range demo.Scenarios() {
		if s.Name == "quiet" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) { // one after another: each is a whole demo
			listen := freePort(t)
			m := openTerminal(t, 120, 40, "demo", "--scenario", s.Name, "--listen", listen)
			m.sees(`▌[✗▲] `, soon)
			truth := truthOf(t, "http://"+listen)
			service := regexp.QuoteMeta(*truth.Guilty)
			m.sees(`▌[✗▲] `+service+` `, soon)
			m.press("4") // the log has been read when its failures are there
			m.sees(`(?m)^.(new|grown|known) .* `+service+` `, soon)
			m.press("1")
			m.sees(`(?s)▌[✗▲] `+service+` .*▌1 strong `, soon)

			m.press("i")
			m.sees(`(?s)REQUEST .*failed.* service +`+service+` `, soon)
			if truth.Rollback != nil {
				m.sees(`(?m) (build|model|prompt|index|data|config|cache)\b.* `+regexp.QuoteMeta(truth.To), soon)
			}
			m.press("q")
			m.restored(0, soon)
		})
	}
}
