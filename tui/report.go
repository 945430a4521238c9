package tui

import "sickbay/health"

func reportKey() Key {
	return Key{Name: "report", Binding: bind("write a report to hand over", "E"), Group: "Acting", Do: writeReport}
}

// writeReport orders a report of everything; from the view of one service, of that.
func writeReport(s State, _ scene) (State, Effect) {
	order := health.Order{Do: health.DoReport}
	if s.View.Screen == "service" {
		order.Plan.Service = s.View.Service
	}
	return s, Effect{Order: &order}
}

// reported is the ward's answer: where the report is.
func (s State) reported(path string, err error) State {
	if err != nil {
		return s.refuse("no report: " + err.Error())
	}
	return s.say("report written, also as HTML: " + path)
}
