package sources

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "argocd",
		Doc:  "Changes from Argo CD: every sync of every application that its history still holds, with what it went from and to.",
		Example: `kind = "argocd"
name = "argo"
url = "https://argocd.example.com"
project = ""         # empty: all of them
` + ledgerExample + webExample,
		Open: openArgoCD,
	})
}

type argocdConfig struct {
	webConfig
	ledgerConfig
	Project string `toml:"project"`
}

// argoListed are the fields of its applications that a list may be asked for. Their
// history is none of them: the server knows a fixed few (appFields of
// pkg/apiclient/application/forwarder_overwrite.go, Argo CD 2.14 and 3.6) and leaves
// out the others without a word. So the list tells who was operated lately, and those
// are asked one by one.
const argoListed = "items.metadata.name,items.metadata.namespace,items.status.operationState.startedAt,items.status.operationState.finishedAt"

// argoApps is what is used of GET /api/v1/applications (v1alpha1ApplicationList of
// assets/swagger.json).
type argoApps struct {
	Items []argoApp `json:"items"`
}

type argoApp struct {
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Status struct {
		History   []argoSync `json:"history"` // not in a list
		Operation struct {
			Started  time.Time `json:"startedAt"`
			Finished time.Time `json:"finishedAt"`
		} `json:"operationState"`
	} `json:"status"`
}

type argoSync struct {
	ID        int64        `json:"id"`
	Revision  string       `json:"revision"`
	Revisions []string     `json:"revisions"` // of an application with several sources
	Started   time.Time    `json:"deployStartedAt"`
	Deployed  time.Time    `json:"deployedAt"`
	Source    argoSource   `json:"source"`
	Sources   []argoSource `json:"sources"`
	By        struct {
		User      string `json:"username"`
		Automated bool   `json:"automated"`
	} `json:"initiatedBy"`
}

type argoSource struct {
	Repo  string `json:"repoURL"`
	Path  string `json:"path"`
	Chart string `json:"chart"`
}

// maxHistories bounds how many applications are asked for their history at one look.
const maxHistories = 50

// argocd reads the histories of applications, each again when it was operated again.
type argocd struct {
	*ledger
	query url.Values
	read  map[string]argoRead // by "namespace/name"
}

// argoRead is the history of an application as of its last operation.
type argoRead struct {
	operated time.Time
	app      argoApp
}

func openArgoCD(name string, decode Decode) (Source, error) {
	var c argocdConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	l, err := c.ledgerConfig.open(&c.webConfig, name, "argocd", "Argo CD")
	if err != nil {
		return nil, err
	}
	a := &argocd{ledger: l, query: url.Values{"fields": {argoListed}}}
	if c.Project != "" {
		a.query.Set("projects", c.Project)
	}
	l.list = a.look
	return l, nil
}

// look lists the applications and asks those for their history that were operated
// since it was read, the newest first. One that does not answer keeps no other away.
func (a *argocd) look(ctx context.Context, since time.Time) ([]health.Change, error) {
	var apps argoApps
	if err := a.get(ctx, "api/v1/applications", a.query, &apps); err != nil {
		return nil, err
	}
	slices.SortStableFunc(apps.Items, func(x, y argoApp) int { return y.operated().Compare(x.operated()) })
	var all []health.Change
	var failed error
	read, asked := make(map[string]argoRead, len(a.read)), 0
	for _, app := range apps.Items {
		key := app.Metadata.Namespace + "/" + app.Metadata.Name
		known, operated := a.read[key], app.operated()
		if operated.Before(since) {
			continue
		}
		if !known.operated.Equal(operated) && asked < maxHistories {
			asked++
			if got, err := a.history(ctx, app); err == nil {
				known = argoRead{operated, got}
			} else if failed == nil {
				failed = err
			}
		}
		read[key] = known
		all = append(all, a.syncs(known.app, since)...)
	}
	a.read = read
	return all, failed
}

// operated is when the last operation on an application began or ended.
func (a argoApp) operated() time.Time {
	if o := a.Status.Operation; o.Finished.After(o.Started) {
		return o.Finished
	}
	return a.Status.Operation.Started
}

// history asks for one application whole: of one, the server selects no fields.
func (a *argocd) history(ctx context.Context, app argoApp) (argoApp, error) {
	query := url.Values{}
	if app.Metadata.Namespace != "" {
		query.Set("appNamespace", app.Metadata.Namespace)
	}
	var got argoApp
	err := a.get(ctx, "api/v1/applications/"+url.PathEscape(app.Metadata.Name), query, &got)
	return got, err
}

// syncs are the changes that the history of an application tells of. A sync lasts:
// that is how well its time is known.
func (l *ledger) syncs(a argoApp, since time.Time) []health.Change {
	slices.SortFunc(a.Status.History, func(x, y argoSync) int { return cmp.Compare(x.ID, y.ID) })
	var all []health.Change
	before := ""
	for _, s := range a.Status.History {
		to := s.to()
		from := before
		before = to
		if s.Deployed.Before(since) {
			continue
		}
		c := health.Change{
			ID:   fmt.Sprintf("%s/%s/%s/%d", l.name, a.Metadata.Namespace, a.Metadata.Name, s.ID),
			Kind: "deploy", Service: l.service(a.Metadata.Name), From: from, To: to,
			Text: "synced " + cmp.Or(s.what(), a.Metadata.Name), URL: l.base.JoinPath("applications", a.Metadata.Namespace, a.Metadata.Name).String(),
		}
		c.At, c.Uncertain = between(s.Started, s.Deployed)
		if from == to {
			c.Kind = "config" // the same revision with other parameters
		}
		switch {
		case s.By.Automated:
			c.Text += ", by itself"
		case s.By.User != "":
			c.Text += ", by " + s.By.User
		}
		all = append(all, c)
	}
	return all
}

// to is what was synced: a revision, or that of each source.
func (s argoSync) to() string {
	if s.Revision != "" {
		return brief(s.Revision)
	}
	all := make([]string, len(s.Revisions))
	for i, r := range s.Revisions {
		all[i] = brief(r)
	}
	return strings.Join(all, " ")
}

// what names the source, or each of several.
func (s argoSync) what() string {
	all := s.Sources
	if len(all) == 0 {
		all = []argoSource{s.Source}
	}
	names := make([]string, len(all))
	for i, from := range all {
		names[i] = cmp.Or(from.Chart, from.Path, from.Repo)
	}
	return strings.Join(names, " and ")
}
