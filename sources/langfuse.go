package sources

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "langfuse",
		Doc: "Changes from Langfuse: prompts whose label moved to another version. Labels have no history there, so they are watched; of what " +
			"moved before sickbay looked, it is only known when the version was last altered.",
		Example: `kind = "langfuse"
name = "prompts"
url = "https://cloud.langfuse.com"
labels = ["production"]
basic_auth = { username = "pk-lf-me", password = "sk-lf-me" }   # public and secret key; better: password_file
` + ledgerExample + webExample,
		Open: openLangfuse,
	})
}

type langfuseConfig struct {
	webConfig
	ledgerConfig
	Labels []string `toml:"labels"`
}

// langfusePrompts is what is used of GET /api/public/v2/prompts (Langfuse's OpenAPI
// document, PromptMetaListResponse). Asked for one label, versions has those only
// that carry it.
type langfusePrompts struct {
	Data []struct {
		Name     string    `json:"name"`
		Versions []int     `json:"versions"`
		Updated  time.Time `json:"lastUpdatedAt"`
	} `json:"data"`
	Meta struct {
		Pages int `json:"totalPages"`
	} `json:"meta"`
}

func openLangfuse(name string, decode Decode) (Source, error) {
	var c langfuseConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	if len(c.Labels) == 0 {
		c.Labels = []string{"production"}
	}
	l, err := c.ledgerConfig.open(&c.webConfig, name, "langfuse", "Langfuse")
	if err != nil {
		return nil, err
	}
	p := &labelled{ledger: l, labels: c.Labels}
	l.list = p.look
	return l, nil
}

// labelled are prompts whose labels are watched.
type labelled struct {
	*ledger
	labels []string
	watch
}

// A prompt is what carries a label now.
type prompt struct {
	name, label, version string
	updated              time.Time
}

func (p *labelled) look(ctx context.Context, since time.Time) ([]health.Change, error) {
	prompts := map[string]prompt{}
	for _, label := range p.labels {
		if err := p.carrying(ctx, label, prompts); err != nil {
			return p.kept, err
		}
	}
	is, before := map[string]string{}, p.at
	for key, now := range prompts {
		is[key] = now.version
		if p.seen == nil && now.updated.After(since) {
			p.note(now, "", now.updated, 0, since, fmt.Sprintf("version %s, %s, was last altered", now.version, now.label))
		}
	}
	p.moved(time.Now(), is, func(key, from, to string, at time.Time, uncertain time.Duration) {
		now, there := prompts[key]
		switch {
		case !there:
			cut := strings.LastIndexByte(key, ' ')
			p.note(prompt{name: key[:cut], label: key[cut+1:]}, from, at, uncertain, since, "no version is "+key[cut+1:]+" any more")
			return
		case now.updated.After(before): // the version was altered between the two looks: by this
			at, uncertain = now.updated, time.Second
		}
		p.note(now, from, at, uncertain, since, fmt.Sprintf("version %s is %s", to, now.label))
	})
	return p.kept, nil
}

func (p *labelled) note(now prompt, from string, at time.Time, uncertain time.Duration, since time.Time, text string) {
	p.keep(health.Change{
		ID: fmt.Sprintf("%s/%s/%s/%s/%d", p.name, now.name, now.label, now.version, at.Unix()), At: at, Uncertain: uncertain,
		Kind: "prompt", Service: p.service(now.name), From: from, To: now.version, Text: "prompt " + now.name + ": " + text,
	}, since)
}

// carrying adds the prompts that carry a label.
func (p *labelled) carrying(ctx context.Context, label string, into map[string]prompt) error {
	query := url.Values{"label": {label}, "limit": {strconv.Itoa(perPage)}}
	for page := 1; page <= maxPages; page++ {
		query.Set("page", strconv.Itoa(page))
		var got langfusePrompts
		if err := p.get(ctx, "api/public/v2/prompts", query, &got); err != nil {
			return err
		}
		for _, d := range got.Data {
			if len(d.Versions) > 0 && len(into) < maxWatched {
				into[d.Name+" "+label] = prompt{d.Name, label, strconv.Itoa(slices.Max(d.Versions)), d.Updated}
			}
		}
		if page >= got.Meta.Pages {
			break
		}
	}
	return nil
}
