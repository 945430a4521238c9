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

// argoApps is what is used of GET /api/v1/applications (Argo CD 2.14, OpenAPI
// document of the server, v1alpha1ApplicationList).
type argoApps struct {
	Items []argoApp `json:"items"`
}

type argoApp struct {
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Status struct {
		History []argoSync `json:"history"`
	} `json:"status"`
}

type argoSync struct {
	ID        int64      `json:"id"`
	Revision  string     `json:"revision"`
	Revisions []string   `json:"revisions"` // of an application with several sources
	Started   time.Time  `json:"deployStartedAt"`
	Deployed  time.Time  `json:"deployedAt"`
	Source    argoSource `json:"source"`
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

func openArgoCD(name string, decode Decode) (Source, error) {
	var c argocdConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	l, err := c.ledgerConfig.open(&c.webConfig, name, "argocd", "Argo CD")
	if err != nil {
		return nil, err
	}
	query := url.Values{"fields": {"items.metadata.name,items.metadata.namespace,items.status.history"}}
	if c.Project != "" {
		query.Set("projects", c.Project)
	}
	l.list = func(ctx context.Context, since time.Time) ([]health.Change, error) {
		var apps argoApps
		if err := l.get(ctx, "api/v1/applications", query, &apps); err != nil {
			return nil, err
		}
		var all []health.Change
		for _, a := range apps.Items {
			all = append(all, l.syncs(a, since)...)
		}
		return all, nil
	}
	return l, nil
}

// syncs are the changes that the history of an application tells of. A sync lasts:
// that is how well its time is known.
func (l *ledger) syncs(a argoApp, since time.Time) []health.Change {
	slices.SortFunc(a.Status.History, func(x, y argoSync) int { return cmp.Compare(x.ID, y.ID) })
	var all []health.Change
	before := ""
	for _, s := range a.Status.History {
		to := brief(cmp.Or(s.Revision, strings.Join(s.Revisions, " ")))
		from := before
		before = to
		if s.Deployed.Before(since) {
			continue
		}
		c := health.Change{
			ID:   fmt.Sprintf("%s/%s/%s/%d", l.name, a.Metadata.Namespace, a.Metadata.Name, s.ID),
			Kind: "deploy", Service: l.service(a.Metadata.Name), From: from, To: to,
			Text: "synced " + cmp.Or(s.Source.Chart, s.Source.Path, s.Source.Repo, a.Metadata.Name), URL: l.base.JoinPath("applications", a.Metadata.Namespace, a.Metadata.Name).String(),
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
