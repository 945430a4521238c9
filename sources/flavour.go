package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// askIfThere asks for what not every server has. One that turns the question down
// without asking who we are has none of it, whatever number it gives for a reason.
func (p *prometheus) askIfThere(ctx context.Context, what string, do func(context.Context) error) (*exchange, error) {
	return p.ask(ctx, func(ctx context.Context) error {
		err := do(ctx)
		if x, _ := ctx.Value(exchangeKey{}).(*exchange); err != nil && absent(x.status) {
			return &failure{fmt.Sprintf("has no %s (%d)", what, x.status), ErrMissing}
		}
		return err
	})
}

// absent says whether a status means that there is nothing of the kind: Mimir
// answers 404, a managed Prometheus 403 or 404, a proxy 405 or 501.
func absent(status int) bool {
	switch status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		return true
	}
	return false
}

// buildInfo is what the servers say of themselves.
type buildInfo struct {
	Application string `json:"application"`
	Version     string `json:"version"`
	Revision    string `json:"revision"`
	GoVersion   string `json:"goVersion"`
}

// Version asks the server who it is and, of one that is known to be peculiar, what
// that means here. A server that does not know the question may be known by its
// address.
func (p *prometheus) Version(ctx context.Context) (string, error) {
	var b buildInfo
	x, err := p.askIfThere(ctx, "build", func(ctx context.Context) error {
		return p.get(ctx, "/api/v1/status/buildinfo", nil, &b)
	})
	if err != nil && !errors.Is(err, ErrMissing) {
		return "", err
	}
	if b.isVictoria(x.victoria) {
		p.knowVictoria(ctx)
		return "VictoriaMetrics", nil
	}
	if name := b.name(p.base.Hostname()); name != "" {
		return name, nil
	}
	return "", err // that it does not know the question
}

// isVictoria knows VictoriaMetrics: it says that it is Prometheus 2.24.0 and
// nothing else. What it says may change; the header it adds to every answer and
// that it says nothing else stay.
func (b buildInfo) isVictoria(header bool) bool {
	return b == buildInfo{Version: b.Version} && (b.Version == "2.24.0" || header && b.Version != "")
}

func (b buildInfo) name(host string) string {
	switch {
	case b.Application != "":
		return strings.TrimSpace(b.Application + " " + b.Version)
	case strings.HasPrefix(b.Version, "0."): // no Prometheus with this question was below 2
		return "Thanos " + b.Version
	case b.Version != "":
		return b.Version
	case strings.HasSuffix(host, "monitoring.googleapis.com"):
		return "Google Managed Prometheus"
	case strings.HasSuffix(host, ".prometheus.monitor.azure.com"):
		return "Azure Managed Prometheus"
	case strings.HasPrefix(host, "aps-workspaces."):
		return "Amazon Managed Prometheus"
	}
	return ""
}

// What is peculiar about VictoriaMetrics, in words.
const (
	victoriaNote = "VictoriaMetrics: rates are not extrapolated, a series ends a few scrapes after its last sample, " +
		"the newest 30 s repeat the value before them (latency_offset in url changes that)"
	vmrangeNote = "; histograms with vmrange buckets are there: it is asked for prometheus_buckets() of them wherever a question is over le"
)

// knowVictoria notes what is peculiar about VictoriaMetrics.
func (p *prometheus) knowVictoria(ctx context.Context) {
	p.victoria.Store(true)
	note := victoriaNote
	if p.hasRanges(ctx) {
		note += vmrangeNote
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note = note
}

// get reads the data of one answer of the API.
func (p *prometheus) get(ctx context.Context, path string, q url.Values, into any) error {
	u := p.base.JoinPath(path)
	args := u.Query()
	for key, values := range q {
		args[key] = values
	}
	u.RawQuery = args.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return &said{inWords(text)}
	}
	answer := struct {
		Status string `json:"status"`
		Data   any    `json:"data"`
	}{Data: into}
	if err := json.Unmarshal(text, &answer); err != nil {
		return &unreadable{err.Error()}
	}
	if answer.Status != "success" {
		return &unreadable{"it has no result"}
	}
	return nil
}
