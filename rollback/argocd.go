package rollback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "argocd",
		Doc: "An application of Argo CD: it is synced to an entry of its history. Argo CD refuses while auto-sync is on, and while another operation runs; " +
			"git still names the new version, so the next sync goes forward again.",
		Example: `service = "travel-agent"
kind = "deploy"
driver = "argocd"
url = "https://argocd.example.com"
application = "travel-agent"
app_namespace = ""                 # where the Application is, if not with Argo CD
prune = false                      # delete what the old revision does not have
settle = "0s"
bearer_token_file = "/run/secrets/argocd"   # of an account that may sync (or rollback, where enforced)
timeout = "15s"
`,
		Open: openArgoCD,
	})
}

type argocdConfig struct {
	apiConfig
	Application string        `toml:"application"`
	Namespace   string        `toml:"app_namespace"`
	Prune       bool          `toml:"prune"`
	Settle      time.Duration `toml:"settle"`
}

type argocdTarget struct {
	info health.Target
	c    argocdConfig
	*api
}

func openArgoCD(info health.Target, decode Decode) (Target, error) {
	var c argocdConfig
	a, err := openAPI(decode, &c, &c.apiConfig)
	if err != nil {
		return nil, err
	}
	if !kubeName(c.Application) {
		return nil, fmt.Errorf("application: %q is no name of one", tidy(c.Application, 60))
	}
	a.max = kubeMax
	return &argocdTarget{info, c, a}, nil
}

func (t *argocdTarget) Info() health.Target { return t.info }

func (t *argocdTarget) Caps() Caps {
	return Caps{Settle: t.c.Settle, Patience: 10 * time.Minute, Words: "no compare-and-swap with what you saw: Argo CD only refuses while another operation runs · " +
		"git still names the new version: the next sync goes forward again"}
}

// argoApp is an Application, as far as it matters here.
type argoApp struct {
	Spec struct {
		SyncPolicy *struct {
			Automated *struct {
				Enabled *bool `json:"enabled"`
			} `json:"automated"`
		} `json:"syncPolicy"`
	} `json:"spec"`
	Status struct {
		History []argoEntry `json:"history"`
		Health  struct {
			Status string `json:"status"`
		} `json:"health"`
		Operation struct {
			Phase string `json:"phase"`
		} `json:"operationState"`
	} `json:"status"`
	Operation any `json:"operation"`
}

type argoEntry struct {
	ID        int64     `json:"id"`
	Revision  string    `json:"revision"`
	Revisions []string  `json:"revisions"`
	Deployed  time.Time `json:"deployedAt"`
}

// version is an entry's revision; of several sources all, joined.
func (e argoEntry) version() string {
	if len(e.Revisions) > 0 {
		return strings.Join(e.Revisions, ",")
	}
	return e.Revision
}

func (a argoApp) auto() bool {
	p := a.Spec.SyncPolicy
	return p != nil && p.Automated != nil && (p.Automated.Enabled == nil || *p.Automated.Enabled)
}

func (a argoApp) busy() bool {
	return a.Operation != nil || a.Status.Operation.Phase == "Running" || a.Status.Operation.Phase == "Terminating"
}

func (t *argocdTarget) path(verb string) string {
	path := "/api/v1/applications/" + seg(t.c.Application) + verb
	if t.c.Namespace != "" {
		path += "?" + url.Values{"appNamespace": {t.c.Namespace}}.Encode()
	}
	return path
}

func (t *argocdTarget) look(ctx context.Context) (argoApp, State, error) {
	var a argoApp
	if err := t.read(ctx, t.path(""), &a); err != nil {
		return a, State{}, err
	}
	var all []deployed
	for i := len(a.Status.History) - 1; i >= 0; i-- {
		e := a.Status.History[i]
		all = append(all, deployed{version: e.version(), at: e.Deployed, note: "history " + strconv.FormatInt(e.ID, 10), done: true})
	}
	s, err := stateOfDeployments(all)
	if err != nil {
		return a, s, errors.New("its history is empty: what runs is not known")
	}
	s.Token = strconv.FormatInt(a.Status.History[len(a.Status.History)-1].ID, 10)
	s.Ready = !a.busy() && (a.Status.Health.Status == "Healthy" || a.Status.Health.Status == "")
	switch {
	case a.auto():
		s.Blocked = "auto-sync is on, and Argo CD then refuses to roll back: argocd app set " + t.c.Application + " --sync-policy none"
	case a.busy():
		s.Blocked = "another operation of Argo CD is under way"
	}
	return a, s, nil
}

func (t *argocdTarget) Current(ctx context.Context) (State, error) {
	_, s, err := t.look(ctx)
	return looked(t, s, err)
}

// id is the newest entry of the history with a version.
func (a argoApp) id(version string) (int64, bool) {
	for i := len(a.Status.History) - 1; i >= 0; i-- {
		if e := a.Status.History[i]; e.version() == version {
			return e.ID, true
		}
	}
	return 0, false
}

func (t *argocdTarget) rollback(ctx context.Context, id int64) error {
	body := map[string]any{"name": t.c.Application, "id": id, "dryRun": false, "prune": t.c.Prune}
	if t.c.Namespace != "" {
		body["appNamespace"] = t.c.Namespace
	}
	_, err := t.send(ctx, http.MethodPost, t.path("/rollback"), nil, body)
	return err
}

// Plan does not use Argo CD's own dry run: it is an operation of the application, is
// recorded as one, and so is no mere look.
func (t *argocdTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	p, err := planFor(ctx, t, to)
	if err == nil {
		p.Warnings = append(p.Warnings, "git still names "+p.From+": change it there, too, before anybody syncs")
	}
	return p, err
}

func (t *argocdTarget) Execute(ctx context.Context, p health.Plan, _, _ string) error {
	if err := still(ctx, t, p); err != nil {
		return err
	}
	a, _, err := t.look(ctx)
	if err != nil {
		return notSent(err)
	}
	id, ok := a.id(p.To)
	if !ok {
		return fmt.Errorf("%w: nothing was sent: %s is not in its history any more", ErrFailed, p.To)
	}
	return t.rollback(ctx, id)
}
