package triage

import (
	"slices"

	"sickbay/health"
)

const (
	strongScore = 8.0
	strongAhead = 3.0
	likelyScore = 5.0
	likelyAhead = 1.5
)

// ranked sorts, cuts and labels. Only the first can be more than unclear, and
// only when it is ahead: an engineer must not be sent after a coin flip.
func ranked(found, ruledOut []health.Suspect) []health.Suspect {
	best := func(a, b health.Suspect) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return b.At.Compare(a.At)
	}
	slices.SortStableFunc(found, best)
	found = slices.DeleteFunc(found, func(s health.Suspect) bool { return s.Score < minScore-1e-9 })
	for i := range found {
		found[i].Label = "unclear"
	}
	if len(found) > 0 {
		second := 0.0
		if len(found) > 1 {
			second = found[1].Score
		}
		found[0].Label = label(found[0].Score, found[0].Score-second)
	}
	slices.SortStableFunc(ruledOut, best)
	all := append(found[:min(len(found), maxSuspects)], ruledOut[:min(len(ruledOut), maxRuledOut)]...)
	for i := range all {
		all[i].Rank = i + 1
		if all[i].RuledOut != "" {
			all[i].Label = "unclear"
		}
	}
	return all
}

func label(score, ahead float64) string {
	const slack = 1e-9
	switch {
	case score >= strongScore-slack && ahead >= strongAhead-slack:
		return "strong"
	case score >= likelyScore-slack && ahead >= likelyAhead-slack:
		return "likely"
	}
	return "unclear"
}
