package rollback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "github",
		Doc: "A GitHub Actions workflow that deploys: it is started for an earlier version, with the operation id among its inputs. What runs is what " +
			"GitHub's deployments of the environment say. GitHub compares nothing, and a second dispatch is a second run: give the workflow a concurrency group.",
		Example: `service = "docs-answers"
kind = "deploy"
driver = "github"
url = "https://api.github.com"
repository = "example/docs-answers"
workflow = "deploy.yml"            # its file name or id; on: workflow_dispatch
environment = "production"         # whose deployments say what runs: their payload's version, else their ref
ref = ""                           # the workflow of this branch is run; "": that of the version itself, a tag
version_input = "version"          # the input that takes the version; "": none
operation_input = "sickbay"        # the input that takes the operation id; "": none
settle = "0s"
bearer_token_file = "/run/secrets/github"   # needs actions: write, deployments: read
timeout = "15s"
`,
		Open: openGitHub,
	})
}

type githubConfig struct {
	apiConfig
	Repository     string        `toml:"repository"`
	Workflow       string        `toml:"workflow"`
	Environment    string        `toml:"environment"`
	Ref            string        `toml:"ref"`
	VersionInput   string        `toml:"version_input"`
	OperationInput string        `toml:"operation_input"`
	Settle         time.Duration `toml:"settle"`
}

type githubTarget struct {
	info health.Target
	c    githubConfig
	*api

	mu    sync.Mutex
	ended map[int64]string // last state of deployments that will not change any more
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$`)

func openGitHub(info health.Target, decode Decode) (Target, error) {
	c := githubConfig{Environment: "production"}
	c.URL = "https://api.github.com"
	a, err := openAPI(decode, &c, &c.apiConfig)
	switch {
	case err != nil:
		return nil, err
	case !repositoryName.MatchString(c.Repository):
		return nil, fmt.Errorf("repository: %q is not owner/name", tidy(c.Repository, 60))
	case c.Workflow == "" || c.Environment == "":
		return nil, errors.New("workflow and environment: both are needed")
	case c.Ref != "" && c.VersionInput == "":
		return nil, errors.New("version_input: the workflow of one branch has to be told the version")
	}
	a.headers.Set("X-GitHub-Api-Version", "2022-11-28")
	return &githubTarget{info: info, c: c, api: a, ended: map[int64]string{}}, nil
}

func (t *githubTarget) Info() health.Target { return t.info }

func (t *githubTarget) Caps() Caps {
	return Caps{Settle: t.c.Settle, Patience: 20 * time.Minute, Words: "no compare-and-swap: the workflow runs whatever happened meanwhile · not idempotent: a second dispatch is a second run · " +
		"applied when a deployment of that version succeeded"}
}

type githubDeployment struct {
	ID      int64     `json:"id"`
	Ref     string    `json:"ref"`
	SHA     string    `json:"sha"`
	Created time.Time `json:"created_at"`
	Text    string    `json:"description"`
	Payload any       `json:"payload"` // an object, or a string
}

// version is what a deployment put there: what its payload says, else its ref.
func (d githubDeployment) version() string {
	if m, ok := d.Payload.(map[string]any); ok {
		if v, ok := m["version"].(string); ok && v != "" {
			return v
		}
	}
	return d.Ref
}

func (t *githubTarget) repo() string { return "/repos/" + t.c.Repository }

// state is the newest state of a deployment. Those of ended ones are asked for once:
// GitHub counts requests.
func (t *githubTarget) state(ctx context.Context, id int64) (string, error) {
	t.mu.Lock()
	known := t.ended[id]
	t.mu.Unlock()
	if known != "" {
		return known, nil
	}
	var statuses []struct{ State string }
	if err := t.read(ctx, t.repo()+"/deployments/"+strconv.FormatInt(id, 10)+"/statuses?per_page=1", &statuses); err != nil {
		return "", err
	}
	if len(statuses) == 0 {
		return "pending", nil
	}
	switch s := statuses[0].State; s {
	case "success", "inactive", "failure", "error":
		t.mu.Lock()
		t.ended[id] = s
		t.mu.Unlock()
	}
	return statuses[0].State, nil
}

// deployed is one deployment of a pipeline: what it put there, and how far it has come.
type deployed struct {
	version string
	at      time.Time
	note    string
	done    bool // it succeeded, then or until another came
	running bool
}

// stateOfDeployments reads deployments, newest first: what runs is the newest that
// succeeded, and what it was before is the version below it. A version that comes
// again takes what was tried after it away.
func stateOfDeployments(all []deployed) (State, error) {
	var past []health.Version
	seen, versions := map[string]bool{}, []health.Version{}
	ready := len(all) == 0 || !all[0].running
	for i := len(all) - 1; i >= 0; i-- {
		if d := all[i]; d.done && plainID(d.version) {
			past = fold(past, health.Version{ID: d.version, At: d.at})
		}
	}
	for _, d := range all {
		if d.done && !seen[d.version] {
			seen[d.version] = true
			versions = append(versions, health.Version{ID: d.version, At: d.at, Note: d.note})
		}
	}
	if len(past) == 0 {
		return State{}, errors.New("no deployment of the environment has succeeded: what runs is not known")
	}
	s := stateOf(past[len(past)-1].ID, versions)
	if s.Back = ""; len(past) > 1 {
		s.Back = past[len(past)-2].ID
	}
	s.Ready, s.At = ready, time.Now()
	if !ready {
		s.Notes = append(s.Notes, "a deployment is under way")
	}
	return s, nil
}

func (t *githubTarget) Current(ctx context.Context) (State, error) {
	var list []githubDeployment
	if err := t.read(ctx, t.repo()+"/deployments?"+url.Values{"environment": {t.c.Environment}, "per_page": {"15"}}.Encode(), &list); err != nil {
		return State{}, unread(t, err)
	}
	var all []deployed
	for _, d := range list {
		state, err := t.state(ctx, d.ID)
		if err != nil {
			return State{}, unread(t, err)
		}
		v := deployed{version: d.version(), at: d.Created, note: tidy(d.Text+" "+d.SHA[:min(len(d.SHA), 8)], 80),
			done: state == "success" || state == "inactive"}
		v.running = !v.done && state != "failure" && state != "error"
		all = append(all, v)
	}
	s, err := stateOfDeployments(all)
	if err != nil {
		return State{}, unread(t, err)
	}
	s.Token = strconv.FormatInt(list[0].ID, 10)
	return s, nil
}

func (t *githubTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	p, err := planFor(ctx, t, to)
	if err == nil {
		p.Diff = append(p.Diff, "  runs workflow "+tidy(t.c.Workflow, 60)+" of "+or(t.c.Ref, p.To)+" in "+t.c.Repository)
	}
	return p, err
}

func (t *githubTarget) Execute(ctx context.Context, p health.Plan, op, _ string) error {
	if err := still(ctx, t, p); err != nil {
		return err
	}
	inputs := map[string]string{}
	if t.c.VersionInput != "" {
		inputs[t.c.VersionInput] = p.To
	}
	if t.c.OperationInput != "" {
		inputs[t.c.OperationInput] = op
	}
	_, err := t.send(ctx, http.MethodPost, t.repo()+"/actions/workflows/"+seg(t.c.Workflow)+"/dispatches", nil,
		map[string]any{"ref": or(t.c.Ref, p.To), "inputs": inputs})
	return err
}
