package sources

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "tempo",
		Doc:  "A Grafana Tempo, asked for the trace of the request that is open.",
		Example: `kind = "tempo"
name = "tempo"
url = "http://tempo:3200"   # a tenant: http_headers = { X-Scope-OrgID = "team-a" }
` + traceURLExample + webExample,
		Open: openTempo,
	})
}

type tempoConfig struct {
	webConfig
	traceURL
}

type tempo struct {
	*web
	link health.LinkTemplate
}

func openTempo(name string, decode Decode) (Source, error) {
	var c tempoConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	link, err := c.template()
	if err != nil {
		return nil, err
	}
	w, err := c.open(name, "a Tempo query API")
	if err != nil {
		return nil, err
	}
	return &tempo{web: w, link: link}, nil
}

func (t *tempo) About() (kind, where string) { return "tempo", t.where() }

// Version asks who it is.
func (t *tempo) Version(ctx context.Context) (string, error) {
	var b buildInfo
	err := t.lookUp(ctx, "/api/status/buildinfo", nil, func(r io.Reader) error { return decode(r, &b) })
	if errors.Is(err, ErrNotFound) {
		return "", nil // it is there, and old
	}
	return b.Version, notThere(err)
}

// Trace asks the second API, which says when a trace is not whole, and the first of
// a Tempo that does not have it yet (before 2.6).
func (t *tempo) Trace(ctx context.Context, id string) (health.Trace, error) {
	id, err := cleanTraceID(id)
	if err != nil {
		return health.Trace{}, fmt.Errorf("%s: %w", t.name, err)
	}
	var list spanList
	note := ""
	err = t.lookUp(ctx, "/api/v2/traces/"+id, nil, func(r io.Reader) error {
		var d otlpDocument
		if err := decode(r, &d); err != nil {
			return err
		}
		d.into(id, &list)
		if d.Status == "PARTIAL" || d.Status == "1" {
			note = orElse(health.Cut(d.Message, maxErrorText), "not all of it came")
		}
		return nil
	})
	if errors.Is(err, ErrMissing) {
		err = t.lookUp(ctx, "/api/traces/"+id, nil, func(r io.Reader) error { return readOTLP(r, id, &list) })
	}
	if err != nil {
		return health.Trace{}, err
	}
	trace, err := list.trace(id, t.name, t.link)
	trace.Note = note
	return trace, err
}
