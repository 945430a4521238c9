package config

import (
	"fmt"
	"regexp"

	"sickbay/health"
)

// redact reads what else is masked: a name, and a form as Go's regexp has it.
func (r *reader) redact(c *Config, i int, t *table) {
	var name, form string
	t.text("name", &name)
	if t.part = fmt.Sprintf("redact %q", name); name == "" {
		t.part = fmt.Sprintf("redact %d", i+1)
		t.fault("name", `name is missing: it stands in brackets where something was masked, like name = "customer"`)
	}
	t.text("form", &form)
	re, err := regexp.Compile(form)
	switch {
	case form == "":
		t.fault("form", `form is missing: form = 'CUST-[0-9]{6}'`)
	case err != nil:
		t.fault("form", "form: %v; see https://pkg.go.dev/regexp/syntax", err)
	case re.MatchString(""):
		t.fault("form", "form %q matches nothing at all: it would mask between all letters", form)
	default:
		c.Redact.More = append(c.Redact.More, health.Rule{What: name, Form: re})
	}
	t.rest()
}
