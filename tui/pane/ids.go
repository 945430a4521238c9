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

// DriftID is what View.Drift holds: the key of a comparison within its service. A
// score computed by others is told apart by who computed it.
func DriftID(d health.Drift) string {
	if d.Kind == "exported" {
		return d.Key() + "\x00" + d.Tool
	}
	return d.Key()
}

// SuspectID is the id of the change a suspect is; the suspects that are no change
// (load, the outside world) have ids that no change has.
func SuspectID(s health.Suspect) string {
	if s.Change != "" {
		return s.Change
	}
	return "suspect " + strconv.Itoa(s.Rank) + " " + s.Kind
}

// SplitDrift is the service and the DriftID of a row of the drift pane.
func SplitDrift(row string) (service, drift string) {
	service, drift, _ = strings.Cut(row, "\x00")
	return service, drift
}

// DriftKey is the key of the comparison with a DriftID; own is false for scores that
// are computed by others.
func DriftKey(id string) (key string, own bool) {
	key, _, exported := strings.Cut(id, "\x00")
	return key, key != "" && !exported
}
