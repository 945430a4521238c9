package rollback

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "gitlab",
		Doc: "A GitLab pipeline that deploys: it is started for an earlier version, with the operation id among its variables. What runs is what GitLab's " +
			"deployments of the environment say. GitLab compares nothing, and \"prevent outdated deployment jobs\" can refuse a rollback's job by design.",
		Example: `service = "demand-forecast"
kind = "deploy"
driver = "gitlab"
url = "https://gitlab.example.com/api/v4"
project = "ml/demand-forecast"     # its path or id
environment = "production"         # whose deployments say what runs: their ref
ref = ""                           # the pipeline of this branch is run; "": that of the version itself, a tag
version_variable = "VERSION"       # the variable that takes the version; "": none
settle = "0s"
bearer_token_file = "/run/secrets/gitlab"   # an access token with scope api
timeout = "15s"
`,
		Open: openGitLab,
	})
}

type gitlabConfig struct {
	apiConfig
	Project         string        `toml:"project"`
	Environment     string        `toml:"environment"`
	Ref             string        `toml:"ref"`
	VersionVariable string        `toml:"version_variable"`
	Settle          time.Duration `toml:"settle"`
}

type gitlabTarget struct {
	info health.Target
	c    gitlabConfig
	*api
}

func openGitLab(info health.Target, decode Decode) (Target, error) {
	c := gitlabConfig{Environment: "production"}
	a, err := openAPI(decode, &c, &c.apiConfig)
	switch {
	case err != nil:
		return nil, err
	case c.Project == "" || c.Environment == "":
		return nil, errors.New("project and environment: both are needed")
	case c.Ref != "" && c.VersionVariable == "":
		return nil, errors.New("version_variable: the pipeline of one branch has to be told the version")
	}
	return &gitlabTarget{info, c, a}, nil
}

func (t *gitlabTarget) Info() health.Target { return t.info }

func (t *gitlabTarget) Caps() Caps {
	return Caps{Settle: t.c.Settle, Patience: 20 * time.Minute, Words: "no compare-and-swap: the pipeline runs whatever happened meanwhile · not idempotent: a second one is a second pipeline · " +
		"applied when a deployment of that version succeeded"}
}

func (t *gitlabTarget) repo() string { return "/projects/" + seg(t.c.Project) }

func (t *gitlabTarget) Current(ctx context.Context) (State, error) {
	var list []struct {
		ID      int64     `json:"id"`
		IID     int64     `json:"iid"`
		Ref     string    `json:"ref"`
		SHA     string    `json:"sha"`
		Status  string    `json:"status"`
		Created time.Time `json:"created_at"`
	}
	query := url.Values{"environment": {t.c.Environment}, "order_by": {"id"}, "sort": {"desc"}, "per_page": {"30"}}
	if err := t.read(ctx, t.repo()+"/deployments?"+query.Encode(), &list); err != nil {
		return State{}, unread(t, err)
	}
	var all []deployed
	for _, d := range list {
		all = append(all, deployed{version: d.Ref, at: d.Created, note: d.SHA[:min(len(d.SHA), 8)], done: d.Status == "success",
			running: d.Status == "created" || d.Status == "running" || d.Status == "blocked"})
	}
	s, err := stateOfDeployments(all)
	if err != nil {
		return State{}, unread(t, err)
	}
	s.Token = strconv.FormatInt(list[0].ID, 10)
	if list[0].Status == "blocked" {
		s.Notes = append(s.Notes, "a deployment waits for an approval")
	}
	return s, nil
}

func (t *gitlabTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	p, err := planFor(ctx, t, to)
	if err == nil {
		p.Diff = append(p.Diff, "  runs the pipeline of "+or(t.c.Ref, p.To)+" in "+tidy(t.c.Project, 60))
	}
	return p, err
}

func (t *gitlabTarget) Execute(ctx context.Context, p health.Plan, op, _ string) error {
	if err := still(ctx, t, p); err != nil {
		return err
	}
	type variable struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	variables := []variable{{"SICKBAY_OPERATION", op}}
	if t.c.VersionVariable != "" {
		variables = append(variables, variable{t.c.VersionVariable, p.To})
	}
	_, err := t.send(ctx, http.MethodPost, t.repo()+"/pipeline", nil, map[string]any{"ref": or(t.c.Ref, p.To), "variables": variables})
	return err
}
