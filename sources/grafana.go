package sources

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "grafana",
		Doc: "Changes from Grafana: annotations that people and pipelines made. Tags say more: service:NAME, version:TO, from:FROM, and the kind " +
			"(deploy, prompt, model, config, index, data, tool, flag, cache).",
		Example: `kind = "grafana"
name = "annotations"
url = "https://grafana.example.com"
tags = ["deploy"]        # that all of them have; empty: all annotations
service = ""             # of those that name none
` + ledgerExample + webExample,
		Open: openGrafana,
	})
}

type grafanaConfig struct {
	webConfig
	ledgerConfig
	Tags    []string `toml:"tags"`
	Service string   `toml:"service"`
}

// grafanaAnnotation is what is used of GET /api/annotations (ItemDTO of
// pkg/services/annotations/models.go, Grafana 12).
type grafanaAnnotation struct {
	ID        int64    `json:"id"`
	Dashboard string   `json:"dashboardUID"`
	Time      int64    `json:"time"` // Unix milliseconds
	End       int64    `json:"timeEnd"`
	Text      string   `json:"text"`
	Tags      []string `json:"tags"`
	By        string   `json:"login"`
}

func openGrafana(name string, decode Decode) (Source, error) {
	var c grafanaConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	l, err := c.ledgerConfig.open(&c.webConfig, name, "grafana", "Grafana")
	if err != nil {
		return nil, err
	}
	l.list = func(ctx context.Context, since time.Time) ([]health.Change, error) {
		query := url.Values{
			"from": {strconv.FormatInt(since.UnixMilli(), 10)}, "to": {strconv.FormatInt(time.Now().UnixMilli(), 10)},
			"type": {"annotation"}, "limit": {"1000"}, "tags": c.Tags, // alerts have their own source
		}
		var got []grafanaAnnotation
		if err := l.get(ctx, "api/annotations", query, &got); err != nil {
			return nil, err
		}
		var all []health.Change
		for _, a := range got {
			all = append(all, l.annotation(a, c.Service))
		}
		return all, nil
	}
	return l, nil
}

// kindTags are the tags that are a kind of change, and what else they are called.
var kindTags = map[string]string{
	"deploy": "deploy", "deployment": "deploy", "release": "deploy", "rollout": "deploy", "prompt": "prompt", "model": "model", "config": "config",
	"index": "index", "data": "data", "tool": "tool", "flag": "flag", "feature-flag": "flag", "cache": "cache", "rollback": "rollback",
}

// annotation reads one. A region in time is as uncertain as it is long.
func (l *ledger) annotation(a grafanaAnnotation, service string) health.Change {
	c := health.Change{ID: fmt.Sprintf("%s/%d", l.name, a.ID), Service: service, Text: strings.Join(strings.Fields(a.Text), " ")}
	if a.By != "" {
		c.Text += ", by " + a.By
	}
	c.At, c.Uncertain = between(time.UnixMilli(a.Time).UTC(), time.UnixMilli(max(a.End, a.Time)).UTC())
	for _, tag := range a.Tags {
		key, value, named := strings.Cut(tag, ":")
		switch value = strings.TrimSpace(value); strings.ToLower(key) {
		case "service", "app":
			c.Service = cmp.Or(l.service(value), c.Service)
		case "version", "to":
			c.To = value
		case "from":
			c.From = value
		case "kind":
			c.Kind = kindTags[strings.ToLower(value)]
		default:
			if !named {
				c.Kind = cmp.Or(c.Kind, kindTags[strings.ToLower(tag)])
			}
		}
	}
	if c.Kind = cmp.Or(c.Kind, "config"); a.Dashboard != "" {
		c.URL = l.base.JoinPath("d", a.Dashboard).String()
	}
	return c
}
