package tui

import "sickbay/health"

func nothingToReveal(s State, sc scene) string {
	switch _, ok := sc.snap.Requests[s.View.Request]; {
	case !ok:
		return "this request is not held"
	case s.View.Content == "full" || s.View.Reveal == s.View.Request:
		return "its content is shown already"
	}
	return ""
}

func revealRequest(s State, _ scene) (State, Effect) { return s.reveal(s.View.Request) }

// reveal asks for the line in the journal first: what people wrote is shown in full
// to nobody without a trace of it.
func (s State) reveal(request string) (State, Effect) {
	text := "looked at the content of request " + request
	if request == health.AllRequests {
		text = "looked at the content of requests in full"
	}
	return s, Effect{Order: &health.Order{
		Do: health.DoNote, Reason: text, Reveals: request, Plan: health.Plan{Service: s.View.Service},
	}}
}

// revealed shows what may be shown now.
func (s State) revealed(request string) State {
	if request == health.AllRequests {
		s.View.Content = "full"
	} else {
		s.View.Reveal = request
	}
	return s.say("shown in full; the journal says so")
}
