package rollback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "litellm",
		Doc: "A model of a LiteLLM proxy that keeps its models in the database: its deployment goes back to an earlier provider model. " +
			"Models of the proxy's own config file cannot be changed this way. Every replica of the proxy follows when it looks again.",
		Example: `service = "summarizer"
kind = "model"
driver = "litellm"
url = "https://litellm.example.com"
model_name = "summarizer"          # as callers name it
model_id = ""                      # of the deployment, where several have that name
versions = ["openai/gpt-5.1", "openai/gpt-5", "azure/gpt-4.1"]   # newest first: LiteLLM keeps no list
settle = "30s"                     # until every replica of the proxy has looked again
history = ""                       # what it was before; "": a file beside the journal
bearer_token_file = "/run/secrets/litellm"
timeout = "15s"
`,
		Open: openLiteLLM,
	})
}

type litellmConfig struct {
	apiConfig
	ModelName string        `toml:"model_name"`
	ModelID   string        `toml:"model_id"`
	Versions  []string      `toml:"versions"`
	Settle    time.Duration `toml:"settle"`
	History   string        `toml:"history"`
}

type litellmTarget struct {
	info health.Target
	c    litellmConfig
	*api
	past *past
}

func openLiteLLM(info health.Target, decode Decode) (Target, error) {
	c := litellmConfig{Settle: 30 * time.Second}
	a, err := openAPI(decode, &c, &c.apiConfig)
	switch {
	case err != nil:
		return nil, err
	case c.ModelName == "":
		return nil, errors.New("model_name: which model is missing")
	case len(c.Versions) == 0:
		return nil, errors.New("versions: LiteLLM keeps no list; name the models it may go back to, newest first")
	case slices.ContainsFunc(c.Versions, func(v string) bool { return !plainID(v) }):
		return nil, errors.New("versions: visible ASCII, no blanks")
	}
	return &litellmTarget{info, c, a, newPast(c.History, info.Name)}, nil
}

func (t *litellmTarget) Info() health.Target { return t.info }

func (t *litellmTarget) Caps() Caps {
	return Caps{Idempotent: true, Settle: t.c.Settle, Words: "no compare-and-swap: the proxy takes whatever comes last · " +
		"replicas follow one by one: for seconds both answer"}
}

type litellmModel struct {
	Name   string `json:"model_name"`
	Params struct {
		Model string `json:"model"`
	} `json:"litellm_params"`
	Info struct {
		ID      string `json:"id"`
		DBModel bool   `json:"db_model"`
	} `json:"model_info"`
}

func (t *litellmTarget) find(ctx context.Context) (litellmModel, error) {
	var list struct{ Data []litellmModel }
	if err := t.read(ctx, "/model/info", &list); err != nil {
		return litellmModel{}, err
	}
	all := slices.DeleteFunc(list.Data, func(m litellmModel) bool {
		return m.Name != t.c.ModelName || t.c.ModelID != "" && m.Info.ID != t.c.ModelID
	})
	switch len(all) {
	case 0:
		return litellmModel{}, fmt.Errorf("the proxy has no model %s", tidy(t.c.ModelName, 60))
	case 1:
		return all[0], nil
	}
	return litellmModel{}, fmt.Errorf("%d deployments are called %s: choose one by model_id", len(all), tidy(t.c.ModelName, 60))
}

func (t *litellmTarget) Current(ctx context.Context) (State, error) {
	m, err := t.find(ctx)
	if err != nil {
		return State{}, unread(t, err)
	}
	versions := []health.Version{}
	for _, v := range t.c.Versions {
		versions = append(versions, health.Version{ID: v})
	}
	now := time.Now()
	s := stateOf(m.Params.Model, versions)
	s.Token, s.At = m.Info.ID+" "+m.Params.Model, now
	if !m.Info.DBModel {
		s.Blocked = "the model is in the proxy's config file: change it there and restart the proxy"
	}
	return t.past.remembered(s, now), nil
}

func (t *litellmTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	return planFor(ctx, t, to)
}

func (t *litellmTarget) Execute(ctx context.Context, p health.Plan, _, _ string) error {
	if err := still(ctx, t, p); err != nil {
		return err
	}
	m, err := t.find(ctx)
	if err != nil {
		return notSent(err)
	}
	got, err := t.send(ctx, "POST", "/model/update", nil, map[string]any{
		"model_info": map[string]string{"id": m.Info.ID}, "litellm_params": map[string]string{"model": p.To}})
	switch {
	case err == nil && strings.TrimSpace(string(got.body)) == "null":
		return fmt.Errorf("%w: the proxy changed nothing: it does not store models in its database (STORE_MODEL_IN_DB)", ErrFailed)
	case got.code == http.StatusBadRequest && !litellmRefused(got.body):
		return errors.New(strings.TrimPrefix(err.Error(), ErrFailed.Error()+": ")) // after the write it says 400 as well
	}
	return err
}

// litellmRefused says whether a 400 came before anything was written. The proxy makes
// one of every error, those after its write included (reloading its models, the audit
// log); only these words are from before.
func litellmRefused(body []byte) bool {
	for _, before := range []string{"model not found", "Can't edit model", "model_info not provided", "model_info.id not provided", "litellm_params not provided"} {
		if bytes.Contains(body, []byte(before)) {
			return true
		}
	}
	return false
}
