package triage

import (
	"fmt"

	"sickbay/health"
)

// The signs of one request. They are found in what an agent did; no other request
// is needed to see them.
const (
	signLoop   = "identical calls"
	signCycle  = "cycle"
	signStuck  = "no progress"
	signFailed = "failing call repeated"
)

// From where on repetition is a sign. An agent may ask twice, and a third time after
// an error; what it does more often than that it does because it learns nothing.
const (
	minLoop   = 4 // identical calls in a row, the last of which brings nothing new
	minCycle  = 3 // rounds of two to maxPeriod calls, not all the same
	maxPeriod = 4
	minStuck  = 6 // calls at the end that each repeat an earlier one and its result
	minFailed = 3 // failures of one call, unchanged
)

// Signs says what is peculiar about one request, worst first: a call made again and
// again with the same arguments, calls in a circle (A, B, A, B, …), calls that bring
// nothing new, a call that fails and is made again unchanged. A call that is
// repeated until it brings something new is waiting, and no sign.
func Signs(r health.Request) []health.Sign {
	if len(r.Tools) < minFailed {
		return nil
	}
	var signs []health.Sign
	add := func(kind, text string) {
		if text != "" {
			signs = append(signs, health.Sign{Kind: kind, Text: text})
		}
	}
	add(signLoop, identicalCalls(r.Tools))
	add(signCycle, circle(r.Tools))
	if len(signs) == 0 { // those say it better
		add(signStuck, noProgress(r.Tools))
	}
	add(signFailed, repeatedFailure(r.Tools))
	return signs
}

// A calling is what was asked of which tool; an outcome is also what came of it.
type calling struct{ name, arguments string }

type outcome struct {
	calling
	result, failure string
}

func callingOf(c *health.ToolCall) calling { return calling{c.Name, c.Arguments} }

func outcomeOf(c *health.ToolCall) outcome { return outcome{callingOf(c), c.Result, c.Error} }

// short keeps a name from outside from filling the screen.
func short(name string) string { return health.Cut(name, 48) }

// identicalCalls finds the longest run of one call.
func identicalCalls(calls []health.ToolCall) string {
	at, most := 0, 0
	for i, n := 0, 0; i < len(calls); i += n {
		for n = 1; i+n < len(calls) && callingOf(&calls[i+n]) == callingOf(&calls[i]); n++ {
		}
		if n > most && n >= minLoop && !endsWithNews(calls[i:i+n]) {
			at, most = i, n
		}
	}
	if most == 0 {
		return ""
	}
	return fmt.Sprintf("%s x%d, same arguments", short(calls[at].Name), most)
}

// endsWithNews says whether the last of some calls brought what none before it had.
func endsWithNews(calls []health.ToolCall) bool {
	last := &calls[len(calls)-1]
	if last.Error != "" || last.Result == "" {
		return false
	}
	for i := range calls[:len(calls)-1] {
		if outcomeOf(&calls[i]) == outcomeOf(last) {
			return false
		}
	}
	return true
}

// circle finds the calls that come round most often, always in the same order.
func circle(calls []health.ToolCall) string {
	text, most := "", 0
	for period := 2; period <= maxPeriod; period++ {
		for i := 0; i+period < len(calls); {
			n := 0 // calls that are the same as the one a period before
			for i+period+n < len(calls) && callingOf(&calls[i+period+n]) == callingOf(&calls[i+n]) {
				n++
			}
			rounds := n/period + 1
			if rounds >= minCycle && rounds*period > most && !allSame(calls[i:i+period]) && !endsWithNews(calls[i:i+rounds*period]) {
				most, text = rounds*period, around(calls[i:i+period], rounds)
			}
			i += n + 1
		}
	}
	return text
}

func allSame(calls []health.ToolCall) bool {
	for i := range calls {
		if callingOf(&calls[i]) != callingOf(&calls[0]) {
			return false
		}
	}
	return true
}

// around is "search → open → search, 5 rounds, same arguments".
func around(calls []health.ToolCall, rounds int) string {
	text := ""
	for _, c := range calls {
		text += short(c.Name) + " → "
	}
	return fmt.Sprintf("%s%s, %d rounds, same arguments", text, short(calls[0].Name), rounds)
}

// noProgress looks for an end at which every call repeats an earlier one and brings
// what that had brought.
func noProgress(calls []health.ToolCall) string {
	seen := make(map[outcome]bool, len(calls))
	stuck := 0
	for i := range calls {
		o := outcomeOf(&calls[i])
		if seen[o] {
			stuck++
		} else {
			stuck = 0
		}
		seen[o] = true
	}
	if stuck < minStuck {
		return ""
	}
	return fmt.Sprintf("the last %d of %d calls repeat earlier ones and bring nothing new", stuck, len(calls))
}

// repeatedFailure finds the call that failed most often without being changed.
func repeatedFailure(calls []health.ToolCall) string {
	failed := map[calling]int{}
	worst := calling{}
	for i := range calls {
		if calls[i].Error == "" {
			continue
		}
		c := callingOf(&calls[i])
		if failed[c]++; failed[c] > failed[worst] {
			worst = c
		}
	}
	if failed[worst] < minFailed {
		return ""
	}
	return fmt.Sprintf("%s failed %d times, same arguments", short(worst.name), failed[worst])
}
