package rollback

import (
	"context"
	"errors"
	"net/url"
	"sort"
	"strconv"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "langfuse",
		Doc: "A label of a prompt in Langfuse: the label moves back to an earlier version, in one transaction of theirs. Langfuse compares nothing " +
			"and keeps no history of labels; SDKs go on with the prompt they hold for a minute.",
		Example: `service = "code-assist"
kind = "prompt"
driver = "langfuse"
url = "https://cloud.langfuse.com"
prompt = "review/system"
label = "production"
settle = "60s"                     # how long SDKs go on with the prompt they hold
history = ""                       # where the label was before; "": a file beside the journal
username = "pk-lf-1234"            # the public key; the secret key is the token
bearer_token_file = "/run/secrets/langfuse"   # or: token = "${LANGFUSE_SECRET_KEY}"
timeout = "15s"
`,
		Open: openLangfuse,
	})
}

type langfuseConfig struct {
	apiConfig
	Prompt  string        `toml:"prompt"`
	Label   string        `toml:"label"`
	Settle  time.Duration `toml:"settle"`
	History string        `toml:"history"`
}

type langfuseTarget struct {
	info health.Target
	c    langfuseConfig
	*api
	past *past
}

func openLangfuse(info health.Target, decode Decode) (Target, error) {
	c := langfuseConfig{Label: "production", Settle: time.Minute}
	a, err := openAPI(decode, &c, &c.apiConfig)
	switch {
	case err != nil:
		return nil, err
	case c.Prompt == "":
		return nil, errors.New("prompt: which one is missing")
	case c.Label == "" || c.Label == "latest":
		return nil, errors.New("label: Langfuse moves \"latest\" by itself; name the label that is deployed")
	}
	return &langfuseTarget{info, c, a, newPast(c.History, info.Name)}, nil
}

func (t *langfuseTarget) Info() health.Target { return t.info }

func (t *langfuseTarget) Caps() Caps {
	return Caps{Idempotent: true, Settle: t.c.Settle, Words: "no compare-and-swap: the label goes to whoever asks last · moved in one transaction · " +
		"protected labels are not checked by this API"}
}

func (t *langfuseTarget) path() string { return "/api/public/v2/prompts/" + seg(t.c.Prompt) }

func (t *langfuseTarget) Current(ctx context.Context) (State, error) {
	var at struct {
		Version int      `json:"version"`
		Labels  []string `json:"labels"`
	}
	if err := t.read(ctx, t.path()+"?"+url.Values{"label": {t.c.Label}}.Encode(), &at); err != nil {
		return State{}, unread(t, err)
	}
	var list struct {
		Data []struct {
			Name     string `json:"name"`
			Versions []int  `json:"versions"`
		} `json:"data"`
	}
	if err := t.read(ctx, "/api/public/v2/prompts?"+url.Values{"name": {t.c.Prompt}, "limit": {"100"}}.Encode(), &list); err != nil {
		return State{}, unread(t, err)
	}
	versions := []health.Version{}
	for _, p := range list.Data {
		if p.Name != t.c.Prompt {
			continue
		}
		sort.Sort(sort.Reverse(sort.IntSlice(p.Versions)))
		for _, v := range p.Versions {
			versions = append(versions, health.Version{ID: strconv.Itoa(v)})
		}
	}
	if at.Version == 0 {
		return State{}, unread(t, errors.New("label "+tidy(t.c.Label, 60)+" is on no version"))
	}
	now := time.Now()
	s := stateOf(strconv.Itoa(at.Version), versions)
	s.Token, s.At = "v"+s.Version, now
	return t.past.remembered(s, now), nil
}

func (t *langfuseTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	return planFor(ctx, t, to)
}

func (t *langfuseTarget) Execute(ctx context.Context, p health.Plan, _, _ string) error {
	if err := still(ctx, t, p); err != nil {
		return err
	}
	_, err := t.send(ctx, "PATCH", t.path()+"/versions/"+seg(p.To), nil, map[string][]string{"newLabels": {t.c.Label}})
	return err
}
