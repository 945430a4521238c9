package demo

import (
	"fmt"
	"strconv"
	"strings"
)

// configFile is the sickbay.toml for this demo, to be read by the dashboard and
// by whoever wants to see how such a file looks.
func configFile(i Info, services []*service) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	q := strconv.Quote
	line("# Written by sickbay demo.")
	line(`window = "1h"`)
	line(`refresh = "5s"`)
	line(`rate_window = "30s"`)
	line("\n[drift]\nwindow = \"2m\"\nreference = \"30m\"")
	line("\n[[source]]\nkind = \"prometheus\"\nname = \"main\"\nurl = %s", q(i.Prometheus))
	line("\n[[source]]\nkind = \"file\"\nname = \"requests\"\npaths = [%s]", q(i.Logs))
	line("\n[[source]]\nkind = \"feed\"\nname = \"changes\"\nurl = %s", q(i.Control+"/changes"))
	line("\n[[source]]\nkind = \"jaeger\"\nname = \"traces\"\nurl = %s\ntrace_url = %s", q(i.Control), q(i.Control+"/api/traces/{trace_id}"))
	for _, s := range services {
		line("\n[[service]]\nname = %s\nkind = %s\nmatch = [%s]", q(s.name), q(string(s.kind)), q(s.name))
		if s.outcome[0] > 0 {
			line("[service.limits]\noutcome = { warn = %.2f, critical = %.2f }", s.outcome[0], s.outcome[1])
		}
	}
	for _, s := range services {
		for _, kind := range s.rollbackKinds() {
			line("\n[[rollback]]\nservice = %s\nkind = %s\ndriver = \"http\"\nurl = %s",
				q(s.name), q(kind), q(i.Control+"/rollback/"+s.name+"/"+kind))
		}
	}
	return b.String()
}
