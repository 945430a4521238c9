package pane

import (
	"slices"
	"strconv"
	"strings"

	"sickbay/health"
	"sickbay/themes"
)

func init() {
	register(Kind{
		Name: "alertdetail",
		Title: func(in Input) string {
			if a := selectedAlert(in); a != nil {
				return in.safe("ALERT " + a.Name)
			}
			return "ALERT"
		},
		Draw:   func(in Input, w, h int) []string { return alertPage(in, w).cut(in.State.Offset, h) },
		Lines:  func(in Input, w int) int { return len(alertPage(in, w).rows) },
		Extent: textExtent(alertPage),
	})
}

// selectedAlert is the alert that is looked at: the view's, or the first.
func selectedAlert(in Input) *health.Alert {
	for _, a := range alerts(in) {
		if in.View.Alert == "" || AlertID(*a) == in.View.Alert {
			return a
		}
	}
	return nil
}

// alertPage is what one alert says, and what sickbay sees of the service it names:
// an alert knows one number, the service has them all.
func alertPage(in Input, w int) *page {
	p := newPage(in, w)
	a := selectedAlert(in)
	if a == nil {
		p.wrap(themes.Faint, 1, "no alert is selected")
		return p
	}
	if a.Text != "" {
		p.wrap(themes.Text, 1, a.Text)
		p.blank()
	}
	p.fact("state", severityRole(a), alertState(in, a))
	if a.Value != nil {
		p.fact("value", themes.Text, strconv.FormatFloat(*a.Value, 'g', 4, 64))
	}
	p.alarmed(a)
	var labels []string
	for _, l := range a.Labels {
		labels = append(labels, l.Name+"="+l.Value)
	}
	if len(labels) > 0 {
		p.fact("labels", themes.Faint, strings.Join(labels, "  "))
	}
	p.fact("source", themes.Faint, orDash(a.Source))
	p.quiet(a)
	if in.Snap.Write && len(a.Silenced) == 0 && a.State != "pending" {
		var all []string
		for _, m := range Matchers(*a) {
			all = append(all, m.String())
		}
		p.fact("S silences", themes.Faint, strings.Join(all, "  "))
	}
	return p
}

// quiet says who decided that nobody is called, why and for how long.
func (p *page) quiet(a *health.Alert) {
	for _, id := range a.Silenced {
		text := id
		for _, s := range p.in.Snap.Silences {
			if s.ID == id {
				text = p.in.Redact.Redact(s.Comment) + " (" + s.By + ", until " + clock(p.in, s.Ends) + ")"
			}
		}
		p.fact("silenced", themes.Text, text)
	}
	for _, id := range a.Inhibited {
		text := "by " + id // a mute time, or an alert that is gone
		for _, o := range p.in.Snap.Alerts {
			if o.ID == id {
				text = o.Name + " calls for it"
			}
		}
		p.fact("inhibited", themes.Text, text)
	}
}

// passing are labels of one process: a silence that names them ends with a restart.
var passing = []string{"pod", "instance", "replica", "container", "uid", "prometheus", "prometheus_replica"}

// Matchers are about this alert, wherever the process that it is about runs next.
func Matchers(a health.Alert) []health.Matcher {
	all := []health.Matcher{{Name: "alertname", Value: a.Name}}
	for _, l := range a.Labels {
		if l.Name != "alertname" && l.Value != "" && !slices.Contains(passing, l.Name) {
			all = append(all, health.Matcher{Name: l.Name, Value: l.Value})
		}
	}
	return all
}

// alertState is "firing since 13:51, 11 m; critical".
func alertState(in Input, a *health.Alert) string {
	text := a.State
	if !a.Since.IsZero() {
		text += " since " + clock(in, a.Since) + ", " + ago(in, a.Since)
	}
	if a.Severity != "" {
		text += "; " + a.Severity
	}
	return text
}

// alarmed is how the service of an alert is, why, and what may have done it.
func (p *page) alarmed(a *health.Alert) {
	s, ok := p.in.Snap.Service(a.Service)
	switch {
	case a.Service == "":
		p.fact("service", themes.Faint, "its labels name none")
		return
	case !ok:
		p.fact("service", themes.Faint, a.Service+", which sickbay does not know")
		return
	}
	p.fact("service", roleOf(s.Status), s.Name+" is "+statusWords(p.in, s))
	if sig, ok := s.About(a.Expr); ok {
		text := titleOf(&sig) + " is not measured now"
		if sig.State.HasValue() {
			text = titleOf(&sig) + " " + health.Format(sig.Unit, sig.Value)
		}
		if l := limitWords(sig.Unit, sig.Limit); l != "" {
			text += ", limit " + l
		}
		p.fact("signal", roleOf(sig.Status), text)
	}
	if len(s.Suspects) > 0 {
		v := s.Suspects[0]
		p.fact("suspect", themes.Text, v.Label+": "+suspected(p.in, s.Name, v))
	}
	name := "because"
	for _, f := range s.Findings {
		if strings.HasPrefix(f.Text, "alert "+a.Name+" ") {
			continue // that is this one
		}
		text := sign(p.in.Look, f.Status) + " " + f.Text
		if !f.Since.IsZero() {
			text += ", since " + clock(p.in, f.Since)
		}
		p.fact(name, themes.Text, text)
		name = ""
	}
}
