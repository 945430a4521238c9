package sources

import (
	"fmt"

	"sickbay/health"
	"sickbay/logs"
)

// lineConfig is what can be said about lines of any kind of log.
type lineConfig struct {
	Service string              `toml:"service"`
	Fields  map[string]string   `toml:"fields"`
	Fail    map[string][]string `toml:"fail"`
	Finish  []string            `toml:"fail_finish"`
}

// lineExample is the part of an example that is the same for every kind of log.
const lineExample = `service = ""                      # of lines that name none
# Formats and fields are found out; ` + "`sickbay doctor`" + ` says what was decided. What is not understood can be said:
# fields = { "svc.id" = "service", "org" = "tenant", "noise" = "ignore" }
# fail = { verdict = ["rejected"] }       # values with which a record has failed
# fail_finish = ["length"]                # finish reasons that are failures, besides content_filter, error, …
`

func (c lineConfig) options() (logs.Options, error) {
	o := logs.Options{Service: c.Service, Fields: c.Fields, Fail: c.Fail, Finish: c.Finish}
	if err := o.Check(); err != nil {
		return o, err
	}
	if len(c.Fail) > 20 || len(c.Fields) > 200 {
		return o, fmt.Errorf("fields: %d fields and %d rules are too many", len(c.Fields), len(c.Fail))
	}
	return o, nil
}

// lined is a source of lines.
type lined struct{ options logs.Options }

// Full puts the content into a record of this source.
func (l lined) Full(r health.Request) health.Request { return l.options.Full(r) }
