package rollback

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

func init() {
	registerNotice(NoticeKind{
		Name: "webhook",
		Doc:  "A POST to an address of yours, or to Slack and what speaks like it (Mattermost, Rocket.Chat, Discord with /slack). The address is taken for a secret.",
		Example: `kind = "webhook"
name = "on-call"
url_file = "/run/secrets/slack_webhook"   # the address, read anew each time; or: url = "${SLACK_WEBHOOK}"
format = "slack"                   # {"text": "…"}; or json: see docs/rollback.md
timeout = "5s"
`,
		Open: openWebhook,
	})
}

type webhookConfig struct {
	apiConfig
	URLFile string `toml:"url_file"`
	Format  string `toml:"format"`
}

type webhookNotice struct {
	name string
	c    webhookConfig
	*api
}

func openWebhook(name string, decode Decode) (Notice, error) {
	c := webhookConfig{Format: "json"}
	a, err := openNoticeAPI(decode, &c, &c.apiConfig)
	switch {
	case err != nil:
		return nil, err
	case c.Format != "json" && c.Format != "slack":
		return nil, fmt.Errorf("format: %q: json or slack", tidy(c.Format, 40))
	case (c.URL == "") == (c.URLFile == ""):
		return nil, errors.New("url and url_file: one of them is needed, and only one")
	}
	n := &webhookNotice{name, c, a}
	if c.URL != "" {
		if n.c.URL, err = expand(c.URL); err != nil {
			return nil, fmt.Errorf("url: %w", err)
		}
		return n, checkHook("url", n.c.URL)
	}
	return n, nil
}

// checkHook is checkURL for an address that is a secret itself: it is not repeated.
func checkHook(key, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		return errors.New(key + ": that is no address: want https://HOST/PATH")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New(key + ": the address would be sent in clear text; use https")
	}
	return nil
}

func (n *webhookNotice) Name() string { return n.name }

// address is where to, read anew each time if it is in a file.
func (n *webhookNotice) address() (string, error) {
	if n.c.URLFile == "" {
		return n.c.URL, nil
	}
	b, err := os.ReadFile(n.c.URLFile)
	if err != nil {
		return "", fmt.Errorf("url_file: %w", err)
	}
	raw := strings.TrimSpace(string(b))
	return raw, checkHook("url_file", raw)
}

func (n *webhookNotice) Tell(ctx context.Context, m Message) error {
	where, err := n.address()
	if err != nil {
		return err
	}
	a := *n.api
	a.url = where
	var body any = asEvent(m)
	if n.c.Format == "slack" {
		body = map[string]string{"text": slackText(m)}
	}
	if _, err := a.post(ctx, "", body); err != nil {
		return errors.New(unnamed(err.Error(), where))
	}
	return nil
}

// unnamed takes an address, and its path alone, out of what is said.
func unnamed(text, where string) string {
	text = strings.ReplaceAll(text, where, redacted)
	if u, err := url.Parse(where); err == nil && len(u.RequestURI()) > 3 {
		text = strings.ReplaceAll(text, u.RequestURI(), redacted)
	}
	return text
}

// slackText is a message as Slack takes it: three characters are its own.
func slackText(m Message) string {
	text := fmt.Sprintf("%s\n%s\nby %s: %s\njournal %.12s", m.headline(), m.tidy(m.Op.Text, 300), m.tidy(m.Op.By, 80), m.tidy(m.Op.Reason, 300), m.Head)
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// event is the body of a webhook that is not Slack's. Keys may be added.
type event struct {
	Event     string    `json:"event"` // "rollback"
	Operation string    `json:"operation"`
	Service   string    `json:"service"`
	Target    string    `json:"target"`
	Kind      string    `json:"kind"`
	From      string    `json:"from"`
	To        string    `json:"to"`
	State     string    `json:"state"`
	Text      string    `json:"text"`
	By        string    `json:"by"`
	Reason    string    `json:"reason"`
	Began     time.Time `json:"began"`
	Applied   time.Time `json:"applied,omitzero"`
	Ended     time.Time `json:"ended"`
	Host      string    `json:"host"`
	Journal   string    `json:"journal"` // the newest hash of the journal, for verify --anchor
}

func asEvent(m Message) event {
	o := m.Op
	return event{Event: "rollback", Operation: o.ID, Service: m.tidy(o.Service, 100), Target: m.tidy(o.Target, 100), Kind: o.Kind, From: o.From, To: o.To,
		State: string(o.State), Text: m.tidy(o.Text, 500), By: m.tidy(o.By, 80), Reason: m.tidy(o.Reason, 500),
		Began: m.Began.UTC(), Applied: o.Applied.UTC(), Ended: m.Ended.UTC(), Host: m.Host, Journal: m.Head}
}
