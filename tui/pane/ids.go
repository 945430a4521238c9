package pane

import (
	"strconv"
	"strings"

	"sickbay/health"
)

// AlertID tells an alert from others of its name and service.
func AlertID(a health.Alert) string {
	var b strings.Builder
	b.WriteString(a.Name + "/" + a.Service + "/" + strconv.FormatInt(a.Since.Unix(), 10))
	for _, l := range a.Labels {
		b.WriteString("/" + l.Name + "=" + l.Value)
	}
	return b.String()
}

// DriftID is what View.Drift holds. A score computed by others is told apart by who
// computed it.
func DriftID(d health.Drift) string {
	id := d.Signal + "/" + d.Feature
	if d.Kind == "exported" {
		id += "/" + d.Tool
	}
	return id
}

// SuspectID is the id of the change a suspect is; the suspects that are no change
// (load, the outside world) have ids that no change has.
func SuspectID(s health.Suspect) string {
	if s.Change != "" {
		return s.Change
	}
	return "suspect " + strconv.Itoa(s.Rank) + " " + s.Kind
}
