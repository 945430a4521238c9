package rollback

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "mlflow",
		Doc: "An alias of a model in the MLflow registry: the alias moves back to an earlier version. MLflow compares nothing and keeps no " +
			"history of aliases: sickbay looks right before, and keeps a history of its own.",
		Example: `service = "churn-model"
kind = "model"
driver = "mlflow"
url = "https://mlflow.example.com"
model = "churn"
alias = "champion"
settle = "30s"                     # how long servers go on with what they have loaded
history = ""                       # what the alias was at before; "": a file beside the journal
username = ""                      # basic authentication; the password is the token
bearer_token_file = "/run/secrets/mlflow"
timeout = "15s"
`,
		Open: openMLflow,
	})
}

type mlflowConfig struct {
	apiConfig
	Model   string        `toml:"model"`
	Alias   string        `toml:"alias"`
	Settle  time.Duration `toml:"settle"`
	History string        `toml:"history"`
}

type mlflowTarget struct {
	info  health.Target
	c     mlflowConfig
	quote string // around the model's name in a filter
	*api
	past *past
}

func openMLflow(info health.Target, decode Decode) (Target, error) {
	c := mlflowConfig{Settle: 30 * time.Second}
	a, err := openAPI(decode, &c, &c.apiConfig)
	switch {
	case err != nil:
		return nil, err
	case c.Model == "" || c.Alias == "":
		return nil, errors.New("model and alias: both are needed")
	}
	// MLflow 3.17 knows two quotes and no way to write one within itself: a doubled one
	// finds nothing.
	quote := "'"
	if strings.Contains(c.Model, quote) {
		quote = `"`
	}
	if strings.Contains(c.Model, quote) {
		return nil, errors.New("model: MLflow cannot be asked for a name with both kinds of quotes")
	}
	return &mlflowTarget{info, c, quote, a, newPast(c.History, info.Name)}, nil
}

func (t *mlflowTarget) Info() health.Target { return t.info }

func (t *mlflowTarget) Caps() Caps {
	return Caps{Idempotent: true, Settle: t.c.Settle, Words: "no compare-and-swap: MLflow takes whatever comes last · moving an alias twice is once · " +
		"servers load the model when they look again"}
}

// milliseconds is a time as MLflow writes it: Unix milliseconds, as a number or in quotes.
type milliseconds struct{ time.Time }

func (m *milliseconds) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err == nil && n > 0 {
		m.Time = time.UnixMilli(n).UTC()
	}
	return nil // a time that cannot be read is not known
}

type mlflowVersion struct {
	Version string       `json:"version"`
	Created milliseconds `json:"creation_timestamp"`
	Status  string       `json:"status"`
	Text    string       `json:"description"`
}

func (t *mlflowTarget) aliasPath() string {
	return "/api/2.0/mlflow/registered-models/alias?" + url.Values{"name": {t.c.Model}, "alias": {t.c.Alias}}.Encode()
}

func (t *mlflowTarget) Current(ctx context.Context) (State, error) {
	var at struct {
		Version mlflowVersion `json:"model_version"`
	}
	if err := t.read(ctx, t.aliasPath(), &at); err != nil {
		return State{}, unread(t, err)
	}
	var list struct {
		Versions []mlflowVersion `json:"model_versions"`
	}
	if err := t.read(ctx, "/api/2.0/mlflow/model-versions/search?"+url.Values{
		"filter": {"name=" + t.quote + t.c.Model + t.quote}, "max_results": {"200"}, "order_by": {"version_number DESC"}}.Encode(), &list); err != nil {
		return State{}, unread(t, err)
	}
	versions := []health.Version{}
	for _, v := range list.Versions {
		if v.Status == "" || v.Status == "READY" {
			versions = append(versions, health.Version{ID: v.Version, At: v.Created.Time, Note: v.Text})
		}
	}
	if !plainID(at.Version.Version) {
		return State{}, unread(t, errors.New("alias "+tidy(t.c.Alias, 60)+" names no version"))
	}
	now := time.Now()
	s := stateOf(at.Version.Version, versions)
	s.Since = time.Time{} // when it was registered is not when the alias came to it
	s.Token, s.At = "v"+at.Version.Version, now
	s.Ready = at.Version.Status == "" || at.Version.Status == "READY"
	return t.past.remembered(s, now), nil
}

func (t *mlflowTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	return planFor(ctx, t, to)
}

func (t *mlflowTarget) Execute(ctx context.Context, p health.Plan, _, _ string) error {
	if err := still(ctx, t, p); err != nil {
		return err
	}
	_, err := t.send(ctx, "POST", "/api/2.0/mlflow/registered-models/alias", nil,
		map[string]string{"name": t.c.Model, "alias": t.c.Alias, "version": p.To})
	return err
}
