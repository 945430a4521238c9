package sources

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "alertmanager",
		Doc:  "An Alertmanager, asked by its API v2 for alerts, silenced and inhibited ones too, and for silences.",
		Example: `kind = "alertmanager"
name = "alertmanager"
url = "http://alertmanager:9093"
service_label = "service"   # label of an alert that names the service
` + webExample,
		Open: openAlertmanager,
	})
}

// A Silencer keeps silences. Making and ending one are the only questions of a
// source that change anything; whoever asks them has checked that it may.
type Silencer interface {
	Source
	// Silences lists those in force or to come.
	Silences(ctx context.Context) ([]health.Silence, error)
	// Silence makes one and returns its id. After an error that is neither ErrRefused
	// nor ErrMissing it may have been made all the same: Silences tells.
	Silence(ctx context.Context, s health.Silence) (id string, err error)
	// Expire ends one now. One that has ended already is no error.
	Expire(ctx context.Context, id string) error
}

const maxAlerts = 10_000

type alertmanagerConfig struct {
	webConfig
	Service string `toml:"service_label"`
}

// alertmanager speaks API v2 as its OpenAPI document (api/v2/openapi.yaml of
// Alertmanager 0.25 to 0.34) has it.
type alertmanager struct {
	*web
	service string
}

func openAlertmanager(name string, decode Decode) (Source, error) {
	c := alertmanagerConfig{Service: "service"}
	if err := decode(&c); err != nil {
		return nil, err
	}
	w, err := c.open(name, "an Alertmanager")
	if err != nil {
		return nil, err
	}
	return &alertmanager{w, c.Service}, nil
}

func (a *alertmanager) About() (kind, where string) { return "alertmanager", a.where() }

// Version is of the server itself.
func (a *alertmanager) Version(ctx context.Context) (string, error) {
	var v struct {
		Info struct {
			Version string `json:"version"`
		} `json:"versionInfo"`
	}
	err := a.call(ctx, http.MethodGet, "status", nil, nil, &v)
	return v.Info.Version, err
}

// gettableAlert is an alert as the API writes it.
type gettableAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Starts      time.Time         `json:"startsAt"`
	Fingerprint string            `json:"fingerprint"`
	Generator   string            `json:"generatorURL"`
	Status      struct {
		State       string   `json:"state"` // active, suppressed, unprocessed
		SilencedBy  []string `json:"silencedBy"`
		InhibitedBy []string `json:"inhibitedBy"`
		MutedBy     []string `json:"mutedBy"` // time intervals, from 0.28 on
	} `json:"status"`
}

// Alerts are all it knows, also those that call nobody now.
func (a *alertmanager) Alerts(ctx context.Context) ([]health.Alert, error) {
	everything := url.Values{"active": {"true"}, "silenced": {"true"}, "inhibited": {"true"}, "unprocessed": {"true"}}
	var got []gettableAlert
	if err := a.call(ctx, http.MethodGet, "alerts", everything, nil, &got); err != nil {
		return nil, err
	}
	all := make([]health.Alert, 0, min(len(got), maxAlerts))
	for _, g := range got[:min(len(got), maxAlerts)] {
		all = append(all, a.alert(g))
	}
	return all, nil
}

func (a *alertmanager) alert(g gettableAlert) health.Alert {
	out := health.Alert{
		ID: g.Fingerprint, Name: g.Labels["alertname"], Service: g.Labels[a.service], Severity: g.Labels["severity"],
		State: "firing", Since: g.Starts, Source: a.name, Silenced: g.Status.SilencedBy, Inhibited: g.Status.InhibitedBy,
	}
	for _, interval := range g.Status.MutedBy {
		out.Inhibited = append(out.Inhibited, "mute time "+interval)
	}
	if g.Status.State == "suppressed" && !out.Quiet() { // by something it has no word for
		out.Inhibited = []string{"a mute time"}
	}
	if u, err := url.Parse(g.Generator); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil {
		out.Link = u.String()
		out.Expr = u.Query().Get("g0.expr") // Prometheus' own page of a graph
	}
	for _, key := range []string{"summary", "description", "message"} {
		if out.Text == "" {
			out.Text = g.Annotations[key]
		}
	}
	for name, value := range g.Labels {
		if name != "alertname" {
			out.Labels = append(out.Labels, health.Field{Name: name, Value: value})
		}
	}
	slices.SortFunc(out.Labels, func(x, y health.Field) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// gettableSilence is a silence as the API writes it.
type gettableSilence struct {
	ID       string       `json:"id"`
	Matchers []apiMatcher `json:"matchers"`
	Starts   time.Time    `json:"startsAt"`
	Ends     time.Time    `json:"endsAt"`
	By       string       `json:"createdBy"`
	Comment  string       `json:"comment"`
	Status   struct {
		State string `json:"state"`
	} `json:"status"`
}

type apiMatcher struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Regex bool   `json:"isRegex"`
	Equal *bool  `json:"isEqual"` // true where an old server does not say
}

// postableSilence is a silence as the API wants it.
type postableSilence struct {
	Matchers []apiMatcher `json:"matchers"`
	Starts   time.Time    `json:"startsAt"`
	Ends     time.Time    `json:"endsAt"`
	By       string       `json:"createdBy"`
	Comment  string       `json:"comment"`
}

// Silences leaves those that are over to the server.
func (a *alertmanager) Silences(ctx context.Context) ([]health.Silence, error) {
	var got []gettableSilence
	if err := a.call(ctx, http.MethodGet, "silences", nil, nil, &got); err != nil {
		return nil, err
	}
	var all []health.Silence
	for _, g := range got {
		if g.Status.State == "expired" || len(all) >= maxAlerts {
			continue
		}
		s := health.Silence{ID: g.ID, State: g.Status.State, Starts: g.Starts, Ends: g.Ends, By: g.By, Comment: g.Comment, Source: a.name}
		for _, m := range g.Matchers {
			s.Matchers = append(s.Matchers, health.Matcher{Name: m.Name, Value: m.Value, Regex: m.Regex, Not: m.Equal != nil && !*m.Equal})
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(x, y health.Silence) int { return x.Ends.Compare(y.Ends) })
	return all, nil
}

// Silence makes one. The server gives it its id.
func (a *alertmanager) Silence(ctx context.Context, s health.Silence) (string, error) {
	if err := s.Check(); err != nil {
		return "", &failure{a.name + ": " + err.Error(), ErrRefused}
	}
	body := postableSilence{Starts: s.Starts.UTC(), Ends: s.Ends.UTC(), By: s.By, Comment: s.Comment}
	for _, m := range s.Matchers {
		equal := !m.Not
		body.Matchers = append(body.Matchers, apiMatcher{m.Name, m.Value, m.Regex, &equal})
	}
	var made struct {
		ID string `json:"silenceID"`
	}
	if err := a.call(ctx, http.MethodPost, "silences", nil, body, &made); err != nil {
		return "", err
	}
	if made.ID == "" {
		return "", fmt.Errorf("%s: took the silence and did not say its id; look at the list", a.name)
	}
	return made.ID, nil
}

// Expire ends a silence. The server answers 404 for one it never had (500 before 0.27)
// and 200 for one that has ended.
func (a *alertmanager) Expire(ctx context.Context, id string) error {
	if id == "" || strings.ContainsAny(id, "/?#") {
		return &failure{fmt.Sprintf("%s: %q is no id of a silence", a.name, id), ErrRefused}
	}
	return a.call(ctx, http.MethodDelete, "silence/"+url.PathEscape(id), nil, nil, nil)
}

// call puts one question to API v2 and reads the answer into a struct; nil wants none.
func (a *alertmanager) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	_, err := a.ask(ctx, func(ctx context.Context) error {
		u := a.base.JoinPath("api", "v2", path)
		q := a.base.Query()
		for k, v := range query {
			q[k] = v
		}
		u.RawQuery = q.Encode()
		req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(sent))
		if err != nil {
			return err
		}
		req.Header.Set("Accept", "application/json")
		if sent != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := a.client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		switch {
		case resp.StatusCode == http.StatusNotFound && method == http.MethodDelete:
			return &failure{"has no such silence", ErrMissing}
		case resp.StatusCode != http.StatusOK:
			text, _ := io.ReadAll(io.LimitReader(resp.Body, maxHead))
			if method == http.MethodDelete && quoted(text) == "silence not found" {
				return &failure{"has no such silence", ErrMissing}
			}
			return &said{quoted(text)}
		case into == nil:
			return nil
		}
		return a.answered(resp, func(r io.Reader) error { return decode(r, into) })
	})
	return err
}

// quoted is what a refusal says: the API answers with a JSON text.
func quoted(body []byte) string {
	var text string
	if json.Unmarshal(body, &text) == nil {
		return health.Cut(text, maxErrorText)
	}
	return inWords(body)
}
