package rollback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "launchdarkly",
		Doc: "A feature flag in LaunchDarkly: its default rule goes back to another variation, by a semantic patch with a comment. Rules and targets " +
			"of the flag stay. Where approvals are required LaunchDarkly refuses, and nothing is done.",
		Example: `service = "travel-agent"
kind = "config"
driver = "launchdarkly"
url = "https://app.launchdarkly.com"
project = "default"
environment = "production"
flag = "planner-model"
settle = "10s"                     # until SDKs follow
history = ""                       # what it served before; "": a file beside the journal
bearer_token_file = "/run/secrets/launchdarkly"   # or: token = "${LAUNCHDARKLY_TOKEN}"
timeout = "15s"
`,
		Open: openLaunchDarkly,
	})
}

type launchDarklyConfig struct {
	apiConfig
	Project     string        `toml:"project"`
	Environment string        `toml:"environment"`
	Flag        string        `toml:"flag"`
	Settle      time.Duration `toml:"settle"`
	History     string        `toml:"history"`
}

type launchDarklyTarget struct {
	info health.Target
	c    launchDarklyConfig
	*api
	past *past
}

func openLaunchDarkly(info health.Target, decode Decode) (Target, error) {
	c := launchDarklyConfig{Project: "default", Environment: "production", Settle: 10 * time.Second}
	a, err := openAPI(decode, &c, &c.apiConfig)
	switch {
	case err != nil:
		return nil, err
	case c.Flag == "" || c.Project == "" || c.Environment == "":
		return nil, errors.New("project, environment and flag: all three are needed")
	}
	a.bare = true
	return &launchDarklyTarget{info, c, a, newPast(c.History, info.Name)}, nil
}

func (t *launchDarklyTarget) Info() health.Target { return t.info }

func (t *launchDarklyTarget) Caps() Caps {
	return Caps{Idempotent: true, Settle: t.c.Settle, Words: "no compare-and-swap in a semantic patch: the flag is looked at right before · " +
		"only the default rule goes back; rules and targets stay"}
}

type ldFlag struct {
	Variations []struct {
		ID    string          `json:"_id"`
		Name  string          `json:"name"`
		Value json.RawMessage `json:"value"`
	} `json:"variations"`
	Environments map[string]struct {
		On           bool  `json:"on"`
		Version      int64 `json:"version"`
		Off          *int  `json:"offVariation"`
		LastModified int64 `json:"lastModified"`
		Fallthrough  struct {
			Variation *int            `json:"variation"`
			Rollout   json.RawMessage `json:"rollout"`
		} `json:"fallthrough"`
		Rules   []json.RawMessage `json:"rules"`
		Targets []struct {
			Values []string `json:"values"`
		} `json:"targets"`
	} `json:"environments"`
}

// name is what a variation is called: its name where that can be typed, else its
// value, else its place.
func (f ldFlag) name(i int) string {
	if i < 0 || i >= len(f.Variations) {
		return ""
	}
	v := f.Variations[i]
	var text string
	if json.Unmarshal(v.Value, &text) != nil {
		text = string(v.Value)
	}
	for _, s := range []string{v.Name, text} {
		if plainID(s) && len(s) <= 60 {
			return s
		}
	}
	return "variation-" + strconv.Itoa(i)
}

// ldRollout is what a flag runs that serves several variations by shares.
const ldRollout = "percentage-rollout"

func (t *launchDarklyTarget) flag(ctx context.Context) (ldFlag, error) {
	var f ldFlag
	err := t.read(ctx, t.path()+"?"+url.Values{"env": {t.c.Environment}}.Encode(), &f)
	if _, there := f.Environments[t.c.Environment]; err == nil && !there {
		err = fmt.Errorf("the flag has no environment %s", tidy(t.c.Environment, 60))
	}
	return f, err
}

func (t *launchDarklyTarget) path() string {
	return "/api/v2/flags/" + seg(t.c.Project) + "/" + seg(t.c.Flag)
}

func (t *launchDarklyTarget) Current(ctx context.Context) (State, error) {
	f, err := t.flag(ctx)
	if err != nil {
		return State{}, unread(t, err)
	}
	env := f.Environments[t.c.Environment]
	versions := []health.Version{}
	for i := range f.Variations {
		versions = append(versions, health.Version{ID: f.name(i)})
	}
	now := time.Now()
	current := ldRollout
	if env.Fallthrough.Variation != nil {
		current = f.name(*env.Fallthrough.Variation)
	}
	s := stateOf(current, versions)
	s.Back = "" // the order of variations says nothing about time
	s.Token, s.At = strconv.FormatInt(env.Version, 10), now
	if env.LastModified > 0 {
		s.Since = time.UnixMilli(env.LastModified).UTC()
	}
	if !env.On {
		s.Blocked = "the flag is off: everybody gets its off variation, whatever its default rule says"
	}
	if n := len(env.Rules); n > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d of its rules decide before the default rule, and stay", n))
	}
	people := 0
	for _, target := range env.Targets {
		people += len(target.Values)
	}
	if people > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d single targets are served before the default rule, and stay", people))
	}
	return t.past.remembered(s, now), nil
}

func (t *launchDarklyTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	return planFor(ctx, t, to)
}

func (t *launchDarklyTarget) Execute(ctx context.Context, p health.Plan, op, reason string) error {
	if err := still(ctx, t, p); err != nil {
		return err
	}
	f, err := t.flag(ctx)
	if err != nil {
		return notSent(err)
	}
	id := ""
	for i := range f.Variations {
		if f.name(i) == p.To {
			id = f.Variations[i].ID
		}
	}
	if id == "" {
		return fmt.Errorf("%w: nothing was sent: the flag has no variation %s any more", ErrFailed, p.To)
	}
	_, err = t.send(ctx, http.MethodPatch, t.path(), http.Header{"Content-Type": {"application/json; domain-model=launchdarkly.semanticpatch"}}, map[string]any{
		"environmentKey": t.c.Environment, "comment": "sickbay " + op + ": " + redact(tidy(reason, 200)),
		"instructions": []map[string]string{{"kind": "updateFallthroughVariationOrRollout", "variationId": id}}})
	return err
}
