package sources

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "github",
		Doc:  "Changes from GitHub: the deployments of a repository that succeeded, with the one before each.",
		Example: `kind = "github"
name = "github"
url = "https://api.github.com"    # of your own server: https://github.example.com/api/v3
repository = "example/support-chat"
environment = "production"        # empty: all of them
service = "support-chat"          # empty: called like the repository
every = "1m"                      # between two looks; a token may ask 5000 times an hour, nobody 60
` + webExample,
		Open: openGitHub,
	})
}

type githubConfig struct {
	webConfig
	Every       time.Duration `toml:"every"`
	Repository  string        `toml:"repository"`
	Environment string        `toml:"environment"`
	Service     string        `toml:"service"`
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$`)

// githubDeployment is what is used of GET /repos/{owner}/{repo}/deployments (REST
// API 2022-11-28). Whether it succeeded only its statuses tell.
type githubDeployment struct {
	ID          int64     `json:"id"`
	SHA         string    `json:"sha"`
	Ref         string    `json:"ref"`
	Environment string    `json:"environment"`
	Description string    `json:"description"`
	Created     time.Time `json:"created_at"`
	Updated     time.Time `json:"updated_at"`
	Creator     struct {
		Login string `json:"login"`
	} `json:"creator"`
}

// githubStatus is what is used of …/deployments/{id}/statuses, newest first.
type githubStatus struct {
	State   string    `json:"state"`
	Created time.Time `json:"created_at"`
	Log     string    `json:"log_url"`
}

const githubVersion = "X-GitHub-Api-Version"

// maxStatuses bounds how many deployments are asked for their statuses at one look.
const maxStatuses = 20

type github struct {
	*ledger
	githubConfig
	done map[int64]githubStatus // by deployment; State "" has not succeeded as of Created
}

func openGitHub(name string, decode Decode) (Source, error) {
	c := githubConfig{Every: time.Minute}
	if err := decode(&c); err != nil {
		return nil, err
	}
	switch {
	case c.Repository == "":
		return nil, errors.New(`repository: is missing; say which: repository = "owner/name"`)
	case !repositoryName.MatchString(c.Repository):
		return nil, fmt.Errorf(`repository: %q is no "owner/name"`, c.Repository)
	}
	if c.HTTPHeaders == nil {
		c.HTTPHeaders = map[string]string{}
	}
	if _, set := c.HTTPHeaders[githubVersion]; !set {
		c.HTTPHeaders[githubVersion] = "2022-11-28" // a later one may answer otherwise
	}
	l, err := (&ledgerConfig{Every: c.Every}).open(&c.webConfig, name, "github", "GitHub's API")
	if err != nil {
		return nil, err
	}
	l.moved = "if it was renamed, put its new name into repository"
	g := &github{l, c, map[int64]githubStatus{}}
	l.list = g.look
	return l, nil
}

func (g *github) look(ctx context.Context, since time.Time) ([]health.Change, error) {
	path := "repos/" + g.Repository + "/deployments"
	query := url.Values{"per_page": {strconv.Itoa(perPage)}}
	if g.Environment != "" {
		query.Set("environment", g.Environment)
	}
	var got []githubDeployment // newest first
	if err := g.get(ctx, path, query, &got); err != nil {
		return nil, err
	}
	asked := 0
	var deployed []deployment
	for _, d := range got {
		if status, known := g.done[d.ID]; !known || status.State == "" && d.Updated.After(status.Created) {
			if asked++; asked > maxStatuses {
				break // what is older is seldom wanted, and comes with the next look
			}
			status, err := g.succeeded(ctx, path, d)
			if err != nil {
				return nil, err
			}
			g.done[d.ID] = status
		}
		if s := g.done[d.ID]; s.State == "success" {
			deployed = append(deployed, deployment{
				id: d.ID, ref: d.Ref, sha: d.SHA, environment: d.Environment, text: d.Description, by: d.Creator.Login, url: s.Log,
				started: d.Created, finished: s.Created,
			})
		}
	}
	return g.deployments(deployed, serviceOr(g.githubConfig.Service, g.Repository), since), nil
}

// succeeded finds the status that says so: it may be inactive by now.
func (g *github) succeeded(ctx context.Context, path string, d githubDeployment) (githubStatus, error) {
	var got []githubStatus
	if err := g.get(ctx, path+"/"+strconv.FormatInt(d.ID, 10)+"/statuses", url.Values{"per_page": {strconv.Itoa(perPage)}}, &got); err != nil {
		return githubStatus{}, err
	}
	for _, s := range got {
		if s.State == "success" {
			return s, nil
		}
	}
	return githubStatus{Created: d.Updated}, nil
}
