package rollback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
)

func init() {
	registerNotice(NoticeKind{
		Name: "grafana",
		Doc:  "An annotation in Grafana, from the request to the verdict, with the tags sickbay, the target, the operation and its end.",
		Example: `kind = "grafana"
name = "grafana"
url = "https://grafana.example.com"
bearer_token_file = "/run/secrets/grafana"   # of a service account that may create annotations
dashboard_uid = ""                 # "": an annotation of the organization, found by its tags
tags = ["ai"]                      # beside sickbay's own
timeout = "5s"
`,
		Open: openGrafana,
	})
}

type grafanaConfig struct {
	apiConfig
	Dashboard string   `toml:"dashboard_uid"`
	Tags      []string `toml:"tags"`
}

type grafanaNotice struct {
	name string
	c    grafanaConfig
	*api
}

func openGrafana(name string, decode Decode) (Notice, error) {
	c := grafanaConfig{}
	a, err := openNoticeAPI(decode, &c, &c.apiConfig)
	if err != nil {
		return nil, err
	}
	if err := checkURL(c.URL, a.secret()); err != nil {
		return nil, err
	}
	return &grafanaNotice{name, c, a}, nil
}

func (n *grafanaNotice) Name() string { return n.name }

// annotation is the body of POST /api/annotations; times are Unix milliseconds.
type annotation struct {
	Dashboard string   `json:"dashboardUID,omitempty"`
	Time      int64    `json:"time"`
	TimeEnd   int64    `json:"timeEnd"`
	Tags      []string `json:"tags"`
	Text      string   `json:"text"`
}

func (n *grafanaNotice) Tell(ctx context.Context, m Message) error {
	text := fmt.Sprintf("%s\n%s\nby %s: %s\njournal %s", m.headline(), m.tidy(m.Op.Text, 300), m.tidy(m.Op.By, 80), m.tidy(m.Op.Reason, 300), m.Head)
	got, err := n.post(ctx, "/api/annotations", annotation{
		Dashboard: n.c.Dashboard, Time: m.Began.UnixMilli(), TimeEnd: m.Ended.UnixMilli(),
		Tags: append([]string{"sickbay", m.tidy(m.Op.Target, 100), m.Op.ID, string(m.Op.State)}, n.c.Tags...),
		Text: html.EscapeString(text), // Grafana draws it as HTML
	})
	if err != nil {
		return err
	}
	var made struct{ ID int64 }
	if json.Unmarshal(got.body, &made) != nil || made.ID == 0 {
		return errors.New("its answer names no annotation: " + tidy(string(got.body), 80))
	}
	return nil
}
