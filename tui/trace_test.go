package tui

import (
	"testing"

	"sickbay/health"
	"sickbay/tui/pane"
)

func TestTheTraceOfARequestOpenedDuringAPauseIsShown(t *testing.T) {
	s := State{Paused: &health.Snapshot{Requests: map[string]health.Request{"r": {ID: "r", Trace: "t"}}}, View: pane.View{Screen: "request", Request: "r"}}
	before := s.Paused
	newest := &health.Snapshot{Version: 9, Requests: map[string]health.Request{"r": {ID: "r", Trace: "t", Link: "https://ui.example"}}}
	for _, tr := range []health.Trace{{State: health.TraceAsking, Note: "asking"}, {State: health.TraceFound, Spans: make([]health.TraceSpan, 3)}} {
		newest.Traces = map[string]health.Trace{"t": tr}
		s = s.learned(newest)
		if got := s.Paused.Traces["t"]; got.State != tr.State || s.Paused.Version != 0 || s.Paused.Requests["r"].Link == "" {
			t.Errorf("%s: shown is %s of version %d", tr.State, got.State, s.Paused.Version)
		}
	}
	if before.Traces != nil || s.learned(newest).Paused != s.Paused {
		t.Error("what was shown before was changed, or nothing new is something new")
	}
}
